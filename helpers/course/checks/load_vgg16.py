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
POOLINGS = "how many poolings the layer table lists, block by block"
SIZE = "how the shape follows the size of the picture"
EXCHANGED = "which of the two comes first in a shape of Keras"
SHAPES = {
    (3, 6, 512): ("exchanged", "height and width are exchanged", EXCHANGED),
    (12, 7, 512): ("four-halvings", "four halvings give this", POOLINGS),
    (7, 4, 512): ("rounded", "a half is rounded up", "what a 2×2 window does with a last row that has no partner"),
    (3, 1, 512): ("six-halvings", "six halvings give this", POOLINGS),
    (7, 7, 512): ("for-224-pixels", "this is the shape for pictures of 224 × 224", SIZE),
    (3, 3, 512): ("for-96-pixels", "this is the shape for pictures of 96 × 96", SIZE),
    (200, 120, 512): ("not-pooled", "the picture is as large as before", "what the poolings do to height and width"),
    (6, 3, 3): ("three-maps", "three channels go in, but what comes out?", "the channels of the last convolution"),
    (6, 3): ("no-channels", "the channels are missing", "how many maps the last convolution makes"),
    (512, 6, 3): ("channels-first", "the channels come first", "where the layer table's shapes have the channels"),
    (9216,): ("flattened", "that is the number of values after Flatten", "what the base gives before any Flatten"),
    (512,): ("pooled", "that is the row after global pooling", "what the base gives with pooling left out"),
    (1000,): ("with-top", "that is what the top gives", "what include_top=False removes"),
}


@exercise(
    NOTEBOOK,
    goal="read shapes: say what comes out for a picture of another size",
    expects="a shape: a tuple of whole numbers, with or without the batch axis in front",
    praise="five poolings halve 200 to 6 and 120 to 3 (a half is dropped), and block5 makes 512 maps.",
    hint="write the side down and halve it once for each pooling, dropping the half each time",
)
def output_shape(answer):
    """Judge the shape that VGG16's base gives for a picture 200 pixels high and 120 wide."""
    if hasattr(answer, "as_list"):
        answer = answer.as_list()
    if isinstance(answer, np.ndarray) and answer.ndim == 1:
        answer = answer.tolist()
    if isinstance(answer, str):
        raise Refusal("in-quotes", describe(answer), "write it without quotes")
    if not isinstance(answer, list | tuple):
        raise Refusal("no-shape", describe(answer), "write it as in the layer table: (…, …, …)")
    sides = [side if side is None else probes.number(side) for side in answer]
    shape = tuple(sides[1:] if len(sides) == 4 or sides[:1] == [None] else sides)
    if shape == MAPS:
        return
    saw = "the shape (" + ", ".join("None" if side is None else f"{side:g}" for side in sides) + ")"
    if any(side is not None and side != int(side) for side in sides):
        reason, look = "half-rows", "a picture has no half rows: what does a pooling do with an odd side?"
    elif None in shape:
        reason, look = "open-sides", "only the batch axis is open; the picture's size is known here"
    elif shape in SHAPES:
        reason, seen, look = SHAPES[shape]
        saw = f"{saw}: {seen}"
    elif len(shape) != 3:
        reason, look = "number-of-axes", f"how many axes one picture's maps have: {len(shape)} is not it"
    elif shape[2] != MAPS[2]:
        reason, look = "channels", "the last number: how many maps the last convolution makes"
    else:
        reason, look = "height-or-width", "the first two numbers: halve each side once for each pooling"
    raise Refusal(reason, saw, look)


PARAMETERS = 3 * 3 * 128 * 256 + 256
ONE_MAP = ("one-map-in", "every kernel is counted with one map of input", "how many maps come in from block2")
BEFORE = "how many maps come in: those of the layer before"
BIAS = "whether a bias belongs to a map that comes in or one that goes out"
COUNTS = {
    3 * 3 * 128 * 256: ("no-biases", "the biases are missing", "what is added to every map at the end"),
    3 * 3 * 256 + 256: ONE_MAP,
    3 * 3 * 256: ONE_MAP,
    3 * 3 * 256 * 256 + 256: ("block3_conv2", "that is block3_conv2", BEFORE),
    3 * 3 * 256 * 256: ("block3_conv2-no-biases", "256 maps come in here, and biases are missing", BEFORE),
    3 * 128 * 256 + 256: ("flat-kernel", "each kernel is counted as 3 numbers", "a kernel has a height and a width"),
    3 * 3 * 128 * 256 + 128: ("biases-of-maps-in", "128 biases", BIAS),
    3 * 3 * 3 * 256 + 256: ("three-colours", "three colours come in here", "what block3_conv1 sees: not the picture"),
    3 * 3 * 128 * 128 + 128: ("block2_conv2", "that is block2_conv2", "how many maps block3_conv1 makes"),
}


@exercise(
    NOTEBOOK,
    goal="read the layer table: count what a convolution learns",
    expects="one whole number: how many parameters the layer has",
    praise="256 kernels of 3 × 3 × 128 numbers, and one bias for each: the picture's size plays no part.",
    hint="one kernel is height × width × maps in; there is one for each map out, and one bias for each map out",
)
def convolution_parameters(answer):
    """Judge the number of parameters of block3_conv1."""
    count = probes.number(answer)
    if count == PARAMETERS:
        return
    if count in COUNTS:
        reason, seen, look = COUNTS[count]
    elif count > 0 and count % (56 * 56) == 0:
        reason, seen = "size-of-maps", "the size of the maps is counted in"
        look = "whether a new kernel is learned for each position"
    else:
        reason, seen = "off", "too few" if count < PARAMETERS else "too many"
        look = "write the four factors of the kernels down one by one, then the biases"
    raise Refusal(reason, f"the number {count:,.0f}: {seen}", look)


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
    expects="a function that takes pixels 0…255 in the order red, green, blue, shape (n, h, w, 3), and returns a new "
    "array as VGG16's weights expect it",
    praise="the channels turned to blue, green, red, each with its mean subtracted, nothing divided, and the pixels "
    "that were given are as before.",
    hint="print one pixel before and after, for instance (255, 0, 0), and compare it with keras's own function",
)
def preprocess(answer):
    """Judge a function that does what `keras.applications.vgg16.preprocess_input` does, its argument unchanged."""
    pixels = np.random.default_rng(7).integers(0, 256, (2, 8, 6, 3)).astype("float32")
    mine = pixels.copy()
    returned = probes.called(answer, mine)
    try:
        returned = np.asarray(returned, dtype="float64")
    except (TypeError, ValueError):
        raise Refusal("no-array", f"it returns {describe(returned)}", "return one array of numbers") from None
    if returned.shape != pixels.shape:
        saw = f"pixels of shape {pixels.shape} came back with shape {returned.shape}"
        raise Refusal("other-shape", saw, "work on the last axis only: pixels[..., channel]")

    def equal(array):
        return np.allclose(returned, array, atol=CLOSE)

    made = preparations.variants(PREPARE, pixels)
    if equal(made["prepared"]):
        if np.array_equal(mine, pixels):
            return
        saw = "the right numbers, but the pixels that were given are changed too"
        look = "a line that works in place, such as -=, or a call of a function that does: work on a copy"
        raise Refusal("in-place", saw, look, "the cell of the notebook that preprocesses the same array twice")
    turned = pixels[..., ::-1]
    made |= {
        "turned-means-not": turned - MEANS[::-1],
        "means-added": turned + MEANS,
        "means-twice": turned - 2 * MEANS,
        "own-mean": turned - turned.mean(axis=(0, 1, 2)),
    }
    preparations.refuse_known(PREPARED, made, equal)
    off = np.abs(returned - made["prepared"]).max(axis=(0, 1, 2))
    saw = f"channels that are off by at most {off[0]:.4g}, {off[1]:.4g} and {off[2]:.4g}"
    raise Refusal("off", saw, "the channel that is off most: what is there, and what was subtracted?")
