"""Which exercises are done: kept in the learner's working copy, and nowhere else."""

import html
import time

from IPython import display

from helpers import storage
from helpers.course import working_copy

FILE = working_copy.DONE
# What an exercise of the first version is called now, in another form: who did it has done this one.
RENAMED = {
    "dominated_methods": "ruled_out",
    "fitting_losses": "choose_losses",
    "freeze_all_but_block5": "free_last_stage",
    "head_on_features": "heads_for_maps",
    "is_shown": "interval_of_both",
    "output_shape": "read_a_stack",
    "preprocess": "prepare_opencv",
    "read_certificate": "diagnose_runs",
    "set_up_fine_tuning": "fix_fine_tuning",
    "trained_head": "fair_start",
}
# Those that have no successor; they stay noted.
GONE = ("accuracy_in_line", "convolution_parameters", "mend_stale_compile", "one_hot_labels", "own_preprocessing")
GONE += ("pictures_to_show", "rate_of_run")
HEADINGS = ("notebook", "exercise", "goal", "state")


def done(start=None):
    """Return the exercises done in this working copy with the day of each, and False when the record is damaged.

    An entry that is no day, as of a later version, counts as done; its day is "".
    """
    folder = working_copy.working_copy(start)
    kept = storage.notes(folder / FILE) if folder else {}
    days = {name: day if isinstance(day, str) else "" for name, day in (kept or {}).items() if day}
    return {RENAMED.get(name, name): day for name, day in days.items()} | days, kept is not None


def keep(name, start=None):
    """Note in the working copy that an exercise is done; return what the learner has to know, in one line, or None."""
    folder = working_copy.working_copy(start)
    if folder is None:
        return None
    known, readable = done(start)
    if name in known:
        return None
    try:
        with storage.noted(folder / FILE) as kept:
            kept[name] = time.strftime("%Y-%m-%d")
    except (OSError, storage.StorageError) as error:
        return f"Right, but it could not be noted in {FILE}: {error}"
    return None if readable else f"{FILE} could not be read: a new one was begun, and the old one is kept beside it."


def show(exercises, start=None):
    """Display a table of the whole course: notebook, exercise, goal, done or to do."""
    kept, readable = done(start)
    rows = [
        (check.notebook, check.name, check.goal, "✓ done" if check.name in kept or check.done_here else "to do")
        for check in exercises
    ]
    finished = sum(state != "to do" for *_, state in rows)
    notes = [f"{finished} of {len(rows)} exercises done."]
    if older := [name for name in GONE if name in kept]:
        notes.append(f"{len(older)} more are done that the first version of the course had.")
    if working_copy.working_copy(start) is None:
        notes.append("This is no working copy, so nothing is kept after a restart; `make lab` lays one out.")
    elif not readable:
        notes.append(f"The record {FILE} is damaged; check an exercise once more: a new one is begun, and it is kept.")
    display.display({"text/plain": _plain(rows, notes), "text/html": _html(rows, notes)}, raw=True)


def _plain(rows, notes):
    widths = [max(len(row[column]) for row in (HEADINGS, *rows)) for column in range(len(HEADINGS))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in (HEADINGS, *rows)]
    return "\n".join([*(line.rstrip() for line in lines), "", *notes])


def _html(rows, notes):
    def cells(tag, row, style="text-align: left"):
        return "".join(f'<{tag} style="{style}">{html.escape(cell)}</{tag}>' for cell in row)

    head = f"<tr>{cells('th', HEADINGS)}</tr>"
    body = "".join(f"<tr>{cells('td', row)}</tr>" for row in rows)
    below = "".join(f"<p>{html.escape(note)}</p>" for note in notes)
    return f"<table><thead>{head}</thead><tbody>{body}</tbody></table>{below}"
