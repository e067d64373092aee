"""Checks of notebook 01: convolutions, shapes and parameters, preprocessing, and features from inside the base."""

import itertools

import keras
import numpy as np

from helpers.course.checks import preparations, probes
from helpers.course.checks.exercise import Refusal, exercise

NOTEBOOK = "01_load_vgg16"
PREPARE = keras.applications.vgg16.preprocess_input
CLOSE = 1e-4  # of the largest number


def windows(maps, side=3):
    """Return the (rows, columns, height, width, maps) numbers in each window of a picture's maps."""
    return np.moveaxis(np.lib.stride_tricks.sliding_window_view(maps, (side, side), axis=(0, 1)), 2, -1)


@exercise(NOTEBOOK)
def convolve_all_maps(answer):
    """Judge a function that computes one map of a convolution with bias and ReLU, through all maps that come in."""
    random = np.random.default_rng(11)
    for number in (4, 3, 1):
        maps, weights = random.normal(size=(7, 9, number)), random.normal(size=(3, 3, number))
        bias = 0.8 if number == 4 else -0.8
        returned = np.squeeze(probes.array(probes.called(answer, maps.copy(), weights.copy(), bias)))
        sums = (windows(maps) * weights).sum(axis=(2, 3, 4))
        each = (windows(maps) * weights).sum(axis=(2, 3))
        wanted = np.maximum(sums + bias, 0)
        if returned.shape != wanted.shape:
            at_fault = "border" if returned.shape == maps.shape[:2] else "other-shape"
            raise Refusal(
                "map-for-each" if returned.shape == each.shape else at_fault,
                given=maps.shape,
                returned=returned.shape,
                wanted=wanted.shape,
            )
        for reason, mistaken in (
            ("neither", sums),
            ("no-relu", sums + bias),
            ("no-bias", np.maximum(sums, 0)),
            ("bias-last", np.maximum(sums, 0) + bias),
            ("bias-for-each", np.maximum(sums + number * bias, 0)),
            ("relu-for-each", np.maximum(each, 0).sum(axis=-1) + bias),
            ("one-map", np.maximum(each[..., 0] + bias, 0)),
            ("mean", np.maximum(sums / weights.size + bias, 0)),
            ("flipped", np.maximum((windows(maps) * weights[::-1, ::-1]).sum(axis=(2, 3, 4)) + bias, 0)),
            ("off", returned),
        ):
            if probes.same(returned, wanted, CLOSE):
                break
            if probes.same(returned, mistaken, CLOSE):
                raise Refusal(reason)


ROWS, COLUMNS, MAPS = 90, 150, 40  # of the picture; of the stranger's last convolution
SHAPES = {  # what comes out of the stranger's four steps, and what each mistake makes of it
    (20, 35): None,
    (22, 37): "border-kept",
    (21, 36): "rounded",  # or a border of one
    (41, 71): "last-pooling",
    (45, 75): "last-pooling",
    (43, 73): "first-pooling",
    (35, 20): "exchanged",
    (90, 150): "no-pooling",
    (86, 146): "no-pooling",
}
FACTORS = (  # of the number of parameters, what misleads most first: what each may be, and which mistake that is
    {1: None, 41 * 71: "size-of-maps", 45 * 75: "size-of-maps"},
    {5 * 5: None, 3 * 3: "other-window", 5: "flat-window", 1: "no-window"},
    {24: None, 1: "one-map-in", 3: "three-colours", 40: "maps-in"},
    {40: None, 24: "maps-out", 1: "one-map-out"},
    {40: None, 0: "no-biases", 24: "biases-of-maps-in", 1: "one-bias"},
)


@exercise(NOTEBOOK)
def read_a_stack(answer):
    """Judge the rows, columns and maps that come out of a network, and the parameters of its second convolution."""
    if isinstance(answer, str):
        raise Refusal("in-quotes", given=repr(answer))
    if not hasattr(answer, "__len__") or isinstance(answer, bytes | dict | set) or len(answer) != 4:
        raise Refusal("not-four")
    *shape, count = (probes.number(number) for number in answer)
    written = "({:g}, {:g}, {:g})".format(*shape)
    if tuple(shape) != (20, 35, MAPS):
        sides = SHAPES.get(tuple(shape[:2]), "height-or-width")
        raise Refusal("channels-first" if shape[0] == MAPS else sides or "channels", shape=written)
    explained = []
    for factors in itertools.product(*FACTORS):
        places, window, maps_in, maps_out, biases = factors
        weights = window * maps_in * maps_out
        if count in (weights * places + biases, (weights + biases) * places):
            mistakes = [place for place, factor in enumerate(factors) if FACTORS[place][factor]]
            explained.append((len(mistakes), mistakes, factors))
    if count == 3 * 3 * 3 * 24 + 24 or not explained:
        raise Refusal("off" if not explained else "first-convolution", count=count)
    _, mistakes, factors = min(explained)
    if mistakes:
        made = "{1} × {2} × {3}, and {4} biases".format(*factors)
        raise Refusal(FACTORS[mistakes[0]][factors[mistakes[0]]], count=count, made=made)


@exercise(NOTEBOOK)
def prepare_opencv(answer):
    """Judge a function that prepares pictures whose colours are blue, green, red, and leaves them unchanged."""
    red_first = np.random.default_rng(7).integers(0, 256, (2, 8, 6, 3))
    for kind in ("uint8", "float32"):
        photos = red_first[..., ::-1].astype(kind)
        mine = photos.copy()
        returned = probes.array(probes.called(answer, mine))
        if returned.shape != photos.shape:
            raise Refusal("other-shape", given=photos.shape, returned=returned.shape)
        wanted = PREPARE(red_first.astype("float32"))
        if not probes.same(returned, wanted, CLOSE):
            blue, green, red = np.abs(returned - wanted).max(axis=(0, 1, 2))
            left = _what_is_left(photos.astype("float32"), returned)
            raise Refusal(left, blue=blue, green=green, red=red)
        if not np.array_equal(mine, photos):
            raise Refusal(f"in-place:{kind}")


def _what_is_left(photos, returned):
    """Return which of the colleague's mistakes an answer still makes, or which other one that is known."""
    three = {"the division by 255": (1, 255), "the order of the colours": (-1, 1), "the second call": (1, 2)}
    for division, order, calls in itertools.product(*three.values()):
        made = photos[..., ::order] / division
        for _ in range(calls):
            made = PREPARE(made.copy())
        if probes.same(returned, made, CLOSE):
            still = (division == 255, order == 1, calls == 2)
            return f"left:{' and '.join(itertools.compress(three, still))}"
    made = preparations.variants(PREPARE, photos[..., ::-1])
    others = ("turned-only", "as-they-are", "red-first", "turned-means-not", "means-added", "prepared-then-divided")
    return preparations.recognised(others, made, returned, CLOSE) or "off"


@exercise(NOTEBOOK)
def block3_features(answer, base):
    """Judge a model from pixels to the averages of the maps of block3_pool in the base that the exercise gives."""
    model = probes.model(answer)
    pixels = np.random.default_rng(5).uniform(0, 255, (1, *base.input_shape[1:]))
    returned = probes.outputs(model, pixels)
    to_maps = keras.Model(base.input, base.get_layer("block3_pool").output)

    def features(fed, reduce=np.mean):
        return reduce(probes.outputs(to_maps, fed), axis=(1, 2))

    wanted = features(PREPARE(pixels.copy()))
    if returned.shape != wanted.shape:
        kept = "maps" if returned.ndim == 4 else "flat" if returned.size > 512 else f"numbers:{returned.shape[-1]}"
        raise Refusal(kept, shape=returned.shape)
    if probes.same(returned, wanted):
        return
    if probes.same(returned, features(PREPARE(pixels.copy()), np.max)):
        raise Refusal("largest")
    made = {name: features(fed) for name, fed in preparations.variants(PREPARE, pixels).items()}
    fed_with = preparations.recognised(made, made, returned)
    raise Refusal(fed_with or "other-features")
