"""Copies of the notebooks for Google Colab: ``python -m tools.colab OWNER/NAME`` writes them
into build/colab.

A copy has one cell more, the first code cell, which installs the course from its repository. Its links lead to the
other copies on Colab, and the cells that the course folds have Colab's mark for it. The notebooks of the course stay as
they are. The copies are published on a branch of their own, from which Colab opens them.
"""

import argparse
import re
from pathlib import Path

import nbformat

from helpers import storage
from helpers.course import working_copy

GITHUB = "https://github.com"
COLAB = "https://colab.research.google.com/github"
BRANCH, FOLDER = "colab", "notebooks"  # where the copies are published in the repository
INSTALL = """# On Colab: install the course, once for each session. It takes a minute.
%pip install --quiet "swap-the-head @ git+{address}\""""
LINK = re.compile(r"\]\((\d\d_\w+\.ipynb|[A-Z]+\.md|\w+\.png)\)")
FOLDED = "form"  # Colab's word for a cell whose code is hidden


def repository(text):
    """Return ``owner/name`` on GitHub as it was given, for argparse, which tells why another text is refused."""
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", text):
        raise argparse.ArgumentTypeError(f"{text!r}: expected owner/name, as in github.com/owner/name.")
    return text


def opened(repository, file):
    """Return the address at which Colab opens a copy: the link *Colab* of the web edition."""
    return f"{COLAB}/{repository}/blob/{BRANCH}/{FOLDER}/{file}"


def copy(notebook, repository):
    """Return a notebook, changed in place, with a cell that installs the course and links that work on Colab."""

    def link(match):
        target = match[1]
        if target.endswith(".ipynb"):
            return f"]({opened(repository, target)})"
        return f"]({GITHUB}/{repository}/blob/HEAD/notebooks/{target})"

    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = LINK.sub(link, cell.source)
        elif cell.metadata.get("jupyter", {}).get("source_hidden"):
            cell.metadata["cellView"] = FOLDED
    first = next(number for number, cell in enumerate(notebook.cells) if cell.cell_type == "code")
    install = nbformat.v4.new_code_cell(INSTALL.format(address=f"{GITHUB}/{repository}"), id="install")
    notebook.cells.insert(first, install)
    return notebook


def write(target, repository):
    """Write all copies into a folder, and return their paths."""
    target = Path(target)
    target.mkdir(parents=True, exist_ok=True)
    written = []
    for path in working_copy.course_notebooks():
        notebook = working_copy.cleared(nbformat.read(path, as_version=4))
        with storage.written_whole(target / path.name) as temporary:
            temporary.write_text(nbformat.writes(copy(notebook, repository)), encoding="utf-8")
        written.append(target / path.name)
    return written


def main(arguments=None):
    """Write the copies and say where."""
    parser = argparse.ArgumentParser(prog="python -m tools.colab", description=__doc__.splitlines()[0])
    parser.add_argument("repository", type=repository, metavar="OWNER/NAME", help="where the course is on GitHub")
    parser.add_argument("--to", type=Path, default=Path("build/colab"), metavar="FOLDER", help="%(default)s")
    given = parser.parse_args(arguments)
    written = write(given.to, given.repository)
    print(f"{len(written)} notebooks for Colab in {given.to}. They are opened at {opened(given.repository, '…')}")


if __name__ == "__main__":
    main()
