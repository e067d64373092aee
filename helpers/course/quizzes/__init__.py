"""A quiz for each notebook: every wrong option is a mistake that people make, answered with what is the case.

``quizzes.show("02_freeze_layers")`` displays it to click; ``quizzes.as_markdown("02_freeze_layers")`` is the text that
stands in the notebook for readers without a kernel. Its questions are in a TOML file beside this one.
"""

import html
import re
from dataclasses import dataclass
from pathlib import Path

from IPython import display

from helpers.course.quizzes import reading
from helpers.course.quizzes.reading import say

FOLDER = Path(__file__).parent
NAMES = tuple(sorted(path.stem for path in FOLDER.glob("[0-9]*.toml")))
HEADING, HOW = say("quiz.heading"), say("quiz.how")


def questions(notebook):
    """Return the questions of a notebook's quiz as a tuple of `reading.Question`; `notebook` is without ending."""
    if notebook not in NAMES:
        raise ValueError(f"There is no quiz for {notebook!r}; there are quizzes for: {', '.join(NAMES)}.")
    return reading.read(FOLDER / f"{notebook}.toml")


def show(notebook):
    """Display the quiz of a notebook to click."""
    display.display(ToClick(notebook, as_html(notebook)))


@dataclass(frozen=True, repr=False)
class ToClick:
    """A quiz that Jupyter displays to click, and a terminal in one sentence."""

    notebook: str
    content: str

    def _repr_html_(self):
        return self.content

    def __repr__(self):
        return say("quiz.in_a_terminal", notebook=self.notebook)


def as_markdown(notebook):
    """Return the quiz of a notebook as Markdown: lettered options, and the answers folded below each question."""
    parts = [HEADING, HOW]
    for number, question in enumerate(questions(notebook), 1):
        parts.append(f"**{number}.** {question.text}")
        parts.append("\n".join(f"* **{letter}**: {option.text}" for letter, option in question.lettered))
        answers = "\n".join(f"* **{letter}**: {option.verdict}" for letter, option in question.lettered)
        parts.append(f"<details><summary>{say('quiz.answers', number=number)}</summary>\n\n{answers}\n\n</details>")
    return "\n\n".join(parts)


def as_html(notebook):
    """Return the quiz of a notebook as HTML: each option unfolds its reason, without a script and without a kernel."""
    asked = "\n".join(_question_as_html(number, each) for number, each in enumerate(questions(notebook), 1))
    return f"<div>\n{asked}\n</div>"


def _question_as_html(number, question):
    options = "\n".join(_option_as_html(letter, option) for letter, option in question.lettered)
    return (
        '<fieldset style="border: 1px solid currentColor; margin: 0 0 16px 0; padding: 4px 12px">'
        f"<legend><strong>{number}.</strong> {_with_code(question.text)}</legend>\n{options}\n</fieldset>"
    )


def _option_as_html(letter, option):
    # JupyterLab takes keys for itself, "x" to cut the cell, unless the element with the focus says that it needs them.
    return (
        '<details style="margin: 6px 0"><summary style="cursor: pointer" data-lm-suppress-shortcuts="true">'
        f"<strong>{letter}</strong>: {_with_code(option.text)}</summary>"
        f'<p style="margin: 4px 0 8px 24px">{_with_code(option.verdict)}</p></details>'
    )


def _with_code(text):
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(text, quote=False))
