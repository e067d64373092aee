"""The intake of a learner's own pictures: from a folder or an upload to a report of what can be used.

`examine` decodes every picture once and says what it found and did; `helpers.pictures.images.load` goes by its report,
so that what is shown here is what is trained on.
"""

import hashlib
import html
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import tqdm.auto

from helpers import storage
from helpers.pictures import collection, look_alikes, naming, opening
from helpers.pictures.opening import PictureError, open_picture
from helpers.pictures.practice import practice
from helpers.pictures.uploads import UploadError, from_upload

__all__ = [
    "PictureError",
    "Report",
    "UploadError",
    "class_folders",
    "examine",
    "from_upload",
    "has_splits",
    "open_picture",
    "practice",
]

MOST_FILES = 20_000


@dataclass(frozen=True, eq=False)
class Report:
    """What `examine` found in a folder, and what becomes of it. Shows itself as a table.

    Attributes
    ----------
    folder : pathlib.Path
    table : pandas.DataFrame
        A row a finding: ``file`` (within the folder; a class, or "(all)", for what concerns more than a file),
        ``found`` (what it is), ``done`` (what was done about it, or what there is to do).
    good : dict of str to list of pathlib.Path
        Class name to the pictures that can be used; each picture once.
    bad : dict of pathlib.Path to str
        Files that cannot be used, and why.
    copies : dict of pathlib.Path to pathlib.Path
        Pictures left out because the same one is kept, and the one that is.
    obstacles : tuple of str
        What makes training impossible as the folder stands; empty when there is nothing.
    digests : dict of pathlib.Path to str
        SHA-256 of every file that was decoded.
    """

    folder: Path
    table: pd.DataFrame
    good: dict
    bad: dict
    copies: dict
    obstacles: tuple
    digests: dict

    @property
    def counts(self):
        """Pictures of each class that can be used: dict of str to int."""
        return {name: len(paths) for name, paths in self.good.items()}

    @property
    def usable(self):
        """Whether a model can be trained on the folder as it stands."""
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
        with pd.option_context("display.max_colwidth", None):
            table = self.table.to_string(index=False, justify="left") if len(self.table) else "Nothing to report."
        return f"{table}\n\n{self.summary()}"

    def _repr_html_(self):
        with pd.option_context("display.max_colwidth", None):
            table = self.table.to_html(index=False, justify="left") if len(self.table) else "<p>Nothing to report.</p>"
        return table + "".join(f"<p>{html.escape(line)}</p>" for line in self.summary().splitlines())


def examine(folder, most_files=MOST_FILES, keep=None):
    """Decode every picture of a folder once, and report what can be used; nothing in the folder is changed.

    Parameters
    ----------
    folder : path
        ``class/picture`` or ``train|validation|test/class/picture``. Hidden files are passed over.
    most_files : int
        Refuse a folder with more files, such as a whole home folder given by mistake.
    keep : callable, optional
        Takes the path and the decoded picture of each file that is one.

    Returns
    -------
    Report

    Raises
    ------
    ValueError
        When `folder` is no folder, or holds more than `most_files` files.
    """
    folder = Path(folder).expanduser()
    if not folder.is_dir():
        advice = " Unpack an archive first, with your own system, and give the folder." if folder.is_file() else ""
        raise ValueError(f"{folder} is no folder: expected one with a folder of pictures for each class.{advice}")
    examined = _Examined(folder)
    _check_number(folder, len(examined.files), most_files)
    for path in tqdm.auto.tqdm(list(examined.files), desc="examining", unit="file", leave=False, delay=1):
        examined.look_at(path, keep)
    examined.compare()
    return examined.report()


def class_folders(folder):
    """Return the classes of a folder: name → everything in that class's folder but hidden files, sorted.

    Hidden folders and those beginning with ``__`` are no classes, nor are links that lead out of `folder`.
    """
    folder = Path(folder)
    return {
        place.name: sorted(path for path in place.iterdir() if not path.name.startswith("."))
        for place in _places_in(folder)
        if place.is_dir() and not _leads_out(place, folder)
    }


def contents(folder):
    """Return a digest of all that decides what `examine` says of a folder: the names in it and the files' bytes."""
    folder = Path(folder)
    splits = [folder / split for split in collection.SPLITS] if has_splits(folder) else []
    places = [folder, *(split for split in splits if split.is_dir())]
    paths = [path for place in places for path in _places_in(place)]
    paths += [path for place in places for inside in class_folders(place).values() for path in inside]
    _check_number(folder, len(paths), MOST_FILES)
    small = storage.digests(path for path in paths if _may_be_a_picture(path))  # the others are refused unread
    listed = [(path.relative_to(folder).as_posix(), small.get(path, "")) for path in paths]
    return hashlib.sha256(repr(sorted(listed)).encode("utf-8", "surrogatepass")).hexdigest()


def _may_be_a_picture(path):
    return path.is_file() and not path.is_symlink() and path.stat().st_size <= opening.MOST_BYTES


def _check_number(folder, number, most):
    if number > most:
        raise ValueError(
            f"{folder} holds {number:,} files, expected at most {most:,}. "
            "Give the folder that holds the class folders, and no more pictures than you need."
        )


def has_splits(folder):
    """Return whether a folder comes as ``train|validation|test/class/picture``.

    A folder ``train`` with pictures right inside is a class of railway trains.
    """
    folder = Path(folder)
    return (folder / "train").is_dir() and bool(class_folders(folder / "train"))


def _places_in(folder):
    return sorted(path for path in folder.iterdir() if not path.name.startswith((".", "__")))


def _leads_out(place, folder):
    return place.is_symlink() and not place.resolve().is_relative_to(folder.resolve())


class _Examined:
    """What is known of a folder so far: `examine` lets it grow."""

    def __init__(self, folder):
        self.folder = folder
        self.rows, self.bad, self.copies = [], {}, {}
        self.digests, self.fingerprints, self.sketches = {}, {}, {}
        self.splits = [""]
        if has_splits(folder):
            self.splits = [split for split in collection.SPLITS if (folder / split).is_dir()]
        self.files, self.counts = {}, {}  # path → (split, class); split → class → pictures that can be used
        for split in self.splits:
            classes = class_folders(folder / split)
            self.counts[split] = dict.fromkeys(classes, 0)
            self.files |= {path: (split, name) for name, paths in classes.items() for path in paths}
            self._say_what_is_no_class(folder / split)

    def _name(self, path):
        return naming.shown(path.relative_to(self.folder).as_posix())

    def _say_what_is_no_class(self, place):
        for path in _places_in(place):
            if path.is_dir() and _leads_out(path, place):
                self.bad[path] = "a link that leads out of the folder"
                self.rows.append((self._name(path), self.bad[path], "refused"))
            elif not path.is_dir():
                self.rows.append((self._name(path), "a file beside the class folders", "left out"))

    def look_at(self, path, keep):
        try:
            opened = opening.opened(path, self.folder)
        except PictureError as error:
            self.bad[path] = error.reason
            self.rows.append((self._name(path), error.reason, "refused" if error.refused else "left out"))
            return
        self.digests[path] = opened.digest
        self.fingerprints[path] = look_alikes.fingerprint(opened.picture)
        self.sketches[path] = look_alikes.sketch(opened.picture)
        if keep:
            keep(path, opened.picture)
        self.rows += [(self._name(path), *note) for note in opened.notes]

    def compare(self):
        for paths in look_alikes.groups(self.fingerprints):
            if len({self.files[path][1] for path in paths}) > 1:
                self._contradict(paths)
                continue
            # A test keeps its pictures; of "IMG_7.png" and "IMG_7 copy.png" the first is kept.
            kept = max(paths, key=lambda path: (self.splits.index(self.files[path][0]), -len(path.name)))
            for path in paths:
                if path != kept:
                    self.copies[path] = kept
                    self.rows.append((self._name(path), f"the same picture as {self._name(kept)}", "left out"))
        kept = {path: drawn for path, drawn in self.sketches.items() if path not in self.bad | self.copies}
        for path, twin in look_alikes.look_alikes(kept).items():
            found = f"looks much like {self._name(twin)}"
            self.rows.append((self._name(path), found, "kept; of two shots of one scene, delete one"))

    def _contradict(self, paths):
        for path in paths:
            twin = next(other for other in paths if self.files[other][1] != self.files[path][1])
            self.bad[path] = f"the same picture as {self._name(twin)}, in another class"
            self.rows.append((self._name(path), self.bad[path], "left out, both; keep it in the right class"))

    def report(self):
        good = {name: [] for classes in self.counts.values() for name in sorted(classes)}
        for path, (split, name) in self.files.items():
            if path not in self.bad and path not in self.copies:
                good[name].append(path)
                self.counts[split][name] += 1
        judged = collection.judged(self.counts)
        table = pd.DataFrame([*self.rows, *(row[:3] for row in judged)], columns=["file", "found", "done"])
        obstacles = tuple(f"{about}: {found}; {done}" for about, found, done, blocks in judged if blocks)
        return Report(self.folder, table, good, self.bad, self.copies, obstacles, self.digests)
