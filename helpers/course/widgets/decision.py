"""The decision helper: which method for your own pictures? From the measured grid, with what it cannot tell."""

import html
import math

import ipywidgets
from matplotlib.figure import Figure

from helpers import plots
from helpers.course.widgets import frame
from helpers.measuring import costs, results, study

KINDS = {"photographs (near)": "animals", "drawings (far)": "emoji"}
COUNTS = (5, 10, 15, 20, 30, 40, 60, 80, 120, 160, 200, 500)
BUDGETS = {"10 s": 10, "20 s": 20, "40 s": 40, "1 min": 60, "2 min": 120, "5 min": 300, "10 min": 600, "any": math.inf}
UNKNOWN = frame.TEXTS["decision"]["caveat"]


class DecisionHelper(frame.Explorer):
    """Answer *my pictures are …, I have … a class, my budget is …* from the results of the comparison.

    Controls: ``kind`` (photographs or drawings), ``count`` (training pictures of each class), ``budget`` (CPU seconds
    for everything: the trunk once, the search for a learning rate, the training). Raises `ValueError` when the results
    do not hold the quadrants with at least two seeds.

    Parameters
    ----------
    evidence : helpers.measuring.results.Evidence
        As `helpers.measuring.results.read` returns it.
    """

    def __init__(self, evidence):
        self.measured = {data: costs.measured(evidence, data) for data in KINDS.values()}
        self.sizes = {
            data: results.table(evidence, "quadrants", data, study.COUNTS[0]).iloc[0] for data in KINDS.values()
        }
        kinds = list(KINDS)
        super().__init__(
            *frame.opening("decision"),
            {
                "kind": ipywidgets.ToggleButtons(options=kinds, value=kinds[1], description="My pictures are"),
                "count": ipywidgets.SelectionSlider(options=COUNTS, value=10, description="Pictures a class"),
                "budget": ipywidgets.SelectionSlider(options=list(BUDGETS), value="any", description="CPU budget"),
            },
        )

    def answer(self, kind, count, budget):
        """Return the methods with their intervals, and the advice in words."""
        data, seconds = KINDS[kind], BUDGETS[budget]
        plane, pairs, below, above = costs.read_off(self.measured[data], count)
        method, best = costs.recommended(plane, pairs, seconds)
        advice = _advice(plane, pairs, method, best)
        basis = _basis(count, below, above, self.sizes[data])
        alt = f"{kind}, {count} a class, budget {budget}. {advice} Accuracy of each method with its interval."
        table = frame.table_html(
            ("method", "CPU seconds", "accuracy", "against the advice", ""), _rows(plane, pairs, method, seconds)
        )
        text = f"<p><strong>{html.escape(advice)}</strong></p>{table}<p>{html.escape(basis)}</p><p>{UNKNOWN}</p>"
        return frame.figure_html(_draw(plane, method, seconds), alt), frame.words_html(text, frame.WIDE)


def _advice(plane, pairs, method, best):
    if method is None:
        least = plane["cost"].min()
        return f"No method fits this budget. The cheapest, {plane['cost'].idxmin()}, takes {least:.0f} CPU seconds."
    row = plane.loc[method]
    advice = (
        f"Take: {method}. Expect {row['accuracy']:.0%} right ({row['low']:.0%} to {row['high']:.0%}) for "
        f"{row['cost']:.0f} CPU seconds."
    )
    if method != best:
        gain = _points(pairs.loc[(method, best)])
        return f"{advice} {best} was measured {gain} better, which is not shown, and it costs more."
    cheaper = plane[plane["cost"] < row["cost"]]
    if cheaper.empty:
        return advice
    rival = cheaper["accuracy"].idxmax()
    price, loss = f"{cheaper.loc[rival, 'cost']:.0f} CPU seconds", _points(pairs.loc[(method, rival)])
    return (
        f"{advice} The best of the cheaper ones, {rival} ({price}), is shown to be worse: {loss}. Only you can say "
        "whether that is worth the price."
    )


def _basis(count, below, above, size):
    trained = f"{size['seeds']} trainings a method, judged on {size['pictures']} test pictures"
    if below != above:
        return (
            f"Nothing was measured at {count} a class. This is interpolated between {below} and {above} ({trained}), "
            "and a difference counts as shown only if it is shown at both."
        )
    if count == below:
        return f"Measured at {count} a class: {trained}."
    few = "few" if count < below else "many"
    return f"So {few} pictures were not measured. This is the answer for the nearest count, {below} ({trained})."


def _rows(plane, pairs, method, seconds):
    for name, row in plane.iterrows():
        accuracy = f"{row['accuracy']:.0%} ({row['low']:.0%} to {row['high']:.0%})"
        against, verdict = "", "over the budget"
        if method not in (None, name):
            gain = pairs.loc[(method, name)]
            against = _points(gain)
            if row["cost"] <= seconds:
                verdict = "shown to be worse" if results.shown(tuple(gain)) else "not shown to differ"
                verdict = "shown to be better" if gain["low"] > 0 else verdict
        elif name == method:
            verdict = "the advice"
        yield name, f"{row['cost']:.0f}", accuracy, against, verdict


def _points(gain):
    """Return a difference with its interval in points."""
    value, low, high = (f"{100 * part:+.1f}" for part in gain)
    return f"{value} points ({low} to {high})"


def _draw(plane, method, seconds):
    figure = Figure(figsize=(7.2, 2.5), layout="none")
    axes = figure.add_axes((0.27, 0.2, 0.7, 0.76))
    for index, (name, row) in enumerate(plane.iterrows()):
        colour = plots.ORANGE if name == method else plots.BLUE if row["cost"] <= seconds else plots.GREY
        ends, marker = plots.reach(row["accuracy"], row["low"], row["high"]), "D" if name == method else "o"
        axes.errorbar(row["accuracy"], index, xerr=ends, fmt=marker, color=colour, capsize=4)
    axes.set_yticks(range(len(plane)), [f"{name}\n{cost:.0f} s" for name, cost in plane["cost"].items()], fontsize=8)
    axes.set(ylim=(len(plane) - 0.5, -0.5), xlim=(0, 1), xlabel="expected accuracy, 95 % interval")
    return figure
