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
HINT = "two questions settle it: are the labels whole numbers or rows, and has the last layer an activation or none?"

EVERY_CLASS = (
    "scores-every-class",
    "scores every class for itself",
    "the task: one class out of five, a single choice. Which loss is made for that?",
)
DISTANCE = (
    "measures-distance",
    "measures a distance",
    "the task: a class, not a quantity. Which loss is made for choosing one class?",
)
OTHER = (
    (keras.losses.BinaryCrossentropy(), EVERY_CLASS),
    (keras.losses.BinaryCrossentropy(from_logits=True), EVERY_CLASS),
    (keras.losses.MeanSquaredError(), DISTANCE),
    (keras.losses.MeanAbsoluteError(), DISTANCE),
)


def judge(loss, where, logits, one_hot):
    """Return nothing where `loss`, whatever `compile` takes, fits the outputs and labels; refuse it otherwise.

    A loss fits when it takes such labels and outputs, is lower where the model is right, has no bound where the
    model is sure and wrong, and for logits takes no notice of a constant added to all of them, as softmax does not.
    `where` says what the loss was chosen for; its last word begins the id of a refusal.
    """
    form = "one-hot rows" if one_hot else "whole numbers"
    ending = "logits (no activation)" if logits else "probabilities (softmax)"
    expected = f"a loss of Keras for labels that are {form} and a model that gives {ending}"
    labels = tf.constant(EYE[LABELS] if one_hot else LABELS)

    def refuse(reason, saw, look):
        raise Refusal(f"{where.split()[-1]}:{reason}", f"{where}: {saw}", look, HINT, expected)

    function = _as_function(loss, refuse)

    def value(of, scores):
        outputs = tf.constant(scores if logits else special.softmax(scores, axis=1), dtype="float32")
        return float(np.mean(np.asarray(of(labels, outputs))))

    scores = np.random.default_rng(11).normal(0, 2, (len(LABELS), CLASSES))
    right, wrong, unsure = SURE * EYE[LABELS], -SURE * EYE[LABELS], 0 * EYE[LABELS]
    saw = f"{_named(loss)}, which"
    try:
        plain = value(function, scores)
    except Exception as error:
        look = "the form of the labels: two losses differ by the word `Sparse`, which of them takes such labels?"
        refuse("form-of-labels", f"{saw} fails on labels that are {form} ({one_line(error)})", look)
    for other, (reason, seen, look) in OTHER if one_hot else ():  # with whole numbers these fail
        if np.isclose(plain, value(other, scores)) and np.isclose(value(function, right), value(other, right)):
            refuse(reason, f"{saw} {seen}", look)
    if logits and not np.isclose(plain, value(function, scores + 3), rtol=1e-3):
        look = "the activation of the last layer: there is none. Which argument tells a loss of Keras so?"
        refuse("takes-probabilities", f"{saw} takes the outputs for probabilities", look)
    low, middle, high = (value(function, scores) for scores in (right, unsure, wrong))
    if not low < middle < high:
        look = "its sign, and the order of its arguments: labels, outputs"
        refuse("upside-down", f"{saw} is not lowest where the model is right", look)
    if high - middle < GROWS * (middle - low):
        look = "the activation of the last layer: softmax is there already. Which argument of the loss adds another?"
        refuse("softmax-twice", f"{saw} hardly punishes a model that is sure and wrong", look)


def _as_function(loss, refuse):
    if isinstance(loss, list | tuple) and len(loss) == 1:
        loss = loss[0]
    if loss is None or not (isinstance(loss, str) or callable(loss)):
        look = "the section of the notebook on losses: write the loss as you would give it to compile"
        refuse("no-loss", describe(loss), look)
    try:
        return keras.losses.get(loss)
    except ValueError:
        look = "the spelling: a name has underscores, a class capitals"
        refuse("unknown-name", f"{describe(loss)}, and Keras knows no loss of that name", look)


def _named(loss):
    if isinstance(loss, keras.losses.Loss):
        ending = loss.get_config().get("from_logits")
        return type(loss).__name__ + ("" if ending is None else f"(from_logits={ending})")
    return describe(loss)
