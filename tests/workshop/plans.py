"""Reads the plans of workshop/: their rows, and what `tools.minutes` says that a row takes."""

import datetime
import re
from dataclasses import dataclass

import nbformat

from helpers.course import working_copy
from tools import minutes

FOLDER = working_copy.CHECKOUT / "workshop"
NOTEBOOKS = {path.stem: path for path in working_copy.course_notebooks()}
HEADINGS = ["from", "to", "minutes", "how", "what", "sections", "exercises", "quiz"]
OPENING = "(opening)"
CHANGING = 2  # minutes to shut down one notebook's kernel and open the next notebook
RUNNING = 1  # minute to run sections that are left out before one that is done


@dataclass
class Row:
    """One row of a plan."""

    begin: int
    end: int
    minutes: int
    how: str
    what: str
    sections: tuple
    exercises: tuple
    quiz: bool

    @property
    def notebook(self):
        """The notebook that it names, or None."""
        linked = re.match(r"\[(\d\d_\w+)\]\(\.\./notebooks/\1\.ipynb\)", self.what)
        return linked[1] if linked else None


def clock(text):
    time = datetime.time.fromisoformat(text)
    return 60 * time.hour + time.minute


def tables(path):
    """Each table of a plan: its headings, and its rows of texts."""
    found = []
    for block in re.findall(r"(?:^\|.*\|\n)+", path.read_text(encoding="utf-8"), flags=re.MULTILINE):
        lines = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in block.strip().splitlines()]
        found.append(
            ([cell.strip("| ") for cell in lines[0]], [[cell.strip("| ") for cell in line] for line in lines[2:]])
        )
    return found


def days(path):
    """The rows of each day of a plan."""
    return [[_row(*cells) for cells in rows] for headings, rows in tables(path) if headings == HEADINGS]


def _row(begin, end, length, how, what, sections, exercises, quiz):
    numbers = tuple(map(int, re.findall(r"\d+", exercises)))
    named = tuple(name.strip() for name in sections.split(" / ") if name.strip() not in ("", "–"))
    return Row(clock(begin), clock(end), int(length), how.strip("*"), what, named, numbers, quiz == "yes")


def sections(stem):
    """Heading to minutes of reading and running of each section of a notebook, and the number of its exercises."""
    found, exercises = {OPENING: []}, 0
    name = OPENING
    for cell in nbformat.read(NOTEBOOKS[stem], as_version=4).cells:
        exercises += "exercise" in cell.metadata.get("tags", [])
        if cell.cell_type == "code":
            found[name].append(cell)
            continue
        for part in re.split(r"^(?=## )", cell.source, flags=re.MULTILINE):
            if part.startswith("## "):
                name = part.splitlines()[0].removeprefix("## ")
                found[name] = []
            found[name].append(nbformat.v4.new_markdown_cell(part))
    return {name: _reading(cells) for name, cells in found.items()}, exercises


def _reading(cells):
    words, lines, _, _ = minutes.counted(nbformat.v4.new_notebook(cells=cells))
    return words / minutes.WORDS + lines / minutes.LINES


def leaves_out(row):
    """Whether a section that is not done has to run all the same, as one that is done comes after it."""
    names = [name for name in sections(row.notebook)[0] if name != OPENING]
    done = [name in row.sections for name in names]
    return row.sections != ("all",) and not all(done[: len(done) - done[::-1].index(True)])


def needed(row):
    """The minutes of a row that is done, by the rates of `tools.minutes`."""
    reading, _ = sections(row.notebook)
    named = reading if row.sections == ("all",) else [OPENING, *row.sections]
    return sum(reading[name] for name in named) + minutes.EXERCISE * len(row.exercises) + minutes.QUIZ * row.quiz
