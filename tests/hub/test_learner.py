"""What a learner finds in their account, and what their server tells about it."""

import asyncio
import json
import os
import zipfile

import pytest
from small_course import small_course

from helpers import storage
from helpers.course import working_copy
from workshop.hub import learner, share_progress, take_home


@pytest.fixture
def shared(tmp_path):
    """A shared cache with one entry, as a run of a notebook leaves it."""
    folder = tmp_path / "shared"
    make_entry(folder / "features" / "abc")
    (folder / "precision.json").write_text('{"this machine": "float32"}')
    return folder


def make_entry(entry, text="features"):
    def make(folder):
        folder.mkdir()
        (folder / "features.npy").write_text(text)

    entry.parent.mkdir(parents=True, exist_ok=True)
    storage.kept(entry, make)


def refuse(folder):
    raise AssertionError("computed again")


class TestTheSharedCache:
    def test_is_used_without_reading_or_writing_it(self, shared, tmp_path, monkeypatch):
        learner.borrow(shared, tmp_path / "own")
        monkeypatch.setattr(storage, "sha256", refuse)
        storage._digest.cache_clear()
        before = {path: path.stat().st_mtime_ns for path in shared.rglob("*")}
        entry = storage.kept(tmp_path / "own" / "features" / "abc", refuse)
        assert (entry / "features.npy").read_text() == "features"
        assert {path: path.stat().st_mtime_ns for path in shared.rglob("*")} == before

    def test_what_is_not_in_it_goes_to_the_learners_own(self, shared, tmp_path):
        learner.borrow(shared, tmp_path / "own")
        make_entry(tmp_path / "own" / "features" / "new")
        assert not (shared / "features" / "new").exists()
        assert not (tmp_path / "own" / "features" / "new").is_symlink()

    def test_nothing_of_the_learners_is_replaced(self, shared, tmp_path):
        make_entry(tmp_path / "own" / "features" / "abc", "mine")
        (tmp_path / "own" / "precision.json").write_text('{"this machine": "bfloat16"}')
        learner.borrow(shared, tmp_path / "own")
        assert (tmp_path / "own" / "features" / "abc" / "features.npy").read_text() == "mine"
        assert "bfloat16" in (tmp_path / "own" / "precision.json").read_text()

    def test_what_is_damaged_in_it_is_made_again_in_the_learners_own(self, shared, tmp_path, capsys):
        learner.borrow(shared, tmp_path / "own")
        (shared / "features" / "abc" / "features.npy").write_text("damaged!")
        make_entry(tmp_path / "own" / "features" / "abc")
        assert "damaged" in capsys.readouterr().out
        assert not (tmp_path / "own" / "features" / "abc").is_symlink()
        assert (shared / "features" / "abc" / "features.npy").read_text() == "damaged!"

    def test_a_link_to_one_that_is_gone_does_no_harm(self, shared, tmp_path):
        learner.borrow(shared, tmp_path / "own")
        shared.rename(tmp_path / "elsewhere")
        learner.borrow(tmp_path / "elsewhere", tmp_path / "own")
        storage.kept(tmp_path / "own" / "features" / "abc", refuse)

    def test_checksums_of_pictures_are_known_under_the_learners_paths(self, shared, tmp_path, monkeypatch):
        monkeypatch.setenv(storage.CACHE_VARIABLE, str(shared))
        storage.digests([shared / "features" / "abc" / "features.npy"])
        learner.borrow(shared, tmp_path / "own")
        monkeypatch.setenv(storage.CACHE_VARIABLE, str(tmp_path / "own"))
        storage._digest.cache_clear()
        monkeypatch.setattr(storage, "sha256", refuse)
        assert storage.digests([tmp_path / "own" / "features" / "abc" / "features.npy"])


class TestPrepare:
    @pytest.fixture
    def course(self, tmp_path):
        small_course(tmp_path / "notebooks")
        return str(tmp_path / "notebooks")

    def test_a_second_start_overwrites_nothing(self, tmp_path, course):
        copy, _ = learner.prepare(tmp_path / "home", {learner.COURSE: course})
        (copy / "00_start_here.ipynb").write_text("mine")
        learner.prepare(tmp_path / "home", {learner.COURSE: course})
        assert (copy / "00_start_here.ipynb").read_text() == "mine"

    @pytest.mark.parametrize(("answer", "said"), [("yes", "sees which exercises"), ("no", "nothing"), ("", "nothing")])
    def test_what_the_teacher_sees_is_said_there(self, tmp_path, course, answer, said):
        environment = {learner.COURSE: course, learner.SHARES: answer}
        copy, _ = learner.prepare(tmp_path / "home", environment)
        assert said in (copy / learner.TOLD).read_text()

    def test_a_full_disk_keeps_nobody_out(self, tmp_path, course, monkeypatch, capsys):
        (tmp_path / "home" / learner.COPY).mkdir(parents=True)

        def full(*_, **__):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(storage.tempfile, "mkdtemp", full)
        assert learner.prepare(tmp_path / "home", {learner.COURSE: course})[0].is_dir()
        assert "No space left" in capsys.readouterr().err


class TestWhatIsTold:
    NOTEBOOKS = {"00_start_here": ["one", "two"], "01_load": ["three"]}

    def teller(self, copy, shares=True):
        return share_progress.Teller(copy, self.NOTEBOOKS, "http://127.0.0.1:1/mine", "token", shares)

    def test_are_names_of_exercises_and_nothing_else(self, tmp_path):
        record = {"one": "2026-01-31", "three": "", "secret answer": "2026-01-31"}
        (tmp_path / working_copy.DONE).write_text(json.dumps(record))
        assert self.teller(tmp_path).message() == {
            "00_start_here": {"done": ["one"], "of": ["one", "two"]},
            "01_load": {"done": [], "of": ["three"]},
        }

    def test_is_nothing_without_consent(self, tmp_path):
        (tmp_path / working_copy.DONE).write_text('{"one": "2026-01-31"}')
        assert self.teller(tmp_path, shares=False).message() is None

    def test_is_told_later_where_nobody_listens(self, tmp_path):
        teller = self.teller(tmp_path)
        asyncio.run(teller.look())
        assert teller._sent is None

    def test_the_exercises_are_those_of_the_course(self):
        found = share_progress.exercises()
        assert list(found) == [path.stem for path in working_copy.course_notebooks()]
        assert all(found.values())
        judged = (working_copy.HERE / "checks").glob("[0-9]*.toml")
        assert {path.stem for path in judged} == set(found)


def test_all_of_a_working_copy_is_taken_home_and_nothing_else(tmp_path):
    copy = tmp_path / "copy"
    for name in ("00.ipynb", "models/mine.keras", working_copy.DONE, ".ssh/key", ".jupyterlab.log", ".cache/x"):
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        (copy / name).write_text(name)
    (copy / "link").symlink_to("/etc/passwd")
    with open(tmp_path / "taken.zip", "wb") as stream:
        take_home.pack(copy, stream)
    with zipfile.ZipFile(tmp_path / "taken.zip") as taken:
        names = {"00.ipynb", "models/mine.keras", working_copy.DONE}
        assert set(taken.namelist()) == {f"swap_the_head/{name}" for name in names}


def test_it_is_never_run_as_root_by_the_hub():
    """What runs as root must not follow a learner's links: only learner.py touches a home."""
    hub = learner.HERE
    for name in ("jupyterhub_config.py", "progress_service.py", "accounts.py"):
        assert ".exercises_done" not in (hub / name).read_text() and "borrow(" not in (hub / name).read_text()
    assert os.path.isfile(hub / "learner_settings" / "jupyter_server_config.py")
