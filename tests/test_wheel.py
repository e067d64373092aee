"""The wheel carries the whole course: installed outside the checkout, it lays out, loads, judges and predicts."""

import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

import helpers
from helpers import storage

ROOT = Path(__file__).parent.parent
pytestmark = pytest.mark.slow
USE = """
import pathlib, sys, helpers
assert pathlib.Path(helpers.__file__).is_relative_to(sys.prefix), helpers.__file__
from helpers import checks, images, quizzes, results, vgg16
import keras
assert checks.read_a_stack.accepts((20, 35, 40, 24040))
animals = images.load("animals")
base = keras.applications.VGG16(weights=vgg16.weights(), include_top=False, input_shape=(64, 64, 3))
assert results.read() is not None
assert len(quizzes.questions("02_freeze_layers")) >= 2
print(len(animals.class_names), base.count_params())
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (path,) = folder.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """The scripts of an environment with the wheel, which finds all other packages where this one has them."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=True)
    scripts = folder / ("Scripts" if os.name == "nt" else "bin")
    pip = [scripts / "python", "-m", "pip", "--disable-pip-version-check"]
    subprocess.run([*pip, "install", "--quiet", "--no-deps", "--no-index", str(wheel)], check=True)
    scheme = {"base": str(folder), "platbase": str(folder)}
    packages = Path(sysconfig.get_path("purelib", vars=scheme))
    (packages / "shared.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return scripts


def run(installed, folder, *line):
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    environment |= {"TF_CPP_MIN_LOG_LEVEL": "3", storage.CACHE_VARIABLE: str(folder / "cache")}
    return subprocess.run([installed / line[0], *line[1:]], cwd=folder, env=environment, capture_output=True, text=True)


def test_holds_every_file_of_the_course_and_nothing_else(wheel):
    listed = subprocess.run(["git", "ls-files", "helpers", "notebooks"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("no checkout of git")
    names = [name for name in listed.stdout.splitlines() if (ROOT / name).exists()]
    wanted = {name if name.startswith("helpers/") else f"helpers/course/{name}" for name in names}
    inside = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert wanted <= inside
    assert {name for name in inside - wanted if name.endswith((".ipynb", ".pyc"))} == set()


def test_its_command_answers_outside_the_checkout(installed, tmp_path):
    version = run(installed, tmp_path, "swap-the-head", "--version")
    assert version.stdout == f"swap-the-head {helpers.__version__}\n", version.stderr
    assert run(installed, tmp_path, "swap-the-head", "where").stdout == f"{tmp_path / 'cache'}\n"
    assert run(installed, tmp_path, "swap-the-head", "lay-out").returncode == 0
    assert len(list((tmp_path / "my_course").glob("[0-9][0-9]_*.ipynb"))) == len(
        list((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))
    )


def test_its_doctor_is_content(installed, tmp_path):
    done = run(installed, tmp_path, "swap-the-head", "doctor")
    assert done.returncode == 0 and "bundled files: " in done.stdout, done.stdout + done.stderr


def test_weights_pictures_checks_quizzes_and_results_are_found(installed, tmp_path):
    done = run(installed, tmp_path, "python", "-c", USE)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("5 14714688\n"), done.stdout
