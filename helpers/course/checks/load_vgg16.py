"""Checks of notebook 01: shapes, parameters and preprocessing of VGG16."""

import itertools

import keras
import numpy as np

from helpers.course.checks import preparations, probes
from helpers.course.checks.exercise import Refusal, exercise

NOTEBOOK = "01_load_vgg16"
PREPARE = keras.applications.vgg16.preprocess_input
CLOSE = 1e-4  # of the largest number

SIDES, MAPS = (200, 120), 512
HALVED = [tuple(side >> times for side in SIDES) for times in range(8)]  # the half dropped each time
WANTED = (*HALVED[5], MAPS)


@exercise(NOTEBOOK)
def output_shape(answer):
    """Judge the shape that VGG16's base gives for a picture 200 pixels high and 120 wide."""
    if isinstance(answer, str):
        raise Refusal("shape-in-quotes")
    if not hasattr(answer, "__len__") or isinstance(answer, bytes | dict | set):
        raise Refusal("no-shape")
    sides = list(itertools.islice(answer, 9))  # an answer may have no end
    if len(sides) == 1 and isinstance(sides[0], list | tuple):
        sides = list(sides[0])
    sides = [side if side is None else probes.number(side) for side in sides]
    shape = tuple(sides[1:] if len(sides) == 4 or sides[:1] == [None] else sides)
    if shape == WANTED:
        return
    halvings = HALVED.index(shape[:2]) if shape[:2] in HALVED else None
    for reason, met in (
        ("open-sides", None in shape),
        ("number-of-axes", len(shape) != 3),
        ("channels-first", shape[:1] == (MAPS,)),
        ("channels", shape[2:] != (MAPS,)),
        ("exchanged", shape[1::-1] == HALVED[5]),
        (f"halvings:{halvings}", halvings is not None),
        ("rounded", shape[:2] in ((7, 4), (6, 4), (6.25, 3.75))),
        (f"for-another-size:{224 if shape[:1] == (7,) else 96}", shape[:2] in ((7, 7), (3, 3))),
        ("height-or-width", True),
    ):
        if met:
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
    returned = probes.array(probes.called(answer, mine))
    if returned.shape != pixels.shape:
        raise Refusal("other-shape", given=pixels.shape, returned=returned.shape)

    made = preparations.variants(PREPARE, pixels)
    if probes.same(returned, made["prepared"], CLOSE):
        if np.array_equal(mine, pixels):
            return
        raise Refusal("in-place")
    reason = preparations.recognised(made, made, returned, CLOSE) or "off"
    blue, green, red = np.abs(returned - made["prepared"]).max(axis=(0, 1, 2))
    raise Refusal(reason, blue=blue, green=green, red=red)
