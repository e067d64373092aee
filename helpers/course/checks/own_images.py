"""Checks of notebook 10: a folder from others, a split that keeps series together, a map put to the test."""

import shutil
import tempfile
from pathlib import Path

import keras
import numpy as np
from PIL import Image

from helpers.course.checks import probes
from helpers.course.checks.exercise import Refusal, StillBlank, describe, exercise, gives
from helpers.pictures import folders
from helpers.saving import explain

NOTEBOOK = "10_your_own_images"
CLASSES = 3
CLOSE = 0.003  # of a number


def photo():
    """Return a picture of coarse spots with fine grain, higher than wide; where two spots meet, resizing overshoots."""
    generator = np.random.default_rng(48)
    colours = generator.choice([0, 60, 200, 255], (6, 5, 3)).astype(np.uint8)
    spots = Image.fromarray(colours).resize((50, 64), Image.Resampling.NEAREST)
    grain = generator.integers(-40, 41, (64, 50, 3))
    return Image.fromarray(np.clip(np.asarray(spots) + grain, 0, 255).astype(np.uint8))


KINDS = {
    "plain.png": "a plain one",
    "turned.jpg": "one that its EXIF data turn",
    "transparent.png": "one with transparent parts",
}


def saved(folder, kind):
    """Save `photo` in a folder as a file of this kind, and return its path."""
    picture, exif = photo(), Image.Exif()
    if kind == "turned.jpg":
        exif[0x0112] = 6  # orientation: the camera was held on its side
    if kind == "transparent.png":
        picture.putalpha(Image.fromarray(np.repeat([[0], [255]], 32, axis=0).astype(np.uint8)).resize((50, 64)))
    picture.save(folder / kind, exif=exif, quality=95)
    return folder / kind


@gives
def friends_report():
    """Make a friend's folder of bees and wasps, of coarse spots, and return what `folders.examine` finds in it."""
    with tempfile.TemporaryDirectory() as folder:
        return folders.examine(_friends_folder(folder))


def _friends_folder(folder):
    folder = Path(folder)
    bee, wasp = folder / "bee", folder / "wasp"
    for number, insects in enumerate((bee, wasp)):
        insects.mkdir()
        for index in range(24):
            _spots(100 * number + index).save(insects / f"IMG_{index + 1:04d}.png")
    brighter = np.clip(np.asarray(_spots(11), "float32") * 0.9 + 20, 0, 255).astype(np.uint8)
    Image.fromarray(brighter).save(bee / "IMG_0013.png")  # in place of another: the next shot of number 12
    saved(bee, "turned.jpg").rename(bee / "phone.jpg")
    photo().convert("L").save(wasp / "scan.png")
    _spots(300).save(bee / "garden.jpg")
    (bee / "garden.jpg").write_bytes((bee / "garden.jpg").read_bytes()[:-300])
    (bee / "invoice.jpg").write_bytes(b"%PDF-1.4\n" + bytes(range(200)))
    _spots(301).resize((8, 8)).save(wasp / "stamp.png")
    shutil.copyfile(wasp / "IMG_0003.png", wasp / "IMG_0003 copy.png")
    _spots(302).save(bee / "nest.png")
    _spots(302).save(wasp / "nest.png")
    return folder


def _spots(seed):
    generator = np.random.default_rng([59, seed])
    return Image.fromarray(generator.integers(0, 256, (6, 6, 3), dtype=np.uint8)).resize((48, 48))


UNUSABLE = {"bee/garden.jpg", "bee/invoice.jpg", "wasp/stamp.png"}
COPIES, TWO_CLASSES = {"wasp/IMG_0003.png", "wasp/IMG_0003 copy.png"}, {"bee/nest.png", "wasp/nest.png"}
ONE_SCENE = {"bee/IMG_0012.png", "bee/IMG_0013.png"}


@exercise(NOTEBOOK)
def clean_folder(answer):
    """Judge which files of the folder of `friends_report` are to be deleted."""
    with tempfile.TemporaryDirectory() as folder:
        known = {path.relative_to(folder).as_posix() for path in _friends_folder(folder).glob("*/*")}
    files = probes.collection([answer] if isinstance(answer, Path) else answer, known)
    files = probes.names(["/".join(file.parts[-2:]) if isinstance(file, Path) else file for file in files], known)
    left = UNUSABLE.union(*(pair for pair in (COPIES, TWO_CLASSES) if not pair & files)) - files
    if left:
        raise Refusal("unusable-left", count=len(left))
    if not ONE_SCENE & files:
        raise Refusal("one-scene-twice")
    lost = sorted(files - UNUSABLE.union(COPIES, TWO_CLASSES, ONE_SCENE))
    if lost:
        raise Refusal("sound-one-lost", file=lost[0])
    for pair in (COPIES, ONE_SCENE):
        if pair <= files:
            raise Refusal("both-lost", files=" and ".join(map(repr, sorted(pair))))


# For each zoo the sizes of its classes' series; the pictures come shuffled. One series holds most of the last zoo.
ZOOS = (((5, 5, 5), (5, 5, 5)), ((9, 2, 2, 4), (1, 8, 3), (4, 4, 4, 4)), ((60, 3, 3), (2, 2, 9), (5, 5, 5)))


def _zoo(sizes, seed):
    rows = [
        (label, f"day {label} {number}")
        for label, of_class in enumerate(sizes)
        for number, size in enumerate(of_class)
        for _ in range(size)
    ]
    rows = [rows[index] for index in np.random.default_rng(seed).permutation(len(rows))]
    labels, series = zip(*rows, strict=True)
    return np.array(labels), np.array(series)


@exercise(NOTEBOOK)
def keep_series_together(answer):
    """Judge a function that deals pictures into three parts, each series whole and each class in each part."""
    for seed, sizes in enumerate(ZOOS):
        labels, series = _zoo(sizes, seed)
        returned = probes.called(answer, labels.copy(), series.copy())
        parts = probes.array(returned)
        if parts.shape != labels.shape:
            raise Refusal("no-part-for-each", returned=describe(returned), number=len(labels))
        if not set(parts.tolist()) <= {0, 1, 2}:
            raise Refusal("other-parts", found=", ".join(map(str, sorted(set(parts.tolist()))[:5])))
        for name in np.unique(series):
            if len(set(parts[series == name].tolist())) > 1:
                raise Refusal("series-divided", series=str(name))
        for label in np.unique(labels):
            if len(set(parts[labels == label].tolist())) < 3:
                raise Refusal("class-missing", label=int(label))


# Labels and what was said of them: unequal classes, one of them never said; equal classes; five classes; a class that
# is said more often than the largest.
TESTS = (
    ([0] * 9 + [1] * 3 + [2] * 2, [0] * 8 + [1] + [1, 1, 0] + [0, 0]),
    ([1, 0, 1, 0, 1, 0], [1, 1, 1, 0, 0, 0]),
    ([4, 4, 4, 4, 4, 3, 3, 2, 1, 0], [4, 4, 3, 4, 0, 3, 4, 2, 4, 4]),
    ([0, 0, 0, 0, 0, 1, 1, 1, 2], [0, 1, 1, 1, 0, 1, 1, 2, 2]),
)


@exercise(NOTEBOOK)
def count_fairly(answer):
    """Judge a function that gives the share of right answers, the mean recall, and what guessing gets of each."""
    for labels, said in map(np.array, TESTS):
        returned = probes.called(answer, labels.copy(), said.copy())
        if isinstance(returned, list | tuple) and any(number is ... for number in returned):
            raise StillBlank
        row = probes.array(returned)
        if row.shape != (4,):
            raise Refusal("no-four-numbers", returned=describe(returned))
        if np.isnan(row).any():
            raise Refusal("not-a-number", numbers=_rounded(row), labels=labels.tolist())
        sizes, times_said = np.bincount(labels), np.bincount(said, minlength=labels.max() + 1)
        right = np.bincount(labels[labels == said], minlength=len(sizes))
        wanted = np.mean(labels == said), sizes.max() / len(labels), np.mean(right / sizes), 1 / len(sizes)
        if np.allclose(row, wanted, atol=CLOSE):
            continue
        if row.max() > 1 + CLOSE:
            raise Refusal("more-than-1", numbers=_rounded(row))
        first = next(place for place in range(4) if abs(row[place] - wanted[place]) > CLOSE)
        precision = np.mean(np.divide(right, times_said, out=np.zeros(len(sizes)), where=times_said > 0))
        weighted = np.sum(right / sizes * sizes / sizes.sum())
        number = f"{row[first]:.3g}"

        def is_(place, other, first=first, row=row):
            return first == place and abs(row[place] - other) < CLOSE

        if is_(1, wanted[3]):
            raise Refusal("classes-count-the-same", number=number)
        if is_(1, times_said.max() / len(said)):
            raise Refusal("most-said", number=number)
        if is_(2, precision):
            raise Refusal("precision", number=number)
        if is_(2, weighted):
            raise Refusal("weighted-by-size", number=number)
        if is_(3, wanted[1]):
            raise Refusal("largest-class", number=number)
        place = ("first", "second", "third", "fourth")[first]
        labels, said, right = labels.tolist(), said.tolist(), f"{wanted[first]:.3g}"
        raise Refusal("wrong-number", place=place, number=number, wanted=right, labels=labels, said=said)


def _rounded(row):
    return ", ".join(f"{number:.3g}" for number in row)


def _stripes_and_spots():
    """Return a model that weighs each place of a picture, a picture, and a map of where it looks.

    Where the brightest ninth is covered, another class is more probable than the one that was said.
    """
    generator = np.random.default_rng(71)
    side, pixels = 18, keras.Input((18, 18, 3))
    last = keras.layers.Dense(CLASSES, activation="softmax")
    model = keras.Model(pixels, last(keras.layers.Flatten()(keras.layers.Rescaling(1 / 255)(pixels))))
    picture = generator.uniform(40, 90, (side, side, 3)).astype("float32")
    picture[6:12, 12:], picture[:6, :6] = 220, 200
    kernel = np.zeros((side, side, 3, CLASSES))
    kernel[6:12, 12:, :, 1], kernel[:6, :6, :, 1] = 0.03, 0.008
    last.set_weights([kernel.reshape(-1, CLASSES), np.array([0, 0, 2.3])])
    heat = np.full((side, side), 0.4, "float32")
    heat[6:12, 12:], heat[:6, :6] = 1.0, 0.1
    return model, picture, heat


@exercise(NOTEBOOK)
def put_map_to_the_test(answer):
    """Judge a function that says how many times as much the brightest ninth matters as the darkest."""
    probes.function(answer)
    model, picture, heat = _stripes_and_spots()
    before = probes.outputs(model, picture[None])[0]
    bright, dark = (
        probes.outputs(model, explain.covered(picture[None], heat[None], where))[0]
        for where in ("brightest", "darkest")
    )
    said = before.argmax()
    falls = before[said] - bright[said], before[said] - dark[said]
    returned = probes.number(probes.called(answer, *_stripes_and_spots()))
    if abs(returned - falls[0] / falls[1]) < CLOSE * falls[0] / falls[1]:
        return
    for reason, number in (
        ("upside-down", falls[1] / falls[0]),
        ("difference", falls[0] - falls[1]),
        ("one-fall", falls[0]),
        ("what-is-left", bright[said] / dark[said]),
        ("what-is-left", dark[said] / bright[said]),
    ):
        if abs(returned - number) < CLOSE * number:
            raise Refusal(reason, number=f"{returned:.3g}")
    raise Refusal("another-number", number=f"{returned:.3g}", wanted=f"{falls[0] / falls[1]:.3g}")
