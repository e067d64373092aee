"""What every check is made of: an exercise, its verdict, and the refusal that a judge raises."""

import contextlib
import html
import logging
import random
import warnings
from dataclasses import dataclass

import numpy as np
from IPython import display

from helpers.course.checks import record
from helpers.course.checks.wording import describe, has_blank, one_line

# Colours of helpers.plots; the mark and the word say the same.
LOOKS = {"right": ("✓", "#009E73"), "wrong": ("✗", "#D55E00"), "blank": ("…", "#8C8C8C")}
TRIES_BEFORE_MORE = 2


class Refusal(Exception):
    """A judge's no: what it saw, what it expected in kind, where to look next.

    Parameters
    ----------
    saw : str
        What the answer is or does.
    expected : str
        What a right answer is or does, without giving it away.
    look : str
        The next thing to look at.
    more : str
        A further hint, for the second wrong try.
    """

    def __init__(self, saw, expected, look, more):
        super().__init__(saw)
        self.saw, self.expected, self.look, self.more = saw, expected, look, more


class StillBlank(Exception):
    """A judge's "not yet": a function of the learner's still returns ``...``."""


@dataclass(frozen=True)
class Verdict:
    """What a check says of one answer.

    Attributes
    ----------
    state : {"right", "wrong", "blank"}
    headline : str
    lines : tuple of (str, str)
        Label and sentence.
    """

    state: str
    headline: str
    lines: tuple = ()

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

    It never raises and never changes what it is given. The second wrong try brings a further hint. ``accepts`` says
    in silence whether an answer is right.

    Parameters
    ----------
    judge : callable
        Takes the answer and what the exercise gives beside it. Raises `Refusal` for a wrong answer.
    notebook : str
        File name without ending.
    goal : str
        The goal of the notebook that the exercise belongs to.
    expects : str
        What kind of thing the answer is.
    praise : str
        Said of a right answer: why it is right.
    """

    def __init__(self, judge, notebook, goal, expects, praise):
        self.name, self.__doc__ = judge.__name__, judge.__doc__
        self.notebook, self.goal, self.expects, self.praise = notebook, goal, expects, praise
        self._judge = judge
        self._wrong_tries = 0
        self._done_here = False

    def __repr__(self):
        return f"<check of exercise {self.name!r} in {self.notebook}>"

    @property
    def done_here(self):
        """Whether a right answer was given in this kernel."""
        return self._done_here

    def __call__(self, answer=..., *given):
        """Display the verdict, and keep a right answer in the record.

        Parameters
        ----------
        answer : object
            What the learner made; ``...`` is a blank.
        *given : object
            What the exercise gives beside it, such as the model to begin from.
        """
        verdict = self.verdict(answer, *given, tries=self._wrong_tries + 1)
        self._wrong_tries += verdict.state == "wrong"
        verdict.show()
        if verdict:
            self._wrong_tries, self._done_here = 0, True
            problem = record.keep(self.name)
            if problem:
                print(problem)

    def accepts(self, answer=..., *given):
        """Return whether `answer` is right; display nothing and keep nothing."""
        return bool(self.verdict(answer, *given))

    def verdict(self, answer=..., *given, tries=1):
        """Return the verdict on `answer`; display nothing and keep nothing.

        Parameters
        ----------
        answer, *given : object
            As for the check itself.
        tries : int
            Which wrong try this would be; from the second on the verdict holds a further hint.

        Returns
        -------
        Verdict
        """
        with _undisturbed():
            try:
                if has_blank(answer):
                    return self._blank()
                self._judge(answer, *given)
            except StillBlank:
                return self._blank()
            except Refusal as refusal:
                return _wrong(refusal, tries)
            except KeyboardInterrupt:  # the learner's way out of an endless loop
                raise
            except BaseException as error:  # an answer may raise anything, SystemExit included
                return _wrong(self._stumble(answer, error), tries)
        return Verdict("right", "Right.", (("Why", self.praise),))

    def _blank(self):
        return Verdict(
            "blank",
            "Not yet: this is still blank.",
            (("To do", f"put your answer in place of every ... in the cell above. Expected is {self.expects}."),),
        )

    def _stumble(self, answer, error):
        return Refusal(
            f"{describe(answer)}; looking at it ended in {type(error).__name__}: {one_line(error)}",
            self.expects,
            "run the stub cell again and print your answer: is it of the kind that the task asks for?",
            "the last line of the task says what the answer must be; compare its type with type(answer)",
        )


def exercise(notebook, goal, expects, praise):
    """Make a judge into the check of an exercise.

    Parameters
    ----------
    notebook, goal, expects, praise : str
        As for `Exercise`.
    """
    return lambda judge: Exercise(judge, notebook, goal, expects, praise)


def _wrong(refusal, tries):
    lines = [("You gave", refusal.saw), ("Expected", refusal.expected), ("Look at", refusal.look)]
    if tries >= TRIES_BEFORE_MORE:
        lines.append(("One more hint", refusal.more))
    return Verdict("wrong", "Not right yet.", tuple(lines))


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
