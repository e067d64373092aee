"""What is drawn of compared methods is what was given, and a method looks alike in every figure."""

import matplotlib
import matplotlib.pyplot as plt
import pandas as pd
import pytest

from helpers import plots

PLANE = pd.DataFrame({"cost": [2, 30], "accuracy": [0.5, 0.6], "low": [0.4, 0.5], "high": [0.6, 0.7]}, index=["a", "b"])


@pytest.fixture(autouse=True)
def no_window():
    matplotlib.use("Agg")
    yield
    plt.close("all")


def test_interval_lines_join_the_values_of_a_name_and_keep_the_lines_apart():
    results = {"one": [(0.5, 0.4, 0.7), (0.6, 0.6, 0.6)], "two": [(0.1, 0, 0.2), (0.2, 0.1, 0.3)]}
    ax = plots.interval_lines(results, ["few", "many"], spread=0.1)
    (first, second) = [container.lines[0] for container in ax.containers]
    assert first.get_ydata().tolist() == [0.5, 0.6] and second.get_ydata().tolist() == [0.1, 0.2]
    assert first.get_xdata().tolist() == pytest.approx([-0.05, 0.95])
    assert second.get_xdata().tolist() == pytest.approx([0.05, 1.05])
    ends = ax.containers[0].lines[2][0].get_segments()[0][:, 1]
    assert ends.tolist() == pytest.approx([0.4, 0.7])
    assert first.get_marker() != second.get_marker()
    assert [label.get_text() for label in ax.get_xticklabels()] == ["few", "many"]
    assert [text.get_text() for text in ax.get_legend().texts] == ["one", "two"]


def test_a_name_keeps_its_colour_and_marker_from_figure_to_figure():
    everything = plots.interval_lines({name: [(1, 1, 1)] for name in "abc"}, ["x"])
    some = plots.interval_lines({"c": [(1, 1, 1)]}, ["x"], among="abc")
    plane = plots.cost_plane(PLANE.set_axis(["c", "b"]), among="abc")
    (_, _, first), (second,), (third, _) = (
        [(container.lines[0].get_color(), container.lines[0].get_marker()) for container in ax.containers]
        for ax in (everything, some, plane)
    )
    assert first == second == third


def test_cost_plane_puts_cost_to_the_right_and_accuracy_up():
    ax = plots.cost_plane(PLANE)
    points = [container.lines[0] for container in ax.containers]
    assert [(point.get_xdata()[0], point.get_ydata()[0]) for point in points] == [(2, 0.5), (30, 0.6)]
    assert ax.containers[1].lines[2][0].get_segments()[0][:, 1].tolist() == pytest.approx([0.5, 0.7])
    assert "20" in [ax.xaxis.get_major_formatter()(tick) for tick in ax.get_xticks()]
    assert ax.get_xscale() == "log" and [text.get_text() for text in ax.get_legend().texts] == ["a", "b"]


@pytest.mark.parametrize(
    "draw",
    [
        lambda ax: plots.interval_lines({"a": [(1, 1, 1)]}, ["x"], ax=ax),
        lambda ax: plots.cost_plane(PLANE, ax=ax),
    ],
    ids=["interval_lines", "cost_plane"],
)
def test_draws_into_the_axes_it_is_given(draw):
    _, (left, right) = plt.subplots(1, 2)
    assert draw(left) is left
    assert left.has_data() and not right.has_data()
