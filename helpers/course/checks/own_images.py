"""Checks of notebook 09: a model that is fed in use as in its test, and all that it needs inside one file."""

import tempfile
from pathlib import Path

import keras
import numpy as np
from PIL import Image

from helpers.course.checks import own_folder, probes
from helpers.course.checks.exercise import Refusal, exercise
from helpers.course.checks.wording import describe, one_line
from helpers.pictures import folders

NOTEBOOK = own_folder.NOTEBOOK
CLASSES = 3
SIDE = 32
CLOSE = 2e-3  # of a probability: more than rounding, less than any of the mistakes

FED = "a function (model, path) that returns the model's row of probabilities for the picture in that file"


def sharp_eyed_model():
    """Return a model from pixels 0…255 to three probabilities in which each pixel counts; preprocessing is inside."""
    generator = np.random.default_rng(41)
    pixels = keras.Input((SIDE, SIDE, 3), name="pixels")
    row = keras.layers.Flatten()(keras.applications.vgg16.preprocess_input(pixels))
    last = keras.layers.Dense(CLASSES, activation="softmax", name="predictions")
    model = keras.Model(pixels, last(row), name="from_pixels")
    last.set_weights([generator.normal(0, 4e-4, last.kernel.shape), np.zeros(CLASSES)])
    return model


def _transparent(path):
    picture = own_folder.photo().convert("RGBA")
    picture.putalpha(Image.fromarray(np.repeat([[0], [255]], 32, axis=0).astype(np.uint8)).resize((50, 64)))
    picture.save(path.with_suffix(".png"))
    return path.with_suffix(".png")


def _resized(picture, interpolation="bicubic", **options):
    pixels = np.asarray(picture, "float32")[None]
    resized = keras.ops.image.resize(pixels, (SIDE, SIDE), interpolation=interpolation, **options)
    return np.clip(np.asarray(resized), 0, 255)


def _by_pillow(picture, way):
    return np.asarray(picture.resize((SIDE, SIDE), way), "float32")[None]


def _squared(picture):
    side = min(picture.size)
    left, top = (picture.width - side) // 2, (picture.height - side) // 2
    return picture.crop((left, top, left + side, top + side))


def _mistakes(picture):
    """Yield what is seen, where to look, and the pixels that would reach the model, for mistakes with `picture`."""
    good = _resized(picture)
    caffe = keras.applications.vgg16.preprocess_input
    twice = "what lies inside the model already: its preprocessing takes pixels 0…255"
    ways = "the way of resizing: images.load takes bicubic, by keras.ops.image.resize"
    yield "for which the pixels are divided by 255", twice, good / 255
    yield "for which the pixels are brought to −1…1", twice, good / 127.5 - 1
    yield "for which the pixels are preprocessed twice", twice, caffe(good.copy())
    yield "for which red and blue change places", "the order of the colours: red, green, blue", good[..., ::-1]
    for name in ("nearest", "bilinear", "lanczos3"):
        yield f"for which the picture is resized by {name!r}", ways, _resized(picture, name)
    for name in ("bilinear", "bicubic"):
        yield "for which the picture is smoothed on shrinking", ways, _resized(picture, name, antialias=True)
    for way in (
        Image.Resampling.NEAREST,
        Image.Resampling.BILINEAR,
        Image.Resampling.BICUBIC,
        Image.Resampling.LANCZOS,
    ):
        yield "for which the picture is resized by Pillow", ways, _by_pillow(picture, way)
        yield "for which Pillow resizes and the pixels are divided by 255", twice, _by_pillow(picture, way) / 255
    for name in ("nearest", "bilinear"):
        yield "for which it is resized another way and divided by 255", twice, _resized(picture, name) / 255
    cropped = "what is cut off: images.load keeps the whole picture and changes its proportions"
    yield "for which a part of the picture is cut off", cropped, _resized(_squared(picture))


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
        plain = own_folder.upright(Path(folder, "plain"))
        more = "print the smallest and largest pixel, and the shape, right before model.predict"
        row = _row(answer, model, plain, more)
        if not _close(row, _asked(model, _resized(own_folder.photo()))):
            saw = "for a plain upright picture it gives other probabilities than the model in its test"
            for seen, look, pixels in _mistakes(own_folder.photo()):
                if _close(row, _asked(model, pixels)):
                    raise Refusal(f"it gives the probabilities {seen}", FED, look, more)
            raise Refusal(saw, FED, "each step from the file to the model: open, resize, range, order", more)
        for name, make, look in (
            ("turned by its EXIF data", own_folder.turned, "how the file is opened: who turns the picture upright?"),
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


INSIDE = "a function (base, head) that returns one model from pixels 0…255 to probabilities, which loads in safe mode"


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

    def softmax(logits):
        return np.asarray(keras.ops.softmax(logits))

    caffe = keras.applications.vgg16.preprocess_input
    good = by_hand(caffe(pixels.copy()))
    if outputs.shape != good.shape or not _close(outputs, softmax(good)):
        saw = f"{describe(given)}, which gives shape {outputs.shape}"
        station = "the station between pixels and base"
        for seen, look_at, wrong in (
            ("gives logits", "the end: softmax makes probabilities of logits", good),
            ("has softmax twice", "the end: one softmax", softmax(softmax(good))),
            ("feeds the base with plain pixels", station, softmax(by_hand(pixels))),
            ("feeds the base with plain pixels and gives logits", station, by_hand(pixels)),
            ("feeds the base with pixels divided by 255", station, softmax(by_hand(pixels / 255))),
            ("preprocesses twice", station, softmax(by_hand(caffe(caffe(pixels.copy()))))),
            ("exchanges red and blue", station, softmax(by_hand(caffe(pixels[..., ::-1].copy())))),
        ):
            if outputs.shape == wrong.shape and _close(outputs, wrong):
                raise Refusal(f"{describe(given)}, which {seen}", INSIDE, look_at, more)
        raise Refusal(f"{saw} and other numbers", INSIDE, "each station from pixels to probabilities", more)
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
