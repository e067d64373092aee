"""Checks of notebook 01: shapes, parameters and preprocessing of VGG16."""

import keras
import numpy as np

from helpers.course.checks import preparations, probes
from helpers.course.checks.exercise import Refusal, describe, exercise

NOTEBOOK = "01_load_vgg16"
PREPARE = keras.applications.vgg16.preprocess_input
MEANS = -PREPARE(np.zeros(3, "float32"))  # of ImageNet: blue, green, red
CLOSE = 0.02  # grey levels of 255

MAPS = (6, 3, 512)
SHAPES = {
    (3, 6, 512): "exchanged",
    (12, 7, 512): "four-halvings",
    (7, 4, 512): "rounded",
    (3, 1, 512): "six-halvings",
    (7, 7, 512): "for-224-pixels",
    (3, 3, 512): "for-96-pixels",
    (200, 120, 512): "not-pooled",
    (6, 3, 3): "three-maps",
    (6, 3): "no-channels",
    (512, 6, 3): "channels-first",
    (9216,): "flattened",
    (512,): "pooled",
    (1000,): "with-top",
}


@exercise(NOTEBOOK)
def output_shape(answer):
    """Judge the shape that VGG16's base gives for a picture 200 pixels high and 120 wide."""
    if hasattr(answer, "as_list"):
        answer = answer.as_list()
    if isinstance(answer, np.ndarray) and answer.ndim == 1:
        answer = answer.tolist()
    if isinstance(answer, str):
        raise Refusal("shape-in-quotes")
    if not isinstance(answer, list | tuple):
        raise Refusal("no-shape")
    sides = [side if side is None else probes.number(side) for side in answer]
    shape = tuple(sides[1:] if len(sides) == 4 or sides[:1] == [None] else sides)
    if shape == MAPS:
        return
    if any(side is not None and side != int(side) for side in sides):
        reason = "half-rows"
    elif None in shape:
        reason = "open-sides"
    elif shape in SHAPES:
        reason = SHAPES[shape]
    elif len(shape) != 3:
        reason = "number-of-axes"
    elif shape[2] != MAPS[2]:
        reason = "channels"
    else:
        reason = "height-or-width"
    written = ", ".join("None" if side is None else f"{side:g}" for side in sides)
    raise Refusal(reason, shape=f"({written})", axes=len(shape))


PARAMETERS = 3 * 3 * 128 * 256 + 256
COUNTS = {
    3 * 3 * 128 * 256: "no-biases",
    3 * 3 * 256 + 256: "one-map-in",
    3 * 3 * 256: "one-map-in",
    3 * 3 * 256 * 256 + 256: "block3_conv2",
    3 * 3 * 256 * 256: "block3_conv2-no-biases",
    3 * 128 * 256 + 256: "flat-kernel",
    3 * 3 * 128 * 256 + 128: "biases-of-maps-in",
    3 * 3 * 3 * 256 + 256: "three-colours",
    3 * 3 * 128 * 128 + 128: "block2_conv2",
}


@exercise(NOTEBOOK)
def convolution_parameters(answer):
    """Judge the number of parameters of block3_conv1."""
    count = probes.number(answer)
    if count == PARAMETERS:
        return
    if count in COUNTS:
        reason = COUNTS[count]
    elif count > 0 and count % (56 * 56) == 0:
        reason = "size-of-maps"
    else:
        reason = "off"
    raise Refusal(reason, count=count, compared="too few" if count < PARAMETERS else "too many")


PREPARED = (
    "as-they-are",
    "divided",
    "minus-one-to-one",
    "turned-only",
    "red-first",
    "red-and-blue-exchanged",
    "turned-means-not",
    "means-added",
    "prepared-then-divided",
    "divided-then-prepared",
    "twice",
    "means-twice",
    "own-mean",
)


@exercise(NOTEBOOK)
def preprocess(answer):
    """Judge a function that does what `keras.applications.vgg16.preprocess_input` does, its argument unchanged."""
    pixels = np.random.default_rng(7).integers(0, 256, (2, 8, 6, 3)).astype("float32")
    mine = pixels.copy()
    returned = probes.called(answer, mine)
    try:
        returned = np.asarray(returned, dtype="float64")
    except (TypeError, ValueError):
        raise Refusal("no-array", returned=describe(returned)) from None
    if returned.shape != pixels.shape:
        raise Refusal("other-shape", given=pixels.shape, returned=returned.shape)

    def equal(array):
        return np.allclose(returned, array, atol=CLOSE)

    made = preparations.variants(PREPARE, pixels)
    if equal(made["prepared"]):
        if np.array_equal(mine, pixels):
            return
        raise Refusal("in-place")
    turned = pixels[..., ::-1]
    made |= {
        "turned-means-not": turned - MEANS[::-1],
        "means-added": turned + MEANS,
        "means-twice": turned - 2 * MEANS,
        "own-mean": turned - turned.mean(axis=(0, 1, 2)),
    }
    reason = preparations.recognised(PREPARED, made, equal) or "off"
    blue, green, red = np.abs(returned - made["prepared"]).max(axis=(0, 1, 2))
    raise Refusal(reason, blue=blue, green=green, red=red)
