"""Drawing of compared methods: numbers with intervals in, Axes out. A method keeps its colour from figure to figure."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib import ticker

MARKERS = "osD^vX"  # of lines that colour alone would not tell apart


def interval_lines(results, ticks, ax=None, spread=0.06, among=None):
    """Draw numbers with their intervals over a few settings, a line for each name.

    Parameters
    ----------
    results : dict of str to sequence of (float, float, float)
        Name to (value, low, high), one for each tick.
    ticks : sequence of str
        The settings, from left to right.
    ax : matplotlib.axes.Axes, optional
    spread : float
        How far the lines stand apart at a tick, so that their intervals do not hide one another.
    among : sequence of str, optional
        All names of which these are some, so that each keeps its colour and marker from figure to figure.

    Returns
    -------
    matplotlib.axes.Axes
    """
    ax = ax or plt.subplots(figsize=(6, 3.4))[1]
    for number, (name, points) in enumerate(results.items()):
        value, low, high = np.transpose(points)
        places = np.arange(len(ticks)) + spread * (number - (len(results) - 1) / 2)
        ax.errorbar(places, value, [value - low, high - value], linestyle="-", **_look(name, among or list(results)))
    ax.set_xticks(range(len(ticks)), ticks)
    ax.legend()
    return ax


def cost_plane(table, ax=None, unit="CPU seconds (log scale)", among=None):
    """Draw accuracy, with its interval, against cost: high and left is best.

    Parameters
    ----------
    table : pandas.DataFrame
        Index: names. Columns: ``cost``, ``accuracy``, ``low``, ``high``.
    ax : matplotlib.axes.Axes, optional
    unit : str
        Label of the horizontal axis.
    among : sequence of str, optional
        As for `interval_lines`.

    Returns
    -------
    matplotlib.axes.Axes
    """
    ax = ax or plt.subplots(figsize=(6, 3.4))[1]
    for name, row in table.iterrows():
        size = [[row["accuracy"] - row["low"]], [row["high"] - row["accuracy"]]]
        ax.errorbar(row["cost"], row["accuracy"], size, linestyle="", **_look(name, among or list(table.index)))
    ax.set(xscale="log", xlabel=unit, ylabel="test accuracy")
    ax.xaxis.set_major_locator(ticker.LogLocator(subs=(1, 2, 5)))
    ax.xaxis.set_major_formatter("{x:g}")
    ax.xaxis.set_minor_formatter(ticker.NullFormatter())
    ax.legend()
    return ax


def _look(name, among):
    place = list(among).index(name)
    marker = MARKERS[place % len(MARKERS)]
    return {"color": f"C{place}", "marker": marker, "markersize": 5, "capsize": 3, "label": name}
