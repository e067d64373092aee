"""Which loss a model was compiled with, and whether it expects logits."""

import re

import keras
import numpy as np
import tensorflow as tf

SPARSE = ("sparse_categorical_crossentropy",)
ROWS = ("categorical_crossentropy", "categorical_focal_crossentropy")
BINARY = ("binary_crossentropy", "binary_focal_crossentropy")


def loss_name(loss):
    """Return the name of a loss as Keras spells it: ``binary_crossentropy``."""
    short = {"bce": "binary_crossentropy", "mse": "mean_squared_error", "mae": "mean_absolute_error"}
    if isinstance(loss, str):
        name = loss
    elif isinstance(loss, keras.losses.Loss):
        name = type(loss).__name__
    else:
        name = getattr(loss, "__name__", type(loss).__name__)
    name = re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower().replace("cross_entropy", "crossentropy")
    return short.get(name, name)


def from_logits(loss, name):
    """Return whether a loss expects logits, by what it does with numbers that are no probabilities."""
    function = keras.losses.get(loss)

    def value(labels, outputs):
        return float(np.mean(np.asarray(function(tf.constant(labels), tf.constant(outputs, "float32")))))

    if name in BINARY:  # of probabilities, all above one are cut off alike
        return not np.isclose(value([[1.0]], [[2.0]]), value([[1.0]], [[5.0]]))
    scores = np.random.default_rng(3).uniform(0.1, 0.9, (4, 3))  # softmax takes no notice of a number added to all
    labels = [0, 1, 2, 1] if name in SPARSE else np.eye(3, dtype="float32")[[0, 1, 2, 1]]
    return np.isclose(value(labels, scores), value(labels, scores + 3.0), rtol=1e-3)
