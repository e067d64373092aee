"""How the model ends: does the last activation fit the loss?"""

import numpy as np
import tensorflow as tf

from helpers.doctor import dense, losses, undisturbed
from helpers.doctor import labels as label_checks
from helpers.doctor.findings import Finding, unjudged

LARGE = 6.0  # logits on which the last activation is tried
FEW_ROWS = 2


def check(case):
    """Yield findings about the end of the model."""
    yield from dense.check(case)
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
    name = losses.loss_name(case.loss)
    if name not in (*losses.SPARSE, *losses.ROWS, *losses.BINARY):
        yield unjudged("activation-loss-mismatch", f"The doctor does not know the loss {name!r}.")
        if name.startswith("mean_") and outputs.shape[1] > 1 and label_checks.whole(case.train.labels):
            yield label_checks.misfit(
                "single numbers",
                f"{name} compares them with each of {outputs.shape[1]} outputs",
                'loss="sparse_categorical_crossentropy"  # behind softmax',
            )
        return
    yield from label_checks.check(case, name)
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
    rows = labels is not None and labels.ndim == 2 and labels.shape[1] == units and len(labels) >= label_checks.FEW
    return bool(rows and np.all((labels == 0) | (labels == 1)) and np.all(labels.sum(axis=1) == 1))


def _pair(case, kind, name):
    units, wants_logits = case.outputs.shape[1], losses.from_logits(case.loss, name)
    choice = units > 2 and name in losses.BINARY and _single_choice(case.train.labels, units)
    activation = "none (logits)" if kind == "logits" else kind
    says = f"The last activation is {activation}, the loss {name}(from_logits={wants_logits})"
    if kind == "softmax" and units == 1:
        yield _mismatch(f"{says}: softmax over one unit is always 1.", 'layers.Dense(1, activation="sigmoid")')
    elif choice or (kind == "softmax" and name in losses.BINARY and units > 2):
        seen = f"{says}, but every label row holds a single 1." if choice else f"{says}."
        mend = f'layers.Dense({units}, activation="softmax") with loss="categorical_crossentropy"'
        yield _mismatch(seen, mend)
    elif kind in ("relu", "tanh"):
        yield _mismatch(
            f"{says}: {kind} cuts off what the loss has to see.", f"layers.Dense({units})  # no activation: logits"
        )
    elif kind == "sigmoid" and units > 1 and name not in losses.BINARY:
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
