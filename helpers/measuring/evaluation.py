"""How good is it, how sure are we, and where does it fail?"""

import numbers

import numpy as np
import pandas as pd
from scipy import stats
from sklearn import metrics


def accuracy(labels, predictions, confidence=0.95):
    """Return an accuracy with its Wilson interval.

    Raises `ValueError` when there are no labels, the numbers of labels and predictions differ, one is no class (a word,
    NaN, −1, a masked value), or `confidence` is out of range.

    Parameters
    ----------
    labels : array of int, shape (n,)
    predictions : array of int, shape (n,), or of float, shape (n, classes)
        Predicted labels, or logits or probabilities of which the largest counts.
    confidence : float
        Between 0 and 1.

    Returns
    -------
    accuracy, low, high : float
        In 0..1.

    References
    ----------
    Wilson (1927), Probable inference, the law of succession, and statistical inference.
    """
    labels, predicted = _pair(labels, predictions)
    right = int((labels == predicted).sum())
    return right / len(labels), *wilson(right, len(labels), confidence)


def wilson(right, number, confidence=0.95):
    """Return the ends of the Wilson interval of the share of `right` among `number` pictures, whole numbers."""
    right = check_whole(right, "right", 0, most=check_whole(number, "number", 1))
    interval = stats.binomtest(right, int(number)).proportion_ci(_share(confidence), method="wilson")
    return float(interval.low), float(interval.high)


def paired_difference(labels, first, second, confidence=0.95, resamples=5000, seed=0):
    """Return how much more accurate `second` is than `first` on the same pictures, with a bootstrap interval.

    Parameters
    ----------
    labels : array of int, shape (n,)
    first, second : array of int (n,), or of float (n, classes)
        Predictions of two models for the same pictures in the same order.
    confidence : float
        Between 0 and 1.
    resamples : int
        Bootstrap resamples of the pictures, at least 1.
    seed : int

    Returns
    -------
    difference, low, high : float
        In −1..1; positive where `second` is better. The interval is the percentile interval.

    References
    ----------
    Efron and Tibshirani (1993), An introduction to the bootstrap, chapter 13.
    """
    confidence, resamples = _share(confidence), check_whole(resamples, "resamples", 1)
    seed, (truth, one) = check_whole(seed, "seed", 0), _pair(labels, first)
    _, two = _pair(labels, second)
    gains = (two == truth).astype(float) - (one == truth).astype(float)
    if (gains == gains[0]).all():  # nothing varies, so no resample can differ
        return float(gains[0]), float(gains[0]), float(gains[0])
    interval = stats.bootstrap(
        (gains,), np.mean, confidence_level=confidence, n_resamples=resamples, method="percentile", rng=seed
    ).confidence_interval
    return float(gains.mean()), float(interval.low), float(interval.high)


def confusion(labels, predictions, class_names):
    """Return the confusion matrix, counts in a table: rows are the true classes, columns the predicted ones.

    Labels and predictions are those of `accuracy`. Raises `ValueError` when one has no name in `class_names`.
    """
    labels, predicted = _pair(labels, predictions)
    class_names = in_order(class_names)
    _check_names(class_names, max(labels.max(), predicted.max()) + 1)
    matrix = metrics.confusion_matrix(labels, predicted, labels=range(len(class_names)))
    return pd.DataFrame(
        matrix, index=pd.Index(class_names, name="true"), columns=pd.Index(class_names, name="predicted")
    )


def are_probabilities(rows):
    """Return whether the rows of an array are probabilities: none below 0, and each adds up to 1."""
    return rows.min() >= 0 and np.allclose(rows.sum(axis=1), 1, atol=1e-3)


def mistakes(labels, probabilities, class_names, files=None):
    """Return the wrong predictions, the most confident first.

    Raises `ValueError` when the rows are not probabilities, or names or files are too few or too many.

    Parameters
    ----------
    labels : array of int, shape (n,)
    probabilities : array of float, shape (n, classes)
        Rows that sum to 1.
    class_names : sequence of str
    files : sequence, length n, optional
        What to show beside each, e.g. the paths of the pictures.

    Returns
    -------
    pandas.DataFrame
        Index: position of the picture. Columns: ``true``, ``predicted``, ``confidence`` (probability of the predicted
        class), ``probability_of_true``, and ``file`` where `files` is given.
    """
    labels, predicted = _pair(labels, probabilities)
    probabilities, class_names = np.asarray(probabilities), in_order(class_names)
    if probabilities.ndim != 2 or not are_probabilities(probabilities):
        raise ValueError(
            "Expected probabilities (n, classes), rows that sum to 1: put logits through keras.ops.softmax first."
        )
    _check_names(class_names, probabilities.shape[1], exactly=True)
    if files is not None and len(files := in_order(files, "files")) != len(labels):
        raise ValueError(f"{len(files)} files for {len(labels)} labels: expected one for each, in the same order.")
    wrong = np.flatnonzero(predicted != labels)
    names = np.asarray(class_names)
    table = pd.DataFrame(
        {
            "true": names[labels[wrong]],
            "predicted": names[predicted[wrong]],
            "confidence": probabilities[wrong, predicted[wrong]],
            "probability_of_true": probabilities[wrong, labels[wrong]],
        },
        index=wrong,
    )
    if files is not None:
        table["file"] = [files[index] for index in wrong]
    return table.sort_values("confidence", ascending=False, kind="stable")


def _check_names(class_names, classes, exactly=False):
    if len(class_names) < classes or (exactly and len(class_names) > classes):
        raise ValueError(
            f"{len(class_names)} class names for {classes} classes: expected one for each, in the order of labels."
        )


def in_order(values, name="class_names"):
    """Return as a list what has an order; raise `ValueError` for a word, a set, a dictionary, and what is no list."""
    listed = hasattr(values, "__iter__") and getattr(values, "ndim", 1) == 1
    if not listed or isinstance(values, str | bytes | set | frozenset | dict):
        raise ValueError(f"{name}={values!r}: expected a list in the order of the labels, no dict, set or single word.")
    return list(values)


def check_whole(value, name, least, most=2**32 - 1):
    """Return a whole number in a range as an int, or raise `ValueError`."""
    if isinstance(value, bool) or not isinstance(value, numbers.Integral) or not least <= value <= most:
        raise ValueError(f"{name}={value!r}: expected a whole number from {least} to {most}.")
    return int(value)


def _share(confidence):
    if not isinstance(confidence, numbers.Real) or not 0 < confidence < 1:
        raise ValueError(f"{confidence=}: expected a share between 0 and 1, such as 0.95 for 95 %.")
    return float(confidence)


def _pair(labels, predictions):
    """Return labels and predicted labels as whole numbers, int64 (n,), or raise `ValueError`."""
    labels, predictions = _numbers(labels, "labels"), _numbers(predictions, "predictions")
    labels = labels[:, 0] if labels.ndim == 2 and labels.shape[1] == 1 else labels  # a column, as in CIFAR-10
    if labels.ndim != 1 or len(labels) == 0:
        raise ValueError(f"labels of shape {labels.shape}: expected whole numbers (n,). Use argmax on one-hot rows.")
    columns = predictions.shape[1] if predictions.ndim == 2 else None
    if columns == 1 and predictions.dtype.kind != "f":
        predictions, columns = predictions[:, 0], None
    predicted = predictions.argmax(axis=1) if columns and columns > 1 else predictions
    if predicted.shape != labels.shape:
        raise ValueError(
            f"{len(labels)} labels but predictions of shape {predictions.shape}: expected one row for each label, "
            "either a whole number or a column for each of at least 2 classes. Of one sigmoid unit take "
            "probabilities[:, 0] > 0.5, of one logit logits[:, 0] > 0."
        )
    for name, values in (("labels", labels), ("predictions", predicted)):
        wrong = values[(values % 1 != 0) | (values < 0)]
        if len(wrong):
            raise ValueError(
                f"{name} (n,) must be whole numbers from 0, one is {wrong[0]}. Leave out pictures without a label; of "
                "one sigmoid unit take probabilities > 0.5, of one logit logits > 0."
            )
    if columns and labels.max() >= columns:
        raise ValueError(f"The largest label is {labels.max()}, for {columns} columns: expected labels from 0 on.")
    return labels.astype("int64"), predicted.astype("int64")


def _numbers(values, name):
    """Return numbers as an array, or raise `ValueError` where they are words, missing, or rows of several lengths."""
    if np.ma.is_masked(values) or (isinstance(values, list | tuple) and any(map(np.ma.is_masked, values))):
        raise ValueError(f"{name} hold masked values, which can be neither right nor wrong: leave those pictures out.")
    try:
        array = np.asarray(values)  # of kind O are objects, of kind V is bfloat16
        array = np.array(array.tolist()) if array.dtype.kind in "OV" and not array.dtype.names else array
    except ValueError as error:
        raise ValueError(f"{name} make no array ({error}): expected rows of one length.") from error
    if array.dtype.kind not in "biuf":
        first = array.flat[0] if array.size else values
        raise ValueError(
            f"{name} are no numbers ({array.dtype}, first {first!r}): expected whole numbers from 0. "
            "Turn words into numbers with [class_names.index(word) for word in words]."
        )
    if array.dtype.kind == "f" and np.isnan(array).any():
        raise ValueError(
            f"{np.isnan(array).sum()} of {name} are NaN, not a number, and can be neither right nor wrong."
        )
    return array.astype("int64") if array.dtype.kind == "b" else array
