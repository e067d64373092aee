"""Checks of notebook 06: is a difference shown, what would it take to show one, and which methods are dominated?"""

import numpy as np

from helpers.course.checks import probes
from helpers.course.checks.exercise import Refusal, describe, exercise, one_line
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


@exercise(
    NOTEBOOK,
    goal="tell a difference that is shown from one that is not",
    expects="a function is_shown(labels, first, second) that returns True where the second model is shown to be more "
    "accurate than the first, at 95 %, and False elsewhere",
    praise="the same two points were shown once and not shown once: what decides is the interval of the paired "
    "difference, not its size.",
    hint="evaluation.paired_difference gives difference, low and high: which of the three must lie above 0?",
)
def is_shown(answer):
    """Judge a function that says whether a second model is shown to be more accurate than a first."""
    values = []
    for case, _ in SHOWN_CASES:
        returned = probes.called(answer, *two_models(*case))
        if isinstance(returned, list | tuple) or np.size(returned) != 1:
            look = "what it returns: one True or False, no difference and no interval"
            raise Refusal("several-values", f"it returns {describe(returned)}", look)
        value = np.asarray(returned).item()
        if not isinstance(value, bool):
            look = "its last line: a comparison, which gives True or False"
            raise Refusal("no-truth-value", f"it returns {describe(returned)}", look)
        values.append(value)
    wrong = [case for (case, verdict), value in zip(SHOWN_CASES, values, strict=True) if value != verdict]
    if wrong:
        reason, look = _why(wrong)
        raise Refusal(reason, _told(wrong[0]), look)


def _told(case):
    both, first, second, _ = case
    return (
        f"{not dict(SHOWN_CASES)[case]} where {sum(case)} pictures were tested, the first is right for {both + first}, "
        f"the second for {both + second}, and they differ on {first + second}"
    )


def _why(wrong):
    if len(wrong) >= 4 or set(wrong) == {EIGHT_POINTS, TWO_POINTS_SHARP}:
        look = "the verdict for each of its answers: does it say the same for every pair of models, or the opposite?"
        return "always-the-same", look
    if WORSE in wrong:
        return "direction", "the direction: there the second model is the worse one"
    if wrong == [TWO_POINTS_SHARP]:
        look = "the interval of the paired difference: two single intervals overlap although only one model ever gains"
        return "single-intervals", look
    if set(wrong) <= {TWO_POINTS_ROUGH, TEN_POINTS_FEW}:
        return "not-sure", "how sure that difference is: some pictures gained, nearly as many lost"
    if EQUAL in wrong:
        return "equal", "the pair that is right equally often: nothing is shown there"
    return "interval", "the interval of the paired difference at 95 %: where does zero lie?"


GOAL = 0.02


@exercise(
    NOTEBOOK,
    goal="say how large a test set must be to show a difference",
    expects="a number of test pictures",
    praise="only pictures on which the models differ speak, and gains have to stand out from losses among them.",
    hint="evaluation.pictures_needed(difference, disagreement): both are shares between 0 and 1",
)
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
        raise Refusal("a-share", f"the number {answered:g}", "its kind: a count of pictures, not a share")
    points = "the difference: two points are 0.02"
    mistakes = (
        (needed(GOAL / 2, disagreement), "difference", points),
        (needed(min(10 * GOAL, disagreement), disagreement), "difference", points),
        (
            needed(GOAL, disagreement, power=0.5),
            "power",
            "the power: with so many pictures a real difference would be missed every other time",
        ),
        (needed(GOAL, 1.0), "never-agreed", "the disagreement: these models give the same verdict on most pictures"),
        (needed(GOAL, GOAL), "disagreement", "the disagreement: it is larger than the difference"),
    )
    saw = f"{answered:,.0f} pictures"
    for number, reason, look in mistakes:
        if abs(answered - number) <= 0.05 * number:
            raise Refusal(reason, saw, look)
    look = "the two shares that go in: what is to be shown, and on how many pictures the models differ"
    raise Refusal("off", f"{saw}: {'too few' if answered < truth else 'more than are needed'}", look)


@exercise(
    NOTEBOOK,
    goal="read from cost and accuracy which methods are dominated",
    expects="a list of methods, spelt as in the table",
    praise="each of them costs at least as much as another method that is shown to be more accurate.",
    hint="take the methods from left to right: is there one further left whose paired difference lies above zero?",
)
def dominated_methods(answer, plane, pairs):
    """Judge which methods a learner calls dominated, on `plane` and `pairs` as `helpers.measuring.costs` gives them."""
    truth, known = set(costs.dominated(plane, pairs)), list(plane.index)
    form = "the form: ['method', 'method']"
    named = probes.collection(answer, form)
    if not all(isinstance(name, str) for name in named):
        raise Refusal("no-list", describe(answer), form)
    for name in named:
        if name not in known:
            look = f"the spelling; the methods are {', '.join(known)}"
            raise Refusal("unknown-name", f"the name {one_line(name)!r}", look)
    named = set(named)
    if named != truth:
        reason, look = _misjudged(named, truth, plane, pairs)
        raise Refusal(reason, ", ".join(name for name in known if name in named) or "an empty list", look)


def _misjudged(named, truth, plane, pairs):
    if named == set(plane.index) - truth:
        return "exchanged", "the word: these are the methods worth considering; dominated are the others"
    for name in plane.index:
        if name not in named - truth:
            continue
        if (pairs.loc[name, "low"] > 0).any():
            look = "what is shown to be better than it costs more, so a small budget may still choose it"
            return f"better-costs-more:{name}", f"{name}: {look}"
        cheaper = plane[plane["cost"] <= plane.loc[name, "cost"]]
        if cheaper["accuracy"].max() > plane.loc[name, "accuracy"]:
            return f"not-shown:{name}", f"{name}: a cheaper one was measured higher, but is the difference shown?"
        return f"none-cheaper:{name}", f"{name}: no method is cheaper and more accurate"
    missed = next(name for name in plane.index if name in truth - named)
    return f"missed:{missed}", f"{missed}: is there one that costs less and is shown to be more accurate?"
