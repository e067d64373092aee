"""How much memory a learner takes: a notebook, its kernel and what that starts, and their JupyterLab server.

``python -m tools.lab_memory`` runs each notebook under a real server, as on Binder, where 2 GB are all there is, and
prints the largest sum over all processes. Shared pages count once (Linux's PSS; elsewhere the sum of the unique sizes).
``--python`` runs the kernels in another environment, such as an empty one with the wheel only.
"""

import argparse
import json
import sys
import tempfile
import threading
import time
from pathlib import Path

import jupyter_client
import nbformat
import psutil

from helpers import storage
from helpers.course import working_copy
from tools.lab import Lab

LIMIT = 2000  # MB, of a machine of Binder
EVERY = 0.2  # seconds between two looks
CELL_SECONDS, START_SECONDS = 600, 120


class CellError(RuntimeError):
    """A cell of a notebook ended in an error, or not at all."""


def size(process):
    """Return the memory of a process and of all that it started, in MB."""
    total = 0
    for each in (process, *process.children(recursive=True)):
        try:
            memory = each.memory_full_info()
        except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess, OSError):
            continue  # it has ended meanwhile
        total += getattr(memory, "pss", memory.uss)
    return total / 1e6


class Watch(threading.Thread):
    """Looks at the memory of a process and its children until it is stopped; `peak` is the largest, in MB.

    `doing` may be set to what is being done, and `at` is what was done at the peak.
    """

    def __init__(self, process):
        super().__init__(daemon=True)
        self.process, self.peak, self.ended = psutil.Process(process), 0.0, threading.Event()
        self.doing = self.at = ""

    def run(self):
        """Look again and again."""
        while not self.ended.is_set():
            try:
                now, doing = size(self.process), self.doing
                if now > self.peak:
                    self.peak, self.at = now, doing
            except psutil.NoSuchProcess:
                return
            self.ended.wait(EVERY)

    def stop(self):
        """Look no more, and return the peak and what was done then."""
        self.ended.set()
        self.join()
        return self.peak, self.at


def connected(lab, name):
    """Start a kernel for a notebook of a `tools.lab.Lab`, and return a client of it."""
    notebook = {"path": name, "name": name, "type": "notebook", "kernel": {"name": "python3"}}
    kernel = lab.ask("POST", "api/sessions", **notebook)["kernel"]["id"]
    client = jupyter_client.BlockingKernelClient(connection_file=str(lab.runtime / f"kernel-{kernel}.json"))
    client.load_connection_file()
    client.start_channels()
    for left in range(START_SECONDS // 5, -1, -1):
        try:
            client.wait_for_ready(timeout=5)
            return client
        except RuntimeError:  # a kernel that starts slowly does not answer yet
            if not left:
                raise
            time.sleep(1)


def run(cells, client, watch):
    """Run code cells in a kernel, one after the other; raise `CellError` at the first that fails."""
    for number, source in enumerate(cells, 1):
        watch.doing = f"code cell {number} of {len(cells)}"
        reply = client.execute_interactive(source, timeout=CELL_SECONDS, output_hook=lambda message: None)
        if reply["content"]["status"] != "ok":
            first = (source.strip().splitlines() or [""])[0]
            raise CellError(f"{first!r}: {reply['content'].get('ename')}: {reply['content'].get('evalue')}")


def measure(path, **variables):
    """Return the seconds that a notebook takes under a JupyterLab of its own, the memory of all processes, and where.

    `variables` are environment variables of the server. The memory is the largest that was seen, in MB; where is the
    cell that ran then. Raises `CellError` when a cell fails.
    """
    notebook = nbformat.read(path, as_version=4)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    command = [sys.executable, "-m", "jupyterlab"]
    with tempfile.TemporaryDirectory() as place, Lab(command, Path(place), Path(path).parent, **variables) as lab:
        watch = Watch(lab.process.pid)
        try:
            watch.start()
            started = time.perf_counter()
            lab.ask("GET", f"api/contents/{Path(path).name}")  # the page opens it
            client = connected(lab, Path(path).name)
            try:
                run([cell.source for cell in cells], client, watch)
            finally:
                client.stop_channels()
            return time.perf_counter() - started, *watch.stop()
        finally:
            watch.ended.set()


def kernel_of(python, folder):
    """Write into a folder, for JUPYTER_PATH, that notebooks run in the environment of another Python; return it."""
    spec = {"argv": [str(python), "-m", "ipykernel_launcher", "-f", "{connection_file}"], "language": "python"}
    place = Path(folder) / "kernels" / "python3"
    place.mkdir(parents=True)
    (place / "kernel.json").write_text(json.dumps(spec | {"display_name": "Python 3"}), encoding="utf-8")
    return str(folder)


def main():
    """Print a line for each notebook; the exit code is 1 where one takes more than the limit, or fails."""
    parser = argparse.ArgumentParser(prog="python -m tools.lab_memory", description=__doc__.splitlines()[0])
    parser.add_argument("paths", nargs="*", type=Path, help="notebooks; all by default")
    parser.add_argument("--limit", type=int, default=LIMIT, help=f"MB; {LIMIT} by default")
    parser.add_argument("--python", type=Path, help="the Python of another environment, for the kernels")
    given = parser.parse_args()
    failed = False
    for path in given.paths or working_copy.course_notebooks():
        with tempfile.TemporaryDirectory() as cache:  # empty: everything is computed
            variables = {storage.CACHE_VARIABLE: str(Path(cache, "cache"))}
            if given.python:
                variables["JUPYTER_PATH"] = kernel_of(given.python.absolute(), Path(cache, "jupyter"))
            try:
                seconds, peak, cell = measure(path.absolute(), **variables)
            except CellError as error:
                failed = True
                print(f"{path.stem:24} failed at {error}", flush=True)
                continue
        failed |= peak > given.limit
        mark = f"  more than {given.limit}" if peak > given.limit else ""
        print(f"{path.stem:24} {seconds:6.1f} s {peak:7.0f} MB, at {cell}{mark}", flush=True)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
