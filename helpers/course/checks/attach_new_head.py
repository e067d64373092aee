"""Checks of notebook 03: heads, the literal swap, wiring, and the loss that fits."""

import keras
import numpy as np
import tensorflow as tf

from helpers.course.checks import losses, preparations, probes
from helpers.course.checks.exercise import Refusal, describe, exercise

NOTEBOOK = "03_attach_new_head"
CLASSES = 5
UNITS = {1: "one-unit", 1000: "1000-units"}


@exercise(NOTEBOOK)
def head_on_features(answer):
    """Judge a head on features of shape (7, 7, 512) that gives five logits."""
    head = probes.model(answer)
    generator = np.random.default_rng(5)
    features = generator.gamma(0.5, 2.0, (6, 7, 7, 512))
    logits = probes.outputs(head, features)
    _refuse_shape(logits.shape, (6, CLASSES), features.shape)
    large = generator.normal(0, 1000, (32, 7, 7, 512))
    _refuse_activation(probes.outputs(head, large, probes.nudged(head.trainable_variables)))
    if not probes.trains(head, features):
        raise Refusal("frozen")


def _refuse_shape(shape, wanted, given):
    if shape == wanted:
        return
    reason = "maps" if len(shape) > 2 else UNITS.get(shape[-1], "units")
    raise Refusal(reason, given=given, shape=shape)


def _refuse_activation(outputs):
    """Refuse outputs, made from large numbers of both signs, whose range only an activation explains."""
    if probes.are_probabilities(outputs):
        raise Refusal("softmax")
    if outputs.min() >= 0 and outputs.max() <= 1:
        raise Refusal("sigmoid")
    if outputs.min() >= 0:
        raise Refusal("relu")
    if np.abs(outputs).max() <= 1:
        raise Refusal("tanh")


MODELS = {"A": (True, False), "B": (False, True), "C": (True, True)}  # logits, one-hot labels


@exercise(NOTEBOOK)
def fitting_losses(answer):
    """Judge the losses chosen for three models that differ in their last activation and their labels."""
    probes.entries(answer, MODELS)
    for model, (logits, one_hot) in MODELS.items():
        losses.judge(answer[model], f"model {model}", logits, one_hot)


@exercise(NOTEBOOK)
def swap_final_dense(answer, full):
    """Judge a copy of `full`, a model that ends in one Dense layer, in which that layer alone is new."""
    if not isinstance(full, keras.Model):
        raise Refusal("full-is-no-model", full=describe(full))
    swapped = probes.model(answer)
    pictures = np.random.default_rng(9).uniform(-100, 100, (3, *full.input_shape[1:]))
    logits = probes.outputs(swapped, pictures)
    if logits.shape[1:] == (full.layers[-1].units,):
        raise Refusal("old-layer-there", shape=logits.shape, count=len(pictures))
    _refuse_shape(logits.shape, (3, CLASSES), pictures.shape)
    new = [weight for weight in swapped.weights if weight.shape[-1] == CLASSES]
    if len(new) not in (1, 2) or len(new[0].shape) != 2:
        raise Refusal("no-last-dense")
    values = _telling(new)
    logits = probes.outputs(swapped, pictures, values)
    kernel, *bias = (values[id(weight)].numpy() for weight in new)
    rows = _rows(full, pictures)
    kept = rows.pop("")

    def dense(row):
        return row @ kernel + (bias[0] if bias else 0)

    fits = kernel.shape[0] == kept.shape[1]
    if fits and probes.same(logits, dense(kept)):
        return
    for name in ("softmax", "sigmoid", "relu", "tanh"):
        if fits and probes.same(logits, np.asarray(keras.activations.get(name)(dense(kept)))):
            raise Refusal(name)
    for name, row in rows.items():
        if row.shape[1] == kernel.shape[0] and probes.same(logits, dense(row)):
            raise Refusal(f"attached-to:{name}", taken=kernel.shape[0])
    raise Refusal("built-again" if fits else "left-out", taken=kernel.shape[0], wanted=kept.shape[1])


def _telling(new):
    """Return values for a last layer's weights that show what it takes, and any activation after it.

    Classes alternate in sign, because fc2 gives no negative numbers and all logits could else be positive by chance.
    """
    generator = np.random.default_rng(29)
    signs = np.array([1, -1, 1, -1, 1])
    return {
        id(weight): tf.constant(signs * np.abs(generator.normal(0, 0.05, weight.shape)), weight.dtype) for weight in new
    }


def _rows(full, pictures):
    """Return what each layer gives that ends in a row of numbers; under "" what the last layer takes."""
    layers = [layer for layer in full.layers if len(layer.output.shape) == 2]
    watch = keras.Model(full.input, [full.layers[-1].input, *(layer.output for layer in layers)])
    rows = watch(pictures.astype("float32"))
    return {name: np.asarray(row) for name, row in zip(["", *(layer.name for layer in layers)], rows, strict=True)}


FED = ("as-they-are", "divided", "twice")


@exercise(NOTEBOOK)
def mend_wiring(answer, base, head):
    """Judge a whole model made of a base and a head that takes the features of that base."""
    for name, part in (("base", base), ("head", head)):
        if not isinstance(part, keras.Model):
            raise Refusal(f"part-is-no-model:{name}", part=describe(part))
    whole = probes.model(answer)
    pixels = np.random.default_rng(13).integers(0, 256, (3, *base.input_shape[1:])).astype("float32")
    shape = tuple(getattr(whole, "input_shape", None) or ())
    if shape[1:] == tuple(head.input_shape[1:]):
        raise Refusal("takes-features", shape=shape[1:])
    logits = probes.outputs(whole, pixels)
    if logits.ndim == 4:
        raise Refusal("no-head", shape=logits.shape)

    def as_fed(prepared):
        return probes.same(logits, probes.outputs(head, probes.outputs(base, prepared)))

    made = preparations.variants(keras.applications.vgg16.preprocess_input, pixels)
    if as_fed(made["prepared"]):
        return
    reason = preparations.recognised(FED, made, as_fed)
    if reason:
        raise Refusal(reason)
    if not _holds(whole, head):
        raise Refusal("another-head")
    raise Refusal("something-between" if _holds(whole, base) else "another-base")


def _holds(whole, part):
    """Return whether the weights of `part` are among those of `whole`, as they are or as copies."""
    values = [np.asarray(weight) for weight in whole.weights]
    return all(
        any(value.shape == weight.shape and np.array_equal(value, weight) for value in values)
        for weight in map(np.asarray, part.weights)
    )
