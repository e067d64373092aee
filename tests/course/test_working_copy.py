"""A learner's copy is laid out whole and never overwritten; trouble is told in one line."""

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


@pytest.mark.parametrize("record", ["{ half", "[1, 2]", "null", ""])
def test_nothing_is_overwritten_although_the_record_is_lost(mine, course, record):
    (mine.parent / working_copy.RECORD).write_text(record)
    working_copy.lay_out(mine.parent, course)
    assert source(mine) == "1 + 2"


def test_what_is_the_same_is_recognised_without_the_record(tmp_path, course):
    working_copy.lay_out(tmp_path / "mine", course)
    (tmp_path / "mine" / working_copy.RECORD).unlink()  # as after a lay-out that was stopped
    assert working_copy.lay_out(tmp_path / "mine", course) == []
    assert len(list((tmp_path / "mine").glob("*.ipynb"))) == 1


def test_a_deleted_notebook_comes_back(mine, course):
    mine.unlink()
    assert working_copy.lay_out(mine.parent, course) == []
    assert source(mine) == "1 + 1"


def test_the_whole_course_can_be_laid_out(tmp_path):
    working_copy.lay_out(tmp_path / "mine")
    laid = [path.name for path in working_copy.course_notebooks(tmp_path / "mine")]
    assert laid == [path.name for path in working_copy.course_notebooks()] and len(laid) >= 10


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


def test_a_folder_that_is_a_file_is_refused(tmp_path, course):
    (tmp_path / "mine").write_text("in the way")
    with pytest.raises(storage.StorageError, match="mine cannot be made .*another"):
        working_copy.lay_out(tmp_path / "mine", course)


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
