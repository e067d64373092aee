"""The decision helper: which method for your own pictures? From the measured grid, with what it cannot tell."""

import html
import math

import ipywidgets
from matplotlib.figure import Figure

from helpers import plots
from helpers.course.widgets import frame
from helpers.measuring import costs, results

UNKNOWN = frame.TEXTS["decision"]["caveat"]
KINDS = {"photographs (near)": "animals", "drawings (far)": "emoji"}
COUNTS = (5, 10, 15, 20, 30, 40, 60, 80, 120, 160, 200, 500)
BUDGETS = {"10 s": 10, "20 s": 20, "40 s": 40, "1 min": 60, "2 min": 120, "5 min": 300, "10 min": 600, "any": math.inf}
GAINS = {"1 point": 0.01, "2 points": 0.02, "3 points": 0.03, "5 points": 0.05}
VERDICTS = {"better": "better", "worse": "worse", "either": "either: no gain that matters", "open": "not decided"}


class DecisionHelper(frame.Explorer):
    """Answer *my pictures are …, I have … a class, my budget is …* from the results of the comparison.

    Controls: ``kind`` (photographs or drawings), ``count`` (training pictures of each class), ``budget`` (CPU seconds
    for everything: the trunk once, the search for a learning rate, the training), ``matters`` (the smallest gain for
    which a dearer method is worth it). `evidence` is what `helpers.measuring.results.read` returns; raises `ValueError`
    when it does not hold the quadrants with at least two seeds.
    """

    def __init__(self, evidence):
        self.evidence = evidence
        self.measured = {data: costs.measured(evidence, data) for data in KINDS.values()}
        kinds = list(KINDS)
        super().__init__(
            "decision",
            {
                "kind": ipywidgets.ToggleButtons(options=kinds, value=kinds[1], description="My pictures are"),
                "count": ipywidgets.SelectionSlider(options=COUNTS, value=10, description="Pictures a class"),
                "budget": ipywidgets.SelectionSlider(options=list(BUDGETS), value="any", description="CPU budget"),
                "matters": ipywidgets.SelectionSlider(options=list(GAINS), value="2 points", description="Gain I need"),
            },
        )

    def answer(self, kind, count, budget, matters):
        """Return the methods with their intervals, and the advice in words."""
        data, seconds, smallest = KINDS[kind], BUDGETS[budget], GAINS[matters]
        nearest = min(self.measured[data], key=lambda known: abs(math.log(known / count)))
        per_class, plane, pairs = self.measured[data][nearest]
        method, best, verdict = costs.recommended(plane, pairs, seconds, smallest)
        advice = _advice(plane, pairs, method, best, verdict, matters)
        if verdict == "open":
            cells = [results.Cell("quadrants", data, per_class, name) for name in (method, best)]
            advice += self._what_would_decide(cells, matters)
        alt = f"{kind}, {count} a class, budget {budget}. {advice} Accuracy of each method with its interval."
        rows = _rows(plane, pairs, method, seconds, smallest)
        table = frame.table_html(("method", "CPU seconds", "accuracy", "against the advice", "verdict"), rows)
        basis = _basis(count, nearest, results.table(self.evidence, "quadrants", data, per_class).iloc[0])
        text = f"<p><strong>{html.escape(advice)}</strong></p>{table}<p>{html.escape(basis)}</p><p>{UNKNOWN}</p>"
        return frame.figure_html(_draw(plane, method, seconds), alt), frame.words_html(text, frame.WIDE)

    def _what_would_decide(self, cells, matters):
        shown = self.evidence.pictures_of(*cells[0][:2])
        each, seeds = len(shown.labels) // (shown.things.max() + 1), len(self.evidence.rows(cells[0]))
        things = results.pictures_to_show(self.evidence, *cells, GAINS[matters], seeds)
        if things is None:
            return f" To find a gain of {matters} takes more trainings, not more test pictures."
        if things * each <= len(shown.labels):
            return " With more test pictures the interval would be narrower."
        needed = f"{things * each:,} test pictures; here were {len(shown.labels):,}"
        return f" To find a gain of {matters} takes about {needed}."


def _advice(plane, pairs, method, best, verdict, matters):
    if method is None:
        least = plane["cost"].min()
        return f"No method fits this budget. The cheapest, {plane['cost'].idxmin()}, takes {least:.0f} CPU seconds."
    row = plane.loc[method]
    begin = "Begin with" if verdict == "open" else "Take"
    advice = (
        f"{begin}: {method}. Expect {row['accuracy']:.0%} right ({row['low']:.0%} to {row['high']:.0%}) for "
        f"{row['cost']:.0f} CPU seconds."
    )
    if method != best:
        lead = f"The best measured, {best}, is ahead by {_points(pairs.loc[(method, best)])} and costs more"
        if verdict == "either":
            return f"Either. {advice} {lead}: a gain of {matters} is ruled out, so let the price decide."
        if verdict == "better":
            return f"{advice} {lead}. It is not clearly {matters} better than every method that costs less."
        return f"{advice} {lead}: this evidence does not decide whether that is a gain of {matters}."
    cheaper = plane[plane["cost"] < row["cost"]]
    if cheaper.empty:
        return advice
    rival = cheaper["accuracy"].idxmax()
    price, loss = f"{cheaper.loc[rival, 'cost']:.0f} CPU seconds", _points(pairs.loc[(method, rival)])
    return (
        f"{advice} The best of the cheaper ones, {rival} ({price}), is clearly worse: {loss}. Only you can say "
        "whether that is worth the price."
    )


def _basis(count, nearest, size):
    trained = f"{size['seeds']} trainings a method, judged on {size['pictures']:,} test pictures"
    if count == nearest:
        return f"Measured at {count} a class: {trained}."
    return f"Nothing was measured at {count} a class. This is the answer for the nearest count, {nearest} ({trained})."


def _rows(plane, pairs, method, seconds, smallest):
    for name, row in plane.iterrows():
        against, word = "", "the advice" if name == method else "over the budget"
        if method not in (None, name):
            gain = pairs.loc[(method, name)]
            against = _points(gain)
            word = word if row["cost"] > seconds else VERDICTS[costs.verdict(gain, smallest)]
        yield (
            name,
            f"{row['cost']:.0f}",
            f"{row['accuracy']:.0%} ({row['low']:.0%} to {row['high']:.0%})",
            against,
            word,
        )


def _points(gain):
    value, low, high = (f"{100 * part:+.1f}" for part in gain)
    return f"{value} points ({low} to {high})"


def _draw(plane, method, seconds):
    figure = Figure(figsize=(7.2, 3.2), layout="none")
    axes = figure.add_axes((0.27, 0.2, 0.7, 0.76))
    for index, (name, row) in enumerate(plane.iterrows()):
        colour = plots.ORANGE if name == method else plots.BLUE if row["cost"] <= seconds else plots.GREY
        ends, marker = plots.reach(row["accuracy"], row["low"], row["high"]), "D" if name == method else "o"
        inside = "white" if colour == plots.GREY else colour
        axes.errorbar(row["accuracy"], index, xerr=ends, fmt=marker, color=colour, mfc=inside, capsize=4)
    axes.set_yticks(range(len(plane)), [f"{name}\n{cost:.0f} s" for name, cost in plane["cost"].items()], fontsize=8)
    axes.set(ylim=(len(plane) - 0.5, -0.5), xlim=(0, 1), xlabel="expected accuracy, 95 % interval")
    return figure
