"""Checks of notebook 06: is a difference shown, what would it take to show one, and which methods are dominated?"""

import numpy as np

from helpers.course.checks import probes
from helpers.course.checks.exercise import Refusal, describe, exercise
from helpers.measuring import costs, evaluation

NOTEBOOK = "06_compare"
CLASSES = 5

# What happens in each case, in pictures: both right, only the first, only the second, neither; and the right verdict.
TWO_POINTS_ROUGH = (268, 44, 52, 36)
TWO_POINTS_SHARP = (300, 0, 8, 92)
TEN_POINTS_FEW = (10, 3, 5, 2)
WORSE = (270, 45, 5, 80)
EQUAL = (280, 40, 40, 40)
EIGHT_POINTS = (700, 40, 120, 140)
SHOWN_CASES = (
    (EIGHT_POINTS, True),
    (TWO_POINTS_ROUGH, False),
    (TWO_POINTS_SHARP, True),
    (WORSE, False),
    (TEN_POINTS_FEW, False),
    (EQUAL, False),
)


def two_models(both, first_only, second_only, neither):
    """Return labels, and the predictions of two models that are right for so many pictures."""
    generator = np.random.default_rng(11)
    first = np.repeat([True, True, False, False], [both, first_only, second_only, neither])
    second = np.repeat([True, False, True, False], [both, first_only, second_only, neither])
    order = generator.permutation(len(first))
    labels = generator.integers(0, CLASSES, len(first))

    def answers(right):
        wrong = (labels + generator.integers(1, CLASSES, len(labels))) % CLASSES
        return np.where(right[order], labels, wrong)

    return labels, answers(first), answers(second)


@exercise(NOTEBOOK)
def is_shown(answer):
    """Judge a function that says whether a second model is shown to be more accurate than a first."""
    values = []
    for case, _ in SHOWN_CASES:
        returned = probes.called(answer, *two_models(*case))
        if isinstance(returned, list | tuple) or np.size(returned) != 1:
            raise Refusal("several-values", returned=describe(returned))
        value = np.asarray(returned).item()
        if not isinstance(value, bool):
            raise Refusal("no-truth-value", returned=describe(returned))
        values.append(value)
    wrong = [case for (case, verdict), value in zip(SHOWN_CASES, values, strict=True) if value != verdict]
    if wrong:
        case = wrong[0]
        both, first, second, _ = case
        raise Refusal(
            _why(wrong),
            verdict=not dict(SHOWN_CASES)[case],
            pictures=sum(case),
            first=both + first,
            second=both + second,
            differ=first + second,
        )


def _why(wrong):
    if len(wrong) >= 4 or set(wrong) == {EIGHT_POINTS, TWO_POINTS_SHARP}:
        return "always-the-same"
    if WORSE in wrong:
        return "direction"
    if wrong == [TWO_POINTS_SHARP]:
        return "single-intervals"
    if set(wrong) <= {TWO_POINTS_ROUGH, TEN_POINTS_FEW}:
        return "not-sure"
    return "equal" if EQUAL in wrong else "interval"


GOAL = 0.02


@exercise(NOTEBOOK)
def pictures_to_show(answer, disagreement):
    """Judge the number of test pictures that could show two points between models.

    `disagreement` is the share of pictures for which exactly one of the two models is right.
    """
    needed = evaluation.pictures_needed
    truth = needed(GOAL, disagreement)
    answered = probes.number(answer)
    if abs(answered - truth) <= 0.05 * truth:
        return
    if answered < 1:
        raise Refusal("a-share", count=answered)
    mistakes = (
        (needed(GOAL / 2, disagreement), "difference"),
        (needed(min(10 * GOAL, disagreement), disagreement), "difference"),
        (needed(GOAL, disagreement, power=0.5), "power"),
        (needed(GOAL, 1.0), "never-agreed"),
        (needed(GOAL, GOAL), "disagreement"),
    )
    for number, reason in mistakes:
        if abs(answered - number) <= 0.05 * number:
            raise Refusal(reason, count=answered)
    raise Refusal("off", count=answered, compared="too few" if answered < truth else "more than are needed")


@exercise(NOTEBOOK)
def dominated_methods(answer, plane, pairs):
    """Judge which methods a learner calls dominated, on `plane` and `pairs` as `helpers.measuring.costs` gives them."""
    truth, known = set(costs.dominated(plane, pairs)), list(plane.index)
    named = probes.names(answer, known)
    if named != truth:
        chosen = ", ".join(name for name in known if name in named) or "an empty list"
        raise Refusal(_misjudged(named, truth, plane, pairs), chosen=chosen)


def _misjudged(named, truth, plane, pairs):
    if named == set(plane.index) - truth:
        return "exchanged"
    for name in plane.index:
        if name not in named - truth:
            continue
        if (pairs.loc[name, "low"] > 0).any():
            return f"better-costs-more:{name}"
        cheaper = plane[plane["cost"] <= plane.loc[name, "cost"]]
        if cheaper["accuracy"].max() > plane.loc[name, "accuracy"]:
            return f"not-shown:{name}"
        return f"none-cheaper:{name}"
    missed = next(name for name in plane.index if name in truth - named)
    return f"missed:{missed}"
