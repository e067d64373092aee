"""A table that says which picture is of which class, as CSV: columns file, label, and perhaps group and split."""

import io
import re
import unicodedata
import warnings
from pathlib import Path

import pandas as pd

from helpers.pictures import naming

ENDINGS = (".csv", ".tsv", ".txt")
COLUMNS = {  # what they may be called, apart from capitals and what is between words; of groups also with "id"
    "file": "file filename files filenames file_name name fname image images image_name image_file image_filename "
    "image_path image_index image_id img img_name img_path picture photo photo_id pic path filepath file_path "
    "id_code id",
    "label": "label labels class class_name class_label class_id category category_name target label_name labelname "
    "finding_labels diagnosis annotation choice tag species breed type",
    "group": "group groups series sequence burst patient subject person participant individual animal mouse donor case "
    "lesion slide video clip scene session date day date_taken",
    "split": "split set subset partition",
}
NOTHING = ("", "na", "n/a", "nan", "none", "null", "-", "?")
MOST_NAMED = 8  # columns
DELIMITERS = ",;\t|"
ABOVE = 10  # lines that may stand above that of the names
MOST_BYTES = 64 * 2**20
FORBIDDEN = re.compile(r'[\\/:*?"<>|]')  # in the name of a folder, on one system or another
RESERVED = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³]) *(\..*)?", re.IGNORECASE)  # on Windows


class TableError(ValueError):
    """A table of labels cannot be used."""


def read(path, held):
    """Read a table of labels, whatever its columns are called.

    `held` is called with the cells of a column that may name the files, and returns how many files it finds. Returns a
    table with the columns ``file`` and ``label``, and ``group`` and ``split`` where it has them, all cells texts
    without blanks around them; and notes on how it was read: kind of finding and values of each. Raises `TableError`
    where it is no table, or has no such columns.
    """
    path = Path(path)
    if path.stat().st_size > MOST_BYTES:
        raise TableError(f"{path.name} has {path.stat().st_size:,} bytes: expected a table of labels, at most 64 MB.")
    text, encoding = _text(path)
    delimiter, above = _form(text.split("\n"))
    table = _parsed(path.name, text, delimiter, above)
    called = _called(table.columns)
    if len(table.columns) == 2 and not {"file", "label"} & set(called) and naming.ending_of(str(table.columns[0])):
        table = pd.concat([pd.DataFrame([table.columns], columns=table.columns), table])  # has no line of names
        called = {column: [name] for column, name in zip(("file", "label"), table.columns, strict=True)}
    if missing := [column for column in ("file", "label") if column not in called]:
        raise TableError(
            f"{path.name} has the columns {', '.join(map(repr, map(str, table.columns[:8])))}: expected one for "
            f"{' and one for '.join(repr(name) for name in missing)} (and perhaps 'group' and 'split'). Rename a "
            "column. Where each class has a column of 0 and 1, make one of them: table.idxmax(axis=1) in pandas."
        )
    if not len(table):
        raise TableError(f"{path.name} has one line: expected names of columns, and a line for each picture.")
    table = table.apply(lambda cells: cells.str.strip()).reset_index(drop=True)
    found = {column: next((name for name in names if table[name].any()), names[0]) for column, names in called.items()}
    if len(called["file"]) > 1:
        found["file"] = max(called["file"], key=lambda name: held(table[name]))
    kept = table[list(found.values())].set_axis(list(found), axis=1)
    if "group" in kept:
        kept["group"] = kept["group"].map(_group)
    return kept, _notes(table, found, encoding, text)


def _notes(table, found, encoding, text):
    notes = [("table_encoding", {})] if encoding == "cp1252" and not text.isascii() else []
    unused = [naming.shown(name) for name in table.columns if name not in found.values() and str(name).strip()]
    if unused or list(found) != list(found.values()):
        taken = ", ".join(f"{column} from {naming.shown(name)!r}" for column, name in found.items())
        more = f" and {len(unused) - MOST_NAMED} more" if len(unused) > MOST_NAMED else ""
        rest = f"; not used: {', '.join(map(repr, unused[:MOST_NAMED]))}{more}" if unused else ""
        notes.append(("columns_taken", {"taken": taken, "rest": rest}))
    return notes


def _called(names):
    """Return column → names in a table that may stand for it, in the order of `COLUMNS`."""
    plain = {}
    for name in names:
        words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", str(name).strip())
        plain.setdefault(re.sub(r"[\W_]+", "_", words.casefold()).strip("_"), name)
    called = {}
    for column, known in COLUMNS.items():
        words = [word + end for word in known.split() for end in (("", "_id") if column == "group" else ("",))]
        if given := [plain[word] for word in words if word in plain]:
            called[column] = given
    return called


def _form(lines):
    """Return the sign between cells, and how many lines are above that of the names."""
    for above, line in enumerate(lines[:ABOVE]):
        for delimiter in sorted(DELIMITERS, key=line.count, reverse=True):
            if {"file", "label"} <= set(_called(name.strip(" \"'") for name in line.split(delimiter))):
                return delimiter, above
    return max(DELIMITERS, key=lines[0].count), 0


def _group(text):
    """Return what stands for a group: ``P1`` and ``p1`` are one, ``003``, ``3`` and ``3.0`` are; "" is none."""
    plain = " ".join(naming.plain(text).split())
    if plain in NOTHING:
        return ""
    return f"{float(plain):g}" if re.fullmatch(r"\d{1,6}(\.0+)?", plain) else plain


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


def _parsed(name, text, delimiter, above):
    text = re.sub(f"{re.escape(delimiter)}+$", "", text, flags=re.MULTILINE)  # empty cells at the end of a line
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)  # a line of more cells than names
            form = {"sep": delimiter, "skiprows": above, "index_col": False, "dtype": str, "keep_default_na": False}
            return pd.read_csv(io.StringIO(text), **form).fillna("")
    except (ValueError, pd.errors.ParserError, pd.errors.ParserWarning) as error:
        line = re.search(r"in line (\d+)", str(error))
        where = f"line {line[1]} has more cells than the first line" if line else "its lines differ in their cells"
        raise TableError(
            f"{name} cannot be read as a table: {where}, or a quotation mark is not closed. Save it as CSV, a picture "
            "a line, names that hold a comma in quotation marks."
        ) from error


def class_names(labels):
    """Return label → name of its class: what no folder's name can hold becomes ``_``; different ones stay different.

    Where they differ in capitals alone, they are numbered as well: Windows and macOS would make one folder of them.
    """
    plain, names, taken = {label: unicodedata.normalize("NFC", label) for label in set(labels)}, {}, {}
    for label in sorted(plain, key=lambda label: (_folder_name(plain[label]) != plain[label], label)):
        name, number = _folder_name(plain[label]), 2
        while taken.setdefault(name.casefold(), plain[label]) != plain[label]:
            name, number = f"{_folder_name(plain[label])} ({number})", number + 1
        names[label] = name
    return names


def _folder_name(label):
    plain = "".join(" " if letter.isspace() else letter for letter in label)
    plain = "".join(letter if letter.isprintable() or letter in naming.JOINERS else "_" for letter in plain)
    name = FORBIDDEN.sub("_", plain).rstrip(" .") or "_" * len(plain)
    if RESERVED.fullmatch(name):
        return f"_{name}"
    return f"_{name[1:]}" if name.startswith(".") else name
