"""What the checks say: a TOML file beside this one for each notebook, and ``shared.toml`` for what they have in common.

A table in a notebook's file is an exercise: its `goal` (the goal of the notebook that it belongs to), what it `expects`
(without giving it away), its `praise` (why a right answer is right), its `hint` (for the second wrong try), and for
each id of a `Refusal` in ``refusals`` what the judge `saw` and where to `look` next. A refusal may have a `hint` or
`expects` of its own. In ``shared.toml`` a table is what one probe refuses, its `hint` or `expects` is for all of them.

All texts are formatted with `str.format`: a value of `exercise` or of the `Refusal` stands as ``{name}``, a brace that
is meant as a brace as ``{{``. What all checks say around these texts is in ``words.toml``, read by `say`.
"""

import functools
from pathlib import Path

from helpers.course import toml_texts
from helpers.course.toml_texts import expect, expect_keys, expect_text

FOLDER = Path(__file__).parent
say = toml_texts.Texts(FOLDER / "words.toml")
OF_EXERCISE = ("goal", "expects", "praise", "hint")
OF_REFUSAL = ("saw", "look")
OPTIONAL = ("expects", "hint")


def of_exercise(notebook, name):
    """Return the table of an exercise: its texts, and in ``refusals`` those of its refusals by id."""
    tables = read(FOLDER / f"{notebook}.toml", needed=OF_EXERCISE)
    expect(name in tables, f"{notebook}.toml", f"expected a table [{name}]")
    return tables[name]


@functools.cache
def shared():
    """Return the refusals of every exercise that has none of that id for itself: id to texts."""
    found = {}
    for name, table in read(FOLDER / "shared.toml", allowed=OPTIONAL).items():
        for_all = {key: table[key] for key in OPTIONAL if key in table}
        for reason, texts in table["refusals"].items():
            expect(reason not in found, f"shared.toml, [{name}.refusals.{reason}]", "expected each id once")
            found[reason] = for_all | texts
    return found


@functools.cache
def read(path, needed=(), allowed=()):
    """Return the tables of a file of texts, each with these texts and a table ``refusals``; read it once.

    Raises `ValueError` when it is damaged: says which file, which table, and what is expected.
    """
    content = toml_texts.read(path)
    for name, table in content.items():
        where = f"{path.name}, [{name}]"
        expect(isinstance(table, dict), where, "expected a table")
        refusals = table.setdefault("refusals", {})
        expect(isinstance(refusals, dict), where, f"expected tables [{name}.refusals.<id>]")
        _expect_texts({key: table[key] for key in table if key != "refusals"}, needed, allowed, where)
        for reason, texts in refusals.items():
            where = f"{path.name}, [{name}.refusals.{reason}]"
            expect(isinstance(texts, dict), where, "expected a table")
            _expect_texts(texts, OF_REFUSAL, OPTIONAL, where)
    return content


def _expect_texts(table, needed, allowed, where):
    expect_keys(table, needed, allowed, where)
    for key in table:
        expect_text(table, key, where)
