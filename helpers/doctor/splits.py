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
SIDE = 16  # of a thumbnail, in pixels
CONTRAST = 1e-6  # pixels that differ by less are blank
RECORDED = (keras.layers.Rescaling, keras.layers.Conv2D, keras.layers.ZeroPadding2D, keras.layers.Dense)


@dataclass(frozen=True)
class Split:
    """What was seen of one split."""

    name: str
    data: object  # as the learner gave it: a tuple of arrays or a tf.data.Dataset
    batches: list  # the first two, as (ndarray, ndarray or None)
    labels: object  # ndarray of all rows that were read, or None
    digests: list  # of bytes, one for each row that was read
    thumbnails: object  # float32 (n, 16 × 16 × channels), or None for features
    lowest: float  # value of the inputs
    highest: float
    size: float  # mean of the absolute values
    complete: bool  # whether all rows were read
    batch_labels: list  # of ndarray: the labels of each batch

    @property
    def is_dataset(self):
        """Whether a tf.data.Dataset was given."""
        return isinstance(self.data, tf.data.Dataset)

    @property
    def pictures(self):
        """Whether the inputs are pictures (n, height, width, 1 or 3)."""
        return _are_pictures(self.batches[0][0])


def read(name, data):
    """Read a split once: at most `MOST_ROWS` rows, for at most `MOST_SECONDS`.

    Raises `TypeError` when it holds no single arrays of inputs and labels, and `ValueError` when it is empty.
    """
    first, labels, digests, thumbnails, values, complete = [], [], [], [], [], True
    start = time.monotonic()
    for batch in batches(name, data):
        if len(first) < 2:
            first.append(batch)
        inputs, answers = _as_batch(*batch)
        if answers is not None:
            labels.append(answers)
        digests += digests_of(inputs)
        if _are_pictures(inputs):
            thumbnails.append(thumbnails_of(inputs))
        values.append((inputs.min(), inputs.max(), np.abs(inputs).mean(dtype="float64")))
        if len(digests) >= MOST_ROWS or time.monotonic() - start > MOST_SECONDS:
            complete = isinstance(data, tuple | list) and len(digests) >= len(data[0])
            break
    if not first:
        raise ValueError(f"{name} holds no batch. Check that the data set is not empty or used up.")
    lowest, highest, sizes = np.array(values, "float64").T
    return Split(
        name=name,
        data=data,
        batches=first,
        labels=_joined(labels),
        digests=digests,
        thumbnails=np.concatenate(thumbnails) if len(thumbnails) == len(values) else None,
        lowest=lowest.min(),
        highest=highest.max(),
        size=sizes.mean(),
        complete=complete,
        batch_labels=labels,
    )


def read_again(split):
    """Read the rows of a split again; return (digests, labels) of as many as at first."""
    digests, labels = [], []
    for batch in batches(split.name, split.data):
        inputs, answers = _as_batch(*batch)
        digests += digests_of(inputs)
        if answers is not None:
            labels.append(answers)
        if len(digests) >= len(split.digests):
            break
    return digests[: len(split.digests)], _joined(labels)


def batches(name, data):
    """Yield a split as (inputs, labels) of NumPy arrays, labels None where there are none.

    Raises `TypeError` when it is neither arrays nor a data set, or when inputs or labels are not single arrays.
    """
    if isinstance(data, tf.data.Dataset):
        for element in data:
            parts = element if isinstance(element, tuple) else (element,)
            yield _array(parts[0], name), _array(parts[1], name) if len(parts) > 1 else None
    elif isinstance(data, tuple | list) and len(data) in (2, 3):
        inputs, labels = (_array(part, name) for part in data[:2])
        if len(inputs) != len(labels):
            raise ValueError(f"{name} holds {len(inputs)} inputs and {len(labels)} labels: expected as many of both.")
        for start in range(0, len(inputs), BATCH):
            yield inputs[start : start + BATCH], labels[start : start + BATCH]
    elif isinstance(data, keras.utils.PyDataset):
        for index in range(len(data)):
            yield tuple(_array(part, name) for part in data[index][:2])
    else:
        raise TypeError(
            f"{name} is of type {type(data).__name__}: expected a tf.data.Dataset of (inputs, labels) batches, "
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


def _as_batch(inputs, labels):
    """Return a batch as it is, and a single row of a data set without batches as a batch of one."""
    single = labels is not None and labels.ndim == 0
    return (inputs[None], labels[None]) if single else (inputs, labels)


def _are_pictures(inputs):
    return inputs.ndim == 4 and inputs.shape[-1] in (1, 3)


def _joined(labels):
    if not labels or len({answers.shape[1:] for answers in labels}) > 1:
        return None
    return np.concatenate(labels)


def one_hot(labels):
    """Return whether labels (n, classes) hold a single 1 in each row, and zeros."""
    return bool(np.all((labels == 0) | (labels == 1)) and np.all(labels.sum(axis=1) == 1))


def digests_of(inputs):
    """Return a digest of each row; an empty one for a blank row, which proves nothing when it is found twice."""
    rows = np.ascontiguousarray(inputs)
    return [hashlib.blake2b(row.tobytes(), digest_size=16).digest() if np.ptp(row) else b"" for row in rows]


def thumbnails_of(pictures):
    """Return small copies of pictures in the same range of values, float32 (n, 16 × 16 × channels)."""
    small = tf.image.resize(tf.constant(pictures, "float32"), (SIDE, SIDE), method="area")
    return np.asarray(small).reshape(len(pictures), -1)


@dataclass(frozen=True)
class Case:
    """A model with its data."""

    model: keras.Model
    train: Split
    validation: Split | None = None
    test: Split | None = None
    class_names: tuple | None = None
    frozen: tuple | None = None  # names of the layers that the learner means to be frozen

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
            (loss,) = loss.values() if isinstance(loss, dict) else loss
        return loss if isinstance(loss, str) or callable(loss) else None

    @functools.cached_property
    def layers(self):
        """All layers, those of nested models included."""
        return inspection.flat_layers(self.model)

    @functools.cached_property
    def trainable(self):
        """The ids of the weights that are flagged as trainable."""
        return frozenset(id(weight) for weight in self.model.trainable_variables)

    @functools.cached_property
    def base(self):
        """The pre-trained part (`helpers.doctor.structure.Base`), or None."""
        return structure.find_base(self.model)

    @functools.cached_property
    def _call(self):
        layers = [layer for layer in self.layers if isinstance(layer, RECORDED)]
        return undisturbed.recorded_call(self.model, layers, self.inputs)

    @property
    def outputs(self):
        """What the model gives for the few rows."""
        return np.asarray(self._call[0])

    @property
    def calls(self):
        """What went through the layers of `RECORDED`, as (layer, inputs, outputs) in the order of the calls."""
        return self._call[1]
