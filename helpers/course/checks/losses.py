"""Judge a loss by what it rewards: does it fit the model's last activation and the form of the labels?"""

import contextlib
import functools
import inspect

import keras
import numpy as np
import tensorflow as tf
from scipy import special

from helpers.course.checks.exercise import Refusal, describe, one_line

CLASSES = 5
EYE = np.eye(CLASSES, dtype="float32")
SURE = 12.0  # a logit of this size leaves 2e-5 for the other classes together
GROWS = 2.0  # cross-entropy grows more than this many times faster towards "wrong" than it falls towards "right"
LABELS = np.array([0, 1, 2, 3, 4, 2, 2, 2])
SCORES = np.vstack([np.random.default_rng(11).normal(0, 2, (5, CLASSES)), SURE * EYE[2], 0 * EYE[2], -SURE * EYE[2]])
SINGLE = np.array([[1, 0, 1, 1, 0, 1, 1, 1]], "float32").T, np.vstack([SCORES[:5, :1], [[SURE], [0], [-SURE]]])
FOUND = "{:.4g} where a model is right, {:.4g} where it knows nothing, {:.4g} where it is sure and wrong"
OTHER_TASKS = (  # how names of Keras's losses begin
    *("MeanSquared", "MeanAbsolute", "Huber", "LogCosh", "Binary", "Poisson", "Hinge", "SquaredHinge"),
    *("CosineSim", "Dice", "Tversky", "CategoricalHinge", "CategoricalGeneralized"),
)


def judge(loss, where, logits, one_hot, given=None, single=False):
    """Return nothing where `loss`, whatever `compile` takes, fits the outputs and labels; refuse it otherwise.

    A loss fits when it takes such labels and outputs, is none of Keras's losses for other tasks, is lower where the
    model is right, has no bound where the model is sure and wrong, and for logits takes no notice of a constant added
    to all of them, as softmax does not. `where` says what the loss was chosen for; its last word ends the id of a
    refusal. `given` is what the learner gave, where that is not `loss` itself; `single` says that the model has one
    output for two classes.
    """
    if isinstance(loss, list | tuple) and len(loss) == 1:
        loss = loss[0]
    form = "0 or 1" if single else "one-hot rows" if one_hot else "whole numbers"
    ending = "logits (no activation)" if logits else f"probabilities ({'sigmoid' if single else 'softmax'})"

    def refuse(reason, error=None, found=None):
        about, said = where.split()[-1], _named(loss if given is None else given)
        raise Refusal(f"{reason}:{about}", where=where, loss=said, form=form, ending=ending, error=error, found=found)

    if isinstance(loss, keras.Metric | keras.Layer) or not (isinstance(loss, str) or callable(loss)):
        refuse("no-loss")
    try:
        function = keras.losses.get(loss)
    except ValueError:
        refuse("unknown-loss")
    try:
        values = _values(function, logits, one_hot, single)
    except Exception as error:
        if single and "ategorical" in _named(loss):  # made for an output for each class
            refuse("for-another-task", found=_named(loss))
        values = None
        with contextlib.suppress(Exception):
            values = _values(function, logits, not one_hot, single)
        if values is None:
            refuse("loss-fails", error=one_line(error))
        _known(values, logits, not one_hot, single, refuse)
        refuse("form-of-labels", error=one_line(error))
    takes_logits = _known(values, logits, one_hot, single, refuse)
    if takes_logits is None:  # none of Keras's losses as they come
        takes_logits = getattr(function, "get_config", dict)().get("from_logits", logits)
    if takes_logits != logits:
        refuse("takes-probabilities" if logits else "softmax-twice")
    low, middle, high = map(float, values[-3:])
    found = FOUND.format(low, middle, high)
    if not low < middle < high:
        refuse("upside-down", found=found)
    shifted = values if single else _values(function, logits, one_hot, shift=3)
    if high - middle < GROWS * (middle - low) or (logits and not np.allclose(values, shifted, rtol=1e-3, atol=1e-4)):
        refuse("no-known-loss", found=found)


def _values(function, logits, one_hot, single=False, shift=0):
    """Return what a loss gives for each picture of the probe: five by chance, one right, one unsure, one wrong."""
    labels, scores = SINGLE if single else (EYE[LABELS] if one_hot else LABELS, SCORES + shift)
    outputs = scores if logits else special.expit(scores) if single else special.softmax(scores, axis=1)
    labels, outputs = tf.constant(labels), tf.constant(outputs, "float32")
    function(labels, outputs)  # all at once: single rows may fit where a batch does not
    rows = [slice(row, row + 1) for row in range(len(LABELS))]
    return np.array([np.mean(np.asarray(function(labels[row], outputs[row]))) for row in rows])


@functools.cache
def _of_keras(logits, one_hot, single):
    """Return what each loss of Keras gives on the probe: its name, whether it was told of logits, its values."""
    found = []
    for name, kind in vars(keras.losses).items():
        if inspect.isclass(kind) and name not in ("Loss", "CTC", "Circle"):
            for told in (False, True) if "from_logits" in inspect.signature(kind).parameters else (False,):
                with contextlib.suppress(Exception):
                    made = kind(from_logits=True) if told else kind()
                    found.append((name, told, _values(made, logits, one_hot, single)))
    return found


def _known(values, logits, one_hot, single, refuse):
    """Return whether the loss of Keras that gives these values, but for a constant, takes logits; None without one.

    One that is made for another task is refused.
    """
    for name, told, others in _of_keras(logits, one_hot, single):
        if np.allclose(values - np.nanmean(values), others - np.nanmean(others), 1e-4, 1e-5, equal_nan=True):
            if not name.startswith("Binary") if single else name.startswith(OTHER_TASKS):
                refuse("for-another-task", found=name)
            return told
    return None


def _named(loss):
    if isinstance(loss, keras.losses.Loss):
        ending = loss.get_config().get("from_logits")
        return type(loss).__name__ + ("" if ending is None else f"(from_logits={ending})")
    return describe(loss)
