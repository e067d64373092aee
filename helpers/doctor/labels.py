"""Whether the labels fit the loss and the number of output units."""

import numpy as np

from helpers.doctor.findings import Finding, unjudged
from helpers.doctor.losses import BINARY, ROWS, SPARSE

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


def check(case, name):
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
