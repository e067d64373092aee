"""Which exercises are done: kept in the learner's working copy, and nowhere else."""

import html
import json
import time

from IPython import display

from helpers import storage
from helpers.course import working_copy

FILE = ".exercises_done.json"


def done(start=None):
    """Return the exercises that were done in this working copy, and whether the record could be read.

    Returns
    -------
    dict of str to str
        Name of the exercise to the day on which it was first done.
    readable : bool
        False when a record exists and is damaged.
    """
    folder = working_copy.working_copy(start)
    if folder is None or not (folder / FILE).exists():
        return {}, True
    try:
        kept = json.loads((folder / FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}, False
    if not isinstance(kept, dict):
        return {}, False
    return {name: day for name, day in kept.items() if isinstance(day, str)}, True


def keep(name, start=None):
    """Note in the working copy that an exercise is done; outside of one do nothing.

    Parameters
    ----------
    name : str
        Of the exercise.
    start : path, optional

    Returns
    -------
    str or None
        Why it could not be kept, in one line.
    """
    folder = working_copy.working_copy(start)
    if folder is None:
        return None
    kept, _ = done(start)
    if name in kept:
        return None
    kept[name] = time.strftime("%Y-%m-%d")
    try:
        with storage.written_whole(folder / FILE) as temporary:
            temporary.write_text(json.dumps(kept, indent=1), encoding="utf-8")
    except (OSError, storage.StorageError) as error:
        return f"Right, but it could not be noted in {FILE}: {error}"
    return None


def show(exercises, start=None):
    """Display a table over the whole course: notebook, exercise, goal, done or to do.

    Parameters
    ----------
    exercises : sequence of helpers.course.checks.exercise.Exercise
        In the order of the course.
    start : path, optional
    """
    kept, readable = done(start)
    rows = [
        (each.notebook, each.name, each.goal, "✓ done" if each.name in kept or each.done_here else "to do")
        for each in exercises
    ]
    finished = sum(state != "to do" for *_, state in rows)
    notes = [f"{finished} of {len(rows)} exercises done."]
    if working_copy.working_copy(start) is None:
        notes.append("This is no working copy, so nothing is kept after a restart; `make lab` lays one out.")
    elif not readable:
        notes.append(f"The record {FILE} is damaged; check an exercise once more and a new one is begun.")
    display.display({"text/plain": _plain(rows, notes), "text/html": _html(rows, notes)}, raw=True)


HEADINGS = ("notebook", "exercise", "goal", "state")


def _plain(rows, notes):
    widths = [max(len(row[column]) for row in (HEADINGS, *rows)) for column in range(len(HEADINGS))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in (HEADINGS, *rows)]
    return "\n".join([*(line.rstrip() for line in lines), "", *notes])


def _html(rows, notes):
    def cells(tag, row, style="text-align: left"):
        return "".join(f'<{tag} style="{style}">{html.escape(cell)}</{tag}>' for cell in row)

    head = f"<tr>{cells('th', HEADINGS)}</tr>"
    body = "".join(f"<tr>{cells('td', row)}</tr>" for row in rows)
    said = "".join(f"<p>{html.escape(note)}</p>" for note in notes)
    return f"<table><thead>{head}</thead><tbody>{body}</tbody></table>{said}"
