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
        "any gain": (just(better), "some pictures gained, nearly as many lost"),
        "a gain of a point": (
            just(lambda labels, *two: bool(np.mean(two[1] == labels) - np.mean(two[0] == labels) > 0.01)),
            "some pictures gained, nearly as many lost",
        ),
        "single intervals apart": (just(apart), "two single intervals overlap although"),
        "either direction": (just(either_way), "there the second model is the worse one"),
        "the other way round": (
            just(lambda labels, first, second: by_interval(labels, second, first)),
            "there the second model is the worse one",
        ),
        "always": (just(lambda *given: True), "does it say the same for every pair"),
        "never": (just(lambda *given: False), "does it say the same for every pair"),
        "not worse": (
            just(lambda labels, first, second: not better(labels, second, first)),
            "right equally often",
        ),
        "the number": (
            just(lambda *given: evaluation.paired_difference(*given)[0]),
            "a comparison, which gives True or False",
        ),
        "all three": (just(evaluation.paired_difference), "one True or False, no difference and no interval"),
        "prints": (just(lambda *given: print(end="")), "is there a `return`"),
        "a word": (just("True"), "the function itself"),
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
        "one point": (just(evaluation.pictures_needed(0.01, DIFFER)), "two points are 0.02"),
        "twenty points, cut": (just(evaluation.pictures_needed(DIFFER, DIFFER)), "two points are 0.02"),
        "every other time": (just(evaluation.pictures_needed(0.02, DIFFER, power=0.5)), "missed every other time"),
        "by hand without power": (just(1.96**2 * DIFFER / 0.02**2), "missed every other time"),
        "as if they never agreed": (just(evaluation.pictures_needed(0.02, 1.0)), "the same verdict on most pictures"),
        "difference for disagreement": (just(evaluation.pictures_needed(0.02, 0.02)), "larger than the difference"),
        "the test set at hand": (just(800), "too few"),
        "a million": (just(10**6), "more than are needed"),
        "a share": (just(0.15), "a count of pictures, not a share"),
        "text": (just("2941"), "without quotes"),
        "all of it": (just((2941, 0.15)), "give one number"),
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
        "none": (just([]), "dear: is there one that costs less"),
        "the undominated": (just(["cheap", "middle", "dearest"]), "these are the methods worth considering"),
        "the cheap one too": (just(["cheap", "dear"]), "cheap: what is shown to be better than it costs more"),
        "the dearest too": (just(["dear", "dearest"]), "dearest: no method is cheaper and more accurate"),
        "the middle": (just(["middle"]), "middle: no method is cheaper and more accurate"),
        "misspelt": (just(["Dear"]), "the spelling"),
        "numbers": (just([2]), "the form"),
        "one word for all": (just("all"), "the spelling"),
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
