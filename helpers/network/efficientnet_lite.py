"""EfficientNet-Lite0, a small modern network with its ImageNet top, in plain Keras layers.

Layers carry the names of Keras's own EfficientNet: ``stem_``, ``block2b_``, ``top_``, ``predictions``.
"""

import functools

import keras
import numpy as np
from keras import layers

from helpers import assets

WEIGHTS = "efficientnet_lite0_float16.weights.h5"
NAMES = "imagenet_classes.txt"
BLOCKS = ("block1", "block2", "block3", "block4", "block5", "block6", "block7")
# For each block: how many times, side of the window, stride of the first, widening, maps that come out.
PLAN = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)
STEM, TOP = 32, 1280  # maps
EPSILON = 1e-3  # of BatchNormalization


def weights():
    """Return the path of the bundled ImageNet weights, top included; its checksum was verified.

    Returns
    -------
    str
        A Keras ``.weights.h5`` file: 4.65 million parameters and 42 thousand statistics, stored as float16.

    Raises
    ------
    helpers.storage.StorageError
        When the file is missing or altered.
    """
    return str(assets.bundled(WEIGHTS))


def preprocess_input(pixels):
    """Return pixels 0..255, red, green, blue, as the weights expect them: from about -1 to 1, as new numbers.

    Parameters
    ----------
    pixels : array or KerasTensor (n, height, width, 3)
    """
    return (pixels - 127.0) / 128.0


def efficientnet_lite0(weights=None, include_top=True, input_shape=(224, 224, 3), classifier_activation="softmax"):
    """Return EfficientNet-Lite0, used as the networks of `keras.applications` are.

    It takes what `preprocess_input` gives.

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

    Returns
    -------
    keras.Model
        Named ``efficientnet_lite0``.

    References
    ----------
    Tan and Le (2019), EfficientNet: rethinking model scaling for convolutional neural networks. Lite is its variant
    for small machines: no squeeze-and-excitation, ReLU6 in place of swish.
    """
    pixels = keras.Input(input_shape, name="prepared_pixels")
    maps = _convolved(pixels, STEM, 3, 2, "stem")
    for block, (times, side, stride, widening, wanted) in zip(BLOCKS, PLAN, strict=True):
        for place in range(times):
            name = f"{block}{'abcd'[place]}_"
            maps = _inverted_bottleneck(maps, name, side, stride if place == 0 else 1, widening, wanted)
    maps = _convolved(maps, TOP, 1, 1, "top")
    row = layers.GlobalAveragePooling2D(name="avg_pool")(maps)
    row = layers.Dropout(0.2, name="top_dropout")(row)
    classes = layers.Dense(1000, activation=classifier_activation, name="predictions")(row)
    whole = keras.Model(pixels, classes, name="efficientnet_lite0")
    if weights is not None:
        whole.load_weights(weights)
    return whole if include_top else keras.Model(pixels, maps, name="efficientnet_lite0")


def _convolved(maps, wanted, side, stride, name):
    maps = layers.Conv2D(wanted, side, stride, padding="same", use_bias=False, name=f"{name}_conv")(maps)
    maps = layers.BatchNormalization(epsilon=EPSILON, name=f"{name}_bn")(maps)
    return layers.ReLU(6.0, name=f"{name}_activation")(maps)


def _inverted_bottleneck(maps, name, side, stride, widening, wanted):
    """Widen the maps, filter each by itself, narrow them again, and add what came in where it fits."""
    given, entered = maps.shape[-1], maps
    if widening > 1:
        maps = _convolved(maps, given * widening, 1, 1, f"{name}expand")
    maps = layers.DepthwiseConv2D(side, stride, padding="same", use_bias=False, name=f"{name}dwconv")(maps)
    maps = layers.BatchNormalization(epsilon=EPSILON, name=f"{name}bn")(maps)
    maps = layers.ReLU(6.0, name=f"{name}activation")(maps)
    maps = layers.Conv2D(wanted, 1, padding="same", use_bias=False, name=f"{name}project_conv")(maps)
    maps = layers.BatchNormalization(epsilon=EPSILON, name=f"{name}project_bn")(maps)
    return layers.Add(name=f"{name}add")([entered, maps]) if stride == 1 and given == wanted else maps


@functools.cache
def class_names():
    """Return the names of ImageNet's 1000 classes, in the order of the outputs.

    Returns
    -------
    tuple of str
        The first of the words that ImageNet lists for a class, such as ``"Siamese cat"``.
    """
    return tuple(assets.bundled(NAMES).read_text(encoding="utf-8").splitlines())


def decode(probabilities, top=3):
    """Return the most probable classes of each picture by name.

    Parameters
    ----------
    probabilities : array (n, 1000)
    top : int

    Returns
    -------
    list of list of (str, float)
        For each picture, the largest first.

    Raises
    ------
    ValueError
        When there are not 1000 columns.
    """
    probabilities = np.asarray(probabilities)
    if probabilities.ndim != 2 or probabilities.shape[1] != 1000:
        raise ValueError(
            f"Outputs of shape {probabilities.shape}: expected (n, 1000), one number for each ImageNet class. "
            "A model with a head of your own has class names of your own."
        )
    best = np.argsort(-probabilities, axis=1, kind="stable")[:, :top]
    return [
        [(class_names()[k], float(row[k])) for k in places] for row, places in zip(probabilities, best, strict=True)
    ]
