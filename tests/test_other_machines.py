"""Binder and Codespaces find what they need; what only they can run is run there."""

import json
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.specifiers import SpecifierSet

from helpers import storage

ROOT = Path(__file__).parent.parent
BINDER = ROOT / ".binder"
DEVCONTAINER = ROOT / ".devcontainer" / "devcontainer.json"
# Of https://containers.dev/implementors/json_reference, those that concern an image.
PROPERTIES = {
    "name", "image", "hostRequirements", "containerEnv", "remoteEnv", "remoteUser", "containerUser", "features",
    "initializeCommand", "onCreateCommand", "updateContentCommand", "postCreateCommand", "postStartCommand",
    "postAttachCommand", "waitFor", "forwardPorts", "portsAttributes", "customizations", "mounts", "runArgs",
}  # fmt: skip


def requirements():
    lines = (BINDER / "requirements.txt").read_text(encoding="utf-8").splitlines()
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")]


def test_binder_installs_the_course_alone_with_the_pinned_versions():
    options, packages = [[line for line in requirements() if line.startswith("--") == given] for given in (True, False)]
    assert packages == ["."]  # JupyterLab comes with Binder; tests, page and book stay away
    (constraint,) = [line.removeprefix("--constraint ") for line in options]
    assert (BINDER / constraint).resolve() == ROOT / "constraints.txt"  # pip reads it as seen from the file


def test_binder_has_a_python_that_the_course_runs_on():
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["requires-python"]
    name, _, version = (BINDER / "runtime.txt").read_text(encoding="utf-8").strip().partition("-")
    assert name == "python" and SpecifierSet(wanted).contains(f"{version}.1")


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("bash") is None, reason="Binder's scripts are for bash")
def test_what_binder_does_after_installing_lays_out_the_notebooks_and_unpacks_the_pictures(tmp_path):
    (tmp_path / "cache").mkdir()
    scripts = Path(sys.executable).parent
    if not (scripts / "swap-the-head").exists():
        pytest.skip("the course is not installed here")
    environment = {**os.environ, "PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}"}
    environment |= {storage.CACHE_VARIABLE: str(tmp_path / "cache"), "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(
        ["bash", BINDER / "postBuild"], cwd=tmp_path, env=environment, capture_output=True, encoding="utf-8"
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "my_course" / "00_start_here.ipynb").exists()
    assert any((tmp_path / "cache").rglob("*.png"))


def test_binders_scripts_are_executable_and_end_lines_as_unix_does():
    for name in ("postBuild", "start"):
        path = BINDER / name
        if not path.exists():
            continue
        assert path.read_bytes().startswith(b"#!/bin/bash\n") and b"\r" not in path.read_bytes()
        assert os.name == "nt" or os.access(path, os.X_OK)


def test_a_codespace_is_described_in_words_of_the_specification_and_lays_out_a_copy():
    container = json.loads(DEVCONTAINER.read_text(encoding="utf-8"))
    assert set(container) <= PROPERTIES
    assert container["postStartCommand"].split()[:2] == [".venv/bin/swap-the-head", "lay-out"]
    settings = container["customizations"]["vscode"]["settings"]
    assert settings["python.defaultInterpreterPath"] == "${containerWorkspaceFolder}/.venv/bin/python"
