"""Faulty and healthy models for the doctor: small, of different build, some on real weights."""

from doctor_cases import data_and_end, the_base, training  # noqa: F401  these register their cases with the others
from doctor_cases.faulty import FAULTY
from doctor_cases.healthy import HEALTHY

__all__ = ["FAULTY", "HEALTHY"]
