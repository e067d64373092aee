"""Answers to the exercises of notebook 01."""

from fractions import Fraction

import numpy as np
import tensorflow as tf

from check_cases.common import Cases, just, prepare

MEANS = np.array([103.939, 116.779, 123.68], "float32")


def turned(pixels):
    return np.asarray(pixels)[..., ::-1]


def in_place(pixels):
    pixels -= MEANS[::-1]
    return pixels[..., ::-1]


def by_channel(pixels):
    red, green, blue = np.moveaxis(np.asarray(pixels, "float64"), -1, 0)
    return np.stack([blue - 103.939, green - 116.779, red - 123.68], axis=-1)


OUTPUT_SHAPE = Cases(
    wrong={
        "exchanged": (just((3, 6, 512)), "height and width are exchanged"),
        "four halvings": (just((12, 7, 512)), "how many poolings"),
        "rounded up": (just((7, 4, 512)), "no partner"),
        "not rounded": (just((6.25, 3.75, 512)), "no half rows"),
        "from memory": (just((7, 7, 512)), "224 × 224"),
        "not pooled": (just([200, 120, 512]), "what the poolings do"),
        "colours": (just((6, 3, 3)), "channels of the last convolution"),
        "no channels": (just((6, 3)), "channels are missing"),
        "channels first": (just((512, 6, 3)), "channels stand first"),
        "flattened": (just((9216,)), "before any Flatten"),
        "top": (just((None, 1000)), "what include_top=False removes"),
        "five axes": (just((1, 1, 6, 3, 512)), "how many axes"),
        "open sides": (just((None, None, 512)), "only the batch axis"),
        "text": (just("(6, 3, 512)"), "without quotes"),
        "number": (just(512), "as in the layer table"),
    },
    right={
        "tuple": just((6, 3, 512)),
        "list with batch": just([None, 6, 3, 512]),
        "batch of one": just((1, 6, 3, 512)),
        "array": just(np.array([6, 3, 512])),
        "numpy numbers": just((np.int64(6), np.float32(3), 512.0)),
        "TensorShape": just(tf.TensorShape([None, 6, 3, 512])),
    },
    blank=(just(...), just((..., 3, 512)), just([..., ..., ...])),
)

CONVOLUTION_PARAMETERS = Cases(
    wrong={
        "no bias": (just(294_912), "biases are missing"),
        "one map in": (just(2_560), "how many maps come in"),
        "next layer": (just(590_080), "block3_conv2"),
        "flat kernel": (just(98_560), "a height and a width"),
        "biases of maps in": (just(295_040), "128 biases"),
        "three colours": (just(7_168), "three colours come in"),
        "every place": (just(295_168 * 56 * 56), "anew for each place"),
        "off": (just(100_000), "too few"),
        "text": (just("295168"), "without quotes"),
    },
    right={
        "int": just(295_168),
        "float": just(295_168.0),
        "numpy": just(np.int32(295_168)),
        "0-d array": just(np.array(295_168)),
        "tensor": just(tf.constant(295_168)),
        "fraction": just(Fraction(295_168)),
    },
)

PREPROCESS = Cases(
    wrong={
        "untouched": (just(lambda pixels: pixels), "come back as they were"),
        "divided": (just(lambda pixels: pixels / 255), "nothing is divided"),
        "-1 to 1": (just(lambda pixels: pixels / 127.5 - 1), "in −1…1"),
        "no means": (just(turned), "no mean is subtracted"),
        "no turn": (just(lambda pixels: pixels - MEANS[::-1]), "still begin with red"),
        "means exchanged": (just(lambda pixels: pixels - MEANS), "subtracted from red, green, blue"),
        "turned, means not": (just(lambda pixels: turned(pixels) - MEANS[::-1]), "which mean belongs"),
        "added": (just(lambda pixels: turned(pixels) + MEANS), "the sign"),
        "divided after": (just(lambda pixels: (turned(pixels) - MEANS) / 255), "then it is divided"),
        "twice": (just(lambda pixels: prepare(prepare(pixels.copy()))), "twice"),
        "means twice": (just(lambda pixels: turned(pixels) - 2 * MEANS), "subtracted twice"),
        "own mean": (just(lambda pixels: turned(pixels) - turned(pixels).mean(axis=(0, 1, 2))), "of ImageNet"),
        "changes its argument": (just(prepare), "changed too"),
        "changes it by hand": (just(in_place), "changed too"),
        "prints only": (just(lambda pixels: None), "is there a `return`"),
        "one channel": (just(lambda pixels: pixels.mean(axis=-1)), "came back with shape"),
        "nearly": (just(lambda pixels: turned(pixels) - [103.939, 116.779, 120]), "off by at most"),
        "no argument": (just(lambda: 1), "called with 1 argument"),
        "result instead": (just(prepare(np.zeros((1, 2, 2, 3)))), "the function itself"),
    },
    right={
        "Keras on a copy": just(lambda pixels: prepare(pixels.copy())),
        "one line": just(lambda pixels: turned(pixels) - MEANS),
        "by channel": just(by_channel),
        "as a tensor": just(lambda pixels: prepare(tf.convert_to_tensor(pixels))),
    },
    blank=(just(...), just(lambda pixels: ...)),
)
