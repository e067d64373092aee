"""Checks of notebook 04: labels and predictions in line, one-hot labels, a head that has learned."""

import keras
import numpy as np
import tensorflow as tf

from helpers.course.checks import losses, probes
from helpers.course.checks.exercise import Refusal, describe, exercise
from helpers.course.checks.fixtures import CLASSES, LOSS

NOTEBOOK = "04_train_the_head"
SEED = 25  # no two mistakes give one number

COUNT, BATCH, RIGHT = 83, 16, 50  # pictures, in a batch, of them predicted correctly
DIVISORS = (5, 6, 16, 32, 80, 96, 192, 200, 400, 800)  # classes, batches, in full batches, pictures of the notebook


@exercise(NOTEBOOK)
def accuracy_in_line(answer):
    """Judge a function that measures accuracy on a data set that reshuffles on every pass."""
    model, dataset, passes = _model_and_dataset()
    share = probes.number(probes.called(answer, model, dataset))
    if np.isclose(share, RIGHT / COUNT, atol=1e-6):
        return
    for reason, value in _mistakes(passes):
        if np.isclose(share, value, rtol=1e-5, atol=1e-6):
            raise Refusal(reason, share=share, right=RIGHT, count=COUNT)
    raise Refusal("no-known-number", share=share, right=RIGHT, count=COUNT, truth=RIGHT / COUNT, passes=len(passes))


def _model_and_dataset():
    """Return a model that is right for `RIGHT` of `COUNT` rows, a data set of them that reshuffles, and its passes.

    Each pass that begins leaves its logits and labels, as they lie in that pass.
    """
    generator = np.random.default_rng(SEED)
    labels = generator.integers(0, CLASSES, COUNT).astype("int32")
    said = labels.copy()
    said[RIGHT:] = (said[RIGHT:] + generator.integers(1, CLASSES, COUNT - RIGHT)) % CLASSES
    rows = (generator.normal(0, 1, (COUNT, CLASSES)) + 8 * np.eye(CLASSES)[said]).astype("float32")
    passes = []

    def shuffled():
        batches = np.split(generator.permutation(COUNT), range(BATCH, COUNT, BATCH))
        passes.append(([rows[batch] for batch in batches], [labels[batch] for batch in batches]))
        yield from zip(*passes[-1], strict=True)

    row = keras.Input((CLASSES,), name="row")
    model = keras.Model(row, keras.layers.Dense(CLASSES, use_bias=False, name="predictions")(row))
    model.set_weights([np.eye(CLASSES)])
    model.compile(loss=LOSS, metrics=["accuracy"])
    forms = tf.TensorSpec((None, CLASSES), "float32"), tf.TensorSpec((None,), "int32")
    dataset = tf.data.Dataset.from_generator(shuffled, output_signature=forms)
    return model, dataset.apply(tf.data.experimental.assert_cardinality(-(-COUNT // BATCH))), passes


def _mistakes(passes):
    """Yield each mistake that is told apart, with a number that it gives."""
    yield "per-cent", 100 * RIGHT / COUNT
    yield "count", RIGHT
    yield "share-of-wrong", 1 - RIGHT / COUNT
    for digits in range(1, 5):
        yield "rounded", round(RIGHT / COUNT, digits)
    for divisor in DIVISORS:
        yield f"divisor:{divisor}", RIGHT / divisor
    for logits, labels in passes:
        pairs = list(zip(logits, labels, strict=True))
        hits, sizes = [np.sum(some.argmax(axis=1) == truth) for some, truth in pairs], list(map(len, labels))
        for divisors, last in ((sizes, sizes[-1]), ([COUNT] * len(sizes), 0)):
            yield "first-batch-only", hits[0] / divisors[0]
            yield "reset-in-loop", hits[-1] / divisors[-1]
            yield "last-batch-left-out", (RIGHT - hits[-1]) / (COUNT - last)
        yield "reset-in-loop", RIGHT / sizes[-1]
        yield "mean-of-batches", np.mean(np.divide(hits, sizes))
        logits, labels = np.concatenate(logits), np.concatenate(labels)
        yield "the-loss", float(LOSS(labels, logits))
        for others, _ in passes:
            yield "two-passes", np.mean(np.concatenate(others).argmax(axis=1) == labels)


@exercise(NOTEBOOK)
def one_hot_labels(answer, labels):
    """Judge one-hot labels made from whole numbers 0…4, and the loss that belongs to them and to logits."""
    probes.entries(answer, ("labels", "loss"))
    labels = np.asarray(labels)
    if labels.ndim != 1 or not np.isin(labels, range(CLASSES)).all():
        raise Refusal("numbers-overwritten", numbers=describe(labels))
    labels = labels.astype(int)
    rows = probes.array(answer["labels"])
    wanted = np.eye(CLASSES)[labels]
    if np.array_equal(rows, wanted):
        return losses.judge(answer["loss"], "the loss", logits=True, one_hot=True)
    if rows.shape != wanted.shape:
        raise Refusal("form", shape=rows.shape, wanted=wanted.shape)
    if not np.isin(rows, (0, 1)).all() or not (rows.sum(axis=1) == 1).all():
        raise Refusal("not-one-hot")
    row = int(np.flatnonzero((rows != wanted).any(axis=1))[0])
    raise Refusal("other-class", column=rows[row].argmax(), row=row, label=labels[row])


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
    learned = "guesses" if share < 1.5 / CLASSES else "half-learned"
    reason = learned if len(np.unique(predicted)) > 1 else "always-the-same"
    raise Refusal(reason, share=share, count=len(labels), chance=1 / CLASSES)
