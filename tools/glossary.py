"""The ladder of terms: each is explained in one place, and used nowhere before; ``python -m tools.glossary`` checks it.

``notebooks/GLOSSARY.md`` has a line for each term::

    * **batch** (batches): the pictures of one training step. [00](00_start_here.ipynb#The-recipe)

with its other forms in brackets and a link to the heading under which it is explained, where it stands in bold. A term
that is also an everyday word has a comment with the words to look for: ``<!-- find: learning step, training step -->``.
"""

import re
import sys
from dataclasses import dataclass
from pathlib import Path

import nbformat

from helpers.course import working_copy

LINE = re.compile(
    r"\* \*\*(?P<term>[^*]+)\*\*(?: \((?P<forms>[^)]+)\))?: (?P<meaning>.+?) "
    r"\[[^\]]+\]\((?P<notebook>\w+)\.ipynb#(?P<heading>[^)]+)\)(?: <!-- find: (?P<find>[^>]+) -->)?"
)
NOT_PROSE = re.compile(r"```.*?```|`[^`]*`|\]\([^)]*\)|<[^>]+>|\$[^$]*\$|https?://\S+", re.DOTALL)

HEADING = re.compile(r"(?m)^#+ .*$")  # may name what its section explains


@dataclass(frozen=True)
class Term:
    """A line of the glossary."""

    name: str
    forms: tuple  # by which the term is known where it is explained
    find: tuple  # by which an early use is known
    notebook: str
    heading: str


def read(path=working_copy.COURSE / working_copy.GLOSSARY):
    """Return the terms of a glossary, in its order; raise `ValueError` for a line that is not one."""
    terms = []
    for line in Path(path).read_text(encoding="utf-8").splitlines():
        if not line.startswith("* "):
            continue
        match = LINE.fullmatch(line)
        if not match:
            raise ValueError(f"{path}: expected * **term** (forms): meaning [00](00_name.ipynb#Heading), found: {line}")
        forms = (match["term"], *_listed(match["forms"]))
        find = tuple(_listed(match["find"])) if match["find"] else forms
        terms.append(Term(match["term"], forms, find, match["notebook"], match["heading"]))
    return terms


def problems(terms, notebooks):
    """Yield a line for each term that is not explained where the glossary says, or is used before.

    `notebooks` is a dict of the name of a notebook to its `nbformat.NotebookNode`, in the order of the course.
    """
    order = {name: number for number, name in enumerate(notebooks)}
    for term in terms:
        if term.notebook not in order:
            yield f"{term.name}: there is no notebook {term.notebook}"
            continue
        place = _explained(term, notebooks[term.notebook])
        if place is None:
            yield f"{term.name}: not in bold under the heading {term.heading} of {term.notebook}"
            continue
        for name, notebook in notebooks.items():
            if order[name] <= order[term.notebook]:
                end = place if name == term.notebook else len(notebook.cells)
                yield from _used_before(term, name, notebook, end)


def _explained(term, notebook):
    """Return the index of the cell that explains a term: in bold, in the section that the glossary names."""
    level = 0  # of the heading of that section, 0 outside it
    for index, cell in enumerate(notebook.cells):
        if cell.cell_type != "markdown":
            continue
        for part in re.split(r"(?m)^(?=#+ )", cell.source):
            if heading := re.match(r"(#+) (.+)", part):
                named = heading[2].strip().replace("`", "").replace(" ", "-") == term.heading
                level = len(heading[1]) if named else level * (len(heading[1]) > level)
            bold = re.findall(r"\*\*([^*]+)\*\*", part)
            if level and any(_pattern(term.forms).search(" ".join(words.split())) for words in bold):
                return index
    return None


def _used_before(term, name, notebook, end):
    """Yield where a term is used in the prose of the cells before `end`; the box of goals may name what is to come."""
    first = 1 if term.notebook == name else 0
    for cell in notebook.cells[first:end]:
        if cell.cell_type == "markdown" and not cell.source.startswith("## Quiz"):
            prose = " ".join(HEADING.sub("", NOT_PROSE.sub(" ", cell.source)).split())
            if found := _pattern(term.find).search(prose):
                near = prose[max(0, found.start() - 40) : found.end() + 30]
                yield f"{term.name}: explained in {term.notebook}, used before in {name}: …{near}…"


def _pattern(forms):
    words = "|".join(re.escape(form) + ("s?" if form[-1:].isalpha() else "") for form in forms)
    return re.compile(rf"(?<![\w-])(?:{words})(?![\w-])", re.IGNORECASE)


def _listed(text):
    return [part.strip() for part in (text or "").split(",") if part.strip()]


def main():
    """Print what departs from the ladder; exit with 1 where something does."""
    notebooks = {path.stem: nbformat.read(path, as_version=4) for path in working_copy.course_notebooks()}
    terms = read()
    lines = list(problems(terms, notebooks))
    print(*lines, f"{len(terms)} terms", sep="\n")
    return int(bool(lines))


if __name__ == "__main__":
    sys.exit(main())
