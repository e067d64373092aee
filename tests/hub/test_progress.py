"""The teacher's table takes names of exercises and nothing else, and shows them as text."""

import json

import pytest

from workshop.hub import progress_service

ROW = {"00_start_here": {"done": ["one"], "of": ["one", "two"]}, "01_load": {"done": [], "of": ["three"]}}


def test_a_row_is_taken_as_it_is():
    assert progress_service.checked(ROW) == ROW and progress_service.checked({}) == {}


@pytest.mark.parametrize(
    "row",
    [
        None,
        [],
        "text",
        {"00": None},
        {"00": {"done": []}},
        {"00": {"done": [], "of": [], "answer": "42"}},
        {"00": {"done": "one", "of": []}},
        {"00": {"done": [1], "of": []}},
        {"00": {"done": ["<script>"], "of": []}},
        {"<b>": {"done": [], "of": []}},
        {"00": {"done": [], "of": ["x" * 81]}},
        {"00": {"done": [], "of": ["x"] * 101}},
        {str(number): {"done": [], "of": []} for number in range(101)},
    ],
)
def test_anything_else_is_refused(row):
    with pytest.raises(ValueError, match="expected"):
        progress_service.checked(row)


def test_rows_are_kept_and_forgotten(tmp_path):
    rows = progress_service.Rows(tmp_path / "rows.json")
    rows.set("ana", ROW)
    rows.set("bo", ROW)
    rows.set("ana", None)
    rows.set("cy", None)
    assert progress_service.Rows(tmp_path / "rows.json").of == {"bo": ROW}
    assert json.loads((tmp_path / "rows.json").read_text()) == {"bo": ROW}


def test_a_damaged_file_begins_anew(tmp_path):
    (tmp_path / "rows.json").write_text("{")
    assert progress_service.Rows(tmp_path / "rows.json").of == {}


def test_the_table_counts_for_each_learner_and_notebook():
    page = progress_service.table({"ana": ROW, "bo": {}})
    assert "<td>1 of 2</td><td>0 of 1</td>" in page and "<td>0 of 0</td>" in page
    assert '<th scope="row">ana</th>' in page and 'href="?notebook=00_start_here"' in page


def test_one_notebook_shows_each_exercise():
    page = progress_service.table({"ana": ROW}, "00_start_here")
    assert '<th scope="col">one</th>' in page and "<td>done</td><td>-</td>" in page
    assert "1 of 2" in progress_service.table({"ana": ROW}, "<script>")


def test_an_empty_table_says_why():
    assert "agreed" in progress_service.table({})
