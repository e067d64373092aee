"""What each method costs, and which one the evidence speaks for."""

import numpy as np
import pandas as pd

from helpers.measuring import results, study

# CPU seconds that one 96-pixel picture takes through VGG16's base: rounded, timed by hand on the machine of the results
# file, which does not record it. Notebook 06 times it again and compares.
PASS = 0.05


def costs(evidence):
    """Return what each method of the quadrants cost, in CPU seconds: those of all cores together.

    On an idle two-core machine the wall time is between half of this and all of it.

    Parameters
    ----------
    evidence : helpers.measuring.results.Evidence

    Returns
    -------
    pandas.DataFrame
        A row a cell. Columns: ``data``, ``per_class``, ``method``; ``trunk`` (pictures sent once through VGG16, times
        `PASS`), ``search`` (trainings with each of the rates, to choose one; for LP-FT those of its head, too),
        ``training`` (one, mean over the seeds), ``total``.
    """
    quadrants = evidence.table[evidence.table["experiment"] == "quadrants"]
    keys = ["data", "per_class", "method"]
    means = quadrants.groupby(keys, sort=False, as_index=False)[["trunk_pictures", "cpu_seconds"]].mean()
    choice = evidence.table[evidence.table["experiment"] == "choice"]
    spent = choice.groupby(keys)["cpu_seconds"].sum()

    def search(row):
        tuned = (row.method, study.FROZEN) if row.method == study.LP_FT else (row.method,)
        return sum(spent[row.data, row.per_class, method] for method in tuned)

    found = means[keys].assign(
        trunk=means["trunk_pictures"] * PASS,
        search=[search(row) for row in means.itertuples()],
        training=means["cpu_seconds"],
    )
    return found.assign(total=found[["trunk", "search", "training"]].sum(axis=1))


def plane(evidence, data, per_class):
    """Return cost and accuracy of each method of the quadrants, the cheapest first.

    Parameters
    ----------
    evidence : helpers.measuring.results.Evidence
    data : {"animals", "emoji"}
    per_class : int

    Returns
    -------
    pandas.DataFrame
        Index: ``method``. Columns: ``cost`` (CPU seconds, all in all), ``accuracy``, ``low``, ``high``.
    """
    accuracies = results.table(evidence, "quadrants", data, per_class)
    both = accuracies.merge(costs(evidence), on=["data", "per_class", "method"]).rename(columns={"total": "cost"})
    return both.set_index("method").sort_values("cost")[["cost", "accuracy", "low", "high"]]


def pairs(evidence, data, per_class):
    """Return the paired difference between any two methods of the quadrants.

    Parameters
    ----------
    evidence : helpers.measuring.results.Evidence
    data : {"animals", "emoji"}
    per_class : int

    Returns
    -------
    pandas.DataFrame
        Index: ``first``, ``second``, each pair both ways. Columns: ``difference`` (accuracy of second minus that of
        first), ``low``, ``high``.
    """
    wanted = (evidence.table["experiment"] == "quadrants") & (evidence.table["data"] == data)
    methods = evidence.table.loc[wanted & (evidence.table["per_class"] == per_class), "method"].drop_duplicates()
    found = results.differences(evidence, [results.Cell("quadrants", data, per_class, method) for method in methods])
    rows = {}
    for (first, second), (gain, low, high) in found.items():
        rows[first.method, second.method] = (gain, low, high)
        rows[second.method, first.method] = (-gain, -high, -low)
    index = pd.MultiIndex.from_tuples(rows, names=["first", "second"])
    return pd.DataFrame(rows.values(), index, columns=["difference", "low", "high"])


def dominated(methods, gains):
    """Return the methods to which another is preferable whatever the budget.

    Parameters
    ----------
    methods, gains : pandas.DataFrame
        As `plane` and `pairs` return them.

    Returns
    -------
    list of str
        Methods for which there is another that costs no more and is *shown* to be more accurate: the interval of the
        paired difference lies above zero.
    """
    cost = methods["cost"]
    beaten = gains[gains["low"] > 0].index
    return [name for name in methods.index if any(cost[two] <= cost[name] for one, two in beaten if one == name)]


def recommended(methods, gains, budget=np.inf):
    """Return the cheapest method that is not shown to be worse than the best one within a budget.

    Parameters
    ----------
    methods, gains : pandas.DataFrame
        As `plane` and `pairs` return them.
    budget : float
        CPU seconds.

    Returns
    -------
    method, best : str or None
        The cheapest such method, and the one with the highest measured accuracy, which may be the same. None where
        the budget allows none.
    """
    within = methods[methods["cost"] <= budget]
    if within.empty:
        return None, None
    best = within["accuracy"].idxmax()
    fair = [name for name in within.index if name == best or gains.loc[(name, best), "low"] <= 0]
    return within.loc[fair, "cost"].idxmin(), best


def measured(evidence, data):
    """Return plane and pairs for each number of training pictures that was measured.

    Parameters
    ----------
    evidence : helpers.measuring.results.Evidence
    data : {"animals", "emoji"}

    Returns
    -------
    dict of int to (pandas.DataFrame, pandas.DataFrame)
        Pictures of each class, the fewest first; where all were taken, their mean number.
    """
    rows = evidence.table[(evidence.table["experiment"] == "quadrants") & (evidence.table["data"] == data)]
    found = {}
    for per_class, some in rows.groupby("per_class"):
        count = per_class or round((some["pictures_seen"] / some["epochs"]).mean() / study.CLASSES)
        found[count] = (plane(evidence, data, per_class), pairs(evidence, data, per_class))
    return dict(sorted(found.items()))


def read_off(counts, count):
    """Return plane and pairs for a number of training pictures, between two measured ones if need be.

    Cost goes with the count, accuracy with its logarithm. The interval of a difference spans those of both neighbours,
    so that nothing counts as shown between them which is not shown at both. Nothing is extrapolated:
    beyond the measured counts the nearest one answers.

    Parameters
    ----------
    counts : dict of int to (pandas.DataFrame, pandas.DataFrame)
        As `measured` returns it.
    count : int
        Training pictures of each class.

    Returns
    -------
    plane, pairs : pandas.DataFrame
    below, above : int
        The measured counts that were used; alike where one was.
    """
    below = max((known for known in counts if known <= count), default=min(counts))
    above = min((known for known in counts if known >= count), default=max(counts))
    if below == above:
        return *counts[below], below, above
    (cheap, few), (dear, many) = counts[below], counts[above]
    dear, many = dear.loc[cheap.index], many.loc[few.index]
    share = np.log(count / below) / np.log(above / below)
    methods = cheap + share * (dear - cheap)
    methods["cost"] = cheap["cost"] + (count - below) / (above - below) * (dear["cost"] - cheap["cost"])
    gains = few + share * (many - few)
    gains["low"], gains["high"] = np.minimum(few["low"], many["low"]), np.maximum(few["high"], many["high"])
    return methods.sort_values("cost"), gains, below, above
