"""Checks of notebook 05: a pipeline that works, a deeper head with a fair start, a stop in time, an honest report."""

import itertools

import keras
import numpy as np
import tensorflow as tf

from helpers.course.checks import probes
from helpers.course.checks.exercise import Refusal, StillBlank, describe, exercise, has_blank
from helpers.course.checks.fixtures import CLASSES, LOSS
from helpers.measuring import evaluation

NOTEBOOK = "05_train_the_head"
SEED = 25

TRAIN, TEST = 200, 50  # pictures, as many of each class, in the order of their classes; the number of one is its pixels
PASSES = 3


@exercise(NOTEBOOK)
def repaired_pipeline(answer):
    """Judge a function from training and test pictures, one by one in the order of files, to batches of each."""
    train_files, reads = _files(0, TRAIN)
    test_files, _ = _files(TRAIN, TEST)
    returned = probes.called(answer, train_files, test_files)
    if has_blank(returned):
        raise StillBlank
    if not isinstance(returned, tuple | list) or len(returned) != 2:
        raise Refusal("no-two-pipelines", returned=describe(returned))
    train, test = returned
    passes = [_pass(train, TRAIN) for _ in range(PASSES)]
    tested = [_pass(test, TEST) for _ in range(2)]
    orders, first_batches = [np.concatenate(batches) for batches in passes], [batches[0] for batches in passes]
    came, mixed = orders[0], np.unique(np.concatenate(first_batches) * CLASSES // TRAIN)
    for reason, met in (
        ("not-each-once", any(sorted(order) != list(range(TRAIN)) for order in orders)),
        ("same-order", np.array_equal(orders[1], orders[2])),
        ("same-batches", _batches(passes[1]) == _batches(passes[2])),
        ("little-mixed", len(mixed) < CLASSES),
        ("read-again", len(reads) != TRAIN),
        ("test-shuffled", any(list(np.concatenate(batches)) != list(range(TRAIN, TRAIN + TEST)) for batches in tested)),
    ):
        if met:
            numbers = len(came), len(np.intersect1d(came, range(TRAIN))), len(reads), len(mixed)
            raise Refusal(reason, numbers=numbers, count=TRAIN, passes=PASSES)


def _files(first, count):
    """Return tf.data of tiny pictures whose pixels are their number, with one-hot labels; and a list of all reads."""
    reads = []

    def read():
        for number in range(count):
            reads.append(number)
            label = np.eye(CLASSES, dtype="float32")[number * CLASSES // count]
            yield np.full((2, 2, 3), first + number, "float32"), label

    forms = tf.TensorSpec((2, 2, 3), "float32"), tf.TensorSpec((CLASSES,), "float32")
    files = tf.data.Dataset.from_generator(read, output_signature=forms)
    return files.apply(tf.data.experimental.assert_cardinality(count)), reads


def _pass(pipeline, count):
    """Return the numbers of the pictures of one pass, an array for each batch; of an endless one only a part."""
    batches = []
    for batch in itertools.islice(iter(pipeline), 2 * count):
        pictures = np.asarray(batch[0] if isinstance(batch, tuple | list) else batch)
        if pictures.ndim != 4:
            raise Refusal("not-batched", shape=pictures.shape)
        batches.append(pictures[:, 0, 0, 0].astype(int))
    if not batches:
        raise Refusal("empty")
    return batches


def _batches(batches):
    return {frozenset(batch.tolist()) for batch in batches}


ENOUGH, MOST_STEPS = 0.7, 65  # five epochs of 13 batches
MOST_LOSS = 1.0  # a last layer with a random start is above it, with zeros it is near 0.65
EPOCHS, FEWER, HIGHER = 5, 0.08, 0.4  # for pictures that are harder: shares and losses off those of a head from zeros


@exercise(NOTEBOOK, enough=ENOUGH, steps=MOST_STEPS, most=MOST_LOSS)
def fair_start(answer, validation, history=None):
    """Judge a trained head with a hidden layer by its accuracy on validation features and their labels.

    `history` is that of one layer from zeros on the same pictures. Where they are harder than the course's animals, so
    that even this layer is hardly right so often after five epochs, less is enough.
    """
    enough, most = ENOUGH, MOST_LOSS
    if history is not None:
        enough = min(enough, history["val_accuracy"][EPOCHS - 1] - FEWER)
        most = max(most, history["val_loss"][EPOCHS - 1] + HIGHER)
    features, labels = (np.asarray(part) for part in validation)
    head = probes.model(answer)
    outputs = probes.outputs(head, features)
    if outputs.shape != (len(labels), CLASSES):
        raise Refusal("other-shape", shape=outputs.shape)
    if sum(len(weight.shape) > 1 for weight in head.weights) < 2:
        raise Refusal("no-hidden-layer")
    taken = int(head.optimizer.iterations) if head.compiled else 0
    predicted = outputs.argmax(axis=1)
    share = np.mean(predicted == labels)
    loss = float(LOSS(labels, outputs))
    for reason, met in (
        ("probabilities", evaluation.are_probabilities(outputs)),
        ("not-trained", taken == 0),
        ("too-many-steps", taken > MOST_STEPS),
        ("always-the-same", len(np.unique(predicted)) == 1),
        ("no-activation", _is_straight(head, features)),
        ("half-learned", share < enough or loss > most),
    ):
        if met:
            raise Refusal(reason, share=share, count=len(labels), taken=taken, loss=loss)


def _is_straight(head, features):
    """Return whether a head's outputs lie on a straight line from -features over 0 to twice the features."""
    back, zero, once, twice = (probes.outputs(head, factor * features) for factor in (-1, 0, 1, 2))
    reach = 1e-3 * np.abs(once - zero).max()
    return np.allclose(back + once, 2 * zero, atol=reach) and np.allclose(twice + zero, 2 * once, atol=reach)


MOST_EPOCHS = 20
SAME_LOSS = 0.002


@exercise(NOTEBOOK, most=MOST_EPOCHS)
def stop_in_time(answer):
    """Judge a function that trains a head until its validation loss has been lowest: returns head and best epoch."""
    probes.function(answer)
    for falls in (False, True):
        head, train, validation = _training(falls)
        returned = probes.called(answer, head, train, validation)
        if has_blank(returned):
            raise StillBlank
        if not isinstance(returned, tuple | list) or len(returned) != 2 or not isinstance(returned[0], keras.Model):
            raise Refusal("no-pair", returned=describe(returned))
        trained, epoch = returned[0], probes.number(returned[1])
        losses = _losses(head) or _losses(trained)
        if not losses:
            raise Refusal("not-validated")
        best, outputs = int(np.argmin(losses)) + 1, probes.outputs(trained, validation[0])
        now = float(keras.losses.CategoricalCrossentropy(from_logits=True)(validation[1], outputs))
        for reason, met in (
            ("learns-nothing", min(losses) > 0.999 * np.log(CLASSES)),
            ("stopped-while-falling", falls and len(losses) < MOST_EPOCHS),
            ("never-stopped", not falls and len(losses) >= MOST_EPOCHS),
            ("last-weights", abs(now - min(losses)) > SAME_LOSS >= abs(now - losses[-1])),
            ("other-weights", abs(now - min(losses)) > SAME_LOSS),
            ("counted-from-zero", epoch == best - 1),
            ("last-epoch", epoch == len(losses) != best),
            ("other-epoch", epoch != best),
        ):
            if met:
                raise Refusal(reason, now=now, lowest=min(losses), best=best, epoch=epoch, ran=len(losses))


def _losses(model):
    """Return the validation losses of a model's last fit, if it has any."""
    return getattr(getattr(model, "history", None), "history", {}).get("val_loss")


def _training(falls):
    """Return an untrained head, and 60 rows of 20 features with one-hot labels for training and for validation.

    With Adam as it comes the validation loss falls for `MOST_EPOCHS` if `falls`; else it turns after some eight epochs.
    """
    generator = np.random.default_rng(SEED)
    labels = np.arange(120) % CLASSES
    noise, signal = (0.1, 3) if falls else (9, 11)
    rows = generator.normal(0, noise, (120, 20)) + signal * np.eye(CLASSES, 20)[labels]
    rows, one_hot = rows.astype("float32"), np.eye(CLASSES, dtype="float32")[labels]
    start = keras.layers.Dense(CLASSES, kernel_initializer="zeros")
    return keras.Sequential([keras.Input((20,)), start]), (rows[:60], one_hot[:60]), (rows[60:], one_hot[60:])


CONFUSIONS = (  # rows are the true classes; for each question another class or pair is the answer
    [[59, 6, 4], [2, 28, 0], [5, 4, 33]],
    [[14, 5, 3], [3, 58, 6], [1, 0, 18]],
)
ENTRIES = ("accuracy", "interval", "majority", "worst", "pair")
HALF_A_POINT = 0.005


@exercise(NOTEBOOK)
def report(answer):
    """Judge a function from labels and logits to a report: accuracy, interval, majority share, worst class, pair."""
    for counts in map(np.array, CONFUSIONS):
        labels, logits = _test_of(counts)
        found = probes.called(answer, labels, logits)
        if has_blank(found):
            raise StillBlank
        probes.entries(found, ENTRIES)
        right, total = counts.diagonal(), counts.sum()
        _refuse_shares(found, right.sum(), total, counts)
        all_of_class = counts.sum(axis=1)
        pair = list(found["pair"]) if isinstance(found["pair"], set | frozenset) else found["pair"]
        worst, pair = probes.number(found["worst"]), probes.array(pair)
        if pair.shape != (2,):
            raise Refusal("no-pair", pair=describe(found["pair"]))
        for reason, met in (
            ("worst-by-precision", worst == np.argmin(right / counts.sum(axis=0))),
            ("worst-by-count", worst == np.argmax(all_of_class - right)),
            ("other-worst", worst != np.argmin(right / all_of_class)),
            ("one-way", tuple(sorted(pair)) == _largest(counts)),
            ("other-pair", tuple(sorted(pair)) != _largest(counts + counts.T)),
        ):
            if met:
                raise Refusal(reason, worst=found["worst"], pair=describe(found["pair"]), table=counts.tolist())


def _refuse_shares(found, right, total, counts):
    """Refuse an accuracy, an interval or a share of the largest class that is not that of the table of `counts`."""
    share, majority = probes.number(found["accuracy"]), probes.number(found["majority"])
    ends = probes.array(found["interval"])
    if ends.shape != (2,):
        raise Refusal("no-interval", interval=describe(found["interval"]))
    accuracy, reach = right / total, 1.96 * np.sqrt(right / total * (1 - right / total) / total)
    largest, most_said = counts.sum(axis=1).max() / total, counts.sum(axis=0).max() / total

    def close(numbers, *wanted):
        return np.allclose(numbers, wanted, atol=HALF_A_POINT)

    for reason, met in (
        ("per-cent", close(share, 100 * accuracy)),
        ("other-accuracy", not close(share, accuracy)),
        ("simple-interval", close(ends, accuracy - reach, accuracy + reach)),
        ("other-interval", not close(ends, *evaluation.wilson(int(right), int(total)))),
        ("chance-level", close(majority, 1 / len(counts))),
        ("of-the-answers", close(majority, most_said)),
        ("other-majority", not close(majority, largest)),
    ):
        if met:
            raise Refusal(reason, share=share, right=right, total=total, majority=majority, ends=ends)


def _test_of(counts):
    """Return labels and logits, in mixed order, whose confusion matrix is `counts`."""
    generator = np.random.default_rng(SEED)
    pairs = np.repeat([*np.ndindex(counts.shape)], counts.ravel(), axis=0)
    pairs = generator.permutation(pairs)
    logits = generator.normal(0, 1, (len(pairs), len(counts))) + 9 * np.eye(len(counts))[pairs[:, 1]]
    return pairs[:, 0], logits.astype("float32")


def _largest(table):
    """Return the two classes of the largest entry off a table's diagonal, the smaller first."""
    others = table - np.diag(table.diagonal())
    return tuple(sorted(np.unravel_index(others.argmax(), others.shape)))
