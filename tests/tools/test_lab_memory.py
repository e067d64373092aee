"""The memory of a notebook is that of its server, its kernel, and what the kernel starts."""

import subprocess
import sys

import nbformat
import psutil
import pytest

from tools import lab_memory

MB = 1_000_000
HOLD = "held = bytearray(b'x' * {size}); print('held', flush=True); input()"
NEST = f"import subprocess, sys; child = subprocess.Popen([sys.executable, '-c', {HOLD.format(size=80 * MB)!r}], "
NEST += "stdin=subprocess.PIPE, stdout=subprocess.PIPE); child.stdout.readline(); " + HOLD.format(size=60 * MB)
pytestmark = pytest.mark.slow


def test_counts_a_process_and_what_it_has_started():
    with subprocess.Popen([sys.executable, "-c", NEST], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        assert 140 < lab_memory.size(psutil.Process(process.pid)) < 220
        process.stdin.close()


def written(path, *cells):
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in cells])
    nbformat.write(notebook, path)
    return path


def test_tells_the_peak_of_all_processes_and_its_cell_after_the_memory_is_free_again(tmp_path):
    child = (
        f"import subprocess, sys, time\nchild = [sys.executable, '-c', 'held = bytes(b\"x\" * {150 * MB}); input()']\n"
    )
    child += "process = subprocess.Popen(child, stdin=subprocess.PIPE)\ntime.sleep(2)\nprocess.communicate(b'')"
    path = written(tmp_path / "book.ipynb", "held = None", f"held = bytearray(b'x' * {150 * MB})\n{child}", "del held")
    seconds, peak, cell = lab_memory.measure(path)
    assert seconds > 2 and 300 < peak < 800 and cell == "code cell 2 of 3"


def test_names_the_cell_that_fails_and_leaves_no_server(tmp_path):
    path = written(tmp_path / "book.ipynb", "one = 1", "one / 0")
    with pytest.raises(lab_memory.CellError, match="'one / 0': ZeroDivisionError: division by zero"):
        lab_memory.measure(path)
    assert not [
        child for child in psutil.Process().children(recursive=True) if "jupyterlab" in " ".join(child.cmdline())
    ]


def test_runs_the_kernels_of_another_environment(tmp_path):
    fake = tmp_path / "python"
    fake.write_text(f'#!/bin/sh\nMARK=other exec "{sys.executable}" "$@"\n')
    fake.chmod(0o755)
    path = written(tmp_path / "book.ipynb", "import os\nassert os.environ['MARK'] == 'other'")
    with pytest.raises(lab_memory.CellError, match="KeyError"):
        lab_memory.measure(path)
    lab_memory.measure(path, JUPYTER_PATH=lab_memory.kernel_of(fake, tmp_path / "jupyter"))
