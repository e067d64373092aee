"""Answers to the exercises of notebook 01."""

import functools
from fractions import Fraction

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from check_cases.common import Cases, just, prepare, vgg
from helpers.course.checks import preparations
from helpers.course.checks.load_vgg16 import windows

MEANS = np.array([103.939, 116.779, 123.68], "float32")
RED_LAST = MEANS[::-1]


def relu(numbers):
    return np.maximum(numbers, 0)


def sums(maps, weights):
    return (windows(maps) * weights).sum(axis=(2, 3, 4))


def each(maps, weights):
    return (windows(maps) * weights).sum(axis=(2, 3))


def with_keras(maps, weights, bias):
    layer = layers.Conv2D(1, 3, activation="relu")
    layer.build((None, *maps.shape))
    layer.set_weights([weights[..., None], np.array([bias])])
    return layer(maps[None].astype("float32"))


def by_loops(maps, weights, bias):
    result = np.zeros((maps.shape[0] - 2, maps.shape[1] - 2))
    for row, column in np.ndindex(result.shape):
        result[row, column] = max(0, (maps[row : row + 3, column : column + 3] * weights).sum() + bias)
    return result


def padded(maps, weights, bias):
    return by_loops(np.pad(maps, ((1, 1), (1, 1), (0, 0))), weights, bias)


CONVOLVE_ALL_MAPS = Cases(
    wrong={
        "the function above": (just(lambda maps, weights, bias: sums(maps, weights)), "neither"),
        "no ReLU": (just(lambda maps, weights, bias: sums(maps, weights) + bias), "no-relu"),
        "no bias": (just(lambda maps, weights, bias: relu(sums(maps, weights))), "no-bias"),
        "ReLU before the bias": (just(lambda maps, weights, bias: relu(sums(maps, weights)) + bias), "bias-last"),
        "bias for each map": (
            just(lambda maps, weights, bias: relu((each(maps, weights) + bias).sum(-1))),
            "bias-for-each",
        ),
        "ReLU for each map": (
            just(lambda maps, weights, bias: relu(each(maps, weights)).sum(-1) + bias),
            "relu-for-each",
        ),
        "first map": (just(lambda maps, weights, bias: relu(each(maps, weights)[..., 0] + bias)), "one-map"),
        "mean": (just(lambda maps, weights, bias: relu(sums(maps, weights) / weights.size + bias)), "mean"),
        "flipped": (just(lambda maps, weights, bias: relu(sums(maps, weights[::-1, ::-1]) + bias)), "flipped"),
        "a map for each": (just(lambda maps, weights, bias: relu(each(maps, weights) + bias)), "map-for-each"),
        "padded": (just(padded), "border"),
        "one sum": (just(lambda maps, weights, bias: 3.0), "other-shape"),
        "all zeros": (just(lambda maps, weights, bias: 0 * sums(maps, weights)), "off"),
        "prints only": (just(lambda maps, weights, bias: None), "returns-none"),
        "two arguments": (just(lambda maps, weights: sums(maps, weights)), "fails"),
        "a map": (just(np.zeros((5, 7))), "no-function"),
    },
    right={
        "loops": just(by_loops),
        "at once": just(lambda maps, weights, bias: relu(sums(maps, weights) + bias)),
        "Keras": just(with_keras),
    },
    blank=(just(...), just(lambda maps, weights, bias: ...)),
)

RIGHT = (20, 35, 40, 24_040)


def parameters(count):
    return just((20, 35, 40, count))


READ_A_STACK = Cases(
    wrong={
        "padded": (just((22, 37, 40, 24_040)), "border-kept"),
        "rounded up": (just((21, 36, 40, 24_040)), "rounded"),
        "pooled once": (just((41, 71, 40, 24_040)), "last-pooling"),
        "pooled once, 3×3": (just((43, 73, 40, 24_040)), "first-pooling"),
        "not pooled": (just((86, 146, 40, 24_040)), "no-pooling"),
        "exchanged": (just((35, 20, 40, 24_040)), "exchanged"),
        "maps first": (just((40, 20, 35, 24_040)), "channels-first"),
        "first maps": (just((20, 35, 24, 24_040)), "channels"),
        "from VGG16": (just((7, 7, 512, 24_040)), "height-or-width"),
        "no bias": (parameters(24_000), "no-biases"),
        "one map in": (parameters(1_040), "one-map-in"),
        "maps in": (parameters(5 * 5 * 40 * 40 + 40), "maps-in"),
        "colours": (parameters(5 * 5 * 3 * 40 + 40), "three-colours"),
        "maps out": (parameters(5 * 5 * 24 * 24 + 24), "maps-out"),
        "one filter": (parameters(5 * 5 * 24), "one-map-out"),
        "3×3": (parameters(3 * 3 * 24 * 40 + 40), "other-window"),
        "flat": (parameters(5 * 24 * 40 + 40), "flat-window"),
        "no window": (parameters(24 * 40 + 40), "no-window"),
        "biases of maps in": (parameters(24_024), "biases-of-maps-in"),
        "one bias": (parameters(24_001), "one-bias"),
        "every place": (parameters(24_040 * 41 * 71), "size-of-maps"),
        "step 1": (parameters(672), "first-convolution"),
        "a guess": (parameters(25_000), "off"),
        "with a separator": (just((20, 35, 40, 24, 40)), "not-four"),
        "shape in brackets": (just(((20, 35, 40), 24_040)), "not-four"),
        "shape only": (just((20, 35, 40)), "not-four"),
        "in quotes": (just("(20, 35, 40, 24040)"), "in-quotes"),
        "a number in quotes": (just((20, 35, 40, "24040")), "in-quotes"),
        "a number": (just(24_040), "not-four"),
    },
    right={
        "tuple": just(RIGHT),
        "list": just(list(RIGHT)),
        "array": just(np.array(RIGHT)),
        "tensor": just(tf.constant(RIGHT)),
        "other numbers": just((np.int64(20), 35.0, Fraction(40), np.float32(24_040))),
    },
    blank=(just(...), just((..., ..., ..., ...)), just((20, 35, 40, ...))),
)


def hers(photos, calls=2, division=255, order=1):
    photos = photos[..., ::order] / division
    for _ in range(calls):
        photos = prepare(photos)
    return photos


def in_place(photos):
    photos = photos[..., ::-1]
    return prepare(photos)


PREPARE_OPENCV = Cases(
    wrong={
        "hers": (just(hers), "left:the division by 255 and the order of the colours and the second call"),
        "once": (just(functools.partial(hers, calls=1)), "left:the division by 255 and the order of the colours"),
        "hers, not divided": (
            just(functools.partial(hers, division=1)),
            "left:the order of the colours and the second call",
        ),
        "turned": (just(functools.partial(hers, order=-1)), "left:the division by 255 and the second call"),
        "colours kept": (
            just(lambda photos: prepare(photos.astype("float32"))),
            "left:the order of the colours",
        ),
        "in place": (just(in_place), "in-place:float32"),
        "untouched": (just(lambda photos: photos), "turned-only"),
        "turned only": (just(lambda photos: photos[..., ::-1]), "as-they-are"),
        "turned twice": (just(lambda photos: prepare(photos[..., ::-1].astype("float32"))[..., ::-1]), "red-first"),
        "means exchanged": (just(lambda photos: photos - RED_LAST), "turned-means-not"),
        "added": (just(lambda photos: photos + MEANS), "means-added"),
        "divided after": (just(lambda photos: (photos - MEANS) / 255), "prepared-then-divided"),
        "other means": (just(lambda photos: photos - np.array([100, 110, 120])), "off"),
        "wrong axis": (just(lambda photos: photos[::-1] - MEANS), "off"),
        "one picture": (just(lambda photos: photos[0] - MEANS), "other-shape"),
        "a word": (just(lambda photos: "photos"), "no-array"),
        "prints only": (just(lambda photos: None), "returns-none"),
        "no argument": (just(lambda: 1), "fails"),
        "result instead": (just(prepare(np.zeros((1, 2, 2, 3)))), "no-function"),
    },
    right={
        "turned and copied": just(lambda photos: prepare(photos[..., ::-1].astype("float32"))),
        "a copy": just(lambda photos: prepare(photos[..., ::-1].copy())),
        "the means alone": just(lambda photos: photos - MEANS),
        "as a tensor": just(lambda photos: prepare(tf.cast(photos[..., ::-1], "float32"))),
    },
    blank=(just(...), just(lambda photos: ...)),
)


def cut(base, end="block3_pool", pool=layers.GlobalAveragePooling2D, fed=prepare):
    pixels = keras.Input(base.input_shape[1:])
    maps = keras.Model(base.input, base.get_layer(end).output)(fed(pixels))
    return keras.Model(pixels, pool()(maps) if pool else maps)


class Own(keras.Model):
    """Feeds the base with pixels that are prepared in one of the usual wrong ways, or the right one."""

    def __init__(self, base, mistake):
        super().__init__()
        self.part, self.mistake = cut(base, fed=lambda pixels: pixels), mistake

    def call(self, pixels):
        return self.part(preparations.variants(prepare, pixels)[self.mistake])


BLOCK3_FEATURES = Cases(
    given=lambda: (vgg(),),
    wrong={
        "maps": (lambda base: cut(base, pool=None), "maps"),
        "in one row": (lambda base: cut(base, pool=layers.Flatten), "flat"),
        "the whole base": (lambda base: cut(base, "block5_pool"), "numbers:512"),
        "an early block": (lambda base: cut(base, "block2_pool"), "numbers:128"),
        "the largest": (lambda base: cut(base, pool=layers.GlobalMaxPooling2D), "largest"),
        "another layer": (lambda base: cut(base, "block3_conv3"), "other-features"),
        "other weights": (lambda base: cut(keras.models.clone_model(base)), "other-features"),
        "the placeholder": (lambda base: base.get_layer("block3_pool").output, "no-model"),
        "not prepared": (lambda base: cut(base, fed=lambda pixels: pixels), "as-they-are"),
        "twice": (lambda base: cut(base, fed=lambda pixels: prepare(prepare(pixels))), "twice"),
        "divided": (lambda base: cut(base, fed=lambda pixels: pixels / 255), "divided"),
        "for another size": (lambda base: cut(vgg(64)), "wrong-input"),
    },
    right={
        "as in the solution": cut,
        "a class of its own": lambda base: Own(base, "prepared"),
        "one after the other": lambda base: keras.Sequential(
            [keras.Input((32, 32, 3)), layers.Lambda(prepare), cut(base, fed=lambda pixels: pixels)]
        ),
    },
)
