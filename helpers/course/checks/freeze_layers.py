"""Checks of notebook 02: what is frozen, what moves, and when compile decides it."""

import numpy as np

from helpers.course.checks import fixtures, probes
from helpers.course.checks.exercise import Refusal, exercise
from helpers.course.checks.fixtures import BLOCK5, HEAD

NOTEBOOK = "02_freeze_layers"
CONVOLUTIONS = [name for name in fixtures.LAYERS if "conv" in name]


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
    shape = getattr(base, "input_shape", None)
    if not isinstance(shape, tuple) or len(shape) != 4:
        raise Refusal("takes-no-pictures", shape=shape)
    sides = [32 if side is None else min(side, 224) for side in shape[1:3]]
    weights = probes.reached(base, np.random.default_rng(0).uniform(-100, 100, (1, *sides, 3)))
    moving = probes.layers_of(weights)
    early = [name for name in moving if name not in BLOCK5]
    frozen = [name for name in BLOCK5 if list(map(probes.layer_of, weights)).count(name) < 2]
    for reason, met in (
        ("all-frozen", not moving),
        ("nothing-frozen", set(moving) >= set(CONVOLUTIONS)),
        (f"trains:{', '.join(early[-1:])}", early),
        (f"frozen:{', '.join(frozen[:1])}", frozen),
    ):
        if met:
            raise Refusal(reason, moving=probes.listed(moving))


LATE = {"block5_conv2", "block5_conv3", HEAD}
MOVED = {"second fit": {HEAD}, "third fit": LATE, "fourth fit": LATE}
KNOWN = (*fixtures.LAYERS, "pool", HEAD)


@exercise(NOTEBOOK)
def moved_layers(answer):
    """Judge a prediction of which layers move in three fits, with changes of the flags in between."""
    probes.entries(answer, MOVED)
    for moment, wanted in MOVED.items():
        named = probes.names(answer[moment], KNOWN)
        if named != wanted:
            raise Refusal(_why_not(moment, named), moment=moment, named=probes.listed(sorted(named)))


def _why_not(moment, named):
    others = sorted(named - {HEAD, *BLOCK5})
    if others:
        return f"others:{others[0]}"
    if HEAD not in named:
        return "head"
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
    probes.judge_next_fit(probes.recompiled(answer, stale_model()), BLOCK5)


def stale_model():
    """Return a model whose flags and training disagree: block5 may train since its last fit, and still would not."""
    base = fixtures.base_on_features(maps=8)
    base.trainable = False
    model = fixtures.train(fixtures.with_head(base))
    base.trainable = True
    return model
