"""Drive JupyterLab: its server over HTTP, a notebook through the browser's page."""

import ast
import json
import os
import re
import subprocess
import time
import urllib.request
from pathlib import Path

import nbformat

from helpers.course import jupyter

PATIENCE = 300  # seconds for a notebook on a busy machine


class Lab:
    """A JupyterLab server with a working copy of the course in ``my_course``.

    Parameters
    ----------
    command : list of str
        Starts JupyterLab.
    folder : path
        Gets the server's log, settings and workspaces.
    notebooks : path, optional
        The folder that the server shows; ``my_course`` in `folder` by default.
    **variables : str
        More environment variables of the server.
    """

    def __init__(self, command, folder, notebooks=None, **variables):
        self.folder, self.runtime = Path(notebooks or folder / "my_course"), folder / "runtime"
        self._log = open(folder / "server.log", "w")  # noqa: SIM115, closed with the server
        extra = ["--no-browser", "--port=0", *(["--allow-root"] if os.geteuid() == 0 else [])]
        own = {
            "JUPYTER_CONFIG_PATH": str(jupyter.SETTINGS),
            "JUPYTER_RUNTIME_DIR": str(self.runtime),
            "JUPYTERLAB_SETTINGS_DIR": str(folder / "settings"),
            "JUPYTERLAB_WORKSPACES_DIR": str(folder / "workspaces"),
        }
        kept = {name: value for name, value in os.environ.items() if name != "PYTEST_CURRENT_TEST"}
        self.process = subprocess.Popen(
            [*command, *extra], cwd=self.folder, env=kept | own | variables, stdout=self._log, stderr=subprocess.STDOUT
        )
        self._info = self._until(lambda: json.loads(next(self.runtime.glob("jpserver-*.json")).read_text()))
        self._until(lambda: self.ask("GET", "api"))

    def __enter__(self):
        return self

    def __exit__(self, *error):
        try:
            self.stop_kernels()
        finally:
            self.process.terminate()
            self.process.wait(30)
            self._log.close()

    def _until(self, ready, seconds=60):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                return ready()
            except (OSError, ValueError, StopIteration):
                assert self.process.poll() is None, "JupyterLab ended: " + Path(self._log.name).read_text()[-2000:]
                time.sleep(0.3)
        raise TimeoutError(f"JupyterLab was not ready within {seconds} s.")

    def address(self, path):
        """Return the address of a page of this server, its token included."""
        return f"{self._info['url']}{path}?token={self._info['token']}"

    def ask(self, method, path, /, **body):
        """Return what the server's REST interface answers to a request."""
        data = json.dumps(body).encode() if body else None
        with urllib.request.urlopen(urllib.request.Request(self.address(path), data, method=method)) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def stop_kernels(self):
        """End every kernel."""
        for session in self.ask("GET", "api/sessions"):
            self.ask("DELETE", f"api/sessions/{session['id']}")


class Notebook:
    """A notebook that is open in JupyterLab.

    Parameters
    ----------
    page : playwright.sync_api.Page
    lab : Lab
    name : str
        File name without ending.
    """

    def __init__(self, page, lab, name):
        self.page, self.lab, self.name = page, lab, name
        page.goto(lab.address(f"lab/tree/{name}.ipynb").replace("?", "?reset&"))
        page.wait_for_selector(".jp-Notebook .jp-CodeCell", timeout=60_000)
        self.cells = page.locator(".jp-Notebook .jp-CodeCell")
        self.until_idle(60)

    def until_idle(self, seconds=PATIENCE):
        """Wait until JupyterLab shows the kernel as idle and no cell as waiting, three times in a row."""
        end, seen = time.monotonic() + seconds, 0
        while time.monotonic() < end:
            status = self.page.locator("#jp-main-statusbar").text_content()
            waiting = self.page.locator(".jp-InputPrompt", has_text="[*]").count()
            seen = seen + 1 if re.search(r"\| ?Idle", status) and not waiting else 0
            if seen == 3:
                return
            time.sleep(0.2)
        raise TimeoutError(f"The kernel of {self.name} was still busy after {seconds} s.")

    def run_all(self):
        """Choose Run > Run All Cells and wait for the end."""
        self.page.get_by_role("menuitem", name="Run", exact=True).click()
        self.page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
        self.page.locator(".jp-InputPrompt", has_text=re.compile(r"\[(\*|1)\]")).first.wait_for()
        self.until_idle()

    def place(self, text):
        """Return the place among the code cells of the one whose source begins with `text`."""
        (place,) = [place for place, source in enumerate(self.sources()) if source.startswith(text)]
        return place

    def sources(self):
        """Return the sources of the code cells as the file has them; of a folded one, which has no editor, nothing."""
        cells = nbformat.read(self.lab.folder / f"{self.name}.ipynb", as_version=4).cells
        codes = [cell for cell in cells if cell.cell_type == "code"]
        return ["" if cell.metadata.get("jupyter", {}).get("source_hidden") else cell.source for cell in codes]

    def run_with_what_it_needs(self, place, *names):
        """Run a code cell and, before it, the earlier ones that make the names it reads; return what is below it."""
        for needed in needed_cells(self.sources(), place, names):
            area = self.run(needed, patience=PATIENCE)
        return area

    def wide_outputs(self):
        """Return the beginnings of the outputs and texts that are wider than their cell."""
        return self.page.evaluate(
            "[...document.querySelectorAll('.jp-Notebook .jp-OutputArea-output, .jp-Notebook .jp-RenderedMarkdown')]"
            ".filter(output => output.scrollWidth > output.clientWidth + 2 && output.clientWidth > 0)"
            ".map(output => output.innerText.slice(0, 80) || output.innerHTML.slice(0, 80))"
        )

    def output(self, place):
        """Return what stands below a code cell, scrolled into view."""
        area = self.cells.nth(place).locator(".jp-OutputArea").first
        area.scroll_into_view_if_needed()
        return area

    def run(self, place, source=None, patience=60):
        """Run a code cell, with a new source if one is given, and return what stands below it."""
        editor = self.cells.nth(place).locator(".jp-InputArea-editor .cm-content")
        editor.scroll_into_view_if_needed()
        editor.click()
        if source is not None:
            self.page.keyboard.press("Control+a")
            self.page.keyboard.insert_text(source)
        self.page.keyboard.press("Control+Enter")
        self.until_idle(patience)
        return self.output(place)

    def texts(self, kind):
        """Return the texts of all outputs of a MIME type."""
        return self.page.locator(f".jp-Notebook [data-mime-type='{kind}']").all_text_contents()


def needed_cells(sources, place, names=()):
    """Return the places of the cells that make what the cell at `place` reads, in order, and `place` itself.

    The set-up cell always belongs to them. A cell that only changes an object, such as one that trains a
    model, does not.
    """
    read, _ = _names(sources[place])
    wanted, chosen = read | set(names), [place]
    for earlier in range(place - 1, 0, -1):
        read, made = _names(sources[earlier])
        if made & wanted:
            chosen.append(earlier)
            wanted |= read
    return sorted({0, *chosen})


def _names(source):
    """Return the names that a cell reads and those that it makes."""
    read, made = set(), set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Name):
            (made if isinstance(node.ctx, ast.Store) else read).add(node.id)
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            made.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            made |= {(alias.asname or alias.name).split(".")[0] for alias in node.names}
    return read, made
