"""Checks of notebook 00: a stranger's recipe, and an accuracy compared with guessing."""

import numpy as np

from helpers.course.checks import fixtures, probes
from helpers.course.checks.exercise import Refusal, describe, exercise
from helpers.measuring import evaluation

NOTEBOOK = "00_start_here"
SIDE, PICTURES = 16, 21


@exercise(NOTEBOOK)
def strangers_recipe(answer):
    """Judge a function that puts a new head on a base for some classes, and compiles it; the base stays frozen."""
    probes.function(answer)
    pictures = np.random.default_rng(67).normal(0, 1, (PICTURES, SIDE, SIDE, 3)).astype("float32")
    kernel = np.random.default_rng(61).normal(0, 0.3, (3, 3, 3, 8))
    for classes in (3, 7):
        base = fixtures.small_base(SIDE, kernel, np.full(8, 0.1))
        kept = base.get_weights()
        model = probes.compiled_model(answer, base, classes)
        first = probes.outputs(model, pictures)
        if first.shape != (PICTURES, classes):
            raise Refusal("maps" if first.ndim > 2 else "units", shape=first.shape, classes=classes)
        if not np.allclose(first.sum(axis=1), 1, atol=1e-3):
            raise Refusal("no-softmax", row=first[0].sum())
        head = [weight for weight in model.weights if not any(weight is own for own in base.weights)]
        if len(head) + len(base.weights) != len(model.weights) or not _same(base.get_weights(), kept):
            raise Refusal("other-base", model=describe(model))
        probes.judge_compiled_loss(model, logits=False, one_hot=True)
        before = [np.array(weight) for weight in head]
        probes.moved_by_fit(model, pictures, np.eye(classes)[np.arange(PICTURES) % classes])
        if not _same(base.get_weights(), kept):
            raise Refusal("base-moves")
        if not head or _same([np.array(weight) for weight in head], before):
            raise Refusal("head-still")
        if not any("acc" in name for name in model.get_metrics_result()):
            raise Refusal("no-accuracy")
        if not np.allclose(first, 1 / classes, atol=1e-3):
            raise Refusal("random-start", row=", ".join(f"{number:.2f}" for number in first[0]))


def _same(weights, others):
    return all(map(np.array_equal, weights, others))


EMOJI = [129, 45, 117, 111, 69]
TESTS = (  # right answers, and the test pictures of each class
    *((60, [40] * 5), (50, [40] * 5), (20, [40] * 5), (4, [2] * 5), (180, EMOJI), (136, EMOJI)),
    *((65, [50, 50]), (50, [50, 50]), (980, [100, 900]), (905, [100, 900]), (70, [10, 10, 80])),
)


def _verdicts(judge):
    found = []
    for right, counts in TESTS:
        total = sum(counts)
        low, high = evaluation.wilson(right, total)
        found.append(bool(judge(right / total, low, high, max(counts) / total, 1 / len(counts))))
    return found


ABOVE = _verdicts(lambda share, low, high, largest, equal: low > largest)
MISTAKES = (  # what leads to each
    ("interval-ignored", lambda share, low, high, largest, equal: share > largest),
    ("interval-ignored", lambda share, low, high, largest, equal: share > equal),
    ("interval-ignored", lambda share, low, high, largest, equal: high > largest),
    ("interval-ignored", lambda share, low, high, largest, equal: share > 0.2),
    ("classes-equal", lambda share, low, high, largest, equal: low > equal),
    ("always-a-fifth", lambda share, low, high, largest, equal: low > 0.2),
    ("below-too", lambda share, low, high, largest, equal: not low <= largest <= high),
    ("upside-down", lambda share, low, high, largest, equal: low <= largest),
    ("upside-down", lambda share, low, high, largest, equal: low < largest < high),
    ("one-answer", lambda *_: True),
    ("one-answer", lambda *_: False),
)


@exercise(NOTEBOOK)
def above_chance(answer):
    """Judge a function that says whether an accuracy is above its chance level, the whole interval counted."""
    probes.function(answer)
    said = []
    for right, counts in TESTS:
        returned = probes.called(answer, right, list(counts))
        if not isinstance(returned, bool | np.bool_):
            raise Refusal("no-truth", returned=describe(returned))
        said.append(bool(returned))
    if said == ABOVE:
        return
    wrong = [one != other for one, other in zip(said, ABOVE, strict=True)].index(True)
    right, counts = TESTS[wrong]
    for reason, way in MISTAKES:
        if said == _verdicts(way):
            raise Refusal(reason, right=right, counts=counts, said=said[wrong])
    raise Refusal("other-verdicts", right=right, counts=counts, said=said[wrong])
