"""What each method costs, and which one the evidence recommends."""

import numpy as np
import pandas as pd

from helpers.measuring import results, study

# CPU seconds that one 96-pixel picture takes through a network's base: rounded, and timed by hand on the machine and in
# the precision of the results file. Fine-tuning caches what comes before its cut, but its head sees the rest once, too.
PASS = {"VGG16": 0.02, "EfficientNet-Lite0": 0.004}


def costs(evidence):
    """Return what each method of the quadrants of an `Evidence` cost, in CPU seconds: those of all cores together.

    On an idle two-core machine the wall time is between half of this and all of it.

    Returns
    -------
    pandas.DataFrame
        One row for each cell. Columns: ``data``, ``per_class``, ``method``; ``trunk`` (the pictures that search and
        training use, mirrored ones and validation too, each once through the network, times `PASS`), ``search``
        (trainings with each learning rate, at the count where it was chosen: forty for ten pictures a class; and those
        of its head where that comes first), ``training`` (one, mean over the seeds), ``total``.
    """
    keys = ["data", "per_class", "method"]
    trainings = evidence.where(experiment="quadrants").groupby(keys, sort=False)
    table = trainings[["trunk_pictures", "cpu_seconds"]].mean().reset_index()
    choices = evidence.where(experiment="choice").groupby(keys).agg({"cpu_seconds": "sum", "trunk_pictures": "max"})
    rows = []
    for data, per_class, method, pictures, training in table.itertuples(index=False, name=None):
        recipe = study.recipe_of(method)
        names = [method, study.FROZEN_OF[recipe.network]] if recipe.cut and recipe.head_first else [method]
        searched = choices.loc[[(data, study.count_of_choice(per_class), name) for name in names]]
        trunk = max(pictures, searched["trunk_pictures"].max()) * PASS[recipe.network]
        rows.append((trunk, searched["cpu_seconds"].sum(), training))
    table[["trunk", "search", "training"]] = rows
    return table.drop(columns=["trunk_pictures", "cpu_seconds"]).assign(total=np.sum(rows, axis=1))


def plane(evidence, data, per_class):
    """Return cost and accuracy of each method of the quadrants, the cheapest first.

    Takes an `Evidence`, the name of a data set and a number of training pictures of a class, 0 for all. The table is by
    ``method``, with the columns ``cost`` (total CPU seconds), ``accuracy``, ``low``, ``high``.
    """
    accuracies = results.table(evidence, "quadrants", data, per_class)
    both = accuracies.merge(costs(evidence), on=["data", "per_class", "method"]).rename(columns={"total": "cost"})
    return both.set_index("method").sort_values("cost")[["cost", "accuracy", "low", "high"]]


def pairs(evidence, data, per_class):
    """Return the paired difference between any two methods of the quadrants; takes what `plane` does.

    The table is by ``first`` and ``second``, each pair both ways, with the columns ``difference`` (accuracy of second
    minus that of first), ``low``, ``high``.
    """
    methods = evidence.where(experiment="quadrants", data=data, per_class=per_class)["method"].drop_duplicates()
    cells = [results.Cell("quadrants", data, per_class, method) for method in methods]
    rows = {}
    for (first, second), (gain, low, high) in results.differences(evidence, cells).items():
        rows[first.method, second.method] = (gain, low, high)
        rows[second.method, first.method] = (-gain, -high, -low)
    index = pd.MultiIndex.from_tuples(rows, names=["first", "second"])
    return pd.DataFrame(rows.values(), index, columns=["difference", "low", "high"])


def dominated(methods, gains):
    """Return the methods for which another costs no more and is *shown* to be more accurate.

    Takes what `plane` and `pairs` return. Shown: the interval of the paired difference lies above zero.
    """
    cost = methods["cost"]
    beaten = gains[gains["low"] > 0].index
    return [name for name in methods.index if any(cost[two] <= cost[name] for one, two in beaten if one == name)]


def verdict(gain, smallest=0.02):
    """Return what a paired difference (value, low, high) says of its second method: better, worse, either or open.

    ``"better"``: it is shown to be better, by at least the `smallest` gain that matters (0..1). ``"worse"``: the same
    the other way round. ``"either"``: the whole interval is within plus and minus that gain. ``"open"``: all else.
    """
    value, low, high = gain
    if -smallest < low and high < smallest:
        return "either"
    shown = "better" if low > 0 else "worse" if high < 0 else "open"
    return shown if abs(value) >= smallest else "open"


def recommended(methods, gains, budget=np.inf, smallest=0.02):
    """Return the dearest method that is ``"better"`` than every cheaper one, the best, and the `verdict` on the best.

    Takes what `plane` and `pairs` return, CPU seconds, and the smallest gain that matters (0..1). The best is the most
    accurate within the budget; it was picked on the same test pictures, so its lead is a little flattered. It may be
    ``"better"`` than what is recommended, and not than something between. The verdict is ``"best"`` where both are one
    method; all three are None where the budget allows none.
    """
    within = methods[methods["cost"] <= budget].sort_values("cost")
    if within.empty:
        return None, None, None
    best = within["accuracy"].idxmax()
    for place, name in enumerate(within.index):
        if all(verdict(gains.loc[(other, name)], smallest) == "better" for other in within.index[:place]):
            method = name
    return method, best, "best" if method == best else verdict(gains.loc[(method, best)], smallest)


def measured(evidence, data):
    """Return (per_class, plane, pairs) for each measured number of training pictures of a class, the fewest first.

    Where all pictures were taken (`per_class` is 0), the number is their mean.
    """
    counts = {}
    for per_class, rows in evidence.where(experiment="quadrants", data=data, method=study.FROZEN).groupby("per_class"):
        seen = rows["pictures_seen"] / rows["epochs"] / (1 + rows["mirrored"])
        count = per_class or round(seen.mean() / study.CLASSES)
        counts[count] = (per_class, plane(evidence, data, per_class), pairs(evidence, data, per_class))
    if not counts:
        raise ValueError(f"The results have no quadrants for {data}. Run `make experiments`.")
    return dict(sorted(counts.items()))
