"""One check for each exercise: it says yes, or names what it saw, what it expected and where to look next.

A check is called with the learner's answer and displays its verdict. It never raises and never changes
what it is given. ``checks.read_a_stack.accepts(answer)`` judges in silence, ``checks.progress()`` shows what is done.

Nothing is listed here: every file of this folder is read, and whatever in it is decorated by `exercise` or `gives`
can be called as ``checks.<name>``.
"""

import importlib
import pkgutil

from helpers.course.checks import record
from helpers.course.checks.exercise import Exercise
from helpers.course.checks.texts import say


def _found():
    """Return the exercises in the order of the course, and the functions that make what an exercise gives."""
    exercises, givers = [], []
    for file in pkgutil.iter_modules(__path__):
        module = importlib.import_module(f"{__name__}.{file.name}")
        for value in vars(module).values():
            if getattr(value, "__module__", None) != module.__name__:
                continue  # imported there, defined elsewhere
            if isinstance(value, Exercise):
                exercises.append(value)
            elif getattr(value, "for_notebooks", False):
                givers.append(value)
    return tuple(sorted(exercises, key=lambda found: found.notebook)), givers


EXERCISES, _givers = _found()
globals().update({found.name: found for found in EXERCISES}, **{giver.__name__: giver for giver in _givers})

__all__ = [
    "EXERCISES",
    "progress",
    *(found.name for found in EXERCISES),
    *(giver.__name__ for giver in _givers),
]


def progress():
    """Display which exercises of the whole course are done.

    They are kept in the working copy that ``make lab`` lays out, and nowhere else.
    """
    record.show(EXERCISES)


def __getattr__(name):
    now = record.RENAMED.get(name)
    if now or name in record.GONE:
        raise AttributeError(say("progress.renamed" if now else "progress.gone", name=name, now=now))
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
