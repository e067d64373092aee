"""The answers tried on an exercise in its notebook are what learners hand in, and a check that errs is caught."""

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import nbformat
import notebook_tries
import pytest

from helpers.course import working_copy

STEMS = [path.stem for path in working_copy.course_notebooks()][1:]
JUDGE = """
class checks:
    class Verdict:
        def __init__(self, state):
            self.state = state

    class count:
        def __new__(cls, answer):
            print(cls.verdict(answer).state)

        def verdict(answer):
            return checks.Verdict("blank" if answer is ... else "right" if {right} else "wrong")
"""


def exercises(stem):
    """Return name → cell of the exercises of a notebook."""
    cells = [
        cell
        for cell in nbformat.read(working_copy.COURSE / f"{stem}.ipynb", as_version=4).cells
        if cell.cell_type == "code"
    ]
    pairs = zip(cells, cells[1:], strict=False)
    return {
        notebook_tries.CALL.match(check.source)[1]: stub.source
        for stub, check in pairs
        if "exercise" in stub.metadata.get("tags", [])
    }


@pytest.mark.parametrize(
    ("source", "filled"),
    [
        ("answer = ...", []),
        ("mine = [1]\n# your lines here\nanswer = ...  # dots", ["mine = [1]\nanswer = mine"]),
        ("def answer(one, two):\n    return ...", [f"def answer(one, two):\n    return {n}" for n in ("one", "two")]),
        ("n = 2\nanswer = {'a': ..., 'b': [...]}", ["n = 2\nanswer = {'a': n, 'b': [n]}"]),
    ],
)
def test_a_stub_is_tried_as_it_is_and_with_its_own_names(source, filled):
    assert notebook_tries.forms(source) == {source: "blank", **dict.fromkeys(filled, "wrong")}


@pytest.mark.parametrize("stem", STEMS)
def test_every_exercise_is_tried_untouched_half_done_and_wrong(stem):
    there = exercises(stem)
    written = tomllib.loads((notebook_tries.FOLDER / f"{stem}.toml").read_text(encoding="utf-8"))
    assert set(written) == set(there)
    for name, source in there.items():
        tries = notebook_tries.of(stem, name, source)
        assert tries[source] == "blank" and list(tries.values()).count("wrong") >= 2
        assert set(tries.values()) <= {"blank", "wrong", "right"}
        for code in tries:
            assert "answer" in compile(code, name, "exec").co_names


@pytest.mark.slow
def test_a_check_that_takes_a_stub_for_an_answer_fails_in_its_notebook(tmp_path):
    (tmp_path / "tests/course/tries").mkdir(parents=True)
    shutil.copy(working_copy.COURSE.parent / "conftest.py", tmp_path)
    for name, right in {"strict": "answer == 4", "lenient": "answer > 2"}.items():
        sources = [JUDGE.format(right=right), "mine = 3\nanswer = ...", "checks.count(answer)", "print(mine, answer)"]
        cells = [nbformat.v4.new_code_cell(source, execution_count=n) for n, source in enumerate(sources, 1)]
        nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / f"{name}.ipynb")
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--nbval-lax", "--nbval-current-env", "-v"]
    environment = os.environ | {"PYTHONPATH": str(Path(notebook_tries.__file__).parent)}
    ended = {}
    for name in ("strict", "lenient"):
        run = subprocess.run([*command, f"{name}.ipynb"], cwd=tmp_path, capture_output=True, text=True, env=environment)
        ended[name] = run.stdout
    assert "4 passed" in ended["strict"], ended["strict"]
    assert "2 passed, 1 skipped" in ended["lenient"] and "1 failed" in ended["lenient"], ended["lenient"]
    assert "count: 'right', expected 'wrong':" in ended["lenient"] and "answer = mine" in ended["lenient"]
