"""The check of the machine: what is wrong is said, with what to do, and the exit code tells."""

import importlib.metadata
import os
import subprocess
import sys

import pytest

from helpers import assets, machine, storage
from helpers.machine import Line


@pytest.mark.slow
def test_a_good_machine_passes_in_a_process_of_its_own(tmp_path):
    surroundings = {key: value for key, value in os.environ.items() if key != "TF_CPP_MIN_LOG_LEVEL"}
    surroundings[storage.CACHE_VARIABLE] = str(tmp_path / "cache")
    run = subprocess.run([sys.executable, "-m", "helpers.doctor"], capture_output=True, text=True, env=surroundings)
    lines = run.stdout.splitlines()
    assert run.returncode == 0, run.stdout + run.stderr
    assert run.stderr == ""  # no noise of TensorFlow's
    assert sum(line.startswith(("[ OK ]", "[WARN]")) for line in lines) == 9
    assert lines[-1].startswith("Ready for the course.")


def test_a_cache_that_cannot_be_written_fails_with_the_variable_to_set(tmp_path):
    (tmp_path / "file").write_text("in the way")
    surroundings = {**os.environ, storage.CACHE_VARIABLE: str(tmp_path / "file")}
    code = "import sys; from helpers import machine; sys.exit(machine.report([machine.cache(), machine.memory(8)]))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=surroundings)
    assert run.returncode == 1
    assert "[FAIL]" in run.stdout
    assert storage.CACHE_VARIABLE in run.stdout


@pytest.mark.parametrize(("version", "state"), [((3, 10), "FAIL"), ((3, 11), "OK"), ((3, 13), "OK"), ((3, 14), "FAIL")])
def test_python_versions(version, state):
    line = machine.python(version)
    assert line.state == state
    assert ("3.11, 3.12 or 3.13" in line.advice) == (state == "FAIL")


def test_packages_that_are_missing_or_too_old_are_named():
    def version_of(name):
        if name == "absent":
            raise importlib.metadata.PackageNotFoundError(name)
        return {"keras": "3.14.2", "numpy": "2.4.6"}[name]

    line = machine.packages(["keras>=3.15", "numpy>=2.0", "absent>=1", "ruff>=0.9; extra == 'test'"], version_of)
    assert line.state == "FAIL"
    assert "keras is 3.14.2, needed >=3.15" in line.what
    assert "absent is missing" in line.what
    assert "numpy" not in line.what and "ruff" not in line.what
    assert "make lab" in line.advice and "pip" in line.advice


def test_packages_of_this_installation_are_right():
    assert machine.packages().state == "OK"


def test_an_installation_without_the_course_says_so(monkeypatch):
    def requires(name):
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "requires", requires)
    line = machine.packages()
    assert line.state == "FAIL" and "make lab" in line.advice


def test_a_bundled_file_that_was_altered_or_is_missing_is_named(tmp_path):
    for name in assets.checksums():
        (tmp_path / name).write_bytes((assets.FOLDER / name).read_bytes())
    assert machine.bundled_files(tmp_path).state == "OK"
    (tmp_path / "emoji.zip").write_bytes(b"altered")
    line = machine.bundled_files(tmp_path)
    assert line.state == "FAIL" and "emoji.zip" in line.what and line.advice == assets.how_to_restore("emoji.zip")
    (tmp_path / "emoji.zip").unlink()
    assert "missing" in machine.bundled_files(tmp_path).what


def test_a_missing_notebook_is_named_and_the_disk_needs_a_cache(tmp_path, monkeypatch):
    assert machine.notebooks().state == "OK"
    assert machine.notebooks(tmp_path).state == "FAIL" and "missing" in machine.notebooks(tmp_path).what
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv(storage.CACHE_VARIABLE, str(tmp_path / "file"))
    assert machine.cache().state == "FAIL" and machine.disk().state == "WARN"


@pytest.mark.parametrize(("free", "state"), [(16.0, "OK"), (3.0, "WARN"), (0.5, "FAIL")])
def test_memory(free, state):
    assert machine.memory(free).state == state


@pytest.mark.parametrize(("free", "state"), [(50.0, "OK"), (1.0, "WARN"), (0.1, "FAIL")])
def test_disk(free, state):
    line = machine.disk(free)
    assert line.state == state
    assert (storage.CACHE_VARIABLE in line.advice) == (state != "OK")


def test_a_machine_without_the_kernel_is_told_how_to_install_it():
    line = machine.kernel({"ir": "/somewhere"})
    assert line.state == "FAIL" and "ipykernel install" in line.advice and "ir" in line.what
    assert machine.kernel().state == "OK"


def test_a_check_that_breaks_is_a_failure_and_the_others_go_on(monkeypatch):
    def broken():
        raise RuntimeError("out of order")

    for name in ("python", "packages", "bundled_files", "notebooks", "cache", "memory", "disk", "tensorflow"):
        monkeypatch.setattr(machine, name, lambda: Line("OK", "well"))
    monkeypatch.setattr(machine, "kernel", broken)
    lines = list(machine.examine())
    assert [line.state for line in lines].count("FAIL") == 1
    assert any("out of order" in line.what for line in lines)
    assert len(lines) == 9


def test_the_table_says_what_holds_and_what_to_do(monkeypatch):
    for name in machine.CHECKS:
        monkeypatch.setattr(machine, name, lambda: Line("OK", "well"))
    monkeypatch.setattr(machine, "memory", lambda: Line("FAIL", "full", "close other programs"))
    monkeypatch.setattr(machine, "disk", lambda: Line("WARN", "nearly full", "free some space"))
    table = machine.table()
    assert list(table.index) == [
        "Python",
        "packages",
        "bundled files",
        "notebooks",
        "cache",
        "memory",
        "disk",
        "kernel",
        "TensorFlow",
    ]
    assert table.loc["memory"].tolist() == ["NO", "close other programs"]
    assert table.loc["disk"].tolist() == ["yes, barely", "free some space"]
    assert (table.drop(["memory", "disk"]) == ["yes", "–"]).all(axis=None)


def test_the_report_counts_and_tells_by_its_exit_code(capsys):
    assert machine.report([Line("OK", "one"), Line("WARN", "two", "do this")]) == 0
    assert "1 warning" in capsys.readouterr().out
    assert machine.report([Line("OK", "one"), Line("FAIL", "two", "do that"), Line("FAIL", "three", "or this")]) == 1
    printed = capsys.readouterr().out
    assert "2 of 3 checks failed" in printed
    assert "[ OK ] one" in printed and "[FAIL] two\n       → do that" in printed


def test_the_doctor_package_can_be_asked_without_tensorflow():
    code = "import sys, helpers.doctor, helpers.machine; print('tensorflow' in sys.modules, 'keras' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert run.stdout.split() == ["False", "False"], run.stderr


def test_a_missing_package_is_one_line_not_a_traceback():
    code = (
        "import builtins, runpy, sys\n"
        "real = builtins.__import__\n"
        "def without(name, *rest, **more):\n"
        "    if name.startswith('platformdirs'):\n"
        "        raise ModuleNotFoundError('No module named platformdirs', name='platformdirs')\n"
        "    return real(name, *rest, **more)\n"
        "builtins.__import__ = without\n"
        "runpy.run_module('helpers.doctor', run_name='__main__')\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert run.returncode == 1
    assert run.stderr.startswith("[FAIL] packages: platformdirs is missing") and "Traceback" not in run.stderr
