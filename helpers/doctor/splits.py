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
    batches: list  # the first two, as (ndarray, ndarray or None)
    labels: object  # ndarray of all rows that were read, or None
    digests: list  # of bytes, one for each row that was read
    thumbnails: object  # float32 (n, 16, 16, channels), or None for features
    lowest: float  # value of the inputs
    highest: float
    size: float  # mean of the absolute values
    complete: bool  # whether all rows were read
    batch_labels: list  # of ndarray: the labels of each batch
    once: str  # the type of an iterator, which a second pass finds empty; "" for what can be read again

    @property
    def is_dataset(self):
        """Whether a tf.data.Dataset was given."""
        return isinstance(self.data, tf.data.Dataset)

    @property
    def in_batches(self):
        """Whether the rows came in batches of the learner's making, not as arrays."""
        return bool(self.once) or not _are_arrays(self.data)

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
        inputs, answers = _as_batch(name, *batch)
        if len(inputs) == 0:
            continue
        if len(first) < 2:
            first.append(batch)
        if answers is not None:
            labels.append(answers)
        digests += digests_of(inputs)
        if _are_pictures(inputs):
            thumbnails.append(thumbnails_of(inputs))
        values.append((inputs.min(), inputs.max(), np.abs(inputs).mean(dtype="float64")))
        if len(digests) >= MOST_ROWS or time.monotonic() - start > MOST_SECONDS:
            complete = _are_arrays(data) and len(digests) >= len(data[0])
            break
    if not first:
        raise ValueError(f"{name} holds no batch. Is it empty, used up, or smaller than a batch with drop_remainder?")
    lowest, highest, sizes = np.array(values, "float64").T
    once = type(data).__name__ if _can_be_read_once(data) else ""
    return Split(
        name=name,
        data=first[0] if once else data,
        batches=first,
        labels=_joined(labels),
        digests=digests,
        thumbnails=np.concatenate(thumbnails) if len(thumbnails) == len(values) else None,
        lowest=lowest.min(),
        highest=highest.max(),
        size=sizes.mean(),
        complete=complete,
        batch_labels=labels,
        once=once,
    )


def read_again(split):
    """Read the rows of a split again; return (digests, labels) of as many as at first."""
    digests, labels = [], []
    if isinstance(split.data, keras.utils.PyDataset):
        split.data.on_epoch_end()  # as fit calls it after each pass
    for batch in batches(split.name, split.data):
        inputs, answers = _as_batch(split.name, *batch)
        digests += digests_of(inputs)
        if answers is not None:
            labels.append(answers)
        if len(digests) >= len(split.digests):
            break
    return digests[: len(split.digests)], _joined(labels)


def _are_arrays(data):
    """Return whether data are (inputs, labels), not a list of such batches."""
    batched = isinstance(data, list) and all(isinstance(part, tuple) for part in data)
    return isinstance(data, tuple | list) and len(data) in (2, 3) and not batched


def _can_be_read_once(data):
    return isinstance(data, Iterator) and not isinstance(data, keras.utils.PyDataset)


def batches(name, data):
    """Yield a split as (inputs, labels) of NumPy arrays, labels None where there are none.

    Raises `TypeError` when it is neither arrays nor a data set, or when inputs or labels are not single arrays.
    """
    if _are_arrays(data):
        inputs, labels = _row(data, name)
        if labels is not None and len(inputs) != len(labels):
            raise ValueError(f"{name} holds {len(inputs)} inputs and {len(labels)} labels: expected as many of both.")
        for start in range(0, len(inputs), BATCH):
            yield inputs[start : start + BATCH], None if labels is None else labels[start : start + BATCH]
        return
    if isinstance(data, keras.utils.PyDataset):
        count = data.num_batches
        elements = (data[index] for index in (itertools.count() if count is None else range(count)))
    elif isinstance(data, Iterable) and not isinstance(data, str | bytes | dict | tuple | np.ndarray | tf.Tensor):
        elements = data
    else:
        raise TypeError(
            f"{name} is of type {type(data).__name__}: expected a tf.data.Dataset of (inputs, labels) batches, "
            "a keras.utils.PyDataset, a generator (not its function), or a tuple (inputs, labels) of arrays."
        )
    for element in elements:
        yield _row(element, name)


def _row(element, name):
    """Return an element of a data set as (inputs, labels), weights of samples left out."""
    inputs, labels = (*element, None)[:2] if isinstance(element, tuple | list) else (element, None)
    inputs = _array(inputs, name)
    if inputs.dtype.kind in "OSU":
        raise TypeError(f"{name} holds words or files ({inputs.flat[0]!r:.60}) for inputs: expected numbers, decoded.")
    inputs = inputs.astype("float32") if inputs.dtype.kind in "bV" else inputs  # V: bfloat16
    if labels is not None:
        labels = _array(labels, name)
        if labels.dtype.kind == "O":
            words = any(isinstance(one, str | bytes) for one in labels.flat)
            labels = labels.astype(str if words else "float64")
        elif labels.dtype.kind == "b":
            labels = labels.astype("int64")
    return inputs, labels


def _array(part, name):
    if isinstance(part, dict) and len(part) == 1 and hasattr(next(iter(part.values())), "shape"):
        (part,) = part.values()
    if isinstance(part, list):
        with contextlib.suppress(ValueError):  # of rows of unequal length
            part = np.asarray(part)
    if isinstance(part, dict | list | tuple | tf.RaggedTensor | tf.SparseTensor):
        raise TypeError(
            f"{name} holds a {type(part).__name__} of tensors: the doctor judges models with one input and output."
        )
    return np.asarray(part)


def _as_batch(name, inputs, labels):
    """Return a batch as it is, and a single row of a data set without batches as a batch of one."""
    if inputs.ndim == 0 or (labels is not None and (labels.ndim == 0 or inputs.ndim == 1)):
        return inputs[None], None if labels is None else labels[None]
    if labels is not None and len(inputs) != len(labels):
        if inputs.ndim != 3:
            counts = f"{len(inputs)} inputs and {len(labels)} labels"
            raise ValueError(f"{name} holds a batch of {counts}: expected as many of both.")
        return inputs[None], labels[None]  # one picture with a one-hot label
    return inputs, labels


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
    """Return small copies of pictures in the same range of values, float32 (n, 16, 16, channels)."""
    return np.asarray(tf.image.resize(tf.constant(pictures, "float32"), (SIDE, SIDE), method="area"))


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
    def call(self):
        """The model's outputs for the few rows as it gives them, and `calls`."""
        layers = [layer for layer in self.layers if isinstance(layer, RECORDED)]
        return undisturbed.recorded_call(self.model, layers, self.inputs)

    @property
    def outputs(self):
        """What the model gives for the few rows."""
        return np.asarray(self.call[0])

    @property
    def calls(self):
        """What went through the layers of `RECORDED`, as (layer, inputs, outputs) in the order of the calls."""
        return self.call[1]
