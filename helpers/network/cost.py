"""What a network costs: operations of its convolutions, forward and in a training step."""

import keras
import numpy as np


def convolution_flops(model):
    """Return the floating-point operations of a model's convolutions for one picture, a multiplication and an addition
    counted as two.

    Parameters
    ----------
    model : keras.Model
        With convolutions as layers of its own, channels last.

    Returns
    -------
    dict of str to int
        Name of the layer to its operations in the forward direction, in order.
    """
    counts = {}
    for layer in model.layers:
        if isinstance(layer, keras.layers.Conv2D):
            height, width, channels = layer.output.shape[1:]
            counts[layer.name] = 2 * height * width * channels * int(np.prod(layer.kernel.shape[:3]))
    return counts


def step_flops(model):
    """Return the operations of one training step for one picture, when all of a model's convolutions train.

    Backwards, each needs as much again for its weights and as much again for its input; the first has no layer before
    it that would want the latter.
    """
    counts = list(convolution_flops(model).values())
    return 3 * sum(counts) - counts[0]
