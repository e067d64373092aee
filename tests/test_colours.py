"""Colours hold for eyes that lack one kind of cones, for grey print and on white; no figure speaks by colour alone.

The eyes are simulated as Machado, Oliveira and Fernandes (2009, A Physiologically-based Model for Simulation of Color
Vision Deficiency, severity 100) describe, by colorspacious; distances are those of CAM02-UCS (Luo, Cui and Li, 2006),
in which about 1 can just be seen. Ten times that is asked for: lines and dots are small.
"""

import itertools

import keras
import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from colorspacious import cspace_convert
from matplotlib.colors import to_hex, to_rgb

from helpers import plots, session
from helpers.course.widgets import decision, freeze, head, own_pictures, playground, rates, training
from helpers.network import cost

APART = 10
TEXT, LINES = 4.5, 3  # to one: WCAG 2.2, criteria 1.4.3 and 1.4.11
EYES = ("protanomaly", "deuteranomaly", "tritanomaly")
STYLE = matplotlib.rc_params_from_file(session.STYLE, use_default_template=False)
CYCLE = STYLE["axes.prop_cycle"].by_key()["color"]
TOGETHER = (
    CYCLE,
    (plots.BLUE, plots.ORANGE, plots.GREY, "#000000"),
    (plots.ORANGE, plots.PALE),
    (plots.ORANGE_TEXT, "#000000"),
)


def seen(colour, eye=None):
    """Where a colour lies in CAM02-UCS for an eye, or for one that sees all."""
    pixel = np.array(to_rgb(colour))
    if eye:
        pixel = cspace_convert(pixel, {"name": "sRGB1+CVD", "cvd_type": eye, "severity": 100}, "sRGB1")
    return cspace_convert(np.clip(pixel, 0, 1), "sRGB1", "CAM02-UCS")


def distance(one, other, eye=None):
    return float(np.linalg.norm(seen(one, eye) - seen(other, eye)))


def contrast(one, other="white"):
    """The contrast of two colours, by the definition of WCAG 2.2."""
    linear = cspace_convert(np.array([to_rgb(one), to_rgb(other)]), "sRGB1", "sRGB1-linear")
    darker, lighter = np.sort(linear @ [0.2126, 0.7152, 0.0722])
    return (lighter + 0.05) / (darker + 0.05)


def test_the_simulated_eyes_confuse_what_such_eyes_confuse():
    red, green, purple = "#C04040", "#6F7A2C", "#8060C0"
    assert distance(red, green) > 3 * distance(red, green, "deuteranomaly")
    assert distance(red, green, "protanomaly") < distance(red, purple, "protanomaly")
    assert distance("#0072B2", "#007F7F") > 2 * distance("#0072B2", "#007F7F", "tritanomaly")


@pytest.mark.parametrize("eye", [None, *EYES])
def test_colours_used_together_stay_apart(eye):
    for colours in TOGETHER:
        for one, other in itertools.combinations(colours, 2):
            assert distance(one, other, eye) >= APART, (one, other)


def test_lines_and_letters_stand_out_from_white():
    for colour in (*CYCLE, plots.BLUE, plots.ORANGE, plots.GREEN, plots.GREY):
        assert contrast(colour) >= LINES, colour
    for colour in (plots.ORANGE_TEXT, "#555555"):
        assert contrast(colour) >= TEXT, colour


def test_letters_stand_out_from_any_colour():
    for colour in itertools.product(np.linspace(0, 1, 12), repeat=3):
        assert contrast(plots.text_on(colour), colour) >= TEXT - 0.02, colour


def test_counts_stand_out_from_their_cells():
    names = [str(number) for number in range(8)]
    ax = plots.confusion(pd.DataFrame(np.arange(64).reshape(8, 8), names, names))
    (image,) = ax.images
    for text in ax.texts:
        column, row = text.get_position()
        assert contrast(text.get_color(), image.to_rgba(8 * row + column)[:3]) >= TEXT


# A figure for each function that draws in several colours.


def histories(number):
    return {str(run): {"accuracy": [0.1, 0.4], "val_accuracy": [0.2, 0.3 + run / 20]} for run in range(number)}


def stages():
    return cost.stages(keras.applications.VGG16(weights=None, include_top=False, input_shape=(32, 32, 3)))


def plane():
    return pd.DataFrame({"cost": [1, 2, 30], "accuracy": 0.5, "low": 0.4, "high": 0.6}, ["one", "two", "dear"])


def run(verdict="learned"):
    curves = {"loss": [1, 0.5], "accuracy": [0.3, 0.5], "val_loss": [1, 0.6], "val_accuracy": [0.2, 0.4]}
    return training.Run("Adam", 1e-3, 1, training.LINEAR, curves, verdict, np.zeros((2, 3)))


def rate_figure():
    curves = {10.0**-power: {"accuracy": [0.5, 0.6], "val_accuracy": [0.4, 0.5]} for power in (3, 4, 5)}
    return rates.RateExplorer(curves, before=0.45, pictures=100)._draw(1e-4)


FIGURES = {
    "curves": lambda: plots.curves(histories(6)).figure,
    "interval lines": lambda: plots.interval_lines({str(n): [(0.5, 0.4, 0.6)] * 2 for n in range(6)}, "ab").figure,
    "gains": lambda: plots.gains({"a": (0.1, 0, 0.2), "b": (0.1, -0.1, 0.3)}, ["a"]).figure,
    "blocks": lambda: plots.blocks({"a": (4, 4, 3), "b": (2, 2, 8), "c": 5}, ["a"]).figure,
    "head": lambda: head._draw((3, 3, 512), head.parts((3, 3, 512), hidden=8), 1),
    "freeze": lambda: freeze._draw(stages(), 3, cost.relative_cost(stages(), 3)),
    "decision": lambda: decision._draw(plane(), "two", 10),
    "try": lambda: own_pictures._bars(pd.DataFrame({"class": ["cat", "dog"], "probability": [0.7, 0.3]}), "dog"),
    "rates": rate_figure,
    "playground": lambda: playground._draw(run(), 1, 3),
}


def looks(ax):
    """What is drawn in an Axes: pairs of colour and shape; the ends of an interval belong to its marker."""
    for line in ax.lines:
        marker = line.get_marker()
        ends = line.get_linestyle() == "None" and marker in ("|", "_", *range(12))
        if not ends and (marker != "None" or len(line.get_xdata()) != 1):
            hollow = to_hex(line.get_markerfacecolor()) != to_hex(line.get_color())
            yield to_hex(line.get_color()), (line.get_linestyle(), line.get_marker(), hollow)
    for patch in ax.patches:
        yield to_hex(patch.get_facecolor()), patch.get_hatch() or ""


@pytest.mark.parametrize("name", FIGURES)
def test_what_differs_in_colour_differs_in_shape_too(name):
    with plt.style.context(session.STYLE):
        figure = FIGURES[name]()
    for ax in figure.axes:
        for (one, shape), (other, same) in itertools.combinations(set(looks(ax)), 2):
            assert one == other or shape != same, f"{one} and {other} both have the shape {shape}"
    assert any(list(looks(ax)) for ax in figure.axes)
    plt.close("all")


def test_titles_that_are_marked_are_bold_too():
    grid = plots.pictures(np.zeros((2, 4, 4, 3)), ["right", "wrong"], highlight=[False, True])
    assert [axes.title.get_fontweight() for axes in grid.flat[:2]] == ["normal", "bold"]
    plt.close("all")
