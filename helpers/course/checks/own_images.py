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
from helpers.pictures import folders

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


FRIENDS = "a list of files to delete, as in the column `file`, after which every file left can be used, each scene once"
CLASSES_OF_FRIENDS = ("bee", "wasp")
PER_CLASS_OF_FRIENDS = 24


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
    bee, wasp = (folder / name for name in CLASSES_OF_FRIENDS)
    for number, place in enumerate((bee, wasp)):
        place.mkdir()
        for index in range(PER_CLASS_OF_FRIENDS):
            _spots(100 * number + index).save(place / f"IMG_{index + 1:04d}.png")
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


@exercise(
    NOTEBOOK,
    goal="examine a folder of strangers' pictures and say what becomes of each file",
    expects=FRIENDS,
    praise="what is left can all be used, is there once, and no sound picture was lost.",
)
def clean_folder(answer):
    """Judge which files of the folder behind `friends_report` shall be deleted: delete them, and examine it again."""
    more = "read the column `done` row by row: who has to act, images.load or you?"
    with tempfile.TemporaryDirectory() as folder:
        folder = _friends_folder(folder)
        before = folders.examine(folder)
        for name in _file_names(answer, folder, more):
            (folder / name).unlink()
        after = folders.examine(folder)
        kept = {path.relative_to(folder).as_posix() for paths in after.good.values() for path in paths}
    if after.bad or after.copies:
        saw = f"with these files gone, {len(after.bad) + len(after.copies)} of those left cannot be used or are copies"
        look = "the rows that say `left out` or `refused`: do all of them stand in your list?"
        raise Refusal(saw, FRIENDS, look, more)
    if _twins(after.table):
        saw = "with these files gone, two shots of one scene are left"
        raise Refusal(saw, FRIENDS, "the rows that say `kept`: one of them asks you to do something", more)
    sound = {_name(path, folder) for paths in before.good.values() for path in paths}
    kept = {_name(path, folder) for paths in after.good.values() for path in paths}
    pairs = [{_name(path, folder) for path in pair} for pair in before.copies.items()] + _twins(before.table)
    lost = sorted(sound - kept - set().union(*pairs))
    if lost:
        look = "the row of that file, if it has one: was it mended on loading?"
        raise Refusal(f"{lost[0]!r} would be deleted", FRIENDS, look, more)
    for pair in pairs:
        if not pair & kept:
            saw = f"{' and '.join(map(repr, sorted(pair)))} would both be deleted"
            raise Refusal(saw, FRIENDS, "pairs of the same picture or scene: one of the two stays", more)


def _name(path, folder):
    return path.relative_to(folder).as_posix()


def _twins(table):
    """Return the pairs of files of which a report says that they look much alike."""
    rows = table[table["found"].str.startswith("looks much like ")]
    others = rows["found"].str.removeprefix("looks much like ")
    return [set(pair) for pair in zip(rows["file"], others, strict=True)]


def _file_names(answer, folder, more):
    """Return the learner's files as a set of names within the folder."""
    if isinstance(answer, str | Path):
        answer = [answer]
    if hasattr(answer, "tolist"):
        answer = answer.tolist()
    if not isinstance(answer, list | tuple | set | frozenset):
        look = "write the names as a list of texts: ['class/name', 'class/name']"
        raise Refusal(describe(answer), FRIENDS, look, more)
    names = set()
    known = {_name(path, folder) for path in folder.glob("*/*")}
    for each in answer:
        name = "/".join(each.parts[-2:]) if isinstance(each, Path) else each
        if not isinstance(name, str):
            raise Refusal(f"{describe(each)} in the list", FRIENDS, "every entry must be a text: class/name", more)
        if name not in known:
            saw = f"the name {one_line(name)!r}"
            raise Refusal(saw, FRIENDS, "the spelling: no file is called that; the class stands before it", more)
        names.add(name)
    return names


def _close(first, second):
    return first.shape == second.shape and bool(np.allclose(first, second, atol=CLOSE))


INSIDE = "a function (base, head) that returns one model from pixels 0…255 to probabilities, which loads in safe mode"

STATION = "the station between pixels and base"
JOINED = {
    "logits": ("gives logits", "the end: softmax makes probabilities of logits"),
    "softmax-twice": ("has softmax twice", "the end: one softmax"),
    "as-they-are": ("feeds the base with plain pixels", STATION),
    "as-they-are-and-logits": ("feeds the base with plain pixels and gives logits", STATION),
    "divided": ("feeds the base with pixels divided by 255", STATION),
    "twice": ("preprocesses twice", STATION),
    "red-and-blue-exchanged": ("exchanges red and blue", STATION),
}


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


@exercise(
    NOTEBOOK,
    goal="put all that a model needs inside one file",
    expects=INSIDE,
    praise="pixels in, probabilities out, the same after saving and loading in safe mode: there is nothing to forget.",
)
def all_inside(answer):
    """Judge a function that joins preprocessing, base, head and softmax to one model that can be saved."""
    more = "Input → vgg16.preprocess_input → base → head → Softmax, every one called on what came before"
    probes.function(answer, INSIDE)
    base, head = _trained_apart()
    given = probes.model(probes.called(answer, INSIDE, base, head), INSIDE)
    pixels = np.random.default_rng(53).integers(0, 256, (4, SIDE, SIDE, 3)).astype("float32")
    look = "its input: it takes pixels of the size that the base takes"
    outputs = probes.outputs(given, pixels, INSIDE, look, more)

    def by_hand(prepared):
        return probes.outputs(head, probes.outputs(base, prepared, INSIDE, look, more), INSIDE, look, more)

    good = by_hand(PREPARE(pixels.copy()))
    if not _close(outputs, special.softmax(good, axis=-1)):
        arrays = preparations.wrong(PREPARE, pixels)
        ends = {name: special.softmax(by_hand(fed), axis=-1) for name, fed in arrays.items()} | {
            "logits": good,
            "softmax-twice": special.softmax(special.softmax(good, axis=-1), axis=-1),
            "as-they-are-and-logits": by_hand(pixels),
        }
        name, hint = preparations.recognised(JOINED, ends, lambda end: _close(outputs, end))
        if name:
            raise Refusal(f"{describe(given)}, which {hint[0]}", INSIDE, hint[1], more)
        saw = f"{describe(given)}, which gives shape {outputs.shape} and other numbers"
        raise Refusal(saw, INSIDE, "each station from pixels to probabilities", more)
    again = _reloaded(given)
    if not _close(probes.outputs(again, pixels, INSIDE, look, more), outputs):
        saw = f"{describe(given)}, which gives other numbers after saving and loading"
        raise Refusal(saw, INSIDE, "what the model holds that the file does not", more)


def _reloaded(model):
    code = "what holds code of yours: a Lambda or a class of your own. preprocess_input can be called as it is"
    more = "keras.applications.vgg16.preprocess_input(pixels) works on keras.Input, and is stored as plain operations"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "answer.keras")
        try:
            model.save(path)
            return keras.saving.load_model(path, compile=False, safe_mode=True)
        except Exception as error:
            saw = f"{describe(model)}, right as it is, which cannot be saved and loaded: {one_line(error)}"
            raise Refusal(saw, INSIDE, code, more) from error


FED = "a function (model, path) that returns the model's row of probabilities for the picture in that file"


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


INSIDE_ALREADY = "what lies inside the model already: its preprocessing takes pixels 0…255"
RESIZING = "the way of resizing: images.load takes bicubic, by keras.ops.image.resize"
PATHS = {
    "divided": ("for which the pixels are divided by 255", INSIDE_ALREADY),
    "minus-one-to-one": ("for which the pixels are brought to −1…1", INSIDE_ALREADY),
    "prepared": ("for which the pixels are preprocessed twice", INSIDE_ALREADY),
    "turned-only": ("for which red and blue change places", "the order of the colours: red, green, blue"),
    "nearest": ("for which the picture is resized by 'nearest'", RESIZING),
    "bilinear": ("for which the picture is resized by 'bilinear'", RESIZING),
    "lanczos3": ("for which the picture is resized by 'lanczos3'", RESIZING),
    "smoothed": ("for which the picture is smoothed on shrinking", RESIZING),
    "resized-by-pillow": ("for which the picture is resized by Pillow", RESIZING),
    "resized-by-pillow-and-divided": ("for which Pillow resizes and the pixels are divided by 255", INSIDE_ALREADY),
    "resized-and-divided": ("for which it is resized another way and divided by 255", INSIDE_ALREADY),
    "cropped": (
        "for which a part of the picture is cut off",
        "what is cut off: images.load keeps the whole picture and changes its proportions",
    ),
}


def _mistakes(picture):
    """Yield names of `PATHS`, and the pixels that reach the model when the mistake is made with `picture`."""
    good = _resized(picture)
    arrays = preparations.wrong(PREPARE, good)
    for name in ("divided", "minus-one-to-one", "prepared", "turned-only"):
        yield name, arrays[name]
    for name in ("nearest", "bilinear", "lanczos3"):
        yield name, _resized(picture, name)
    for name in ("bilinear", "bicubic"):
        yield "smoothed", _resized(picture, name, antialias=True)
    for way in (
        Image.Resampling.NEAREST,
        Image.Resampling.BILINEAR,
        Image.Resampling.BICUBIC,
        Image.Resampling.LANCZOS,
    ):
        pixels = np.asarray(picture.resize((SIDE, SIDE), way), "float32")[None]
        yield "resized-by-pillow", pixels
        yield "resized-by-pillow-and-divided", pixels / 255
    for name in ("nearest", "bilinear"):
        yield "resized-and-divided", _resized(picture, name) / 255
    yield "cropped", _resized(_squared(picture))


@exercise(
    NOTEBOOK,
    goal="feed a model in use exactly as in training and test",
    expects=FED,
    praise="plain, turned and transparent pictures reach the model as they did when it was tested.",
)
def mend_skew(answer):
    """Judge a function that feeds a picture file to a model which has its preprocessing inside."""
    probes.function(answer, FED)
    model = sharp_eyed_model()
    with tempfile.TemporaryDirectory() as folder:
        plain = upright(Path(folder, "plain"))
        more = "print the smallest and largest pixel, and the shape, right before model.predict"
        row = _row(answer, model, plain, more)
        if not _close(row, _asked(model, _resized(photo()))):
            saw = "for a plain upright picture it gives other probabilities than the model in its test"
            for name, pixels in _mistakes(photo()):
                if _close(row, _asked(model, pixels)):
                    seen, look = PATHS[name]
                    raise Refusal(f"it gives the probabilities {seen}", FED, look, more)
            raise Refusal(saw, FED, "each step from the file to the model: open, resize, range, order", more)
        for name, make, look in (
            ("turned by its EXIF data", turned, "how the file is opened: who turns the picture upright?"),
            ("with transparent parts", _transparent, "how the file is opened: what colour is put behind it?"),
        ):
            path = make(Path(folder, "odd"))
            wanted = _asked(model, _resized(folders.open_picture(path)))
            if not _close(_row(answer, model, path, more), wanted):
                saw = f"it is right for a plain picture, and wrong for one {name}"
                raise Refusal(saw, FED, look, "open the file by the same function as images.load does")


def _asked(model, pixels):
    return probes.outputs(model, pixels, FED, "its input", "")[0]


def _row(answer, model, path, more):
    given = probes.called(answer, FED, model, path)
    try:
        row = np.asarray(given, "float64")
    except (TypeError, ValueError) as error:
        raise Refusal(
            f"it returns {describe(given)}", FED, "its last line: return what the model gives", more
        ) from error
    if row.shape == (1, CLASSES):
        row = row[0]
    if row.shape != (CLASSES,):
        saw = f"it returns {describe(given)} for a model of {CLASSES} classes"
        raise Refusal(saw, FED, "its last line: one row, a number for each class", more)
    return row


def _close(first, second):
    return bool(np.allclose(first, second, atol=CLOSE))
