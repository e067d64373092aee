"""A table that says which picture is of which class, as CSV: columns file, label, and perhaps group and split."""

import io
import itertools
import re
import unicodedata
import warnings
from collections import Counter, defaultdict
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
MOST_NAMED = 8  # columns
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
    if not len(table):
        raise TableError(f"{path.name} has one line: expected names of columns, and a line for each picture.")
    kept = table[list(found.values())].set_axis(list(found), axis=1)
    kept = kept.apply(lambda column: column.str.strip()).reset_index(drop=True)
    if "group" in kept:
        kept["group"] = kept["group"].where(~kept["group"].str.casefold().isin(NO_GROUP), "")
    notes = [("table_encoding", {})] if encoding == "cp1252" and not text.isascii() else []
    unused = [naming.shown(name) for name in table.columns if name not in found.values() and str(name).strip()]
    if unused or list(found) != list(found.values()):
        taken = ", ".join(f"{column} from {naming.shown(name)!r}" for column, name in found.items())
        more = f" and {len(unused) - MOST_NAMED} more" if len(unused) > MOST_NAMED else ""
        rest = f"; not used: {', '.join(map(repr, unused[:MOST_NAMED]))}{more}" if unused else ""
        notes.append(("columns_taken", {"taken": taken, "rest": rest}))
    return kept, notes


def _pictures(column, cells):
    """Return how many cells name a picture, by which one of several columns is taken for ``file``."""
    return cells.map(lambda cell: naming.ending_of(cell) in naming.ENDINGS).sum() if column == "file" else 0


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
    plain = "".join(" " if letter.isspace() else letter for letter in unicodedata.normalize("NFC", label))
    plain = "".join(letter if letter.isprintable() or letter in naming.JOINERS else "_" for letter in plain)
    name = FORBIDDEN.sub("_", plain).rstrip(" .") or "_" * len(plain)
    return f"_{name[1:]}" if name.startswith(".") else name


def _parts(name):
    r"""Return the parts of a path as any system writes it, ``/`` or ``\``, without ``C:\``, ``.`` and ``..``."""
    path = PureWindowsPath(name.replace("\0", ""))
    return [part for part in path.parts if part not in (path.anchor, ".", "..")]


def written(name):
    """Return a file's name as a table writes it, as a path within a folder."""
    return "/".join(_parts(name))


class Finder:
    r"""Finds the files that a table names, with their folders or without, with their endings or without.

    Where one of them is at the very path that is written, so are all. Otherwise a folder as it is written, such as
    ``C:\me\pics``, stands for one folder here: of that name, or where most of its files are.
    """

    def __init__(self, folder):
        self.folder, self.pictures = folder, set()
        self.inside = defaultdict(lambda: defaultdict(list))  # parts of a folder here → plain name → paths
        self.anywhere = defaultdict(list)  # plain name → paths, without what is hidden
        for path in sorted(path for path in folder.rglob("*") if not path.is_dir()):
            parts, picture = path.relative_to(folder).parts, naming.ending_of(path) in naming.ENDINGS
            names, hidden = {path.name, path.stem if picture else path.name}, any(part[0] == "." for part in parts)
            for name in map(naming.plain, names):
                self.inside[parts[:-1]][name].append(path)
                self.anywhere[name] += [] if hidden else [path]
            self.pictures |= {path} if picture and not hidden else set()

    def found(self, names):
        """Return name → path of its file, or the kind of finding where there is none; and folder → number found there.

        The folders are those in which files were found although the table writes others, or none.
        """
        written = defaultdict(list)
        for name in sorted(set(names)):
            written[tuple(_parts(name)[:-1])].append(name)
        found = {name: path for folder, of in written.items() for name, path in self._at(self._here(folder), of)}
        if any(isinstance(path, Path) for path in found.values()):
            return found, {}
        homes = {folder: self._home(folder, of) for folder, of in written.items() if folder}
        for folder, home in homes.items():
            rivals = [other for other in homes if homes[other] == home and home is not None]
            fits = _shared(folder, home) == max((_shared(other, home) for other in rivals), default=0)
            found |= self._at(home if fits else None, written[folder])
        for name in written.get((), ()):
            found[name] = _one(self.anywhere[naming.plain(_last(name))], name)
        claims = defaultdict(set)
        for name, path in found.items():
            claims[path].add(tuple(_parts(name)[:-1]))
        for name, path in found.items():
            if isinstance(path, Path) and len(claims[path] - {()}) > 1:
                found[name] = "file_of_another"
        places = (path.parent.relative_to(self.folder).as_posix() for path in found.values() if isinstance(path, Path))
        return found, Counter(places)

    def _here(self, written):
        """Return the parts of the folder at this very path, or of the one that differs by capitals alone, or None."""
        wanted = [naming.plain(part) for part in written]
        plain = [parts for parts in self.inside if [naming.plain(part) for part in parts] == wanted]
        return written if written in self.inside else plain[0] if len(plain) == 1 else None

    def _at(self, home, names):
        """Yield (name, path or finding) of names in one folder."""
        for name in names:
            known = self.inside[home] if home is not None and home in self.inside else {}
            last = _last(name)
            same = known.get(naming.plain(last), [])
            yield name, _one([path for path in same if path.name == last] or same, name)

    def _home(self, written, names):
        """Return the parts of the folder where the files of a written folder are: of its name, or with most of them."""
        votes = Counter()
        for name in names:
            homes = {path.relative_to(self.folder).parts[:-1] for path in self.anywhere[naming.plain(_last(name))]}
            votes.update(homes)
        return max(votes, key=lambda home: (_shared(written, home), votes[home]), default=None)


def _one(paths, name):
    if not _parts(name):
        return "no_file_named"
    return paths[0] if len(paths) == 1 else "several_files" if paths else "no_file"


def _last(name):
    return next(iter(_parts(name)[-1:]), "")


def _shared(written, here):
    """Return how many folders at the end of a written path are also at the end of one that is here."""
    pairs = zip(reversed(written), reversed(here or ()), strict=False)
    return sum(1 for _ in itertools.takewhile(lambda pair: naming.plain(pair[0]) == naming.plain(pair[1]), pairs))
