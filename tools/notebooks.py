"""Run the notebooks and store their outputs, or time them.

``python -m tools.notebooks execute`` is ``make notebooks``, and ``timings`` is ``make timings``.
"""

import argparse
import base64
import os
import re
import sys
import tempfile
import time
from pathlib import Path

import nbclient
import nbformat

from helpers import storage
from helpers.course import working_copy

CELL_SECONDS = 300
WIDGET = "application/vnd.jupyter.widget-view+json"
# What a learner must not see below a cell: log lines, warnings, progress bars as text, errors.
NOISE = re.compile(r"cuda|absl|onednn|warning:|[IWE]0000 00|it/s|ms/step|%\||Traceback", re.IGNORECASE)
LIVE = {"widget", "progress"}  # tags of cells whose outputs live with a kernel and a browser only
README_FIGURE = "readme-figure"  # tag of the cell whose figure README.md shows
# Linux lets a new process inherit the largest size of its parent in getrusage, but not in VmHWM.
PEAK = """
import pathlib, resource
status = pathlib.Path("/proc/self/status")
if status.exists():
    print(next(line.split()[1] for line in status.read_text().splitlines() if line.startswith("VmHWM")))
else:
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def run(path, **variables):
    """Run a notebook from top to bottom in a new kernel.

    Parameters
    ----------
    path : path
    **variables : str
        Environment variables of the kernel, beside those of this process.

    Returns
    -------
    notebook : nbformat.NotebookNode
        With its outputs.
    seconds : float
    peak : float
        Largest memory of the kernel, in MB.

    Raises
    ------
    nbclient.exceptions.CellExecutionError
        When a cell fails.
    """
    notebook = nbformat.read(path, as_version=4)
    client = nbclient.NotebookClient(
        notebook,
        timeout=CELL_SECONDS,
        kernel_name="python3",
        resources={"metadata": {"path": str(Path(path).parent)}},
        record_timing=False,
        store_widget_state=False,
    )
    with client.setup_kernel(env={**os.environ, **variables}):
        started = time.perf_counter()
        for index, cell in enumerate(notebook.cells):
            client.execute_cell(cell, index)
        seconds = time.perf_counter() - started
        notebook.cells.append(nbformat.v4.new_code_cell(PEAK))
        client.execute_cell(notebook.cells[-1], len(notebook.cells) - 1)
    size = int(notebook.cells.pop().outputs[0].text)
    return notebook, seconds, size / 1e6 if sys.platform == "darwin" else size / 1e3


def tidy(notebook):
    """Return the notebook without what must not be stored: dead widgets and progress bars, metadata of this run.

    Parameters
    ----------
    notebook : nbformat.NotebookNode
        Changed in place.

    Returns
    -------
    nbformat.NotebookNode
    """
    notebook.metadata = nbformat.from_dict(
        {
            "kernelspec": {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"},
            "language_info": {"name": "python"},
        }
    )
    for number, cell in enumerate(notebook.cells):
        cell.id = f"cell-{number:02d}"
        cell.metadata = {key: value for key, value in cell.metadata.items() if key in ("tags", "jupyter")}
        if cell.cell_type == "code":
            live = LIVE & set(cell.metadata.get("tags", []))
            cell.outputs = [output for output in cell.outputs if not live and WIDGET not in output.get("data", {})]
    return notebook


def readme_figures(notebook):
    """Return the PNG pictures of the cells tagged ``readme-figure``."""
    return [
        base64.b64decode(output.data["image/png"])
        for cell in notebook.cells
        if README_FIGURE in cell.metadata.get("tags", [])
        for output in cell.outputs
        if "image/png" in output.get("data", {})
    ]


def execute(paths):
    """Run notebooks and store their outputs; one that fails stays as it was."""
    for path in paths:
        notebook, seconds, peak = run(path)
        with storage.written_whole(path) as temporary:
            nbformat.write(tidy(notebook), temporary)
        for picture in readme_figures(notebook):
            (path.parent / "result.png").write_bytes(picture)
        _report(path, seconds, peak)


def timings(paths):
    """Run notebooks with an empty cache, each with one of its own, and store nothing."""
    for path in paths:
        with tempfile.TemporaryDirectory() as folder:
            _, seconds, peak = run(path, **{storage.CACHE_VARIABLE: folder})
        _report(path, seconds, peak)


def _report(path, seconds, peak):
    print(f"{path.stem:24} {seconds:6.1f} s {peak:7.0f} MB", flush=True)


def main():
    """Run one of the commands."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("command", choices=("execute", "timings"))
    parser.add_argument("paths", nargs="*", type=Path, help="notebooks; all by default")
    arguments = parser.parse_args()
    command = {"execute": execute, "timings": timings}[arguments.command]
    command(arguments.paths or working_copy.course_notebooks())


if __name__ == "__main__":
    main()
