"""A folder to install from holds what fits a system, in the versions of the course, and says how to use it."""

import subprocess
import sys
import venv
import zipfile

import pytest

from helpers.storage import StorageError
from tools import wheelhouse

# What a tiny course needs: a package everywhere, one on Windows only, and what these need in turn.
INDEX = {
    "course-0.1-py3-none-any": ["leaf>=1", 'glass; sys_platform == "win32"', 'wide[more]; extra == "all"'],
    "leaf-1.0-py3-none-any": ["root"],
    "leaf-2.0-py3-none-any": [],
    "root-3.0-py3-none-any": ['old; python_version < "3.12"'],
    "old-1.0-py3-none-any": [],
    "glass-1.0-cp312-cp312-win_amd64": [],
    "wide-1.0-py3-none-any": ['longer; extra == "more"', 'never; extra == "other"'],
    "longer-1.0-py3-none-any": [],
}
PINS = """\
glass==1.0 ; sys_platform == 'win32'
leaf==1.0
longer==1.0
old==1.0
root==3.0  # a remark
wide==1.0
"""


def make(folder, name, needs):
    """A wheel with nothing in it but what it needs."""
    package, version, *_ = name.split("-")
    info = f"{package}-{version}.dist-info"
    with zipfile.ZipFile(folder / f"{name}.whl", "w") as archive:
        lines = ["Metadata-Version: 2.1", f"Name: {package}", f"Version: {version}"]
        lines += ["Provides-Extra: all", "Provides-Extra: more", "Provides-Extra: other"]
        archive.writestr(f"{info}/METADATA", "\n".join([*lines, *(f"Requires-Dist: {need}" for need in needs), ""]))
        purelib, tag = str(name.endswith("any")).lower(), "-".join(name.split("-")[2:])
        archive.writestr(f"{info}/WHEEL", f"Wheel-Version: 1.0\nRoot-Is-Purelib: {purelib}\nTag: {tag}\n")
        archive.writestr(f"{info}/RECORD", "")
        archive.writestr(f"vendored/other-{info}/METADATA", "Name: other")  # as setuptools carries others inside
    return folder / f"{name}.whl"


@pytest.fixture
def index(tmp_path, monkeypatch):
    """A folder that stands in for the package index; pip sees nothing else."""
    folder = tmp_path / "index"
    folder.mkdir()
    for name, needs in INDEX.items():
        make(folder, name, needs)
    (tmp_path / "constraints.txt").write_text(PINS)
    (tmp_path / "stick").mkdir()
    for name in ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null" if sys.platform != "win32" else "nul")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


def collected(index, **how):
    course = index / "course-0.1-py3-none-any.whl"
    folder = index.parent
    wheels = wheelhouse.collect(course, folder / "stick", folder / "constraints.txt", **how)
    assert all(path.parent == folder / "stick" and path.is_file() for path in wheels)
    return [path.name.split("-")[0] for path in wheels]


@pytest.mark.slow
def test_all_that_is_needed_comes_in_the_versions_of_the_constraints(index):
    expected = {"leaf", "root"} | ({"old"} if sys.version_info < (3, 12) else set())
    assert set(collected(index)) - {"glass"} == expected
    assert not list(index.parent.glob("stick/leaf-2.0*"))


@pytest.mark.slow
def test_conditions_are_those_of_the_system_that_it_is_for_and_not_of_this_one(index):
    assert collected(index, system="windows", version="3.12") == ["glass", "leaf", "root"]


@pytest.mark.slow
def test_conditions_are_those_of_the_python_that_it_is_for(index):
    assert collected(index, system="linux", version="3.11") == ["leaf", "old", "root"]
    assert collected(index, system="linux", version="3.13") == ["leaf", "root"]  # into the same folder


@pytest.mark.slow
def test_extras_and_the_extras_of_what_they_need_come_with_them(index):
    assert collected(index, system="macos", version="3.13", extras=["all"]) == ["leaf", "longer", "root", "wide"]


@pytest.mark.slow
def test_a_second_time_takes_what_is_there(index):
    first = collected(index)
    for path in index.glob("*.whl"):
        if not path.name.startswith("course"):
            path.unlink()
    assert collected(index) == first


@pytest.mark.slow
def test_no_wheel_for_the_system_is_said_in_one_line(index):
    (index / "glass-1.0-cp312-cp312-win_amd64.whl").unlink()
    with pytest.raises(StorageError, match="glass==1.0") as told:
        collected(index, system="windows", version="3.12")
    assert "\n" not in str(told.value)


@pytest.mark.slow
def test_a_package_without_a_pin_is_named(index):
    (index.parent / "constraints.txt").write_text("leaf==1.0\n")
    with pytest.raises(StorageError, match="constraints.txt has no version of root"):
        collected(index, system="linux", version="3.13")


@pytest.mark.slow
def test_a_damaged_wheel_is_named(index):
    collected(index)
    damaged = index.parent / "stick/leaf-1.0-py3-none-any.whl"
    damaged.write_bytes(damaged.read_bytes()[:100])
    with pytest.raises(StorageError, match="leaf-1.0-py3-none-any.whl is damaged"):
        wheelhouse.needed(damaged, wheelhouse.environment())


@pytest.mark.slow
def test_it_installs_without_an_index(index, monkeypatch):
    collected(index)
    stick, place = index.parent / "stick", index.parent / "environment"
    (stick / "course-0.1-py3-none-any.whl").write_bytes((index / "course-0.1-py3-none-any.whl").read_bytes())
    monkeypatch.setenv("PIP_FIND_LINKS", "")
    venv.create(place, with_pip=True)
    pip = [place / ("Scripts" if sys.platform == "win32" else "bin") / "python", "-m", "pip"]
    constraints = ["--no-index", "--find-links", str(stick), "--constraint", str(index.parent / "constraints.txt")]
    subprocess.run([*pip, "install", "--quiet", *constraints, "course"], check=True, capture_output=True)
    listed = subprocess.run([*pip, "freeze"], capture_output=True, text=True, check=True).stdout.split()
    assert {"course==0.1", "leaf==1.0", "root==3.0"} <= set(listed)


def test_the_readme_names_systems_and_pythons_and_the_commands_that_install(tmp_path):
    for tag in ("cp312-cp312-win_amd64", "cp313-cp313-manylinux_2_27_x86_64"):
        (tmp_path / f"tensorflow-2.21.0-{tag}.whl").touch()
    text = wheelhouse.read_me(tmp_path)
    assert "Linux (Intel or AMD) with Python 3.13" in text and "Windows (Intel or AMD) with Python 3.12" in text
    assert "macOS (Apple" not in text and text.count("--no-index --find-links wheelhouse") == 2
    assert max(map(len, text.splitlines())) <= 120
    assert wheelhouse.read_me(tmp_path, ["all"]).count('constraints.txt "swap-the-head[all]"\n') == 2


@pytest.mark.parametrize("system", wheelhouse.SYSTEMS)
@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13"])
def test_the_course_has_a_pin_for_each_package_on_each_system(system, version):
    """One package, one version: the conditions in constraints.txt leave no gap and do not overlap."""
    root = wheelhouse.working_copy.CHECKOUT
    asked = wheelhouse.environment(system, version)
    pins = wheelhouse.pins(root / "constraints.txt", asked)
    assert {"tensorflow", "keras", "numpy", "jupyterlab"} <= set(pins)
    assert ("pywinpty" in pins) == (system == "windows") and ("appnope" in pins) == (system == "macos")


def test_another_python_needs_another_system_named(capsys):
    with pytest.raises(SystemExit):
        wheelhouse.main(["--python-version", "3.12"])
    assert "--system" in capsys.readouterr().err


@pytest.mark.parametrize("given", [["--system", "windows", "--python-version", "3.9"], [""]], ids=["old", "empty"])
def test_what_cannot_be_collected_is_refused_before_anything_is_made(given, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit):
        wheelhouse.main(given)
    assert list(tmp_path.iterdir()) == []


class TestTrouble:
    @pytest.fixture(autouse=True)
    def nothing_is_built(self, monkeypatch):
        """What is refused late would run hatchling and pip: here these raise."""

        def ran(*given, **options):
            raise AssertionError(f"{given} was run")

        monkeypatch.setattr(wheelhouse.subprocess, "run", ran)

    def told(self, capsys, *arguments):
        said = wheelhouse.main([str(one) for one in arguments])
        assert isinstance(said, str) and "\n" not in said and "Errno" not in said
        assert capsys.readouterr().out == ""
        return said

    def test_an_extra_that_the_course_has_not_is_said_with_those_that_it_has(self, tmp_path, capsys):
        said = self.told(capsys, tmp_path / "stick", "--extra", "everything", "--extra", "all")
        assert said.startswith("The course has no extra 'everything': it has lab, phones, onnx, page, many, all,")
        assert list(tmp_path.iterdir()) == []

    def test_a_python_that_the_course_does_not_run_on_is_said(self, tmp_path):
        with pytest.raises(StorageError, match="does not run on Python 3.9: it needs 3.11, 3.12, 3.13."):
            wheelhouse.write(tmp_path / "stick", "windows", "3.9")
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize("place", ["mine", "mine/deeper", "stick"])
    def test_a_file_in_a_folders_place_is_named_and_kept(self, tmp_path, capsys, place):
        mine = tmp_path / ("stick/wheelhouse" if place == "stick" else "mine")
        mine.parent.mkdir(exist_ok=True)
        mine.write_text("text")
        assert f"{mine} is a file and no folder: name another" in self.told(capsys, tmp_path / place)
        assert mine.read_text() == "text"

    @pytest.mark.parametrize(
        ("error", "advice"),
        [
            (
                PermissionError(13, "Permission denied"),
                "(Permission denied): allow writing there, or name another folder.",
            ),
            (OSError(28, "No space left on device"), "(No space left on device): free some space there, about 1 GB"),
        ],
        ids=["closed", "full"],
    )
    def test_a_folder_that_cannot_be_written_to_is_said_before_anything_is_built(
        self, tmp_path, capsys, monkeypatch, error, advice
    ):
        def refused(*given, **options):
            raise error

        monkeypatch.setattr(wheelhouse.tempfile, "TemporaryFile", refused)
        said = self.told(capsys, tmp_path / "stick")
        assert said.startswith(f"The folder {tmp_path / 'stick'} cannot be filled") and advice in said

    def test_a_stick_that_pip_filled_up_is_said(self, tmp_path, monkeypatch):
        full = subprocess.CompletedProcess([], 1, "", "ERROR: an OSError: [Errno 28] No space left on device")
        monkeypatch.setattr(wheelhouse.subprocess, "run", lambda *given, **options: full)
        with pytest.raises(StorageError, match=r"There is no space left in .*stick: free about 1 GB"):
            wheelhouse._fetched({"numpy": "2.0"}, tmp_path / "stick", [])
