"""Answers to the exercises of notebook 06."""

import itertools

import numpy as np
import pandas as pd
from scipy import stats

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


def counts(labels, first, second):
    return int(((second == labels) > (first == labels)).sum()), int(((second == labels) < (first == labels)).sum())


def gains_stand_out(enough):
    return just(lambda *given: bool(enough(*counts(*given))))


def standard_errors(count):
    return gains_stand_out(lambda gained, lost: gained - lost > count * np.sqrt(gained + lost))


def bootstrapped(labels, first, second):
    gain = (second == labels).astype(float) - (first == labels)
    again = np.random.default_rng(0).choice(gain, (2000, len(gain))).mean(axis=1)
    return np.quantile(again, 0.025) > 0


IS_SHOWN = Cases(
    wrong={
        "its own name": (just(lambda labels, first, second: second), "no-truth-value"),
        **{f"{errors} standard errors": (standard_errors(errors), "one-standard-error") for errors in (1, 1.28, 1.44)},
        **{
            f"an interval of {confidence:.0%}": (
                just(lambda *given, sure=confidence: evaluation.paired_difference(*given, confidence=sure)[1] > 0),
                "one-standard-error",
            )
            for confidence in (0.68, 0.8)
        },
        "twice as many gained": (gains_stand_out(lambda gained, lost: gained > 2 * lost), "ratio"),
        "ten more gained": (gains_stand_out(lambda gained, lost: gained > lost + 10), "interval"),
        "a gain of three points": (
            just(lambda labels, *two: bool(np.mean(two[1] == labels) - np.mean(two[0] == labels) > 0.03)),
            "interval",
        ),
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
        "all three": (just(evaluation.paired_difference), "no-truth-value"),
        "prints": (just(lambda *given: print(end="")), "returns-none"),
        "a word": (just("True"), "no-function"),
    },
    right={
        "low above zero": just(by_interval),
        "by hand": just(by_hand),
        "numpy": just(lambda *given: np.bool_(by_interval(*given))),
        "one-sided": standard_errors(1.645),
        "McNemar, exact": gains_stand_out(
            lambda gained, lost: gained > lost and stats.binomtest(gained, gained + lost).pvalue < 0.05
        ),
        "McNemar, corrected": gains_stand_out(
            lambda gained, lost: gained > lost and (gained - lost - 1) ** 2 > 3.84 * (gained + lost)
        ),
        "Wilcoxon": just(
            lambda labels, first, second: (
                stats.wilcoxon((second == labels) * 1 - (first == labels), alternative="greater").pvalue < 0.025
            )
        ),
        "t-test": just(
            lambda labels, first, second: (
                stats.ttest_rel((second == labels) * 1, (first == labels) * 1, alternative="greater").pvalue < 0.025
            )
        ),
        "bootstrap": just(bootstrapped),
        "Bayes": gains_stand_out(lambda gained, lost: stats.beta(gained + 1, lost + 1).cdf(0.5) < 0.025),
        "surer still": just(lambda *given: evaluation.paired_difference(*given, confidence=0.97)[1] > 0),
    },
    blank=(just(...), just(lambda labels, first, second: ...)),
)

DIFFER = 0.15
PICTURES_TO_SHOW = Cases(
    given=lambda: (DIFFER,),
    wrong={
        "two points": (just(evaluation.pictures_needed(0.02, DIFFER)), "two-points"),
        "a point and a half": (just(evaluation.pictures_needed(0.015, DIFFER)), "difference"),
        "thirty points, cut": (just(evaluation.pictures_needed(DIFFER, DIFFER)), "difference"),
        "every other time": (just(evaluation.pictures_needed(0.03, DIFFER, power=0.5)), "power"),
        "by hand without power": (just(1.96**2 * DIFFER / 0.03**2), "power"),
        "as if they never agreed": (just(evaluation.pictures_needed(0.03, 1.0)), "never-agreed"),
        "difference for disagreement": (just(evaluation.pictures_needed(0.03, 0.03)), "disagreement"),
        "the test set at hand": (just(800), "off"),
        "a million": (just(10**6), "off"),
        "a share": (just(0.15), "a-share"),
        "text": (just("many"), "in-quotes"),
        "all of it": (just((2941, 0.15)), "no-number"),
    },
    right={
        "by the helper": just(evaluation.pictures_needed(0.03, DIFFER)),
        "rounded": just(1300),
        "rounded up": just(1400),
        "by hand": just((1.96 + 0.8416) ** 2 * DIFFER / 0.03**2),
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
        "whatever another beats": (just(["cheap", "dear"]), "cost-ignored"),
        "the cheap one": (just(["cheap"]), "not-dominated:cheap"),
        "the better one of each pair": (just(["middle", "dear", "dearest"]), "backwards"),
        "the dearest too": (just(["dear", "dearest"]), "not-dominated:dearest"),
        "the better one of the pair": (just(["middle"]), "backwards"),
        "two of them": (just(["middle", "dear"]), "not-dominated:middle"),
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
        "padded": just(["  dear "]),
    },
    blank=(just(...), just([...])),
)
