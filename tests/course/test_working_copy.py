"""A learner's copy is laid out whole and never overwritten; trouble is told in one line."""

import errno
import os
import shutil

import nbformat
import pytest
from small_course import small_course

from helpers import storage
from helpers.course import working_copy


@pytest.fixture
def course(tmp_path):
    return small_course(tmp_path / "notebooks").parent


@pytest.fixture
def mine(tmp_path, course):
    """A working copy in which the learner has changed a cell."""
    assert working_copy.lay_out(tmp_path / "mine", course) == []
    path = tmp_path / "mine/00_start_here.ipynb"
    path.write_text(path.read_text().replace("1 + 1", "1 + 2"))
    return path


def source(path):
    (cell,) = nbformat.read(path, as_version=4).cells
    return cell.source


def test_outputs_are_cleared(tmp_path, course):
    working_copy.lay_out(tmp_path / "mine", course)
    (cell,) = nbformat.read(tmp_path / "mine/00_start_here.ipynb", as_version=4).cells
    assert cell.source == "1 + 1" and cell.outputs == [] and cell.execution_count is None


def test_a_learners_changes_are_kept(mine, course):
    assert working_copy.lay_out(mine.parent, course) == []
    assert source(mine) == "1 + 2"


def test_a_new_version_is_laid_beside_and_told_once(mine, course):
    small_course(course, "2 + 2")
    (line,) = working_copy.lay_out(mine.parent, course)
    (new,) = mine.parent.glob("*.new-*.ipynb")
    assert new.name in line and "00_start_here.ipynb" in line
    assert source(mine) == "1 + 2" and source(new) == "2 + 2"
    assert working_copy.lay_out(mine.parent, course) == []


def test_a_deleted_notebook_comes_back(mine, course):
    mine.unlink()
    assert working_copy.lay_out(mine.parent, course) == []
    assert source(mine) == "1 + 1"


def test_the_whole_course_can_be_laid_out(tmp_path):
    working_copy.lay_out(tmp_path / "mine")
    laid = [path.name for path in working_copy.course_notebooks(tmp_path / "mine")]
    assert laid == [path.name for path in working_copy.course_notebooks()] and len(laid) >= 10


class TestOfTheFirstVersion:
    """A working copy of the ten notebooks of the first version: nothing in it changes, the new ones come beside."""

    EDITED = ("03_attach_new_head", "04_train_the_head", "09_your_own_images")

    @pytest.fixture
    def older(self, tmp_path):
        first = tmp_path / "first"
        for name in (*working_copy.RENAMED, "02_freeze_layers", "01_load_vgg16", "00_start_here"):
            small_course(first, f"'version one of {name}'").rename(first / f"{name}.ipynb")
        assert working_copy.lay_out(tmp_path / "mine", first) == []
        for name in self.EDITED:
            path = tmp_path / f"mine/{name}.ipynb"
            path.write_text(path.read_text().replace("version one", "my own"))
        return tmp_path / "mine"

    def test_every_file_stays_and_every_new_notebook_is_there(self, older):
        before = {path.name: path.read_bytes() for path in older.glob("*.ipynb")}
        working_copy.lay_out(older)
        after = {path.name: path.read_bytes() for path in older.glob("*.ipynb")}
        assert {name: after[name] for name in before} == before
        assert {f"{new}.ipynb" for line in working_copy.RENAMED.values() for new in line.split(" and ")} <= after.keys()
        assert len(list(older.glob("0[0-3]_*.new-*.ipynb"))) == 4

    def test_one_line_says_what_is_called_what_and_once(self, older):
        first, *lines = working_copy.lay_out(older)
        assert len(lines) == 4 and all("is beside yours as" in line for line in lines) and "\n" not in first
        for old, new in working_copy.RENAMED.items():
            assert f"{old} is {new}" in first
        assert working_copy.lay_out(older) == []

    def test_a_new_copy_hears_nothing_of_it(self, tmp_path):
        assert working_copy.lay_out(tmp_path / "mine") == []

    def test_a_new_copy_that_was_stopped_half_way_hears_nothing_of_it(self, tmp_path):
        (tmp_path / "half").mkdir()
        for path in working_copy.course_notebooks()[:4]:
            shutil.copy(path, tmp_path / "half")
        assert (tmp_path / "half/03_attach_new_head.ipynb").exists()
        assert working_copy.lay_out(tmp_path / "mine", tmp_path / "half") == []
        assert working_copy.lay_out(tmp_path / "mine") == []


class TestGlossary:
    @pytest.fixture
    def laid(self, mine, course):
        (course / working_copy.GLOSSARY).write_text("one")
        assert working_copy.lay_out(mine.parent, course) == []
        return mine.parent / working_copy.GLOSSARY

    def test_is_laid_out_with_the_whole_course(self, tmp_path):
        working_copy.lay_out(tmp_path / "mine")
        assert (tmp_path / "mine" / working_copy.GLOSSARY).read_bytes() == (
            working_copy.COURSE / working_copy.GLOSSARY
        ).read_bytes()

    def test_one_that_nobody_changed_is_renewed(self, laid, course):
        (course / working_copy.GLOSSARY).write_text("two")
        assert working_copy.lay_out(laid.parent, course) == [] and laid.read_text() == "two"

    def test_one_that_the_learner_changed_stays_and_the_new_one_is_beside(self, laid, course):
        laid.write_text("mine")
        assert working_copy.lay_out(laid.parent, course) == []
        (course / working_copy.GLOSSARY).write_text("two")
        (line,) = working_copy.lay_out(laid.parent, course)
        (new,) = laid.parent.glob("GLOSSARY.new-*.md")
        assert new.name in line and laid.read_text() == "mine" and new.read_text() == "two"
        assert working_copy.lay_out(laid.parent, course) == []


def test_a_course_without_notebooks_is_refused_before_anything_is_made(tmp_path):
    with pytest.raises(storage.StorageError, match="missing from .*none.* Install the course again"):
        working_copy.lay_out(tmp_path / "mine", tmp_path)
    assert not (tmp_path / "mine").exists()


@pytest.mark.parametrize("damage", [b"", b"{}", b'{"cells": [', b"\xff\xfe"], ids=["empty", "object", "cut", "bytes"])
def test_a_damaged_notebook_of_the_course_is_named_before_anything_is_made(tmp_path, course, damage):
    (course / "01_second.ipynb").write_bytes(damage)
    with pytest.raises(storage.StorageError, match="01_second.ipynb is damaged"):
        working_copy.lay_out(tmp_path / "mine", course)
    assert not (tmp_path / "mine").exists()


def test_a_missing_notebook_of_the_course_is_noticed(tmp_path, course):
    (course / "00_start_here.ipynb").rename(course / "02_third.ipynb")
    with pytest.raises(storage.StorageError, match="missing .*there: 02"):
        working_copy.read_course(course)


def test_the_courses_own_folder_is_refused_and_stays(course):
    before = (course / "00_start_here.ipynb").read_bytes()
    with pytest.raises(storage.StorageError, match="the course itself"):
        working_copy.lay_out(course, course)
    assert (course / "00_start_here.ipynb").read_bytes() == before


def test_the_nearest_copy_upwards_is_found(mine):
    inner = mine.parent / "pictures/bees"
    inner.mkdir(parents=True)
    assert working_copy.working_copy(inner) == mine.parent.resolve()
    assert working_copy.working_copy(mine.parent.parent) is None


def lost(folder):
    (folder / working_copy.RECORD).unlink()


def written(text):
    return lambda folder: (folder / working_copy.RECORD).write_bytes(text)


def a_folder(folder):
    lost(folder)
    (folder / working_copy.RECORD).mkdir()


RECORDS = {
    "deleted": lost,
    "empty": written(b""),
    "cut": written(b'{"00_start_here.ipynb": "3a'),
    "no text": written(b"\xff\xfe\x00\x80"),
    "list": written(b'[["00_start_here.ipynb", "3a"]]'),
    "number": written(b"7"),
    "null": written(b"null"),
    "deep": written(b"[" * 100_000),
    "folder": a_folder,
    "entry of another kind": written(b'{"00_start_here.ipynb": {"version": 3}, "later": [1]}'),
}


@pytest.mark.parametrize("spoil", RECORDS.values(), ids=RECORDS)
@pytest.mark.parametrize("edited", [False, True], ids=["untouched", "edited"])
def test_whatever_became_of_the_record_nothing_untrue_is_told_and_no_copy_is_laid(mine, course, spoil, edited):
    if not edited:
        mine.write_text(mine.read_text().replace("1 + 2", "1 + 1"))
    spoil(mine.parent)
    assert working_copy.lay_out(mine.parent, course) == []
    assert [path.name for path in mine.parent.glob("*.ipynb")] == [mine.name]
    assert source(mine) == ("1 + 2" if edited else "1 + 1")
    assert working_copy.lay_out(mine.parent, course) == []
    small_course(course, "2 + 2")  # and a true change is still told
    (line,) = working_copy.lay_out(mine.parent, course)
    assert "has changed in the course" in line


def test_a_notebook_with_outputs_is_the_courses_also_without_any_record_or_mark(mine, course):
    small_course(mine.parent)  # as an earlier version laid it, and as Jupyter saves it after a run
    lost(mine.parent)
    assert working_copy.lay_out(mine.parent, course) == []


@pytest.mark.parametrize(("text", "words"), [("{ half", "cannot be read"), (None, "by you or by an update")])
def test_what_is_not_known_is_not_said(tmp_path, course, text, words):
    path = small_course(tmp_path / "mine", "1 + 3")  # neither record nor mark
    if text:
        path.write_text(text)
    before = path.read_bytes()
    (line,) = working_copy.lay_out(tmp_path / "mine", course)
    assert words in line and "has changed" not in line and path.read_bytes() == before
    assert working_copy.lay_out(tmp_path / "mine", course) == []


def test_a_lay_out_that_stops_half_way_goes_on_where_it_was(tmp_path, course, monkeypatch):
    small_course(course).rename(course / "01_second.ipynb")
    small_course(course)
    write = storage.written_whole

    def full(path):
        if path.name == "01_second.ipynb":
            raise storage.StorageError("No space left on device")
        return write(path)

    with monkeypatch.context() as patch, pytest.raises(storage.StorageError):
        patch.setattr(storage, "written_whole", full)
        working_copy.lay_out(tmp_path / "mine", course)
    first = tmp_path / "mine/00_start_here.ipynb"
    first.write_text(first.read_text().replace("1 + 1", "1 + 2"))
    assert working_copy.lay_out(tmp_path / "mine", course) == []
    laid = sorted(path.name for path in (tmp_path / "mine").glob("*.ipynb"))
    assert laid == ["00_start_here.ipynb", "01_second.ipynb"] and source(first) == "1 + 2"


def test_of_several_at_once_none_tells_of_a_change(tmp_path, at_once):
    code = f"""
        from helpers.course import working_copy
        wait_for_the_others()
        print(working_copy.lay_out({str(tmp_path / "mine")!r}))
    """
    assert at_once(code, 3) == ["[]\n"] * 3
    laid = [path.name for path in (tmp_path / "mine").glob("*.ipynb")]
    assert sorted(laid) == [path.name for path in working_copy.course_notebooks()]
    assert list((tmp_path / "mine").glob(".writing-*")) == []


def test_a_link_stays_a_link(mine, course, tmp_path):
    kept = mine.rename(tmp_path / "elsewhere.ipynb")
    mine.symlink_to(kept)
    small_course(course, "2 + 2")
    assert "has changed" in working_copy.lay_out(mine.parent, course)[0] and mine.is_symlink()
    kept.unlink()  # its disk is away
    (line,) = working_copy.lay_out(mine.parent, course)
    assert mine.is_symlink() and mine.name in line and "elsewhere" in line


def test_a_linked_record_is_written_where_it_is(mine, course, tmp_path):
    record = mine.parent / working_copy.RECORD
    kept = record.rename(tmp_path / "record.json")
    record.symlink_to(kept)
    small_course(course, "2 + 2")
    before = kept.read_text()
    assert working_copy.lay_out(mine.parent, course) and record.is_symlink() and kept.read_text() != before


def a_file(folder):
    folder.write_text("in the way")


def below_a_file(folder):
    a_file(folder.parent / "file")
    folder.symlink_to(folder.parent / "file/below")


def a_dead_link(folder):
    folder.symlink_to(folder.parent / "away/mine")


def a_link_to_itself(folder):
    folder.symlink_to(folder)


def a_folder_for_a_notebook(folder):
    (folder / "00_start_here.ipynb").mkdir(parents=True)


def of_another_checkout(folder):
    (folder.parent / "helpers/course").mkdir(parents=True)
    small_course(folder)


@pytest.mark.parametrize(
    ("name", "prepare", "words"),
    [
        ("mine", a_file, "mine cannot be made .*another"),
        ("mine/below", lambda folder: a_file(folder.parent), "below cannot be made .*another"),
        ("mine", below_a_file, "is a link to .*file/below, which is not there"),
        ("mine", a_dead_link, "is a link to .*away/mine, which is not there"),
        ("mine", a_link_to_itself, "is a link to .*mine, which is not there"),
        ("away/mine", lambda folder: a_dead_link(folder.parent), "is a link to .*away/mine, which is not there"),
        ("mine", a_folder_for_a_notebook, "00_start_here.ipynb is a folder .*rename it"),
        ("notebooks", of_another_checkout, "holds the course itself: name another"),
        ("m" * 300, lambda folder: None, "File name too long"),
        ("mi\0ne", lambda folder: None, "null"),
        ("~nobody-of-that-name/mine", lambda folder: None, "home directory"),
    ],
)
def test_a_folder_that_cannot_be_is_refused_and_nothing_is_made(tmp_path, monkeypatch, name, prepare, words):
    course = small_course(tmp_path / "course").parent
    place = tmp_path / "place"
    place.mkdir()
    prepare(place / name)
    before = sorted(place.rglob("*"))
    monkeypatch.chdir(place)
    with pytest.raises(storage.StorageError, match=words) as refused:
        working_copy.lay_out(name, course)
    assert "\n" not in str(refused.value) and sorted(place.rglob("*")) == before


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EACCES, errno.EROFS, errno.EDQUOT])
def test_trouble_of_the_disk_names_the_folder_and_no_advice_that_does_not_help(tmp_path, course, monkeypatch, number):
    def trouble(*_, **__):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(storage.tempfile, "mkdtemp", trouble)
    with pytest.raises(storage.StorageError, match=f"{tmp_path}.*{os.strerror(number)}") as refused:
        working_copy.lay_out(tmp_path / "mine", course)
    assert storage.CACHE_VARIABLE not in str(refused.value)


@pytest.mark.parametrize("left", [working_copy.RECORD, working_copy.DONE])
def test_either_record_makes_a_folder_a_working_copy(tmp_path, left):
    (tmp_path / left).write_text("{}")
    assert working_copy.working_copy(tmp_path) == tmp_path.resolve()
