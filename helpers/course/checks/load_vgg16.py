"""Checks of notebook 01: shapes, parameters and preprocessing of VGG16."""

import itertools

import keras
import numpy as np

from helpers.course.checks import preparations, probes
from helpers.course.checks.exercise import Refusal, describe, exercise

NOTEBOOK = "01_load_vgg16"
PREPARE = keras.applications.vgg16.preprocess_input
MEANS = -PREPARE(np.zeros(3, "float32"))  # of ImageNet: blue, green, red
CLOSE = 1e-4  # of the largest number

SIDES, MAPS = (200, 120), 512
HALVED = [tuple(side >> times for side in SIDES) for times in range(8)]  # the half dropped each time
WANTED = (*HALVED[5], MAPS)
ROUNDED = {(7, 4): "up", (6, 4): "to the nearest number"}  # each time or at the end: the same
ROWS = {(9216,): "flattened", (512,): "pooled", (1000,): "with-top", HALVED[5]: "no-channels"}


@exercise(NOTEBOOK)
def output_shape(answer):
    """Judge the shape that VGG16's base gives for a picture 200 pixels high and 120 wide."""
    if hasattr(answer, "as_list"):
        answer = answer.as_list()
    if not isinstance(answer, str | list | tuple) and np.ndim(answer) == 1:
        answer = np.asarray(answer).tolist()
    if isinstance(answer, list) and len(answer) == 1 and isinstance(answer[0], list | tuple):
        answer = answer[0]
    if isinstance(answer, str):
        raise Refusal("shape-in-quotes")
    if not isinstance(answer, list | tuple):
        raise Refusal("no-shape")
    sides = [side if side is None else probes.number(side) for side in answer]
    shape = tuple(sides[1:] if len(sides) == 4 or sides[:1] == [None] else sides)
    if shape == WANTED:
        return
    if any(side is not None and side != int(side) for side in sides):
        reason = "half-rows"
    elif None in shape:
        reason = "open-sides"
    elif shape in ROWS:
        reason = ROWS[shape]
    elif len(shape) != 3:
        reason = "number-of-axes"
    elif shape[0] == MAPS:
        reason = "channels-first"
    elif shape[2] != MAPS:
        reason = "three-maps" if shape[2] == 3 else "channels"
    elif shape[1::-1] == HALVED[5]:
        reason = "exchanged"
    elif shape[:2] in HALVED:
        reason = f"halvings:{HALVED.index(shape[:2])}"
    elif shape[:2] in ROUNDED:
        reason = f"rounded:{ROUNDED[shape[:2]]}"
    elif shape[0] == shape[1] in (7, 3):
        reason = f"for-another-size:{224 if shape[0] == 7 else 96}"
    else:
        reason = "height-or-width"
    written = ", ".join("None" if side is None else f"{side:g}" for side in sides)
    raise Refusal(reason, shape=f"({written})", axes=len(shape))


FACTORS = (  # of the number of parameters, what misleads most first: what each may be, and which mistake that is
    {1: None, 56**2: "size-of-maps", 112**2: "size-of-maps", 28**2: "size-of-maps"},
    {3 * 3: None, 3: "flat-kernel", 1: "no-kernel"},
    {128: None, 1: "one-map-in", 256: "maps-in", 3: "three-colours"},
    {256: None, 128: "maps-out", 1: "one-map-out"},
    {256: None, 0: "no-biases", 128: "biases-of-maps-in", 1: "one-bias"},
)


@exercise(NOTEBOOK)
def convolution_parameters(answer):
    """Judge the number of parameters of block3_conv1."""
    count = probes.number(answer)
    explained = []
    for factors in itertools.product(*FACTORS):
        places, window, maps_in, maps_out, biases = factors
        kernels = window * maps_in * maps_out
        if count in (kernels * places + biases, (kernels + biases) * places):
            mistakes = [place for place, factor in enumerate(factors) if FACTORS[place][factor]]
            explained.append((len(mistakes), mistakes, factors))
    if not explained:
        raise Refusal("off", count=count, compared="too few" if count < 3 * 3 * 128 * 256 else "too many")
    _, mistakes, factors = min(explained)
    if mistakes:
        raise Refusal(FACTORS[mistakes[0]][factors[mistakes[0]]], count=count, made=MADE.format(*factors))


MADE = "{1} × {2} × {3}, and {4} biases"


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
        return np.allclose(returned, array, atol=CLOSE * np.abs(array).max())

    made = preparations.variants(PREPARE, pixels)
    if equal(made["prepared"]):
        if np.array_equal(mine, pixels):
            return
        raise Refusal("in-place")
    others = (pixels[::-1], pixels[:, ::-1], pixels[:, :, ::-1], pixels[::-1, ::-1, ::-1, ::-1])
    if any(equal(other - means) for other in others for means in (0, MEANS, MEANS[::-1])):
        raise Refusal("another-axis")
    reason = preparations.recognised(made, made, equal) or "off"
    blue, green, red = np.abs(returned - made["prepared"]).max(axis=(0, 1, 2))
    raise Refusal(reason, blue=blue, green=green, red=red)
