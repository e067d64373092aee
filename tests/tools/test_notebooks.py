"""The notebooks keep the form of the course, and are looked after without loss."""

import json
import re
import shutil
import subprocess
import sys
from xml.etree import ElementTree

import nbclient
import nbformat
import numpy as np
import pytest
from small_course import small_course

from helpers.course import working_copy
from tools import form, minutes, notebooks

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
        notebooks.timings(
            [small_course(tmp_path / "notebooks", "import time; time.sleep(0.2); block = bytearray(100_000_000)")]
        )
        name, seconds, _, peak, unit = capsys.readouterr().out.split()
        assert (
            name == "00_start_here" and float(seconds) > 0 and 100 < float(peak) < 400 and unit == "MB" and large.any()
        )


JUDGED = {  # the cells of a notebook, and how nbval must end it under the repository's own conftest
    "past_python": (
        ["print('fine')", "import os, time\n_ = os.write(2, b'past Python\\n')\ntime.sleep(1)"],
        ["passed", "noise"],
    ),
    "stderr": (["print('fine')", "import sys\nprint('careful', file=sys.stderr)"], ["passed", "noise"]),
    "warning": (["print('fine')", "import warnings\nwarnings.warn('careful')"], ["passed", "noise"]),
    "log_line": (["print('fine')", "print('W0000 00:00 oneDNN custom operations are on')"], ["passed", "noise"]),
    "failure": (["raise RuntimeError('first')", "print('never')"], ["failed", "skipped"]),
}


@pytest.fixture(scope="module")
def judged(tmp_path_factory):
    """How each cell of the notebooks in `JUDGED` ended, in one run of nbval."""
    folder = tmp_path_factory.mktemp("judged")
    shutil.copy(working_copy.COURSE.parent / "conftest.py", folder)
    for name, (sources, _) in JUDGED.items():
        cells = [nbformat.v4.new_code_cell(source, execution_count=n) for n, source in enumerate(sources, 1)]
        nbformat.write(nbformat.v4.new_notebook(cells=cells), folder / f"{name}.ipynb")
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--nbval-lax", "--nbval-current-env"]
    subprocess.run([*command, "--junit-xml=ended.xml", "."], cwd=folder, capture_output=True)
    ended = {name: [] for name in JUDGED}
    for case in ElementTree.parse(folder / "ended.xml").iter("testcase"):
        trouble = next(iter(case), None)
        seen = trouble is not None and "the learner sees" in f"{trouble.get('message')}{trouble.text}"
        how = "passed" if trouble is None else "noise" if seen else {"failure": "failed"}.get(trouble.tag, trouble.tag)
        ended[case.get("classname").partition(".")[0]].append(how)
    return ended


@pytest.mark.slow
@pytest.mark.parametrize("name", JUDGED)
def test_nbval_fails_a_cell_that_shows_noise_and_skips_what_follows_a_failure(judged, name):
    assert judged[name] == JUDGED[name][1]


def test_the_readme_has_a_row_for_each_with_its_title_and_minutes():
    readme = (working_copy.COURSE.parent / "README.md").read_text(encoding="utf-8")
    for path in PATHS:
        first = of(path).cells[0].source
        (said,) = re.findall(r"\*\*Minutes\*\*: about (\d+)", first)
        title = first.splitlines()[0].removeprefix("# ")
        assert f"| [{path.stem}](notebooks/{path.name}) | {title} | {said} |" in readme


def test_the_core_path_takes_no_longer_and_the_readme_says_its_hours():
    readme = (working_copy.COURSE.parent / "README.md").read_text(encoding="utf-8")
    honest = sum(minutes.minutes(of(path)) for path in PATHS[: minutes.CORE])
    assert honest <= minutes.CORE_PATH
    (said,) = re.findall(r"(\d\.?\d?) hours", readme)
    assert abs(float(said) - honest / 60) <= 0.25


def test_stored_outputs_are_json_that_any_reader_opens():
    for path in PATHS:
        nbformat.validate(json.loads(path.read_text(encoding="utf-8")))


def test_the_readme_shows_the_stored_figure():
    (picture,) = [picture for path in PATHS for picture in notebooks.readme_figures(of(path))]
    assert (working_copy.COURSE / "result.png").read_bytes() == picture
    assert re.search(
        r"!\[[^\]]{40,}\]\(notebooks/result\.png\)", (working_copy.COURSE.parent / "README.md").read_text()
    )
