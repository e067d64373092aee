"""The lab of silent mistakes: twelve trainings without an error message, each wrong in its own way.

``lab.Ward()`` holds what they share, ``lab.patient(number)`` is one of them: ``run`` trains it as its owner did,
``fix`` trains the corrected code, ``difference`` shows the corrected lines. ``lab.MISTAKES`` names what may be wrong.
"""

from helpers.course.lab.patient import Patient, Record, charts, table, with_units
from helpers.course.lab.patients import MISTAKES, PATIENTS
from helpers.course.lab.shared import Ward

FIRST_ROUND, SECOND_ROUND = PATIENTS[:6], PATIENTS[6:]

__all__ = [
    "FIRST_ROUND",
    "MISTAKES",
    "SECOND_ROUND",
    "Patient",
    "Record",
    "Ward",
    "charts",
    "patient",
    "table",
    "with_units",
]


def patient(number):
    """Return the `Patient` with a number from 1 to 12; any other raises a ValueError."""
    for candidate in PATIENTS:
        if candidate.number == number:
            return candidate
    raise ValueError(f"There is no patient {number!r}: expected a whole number from 1 to {len(PATIENTS)}.")
