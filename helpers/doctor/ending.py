"""How the model ends: do its last layers, its loss and the labels fit one another?"""

import re

import keras
import numpy as np
import tensorflow as tf

from helpers.doctor import undisturbed
from helpers.doctor.findings import Finding, unjudged

LARGE = 6.0  # logits on which the last activation is tried
FEW_ROWS = 2


def check(case):
    """Yield findings about the end of the model."""
    yield from _linear_stacks(case)
    outputs = case.outputs
    if outputs.ndim != 2:
        shape = ", ".join(map(str, ("n", *outputs.shape[1:])))
        yield unjudged(
            "activation-loss-mismatch", f"The model gives shape ({shape}), not one row of outputs for each input."
        )
        return
    kind = ending_of(case)
    if case.loss is None:
        yield unjudged("loss-expects-probabilities", "The model was not compiled with a loss.")
        return
    name = loss_name(case.loss)
    if name not in (*SPARSE, *ROWS, *BINARY):
        yield unjudged("activation-loss-mismatch", f"The doctor does not know the loss {name!r}.")
        if name.startswith("mean_") and outputs.shape[1] > 1 and whole(case.train.labels):
            yield misfit(
                "single numbers",
                f"{name} compares them with each of {outputs.shape[1]} outputs",
                'loss="sparse_categorical_crossentropy"  # behind softmax',
            )
        return
    yield from check_labels(case, name)
    yield from _pair(case, kind, name)


def ending_of(case):
    """Return the kind of the outputs: "softmax", "sigmoid", "relu", "tanh" or "logits".

    In a calculation beside the model its last layer with weights gets others, such that large outputs of both signs
    come out of it, and the activation shows.
    """
    model, inputs = case.model, tf.constant(case.inputs[:FEW_ROWS])
    mode, rows = undisturbed.mode(model, training=False), []
    for sign in (1, -1):
        changed = _large_outputs(case, sign)
        groups = [
            [changed.get(id(each), tf.convert_to_tensor(each)) for each in group]
            for group in (model.trainable_variables, model.non_trainable_variables)
        ]
        rows.append(np.asarray(model.stateless_call(*groups, inputs, **mode)[0], "float64"))
    return _kind(np.concatenate(rows))


def _large_outputs(case, sign):
    """Return other values for the last layer's weights, by id: a bias from -6 to 6 alone, or a random kernel."""
    last = next((layer for layer in case.layers[::-1] if layer.weights), None)
    roles = {weight.path.rpartition("/")[2]: weight for weight in last.weights} if last else {}
    kernel, bias = roles.get("kernel"), roles.get("bias")
    changed = {}
    if bias is not None:
        ramp = np.linspace(-LARGE, LARGE, bias.shape[0]) if bias.shape[0] > 1 else np.array([LARGE])
        changed[id(bias)] = tf.constant(sign * ramp, bias.dtype)
    if kernel is not None:
        given = next((given for layer, given, _ in case.heard[::-1] if layer is last), np.ones(1))
        size = max(float(np.sqrt((given**2).sum(-1).mean())), 1e-6)
        spread = 0.0 if bias is not None else LARGE / size
        values = sign * np.random.default_rng(5).normal(0, spread, kernel.shape)
        changed[id(kernel)] = tf.constant(values, kernel.dtype)
    return changed


def _kind(rows):
    low, high, units = rows.min(), rows.max(), rows.shape[1]
    if low >= -1e-6 and high <= 1 + 1e-6:
        if np.allclose(rows.sum(axis=1), 1, atol=1e-3) and (units > 1 or np.ptp(rows) < 1e-6):
            return "softmax"
        return "sigmoid"
    if low >= -1e-6:
        return "relu"
    return "tanh" if low >= -1 - 1e-6 and high <= 1 + 1e-6 else "logits"


def _single_choice(labels, units):
    rows = labels is not None and labels.ndim == 2 and labels.shape[1] == units and len(labels) >= FEW
    return bool(rows and np.all((labels == 0) | (labels == 1)) and np.all(labels.sum(axis=1) == 1))


def _pair(case, kind, name):
    units, wants_logits = case.outputs.shape[1], from_logits(case.loss, name)
    choice = units > 2 and name in BINARY and _single_choice(case.train.labels, units)
    activation = "none (logits)" if kind == "logits" else kind
    says = f"The last activation is {activation}, the loss {name}(from_logits={wants_logits})"
    if kind == "softmax" and units == 1:
        yield _mismatch(f"{says}: softmax over one unit is always 1.", 'layers.Dense(1, activation="sigmoid")')
    elif choice or (kind == "softmax" and name in BINARY and units > 2):
        seen = f"{says}, but every label row holds a single 1." if choice else f"{says}."
        mend = f'layers.Dense({units}, activation="softmax") with loss="categorical_crossentropy"'
        yield _mismatch(seen, mend)
    elif kind in ("relu", "tanh"):
        yield _mismatch(
            f"{says}: {kind} cuts off what the loss has to see.", f"layers.Dense({units})  # no activation: logits"
        )
    elif kind == "sigmoid" and units > 1 and name not in BINARY:
        yield _mismatch(
            f"{says}: sigmoid lets units say yes together, the loss has them compete.", 'activation="softmax"'
        )
    elif kind == "logits" and not wants_logits:
        yield Finding(
            "loss-expects-probabilities",
            "error",
            f"{says}: outputs run from {case.outputs.min():.3g} to {case.outputs.max():.3g}.",
            "The loss cuts off all below 0 and above 1; much of the gradient is lost, and no error says so.",
            f"loss=keras.losses.{_class(name)}(from_logits=True)",
        )
    elif kind in ("softmax", "sigmoid") and wants_logits:
        yield Finding(
            "loss-expects-logits",
            "warning",
            f"{says}: the outputs lie in 0..1.",
            "Taken for logits, probabilities differ by 1 at most: the loss hardly tells sure from unsure.",
            f"loss=keras.losses.{_class(name)}()  # from_logits=False",
        )


def _mismatch(seen, mend):
    why = "The loss then rewards something else than the right class, and the accuracy may count outputs, not pictures."
    return Finding("activation-loss-mismatch", "error", seen, why, mend)


def _class(name):
    return "".join(word.capitalize() for word in name.split("_"))


FEW = 30  # labels, below which their distribution says little


def whole(labels):
    """Return whether labels are one whole number a row."""
    return (
        labels is not None
        and (labels.ndim == 1 or labels.shape[1:] == (1,))
        and np.array_equal(labels, np.round(labels))
    )


def misfit(form, problem, mend):
    """Return the finding that labels of some form do not fit."""
    return Finding(
        "labels-do-not-fit",
        "error",
        f"The labels are {form}; {problem}.",
        "Loss and labels must ask the same question; otherwise fit fails, or trains on nonsense.",
        mend,
    )


def check_labels(case, name):
    """Yield findings about labels, for a loss of this name."""
    labels, units = case.train.labels, case.outputs.shape[1]
    if labels is None:
        yield unjudged("labels-do-not-fit", "The training data hold no labels of one shape.")
        return
    shape = "(" + ", ".join(map(str, ("n", *labels.shape[1:]))) + ("," if labels.ndim == 1 else "") + ")"
    columns = labels.shape[1] if labels.ndim == 2 else 1
    highest = labels.max() if labels.size else 0
    whole = labels.ndim <= 2 and columns == 1
    if name in SPARSE and not whole:
        yield misfit(f"rows of shape {shape}", f"{name} takes whole numbers", 'loss="categorical_crossentropy"')
    elif name in ROWS and whole and units > 1:
        yield misfit(f"single numbers of shape {shape}", f"{name} takes one-hot rows", f'loss="sparse_{ROWS[0]}"')
    elif name in BINARY and columns != units:
        yield misfit(
            f"of shape {shape}",
            f"{name} takes one for each of {units} outputs",
            f'loss="sparse_{ROWS[0]}"  # behind softmax',
        )
    elif name in ROWS and columns != units and units > 1:
        yield misfit(f"rows of {columns}", f"the model has {units} outputs", f"layers.Dense({columns})")
    elif units == 1 and whole and len(np.unique(labels)) > 2:
        classes = len(np.unique(labels))
        yield Finding(
            "one-unit-many-classes",
            "error",
            f"One output unit, and {classes} different labels up to {highest:g}.",
            "One unit can only say yes or no; a label above 1 drives the loss below zero without end.",
            f'layers.Dense({int(highest) + 1}, activation="softmax") with loss="sparse_categorical_crossentropy"',
        )
    elif name in BINARY and (labels.min() < 0 or highest > 1):
        form = f"from {labels.min():g} to {highest:g}"
        yield misfit(form, f"{name} takes 0 and 1", "labels = labels - labels.min()")
    elif name in SPARSE and units > 1 and (labels.min() < 0 or highest >= units):
        form = f"from {labels.min():g} to {highest:g}"
        problem = f"with {units} output units they must run from 0 to {units - 1}"
        start = labels.min() == 1 and highest == units
        mend = "labels = labels - 1" if start else f"layers.Dense({int(highest) + 1})"
        yield misfit(form, problem, mend)
    elif units > 1:
        yield from _too_many_units(case, int(highest) + 1 if whole else columns, units, whole)


def _too_many_units(case, classes, units, whole):
    known = len(case.class_names) if case.class_names is not None else None
    many = units > known if known else whole and len(case.train.labels) >= FEW and units >= 3 * classes
    if many:
        yield Finding(
            "units-exceed-classes",
            "error",
            f"The model has {units} output units, for {known or classes} classes.",
            "An old top is still on: the class numbers of its units mean other things.",
            f"layers.Dense({known or classes})  # on base.output or on the layer before the old top",
        )
    elif known and units < known:
        yield misfit(f"of {known} classes", f"the model has {units} output units", f"layers.Dense({known})")


SPARSE = ("sparse_categorical_crossentropy",)
ROWS = ("categorical_crossentropy", "categorical_focal_crossentropy")
BINARY = ("binary_crossentropy", "binary_focal_crossentropy")


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
    """Return whether a loss expects logits, by what it does with numbers that are no probabilities."""
    function = keras.losses.get(loss)

    def value(labels, outputs):
        return float(np.mean(np.asarray(function(tf.constant(labels), tf.constant(outputs, "float32")))))

    if name in BINARY:  # of probabilities, all above one are cut off alike
        return not np.isclose(value([[1.0]], [[2.0]]), value([[1.0]], [[5.0]]))
    scores = np.random.default_rng(3).uniform(0.1, 0.9, (4, 3))  # softmax takes no notice of a number added to all
    labels = [0, 1, 2, 1] if name in SPARSE else np.eye(3, dtype="float32")[[0, 1, 2, 1]]
    return np.isclose(value(labels, scores), value(labels, scores + 3.0), rtol=1e-3)


def _linear_stacks(case):
    """Yield a finding for each Dense layer that feeds the next one with nothing but straight lines between."""
    dense = [(layer, given, out) for layer, given, out in case.heard if isinstance(layer, keras.layers.Dense)]
    for (first, _, out), (second, taken, _) in zip(dense, dense[1:], strict=False):
        if (
            first is second
            or not _straight(first.activation)
            or out.shape != taken.shape
            or not _line_between(out, taken)
        ):
            continue
        yield Finding(
            "dense-without-activation",
            "warning",
            f"{first.name!r} ({out.shape[-1]} units) feeds {second.name!r} with no activation between.",
            "Two such layers compute what one of them could: more weights, no more power.",
            f'{first.name!r}: layers.Dense({out.shape[-1]}, activation="relu")',
        )


def _straight(activation):
    probe = np.array([[-3.0, -0.5, 0.0, 0.7, 4.0]], "float32")
    return np.allclose(np.asarray(activation(tf.constant(probe))), probe)


def _line_between(out, taken):
    """Return whether each column of `taken` is a straight line over the same column of `out`."""
    if np.array_equal(out, taken):
        return bool(np.any(out < 0)) or np.ptp(out) > 0
    if len(out) < 4 or not np.any(out < 0):
        return False
    before, after = out - out.mean(axis=0), taken - taken.mean(axis=0)
    slope = (before * after).sum(axis=0) / np.maximum((before**2).sum(axis=0), 1e-12)
    return np.abs(slope * before - after).max() <= 1e-3 * max(np.abs(after).max(), 1e-9) and np.ptp(after) > 0
