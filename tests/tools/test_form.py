"""Each rule of the notebooks' form bites: a good notebook broken in one way is named with that fault and no other."""

import copy

import nbformat
import pytest

from helpers.course import working_copy
from tools import form, new_notebook, quizzes

text, HIDDEN = nbformat.v4.new_markdown_cell, {"source_hidden": True}
GOOD = working_copy.COURSE / "02_freeze_layers.ipynb"


def code(notebook, tag=None):
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    return [cell for cell in cells if tag is None or tag in cell.metadata.get("tags", [])]


def recap(notebook):
    return notebook.cells[-2]


def replace(cell, old, new):
    assert old in cell.source
    cell.source = cell.source.replace(old, new)


def in_a_text(old, new):
    def change(notebook):
        (cell, *_) = [cell for cell in notebook.cells if cell.cell_type == "markdown" and old in cell.source]
        replace(cell, old, new)

    return change


def prints(text, name="stdout"):
    return lambda notebook: code(notebook)[1].outputs.append(nbformat.v4.new_output("stream", text=text, name=name))


def shows(**data):
    return lambda notebook: code(notebook)[1].outputs.append(nbformat.v4.new_output("display_data", data))


def figure(notebook):
    return next(output for cell in code(notebook) for output in cell.outputs if "image/png" in output.get("data", {}))


def appended(source):
    def change(notebook):
        code(notebook)[1].source += f"\n{source}"

    return change


def folded(source, **metadata):
    """Fold a cell away after the set-up cell."""

    def change(notebook):
        cell = nbformat.v4.new_code_cell(source, execution_count=0, metadata=metadata)
        notebook.cells.insert(2, cell)
        for number, each in enumerate(code(notebook), 1):
            each.execution_count = number

    return change


def first_stub(notebook):
    return notebook.cells.index(code(notebook, "exercise")[0])


def without_transfer(notebook):
    for cell in notebook.cells:
        if cell.source.startswith("### Exercise"):
            cell.source = cell.source.replace(", transfer:", ":")


CLEVER = {
    "a nested comprehension": "x = [[y for y in range(3)] for z in range(3)]",
    "a comprehension with two loops": "x = [y for z in range(3) for y in range(z)]",
    "a lambda": "x = lambda y: y",
    "a walrus": "print(x := 1)",
    "a dictionary that grows by |=": "x = {}\nx |= {}",
    "next": "x = next(iter([1]))",
    "an ellipsis": "x = np.zeros(3)[..., 0]",
    "a call inside an index": "x = [1][int(0)]",
}


@pytest.mark.parametrize("source", CLEVER.values(), ids=CLEVER)
def test_code_beyond_a_year_of_python_is_named_where_a_learner_reads_it(source):
    notebook = nbformat.read(GOOD, as_version=4)
    assert list(form.code_is_plain(notebook, GOOD)) == []
    code(notebook, "solution")[0].source += f"\n{source}"
    assert list(form.code_is_plain(notebook, GOOD)) == []
    code(notebook)[1].source += f"\n{source}"
    assert len(list(form.code_is_plain(notebook, GOOD))) == 1


FAULTS = {
    "a cell was run twice": (lambda nb: code(nb)[2].update(execution_count=90), "top to bottom"),
    "a cell was never run": (lambda nb: code(nb)[2].update(execution_count=None), "top to bottom"),
    "a compared cell has no output": (lambda nb: code(nb)[1].update(outputs=[]), "compared, but it has none"),
    "no title": (lambda nb: replace(nb.cells[0], "# Freeze", "Freeze"), "title"),
    "no goals": (lambda nb: replace(nb.cells[0], "You will be able to", "Goals"), "goals: You will"),
    "no needs": (lambda nb: replace(nb.cells[0], "**Needs**", "Needs"), "**Needs**"),
    "no minutes": (lambda nb: replace(nb.cells[0], "**Minutes**: about", "Minutes: about"), "minutes"),
    "minutes that are too few": (
        lambda nb: replace(nb.cells[0], "about 44", "about 25"),
        "says 25 minutes and takes 44",
    ),
    "more than an hour": (in_a_text("**Predict.**", "**Predict.** " + "word " * 4000), " minutes"),
    "no glossary": (lambda nb: replace(nb.cells[0], "(GLOSSARY.md)", "(02_freeze_layers.ipynb)"), "glossary"),
    "a goal without an exercise": (
        in_a_text("### Exercise, goal 1:", "### Exercise, goal 2:"),
        "no exercise for goal 1",
    ),
    "an exercise without a goal": (in_a_text("### Exercise, goal 1:", "### Exercise, goals 1 and 9:"), "not there"),
    "nothing to carry over": (without_transfer, "transfer"),
    "a line of the recap is missing": (lambda nb: replace(recap(nb), "2. **", "Second, **"), "recap has"),
    "no recap": (lambda nb: nb.cells.pop(-2), "last two cells"),
    "a link to what is not there": (in_a_text("(03_attach_new_head.ipynb)", "(03_atach.ipynb)"), "leads nowhere"),
    "another first cell": (lambda nb: replace(code(nb)[0], "session.start()", "session.start(1)"), "session.start()"),
    "a later import": (appended("import os"), "an import after"),
    "a star": (lambda nb: replace(code(nb)[0], "import keras", "from keras import *"), "a star import"),
    "a magic": (appended("%time 1"), "plain Python"),
    "no text between two cells": (lambda nb: nb.cells.pop(2), "no text before"),
    "no task above a stub": (lambda nb: nb.cells.insert(first_stub(nb), text("What now?")), "no task above the stub"),
    "a stub without a blank": (lambda nb: code(nb, "exercise")[0].update(source="mine = 1"), "no blank"),
    "a solution that is not folded": (lambda nb: code(nb, "solution")[0].metadata.pop("jupyter"), "no folded solution"),
    "no progress": (lambda nb: replace(code(nb, "progress")[0], "checks.progress", "print"), "checks.progress()"),
    "something left to write": (in_a_text("**Predict.**", "**Predict.** TODO"), "a TODO is left: "),
    "a long cell": (appended("\n".join(f"x{n} = {n}" for n in range(15))), "more than 15 lines"),
    "a marker as a comment": (appended("# NBVAL_CHECK_OUTPUT"), "a marker in the code"),
    "a folded cell that asserts nothing": (folded("1", tags=["claims"], jupyter=HIDDEN), "asserts nothing"),
    "claims that are not folded": (folded("assert 1", tags=["claims"]), "is not folded"),
    "a folded cell without a reason": (
        lambda nb: code(nb)[1].metadata.update(jupyter=HIDDEN),
        "folded cell without the",
    ),
    "a long line": (appended(f"x = '{'y' * 100}'"), "100 letters"),
    "a figure without a text": (lambda nb: figure(nb).update(metadata={}), "alternative text"),
    "state of widgets": (lambda nb: nb.metadata.update(widgets={}), "state of widgets"),
    "a widget": (shows(**{"application/vnd.jupyter.widget-view+json": {}}), "a widget is stored"),
    "a line on stderr": (prints("careful", "stderr"), "stderr"),
    "an error": (
        lambda nb: code(nb)[1].outputs.append(nbformat.v4.new_output("error", ename="E", evalue="", traceback=[])),
        "an error",
    ),
    "a progress bar": (prints("100%|███| 3/3 [00:01, 2.9it/s]"), "is in the output"),
    "a log line": (prints("I0000 00:00 cuda"), "is in the output"),
    "somebody's folder": (shows(**{"text/html": "<b>/home/ada/course</b>"}), "'/home/' is in the output"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_named(fault):
    notebook, (change, words) = copy.deepcopy(nbformat.read(GOOD, as_version=4)), FAULTS[fault]
    change(notebook)
    lines = [line for rule in form.RULES for line in rule(notebook, GOOD)]
    assert lines and all(words in line for line in lines), lines


def test_a_cell_that_needs_a_solution_is_named():
    notebook = nbformat.read(GOOD, as_version=4)
    code(notebook, "solution")[0].source += "\nonly_here = 1"
    notebook.cells[-3].source += "\nonly_here + 1"
    assert [line for line in form.solutions_can_be_left_out(notebook, GOOD) if "only_here" in line]


def test_too_few_predictions_claims_exercises_and_figures_are_named():
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("# x")])
    assert len(list(form.exercises(notebook, GOOD))) == 1
    assert list(form.goals_have_exercises(notebook, GOOD)) == ["no exercise is headed by the word transfer"]
    assert len(list(form.prose(notebook, GOOD))) == 2
    assert len(list(form.claims_are_asserted(notebook, GOOD))) == 2
    assert len(list(form.figures_have_alternative_text(notebook, GOOD))) == 1


def test_a_large_file_is_named(tmp_path):
    path = tmp_path / "00_large.ipynb"
    path.write_bytes(b" " * (form.LARGEST + 1))
    assert list(form.size(None, path))


class TestNewNotebook:
    @pytest.fixture
    def folders(self, tmp_path):
        for name in ("notebooks", "quizzes"):
            (tmp_path / name).mkdir()
        (tmp_path / "notebooks/00_start_here.ipynb").write_bytes(GOOD.read_bytes())
        (tmp_path / "notebooks" / working_copy.GLOSSARY).touch()
        return tmp_path / "notebooks", tmp_path / "quizzes"

    def test_has_every_part_and_lacks_only_what_its_author_writes_and_runs(self, folders):
        path, _ = new_notebook.write("12_prune_filters", *folders)
        nbformat.validate(nbformat.read(path, as_version=4))
        for line in form.problems(path):
            assert any(words in line for words in ("run", "output", "at least", "figures", "TODO")), line

    def test_its_quiz_file_can_be_read(self, folders):
        from helpers.course.quizzes import reading

        _, quiz = new_notebook.write("12_prune_filters", *folders)
        questions = reading.read(quiz)
        assert len(questions) == quizzes.FEWEST
        assert all(len(question.options) == quizzes.FEWEST_OPTIONS for question in questions)

    @pytest.mark.parametrize("name", ["", "prune", "1_prune", "10-prune", "10_Prune", "10_a/b", "00_again"])
    def test_a_name_that_does_not_do_is_refused_and_nothing_written(self, folders, name):
        with pytest.raises(ValueError, match="two digits|is there already"):
            new_notebook.write(name, *folders)
        assert len([*folders[0].glob("*.ipynb"), *folders[1].iterdir()]) == 1
