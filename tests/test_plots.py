"""What is drawn is what was given: counted on the Axes, not looked at."""

import io

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from IPython import display
from matplotlib.colors import to_hex
from PIL import Image

from helpers import plots, session


@pytest.fixture(autouse=True)
def no_window():
    matplotlib.use("Agg")
    yield
    plt.close("all")


@pytest.fixture
def shown(monkeypatch):
    """Collect what is displayed: (bundle, metadata)."""
    collected = []
    monkeypatch.setattr(
        display, "display", lambda bundle, metadata=None, raw=False: collected.append((bundle, metadata))
    )
    return collected


class TestShow:
    def test_gives_a_picture_with_its_description_in_the_metadata(self, shown):
        plt.plot([1, 2])
        plots.show("A line that rises from 1 to 2.")
        bundle, metadata = shown[0]
        assert Image.open(io.BytesIO(bundle["image/png"])).size > (100, 100)
        assert metadata["image/png"]["alt"] == bundle["text/plain"] == "A line that rises from 1 to 2."

    def test_gives_the_description_to_readers_too(self, shown):
        plt.plot([1, 2])
        plots.show("A line with slope < 2 & no end.")
        assert "A line with slope &lt; 2 &amp; no end." in shown[1][0]["text/html"]

    def test_closes_the_figure(self, shown):
        plt.plot([1, 2])
        plots.show("A line.")
        assert plt.get_fignums() == []

    def test_gives_the_same_bytes_for_the_same_figure(self, shown):
        for _ in range(2):
            plt.figure()
            plt.plot([1, 2])
            plots.show("A line.")
        assert shown[0][0]["image/png"] == shown[2][0]["image/png"]

    @pytest.mark.parametrize("alt", ["", "  \n"])
    def test_needs_a_description(self, shown, alt):
        plt.plot([1, 2])
        with pytest.raises(ValueError, match="description is empty"):
            plots.show(alt)
        assert shown == []

    def test_needs_a_figure(self, shown):
        with pytest.raises(ValueError, match="no figure to show"):
            plots.show("Nothing.")
        assert shown == []


class TestPictures:
    @pytest.mark.parametrize(("number", "columns", "shape"), [(1, 5, (1, 5)), (5, 5, (1, 5)), (7, 3, (3, 3))])
    def test_draws_each_picture_once_in_a_grid(self, number, columns, shape):
        grid = plots.pictures(np.zeros((number, 4, 4, 3)), columns=columns)
        assert grid.shape == shape
        assert [len(axes.images) for axes in grid.flat] == [1] * number + [0] * (grid.size - number)
        assert not any(axes.axison for axes in grid.flat)

    def test_draws_the_pixels_it_was_given(self):
        pixels = np.array([[[0, 127.6, 255], [-20, 300, 1]]])
        (axes,) = plots.pictures([pixels], columns=1).flat
        assert axes.images[0].get_array().tolist() == [[[0, 127, 255], [0, 255, 1]]]

    def test_draws_one_channel_over_its_own_range(self):
        (axes,) = plots.pictures([np.array([[0.0, 0.5], [1, 3]])], columns=1).flat
        assert axes.images[0].get_clim() == (0, 3) and axes.images[0].get_cmap().name == "gray"

    @pytest.mark.parametrize("kind", [list, np.array])
    def test_titles_stand_above_and_marked_ones_are_orange(self, kind):
        grid = plots.pictures(np.zeros((2, 4, 4, 3)), kind(["a", "b\nc"]), highlight=kind([False, True]))
        assert [axes.get_title() for axes in grid.flat[:2]] == ["a", "b\nc"]
        assert [to_hex(axes.title.get_color()) for axes in grid.flat[:2]] == ["#000000", plots.ORANGE_TEXT.lower()]

    def test_without_a_picture_it_says_so(self):
        with pytest.raises(ValueError, match="no picture to draw"):
            plots.pictures([])


def test_neighbours_stand_beside_what_was_asked_and_other_classes_are_orange():
    images, nearest = np.zeros((4, 2, 2, 3)), [[1, 2, 3], [0, 3, 2], [3, 1, 0], [2, 0, 1]]
    grid = plots.neighbours(images, [0, 0, 1, 1], nearest, ("cat", "dog"), asked=(0, 2), number=2)
    titles = [[axes.get_title() for axes in row] for row in grid]
    assert titles == [["cat", "cat", "dog"], ["dog", "dog", "cat"]]
    colours = [[axes.title.get_color() for axes in row] for row in grid]
    assert colours == [["black", "black", plots.ORANGE_TEXT]] * 2


def test_filters_are_drawn_red_first_each_over_its_own_range():
    weights = np.zeros((3, 3, 3, 2))
    weights[..., 0, 0], weights[..., 2, 1] = 5, -0.1  # one likes blue, one everything but red
    grid = plots.filters(weights, columns=2)
    drawn = [axes.images[0].get_array()[0, 0].tolist() for axes in grid.flat]
    assert drawn == [[0, 0, 255], [0, 255, 255]]
    with pytest.raises(ValueError, match=r"\(3, 3, 64, 2\): expected"):
        plots.filters(np.zeros((3, 3, 64, 2)))


def test_colours_are_those_of_every_notebook():
    style = matplotlib.rc_params_from_file(session.STYLE, use_default_template=False)
    assert {plots.BLUE, plots.ORANGE, plots.GREEN} <= set(style["axes.prop_cycle"].by_key()["color"])


class TestCurves:
    def test_one_run_has_a_dashed_line_for_training_and_a_solid_one_for_validation(self):
        ax = plots.curves({"run": {"accuracy": [0.1, 0.4], "val_accuracy": [0.2, 0.3]}})
        assert [(line.get_linestyle(), line.get_ydata().tolist()) for line in ax.lines] == [
            ("--", [0.1, 0.4]),
            ("-", [0.2, 0.3]),
        ]
        assert list(ax.lines[0].get_xdata()) == [1, 2]
        assert [text.get_text() for text in ax.get_legend().texts] == ["training", "validation"]
        assert (ax.get_xlabel(), ax.get_ylabel()) == ("epoch", "accuracy")

    def test_each_of_several_runs_keeps_its_colour_and_its_name(self):
        ax = plots.curves({name: {"loss": [1], "val_loss": [2]} for name in "ab"}, "loss")
        colours = [line.get_color() for line in ax.lines]
        assert colours[0] == colours[1] != colours[2] == colours[3]
        assert ax.get_legend().texts[3].get_text() == "b, validation"

    def test_a_run_without_validation_has_one_line(self):
        assert len(plots.curves({"run": {"accuracy": [0.1, 0.4]}}).lines) == 1


class TestTables:
    def test_confusion_writes_every_count_in_its_place(self):
        table = pd.DataFrame([[9, 2], [0, 7]], index=["cat", "dog"], columns=["cat", "dog"])
        ax = plots.confusion(table)
        assert {text.get_position(): text.get_text() for text in ax.texts} == {
            (0, 0): "9",
            (1, 0): "2",
            (0, 1): "0",
            (1, 1): "7",
        }
        assert [label.get_text() for label in ax.get_yticklabels()] == ["cat", "dog"]
        assert (ax.get_xlabel(), ax.get_ylabel()) == ("predicted class", "true class")

    def test_intervals_draw_a_point_and_its_ends_for_each_result(self):
        ax = plots.intervals({"one": (0.5, 0.4, 0.7), "two": (1, 1, 1)}, unit="accuracy")
        points = [container.lines[0] for container in ax.containers]
        assert [(point.get_xdata()[0], point.get_ydata()[0]) for point in points] == [(0.5, 0), (1, 1)]
        ends = ax.containers[0].lines[2][0].get_segments()[0][:, 0]
        assert ends.tolist() == pytest.approx([0.4, 0.7])
        assert [label.get_text() for label in ax.get_yticklabels()] == ["one", "two"]
        assert ax.get_xlabel() == "accuracy"

    def test_gains_are_drawn_in_points_and_filled_where_they_are_clear(self):
        ax = plots.gains({"one": (0.05, 0.02, 0.08), "two": (-0.01, -0.03, 0.01)}, clear=["one"])
        points = [container.lines[0] for container in ax.containers]
        drawn = [(point.get_xdata()[0], point.get_ydata()[0], point.get_markerfacecolor()) for point in points]
        assert drawn == [(5, 0, plots.BLUE), (-1, 1, "white")]
        assert ax.containers[1].lines[2][0].get_segments()[0][:, 0].tolist() == pytest.approx([-3, 1])
        assert [label.get_text() for label in ax.get_yticklabels()] == ["one", "two"] and "points" in ax.get_xlabel()
        everything = plots.gains({"one": (0.05, 0.02, 0.08)})
        assert everything.containers[0].lines[0].get_markerfacecolor() == plots.BLUE

    def test_movement_says_still_where_nothing_moved(self):
        table = pd.DataFrame({"largest_change": [0.0, 0.25], "moved": [False, True]}, index=["conv", "dense"])
        ax = plots.movement(table)
        assert [bar.get_width() for bar in ax.patches] == [0, 0.25]
        assert [(text.get_text().strip(), text.get_position()[1]) for text in ax.texts] == [("still", 0)]

    def test_blocks_are_as_high_as_their_maps_and_hatched_where_frozen(self):
        ax = plots.blocks({"block1": (96, 96, 64), "block2": (48, 48, 128), "head": 5}, frozen=["block1"])
        assert [bar.get_height() for bar in ax.patches[:2]] == [1, 0.5]
        assert [bool(bar.get_hatch()) for bar in ax.patches[:3]] == [True, False, False]
        assert "48×48×128" in ax.texts[1].get_text()
        assert any(text.get_text() == "head\n5" for text in ax.texts)

    def test_blocks_are_drawn_to_one_scale(self):
        stages = {"pixels": (96, 96, 3), "block4": (6, 6, 512), "block5": (3, 3, 512), "features": 512, "head": 5}
        pixels, block4, block5, features, head = plots.blocks(stages).patches
        assert block4.get_height() == pytest.approx(2 * block5.get_height()) == pytest.approx(pixels.get_height() / 16)
        assert features.get_height() == pytest.approx(block5.get_height() / 3)
        assert block4.get_width() == pytest.approx(features.get_width()) == pytest.approx(512 / 5 * head.get_width())

    def test_blocks_without_maps_are_drawn_too(self):
        assert len(plots.blocks({"fc1": 4096, "head": 5}).patches) >= 2


class TestComparedMethods:
    def test_interval_lines_join_the_values_of_a_name_and_keep_the_lines_apart(self):
        results = {"one": [(0.5, 0.4, 0.7), (0.6, 0.6, 0.6)], "two": [(0.1, 0, 0.2), (0.2, 0.1, 0.3)]}
        ax = plots.interval_lines(results, ["few", "many"])
        (first, second) = [container.lines[0] for container in ax.containers]
        assert first.get_ydata().tolist() == [0.5, 0.6] and second.get_ydata().tolist() == [0.1, 0.2]
        assert first.get_xdata().tolist() == pytest.approx([-plots.SPREAD / 2, 1 - plots.SPREAD / 2])
        assert second.get_xdata().tolist() == pytest.approx([plots.SPREAD / 2, 1 + plots.SPREAD / 2])
        ends = ax.containers[0].lines[2][0].get_segments()[0][:, 1]
        assert ends.tolist() == pytest.approx([0.4, 0.7])
        assert first.get_marker() != second.get_marker()
        assert [label.get_text() for label in ax.get_xticklabels()] == ["few", "many"]
        assert [text.get_text() for text in ax.get_legend().texts] == ["one", "two"]

    def test_a_name_keeps_its_colour_and_marker_from_figure_to_figure(self):
        everything = plots.interval_lines({name: [(1, 1, 1)] for name in "abc"}, ["x"])
        some = plots.interval_lines({"c": [(1, 1, 1)]}, ["x"], among="abc")
        (_, _, first), (second,) = (
            [(container.lines[0].get_color(), container.lines[0].get_marker()) for container in ax.containers]
            for ax in (everything, some)
        )
        assert first == second


TABLE = pd.DataFrame({"largest_change": [1.0], "moved": [True]}, index=["a"])


@pytest.mark.parametrize(
    "draw",
    [
        lambda ax: plots.curves({"run": {"accuracy": [1]}}, ax=ax),
        lambda ax: plots.confusion(pd.DataFrame([[1]], ["a"], ["a"]), ax=ax),
        lambda ax: plots.intervals({"a": (1, 1, 1)}, ax=ax),
        lambda ax: plots.gains({"a": (0.1, 0, 0.2)}, ax=ax),
        lambda ax: plots.movement(TABLE, ax=ax),
        lambda ax: plots.blocks({"a": (1, 1, 1)}, ax=ax),
        lambda ax: plots.interval_lines({"a": [(1, 1, 1)]}, ["x"], ax=ax),
    ],
    ids=[
        "curves",
        "confusion",
        "intervals",
        "gains",
        "movement",
        "blocks",
        "interval_lines",
    ],
)
def test_draws_into_the_axes_it_is_given(draw):
    _, (left, right) = plt.subplots(1, 2)
    assert draw(left) is left
    assert left.has_data() and not right.has_data()
    assert len(plt.get_fignums()) == 1


class TestOverlays:
    def test_leaves_a_picture_grey_where_the_map_is_zero_and_colours_it_where_it_is_one(self):
        picture = np.full((4, 4, 3), (200, 100, 50), "float32")
        heat = np.zeros((4, 4), "float32")
        heat[0, 0] = 1
        drawn = plots.overlay(picture, heat)
        assert drawn.shape == (4, 4, 3) and drawn.dtype == np.uint8
        assert len(set(drawn[2, 2].tolist())) == 1 and abs(int(drawn[2, 2, 0]) - 124) <= 1  # its brightness
        red, green, blue = map(int, drawn[0, 0])
        assert red > 200 and green > 200 and min(red, green) > blue

    def test_grows_brighter_with_the_map(self):
        drawn = plots.overlay(np.zeros((1, 5, 3)), np.linspace(0, 1, 5)[None])
        assert (np.diff(drawn.astype(int).sum(axis=2)[0]) > 0).all()

    def test_draws_one_panel_a_picture(self):
        pictures, maps = np.zeros((3, 4, 4, 3)), np.zeros((3, 4, 4))
        grid = plots.overlays(pictures, maps, ["a", "b", "c"], columns=2, highlight=[False, True, False])
        assert grid.shape == (2, 2) and [len(axes.images) for axes in grid.flat] == [1, 1, 1, 0]
        assert grid[0, 1].get_title() == "b" and to_hex(grid[0, 1].title.get_color()).upper() == plots.ORANGE_TEXT

    @pytest.mark.parametrize(
        ("pictures", "maps", "words"),
        [
            (np.zeros((2, 4, 4, 3)), np.zeros((1, 4, 4)), "2 pictures but 1 maps"),
            (np.zeros((1, 4, 4, 3)), np.zeros((1, 2, 2)), "expected"),
            (np.zeros((1, 4, 4, 3)), np.full((1, 4, 4), 2.0), "expected 0 to 1"),
            (np.zeros((1, 4, 4, 3)), np.full((1, 4, 4), np.nan), "expected 0 to 1"),
        ],
    )
    def test_refuses_maps_that_do_not_fit(self, pictures, maps, words):
        with pytest.raises(ValueError, match=words):
            plots.overlays(pictures, maps)


def test_class_names_with_dollars_are_drawn_as_they_are():
    names = ["price $0_$9", "$\\frac$", "a$b$c"]
    table = pd.DataFrame(np.eye(3, dtype=int), index=names, columns=names)
    axes = [
        plots.confusion(table),
        plots.intervals(dict.fromkeys(names, (0.5, 0.4, 0.6))),
        plots.gains(dict.fromkeys(names, (0.5, 0.4, 0.6))),
        plots.interval_lines(dict.fromkeys(names, [(0.5, 0.4, 0.6)] * 3), names),
        plots.curves(dict.fromkeys(names, {"accuracy": [0.1, 0.2]})),
        plots.blocks(dict.fromkeys(names, 3)),
        plots.pictures([np.zeros((4, 4, 3))] * 3, names, columns=3)[0, 0],
    ]
    for ax in axes:
        ax.figure.canvas.draw()
    assert [label.get_text() for label in axes[0].get_xticklabels()] == names
    plt.close("all")
