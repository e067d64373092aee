"""Checks of notebook 02: one step, what moved, when compile decides it, and BatchNormalization that stays fixed."""

import keras
import numpy as np

from helpers.course.checks import fixtures, probes
from helpers.course.checks.exercise import Refusal, exercise, gives
from helpers.course.checks.fixtures import BLOCK5, HEAD
from helpers.network import certificate

NOTEBOOK = "02_freeze_layers"

RATE, NEAR = 0.05, 1e-3
WEIGHTS = {"a": (2.0, 8.0), "b": (-1.0, -0.1)}  # where each is, and its gradient
AFTER = ("a after SGD", "b after SGD", "a after Adam", "b after Adam")


@exercise(NOTEBOOK)
def one_step(answer):
    """Judge where two weights are after the first step of SGD, and of Adam."""
    probes.entries(answer, AFTER)
    for entry in AFTER:
        weight, _, optimizer = entry.split()
        start, gradient = WEIGHTS[weight]
        steps = [RATE * gradient, RATE * np.sign(gradient)]  # of SGD, of Adam
        step, other = steps if optimizer == "SGD" else steps[::-1]
        given = probes.number(answer[entry])
        for reason, value in (
            ("too-short", start),
            ("uphill", start + step),
            ("other-optimizer", start - other),
            ("whole-gradient", start - gradient),
            ("another-number", given),
        ):
            if abs(given - start + step) > NEAR and abs(given - value) <= NEAR:
                raise Refusal(f"{reason}:{entry}", given=given)


ROW, WATCHED = (4,), ("numbers", "first", "average", HEAD)


def watched_model(free, learning_rate):
    """Return a compiled model on rows of numbers whose weights lie in 1…2, with its data; only layers `free` may train.

    A step of 1e-6 is within the tolerance of np.allclose there. No optimizer changes the numbers of ``average``.
    """
    start = keras.initializers.RandomUniform(1, 2, seed=0)
    options = {"kernel_initializer": start, "bias_initializer": start}
    numbers = keras.Input(ROW, name="numbers")
    first = keras.layers.Dense(4, name="first", **options)
    average = keras.layers.BatchNormalization(center=False, scale=False, name="average")
    model = keras.Model(numbers, keras.layers.Dense(2, name=HEAD, **options)(average(first(numbers))))
    for layer in model.layers:
        layer.trainable = layer.name in free
    model.compile(keras.optimizers.Adam(learning_rate), loss="mse", run_eagerly=True)
    return model, np.random.default_rng(1).normal(0, 1, (8, *ROW)).astype("float32"), np.zeros((8, 2), "float32")


@exercise(NOTEBOOK)
def moved_by_hand(answer):
    """Judge a function that fits a model and names the layers that moved."""
    probes.function(answer)
    for free, learning_rate, factor in (
        (("average", HEAD), 1e-6, 1),
        (("first", HEAD), 0.0, 1),
        (("first",), 1e-6, 0),  # on zeros a bias alone gets a gradient
    ):
        model, pictures, labels = watched_model(free, learning_rate)
        before = certificate.take(model)
        named = probes.names(probes.called(answer, model, factor * pictures, labels), WATCHED)
        moved = set(certificate.moved(before, certificate.take(model)))
        missing, still = moved - named, sorted(named - moved)
        for reason, met in (
            ("no-fit", not int(model.optimizer.iterations)),
            (f"still:{', '.join(still[:1])}", still),
            ("kernels-alone", missing and factor == 0),
            ("all-missing", missing and missing == moved),
            ("tolerance", HEAD in missing),
            ("only-trainable", missing),
        ):
            if met:
                raise Refusal(reason, named=probes.listed(sorted(named)), moved=probes.listed(sorted(moved)))


LATE = {"block5_conv2", "block5_conv3", HEAD}
MOVED = {"second fit": {HEAD}, "third fit": LATE, "fourth fit": LATE}
KNOWN = (*fixtures.LAYERS, "pool", HEAD)


@exercise(NOTEBOOK)
def moved_layers(answer):
    """Judge a prediction of which layers move in three fits, with changes of the flags in between."""
    probes.entries(answer, MOVED)
    for moment, wanted in MOVED.items():
        named = probes.names(answer[moment], KNOWN)
        if named != wanted:
            raise Refusal(_why_not(moment, named), moment=moment, named=probes.listed(sorted(named)))


def _why_not(moment, named):
    others = sorted(named - {HEAD, *BLOCK5})
    if others:
        return f"others:{others[0]}"
    if HEAD not in named:
        return "head"
    if moment == "second fit":
        return "flag-counts-at-once"
    if named == {HEAD}:
        return "freezing-counts-at-once" if moment == "fourth fit" else "compile-ignored"
    if moment == "third fit" and BLOCK5[-1] in named and len(named) != 3:
        return "as-at-compile" if len(named) == 2 else "freeze-up-to"
    return "other-layers"


LAST = "stage3_conv"
FIT = (
    np.random.default_rng(4).normal(0, 1, (8, 8, 8, 3)).astype("float32"),
    np.eye(fixtures.CLASSES, dtype="float32")[[0, 1, 2, 3, 4, 0, 1, 2]],
)


@gives
def strangers_model():
    """Return a model that was fitted on a frozen ``base``: three stages, each of ``_conv``, ``_norm`` and ``_relu``.

    It takes pictures of 8 × 8 pixels and ends in ``predictions``, five probabilities. Its labels are one-hot.
    """
    pixels = keras.Input(FIT[0].shape[1:], name="pixels")
    maps = pixels
    for stage in ("stage1", "stage2", "stage3"):
        maps = keras.layers.Conv2D(8, 3, padding="same", name=f"{stage}_conv")(maps)
        maps = keras.layers.BatchNormalization(name=f"{stage}_norm")(maps)
        maps = keras.layers.ReLU(name=f"{stage}_relu")(maps)
    base = keras.Model(pixels, maps, name="base")
    base.trainable = False
    inputs = keras.Input(pixels.shape[1:], name="inputs")
    row = keras.layers.GlobalAveragePooling2D(name="pool")(base(inputs))
    model = keras.Model(inputs, keras.layers.Dense(fixtures.CLASSES, activation="softmax", name=HEAD)(row))
    model.compile(keras.optimizers.Adam(1e-4), loss="categorical_crossentropy", jit_compile=False)
    model.fit(*FIT, verbose=0)
    return model


@exercise(NOTEBOOK)
def free_last_stage(answer):
    """Judge a function that makes a stranger's network ready to train one convolution and the head."""
    probes.function(answer)  # before a model is made for it
    returned = probes.recompiled(answer, strangers_model(), logits=False, one_hot=True)
    rate = probes.highest_rate(returned.optimizer)
    if rate > probes.HIGHEST_RATE * 1.001:
        raise Refusal("rate-high", rate=rate)
    moved = set(probes.moved_by_fit(returned, *FIT))
    marked = {probes.layer_of(weight) for weight in returned.weights if weight.trainable}
    norms = sorted(name for name in moved if "norm" in name)
    others = sorted(moved - {LAST, HEAD})
    for reason, met in (
        (f"norms-move:{', '.join(norms[:1])}", norms),
        (f"others-move:{', '.join(others[-1:])}", others),
        ("nothing-freed", LAST not in marked),
        ("no-compile", LAST not in moved),
        ("head-frozen", HEAD not in moved),
    ):
        if met:
            raise Refusal(reason, moved=probes.listed(sorted(moved)))
