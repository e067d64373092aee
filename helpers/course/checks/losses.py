"""Judge a loss by what it rewards: does it fit the model's last activation and the form of the labels?"""

import keras
import numpy as np
import tensorflow as tf
from scipy import special

from helpers.course.checks.exercise import Refusal, describe, one_line

CLASSES = 5
LABELS = np.array([0, 1, 2, 3, 4, 2, 0, 3])
EYE = np.eye(CLASSES, dtype="float32")
SURE = 12.0  # a logit of this size leaves 2e-5 for the other classes together
GROWS = 2.0  # cross-entropy grows more than this many times faster towards "wrong" than it falls towards "right"
OTHER = (
    (keras.losses.BinaryCrossentropy(), "scores-every-class"),
    (keras.losses.BinaryCrossentropy(from_logits=True), "scores-every-class"),
    (keras.losses.MeanSquaredError(), "measures-distance"),
    (keras.losses.MeanAbsoluteError(), "measures-distance"),
)


def judge(loss, where, logits, one_hot):
    """Return nothing where `loss`, whatever `compile` takes, fits the outputs and labels; refuse it otherwise.

    A loss fits when it takes such labels and outputs, is lower where the model is right, has no bound where the
    model is sure and wrong, and for logits takes no notice of a constant added to all of them, as softmax does not.
    `where` says what the loss was chosen for; its last word ends the id of a refusal.
    """
    if isinstance(loss, list | tuple) and len(loss) == 1:
        loss = loss[0]
    form = "one-hot rows" if one_hot else "whole numbers"
    ending = "logits (no activation)" if logits else "probabilities (softmax)"
    labels = tf.constant(EYE[LABELS] if one_hot else LABELS)

    def refuse(reason, error=None):
        about = where.split()[-1]
        raise Refusal(f"{reason}:{about}", where=where, loss=_named(loss), form=form, ending=ending, error=error)

    if loss is None or not (isinstance(loss, str) or callable(loss)):
        refuse("no-loss")
    try:
        function = keras.losses.get(loss)
    except ValueError:
        refuse("unknown-loss")

    def value(of, scores):
        outputs = tf.constant(scores if logits else special.softmax(scores, axis=1), dtype="float32")
        return float(np.mean(np.asarray(of(labels, outputs))))

    scores = np.random.default_rng(11).normal(0, 2, (len(LABELS), CLASSES))
    right, wrong, unsure = SURE * EYE[LABELS], -SURE * EYE[LABELS], 0 * EYE[LABELS]
    try:
        plain = value(function, scores)
    except Exception as error:
        refuse("form-of-labels", one_line(error))
    for other, reason in OTHER if one_hot else ():  # with whole numbers these fail
        if np.isclose(plain, value(other, scores)) and np.isclose(value(function, right), value(other, right)):
            refuse(reason)
    if logits and not np.isclose(plain, value(function, scores + 3), rtol=1e-3):
        refuse("takes-probabilities")
    low, middle, high = (value(function, scores) for scores in (right, unsure, wrong))
    if not low < middle < high:
        refuse("upside-down")
    if high - middle < GROWS * (middle - low):
        refuse("softmax-twice")


def _named(loss):
    if isinstance(loss, keras.losses.Loss):
        ending = loss.get_config().get("from_logits")
        return type(loss).__name__ + ("" if ending is None else f"(from_logits={ending})")
    return describe(loss)
