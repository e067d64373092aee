"""Checks of notebook 02: what is frozen, what moves, and when compile decides it."""

import numpy as np

from helpers.course.checks import fixtures, probes
from helpers.course.checks.exercise import Refusal, exercise
from helpers.course.checks.fixtures import BLOCK5, HEAD

NOTEBOOK = "02_freeze_layers"
CONVOLUTIONS = tuple(
    f"block{block}_conv{number}" for block, depth in enumerate((2, 2, 3, 3, 3), 1) for number in range(1, depth + 1)
)


@exercise(NOTEBOOK)
def freeze_all_but_block5(answer):
    """Judge a VGG16 base of which only block5 may train."""
    base = probes.model(answer)
    held = probes.layers_of(base.weights)
    missing = [name for name in CONVOLUTIONS if name not in held]
    if missing:
        raise Refusal("layers-missing", missing=probes.listed(missing))
    beside = [name for name in held if name not in CONVOLUTIONS]
    if beside:
        raise Refusal("more-than-the-base", beside=probes.listed(beside))
    weights = probes.reached(base, _noise(base))
    moving = probes.layers_of(weights)
    early = [name for name in moving if name not in BLOCK5]
    lacking = [name for name in BLOCK5 if name not in moving]
    half = [name for name in BLOCK5 if list(map(probes.layer_of, weights)).count(name) == 1]
    if not moving:
        reason = "all-frozen"
    elif set(moving) >= set(CONVOLUTIONS):
        reason = "nothing-frozen"
    elif early:
        reason = "wrong-way-round" if len(lacking) == len(BLOCK5) else f"trains:{early[-1]}"
    elif lacking or half:
        reason = f"frozen:{lacking[0]}" if lacking else f"half-frozen:{half[0]}"
    else:
        return
    raise Refusal(reason, moving=probes.listed(moving))


def _noise(base):
    shape = getattr(base, "input_shape", None)
    if not isinstance(shape, tuple) or len(shape) != 4:
        raise Refusal("takes-no-pictures", shape=shape)
    sides = [32 if side is None else min(side, 224) for side in shape[1:3]]
    return np.random.default_rng(0).uniform(-100, 100, (1, *sides, 3))


LATE = {"block5_conv2", "block5_conv3", HEAD}
MOVED = {"second fit": {HEAD}, "third fit": LATE, "fourth fit": LATE}
KNOWN = (*CONVOLUTIONS, *(f"block{block}_pool" for block in range(1, 6)), "pool", HEAD)


@exercise(NOTEBOOK)
def moved_layers(answer):
    """Judge a prediction of which layers move in three fits, with changes of the flags in between."""
    probes.entries(answer, MOVED)
    for moment, wanted in MOVED.items():
        named = probes.names(answer[moment], KNOWN)
        if named != wanted:
            raise Refusal(_why_not(moment, named), moment=moment, named=probes.listed(sorted(named)))


def _why_not(moment, named):
    for name in sorted(named):
        if name.endswith("pool"):
            return f"moves:{name}"
    if HEAD not in named:
        return "head"
    if named - {HEAD} - set(BLOCK5):
        return "early-blocks"
    if moment == "second fit":
        return "flag-counts-at-once"
    if named == {HEAD}:
        return "freezing-counts-at-once" if moment == "fourth fit" else "compile-ignored"
    if moment == "third fit" and BLOCK5[-1] in named and len(named) != 3:
        return "as-at-compile" if len(named) == 2 else "freeze-up-to"
    return "other-layers"


@exercise(NOTEBOOK)
def mend_stale_compile(answer):
    """Judge a function that makes a model's training follow its flags again."""
    probes.function(answer)  # before a model is made for it
    model, _ = probes.recompiled(answer, stale_model())
    probes.judge_compiled_loss(model, logits=True)
    moved = probes.moved_by_fit(model, *fixtures.features_and_labels(8))
    if set(moved) == {*BLOCK5, HEAD}:
        return
    if not moved:
        reason = "nothing-moves"
    elif HEAD not in moved:
        reason = "head-frozen"
    else:
        reason = "stale" if moved == [HEAD] and all(each.trainable for each in model.weights) else "block5-frozen"
    raise Refusal(reason, moved=probes.listed(moved))


def stale_model():
    """Return a model whose flags and training disagree: block5 may train since its last fit, and still would not."""
    base = fixtures.late_base(maps=8)
    base.trainable = False
    model = fixtures.train(fixtures.with_head(base))
    base.trainable = True
    return model
