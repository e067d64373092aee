"""Checks of notebook 06: is a difference shown, what would it take to show one, and which methods are dominated?"""

import numpy as np

from helpers.course.checks import probes
from helpers.course.checks.exercise import Refusal, describe, exercise, one_line
from helpers.measuring import costs, evaluation

NOTEBOOK = "06_compare"
CLASSES = 5

SHOWN = (
    "a function is_shown(labels, first, second) that returns True where the second model is shown to be more accurate "
    "than the first, at 95 %, and False elsewhere"
)
# What happens in each case, in pictures: both right, only the first, only the second, neither; and the right verdict.
TWO_POINTS_ROUGH = (268, 44, 52, 36)
TWO_POINTS_SHARP = (300, 0, 8, 92)
TEN_POINTS_FEW = (10, 3, 5, 2)
WORSE = (270, 45, 5, 80)
ALIKE = (280, 40, 40, 40)
EIGHT_POINTS = (700, 40, 120, 140)
SHOWN_CASES = (
    (EIGHT_POINTS, True),
    (TWO_POINTS_ROUGH, False),
    (TWO_POINTS_SHARP, True),
    (WORSE, False),
    (TEN_POINTS_FEW, False),
    (ALIKE, False),
)


def two_models(both, first_only, second_only, neither):
    """Return labels, and the predictions of two models that are right for so many pictures.

    Parameters
    ----------
    both, first_only, second_only, neither : int
        Pictures for which both are right, the first alone, the second alone, and none.

    Returns
    -------
    labels, first, second : array of int, shape (n,)
    """
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
    expects=SHOWN,
    praise="the same two points were shown once and not shown once: what decides is the interval of the paired "
    "difference, not its size.",
)
def is_shown(answer):
    """Judge a function that says whether a second model is shown to be more accurate than a first."""
    more = "evaluation.paired_difference gives difference, low and high: which of the three must lie above 0?"
    said = []
    for case, _ in SHOWN_CASES:
        given = probes.called(answer, SHOWN, *two_models(*case))
        if isinstance(given, list | tuple) or np.size(given) != 1:
            look = "what it returns: one True or False, no difference and no interval"
            raise Refusal(f"it returns {describe(given)}", SHOWN, look, more)
        value = np.asarray(given).item()
        if not isinstance(value, bool):
            look = "its last line: a comparison, which gives True or False"
            raise Refusal(f"it returns {describe(given)}", SHOWN, look, more)
        said.append(value)
    wrong = [case for (case, verdict), given in zip(SHOWN_CASES, said, strict=True) if given != verdict]
    if wrong:
        raise Refusal(_told(wrong[0]), SHOWN, _why(wrong), more)


def _told(case):
    both, first, second, _ = case
    return (
        f"{not dict(SHOWN_CASES)[case]} where {sum(case)} pictures were tested, the first is right for {both + first}, "
        f"the second for {both + second}, and they differ on {first + second}"
    )


def _why(wrong):
    if len(wrong) >= 4 or set(wrong) == {EIGHT_POINTS, TWO_POINTS_SHARP}:
        return "the verdict for each of its answers: does it say the same for every pair of models, or the opposite?"
    if WORSE in wrong:
        return "the direction: there the second model is the worse one"
    if wrong == [TWO_POINTS_SHARP]:
        return "the interval of the paired difference: two single intervals overlap although only one model ever gains"
    if set(wrong) <= {TWO_POINTS_ROUGH, TEN_POINTS_FEW}:
        return "how sure that difference is: some pictures gained, nearly as many lost"
    if ALIKE in wrong:
        return "the pair that is right equally often: nothing is shown there"
    return "the interval of the paired difference at 95 %: where does zero lie?"


NEEDED = "a number of test pictures"
GOAL = 0.02


@exercise(
    NOTEBOOK,
    goal="say how large a test set must be to show a difference",
    expects=NEEDED,
    praise="only pictures on which the models differ speak, and gains have to stand out from losses among them.",
)
def pictures_to_show(answer, disagreement):
    """Judge the number of test pictures that could show two points between models which differ on a known share.

    Parameters
    ----------
    answer : int
    disagreement : float
        Share of pictures for which exactly one of the two models is right.
    """
    more = "evaluation.pictures_needed(difference, disagreement): both are shares between 0 and 1"
    truth = evaluation.pictures_needed(GOAL, disagreement)
    given = probes.number(answer, NEEDED)
    saw = f"{given:,.0f} pictures"
    if abs(given - truth) <= 0.05 * truth:
        return
    if given <= 0 or given < 1:
        raise Refusal(f"the number {given:g}", NEEDED, "its kind: a count of pictures, not a share", more)
    mistakes = (
        (evaluation.pictures_needed(GOAL / 2, disagreement), "the difference: two points are 0.02"),
        (evaluation.pictures_needed(min(10 * GOAL, disagreement), disagreement), "the difference: two points are 0.02"),
        (
            evaluation.pictures_needed(GOAL, disagreement, power=0.5),
            "the power: with so many pictures a real difference would be missed every other time",
        ),
        (
            evaluation.pictures_needed(GOAL, 1.0),
            "the disagreement: these models give the same verdict on most pictures",
        ),
        (evaluation.pictures_needed(GOAL, GOAL), "the disagreement: it is larger than the difference"),
    )
    for number, look in mistakes:
        if abs(given - number) <= 0.05 * number:
            raise Refusal(saw, NEEDED, look, more)
    look = "the two shares that go in: what is to be shown, and on how many pictures the models differ"
    raise Refusal(f"{saw}: {'too few' if given < truth else 'more than are needed'}", NEEDED, look, more)


DOMINATED = "a list of methods, spelt as in the table"


@exercise(
    NOTEBOOK,
    goal="read from cost and accuracy which methods are dominated",
    expects=DOMINATED,
    praise="each of them costs at least as much as another method that is shown to be more accurate.",
)
def dominated_methods(answer, plane, pairs):
    """Judge which methods a learner calls dominated.

    Parameters
    ----------
    answer : list of str
    plane, pairs : pandas.DataFrame
        As the functions of `helpers.measuring.costs` of these names give them.
    """
    more = "take the methods from left to right: is there one further left whose paired difference lies above zero?"
    truth, known = set(costs.dominated(plane, pairs)), list(plane.index)
    if isinstance(answer, str):
        answer = [answer]
    if isinstance(answer, np.ndarray) or hasattr(answer, "tolist"):
        answer = np.asarray(answer).tolist()
    if not isinstance(answer, list | tuple | set | frozenset) or not all(isinstance(each, str) for each in answer):
        raise Refusal(describe(answer), DOMINATED, "the form: ['method', 'method']", more)
    strange = [each for each in answer if each not in known]
    if strange:
        saw, look = f"the name {one_line(strange[0])!r}", f"the spelling; the methods are {', '.join(known)}"
        raise Refusal(saw, DOMINATED, look, more)
    given = set(answer)
    if given == truth:
        return
    saw = ", ".join(name for name in known if name in given) or "an empty list"
    raise Refusal(saw, DOMINATED, _misjudged(given, truth, plane, pairs), more)


def _misjudged(given, truth, plane, pairs):
    if given == set(plane.index) - truth:
        return "the word: these are the methods worth considering; dominated are the others"
    for name in plane.index:
        if name not in given - truth:
            continue
        if (pairs.loc[name, "low"] > 0).any():
            return f"{name}: what is shown to be better than it costs more, so a small budget may still choose it"
        cheaper = plane[plane["cost"] <= plane.loc[name, "cost"]]
        if cheaper["accuracy"].max() > plane.loc[name, "accuracy"]:
            return f"{name}: a cheaper one was measured higher, but is the difference shown?"
        return f"{name}: no method is cheaper and more accurate"
    missed = next(name for name in plane.index if name in truth - given)
    return f"{missed}: is there one that costs less and is shown to be more accurate?"
