"""Dense layers that feed one another with nothing but straight lines between."""

import keras
import numpy as np
import tensorflow as tf

from helpers.doctor.findings import Finding


def check(case):
    """Yield a finding for each Dense layer that feeds the next one with nothing but straight lines between."""
    dense = [(layer, given, out) for layer, given, out in case.heard if isinstance(layer, keras.layers.Dense)]
    for (first, _, out), (second, taken, _) in zip(dense, dense[1:], strict=False):
        if (
            first is second
            or not _straight(first.activation)
            or out.shape != taken.shape
            or not _line_between(out, taken)
        ):
            continue
        yield Finding(
            "dense-without-activation",
            "warning",
            f"{first.name!r} ({out.shape[-1]} units) feeds {second.name!r} with no activation between.",
            "Two such layers compute what one of them could: more weights, no more power.",
            f'{first.name!r}: layers.Dense({out.shape[-1]}, activation="relu")',
        )


def _straight(activation):
    probe = np.array([[-3.0, -0.5, 0.0, 0.7, 4.0]], "float32")
    return np.allclose(np.asarray(activation(tf.constant(probe))), probe)


def _line_between(out, taken):
    """Return whether each column of `taken` is a straight line over the same column of `out`."""
    if np.array_equal(out, taken):
        return bool(np.any(out < 0)) or np.ptp(out) > 0
    if len(out) < 4 or not np.any(out < 0):
        return False
    before, after = out - out.mean(axis=0), taken - taken.mean(axis=0)
    slope = (before * after).sum(axis=0) / np.maximum((before**2).sum(axis=0), 1e-12)
    return np.abs(slope * before - after).max() <= 1e-3 * max(np.abs(after).max(), 1e-9) and np.ptp(after) > 0
