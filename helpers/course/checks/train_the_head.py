"""Checks of notebook 04: labels and predictions in line, one-hot labels, a head that has learned."""

import keras
import numpy as np
import tensorflow as tf

from helpers.course.checks import losses, probes
from helpers.course.checks.exercise import Refusal, describe, exercise

NOTEBOOK = "04_train_the_head"
CLASSES = 5

COUNT, BATCH, RIGHT = 83, 16, 50  # pictures, in a batch, of them predicted correctly


@exercise(
    NOTEBOOK,
    goal="judge a model on a data set, with labels and predictions in line",
    expects="a function accuracy(model, dataset) that returns the share of right answers, between 0 and 1",
    praise="labels and predictions came from the same pass over the data, so each prediction met its own label.",
    hint="go once through the data set: for pictures, labels in dataset: …, and keep or count both in that loop",
)
def accuracy_in_line(answer):
    """Judge a function that measures accuracy on a data set that reshuffles on every pass."""
    returned = probes.called(answer, *_model_and_dataset())
    if isinstance(returned, list | tuple):
        look = "which of the numbers that it returns is the accuracy: return that one alone"
        raise Refusal("several-numbers", f"it returns {len(returned)} things", look)
    share = probes.number(returned)
    truth = RIGHT / COUNT
    saw = f"it returns {share:.4g} where {RIGHT} of {COUNT} answers are right"
    if np.isclose(share, truth, atol=1e-6):
        return
    if np.isclose(share, 100 * truth, atol=1e-3):
        reason, look = "per-cent", "the unit: a share, not a percentage"
    elif np.isclose(share, RIGHT):
        reason, look = "count", "what the number of right answers must be divided by"
    elif np.isclose(share, 1 - truth, atol=1e-6):
        reason, look = "share-of-wrong", "the comparison: it counts the wrong answers"
    elif share <= 0.5:
        reason, saw = "two-passes", f"{saw}: close to chance"
        look = "how often your function goes through the data set: on each pass the order is another"
    elif abs(share - truth) < 0.05:
        reason, saw = "mean-of-batches", f"{saw}: nearly"
        look = "the last batch, which is smaller than the others: does each picture count once?"
    else:
        reason = "not-largest-logit"
        look = "what is counted as a right answer: the index of the largest logit is the class"
    raise Refusal(reason, saw, look)


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


@exercise(
    NOTEBOOK,
    goal="train with one-hot labels as with whole numbers",
    expects="a dictionary with 'labels', one-hot rows of shape (n, 5), and the 'loss' that fits them and logits",
    praise="each row holds a 1 in the column of its class; with this loss a model learns as with whole numbers.",
    hint="row i is all zeros but for a single 1, in column labels[i]; print the first three labels and rows",
)
def one_hot_labels(answer, labels):
    """Judge one-hot labels made from whole numbers 0…4, and the loss that belongs to them and to logits."""
    probes.entries(answer, ("labels", "loss"))
    labels = np.asarray(labels)
    try:
        rows = np.asarray(answer["labels"], dtype="float64")
    except (TypeError, ValueError):
        saw = f"labels: {describe(answer['labels'])}"
        raise Refusal("no-numbers", saw, "make them an array of numbers") from None
    wanted = np.eye(CLASSES)[labels]
    if np.array_equal(rows, wanted):
        return losses.judge(answer["loss"], "the loss", logits=True, one_hot=True)
    saw = f"labels of shape {rows.shape}"
    if rows.shape == wanted.T.shape != wanted.shape and np.array_equal(rows, wanted.T):
        reason, look = "columns", "which axis belongs to the pictures: a picture is a row"
    elif rows.ndim != 2 or len(rows) != len(labels):
        reason, saw = "form", f"{saw} for {len(labels)} pictures"
        look = "the form: from one whole number for each picture to a row of five for each"
    elif rows.shape[1] == CLASSES + 1:
        reason, look = "six-columns", "the number of columns: classes are counted from 0, so five are enough"
    elif rows.shape[1] != CLASSES:
        reason, look = "number-of-columns", "the number of columns: one for each class"
    elif not np.isin(rows, (0, 1)).all() or not (rows.sum(axis=1) == 1).all():
        reason, saw = "not-one-hot", "rows that are not one 1 and four 0"
        look = "what a row says: this class and no other"
    else:
        first = int(np.flatnonzero((rows != wanted).any(axis=1))[0])
        saw = f"a 1 in column {rows[first].argmax()} of row {first}, where the label is {labels[first]}"
        reason, look = "other-class", "which column has the 1: classes are counted from 0"
    raise Refusal(reason, saw, look)


ENOUGH = 0.6


@exercise(
    NOTEBOOK,
    goal="train a head on cached features",
    expects=f"a trained head on the cached features, right for at least {ENOUGH:.0%} of the validation pictures",
    praise="your head was judged on validation pictures that it never saw in training.",
    hint="Adam with a learning rate of 0.001 and 10 epochs is a good start; look at the curve of validation accuracy",
)
def trained_head(answer, validation):
    """Judge a head, with logits or probabilities, by its accuracy on validation features and their labels."""
    features, labels = (np.asarray(part) for part in validation)
    head = probes.model(answer)
    look = f"its input: it takes cached features of shape {features.shape[1:]}, not pictures"
    outputs = probes.outputs(head, features, look)
    if outputs.shape != (len(labels), CLASSES):
        look = "its last layers: one row for each picture, one output for each class"
        raise Refusal("other-shape", f"{describe(answer)}, which gives shape {outputs.shape}", look)
    predicted = outputs.argmax(axis=1)
    share = np.mean(predicted == labels)
    if share >= ENOUGH:
        return
    if len(np.unique(predicted)) == 1:
        reason = "always-the-same"
        look = (
            "why it says the same class for every picture: no training at all, far too high a learning rate, or a loss "
            "that takes its outputs for something else"
        )
    elif share < 1.5 / CLASSES:
        reason = "guesses"
        look = "whether it was trained at all, on these features with their own labels: this is what guessing gives"
    else:
        reason = "half-learned"
        look = "the number of epochs, the learning rate, and whether the loss knows if it gets logits"
    raise Refusal(reason, f"{describe(answer)}, right for {share:.0%} of {len(labels)} validation pictures", look)
