"""The decision helper: which method for your own pictures? From the measured grid, with what it cannot tell."""

import html
import math

import ipywidgets
from matplotlib.figure import Figure

from helpers import plots
from helpers.course.widgets import frame
from helpers.measuring import costs, results

say = frame.say
KINDS = {say("decision.animals"): "animals", say("decision.emoji"): "emoji"}
COUNTS = (5, 10, 15, 20, 30, 40, 60, 80, 120, 160, 200, 500)
BUDGETS = dict(zip(say.get("decision.budgets"), (10, 20, 40, 60, 120, 300, 600, math.inf), strict=True))
GAINS = dict(zip(say.get("decision.gains"), (0.01, 0.02, 0.03, 0.05), strict=True))
ANY, TWO_POINTS = list(BUDGETS)[-1], list(GAINS)[1]
VERDICTS = say.get("decision.verdicts")


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
                "kind": ipywidgets.ToggleButtons(options=kinds, value=kinds[1]),
                "count": ipywidgets.SelectionSlider(options=COUNTS, value=10),
                "budget": ipywidgets.SelectionSlider(options=list(BUDGETS), value=ANY),
                "matters": ipywidgets.SelectionSlider(options=list(GAINS), value=TWO_POINTS),
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
        alt = say("decision.alt", kind=kind, count=count, budget=budget, advice=advice)
        rows = _rows(plane, pairs, method, seconds, smallest)
        table = frame.table_html(say.get("decision.head"), rows)
        basis = _basis(count, nearest, results.table(self.evidence, "quadrants", data, per_class).iloc[0])
        caveat = say("decision.caveat")
        text = f"<p><strong>{html.escape(advice)}</strong></p>{table}<p>{html.escape(basis)}</p><p>{caveat}</p>"
        return frame.figure_html(_draw(plane, method, seconds), alt), frame.words_html(text, frame.WIDE)

    def _what_would_decide(self, cells, matters):
        shown = self.evidence.pictures_of(*cells[0][:2])
        each, seeds = len(shown.labels) // (shown.things.max() + 1), len(self.evidence.rows(cells[0]))
        things = results.pictures_to_show(self.evidence, *cells, GAINS[matters], seeds)
        if things is None:
            return say("decision.more_trainings", gain=matters)
        if things * each <= len(shown.labels):
            return say("decision.more_pictures")
        return say("decision.pictures_needed", gain=matters, needed=things * each, shown=len(shown.labels))


def _advice(plane, pairs, method, best, verdict, matters):
    if method is None:
        return say("decision.none_fits", cheapest=plane["cost"].idxmin(), cost=plane["cost"].min())
    row = plane.loc[method]
    expected = say("decision.expected", **row[["accuracy", "low", "high", "cost"]])
    begin = say("decision.begin" if verdict == "open" else "decision.take", method=method, expected=expected)
    if method != best:
        lead = _points(pairs.loc[(method, best)])
        return say(f"decision.behind.{verdict}", advice=begin, best=best, lead=lead, gain=matters)
    cheaper = plane[plane["cost"] < row["cost"]]
    if cheaper.empty:
        return begin
    rival = cheaper["accuracy"].idxmax()
    price, loss = cheaper.loc[rival, "cost"], _points(pairs.loc[(method, rival)])
    return say("decision.cheaper", advice=begin, rival=rival, price=price, loss=loss)


def _basis(count, nearest, size):
    trained = say("decision.trained", seeds=size["seeds"], pictures=size["pictures"])
    if count == nearest:
        return say("decision.measured", count=count, trained=trained)
    return say("decision.not_measured", count=count, nearest=nearest, trained=trained)


def _rows(plane, pairs, method, seconds, smallest):
    for name, row in plane.iterrows():
        against, word = "", VERDICTS["advice" if name == method else "dear"]
        if method not in (None, name):
            gain = pairs.loc[(method, name)]
            against = _points(gain)
            word = word if row["cost"] > seconds else VERDICTS[costs.verdict(gain, smallest)]
        yield (
            name,
            f"{row['cost']:.0f}",
            say("decision.accuracy", **row[["accuracy", "low", "high"]]),
            against,
            word,
        )


def _points(gain):
    value, low, high = (f"{100 * part:+.1f}" for part in gain)
    return say("decision.points", value=value, low=low, high=high)


def _draw(plane, method, seconds):
    figure = Figure(figsize=(7.2, 3.2), layout="none")
    axes = figure.add_axes((0.27, 0.2, 0.7, 0.76))
    for index, (name, row) in enumerate(plane.iterrows()):
        colour = plots.ORANGE if name == method else plots.BLUE if row["cost"] <= seconds else plots.GREY
        ends, marker = plots.reach(row["accuracy"], row["low"], row["high"]), "D" if name == method else "o"
        inside = "white" if colour == plots.GREY else colour
        axes.errorbar(row["accuracy"], index, xerr=ends, fmt=marker, color=colour, mfc=inside, capsize=4)
    axes.set_yticks(
        range(len(plane)),
        [say("decision.tick", name=name, cost=cost) for name, cost in plane["cost"].items()],
        fontsize=8,
    )
    axes.set(ylim=(len(plane) - 0.5, -0.5), xlim=(0, 1), xlabel=say("decision.axis"))
    return figure
