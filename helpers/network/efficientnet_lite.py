"""EfficientNet-Lite0, a small modern network with its ImageNet top, in plain Keras layers.

Layers carry the names of Keras's own EfficientNet: ``stem_``, ``block2b_``, ``top_``, ``predictions``.
"""

import functools
from typing import NamedTuple

import keras
import numpy as np
from keras import layers

from helpers import assets

WEIGHTS = "efficientnet_lite0_float16.weights.h5"
NAMES = "imagenet_classes.txt"


class Block(NamedTuple):
    """Layers that are repeated: only the first time with `stride`, and `expansion` times as wide on the inside."""

    repeats: int
    kernel_size: int
    stride: int
    expansion: int
    filters: int


BLOCKS = {
    "block1": Block(repeats=1, kernel_size=3, stride=1, expansion=1, filters=16),
    "block2": Block(repeats=2, kernel_size=3, stride=2, expansion=6, filters=24),
    "block3": Block(repeats=2, kernel_size=5, stride=2, expansion=6, filters=40),
    "block4": Block(repeats=3, kernel_size=3, stride=2, expansion=6, filters=80),
    "block5": Block(repeats=3, kernel_size=5, stride=1, expansion=6, filters=112),
    "block6": Block(repeats=4, kernel_size=5, stride=2, expansion=6, filters=192),
    "block7": Block(repeats=1, kernel_size=3, stride=1, expansion=6, filters=320),
}
STEM_FILTERS, TOP_FILTERS = 32, 1280
EPSILON = 1e-3  # of BatchNormalization


def weights():
    """Return the path (str) of the bundled ImageNet weights, top included; its checksum was verified.

    It is a Keras ``.weights.h5`` file: 4.65 million parameters and 42 thousand statistics, stored as float16. Raises
    `helpers.storage.StorageError` when the file is missing or altered.
    """
    return str(assets.bundled(WEIGHTS))


def preprocess_input(pixels):
    """Return pixels 0..255 (n, height, width, 3), red first, as the weights expect them: about -1 to 1, new numbers."""
    return (pixels - 127.0) / 128.0


def efficientnet_lite0(weights=None, include_top=True, input_shape=(224, 224, 3), classifier_activation="softmax"):
    """Return EfficientNet-Lite0, used as those of `keras.applications`; it takes what `preprocess_input` gives.

    Parameters
    ----------
    weights : str, optional
        Path of a ``.weights.h5`` file with the top, such as `weights` returns. Without it all numbers are random.
    include_top : bool
        Without its top the model ends in maps (height / 32, width / 32, 1280), from the layer ``top_activation``.
    input_shape : (int, int, int)
        Height, width, 3. Any size; 224 is that of the weights' training.
    classifier_activation : str, optional
        ``"softmax"`` for probabilities of the 1000 classes, None for logits.

    References
    ----------
    Tan and Le (2019), EfficientNet: rethinking model scaling for convolutional neural networks. Lite is its variant
    for small machines: no squeeze-and-excitation, ReLU6 in place of swish.
    """
    pixels = keras.Input(input_shape, name="prepared_pixels")
    maps = _convolved(pixels, "stem_", filters=STEM_FILTERS, kernel_size=3, stride=2)
    for name, block in BLOCKS.items():
        for index in range(block.repeats):
            stride = block.stride if index == 0 else 1
            maps = _inverted_bottleneck(maps, f"{name}{'abcd'[index]}_", block, stride)
    maps = _convolved(maps, "top_", filters=TOP_FILTERS, kernel_size=1)
    row = layers.GlobalAveragePooling2D(name="avg_pool")(maps)
    row = layers.Dropout(0.2, name="top_dropout")(row)
    classes = layers.Dense(1000, activation=classifier_activation, name="predictions")(row)
    model = keras.Model(pixels, classes, name="efficientnet_lite0")
    if weights is not None:
        model.load_weights(weights)
    return model if include_top else keras.Model(pixels, maps, name="efficientnet_lite0")


def _convolved(maps, name, filters, kernel_size, stride=1):
    maps = layers.Conv2D(filters, kernel_size, stride, padding="same", use_bias=False, name=f"{name}conv")(maps)
    maps = layers.BatchNormalization(epsilon=EPSILON, name=f"{name}bn")(maps)
    return layers.ReLU(6.0, name=f"{name}activation")(maps)


def _inverted_bottleneck(maps, name, block, stride):
    """Widen the maps, filter each by itself, narrow them again, and add the input where it has the same shape."""
    start, channels = maps, maps.shape[-1]
    if block.expansion > 1:
        maps = _convolved(maps, f"{name}expand_", filters=channels * block.expansion, kernel_size=1)
    depthwise = layers.DepthwiseConv2D(block.kernel_size, stride, padding="same", use_bias=False, name=f"{name}dwconv")
    maps = layers.BatchNormalization(epsilon=EPSILON, name=f"{name}bn")(depthwise(maps))
    maps = layers.ReLU(6.0, name=f"{name}activation")(maps)
    maps = layers.Conv2D(block.filters, 1, padding="same", use_bias=False, name=f"{name}project_conv")(maps)
    maps = layers.BatchNormalization(epsilon=EPSILON, name=f"{name}project_bn")(maps)
    return layers.Add(name=f"{name}add")([start, maps]) if maps.shape == start.shape else maps


@functools.cache
def class_names():
    """Return the first name that ImageNet lists for each of its 1000 classes, a tuple in the order of the outputs."""
    return tuple(assets.bundled(NAMES).read_text(encoding="utf-8").splitlines())


def decode(probabilities, top=3):
    """Return the `top` most probable classes of each picture, as a list of (name, probability), the largest first.

    `probabilities` has the shape (n, 1000); raises `ValueError` for another.
    """
    probabilities = np.asarray(probabilities)
    if probabilities.ndim != 2 or probabilities.shape[1] != 1000:
        raise ValueError(
            f"Outputs of shape {probabilities.shape}: expected (n, 1000), one number for each ImageNet class. "
            "A model with a head of your own has class names of your own."
        )
    best = np.argsort(-probabilities, axis=1, kind="stable")[:, :top]
    return [
        [(class_names()[index], float(row[index])) for index in indices]
        for row, indices in zip(probabilities, best, strict=True)
    ]
