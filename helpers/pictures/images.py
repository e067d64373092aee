"""Pictures as tf.data or arrays: the bundled sets, the flowers, or a folder of one's own.

Whatever the source, its pictures end up in a folder ``split/class/file`` of the cache, and are read from there with
`keras.utils.image_dataset_from_directory`.
"""

import contextlib
import functools
import hashlib
import json
import numbers
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import tensorflow as tf

from helpers import assets, storage
from helpers.measuring import evaluation
from helpers.network import inspection
from helpers.pictures import dealing, fitting, folders, look_alikes, naming, opening, report
from helpers.pictures.listing import existing, listed

SPLITS = dealing.SPLITS
LARGEST_SIDE = opening.LARGEST_SIDE
TOLD = set()  # entries of which this kernel was told what is left out
LEFT_OUT = "left_out.json"  # in a cached folder: which files were left out, and why; which are stored where
NAMED = 10  # files that are named; of more, the number is said

FLOWERS_URL = "https://storage.googleapis.com/download.tensorflow.org/example_images/flower_photos.tgz"
# As recorded by TensorFlow Datasets for tf_flowers.
FLOWERS_SHA256 = "4c54ace7911aaffe13a365c34f650e71dd5bf1be0a58b464e5a7183e3e595d9c"


@dataclass(frozen=True)
class ImageSets:
    """Three splits of one collection of pictures."""

    name: str
    folder: Path  # holds train, validation and test, each with one folder a class
    class_names: tuple  # of str, sorted; a label is an index into it
    image_size: tuple  # height and width in pixels to which pictures are resized
    batch_size: int = 32
    seed: int = 0  # decides the order of `train`
    fit: str = "stretch"  # what becomes of the shape of a picture: `helpers.pictures.fitting.check_fit`

    @functools.cached_property
    def train(self):
        """Training pictures, another order on every pass: float32 (n, h, w, 3) in 0..255, int32 (n,)."""
        return self._dataset("train", shuffle=True)

    @functools.cached_property
    def validation(self):
        """Validation pictures in the order of `files`."""
        return self.in_order("validation")

    @functools.cached_property
    def test(self):
        """Test pictures in the order of `files`."""
        return self.in_order("test")

    def in_order(self, split):
        """Return a split as tf.data in the order of `files`, the same on every pass."""
        return self._dataset(split, shuffle=False)

    def arrays(self, split):
        """Return a whole split in the order of `files`: pixels 0..255, float32 (n, h, w, 3), and labels, int32 (n,)."""
        pixels, labels = zip(*self.in_order(split).as_numpy_iterator(), strict=True)
        return np.concatenate(pixels), np.concatenate(labels)

    def _dataset(self, split, shuffle):
        if not self.folder.is_dir():
            raise ValueError(f"The copy of {self.name!r} in the cache was cleared: load it again with images.load.")
        if split not in SPLITS:
            raise ValueError(f"There is no split {split!r}: expected one of {', '.join(map(repr, SPLITS))}.")
        read = keras.utils.image_dataset_from_directory(
            self.folder / split,
            class_names=list(self.class_names),
            image_size=self.image_size,
            interpolation=fitting.INTERPOLATION,
            crop_to_aspect_ratio=self.fit == "crop",
            batch_size=self.batch_size,
            shuffle=shuffle,
            seed=self.seed,
            verbose=False,
        )
        names, paths = read.class_names, read.file_paths
        if self.fit == "pad":
            read = self._padded(paths, shuffle)
        # The autotuner sleeps for longer and longer, and the end of a pass waits until it wakes: with a slow consumer
        # such as a trunk, a pass took up to one and a half times as long.
        options = tf.data.Options()
        options.autotune.enabled = False
        clipped = read.map(lambda pictures, labels: (keras.ops.clip(pictures, 0, 255), labels))  # bicubic overshoots
        dataset = clipped.with_options(options)
        dataset.class_names, dataset.file_paths = names, paths
        return dataset

    def _padded(self, paths, shuffle):
        """Return pictures padded as `keras.layers.Resizing` pads them; Keras's own loader does it otherwise."""
        labels = [self.class_names.index(Path(path).parent.name) for path in paths]
        files = tf.data.Dataset.from_tensor_slices((paths, tf.constant(labels, "int32")))
        if shuffle:
            files = files.shuffle(len(paths), seed=self.seed)

        def read(path, label):
            picture = tf.image.decode_png(tf.io.read_file(path), channels=3)
            picture = tf.ensure_shape(fitting.resized(tf.cast(picture, "float32"), self.image_size, "pad"), self._shape)
            return picture, label

        return files.map(read).batch(self.batch_size)

    @property
    def _shape(self):
        return (*self.image_size, 3)

    def files(self, split):
        """Return the paths of a split's pictures, in the order of `in_order`."""
        return [Path(path) for path in self.in_order(split).file_paths]

    def series(self, split):
        """Return the number of each picture's series, int64 (n,), in the order of `files`.

        Pictures of one series belong together (near copies, a burst, a group of the table of labels), as
        `sklearn.model_selection.StratifiedGroupKFold` takes them. A picture that is in none has a number of its own.
        """
        files, known = self.files(split), _left_out(self.folder).get("series", {})
        own = {path: known.get(path.relative_to(self.folder).as_posix(), -1) for path in files}
        names = [f"series {own[path]}" if own[path] >= 0 else str(path) for path in files]
        return np.unique(names, return_inverse=True)[1]

    def counts(self):
        """Return how many pictures there are: a table with a row for each class and a column for each split."""
        table = pd.DataFrame(
            {split: [len(_pictures_in(self.folder / split / name)) for name in self.class_names] for split in SPLITS},
            index=pd.Index(self.class_names, name="class"),
        )
        table.attrs["caption"] = "Pictures of each class"
        return table

    def fingerprint(self, split):
        """Return a digest of what `in_order` will give: the files' bytes and names, the size, the resizing."""
        shape = () if self.fit == "stretch" else (self.fit,)
        seen = (self.class_names, self.image_size, fitting.INTERPOLATION, "clipped", *shape)
        digest = hashlib.sha256(repr(seen).encode())
        files = self.files(split)
        digests = storage.digests(files)
        for path in files:
            digest.update(f"{path.parent.name}/{path.name} {digests.get(path)}".encode())
        return digest.hexdigest()


def load(source, image_size=96, batch_size=32, per_class=None, seed=0, on_bad="raise", fit="stretch"):
    """Load a collection of pictures in three splits.

    Parameters
    ----------
    source : str or path
        ``"animals"`` or ``"emoji"`` (bundled), ``"flowers"`` (fetched on request, 229 MB), or a folder of one's own:
        either ``class/picture``, each class split 60 : 15 : 25, or ``train|validation|test/class/picture``. Or a table
        of labels beside the pictures (CSV): columns file and label, perhaps group and split. Pictures that belong
        together (near copies, bursts, groups) go into one split.
    image_size : int or (int, int)
        Side, or height and width, in pixels; at least 32.
    batch_size : int
        Pictures in a batch.
    per_class : int or dict of str to int, optional
        How many pictures of each class to draw from the training split, or from each split named,
        e.g. ``{"train": 40, "test": 80}``. A smaller draw with the same seed lies within a larger one.
    seed : int
        Decides the order of the training pictures, the draw, and the split of a folder without splits.
    on_bad : {"raise", "skip"}
        What to do with files of a folder that cannot be used (`helpers.pictures.examine` says why: no picture, might
        do harm, in two classes): raise an error that names them, or leave them out and print their names.
        Of copies within one class, one is kept either way, so that no picture is in two splits.
    fit : {"stretch", "crop", "pad"}
        What becomes of a picture whose shape is another than `image_size`: all of it with its shape changed, the middle
        of it, or all of it on black.

    Returns an `ImageSets`. Raises ValueError when the source is unknown, no model can be trained on the folder (the
    message says what to do), a file cannot be used, or a number is too small; `helpers.storage.StorageError` when a
    bundled archive is missing or altered, or the cache cannot be written to; ConnectionError without the flowers.
    """
    size = inspection.check_image_size(image_size)
    batch_size, seed = evaluation.check_whole(batch_size, "batch_size", 1), evaluation.check_whole(seed, "seed", 0)
    if on_bad not in ("raise", "skip"):
        raise ValueError(f"on_bad={on_bad!r}: expected 'raise' or 'skip'.")
    fitting.check_fit(fit)
    own = existing(source)
    name = source if isinstance(source, str) else ""
    if name in assets.COLLECTIONS:
        folder = assets.unpacked(assets.COLLECTIONS[name])
    elif name == "flowers":
        folder = _prepared(_flowers(), seed, "skip")  # not the learner's to fix
    elif own:
        name, folder = (own if own.is_dir() else own.parent).resolve().name, _prepared(own, seed, on_bad)
    else:
        known = ", ".join(map(repr, [*assets.COLLECTIONS, "flowers"]))
        raise ValueError(f"No data set and no folder is called {str(source)!r}. Take {known}, or the path of a folder.")
    if per_class is not None:
        folder = _drawn(folder, per_class if isinstance(per_class, dict) else {"train": per_class}, seed)
    class_names = tuple(sorted(path.name for path in (folder / "train").iterdir()))
    return ImageSets(name, folder, class_names, size, batch_size, seed, fit)


def load_five(collection, at_most, image_size=96, batch_size=32):
    """Load a collection of five classes for a lesson, with equally many pictures of each class.

    Parameters
    ----------
    collection : str or path
        As the `source` of `load`; it has five classes.
    at_most : dict of str to int
        How many pictures of each class to draw from the splits named, e.g. ``{"train": 40, "test": 80}``. Where the
        smallest class has fewer, each class gives as many as that one has, and one line says so.
    image_size, batch_size
        As in `load`.

    Returns an `ImageSets`; files that cannot be used are left out, and named. Raises ValueError when there are not five
    classes, and what `load` raises.
    """
    whole = load(collection, image_size, batch_size, on_bad="skip")
    if len(whole.class_names) != 5:
        names = ", ".join(map(repr, whole.class_names[:NAMED]))
        raise ValueError(
            f"This lesson needs five classes, and {whole.name!r} has {len(whole.class_names)}: {names}. Take a folder "
            "that holds five folders of pictures, one for each class, or 'animals', or 'flowers'."
        )
    _check_draw(at_most)
    smallest = whole.counts().min()
    drawn = {split: min(number, int(smallest[split])) for split, number in at_most.items()}
    if fewer := [
        f"{drawn[split]} {split} pictures, not {at_most[split]}" for split in drawn if drawn[split] < at_most[split]
    ]:
        print(f"The smallest class has fewer pictures than this lesson takes. Of each class: {', '.join(fewer)}.")
    return load(collection, image_size, batch_size, drawn, on_bad="skip")


def _check_draw(per_class):
    for split, number in per_class.items():
        whole = isinstance(number, numbers.Integral) and not isinstance(number, bool)
        if split not in SPLITS or not whole or number < 1:
            raise ValueError(
                f"per_class has {split!r}: {number!r}: expected whole numbers of at least 1 "
                f"for some of {', '.join(SPLITS)}."
            )


def _drawn(folder, per_class, seed):
    """Return a cached folder: seeded draws of the splits that `per_class` names, the other splits whole."""
    _check_draw(per_class)
    label = "-".join(f"{split}{per_class[split]}" for split in SPLITS if split in per_class)
    chosen = []
    for split in SPLITS:
        for inside in sorted((folder / split).iterdir()):
            paths = _pictures_in(inside)
            wanted = per_class.get(split, len(paths))
            if wanted > len(paths):
                raise ValueError(
                    f"per_class asks for {wanted} {split} pictures of {inside.name!r}, but there are {len(paths)}."
                )
            chosen += [paths[index] for index in np.random.default_rng(seed).permutation(len(paths))[:wanted]]

    def copy(target):
        for path in chosen:
            copied = target / path.relative_to(folder)
            copied.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copied)

    return storage.kept(storage.cache_folder("draws") / f"{folder.name}-{label}-seed{seed}", copy)


def _flowers():
    home = storage.cache_folder("downloads")
    try:
        path = keras.utils.get_file(
            origin=FLOWERS_URL, file_hash=FLOWERS_SHA256, hash_algorithm="sha256", cache_dir=home, extract=True
        )
    except Exception as error:  # Keras wraps every failure of the connection in a bare Exception
        raise ConnectionError(
            "The flowers could not be fetched (229 MB; they are not shipped with the course). Connect to the internet "
            f"and call again, or take images.load('animals'), which needs no connection. Reason: {error}"
        ) from error
    return next(Path(path).rglob("daisy")).parent


def _pictures_in(folder):
    return sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))


def _prepared(own, seed, on_bad):
    """Return a cached folder ``split/class/picture.png`` made from a folder of one's own, or from a table of labels.

    Its name depends on the path and on what was in the folder. Where that changed, only new files are decoded, and what
    the same folder and seed left before is cleared: its `ImageSets` have to be loaded again.
    """
    home, place = storage.cache_folder("own"), _key(own.resolve())
    kept = f"{place}-{_key(seed, LARGEST_SIDE, 'three series')}"
    for _ in range(3):
        listing = listed(own)
        folder = listing.folder
        _check(folder, folders.obstacles(listing), listing.bad)  # before any picture is read
        digest = listing.digest()
        entry = home / f"{kept}-{digest[:24]}"
        before = sorted(home.glob(f"{place}-*"), key=lambda path: path.stat().st_mtime)[-1:]
        with contextlib.suppress(_ChangedMeanwhileError):
            storage.kept(entry, lambda target: _decode(own, listing, digest, seed, target, before))  # noqa: B023
            break
    else:
        raise ValueError(f"{own} changed while it was read. Wait until its files are written, then load it again.")
    for old in set(home.glob(f"{kept}-*")) - {entry}:
        for path in (old, *storage.cache_folder("draws").glob(f"{old.name}-*")):
            shutil.rmtree(path, ignore_errors=True)
    left_out = _left_out(entry)
    bad = left_out["bad"]
    if bad and on_bad == "raise":
        raise ValueError(f"{_in_words(bad, folder)} Remove them, or load the rest with on_bad='skip'.")
    if entry not in TOLD:
        TOLD.add(entry)
        if bad:
            print(f"Left out {naming.counted(len(bad), 'file')} that cannot be used: {_some(list(bad))}.")
        if left_out["copies"]:
            print(f"Left out {left_out['copies']}.")
        print("Small copies of the pictures, without place or date, are in the cache: swap-the-head where.")
    return entry


def _left_out(entry):
    """Return what is noted of a cached folder: {} for one that was not made from a folder of one's own."""
    path = entry / LEFT_OUT
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


class _ChangedMeanwhileError(Exception):
    """What was decoded may not be what was looked at."""


def _key(*parts):
    return hashlib.sha256(repr(tuple(map(str, parts))).encode("utf-8", "surrogatepass")).hexdigest()[:12]


def _some(names):
    more = f" and {len(names) - NAMED:,} more (pictures.examine lists all)" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more


def _check(folder, obstacles, bad, copies=()):
    """Raise ValueError with all that stands in the way of training, and what is left out: that may be why."""
    if obstacles:
        said = [f"No model can be trained on {folder} as it is. {'. '.join(obstacles)}."]
        said += [_in_words(_named(bad, folder), folder)] if bad else []
        said += [f"{naming.counted(len(copies), 'picture')} are left out as copies of others."] if copies else []
        raise ValueError(" ".join(said))


def _named(bad, folder):
    return {naming.shown(path.relative_to(folder)): reason for path, reason in bad.items()}


def _in_words(bad, folder):
    listed = _some([f"{name} ({reason})" for name, reason in bad.items()])
    return f"{naming.counted(len(bad), 'file')} in {folder} cannot be used as pictures: {listed}."


def _free(path):
    """Return a path, numbered where it is taken: a table may give pictures of one name in several folders one class."""
    number = 1
    while path.exists():
        path, number = path.with_name(f"{path.stem}-{number}{path.suffix}"), number + 1
    return path


def _decode(source, listing, digest, seed, target, before):
    """Decode a folder's pictures once, and write them and the list of what is left out into `target`.

    Those that the entries `before` hold unchanged are taken from there.
    """
    folder, digests, waiting = listing.folder, listing.digests(), target / "waiting"
    waiting.mkdir(parents=True)
    decoded, marks, stored = {}, {}, {}

    def free(path):
        return decoded.setdefault(path, waiting / f"{len(decoded)}.png")

    for entry in before:
        for path, (picture, mark) in _remembered(entry, folder, digests).items():
            with contextlib.suppress(OSError):  # no links on this disk, or cleared meanwhile: decoded again
                os.link(picture, free(path))
                marks[path] = mark

    def keep(path, picture, mark):
        picture.save(free(path), compress_level=1)  # 3 % larger than at Pillow's usual level, in a quarter of the time
        marks[path] = mark

    found, series = folders.examine(source, keep, marks, seed), {}
    _check(folder, found.obstacles, found.bad, found.copies)
    for split, classes in found.dealt.items():
        for name, paths in classes.items():
            inside = target / split / naming.stored_name(name)
            inside.mkdir(parents=True)
            for path in paths:
                picture = decoded[path].rename(_free(inside / f"{naming.stored_name(path.name)}.png"))
                place = picture.relative_to(target).as_posix()
                stored[path.relative_to(folder).as_posix()] = digests.get(path), place, marks[path]
                series |= {place: found.series[path]} if path in found.series else {}
    shutil.rmtree(waiting)
    left_out = {"bad": _named(found.bad, folder), "stored": stored, "series": series}
    left_out["copies"] = report.copies_in_words(found) if found.copies else ""
    (target / LEFT_OUT).write_text(json.dumps(left_out), encoding="utf-8")
    if listed(source).digest() != digest:
        raise _ChangedMeanwhileError


def _remembered(entry, folder, digests):
    """Return path → its picture in an earlier entry and its mark, where file and picture are unchanged."""
    try:
        stored = json.loads((entry / LEFT_OUT).read_text(encoding="utf-8"))["stored"]
        whole = json.loads((entry / storage.CHECKSUMS).read_text(encoding="utf-8"))
        found = {path: stored[name] for path in digests if (name := path.relative_to(folder).as_posix()) in stored}
        return {
            path: (entry / place, look_alikes.Mark(*mark[:2], mark[2] and tuple(mark[2])))
            for path, (digest, place, mark) in found.items()
            if digest == digests[path]
            and len(mark) == 3
            and storage.sha256(entry / place) == whole[Path(place).as_posix()][-1]
        }
    except (OSError, ValueError, LookupError, TypeError):  # damaged, or cleared meanwhile
        return {}
