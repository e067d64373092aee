"""The data, read once, and the case that all checks share: a model with its splits."""

import contextlib
import functools
import hashlib
import itertools
import time
from collections.abc import Iterable, Iterator
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
    data: object  # as the learner gave it; of an iterator, which can be read once only, its first batch
    once: str  # the type of such an iterator; "" for what can be read again
    in_batches: bool  # whether the rows came in batches of the learner's making, not as arrays
    batches: list  # the first two, as (ndarray, ndarray or None)
    batch_labels: list  # of ndarray: the labels of each batch
    labels: object  # ndarray of all rows that were read, or None
    digests: list  # of bytes, one for each row that was read
    thumbnails: object  # float32 (n, 16, 16, channels), or None for features
    lowest: float  # value of the inputs
    highest: float
    size: float  # mean of the absolute values
    complete: bool  # whether all rows were read

    @property
    def pictures(self):
        """Whether the inputs are pictures (n, height, width, 1 or 3)."""
        return _are_pictures(self.batches[0][0])


def read(name, data):
    """Read a split once: at most `MOST_ROWS` rows, for at most `MOST_SECONDS`; `ValueError` when it is empty."""
    first, labels, digests, thumbnails, values, complete = [], [], [], [], [], True
    start = time.monotonic()
    for batch in batches(name, data):
        inputs, answers = (None if part is None else part[:MOST_ROWS] for part in _as_batch(name, *batch))
        if len(inputs) == 0:
            continue
        first += [batch] if len(first) < 2 else []
        labels += [] if answers is None else [answers]
        digests += digests_of(inputs)
        if _are_pictures(inputs):
            thumbnails += [np.asarray(tf.image.resize(inputs.astype("float32"), (SIDE, SIDE), method="area"))]
        values.append((inputs.min(), inputs.max(), np.abs(inputs).mean(dtype="float64")))
        if len(digests) >= MOST_ROWS or time.monotonic() - start > MOST_SECONDS:
            complete = _are_arrays(data) and len(digests) >= len(data[0])
            break
    if not first:
        raise ValueError(f"{name} holds no batch. Is it empty, used up, or smaller than a batch with drop_remainder?")
    all_labels = np.concatenate(labels) if len({answers.shape[1:] for answers in labels}) == 1 else None
    small = np.concatenate(thumbnails) if len(thumbnails) == len(values) else None
    low, high, sizes = np.array(values, "float64").T
    once = isinstance(data, Iterator) and not isinstance(data, keras.utils.PyDataset)
    given = (first[0], type(data).__name__) if once else (data, "")
    seen = first, labels, all_labels, digests, small, low.min(), high.max(), sizes.mean(), complete
    return Split(name, *given, not _are_arrays(data), *seen)


def _are_arrays(data):
    """Return whether data are (inputs, labels), not a list of such batches."""
    batched = isinstance(data, list) and all(isinstance(part, tuple) for part in data)
    return isinstance(data, tuple | list) and len(data) in (2, 3) and not batched


def batches(name, data):
    """Yield a split as (inputs, labels) of NumPy arrays, labels None where there are none; `TypeError` for others."""
    if _are_arrays(data):
        inputs, labels = _as_arrays(data, name)
        if labels is not None and len(inputs) != len(labels):
            raise ValueError(f"{name} holds {len(inputs)} inputs and {len(labels)} labels: expected as many of both.")
        for start in range(0, len(inputs), BATCH):
            yield inputs[start : start + BATCH], None if labels is None else labels[start : start + BATCH]
        return
    if isinstance(data, keras.utils.PyDataset):
        data = map(data.__getitem__, itertools.count() if data.num_batches is None else range(data.num_batches))
    elif not isinstance(data, Iterable) or isinstance(data, str | bytes | dict | tuple | np.ndarray | tf.Tensor):
        expected = "a tf.data.Dataset, keras.utils.PyDataset or generator (not its function) of (inputs, labels)"
        raise TypeError(f"{name} is of type {type(data).__name__}: expected {expected}, or a tuple of two arrays.")
    for element in data:
        yield _as_arrays(element, name)


def _as_arrays(element, name):
    """Return an element of a data set as (inputs, labels), weights of samples left out."""
    inputs, labels = (*element, None)[:2] if isinstance(element, tuple | list) else (element, None)
    inputs, labels = _array(inputs, name), None if labels is None else _array(labels, name)
    if inputs.dtype.kind in "OSU":
        raise TypeError(f"{name} holds words or files ({inputs.flat[0]!r:.60}) for inputs: expected numbers, decoded.")
    if labels is not None and labels.dtype.kind in "OSb":
        words = any(isinstance(one, str | bytes) for one in labels.flat)
        labels = labels.astype(str if words else "float64")
    return inputs.astype("float32") if inputs.dtype.kind in "bV" else inputs, labels  # V: bfloat16


def _array(part, name):
    if isinstance(part, dict) and len(part) == 1 and hasattr(next(iter(part.values())), "shape"):
        (part,) = part.values()
    with contextlib.suppress(ValueError):  # of rows of unequal length
        part = np.asarray(part) if isinstance(part, list) else part
    if isinstance(part, dict | list | tuple | tf.RaggedTensor | tf.SparseTensor):
        raise TypeError(f"{name} holds a {type(part).__name__}: the doctor judges models with one input and output.")
    return np.asarray(part)


def _as_batch(name, inputs, labels):
    """Return a batch as it is, and a single row of a data set without batches as a batch of one."""
    single = labels is not None and (labels.ndim == 0 or inputs.ndim == 1)
    if labels is None or (not single and len(inputs) == len(labels)):
        return inputs, labels
    if not single and inputs.ndim != 3:  # else one picture with a one-hot label
        raise ValueError(f"{name} holds a batch of {len(inputs)} inputs and {len(labels)} labels: expected as many.")
    return inputs[None], labels[None]


def _are_pictures(inputs):
    return inputs.ndim == 4 and inputs.shape[-1] in (1, 3)


def one_hot(labels):
    """Return whether labels (n, classes) hold a single 1 in each row, and zeros."""
    return bool(np.all((labels == 0) | (labels == 1)) and np.all(labels.sum(axis=1) == 1))


def digests_of(inputs):
    """Return a digest of each row; an empty one for a blank row, which proves nothing when it is found twice."""
    rows = np.ascontiguousarray(inputs)
    return [hashlib.blake2b(row.tobytes(), digest_size=16).digest() if np.ptp(row) else b"" for row in rows]


@dataclass(frozen=True)
class Case:
    """A model with its data."""

    model: keras.Model
    train: Split
    validation: Split | None = None
    test: Split | None = None
    class_names: tuple | None = None
    frozen: tuple | None = None  # names and layers that are meant to be frozen; movement.resolve reads them

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
        return None if self.train.labels is None else self.train.batches[0][1][:TRIED]

    @property
    def compiled(self):
        """Whether the model was compiled with an optimizer of Keras and a loss."""
        return self.loss is not None and isinstance(self.model.optimizer, keras.optimizers.Optimizer)

    @property
    def loss(self):
        """The loss that the model was compiled with, out of a list or dictionary of one; None where there is none."""
        losses = keras.tree.flatten(self.model.loss) if self.model.compiled else []
        return losses[0] if len(losses) == 1 and (isinstance(losses[0], str) or callable(losses[0])) else None

    @functools.cached_property
    def trainable(self):
        """The ids of the weights that are flagged as trainable."""
        return frozenset(id(weight) for weight in self.model.trainable_variables)

    @functools.cached_property
    def base(self):
        """The pre-trained part (`helpers.doctor.structure.Base`), or None."""
        return structure.find_base(self.model)

    @functools.cached_property
    def call(self):
        """The model's outputs for the few rows as it gives them, and `calls`."""
        layers = [layer for layer in inspection.flat_layers(self.model) if isinstance(layer, RECORDED)]
        return undisturbed.recorded_call(self.model, layers, self.inputs)

    @property
    def outputs(self):
        """What the model gives for the few rows."""
        return np.asarray(self.call[0])

    @property
    def calls(self):
        """What went through the layers of `RECORDED`, as (layer, inputs, outputs) in the order of the calls."""
        return self.call[1]
