"""Run all checks over a model and its data."""

import warnings

import keras
import numpy as np

from helpers.doctor import data, ending, movement, pixels, reload, splits, undisturbed
from helpers.doctor.findings import Diagnosis, error, unjudged
from helpers.doctor.splits import Case
from helpers.network import inspection

CHECKS = (
    ("the pixels", pixels.check),
    ("what trains", movement.check),
    ("activation, loss and labels", ending.check),
    ("saving and loading", reload.check),
)


def run(model, train, validation, test, class_names, frozen):
    """Run every check and return a `Diagnosis`; see `helpers.doctor.diagnose`."""
    if not isinstance(model, keras.Model):
        raise TypeError(
            f"model is of type {type(model).__name__}: expected a keras.Model. Give the model itself, not its name."
        )
    if train is None:
        raise TypeError("train=None: expected a tf.data.Dataset of (inputs, labels) batches, or a tuple of arrays.")
    given = {"train": train, "validation": validation, "test": test}
    read = {name: splits.read(name, split) for name, split in given.items() if split is not None}
    class_names = tuple(class_names) if class_names is not None else None
    case = Case(model, **read, class_names=class_names, frozen=_layer_names(frozen))
    findings = _guarded("the data", data.check, case)
    _check_names(case)
    if not model.built:
        reason = "The model has no weights yet, so nothing of it can be tried."
        return Diagnosis([*findings, unjudged("check-failed", reason, "call it once: model(inputs[:1])")])
    with undisturbed.undisturbed(model), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what Keras warns of is among the findings, or of the doctor's own doing
        problem = _does_not_run(case)
        if problem:
            return Diagnosis([*findings, problem])
        for what, check in CHECKS:
            findings += _guarded(what, check, case)
    return Diagnosis(_once(findings))


def _layer_names(frozen):
    if frozen is None:
        return None
    if isinstance(frozen, keras.Model):
        return tuple(layer.name for layer in inspection.flat_layers(frozen))
    if isinstance(frozen, keras.Layer):
        return (frozen.name,)
    return (frozen,) if isinstance(frozen, str) else tuple(frozen)


def _check_names(case):
    unknown = sorted(set(case.frozen or ()) - {layer.name for layer in case.layers})
    if unknown:
        known = ", ".join(layer.name for layer in case.layers)
        raise ValueError(f"frozen names {', '.join(map(repr, unknown))}: no layer is called that. There are: {known}.")


def _guarded(what, check, case):
    """Return what a check finds, as a list; where it fails, an entry that says so in place of an error."""
    findings = []
    try:
        findings.extend(check(case))
    except Exception as problem:
        findings.append(unjudged("check-failed", f"The check of {what} could not be run ({_in_one_line(problem)})."))
    return findings


def _in_one_line(problem):
    line = (str(problem).strip().splitlines() or ["no message"])[0][:160]
    return f"{type(problem).__name__}: {line}"


def _does_not_run(case):
    try:
        _ = case.outputs
    except Exception as problem:
        wanted, shape = getattr(case.model, "input_shape", None), tuple(np.shape(case.inputs))
        seen = f"The model takes {wanted}, a batch of the training data has shape {shape} ({_in_one_line(problem)})."
        return error("inputs-do-not-fit", seen)
    return None


def _once(findings):
    """Drop findings that repeat name and observation, and what could not be judged where an alarm has that name."""
    alarms = {finding.name for finding in findings if finding.alarm}
    kept = {}
    for finding in findings:
        if finding.alarm or finding.name not in alarms:
            kept.setdefault((finding.name, finding.observed), finding)
    return list(kept.values())
