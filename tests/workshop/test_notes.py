"""A teacher's notes fit their notebook: its goals, an answer for each prediction and exercise, numbers that it has."""

import re

import nbformat
import pytest
from said_numbers import numbers, of_notebook

from helpers.course import working_copy

FOLDER = working_copy.CHECKOUT / "workshop/notebooks"
PATHS = working_copy.course_notebooks()
PARTS = [
    "Goals",
    "Before you begin",
    "What they believe, and the question that brings it out",
    "Predict: the answers",
    "Exercises: the answers",
    "In the room",
]
each = pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)


def parts(path):
    """Heading to text of a notebook's notes."""
    text = (FOLDER / f"{path.stem}.md").read_text(encoding="utf-8")
    return dict(re.findall(r"^## (.+?)\n+(.*?)(?=\n## |\Z)", text, flags=re.MULTILINE | re.DOTALL))


def markdown(path):
    return [cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "markdown"]


def plain(text):
    return " ".join(text.split())


def listed(text, mark=r"\d+\."):
    """The entries of a list, each on one line."""
    return [plain(entry) for entry in re.split(rf"^{mark} ", text, flags=re.MULTILINE)[1:]]


@each
def test_have_every_part_in_order(path):
    assert list(parts(path)) == PARTS
    assert (FOLDER / f"{path.stem}.md").read_text(encoding="utf-8").startswith(f"# Teaching {path.stem}\n")


def test_there_are_notes_for_the_notebooks_and_for_no_other():
    assert sorted(path.stem for path in FOLDER.glob("*.md")) == [path.stem for path in PATHS]


@each
def test_goals_are_those_of_the_notebook(path):
    quoted = "\n".join(line.removeprefix(">").removeprefix(" ") for line in markdown(path)[0].splitlines())
    goals = listed(quoted.partition("**Needs**")[0])
    assert listed(parts(path)["Goals"]) == goals and len(goals) >= 3


@each
def test_each_prediction_has_its_answer(path):
    asked = sum(text.count("**Predict.**") for text in markdown(path))
    assert len(listed(parts(path)["Predict: the answers"])) == asked > 0


@each
def test_each_exercise_has_its_answer_under_its_name(path):
    named = [re.match(r"### Exercise, .*?: (.+)", text) for text in markdown(path)]
    exercises = [match[1] for match in named if match]
    answers = listed(parts(path)["Exercises: the answers"], r"\*")
    assert [re.match(r"\*\*(.+?)\*\*: ", answer)[1] for answer in answers] == exercises


@each
def test_there_are_misconceptions_with_a_question_and_what_goes_wrong_with_a_remedy(path):
    rows = re.findall(r"^\| (.+?) \| (.+?) \| (.+?) \|$", parts(path)[PARTS[2]], flags=re.MULTILINE)[1:]
    assert len(rows) >= 5 and all("?" in question or question.endswith(".") for _, question, _ in rows)
    assert len(listed(parts(path)["In the room"], r"\*")) >= 3


@each
def test_numbers_in_the_answers_are_in_the_notebook(path):
    said = numbers(parts(path)["Predict: the answers"]) | numbers(parts(path)[PARTS[2]])
    small = {str(number) for number in range(21)}  # counted by whoever reads
    assert said - small - of_notebook(path) == set()
