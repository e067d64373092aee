"""The notebooks keep the form of the course, and are looked after without loss."""

import ast
import dis
import json
import re
import shutil
import subprocess
import sys

import nbclient
import nbformat
import numpy as np
import pytest

from helpers.course import working_copy
from tools import notebooks

PATHS = working_copy.course_notebooks()
LARGEST = 600 * 1024  # bytes
LONGEST_CELL = 22  # lines
NOISE = ("cuda", "absl", "onednn", "I0000", "W0000", "E0000", "Warning:", "WARNING:")


def of(path):
    return nbformat.read(path, as_version=4)


def code(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def outputs(notebook):
    return [output for cell in code(notebook) for output in cell.outputs]


def texts(notebook):
    """Every text that a reader sees below code cells."""
    for output in outputs(notebook):
        if output.output_type == "stream":
            yield output.text
        for kind, data in output.get("data", {}).items():
            if kind.startswith("text/"):
                yield data


def global_names(compiled):
    """Return the names that a cell's code reads from outside, and those that it makes."""
    loaded, stored = set(), set()
    for instruction in dis.get_instructions(compiled):
        if instruction.opname in ("LOAD_NAME", "LOAD_GLOBAL"):
            loaded.add(instruction.argval)
        elif instruction.opname == "STORE_NAME":
            stored.add(instruction.argval)
    for inner in compiled.co_consts:
        if isinstance(inner, type(compiled)):
            loaded |= global_names(inner)[0]
    return loaded, stored


def numbered(text):
    return re.findall(r"^>? *\d+\. ", text, flags=re.MULTILINE)


def test_the_course_is_numbered_in_its_order():
    numbers = [path.name[:2] for path in PATHS]
    assert numbers[0] == "00" and len(set(numbers)) == len(numbers) > 1


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
class TestEachNotebook:
    def test_was_run_from_top_to_bottom(self, path):
        counts = [cell.execution_count for cell in code(of(path))]
        assert counts == list(range(1, len(counts) + 1))

    def test_is_small_enough(self, path):
        assert path.stat().st_size <= LARGEST

    def test_begins_with_title_goals_needs_and_minutes(self, path):
        first = of(path).cells[0]
        assert first.cell_type == "markdown" and re.match(r"# \w+", first.source)
        assert "You will be able to" in first.source and "Needs" in first.source
        assert re.search(r"about \d+ to read, \d+ to run", first.source)
        assert 3 <= len(numbered(first.source)) <= 5

    def test_mirrors_its_goals_in_the_recap(self, path):
        cells = of(path).cells
        recap, what_next = cells[-2].source, cells[-1].source
        assert recap.startswith("## Recap") and what_next.startswith("## What is next")
        assert len(numbered(recap)) == len(numbered(cells[0].source))

    def test_links_only_to_what_is_there(self, path):
        for cell in of(path).cells:
            if cell.cell_type == "markdown":
                for target in re.findall(r"\]\(([^)#]+)\)", cell.source):
                    assert target.startswith("https://") or (path.parent / target).exists(), target

    def test_has_one_setup_cell_first(self, path):
        first, *others = code(of(path))
        assert first.source.startswith("from helpers import session\n\nsession.start()")
        for cell in others:
            for node in ast.walk(ast.parse(cell.source)):
                assert not isinstance(node, ast.Import | ast.ImportFrom), f"imports later: {cell.source[:60]}"

    def test_imports_modules_without_stars_and_uses_no_magics(self, path):
        for cell in code(of(path)):
            for node in ast.walk(ast.parse(cell.source)):  # a magic is a syntax error here
                if isinstance(node, ast.ImportFrom):
                    assert all(name.name != "*" for name in node.names)

    def test_has_prose_between_any_two_code_cells(self, path):
        """But for the three cells of an exercise: stub, check and solution."""
        cells = of(path).cells
        for first, second in zip(cells, cells[1:], strict=False):
            if first.cell_type == second.cell_type == "code":
                parts = (first.metadata.get("tags"), second.metadata.get("tags"))
                assert parts in ((["exercise"], None), (None, ["solution"])), second.source
                assert "checks." in (second.source if parts[1] is None else first.source)

    def test_no_later_cell_needs_a_solution(self, path):
        """So that the notebook without its solutions, the copy for a workshop, runs to its end."""
        solved = set()
        for cell in code(of(path)):
            loaded, stored = global_names(compile(cell.source, path.name, "exec"))
            if "solution" in cell.metadata.get("tags", []):
                solved |= stored
            else:
                assert not (solved - stored) & loaded, cell.source
                solved -= stored

    def test_asks_for_predictions_and_reads_outputs(self, path):
        prose = "\n".join(cell.source for cell in of(path).cells if cell.cell_type == "markdown")
        assert len(re.findall(r"^\*\*Predict\.\*\*", prose, re.MULTILINE)) >= 2
        assert len(re.findall(r"^\*\*What you saw\.\*\*", prose, re.MULTILINE)) >= 3

    def test_cells_fit_a_projector(self, path):
        for cell in code(of(path)):
            lines = cell.source.splitlines()
            assert len(lines) <= LONGEST_CELL, cell.source
            assert all(len(line) <= 100 for line in lines), cell.source

    def test_asserts_its_claims(self, path):
        asserting = [cell for cell in code(of(path)) if re.search(r"\bassert\b|assert_allclose", cell.source)]
        assert len(asserting) >= 4
        assert any(cell.source.startswith("# NBVAL_CHECK_OUTPUT") for cell in code(of(path)))

    def test_cells_whose_output_is_compared_have_one(self, path):
        for cell in code(of(path)):
            if cell.source.startswith("# NBVAL_CHECK_OUTPUT"):
                assert cell.outputs, cell.source

    def test_every_figure_has_alt_text(self, path):
        figures = 0
        for cell in code(of(path)):
            for output in cell.outputs:
                if "image/png" in output.get("data", {}):
                    figures += 1
                    assert len(output.metadata["image/png"]["alt"]) >= 40, cell.source
        assert figures >= 2

    def test_stores_no_error_log_line_path_progress_bar_or_widget_state(self, path):
        notebook = of(path)
        assert "widgets" not in notebook.metadata
        for output in outputs(notebook):
            assert output.output_type != "error"
            assert output.get("name") != "stderr", output.text
            assert notebooks.WIDGET not in output.get("data", {})
        for text in texts(notebook):
            assert not re.search(r"/home/|/Users/|/root/|/tmp/|site-packages|C:\\", text), text
            assert not any(noise in text for noise in NOISE), text
            assert "it/s" not in text and "ms/step" not in text and "%|" not in text, text


def small_course(folder, text="1 + 1"):
    folder.mkdir(exist_ok=True)
    cell = nbformat.v4.new_code_cell(text, execution_count=1)
    cell.outputs = [nbformat.v4.new_output("execute_result", {"text/plain": "2"}, execution_count=1)]
    path = folder / "00_start_here.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), path)
    return path


class TestWorkingCopy:
    def test_has_its_outputs_cleared(self, tmp_path):
        small_course(tmp_path / "notebooks")
        assert working_copy.lay_out(tmp_path / "mine", tmp_path / "notebooks") == []
        (cell,) = of(tmp_path / "mine/00_start_here.ipynb").cells
        assert cell.source == "1 + 1" and cell.outputs == [] and cell.execution_count is None

    def test_keeps_a_learners_changes(self, tmp_path):
        small_course(tmp_path / "notebooks")
        working_copy.lay_out(tmp_path / "mine", tmp_path / "notebooks")
        mine = tmp_path / "mine/00_start_here.ipynb"
        mine.write_text(mine.read_text().replace("1 + 1", "1 + 2"))
        assert working_copy.lay_out(tmp_path / "mine", tmp_path / "notebooks") == []
        assert of(mine).cells[0].source == "1 + 2"

    def test_lays_a_new_version_beside_and_says_so_once(self, tmp_path):
        small_course(tmp_path / "notebooks")
        working_copy.lay_out(tmp_path / "mine", tmp_path / "notebooks")
        mine = tmp_path / "mine/00_start_here.ipynb"
        mine.write_text(mine.read_text().replace("1 + 1", "1 + 2"))
        small_course(tmp_path / "notebooks", "2 + 2")
        (line,) = working_copy.lay_out(tmp_path / "mine", tmp_path / "notebooks")
        (new,) = (tmp_path / "mine").glob("*.new-*.ipynb")
        assert new.name in line and "00_start_here.ipynb" in line
        assert of(mine).cells[0].source == "1 + 2" and of(new).cells[0].source == "2 + 2"
        assert working_copy.lay_out(tmp_path / "mine", tmp_path / "notebooks") == []

    def test_never_overwrites_although_its_record_is_lost(self, tmp_path):
        small_course(tmp_path / "notebooks")
        working_copy.lay_out(tmp_path / "mine", tmp_path / "notebooks")
        mine = tmp_path / "mine/00_start_here.ipynb"
        mine.write_text(mine.read_text().replace("1 + 1", "1 + 2"))
        (tmp_path / "mine" / working_copy.RECORD).write_text("{ half")
        working_copy.lay_out(tmp_path / "mine", tmp_path / "notebooks")
        assert of(mine).cells[0].source == "1 + 2"

    def test_the_whole_course_can_be_laid_out(self, tmp_path):
        working_copy.lay_out(tmp_path / "mine")
        assert [path.name for path in working_copy.course_notebooks(tmp_path / "mine")] == [path.name for path in PATHS]


class TestExecution:
    def test_stores_outputs_and_drops_progress_bars(self, tmp_path):
        path = small_course(
            tmp_path / "notebooks",
            "import tqdm.auto\nfor _ in tqdm.auto.tqdm(range(2), leave=False):\n    pass\nprint('seen')",
        )
        notebooks.execute([path])
        assert [output.output_type for output in outputs(of(path))] == ["stream"]
        assert of(path).cells[0].outputs[0].text == "seen\n"

    def test_leaves_a_failing_notebook_as_it_was(self, tmp_path):
        path = small_course(tmp_path / "notebooks", "1 / 0")
        before = path.read_bytes()
        with pytest.raises(nbclient.exceptions.CellExecutionError, match="ZeroDivisionError"):
            notebooks.execute([path])
        assert path.read_bytes() == before

    def test_reports_seconds_and_memory(self, tmp_path, capsys):
        large = np.ones(50_000_000)  # 0.4 GB of this process, which are none of the kernel's
        notebooks.timings([small_course(tmp_path / "notebooks", "block = bytearray(100_000_000)")])
        name, seconds, _, peak, unit = capsys.readouterr().out.split()
        assert (
            name == "00_start_here" and float(seconds) > 0 and 100 < float(peak) < 400 and unit == "MB" and large.any()
        )


def nbval(tmp_path, *sources):
    """Run a notebook of these cells through nbval, under the repository's own conftest."""
    shutil.copy(working_copy.COURSE.parent / "conftest.py", tmp_path)
    cells = [nbformat.v4.new_code_cell(source, execution_count=n) for n, source in enumerate(sources, 1)]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "00_bad.ipynb")
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--nbval-lax", "--nbval-current-env", "."]
    return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)


def test_nbval_skips_the_cells_after_a_failure(tmp_path):
    done = nbval(tmp_path, "raise RuntimeError('first')", "print('never')")
    assert done.returncode == 1
    assert "1 failed" in done.stdout.splitlines()[-1] and "1 skipped" in done.stdout.splitlines()[-1]
    assert "passed" not in done.stdout.splitlines()[-1]


@pytest.mark.parametrize(
    "source",
    [
        "import os\n_ = os.write(2, b'a line past Python\\n')\nimport time; time.sleep(1)",
        "import sys\nprint('careful', file=sys.stderr)",
        "import warnings\nwarnings.warn('careful')",
        "print('W0000 00:00 oneDNN custom operations are on')",
    ],
    ids=["past Python", "stderr", "warning", "log line"],
)
def test_nbval_fails_a_cell_that_shows_noise(tmp_path, source):
    done = nbval(tmp_path, "print('fine')", source)
    assert done.returncode == 1 and "the learner sees" in done.stdout
    assert "1 failed, 1 passed" in done.stdout.splitlines()[-1]


def test_stored_outputs_are_json_that_any_reader_opens():
    for path in PATHS:
        nbformat.validate(json.loads(path.read_text(encoding="utf-8")))


def test_the_readme_shows_the_stored_figure():
    (picture,) = [picture for path in PATHS for picture in notebooks.readme_figures(of(path))]
    assert (working_copy.COURSE / "result.png").read_bytes() == picture
    assert re.search(
        r"!\[[^\]]{40,}\]\(notebooks/result\.png\)", (working_copy.COURSE.parent / "README.md").read_text()
    )
