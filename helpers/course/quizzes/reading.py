"""Questions and options as they stand in a quiz file, with clear words for a file that is damaged."""

import tomllib
from dataclasses import dataclass

LETTERS = "ABCDEF"


@dataclass(frozen=True)
class Option:
    """One answer to choose; `why` is the reason that it is right, or the mistake that leads to it."""

    text: str
    why: str
    correct: bool = False

    @property
    def verdict(self):
        """Whether the option is right, in words, with the reason."""
        return f"{'✓ Right.' if self.correct else '✗ Not so.'} {self.why}"


@dataclass(frozen=True)
class Question:
    """A question with one right option. All texts may hold `code` between backticks."""

    text: str
    options: tuple

    @property
    def lettered(self):
        """Pairs of letter and option."""
        return list(zip(LETTERS, self.options, strict=False))


def read(path):
    """Return the questions of a quiz file.

    Parameters
    ----------
    path : pathlib.Path
        TOML: tables ``[[question]]`` with `text`, below each its ``[[question.option]]`` with `text`, `why` and, at
        the right one, ``correct = true``.

    Returns
    -------
    tuple of Question

    Raises
    ------
    ValueError
        When the file is damaged: says which file, which question, and what is expected.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:  # not TOML, or not UTF-8
        raise ValueError(f"{path.name}: cannot be read as TOML: {error}") from error
    tables = _tables(content, "question", path.name)
    _expect(set(content) == {"question"}, path.name, f"expected [[question]] only, found {_listed(content)}")
    return tuple(_question(table, f"{path.name}, question {number}") for number, table in enumerate(tables, 1))


def _question(table, where):
    options = _tables(table, "option", where)
    _expect(2 <= len(options) <= len(LETTERS), where, f"expected 2 to {len(LETTERS)} options, found {len(options)}")
    _expect_keys(table, {"text", "option"}, set(), where)
    question = Question(
        _text(table, "text", where),
        tuple(_option(option, f"{where}, option {letter}") for letter, option in zip(LETTERS, options, strict=False)),
    )
    right = sum(option.correct for option in question.options)
    _expect(right == 1, where, f"expected one option with `correct = true`, found {right}")
    return question


def _option(table, where):
    _expect_keys(table, {"text", "why"}, {"correct"}, where)
    correct = table.get("correct", False)
    _expect(isinstance(correct, bool), where, f"expected `correct` to be true or false, found {correct!r}")
    return Option(_text(table, "text", where), _text(table, "why", where), correct)


def _tables(content, key, where):
    found = content.get(key)
    tables = isinstance(found, list) and found and all(isinstance(table, dict) for table in found)
    header = "question" if key == "question" else f"question.{key}"
    _expect(tables, where, f"expected at least one table [[{header}]]")
    return found


def _text(table, key, where):
    text = table[key]
    _expect(isinstance(text, str) and text.strip(), where, f"expected `{key}` to be a text, found {text!r}")
    return text


def _expect_keys(table, needed, allowed, where):
    expected = " and perhaps ".join(_listed(names) for names in (needed, allowed) if names)
    _expect(needed <= set(table) <= needed | allowed, where, f"expected {expected}, found {_listed(table)}")


def _listed(names):
    return ", ".join(f"`{name}`" for name in sorted(names))


def _expect(fits, where, message):
    if not fits:
        raise ValueError(f"{where}: {message}.")
