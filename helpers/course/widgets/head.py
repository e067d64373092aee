"""The head designer: how large a head is, and whether there are enough training pictures for it."""

import math
from collections import namedtuple

import ipywidgets
from matplotlib.figure import Figure

from helpers import plots
from helpers.course.widgets import frame
from helpers.network import surgery

LAYERS = ("GlobalAveragePooling2D", "GlobalMaxPooling2D", "Flatten")
POOLINGS = dict(zip(frame.say.get("head.poolings"), LAYERS, strict=True))
AVERAGE, _, FLATTEN = POOLINGS
HIDDEN_UNITS = (0, 8, 16, 32, 64, 128, 256, 512, 1024, 4096)
PICTURES = (25, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 50_000)


# A layer of a head: its name, the numbers that leave it, its parameters, and the line that makes it.
Part = namedtuple("Part", "name units parameters code")


def parts(shape, pooling=AVERAGE, hidden=0, dropout=0.0, classes=5):
    """Return the layers of a head on maps of a `shape` (height, width, channels); 0 `hidden` units: no hidden layer."""
    if len(shape) != 3 or None in shape:
        raise ValueError(f"shape={tuple(shape)}: expected (height, width, channels). Give base.output.shape[1:].")
    if pooling not in POOLINGS:
        raise ValueError(f"pooling={pooling!r}: expected one of {', '.join(map(repr, POOLINGS))}.")
    if hidden < 0 or not 0 <= dropout < 1:
        raise ValueError(f"hidden={hidden}, dropout={dropout}: expected hidden of at least 0 and dropout in 0..1.")
    surgery.check_classes(classes)
    units = math.prod(shape) if pooling == FLATTEN else shape[2]
    layers = [Part(pooling, units, 0, f"row = keras.layers.{POOLINGS[pooling]}()(features)")]
    if hidden:
        code = f'row = keras.layers.Dense({hidden}, activation="relu")(row)'
        layers.append(Part(frame.say("head.hidden"), hidden, (units + 1) * hidden, code))
        units = hidden
    if dropout:
        layers.append(
            Part(frame.say("head.dropout", share=dropout), units, 0, f"row = keras.layers.Dropout({dropout:g})(row)")
        )
    code = f'logits = keras.layers.Dense({classes}, name="predictions")(row)'
    return [*layers, Part("predictions", classes, (units + 1) * classes, code)]


def supported(pictures, classes):
    """Return the largest number of parameters that the labels of so many pictures determine.

    From there on a linear head can, in general, give every training picture any label at all (Cover, 1965, Geometrical
    and statistical properties of systems of linear inequalities).
    """
    return pictures * classes


class HeadDesigner(frame.Explorer):
    """Design a head for a base: how many parameters it has, and whether there are enough training pictures.

    Controls: ``pooling``, ``hidden`` (units of the hidden layer, 0 for none), ``dropout``, ``pictures``, which begins
    at as many training pictures as you give. Raises `ValueError` when `base`, a convolutional keras.Model that is not
    run, does not end in maps (n, height, width, channels) of a fixed size, or `classes` or `pictures` is out of range.
    """

    def __init__(self, base, classes=5, pictures=1000):
        self.shape, self.classes = tuple(base.output.shape[1:]), classes
        parts(self.shape, classes=classes)
        if isinstance(pictures, bool) or not isinstance(pictures, int) or pictures < 1:
            raise ValueError(f"pictures={pictures!r}: expected the number of training pictures, at least 1.")
        counts = sorted({*PICTURES, pictures})
        super().__init__(
            "head",
            {
                "pooling": ipywidgets.ToggleButtons(options=list(POOLINGS)),
                "hidden": ipywidgets.SelectionSlider(options=HIDDEN_UNITS, value=0),
                "dropout": ipywidgets.FloatSlider(0.0, min=0.0, max=0.9, step=0.1),
                "pictures": ipywidgets.SelectionSlider(options=counts, value=pictures),
            },
        )

    def answer(self, pooling, hidden, dropout, pictures):
        """Return the drawing of the head, its count, its code, and whether the pictures support it."""
        layers = parts(self.shape, pooling, hidden, round(dropout, 2), self.classes)
        total, limit = sum(layer.parameters for layer in layers), supported(pictures, self.classes)
        chain = frame.say("head.then").join(f"{layer.name} ({layer.units:,})" for layer in layers)
        maps = "×".join(map(str, self.shape))
        alt = frame.say("head.alt", maps=maps, chain=chain, total=total)
        picture = frame.figure_html(_draw(self.shape, layers, total), alt)
        code = "\n".join(layer.code for layer in layers)
        return picture, frame.words_html(
            f"<p>{_verdict(total, limit, pictures, self.classes, dropout)}</p>"
            f'{frame.say("head.in_code")}<pre style="line-height:1.4">{code}</pre>'
        )


def _verdict(total, limit, pictures, classes, dropout):
    facts = frame.say("head.facts", pictures=pictures, classes=classes, limit=limit)
    if total < limit:
        return frame.say("head.supported", total=total, facts=facts)
    helps = frame.say("head.dropout_helps") if dropout else ""
    return frame.say("head.too_large", total=total, facts=facts, helps=helps)


def _draw(shape, layers, total):
    figure = Figure(figsize=(7.2, 2.4), layout="none")
    maps, none = frame.say("head.maps"), frame.say("head.none")
    sizes = {maps: shape, **{layer.name: layer.units for layer in layers}}
    without = [maps, *(layer.name for layer in layers if not layer.parameters)]
    axes = plots.blocks(sizes, without, figure.add_axes((0, 0, 1, 0.88)))
    for index, layer in enumerate(layers, start=1):
        axes.text(index, 0.2, f"{layer.parameters:,}" if layer.parameters else none, ha="center", fontsize=8.5)
    figure.text(0.02, 0.9, frame.say("head.count", total=total), fontsize=10)
    return figure
