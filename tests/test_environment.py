"""The installation files agree with one another, and say what is missing before anything is installed."""

import json
import platform
import re
import shutil
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from helpers import __main__ as command
from helpers import preflight

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def project():
    return tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def packages_of(project, extra):
    """The packages of an extra and of those that it names."""
    for line in project["optional-dependencies"][extra]:
        requirement = Requirement(line)
        if requirement.name == project["name"]:
            for other in sorted(requirement.extras):
                yield from packages_of(project, other)
        else:
            yield line


def test_environment_yml_holds_the_packages_of_pyproject(project):
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    listed = next(entry["pip"] for entry in environment["dependencies"] if isinstance(entry, dict))
    packages = [line for line in listed if not line.startswith("--")]
    assert sorted(packages) == sorted([*project["dependencies"], *packages_of(project, "test")])
    assert [line for line in listed if line.startswith("--")] == ["--constraint constraints.txt", "--editable ."]


def test_every_package_has_a_lower_bound_that_its_pin_satisfies(project):
    pins = {}
    for line in (ROOT / "constraints.txt").read_text().splitlines():
        pin = Requirement(line)
        pins.setdefault(canonicalize_name(pin.name), []).append(str(pin.specifier).removeprefix("=="))
    extras = project["optional-dependencies"]
    for line in {*project["dependencies"], *(line for extra in extras for line in packages_of(project, extra))}:
        requirement = Requirement(line)
        assert any(part.operator == ">=" for part in requirement.specifier), line
        versions = pins[canonicalize_name(requirement.name)]
        assert all(requirement.specifier.contains(version) for version in versions), (line, versions)


def test_the_readme_names_every_extra_that_a_learner_may_want(project):
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for extra in project["optional-dependencies"].keys() - {"test", "assets", "book"}:
        assert f'".[{extra}]"' in text, extra


def test_constraints_name_no_host():
    assert not re.search(r"https?:|index-url|find-links|file:", (ROOT / "constraints.txt").read_text())


def test_ci_runs_the_readme_command():
    assert "\nmake test\n" in (ROOT / ".ci/run").read_text()
    assert "make test" in (ROOT / "README.md").read_text()
    assert "bash .ci/run" in (ROOT / ".github/workflows/test.yml").read_text()


def test_the_container_installs_what_make_installs():
    container = json.loads((ROOT / ".devcontainer/devcontainer.json").read_text())
    assert container["postCreateCommand"].endswith("make .venv/.ready")
    (version,) = re.findall(r":(3\.\d+)$", container["image"])
    assert container["containerEnv"]["PYTHON"] == f"python{version}"
    assert preflight.problem(tuple(map(int, version.split("."))), ROOT, "Linux") is None
    assert container["forwardPorts"] == [command.PORT]


def test_the_lowest_versions_and_the_wheel_have_jobs_of_their_own():
    jobs = yaml.safe_load((ROOT / ".github/workflows/test.yml").read_text())["jobs"]
    steps = {name: "\n".join(step.get("run", "") for step in job["steps"]) for name, job in jobs.items()}
    assert "make lowest" in steps["lowest"]
    assert "swap-the-head doctor" in steps["wheel"] and len(jobs["wheel"]["strategy"]["matrix"]["system"]) == 3


def test_preflight_is_silent_where_all_is_well():
    assert preflight.problem(folder=ROOT, system="Linux") is None


@pytest.mark.parametrize("version", [(3, 10), (3, 14), (2, 7)])
def test_preflight_names_a_python_that_tensorflow_does_not_run_on(version):
    message = preflight.problem(version=version)
    assert ".".join(map(str, version)) in message and "3.11, 3.12 or 3.13" in message and "\n" not in message


def test_preflight_names_an_intel_mac():
    assert "Intel" in preflight.problem(version=(3, 12), system="Darwin", machine="x86_64")
    assert preflight.problem(version=(3, 12), folder=ROOT, system="Darwin", machine="arm64") is None


@pytest.mark.parametrize("module", ["venv", "ensurepip"])
def test_preflight_names_a_missing_module(monkeypatch, module):
    found = preflight.importlib.util.find_spec
    monkeypatch.setattr(preflight.importlib.util, "find_spec", lambda name: None if name == module else found(name))
    message = preflight.problem(version=(3, 12), system="Linux")
    assert module in message and "python3-venv" in message


def test_preflight_names_a_full_disk(monkeypatch, tmp_path):
    usage = shutil.disk_usage(tmp_path)._replace(free=int(1.5e9))
    monkeypatch.setattr(preflight.shutil, "disk_usage", lambda folder: usage)
    assert "1.5 GB" in preflight.problem(version=(3, 12), folder=tmp_path, system=platform.system(), machine="arm64")
    (tmp_path / ".venv").mkdir()  # installed before: nothing more to unpack
    assert preflight.problem(version=(3, 12), folder=tmp_path, system="Linux") is None


def test_the_readme_names_every_room_and_file_of_helpers():
    rooms = (ROOT / "README.md").read_text(encoding="utf-8").partition("## The rooms of")[2].partition("\n## ")[0]
    for path in (ROOT / "helpers").iterdir():
        if path.name not in ("__pycache__", "__init__.py"):
            assert f"`{path.stem}{'/' if path.is_dir() else ''}`" in rooms, path.name


def test_every_command_that_contributing_names_is_in_the_makefile():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    named = set(re.findall(r"make ([a-z-]+)", (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")))
    assert len(named) >= 5 and named <= targets
