"""Checks of notebook 03: heads, the literal swap, wiring, and the loss that fits."""

import keras
import numpy as np
import tensorflow as tf
from scipy import special

from helpers.course.checks import losses, preparations, probes
from helpers.course.checks.exercise import Refusal, describe, exercise
from helpers.course.checks.fixtures import CLASSES

NOTEBOOK = "03_attach_new_head"


@exercise(NOTEBOOK)
def head_on_features(answer):
    """Judge a head on features of shape (7, 7, 512) that gives five logits."""
    head = probes.model(answer)
    features = np.random.default_rng(5).gamma(0.5, 2.0, (6, 7, 7, 512))
    _refuse_shape(probes.outputs(head, features).shape, (6, CLASSES), features.shape)
    values = probes.nudged(head.trainable_variables)
    learning = {id(weight) for weight in probes.reached(head, features, values)}
    if not learning:
        raise Refusal("frozen")
    still = [weight for weight in head.weights if len(weight.shape) > 1 and id(weight) not in learning]
    if still:
        raise Refusal(f"partly-frozen:{probes.layer_of(still[0])}")
    outputs = probes.outputs(head, features, values)
    for layer in probes.layers_of(head.trainable_variables):
        ids = [id(weight) for weight in head.trainable_variables if probes.layer_of(weight) == layer]
        none, turned = (
            probes.outputs(head, features, values | {key: factor * values[key] for key in ids}) for factor in (0, -2)
        )
        if probes.same(turned, 3 * none - 2 * outputs) and not probes.same(none, outputs):
            return  # from these weights on all is linear: there is no activation
    wide = probes.outputs(head, features, {key: 50 * value for key, value in values.items()})
    outputs = np.concatenate([outputs, wide])
    raise Refusal("activation", lowest=outputs.min(), highest=outputs.max())


def _refuse_shape(shape, wanted, given):
    if shape == wanted:
        return
    raise Refusal("maps" if len(shape) > 2 else "units", given=given, shape=shape)


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
    last = full.layers[-1] if isinstance(full, keras.Model) else None
    if not isinstance(last, keras.layers.Dense) or last.units == CLASSES:
        raise Refusal("full-is-another", full=describe(full))
    swapped = probes.model(answer)
    pictures = np.random.default_rng(9).uniform(-1, 1, (2, *full.input_shape[1:])).astype("float32")
    logits = probes.outputs(swapped, pictures)
    _refuse_shape(logits.shape, (len(pictures), CLASSES), pictures.shape)
    new = [weight for weight in swapped.weights if tuple(weight.shape[-1:]) == (CLASSES,)]
    if len(new) not in (1, 2) or len(new[0].shape) != 2:
        raise Refusal("no-last-dense")
    # Signs alternate: fc2 gives no negative numbers, and all logits could else be positive by chance, as after relu.
    values = {key: tf.abs(value) * [1, -1, 1, -1, 1] for key, value in probes.nudged(new).items()}
    logits = probes.outputs(swapped, pictures, values)
    kernel, *bias = (np.asarray(values[id(weight)]) for weight in new)
    rows = _rows(full, pictures)
    kept = rows.pop("")

    def dense(row):
        return row @ kernel + (bias[0] if bias else 0)

    fits = kernel.shape[0] == kept.shape[1]
    kept_weights = [weight for layer in full.layers[:-1] for weight in layer.weights]
    known = [id(weight) for weight in (*new, *full.weights)]
    added = [each for each in swapped.weights if id(each) not in known and not _among(each, kept_weights)]
    if fits and not added and probes.same(logits, dense(kept)):
        return
    for name in ("softmax", "sigmoid", "relu", "tanh") if fits else ():
        if probes.same(logits, np.asarray(keras.activations.get(name)(dense(kept)))):
            raise Refusal(f"activation:{name}")
    for name, row in rows.items():
        if row.shape[1] == kernel.shape[0] and not added and probes.same(logits, dense(row)):
            raise Refusal(f"attached-to:{name}", taken=kernel.shape[0])
    if not fits:
        raise Refusal("left-out", taken=kernel.shape[0], wanted=kept.shape[1])
    raise Refusal("built-again" if added else "other-numbers", differs=np.abs(logits - dense(kept)).max())


def _rows(full, pictures):
    """Return what each layer gives that ends in a row of numbers; under "" what the last layer takes."""
    layers = [layer for layer in full.layers if len(layer.output.shape) == 2]
    watch = keras.Model(full.input, [full.layers[-1].input, *(layer.output for layer in layers)])
    rows = watch(pictures, training=False)
    return {name: np.asarray(row) for name, row in zip(["", *(layer.name for layer in layers)], rows, strict=True)}


def _among(weight, others):
    """Return whether a weight, or a copy of it, is among others."""
    return any(weight is other for other in others) or any(
        tuple(other.shape) == tuple(weight.shape) and np.array_equal(weight, other) for other in others
    )


@exercise(NOTEBOOK)
def mend_wiring(answer, base, head):
    """Judge a whole model made of a base and a head that takes the features of that base."""
    for name, part in (("base", base), ("head", head)):
        if not isinstance(part, keras.Model):
            raise Refusal(f"part-is-no-model:{name}", part=describe(part))
    whole = probes.model(answer)
    pixels = np.random.default_rng(13).integers(0, 256, (2, *base.input_shape[1:])).astype("float32")
    logits = probes.outputs(whole, pixels)
    made = preparations.variants(keras.applications.vgg16.preprocess_input, pixels)
    right = probes.outputs(head, probes.outputs(base, made["prepared"]))
    if probes.same(logits, right):
        return
    if probes.same(logits, special.softmax(right, axis=1)):
        raise Refusal("softmax-after")
    all_at_once = probes.outputs(head, probes.outputs(base, np.concatenate(list(made.values()))))
    made = dict(zip(made, np.split(all_at_once, len(made)), strict=True))
    mistake = preparations.recognised(made, made, logits)
    if mistake:
        raise Refusal(mistake)
    for part, reason in ((head, "another-head"), (base, "another-base")):
        if not all(_among(weight, whole.weights) for weight in part.weights):
            raise Refusal(reason)
    differs = np.abs(logits - right).max() if logits.shape == right.shape else np.inf
    raise Refusal("something-between", differs=differs, shape=logits.shape)
