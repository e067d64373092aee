"""Copies of the notebooks for Google Colab: ``python -m tools.colab`` writes them into build/colab.

A copy has one cell more, the first code cell, which installs the course from its repository. Its links lead to the
other copies on Colab, and the cells that the course folds have Colab's mark for it. The notebooks of the course stay as
they are. The copies are published on a branch of their own, from which Colab opens them.
"""

import argparse
import re
import sys
import tomllib
from pathlib import Path

import nbformat

from helpers import storage
from helpers.course import working_copy

ROOT = Path(__file__).parent.parent
COLAB = "https://colab.research.google.com/github"
BRANCH, FOLDER = "colab", "notebooks"  # where the copies are published in the repository
INSTALL = """# On Colab: install the course, once for each session. It takes a minute.
%pip install --quiet "{name} @ git+{address}\""""
LINK = re.compile(r"\]\((\d\d_\w+\.ipynb|[A-Z]+\.md|\w+\.png)\)")
FOLDED = "form"  # Colab's word for a cell whose code is hidden


def address(project=ROOT / "pyproject.toml"):
    """Return name and address of the repository, as ``[project.urls]`` names it; raise ValueError where it does not."""
    project = tomllib.loads(Path(project).read_text(encoding="utf-8"))["project"]
    url = project.get("urls", {}).get("Repository", "").removesuffix(".git").rstrip("/")
    if not re.fullmatch(r"https://github\.com/[\w.-]+/[\w.-]+", url):
        raise ValueError(
            f"Colab opens notebooks from GitHub, but pyproject.toml says Repository = {url!r} in [project.urls]. "
            'Write it as "https://github.com/owner/name".'
        )
    return project["name"], url


def opened(url, name, branch=BRANCH, folder=FOLDER):
    """Return the address at which Colab opens a copy: the link *Open in Colab* of the web edition."""
    return f"{COLAB}/{url.removeprefix('https://github.com/')}/blob/{branch}/{folder}/{name}"


def copy(notebook, name, url):
    """Return a notebook, changed in place, with a cell that installs the course and links that work on Colab."""

    def link(match):
        target = match[1]
        if target.endswith(".ipynb"):
            return f"]({opened(url, target)})"
        return f"]({url}/blob/HEAD/notebooks/{target})"

    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = LINK.sub(link, cell.source)
        elif cell.metadata.get("jupyter", {}).get("source_hidden"):
            cell.metadata["cellView"] = FOLDED
    first = next(number for number, cell in enumerate(notebook.cells) if cell.cell_type == "code")
    install = nbformat.v4.new_code_cell(INSTALL.format(name=name, address=url), id="install")
    notebook.cells.insert(first, install)
    return notebook


def write(target, project=ROOT / "pyproject.toml"):
    """Write all copies into a folder, and return their paths."""
    name, url = address(project)
    target = Path(target)
    target.mkdir(parents=True, exist_ok=True)
    written = []
    for path in working_copy.course_notebooks():
        notebook = working_copy.cleared(nbformat.read(path, as_version=4))
        with storage.written_whole(target / path.name) as temporary:
            temporary.write_text(nbformat.writes(copy(notebook, name, url)), encoding="utf-8")
        written.append(target / path.name)
    return written


def main():
    """Write the copies and say where."""
    parser = argparse.ArgumentParser(prog="python -m tools.colab", description=__doc__.splitlines()[0])
    parser.add_argument("target", nargs="?", type=Path, default=Path("build/colab"), help="build/colab by default")
    given = parser.parse_args()
    try:
        written = write(given.target)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{len(written)} notebooks for Colab in {given.target}. They are opened at {opened(address()[1], '…')}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
