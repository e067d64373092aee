"""The record of exercises loses nothing: not to another kernel, not to damage, not to what it does not understand."""

import errno
import json
import os

import pytest

from helpers import storage
from helpers.course import checks, working_copy
from helpers.course.checks import record


@pytest.fixture
def copy(tmp_path):
    """A working copy without a record of exercises."""
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / working_copy.RECORD).write_text("{}")
    return folder


TWENTY = {f"exercise_{number}": "2025-01-31" for number in range(20)}
TEXT = json.dumps(TWENTY).encode()
UNREADABLE = {
    "cut off": TEXT[:-7],
    "cut in a letter": '{"é'.encode()[:-1],
    "empty": b"",
    "zeros": b"\0" * 64,
    "UTF-16": TEXT.decode().encode("utf-16"),
    "two at once": TEXT + TEXT,
    "list": b'["exercise_1"]',
    "text": b'"exercise_1"',
    "null": b"null",
    "merge conflict": b"<<<<<<< mine\n" + TEXT,
}


@pytest.mark.parametrize("damaged", UNREADABLE.values(), ids=UNREADABLE)
def test_what_cannot_be_read_is_kept_beside_the_new_one(copy, damaged):
    for times in (1, 2):  # also a second time
        (copy / record.FILE).write_bytes(damaged)
        assert record.done(copy) == ({}, False)
        line = record.keep("count", copy)
        assert record.FILE in line and "kept beside" in line and "\n" not in line
        assert list(record.done(copy)[0]) == ["count"]
        aside = list(copy.glob(f"{record.FILE}.unreadable-*"))
        assert [path.read_bytes() for path in aside] == [damaged] * times
    assert record.keep("next", copy) is None


@pytest.mark.parametrize("start", [b"", b"\xef\xbb\xbf"], ids=["plain", "byte order mark"])
def test_what_can_be_read_goes_on(copy, start):
    (copy / record.FILE).write_bytes(start + TEXT)
    assert record.keep("count", copy) is None
    assert record.done(copy)[0].keys() == {*TWENTY, "count"}
    assert {path.name for path in copy.iterdir()} <= {working_copy.RECORD, record.FILE, f"{record.FILE}.lock"}


@pytest.mark.parametrize(
    "later",
    [
        {"version": 2, "exercises": {"exercise_1": {"day": "2027-01-01", "tries": 3}}},
        {"exercise_1": {"day": "2027-01-01"}, "exercise_2": ["2027-01-01", 4], "exercise_3": True, "exercise_4": 1.5},
        {"exercise_1": None, "exercise_2": False, "": ""},
    ],
    ids=["nested", "other entries", "none done"],
)
def test_what_is_not_understood_is_kept(copy, later):
    (copy / record.FILE).write_text(json.dumps(later))
    assert record.keep("count", copy) is None
    kept = json.loads((copy / record.FILE).read_text())
    assert {name: kept[name] for name in later} == later and set(kept) == {*later, "count"}
    assert record.keep("exercise_3", copy) is None
    assert json.loads((copy / record.FILE).read_text())["exercise_3"] == later.get("exercise_3", kept["count"])


def test_an_entry_of_a_later_version_counts_as_done(copy):
    (copy / record.FILE).write_text('{"exercise_1": {"day": "2027-01-01"}, "exercise_2": null}')
    assert record.done(copy) == ({"exercise_1": ""}, True)


def test_kernels_at_the_same_time_lose_nothing(copy, at_once):
    code = f"""
        from helpers.course.checks import record
        wait_for_the_others()
        for number in range(14):
            assert record.keep(sys.argv[1][-1] + str(number), {str(copy)!r}) is None
    """
    at_once(code, 2)
    kept, readable = record.done(copy)
    assert readable and kept.keys() == {f"{kernel}{number}" for kernel in "01" for number in range(14)}


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EACCES, errno.EROFS])
def test_where_it_cannot_be_noted_the_folder_is_named_and_the_old_record_stays(copy, monkeypatch, number):
    def trouble(*_, **__):
        raise OSError(number, os.strerror(number))

    (copy / record.FILE).write_bytes(TEXT)
    monkeypatch.setattr(storage.tempfile, "mkdtemp", trouble)
    line = record.keep("count", copy)
    assert line.startswith("Right, but") and str(copy) in line and os.strerror(number) in line and "\n" not in line
    assert storage.CACHE_VARIABLE not in line and (copy / record.FILE).read_bytes() == TEXT


def test_a_lost_record_of_the_lay_out_hides_no_exercise(copy):
    record.keep("count", copy)
    (copy / working_copy.RECORD).unlink()
    assert list(record.done(copy)[0]) == ["count"]
    assert record.keep("next", copy) is None and len(record.done(copy)[0]) == 2


def test_a_linked_record_stays_a_link(copy, tmp_path):
    (tmp_path / "shared.json").write_bytes(TEXT)
    (copy / record.FILE).symlink_to(tmp_path / "shared.json")
    assert record.keep("count", copy) is None
    assert (copy / record.FILE).is_symlink() and len(json.loads((tmp_path / "shared.json").read_text())) == 21


class TestOfTheFirstVersion:
    """What was done in it stays done under its new name."""

    def test_every_exercise_of_it_has_a_name_now_or_is_known_to_be_gone(self):
        now = {check.name for check in checks.EXERCISES}
        assert set(record.RENAMED.values()) <= now
        assert not now & {*record.RENAMED, *record.GONE}
        assert len(set(record.RENAMED) | set(record.GONE)) == 17  # of 28; eleven keep their names

    def test_stays_done_under_its_new_name_and_the_record_keeps_the_old_one(self, copy, capsys):
        (copy / record.FILE).write_text('{"output_shape": "2026-11-01", "rate_of_run": "2026-11-02"}')
        assert record.done(copy)[0]["read_a_stack"] == "2026-11-01"
        assert record.keep("read_a_stack", copy) is None
        assert json.loads((copy / record.FILE).read_text()) == {
            "output_shape": "2026-11-01",
            "rate_of_run": "2026-11-02",
        }
        record.show(checks.EXERCISES, copy)
        shown = capsys.readouterr().out
        assert "1 of " in shown and "1 more are done that the first version" in shown

    @pytest.mark.parametrize(("name", "said"), [("output_shape", "called read_a_stack now"), ("rate_of_run", "no suc")])
    def test_a_call_of_its_name_is_told_what_it_is_now(self, name, said):
        with pytest.raises(AttributeError, match=f"first version of this notebook.*{said}"):
            getattr(checks, name)
        with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
            checks.nothing  # noqa: B018
