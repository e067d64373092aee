"""Answers to the exercises of notebook 09."""

from pathlib import Path

import keras
import numpy as np
from keras import layers
from PIL import Image

from check_cases.common import Cases, just, prepare
from helpers.pictures import opening


def opened(path):
    return np.asarray(opening.open_picture(path), "float32")[None]


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
        "the app as it was": (load_img(255), "divided"),
        "no longer divided": (load_img(), "nearest"),
        "Pillow's bicubic": (load_img(interpolation="bicubic"), "smoothed"),
        "divided": (fed(change=lambda pixels: pixels / 255), "divided"),
        "minus one to one": (fed(change=lambda pixels: pixels / 127.5 - 1), "divided"),
        "preprocessed twice": (fed(change=lambda pixels: prepare(pixels.copy())), "prepared"),
        "blue first": (fed(change=lambda pixels: pixels[..., ::-1]), "turned-only"),
        "bilinear": (
            fed(resize=lambda pixels, size: resized(pixels, size, interpolation="bilinear")),
            "bilinear",
        ),
        "lanczos3": (
            fed(resize=lambda pixels, size: resized(pixels, size, interpolation="lanczos3")),
            "lanczos3",
        ),
        "Pillow's lanczos": (load_img(interpolation="lanczos"), "resized-by-pillow"),
        "smoothed": (fed(resize=lambda pixels, size: resized(pixels, size, antialias=True)), "smoothed"),
        "a square cut out": (fed(read=squared), "cropped"),
        "not turned": (fed(read=plainly), "not-turned"),
        "on black": (fed(read=turned_only), "background"),
        "a constant": (just(lambda model, path: np.full(3, 1 / 3)), "something-else"),
        "the label": (
            fed(change_row=lambda row: int(row[0].argmax())),
            "no-row",
        ),
        "a name": (just(lambda model, path: "cat"), "no-numbers"),
        "nothing returned": (just(lambda model, path: None), "returns-none"),
        "one argument": (just(lambda path: path), "fails"),
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
        "no preprocessing": (joined(lambda pixels: pixels), "as-they-are"),
        "divided by 255": (joined(lambda pixels: pixels / 255), "divided"),
        "twice": (joined(lambda pixels: prepare(prepare(pixels))), "twice"),
        "blue first": (joined(lambda pixels: prepare(pixels[..., ::-1])), "red-and-blue-exchanged"),
        "logits": (joined(end=None), "logits"),
        "neither": (joined(lambda pixels: pixels, end=None), "as-they-are-and-logits"),
        "softmax twice": (
            joined(end=lambda: keras.Sequential([layers.Softmax(), layers.Softmax()])),
            "softmax-twice",
        ),
        "a Lambda": (joined(lambda_of), "own-code"),
        "a named Lambda": (joined(layers.Lambda(prepare)), "own-code"),
        "a layer of one's own": (joined(lambda pixels: OwnLayer()(pixels)), "own-code"),
        "a class of one's own": (just(own_model), "own-code"),
        "new weights": (just(new_layers), "something-else"),
        "the head": (just(lambda base, head: head), "wrong-input"),
        "nothing returned": (just(lambda base, head: None), "returns-none"),
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
        "only what cannot be read": (just(GO[:3]), "unusable-left"),
        "the refused one forgotten": (files("bee/IMG_0013.png", without=GO[1:2]), "unusable-left"),
        "both nests stay": (files("bee/IMG_0013.png", without=GO[4:]), "unusable-left"),
        "two shots of one scene": (files(), "one-scene-twice"),
        "a mended one too": (files("bee/IMG_0013.png", "bee/phone.jpg"), "sound-one-lost"),
        "both shots": (files("bee/IMG_0012.png", "bee/IMG_0013.png"), "both-lost"),
        "copy and original": (files("bee/IMG_0013.png", "wasp/IMG_0003.png"), "both-lost"),
        "every file that is named": (
            files("bee/IMG_0013.png", "bee/phone.jpg", "wasp/scan.png"),
            "sound-one-lost",
        ),
        "nothing": (just([]), "unusable-left"),
        "no class": (just(["garden.jpg"]), "unknown-name"),
        "numbers": (just([0, 1, 4]), "no-names"),
        "how many": (just(7), "no-list"),
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
