"""Answers to the exercises of notebook 07."""

import numpy as np
import pandas as pd
from scipy import stats

from check_cases.common import Cases, just


def drawn(gains, rounds=2000, trainings=True, pictures=True, seed=0):
    """The means of resampled gains, in the loop that a learner writes."""
    generator, means = np.random.default_rng(seed), []
    for _ in range(rounds):
        rows = generator.integers(0, len(gains), len(gains)) if trainings else np.arange(len(gains))
        columns = np.arange(gains.shape[1])
        columns = generator.integers(0, len(columns), len(columns)) if pictures else columns
        means.append(gains[rows][:, columns].mean())
    return means


def middle(means, share=0.95):
    return np.quantile(means, [(1 - share) / 2, (1 + share) / 2])


def by_variances(gains):
    (rows, columns), mean = gains.shape, gains.mean()
    of_rows, of_columns = gains.mean(axis=1).var(ddof=1) / rows, gains.mean(axis=0).var(ddof=1) / columns
    error = np.sqrt(of_rows + of_columns)
    return mean - 1.96 * error, mean + 1.96 * error


INTERVAL_OF_BOTH = Cases(
    wrong={
        "pictures alone": (just(lambda gains: middle(drawn(gains, trainings=False))), "pictures-only"),
        "pictures alone, one by one": (
            just(lambda gains: stats.norm.interval(0.95, gains.mean(), stats.sem(gains.mean(axis=0)))),
            "pictures-only",
        ),
        "trainings alone": (just(lambda gains: middle(drawn(gains, pictures=False))), "trainings-only"),
        "the first training": (just(lambda gains: middle(drawn(gains[:1]))), "one-training"),
        "each answer by itself": (
            just(lambda gains: stats.norm.interval(0.95, gains.mean(), stats.sem(gains, axis=None))),
            "every-answer",
        ),
        "one standard deviation": (
            just(lambda gains: (np.mean(means := drawn(gains)) - np.std(means), np.mean(means) + np.std(means))),
            "narrow",
        ),
        "68 %": (just(lambda gains: middle(drawn(gains), 0.68)), "narrow"),
        "half of it": (just(lambda gains: middle(drawn(gains), 0.5)), "off"),
        "all trainings' means": (just(lambda gains: (gains.mean(axis=1).min(), gains.mean(axis=1).max())), "off"),
        "the high end first": (just(lambda gains: middle(drawn(gains))[::-1]), "turned"),
        "in points": (just(lambda gains: 100 * middle(drawn(gains))), "in-points"),
        "the mean": (just(lambda gains: gains.mean()), "no-interval"),
        "mean and ends": (just(lambda gains: (gains.mean(), *middle(drawn(gains)))), "no-interval"),
        "all means": (just(drawn), "no-interval"),
        "words": (just(lambda gains: "low to high"), "no-array"),
        "prints": (just(lambda gains: print(end="")), "returns-none"),
        "numbers": (just((0.01, 0.09)), "no-function"),
        "gains of one picture": (just(lambda gains: middle(gains.shape[2])), "fails"),
    },
    right={
        "a loop": just(lambda gains: middle(drawn(gains))),
        "another seed": just(lambda gains: tuple(middle(drawn(gains, seed=5)))),
        "more rounds": just(lambda gains: list(middle(drawn(gains, 5000)))),
        "two standard deviations": just(
            lambda gains: (np.mean(means := drawn(gains)) - 2 * np.std(means), np.mean(means) + 2 * np.std(means))
        ),
        "variances": just(by_variances),
    },
    blank=(just(...), just(lambda gains: ...)),
)


def holm(p_values, factors=(6, 5, 4, 3, 2, 1), names=None):
    kept = []
    for name, factor in zip(names or sorted(p_values, key=p_values.get), factors, strict=True):
        if p_values[name] * factor >= 0.05:
            break
        kept.append(name)
    return kept


def hochberg(p_values):
    names = sorted(p_values, key=p_values.get)
    survive = [place for place, name in enumerate(names) if p_values[name] * (6 - place) < 0.05]
    return names[: max(survive, default=-1) + 1]


def without_end(p_values):
    names = sorted(p_values, key=p_values.get)
    return [name for place, name in enumerate(names) if p_values[name] * (6 - place) < 0.05]


def with_a_table(p_values):
    ordered = pd.Series(p_values).sort_values()
    corrected = (ordered * np.arange(len(ordered), 0, -1)).cummax()
    return corrected.index[corrected < 0.05]


SURVIVORS = Cases(
    wrong={
        "each by itself": (
            just(lambda p_values: [name for name in p_values if p_values[name] < 0.05]),
            "uncorrected",
        ),
        "Bonferroni": (
            just(lambda p_values: {name for name, value in p_values.items() if value < 0.05 / 6}),
            "all-by-six",
        ),
        "without an end": (just(without_end), "no-stop"),
        "in the order given": (just(lambda p_values: holm(p_values, names=list(p_values))), "unsorted"),
        "factors from one": (just(lambda p_values: holm(p_values, range(1, 7))), "factors-turned"),
        "those that fail": (just(lambda p_values: [*{*p_values} - {*holm(p_values)}]), "exchanged"),
        "Hochberg": (just(hochberg), "off"),
        "none": (just(lambda p_values: []), "off"),
        "all": (just(lambda p_values: [*p_values]), "off"),
        "the smallest": (just(lambda p_values: min(p_values, key=p_values.get)), "off"),
        "corrected p-values": (just(lambda p_values: [6 * value for value in p_values.values()]), "no-names"),
        "how many": (just(lambda p_values: len(holm(p_values))), "no-list"),
        "one text": (just(lambda p_values: ", ".join(p_values)), "names-in-one-text"),
        "other names": (just(lambda p_values: ["first"]), "unknown-name"),
        "a list": (just(["a"]), "no-function"),
    },
    right={
        "a loop": just(holm),
        "a set": just(lambda p_values: set(holm(p_values))),
        "a table": just(with_a_table),
        "division": just(lambda p_values: holm({name: value * 1.0 for name, value in p_values.items()})),
    },
    blank=(just(...), just(lambda p_values: ...)),
)


def out(costs, differences, price=lambda two, one: two <= one, clear=lambda value, low, high: low > 0):
    names = []
    for (one, two), gain in differences.items():
        if price(costs[two], costs[one]) and clear(*gain) and one not in names:
            names.append(one)
    return names


RULED_OUT = Cases(
    wrong={
        "any price": (just(lambda *given: out(*given, price=lambda two, one: True)), "cost-ignored"),
        "the estimate": (just(lambda *given: out(*given, clear=lambda value, low, high: value > 0)), "estimate"),
        "the high end": (just(lambda *given: out(*given, clear=lambda value, low, high: high > 0)), "high-end"),
        "the wrong direction": (just(lambda *given: out(*given, clear=lambda value, low, high: high < 0)), "turned"),
        "only cheaper ones": (just(lambda *given: out(*given, price=lambda two, one: two < one)), "equal-price"),
        "dearer ones": (just(lambda *given: out(*given, price=lambda two, one: two > one)), "dearer"),
        "those that stay": (just(lambda costs, gains: [*{*costs} - {*out(costs, gains)}]), "exchanged"),
        "the dearest": (just(lambda costs, gains: max(costs, key=costs.get)), "off"),
        "none": (just(lambda costs, gains: []), "off"),
        "all": (just(lambda costs, gains: [*costs]), "off"),
        "pairs": (just(lambda costs, gains: [*gains]), "no-names"),
        "how many": (just(lambda *given: len(out(*given))), "no-list"),
        "another name": (just(lambda costs, gains: ["scratch"]), "unknown-name"),
        "one argument": (just(lambda costs: []), "fails"),
        "a list": (just(["small"]), "no-function"),
    },
    right={
        "a loop": just(out),
        "a set": just(lambda *given: {*out(*given)}),
        "two loops": just(
            lambda costs, gains: [
                one
                for one in costs
                if any(two != one and costs[two] <= costs[one] and gains[one, two][1] > 0 for two in costs)
            ]
        ),
        "read backwards": just(
            lambda costs, gains: [two for (two, one) in gains if costs[one] <= costs[two] and gains[one, two][2] < 0]
        ),
    },
    blank=(just(...), just(lambda costs, differences: ...)),
)


def four_words(gain, low, high, smallest):
    if -smallest < low and high < smallest:
        return "either"
    if low > 0 and gain >= smallest:
        return "better"
    return "worse" if high < 0 and gain <= -smallest else "open"


def by_zero(gain, low, high, smallest, otherwise="open"):
    return "better" if low > 0 else "worse" if high < 0 else otherwise


def instead(one, other):
    return just(lambda *given: four_words(*given).replace(one, other))


WORTH_IT = Cases(
    wrong={
        "the estimate": (
            just(
                lambda gain, low, high, smallest: (
                    "either" if abs(gain) < smallest else "better" if gain > 0 else "worse"
                )
            ),
            "estimate",
        ),
        "zero": (just(by_zero), "zero"),
        "zero, in two words": (just(lambda *given: by_zero(*given, "either")), "zero-is-either"),
        "no either": (instead("either", "open"), "never-either"),
        "no open": (instead("open", "either"), "never-open"),
        "any size": (
            just(lambda *given: "either" if four_words(*given) == "either" else by_zero(*given)),
            "size-forgotten",
        ),
        "exchanged": (
            just(lambda *given: {"better": "worse", "worse": "better"}.get(word := four_words(*given), word)),
            "exchanged",
        ),
        "always either": (just(lambda *given: "either"), "off"),
        "the low end": (just(lambda gain, low, high, smallest: "better" if low > smallest else "open"), "off"),
        "True or False": (just(lambda gain, low, high, smallest: low > smallest), "no-such-word"),
        "another word": (just(lambda *given: "fine-tune"), "no-such-word"),
        "too few arguments": (just(lambda gain, low, high: "either"), "fails"),
        "a word": (just("either"), "no-function"),
    },
    right={
        "four words": just(four_words),
        "numpy": just(lambda *given: np.str_(four_words(*given))),
        "ends included": just(
            lambda gain, low, high, smallest: (
                "either" if max(-low, high) <= smallest else four_words(gain, low, high, smallest)
            )
        ),
    },
    blank=(just(...), just(lambda gain, low, high, smallest: ...)),
)
