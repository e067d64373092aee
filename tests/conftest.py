"""What several test files share: a cache of the run's own, and other Python processes."""

import os
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from helpers import storage

ROOT = Path(__file__).parent.parent
BARRIER = """
import pathlib, sys, time

def wait_for_the_others():
    ready, go = map(pathlib.Path, sys.argv[1:])
    ready.touch()
    while not go.exists():
        time.sleep(0.001)
"""


@pytest.fixture(scope="session")
def cache_of_this_run(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module", autouse=True)
def cache(cache_of_this_run):
    """The cache of this run, shared by all of tests/ and undone after each file, so that no notebook meets it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(storage.CACHE_VARIABLE, str(cache_of_this_run))
        yield cache_of_this_run


@pytest.fixture
def fresh_cache(tmp_path, monkeypatch):
    """An empty cache, for one test."""
    folder = tmp_path / "cache"
    monkeypatch.setenv(storage.CACHE_VARIABLE, str(folder))
    return folder


@pytest.fixture
def python(tmp_path):
    """Start other Python processes that can import the course; none outlives its test."""
    started = []

    def start(code, *arguments):
        command = [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        started.append(subprocess.Popen(command, env=environment, cwd=tmp_path, text=True, **pipes))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture
def at_once(python, tmp_path):
    """Run the same code in several processes, which go on together from where it calls `wait_for_the_others`."""

    def run(code, processes, seconds=120):
        go, ready = tmp_path / "go", [tmp_path / f"ready-{number}" for number in range(processes)]
        running = [python(BARRIER + textwrap.dedent(code), path, go) for path in ready]
        end = time.monotonic() + seconds
        while not all(path.exists() for path in ready) and all(process.poll() is None for process in running):
            assert time.monotonic() < end, "a process did not get ready"
            time.sleep(0.005)
        go.touch()
        results = [process.communicate(timeout=seconds) for process in running]
        assert [process.returncode for process in running] == [0] * processes, results
        return [output for output, _ in results]

    return run
