"""Check the machine and the installation: one line for each thing, with what to do about it."""

import contextlib
import importlib.metadata
import os
import shutil
import sys
import time
import warnings
from dataclasses import dataclass

from packaging.requirements import Requirement

from helpers import assets, preflight, session, storage
from helpers.course import working_copy

MEMORY_NEEDED, MEMORY_LEAST = 4.0, 2.0  # GB that are free: comfortable, and what a notebook may take
DISK_NEEDED, DISK_LEAST = 2.0, 0.2  # GB that are free in the cache
SIDE = 512  # of the matrices that TensorFlow multiplies
KERNEL = "python3"
CHECKS = ("python", "packages", "bundled_files", "notebooks", "cache", "memory", "disk", "kernel", "tensorflow")
HELD = {"OK": "yes", "WARN": "yes, barely", "FAIL": "NO"}
HOW_TO_INSTALL = "install the course: `make lab` in its folder, or pip, as README.md says"


@dataclass(frozen=True)
class Line:
    """The result of one check."""

    state: str  # "OK", "WARN" or "FAIL"
    what: str  # what was looked at, and what was seen
    advice: str = ""  # what to do, where not all is well

    def __str__(self):
        return f"[{self.state:^4}] {self.what}" + (f"\n       → {self.advice}" if self.advice else "")


def examine():
    """Yield a `Line` for each check, the quick ones first."""
    for check in CHECKS:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                line = globals()[check]()
            yield line
        except Exception as error:
            reason = (str(error).strip().splitlines() or ["no message"])[0]
            what = f"{_name(check)}: the check failed ({type(error).__name__}: {reason})"
            yield Line("FAIL", what, "install the course again")


def table():
    """Return what `examine` finds as a table: for each check, in words, whether it holds, and what to do about it."""
    import pandas as pd

    lines = list(examine())
    columns = {"holds": [HELD[line.state] for line in lines], "what to do": [line.advice or "–" for line in lines]}
    found = pd.DataFrame(columns, index=pd.Index(map(_name, CHECKS), name="check"))
    found.attrs["caption"] = "Checks of this machine"
    return found


def _name(check):
    return check.replace("_", " ").replace("python", "Python").replace("tensorflow", "TensorFlow")


def python(version=None):
    """Check the version (major, minor) of Python and the kind of machine."""
    version = version or sys.version_info[:2]
    problem = preflight.problem(version, folder=sys.prefix)
    found = f"Python {version[0]}.{version[1]}"
    if problem and not (3, 11) <= version <= (3, 13):
        return Line("FAIL", found, problem)
    return Line("OK", f"{found} in {sys.prefix}")


def packages(requirements=None, version_of=importlib.metadata.version):
    """Check that all packages are there, at the versions that the installed course asks for."""
    if requirements is None:
        try:
            requirements = importlib.metadata.requires("swap-the-head") or []
        except importlib.metadata.PackageNotFoundError:
            return Line("FAIL", "packages: the course itself is not installed here", HOW_TO_INSTALL)
    wrong, right = [], 0
    for text in requirements:
        wanted = Requirement(text)
        if wanted.marker is not None and not wanted.marker.evaluate({"extra": ""}):
            continue
        try:
            found = version_of(wanted.name)
        except importlib.metadata.PackageNotFoundError:
            wrong.append(f"{wanted.name} is missing")
            continue
        if wanted.specifier.contains(found, prereleases=True):
            right += 1
        else:
            wrong.append(f"{wanted.name} is {found}, needed {wanted.specifier}")
    if wrong:
        return Line("FAIL", f"packages: {'; '.join(wrong)}", HOW_TO_INSTALL)
    return Line("OK", f"packages: all {right} at the versions that the course needs")


def bundled_files(folder=assets.FOLDER):
    """Check the bundled weights and pictures against their checksums."""
    names = sorted(assets.checksums())
    for name in names:
        try:
            assets.bundled(name, folder)
        except storage.StorageError as error:
            return Line("FAIL", f"bundled files: {str(error).split('. ')[0]}", assets.how_to_restore(name))
    return Line("OK", f"bundled files: {len(names)} with the right checksums")


def notebooks(folder=working_copy.COURSE):
    """Check that every notebook of the course is there and can be read."""
    try:
        return Line("OK", f"notebooks: {len(working_copy.read_course(folder))} to lay out")
    except storage.StorageError as error:
        return Line("FAIL", f"notebooks: {str(error).split('. ')[0]}", HOW_TO_INSTALL)


def cache():
    """Check that the cache folder can be written to."""
    try:
        folder = storage.cache_folder()
    except storage.StorageError as error:
        first, _, advice = str(error).partition(". ")
        return Line("FAIL", first, advice)
    return Line("OK", f"cache: {folder}")


def memory(free=None):
    """Check how much memory is free, in GB."""
    if free is None:
        import psutil

        free = psutil.virtual_memory().available / 1e9
    what = f"memory: {free:.1f} GB free"
    if free < MEMORY_LEAST:
        advice = f"a notebook takes up to {MEMORY_LEAST:.0f} GB: close other programs and other kernels"
        return Line("FAIL", what, advice)
    if free < MEMORY_NEEDED:
        return Line("WARN", what, "enough for one notebook: shut down a kernel before you open the next")
    return Line("OK", what)


def disk(free=None):
    """Check how much room, in GB, is left where the cache is."""
    if free is None:
        try:
            free = shutil.disk_usage(storage.cache_folder()).free / 1e9
        except storage.StorageError:
            return Line("WARN", "disk: not measured", "let the cache have a folder first")
    what = f"disk: {free:.1f} GB free where the cache lies"
    advice = f"free some space, or name another folder in {storage.CACHE_VARIABLE}"
    if free < DISK_LEAST:
        return Line("FAIL", what, advice)
    return Line("WARN", what, advice) if free < DISK_NEEDED else Line("OK", what)


def kernel(names=None):
    """Check that among the kernels that Jupyter knows is one for this Python."""
    if names is None:
        from jupyter_client import kernelspec

        names = kernelspec.KernelSpecManager().find_kernel_specs()
    if KERNEL in names:
        return Line("OK", f"kernel: Jupyter knows {KERNEL!r}")
    advice = f"run `{os.path.basename(sys.executable)} -m ipykernel install --sys-prefix`"
    return Line("FAIL", f"kernel: Jupyter knows {', '.join(sorted(names)) or 'none'}, not {KERNEL!r}", advice)


def tensorflow():
    """Check that TensorFlow loads, multiplies two matrices, and does so right."""
    with contextlib.redirect_stdout(None):
        session.start()
    import numpy as np
    import tensorflow as tf

    left = np.random.default_rng(0).normal(size=(SIDE, SIDE)).astype("float32")
    start = time.perf_counter()
    product = tf.linalg.matmul(left, left).numpy()
    took = (time.perf_counter() - start) * 1000
    if not np.allclose(product, left @ left, rtol=1e-3, atol=1e-2):
        advice = "install it again: pip install --force-reinstall tensorflow"
        return Line("FAIL", "TensorFlow multiplies two matrices wrongly", advice)
    return Line("OK", f"TensorFlow {tf.__version__}: two matrices of {SIDE}×{SIDE} multiplied in {took:.0f} ms")


def report(lines):
    """Print lines as they come, then a summary; return the exit code, 1 where one of them failed."""
    states = []
    session.make_streams_safe()
    for line in lines:
        print(line, flush=True)
        states.append(line.state)
    failed, warned = states.count("FAIL"), states.count("WARN")
    if failed:
        print(f"\n{failed} of {len(states)} checks failed: follow the arrows, then run this again.")
    else:
        warnings_seen = f" {warned} warning{'s' if warned > 1 else ''}: see the arrows." if warned else ""
        print(f"\nReady for the course.{warnings_seen}")
    return int(failed > 0)
