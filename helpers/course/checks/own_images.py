"""Checks of notebook 09: a folder from others, all that a model needs in one file, and a model fed as in its test."""

import shutil
import tempfile
from pathlib import Path

import keras
import numpy as np
from PIL import Image
from scipy import special

from helpers.course.checks import preparations, probes
from helpers.course.checks.exercise import Refusal, describe, exercise, gives, one_line
from helpers.pictures import folders, opening

NOTEBOOK = "09_your_own_images"
CLASSES = 3
SIDE = 32
CLOSE = 2e-3  # of a probability: more than rounding, less than any of the mistakes
PREPARE = keras.applications.vgg16.preprocess_input


def photo():
    """Return a picture of coarse spots with fine grain, higher than wide."""
    generator = np.random.default_rng(43)
    spots = Image.fromarray(generator.integers(0, 256, (6, 5, 3), dtype=np.uint8)).resize((50, 64))
    grain = generator.integers(-40, 41, (64, 50, 3))
    return Image.fromarray(np.clip(np.asarray(spots) + grain, 0, 255).astype(np.uint8))


def upright(path):
    """Save `photo` as PNG, and return its path."""
    photo().save(path.with_suffix(".png"))
    return path.with_suffix(".png")


def turned(path):
    """Save `photo` as a JPEG that lies on its side and says so in its EXIF data, and return its path."""
    exif = Image.Exif()
    exif[0x0112] = 6  # orientation: the camera was held on its side
    photo().save(path.with_suffix(".jpg"), exif=exif, quality=95)
    return path.with_suffix(".jpg")


@gives
def friends_report():
    """Return what `folders.examine` finds in a folder of bees and wasps that a friend sends.

    The folder is made here and now, of coarse spots in place of insects, and examined.

    Returns
    -------
    helpers.pictures.folders.Report
    """
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
    turned(bee / "phone")
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


@exercise(NOTEBOOK)
def clean_folder(answer):
    """Judge which files of the folder of `friends_report` are to be deleted: delete them, and examine it again."""
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        before = folders.examine(_friends_folder(folder))
        files = _file_names(answer, {_name(path, folder) for path in folder.glob("*/*")})
        for name in files:
            (folder / name).unlink()
        after = folders.examine(folder)
    if after.bad or after.copies:
        raise Refusal("unusable-left", count=len(after.bad) + len(after.copies))
    if _twins(after.table):
        raise Refusal("one-scene-twice")
    sound = {_name(path, folder) for paths in before.good.values() for path in paths}
    kept = {_name(path, folder) for paths in after.good.values() for path in paths}
    pairs = [{_name(path, folder) for path in pair} for pair in before.copies.items()] + _twins(before.table)
    lost = sorted(sound - kept - set().union(*pairs))
    if lost:
        raise Refusal("sound-one-lost", file=lost[0])
    for pair in pairs:
        if not pair & kept:
            raise Refusal("both-lost", files=" and ".join(map(repr, sorted(pair))))


def _name(path, folder):
    return path.relative_to(folder).as_posix()


def _twins(table):
    """Return the pairs of files that a report calls look-alikes."""
    rows = table[table["found"].str.startswith("looks much like ")]
    others = rows["found"].str.removeprefix("looks much like ")
    return [set(pair) for pair in zip(rows["file"], others, strict=True)]


def _file_names(answer, known):
    """Return the learner's files as a set of names that are `known`."""
    files = probes.collection([answer] if isinstance(answer, Path) else answer, known)
    return probes.names(["/".join(file.parts[-2:]) if isinstance(file, Path) else file for file in files], known)


def _close(first, second):
    return first.shape == second.shape and bool(np.allclose(first, second, atol=CLOSE))


JOINED = (
    "logits",
    "softmax-twice",
    "as-they-are",
    "as-they-are-and-logits",
    "divided",
    "twice",
    "red-and-blue-exchanged",
)


def _trained_apart():
    """Return a base that takes pictures prepared for VGG16, and a head on its maps that gives logits."""
    generator = np.random.default_rng(47)
    prepared = keras.Input((SIDE, SIDE, 3), name="prepared")
    convolution = keras.layers.Conv2D(8, 3, strides=2, activation="relu", name="block1_conv1")
    base = keras.Model(prepared, convolution(prepared), name="small_vgg")
    convolution.set_weights([generator.normal(0, 0.01, convolution.kernel.shape), generator.normal(0, 0.3, 8)])
    maps = keras.Input(base.output.shape[1:], name="features")
    dense = keras.layers.Dense(CLASSES, name="predictions")
    head = keras.Model(maps, dense(keras.layers.GlobalAveragePooling2D(name="pool")(maps)), name="head")
    dense.set_weights([generator.normal(0, 1.5, dense.kernel.shape), np.zeros(CLASSES)])
    return base, head


@exercise(NOTEBOOK)
def all_inside(answer):
    """Judge a function that joins preprocessing, base, head and softmax to one model that can be saved."""
    probes.function(answer)
    base, head = _trained_apart()
    whole = probes.model(probes.called(answer, base, head))
    pixels = np.random.default_rng(53).integers(0, 256, (4, SIDE, SIDE, 3)).astype("float32")
    outputs = probes.outputs(whole, pixels)

    def softmax(logits):
        return special.softmax(logits, axis=-1)

    def logits(prepared):
        return probes.outputs(head, probes.outputs(base, prepared))

    fed = preparations.variants(PREPARE, pixels)
    good = logits(fed["prepared"])
    if not _close(outputs, softmax(good)):
        made = {reason: softmax(logits(variant)) for reason, variant in fed.items()}
        made |= {"logits": good, "softmax-twice": softmax(softmax(good)), "as-they-are-and-logits": logits(pixels)}
        reason = preparations.recognised(JOINED, made, lambda end: _close(outputs, end)) or "something-else"
        raise Refusal(reason, model=describe(whole), shape=outputs.shape)
    if not _close(probes.outputs(_reloaded(whole), pixels), outputs):
        raise Refusal("lost-in-file", model=describe(whole))


def _reloaded(model):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "answer.keras")
        try:
            model.save(path)
            return keras.saving.load_model(path, compile=False, safe_mode=True)
        except Exception as error:
            raise Refusal("own-code", model=describe(model), error=one_line(error)) from error


def sharp_eyed_model():
    """Return a model from pixels 0…255 to three probabilities in which each pixel counts; preprocessing is inside."""
    generator = np.random.default_rng(41)
    pixels = keras.Input((SIDE, SIDE, 3), name="pixels")
    row = keras.layers.Flatten()(PREPARE(pixels))
    last = keras.layers.Dense(CLASSES, activation="softmax", name="predictions")
    model = keras.Model(pixels, last(row), name="from_pixels")
    last.set_weights([generator.normal(0, 4e-4, last.kernel.shape), np.zeros(CLASSES)])
    return model


def _transparent(path):
    picture = photo().convert("RGBA")
    picture.putalpha(Image.fromarray(np.repeat([[0], [255]], 32, axis=0).astype(np.uint8)).resize((50, 64)))
    picture.save(path.with_suffix(".png"))
    return path.with_suffix(".png")


def _resized(picture, interpolation="bicubic", **options):
    pixels = np.asarray(picture, "float32")[None]
    resized = keras.ops.image.resize(pixels, (SIDE, SIDE), interpolation=interpolation, **options)
    return np.clip(np.asarray(resized), 0, 255)


def _squared(picture):
    side = min(picture.size)
    left, top = (picture.width - side) // 2, (picture.height - side) // 2
    return picture.crop((left, top, left + side, top + side))


def _mistakes(picture):
    """Yield ids of refusals, and the pixels that reach the model when the mistake is made with `picture`."""
    good = _resized(picture)
    made = preparations.variants(PREPARE, good)
    for name in ("divided", "minus-one-to-one", "prepared", "turned-only"):
        yield name, made[name]
    for name in ("nearest", "bilinear", "lanczos3"):
        yield name, _resized(picture, name)
    for name in ("bilinear", "bicubic"):
        yield "smoothed", _resized(picture, name, antialias=True)
    for way in ("NEAREST", "BILINEAR", "BICUBIC", "LANCZOS"):
        pixels = np.asarray(picture.resize((SIDE, SIDE), Image.Resampling[way]), "float32")[None]
        yield "resized-by-pillow", pixels
        yield "resized-by-pillow-and-divided", pixels / 255
    for name in ("nearest", "bilinear"):
        yield "resized-and-divided", _resized(picture, name) / 255
    yield "cropped", _resized(_squared(picture))


@exercise(NOTEBOOK)
def mend_skew(answer):
    """Judge a function that feeds a picture file to a model which has its preprocessing inside."""
    probes.function(answer)
    model = sharp_eyed_model()
    with tempfile.TemporaryDirectory() as folder:
        row = _row(answer, model, upright(Path(folder, "plain")))
        if not _close(row, _asked(model, _resized(photo()))):
            for reason, pixels in _mistakes(photo()):
                if _close(row, _asked(model, pixels)):
                    raise Refusal(reason)
            raise Refusal("something-else")
        for make, reason in ((turned, "not-turned"), (_transparent, "background")):
            path = make(Path(folder, "odd"))
            wanted = _asked(model, _resized(opening.open_picture(path)))
            if not _close(_row(answer, model, path), wanted):
                raise Refusal(reason)


def _asked(model, pixels):
    return probes.outputs(model, pixels)[0]


def _row(answer, model, path):
    returned = probes.called(answer, model, path)
    try:
        row = np.asarray(returned, "float64")
    except (TypeError, ValueError) as error:
        raise Refusal("no-numbers", returned=describe(returned)) from error
    if row.shape == (1, CLASSES):
        row = row[0]
    if row.shape != (CLASSES,):
        raise Refusal("no-row", returned=describe(returned), classes=CLASSES)
    return row
