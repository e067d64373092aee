"""What every check is made of: an exercise, its verdict, the refusal that a judge raises, and words for any answer."""

import ast
import contextlib
import html
import inspect
import logging
import numbers
import random
import re
import types
import warnings
from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf
from IPython import display

from helpers.course.checks import record, texts
from helpers.course.checks.texts import say

# Colours of helpers.plots; the mark and the word say the same.
LOOKS = {"right": ("✓", "#009E73"), "wrong": ("✗", "#D55E00"), "blank": ("…", "#8C8C8C")}
TRIES_BEFORE_HINT = 2
LONGEST, LONGEST_ERROR = 120, 320  # characters
ROUND_AN_ERROR = re.compile(
    r"\x1b\[\d*m|Exception encountered when calling [^\n]*|\[\[.*\]\]|\n\s*Arguments received by.*", re.DOTALL
)
DEEPEST = 4  # nested containers
KINDS = (  # of answers, by the name of their description
    (type(None), "nothing"),
    (types.GeneratorType, "generator"),
    (tf.data.Dataset, "data_set"),
    (bool | np.bool_, "truth"),
    (numbers.Number, "number"),
    (type, "class"),
    (keras.Model, "model"),
    (keras.KerasTensor, "tensor"),
    (keras.Layer, "layer"),
    (str | bytes, "text"),
    (list | tuple | dict | set, "container"),
)


class Refusal(Exception):
    """A judge's no: a short id, and the values that its texts ask for; see `helpers.course.checks.texts`.

    An id belongs to one text. Where that names a thing, the thing may follow the id, as in "frozen:block5_conv1", and
    is ``{about}`` in the text; ``{answer}`` is always the learner's answer in a few words.
    """

    def __init__(self, reason, **values):
        super().__init__(reason)
        self.reason, self.values = reason, values


class StillBlank(Exception):
    """A judge's "not yet": a function of the learner's still returns ``...``."""


@dataclass(frozen=True)
class Verdict:
    """What a check says of one answer: "right", "wrong" or "blank", in labelled lines; the id of a refusal."""

    state: str
    headline: str
    lines: tuple = ()
    reason: str | None = None

    def __bool__(self):
        return self.state == "right"

    @property
    def text(self):
        """The verdict in plain text."""
        lines = [f"{LOOKS[self.state][0]} {self.headline}"]
        return "\n".join(lines + [f"  {label}: {sentence}" for label, sentence in self.lines])

    @property
    def html(self):
        """The verdict as HTML."""
        mark, colour = LOOKS[self.state]
        rows = "".join(
            f"<div><em>{html.escape(label)}:</em> {html.escape(sentence)}</div>" for label, sentence in self.lines
        )
        return (
            f'<div role="status" style="border-left: 5px solid {colour}; padding: 4px 12px; line-height: 1.5">'
            f"<strong>{mark} {html.escape(self.headline)}</strong>{rows}</div>"
        )

    def show(self):
        """Display the verdict below the cell."""
        display.display({"text/plain": self.text, "text/html": self.html}, raw=True)


class Exercise:
    """The check of one exercise: called with an answer, it displays a verdict.

    It never raises and never changes what it is given, but that a model which was never called is built. The second
    wrong try brings a further hint. ``accepts`` says in silence whether an answer is right.
    """

    def __init__(self, judge, notebook, said, values):
        self.name, self.__doc__, self.__module__ = judge.__name__, judge.__doc__, judge.__module__
        self.notebook, self._refusals = notebook, {**texts.shared(), **said["refusals"]}
        self.goal, self.expects, self.praise, self.hint = (said[key].format(**values) for key in texts.OF_EXERCISE)
        self._judge = judge
        self._wrong_tries = 0
        self.done_here = False  # whether a right answer was given in this kernel

    def __call__(self, answer=..., *given):
        """Display the verdict on an answer (``...`` is a blank), and keep a right one in the record.

        What the exercise gives follows the answer, such as the model to begin from.
        """
        verdict = self.verdict(answer, *given, tries=self._wrong_tries + 1)
        self._wrong_tries += verdict.state == "wrong"
        verdict.show()
        if verdict:
            self._wrong_tries, self.done_here = 0, True
            problem = record.keep(self.name)
            if problem:
                print(problem)

    def accepts(self, answer=..., *given):
        """Return whether `answer` is right; display nothing and keep nothing."""
        return bool(self.verdict(answer, *given))

    def verdict(self, answer=..., *given, tries=1):
        """Return the verdict on the wrong try of this number; display nothing and keep nothing."""
        with _undisturbed():
            try:
                if has_blank(answer):
                    return self._blank()
                self._judge(answer, *given)
            except StillBlank:
                return self._blank()
            except Refusal as refusal:
                right_as = [value for value in meant(answer) if self._takes(value, given)]
                return self._wrong(answer, refusal, tries, right_as)
            except KeyboardInterrupt:  # the learner's way out of an endless loop
                raise
            except BaseException as error:  # an answer may raise anything, SystemExit included
                stumble = Refusal("cannot-be-judged", error=type(error).__name__, message=one_line(error))
                return self._wrong(answer, stumble, tries)
        return Verdict("right", say("verdict.right"), ((say("verdict.why"), self.praise),))

    def _takes(self, answer, given):
        with contextlib.suppress(Exception):
            self._judge(answer, *given)
            return True

    def _blank(self):
        to_do = say("verdict.fill_in", expects=self.expects)
        return Verdict("blank", say("verdict.blank"), ((say("verdict.to_do"), to_do),))

    def _wrong(self, answer, refusal, tries, right_as=()):
        name, _, about = refusal.reason.partition(":")
        values = {"answer": describe(answer), "about": about, **refusal.values}
        said = {key: text.format(**values) for key, text in self._refusals[name].items()}
        said = {"expects": self.expects, "hint": self.hint, **said}
        saw = say("verdict.written_as", answer=values["answer"], right=right_as[0]) if right_as else said["saw"]
        lines = [
            (say("verdict.gave"), saw),
            (say("verdict.expected"), said["expects"]),
            (say("verdict.look"), said["look"]),
        ]
        if tries >= TRIES_BEFORE_HINT:
            lines.append((say("verdict.hint"), said["hint"]))
        return Verdict("wrong", say("verdict.wrong"), tuple(lines), refusal.reason)


def exercise(notebook, **values):
    """Make a judge into the check of an exercise; `helpers.course.checks` finds it by itself.

    The judge takes the answer, and what the exercise gives beside it; it raises `Refusal` for a wrong answer. Its texts
    are in the TOML file called as the `notebook`, under the judge's name; they ask for `values` as ``{name}``.
    """
    return lambda judge: Exercise(judge, notebook, texts.of_exercise(notebook, judge.__name__), values)


def gives(function):
    """Mark a function that makes what an exercise gives, so that notebooks can call it as ``checks.<name>``."""
    function.for_notebooks = True
    return function


@contextlib.contextmanager
def _undisturbed():
    """Leave Python's and NumPy's random numbers, warnings and TensorFlow's log level as they were."""
    python, numpy, log = random.getstate(), np.random.get_state(), logging.getLogger("tensorflow")
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        log.setLevel(level)
        random.setstate(python)
        np.random.set_state(numpy)


def one_line(value):
    """Return the first line of a text, or what an error says beside the calls it went through; cut in the middle."""
    try:
        text, is_error = str(value), isinstance(value, BaseException)
    except (Exception, SystemExit):
        return say("answer.unprintable")
    longest, text = (LONGEST_ERROR, ROUND_AN_ERROR.sub("", text).strip()) if is_error else (LONGEST, text)
    first = "".join([line for line in text.splitlines() if line.strip()][:1]) or say("answer.no_message")
    return first if len(first) <= longest else f"{first[: longest // 2]}…{first[1 - longest // 2 :]}"


def meant(answer):
    """Return what a text such as "6×3×512", or a number written as 1,024, may have been meant as."""
    if type(answer) is tuple and len(answer) > 1 and all(type(part) is int for part in answer):
        return [int("".join(map(str, answer)))] if max(answer[1:]) < 1000 <= 10 * min(answer[1:]) else []
    if not isinstance(answer, str) or len(answer) > LONGEST:
        return []
    numbers_in = re.findall(r"\d+", answer)
    read = [tuple(map(int, numbers_in)), int("".join(numbers_in))] if numbers_in else []
    with contextlib.suppress(ValueError, SyntaxError, MemoryError, RecursionError):
        read.insert(0, ast.literal_eval(answer.strip()))
    return read


def has_blank(answer, depth=0):
    """Return whether an answer is ``...``, or a container that still holds one."""
    if answer is ...:
        return True
    if depth == DEEPEST:
        return False
    if isinstance(answer, dict):
        return any(has_blank(value, depth + 1) for value in answer.values())
    return type(answer) in (list, tuple) and any(has_blank(value, depth + 1) for value in answer)


def describe(value):
    """Return what `value` is, in a few words. Never raises."""
    name = type(value).__name__
    try:
        return _described(value, name)
    except (Exception, SystemExit):
        return say("answer.object", type=name)


def _described(value, name):
    for kind, words in KINDS:
        if isinstance(value, kind):
            shown = one_line(repr(value)) if words in ("text", "container") else ""
            return say(f"answer.kinds.{words}", value=value, type=name, shown=shown)
    if inspect.isroutine(value):
        return say("answer.function", value=value)
    if hasattr(value, "shape") and hasattr(value, "dtype"):
        return say("answer.array", shape=tuple(value.shape))
    return say("answer.object", type=name)
