"""Say in one line why the course cannot be installed here; run by make before anything is installed.

Uses nothing but the standard library and stays silent when all is well.
"""

import importlib.util
import platform
import shutil
import sys
from pathlib import Path

GIGABYTES_NEEDED = 4  # TensorFlow alone unpacks to about 2


def problem(version=None, folder=".", system=None, machine=None):
    """Return what keeps the course from being installed in `folder`, or None.

    `version` (major, minor) of Python, `system` and `machine` as `platform` names them are those found, by default.
    """
    version = version or sys.version_info[:2]
    if not (3, 11) <= version <= (3, 13):
        found = ".".join(map(str, version))
        return (
            f"Python {found} was found, but TensorFlow needs 3.11, 3.12 or 3.13: "
            "name one, e.g. `make PYTHON=python3.12 lab`."
        )
    if (system or platform.system()) == "Darwin" and (machine or platform.machine()) == "x86_64":
        return "TensorFlow has no current build for Macs with an Intel processor: use Binder (see README.md)."
    for module in ("venv", "ensurepip"):
        if importlib.util.find_spec(module) is None:
            return f"Python's module {module} is missing: on Debian or Ubuntu run `sudo apt install python3-venv`."
    free = shutil.disk_usage(folder).free / 1e9
    if free < GIGABYTES_NEEDED and not (Path(folder) / ".venv").is_dir():
        return f"Only {free:.1f} GB are free on this disk, but the course needs {GIGABYTES_NEEDED}: free some space."
    return None


if __name__ == "__main__":
    if found := problem():
        sys.exit(found)
