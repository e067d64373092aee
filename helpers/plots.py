"""Drawing: arrays in, Axes out. Nothing here computes what the course claims; only `show` displays.

A function that takes `ax` draws into these `matplotlib.axes.Axes`, or into new ones, and returns them.
"""

import html
import io

import matplotlib.pyplot as plt
import numpy as np
from IPython import display
from PIL import Image

BLUE, ORANGE, GREEN, GREY = "#0072B2", "#D55E00", "#009E73", "#8C8C8C"
ORANGE_TEXT = "#B34700"  # letters need more contrast on white than lines
PALE = "#D9D9D9"  # what is frozen or has no parameters
MARKERS = "osD^vX"  # so that lines differ in more than colour
SPREAD = 0.06  # between lines at one tick, so that their intervals do not hide one another
TRAINING = {"linestyle": "--", "color": BLUE, "label": "training"}
VALIDATION = {"linestyle": "-", "marker": "o", "color": ORANGE, "label": "validation"}


def show(alt):
    """Display the current figure with its description in words, and close it.

    The description `alt` is what a reader who cannot see the figure should know of it. It goes into the picture's
    ``alt`` metadata, which page converters use, and into a folded line below it, because JupyterLab gives pictures no
    alternative text. Raises ValueError when it is empty or no figure was drawn.
    """
    if not alt.strip():
        raise ValueError("The description is empty: say in words what the figure shows.")
    if not plt.get_fignums():
        raise ValueError("There is no figure to show: draw one first.")
    figure = plt.gcf()
    drawn, small = io.BytesIO(), io.BytesIO()
    figure.savefig(drawn, format="png", bbox_inches="tight")
    Image.open(drawn).convert("RGB").save(small, "png", optimize=True)
    plt.close(figure)
    bundle = {"image/png": small.getvalue(), "text/plain": alt}
    display.display(bundle, metadata={"image/png": {"alt": alt}}, raw=True)
    folded = f"<details><summary>This figure in words</summary>{html.escape(alt)}</details>"
    display.display({"text/html": folded, "text/plain": ""}, raw=True)


def pictures(images, titles=None, columns=5, side=1.6, highlight=None):
    """Draw pictures in a grid.

    `images` are arrays (h, w, 3), values in 0..255, or (h, w), drawn in grey over their own range. `titles` are texts,
    one for each, bold and orange where `highlight`, a sequence of bool, is True. `side` is the width and height of a
    picture in inches. Returns a NumPy array of Axes, (rows, `columns`).
    """
    if len(images) == 0:
        raise ValueError("There is no picture to draw: give at least one.")
    rows = -(-len(images) // columns)
    extra = 0.15 + 0.2 * max((title.count("\n") + 1 for title in titles), default=0) if titles is not None else 0
    figure, grid = plt.subplots(rows, columns, figsize=(columns * side, rows * (side + extra)), squeeze=False)
    for index, axes in enumerate(grid.flat):
        axes.set_axis_off()
        if index >= len(images):
            continue
        picture = np.asarray(images[index])
        if picture.ndim == 3:
            axes.imshow(np.clip(picture, 0, 255).astype(np.uint8))
        else:
            axes.imshow(picture, cmap="gray")
        if titles is not None:
            marked = highlight is not None and highlight[index]
            style = {"color": ORANGE_TEXT, "fontweight": "bold"} if marked else {"color": "black"}
            axes.set_title(titles[index], fontsize=9, loc="center", parse_math=False, **style)
    return grid


def neighbours(images, labels, nearest, class_names, asked, number=3, side=1.3):
    """Draw a row for each picture in `asked`: the picture itself and its nearest ones, other classes in orange.

    `nearest` has a row for each picture: the places of the others, the most similar first; `labels` (n,) are numbers of
    `class_names`. Returns as `pictures`.
    """
    places = [place for first in asked for place in (first, *nearest[first][:number])]
    firsts = [first for first in asked for _ in range(number + 1)]
    return pictures(
        [images[place] for place in places],
        [class_names[labels[place]] for place in places],
        columns=number + 1,
        side=side,
        highlight=[labels[place] != labels[first] for place, first in zip(places, firsts, strict=True)],
    )


def filters(weights, columns=16, side=0.7):
    """Draw the filters of a first convolution as pictures, each from its smallest to its largest weight.

    `weights` has the shape (height, width, 3, n), blue first, as VGG16's. Returns as `pictures`.
    """
    weights = np.asarray(weights, dtype="float32")
    if weights.ndim != 4 or weights.shape[2] != 3:
        raise ValueError(
            f"Weights of shape {weights.shape}: expected (height, width, 3, filters), a first convolution."
        )
    small = weights.min(axis=(0, 1, 2))
    scaled = 255 * (weights - small) / np.maximum(weights.max(axis=(0, 1, 2)) - small, 1e-12)
    return pictures(list(scaled[:, :, ::-1].transpose(3, 0, 1, 2)), columns=columns, side=side)


def curves(histories, metric="accuracy", ax=None):
    """Draw training (dashed) and validation (solid) curves of one or more runs, each with a marker of its own.

    `histories` is a dict: name of the run to ``History.history``, with `metric` and perhaps ``val_`` + `metric`.
    """
    ax = ax or plt.subplots(figsize=(6, 3.4))[1]
    for number, (name, history) in enumerate(histories.items()):
        run, style = f"{name}, " if len(histories) > 1 else "", {"color": f"C{number}", "markersize": 3}
        marker = MARKERS[number % len(MARKERS)]
        epochs = range(1, len(history[metric]) + 1)
        ax.plot(epochs, history[metric], f"--{marker if run else ''}", **style, label=f"{run}training")
        if f"val_{metric}" in history:
            ax.plot(epochs, history[f"val_{metric}"], f"-{marker}", **style, label=f"{run}validation")
    ax.set(xlabel="epoch", ylabel=metric)
    ax.xaxis.get_major_locator().set_params(integer=True)
    _legend(ax)
    return ax


def confusion(table, ax=None):
    """Draw a confusion matrix, a `table` that `helpers.measuring.evaluation.confusion` returned, with its counts."""
    ax = ax or plt.subplots(figsize=(4.6, 4))[1]
    counts = table.to_numpy()
    image = ax.imshow(counts, cmap="Blues")
    for row, column in np.ndindex(counts.shape):
        colour = text_on(image.to_rgba(counts[row, column]))
        ax.text(column, row, counts[row, column], ha="center", va="center", color=colour)
    ax.set_xticks(range(len(table)), table.columns, parse_math=False)  # a name may hold dollars
    ax.set_yticks(range(len(table)), table.index, parse_math=False)
    ax.set(xlabel="predicted class", ylabel="true class")
    ax.spines[:].set_visible(False)
    return ax


def text_on(colour):
    """Return which text reads best on a `colour` (red, green, blue in 0..1): "black" or "white", at least 4.5 to 1.

    By the relative luminance of the Web Content Accessibility Guidelines 2.2.
    """
    colour = np.asarray(colour)[:3]
    linear = np.where(colour <= 0.04045, colour / 12.92, ((colour + 0.055) / 1.055) ** 2.4)
    return "white" if linear @ [0.2126, 0.7152, 0.0722] < 0.179 else "black"


def intervals(results, ax=None, unit="test accuracy"):
    """Draw numbers with their intervals, one a row.

    `results` is a dict: name to (value, low, high), three floats. `unit` is the label of the horizontal axis.
    """
    ax = ax or plt.subplots(figsize=(6, 0.6 + 0.45 * len(results)))[1]
    for row, (value, low, high) in enumerate(results.values()):
        ax.errorbar(value, row, xerr=reach(value, low, high), fmt="o", color=f"C{row}", capsize=4)
    ax.set_yticks(range(len(results)), list(results), parse_math=False)
    ax.set_ylim(len(results) - 0.5, -0.5)
    ax.locator_params(axis="x", nbins=6)
    ax.set_xlabel(unit)
    return ax


def gains(results, clear=None, ax=None):
    """Draw differences in accuracy with their intervals, one a row, in points, with a line at zero.

    `results` is a dict: name to (difference, low, high), floats in −1..1. The markers of the names that are `clear`,
    all by default, are filled, those of the others hollow.
    """
    ax = ax or plt.subplots(figsize=(6, 0.9 + 0.32 * len(results)))[1]
    for row, (name, (value, low, high)) in enumerate(results.items()):
        filled = BLUE if clear is None or name in clear else "white"
        ends = 100 * reach(value, low, high)
        ax.errorbar(100 * value, row, xerr=ends, fmt="o", color=BLUE, markerfacecolor=filled, capsize=4)
    ax.axvline(0, color=GREY, linestyle=":")
    ax.set_yticks(range(len(results)), list(results), parse_math=False)
    ax.set_ylim(len(results) - 0.5, -0.5)
    ax.set_xlabel("difference in accuracy, in points, with its 95 % interval")
    return ax


def movement(table, ax=None):
    """Draw a freeze certificate: the largest change of any weight, layer by layer.

    `table` is what `helpers.network.certificate.compare` returns.
    """
    ax = ax or plt.subplots(figsize=(6.5, 0.8 + 0.24 * len(table)))[1]
    ax.barh(table.index, table["largest_change"], color=ORANGE)
    for row, moved in enumerate(table["moved"]):
        if not moved:
            ax.text(0, row, " still", va="center", color="#555555", fontsize=8)
    ax.invert_yaxis()
    ax.locator_params(axis="x", nbins=5)
    ax.set_xlabel("largest change of a weight")
    return ax


def blocks(shapes, frozen=None, ax=None):
    """Draw a convolutional network as a row of boxes, coloured by what trains, all to one scale.

    A box is as high as the maps, and as wide as they are many; a row of units is as high as a map of one place.
    `shapes` is a dict: name of each stage to its output, (height, width, channels) or a number of units. `frozen` are
    the names of stages to draw grey and hatched; the others are orange. With None all are blue.
    """
    ax = ax or plt.subplots(figsize=(1.25 * len(shapes), 2.5))[1]
    sizes = [(1, shape) if isinstance(shape, int) else (shape[0], shape[-1]) for shape in shapes.values()]
    tallest, most = (max(numbers) for numbers in zip(*sizes, strict=True))
    for index, ((name, shape), (side, many)) in enumerate(zip(shapes.items(), sizes, strict=True)):
        height, width = side / tallest, 0.7 * many / most
        colour = BLUE if frozen is None else ORANGE
        style = {"color": colour, "edgecolor": colour, "linewidth": 3}  # the edge shows what would be too thin to see
        if frozen is not None and name in frozen:
            style = {"color": PALE, "edgecolor": GREY, "hatch": "///", "linewidth": 1}
        ax.bar(index, height, width=width, bottom=-height / 2, **style)
        label = str(shape) if isinstance(shape, int) else "×".join(map(str, shape))
        ax.text(index, -0.58, f"{name}\n{label}", ha="center", va="top", fontsize=8, parse_math=False)
        if index:
            ax.annotate("", (index - 0.36, 0), (index - 0.64, 0), arrowprops={"arrowstyle": "->"})
    ax.set(xlim=(-0.6, len(shapes) - 0.4), ylim=(-0.82, 0.55))
    ax.set_axis_off()
    return ax


def overlays(images, maps, titles=None, columns=5, side=1.6, highlight=None):
    """Draw pictures in grey with a map over each: bright yellow where it is near 1.

    `images` are arrays (h, w, 3), values in 0..255; `maps` are arrays (h, w), values in 0..1, one for each picture, as
    `helpers.saving.explain.grad_cam` returns them. All else is as for `pictures`. Raises ValueError when maps and
    pictures do not fit one another.
    """
    if len(images) != len(maps):
        raise ValueError(f"{len(images)} pictures but {len(maps)} maps: expected one map a picture.")
    return pictures([overlay(*pair) for pair in zip(images, maps, strict=True)], titles, columns, side, highlight)


def overlay(image, one_map):
    """Return a picture (h, w, 3) in grey, coloured where a map (h, w) is high, as uint8; nothing is drawn."""
    image, one_map = np.asarray(image, dtype="float32"), np.asarray(one_map, dtype="float32")
    if image.ndim != 3 or one_map.shape != image.shape[:2]:
        raise ValueError(f"A picture of shape {image.shape} and a map of {one_map.shape}: expected (h, w, 3), (h, w).")
    if not (one_map.min() >= 0 and one_map.max() <= 1):
        raise ValueError(f"A map with values from {one_map.min():.3g} to {one_map.max():.3g}: expected 0 to 1.")
    grey = np.repeat(image @ np.array([0.299, 0.587, 0.114], "float32")[:, None], 3, axis=2)
    colours = 255 * plt.get_cmap("inferno")(one_map)[..., :3]
    share = 0.7 * one_map[..., None]
    return np.clip((1 - share) * grey + share * colours, 0, 255).astype("uint8")


def interval_lines(results, ticks, ax=None, among=None):
    """Draw numbers with their intervals for a few settings, a line for each name.

    `results` is a dict: name to (value, low, high), one for each of the `ticks`, which name the settings from left to
    right. `among` are all the names that any of your figures has: each keeps its colour and marker in all of them.
    """
    ax = ax or plt.subplots(figsize=(6, 3.4))[1]
    for number, (name, points) in enumerate(results.items()):
        values, lows, highs = np.transpose(points)
        positions = np.arange(len(ticks)) + SPREAD * (number - (len(results) - 1) / 2)
        style = _style(name, among or list(results))
        ax.errorbar(positions, values, reach(values, lows, highs), linestyle="-", **style)
    ax.set_xticks(range(len(ticks)), ticks, parse_math=False)
    _legend(ax)
    return ax


def _legend(ax):
    for text in ax.legend().get_texts():
        text.set_parse_math(False)


def reach(value, low, high):
    """Return how far intervals reach below and above their values, (2, n), as `Axes.errorbar` takes it."""
    return np.reshape([np.subtract(value, low), np.subtract(high, value)], (2, -1))


def _style(name, among):
    index = list(among).index(name)
    marker = MARKERS[index % len(MARKERS)]
    return {"color": f"C{index}", "marker": marker, "markersize": 5, "capsize": 3, "label": name}
