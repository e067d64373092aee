"""A question with its options, and the two forms in which a quiz is shown: Markdown to read, buttons to click."""

import html
import random
import re
from dataclasses import dataclass

import jupyterquiz
from IPython import display
from IPython.utils import capture

LETTERS = "ABCDEF"
# White text on the blue of the course; right and wrong are also said in words.
COLOURS = {
    "--jq-multiple-choice-bg": "#0072B2",
    "--jq-correct-color": "#00805A",
    "--jq-incorrect-color": "#C0450B",
}
HEADING = "## Quiz"
HOW = (
    "Answer for yourself before you unfold the answers, or run the cell below and click: each option, the wrong ones "
    "too, answers with its reason."
)
WITHOUT_KERNEL = "Run this cell to answer by clicking. The same questions stand above, with their answers folded."
# Code stays readable on a coloured button, text has the size of the notebook's, and the option in focus is to be seen.
STYLE = """
<style>
  #PLACE .Quiz, #PLACE .Feedback, #PLACE .MCButton { font-size: 15px; line-height: 1.4; }
  #PLACE .Feedback, #PLACE .MCButton { text-align: left; justify-content: flex-start; }
  #PLACE code { background: transparent; color: inherit; font-weight: 600; }
  #PLACE .MCButton:focus-within { outline: 3px solid #E69F00; }
</style>
"""
# JupyterLab takes the arrow keys for itself unless the element in focus says that it needs them, and a screen reader
# reads new text out where it is marked as live.
ACCESS = """
const waiting = setInterval(() => {
  const buttons = document.querySelectorAll("#PLACE input");
  buttons.forEach((button) => button.setAttribute("data-lm-suppress-shortcuts", "true"));
  document.querySelectorAll("#PLACE .Feedback").forEach((answer) => answer.setAttribute("aria-live", "polite"));
  if (buttons.length) clearInterval(waiting);
}, 200);
"""
SPARE = re.compile(r"^[ \t]+(//.*)?|^//.*", re.MULTILINE)  # indents and lines of comment: a quarter of the script
ADDRESS = re.compile(r"https?://[^'\"\s]*")


@dataclass(frozen=True)
class Option:
    """One answer to choose.

    Attributes
    ----------
    text : str
        May hold `code` between backticks.
    why : str
        Why it is right, or which mistake leads to it.
    correct : bool
    """

    text: str
    why: str
    correct: bool = False


@dataclass(frozen=True)
class Question:
    """A question with one right option.

    Attributes
    ----------
    text : str
        May hold `code` between backticks.
    options : tuple of Option
        In the order in which they are lettered.
    """

    text: str
    options: tuple


def right(text, why):
    """Return the right option of a question."""
    return Option(text, why, correct=True)


def wrong(text, why):
    """Return a wrong option: a misconception, and what is the case instead."""
    return Option(text, why)


def ask(text, *options):
    """Return a question."""
    return Question(text, options)


def as_markdown(questions):
    """Return a quiz as Markdown: questions with lettered options, the answers folded below each.

    Parameters
    ----------
    questions : sequence of Question

    Returns
    -------
    str
    """
    parts = [HEADING, HOW]
    for number, question in enumerate(questions, 1):
        lettered = list(zip(LETTERS, question.options, strict=False))
        parts.append(f"**{number}.** {question.text}")
        parts.append("\n".join(f"* **{letter}**: {option.text}" for letter, option in lettered))
        answers = "\n".join(f"* **{letter}**: {_verdict(option)}" for letter, option in lettered)
        parts.append(f"<details><summary>Answers to question {number}</summary>\n\n{answers}\n\n</details>")
    return "\n\n".join(parts)


def as_bundles(questions, name):
    """Return a quiz to click as two displayed outputs: its place on the page, and the script that fills it.

    jupyterquiz builds both. What it would fetch from elsewhere, a typesetter for formulas, is taken out: everything
    is in the outputs, and nothing leaves the machine. The same quiz gives the same outputs each time.

    Parameters
    ----------
    questions : sequence of Question
    name : str
        Tells this quiz from others on the same page.

    Returns
    -------
    list of dict
        MIME type to content.
    """
    place, script = _displayed([_as_jupyterquiz(question) for question in questions], name)
    identity = re.search(r'id="(\w+)"', place["text/html"])[1]
    style, access = (text.replace("PLACE", identity) for text in (STYLE, ACCESS))
    offline = SPARE.sub("", ADDRESS.sub("", script["application/javascript"]))
    # Where its scope holds no MathJax the script looks for no typesetter.
    enclosed = f"(function (MathJax) {{\n{offline}\n{access}\n}})(undefined);"
    return [
        {"text/html": place["text/html"] + style, "text/plain": WITHOUT_KERNEL},
        {"application/javascript": enclosed, "text/plain": ""},
    ]


def show(questions, name):
    """Display a quiz to click."""
    for bundle in as_bundles(questions, name):
        display.display(bundle, raw=True)


def _displayed(questions, name):
    """Return what jupyterquiz displays; its random names follow from `name`, and Python's random state is kept."""
    state = random.getstate()
    random.seed(f"quiz {name}")
    try:
        with capture.capture_output(stdout=False, stderr=False) as captured:
            jupyterquiz.display_quiz(questions, shuffle_answers=False, max_width=900, colors=COLOURS)
    finally:
        random.setstate(state)
    if len(captured.outputs) != 2:
        raise RuntimeError(
            f"A quiz can be shown in Jupyter only: jupyterquiz displayed {len(captured.outputs)} outputs, expected 2. "
            "Elsewhere print quizzes.as_markdown(...)."
        )
    return [output.data for output in captured.outputs]


def _as_jupyterquiz(question):
    answers = [
        {
            "answer": f"{letter}: {_as_html(option.text)}",
            "correct": option.correct,
            "feedback": _as_html(_verdict(option)),
        }
        for letter, option in zip(LETTERS, question.options, strict=False)
    ]
    return {"question": _as_html(question.text), "type": "multiple_choice", "answer_cols": 1, "answers": answers}


def _verdict(option):
    return f"{'✓ Right.' if option.correct else '✗ Not so.'} {option.why}"


def _as_html(text):
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(text))
