"""The wheel carries the whole course: installed outside the checkout, it lays out, loads, judges and predicts.

And it names all that its notebooks need: they run where there is nothing but what it requires, without JupyterLab. Here
two of them do, and the imports of all; all of them are run so by hand before a version is given out.
"""

import ast
import asyncio
import importlib.metadata
import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import jupyter_client
import nbclient
import nbformat
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import helpers
from helpers import storage
from helpers.course import working_copy

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


def required(names):
    """Return name → distribution of packages and of all that they require, without extras."""
    found, waiting = {}, list(names)
    while waiting:
        name = canonicalize_name(waiting.pop())
        if name in found:
            continue
        found[name] = importlib.metadata.distribution(name)
        for text in found[name].requires or []:
            requirement = Requirement(text)
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                waiting.append(requirement.name)
    return found


@pytest.fixture(scope="module")
def bare(wheel, tmp_path_factory):
    """The scripts of an environment with the wheel, what it requires, and a kernel: as on Colab, no JupyterLab."""
    folder = tmp_path_factory.mktemp("bare")
    venv.create(folder, with_pip=False)
    scheme = {"base": str(folder), "platbase": str(folder)}
    packages = Path(sysconfig.get_path("purelib", vars=scheme))
    zipfile.ZipFile(wheel).extractall(packages)
    (metadata,) = packages.glob("swap_the_head-*.dist-info")
    requirements = importlib.metadata.Distribution.at(metadata).requires
    needed = [Requirement(text).name for text in requirements if "extra ==" not in text]
    for distribution in required([*needed, "ipykernel"]).values():
        for top in {path.parts[0] for path in distribution.files if ".." not in path.parts}:
            if top != "__pycache__" and not (packages / top).exists():
                try:
                    (packages / top).symlink_to(distribution.locate_file(top))
                except OSError:
                    pytest.skip("this system lets no one make links")
    return folder / ("Scripts" if os.name == "nt" else "bin")


def imports_of(path):
    """The lines that import in a notebook's first code cell."""
    code = [cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    return [ast.unparse(node) for node in ast.parse(code[0]).body if isinstance(node, ast.Import | ast.ImportFrom)]


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


class TestWithNothingButWhatItRequires:
    def test_there_is_no_jupyterlab_and_every_import_of_a_notebook_is_there(self, bare, tmp_path):
        lines = ["import importlib.util", "from helpers import session", "session.start()"]
        lines += ["for name in ('jupyterlab', 'jupyter_server', 'nbclient', 'pytest', 'gradio', 'onnx'):"]
        lines += ["    assert importlib.util.find_spec(name) is None, name"]
        for path in working_copy.course_notebooks():
            lines += imports_of(path)
        (tmp_path / "imports.py").write_text("\n".join([*lines, "print('all there')"]), encoding="utf-8")
        done = run(bare, tmp_path, "python", "imports.py")
        assert done.stdout.endswith("all there\n"), done.stderr

    def test_its_check_of_the_machine_misses_no_package_and_no_kernel(self, bare, tmp_path):
        code = "from helpers import machine; print(machine.packages()); print(machine.kernel())"
        done = run(bare, tmp_path, "python", "-c", code)
        assert done.stdout.startswith("[ OK ] packages: all ") and "[ OK ] kernel" in done.stdout, (
            done.stdout + done.stderr
        )

    def test_lab_says_in_one_line_that_jupyterlab_is_missing_and_lays_out_nothing(self, bare, tmp_path):
        done = run(bare, tmp_path, "python", "-m", "helpers", "lab", "--no-browser")
        assert done.returncode == 1 and done.stderr.startswith("JupyterLab is not installed here.")
        assert done.stderr.count("\n") == 1 and not (tmp_path / "my_course").exists()

    @pytest.mark.parametrize("which", ["the first", "the one with the most imports"])
    def test_a_notebook_runs(self, which, bare, tmp_path, monkeypatch):
        first, *others = working_copy.course_notebooks()
        path = first if which == "the first" else max(others, key=lambda path: len("".join(imports_of(path))))
        notebook = working_copy.cleared(nbformat.read(path, as_version=4))
        notebook.cells.append(nbformat.v4.new_code_cell("import helpers, sys\nprint(sys.prefix, helpers.__file__)"))
        monkeypatch.setenv(storage.CACHE_VARIABLE, str(tmp_path / "cache"))
        for name in ("PYTHONPATH", "PYTEST_CURRENT_TEST"):
            monkeypatch.delenv(name, raising=False)
        manager = jupyter_client.AsyncKernelManager(kernel_name="python3")
        manager.kernel_spec.argv[0] = str(bare / "python")
        resources = {"metadata": {"path": str(tmp_path)}}
        try:
            nbclient.NotebookClient(notebook, km=manager, timeout=300, resources=resources).execute()
        finally:  # nbclient leaves a kernel alone that it did not make
            asyncio.run(manager.shutdown_kernel(now=True))
        assert notebook.cells[-1].outputs[0].text.count(str(bare.parent)) == 2
