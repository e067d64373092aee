"""Who imports whom, read from the source files and never by importing them."""

import ast
import functools
from pathlib import Path

import helpers

ROOT = Path(__file__).parent.parent


@functools.cache
def modules(top):
    """Every module of a package of the repository: dotted name to file."""
    found = {}
    for path in sorted((ROOT / top).rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def written(path, only_at_the_top=False):
    """The dotted names that a file imports, at its top or within functions as well."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in tree.body if only_at_the_top else ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0 and node.names[0].name != "*", f"{path.name}: a relative or star import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def imported(path, known, only_at_the_top=False):
    """The modules among `known` that a file imports."""
    found = []
    for name in written(path, only_at_the_top):
        top, _, short = name.partition(".")
        if top == "helpers" and name not in known and short in helpers.NAMES:  # as notebooks write it
            name = f"helpers.{helpers.NAMES[short]}"
        while name not in known and "." in name:
            name = name.rpartition(".")[0]
        found += [name] if name in known and name not in ("helpers", "tools") else []
    return found


def loads_tensorflow(path):
    """Whether importing a file imports TensorFlow, directly or through modules of the repository."""
    known = {**modules("helpers"), **modules("tools"), **_test_modules()}
    waiting, seen = [path], {path}
    while waiting:
        file = waiting.pop()
        if any(name.split(".")[0] in ("keras", "tensorflow") for name in written(file, only_at_the_top=True)):
            return True
        for name in imported(file, known, only_at_the_top=True):
            packages = [".".join(name.split(".")[: end + 1]) for end in range(1, name.count(".") + 1)]
            files = {known[package] for package in packages if package in known} - seen
            seen |= files
            waiting += files
    return False


@functools.cache
def _test_modules():
    """The modules that tests share, under the short names by which they import them."""
    found = {}
    for folder in (ROOT / "tests", *(path for path in (ROOT / "tests").iterdir() if path.is_dir())):
        for path in folder.rglob("*.py"):
            parts = path.relative_to(folder).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    found.pop("", None)
    return found
