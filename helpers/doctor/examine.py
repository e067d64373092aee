"""Run all checks over a model and its data."""

import warnings
from collections.abc import Iterable

import keras

from helpers.doctor import data, ending, movement, pixels, reload, splits, undisturbed
from helpers.doctor.findings import Diagnosis, error, unjudged
from helpers.doctor.splits import TRIED, Case

LARGER = 1.5  # pictures of a split than in training, or smaller; a little more is sometimes meant
CHECKS = (
    ("the pixels", pixels.check),
    ("what trains", movement.check),
    ("activation, loss and labels", ending.check),
    ("saving and loading", reload.check),
)


def run(model, train, validation, test, class_names, frozen):
    """Run every check and return a `Diagnosis`; see `helpers.doctor.diagnose`."""
    if not isinstance(model, keras.Model):
        kind = type(model).__name__
        raise TypeError(f"model is of type {kind}: expected a keras.Model. Give the model itself, not its name.")
    for what in ("inputs", "outputs"):
        _check_single(what, getattr(model, what, None))
    names, meant = _class_names(class_names), _meant_to_be_frozen(model, frozen)
    given = {"train": train, "validation": validation, "test": test}
    with undisturbed.undisturbed(model), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what Keras warns of is among the findings, or of the doctor's own doing
        read = {name: splits.read(name, split) for name, split in given.items() if split is not None or name == "train"}
        case = Case(model, **read, class_names=names, frozen=meant)
        findings = _guarded("the data", data.check, case)
        if not model.built:
            reason = "The model has no weights yet, so nothing of it can be tried."
            return Diagnosis([*findings, unjudged("check-failed", reason, "call it once: model(inputs[:1])")])
        problem = _does_not_run(case, case.train)
        if problem:
            return Diagnosis([*findings, problem])
        _check_number_of_names(case)
        findings += _guarded("validation and test on the model", _others_tried, case)
        for what, check in CHECKS:
            findings += _guarded(what, check, case)
    return Diagnosis(_once(findings))


def _check_single(what, ends):
    """Raise `TypeError` where a model takes or gives several tensors, or one in a dictionary."""
    if isinstance(ends, dict) or (isinstance(ends, list | tuple) and len(ends) > 1):
        found = f"a dictionary of {what}" if isinstance(ends, dict) else f"{len(ends)} {what}"
        expected = "the doctor judges models with one input and one output, plain tensors"
        raise TypeError(f"The model has {found}: {expected}. Give it such a part: keras.Model(one input, one output).")


def _class_names(names):
    listed = hasattr(names, "__iter__") and not isinstance(names, str | dict)
    if names is not None and not (listed and all(isinstance(one, str) for one in names)):
        raise TypeError(f"class_names={names!r:.80}: expected a list of str, in the order of the labels.")
    return None if names is None else tuple(names)


def _check_number_of_names(case):
    """Raise `ValueError` where model and labels agree on a number of classes that the names do not have."""
    numbers, names = data.class_numbers(case.train.labels), case.class_names
    classes = 0 if numbers is None else numbers.max() + 1
    if names is not None and classes == max(case.outputs.shape[-1], 2) != len(names):
        fault = f"class_names holds {len(names)} names, but labels and model have {classes} classes"
        raise ValueError(f"{fault}: expected {classes} names, in the order of the labels.")


def _meant_to_be_frozen(model, frozen):
    """Return what is meant to be frozen as a tuple of names and layers, or None; an error where there is no such."""
    if frozen is None:
        return None
    many = isinstance(frozen, Iterable) and not isinstance(frozen, str | bytes | dict | keras.Layer)
    given = tuple(frozen) if many else (frozen,)
    for one in given:
        if not isinstance(one, str | keras.Layer):
            expected = 'layers, models or names of layers, as frozen=base, frozen="vgg16" or frozen=base.layers[:15]'
            raise TypeError(f"frozen holds {one!r:.80} of type {type(one).__name__}: expected {expected}.")
    _, unknown = movement.resolve(model, given)
    if unknown:
        wrong, near = (", ".join(map(repr, names)) for names in (unknown, movement.near_names(model, unknown)))
        raise ValueError(f"frozen names {wrong}: no layer is called that. Names that there are: {near}.")
    return given


def _guarded(what, check, case):
    """Return what a check finds, as a list; where it fails, an entry that says so in place of an error."""
    findings = []
    try:
        findings.extend(check(case))
    except Exception as problem:
        findings.append(unjudged("check-failed", f"The check of {what} could not be run ({_in_one_line(problem)})."))
    return findings


def _in_one_line(problem):
    return f"{type(problem).__name__}: {str(problem).strip().partition(chr(10))[0]:.160}"


def _does_not_run(case, split):
    """Return a finding where the model cannot be called on a split, or None."""
    first = split.batches[0][0][:TRIED]
    try:
        outputs = case.call[0] if split is case.train else case.model(first, training=False)
    except Exception as problem:
        wanted = getattr(case.model, "input_shape", None)
        single = " (one picture, no batch)" if first.ndim == 3 and wanted and len(wanted) == 4 else ""
        seen = f"The model takes {wanted}, a batch of {split.name} has shape {first.shape}{single}"
        return error("inputs-do-not-fit", f"{seen} ({_in_one_line(problem)}).")
    _check_single("outputs", outputs)
    return None


def _others_tried(case):
    """Yield findings where the model cannot be called on validation or test, or gets pictures of another size."""
    sizes = {inputs.shape[1:3] for inputs, _ in case.train.batches}
    for split in case.splits[1:]:
        own, size = case.train.batches[0][0].shape[1:3], split.batches[0][0].shape[1:3]
        seen = f"{split.name}: pictures of {size} pixels, in training of {own}."
        problem = _does_not_run(case, split)
        if problem:
            yield problem
        elif case.train.pictures and split.pictures and size not in sizes:
            far = not 1 / LARGER <= max(size) / max(own) <= LARGER
            yield (error if far else unjudged)("splits-prepared-differently", seen)


def _once(findings):
    """Drop findings that repeat another, and what could not be judged where an alarm has that name."""
    alarms = {finding.name for finding in findings if finding.alarm}
    if "labels-do-not-fit" in alarms:  # says the same, and more exactly
        findings = [finding for finding in findings if finding.name != "classes-differ-between-splits"]
    return [finding for finding in dict.fromkeys(findings) if finding.alarm or finding.name not in alarms]
