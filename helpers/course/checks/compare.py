"""Checks of notebook 06: is a difference shown, what would it take to show one, and which methods are dominated?"""

import numpy as np

from helpers.course.checks import probes
from helpers.course.checks.exercise import Refusal, describe, exercise
from helpers.measuring import costs, evaluation

NOTEBOOK = "06_compare"
CLASSES = 5

# What happens in each case, in pictures: both right, only the first, only the second, neither; and the right verdict.
SHOWN_CASES = {
    "eight points": ((700, 40, 120, 140), True),
    "two points, rough": ((268, 44, 52, 36), False),
    "two points, sharp": ((300, 0, 8, 92), True),
    "worse": ((270, 45, 5, 80), False),
    "ten points, few": ((10, 3, 5, 2), False),
    "equal": ((280, 40, 40, 40), False),
    "one standard error": ((60, 18, 28, 14), False),  # and a half: outside an interval of 68 % or 80 %
    "three for two": ((200, 80, 120, 100), True),  # gained for lost: enough only where they are many
}


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
    values = {}
    for name, (case, _) in SHOWN_CASES.items():
        returned = probes.called(answer, *two_models(*case))
        single = np.size(returned) == 1 and not isinstance(returned, list | tuple)
        values[name] = np.asarray(returned).item() if single else None
        if not isinstance(values[name], bool):
            raise Refusal("no-truth-value", returned=describe(returned))
    wrong = [name for name, (_, verdict) in SHOWN_CASES.items() if values[name] != verdict]
    for reason, met in (
        ("always-the-same", len(set(values.values())) == 1 or len(wrong) == len(SHOWN_CASES)),
        ("direction", "worse" in wrong),
        ("one-standard-error", wrong == ["one standard error"]),
        ("ratio", wrong == ["three for two"]),
        ("single-intervals", wrong == ["two points, sharp", "three for two"]),
        ("equal", "equal" in wrong),
        ("not-sure", not any(SHOWN_CASES[name][1] for name in wrong)),
        ("interval", True),
    ):
        if wrong and met:
            case, verdict = SHOWN_CASES[wrong[0]]
            raise Refusal(reason, verdict=not verdict, pictures=sum(case), first=case[1], second=case[2])


GOAL, THEIRS = 0.03, 0.02  # points to show: in the exercise, and in the text around it


@exercise(NOTEBOOK)
def pictures_to_show(answer, disagreement):
    """Judge the number of test pictures that could show three points between models.

    `disagreement` is the share of pictures for which exactly one of the two models is right.
    """
    needed = evaluation.pictures_needed
    truth = needed(GOAL, disagreement)
    answered = probes.number(answer)
    if 0.95 * truth <= answered <= 1.1 * truth:  # rounded up to a number that is easy to say
        return
    for number, reason in (
        (needed(THEIRS, disagreement), "two-points"),
        (needed(GOAL / 2, disagreement), "difference"),
        (needed(min(10 * GOAL, disagreement), disagreement), "difference"),
        (needed(GOAL, disagreement, power=0.5), "power"),
        (needed(GOAL, 1.0), "never-agreed"),
        (needed(GOAL, GOAL), "disagreement"),
        (answered, "a-share" if answered < 1 else "off"),
    ):
        if abs(answered - number) <= 0.05 * abs(number):
            raise Refusal(reason, count=answered, compared="too few" if answered < truth else "more than are needed")


@exercise(NOTEBOOK)
def dominated_methods(answer, plane, pairs):
    """Judge which methods a learner calls dominated, on `plane` and `pairs` as `helpers.measuring.costs` gives them."""
    truth, known = set(costs.dominated(plane, pairs)), list(plane.index)
    named = probes.names(answer, known)
    if named != truth:
        chosen = ", ".join(name for name in known if name in named) or "an empty list"
        raise Refusal(_misjudged(named, truth, plane, pairs), chosen=chosen)


def _misjudged(named, truth, plane, pairs):
    cost, shown = plane["cost"], pairs[pairs["low"] > 0].index
    if named == set(plane.index) - truth:
        return "exchanged"
    if named == {one for one, _ in shown}:
        return "cost-ignored"
    dearer = {two for one, two in shown if cost[one] <= cost[two]}
    if named in ({two for _, two in shown}, dearer, {two for one, two in shown if cost[two] <= cost[one]}):
        return "backwards"
    for name in plane.index:
        if name in named - truth:
            return f"not-dominated:{name}"
    missed = next(name for name in plane.index if name in truth - named)
    return f"missed:{missed}"
