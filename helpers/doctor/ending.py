"""How the model ends: do its last layers, its loss and the labels fit one another?"""

import re

import keras
import numpy as np
import tensorflow as tf

from helpers.doctor import splits
from helpers.doctor.findings import error, unjudged, warning
from helpers.network import inspection

SPARSE = ("sparse_categorical_crossentropy",)
ROWS = ("categorical_crossentropy", "categorical_focal_crossentropy")
BINARY = ("binary_crossentropy", "binary_focal_crossentropy")
FEW = 30  # labels, below which their distribution says little
LARGE = 6.0  # up to such logits an activation function is tried


def check(case):
    """Yield findings about the end of the model."""
    yield from _linear_stacks(case)
    outputs = case.outputs
    if outputs.ndim != 2:
        shape = _shape(outputs)
        yield unjudged(
            "activation-loss-mismatch", f"The model gives shape {shape}, not one row of outputs for each input."
        )
        return
    if case.loss is None:
        yield unjudged("loss-expects-probabilities", "The model was not compiled with a loss.")
        return
    name = loss_name(case.loss)
    if name not in (*SPARSE, *ROWS, *BINARY):
        yield unjudged("activation-loss-mismatch", f"The doctor does not know the loss {name!r}.")
        if name.startswith("mean_") and outputs.shape[1] > 1 and _whole_numbers(case.train.labels):
            yield _misfit(
                "single numbers",
                f"{name} compares them with each of {outputs.shape[1]} outputs",
                'loss="sparse_categorical_crossentropy"  # after softmax',
            )
        return
    yield from check_labels(case, name)
    kind = ending_of(case)
    if kind is None:
        yield unjudged("activation-loss-mismatch", "Which activation the model ends in cannot be told.")
        return
    yield from _activation_and_loss(case, kind, name)


def ending_of(case):
    """Return the kind of the outputs: "softmax", "sigmoid", "relu", "tanh", "logits", or None where it is unclear.

    A known activation is recognised by its name, any other function is tried on numbers. Where the last layer has no
    activation of its own, as a pooling, the outputs for a few rows decide.
    """
    try:
        operation = inspection.last_operation(case.model)
    except ValueError:  # a subclassed model ends in the layer that was called last, if that gave the model's outputs
        layer, _, outputs = case.calls[-1] if case.calls else (None, None, None)
        operation = layer if np.array_equal(outputs, case.outputs) else None
    name = inspection.activation(operation)
    if name in ("softmax", "sigmoid", "relu", "tanh"):
        return name
    function = getattr(operation, "activation", None)
    if function is not None:
        ramp = np.linspace(-LARGE, LARGE, case.outputs.shape[1] + 1, dtype="float32")
        return _kind(np.asarray(function(tf.constant(np.stack([ramp[1:], ramp[:-1]])))))
    kind = _kind(case.outputs)
    return kind if kind in ("softmax", "logits") else None


def _kind(rows):
    low, high, units = rows.min(), rows.max(), rows.shape[1]
    if low >= -1e-6 and high <= 1 + 1e-6:
        if np.allclose(rows.sum(axis=1), 1, atol=1e-3) and (units > 1 or np.ptp(rows) < 1e-6):
            return "softmax"
        return "sigmoid"
    if low >= -1e-6:
        return "relu"
    return "tanh" if low >= -1 - 1e-6 and high <= 1 + 1e-6 else "logits"


def _activation_and_loss(case, kind, name):
    units, wants_logits = case.outputs.shape[1], from_logits(case.loss, name)
    labels = case.train.labels
    has_rows = labels is not None and labels.ndim == 2 and labels.shape[1] == units and len(labels) >= FEW
    one_class_a_row = units > 2 and name in BINARY and has_rows and splits.one_hot(labels)
    activation = "none (logits)" if kind == "logits" else kind
    says = f"The last activation is {activation}, the loss {name}(from_logits={wants_logits})"
    if kind == "softmax" and units == 1:
        seen, mend = f"{says}: softmax over one unit is always 1.", 'layers.Dense(1, activation="sigmoid")'
        yield error("activation-loss-mismatch", seen, mend=mend)
    elif one_class_a_row or (kind == "softmax" and name in BINARY and units > 2):
        seen = f"{says}, but every label row holds a single 1." if one_class_a_row else f"{says}."
        mend = f'layers.Dense({units}, activation="softmax") with loss="categorical_crossentropy"'
        yield error("activation-loss-mismatch", seen, mend=mend)
    elif kind in ("relu", "tanh"):
        seen = f"{says}: {kind} cuts off what the loss has to see."
        yield error("activation-loss-mismatch", seen, mend=f"layers.Dense({units})  # no activation: logits")
    elif kind == "sigmoid" and units > 1 and name not in BINARY:
        seen = f"{says}: with sigmoid several units can say yes, but the loss makes them compete."
        yield error("activation-loss-mismatch", seen, mend='activation="softmax"')
    elif kind == "logits" and not wants_logits:
        seen = f"{says}: outputs run from {case.outputs.min():.3g} to {case.outputs.max():.3g}."
        yield error("loss-expects-probabilities", seen, mend=f"loss=keras.losses.{_class_name(name)}(from_logits=True)")
    elif kind in ("softmax", "sigmoid") and wants_logits:
        mend = f"loss=keras.losses.{_class_name(name)}()  # from_logits=False"
        yield warning("loss-expects-logits", f"{says}: the outputs lie in 0..1.", mend=mend)


def _class_name(name):
    return "".join(word.capitalize() for word in name.split("_"))


def check_labels(case, name):
    """Yield findings about labels, for a loss of this name."""
    labels, units = case.train.labels, case.outputs.shape[1]
    if labels is None:
        yield unjudged("labels-do-not-fit", "The training data hold no labels of one shape.")
        return
    shape, columns = _shape(labels), labels.shape[1] if labels.ndim == 2 else 1
    lowest, highest = (labels.min(), labels.max()) if labels.size else (0, 0)
    single = labels.ndim <= 2 and columns == 1
    values = f"from {lowest:g} to {highest:g}"
    if name in SPARSE and not single:
        yield _misfit(f"rows of shape {shape}", f"{name} takes whole numbers", 'loss="categorical_crossentropy"')
    elif name in ROWS and single and units > 1:
        yield _misfit(f"single numbers of shape {shape}", f"{name} takes one-hot rows", f'loss="sparse_{ROWS[0]}"')
    elif name in BINARY and columns != units:
        problem = f"{name} takes one for each of {units} outputs"
        yield _misfit(f"of shape {shape}", problem, f'loss="sparse_{ROWS[0]}"  # after softmax')
    elif name in ROWS and columns != units and units > 1:
        yield _misfit(f"rows of {columns}", f"the model has {units} outputs", f"layers.Dense({columns})")
    elif units == 1 and single and len(np.unique(labels)) > 2:
        seen = f"One output unit, and {len(np.unique(labels))} different labels up to {highest:g}."
        mend = f'layers.Dense({int(highest) + 1}, activation="softmax") with loss="sparse_categorical_crossentropy"'
        yield error("one-unit-many-classes", seen, mend=mend)
    elif name in BINARY and (lowest < 0 or highest > 1):
        yield _misfit(values, f"{name} takes 0 and 1", "labels = labels - labels.min()")
    elif name in SPARSE and units > 1 and (lowest < 0 or highest >= units):
        problem = f"with {units} output units they must run from 0 to {units - 1}"
        from_one = lowest == 1 and highest == units
        yield _misfit(values, problem, "labels = labels - 1" if from_one else f"layers.Dense({int(highest) + 1})")
    elif units > 1:
        yield from _too_many_units(case, int(highest) + 1 if single else columns, single)


def _too_many_units(case, classes, single):
    units = case.outputs.shape[1]
    named = len(case.class_names) if case.class_names is not None else None
    too_many = units > named if named else single and len(case.train.labels) >= FEW and units >= 3 * classes
    if too_many:
        seen = f"The model has {units} output units, for {named or classes} classes."
        mend = f"layers.Dense({named or classes})  # on base.output or on the layer before the old top"
        yield error("units-exceed-classes", seen, mend=mend)
    elif named and units < named:
        yield _misfit(f"of {named} classes", f"the model has {units} output units", f"layers.Dense({named})")


def _misfit(form, problem, mend):
    return error("labels-do-not-fit", f"The labels are {form}; {problem}.", mend=mend)


def _whole_numbers(labels):
    """Return whether labels are one whole number a row."""
    single = labels is not None and (labels.ndim == 1 or labels.shape[1:] == (1,))
    return single and np.array_equal(labels, np.round(labels))


def _shape(rows):
    return "(" + ", ".join(map(str, ("n", *rows.shape[1:]))) + ("," if rows.ndim == 1 else "") + ")"


def loss_name(loss):
    """Return the name of a loss as Keras spells it: ``binary_crossentropy``."""
    short = {"bce": "binary_crossentropy", "mse": "mean_squared_error", "mae": "mean_absolute_error"}
    if isinstance(loss, str):
        name = loss
    elif isinstance(loss, keras.losses.Loss):
        name = type(loss).__name__
    else:
        name = getattr(loss, "__name__", type(loss).__name__)
    name = re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower().replace("cross_entropy", "crossentropy")
    return short.get(name, name)


def from_logits(loss, name):
    """Return whether a loss expects logits, by what it does with numbers that are not probabilities."""
    function = keras.losses.get(loss)

    def value(labels, outputs):
        return float(np.mean(np.asarray(function(tf.constant(labels), tf.constant(outputs, "float32")))))

    if name in BINARY:  # a loss that expects probabilities treats all above one as one
        return not np.isclose(value([[1.0]], [[2.0]]), value([[1.0]], [[5.0]]))
    scores = np.random.default_rng(3).uniform(0.1, 0.9, (4, 3))  # a number added to all logits changes no softmax
    labels = [0, 1, 2, 1] if name in SPARSE else np.eye(3, dtype="float32")[[0, 1, 2, 1]]
    return np.isclose(value(labels, scores), value(labels, scores + 3.0), rtol=1e-3)


def _linear_stacks(case):
    """Yield a finding for each Dense layer that feeds the next one with nothing but straight lines between."""
    calls = [call for call in case.calls if isinstance(call[0], keras.layers.Dense)]
    for (first, _, outputs), (second, inputs, _) in zip(calls, calls[1:], strict=False):
        connected = first is not second and outputs.shape == inputs.shape
        if connected and _is_straight(first.activation) and _straight_line_between(outputs, inputs):
            seen = f"{first.name!r} ({outputs.shape[-1]} units) feeds {second.name!r} with no activation between."
            mend = f'{first.name!r}: layers.Dense({outputs.shape[-1]}, activation="relu")'
            yield warning("dense-without-activation", seen, mend=mend)


def _is_straight(activation):
    probe = np.array([[-3.0, -0.5, 0.0, 0.7, 4.0]], "float32")
    return np.allclose(np.asarray(activation(tf.constant(probe))), probe)


def _straight_line_between(outputs, inputs):
    """Return whether each column of `inputs` is a straight line over the same column of `outputs`."""
    if np.array_equal(outputs, inputs):
        return bool(np.any(outputs < 0)) or np.ptp(outputs) > 0
    if len(outputs) < 4 or not np.any(outputs < 0):
        return False
    before, after = outputs - outputs.mean(axis=0), inputs - inputs.mean(axis=0)
    slope = (before * after).sum(axis=0) / np.maximum((before**2).sum(axis=0), 1e-12)
    return np.abs(slope * before - after).max() <= 1e-3 * max(np.abs(after).max(), 1e-9) and np.ptp(after) > 0
