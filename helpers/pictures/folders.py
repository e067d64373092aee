"""Examine a folder of pictures: which can be used, what is wrong with the others, and can a model be trained on it?

`helpers.pictures.images.load` goes by the same report, so what is shown here is what is trained on.
"""

import hashlib
import html
import os
import re
import tomllib
import unicodedata
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import tqdm.auto

from helpers import storage
from helpers.pictures import look_alikes, naming, opening

FINDINGS = tomllib.loads(Path(__file__).with_name("findings.toml").read_text(encoding="utf-8"))
SPLITS = ("train", "validation", "test")
OTHER_NAMES = {"training": "train", "val": "validation", "valid": "validation", "dev": "validation", "testing": "test"}
HIDDEN = {"__macosx", "__pycache__", "@eadir", "thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r"}  # put there unasked
TABLES = (".csv", ".tsv", ".xls", ".xlsx")
MOST_FILES = 20_000  # more is a folder given by mistake, such as a whole home folder
LEAST_IN_CLASS = 3  # one for each split
FEW_IN_CLASS = 20  # a quarter of them, five, would be tested
SHARED_LAYOUT = 0.1  # of a class: more look-alikes are not shots of one scene but, say, things on one ground
UNEQUAL = 4  # times as many pictures in the largest class as in the smallest


@dataclass(frozen=True, eq=False)
class Report:
    """What `examine` found in a folder, and what becomes of it. Shows itself as a table.

    The table has a row for each finding: ``file`` (within the folder; a class, or "(all)", for what concerns more than
    a file), ``found`` (what it is), ``done`` (what was done about it, or what there is to do).
    """

    folder: Path
    table: pd.DataFrame
    splits: dict  # split → class → paths of pictures that can be used, each once; one split "" for a folder without
    bad: dict  # path of a file that cannot be used → why
    copies: dict  # path of a picture that is left out → path of the same one, which is kept
    obstacles: tuple  # of str: what makes training impossible as the folder is

    @property
    def good(self):
        """Class name to the pictures of all splits that can be used: dict of str to list of pathlib.Path."""
        good = defaultdict(list)
        for classes in self.splits.values():
            for name, paths in classes.items():
                good[name] += paths
        return dict(good)

    @property
    def counts(self):
        """Pictures of each class that can be used: dict of str to int."""
        return {name: len(paths) for name, paths in self.good.items()}

    @property
    def usable(self):
        """Whether a model can be trained on the folder as it is."""
        return not self.obstacles

    def summary(self):
        """Return in a few lines what was found and what to do next."""
        classes = ", ".join(f"{naming.shown(name)} {number}" for name, number in self.counts.items()) or "none"
        left_out = [f"{len(self.bad)} that cannot be used"] if self.bad else []
        left_out += [f"{len(self.copies)} that are copies of another"] if self.copies else []
        lines = [
            f"Pictures that can be used: {sum(self.counts.values())} ({classes}).",
            f"Files left out: {', '.join(left_out) or 'none'}.",
            *(f"Obstacle: {obstacle}." for obstacle in self.obstacles),
        ]
        if self.obstacles:
            lines.append("Next: remove what stands in the way, then examine the folder again.")
        elif self.bad:
            lines.append("Next: look at what is left out, then load the rest with images.load(folder, on_bad='skip').")
        else:
            lines.append("Next: images.load(folder).")
        return "\n".join(lines)

    def __repr__(self):
        table = self.table.to_string(index=False, justify="left") if len(self.table) else "Nothing to report."
        return f"{table}\n\n{self.summary()}"

    def _repr_html_(self):
        with pd.option_context("display.max_colwidth", None):
            table = self.table.to_html(index=False, justify="left") if len(self.table) else "<p>Nothing to report.</p>"
        return table + "".join(f"<p>{html.escape(line)}</p>" for line in self.summary().splitlines())


def examine(folder, keep=None, known=None):
    """Decode every picture of a folder once, and return a `Report` of what can be used; the folder is not changed.

    Parameters
    ----------
    folder : path
        ``class/picture`` or ``train|validation|test/class/picture`` (or ``val``, ``Training`` and the like). Hidden
        files are passed over.
    keep : callable, optional
        Takes the path and the decoded picture of each file that is one.
    known : dict of path to str, optional
        Fingerprints of pictures that were examined before: they are not decoded again, and nothing is said of them.

    Raises ValueError when `folder` is no folder, cannot be read, or holds more than `MOST_FILES` files.
    """
    listing = listed(folder)
    fingerprints, sketches, known = {}, {}, known or {}
    bad, rows = dict(listing.bad), list(listing.rows)
    for path in tqdm.auto.tqdm(listing.files, desc="examining", unit="file", leave=False, delay=1):
        if path in known:
            fingerprints[path] = known[path]
            continue
        try:
            opened = opening.opened(path, listing.folder)
        except opening.PictureError as error:
            bad[path] = error.reason
            rows.append((listing.name(path), error.reason, "refused" if error.refused else "left out"))
            continue
        fingerprints[path] = look_alikes.fingerprint(opened.picture)
        sketches[path] = look_alikes.sketch(opened.picture)
        rows += [(listing.name(path), *note) for note in opened.notes]
        if keep:
            keep(path, opened.picture)
    copies = _compare(listing, fingerprints, bad, rows)
    left = [path for path in fingerprints if path not in bad | copies]
    rows += _on_look_alikes(listing, {path: sketches[path] for path in left if path in sketches})
    splits = {split: {name: [] for name in classes} for split, classes in listing.counts.items()}
    for path in left:
        split, name = listing.files[path]
        splits[split][name].append(path)
    counts = {split: {name: len(paths) for name, paths in classes.items()} for split, classes in splits.items()}
    judged = _judge(counts, listing.nested)
    table = pd.DataFrame([*rows, *(row for row, _ in judged)], columns=["file", "found", "done"])
    return Report(listing.folder, table, splits, bad, copies, _obstacles(judged))


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
                row = _row("same_in_another_class", listing.name(path), other=listing.name(others[0]))
                bad[path] = row[1]
                rows.append(row)
            elif path != kept:
                copies[path] = kept
                rows.append(_row("copy", listing.name(path), other=listing.name(kept)))
    return copies


def _on_look_alikes(listing, sketches):
    """Yield the rows on pictures of perhaps one scene; a class full of them shares a layout, and gets one row."""
    if len(sketches) > look_alikes.MOST_SKETCHES:
        yield _row("not_compared", "(all)", most=look_alikes.MOST_SKETCHES)
    twins, alike = look_alikes.look_alikes(sketches), defaultdict(list)
    for path in twins:
        alike[listing.files[path]].append(path)
    for (split, name), paths in alike.items():
        number = sum(listing.files[path] == (split, name) for path in sketches)
        named = [(listing.name(path), listing.name(twins[path])) for path in paths]
        if len(paths) > max(3, SHARED_LAYOUT * number):
            about, (first, second) = naming.shown(f"{split}/{name}" if split else name), named[0]
            yield _row("many_look_alikes", about, alike=len(paths), number=number, first=first, second=second)
        else:
            yield from (_row("look_alike", file, other=twin) for file, twin in named)


def _row(key, about, **values):
    """Return a row of the table: what it concerns, what was found, what was done or is to do."""
    finding = FINDINGS[key]
    return about, finding["found"].format(**values), finding["done"].format(**values)


@dataclass(frozen=True, eq=False)
class Listing:
    """What is in a folder, by names alone: split and class of each file, and files of each split and class."""

    folder: Path
    files: dict  # path → (split, class)
    counts: dict  # split → class → number of files
    nested: set  # (split, class) of class folders that hold folders
    bad: dict  # as in `Report`
    rows: list  # of its table

    def name(self, path):
        """Return a path within the folder, fit for print."""
        return naming.shown(path.relative_to(self.folder).as_posix())

    def obstacles(self):
        """Return what makes training impossible even if every file is a picture."""
        return _obstacles(_judge(self.counts, self.nested))

    def digests(self):
        """Return path → SHA-256 of the files that may be pictures; the others are refused unread."""
        return storage.digests(filter(self._may_be_a_picture, self.files))

    def digest(self):
        """Return a digest of all that decides what `examine` will say: the names in the folder and the files' bytes."""
        digests = self.digests()
        files = [(path.relative_to(self.folder), split, digests.get(path)) for path, split in self.files.items()]
        links = [path.relative_to(self.folder) for path in self.bad]
        return hashlib.sha256(repr((files, links)).encode("utf-8", "surrogatepass")).hexdigest()

    def _may_be_a_picture(self, path):
        return path.is_file() and not _leads_out(path, self.folder) and path.stat().st_size <= opening.MOST_BYTES


def listed(folder):
    """Return the `Listing` of a folder; ValueError where it is none, cannot be read, or holds too many files."""
    path = existing(folder)
    if path is None or not path.is_dir():
        advice = " Unpack an archive first, with your own system, and give the folder." if path else ""
        raise ValueError(f"{str(folder)!r} is no folder: expected one with a folder of pictures a class.{advice}")
    try:
        listing = _listed(path)
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


def _listed(folder):
    listing = Listing(folder, files={}, counts={}, nested=set(), bad={}, rows=[])
    splits = _split_folders(folder)
    for split, split_folder in (splits or {"": folder}).items():
        counts = listing.counts[split] = {}
        entries = _entries(split_folder)
        for path in entries:
            if not path.is_dir():
                key = "table_beside_classes" if naming.ending_of(path) in TABLES else "file_beside_classes"
                listing.rows.append(_row(key, listing.name(path)))
            elif _leads_out(path, folder):
                listing.rows.append(_row("link_out", listing.name(path)))
                listing.bad[path] = listing.rows[-1][1]
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
            listing.bad[path] = FINDINGS["link_out"]["found"]
        elif path not in splits.values():
            listing.rows.append(_row("beside_splits", listing.name(path)))
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


def _judge(counts, nested=()):
    """Return (row, is training impossible) for what there is to say of classes and their sizes."""
    totals = defaultdict(int)
    for classes in counts.values():
        for name, number in classes.items():
            totals[name] += number
    found = [*_on_classes(totals, nested), *_on_sizes(counts, totals, nested), *_on_splits(counts)]
    return [(_row(key, about, **values), FINDINGS[key].get("impossible", False)) for key, about, values in found]


def _obstacles(judged):
    return tuple("{}: {}; {}".format(*row) for row, impossible in judged if impossible)


def _on_classes(totals, nested):
    wrapped = len(totals) == 1 and nested and not any(totals.values())  # `_on_sizes` says what to do
    if len(totals) < 2 and not wrapped:
        yield "one_class" if totals else "no_class", "(all)", {"name": naming.shown("".join(totals))}
    similar = defaultdict(list)
    for name in totals:
        similar["".join(unicodedata.normalize("NFKC", name).casefold().split())].append(name)
        if naming.stored_name(name) != name:
            yield "odd_name", naming.shown(name), {"stored": naming.stored_name(name)}
    if len(splits := {_split_of(name) for name in totals} - {None}) > 1:
        yield "splits_for_classes", ", ".join(sorted(totals)), {"splits": " and ".join(sorted(splits))}
    for names in similar.values():
        if len(names) > 1:
            yield "similar_names", ", ".join(map(repr, names)), {}


def _on_sizes(counts, totals, nested):
    for split, classes in counts.items():
        for name, number in classes.items():
            about = naming.shown(f"{split}/{name}" if split else name)
            if number == 0:
                yield "only_folders" if (split, name) in nested else "empty", about, {}
            elif not split and number < LEAST_IN_CLASS:
                yield "too_few_to_split", about, {"pictures": _pictures(number), "least": LEAST_IN_CLASS}
            elif not split and number < FEW_IN_CLASS:
                tested = _pictures(max(1, round(number / 4)))
                yield "few", about, {"pictures": _pictures(number), "tested": tested, "least": FEW_IN_CLASS}
    if len(totals) > 1 and max(totals.values()) >= UNEQUAL * max(1, min(totals.values())):
        most, least = max(totals, key=totals.get), min(totals, key=totals.get)
        both = {key: f"{naming.shown(name)} {totals[name]}" for key, name in (("most", most), ("least", least))}
        yield "unequal", "(all)", both


def _on_splits(counts):
    known = sorted(set().union(*counts.values()))
    for split in SPLITS if "" not in counts else ():
        if split not in counts:
            others = "the others" if split == "train" else "'train'"
            yield "split_missing", split, {"others": others, "splits": ", ".join(SPLITS)}
        elif missing := [naming.shown(name) for name in known if name not in counts[split]]:
            yield "classes_missing", split, {"names": ", ".join(missing)}


def _pictures(number):
    return "1 picture" if number == 1 else f"{number} pictures"
