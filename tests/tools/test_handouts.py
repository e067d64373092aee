"""Handouts hold no solution, run to their end without them, and never overwrite what a person has changed."""

import ast
import re

import nbclient
import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell

from helpers import storage
from helpers.course import working_copy
from tools import handouts, notebooks

CACHE_OF_THE_NOTEBOOKS = str(storage.cache_folder())  # tests have one of their own; the features are in this one
PATHS = working_copy.course_notebooks()
# Names are proved for all. These are run as well: their cells train, and random numbers follow from the cells before.
REALLY_RUN = ("02_freeze_layers", "03_attach_new_head", "07_compare")


def course(folder, *cells):
    """A course of one notebook: cells are (source, tag or None), or a text."""
    folder.mkdir(exist_ok=True)
    made = []
    for number, cell in enumerate(cells, 1):
        if isinstance(cell, str):
            made.append(new_markdown_cell(cell))
            continue
        source, tag = cell
        made.append(new_code_cell(source, execution_count=number, metadata={"tags": [tag]} if tag else {}))
        made[-1].outputs = [nbformat.v4.new_output("stream", text="seen")]
        if tag in ("solution", "claims"):
            made[-1].metadata["jupyter"] = {"source_hidden": True}
    nbformat.write(nbformat.v4.new_notebook(cells=made), folder / "00_start_here.ipynb")
    return folder


@pytest.fixture
def small(tmp_path):
    return course(
        tmp_path / "notebooks",
        "# Start here\n\n* A folded bar below some cells holds the course's own checks of what the text says.\n* last",
        ("start = 1", None),
        ("assert start == 1", "claims"),
        ("answer = ...", "exercise"),
        ("print(answer)", None),
        ("solved = 2", "solution"),
        ("print(start)", None),
    )


def spoilers(notebook):
    """The texts of titles and of `plots.show` in code that a learner reads between a prediction and what was seen."""
    found, awaited = [], False
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            for mark in re.findall(r"\*\*Predict\.\*\*|^\*\*What you saw|^#+ ", cell.source, re.MULTILINE):
                awaited = mark == "**Predict.**"
        elif awaited and not cell.metadata.get("jupyter", {}).get("source_hidden"):
            for node in ast.walk(ast.parse(cell.source)):
                told = [part.value for part in getattr(node, "keywords", []) if part.arg == "title"]
                if isinstance(node, ast.Call) and re.search(r"title$|^plots\.show$", ast.unparse(node.func)):
                    told += node.args
                if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "title":
                    told.append(node.value)
                found += [part.value for one in told for part in ast.walk(one) if isinstance(part, ast.Constant)]
    return [text for text in found if isinstance(text, str)]


def cells(folder, name="learners"):
    return nbformat.read(folder / name / "00_start_here.ipynb", as_version=4).cells


def sources(folder, name="learners"):
    return [cell.source for cell in cells(folder, name) if cell.cell_type == "code"]


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """The handouts of the real course."""
    folder = tmp_path_factory.mktemp("handouts")
    assert handouts.write(folder) == []
    return folder


class TestOfASmallCourse:
    def test_learners_get_stub_and_check_and_no_output(self, small, tmp_path):
        assert handouts.write(tmp_path / "out", small) == []
        assert sources(tmp_path / "out") == ["start = 1", "answer = ...", "print(answer)", "print(start)"]
        assert all(not cell.outputs and cell.execution_count is None for cell in cells(tmp_path / "out")[1:])

    def test_the_teacher_gets_all_with_outputs_and_sees_the_solution(self, small, tmp_path):
        handouts.write(tmp_path / "out", small)
        by_source = {cell.source: cell for cell in cells(tmp_path / "out", "teacher")}
        assert len(by_source) == 7 and by_source["start = 1"].outputs
        assert not by_source["solved = 2"].metadata.get("jupyter")
        assert by_source["assert start == 1"].metadata["jupyter"]["source_hidden"]

    def test_no_text_speaks_of_cells_that_are_gone(self, small, tmp_path):
        handouts.write(tmp_path / "out", small)
        text = cells(tmp_path / "out")[0].source
        assert "checks of what the text says" not in text and text.endswith("\n* last")
        assert "and Enter run it like any other cell" in text

    def test_a_figure_that_a_prediction_waits_for_is_folded_and_what_prepares_it_is_not(self, tmp_path):
        figure = "axes = plt.gca()\naxes.set_title('The answer')\nplots.show('A line.')"
        data = "rows = [1]\nfor row in rows:\n    print(row)"
        small = course(
            tmp_path / "notebooks",
            ("import matplotlib.pyplot as plt\nfrom helpers import plots", None),
            "## Ask\n\n**What you saw.** Nothing.\n\n**Predict.** Which?",
            (f"{data}\n\n{figure}", None),
            "A remark.",
            ("plots.show('Only this.')", None),
            "**What you saw.** This.",
            (figure, None),
        )
        assert len(spoilers(nbformat.read(small / "00_start_here.ipynb", as_version=4))) == 3
        handouts.write(tmp_path / "out", small)
        learners = nbformat.read(tmp_path / "out/learners/00_start_here.ipynb", as_version=4)
        nbformat.validate(learners)
        code = [cell for cell in learners.cells if cell.cell_type == "code"]
        bar = handouts.FOLDED + "\n"
        assert [cell.source for cell in code[1:]] == [data, bar + figure, bar + "plots.show('Only this.')", figure]
        assert [bool(cell.metadata.get("jupyter")) for cell in code[1:]] == [False, True, True, False]
        assert spoilers(learners) == [] and len({cell.id for cell in learners.cells}) == len(learners.cells)

    @pytest.mark.parametrize("tag", ["solution", "claims"])
    @pytest.mark.parametrize(
        "later",
        ["start + made_here", "made_here = made_here + start", "made_here += 1", "print([made_here for _ in range(2)])"]
        + ["def later():\n    return made_here", "for row in made_here:\n    made_here = row"],
    )
    def test_a_cell_that_needs_what_is_left_out_is_refused_by_name(self, tmp_path, tag, later):
        small = course(tmp_path / "notebooks", ("start = 1", None), ("made_here = [2]", tag), (later, None))
        with pytest.raises(storage.StorageError, match="00_start_here.ipynb .* needs made_here: ") as told:
            handouts.write(tmp_path / "out", small)
        assert later.splitlines()[0] in str(told.value)
        assert not (tmp_path / "out").exists()

    def test_the_course_itself_is_no_place(self, small):
        before = {path.name: path.read_bytes() for path in small.iterdir()}
        with pytest.raises(storage.StorageError, match="holds the course itself"):
            handouts.write(small, small)
        assert {path.name: path.read_bytes() for path in small.iterdir()} == before

    def test_a_file_in_the_folders_place_is_said(self, small, tmp_path):
        (tmp_path / "out").write_text("mine")
        with pytest.raises(storage.StorageError, match="cannot be made or used"):
            handouts.write(tmp_path / "out", small)

    def test_an_empty_name_is_not_taken_for_the_present_folder(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        with pytest.raises(SystemExit):
            handouts.main([""])
        assert list(tmp_path.iterdir()) == []

    def test_the_command_tells_trouble_in_one_line(self, tmp_path):
        (tmp_path / "out").write_text("mine")
        said = handouts.main([str(tmp_path / "out")])
        assert str(tmp_path / "out") in said and "\n" not in said


class TestASecondTime:
    @pytest.fixture
    def changed(self, small, tmp_path):
        """Handouts in which a person has changed a cell."""
        handouts.write(tmp_path / "out", small)
        path = tmp_path / "out/learners/00_start_here.ipynb"
        path.write_text(path.read_text().replace("start = 1", "start = 7"))
        return tmp_path / "out"

    def test_nothing_is_said_where_nothing_changed(self, small, tmp_path):
        handouts.write(tmp_path / "out", small)
        assert handouts.write(tmp_path / "out", small) == []

    def test_what_nobody_touched_is_renewed(self, small, tmp_path):
        handouts.write(tmp_path / "out", small)
        course(small, ("start = 3", None))
        assert handouts.write(tmp_path / "out", small) == []
        assert sources(tmp_path / "out") == sources(tmp_path / "out", "teacher") == ["start = 3"]
        assert len(list((tmp_path / "out/learners").glob("*.ipynb"))) == 1

    def test_what_a_person_changed_is_left_and_said(self, changed, small):
        (line,) = handouts.write(changed, small)
        assert line.startswith("learners/00_start_here.ipynb") and "left as it is" in line
        assert sources(changed)[0] == "start = 7"

    def test_a_newer_version_is_beside_it(self, changed, small):
        course(small, ("start = 3", None))
        (line,) = handouts.write(changed, small)
        (new,) = (changed / "learners").glob("*.new-*.ipynb")
        assert new.name in line and sources(changed)[0] == "start = 7"
        assert sources(changed, "teacher") == ["start = 3"]


class TestOfTheCourse:
    def test_hold_every_notebook_and_the_glossary(self, written):
        for name in ("learners", "teacher"):
            there = sorted(path.name for path in (written / name).iterdir() if not path.name.startswith("."))
            assert there == sorted([*(path.name for path in PATHS), working_copy.GLOSSARY])

    @pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
    def test_learners_find_every_exercise_and_no_solution(self, written, path):
        mine = nbformat.read(written / "learners" / path.name, as_version=4)
        tags = [tag for cell in mine.cells for tag in cell.metadata.get("tags", [])]
        text = "\n".join(cell.source for cell in mine.cells)
        whole = nbformat.read(path, as_version=4)
        exercises = sum("exercise" in cell.metadata.get("tags", []) for cell in whole.cells)
        assert tags.count("exercise") == exercises > 0 and not {"solution", "claims"} & set(tags)
        text = text.replace("A folded bar after a prediction", "").replace("*What you saw* is folded", "")
        assert ".accepts(" not in text and not re.search(r"\bfold(ed|s)?\b|three cells", text)
        assert all(not cell.get("outputs") for cell in mine.cells)

    @pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
    def test_no_title_that_learners_read_answers_a_prediction_before_its_cell_is_run(self, written, path):
        mine = nbformat.read(written / "learners" / path.name, as_version=4)
        assert spoilers(mine) == []
        whole = "\n".join(cell.source for cell in nbformat.read(path, as_version=4).cells)
        for cell in mine.cells:
            folded = cell.metadata.get("jupyter", {}).get("source_hidden", False)
            assert cell.source.startswith(handouts.FOLDED) == folded  # JupyterLab shows the first line
            assert cell.cell_type != "code" or cell.source.removeprefix(f"{handouts.FOLDED}\n") in whole

    @pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
    def test_what_you_saw_is_folded_while_a_prediction_waits(self, written, path):
        """Each prediction is followed by its answer in a fold, and the fold ends before the next one."""
        mine = nbformat.read(written / "learners" / path.name, as_version=4)
        text = "\n\n".join(cell.source for cell in mine.cells if cell.cell_type == "markdown")
        parts = text.split("**Predict.**")[1:]
        answered = [part for part in parts if "**What you saw" in part]
        assert len(answered) > len(parts) / 2
        for part in answered:
            before, _, after = part.partition("**What you saw")
            if not re.search("^#", before, re.MULTILINE):
                assert before.endswith(f"{handouts.SEEN}\n\n") and "</details>" in after

    def test_a_fold_ends_with_the_list_that_its_paragraph_announces(self, tmp_path):
        course(tmp_path / "course", "**Predict.** Which?", "**What you saw.** Two:\n\n* a\n\nMore.\n\n## Next")
        handouts.write(tmp_path / "out", tmp_path / "course")
        told = next(cell.source for cell in cells(tmp_path / "out") if "saw" in cell.source)
        assert told == f"{handouts.SEEN}\n\n**What you saw.** Two:\n\n* a\n\n</details>\n\nMore.\n\n## Next"

    @pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
    def test_folded_code_draws_and_teaches_nothing(self, written, path):
        """What builds, trains or asks a network can be read before it is run."""
        for cell in nbformat.read(written / "learners" / path.name, as_version=4).cells:
            if cell.metadata.get("jupyter"):
                assert not re.search(r"keras\.(?!utils)|\.(compile|fit|predict|evaluate|set_weights)\(", cell.source)

    @pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
    def test_every_name_that_a_learners_cell_needs_is_made_above_it(self, written, path):
        assert handouts.unmade_names(nbformat.read(written / "learners" / path.name, as_version=4)) == []

    def test_every_replaced_sentence_is_in_the_course(self):
        course_text = "\n".join(cell.source for path in PATHS for cell in nbformat.read(path, as_version=4).cells)
        assert [words for words in handouts.SAID if words not in course_text] == []

    def test_opened_as_a_working_copy_they_stay_as_they_are(self, written):
        learners = written / "learners"
        before = {path.name: path.read_bytes() for path in learners.iterdir() if path.suffix in (".ipynb", ".md")}
        assert working_copy.lay_out(learners) == []
        assert working_copy.working_copy(learners) == learners
        after = {path.name: path.read_bytes() for path in learners.iterdir() if path.suffix in (".ipynb", ".md")}
        assert after == before


@pytest.mark.slow
class TestRun:
    @pytest.mark.parametrize("stem", REALLY_RUN)
    def test_to_their_end_without_solutions(self, written, stem):
        path = written / "learners" / f"{stem}.ipynb"
        ran, _, _ = notebooks.run(path, **{storage.CACHE_VARIABLE: CACHE_OF_THE_NOTEBOOKS})
        code = [cell for cell in ran.cells if cell.cell_type == "code"]
        assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))

    def test_a_cell_that_lacks_what_a_solution_did_stops_the_run(self, small, tmp_path):
        """Names are not all: here a solution fills a list that is made before it."""
        course(small, ("kept = []", None), ("kept.append(1)", "solution"), ("kept[0]", None))
        handouts.write(tmp_path / "out", small)
        with pytest.raises(nbclient.exceptions.CellExecutionError, match="IndexError"):
            handouts.run(tmp_path / "out")
