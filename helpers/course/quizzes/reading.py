"""Questions and options as they stand in a quiz file, with clear words for a file that is damaged."""

from dataclasses import dataclass
from pathlib import Path

from helpers.course import toml_texts
from helpers.course.toml_texts import expect, expect_keys, expect_text, listed

LETTERS = "ABCDEF"
say = toml_texts.Texts(Path(__file__).with_name("words.toml"))


@dataclass(frozen=True)
class Option:
    """One answer to choose; `why` is the reason that it is right, or the mistake that leads to it."""

    text: str
    why: str
    correct: bool = False

    @property
    def verdict(self):
        """Whether the option is right, in words, with the reason."""
        return say("quiz.right" if self.correct else "quiz.wrong", why=self.why)


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
    """Return the questions of a quiz file as a tuple; `ValueError` where it is damaged says where and what is expected.

    It is TOML: tables ``[[question]]`` with `text`, below each its ``[[question.option]]`` with `text`, `why` and, at
    the right one, ``correct = true``.
    """
    content = toml_texts.read(path)
    tables = _tables(content, "question", path.name)
    expect(set(content) == {"question"}, path.name, f"expected [[question]] only, found {listed(content)}")
    return tuple(_question(table, f"{path.name}, question {number}") for number, table in enumerate(tables, 1))


def _question(table, where):
    options = _tables(table, "option", where)
    expect(2 <= len(options) <= len(LETTERS), where, f"expected 2 to {len(LETTERS)} options, found {len(options)}")
    expect_keys(table, ("option", "text"), (), where)
    question = Question(
        expect_text(table, "text", where),
        tuple(_option(option, f"{where}, option {letter}") for letter, option in zip(LETTERS, options, strict=False)),
    )
    right = sum(option.correct for option in question.options)
    expect(right == 1, where, f"expected one option with `correct = true`, found {right}")
    return question


def _option(table, where):
    expect_keys(table, ("text", "why"), ("correct",), where)
    correct = table.get("correct", False)
    expect(isinstance(correct, bool), where, f"expected `correct` to be true or false, found {correct!r}")
    return Option(expect_text(table, "text", where), expect_text(table, "why", where), correct)


def _tables(content, key, where):
    found = content.get(key)
    tables = isinstance(found, list) and found and all(isinstance(table, dict) for table in found)
    header = "question" if key == "question" else f"question.{key}"
    expect(tables, where, f"expected at least one table [[{header}]]")
    return found
