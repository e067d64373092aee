"""The data, read once, and the case that all checks share: a model with its splits."""

import contextlib
import functools
import hashlib
import time
from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf

from helpers.doctor import structure, undisturbed
from helpers.network import inspection

MOST_ROWS = 2000  # of each split
MOST_SECONDS = 2.0  # for one pass over a split
BATCH = 32  # rows of a batch where arrays are given
TRIED = 8  # rows of the batches that the model is tried on
SIDE = 16  # of a sketch


@dataclass(frozen=True)
class Split:
    """What was seen of one split.

    Attributes
    ----------
    name : str
    given : tuple of arrays, or tf.data.Dataset
    batches : list of (ndarray, ndarray or None)
        The first two.
    labels : ndarray or None
        Of all rows that were read.
    marks : list of bytes
        A digest of each row that was read.
    sketches : ndarray, float32 (n, 768) or None
        Small copies of pictures; None for features.
    moments : (float, float, float, float)
        Smallest and largest value, mean, and mean of the absolute values.
    whole : bool
        Whether all rows were read.
    batch_labels : list of ndarray
        The labels of each batch.
    """

    name: str
    given: object
    batches: list
    labels: object
    marks: list
    sketches: object
    moments: tuple
    whole: bool
    batch_labels: list

    @property
    def is_dataset(self):
        """Whether a tf.data.Dataset was given."""
        return isinstance(self.given, tf.data.Dataset)

    @property
    def pictures(self):
        """Whether the inputs are pictures (n, height, width, 1 or 3)."""
        shape = self.batches[0][0].shape
        return len(shape) == 4 and shape[-1] in (1, 3)


def read(name, given):
    """Read a split once.

    Parameters
    ----------
    name : str
    given : (array, array) or tf.data.Dataset

    Returns
    -------
    Split

    Raises
    ------
    TypeError
        When it is neither, or when inputs or labels are not single arrays.
    ValueError
        When it is empty.
    """
    kept, labels, marks, sketches, moments, whole = [], [], [], [], [], True
    start = time.monotonic()
    for inputs, answers in batches(name, given):
        if len(kept) < 2:
            kept.append((inputs, answers))
        if answers is not None and answers.ndim == 0:  # not in batches: one by one
            inputs, answers = inputs[None], answers[None]
        if answers is not None:
            labels.append(answers)
        marks += marks_of(inputs)
        if inputs.ndim == 4 and inputs.shape[-1] in (1, 3):
            sketches.append(sketched(inputs))
        moments.append((inputs.min(), inputs.max(), inputs.mean(dtype="float64"), np.abs(inputs).mean(dtype="float64")))
        if len(marks) >= MOST_ROWS or time.monotonic() - start > MOST_SECONDS:
            whole = isinstance(given, tuple | list) and len(marks) >= len(given[0])
            break
    if not kept:
        raise ValueError(f"{name} holds no batch. Check that the data set is not empty or used up.")
    table = np.array(moments, "float64")
    return Split(
        name,
        given,
        kept,
        _joined(labels),
        marks,
        np.concatenate(sketches) if len(sketches) == len(moments) else None,
        (table[:, 0].min(), table[:, 1].max(), table[:, 2].mean(), table[:, 3].mean()),
        whole,
        labels,
    )


def _joined(labels):
    if not labels or len({answers.shape[1:] for answers in labels}) > 1:
        return None
    return np.concatenate(labels)


def batches(name, given):
    """Yield a split as (inputs, labels) of NumPy arrays, labels None where there are none.

    Raises
    ------
    TypeError
        When it is no pair of arrays and no data set, or when inputs or labels are not single arrays.
    """
    if isinstance(given, tf.data.Dataset):
        for element in given:
            parts = element if isinstance(element, tuple) else (element,)
            yield _array(parts[0], name), _array(parts[1], name) if len(parts) > 1 else None
    elif isinstance(given, tuple | list) and len(given) in (2, 3):
        inputs, labels = (_array(part, name) for part in given[:2])
        if len(inputs) != len(labels):
            raise ValueError(f"{name} holds {len(inputs)} inputs and {len(labels)} labels: expected as many of both.")
        for start in range(0, len(inputs), BATCH):
            yield inputs[start : start + BATCH], labels[start : start + BATCH]
    elif isinstance(given, keras.utils.PyDataset):
        for place in range(len(given)):
            yield tuple(_array(part, name) for part in given[place][:2])
    else:
        raise TypeError(
            f"{name} is of type {type(given).__name__}: expected a tf.data.Dataset of (inputs, labels) batches, "
            "or a tuple (inputs, labels) of arrays."
        )


def _array(part, name):
    if isinstance(part, list):
        with contextlib.suppress(ValueError):  # of rows of unequal length
            part = np.asarray(part)
    if isinstance(part, dict | list | tuple):
        raise TypeError(
            f"{name} holds a {type(part).__name__} of tensors: the doctor judges models with one input and output."
        )
    return np.asarray(part)


def marks_of(inputs):
    """Return a digest of each row; an empty one for a row that is blank, which says nothing."""
    rows = np.ascontiguousarray(inputs)
    return [hashlib.blake2b(row.tobytes(), digest_size=16).digest() if np.ptp(row) else b"" for row in rows]


def sketched(pictures):
    """Return small copies of pictures in the same scale of values, float32 (n, 16 × 16 × channels)."""
    small = tf.image.resize(tf.constant(pictures, "float32"), (SIDE, SIDE), method="area")
    return np.asarray(small).reshape(len(pictures), -1)


def second_pass(split):
    """Read the rows of a split again; return (marks, labels) of as many as at first."""
    marks, labels = [], []
    for inputs, answers in batches(split.name, split.given):
        if answers is not None and answers.ndim == 0:
            inputs, answers = inputs[None], answers[None]
        marks += marks_of(inputs)
        if answers is not None:
            labels.append(answers)
        if len(marks) >= len(split.marks):
            break
    return marks[: len(split.marks)], _joined(labels)


@dataclass(frozen=True)
class Case:
    """A model with its data.

    Attributes
    ----------
    model : keras.Model
    train : helpers.doctor.splits.Split
    validation, test : helpers.doctor.splits.Split or None
    class_names : tuple of str or None
    frozen : tuple of str or None
        Names of the layers that are meant to be frozen, where the learner said so.
    """

    model: object
    train: object
    validation: object = None
    test: object = None
    class_names: tuple | None = None
    frozen: tuple | None = None

    @property
    def splits(self):
        """The splits that there are."""
        return [split for split in (self.train, self.validation, self.test) if split is not None]

    @property
    def inputs(self):
        """A few rows to try the model on."""
        return self.train.batches[0][0][:TRIED]

    @property
    def labels(self):
        """Their labels, or None."""
        answers = self.train.batches[0][1]
        return None if answers is None else answers[:TRIED]

    @property
    def compiled(self):
        """Whether the model was compiled with an optimizer of Keras and a loss."""
        optimizer = getattr(self.model, "optimizer", None)
        return bool(self.model.compiled and isinstance(optimizer, keras.optimizers.Optimizer) and self.loss is not None)

    @property
    def loss(self):
        """The loss that the model was compiled with, out of a list or dictionary of one; None where there is none."""
        loss = getattr(self.model, "loss", None) if self.model.compiled else None
        if isinstance(loss, dict | list | tuple) and len(loss) == 1:
            loss = next(iter(loss.values())) if isinstance(loss, dict) else loss[0]
        return loss if isinstance(loss, str) or callable(loss) else None

    @functools.cached_property
    def layers(self):
        """All layers, those of nested models included."""
        return inspection.flat_layers(self.model)

    @functools.cached_property
    def base(self):
        """The pre-trained part (`helpers.doctor.structure.Base`), or None."""
        return structure.find_base(self.model)

    @functools.cached_property
    def _call(self):
        watched = [layer for layer in self.layers if isinstance(layer, WATCHED)]
        return undisturbed.overheard(self.model, watched, self.inputs)

    @property
    def outputs(self):
        """What the model gives for the few rows."""
        return np.asarray(self._call[0])

    @property
    def heard(self):
        """What went through layers of interest, as (layer, input, output) in the order of the calls."""
        return self._call[1]


WATCHED = (
    keras.layers.Rescaling,
    keras.layers.Conv2D,
    keras.layers.ZeroPadding2D,
    keras.layers.Dense,
)
