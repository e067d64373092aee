"""Answers that are tried on an exercise in its notebook, in the kernel that has run everything above it.

Three come from the exercise's cell: as it is, and with each of its own names in place of the dots. Others are in
tries/<notebook>.toml, under the name of the exercise: `code` that leaves an `answer`, or `lines` to follow those of the
exercise's cell, and the `state` that it deserves.
What the notebook gives as its solution is asserted there.
"""

import ast
import re
import tomllib
from pathlib import Path

FOLDER = Path(__file__).parent / "tries"
CALL = re.compile(r"checks\.(\w+)\((answer.*)\)\s*$")
# Runs in the kernel. A copy of the names is used, so that no later cell meets one of an answer, and random numbers go
# on from where they were.
RUN = """
def _tried(codes, name, given):
    import gc, random
    import numpy
    python, of_numpy = random.getstate(), numpy.random.get_state()
    states = []
    for code in codes:
        names = dict(globals())
        try:
            exec(code, names)
            states.append(eval(f"checks.{name}.verdict({given}).state", names))
        except Exception as error:
            states.append(f"{type(error).__name__}: {error}")
        del names
        gc.collect()
    random.setstate(python)
    numpy.random.set_state(of_numpy)
    return states
"""


def forms(source):
    """Return an exercise's cell as it is, and once for each name of its own in place of the dots."""
    tree = ast.parse(source)
    of_function = [given.arg for node in ast.walk(tree) if isinstance(node, ast.arguments) for given in node.args]
    made = [node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)]
    names = [name for name in dict.fromkeys([*of_function, *made]) if name != "answer"]
    return {source: "blank", **{filled(source, name): "wrong" for name in names}}


def filled(source, name):
    """Return the code with a name in place of the dots."""

    class Fill(ast.NodeTransformer):
        def visit_Constant(self, node):
            return ast.Name(name, ast.Load()) if node.value is ... else node

    return ast.unparse(ast.fix_missing_locations(Fill().visit(ast.parse(source))))


def of(stem, exercise, source, folder=FOLDER):
    """Return code → state for an exercise, of which `source` is the cell."""
    path = folder / f"{stem}.toml"
    written = tomllib.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    entries = written.get(exercise, [])
    more = {entry.get("code") or f"{source}\n{entry['lines']}": entry["state"] for entry in entries}
    return forms(source) | more


def judge(item):
    """Return the tries that ended otherwise than they should below a cell of a notebook that checks an exercise."""
    check = CALL.match(item.cell.source)
    if not check or not FOLDER.is_dir():
        return []
    cells = [cell.source for cell in item.parent.nb.cells if cell.cell_type == "code"]
    tries = of(item.path.stem, check[1], cells[cells.index(item.cell.source) - 1])
    states = _run(item, RUN, f"globals().pop('_tried')({list(tries)!r}, {check[1]!r}, {check[2]!r})")
    ended = zip(tries.items(), states, strict=True)
    return [f"{check[1]}: {state!r}, expected {due!r}:\n{code}" for (code, due), state in ended if state != due]


def _run(item, code, expression):
    """Run code in the notebook's kernel; return the value of an expression after it."""
    kernel, timeout = item.parent.kernel, item.config.option.nbval_cell_timeout
    sent = kernel.kc.execute(code, store_history=False, allow_stdin=False, user_expressions={"value": expression})
    reply = {"parent_header": {}}
    while reply["parent_header"].get("msg_id") != sent:
        reply = kernel.get_message(stream="shell", timeout=timeout)
    kernel.await_idle(sent, timeout)
    value = reply["content"]["user_expressions"]["value"]
    assert value["status"] == "ok", f"the tries ended in {value['ename']}: {value['evalue']}"
    return ast.literal_eval(value["data"]["text/plain"])
