"""Fill a folder, such as a USB stick, from which the course is installed without a network: ``make wheelhouse``.

``python -m tools.wheelhouse FOLDER`` collects the wheels of the course and of all that it needs, in the versions of
constraints.txt, for this system and this Python; the learners' handouts; and a README.txt with the two commands that
install. ``--system windows --python-version 3.12`` collects for another system: one folder serves several, as pip
takes what fits. Python itself is not in it.
"""

import argparse
import email
import errno
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import tomllib
import zipfile
from pathlib import Path

from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from helpers import session
from helpers.course import working_copy
from helpers.storage import StorageError
from tools import handouts

FOLDER = "build/wheelhouse"
PYTHONS = ("3.11", "3.12", "3.13")  # of requires-python in pyproject.toml
WHEELS, README, CONSTRAINTS = "wheelhouse", "README.txt", "constraints.txt"
COURSE = "swap-the-head"
HERE = "this"
# System → what pip calls it, and what the conditions in packages' metadata ask for. glibc 2.35 is Ubuntu's of 2022.
GLIBC = [f"manylinux_2_{minor}_x86_64" for minor in range(35, 4, -1)]
SYSTEMS = {
    "linux": (
        [*GLIBC, "manylinux2014_x86_64", "manylinux2010_x86_64", "manylinux1_x86_64", "linux_x86_64"],
        {"sys_platform": "linux", "os_name": "posix", "platform_system": "Linux", "platform_machine": "x86_64"},
    ),
    "macos": (
        ["macosx_14_0_arm64"],
        {"sys_platform": "darwin", "os_name": "posix", "platform_system": "Darwin", "platform_machine": "arm64"},
    ),
    "windows": (
        ["win_amd64"],
        {"sys_platform": "win32", "os_name": "nt", "platform_system": "Windows", "platform_machine": "AMD64"},
    ),
}
SAID = {"manylinux": "Linux (Intel or AMD)", "macosx": "macOS (Apple silicon)", "win": "Windows (Intel or AMD)"}
READ_ME = """\
Swap the Head, without a network
================================

You need 4 GB of disk, and one of

    {systems}

Copy this whole folder to your computer, open a terminal in the copy, and type the two
commands of your system.

Linux, macOS:

    python3 -m venv course
    course/bin/python -m pip install --no-index --find-links {wheels} --constraint {constraints} {course}

Windows:

    py -m venv course
    course\\Scripts\\python -m pip install --no-index --find-links {wheels} --constraint {constraints} {course}

The second takes a few minutes. Then this checks your computer, and this opens the notebooks:

    Linux, macOS:  course/bin/swap-the-head doctor        course/bin/swap-the-head lab {learners}
    Windows:       course\\Scripts\\swap-the-head doctor    course\\Scripts\\swap-the-head lab {learners}
"""


def environment(system=HERE, version=None):
    """Return what the conditions in packages' metadata ask for, on a system with a version of Python such as 3.12."""
    if system == HERE:
        return default_environment()
    version = version or ".".join(platform.python_version_tuple()[:2])
    python = {"python_version": version, "python_full_version": f"{version}.9"}
    return default_environment() | SYSTEMS[system][1] | python


def pins(constraints, asked):
    """Return package → version of a list of constraints, for an `environment`."""
    lines = [line.partition("#")[0].strip() for line in Path(constraints).read_text(encoding="utf-8").splitlines()]
    given = [Requirement(line) for line in lines if line]
    fitting = [pin for pin in given if pin.marker is None or pin.marker.evaluate(asked)]
    return {canonicalize_name(pin.name): str(pin.specifier).removeprefix("==") for pin in fitting}


def needed(wheel, asked, extras=("",)):
    """Return the requirements in a wheel's metadata that hold in an `environment` with one of these extras."""
    found = [Requirement(line) for line in _metadata(wheel).get_all("Requires-Dist") or []]
    return [
        one for one in found if one.marker is None or any(one.marker.evaluate(asked | {"extra": e}) for e in extras)
    ]


def _metadata(wheel):
    try:
        with zipfile.ZipFile(wheel) as archive:  # setuptools carries the metadata of others, too, deeper inside
            (name,) = [one for one in archive.namelist() if one.endswith(".dist-info/METADATA") and one.count("/") == 1]
            return email.message_from_bytes(archive.read(name))
    except (zipfile.BadZipFile, ValueError, EOFError) as error:
        raise StorageError(f"{Path(wheel)} is damaged ({error}): delete it, and run this again.") from error


def collect(course_wheel, folder, constraints, system=HERE, version=None, extras=()):
    """Download the wheels of all that the course needs, and of all that these need, and return their paths.

    pip would look at the conditions of the system on which it runs (its ``--platform`` changes only which files fit),
    so the packages are followed here, and pip fetches them.

    Parameters
    ----------
    course_wheel : path
    folder : path
        Where wheels go; those that are there already are not fetched again.
    constraints : path
        One ``package==version`` a line, with a condition where versions differ.
    system : str, optional
        ``"this"`` or a key of `SYSTEMS`.
    version : str, optional
        A Python such as ``"3.12"``; by default the one that runs.
    extras : sequence of str, optional
        Of the course, such as ``"all"``.

    Raises
    ------
    helpers.storage.StorageError
        When a package has no version in the constraints, or no wheel for this system, or is damaged.
    """
    asked = environment(system, version)
    versions, folder = pins(constraints, asked), Path(folder)
    fit = []
    if system != HERE:
        fit = [f"--platform={name}" for name in SYSTEMS[system][0]] + ["--python-version", asked["python_version"]]
    waiting, got, done = needed(course_wheel, asked, ("", *extras)), {}, set()
    while waiting:
        wanted = {(canonicalize_name(one.name), extra) for one in waiting for extra in ("", *one.extras)} - done
        own = canonicalize_name(COURSE)
        names = {name for name, _ in wanted} - got.keys() - {own}
        if unknown := sorted(names - versions.keys()):
            raise StorageError(f"{Path(constraints).name} has no version of {', '.join(unknown)}: make constraints.")
        got |= _fetched({name: versions[name] for name in names}, folder, fit)
        done |= wanted
        waiting = [
            one
            for name, extra in wanted
            for one in needed(course_wheel if name == own else got[name], asked, ("", extra) if extra else ("",))
        ]
    return sorted(got.values())


def _fetched(versions, folder, fit):
    """Return package → wheel, downloaded by pip where it is not in the folder yet."""
    if not versions:
        return {}
    lines = [f"{name}=={version}" for name, version in sorted(versions.items())]
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "--no-deps", "--only-binary=:all:"]
    done = subprocess.run(
        [*pip, "--dest", str(folder), "--find-links", str(folder), *fit, *lines], capture_output=True, text=True
    )
    if done.returncode:
        told = [line for line in done.stderr.splitlines() if line.startswith("ERROR")] or done.stderr.splitlines()[-1:]
        if os.strerror(errno.ENOSPC) in done.stderr:
            raise StorageError(f"There is no space left in {folder}: free about 1 GB for each system, or name another.")
        raise StorageError(f"pip could not fetch the wheels: {told[-1] if told else 'it said nothing'}")
    fetched = {}
    for line in done.stdout.splitlines():  # "Saved ./numpy-...whl" and "File was already downloaded /.../numpy-...whl"
        if line.strip().endswith(".whl") and line.strip().startswith(("Saved", "File was already downloaded")):
            path = folder / Path(line.split(maxsplit=1)[1].replace("\\", "/")).name
            fetched[canonicalize_name(path.name.split("-")[0])] = path
    if missing := sorted(versions.keys() - fetched.keys()):
        raise StorageError(f"pip fetched no wheel of {', '.join(missing)}.")
    return fetched


def course_wheel(folder, root=working_copy.CHECKOUT):
    """Build the course's own wheel into a folder and return its path."""
    for old in Path(folder).glob(f"{COURSE.replace('-', '_')}-*.whl"):
        old.unlink()
    hatchling = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory"]
    done = subprocess.run([*hatchling, str(Path(folder).resolve())], cwd=root, capture_output=True, text=True)
    if done.returncode:
        raise StorageError(f"The course's wheel could not be built: {done.stderr.strip().splitlines()[-1]}")
    (path,) = Path(folder).glob(f"{COURSE.replace('-', '_')}-*.whl")
    return path


def write(folder, system=HERE, version=None, extras=(), root=working_copy.CHECKOUT):
    """Fill the folder, and return the wheels that are for this system and the lines that a person has to know.

    Raises
    ------
    helpers.storage.StorageError
        When the course has no such extra or does not run on this Python, before anything is made; when the folder
        cannot be written to; and what `collect` and `tools.handouts.write` raise.
    """
    refuse_unknown(extras, system, version, root)
    folder = working_copy.place(folder)
    if in_the_way := [
        place for place in (folder / WHEELS, folder, *folder.parents) if place.exists() and not place.is_dir()
    ]:
        raise StorageError(f"{in_the_way[0]} is a file and no folder: name another folder for the wheels.")
    try:
        (folder / WHEELS).mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder / WHEELS):  # pip and hatchling would tell trouble in their own words
            pass
        wheel = course_wheel(folder / WHEELS, root)
        shutil.copy(root / CONSTRAINTS, folder / CONSTRAINTS)
        wheels = [wheel, *collect(wheel, folder / WHEELS, root / CONSTRAINTS, system, version, extras)]
        news = handouts.write(folder, root / "notebooks", (handouts.LEARNERS,))
        (folder / README).write_text(read_me(folder / WHEELS, extras), encoding="utf-8")
    except OSError as error:
        full = error.errno == errno.ENOSPC
        advice = "free some space there, about 1 GB for each system" if full else "allow writing there"
        raise StorageError(
            f"The folder {folder} cannot be filled ({error.strerror or error}): {advice}, or name another folder."
        ) from error
    return wheels, news


def refuse_unknown(extras, system=HERE, version=None, root=working_copy.CHECKOUT):
    """Raise `StorageError` where the course has not one of the extras, or does not run on the Python."""
    known = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    if unknown := sorted(set(extras) - known.keys()):
        raise StorageError(f"The course has no extra {', '.join(map(repr, unknown))}: it has {', '.join(known)}.")
    if (asked := environment(system, version)["python_version"]) not in PYTHONS:
        raise StorageError(f"The course does not run on Python {asked}: it needs {', '.join(PYTHONS)}.")


def read_me(wheels, extras=()):
    """Return the text of README.txt; whom it serves is read from TensorFlow's wheels, as each system has its own."""
    served = set()
    for path in Path(wheels).glob("tensorflow-*.whl"):
        python, _, tag = path.stem.split("-")[2:]
        system = next((name for begin, name in SAID.items() if tag.startswith(begin)), tag)
        served.add(f"{system} with Python {python.replace('cp3', '3.')}")
    course = f'"{COURSE}[{",".join(extras)}]"' if extras else COURSE
    given = {"wheels": WHEELS, "constraints": CONSTRAINTS, "course": course, "learners": handouts.LEARNERS}
    return READ_ME.format(systems="\n    ".join(sorted(served)), **given)


def main(arguments=None):
    """Fill a folder and say how large it is."""
    parser = argparse.ArgumentParser(prog="python -m tools.wheelhouse", description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?", type=session.folder, default=FOLDER, help=f"{FOLDER} by default")
    parser.add_argument("--system", choices=[HERE, *SYSTEMS], default=HERE, help="whose wheels; of this one by default")
    parser.add_argument("--python-version", choices=PYTHONS, help="for another system; this one's by default")
    parser.add_argument("--extra", action="append", default=[], help="also what the course's extra needs, such as all")
    given = parser.parse_args(arguments)
    if given.system == HERE and given.python_version:
        parser.error("--python-version is for another system: name it with --system")
    try:
        wheels, news = write(given.folder, given.system, given.python_version, given.extra)
    except StorageError as error:
        return str(error)
    print(*news, sep="\n" if news else "", end="\n" if news else "")
    megabytes = sum(path.stat().st_size for path in wheels) / 1e6
    everything = sum(path.stat().st_size for path in Path(given.folder).rglob("*") if path.is_file()) / 1e6
    whose = "this system" if given.system == HERE else given.system
    print(f"{len(wheels)} wheels for {whose}, {megabytes:.0f} MB; the whole folder: {everything:.0f} MB.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
