"""The freeze explorer: what freezing costs and saves, counted from the model's own layers."""

import math
import re
from dataclasses import dataclass

import ipywidgets
import keras
from matplotlib.figure import Figure

from helpers import plots
from helpers.course.widgets import frame
from helpers.network import surgery

BYTES_A_NUMBER = 4  # float32
ADAM_NUMBERS = 2  # a parameter that trains: a mean of its gradients and a mean of their squares
NOTHING, EVERYTHING = "none", "all"
CAVEAT = (
    "Work: multiplications and additions. A clock shows an even larger saving, because processors do the backward pass "
    "more slowly than the forward pass. Memory: without the maps that are kept for the backward pass."
)


@dataclass(frozen=True)
class Layer:
    """A layer with weights: its number of parameters, and its multiplications and additions for one picture."""

    parameters: int
    forward: int


@dataclass(frozen=True)
class Stage:
    """Layers that are frozen together.

    Attributes
    ----------
    name : str
    shape : tuple of int or int
        Output of the stage, without the batch axis; an int for a row of units.
    layers : tuple of Layer
    """

    name: str
    shape: tuple
    layers: tuple


def stages(model, classes=5):
    """Return a model's blocks and its head, read from its layers.

    Parameters
    ----------
    model : keras.Model
        With layers called ``block1_…``, ``block2_…`` as VGG16 has, nested models included. Where nothing with weights
        stands behind the blocks, the course's head is added: global average pooling and a Dense layer.
    classes : int
        Output units of a head that is added.

    Returns
    -------
    list of Stage
        In order; the last is called ``head``.

    Raises
    ------
    ValueError
        When no layer belongs to a block, or the work of a layer cannot be counted.
    """
    blocks, head, shapes = {}, [], {}
    for layer in _flat(model):
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
    surgery.check_classes(classes)
    channels = result[-1].shape[-1]
    added = Layer(parameters=(channels + 1) * classes, forward=2 * channels * classes)
    return [*result, Stage("head", classes, (added,))]


def _flat(model):
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from _flat(layer)
        else:
            yield layer


def _counted(layers):
    for layer in layers:
        if not layer.weights:
            continue  # poolings: no parameters, and next to no work beside a convolution
        if not isinstance(layer, keras.layers.Conv2D | keras.layers.Dense):
            raise ValueError(
                f"The work of {layer.name!r} ({type(layer).__name__}) cannot be counted here: "
                "expected convolutions (Conv2D) and Dense layers, as in VGG16."
            )
        places = layer.output.shape[1:-1]
        if None in places:
            raise ValueError(f"{layer.name!r} has no fixed size. Load the model with input_shape=(96, 96, 3).")
        yield Layer(layer.count_params(), 2 * math.prod(layer.kernel.shape) * math.prod(places))


def parameters(found, frozen):
    """Return the numbers of parameters that train and that are frozen, when the first `frozen` stages are."""
    counts = [sum(layer.parameters for layer in stage.layers) for stage in found]
    return sum(counts[frozen:]), sum(counts[:frozen])


def memory(trainable):
    """Return the bytes that training needs beside the weights: ``gradients``, and the ``adam`` state."""
    return {"gradients": BYTES_A_NUMBER * trainable, "adam": ADAM_NUMBERS * BYTES_A_NUMBER * trainable}


def step_cost(found, frozen, cached=False):
    """Return the work of one training step on one picture, in multiplications and additions.

    The forward pass runs through every layer. Backwards, a layer that trains needs the gradient of its weights, and
    every layer behind the first one that trains hands the gradient on to its inputs. Each of the two costs
    as much as that layer's forward pass, in numbers of operations. In time it costs more: on two cores without a
    GPU, VGG16 at 96 pixels, steps took 1, 0.74, 0.30 and 0.22 of the full time with nothing, two blocks, four
    blocks and the whole base frozen; the counts are 1, 0.78, 0.38 and 0.33.

    Parameters
    ----------
    found : list of Stage
    frozen : int
        How many of the first stages are frozen.
    cached : bool
        The outputs of the frozen stages were computed once and kept, so that a step begins behind them.

    Returns
    -------
    dict of str to int
        ``forward``, ``inputs`` (gradients handed on) and ``weights`` (gradients of weights).
    """
    still = sum(layer.forward for stage in found[:frozen] for layer in stage.layers)
    moving = [layer.forward for stage in found[frozen:] for layer in stage.layers]
    return {
        "forward": sum(moving) + (0 if cached else still),
        "inputs": sum(moving[1:]),
        "weights": sum(moving),
    }


def relative_cost(found, frozen, cached=False):
    """Return the parts of `step_cost` as shares of a step that trains everything."""
    everything = sum(step_cost(found, 0).values())
    return {part: work / everything for part, work in step_cost(found, frozen, cached).items()}


class FreezeExplorer(frame.Explorer):
    """The explorer that `freeze_explorer` returns.

    Attributes
    ----------
    frozen_up_to : ipywidgets.SelectionSlider
        Over ``none``, the names of the blocks, and ``all``.
    """

    def __init__(self, model, classes=5):
        self.stages = stages(model, classes)
        names = [NOTHING, *(stage.name for stage in self.stages[:-1]), EVERYTHING]
        self.frozen_up_to = ipywidgets.SelectionSlider(options=names, value=names[-2], description="Frozen up to")
        super().__init__(
            "What freezing costs and saves",
            "Go from block5 back to none, one step at a time. Which step saves the most parameters, and which the most "
            "work? Then go to all.",
            {"frozen_up_to": self.frozen_up_to},
        )
        self.start()

    def answer(self, frozen_up_to):
        """Return the diagram and the numbers for one setting."""
        frozen = self.frozen_up_to.options.index(frozen_up_to)
        trainable, still = parameters(self.stages, frozen)
        relative = relative_cost(self.stages, frozen)
        names = [stage.name for stage in self.stages]
        seen = f"Frozen: {', '.join(names[:frozen]) or 'nothing'}. Trains: {', '.join(names[frozen:]) or 'nothing'}."
        alt = f"{seen} One training step takes {sum(relative.values()):.0%} of the work of training everything."
        picture = frame.figure_html(_draw(self.stages, frozen, relative), alt)
        needed = memory(trainable)
        rows = [
            ("Parameters that train", f"{trainable:,}"),
            ("Parameters that are frozen", f"{still:,}"),
            ("Memory for gradients", _megabytes(needed["gradients"])),
            ("Memory for Adam", f"{_megabytes(needed['adam'])} (two numbers for each parameter that trains)"),
            ("A training step", f"{_share(sum(relative.values()))} of the work of training everything, counted"),
        ]
        if frozen == len(self.stages):
            seen += " Nothing can learn: whatever the data, the loss stays where it is."
        elif frozen:
            short = sum(relative_cost(self.stages, frozen, cached=True).values())
            rows.append(("… on cached features", f"{_share(short)}, once the frozen part has run over every picture"))
        table = frame.table_html((), rows, seen)
        return picture, frame.words_html(f"{table}<small>{CAVEAT}</small>")


def _share(part):
    return f"{part:.1%}" if part >= 0.001 else "less than 0.1%"


def _megabytes(size):
    return f"{size / 1e6:.1f} MB" if size >= 1e5 else f"{size / 1e3:.1f} kB"


def _draw(found, frozen, relative):
    figure = Figure(figsize=(7.2, 3.5), layout="none")
    figure.text(0.02, 0.93, "grey and hatched: frozen; orange: trains", fontsize=8)
    diagram = figure.add_axes((0, 0.3, 1, 0.62))
    plots.blocks({stage.name: stage.shape for stage in found}, [stage.name for stage in found[:frozen]], diagram)
    axes = figure.add_axes((0.02, 0.14, 0.96, 0.1))
    labels = {"forward": "forward", "inputs": "gradients handed on", "weights": "gradients of weights"}
    left = 0
    for (part, share), colour in zip(relative.items(), (plots.BLUE, plots.GREEN, plots.ORANGE), strict=True):
        axes.barh(0, share, left=left, height=1, color=colour, edgecolor="white", label=labels[part])
        left += share
    axes.set(xlim=(0, 1), ylim=(-0.5, 0.5), yticks=[])
    axes.tick_params(labelsize=8)
    axes.set_xlabel("work of one training step (1 = training everything)", fontsize=8)
    axes.spines[["left", "top", "right"]].set_visible(False)
    axes.legend(loc="lower left", bbox_to_anchor=(0, 0.9), ncols=3, fontsize=8, frameon=False, borderaxespad=0)
    return figure


def freeze_explorer(model, classes=5):
    """Show what freezing up to a block does to parameters, memory and the work of a training step.

    Everything is counted from the layers of `model`, once; the model itself is neither run nor changed.

    Parameters
    ----------
    model : keras.Model
        VGG16 with or without its top, or a whole model that holds one. Its own ``trainable`` flags play no part.
    classes : int
        Output units of the head that is added where the model has none.

    Returns
    -------
    FreezeExplorer
        Control: ``frozen_up_to``.

    Raises
    ------
    ValueError
        When the model has no blocks or a layer of a kind that cannot be counted.
    """
    return FreezeExplorer(model, classes)
