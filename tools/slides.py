"""Make the slide deck of the workshop from the notebooks' own figures and outputs: ``make slides``.

``python -m tools.slides [FILE]`` reads workshop/slides.toml and writes one HTML file that any browser opens, without a
network: arrow keys turn the slides, *n* shows the speaker's questions, *f* fills the screen, a number and Enter go to
that slide, as ``slides.html#slide-31`` does; printing gives a page a slide. No picture is made by hand: each is found
by its alternative text, or an output by words in it.
"""

import argparse
import html
import re
import string
import sys
import tomllib
from pathlib import Path

import nbformat
from markdown_it import MarkdownIt

from helpers import storage
from helpers.course import working_copy

SLIDES = working_copy.CHECKOUT / "workshop/slides.toml"
TEMPLATE = Path(__file__).with_suffix(".html")
FILE = "build/slides/slides.html"
TITLE = "Swap the Head"
KEYS = {"notebook", "title", "sentence", "question"}
BEFORE = "before"  # a question that is shown alone, before the slide that has its answer
COLOURS = re.compile(r"\x1b\[[0-9;]*m")
MARKDOWN = MarkdownIt("commonmark", {"html": False})


class SlidesError(ValueError):
    """A slide is not complete, or shows what its notebook does not have."""


def read(path=SLIDES):
    """Return the slides of a file, a list of dicts.

    Raises
    ------
    SlidesError
        When a slide lacks a part, or has one that is not known.
    """
    slides = tomllib.loads(Path(path).read_text(encoding="utf-8")).get("slide", [])
    for number, slide in enumerate(slides, 1):
        shown = {"figure", "output"} & slide.keys()
        if slide.keys() - {BEFORE} != KEYS | shown or len(shown) != 1:
            wanted = f"{', '.join(sorted(KEYS))}, and one of figure and output; {BEFORE} may be there, too"
            raise SlidesError(f"Slide {number} of {Path(path).name} has {', '.join(sorted(slide))}: expected {wanted}.")
    return slides


def figures(notebook):
    """Return (alternative text, PNG in base64) of each stored figure."""
    return [
        (output.metadata["image/png"]["alt"], output.data["image/png"])
        for output in _outputs(notebook)
        if "image/png" in output.get("data", {}) and "alt" in output.metadata.get("image/png", {})
    ]


def texts(notebook):
    """Return each code cell's printed outputs as one text."""
    found = []
    for cell in notebook.cells:
        parts = [
            output.get("text", "")
            or ("" if "image/png" in (data := output.get("data", {})) else data.get("text/plain", ""))
            for output in cell.get("outputs", [])
        ]
        if text := COLOURS.sub("", "".join(parts)).strip("\n"):
            found.append(text)
    return found


def shown(slide, notebook):
    """Return the HTML of what a slide shows.

    Raises
    ------
    SlidesError
        When the notebook has no such figure or output, or more than one.
    """
    if "figure" in slide:
        found = [(alt, png) for alt, png in figures(notebook) if alt.startswith(slide["figure"])]
        if len(found) == 1:
            alt, png = found[0]
            return f'<img alt="{html.escape(alt)}" src="data:image/png;base64,{"".join(png.split())}">'
    else:
        found = [text for text in texts(notebook) if slide["output"] in text]
        if len(found) == 1:
            return f'<pre tabindex="0" style="font-size: {_size(found[0]):.1f}vmin">{html.escape(found[0])}</pre>'
    kind = "figure" if "figure" in slide else "output"
    raise SlidesError(
        f"The slide {slide['title']!r} shows the {kind} {slide[kind]!r}, and {slide['notebook']} has {len(found)} of "
        "these: expected one. `make notebooks` stores outputs; name it by other words."
    )


def deck(slides, course=working_copy.COURSE):
    """Return the whole deck, one HTML text."""
    notebooks = {}
    opening = f'<section class="first"><h1>{TITLE}</h1><p class="said">Replace what decides, keep what sees.</p>'
    keys = "→ and ← turn, n shows the questions, f fills the screen, a number and Enter go to that slide"
    sections = [f"{opening}<p>Keys: {keys}.</p></section>"]
    for number, slide in enumerate(slides, 1):
        path = Path(course) / f"{slide['notebook']}.ipynb"
        if path not in notebooks:
            if not path.is_file():
                raise SlidesError(f"The slide {slide['title']!r} is of {slide['notebook']}: there is no such notebook.")
            notebooks[path] = nbformat.read(path, as_version=4)
        foot = f"<footer><span>{slide['notebook']}</span><span>{number} of {len(slides)}</span></footer></section>"
        if BEFORE in slide:
            sections.append(
                f'<section class="before" id="slide-{number}-question" aria-label="Question before slide {number}">\n'
                f"<h2>{MARKDOWN.renderInline(slide[BEFORE])}</h2>\n{foot}"
            )
        sections.append(
            f'<section id="slide-{number}" aria-label="Slide {number}">\n'
            f"<h2>{MARKDOWN.renderInline(slide['title'])}</h2>\n"
            f'<div class="shown">{shown(slide, notebooks[path])}</div>\n'
            f'<p class="said">{MARKDOWN.renderInline(slide["sentence"])}</p>\n'
            f'<p class="note">{MARKDOWN.renderInline(slide["question"])}</p>\n{foot}'
        )
    page = string.Template(TEMPLATE.read_text(encoding="utf-8"))
    return page.substitute(title=TITLE, sections="\n".join(sections))


def write(path, slides_file=SLIDES, course=working_copy.COURSE):
    """Write the deck to a file and return the number of its slides.

    Raises
    ------
    SlidesError
        When a slide is not complete, its notebook has not what it shows, or there can be no file of this name.
    helpers.storage.StorageError
        When the file cannot be written.
    """
    slides = read(slides_file)
    text = deck(slides, course)
    path = Path(path)
    if path.is_dir():
        raise SlidesError(f"{path} is a folder: name a file for the slides, such as {path / Path(FILE).name}.")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        in_the_way = next(folder for folder in path.parents if folder.exists() and not folder.is_dir())
        raise SlidesError(f"{path} cannot be made: {in_the_way} is a file and no folder. Name another file.") from error
    except OSError as error:
        raise SlidesError(
            f"The folder {path.parent} cannot be made ({error.strerror or error}): name a file in another folder."
        ) from error
    with storage.written_whole(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return len(slides)


def _size(text):
    """Return how large an output can be drawn on a wide screen, in hundredths of the screen's height."""
    lines = text.splitlines()
    return min(5, 185 / max(map(len, lines)), 40 / len(lines))


def _outputs(notebook):
    return [output for cell in notebook.cells for output in cell.get("outputs", [])]


def main(arguments=None):
    """Write the deck and say where it is."""
    parser = argparse.ArgumentParser(prog="python -m tools.slides", description=__doc__.splitlines()[0])
    parser.add_argument("file", nargs="?", default=FILE, help=f"{FILE} by default")
    file = Path(parser.parse_args(arguments).file)
    try:
        number = write(file)
    except (SlidesError, storage.StorageError) as error:
        return str(error)
    print(f"{number} slides, {file.stat().st_size / 1e6:.1f} MB: open {file} in a browser.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
