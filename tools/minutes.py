"""How long a notebook takes who reads it, runs it, solves its exercises and its quiz: ``python -m tools.minutes``.

180 words and 15 lines of code a minute, five minutes for an exercise, four for a quiz. Left out is what takes no time
of its own: the readable twin of the quiz, solutions, folded checks.
"""

import argparse
from pathlib import Path

import nbformat

from helpers.course import working_copy

WORDS, LINES, EXERCISE, QUIZ = 180, 15, 5, 4  # words and lines a minute; minutes
NOT_READ = {"solution", "claims", "quiz", "progress"}  # tags of code cells
LONGEST, CORE, CORE_PATH = 60, 8, 330  # minutes of a notebook; notebooks of the core path and their minutes
DEEPER = "(deeper)"  # ends the heading of a section that can be skipped


def counted(notebook):
    """Return the words, lines of code, exercises and quizzes of a notebook."""
    words = lines = exercises = quizzes = 0
    for cell in notebook.cells:
        tags = set(cell.metadata.get("tags", []))
        if cell.cell_type == "markdown" and cell.source.startswith("## Quiz"):
            quizzes += 1
        elif cell.cell_type == "markdown":
            words += len(cell.source.split())
        elif not tags & NOT_READ and not cell.source.startswith("checks."):
            lines += sum(bool(line.strip()) for line in cell.source.splitlines())
            exercises += "exercise" in tags
    return words, lines, exercises, quizzes


def minutes(notebook):
    """Return the honest minutes of a notebook, a float."""
    words, lines, exercises, quizzes = counted(notebook)
    return words / WORDS + lines / LINES + EXERCISE * exercises + QUIZ * quizzes


def main():
    """Print the minutes of each notebook, and of the core path."""
    parser = argparse.ArgumentParser(prog="python -m tools.minutes", description=__doc__.splitlines()[0])
    parser.add_argument("paths", nargs="*", type=Path, help="notebooks; all by default")
    paths = parser.parse_args().paths or working_copy.course_notebooks()
    total = 0.0
    for path in paths:
        notebook = nbformat.read(path, as_version=4)
        total += minutes(notebook)
        words, lines, exercises, _ = counted(notebook)
        print(f"{path.stem:26} {minutes(notebook):5.1f} min: {words} words, {lines} lines, {exercises} exercises")
    print(f"{'together':26} {total:5.0f} min; 00 to {CORE - 1:02d} may take {CORE_PATH}")


if __name__ == "__main__":
    main()
