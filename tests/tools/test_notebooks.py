"""The notebooks keep the form of the course, and are looked after without loss."""

import json
import re
import shutil
import subprocess
import sys

import nbclient
import nbformat
import numpy as np
import pytest
from small_course import small_course

from helpers.course import working_copy
from tools import form, notebooks

PATHS = working_copy.course_notebooks()


def of(path):
    return nbformat.read(path, as_version=4)


def outputs(notebook):
    return [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]


def test_the_course_is_numbered_in_its_order():
    numbers = [path.name[:2] for path in PATHS]
    assert numbers[0] == "00" and len(set(numbers)) == len(numbers) > 1


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_each_keeps_the_form_of_the_course(path):
    assert form.problems(path) == []


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
