"""Which refusals each exercise can raise, read from the source of the checks: no case has to reach them."""

import ast
from dataclasses import dataclass
from pathlib import Path

from helpers.course import checks

MODULES = {path.stem: ast.parse(path.read_text(encoding="utf-8")) for path in Path(checks.__path__[0]).glob("*.py")}
PARENTS = {child: node for tree in MODULES.values() for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
FUNCTIONS = {
    (module, node.name): node
    for module, tree in MODULES.items()
    for node in tree.body
    if isinstance(node, ast.FunctionDef)
}


@dataclass(frozen=True)
class Raised:
    """A refusal as it stands in the source: its id, the names of its values, and where."""

    reason: str
    values: frozenset
    where: str


def of_exercise(check):
    """The refusals that the judge of an exercise can raise, by itself or in what it calls."""
    reached, waiting = set(), [(check.__module__.rpartition(".")[2], check.name)]
    while waiting:
        function = waiting.pop()
        if function not in reached:
            reached.add(function)
            waiting += [called for called in _named_in(*function) if called in FUNCTIONS]
    found = {raised for module, name in reached for raised in _raised_in(FUNCTIONS[module, name], module)}
    return found | set(_raised_in(MODULES["exercise"], "exercise"))


def _named_in(module, function):
    for node in ast.walk(FUNCTIONS[module, function]):
        if isinstance(node, ast.Name):
            yield module, node.id
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            yield node.value.id, node.attr


def _raised_in(tree, module):
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Refusal":
            where = f"{module}.py, line {node.lineno}"
            assert len(node.args) == 1 and all(value.arg for value in node.keywords), where
            for reason, about in _ids(node.args[0], module):
                values = {value.arg for value in node.keywords} | {"answer"} | ({"about"} if about else set())
                yield Raised(reason, frozenset(values), where)


def _ids(node, module):
    """Pairs of an id that an expression may be, and whether the thing that it is about follows."""
    if isinstance(node, ast.Constant):
        return {(node.value, False)} if node.value is not None else set()
    if isinstance(node, ast.JoinedStr):
        first = node.values[0]
        if isinstance(first, ast.FormattedValue):
            return {(reason, True) for reason, _ in _ids(first.value, module)}
        reason, colon, _ = first.value.partition(":")
        assert colon, f"{module}.py, line {node.lineno}: an id must end before a colon"
        return {(reason, True)}
    return {pair for part in _alternatives(node, module) for pair in _ids(part, module)}


def _alternatives(node, module):
    """The expressions that another may stand for; a table stands for what is in it."""
    if isinstance(node, ast.IfExp):
        return [node.body, node.orelse]
    if isinstance(node, ast.BoolOp | ast.Dict):
        return node.values
    if isinstance(node, ast.Tuple | ast.List):
        return node.elts
    if isinstance(node, ast.Subscript):
        return [node.value]
    if isinstance(node, ast.Name):
        return _bound(node, module)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        if node.func.attr == "get":
            return [node.func.value, node.args[1]]
        if node.func.attr == "recognised" and ast.unparse(node.args[0]) == "made":  # all that `variants` makes
            variants = ast.walk(FUNCTIONS["preparations", "variants"])
            (made,) = [
                each.value for each in variants if isinstance(each, ast.Return) and isinstance(each.value, ast.Dict)
            ]
            return [key for key in made.keys if key.value != "prepared"]
        if node.func.attr == "recognised":
            return [node.args[0]]
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and (module, node.func.id) in FUNCTIONS:
        inside = ast.walk(FUNCTIONS[module, node.func.id])
        return [each.value for each in inside if isinstance(each, ast.Return | ast.Yield)]
    raise AssertionError(f"{module}.py, line {node.lineno}: cannot tell which ids this may be: {ast.unparse(node)}")


def _bound(name, module):
    """The expressions that a name may stand for: of the loop around it, of a call, of an assignment."""
    around, functions = PARENTS[name], []
    while around in PARENTS:
        if isinstance(around, ast.For):
            if isinstance(around.target, ast.Name) and around.target.id == name.id:
                return [around.iter]
            targets = [target.id for target in getattr(around.target, "elts", [])]
            if name.id in targets:
                return _column(around.iter, targets.index(name.id), module)
        if isinstance(around, ast.FunctionDef):
            parameters = [argument.arg for argument in around.args.args]
            if name.id in parameters:
                calls = [node for node in ast.walk(MODULES[module]) if isinstance(node, ast.Call)]
                calls = [call for call in calls if isinstance(call.func, ast.Name) and call.func.id == around.name]
                return [call.args[parameters.index(name.id)] for call in calls]
            functions.append(around)
        around = PARENTS[around]
    for scope in (*functions, MODULES[module]):
        assigned = [node for node in ast.walk(scope) if isinstance(node, ast.Assign)]
        values = [node.value for node in assigned if name.id in [getattr(each, "id", None) for each in node.targets]]
        if values:
            return values
    raise AssertionError(f"{module}.py, line {name.lineno}: cannot tell what {name.id} is")


def _column(rows, index, module):
    """The expressions at one place of each row that a loop goes through."""
    if isinstance(rows, ast.Tuple) and all(isinstance(row, ast.Tuple) for row in rows.elts):
        return [row.elts[index] for row in rows.elts]
    parts = _alternatives(rows, module)
    yielded = [part.elts[index] for part in parts if isinstance(part, ast.Tuple) and isinstance(rows, ast.Call)]
    return yielded or [each for part in parts for each in _column(part, index, module)]
