"""Answers to the exercises of notebook 09."""

from pathlib import Path

import keras
import numpy as np
from keras import layers
from PIL import Image

from check_cases.common import Cases, just, prepare
from helpers.pictures import folders


def opened(path):
    return np.asarray(folders.open_picture(path), "float32")[None]


def resized(pixels, size, **options):
    given = keras.ops.image.resize(pixels, size, **{"interpolation": "bicubic", **options})
    return np.clip(given, 0, 255)


def fed(read=opened, resize=resized, change=lambda pixels: pixels, change_row=lambda row: row[0]):
    def app(model, path):
        pixels = change(resize(read(path), model.input_shape[1:3]))
        return change_row(model.predict(pixels, verbose=0))

    return just(app)


def load_img(divide=1.0, **options):
    def app(model, path):
        picture = keras.utils.load_img(path, target_size=model.input_shape[1:3], **options)
        return model.predict(keras.utils.img_to_array(picture)[None] / divide, verbose=0)[0]

    return just(app)


def plainly(path):
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGB"), "float32")[None]


def turned_only(path):
    with Image.open(path) as picture:
        return np.asarray(keras.utils.img_to_array(_upright(picture).convert("RGB")))[None]


def _upright(picture):
    return picture.rotate(-90, expand=True) if picture.getexif().get(0x0112) == 6 else picture


def squared(path):
    pixels = opened(path)
    side = min(pixels.shape[1:3])
    top, left = (pixels.shape[1] - side) // 2, (pixels.shape[2] - side) // 2
    return pixels[:, top : top + side, left : left + side]


MEND_SKEW = Cases(
    wrong={
        "the app as it was": (load_img(255), "inside the model already"),
        "no longer divided": (load_img(), "the way of resizing"),
        "Pillow's bicubic": (load_img(interpolation="bicubic"), "the way of resizing"),
        "divided": (fed(change=lambda pixels: pixels / 255), "inside the model already"),
        "minus one to one": (fed(change=lambda pixels: pixels / 127.5 - 1), "inside the model already"),
        "preprocessed twice": (fed(change=lambda pixels: prepare(pixels.copy())), "inside the model already"),
        "blue first": (fed(change=lambda pixels: pixels[..., ::-1]), "the order of the colours"),
        "bilinear": (
            fed(resize=lambda pixels, size: resized(pixels, size, interpolation="bilinear")),
            "the way of resizing",
        ),
        "smoothed": (fed(resize=lambda pixels, size: resized(pixels, size, antialias=True)), "the way of resizing"),
        "a square cut out": (fed(read=squared), "what is cut off"),
        "not turned": (fed(read=plainly), "who turns the picture upright"),
        "on black": (fed(read=turned_only), "what colour is put behind it"),
        "a constant": (just(lambda model, path: np.full(3, 1 / 3)), "each step from the file"),
        "the label": (
            fed(change_row=lambda row: int(row[0].argmax())),
            "one row, a number for each class",
        ),
        "a name": (just(lambda model, path: "cat"), "return what the model gives"),
        "nothing returned": (just(lambda model, path: None), "is there a `return`"),
        "one argument": (just(lambda path: path), "it is called with 2 argument(s)"),
    },
    right={
        "step by step": fed(),
        "a batch of one": fed(change_row=lambda row: row),
        "a list": fed(change_row=lambda row: row[0].tolist()),
    },
    blank=(just(...), just(lambda model, path: ...)),
)


def joined(preprocess=prepare, end=layers.Softmax, wrap=lambda model: model):
    def one(base, head):
        plain = keras.Input(base.input_shape[1:])
        result = head(base(preprocess(plain)))
        return wrap(keras.Model(plain, end()(result) if end else result))

    return just(one)


class OwnLayer(layers.Layer):
    def call(self, pixels):
        return prepare(pixels)


class OwnModel(keras.Model):
    def __init__(self, base, head):
        super().__init__()
        self.base, self.head = base, head

    def call(self, pixels):
        return keras.ops.softmax(self.head(self.base(prepare(pixels))))


def own_model(base, head):
    model = OwnModel(base, head)
    model(np.zeros((1, *base.input_shape[1:]), "float32"))
    return model


def new_layers(base, head):
    return joined()()(keras.models.clone_model(base), keras.models.clone_model(head))


def lambda_of(pixels):
    return layers.Lambda(lambda x: x[..., ::-1] - np.array([103.939, 116.779, 123.68], "float32"))(pixels)


ALL_INSIDE = Cases(
    wrong={
        "no preprocessing": (joined(lambda pixels: pixels), "the station between pixels and base"),
        "divided by 255": (joined(lambda pixels: pixels / 255), "the station between pixels and base"),
        "twice": (joined(lambda pixels: prepare(prepare(pixels))), "the station between pixels and base"),
        "blue first": (joined(lambda pixels: prepare(pixels[..., ::-1])), "the station between pixels and base"),
        "logits": (joined(end=None), "softmax makes probabilities of logits"),
        "neither": (joined(lambda pixels: pixels, end=None), "the station between pixels and base"),
        "softmax twice": (
            joined(end=lambda: keras.Sequential([layers.Softmax(), layers.Softmax()])),
            "the end: one softmax",
        ),
        "a Lambda": (joined(lambda_of), "what holds code of yours"),
        "a named Lambda": (joined(layers.Lambda(prepare)), "what holds code of yours"),
        "a layer of one's own": (joined(lambda pixels: OwnLayer()(pixels)), "what holds code of yours"),
        "a class of one's own": (just(own_model), "what holds code of yours"),
        "new weights": (just(new_layers), "each station from pixels to probabilities"),
        "the head": (just(lambda base, head: head), "pixels of the size that the base takes"),
        "nothing returned": (just(lambda base, head: None), "is there a `return`"),
    },
    right={
        "Softmax layer": joined(),
        "softmax as an operation": joined(end=lambda: keras.ops.softmax),
        "Activation": joined(end=lambda: layers.Activation("softmax")),
        "by hand": joined(lambda pixels: pixels[..., ::-1] - np.array([103.939, 116.779, 123.68], "float32")),
        "a model in a Sequential": joined(
            wrap=lambda model: keras.Sequential([keras.Input(model.input_shape[1:]), model])
        ),
    },
    blank=(just(...), just(lambda base, head: ...)),
)


GO = ["bee/garden.jpg", "bee/invoice.jpg", "wasp/stamp.png", "wasp/IMG_0003 copy.png", "bee/nest.png", "wasp/nest.png"]


def files(*more, without=()):
    return just([name for name in [*GO, *more] if name not in without])


CLEAN_FOLDER = Cases(
    wrong={
        "only what cannot be read": (just(GO[:3]), "`left out` or `refused`"),
        "the refused one forgotten": (files("bee/IMG_0013.png", without=GO[1:2]), "`left out` or `refused`"),
        "both nests stay": (files("bee/IMG_0013.png", without=GO[4:]), "`left out` or `refused`"),
        "two shots of one scene": (files(), "asks you to do something"),
        "a mended one too": (files("bee/IMG_0013.png", "bee/phone.jpg"), "was it mended on loading"),
        "both shots": (files("bee/IMG_0012.png", "bee/IMG_0013.png"), "one of the two stays"),
        "copy and original": (files("bee/IMG_0013.png", "wasp/IMG_0003.png"), "one of the two stays"),
        "every file that is named": (
            files("bee/IMG_0013.png", "bee/phone.jpg", "wasp/scan.png"),
            "was it mended on loading",
        ),
        "nothing": (just([]), "`left out` or `refused`"),
        "no class": (just(["garden.jpg"]), "the class stands before it"),
        "numbers": (just([0, 1, 4]), "every entry must be a text"),
        "how many": (just(7), "as a list of texts"),
    },
    right={
        "left out and one shot": files("bee/IMG_0013.png"),
        "the other shot, the original, one nest": files(
            "bee/IMG_0012.png", "wasp/IMG_0003.png", without=("wasp/IMG_0003 copy.png", "bee/nest.png")
        ),
        "a set of paths": just({Path(name) for name in [*GO, "bee/IMG_0013.png"]}),
        "an array": just(np.array([*GO, "bee/IMG_0013.png"])),
    },
    blank=(just(...), just([...])),
)
