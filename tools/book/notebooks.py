"""A notebook becomes a page: what needs a kernel is replaced, what spoils an answer folded, figures described."""

import re

import nbformat

from helpers.course import quizzes
from tools.book import explorers, reading

FOLDED = {  # tag of a cell → what is written on the fold
    "solution": ("Show a solution", "Hide the solution"),
    "claims": ("Show how this is checked", "Hide the check"),
}
QUIZ = "Answer for yourself, then click an option. Each, the wrong ones too, answers with its reason."
CHECK = "*The check needs a kernel: [run the notebook](run_it.md) to have your answer judged.*"
EXPLORER = re.compile(r"^widgets\.(\w+)\(", re.MULTILINE)


def anchor(heading):
    """Return the name by which JupyterLab, and so every link of the course, knows a heading."""
    return re.sub(r"[`*]", "", heading).strip().replace(" ", "-")


def page(notebook, links, pictures):
    """Return a stored notebook as the page of the web edition, a notebook too.

    Parameters
    ----------
    notebook : nbformat.NotebookNode
        Is not changed.
    links : str
        Markdown: how to run it oneself.
    pictures : pathlib.Path
        The folder that gets the pictures of its explorers.

    Returns
    -------
    nbformat.NotebookNode
    """
    cells = []
    for cell in nbformat.from_dict(notebook).cells:
        cell = nbformat.from_dict(cell)
        tags = set(cell.metadata.get("tags", []))
        if "progress" in tags:
            cells.pop()  # the heading above it
        elif "widget" in tags:
            cells.append(_html(explorers.in_page(EXPLORER.search(cell.source)[1], pictures)))
        elif cell.cell_type == "code":
            cells += _code(cell, tags)
        else:
            cells.append(cell)
    cells = [_without_twin(cell) for cell in cells]
    title, *rest = cells[0].source.split("\n", 1)
    cells[0].source = "\n".join([title, "", links, *rest])
    return nbformat.v4.new_notebook(cells=cells, metadata=notebook.metadata)


def _code(cell, tags):
    show = {}
    for output in cell.outputs:
        for kind, given in output.get("metadata", {}).items():
            if kind.startswith("image/") and "alt" in given:  # MyST-NB reads it of the cell
                show["image"] = {"alt": given["alt"]}
        if "text/html" in output.get("data", {}):
            output.data["text/html"] = reading.readable(output.data["text/html"])
    page_tags = []
    for tag, (closed, opened) in FOLDED.items():
        if tag in tags:
            page_tags = ["hide-input"]
            show |= {"code_prompt_show": closed, "code_prompt_hide": opened}
    if "quiz" in tags:
        page_tags = ["remove-input"]
    judged = cell.source.startswith("checks.")
    if judged:
        cell.outputs = []
    cell.metadata = nbformat.from_dict({"tags": page_tags, "mystnb": show})
    return [cell, _markdown(CHECK)] if judged else [cell]


def _without_twin(cell):
    """Return the quiz to read as its heading alone: the one to click is below it."""
    if cell.cell_type == "markdown" and cell.source.startswith(quizzes.HEADING):
        cell.source = f"{quizzes.HEADING}\n\n{QUIZ}"
    return cell


def _markdown(source):
    return nbformat.v4.new_markdown_cell(source)


def _html(markup):
    """Return a cell that shows HTML and nothing else."""
    output = nbformat.v4.new_output("display_data", {"text/html": markup})
    source = "# without a source MyST-NB leaves a cell out"
    return nbformat.v4.new_code_cell(source, outputs=[output], metadata={"tags": ["remove-input"]})
