"""What the checks say: a TOML file beside this one for each notebook, and ``shared.toml`` for what they have in common.

A table in a notebook's file is an exercise: its `goal` (the goal of the notebook that it belongs to), what it `expects`
(without giving it away), its `praise` (why a right answer is right), its `hint` (for the second wrong try), and for
each id of a `Refusal` in ``refusals`` what the judge `saw` and where to `look` next. A refusal may have a `hint` or
`expects` of its own. In ``shared.toml`` a table is what one probe refuses, its `hint` or `expects` is for all of them.

All texts are formatted with `str.format`: a value of `exercise` or of the `Refusal` stands as ``{name}``, a brace that
is meant as a brace as ``{{``.
"""

import functools
import tomllib
from pathlib import Path

FOLDER = Path(__file__).parent
OF_EXERCISE = ("goal", "expects", "praise", "hint")
OF_REFUSAL = ("saw", "look")
OPTIONAL = ("expects", "hint")


def of_exercise(notebook, name):
    """Return the table of an exercise: its texts, and in ``refusals`` those of its refusals by id."""
    tables = read(FOLDER / f"{notebook}.toml", needed=OF_EXERCISE)
    _expect(name in tables, f"{notebook}.toml", f"expected a table [{name}]")
    return tables[name]


@functools.cache
def shared():
    """Return the refusals of every exercise that has none of that id for itself: id to texts."""
    found = {}
    for name, table in read(FOLDER / "shared.toml", allowed=OPTIONAL).items():
        for_all = {key: table[key] for key in OPTIONAL if key in table}
        for reason, texts in table["refusals"].items():
            _expect(reason not in found, f"shared.toml, [{name}.refusals.{reason}]", "expected each id once")
            found[reason] = for_all | texts
    return found


@functools.cache
def read(path, needed=(), allowed=()):
    """Return the tables of a file of texts, each with these texts and a table ``refusals``; read it once.

    Raises
    ------
    ValueError
        When the file is damaged: says which file, which table, and what is expected.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:  # not there, not TOML, or not UTF-8
        raise ValueError(f"{path.name}: cannot be read: {error}") from error
    for name, table in content.items():
        where = f"{path.name}, [{name}]"
        _expect(isinstance(table, dict), where, "expected a table")
        refusals = table.setdefault("refusals", {})
        _expect(isinstance(refusals, dict), where, f"expected tables [{name}.refusals.<id>]")
        _expect_texts({key: table[key] for key in table if key != "refusals"}, needed, allowed, where)
        for reason, texts in refusals.items():
            where = f"{path.name}, [{name}.refusals.{reason}]"
            _expect(isinstance(texts, dict), where, "expected a table")
            _expect_texts(texts, OF_REFUSAL, OPTIONAL, where)
    return content


def _expect_texts(table, needed, allowed, where):
    expected = " and perhaps ".join(_listed(keys) for keys in (needed, allowed) if keys)
    fits = set(needed) <= set(table) <= {*needed, *allowed}
    _expect(fits, where, f"expected {expected}, found {_listed(table) or 'none'}")
    for key, text in table.items():
        _expect(isinstance(text, str) and text.strip(), where, f"expected `{key}` to be a text, found {text!r}")


def _listed(keys):
    return ", ".join(f"`{key}`" for key in keys)


def _expect(fits, where, message):
    if not fits:
        raise ValueError(f"{where}: {message}.")
