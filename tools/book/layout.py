"""What Sphinx reads: a page for each notebook, and the pages that are no notebooks."""

import shutil

import nbformat

from helpers.course import working_copy
from tools import colab
from tools.book import explorers, notebooks, pages

READ = (
    "*You are reading a notebook: below each cell is what it printed and drew when it was run last. What the text says "
    "of running, clicking and answering holds for your own copy; on this page unfold the solutions and click the quiz.*"
)


def lay_out(folder, repository=""):
    """Write the sources of the web edition.

    Parameters
    ----------
    folder : pathlib.Path
        Is made anew.
    repository : str
        ``owner/name`` on GitHub, or ``""``: then no page has links that need one.
    """
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "notebooks").mkdir(parents=True)
    pictures = folder / "explorers"
    source = f"https://github.com/{repository}/blob/main/" if repository else ""
    for path in working_copy.course_notebooks():
        shutil.copy(path, folder / "notebooks")
        page = notebooks.page(nbformat.read(path, as_version=4), run_it(path.stem, repository), pictures)
        nbformat.write(page, folder / path.name)
    shutil.copy(working_copy.COURSE / "result.png", folder)
    written = {
        "index": pages.front(),
        "course": pages.course(source),
        "results": pages.results(source, explorers.in_page("decision_helper", pictures)),
        "findings": pages.mistakes(),
        "GLOSSARY": pages.words(),
        "run_it": pages.run_it(source, repository),
        "licences": pages.section("Licences and sources", "Licences and sources", source),
        **pages.workshop(source),
    }
    for name, text in written.items():
        path = folder / f"{name}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def run_it(name, repository):
    """Return Markdown with the ways to run a notebook oneself."""
    ways = []
    if repository:
        ways += [
            f"[Colab]({colab.opened(repository, name + '.ipynb')})",
            f"[Binder](https://mybinder.org/v2/gh/{repository}/main?urlpath=lab/tree/my_course/{name}.ipynb)",
            f"[Codespaces](https://codespaces.new/{repository})",
        ]
    ways += [
        f'<a href="notebooks/{name}.ipynb" download>download the notebook</a> (it needs the course)',
        "[on your machine](run_it.md)",
    ]
    return f"{READ}\n\n{{.ways}}\n**Run it yourself**: {' · '.join(ways)}"
