"""A quiz for each notebook: every wrong option is a mistake that people make, answered with what is the case.

``quizzes.show("02_freeze_layers")`` displays it to click; ``quizzes.as_markdown("02_freeze_layers")`` is the text that
stands in the notebook for readers without a kernel. Both need nothing but what is installed.
"""

from helpers.course.quizzes import (
    attach_new_head,
    break_it,
    compare,
    fine_tune,
    freeze_layers,
    load_vgg16,
    other_backbones,
    own_images,
    question,
    train_the_head,
)

QUIZZES = {
    "01_load_vgg16": load_vgg16.QUESTIONS,
    "02_freeze_layers": freeze_layers.QUESTIONS,
    "03_attach_new_head": attach_new_head.QUESTIONS,
    "04_train_the_head": train_the_head.QUESTIONS,
    "05_fine_tune": fine_tune.QUESTIONS,
    "06_compare": compare.QUESTIONS,
    "07_other_backbones": other_backbones.QUESTIONS,
    "08_break_it": break_it.QUESTIONS,
    "09_your_own_images": own_images.QUESTIONS,
}


def questions(notebook):
    """Return the questions of a notebook's quiz.

    Parameters
    ----------
    notebook : str
        File name without ending.

    Returns
    -------
    tuple of helpers.course.quizzes.question.Question

    Raises
    ------
    ValueError
        When that notebook has no quiz.
    """
    if notebook not in QUIZZES:
        raise ValueError(f"There is no quiz for {notebook!r}; there are quizzes for: {', '.join(QUIZZES)}.")
    return QUIZZES[notebook]


def show(notebook):
    """Display the quiz of a notebook to click."""
    question.show(questions(notebook), notebook)


def as_markdown(notebook):
    """Return the quiz of a notebook as Markdown, its answers folded."""
    return question.as_markdown(questions(notebook))
