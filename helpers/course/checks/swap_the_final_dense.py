"""Checks of notebook 04: the literal swap, columns for the new layer, and what VGG16's own end costs."""

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from helpers.course.checks import probes
from helpers.course.checks.exercise import Refusal, describe, exercise, gives
from helpers.course.checks.fixtures import CLASSES
from helpers.network import surgery

NOTEBOOK = "04_swap_the_final_dense"
SIDE, OLD_CLASSES = 24, 40
# The task of count_new_top: VGG16 for pictures of 128 pixels, 10 classes.
NEW_TOP = 4 * 4 * 512 * 4096 + 4096 + 4096 * 4096 + 4096 + 4096 * 10 + 10
POOLED_HEAD = 512 * 10 + 10
MISCOUNTS = {
    NEW_TOP - 4096 - 4096 - 10: "biases",
    NEW_TOP - (16 - 9) * 512 * 4096: "of-another-size",
    NEW_TOP + (49 - 16) * 512 * 4096: "of-another-size",
    NEW_TOP + (1 - 16) * 512 * 4096: "pooled-first",
    4096 * 10 + 10: "last-layer-only",
    POOLED_HEAD - 10: "biases",
    16 * POOLED_HEAD - 150: "not-pooled",
}


@gives
def strangers_network():
    """Return a small network with random weights that tells 40 kinds of leaves apart; it ends in scores, then softmax.

    It takes prepared pixels (n, 24, 24, 3). Two branches meet in its middle, and it holds a BatchNormalization layer.
    """
    pixels = keras.Input((SIDE, SIDE, 3), name="prepared_pixels")
    stem = layers.Conv2D(8, 3, strides=2, padding="same", name="stem_conv")(pixels)
    branch = layers.Conv2D(8, 3, padding="same", activation="relu", name="branch_conv")(stem)
    joined = layers.BatchNormalization(name="join_bn")(layers.Add(name="join")([stem, branch]))
    row = layers.GlobalAveragePooling2D(name="pool")(layers.ReLU(name="join_relu")(joined))
    row = layers.Dense(16, activation="relu", name="squeeze")(row)
    scores = layers.Dense(OLD_CLASSES, name="leaf_scores")(layers.Dropout(0.3, name="drop")(row))
    return keras.Model(pixels, layers.Softmax(name="leaf_probabilities")(scores), name="leaves")


def _plain_end():
    """Return a small network that ends as VGG16 does: Flatten and three Dense layers, the last with softmax."""
    pixels = keras.Input((SIDE, SIDE, 3), name="prepared_pixels")
    row = layers.Flatten(name="flatten")(layers.Conv2D(4, 3, strides=3, activation="relu", name="conv")(pixels))
    row = layers.Dense(12, activation="relu", name="wide2")(layers.Dense(12, activation="relu", name="wide1")(row))
    return keras.Model(pixels, layers.Dense(OLD_CLASSES, activation="softmax", name="kinds")(row), name="plain")


@exercise(NOTEBOOK)
def swap_by_hand(answer):
    """Judge a function that swaps the final Dense of a model for one with so many classes, all before it frozen."""
    for classes in (CLASSES, CLASSES - 2):
        full = _plain_end()
        _judge_swap(probes.called(answer, full, classes), full, classes)


@exercise(NOTEBOOK)
def imprint_class(answer):
    """Judge a function that makes a column of weights for a new class from a few pictures' features."""
    generator = np.random.default_rng(5)
    for features, classes, few in ((40, 5, 3), (30, 4, 2)):
        kernel = generator.normal(0, 0.3, (features, classes)) * np.arange(1, classes + 1)
        typical = generator.uniform(0, 4, features)
        others = typical + generator.uniform(-0.5, 0.5, (50, features))
        pictures = typical + generator.uniform(-1, 1, (few, features))
        given = [np.array(each, "float32") for each in (kernel, pictures, others)]
        column = np.squeeze(probes.array(probes.called(answer, *given)))
        if column.shape != (features,):
            raise Refusal("shape", shape=column.shape, wanted=features, pictures=few)
        mean, length = pictures.mean(axis=0), np.linalg.norm(kernel, axis=0).mean()
        meant = mean - others.mean(axis=0)
        alike = {name: _cosine(column, row) for name, row in (("meant", meant), ("raw", mean))}
        if alike["meant"] < 0.9999:
            raise Refusal("all-alike" if alike["raw"] > 0.9999 else "direction", cosine=alike["meant"])
        if abs(np.linalg.norm(column) / length - 1) > 1e-3:
            raise Refusal("length", length=np.linalg.norm(column), wanted=length)


def _cosine(first, second):
    return float(first @ second / max(np.linalg.norm(first) * np.linalg.norm(second), 1e-12))


@exercise(NOTEBOOK)
def count_new_top(answer):
    """Judge the parameters of two new ends on VGG16's maps, and which layer depends on the size of the pictures."""
    wanted = {"new top": NEW_TOP, "pooled head": POOLED_HEAD}
    probes.entries(answer, [*wanted, "grows"])
    for part, due in wanted.items():
        count = probes.number(answer[part])
        if count != due:
            raise Refusal(f"{MISCOUNTS.get(count, 'miscounted')}:{part}", count=count)
    if not isinstance(answer["grows"], str) or answer["grows"].strip().lower() != "fc1":
        raise Refusal("grows-not", given=describe(answer["grows"]))


@exercise(NOTEBOOK)
def swap_final_dense(answer, full):
    """Judge a copy of `full`, a model with a final Dense layer, in which that layer alone is new and trains."""
    last = surgery.final_dense(full) if isinstance(full, keras.Model) else None
    if last is None or last.units == CLASSES:
        raise Refusal("full-is-another", full=describe(full))
    _judge_swap(answer, full, CLASSES)


def _judge_swap(answer, full, classes):
    old = surgery.final_dense(full)
    swapped = probes.model(answer)
    pictures = np.random.default_rng(9).uniform(-1, 1, (2, *full.input_shape[1:])).astype("float32")
    probes.refuse_shape(probes.outputs(swapped, pictures).shape, (len(pictures), classes), pictures.shape)
    new = [weight for weight in swapped.weights if tuple(weight.shape[-1:]) == (classes,)]
    if len(new) not in (1, 2) or len(new[0].shape) != 2:
        raise Refusal("no-last-dense")
    # Signs alternate: fc2 gives no negative numbers, and all logits could else be positive by chance, as after relu.
    signs = np.resize([1, -1], classes)
    values = {key: tf.abs(value) * signs for key, value in probes.nudged(new).items()}
    logits = probes.outputs(swapped, pictures, values)
    kernel, *bias = (np.asarray(values[id(weight)]) for weight in new)
    rows = _rows(full, old, pictures)
    kept = rows.pop("")

    def dense(row):
        return row @ kernel + (bias[0] if bias else 0)

    fits = kernel.shape[0] == kept.shape[1]
    kept_weights = [weight for layer in full.layers if layer is not old for weight in layer.weights]
    known = [id(weight) for weight in (*new, *full.weights)]
    added = [each for each in swapped.weights if id(each) not in known and not probes.among(each, kept_weights)]
    if fits and not added and probes.same(logits, dense(kept)):
        return _judge_flags(swapped, new)
    for name in ("softmax", "sigmoid", "relu", "tanh") if fits else ():
        if probes.same(logits, np.asarray(keras.activations.get(name)(dense(kept)))):
            raise Refusal(f"activation:{name}")
    for name, row in rows.items():
        if row.shape[1] == kernel.shape[0] and not added and probes.same(logits, dense(row)):
            raise Refusal(f"attached-to:{name}", taken=kernel.shape[0])
    if not fits:
        raise Refusal("left-out", taken=kernel.shape[0], wanted=kept.shape[1])
    raise Refusal("built-again" if added else "other-numbers", differs=np.abs(logits - dense(kept)).max())


def _judge_flags(swapped, new):
    """Refuse a swapped model in which anything but the new layer would train."""
    may_train = [id(weight) for weight in swapped.trainable_weights]
    free = [weight for weight in swapped.trainable_weights if id(weight) not in map(id, new)]
    if free:
        raise Refusal("old-layers-train", free=probes.listed(probes.layers_of(free)))
    if any(id(weight) not in may_train for weight in new):
        raise Refusal("new-layer-frozen")


def _rows(full, old, pictures):
    """Return what each layer gives that ends in a row of numbers; under "" what the old last layer takes."""
    ends = [layer for layer in full.layers if len(layer.output.shape) == 2]
    rows = keras.Model(full.input, [old.input, *(layer.output for layer in ends)])(pictures, training=False)
    return {name: np.asarray(row) for name, row in zip(["", *(layer.name for layer in ends)], rows, strict=True)}
