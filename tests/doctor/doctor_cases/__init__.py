"""Faulty and healthy models for the doctor: small, of different build, some on real weights."""

from doctor_cases.faulty import FAULTY
from doctor_cases.healthy import HEALTHY

__all__ = ["FAULTY", "HEALTHY"]
