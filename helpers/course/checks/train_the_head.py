"""Checks of notebook 04: labels and predictions in line, one-hot labels, a head that has learned."""

import keras
import numpy as np
import tensorflow as tf

from helpers.course.checks import losses, probes
from helpers.course.checks.exercise import Refusal, describe, exercise

NOTEBOOK = "04_train_the_head"
CLASSES = 5

COUNT, BATCH, RIGHT = 83, 16, 50  # pictures, in a batch, of them predicted correctly


@exercise(NOTEBOOK)
def accuracy_in_line(answer):
    """Judge a function that measures accuracy on a data set that reshuffles on every pass."""
    returned = probes.called(answer, *_model_and_dataset())
    if isinstance(returned, list | tuple):
        raise Refusal("several-numbers", count=len(returned))
    share = probes.number(returned)
    truth = RIGHT / COUNT
    if np.isclose(share, truth, atol=1e-6):
        return
    if np.isclose(share, 100 * truth, atol=1e-3):
        reason = "per-cent"
    elif np.isclose(share, RIGHT):
        reason = "count"
    elif np.isclose(share, 1 - truth, atol=1e-6):
        reason = "share-of-wrong"
    elif share <= 0.5:
        reason = "two-passes"
    elif abs(share - truth) < 0.05:
        reason = "mean-of-batches"
    else:
        reason = "not-largest-logit"
    raise Refusal(reason, share=share, right=RIGHT, count=COUNT)


def _model_and_dataset():
    """Return a model that is right for `RIGHT` of `COUNT` rows, and a data set of them that reshuffles."""
    generator = np.random.default_rng(17)
    labels = generator.integers(0, CLASSES, COUNT)
    said = labels.copy()
    said[RIGHT:] = (said[RIGHT:] + generator.integers(1, CLASSES, COUNT - RIGHT)) % CLASSES
    rows = generator.normal(0, 1, (COUNT, CLASSES)) + 8 * np.eye(CLASSES)[said]
    row = keras.Input((CLASSES,), name="row")
    model = keras.Model(row, keras.layers.Dense(CLASSES, use_bias=False, name="predictions")(row))
    model.set_weights([np.eye(CLASSES)])
    model.compile(loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
    dataset = tf.data.Dataset.from_tensor_slices((rows.astype("float32"), labels.astype("int32")))
    return model, dataset.shuffle(COUNT, seed=5, reshuffle_each_iteration=True).batch(BATCH)


@exercise(NOTEBOOK)
def one_hot_labels(answer, labels):
    """Judge one-hot labels made from whole numbers 0…4, and the loss that belongs to them and to logits."""
    probes.entries(answer, ("labels", "loss"))
    labels = np.asarray(labels)
    try:
        rows = np.asarray(answer["labels"], dtype="float64")
    except (TypeError, ValueError):
        raise Refusal("no-numbers", labels=describe(answer["labels"])) from None
    wanted = np.eye(CLASSES)[labels]
    if np.array_equal(rows, wanted):
        return losses.judge(answer["loss"], "the loss", logits=True, one_hot=True)
    if rows.shape == wanted.T.shape != wanted.shape and np.array_equal(rows, wanted.T):
        reason = "columns"
    elif rows.ndim != 2 or len(rows) != len(labels):
        reason = "form"
    elif rows.shape[1] == CLASSES + 1:
        reason = "six-columns"
    elif rows.shape[1] != CLASSES:
        reason = "number-of-columns"
    elif not np.isin(rows, (0, 1)).all() or not (rows.sum(axis=1) == 1).all():
        reason = "not-one-hot"
    else:
        row = int(np.flatnonzero((rows != wanted).any(axis=1))[0])
        raise Refusal("other-class", column=rows[row].argmax(), row=row, label=labels[row])
    raise Refusal(reason, shape=rows.shape, count=len(labels))


ENOUGH = 0.6


@exercise(NOTEBOOK, enough=ENOUGH)
def trained_head(answer, validation):
    """Judge a head, with logits or probabilities, by its accuracy on validation features and their labels."""
    features, labels = (np.asarray(part) for part in validation)
    head = probes.model(answer)
    outputs = probes.outputs(head, features)
    if outputs.shape != (len(labels), CLASSES):
        raise Refusal("other-shape", shape=outputs.shape)
    predicted = outputs.argmax(axis=1)
    share = np.mean(predicted == labels)
    if share >= ENOUGH:
        return
    if len(np.unique(predicted)) == 1:
        reason = "always-the-same"
    elif share < 1.5 / CLASSES:
        reason = "guesses"
    else:
        reason = "half-learned"
    raise Refusal(reason, share=share, count=len(labels))
