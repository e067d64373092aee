"""Examine a folder of pictures: which can be used, what is wrong with the others, and can a model be trained on it?

`helpers.pictures.images.load` goes by the same report, so what is shown here is what is trained on.
"""

import hashlib
import os
import re
import unicodedata
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path

import tqdm.auto

from helpers import storage
from helpers.pictures import dealing, look_alikes, naming, opening, tables
from helpers.pictures.report import Report, in_order, obstacles, of_file, row

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
FEW_IN_CLASS = 20  # a quarter of them, five, would be tested
LARGEST_SERIES = 0.5  # of a class: pictures that are more alike share a layout, such as one ground
UNEQUAL = 4  # times as many pictures in the largest class as in the smallest


def examine(folder, keep=None, known=None):
    """Decode every picture of a folder once, and return a `Report` of what can be used; the folder is not changed.

    Parameters
    ----------
    folder : path
        Holds ``class/picture`` or ``train|validation|test/class/picture`` (or ``val``, ``Training`` and the like);
        hidden files are passed over. Or a table of labels beside the pictures, as CSV: the columns file and label, and
        perhaps group (pictures that belong together) and split.
    keep : callable, optional
        Called with the path, the decoded picture and its `helpers.pictures.look_alikes.Mark`, for each that is one.
    known : dict, optional
        Path → mark of pictures that were examined before: they are not decoded again; nothing is said of them alone.

    Raises
    ------
    ValueError
        When `folder` is no folder and no table, cannot be read, or holds more than `MOST_FILES` files.
    """
    listing = listed(folder)
    marks, known = {}, known or {}
    bad, rows = dict(listing.bad), list(listing.rows)
    for path in tqdm.auto.tqdm(listing.files, desc="examining", unit="file", leave=False, delay=1):
        if path in known:
            marks[path] = known[path]
            continue
        try:
            opened = opening.opened(path, listing.folder)
        except opening.PictureError as error:
            bad[path] = error.reason
            rows.append(of_file(listing.name(path), error.reason, "refused" if error.refused else "left out"))
            continue
        marks[path] = look_alikes.mark(opened.picture, opened.taken)
        rows += [of_file(listing.name(path), *note) for note in opened.notes]
        if keep:
            keep(path, opened.picture, marks[path])
    copies = _compare(listing, {path: mark.fingerprint for path, mark in marks.items()}, bad, rows)
    left = {path: mark for path, mark in marks.items() if path not in bad | copies}
    splits = {split: {name: [] for name in classes} for split, classes in listing.counts.items()}
    for path in left:
        split, name = listing.files[path]
        splits[split][name].append(path)
    series = _series(listing, left, rows)
    counts = {split: {name: len(paths) for name, paths in classes.items()} for split, classes in splits.items()}
    rows += [*_judged(counts, listing), *_on_groups(listing, splits)]
    return Report(listing.folder, in_order(rows), splits, bad, copies, series)


def _compare(listing, fingerprints, bad, rows):
    """Return the copies to leave out; the same picture in two classes is added to `bad`."""
    copies, splits = {}, list(listing.counts)
    for paths in look_alikes.groups(fingerprints):
        classes = {path: listing.files[path][1] for path in paths}
        # A test keeps its pictures; of "IMG_7.png" and "IMG_7 copy.png" the first is kept.
        kept = max(paths, key=lambda path: (splits.index(listing.files[path][0]), -len(path.name)))
        for path in paths:
            others = [other for other in paths if classes[other] != classes[path]]
            if others:
                rows.append(row("same_in_another_class", listing.name(path), other=listing.name(others[0])))
                bad[path] = rows[-1].found
            elif path != kept:
                copies[path] = kept
                rows.append(row("copy", listing.name(path), other=listing.name(kept)))
    return copies


def _series(listing, marks, rows):
    """Return picture → number of its series, and add rows on pictures of perhaps one scene."""
    twins = look_alikes.look_alikes({path: look_alikes.sketch(mark.shades) for path, mark in marks.items()})
    taken = {
        path: (f"{listing.files[path]} {mark.taken[0]}", mark.taken[1]) for path, mark in marks.items() if mark.taken
    }
    before = {path: other for path, other in look_alikes.bursts(taken).items() if path not in twins}
    links = [*twins.items(), *before.items()]
    sizes = Counter(listing.files[path] for path in marks)
    alike, together = defaultdict(list), look_alikes.joined(marks, links)
    for path in marks:
        alike[together[path], listing.files[path]].append(path)
    shared = set()  # series that fill a class: rather a layout
    for (number, (split, name)), paths in alike.items():
        size = sizes[split, name]
        if len(paths) > max(3, LARGEST_SERIES * size):
            shared.add(number)
            about, (first, second) = naming.shown(f"{split}/{name}" if split else name), map(listing.name, paths[:2])
            rows.append(row("many_look_alikes", about, alike=len(paths), number=size, first=first, second=second))
    links = [(path, other) for path, other in links if together[path] not in shared]
    for path, other in links:
        across = listing.files[path][0] != listing.files[other][0]
        kind = "look_alike_across" if across else "look_alike" if path in twins else "burst"
        rows.append(row(kind, listing.name(path), other=listing.name(other), seconds=look_alikes.SECONDS))
    first = {}
    links += [(path, first.setdefault(group, path)) for path, group in listing.groups.items() if path in marks]
    together = look_alikes.joined(marks, links)
    members = Counter(together.values())
    return {path: number for path, number in together.items() if members[number] > 1}


def _on_groups(listing, splits):
    """Yield a row for each class whose groups, as the table tells them, are fewer than the splits to fill."""
    parts = len(dealing.drawn(splits))
    for name, paths in splits.get("", splits.get("train", {})).items() if parts > 1 else ():
        groups = {listing.groups.get(path, path) for path in paths}
        if len(groups) < min(parts, len(paths)):
            yield row("too_few_series", naming.shown(name), groups=naming.counted(len(groups), "group"), parts=parts)


@dataclass(frozen=True, eq=False)
class Listing:
    """What is in a folder, by names alone: split and class of each file, and files of each split and class."""

    folder: Path
    files: dict  # path → (split, class)
    counts: dict  # split → class → number of files
    nested: set  # (split, class) of class folders that hold folders
    bad: dict  # as in `Report`
    rows: list  # as in `Report`
    groups: dict = field(default_factory=dict)  # path → what it belongs to, as a table tells
    tables: list = field(default_factory=list)  # names of tables that may hold the labels

    def name(self, path):
        """Return a path within the folder, fit for print."""
        return naming.shown(path.relative_to(self.folder).as_posix())

    def obstacles(self):
        """Return what makes training impossible even if every file is a picture."""
        return obstacles([*_judged(self.counts, self), *self.rows])

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


def listed(folder):
    """Return the `Listing` of a folder or a table; ValueError where it is none, cannot be read, or holds too many."""
    path = existing(folder)
    is_table = path is not None and path.is_file() and naming.ending_of(path) in tables.ENDINGS
    if not is_table and (path is None or not path.is_dir()):
        advice = " Unpack an archive first, with your own system, and give the folder." if path else ""
        raise ValueError(
            f"{str(folder)!r} is no folder: expected one with a folder of pictures a class, or a table of labels "
            f"(CSV).{advice}"
        )
    try:
        listing = _tabled(path) if is_table else _listed(path)
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


def _tabled(path):
    """Return the `Listing` of a table: file and label, perhaps group and split, of pictures in the table's folder."""
    folder, listing, said = path.parent, Listing(path.parent, {}, {}, set(), {}, []), {}
    finder, table = tables.Finder(folder), tables.read(path)
    has_splits = "split" in table and table["split"].any()
    for line in table.to_dict("records"):
        found, label = finder.find(line["file"]), tables.class_name(line["label"])
        split = _split_of(line["split"]) if has_splits else ""
        if isinstance(found, str):
            about = folder / (tables.last_part(line["file"])[:200] or "(blank)")
            listing.rows.append(row("no_file", listing.name(about), reason=found))
        elif not label:
            about = found
            listing.rows.append(row("no_label", listing.name(about)))
        elif split is None:
            about = found
            listing.rows.append(row("unknown_split", listing.name(about), said=line["split"]))
        else:
            if label != unicodedata.normalize("NFC", line["label"]) and label not in said.values():
                listing.rows.append(row("odd_label", naming.shown(label), label=line["label"], stored=label))
            said.setdefault(found, (split, label, set()))[2].add(label)
            listing.groups.update({found: line["group"]} if line.get("group") else {})
            continue
        listing.bad[about] = listing.rows[-1].found
    for found, (split, label, labels) in said.items():
        if len(labels) > 1:
            listing.rows.append(row("two_labels", listing.name(found), labels=", ".join(sorted(labels))))
            listing.bad[found] = listing.rows[-1].found
        else:
            listing.files[found] = split, label
    names = {(split, label) for split, label in listing.files.values()}
    given = {split for split, _ in names}
    for split in ("",) if given <= {""} else [one for one in SPLITS if one in given]:
        of_split = Counter(label for other, label in listing.files.values() if other == split)
        listing.counts[split] = dict(sorted(of_split.items()))
    beside = [one for paths in finder.by_name.values() for one in paths if naming.ending_of(one) in naming.ENDINGS]
    if left := sorted(set(beside) - set(said) - set(listing.bad)):
        number = naming.counted(len(left), "picture")
        listing.rows.append(row("not_in_table", "(all)", number=number, first=listing.name(left[0])))
    return listing


def existing(source):
    """Return the path of a file or folder that a learner names, ``~`` put in full; None where there is none."""
    try:
        return Path(os.path.expanduser(source)) if source and os.path.exists(os.path.expanduser(source)) else None
    except (TypeError, ValueError):
        return None


def _listed(folder):
    listing = Listing(folder, files={}, counts={}, nested=set(), bad={}, rows=[])
    splits = _split_folders(folder)
    for split, split_folder in (splits or {"": folder}).items():
        counts = listing.counts[split] = {}
        entries = _entries(split_folder)
        for path in entries:
            if not path.is_dir():
                is_table = naming.ending_of(path) in (*tables.ENDINGS[:2], *SPREADSHEETS)
                listing.tables.extend([naming.shown(path.name)] if is_table else [])
                key = "table_beside_classes" if is_table else "file_beside_classes"
                listing.rows.append(row(key, listing.name(path), name=naming.shown(path.name)))
            elif _leads_out(path, folder):
                listing.rows.append(row("link_out", listing.name(path)))
                listing.bad[path] = listing.rows[-1].found
            else:
                name = unicodedata.normalize("NFC", path.name)  # some systems write "ü" as u and its dots
                name = path.name if split_folder / name in entries else name
                inside = _entries(path)
                folders = [entry for entry in inside if entry.is_dir()]
                counts[name] = len(inside) - len(folders)
                listing.files.update(dict.fromkeys(inside, (split, name)))
                if folders:
                    listing.nested.add((split, name))
    for path in _entries(folder) if splits else ():
        if _split_of(path.name) and _leads_out(path, folder):
            listing.bad[path] = row("link_out", "").found
        elif path not in splits.values():
            listing.rows.append(row("beside_splits", listing.name(path)))
    return listing


def _split_folders(folder):
    """Return split → folder; empty where a folder comes without splits.

    A folder ``train`` with pictures right inside is a class of railway trains.
    """
    named = defaultdict(list)
    for path in _entries(folder):
        split = _split_of(path.name)
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


def _split_of(name):
    """Return the split that a folder's name means, such as ``train`` for ``Training_set``; None for any other name."""
    name = re.sub(r"[\W_]*(set|images|data)$", "", name.casefold())
    name = OTHER_NAMES.get(name, name)
    return name if name in SPLITS else None


def _entries(folder):
    named = (path for path in folder.iterdir() if path.name.casefold() not in HIDDEN)
    return sorted(path for path in named if not path.name.startswith("."))


def _leads_out(path, folder):
    """Return whether a path is a link to something that is not in a folder, such as the folder itself."""
    return path.is_symlink() and folder.resolve() not in path.resolve().parents


def _judged(counts, listing):
    """Return the rows on classes and their sizes."""
    totals = Counter()
    for classes in counts.values():
        totals.update(classes)
    return [*_on_classes(totals, listing), *_on_sizes(counts, totals, listing.nested), *_on_splits(counts)]


def _on_classes(totals, listing):
    wrapped = len(totals) == 1 and listing.nested and not any(totals.values())  # `_on_sizes` says what to do
    advice = f"; or give the table of labels: images.load('.../{listing.tables[0]}')" if listing.tables else ""
    if len(totals) < 2 and not wrapped:
        yield row("one_class" if totals else "no_class", "(all)", name=naming.shown("".join(totals)), advice=advice)
    similar = defaultdict(list)
    for name in totals:
        similar["".join(unicodedata.normalize("NFKC", name).casefold().split())].append(name)
        if naming.stored_name(name) != name:
            yield row("odd_name", naming.shown(name), stored=naming.stored_name(name))
    if len(splits := {_split_of(name) for name in totals} - {None}) > 1:
        yield row("splits_for_classes", ", ".join(sorted(totals)), splits=" and ".join(sorted(splits)), advice=advice)
    for names in similar.values():
        if len(names) > 1:
            yield row("similar_names", ", ".join(map(repr, names)))


def _on_sizes(counts, totals, nested):
    parts = len(dealing.drawn(counts))
    for split, classes in counts.items():
        for name, number in classes.items():
            about = naming.shown(f"{split}/{name}" if split else name)
            if number == 0:
                yield row("only_folders" if (split, name) in nested else "empty", about)
            elif split in ("", "train") and number < parts:
                words = {2: "two", 3: "three"}[parts]
                yield row("too_few_to_split", about, pictures=naming.counted(number), parts=words, least=parts)
            elif not split and number < FEW_IN_CLASS:
                tested = naming.counted(max(1, round(number / 4)))
                yield row("few", about, pictures=naming.counted(number), tested=tested, least=FEW_IN_CLASS)
    if len(totals) > 1 and max(totals.values()) >= UNEQUAL * max(1, min(totals.values())):
        most, least = max(totals, key=totals.get), min(totals, key=totals.get)
        both = {key: f"{naming.shown(name)} {totals[name]}" for key, name in (("most", most), ("least", least))}
        yield row("unequal", "(all)", **both)


def _on_splits(counts):
    known, missing = sorted(set().union(*counts.values())), dealing.drawn(counts)
    for split in SPLITS if "" not in counts and counts else ():
        if split in counts:
            if lacking := [naming.shown(name) for name in known if name not in counts[split]]:
                yield row("classes_missing", split, names=", ".join(lacking))
        elif "train" in counts:
            share = dealing.SHARES[split] / sum(dealing.SHARES[other] for other in missing)
            yield row("split_drawn", split, split=split, share=share)
        else:
            others = "the others" if split == "train" else "'train'"
            yield row("split_missing", split, others=others, splits=", ".join(SPLITS))
