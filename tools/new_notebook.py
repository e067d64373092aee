"""Write a new notebook that has every part of the course's form: ``make new-notebook NAME=12_prune_filters``."""

import argparse
import re
import sys

import nbformat
from nbformat.v4 import new_code_cell as code
from nbformat.v4 import new_markdown_cell as markdown

from helpers import storage
from helpers.course import quizzes as course_quizzes
from helpers.course import working_copy
from tools import quizzes

FIGURE = """\
figure, axes = plt.subplots()
axes.bar(data.class_names, data.counts()["train"])
plots.show(
    "TODO what the figure shows, for who does not see it: at least forty letters, with numbers."
)"""
QUESTION = """\
[[question]]
text = "TODO {number}: a question on what surprises in this notebook?"

[[question.option]]
text = "TODO: the right answer."
why = "TODO {number}: why it is right."
correct = true

[[question.option]]
text = "TODO: what many believe."
why = "TODO {number}: the mistake that leads to it."

[[question.option]]
text = "TODO: what some believe."
why = "TODO {number}: the mistake that leads to that."
"""


def notebook(name):
    """Return a notebook with the course's parts in order; every TODO waits for its author."""
    title = name[3:].replace("_", " ").capitalize()
    return nbformat.v4.new_notebook(
        metadata={"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}},
        cells=[
            markdown(
                f"# {title}\n\n> **You will be able to**\n>\n> 1. TODO a verb and its object;\n> 2. TODO;\n"
                "> 3. TODO.\n>\n"
                "> **Needs**: TODO, from [00_start_here](00_start_here.ipynb).\n>\n"
                "> **Minutes**: about 10, with exercises and quiz.\n>\n"
                "> **Words**: [glossary](GLOSSARY.md)."
            ),
            code(
                "from helpers import session\n\nsession.start()\n\nimport matplotlib.pyplot as plt\n"
                "from helpers import checks, images, plots, quizzes"
            ),
            markdown(
                "## TODO a claim\n\nTODO: what is done in the next cell, and why.\n\n**Predict.** TODO: what comes out?"
            ),
            code(
                'data = images.load("animals")\nprint(len(data.files("train")), "pictures")\n'
                'assert len(data.files("train")) > 0',
                metadata={"tags": ["nbval-check-output"]},
            ),
            markdown("**What you saw.** TODO: the surprise, in one or two sentences.\n\nTODO: what the figure is for."),
            code(FIGURE),
            markdown(
                "### Exercise, goals 1, 2 and 3, transfer: TODO\n\n"
                "TODO: the task. The last sentence says what kind of thing the answer is."
            ),
            code("answer = ...", metadata={"tags": ["exercise"]}),
            code("checks.TODO(answer)"),
            code(
                "solved = ...  # TODO\nassert checks.TODO.accepts(solved)",
                metadata={"tags": ["solution"], "jupyter": {"source_hidden": True}},
            ),
            markdown("## Quiz\n\n`make quizzes` writes the readable twin here."),
            code(f'quizzes.show("{name}")', metadata={"tags": ["quiz"]}),
            markdown("## Where you are"),
            code("checks.progress()", metadata={"tags": ["progress"]}),
            markdown("## Recap\n\n1. **TODO**: what is now known.\n2. **TODO**.\n3. **TODO**."),
            markdown("## What is next\n\nTODO: [00_start_here](00_start_here.ipynb)."),
        ],
    )


def write(name, folder=working_copy.COURSE, quiz_folder=course_quizzes.FOLDER):
    """Write the notebook and its quiz file, and return both paths.

    Raises
    ------
    ValueError
        When the name is not like ``12_prune_filters``, its number is taken, or one of the files is there.
    """
    if not re.fullmatch(r"\d\d_[a-z0-9_]+", name or ""):
        raise ValueError(f"NAME={name}: two digits, then words with _ between them, such as 12_prune_filters.")
    paths = folder / f"{name}.ipynb", quiz_folder / f"{name}.toml"
    for taken in [*folder.glob(f"{name[:2]}_*.ipynb"), *(path for path in paths if path.exists())]:
        raise ValueError(f"{taken.name} is there already: choose another number or name.")
    with storage.written_whole(paths[0]) as temporary:
        nbformat.write(notebook(name), temporary)
    with storage.written_whole(paths[1]) as temporary:
        questions = [QUESTION.format(number=number) for number in range(1, quizzes.FEWEST + 1)]
        temporary.write_text("\n".join(questions), encoding="utf-8")
    return paths


def main():
    """Write a notebook and say what to do with it."""
    parser = argparse.ArgumentParser(prog="make new-notebook", description=__doc__)
    parser.add_argument("name", nargs="?", default="")
    try:
        paths = write(parser.parse_args().name)
    except (ValueError, storage.StorageError) as error:
        return str(error)
    print(*paths, sep="\n")
    print("Fill in every TODO and give it a row in README.md; then `make quizzes`, `make notebooks`, `make lint`.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
