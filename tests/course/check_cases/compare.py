"""Answers to the exercises of notebook 06."""

import itertools

import numpy as np
import pandas as pd

from check_cases.common import Cases, just
from helpers.measuring import evaluation


def by_interval(labels, first, second):
    return evaluation.paired_difference(labels, first, second)[1] > 0


def by_hand(labels, first, second):
    gain = (second == labels).astype(float) - (first == labels)
    error = gain.std(ddof=1) / np.sqrt(len(gain))
    return bool(gain.mean() - 1.96 * error > 0)


def apart(labels, first, second):
    return evaluation.accuracy(labels, second)[1] > evaluation.accuracy(labels, first)[2]


def better(labels, first, second):
    return np.mean(second == labels) > np.mean(first == labels)


def either_way(labels, first, second):
    _, low, high = evaluation.paired_difference(labels, first, second)
    return low > 0 or high < 0


IS_SHOWN = Cases(
    wrong={
        "any gain": (just(better), "not-sure"),
        "a gain of a point": (
            just(lambda labels, *two: bool(np.mean(two[1] == labels) - np.mean(two[0] == labels) > 0.01)),
            "not-sure",
        ),
        "single intervals apart": (just(apart), "single-intervals"),
        "either direction": (just(either_way), "direction"),
        "the other way round": (
            just(lambda labels, first, second: by_interval(labels, second, first)),
            "direction",
        ),
        "always": (just(lambda *given: True), "always-the-same"),
        "never": (just(lambda *given: False), "always-the-same"),
        "not worse": (
            just(lambda labels, first, second: not better(labels, second, first)),
            "equal",
        ),
        "only for few pictures": (
            just(lambda labels, *two: by_interval(labels, *two) and len(labels) < 500),
            "interval",
        ),
        "the number": (
            just(lambda *given: evaluation.paired_difference(*given)[0]),
            "no-truth-value",
        ),
        "all three": (just(evaluation.paired_difference), "several-values"),
        "prints": (just(lambda *given: print(end="")), "returns-none"),
        "a word": (just("True"), "no-function"),
    },
    right={
        "low above zero": just(by_interval),
        "by hand": just(by_hand),
        "numpy": just(lambda *given: np.bool_(by_interval(*given))),
        "surer still": just(lambda *given: evaluation.paired_difference(*given, confidence=0.97)[1] > 0),
    },
    blank=(just(...), just(lambda labels, first, second: ...)),
)

DIFFER = 0.15
PICTURES_TO_SHOW = Cases(
    given=lambda: (DIFFER,),
    wrong={
        "one point": (just(evaluation.pictures_needed(0.01, DIFFER)), "difference"),
        "twenty points, cut": (just(evaluation.pictures_needed(DIFFER, DIFFER)), "difference"),
        "every other time": (just(evaluation.pictures_needed(0.02, DIFFER, power=0.5)), "power"),
        "by hand without power": (just(1.96**2 * DIFFER / 0.02**2), "power"),
        "as if they never agreed": (just(evaluation.pictures_needed(0.02, 1.0)), "never-agreed"),
        "difference for disagreement": (just(evaluation.pictures_needed(0.02, 0.02)), "disagreement"),
        "the test set at hand": (just(800), "off"),
        "a million": (just(10**6), "off"),
        "a share": (just(0.15), "a-share"),
        "text": (just("2941"), "in-quotes"),
        "all of it": (just((2941, 0.15)), "no-number"),
    },
    right={
        "by the helper": just(evaluation.pictures_needed(0.02, DIFFER)),
        "rounded": just(3000),
        "by hand": just((1.96 + 0.8416) ** 2 * DIFFER / 0.02**2),
    },
)

METHODS = ("cheap", "middle", "dear", "dearest")
PLANE = pd.DataFrame({"cost": [1.0, 5, 20, 30], "accuracy": [0.5, 0.7, 0.69, 0.72]}, index=METHODS)
LOWS = {
    ("cheap", "middle"): 0.15,  # what is better than the cheapest costs more
    ("cheap", "dear"): 0.14,
    ("cheap", "dearest"): 0.17,
    ("dear", "middle"): -0.02,  # measured higher, not shown
    ("dear", "dearest"): 0.01,
}


def pairs(lows):
    index = pd.MultiIndex.from_tuples(itertools.permutations(METHODS, 2), names=["first", "second"])
    gain = [PLANE.loc[two, "accuracy"] - PLANE.loc[one, "accuracy"] for one, two in index]
    return pd.DataFrame({"difference": gain, "low": [lows.get(pair, -0.1) for pair in index], "high": 0.3}, index)


SOME = pairs({**LOWS, ("dear", "middle"): 0.005, ("dearest", "middle"): -0.01})
DOMINATED_METHODS = Cases(
    given=lambda: (PLANE, SOME),
    wrong={
        "none": (just([]), "missed:dear"),
        "the undominated": (just(["cheap", "middle", "dearest"]), "exchanged"),
        "the cheap one too": (just(["cheap", "dear"]), "better-costs-more:cheap"),
        "the dearest too": (just(["dear", "dearest"]), "none-cheaper:dearest"),
        "the middle": (just(["middle"]), "none-cheaper:middle"),
        "misspelt": (just(["Dear"]), "unknown-name"),
        "how many": (just(1), "no-list"),
        "numbers": (just([2]), "no-names"),
        "one word for all": (just("all"), "unknown-name"),
    },
    right={
        "list": just(["dear"]),
        "set": just({"dear"}),
        "array": just(np.array(["dear"])),
        "index": just(pd.Index(["dear"])),
        "text": just("dear"),
    },
    blank=(just(...), just([...])),
)
