"""What is in a folder of pictures by names alone, or in a table of labels: split and class of each file."""

import hashlib
import os
import re
import unicodedata
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from helpers import storage
from helpers.pictures import dealing, named_files, naming, opening, tables
from helpers.pictures.report import row

SPLITS = dealing.SPLITS
OTHER_NAMES = {"training": "train", "val": "validation", "valid": "validation", "dev": "validation", "testing": "test"}
HIDDEN = {
    "__macosx",
    "__pycache__",
    "@eadir",
    "thumbs.db",
    "ehthumbs.db",
    "desktop.ini",
    "icon\r",
    "$recycle.bin",
    "system volume information",
}  # put there unasked
SPREADSHEETS = (".xls", ".xlsx", ".ods")
MOST_FILES = 20_000  # more is a folder given by mistake, such as a whole home folder


@dataclass(frozen=True, eq=False)
class Listing:
    """What is in a folder: split and class of each file, and files of each split and class."""

    folder: Path
    table: str = ""  # name of the table of labels, where one was given
    files: dict = field(default_factory=dict)  # path → (split, class)
    counts: dict = field(default_factory=dict)  # split → class → number of files
    nested: dict = field(default_factory=dict)  # (split, class) of class folders that hold folders → their names
    bad: dict = field(default_factory=dict)  # as in `Report`
    rows: list = field(default_factory=list)  # as in `Report`
    groups: dict = field(default_factory=dict)  # path → what it belongs to, as a table tells: list of str
    tables: list = field(default_factory=list)  # names of tables that may hold the labels
    beside: list = field(default_factory=list)  # paths of pictures that are in no class

    def name(self, path):
        """Return a path within the folder, fit for print."""
        return naming.shown(path.relative_to(self.folder).as_posix())

    def say(self, kind, path, **values):
        """Add a row on a path, and return what was found."""
        self.rows.append(row(kind, self.name(path), **values))
        return self.rows[-1].found

    def digests(self):
        """Return path → SHA-256 of the files that may be pictures; the others are refused unread."""
        regular = (path for path in self.files if path.is_file() and not _leads_out(path, self.folder))
        return storage.digests(path for path in regular if path.stat().st_size <= opening.MOST_BYTES)

    def digest(self):
        """Return a digest of all that decides what `examine` will say: the names in the folder and the files' bytes."""
        digests = self.digests()
        files = [(path.relative_to(self.folder), split, digests.get(path)) for path, split in self.files.items()]
        links = [path.relative_to(self.folder) for path in self.bad]
        groups = [[(path.relative_to(self.folder), group) for path, group in self.groups.items()]] * bool(self.groups)
        return hashlib.sha256(repr((files, links, *groups)).encode("utf-8", "surrogatepass")).hexdigest()


def listed(source):
    """Return the `Listing` of a folder or a table; ValueError where it is none, cannot be read, or holds too many."""
    path = existing(source)
    is_table = path is not None and path.is_file() and naming.ending_of(path) in tables.ENDINGS
    if not is_table and (path is None or not path.is_dir()):
        advice = " Unpack an archive first, with your own system, and give the folder." if path else ""
        raise ValueError(
            f"{str(source)!r} is no folder: expected one with a folder of pictures a class, or a table of labels "
            f"(CSV).{advice}"
        )
    try:
        listing = _of_table(path) if is_table else _of_folder(path)
    except OSError as error:
        raise ValueError(
            f"{error.filename} cannot be read ({error.strerror}). Give yourself the right to read it and what is in "
            "it, or copy the pictures to a folder of your own."
        ) from error
    if len(listing.files) > MOST_FILES:
        raise ValueError(
            f"{path} holds {len(listing.files):,} files, expected at most {MOST_FILES:,}. "
            "Give the folder that holds the class folders, and no more pictures than you need."
        )
    return listing


def existing(source):
    """Return the path of a file or folder that a learner names, ``~`` put in full; None where there is none."""
    try:
        return Path(os.path.expanduser(source)) if source and os.path.exists(os.path.expanduser(source)) else None
    except (TypeError, ValueError):
        return None


def split_of(name):
    """Return the split that a folder's name means, such as ``train`` for ``Training_set``; None for any other name."""
    name = re.sub(r"[\W_]*(set|images|data)$", "", name.casefold())
    name = OTHER_NAMES.get(name, name)
    return name if name in SPLITS else None


def _of_table(path):
    listing, finder = Listing(path.parent, path.name), named_files.Finder(path.parent)
    table, notes = tables.read(path, finder.held)
    listing.rows.extend(row(kind, naming.shown(path.name), **values) for kind, values in notes)
    found, places = finder.found(table["file"])
    names, said = tables.class_names(table["label"]), defaultdict(list)
    for line, split in zip(table.to_dict("records"), _splits_told(listing, path, table, found), strict=True):
        place, label = found[line["file"]], names[line["label"]]
        if isinstance(place, str):
            about = path.parent / (named_files.written(line["file"])[-200:] or "(blank)")
            listing.bad[about] = listing.say(place, about)
        elif not label:
            listing.bad[place] = listing.say("no_label", place)
        elif split is None:
            listing.bad[place] = listing.say("unknown_split", place, said=line["split"])
        else:
            said[place].append((split, label))
            if line.get("group") and line["group"] not in listing.groups.setdefault(place, []):
                listing.groups[place].append(line["group"])
    for place, pairs in said.items():
        splits, labels = (sorted(set(part)) for part in zip(*pairs, strict=True))
        if len(labels) > 1:
            listing.bad[place] = listing.say("two_labels", place, labels=", ".join(labels))
        elif len(splits) > 1:
            listing.bad[place] = listing.say("two_splits", place, splits=", ".join(splits))
        else:
            listing.files[place] = pairs[0]
    _on_files(listing, path, found, places)
    _on_labels(listing, names)
    given = {split for split, _ in listing.files.values()}
    for split in ("",) if given <= {""} else [one for one in SPLITS if one in given]:
        of_split = Counter(label for other, label in listing.files.values() if other == split)
        listing.counts[split] = dict(sorted(of_split.items()))
    listing.beside.extend(sorted(finder.pictures - set(said) - set(listing.bad)))
    if listing.beside:
        number, first = naming.counted(len(listing.beside)), listing.name(listing.beside[0])
        listing.rows.append(row("not_in_table", "(all)", number=number, first=first))
    return listing


def _splits_told(listing, path, table, found):
    """Return the split of each line, by its column or the folders of the files: "" for none, None where unknown."""
    told = {said: split_of(said) for said in table.get("split", ()) if said}
    if told:
        if not any(told.values()):
            listing.say("no_split_known", path, values=", ".join(map(repr, list(told)[:3])))
        return [told.get(said) for said in table["split"]]
    here = {name: place.relative_to(path.parent).parts[:-1] for name, place in found.items() if isinstance(place, Path)}
    splits = {name: next(filter(None, map(split_of, folders)), "") for name, folders in here.items()}
    known = set(splits.values())
    if "" in known or "train" not in known or len(known) < 2:
        return [""] * len(table)
    listing.say("splits_from_folders", path, splits=", ".join(split for split in SPLITS if split in known))
    return [splits.get(name, "") for name in table["file"]]


def _on_files(listing, path, found, places):
    """Say where files were found; where none was, that is the obstacle."""
    if any(found) and set(found.values()) <= {"no_file", "no_file_named", "file_outside"}:
        first = next(name for name in found if name)
        listing.say("no_files", path, number=len(found), first=naming.shown(named_files.written(first)))
    elif places:
        where = ", ".join(f"{naming.shown(place)}/ {number}" for place, number in places.most_common(5))
        listing.say("found_elsewhere", path, places=where + (" and others" if len(places) > 5 else ""))


def _on_labels(listing, names):
    used = {label for _, label in listing.files.values()}
    for label, stored in names.items():
        if stored in used and stored != unicodedata.normalize("NFC", label):
            listing.rows.append(row("odd_label", naming.shown(stored), label=label, stored=stored))
        if stored in used and label.casefold() in tables.NOTHING:
            listing.rows.append(row("no_name", naming.shown(stored), label=label))


def _of_folder(folder):
    listing, splits = Listing(folder), _split_folders(folder)
    for split, split_folder in (splits or {"": folder}).items():
        counts = listing.counts[split] = {}
        entries = _entries(split_folder)
        for path in entries:
            if not path.is_dir():
                _beside_classes(listing, path)
            elif _leads_out(path, folder):
                listing.bad[path] = listing.say("link_out", path)
            else:
                name = unicodedata.normalize("NFC", path.name)  # some systems write "ü" as u and its dots
                name = path.name if split_folder / name in entries else name
                inside = _entries(path)
                folders = [entry for entry in inside if entry.is_dir()]
                counts[name] = len(inside) - len(folders)
                listing.files.update(dict.fromkeys(inside, (split, name)))
                if folders:
                    listing.nested[split, name] = [entry.name for entry in folders]
    for path in _entries(folder) if splits else ():
        if split_of(path.name) and _leads_out(path, folder):
            listing.bad[path] = row("link_out", "").found
        elif path not in splits.values():
            inside = path.rglob("*") if path.is_dir() and not _leads_out(path, folder) else (path,)
            pictures = [one for one in inside if naming.ending_of(one) in naming.ENDINGS]
            listing.beside.extend(pictures)
            kind = "pictures_beside_splits" if pictures else "beside_splits"
            listing.say(kind, path, number=naming.counted(len(pictures)))
    return listing


def _beside_classes(listing, path):
    ending, kind = naming.ending_of(path), "file_beside_classes"
    if ending in (*tables.ENDINGS[:2], *SPREADSHEETS):
        listing.tables.append(naming.shown(path.name))
        kind = "table_beside_classes"
    elif ending in naming.ENDINGS:
        listing.beside.append(path)
        kind = "picture_beside_classes"
    listing.say(kind, path, name=naming.shown(path.name))


def _split_folders(folder):
    """Return split → folder; empty where a folder comes without splits.

    A folder ``train`` with pictures right inside is a class of railway trains.
    """
    named = defaultdict(list)
    for path in _entries(folder):
        split = split_of(path.name)
        if split and path.is_dir() and not _leads_out(path, folder):
            named[split].append(path)
    nested = [split for split, paths in named.items() if any(one.is_dir() for path in paths for one in _entries(path))]
    if "train" not in nested and len(nested) < 2:
        return {}
    for split, paths in named.items():
        if len(paths) > 1:
            several = ", ".join(path.name for path in paths)
            raise ValueError(f"{folder} holds several folders for {split!r}: {several}. Expected one: join them.")
    return {split: named[split][0] for split in SPLITS if named[split]}


def _entries(folder):
    named = (path for path in folder.iterdir() if path.name.casefold() not in HIDDEN)
    return sorted(path for path in named if not path.name.startswith("."))


def _leads_out(path, folder):
    """Return whether a path is a link to something that is not in a folder, such as the folder itself."""
    return path.is_symlink() and folder.resolve() not in path.resolve().parents
