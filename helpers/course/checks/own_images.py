"""Checks of notebook 09: a folder from others, all that a model needs in one file, and a model fed as in its test."""

import functools
import itertools
import shutil
import tempfile
from pathlib import Path

import keras
import numpy as np
from PIL import Image
from scipy import special

from helpers.course.checks import preparations, probes
from helpers.course.checks.exercise import Refusal, describe, exercise, gives, one_line
from helpers.course.checks.other_backbones import holds
from helpers.pictures import folders, opening

NOTEBOOK = "09_your_own_images"
CLASSES = 3
SIDE = 32
CLOSE = 4e-3  # of the largest probability: more than rounding, less than any of the mistakes
ALIKE = 1e-4  # of the largest probability that one mistake gives, made by the learner and here
PREPARE = keras.applications.vgg16.preprocess_input


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
    """Make a friend's folder of bees and wasps, of coarse spots, and return what `folders.examine` finds in it.

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


def _rounded(row):
    return "[" + " ".join(f"{number:.3f}" for number in np.ravel(row)[:CLASSES]) + "]"


def _trained_apart():
    """Return a base that takes pictures prepared for VGG16, and a head on its maps that gives logits."""
    generator = np.random.default_rng(47)
    convolution = keras.layers.Conv2D(8, 3, strides=2, activation="relu", name="block1_conv1")
    base = keras.Sequential([keras.Input((SIDE, SIDE, 3)), convolution], name="small_vgg")
    convolution.set_weights([generator.normal(0, 0.01, convolution.kernel.shape), generator.normal(0, 0.3, 8)])
    dense = keras.layers.Dense(CLASSES, name="predictions")
    pool = keras.layers.GlobalAveragePooling2D(name="pool")
    head = keras.Sequential([keras.Input(base.output_shape[1:]), pool, dense], name="head")
    dense.set_weights([generator.normal(0, 1.5, dense.kernel.shape), np.zeros(CLASSES)])
    return base, head


SOFTMAX = functools.partial(special.softmax, axis=-1)
ENDS = {
    "softmax": SOFTMAX,
    "logits": np.array,
    "sigmoid": special.expit,
    "two softmax": lambda row: SOFTMAX(SOFTMAX(row)),
}


@exercise(NOTEBOOK)
def all_inside(answer):
    """Judge a function that joins preprocessing, base, head and softmax to one model that can be saved."""
    probes.function(answer)
    base, head = _trained_apart()
    weights = [*base.get_weights(), *head.get_weights()]
    pixels = np.random.default_rng(53).integers(0, 256, (4, SIDE, SIDE, 3)).astype("float32")
    fed = preparations.variants(PREPARE, pixels)
    logits = {name: probes.outputs(head, probes.outputs(base, variant)) for name, variant in fed.items()}
    whole = probes.model(probes.called(answer, base, head))
    outputs, wanted = probes.outputs(whole, pixels), SOFTMAX(logits["prepared"])
    if not probes.same(outputs, wanted, CLOSE):
        for name, (end, made) in itertools.product(fed, ENDS.items()):
            if probes.same(outputs, made(logits[name]), ALIKE):
                raise Refusal(f"joined:{name}, {end}", model=describe(whole), fed=name.replace("-", " "), end=end)
        reason = "something-else" if holds(whole, weights) else "weights-lost"
        row, right = _rounded(outputs[0]), _rounded(wanted[0])
        raise Refusal(reason, model=describe(whole), shape=outputs.shape, row=row, wanted=right)
    with tempfile.TemporaryDirectory() as folder:
        try:
            whole.save(Path(folder, "answer.keras"))
            loaded = keras.saving.load_model(Path(folder, "answer.keras"), compile=False, safe_mode=True)
        except Exception as error:
            raise Refusal("own-code", model=describe(whole), error=one_line(error)) from error
    if not probes.same(probes.outputs(loaded, pixels), outputs, CLOSE):
        raise Refusal("own-code", model=describe(whole), error="it gives other numbers then")


def sharp_eyed_model():
    """Return a model from pixels 0…255 to three probabilities in which each pixel counts; preprocessing is inside."""
    generator = np.random.default_rng(347)  # with it each mistake changes a probability by 0.01 and more
    pixels = keras.Input((SIDE, SIDE, 3), name="pixels")
    row = keras.layers.Flatten()(PREPARE(pixels))
    last = keras.layers.Dense(CLASSES, activation="softmax", name="predictions")
    model = keras.Model(pixels, last(row), name="from_pixels")
    last.set_weights([generator.normal(0, 4e-4, last.kernel.shape), np.zeros(CLASSES)])
    return model


def _resized(picture, interpolation="bicubic", clip=True, **options):
    pixels = np.asarray(picture, "float32")[None]
    resized = np.asarray(keras.ops.image.resize(pixels, (SIDE, SIDE), interpolation=interpolation, **options))
    return np.clip(resized, 0, 255) if clip else resized


def _resized_otherwise(picture):
    """Return ways of resizing that `images.load` does not take, in words, and the pixels that they give."""
    made = {f"by {way!r}": _resized(picture, way) for way in ("nearest", "bilinear", "lanczos3")}
    made |= {f"by {way!r}, smoothed": _resized(picture, way, antialias=True) for way in ("bilinear", "bicubic")}
    for way in Image.Resampling:
        made[f"by Pillow ({way.name.lower()})"] = np.asarray(picture.resize((SIDE, SIDE), way), "float32")[None]
    made["with a part cut off"] = _resized(picture.crop((0, 7, 50, 57)))
    return made | {"without clipping": _resized(picture, clip=False)}


@exercise(NOTEBOOK)
def mend_skew(answer):
    """Judge a function that feeds a picture file to a model which has its preprocessing inside."""
    probes.function(answer)
    model = sharp_eyed_model()  # another one than the function gets, which it may change

    def asked(pixels):
        return probes.outputs(model, pixels)[0]

    def gives(row, *fed):
        return any(probes.same(row, asked(np.asarray(pixels)), ALIKE) for pixels in fed)

    with tempfile.TemporaryDirectory() as folder:
        for kind, words in KINDS.items():
            path = saved(Path(folder), kind)
            returned = probes.called(answer, sharp_eyed_model(), path)
            row, right = probes.array(returned), asked(_resized(opening.open_picture(path)))
            row = row[0] if row.shape == (1, CLASSES) else row
            if row.shape != (CLASSES,):
                raise Refusal("no-row", returned=describe(returned), classes=CLASSES)
            if not probes.same(row, right, CLOSE):
                reason = _skew(row, right, kind, Image.open(path).convert("RGB"), gives)
                raise Refusal(reason, picture=words, row=_rounded(row), wanted=_rounded(right))


def _skew(row, right, kind, picture, gives):
    good, otherwise = _resized(picture), _resized_otherwise(picture)
    if kind != "plain.png" and gives(row, good):
        return "not-turned" if kind == "turned.jpg" else "background"
    for way, pixels in otherwise.items():
        if gives(row, pixels):
            return f"resized:{way}"
    for pixels in (good, *otherwise.values()):
        if gives(row, pixels / 255, pixels / 127.5 - 1, PREPARE(pixels.copy())):
            return "inside-already"
    if gives(row, good[..., ::-1], good.swapaxes(1, 2)):
        return "axes"
    again = row if probes.same(np.sort(row), np.sort(right), ALIKE) else right
    changes = {"in another order": again, "put through softmax": special.softmax(right)}
    changes |= {"times 100": 100 * right, "rounded": right.round(1), "rounded to two places": right.round(2)}
    for change, other in changes.items():
        if probes.same(row, other, ALIKE):
            return f"changed:{change}"
    return "something-else"
