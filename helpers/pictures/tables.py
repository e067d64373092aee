"""A table that says which picture is of which class, as CSV: columns file, label, and perhaps group and split."""

import io
import re
import unicodedata
from collections import defaultdict
from pathlib import Path, PureWindowsPath

import pandas as pd

from helpers.pictures import naming

ENDINGS = (".csv", ".tsv", ".txt")
COLUMNS = {  # what they may be called
    "file": "file filename file_name name image image_name image_file image_path image_id img picture photo path "
    "filepath file_path id",
    "label": "label labels class class_name category target species breed",
    "group": "group series sequence burst patient patient_id subject person animal session date day",
    "split": "split set subset partition fold",
}
DELIMITERS = ",;\t|"
MOST_BYTES = 64 * 2**20
FORBIDDEN = re.compile(r'[\\/:*?"<>|]')  # in the name of a folder, on one system or another


class TableError(ValueError):
    """A table of labels cannot be used."""


def read(path):
    """Return a table of labels with the columns ``file`` and ``label``, and ``group`` and ``split`` where it has them.

    All cells are texts without blanks around them. Raises `TableError` where it is no table, or has no such columns.
    """
    path = Path(path)
    if path.stat().st_size > MOST_BYTES:
        raise TableError(f"{path.name} has {path.stat().st_size:,} bytes: expected a table of labels, at most 64 MB.")
    text = _text(path)
    first = next(iter(text.splitlines()), "")
    delimiter = max(DELIMITERS, key=first.count)
    try:
        table = pd.read_csv(io.StringIO(text), sep=delimiter, dtype=str, keep_default_na=False, index_col=False)
    except (ValueError, pd.errors.ParserError) as error:
        raise TableError(
            f"{path.name} cannot be read as a table ({error}). Save it as CSV, one picture a row."
        ) from error
    names = {re.sub(r"[\W_]+", "_", str(name).strip().casefold()).strip("_"): name for name in table.columns}
    called = {column: [names[name] for name in known.split() if name in names] for column, known in COLUMNS.items()}
    found = {column: given[0] for column, given in called.items() if given}
    if len(table.columns) == 2 and not {"file", "label"} & set(found) and naming.ending_of(first.split(delimiter)[0]):
        table = pd.concat([pd.DataFrame([table.columns], columns=table.columns), table])  # has no line of names
        found = dict(zip(("file", "label"), table.columns, strict=True))
    if missing := [column for column in ("file", "label") if column not in found]:
        raise TableError(
            f"{path.name} has the columns {', '.join(map(repr, map(str, table.columns[:8])))}: expected one for "
            f"{' and one for '.join(repr(name) for name in missing)} (and perhaps 'group' and 'split'). Rename a "
            "column. Where each class has a column of 0 and 1, make one of them: table.idxmax(axis=1) in pandas."
        )
    kept = table[list(found.values())].set_axis(list(found), axis=1)
    return kept.apply(lambda column: column.str.strip()).reset_index(drop=True)


def _text(path):
    data = path.read_bytes()
    for encoding in ("utf-16",) if data[:2] in (b"\xff\xfe", b"\xfe\xff") else ("utf-8-sig", "cp1252"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise TableError(f"{path.name} is no text. Save the table as CSV in UTF-8.")


def class_name(label):
    """Return the name of a class for a label: what cannot be in the name of a folder becomes ``_``."""
    name = FORBIDDEN.sub("_", unicodedata.normalize("NFC", label)).rstrip(" .")
    return f"_{name[1:]}" if name.startswith(".") else name


def last_part(name):
    r"""Return what is after the last ``/`` or ``\`` of a path, as any system writes it."""
    return PureWindowsPath(name.replace("\0", "")).name


class Finder:
    """Finds the files that a table names: with their path, as any system writes it, or without it or the ending."""

    def __init__(self, folder):
        self.folder, self.by_name, self.files = folder, defaultdict(list), set()
        for path in sorted(folder.rglob("*")):
            inside = path.relative_to(folder).parts
            if not any(part.startswith(".") for part in inside) and not path.is_dir():
                self.files.add(path)
                picture = naming.ending_of(path) in naming.ENDINGS
                for name in {path.name, path.stem if picture else path.name}:
                    self.by_name[unicodedata.normalize("NFC", name).casefold()].append(path)

    def find(self, name):
        """Return the path of a file, or in words why there is none."""
        parts = [part for part in PureWindowsPath(name).parts if part not in (".", "..")]
        if not parts:
            return "no file is named"
        if (exact := self.folder.joinpath(*parts)) in self.files:
            return exact
        last = unicodedata.normalize("NFC", parts[-1]).casefold()
        found = self.by_name.get(last, [])
        for depth in range(2, len(parts) + 1):
            if len(found) < 2:
                break
            end = [unicodedata.normalize("NFC", part).casefold() for part in parts[-depth:-1]]
            closer = [path for path in found if [part.casefold() for part in path.parts[-depth:-1]] == end]
            found = closer or found
        if len(found) == 1:
            return found[0]
        if direct := [path for path in found if path.parent == self.folder]:
            return direct[0] if len(direct) == 1 else "several files have this name"
        return "several files have this name" if found else "there is no such file"
