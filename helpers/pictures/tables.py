"""A table that says which picture is of which class, as CSV: columns file, label, and perhaps group and split."""

import io
import itertools
import re
import unicodedata
import warnings
from collections import defaultdict
from pathlib import Path, PureWindowsPath

import pandas as pd

from helpers.pictures import naming

ENDINGS = (".csv", ".tsv", ".txt")
COLUMNS = {  # what they may be called
    "file": "file filename file_name name image image_name image_file image_path image_id img picture photo path "
    "filepath file_path id",
    "label": "label labels class class_name category target species breed",
    "group": "group groups series sequence burst patient patient_id subject person animal session date day",
    "split": "split set subset partition",
}
NO_GROUP = ("", "na", "n/a", "nan", "none", "null", "-", "?")
DELIMITERS = ",;\t|"
MOST_BYTES = 64 * 2**20
FORBIDDEN = re.compile(r'[\\/:*?"<>|]')  # in the name of a folder, on one system or another


class TableError(ValueError):
    """A table of labels cannot be used."""


def read(path):
    """Read a table of labels, whatever its columns are called.

    Returns a table with the columns ``file`` and ``label``, and ``group`` and ``split`` where it has them, all cells
    texts without blanks around them; and notes on how it was read: kind of finding and values of each. Raises
    `TableError` where it is no table, or has no such columns.
    """
    path = Path(path)
    if path.stat().st_size > MOST_BYTES:
        raise TableError(f"{path.name} has {path.stat().st_size:,} bytes: expected a table of labels, at most 64 MB.")
    text, encoding = _text(path)
    first = next(iter(text.splitlines()), "")
    delimiter = max(DELIMITERS, key=first.count)
    table = _parsed(path.name, text, delimiter)
    names = {re.sub(r"[\W_]+", "_", str(name).strip().casefold()).strip("_"): name for name in table.columns}
    called = {column: [names[name] for name in known.split() if name in names] for column, known in COLUMNS.items()}
    found = {
        column: max(given, key=lambda name: _pictures(column, table[name])) for column, given in called.items() if given
    }
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
    kept = kept.apply(lambda column: column.str.strip()).reset_index(drop=True)
    if "group" in kept:
        kept["group"] = kept["group"].where(~kept["group"].str.casefold().isin(NO_GROUP), "")
    notes = [("table_encoding", {})] if encoding == "cp1252" and not text.isascii() else []
    unused = [naming.shown(name) for name in table.columns if name not in found.values() and str(name).strip()]
    if unused or list(found) != list(found.values()):
        taken = ", ".join(f"{column} from {naming.shown(name)!r}" for column, name in found.items())
        rest = f"; not used: {', '.join(map(repr, unused[:8]))}" if unused else ""
        notes.append(("columns_taken", {"taken": taken, "rest": rest}))
    return kept, notes


def _pictures(column, cells):
    """Return the share of cells that name a picture, by which one of several columns is taken for ``file``."""
    return cells.map(lambda cell: naming.ending_of(cell) in naming.ENDINGS).mean() if column == "file" else 0


def _text(path):
    """Return the text of a file, without a line ``sep=`` that spreadsheets write, and its encoding."""
    data = path.read_bytes()
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        tried = ["utf-16"]
    elif b"\0" in data[:1000]:  # two bytes a letter, and nothing that says so
        tried = ["utf-16-le" if data[1:2] == b"\0" else "utf-16-be"]
    else:
        tried = ["utf-8-sig", "cp1252"]
    for encoding in tried:
        try:
            text = data.decode(encoding).replace("\r\n", "\n").replace("\r", "\n")
        except UnicodeDecodeError:
            continue
        if text.strip() and "\0" not in text:
            return re.sub(r"\A\s*(sep=.\n\s*)?", "", text), encoding
        break
    raise TableError(f"{path.name} is empty, no text, or in an encoding that is not known. Save it as CSV in UTF-8.")


def _parsed(name, text, delimiter):
    text = re.sub(f"{re.escape(delimiter)}+$", "", text, flags=re.MULTILINE)  # empty cells at the end of a line
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)  # a line of more cells than names
            table = pd.read_csv(io.StringIO(text), sep=delimiter, dtype=str, keep_default_na=False, index_col=False)
    except (ValueError, pd.errors.ParserError, pd.errors.ParserWarning) as error:
        line = re.search(r"in line (\d+)", str(error))
        where = f"line {line[1]} has more cells than the first line" if line else "its lines differ in their cells"
        raise TableError(
            f"{name} cannot be read as a table: {where}, or a quotation mark is not closed. Save it as CSV, a picture "
            "a line, names that hold a comma in quotation marks."
        ) from error
    return table.fillna("")


def class_names(labels):
    """Return label → name of its class: what no folder's name can hold becomes ``_``; different ones stay different."""
    names, taken = {}, {}
    for label in sorted(
        set(labels), key=lambda label: (_folder_name(label) != unicodedata.normalize("NFC", label), label)
    ):
        plain = unicodedata.normalize("NFC", label)
        name, number = _folder_name(label), 2
        while taken.setdefault(name, plain) != plain:
            name, number = f"{_folder_name(label)} ({number})", number + 1
        names[label] = name
    return names


def _folder_name(label):
    name = FORBIDDEN.sub("_", unicodedata.normalize("NFC", label)).rstrip(" .")
    return f"_{name[1:]}" if name.startswith(".") else name


def _parts(name):
    r"""Return the parts of a path as any system writes it, ``/`` or ``\``, without ``C:\``, ``.`` and ``..``."""
    path = PureWindowsPath(name.replace("\0", ""))
    return [part for part in path.parts if part not in (path.anchor, ".", "..")]


def written(name):
    """Return a file's name as a table writes it, as a path within a folder."""
    return "/".join(_parts(name))


class Finder:
    """Finds the files that a table names: with their path, as any system writes it, or without it or the ending."""

    def __init__(self, folder):
        self.folder, self.by_name, self.files, self.pictures, self.ends = folder, defaultdict(list), set(), set(), set()
        for path in sorted(path for path in folder.rglob("*") if not path.is_dir()):
            inside = path.relative_to(folder).parts
            self.files.add(path)
            if any(part.startswith(".") for part in inside):
                continue  # found where it is named in full
            self.ends |= {self._plain(inside[start:-1]) for start in range(len(inside))}
            if picture := naming.ending_of(path) in naming.ENDINGS:
                self.pictures.add(path)
            for name in {path.name, path.stem if picture else path.name}:
                self.by_name[naming.plain(name)].append(path)

    def found(self, names):
        """Return name → path of its file, or the kind of finding where there is none.

        Where names in different folders find one file, it belongs to the name whose folder fits, or to none.
        """
        found, claims = {name: self._find(_parts(name)) for name in set(names)}, defaultdict(dict)
        for name, path in found.items():
            if isinstance(path, Path):
                claims[path][name] = self._plain(_parts(name)[:-1])
        for path, ends in claims.items():
            home = self._plain(path.relative_to(self.folder).parts[:-1])
            for name, end in ends.items() if len(ends) > 1 else ():
                rivals = [other for other in ends.values() if not _agree(end, other)]
                if any(_shared(other, home) >= _shared(end, home) for other in rivals):
                    found[name] = "file_of_another"
        return found

    def _find(self, parts):
        if not parts:
            return "no_file_named"
        if (exact := self.folder.joinpath(*parts)) in self.files:
            return exact
        found = self.by_name.get(naming.plain(parts[-1]), [])
        ends = [self._plain(parts[start:-1]) for start in range(len(parts) - 1)]
        if end := next((end for end in ends if end in self.ends), ()):  # a folder of this name is there
            found = [path for path in found if self._plain(path.parts[-1 - len(end) : -1]) == end]
        direct = [path for path in found if path.parent == self.folder]
        if len(found) > 1 and len(direct) != 1:
            return "several_files"
        return (direct or found)[0] if found else "no_file"

    @staticmethod
    def _plain(parts):
        return tuple(map(naming.plain, parts))


def _shared(end, other):
    """Return how many parts two paths have in common at their ends."""
    pairs = zip(reversed(end), reversed(other), strict=False)
    return sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], pairs))


def _agree(end, other):
    return _shared(end, other) == min(len(end), len(other))
