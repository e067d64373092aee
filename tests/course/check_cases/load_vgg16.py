"""Answers to the exercises of notebook 01."""

from fractions import Fraction

import keras
import numpy as np
import pandas as pd
import tensorflow as tf

from check_cases.common import Cases, just, prepare

TORCH = np.array([[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]])
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
        "exchanged": (just((3, 6, 512)), "exchanged"),
        "four halvings": (just((12, 7, 512)), "halvings:4"),
        "rounded up": (just((7, 4, 512)), "rounded"),
        "rounded at the end": (just((6, 4, 512)), "rounded"),
        "not rounded": (just((6.25, 3.75, 512)), "rounded"),
        "from memory": (just((7, 7, 512)), "for-another-size:224"),
        "not pooled": (just([200, 120, 512]), "halvings:0"),
        "colours": (just((6, 3, 3)), "channels"),
        "no channels": (just((6, 3)), "number-of-axes"),
        "channels first": (just((512, 6, 3)), "channels-first"),
        "flattened": (just((9216,)), "number-of-axes"),
        "top": (just((None, 1000)), "number-of-axes"),
        "five axes": (just((1, 1, 6, 3, 512)), "number-of-axes"),
        "halved six times": (just((3, 1, 512)), "halvings:6"),
        "for 96 pixels": (just((3, 3, 512)), "for-another-size:96"),
        "pooled": (just((512,)), "number-of-axes"),
        "too few maps": (just((6, 3, 256)), "channels"),
        "miscounted": (just((5, 3, 512)), "height-or-width"),
        "a side in quotes": (just(("6", 3, 512)), "in-quotes"),
        "open sides": (just((None, None, 512)), "open-sides"),
        "text": (just("(6, 3, 512)"), "shape-in-quotes"),
        "text as the course prints it": (just("6×3×512"), "shape-in-quotes"),
        "wrong text": (just("7x7x512"), "shape-in-quotes"),
        "number": (just(512), "no-shape"),
    },
    right={
        "tuple": just((6, 3, 512)),
        "list with batch": just([None, 6, 3, 512]),
        "batch of one": just((1, 6, 3, 512)),
        "array": just(np.array([6, 3, 512])),
        "numpy numbers": just((np.int64(6), np.float32(3), 512.0)),
        "TensorShape": just(tf.TensorShape([None, 6, 3, 512])),
        "tensor": just(tf.constant([6, 3, 512])),
        "Series": just(pd.Series([6, 3, 512])),
        "in a list": just([(6, 3, 512)]),
    },
    blank=(just(...), just((..., 3, 512)), just([..., ..., ...])),
)

CONVOLUTION_PARAMETERS = Cases(
    wrong={
        "no bias": (just(294_912), "no-biases"),
        "one map in": (just(2_560), "one-map-in"),
        "next layer": (just(590_080), "maps-in"),
        "next layer, no bias": (just(589_824), "maps-in"),
        "layer of block2": (just(147_584), "maps-out"),
        "true": (just(True), "no-number"),
        "no finite number": (just(float("nan")), "no-finite-number"),
        "beyond all floats": (just(10**400), "cannot-be-judged"),
        "flat kernel": (just(98_560), "flat-kernel"),
        "biases of maps in": (just(295_040), "biases-of-maps-in"),
        "three colours": (just(7_168), "three-colours"),
        "every place": (just(295_168 * 56 * 56), "size-of-maps"),
        "kernels at every place": (just(294_912 * 56 * 56 + 256), "size-of-maps"),
        "no window": (just(128 * 256 + 256), "no-kernel"),
        "one map out": (just(9 * 128 + 256), "one-map-out"),
        "one bias": (just(294_913), "one-bias"),
        "off": (just(100_000), "off"),
        "text": (just("295168"), "in-quotes"),
        "text with separator": (just("295,168"), "in-quotes"),
        "separator": (just((295, 168)), "no-number"),
        "wrong text": (just("295,000"), "in-quotes"),
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
        "untouched": (just(lambda pixels: pixels), "as-they-are"),
        "divided": (just(lambda pixels: pixels / 255), "divided"),
        "-1 to 1": (just(lambda pixels: pixels / 127.5 - 1), "minus-one-to-one"),
        "no means": (just(turned), "turned-only"),
        "no turn": (just(lambda pixels: pixels - MEANS[::-1]), "red-first"),
        "means exchanged": (just(lambda pixels: pixels - MEANS), "red-and-blue-exchanged"),
        "turned, means not": (just(lambda pixels: turned(pixels) - MEANS[::-1]), "turned-means-not"),
        "added": (just(lambda pixels: turned(pixels) + MEANS), "means-added"),
        "divided before": (just(lambda pixels: prepare(pixels / 255)), "divided-then-prepared"),
        "a word": (just(lambda pixels: "pixels"), "no-array"),
        "divided after": (just(lambda pixels: (turned(pixels) - MEANS) / 255), "prepared-then-divided"),
        "twice": (just(lambda pixels: prepare(prepare(pixels.copy()))), "twice"),
        "means twice": (just(lambda pixels: turned(pixels) - 2 * MEANS), "off"),
        "own mean": (just(lambda pixels: turned(pixels) - turned(pixels).mean(axis=(0, 1, 2))), "own-mean"),
        "changes its argument": (just(prepare), "in-place"),
        "changes it by hand": (just(in_place), "in-place"),
        "prints only": (just(lambda pixels: None), "returns-none"),
        "one channel": (just(lambda pixels: pixels.mean(axis=-1)), "other-shape"),
        "nearly": (just(lambda pixels: turned(pixels) - [103.939, 116.779, 120]), "off"),
        "no argument": (just(lambda: 1), "fails"),
        "the model of the cell above": (just(keras.Sequential([keras.Input((None, None, 3))])), "no-function"),
        "rows turned": (just(lambda pixels: pixels[::-1] - MEANS), "off"),
        "for PyTorch": (just(lambda pixels: (pixels / 255 - TORCH[0]) / TORCH[1]), "for-pytorch"),
        "for EfficientNet": (just(lambda pixels: (pixels - 127) / 128), "for-efficientnet-lite"),
        "result instead": (just(prepare(np.zeros((1, 2, 2, 3)))), "no-function"),
    },
    right={
        "Keras on a copy": just(lambda pixels: prepare(pixels.copy())),
        "one line": just(lambda pixels: turned(pixels) - MEANS),
        "by channel": just(by_channel),
        "as a tensor": just(lambda pixels: prepare(tf.convert_to_tensor(pixels))),
    },
    blank=(just(...), just(lambda pixels: ...)),
)
