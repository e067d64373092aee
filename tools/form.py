"""The form that every notebook of the course keeps; ``python -m tools.form`` names each place that departs from it.

A rule takes a notebook and its path, and yields what is wrong, in a few words. `RULES` is all of them.
"""

import argparse
import ast
import builtins
import dis
import re
import sys
from pathlib import Path

import nbformat

from helpers.course import working_copy
from tools import minutes
from tools.notebooks import NOISE, WIDGET

LARGEST = 600 * 1024  # bytes
LONGEST_CELL, LONGEST_LINE, SHORTEST_ALT = 15, 100, 40  # lines; letters
COMPARED, CLAIMS = "nbval-check-output", "claims"  # tags
EXERCISE = re.compile(r"### Exercise, goals? (\d(?:(?:, | and )\d)*)(, transfer)?: \S")
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
OF_A_MACHINE = re.compile(r"/home/|/Users/|/root/|/tmp/|site-packages|C:\\")


def problems(path):
    """Return what departs from the form in one notebook, a line each."""
    notebook = nbformat.read(path, as_version=4)
    return [line for rule in RULES for line in rule(notebook, Path(path))]


def size(notebook, path):
    """At most `LARGEST` bytes."""
    if path.stat().st_size > LARGEST:
        yield f"the file has {path.stat().st_size:,} bytes, at most are {LARGEST:,}"


def was_run_from_top_to_bottom(notebook, path):
    """Cells are counted 1, 2, 3, and a cell whose output is compared has one."""
    counts = [cell.execution_count for cell in _code(notebook)]
    if counts != list(range(1, len(counts) + 1)):
        yield f"it was not run from top to bottom: make notebooks ONLY={path.stem}"
    for cell in _code(notebook):
        if COMPARED in _tags(cell) and not cell.outputs:
            yield f"this cell's output is compared, but it has none: {_short(cell)}"


def beginning_and_end(notebook, path):
    """Title, goals, needs and minutes; at the end a recap of as many lines as goals, and what is next."""
    first, *_, recap, what_next = notebook.cells
    goals = len(_numbered(first.source))
    if not re.match(r"# \w+", first.source):
        yield "the first cell does not begin with a title: # ..."
    for needed, name in (
        (r"You will be able to", "goals: You will be able to"),
        (r"\*\*Needs\*\*", "what it **Needs**"),
        (r"\*\*Minutes\*\*: about \d+", "the minutes: **Minutes**: about 42, with exercises and quiz"),
        (r"\(GLOSSARY\.md\)", "a link to the [glossary](GLOSSARY.md)"),
    ):
        if not re.search(needed, first.source):
            yield f"the first cell lacks {name}"
    if not 3 <= goals <= 5:
        yield f"{goals} goals are numbered, 3 to 5 are needed"
    if not recap.source.startswith("## Recap") or not what_next.source.startswith("## What is next"):
        yield "the last two cells are not ## Recap and ## What is next"
    elif len(_numbered(recap.source)) != goals:
        yield f"the recap has {len(_numbered(recap.source))} numbered lines for {goals} goals"


def minutes_are_honest(notebook, path):
    """The minutes that are said are those of `tools.minutes`, and at most an hour."""
    needed, said = minutes.minutes(notebook), re.search(r"\*\*Minutes\*\*: about (\d+)", notebook.cells[0].source)
    if needed > minutes.LONGEST:
        yield f"it takes {needed:.0f} minutes, at most are {minutes.LONGEST}"
    if said and abs(int(said[1]) - needed) > 2:
        yield f"it says {said[1]} minutes and takes {needed:.0f}"


def goals_have_exercises(notebook, path):
    """Each goal has an exercise, each exercise a goal, and one asks to carry over what was learned."""
    goals, served, transfers = len(_numbered(notebook.cells[0].source)), set(), 0
    for cell in _markdown(notebook):
        if cell.source.startswith("### Exercise"):
            heading = EXERCISE.match(cell.source)
            if not heading:
                yield f"an exercise is not headed like '### Exercise, goal 2, transfer: fix ...': {_short(cell)}"
                continue
            named = set(map(int, re.findall(r"\d", heading[1])))
            served, transfers = served | named, transfers + bool(heading[2])
            if named - set(range(1, goals + 1)):
                yield f"an exercise names a goal that is not there: {_short(cell)}"
    if missing := sorted(set(range(1, goals + 1)) - served):
        yield f"no exercise for goal {', '.join(map(str, missing))}"
    if not transfers:
        yield "no exercise is headed by the word transfer"


def links(notebook, path):
    """Every link leads to what is there."""
    for cell in _markdown(notebook):
        for target in re.findall(r"\]\(([^)#]+)\)", cell.source):
            if not target.startswith("https://") and not (path.parent / target).exists():
                yield f"a link leads nowhere: {target}"


def imports(notebook, path):
    """One set-up cell, first; no stars, no magics."""
    first, *others = _code(notebook)
    if not first.source.startswith("from helpers import session\n\nsession.start()"):
        yield "the first code cell does not begin with: from helpers import session, an empty line, session.start()"
    for cell in (first, *others):
        try:
            tree = ast.parse(cell.source)
        except SyntaxError:
            yield f"this cell is not plain Python (a magic?): {_short(cell)}"
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.names[0].name == "*":
                yield f"a star import: {_short(cell)}"
            if cell is not first and isinstance(node, ast.Import | ast.ImportFrom):
                yield f"an import after the first code cell: {_short(cell)}"


def prose(notebook, path):
    """Text between any two code cells, but for the three of an exercise; predictions, and what was seen."""
    for before, after in zip(notebook.cells, notebook.cells[1:], strict=False):
        if before.cell_type == after.cell_type == "code" and CLAIMS not in _tags(after):
            tags = (before.metadata.get("tags"), after.metadata.get("tags"))
            checking = after if tags == (["exercise"], None) else before if tags == (None, ["solution"]) else None
            if checking is None or "checks." not in checking.source:
                yield f"no text before the cell {_short(after)}"
    text = "\n".join(cell.source for cell in _markdown(notebook))
    for words, least in (("Predict", 2), ("What you saw", 3)):
        there = len(re.findall(rf"^\*\*{words}\.\*\*", text, re.MULTILINE))
        if there < least:
            yield f"paragraphs that begin with **{words}.**: {there}, at least {least} are needed"


def exercises(notebook, path):
    """Each is task, stub, check and folded solution; then the progress."""
    for index, cell in enumerate(notebook.cells):
        if "exercise" not in cell.metadata.get("tags", []):
            continue
        task, check, solution = (notebook.cells[min(index + step, len(notebook.cells) - 1)] for step in (-1, 1, 2))
        stub = _short(cell)
        if task.cell_type != "markdown" or not task.source.startswith("### Exercise"):
            yield f"no task above the stub {stub}: a text that begins with ### Exercise"
        if "..." not in cell.source:
            yield f"the stub has no blank: write ... where the answer goes in {stub}"
        if not check.source.startswith("checks."):
            yield f"no check below the stub {stub}: checks.name(answer)"
        folded = solution.metadata.get("jupyter", {}).get("source_hidden")
        if solution.metadata.get("tags") != ["solution"] or not folded or ".accepts(" not in solution.source:
            yield (
                f"no folded solution below the check of {stub}: a cell with the tag solution, "
                "jupyter.source_hidden true, and assert checks.name.accepts(...)"
            )
    if not any(cell.source.startswith("checks.progress()") for cell in _code(notebook)):
        yield "no cell shows the progress: checks.progress()"


def nothing_is_left_to_write(notebook, path):
    """No TODO of the template."""
    for cell in notebook.cells:
        if "TODO" in cell.source:
            yield f"a TODO is left: {_short(cell)}"


def solutions_can_be_left_out(notebook, path):
    """No later cell needs a solution, so that the copy for a workshop runs to its end."""
    solved = set()
    for cell in _code(notebook):
        try:
            loaded, stored = names(compile(cell.source, path.name, "exec"))
        except SyntaxError:
            continue
        if "solution" in cell.metadata.get("tags", []):
            solved |= stored
            continue
        if needed := solved & loaded - set(dir(builtins)):
            yield f"this cell needs {', '.join(sorted(needed))} of a solution: {_short(cell)}"
        solved -= stored


def cells_fit_a_projector(notebook, path):
    """At most `LONGEST_CELL` lines that are not blank, of `LONGEST_LINE` letters."""
    for cell in _shown(notebook):
        lines = [line for line in cell.source.splitlines() if line.strip()]
        if len(lines) > LONGEST_CELL or any(len(line) > LONGEST_LINE for line in lines):
            yield f"more than {LONGEST_CELL} lines or {LONGEST_LINE} letters: {_short(cell)}"


def code_is_plain(notebook, path):
    """A year of Python reads it."""
    for cell in _shown(notebook):
        try:
            tree = ast.parse(cell.source)
        except SyntaxError:
            continue  # named by `imports`
        for name in dict.fromkeys(name for node in ast.walk(tree) for name in _clever(node)):
            yield f"{name}: {_short(cell)}"


def _clever(node):
    """Yield what is beyond a year of Python in one node of a cell's syntax tree."""
    if isinstance(node, COMPREHENSIONS):
        inner = [part for part in ast.walk(node) if isinstance(part, COMPREHENSIONS)]
        if len(inner) > 1 or len(node.generators) > 1:
            yield "a nested comprehension"
    elif isinstance(node, ast.Lambda | ast.NamedExpr):
        yield "a lambda" if isinstance(node, ast.Lambda) else "a walrus"
    elif isinstance(node, ast.AugAssign) and not isinstance(node.op, ast.Add | ast.Sub | ast.Mult | ast.Div):
        yield "an assignment such as |="
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("next", "getattr", "map"):
        yield f"a call of {node.func.id}"
    elif isinstance(node, ast.Subscript):
        inside = list(ast.walk(node.slice))
        if any(isinstance(part, ast.Constant) and part.value is ... for part in inside):
            yield "an index with ..."
        if any(isinstance(part, (ast.Call, *COMPREHENSIONS)) for part in inside):
            yield "a call inside an index"


def claims_are_asserted(notebook, path):
    """At least four cells assert, one output is compared, and what is folded away asserts and nothing else."""
    asserting = sum(bool(re.search(r"\bassert\b|assert_allclose", cell.source)) for cell in _code(notebook))
    if asserting < 4:
        yield f"{asserting} cells assert something, at least 4 are needed"
    if not any(COMPARED in _tags(cell) for cell in _code(notebook)):
        yield f"no cell has the tag {COMPARED}"
    for cell in _code(notebook):
        if "NBVAL" in cell.source:
            yield f"a marker in the code: give the cell the tag {COMPARED}: {_short(cell)}"
        folded = cell.metadata.get("jupyter", {}).get("source_hidden")
        if CLAIMS in _tags(cell) and not (folded and "assert" in cell.source):
            yield f"a cell with the tag {CLAIMS} is not folded, or asserts nothing: {_short(cell)}"
        if folded and not _tags(cell) & {CLAIMS, "solution"}:
            yield f"a folded cell without the tag {CLAIMS} or solution: {_short(cell)}"


def figures_have_alternative_text(notebook, path):
    """At least two figures, each with a text for who does not see it."""
    figures = [(cell, output) for cell in _code(notebook) for output in cell.outputs if "image/png" in _data(output)]
    if len(figures) < 2:
        yield f"{len(figures)} figures, at least 2 are needed"
    for cell, output in figures:
        if len(output.get("metadata", {}).get("image/png", {}).get("alt", "")) < SHORTEST_ALT:
            yield f"a figure without {SHORTEST_ALT} letters of alternative text, see plots.show: {_short(cell)}"


def stored_outputs_are_clean(notebook, path):
    """No error, log line, path, progress bar or state of a widget is stored."""
    if "widgets" in notebook.metadata:
        yield "the state of widgets is stored"
    for cell in _code(notebook):
        for output in cell.outputs:
            texts = [
                output.get("text", ""),
                *(data for kind, data in _data(output).items() if kind.startswith("text/")),
            ]
            if output.output_type == "error" or output.get("name") == "stderr":
                yield f"an error or a line on stderr is stored: {_short(cell)}"
            if WIDGET in _data(output):
                yield f"a widget is stored: {_short(cell)}"
            for text in texts:
                if found := NOISE.search(text) or OF_A_MACHINE.search(text):
                    yield f"{found[0]!r} is in the output of {_short(cell)}"


RULES = (
    size,
    was_run_from_top_to_bottom,
    beginning_and_end,
    minutes_are_honest,
    goals_have_exercises,
    links,
    imports,
    prose,
    exercises,
    nothing_is_left_to_write,
    solutions_can_be_left_out,
    cells_fit_a_projector,
    code_is_plain,
    claims_are_asserted,
    figures_have_alternative_text,
    stored_outputs_are_clean,
)


def _code(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def _shown(notebook):
    """Return the cells whose code a learner reads."""
    return [cell for cell in _code(notebook) if not _tags(cell) & {CLAIMS, "solution"}]


def _tags(cell):
    return set(cell.metadata.get("tags", []))


def _markdown(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "markdown"]


def _data(output):
    return output.get("data", {})


def _short(cell):
    line = next((line for line in cell.source.splitlines() if line.strip()), "(empty)")
    return line if len(line) <= 60 else line[:59] + "…"


def _numbered(text):
    return re.findall(r"^>? *\d+\. ", text, flags=re.MULTILINE)


def names(compiled):
    """Return the names that a cell's code reads before it has made them itself, and those that it makes."""
    loaded, stored = set(), set()
    for instruction in dis.get_instructions(compiled):
        if instruction.opname in ("LOAD_NAME", "LOAD_GLOBAL") and instruction.argval not in stored:
            loaded.add(instruction.argval)
        elif instruction.opname == "STORE_NAME":
            stored.add(instruction.argval)
    for inner in compiled.co_consts:
        if isinstance(inner, type(compiled)):  # a function: what it reads may be made before it is called
            loaded |= names(inner)[0] - stored
    return loaded, stored


def main():
    """Print what departs from the form; exit with 1 where something does."""
    parser = argparse.ArgumentParser(prog="python -m tools.form", description=__doc__.splitlines()[0])
    parser.add_argument("paths", nargs="*", type=Path, help="notebooks; all by default")
    paths = parser.parse_args().paths or working_copy.course_notebooks()
    lines = [f"{path.name}: {line}" for path in paths for line in problems(path)]
    print(*lines, sep="\n" if lines else "", end="\n" if lines else "")
    return int(bool(lines))


if __name__ == "__main__":
    sys.exit(main())
