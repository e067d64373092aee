"""Texts kept in TOML files: read one, fill one in, and say of a damaged file which table and what is expected."""

import functools
import operator
import tomllib


def read(path):
    """Return the content of a TOML file, or raise a ValueError that names it."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:  # not there, not TOML, or not UTF-8
        raise ValueError(f"{path.name}: cannot be read as TOML: {error}") from error


class Texts:
    """The texts of a TOML file: called with the name of one, ``table.key``, and the values that it asks for."""

    def __init__(self, path):
        self._tables = read(path)

    def __call__(self, name, /, **values):
        """Return a text, filled in by `str.format`."""
        return self.get(name).format(**values)

    def get(self, name):
        """Return what a name stands for, as it is in the file: a text, a list, or a table as a dict."""
        return functools.reduce(operator.getitem, name.split("."), self._tables)

    def counted(self, name, count):
        """Return a number of things: the text ``one`` or ``many`` of the table `name`."""
        return self(f"{name}.{'one' if count == 1 else 'many'}", count=count)


def expect(fits, where, message):
    """Raise a ValueError unless what is at this place of a file is as expected."""
    if not fits:
        raise ValueError(f"{where}: {message}.")


def expect_keys(table, needed, allowed, where):
    """Refuse a table without the needed keys, or with others than these and the allowed ones."""
    expected = " and perhaps ".join(listed(keys) for keys in (needed, allowed) if keys)
    fits = set(needed) <= set(table) <= {*needed, *allowed}
    expect(fits, where, f"expected {expected}, found {listed(table) or 'none'}")


def expect_text(table, key, where):
    """Refuse a value that is no text, or an empty one; return it otherwise."""
    text = table[key]
    expect(isinstance(text, str) and text.strip(), where, f"expected `{key}` to be a text, found {text!r}")
    return text


def listed(keys):
    """Return keys as they are named in a message."""
    return ", ".join(f"`{key}`" for key in keys)
