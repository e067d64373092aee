"""Write the quizzes of helpers/course/quizzes into the notebooks, to be read there without a kernel.

``python -m tools.quizzes`` is ``make quizzes``; with ``--check`` it writes nothing and names the notebooks that differ.
"""

import argparse
import sys

import nbformat

from helpers import storage
from helpers.course import quizzes, working_copy

FEWEST, MOST, FEWEST_OPTIONS, SHORTEST_REASON = 4, 8, 3, 30  # questions, options, letters


def update(path, write=True):
    """Make the quiz to read in a notebook the text of its questions; nothing else changes.

    Parameters
    ----------
    path : pathlib.Path
    write : bool
        Whether a notebook that differs is written.

    Returns
    -------
    bool
        Whether the text differed.
    """
    notebook = nbformat.read(path, as_version=4)
    cell = _to_read(notebook, path)
    text = quizzes.as_markdown(path.stem)
    if cell.source == text:
        return False
    if write:
        cell.source = text
        with storage.written_whole(path) as temporary:
            nbformat.write(notebook, temporary)
    return True


def problems(name):
    """Yield what departs from the form of a quiz, in a few words."""
    questions = quizzes.questions(name)
    if not FEWEST <= len(questions) <= MOST:
        yield f"{len(questions)} questions: {FEWEST} to {MOST} are needed"
    reasons = [option.why for question in questions for option in question.options]
    for number, question in enumerate(questions, 1):
        if len(question.options) < FEWEST_OPTIONS:
            yield f"question {number}: {len(question.options)} options, at least {FEWEST_OPTIONS} are needed"
        for letter, option in question.lettered:
            if (
                len(option.why) < SHORTEST_REASON
                or not option.why.endswith((".", "?"))
                or reasons.count(option.why) > 1
            ):
                yield (
                    f"question {number}, option {letter}: the reason must be its own, a sentence of at least "
                    f"{SHORTEST_REASON} letters"
                )
        if "TODO" in repr(question):
            yield f"question {number}: a TODO is left"


def _to_read(notebook, path):
    """Return the Markdown cell above the quiz to click."""
    for above, cell in zip(notebook.cells, notebook.cells[1:], strict=False):
        if "quiz" in cell.metadata.get("tags", []) and above.cell_type == "markdown":
            return above
    raise ValueError(f"{path.name}: expected a code cell tagged `quiz` below the Markdown cell of the quiz.")


def main(arguments=None, folder=working_copy.COURSE):
    """Write, or compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 if a notebook differs")
    check = parser.parse_args(arguments).check
    paths = [folder / f"{name}.ipynb" for name in quizzes.NAMES]
    different = [path.name for path in paths if update(path, write=not check)]
    wrong = [f"{name}.toml: {problem}" for name in quizzes.NAMES for problem in problems(name)]
    print(*wrong, sep="\n", end="\n" if wrong else "")
    for name in different:
        print(f"{name}: its quiz differs from its questions; run `make quizzes`." if check else f"{name}: written")
    return int(bool(wrong) or check and bool(different))


if __name__ == "__main__":
    sys.exit(main())
