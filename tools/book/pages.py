"""The pages of the web edition that are no notebooks, from the files that say it already."""

import posixpath
import re
import tomllib
from pathlib import Path

import nbformat

from helpers.course import working_copy
from helpers.doctor import findings
from tools import glossary

ROOT = Path(__file__).parents[2]
RESULT = "The result of notebook 00: what the network said of ten pictures"
DOWNLOADS = """**Ready-made, from this site**

* <a href="../slides.html">The slides</a>, one file.
* <a href="../handouts.zip" download>The learners' copies</a>, without solutions. Unpack them where the course is
  installed; then `swap-the-head lab learners` opens them.
* To print the [notes on a notebook](#notes-for-each-notebook), open their page and use the browser's own *Print*.
"""


def section(heading, title, source):
    """Return a section of README.md, a page of its own, with its links turned to pages."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    _, _, rest = text.partition(f"\n## {heading}\n")
    if not rest:
        raise ValueError(f"README.md has no section {heading!r}, which is a page of the web edition.")
    own, _, _ = rest.partition("\n## ")
    own = re.sub(r"\[([^\]]+)\]\(#[^)]+\)", r"\1", own)  # to another section, which is no part of the page
    return f"# {title}\n{linked(own, source)}"


def front():
    """Return the first page: what the course is and for whom, where to go, then what else README.md says first."""
    text = (ROOT / "README.md").read_text(encoding="utf-8").partition("\n## ")[0]
    parts = text.strip().split("\n\n")
    first = [*parts[:2], *(part for part in parts if part.startswith("**For whom.**"))]
    others = [part for part in parts if part not in first]
    where = (
        "* **[Begin](00_start_here.ipynb)**: read the first notebook, with every output and figure, right here.\n"
        "* **[Run it yourself](run_it.md)**: in a browser elsewhere, or offline on your machine.\n"
        "* **[Teach it](workshop/README.md)**: plans, notes, handouts and slides for a workshop.\n"
        "* **[All notebooks](course.md)**, the [results](results.md), the [silent mistakes](findings.md) and the "
        "[glossary](GLOSSARY.md).\n"
    )
    pages = "\n".join(("course", "results", "findings", "GLOSSARY", "run_it", "workshop/README", "licences"))
    written = [linked("\n\n".join(first), ""), where, *(_unseen_answers(linked(part, "")) for part in others)]
    return "\n\n".join([*written, f"```{{toctree}}\n:hidden:\n\n{pages}\n```\n"])


def course(source):
    """Return the list of the notebooks, with minutes as README.md has them."""
    names = [f"{numbered(path.stem, _title(path))} <{path.stem}>" for path in working_copy.course_notebooks()]
    hidden = "```{toctree}\n:hidden:\n\n" + "\n".join(names) + "\n```\n"
    return section("The notebooks", "The course", source) + "\n" + hidden


def numbered(name, title):
    """Return the title of a page; of a notebook with its number, by which the texts name it."""
    number = re.match(r"\d\d(?=_)", name)
    return f"{number[0]} {title}" if number else title


def run_it(source, repository):
    """Return how to run the course: where it is, the command, and the other ways."""
    where = (
        f"The course is at [github.com/{repository}](https://github.com/{repository}): `git clone "
        if repository
        else ""
    )
    where += f"https://github.com/{repository}`, or *Code*, *Download ZIP* there. " if repository else ""
    own = section("Two commands", "Run it yourself", source).partition("```\nmake test\n```")[0]
    others = section("Other ways to run it", "Other ways", source)
    title, _, text = own.partition("\n")
    return f"{title}\n\n{where}All that follows happens in the folder of the course.\n{text}\n#{others}"


def results(source, helper):
    """Return what was measured, with the HTML of the explorer that looks it up."""
    text = section("What was measured", "Results", source)
    return f"{text}\n## Which method for your pictures?\n\n```{{raw}} html\n{helper}\n```\n"


def mistakes():
    """Return a section for each finding of the doctor: what it is, why it matters, the fix, and code that has it."""
    examples = tomllib.loads((ROOT / "helpers/doctor/examples.toml").read_text(encoding="utf-8"))
    general = _in_general()
    file = (ROOT / "helpers/doctor/findings.toml").read_text(encoding="utf-8")
    parts = [
        "# Silent mistakes",
        "What `helpers.doctor` can find in an image classifier and its data. Each has an example: run the lines of "
        "*Before every example* first. Notebook [09](09_break_it.ipynb) teaches how to find them by their symptoms.",
        _folded("Before every example", examples["before"]),
    ]
    for line in file.splitlines()[2:]:
        if heading := re.fullmatch(r"# (.+)", line):
            parts.append(f"## {heading[1]}")
        elif name := re.fullmatch(r"\[(.+)\]", line):
            texts = findings.TEXTS[name[1]] | general[name[1]]
            parts.append(f"### {name[1]}\n\n{_sentence(texts['what'])}")
            parts += [_cases("Why it matters", texts, "why"), _cases("The fix", texts, "mend")]
            if name[1] in examples["examples"]:
                parts.append(_folded("An example", examples["examples"][name[1]]))
    return "\n\n".join(parts) + "\n"


def words():
    """Return the glossary, each word of it an object that the search finds."""

    def turned(line):
        forms = f" ({line['forms']})" if line["forms"] else ""
        place = f"[{line['notebook'][:2]}]({line['notebook']}.ipynb#{line['heading']})"
        return f"```{{word}} {line['term']}{forms}\n{line['meaning']} {place}\n```\n"

    return glossary.LINE.sub(turned, (working_copy.COURSE / working_copy.GLOSSARY).read_text(encoding="utf-8"))


def workshop(source):
    """Return the pages for teachers by their place: those of ``workshop/``, as they are, and the list of them."""
    folder = ROOT / "workshop"
    texts = {path.relative_to(ROOT): path.read_text(encoding="utf-8") for path in sorted(folder.rglob("*.md"))}
    names = "\n".join(
        path.relative_to("workshop").with_suffix("").as_posix() for path in texts if path != Path("workshop/README.md")
    )
    written = {path.with_suffix("").as_posix(): linked(text, source, path.parent) for path, text in texts.items()}
    what, rest = written["workshop/README"].split("\n## ", 1)
    written["workshop/README"] = f"{what}\n{DOWNLOADS}\n## {rest}\n```{{toctree}}\n:hidden:\n\n{names}\n```\n"
    return written


def linked(text, source, folder=Path()):
    """Return Markdown with links to files of the repository turned to pages, or to the repository where there is one.

    Parameters
    ----------
    text : str
    source : str
        Address of the repository's files, ending in a slash, or ``""``: then a link to what is no page becomes its
        words.
    folder : pathlib.Path
        Where in the repository the text is.
    """

    def turned(match):
        image, words, target = match.groups()
        if re.match(r"[a-z]+:|#", target):
            return match[0]
        path, mark, place = target.partition("#")
        there = posixpath.normpath((folder / path).as_posix())
        page = re.sub(r"^notebooks/", "", there)
        if page != there or (there.startswith("workshop/") and there.endswith(".md")):
            return f"{image}[{words}]({posixpath.relpath(page, folder.as_posix())}{mark}{place})"
        return f"[{words}]({source}{there}{mark}{place})" if source else words

    return re.sub(r"(!?)\[([^\]]+)\]\(([^)\s]+)\)", turned, text)


def _title(path):
    """Return the first heading of a notebook."""
    return nbformat.read(path, as_version=4).cells[0].source.partition("\n")[0].removeprefix("# ")


def _unseen_answers(part):
    """Return a paragraph; a figure is folded, as it has the answers that notebook 00 asks to predict."""
    if not part.startswith("!["):
        return part
    return f"<details><summary>{RESULT}</summary>\n\n{part}\n\n</details>"


def _in_general():
    """Return, for each finding, the texts that the doctor itself only has for what it saw."""
    kinds = tomllib.loads((ROOT / "book/in_general.toml").read_text(encoding="utf-8"))
    return {name: {kind: said[name] for kind, said in kinds.items() if name in said} for name in findings.TEXTS}


def _cases(title, texts, kind):
    """Return what is said of a finding, for each case of it where there are several."""
    cases = {key.removeprefix(kind).strip("-"): text for key, text in texts.items() if key.split("-")[0] == kind}
    if list(cases) == [""]:
        return f"**{title}:** {_code(cases[''])}"
    lines = [f"* {name.replace('-', ' ') or 'else'}: {_code(text)}" for name, text in cases.items()]
    return f"**{title}**, by case:\n\n" + "\n".join(lines)


def _sentence(text):
    text = _code(text)
    return text[0].upper() + text[1:] + ("" if text.endswith((".", "?")) else ".")


def _code(text):
    """Return a text of the doctor, which is plain, as Markdown."""
    return re.sub(r"([*_<>\[\]{}])", r"\\\1", text)


def _folded(summary, code):
    return f"<details><summary>{summary}</summary>\n\n```python\n{code.strip()}\n```\n\n</details>"
