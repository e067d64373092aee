"""Checks of notebook 07: how sure is a mean gain, which survive, what is dominated, and when is one worth its price?"""

import copy
import operator

import numpy as np

from helpers.course.checks import probes
from helpers.course.checks.exercise import Refusal, describe, exercise
from helpers.measuring import costs

NOTEBOOK = "07_compare"
DRAWS, CLOSE = 4000, 0.15  # of half an interval: room for other draws, and for drawing one seed fewer


def gains_of(seed, of_training, of_picture, of_both):
    """Return gains (20, 400), −1, 0 or 1, that differ by so much from training to training and picture to picture."""
    generator = np.random.default_rng(seed)
    parts = of_training * generator.normal(size=(20, 1)), of_picture * generator.normal(size=400)
    return np.clip(np.round(0.05 + sum(parts) + of_both * generator.normal(size=(20, 400))), -1, 1)


def ends(gains, trainings=True, pictures=True, confidence=0.95):
    """Return the ends of an interval of the mean gain, for which trainings, pictures or both are resampled."""
    generator, means = np.random.default_rng(7), gains.mean(axis=0)
    if trainings:
        means = generator.multinomial(len(gains), np.full(len(gains), 1 / len(gains)), DRAWS) @ gains / len(gains)
    if pictures:
        means = means * generator.multinomial(means.shape[-1], np.full(means.shape[-1], 1 / means.shape[-1]), DRAWS)
    return np.quantile(means.mean(axis=1), [(1 - confidence) / 2, (1 + confidence) / 2])


def holm(p_values, factors=(6, 5, 4, 3, 2, 1), stop=True, order=sorted):
    """Return the names of those that survive when p-values are multiplied, the smallest first, until one fails."""
    kept = set()
    for name, factor in zip(order(p_values, key=p_values.get), factors, strict=True):
        if p_values[name] * factor < 0.05:
            kept.add(name)
        elif stop:
            break
    return kept


def dominated(costs, gains, affordable=operator.le, end=1, better=1):
    """Return the methods for which another is affordable, and better by an end of the interval of their difference."""
    return {one for one, two in gains if affordable(costs[two], costs[one]) and better * gains[one, two][end] > 0}


def both_ways(costs, **gains):
    """Return costs by name, and differences such as ``small_large`` by pair and by the reversed pair."""
    pairs = {tuple(names.split("_")): gain for names, gain in gains.items()}
    return costs, pairs | {(two, one): (-gain, -high, -low) for (one, two), (gain, low, high) in pairs.items()}


def verdict(gain, low, high, least):
    """Return the word for a gain with its interval, where `least` is the smallest that matters."""
    return costs.verdict((gain, low, high), least)


WORDS = "better", "worse", "either", "open"
GAINS = [(gains_of(*case),) for case in ((1, 0.3, 0.1, 0.5), (2, 0.01, 0.6, 0.1), (3, 0.15, 0.5, 0.5))]
P_VALUES = [
    (dict(zip("abcdef", values, strict=True)),)
    for values in (
        (0.2, 0.009, 0.001, 0.012, 0.03, 0.004),
        (0.024, 0.001, 0.021, 0.02, 0.04, 0.022),
        (0.4, 0.03, 0.06, 0.2, 0.9, 0.5),
        (0.005, 0.001, 0.04, 0.003, 0.002, 0.01),
    )
]
TABLES = [  # costs in milliseconds; large minus small, and so on
    both_ways(
        {"small": 12, "large": 80, "wide": 30},
        small_large=(0.06, 0.03, 0.09),
        small_wide=(0.08, 0.05, 0.11),
        wide_large=(-0.02, -0.035, -0.005),
    ),
    both_ways(
        {"large": 95, "small": 20, "old": 41},
        small_large=(0.02, -0.01, 0.05),
        small_old=(0.01, -0.03, 0.05),
        old_large=(-0.03, -0.07, 0.01),
    ),
    both_ways(
        {"new": 30, "old": 30, "tiny": 5},
        old_new=(0.04, 0.02, 0.06),
        tiny_old=(-0.01, -0.03, 0.01),
        tiny_new=(0.03, 0.01, 0.05),
    ),
]
DECISIONS = [  # gain, low, high, and the smallest gain that matters
    (0.06, 0.04, 0.08, 0.03),
    (0.01, 0.002, 0.018, 0.02),
    (0.02, 0.003, 0.037, 0.03),
    (0.03, -0.01, 0.07, 0.02),
    (-0.04, -0.06, -0.02, 0.01),
    (0.0, -0.01, 0.01, 0.02),
    (-0.01, -0.03, 0.01, 0.02),
]
# What an answer follows: the rule that is right has no name, each other is a mistake.
INTERVALS = (
    (None, ends),
    ("pictures-only", lambda gains: ends(gains, trainings=False)),
    ("trainings-only", lambda gains: ends(gains, pictures=False)),
    ("one-training", lambda gains: ends(gains[:1], trainings=False)),
    ("every-answer", lambda gains: ends(gains.reshape(1, -1), trainings=False)),
    ("narrow", lambda gains: ends(gains, confidence=0.68)),
    ("turned", lambda gains: ends(gains)[::-1]),
    ("in-points", lambda gains: 100 * ends(gains)),
)
SURVIVORS = (
    (None, holm),
    ("uncorrected", lambda p_values: holm(p_values, [1] * 6)),
    ("all-by-six", lambda p_values: holm(p_values, [6] * 6)),
    ("no-stop", lambda p_values: holm(p_values, stop=False)),
    ("unsorted", lambda p_values: holm(p_values, order=lambda names, key: names)),
    ("factors-turned", lambda p_values: holm(p_values, range(1, 7))),
    ("exchanged", lambda p_values: set(p_values) - holm(p_values)),
)
DOMINATED = (
    (None, dominated),
    ("cost-ignored", lambda costs, gains: dominated(costs, gains, lambda one, two: True)),
    ("estimate", lambda costs, gains: dominated(costs, gains, end=0)),
    ("high-end", lambda costs, gains: dominated(costs, gains, end=2)),
    ("turned", lambda costs, gains: dominated(costs, gains, end=2, better=-1)),
    ("equal-price", lambda costs, gains: dominated(costs, gains, operator.lt)),
    ("dearer", lambda costs, gains: dominated(costs, gains, operator.gt)),
    ("exchanged", lambda costs, gains: set(costs) - dominated(costs, gains)),
)
CHOICES = (
    (None, verdict),
    ("estimate", lambda gain, low, high, least: verdict(gain, gain, gain, least)),
    ("zero", lambda gain, low, high, least: verdict(gain, low, high, 0)),
    ("zero-is-either", lambda gain, low, high, least: verdict(gain, low, high, 0).replace("open", "either")),
    ("never-either", lambda gain, low, high, least: verdict(gain, low, high, least).replace("either", "open")),
    ("never-open", lambda gain, low, high, least: verdict(gain, low, high, least).replace("open", "either")),
    ("size-forgotten", lambda *given: "either" if verdict(*given) == "either" else verdict(*given[:3], 0)),
    ("exchanged", lambda gain, low, high, least: verdict(-gain, -high, -low, least)),
)


def follows(values, rule, cases, same=lambda value, meant: value == meant):
    """Return whether the values that a learner's function gave are those of a rule, in every case."""
    return all(same(value, rule(*case)) for value, case in zip(values, cases, strict=True))


@exercise(NOTEBOOK)
def interval_of_both(answer):
    """Judge a function that returns the interval of a mean gain, over trainings and pictures."""
    intervals = [probes.array(probes.called(answer, *copy.deepcopy(case))) for case in GAINS]
    if any(interval.shape != (2,) for interval in intervals):
        raise Refusal("no-interval", returned=describe(intervals[0]))

    def close(interval, meant):
        return np.allclose(interval, meant, rtol=0, atol=CLOSE * abs(meant[1] - meant[0]) / 2)

    for reason, rule in INTERVALS:
        if follows(intervals, rule, GAINS, close):
            if reason:
                raise Refusal(reason)
            return
    low, high = ends(*GAINS[0])
    raise Refusal("off", low=intervals[0][0], high=intervals[0][1], meant=f"{low:.3f} to {high:.3f}")


@exercise(NOTEBOOK)
def survivors(answer):
    """Judge a function that returns which of several differences survive Holm's correction."""
    named = [probes.names(probes.called(answer, *copy.deepcopy(case)), list(*case)) for case in P_VALUES]
    for reason, rule in SURVIVORS:
        if follows(named, rule, P_VALUES):
            if reason:
                raise Refusal(reason)
            return
    raise Refusal("off", values=P_VALUES[0][0], named=", ".join(sorted(named[0])) or "none")


@exercise(NOTEBOOK)
def ruled_out(answer):
    """Judge a function that returns which methods are dominated, from their costs and paired differences."""
    named = [probes.names(probes.called(answer, *copy.deepcopy(case)), list(case[0])) for case in TABLES]
    for reason, rule in DOMINATED:
        if follows(named, rule, TABLES):
            if reason:
                raise Refusal(reason)
            return
    wrong = [place for place, case in enumerate(TABLES) if named[place] != dominated(*case)][0]
    costs, gains = TABLES[wrong]
    raise Refusal("off", costs=costs, gains=gains, named=", ".join(sorted(named[wrong])) or "none")


@exercise(NOTEBOOK)
def worth_it(answer):
    """Judge a function that says what to do, from a gain, its interval and the smallest gain that matters."""
    words = [probes.called(answer, *copy.deepcopy(case)) for case in DECISIONS]
    for word in words:
        if word not in WORDS:
            raise Refusal("no-such-word", returned=describe(word))
    for reason, rule in CHOICES:
        if follows(words, rule, DECISIONS):
            if reason:
                raise Refusal(reason)
            return
    wrong = [case for case, word in zip(DECISIONS, words, strict=True) if word != CHOICES[0][1](*case)]
    raise Refusal("off", gain=wrong[0][0], low=wrong[0][1], high=wrong[0][2], least=wrong[0][3])
