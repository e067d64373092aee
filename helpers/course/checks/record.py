"""Which exercises are done: kept in the learner's working copy, and nowhere else."""

import html
import time

from IPython import display

from helpers import storage
from helpers.course import working_copy
from helpers.course.checks.texts import say

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
HEADINGS = say.get("progress.headings")


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
        return say("progress.not_noted", file=FILE, error=error)
    return None if readable else say("progress.begun_anew", file=FILE)


def show(exercises, start=None):
    """Display a table of the whole course: notebook, exercise, goal, done or to do."""
    kept, readable = done(start)
    finished = [check.name in kept or check.done_here for check in exercises]
    rows = [
        (check.notebook, check.name, check.goal, say("progress.done" if is_done else "progress.to_do"))
        for check, is_done in zip(exercises, finished, strict=True)
    ]
    notes = [say("progress.finished", done=sum(finished), all=len(rows))]
    if older := [name for name in GONE if name in kept]:
        notes.append(say("progress.older", count=len(older)))
    if working_copy.working_copy(start) is None:
        notes.append(say("progress.no_copy"))
    elif not readable:
        notes.append(say("progress.damaged", file=FILE))
    display.display({"text/plain": _plain(rows, notes), "text/html": _html(rows, notes)}, raw=True)


def _plain(rows, notes):
    widths = [max(len(row[column]) for row in (HEADINGS, *rows)) for column in range(len(HEADINGS))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in (HEADINGS, *rows)]
    return "\n".join([*(line.rstrip() for line in lines), "", *notes])


def _html(rows, notes):
    def cells(tag, row):
        return "".join(f'<{tag} style="text-align: left">{html.escape(cell)}</{tag[:2]}>' for cell in row)

    caption = f"<caption>{html.escape(say('progress.caption'))}</caption>"
    head = "<tr>" + cells('th scope="col"', HEADINGS) + "</tr>"
    body = "".join(f"<tr>{cells('td', row)}</tr>" for row in rows)
    below = "".join(f"<p>{html.escape(note)}</p>" for note in notes)
    return f"<table>{caption}<thead>{head}</thead><tbody>{body}</tbody></table>{below}"
