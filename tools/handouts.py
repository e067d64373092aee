"""Write the notebooks for a workshop: copies without solutions, and copies with them. ``make handouts``.

``python -m tools.handouts [FOLDER]`` fills two folders, ``learners`` and ``teacher``. The learners' copies have no
outputs and no cells with solutions; where a solution was, the exercise ends with its check. Their folded claims are
left out as well: they hold the answers to predictions, and would stop whoever changes a number and runs all cells. The
title of a figure and *What you saw* give the answer away, too: where a prediction waits for it, both are folded. The
quiz stays, as each of its answers says why. The teacher's copies keep their outputs and show their solutions unfolded.

Both are plain notebooks that need nothing but the installed course: ``swap-the-head lab learners`` opens them and adds
nothing. A second call renews what is as it was written, and leaves what a person has changed.
"""

import argparse
import ast
import builtins
import copy
import re
import sys
from pathlib import Path

import nbclient
import nbformat

from helpers import session, storage
from helpers.course import working_copy
from tools import form, notebooks

FOLDER = "build/handouts"
LEARNERS, TEACHER = "learners", "teacher"
SOLUTION = "solution"
LEFT_OUT = {SOLUTION, form.CLAIMS}  # tags of the cells that a learner's copy has not
OF_THE_KERNEL = {"display", "get_ipython", "__name__"}  # what a cell may use and no cell makes
MARKS = re.compile(r"\*\*Predict\.\*\*|^(?:\*\*What you saw|#+ )", re.MULTILINE)  # the last one says what is awaited
FOLDED = "# The figure: run this cell, then click here to read its code."  # all that JupyterLab shows of a folded cell
SEEN = "<details><summary>What you saw: open this when you have run the cell</summary>"
DRAWING = {"plots", "plt", "axes", "lab", "title"}  # names in statements that draw a figure or hold its title
# What the notebooks say of cells that are left out, and what the learners' copies say instead.
SAID = {
    "* A folded bar below some cells holds the course's own checks of what the text says.\n": (
        "* A folded bar after a prediction is a cell that draws a figure: its title would tell you the answer. Shift\n"
        "  and Enter run it like any other cell. Then click on it to read its code. *What you saw* is folded, too.\n"
    ),
    "An exercise takes three cells.": "An exercise takes two cells.",
    "The third is folded and holds one solution.": "Your teacher has a solution.",
    "(notebook 06; a folded cell counts them)": "(notebook 06)",
}


def for_learners(notebook):
    """Return the notebook, changed in place, without solutions, claims, outputs and titles that tell answers."""
    kept = [cell for cell in notebook.cells if not LEFT_OUT & set(cell.metadata.get("tags", []))]
    notebook.cells = list(_answers_folded(kept))
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            for words, instead in SAID.items():
                cell.source = cell.source.replace(words, instead)
    return working_copy.cleared(notebook)


def _answers_folded(cells):
    """Yield the cells; where a prediction waits, *What you saw* is folded, and what draws a figure, not its data."""
    awaited = False
    for cell in cells:
        if cell.cell_type == "markdown":
            marks = list(MARKS.finditer(cell.source))
            if awaited and marks and "saw" in marks[0][0]:
                cell.source = _first_folded(cell.source)
            awaited = "Predict" in marks[-1][0] if marks else awaited
        elif awaited and "plots.show(" in cell.source:
            begin = _first_that_draws(cell.source)
            lines = cell.source.splitlines(keepends=True)
            if before := "".join(lines[:begin]).strip():
                first = copy.deepcopy(cell)
                first.source, first.id = before, f"{cell.id}-data"
                yield first
            cell.source = "".join([f"{FOLDED}\n", *lines[begin:]])
            cell.metadata["jupyter"] = {"source_hidden": True}
        yield cell


def _first_folded(text):
    """Return the text with its first paragraph folded, and with it the list that it announces."""
    parts = text.split("\n\n")
    end = next((number for number, part in enumerate(parts, 1) if not part.endswith(":")), len(parts))
    return "\n\n".join([SEEN, *parts[:end], "</details>", *parts[end:]])


def _first_that_draws(source):
    """Return the number of lines above the first statement with a name of `DRAWING`."""
    for statement in ast.parse(source).body:
        if DRAWING & {node.id for node in ast.walk(statement) if isinstance(node, ast.Name)}:
            return statement.lineno - 1
    return 0


def for_teacher(notebook):
    """Return the notebook, changed in place, with its solutions unfolded."""
    for cell in notebook.cells:
        if SOLUTION in cell.metadata.get("tags", []):
            cell.metadata.pop("jupyter", None)
    return notebook


CHANGES = {LEARNERS: for_learners, TEACHER: for_teacher}


def unmade_names(notebook):
    """Return a line for each cell that needs a name which no cell above it makes.

    A cell that only a solution or a folded claim had prepared for is among them.
    """
    made, lines = OF_THE_KERNEL | set(dir(builtins)), []
    for number, cell in enumerate(notebook.cells):
        if cell.cell_type == "code":
            needed, stored = form.names(compile(cell.source, f"cell {number}", "exec"))
            if missing := sorted(needed - made):
                lines.append(f"cell {number} needs {', '.join(missing)}: {cell.source.splitlines()[0]}")
            made |= stored
    return lines


def write(folder, course=working_copy.COURSE, kinds=(LEARNERS, TEACHER)):
    """Write the folders, and never over what a person has changed there.

    Parameters
    ----------
    folder : path
        Is made where it is not there.
    course : path, optional
        A folder with the notebooks of a course.
    kinds : sequence of str, optional
        ``"learners"``, ``"teacher"``, or both.

    Returns
    -------
    list of str
        A line for each file that a person has changed: it was left, and a newer version is beside it.

    Raises
    ------
    helpers.storage.StorageError
        When notebooks are missing or damaged, the folder is the course's own or cannot be written to, or a learner's
        copy would not run to its end without the cells that are left out.
    """
    folder, course = working_copy.place(folder), Path(course)
    if folder == course.resolve():
        raise storage.StorageError(f"{folder} holds the course itself: name another folder for the handouts.")
    notebooks_of = working_copy.read_course(course)
    for path, notebook in notebooks_of.items():
        if lines := unmade_names(for_learners(copy.deepcopy(notebook))):
            raise storage.StorageError(f"{path.name} cannot be handed out without its solutions: {lines[0]}")
    news = []
    try:
        for kind in kinds:
            (folder / kind).mkdir(parents=True, exist_ok=True)
            news += [f"{kind}/{line}" for line in _write_one(folder, kind, notebooks_of, course)]
    except OSError as error:
        raise storage.StorageError(
            f"The folder {folder} cannot be made or used ({error.strerror or error}): name another one."
        ) from error
    return news


def _write_one(folder, kind, notebooks_of, course):
    """Write one kind of copies, and yield a line for each that was left as a person has changed it."""
    texts, versions = {}, {}
    for path, notebook in notebooks_of.items():
        changed = CHANGES[kind](copy.deepcopy(notebook))
        versions[path.name] = working_copy.version_of(working_copy.cleared(copy.deepcopy(notebook)))
        changed.metadata[working_copy.VERSION] = versions[path.name]  # `swap-the-head lab` takes it for its own
        texts[path.name] = nbformat.writes(changed).encode()
    if (course / working_copy.GLOSSARY).is_file():
        texts[working_copy.GLOSSARY] = (course / working_copy.GLOSSARY).read_bytes()
    with storage.noted(folder / f".written_{kind}.json") as written:
        for name, text in texts.items():
            target = folder / kind / name
            beside = list(working_copy.lay_text(target, text, written))
            yield from beside
            if not beside and target.read_bytes() != text:
                yield f"{name} was changed by somebody: it was left as it is."
    with storage.noted(folder / kind / working_copy.RECORD) as laid:  # makes it a working copy: exercises are noted
        laid.update(versions)


def run(folder):
    """Run every learner's copy in a folder to its end, one after the other, and print the seconds and the memory.

    Raises `nbclient.exceptions.CellExecutionError` where a cell fails.
    """
    for path in working_copy.course_notebooks(Path(folder) / LEARNERS):
        _, seconds, peak = notebooks.run(path)
        print(f"{path.stem:24} {seconds:6.1f} s {peak:7.0f} MB", flush=True)


def main(arguments=None):
    """Write the handouts, say what was left as it was, and run them where that is asked for."""
    parser = argparse.ArgumentParser(prog="python -m tools.handouts", description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?", type=session.folder, default=FOLDER, help=f"{FOLDER} by default")
    parser.add_argument("--run", action="store_true", help="run the learners' copies afterwards, about ten minutes")
    given = parser.parse_args(arguments)
    try:
        for line in write(given.folder):
            print(line)
        print(f"Without solutions: {Path(given.folder) / LEARNERS}. With them: {Path(given.folder) / TEACHER}.")
        if given.run:
            run(given.folder)
    except (storage.StorageError, nbclient.exceptions.CellExecutionError) as error:
        return str(error)
    return 0


if __name__ == "__main__":
    sys.exit(main())
