"""Checks of notebook 01: shapes, parameters and preprocessing of VGG16."""

import keras
import numpy as np

from helpers.course.checks import preparations, probes
from helpers.course.checks.exercise import Refusal, describe, exercise

NOTEBOOK = "01_load_vgg16"
MEANS = -keras.applications.vgg16.preprocess_input(np.zeros(3, "float32"))  # of ImageNet: blue, green, red
CLOSE = 0.02  # grey levels of 255

MAPS = (6, 3, 512)
SHAPE = "a shape: a tuple of whole numbers, with or without the batch axis in front"
SHAPES = {
    (3, 6, 512): ("height and width are exchanged", "which of the two comes first in a shape of Keras"),
    (12, 7, 512): ("four halvings give this", "how many poolings the layer table lists, block by block"),
    (7, 4, 512): ("a half is rounded up somewhere", "what a 2×2 window does with a last row that has no partner"),
    (3, 1, 512): ("six halvings give this", "how many poolings the layer table lists, block by block"),
    (7, 7, 512): ("this is the shape for pictures of 224 × 224", "how the shape follows the size of the picture"),
    (3, 3, 512): ("this is the shape for pictures of 96 × 96", "how the shape follows the size of the picture"),
    (200, 120, 512): ("the picture is as large as before", "what the poolings do to height and width"),
    (6, 3, 3): ("three channels went in, but how many maps come out?", "the channels of the last convolution"),
    (6, 3): ("the channels are missing", "how many maps the last convolution makes"),
    (512, 6, 3): ("the channels stand first", "where the channels stand in the shapes of the layer table"),
    (9216,): ("that is the number of values when the maps are flattened", "what the base gives before any Flatten"),
    (512,): ("that is the row after global pooling", "what the base gives with pooling left out"),
    (1000,): ("that is what the top gives", "what include_top=False removes"),
}


@exercise(
    NOTEBOOK,
    goal="read shapes: say what comes out for a picture of another size",
    expects=SHAPE,
    praise="five poolings halve 200 to 6 and 120 to 3 (a half is dropped), and block5 makes 512 maps.",
)
def output_shape(answer):
    """Judge the shape that VGG16's base gives for a picture 200 pixels high and 120 wide."""
    more = "write the side down and halve it once for each pooling, dropping the half each time"
    if hasattr(answer, "as_list"):
        answer = answer.as_list()
    if isinstance(answer, np.ndarray) and answer.ndim == 1:
        answer = answer.tolist()
    if not isinstance(answer, list | tuple):
        look = "write it without quotes" if isinstance(answer, str) else "write it as in the layer table: (…, …, …)"
        raise Refusal(describe(answer), SHAPE, look, more)
    sides = [side if side is None else probes.number(side, SHAPE) for side in answer]
    given = tuple(sides[1:] if len(sides) == 4 or sides[:1] == [None] else sides)
    if given == MAPS:
        return
    saw = f"the shape {_written(sides)}"
    if any(side is not None and side != int(side) for side in sides):
        raise Refusal(saw, SHAPE, "a picture has no half rows: what does a pooling do with an odd side?", more)
    if None in given:
        raise Refusal(saw, SHAPE, "only the batch axis is open; the picture's size is known here", more)
    seen, look = SHAPES.get(given, ("", ""))
    if seen:
        raise Refusal(f"{saw}: {seen}", SHAPE, look, more)
    if len(given) != 3:
        raise Refusal(saw, SHAPE, f"how many axes one picture's maps have: {len(given)} is not it", more)
    if given[2] != MAPS[2]:
        raise Refusal(saw, SHAPE, "the last number: how many maps the last convolution makes", more)
    raise Refusal(saw, SHAPE, "the first two numbers: halve each side once for each pooling", more)


def _written(sides):
    return "(" + ", ".join("None" if side is None else f"{side:g}" for side in sides) + ")"


PARAMETERS = 3 * 3 * 128 * 256 + 256
COUNT = "one whole number: how many parameters the layer has"
COUNTS = {
    3 * 3 * 128 * 256: ("the biases are missing", "what is added to every map at the end"),
    3 * 3 * 256 + 256: ("every kernel is counted with one map of input", "how many maps come in from block2"),
    3 * 3 * 256: ("every kernel is counted with one map of input", "how many maps come in from block2"),
    3 * 3 * 256 * 256 + 256: ("that is block3_conv2", "how many maps come in: those of the layer before"),
    3 * 3 * 256 * 256: ("256 maps come in here, and biases are missing", "the number of maps of the layer before"),
    3 * 128 * 256 + 256: ("each kernel is counted as 3 numbers", "a kernel has a height and a width"),
    3 * 3 * 128 * 256 + 128: ("128 biases", "whether a bias belongs to a map that comes in or one that goes out"),
    3 * 3 * 3 * 256 + 256: ("three colours come in here", "what block3_conv1 sees: no longer the picture itself"),
    3 * 3 * 128 * 128 + 128: ("that is block2_conv2", "how many maps block3_conv1 makes"),
}


@exercise(
    NOTEBOOK,
    goal="read the layer table: count what a convolution learns",
    expects=COUNT,
    praise="256 kernels of 3 × 3 × 128 numbers, and one bias for each: the picture's size plays no part.",
)
def convolution_parameters(answer):
    """Judge the number of parameters of block3_conv1."""
    more = "one kernel is height × width × maps in; there is one for each map out, and one bias for each map out"
    given = probes.number(answer, COUNT)
    if given == PARAMETERS:
        return
    seen, look = COUNTS.get(given, ("", ""))
    if not seen and given > 0 and given % (56 * 56) == 0:
        seen, look = "the size of the maps is counted in", "whether a kernel is learned anew for each place"
    if not seen:
        side = "too few" if given < PARAMETERS else "too many"
        seen, look = side, "write the four factors of the kernels down one by one, then the biases"
    raise Refusal(f"the number {given:,.0f}: {seen}", COUNT, look, more)


RULE = (
    "a function that takes pixels 0…255 in the order red, green, blue, shape (n, h, w, 3), and returns a new array "
    "as VGG16's weights expect it"
)
ORDER = "the order of the channels: the weights saw blue first"
DIVIDED = "whether VGG16's weights ever saw numbers this small: nothing is divided"
TWICE = "a second call somewhere, or a line that works in place and is followed by another"
PREPARED = {
    "as-they-are": ("the pixels come back as they were", "the order of the channels, and their means"),
    "divided": ("pixels divided by 255, in 0…1", DIVIDED),
    "minus-one-to-one": ("pixels in −1…1", DIVIDED),
    "turned-only": ("the channels are turned, but no mean is subtracted", "the three means of the section"),
    "red-first": ("the right means, but the channels still begin with red", ORDER),
    "red-and-blue-exchanged": ("the means of blue, green, red subtracted from red, green, blue", ORDER),
    "turned-means-not": (
        "the channels are turned, but the means are not",
        "which mean belongs to which channel: the first must be that of blue",
    ),
    "means-added": ("the means are added", "the sign: afterwards a grey picture lies around zero"),
    "prepared-then-divided": ("the means are right, and then it is divided by 255", DIVIDED),
    "divided-then-prepared": ("it is divided by 255 before the means are subtracted", DIVIDED),
    "twice": ("it is preprocessed twice", TWICE),
    "means-twice": ("the means are subtracted twice", TWICE),
    "own-mean": (
        "the mean of this very batch is subtracted",
        "whose mean the weights know: that of ImageNet, written down in the section",
    ),
}


@exercise(
    NOTEBOOK,
    goal="preprocess pixels as the weights expect them",
    expects=RULE,
    praise="the channels turned to blue, green, red, each with its mean subtracted, nothing divided, and the pixels "
    "that were given are as before.",
)
def preprocess(answer):
    """Judge a function that does what `keras.applications.vgg16.preprocess_input` does, its argument unchanged."""
    pixels = np.random.default_rng(7).integers(0, 256, (2, 8, 6, 3)).astype("float32")
    mine = pixels.copy()
    given = probes.called(answer, RULE, mine)
    more = "print one pixel before and after, for instance (255, 0, 0), and compare it with keras's own function"
    try:
        given = np.asarray(given, dtype="float64")
    except (TypeError, ValueError):
        raise Refusal(f"it returns {describe(given)}", RULE, "return one array of numbers", more) from None
    if given.shape != pixels.shape:
        saw = f"pixels of shape {pixels.shape} came back with shape {given.shape}"
        raise Refusal(saw, RULE, "work on the last axis only: pixels[..., channel]", more)
    wanted = keras.applications.vgg16.preprocess_input(pixels.copy())
    if np.allclose(given, wanted, atol=CLOSE):
        if np.array_equal(mine, pixels):
            return
        saw = "the right numbers, but the pixels that were given are changed too"
        look = "a line that works in place, such as -=, or a call of a function that does: work on a copy"
        raise Refusal(saw, RULE, look, "the cell of the notebook that preprocesses the same array twice")
    turned = pixels[..., ::-1]
    arrays = preparations.wrong(keras.applications.vgg16.preprocess_input, pixels) | {
        "turned-means-not": turned - MEANS[::-1],
        "means-added": turned + MEANS,
        "means-twice": turned - 2 * MEANS,
        "own-mean": turned - turned.mean(axis=(0, 1, 2)),
    }
    name, hint = preparations.recognised(PREPARED, arrays, lambda array: np.allclose(given, array, atol=CLOSE))
    if name:
        raise Refusal(hint[0], RULE, hint[1], more)
    off = np.abs(given - wanted).max(axis=(0, 1, 2))
    saw = f"channels that are off by at most {off[0]:.4g}, {off[1]:.4g} and {off[2]:.4g}"
    raise Refusal(saw, RULE, "the channel that is off most: what stands there, and what was subtracted?", more)
