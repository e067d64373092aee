"""What a network costs: operations forward and in a training step, parameters and memory."""

import math
import re
from dataclasses import dataclass

import keras

from helpers.network import inspection, surgery

BYTES_A_NUMBER = 4  # float32
ADAM_NUMBERS = 2  # a parameter that trains: a mean of its gradients and a mean of their squares


def convolution_flops(model):
    """Return the forward floating-point operations of a model's own convolutions for a picture: layer → int, in order.

    A multiplication and an addition count as two. The model's channels are last.
    """
    return {layer.name: _flops(layer) for layer in model.layers if isinstance(layer, keras.layers.Conv2D)}


def step_flops(model):
    """Return the operations of one training step for one picture, when all of a model's convolutions train.

    Backwards, each needs as much again for its weights and as much again for its input; the first has no layer before
    it that would want the latter.
    """
    counts = list(convolution_flops(model).values())
    return 3 * sum(counts) - counts[0]


def _flops(layer):
    """Return the forward operations of a convolution or a Dense layer for one picture."""
    return 2 * math.prod(layer.kernel.shape) * math.prod(layer.output.shape[1:-1])


@dataclass(frozen=True)
class Layer:
    """A layer with weights: its number of parameters, and its multiplications and additions for one picture."""

    parameters: int
    forward: int


@dataclass(frozen=True)
class Stage:
    """Layers that are frozen together."""

    name: str
    shape: tuple  # of its output, without the batch axis; an int for a row of units
    layers: tuple  # of Layer


def stages(model, classes=5):
    """Return a model's blocks and its head as a list of `Stage`, read from its layers, nested models included.

    Blocks are layers called ``block1_…``, ``block2_…`` as in VGG16. Where nothing with weights comes after them, the
    course's head with `classes` units is added: global average pooling and a Dense layer. Raises `ValueError` when no
    layer belongs to a block, or the work of a layer cannot be counted.
    """
    blocks, head, shapes = {}, [], {}
    for layer in inspection.flat_layers(model):
        block = re.match(r"block\d+(?=_)", layer.name)
        if block:
            blocks.setdefault(block[0], []).append(layer)
            shapes[block[0]] = tuple(layer.output.shape[1:])
        elif layer.weights:
            head.append(layer)
    if not blocks:
        raise ValueError(
            f"{model.name!r} has no layers called block1_…, block2_… and so on. Give a VGG16, with or without its top."
        )
    result = [Stage(name, shapes[name], tuple(_counted(blocks[name]))) for name in blocks]
    if head:
        return [*result, Stage("head", head[-1].output.shape[-1], tuple(_counted(head)))]
    classes = surgery.check_classes(classes)
    channels = result[-1].shape[-1]
    added = Layer(parameters=(channels + 1) * classes, forward=2 * channels * classes)
    return [*result, Stage("head", classes, (added,))]


def _counted(layers):
    for layer in layers:
        if not layer.weights:
            continue  # poolings: no parameters, and next to no work beside a convolution
        if not isinstance(layer, keras.layers.Conv2D | keras.layers.Dense):
            raise ValueError(
                f"The work of {layer.name!r} ({type(layer).__name__}) cannot be counted here: "
                "expected convolutions (Conv2D) and Dense layers, as in VGG16."
            )
        if None in layer.output.shape[1:-1]:
            raise ValueError(f"{layer.name!r} has no fixed size. Load the model with input_shape=(96, 96, 3).")
        yield Layer(layer.count_params(), _flops(layer))


def parameters(parts, frozen):
    """Return the numbers of parameters that train and that are frozen, when the first `frozen` of the stages are."""
    counts = [sum(layer.parameters for layer in stage.layers) for stage in parts]
    return sum(counts[frozen:]), sum(counts[:frozen])


def memory(trainable):
    """Return the bytes that training needs beside the weights: ``gradients``, and the ``adam`` state."""
    return {"gradients": BYTES_A_NUMBER * trainable, "adam": ADAM_NUMBERS * BYTES_A_NUMBER * trainable}


def step_cost(parts, frozen, cached=False):
    """Return the work of one training step on one picture, in multiplications and additions, as a dictionary.

    Backwards, a layer that trains needs the gradient of its weights (``weights``), and every layer after the first one
    that trains hands the gradient on to its inputs (``inputs``): each as much work as the layer's forward pass. In time
    they cost more: on two cores without a GPU, VGG16 at 96 pixels, steps took 1, 0.74, 0.30 and 0.22 of the full time
    with nothing, two blocks, four blocks and the whole base frozen; the counts are 1, 0.78, 0.38 and 0.33.

    The first `frozen` of the stages are frozen. When their outputs are `cached`, a step begins after them.
    """
    still = sum(layer.forward for stage in parts[:frozen] for layer in stage.layers)
    moving = [layer.forward for stage in parts[frozen:] for layer in stage.layers]
    return {
        "forward": sum(moving) + (0 if cached else still),
        "inputs": sum(moving[1:]),
        "weights": sum(moving),
    }


def relative_cost(parts, frozen, cached=False):
    """Return the entries of `step_cost` as shares of a step that trains everything."""
    everything = sum(step_cost(parts, 0).values())
    return {name: work / everything for name, work in step_cost(parts, frozen, cached).items()}
