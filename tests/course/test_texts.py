"""What a learner reads stands in text files, each text is used, and nothing in braces is unknown where it is filled in.

So a translator edits TOML files only, and is told of a typing error. No code of the course is run here.
"""

import ast
import re
import string
import tomllib
from pathlib import Path

import pytest

from helpers.course import quizzes, toml_texts

COURSE = Path(toml_texts.__file__).parent
ROOMS = {  # the file of texts, and the files that say them
    "widgets/texts.toml": sorted((COURSE / "widgets").glob("*.py")),
    "checks/words.toml": [COURSE / "checks" / f"{name}.py" for name in ("__init__", "exercise", "record", "texts")],
    "quizzes/words.toml": sorted((COURSE / "quizzes").glob("*.py")),
    "lab/patients.toml": sorted((COURSE / "lab").glob("patient*.py")),
}
READ_WHOLE = re.compile(r"\w+\.(title|to_try|controls\..*)|(patient|mistakes)\..*")  # by the file's own loop
SHOWN = {"description", "placeholder", "tooltip", "label", "xlabel", "ylabel", "suptitle", "title"}
SHOWING = {"set_title", "set_xlabel", "set_ylabel", "suptitle", "print", "HTML", "Label", "Button"}


LEFT = {  # what looks like a sentence and is none that a learner reads
    "lower left": "a place in a figure, as matplotlib names it",
    "lower center": "another",
    "6.5em repeat(": "a layout",
    "3px solid ": "another",
    'th scope="col"': "a tag",
    "no clear change": "the name of a reading, returned to who calls `read`",
    "SGD, momentum 0.9": "Keras's own words",
}


def texts(path):
    """Return the texts of a file by their names, those of a list under the list's."""

    def within(table, name):
        for key, value in table.items():
            here = f"{name}.{key}" if name else key
            if isinstance(value, dict):
                yield from within(value, here)
            else:
                yield here, value

    return dict(within(tomllib.loads(path.read_text(encoding="utf-8")), ""))


def names_in(text):
    """Return the names in braces of a text."""
    return {re.split(r"[.\[]", name)[0] for _, name, _, _ in string.Formatter().parse(str(text)) if name}


def said(files):
    """Yield each call of `say`: patterns for the names of its texts, the values given, and whether these are all."""
    for file in files:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and (
                kind := re.fullmatch(r"(?:.*\.)?say(?:\.(\w+))?", ast.unparse(node.func))
            ):
                first, patterns = node.args[0], []
                for name in (first.body, first.orelse) if isinstance(first, ast.IfExp) else (first,):
                    parts = name.values if isinstance(name, ast.JoinedStr) else [name]
                    words = [re.escape(part.value) if isinstance(part, ast.Constant) else r"[\w ]+" for part in parts]
                    patterns.append("".join(words) + (r"(\..*)?" if kind[1] else ""))
                given = {"count"} if kind[1] == "counted" else {keyword.arg for keyword in node.keywords}
                yield patterns, given - {None}, kind[1] != "get" and None not in given


@pytest.mark.parametrize("room", ROOMS)
class TestTexts:
    def test_each_is_used_and_each_that_is_asked_for_is_there(self, room):
        known, calls = texts(COURSE / room), list(said(ROOMS[room]))
        patterns = {pattern for patterns, *_ in calls for pattern in patterns}
        for pattern in patterns:
            assert any(re.fullmatch(pattern, name) for name in known), f"{pattern} is in no text of {room}"
        unused = {name for name in known if not any(re.fullmatch(pattern, name) for pattern in patterns)}
        assert {name for name in unused if not READ_WHOLE.fullmatch(name)} == set()

    def test_what_is_filled_in_is_known(self, room):
        known = texts(COURSE / room)
        for patterns, given, all_of_them in said(ROOMS[room]):
            texts_of = [name for name in known for pattern in patterns if re.fullmatch(pattern, name)]
            for name in texts_of if all_of_them else ():
                unknown = names_in(known[name]) - given
                assert not unknown, f"{name}: {unknown} is unknown here; there are {given}"
            left_out = given - set().union(*(names_in(known[name]) for name in texts_of))
            assert not left_out, f"{texts_of} leave out {left_out}"


def test_what_a_refusal_asks_for_is_given_by_some_judge():
    """A typing error in braces would otherwise be met by a learner with that mistake only."""
    given = {"answer", "about"}
    for file in (COURSE / "checks").glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                given |= {word.arg for word in node.keywords}
            elif isinstance(node, ast.Dict):
                given |= {key.value for key in node.keys if isinstance(key, ast.Constant)}
    for path in (COURSE / "checks").glob("*.toml"):
        for name, text in texts(path).items():
            assert names_in(text) <= given, f"{path.name}, {name}: {names_in(text) - given}"


def code_of(files):
    """Yield the string constants of some files with their lines, but for docstrings, errors and names of texts."""
    for file in files:
        tree = ast.parse(file.read_text(encoding="utf-8"))
        for_code = re.compile(r"(.*\.)?(say(\.\w+)?|expect|namedtuple)")
        apart = [node for node in ast.walk(tree) if isinstance(node, ast.Raise)]
        apart += [
            node for node in ast.walk(tree) if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        ]
        calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
        apart += [call for call in calls if for_code.fullmatch(ast.unparse(call.func))]
        skipped = {id(inner) for node in apart for inner in ast.walk(node)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in skipped:
                yield f"{file.name}:{node.lineno}", node.value


def test_no_sentence_is_left_in_the_code():
    files = [file for files in ROOMS.values() for file in files]
    found = {}
    for place, text in code_of(files):
        words = re.sub(r"<[^>]*>?|[\w-]+: ?[^;<>\"]*;?\"?|^[^<]*\">", " ", text)
        if re.search(r"[A-Za-z]{2,},? [a-z]{2,}", words) and "\\x1b" not in text:  # a pattern for Keras's errors
            found[place] = text
    assert set(found.values()) == LEFT.keys(), found


def test_no_label_is_left_in_the_code():
    for file in (file for files in ROOMS.values() for file in files):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                shown = [word.value for word in node.keywords if word.arg in SHOWN]
                shown += node.args[:1] if ast.unparse(node.func).rpartition(".")[2] in SHOWING else []
                for value in shown:
                    letters = isinstance(value, ast.Constant) and re.search("[A-Za-z]", str(value.value))
                    assert not letters, f"{file.name}:{node.lineno}: {ast.unparse(value)}"


def test_a_quiz_has_nothing_to_fill_in_but_its_words():
    assert quizzes.NAMES and "words" not in quizzes.NAMES
