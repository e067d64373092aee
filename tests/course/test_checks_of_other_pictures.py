"""Exercises on the learner's own collection ask for no more than its pictures allow."""

import keras
import numpy as np
import pytest

from helpers import checks

HEAD_FROM_ZEROS = {"val_accuracy": [0.2, 0.3, 0.4, 0.45, 0.5], "val_loss": [1.6, 1.5, 1.45, 1.4, 1.35]}


def trained(right):
    """A deeper head after one step, right for a share of the validation pictures, and hardly sure."""
    rows, labels = np.eye(5, dtype="float32")[np.arange(100) % 5], np.arange(100) % 5
    hidden, last = keras.layers.Dense(5, "relu"), keras.layers.Dense(5)
    head = keras.Sequential([keras.Input((5,)), hidden, last])
    head.compile(keras.optimizers.SGD(0.0), "sparse_categorical_crossentropy")
    head.fit(rows, labels, batch_size=100, verbose=0)
    hidden.set_weights([np.eye(5), np.full(5, 0.1)])
    last.set_weights([2 * np.eye(5), np.zeros(5)])
    labels[round(100 * right) :] = (labels[round(100 * right) :] + 1) % 5
    return head, (rows, labels)


@pytest.mark.parametrize(
    ("right", "history", "state"),
    [
        (0.9, None, "right"),
        (0.45, None, "wrong"),  # of the animals more is possible
        (0.45, HEAD_FROM_ZEROS, "right"),
        (0.3, HEAD_FROM_ZEROS, "wrong"),
        (0.45, {"val_accuracy": [0.95] * 5, "val_loss": [0.2] * 5}, "wrong"),
        (0.9, {"val_accuracy": [1.0] * 5, "val_loss": [0.01] * 5}, "right"),  # easier pictures ask for no more
    ],
)
def test_a_deeper_head_has_to_be_nearly_as_right_as_one_from_zeros(right, history, state):
    head, validation = trained(right)
    assert checks.fair_start.verdict(head, validation, history).state == state
