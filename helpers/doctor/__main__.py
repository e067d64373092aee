"""``python -m helpers.doctor``: check the machine and the installation."""

import sys

if __name__ == "__main__":
    try:
        from helpers import machine
    except ImportError as error:
        sys.exit(f"[FAIL] packages: {error.name} is missing\n       → install the course: `make lab`, or see README.md")
    sys.exit(machine.report(machine.examine()))
