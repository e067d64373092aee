"""How the model ends: do its last layers, its loss and the labels fit one another?"""

import contextlib
import re

import keras
import numpy as np
import tensorflow as tf

from helpers.doctor import splits, undisturbed
from helpers.doctor.findings import error, unjudged, warning
from helpers.network import inspection

SPARSE = ("sparse_categorical_crossentropy",)
ROWS = ("categorical_crossentropy", "categorical_focal_crossentropy")
BINARY = ("binary_crossentropy", "binary_focal_crossentropy")
KNOWN = (*SPARSE, *ROWS, *BINARY)
FOREIGN = [("categoricalaccuracy", name) for name in SPARSE] + [("binaryaccuracy", name) for name in ROWS]
FEW = 30  # labels, below which their distribution says little
LARGE = 6.0  # up to such logits an activation function is tried


def check(case):
    """Yield findings about the end of the model."""
    yield from _linear_stacks(case)
    if case.outputs.ndim != 2:
        seen = f"The model gives shape {_shape(case.outputs)}, not one row of outputs for each input."
        yield unjudged("activation-loss-mismatch", seen)
        return
    yield from _always_the_same(case)
    yield from _activated_twice(case)
    if case.loss is None:
        yield unjudged("loss-expects-probabilities", "The model was not compiled with a loss.")
        return
    name = loss_name(case.loss)
    wrong = list(check_labels(case, name))
    if not any(finding.alarm for finding in wrong):
        wrong += [finding for split in case.splits[1:] for finding in check_labels(case, name, split)]
    if name not in KNOWN:
        yield unjudged("activation-loss-mismatch", f"The doctor does not know the loss {name!r}.")
    elif case.outputs.shape[1] > 1 or name in BINARY:
        kind = ending_of(case)
        wrong = [*wrong, *_activation_and_loss(case, kind, name)]
        wrong += () if any(finding.alarm for finding in wrong) else _metrics(case, kind, name)
    yield from wrong


def ending_of(case):
    """Return the kind of the outputs: "softmax", "sigmoid", "logits" or another activation's name; None: unclear."""
    try:
        operation = inspection.last_operation(case.model)
    except ValueError:  # a subclassed model ends in the layer that was called last, if that gave the model's outputs
        layer, _, outputs = case.calls[-1] if case.calls else (None, None, None)
        operation = layer if np.array_equal(outputs, case.outputs) else None
    name = inspection.activation(operation)
    if name in ("softmax", "sigmoid", "relu", "tanh"):
        return name
    kind = type(operation).__name__.lower()
    function = getattr(operation, "activation", None) or getattr(keras.activations, kind, None)
    if callable(function):  # it is tried on numbers; after a layer without any, as a pooling, the outputs decide
        return _kind_of_function(function, case.outputs.shape[1], kind if name == "linear" else name)
    if _are_probabilities(case.outputs):
        return "softmax"
    return "logits" if case.outputs.min() < -1 else None


def _kind_of_function(function, units, name):
    """Return the kind of an activation function by what it does, `name` where it holds back large numbers."""
    ramp = np.linspace(-LARGE, LARGE, units + 1, dtype="float32")
    ramp = np.stack([ramp[1:], ramp[:-1]])
    rows, far = (np.asarray(function(tf.constant(numbers))) for numbers in (ramp, 1000 * ramp))
    straight = np.allclose(rows * ramp[0, -1], ramp * rows[0, -1], atol=1e-4)
    if (straight and rows[0, -1] > 0) or np.allclose(np.exp(rows).sum(axis=1), 1, atol=1e-3):  # as log_softmax
        return "logits"
    if rows.min() >= -1e-6 and far.max() <= 1 + 1e-6:
        return "softmax" if _are_probabilities(rows) else "sigmoid"
    return name.replace("<lambda>", "a function of its own") if far.min() >= -1 else None


def _are_probabilities(rows):
    within = rows.min() >= -1e-6 and np.allclose(rows.sum(axis=1), 1, atol=1e-3)
    return within and (rows.shape[1] > 1 or np.ptp(rows) < 1e-6)


def _always_the_same(case):
    """Yield a finding where nothing of the pictures reaches the last layer; a new head of zeros is none."""
    pictures = set(splits.digests_of(case.inputs)) - {b""}
    if len(pictures) < 2 or not np.isfinite(case.outputs).all() or not _same_rows(case.outputs):
        return
    seen = f"{len(pictures)} different inputs give the same outputs"
    calls = [call for call in case.calls if isinstance(call[0], keras.layers.Dense)]
    if calls and _same_rows(calls[-1][1]) and not all(_same_rows(inputs) for _, inputs, _ in calls[:-1]):
        yield error("constant-output", f"{seen}: what reaches {calls[-1][0].name!r} is the same for all of them.")
    elif not calls or np.any(calls[-1][0].kernel):
        yield unjudged("constant-output", f"{seen}; whether the model is sure of one class, or dead, cannot be told.")


def _same_rows(rows):
    return float(np.ptp(rows, axis=0).max()) <= 1e-6 * float(np.abs(rows).max())


def _activated_twice(case):
    """Yield a finding where the outputs of a softmax or sigmoid go through another one."""
    last, calls = [], []
    with contextlib.suppress(ValueError):  # of a subclassed model
        operations = inspection.all_operations(case.model)
        last = [each for each in operations if inspection.activation(each) in ("softmax", "sigmoid")][-2:]
    if len(last) == 2 and not getattr(last[1], "weights", None):
        calls = undisturbed.recorded_call(case.model, last, case.inputs)[1]
    if len(calls) == 2 and np.array_equal(calls[0][2], calls[1][1]):
        seen = f"The outputs are {inspection.activation(last[1])} of {inspection.activation(last[0])}"
        values = f"from {case.outputs.min():.3g} to {case.outputs.max():.3g}"
        yield error("activation-twice", f"{seen}: {values}.", mend=f"leave out {last[1].name!r}")


def _metrics(case, kind, name):
    """Yield findings about metrics that count something else than right answers."""
    labels, units, config = case.train.labels, case.outputs.shape[1], {}
    several = _tags(labels) if labels is not None and labels.shape[1:] == (units,) and units > 1 else 0
    with contextlib.suppress(Exception):  # of metrics that have no configuration
        config = case.model.get_compile_config()
    for metric, settings in _compiled(config.get("metrics")):
        accuracy = metric in ("accuracy", "acc")
        cut = metric in ("binaryaccuracy", "precision", "recall", "auc") or (accuracy and units == 1)
        cut &= settings.get("threshold", settings.get("thresholds")) in (None, 0.5) and not settings.get("from_logits")
        if accuracy and settings:  # keras.metrics.Accuracy(), not the word
            seen = f"Accuracy() counts outputs that equal their label, not {kind} as {case.outputs[0, 0]:.3g}."
            yield warning("metric-misleads", seen, "equal")
        elif kind == "logits" and cut:
            yield warning("metric-misleads", f"{metric} cuts between 0 and 1, but the outputs are logits.", "logits")
        elif several and (accuracy or metric == "categoricalaccuracy"):
            seen = f"{metric} sees the largest output alone, but some rows have several 1s: {several} of {len(labels)}."
            yield warning("metric-misleads", seen, "tags")
        elif units > 2 and (metric, name) in FOREIGN:
            seen = f"{metric} does not fit labels for {name} and {units} units, so it counts something else."
            yield warning("metric-misleads", seen, "named")


def _compiled(entry):
    """Yield the metrics of Keras in a part of a configuration, as (name without underscores, settings)."""
    if isinstance(entry, str):
        yield entry.replace("_", "").lower(), {}
    elif isinstance(entry, dict) and "class_name" in entry:
        if entry.get("module") == "keras.metrics":  # what a class or function of one's own counts is open
            yield entry["class_name"].lower(), entry["config"]
    else:
        for part in entry.values() if isinstance(entry, dict) else entry or ():
            yield from _compiled(part)


def _activation_and_loss(case, kind, name):
    if kind is None:
        yield unjudged("activation-loss-mismatch", "Which activation the model ends in cannot be told.")
        return
    units, labels, wants_logits = case.outputs.shape[1], case.train.labels, from_logits(case.loss, name)
    has_rows = labels is not None and labels.shape[1:] == (units,) and len(labels) >= FEW
    competing = kind == "softmax" or (has_rows and splits.one_hot(labels))
    activation = "none (logits)" if kind == "logits" else kind
    says = f"The last activation is {activation}, the loss {name}(from_logits={wants_logits})"
    loss = "keras.losses." + "".join(word.capitalize() for word in name.split("_"))
    softmax = f'layers.Dense({units}, activation="softmax") with loss="categorical_crossentropy"'
    classes = "the classes compete (softmax, or a single 1 in every label row), but the loss asks for each by itself"
    other, linear = kind not in ("softmax", "sigmoid", "logits"), f"layers.Dense({units})  # no activation: logits"
    wrong = (
        (kind == "softmax" and units == 1, "softmax over one unit is always 1", 'layers.Dense(1, "sigmoid")'),
        (units > 2 and name in BINARY and competing, classes, softmax),
        (other, f"{kind} holds back numbers that the loss has to see", linear),
        (kind == "sigmoid" and units > 1 and name not in BINARY, "sigmoid lets several units say yes", softmax),
    )
    seen, mend = next(((seen, mend) for so, seen, mend in wrong if so), (None, None))
    if seen:
        yield error("activation-loss-mismatch", f"{says}: {seen}.", mend=mend)
    elif wants_logits is None:
        yield unjudged("loss-expects-logits", f"Whether {name} expects logits cannot be told: it could not be tried.")
    elif kind == "logits" and not wants_logits:
        seen = f"{says}: outputs run from {case.outputs.min():.3g} to {case.outputs.max():.3g}."
        yield error("loss-expects-probabilities", seen, mend=f"loss={loss}(from_logits=True)")
    elif kind != "logits" and wants_logits:
        yield warning("loss-expects-logits", f"{says}: the outputs lie in 0..1.", mend=f"loss={loss}()")


def check_labels(case, name, split=None):
    """Yield findings about the labels of a split (training, if none is given), for a loss of this name."""
    split = split or case.train
    labels, units, training = split.labels, case.outputs.shape[-1], split is case.train
    if labels is None:
        yield unjudged("labels-do-not-fit", f"{split.name} holds no labels of one shape.")
        return
    if labels.dtype.kind == "U" or not np.isfinite(labels).all():
        form = f"words, as {str(labels.flat[0])!r}" if labels.dtype.kind == "U" else "NaN or infinite in places"
        yield error("labels-do-not-fit", f"{split.name}: the labels are {form}; a loss takes numbers.", "words")
        return
    columns, single = labels.shape[1] if labels.ndim == 2 else 1, labels.ndim == 1 or labels.shape[1:] == (1,)
    low, high, whole = labels.min(), labels.max(), np.array_equal(labels, np.round(labels))
    several, different = _tags(labels) if labels.ndim == 2 else 0, len(np.unique(labels))
    form, values = f"of shape {_shape(labels)}", f"from {low:g} to {high:g}"
    classes = int(high) + 1 if single else columns
    dense, softmax = f"layers.Dense({classes})", f'loss="sparse_{ROWS[0]}"  # after softmax'
    fit = "labels = labels.argmax(axis=1)" if units == 1 else softmax if single else dense
    one_by_one = f'layers.Dense({units}, "sigmoid") with loss="{BINARY[0]}"'
    from_zero = "labels = labels - 1" if low == 1 and high == units else dense
    misfits = (  # (losses, whether it is so, what the labels are, what is wanted, what to do)
        (SPARSE, not single, form, "takes whole numbers", f'loss="{ROWS[0]}"'),
        (SPARSE, not whole, "no whole numbers", "takes whole numbers", 'labels = labels.astype("int32")'),
        (ROWS, single, form, "takes one-hot rows", softmax),
        (ROWS, several, f"rows, {several} with several 1s", "makes the classes compete", one_by_one),
        (ROWS + BINARY, columns != units, form, f"takes as many numbers a row as output units, {units}", fit),
        (BINARY, low < 0 or high > 1, values, "takes 0 and 1", "labels = labels - labels.min()"),
        (SPARSE, low < 0 or high >= units, values, f"takes 0 to {units - 1} with {units} output units", from_zero),
    )
    if name.startswith("mean_") and units > 1 and single and whole:
        misfits = (((name,), True, "single numbers", f"compares them with each of {units} outputs", softmax),)
    wrong = [misfit[2:] for misfit in misfits if name in misfit[0] and misfit[1]]
    if units == 1 and name in KNOWN and training and single and whole and different > 2:
        seen, mend = f"One output unit, and {different} different labels up to {high:g}.", f'{dense[:-1]}, "softmax")'
        yield error("one-unit-many-classes", seen, mend=f"{mend} with {softmax}")
    elif units == 1 and name in (*SPARSE, *ROWS):
        seen = f"{name} over one output unit is 0 or not a number, whatever the output: nothing can be learned."
        yield error("activation-loss-mismatch", seen, mend=one_by_one)
    elif wrong:
        form, wanted, mend = wrong[0]
        yield error("labels-do-not-fit", f"{split.name}: the labels are {form}; {name} {wanted}.", mend=mend)
    elif name in KNOWN and units > 1 and training:
        named = len(case.class_names or ())
        few = single and len(labels) >= FEW and units >= 3 * classes > 3
        if units > named if named else few:
            seen = f"The model has {units} output units, for {named or classes} classes."
            mend = f"layers.Dense({named or classes})  # on base.output or on the layer before the old top"
            yield error("units-exceed-classes", seen, mend=mend)


def _tags(labels):
    """Return how many rows of labels hold several 1s, and zeros."""
    return int(np.sum(labels.sum(axis=1) > 1)) if np.all((labels == 0) | (labels == 1)) else 0


def _shape(rows):
    return f"({', '.join(map(str, ('n', *rows.shape[1:])))}{',' if rows.ndim == 1 else ''})"


def loss_name(loss):
    """Return the name of a loss as Keras spells it: ``binary_crossentropy``."""
    function = keras.losses.get(loss)
    name = getattr(function, "__name__", type(function).__name__)
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower().replace("cross_entropy", "crossentropy")


def from_logits(loss, name):
    """Return whether a loss expects logits, by what it does with other numbers; None where it cannot be tried."""
    function = keras.losses.get(loss)

    def value(labels, outputs):
        return float(np.mean(np.asarray(function(tf.constant(labels), tf.constant(outputs, "float32")))))

    with contextlib.suppress(Exception):  # a loss of one's own may want data of its own
        if name in BINARY:  # a loss that expects probabilities treats all above one as one
            return not np.isclose(value([[1.0]], [[2.0]]), value([[1.0]], [[5.0]]))
        scores = np.random.default_rng(3).uniform(0.1, 0.9, (4, 3))  # a number added to all logits changes no softmax
        labels = [0, 1, 2, 1] if name in SPARSE else np.eye(3, dtype="float32")[[0, 1, 2, 1]]
        return bool(np.isclose(value(labels, scores), value(labels, scores + 3.0), rtol=1e-3))
    return None


def _linear_stacks(case):
    """Yield a finding for each Dense layer that feeds the next one with nothing but straight lines between."""
    calls = [call for call in case.calls if isinstance(call[0], keras.layers.Dense)]
    for (first, _, outputs), (second, inputs, _) in zip(calls, calls[1:], strict=False):
        connected = first is not second and outputs.shape == inputs.shape
        if connected and inspection.activation(first) == "linear" and _straight_line_between(outputs, inputs):
            seen = f"{first.name!r} (units: {outputs.shape[-1]}) feeds {second.name!r} with no activation between."
            mend = f'{first.name!r}: layers.Dense({outputs.shape[-1]}, activation="relu")'
            yield warning("dense-without-activation", seen, mend=mend)


def _straight_line_between(outputs, inputs):
    """Return whether each column of `inputs` is a straight line over that of `outputs`, one of them wide around 0."""
    if np.array_equal(outputs, inputs) and outputs.min() < -0.1:
        return True
    if len(outputs) < 4 or np.ptp(inputs) == 0 or not np.any((outputs.min(0) < -0.1) & (outputs.max(0) > 0.1)):
        return False
    before, after = outputs - outputs.mean(axis=0), inputs - inputs.mean(axis=0)
    slope = (before * after).sum(axis=0) / np.maximum((before**2).sum(axis=0), 1e-12)
    return np.abs(slope * before - after).max() <= 1e-3 * np.abs(after).max()
