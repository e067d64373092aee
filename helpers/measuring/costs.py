"""What each method costs, and which one the evidence recommends."""

import numpy as np
import pandas as pd

from helpers.measuring import results, study

# CPU seconds that one 96-pixel picture takes through VGG16's base: rounded, and timed by hand on the machine of the
# results file, which does not record it. Notebook 06 times it again and compares.
PASS = 0.05


def costs(evidence):
    """Return what each method of the quadrants of an `Evidence` cost, in CPU seconds: those of all cores together.

    On an idle two-core machine the wall time is between half of this and all of it.

    Returns
    -------
    pandas.DataFrame
        One row for each cell. Columns: ``data``, ``per_class``, ``method``; ``trunk`` (pictures sent once through
        VGG16, times `PASS`), ``search`` (trainings with each learning rate, to choose one; for LP-FT those of its
        head, too), ``training`` (one, mean over the seeds), ``total``.
    """
    keys = ["data", "per_class", "method"]
    trainings = evidence.where(experiment="quadrants").groupby(keys, sort=False, as_index=False)
    means = trainings[["trunk_pictures", "cpu_seconds"]].mean()
    searches = evidence.where(experiment="choice").groupby(keys)["cpu_seconds"].sum()

    def search(row):
        tuned = (row.method, study.FROZEN) if row.method == study.LP_FT else (row.method,)
        return sum(searches[row.data, row.per_class, method] for method in tuned)

    table = means[keys].assign(
        trunk=means["trunk_pictures"] * PASS,
        search=[search(row) for row in means.itertuples()],
        training=means["cpu_seconds"],
    )
    return table.assign(total=table[["trunk", "search", "training"]].sum(axis=1))


def plane(evidence, data, per_class):
    """Return cost and accuracy of each method of the quadrants, the cheapest first.

    Takes an `Evidence`, the name of a data set and a number of training pictures of a class, 0 for all.

    Returns
    -------
    pandas.DataFrame
        Index: ``method``. Columns: ``cost`` (total CPU seconds), ``accuracy``, ``low``, ``high``.
    """
    accuracies = results.table(evidence, "quadrants", data, per_class)
    both = accuracies.merge(costs(evidence), on=["data", "per_class", "method"]).rename(columns={"total": "cost"})
    return both.set_index("method").sort_values("cost")[["cost", "accuracy", "low", "high"]]


def pairs(evidence, data, per_class):
    """Return the paired difference between any two methods of the quadrants; takes what `plane` does.

    Returns
    -------
    pandas.DataFrame
        Index: ``first``, ``second``, each pair both ways. Columns: ``difference`` (accuracy of second minus that of
        first), ``low``, ``high``.
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


def recommended(methods, gains, budget=np.inf):
    """Return the cheapest method not shown to be worse than the most accurate one within a budget, and the latter.

    Takes what `plane` and `pairs` return, and CPU seconds. Both methods are None where the budget allows none.
    """
    within = methods[methods["cost"] <= budget]
    if within.empty:
        return None, None
    best = within["accuracy"].idxmax()
    not_worse = [name for name in within.index if name == best or gains.loc[(name, best), "low"] <= 0]
    return within.loc[not_worse, "cost"].idxmin(), best


def measured(evidence, data):
    """Return (plane, pairs) for each measured number of training pictures of a class, the fewest first.

    Where all pictures were taken, the number is their mean.
    """
    counts = {}
    for per_class, group in evidence.where(experiment="quadrants", data=data).groupby("per_class"):
        count = per_class or round((group["pictures_seen"] / group["epochs"]).mean() / study.CLASSES)
        counts[count] = (plane(evidence, data, per_class), pairs(evidence, data, per_class))
    return dict(sorted(counts.items()))


def read_off(counts, count):
    """Return plane and pairs for any number of training pictures of a class, and the measured counts below and above.

    Takes what `measured` returns. Between two counts, cost is interpolated over the count and accuracy over its
    logarithm; the interval of a difference spans those at both counts, so that it is shown only if it is shown at
    both. Nothing is extrapolated: beyond the measured counts the nearest one answers, and `below` equals `above`.
    """
    below = max((known for known in counts if known <= count), default=min(counts))
    above = min((known for known in counts if known >= count), default=max(counts))
    if below == above:
        return *counts[below], below, above
    (methods_below, gains_below), (methods_above, gains_above) = counts[below], counts[above]
    methods_above, gains_above = methods_above.loc[methods_below.index], gains_above.loc[gains_below.index]
    share = np.log(count / below) / np.log(above / below)
    methods = methods_below + share * (methods_above - methods_below)
    rise = methods_above["cost"] - methods_below["cost"]
    methods["cost"] = methods_below["cost"] + (count - below) / (above - below) * rise
    gains = gains_below + share * (gains_above - gains_below)
    gains["low"] = np.minimum(gains_below["low"], gains_above["low"])
    gains["high"] = np.maximum(gains_below["high"], gains_above["high"])
    return methods.sort_values("cost"), gains, below, above
