"""Checks of notebook 02: what is frozen, what moves, and when compile decides it."""

import numpy as np

from helpers.course.checks import fixtures, probes
from helpers.course.checks.exercise import Refusal, describe, exercise
from helpers.course.checks.fixtures import BLOCK5, HEAD

NOTEBOOK = "02_freeze_layers"
CONVOLUTIONS = tuple(
    f"block{block}_conv{number}" for block, depth in enumerate((2, 2, 3, 3, 3), 1) for number in range(1, depth + 1)
)


@exercise(
    NOTEBOOK,
    goal="freeze a whole model, or some of its layers",
    expects="VGG16's base with block5 free to train and every earlier convolution frozen",
    praise="in a model built on this base, a fit would move the three convolutions of block5 and no other.",
    hint="loop over base.layers and set layer.trainable from the layer's name; then print layer_table(base)",
)
def freeze_all_but_block5(answer):
    """Judge a VGG16 base of which only block5 may train."""
    base = probes.model(answer)
    held = [probes.layer_of(weight) for weight in base.weights]
    missing = [name for name in CONVOLUTIONS if name not in held]
    if missing:
        saw = f"{describe(answer)}, which lacks {probes.listed(missing)}"
        raise Refusal("layers-missing", saw, "begin from the base as it was loaded, with all its layers")
    moving = probes.trains(base, _noise(base))
    if set(moving) == set(BLOCK5):
        return
    early = [name for name in moving if name not in BLOCK5]
    lacking = [name for name in BLOCK5 if name not in moving]
    if not moving:
        reason = "all-frozen"
        look = "what base.trainable = False does to the layers inside: which of them must be switched on again?"
    elif set(moving) >= set(CONVOLUTIONS):
        reason = "nothing-frozen"
        look = "whether anything was frozen: is the name spelled `trainable`, and set on the layers of this base?"
    elif early and len(lacking) == len(BLOCK5):
        reason = "wrong-way-round"
        look = "whether the test is the wrong way round: block5 is frozen, earlier blocks train"
    elif early:
        reason, look = f"trains:{early[-1]}", f"{early[-1]}: it still trains, though it comes before block5"
    else:
        reason, look = f"frozen:{lacking[0]}", f"{lacking[0]}: it belongs to block5 and is frozen"
    raise Refusal(reason, f"a base in which {probes.listed(moving)} would train", look)


def _noise(base):
    shape = getattr(base, "input_shape", None)
    if not isinstance(shape, tuple) or len(shape) != 4:
        look = "the base itself, which takes pictures"
        raise Refusal("takes-no-pictures", f"a model that takes {shape}", look, "base.input_shape")
    sides = [32 if side is None else min(side, 224) for side in shape[1:3]]
    return np.random.default_rng(0).uniform(-100, 100, (1, *sides, 3))


MOVED = {
    "second fit": {HEAD},
    "third fit": {"block5_conv2", "block5_conv3", HEAD},
    "fourth fit": {"block5_conv2", "block5_conv3", HEAD},
}
KNOWN = (*CONVOLUTIONS, *(f"block{block}_pool" for block in range(1, 6)), "pool", HEAD)


@exercise(
    NOTEBOOK,
    goal="say what trainable, training and compile each do, and when a change takes effect",
    expects="a dictionary: for each of the three fits the list of the layers whose weights move in it",
    praise="the first fit after a compile settles what trains; the second and the fourth came too late to change it.",
    hint="for each fit: which was the first fit after the last compile, and what was trainable when that one began?",
)
def moved_layers(answer):
    """Judge a prediction of which layers move in three fits, with changes of the flags in between."""
    probes.entries(answer, MOVED)
    for moment, wanted in MOVED.items():
        named = probes.names(answer[moment], KNOWN)
        if named != wanted:
            reason, look = _why_not(moment, named)
            raise Refusal(reason, f"for the {moment}: {probes.listed(sorted(named))}", look)


def _why_not(moment, named):
    for name in sorted(named):
        if name.endswith("pool"):
            return f"moves:{name}", f"{name}: a pooling has no weights, so nothing in it can move"
    if HEAD not in named:
        return "head", "the head: was it frozen at any time?"
    if named - {HEAD} - set(BLOCK5):
        return "early-blocks", "the early blocks: did any line let them train?"
    if moment == "second fit":
        look = "the flag of block5_conv3 was changed, but is there a compile between that change and this fit?"
        return "flag-counts-at-once", look
    if moment == "fourth fit":
        look = "the base is marked as frozen, but is there a compile between that line and this fit?"
        return "freezing-counts-at-once", look
    if named == {HEAD}:
        look = "the compile before it, and that this is the first fit after it: what was trainable when it began?"
        return "compile-ignored", look
    return "freeze-up-to", "freeze_up_to: is the layer that it names the last frozen one, or the first that trains?"


@exercise(
    NOTEBOOK,
    goal="prove from the weights what moved and what did not",
    expects="a function mend(model) that returns the model, ready to train block5 and the head in its next fit",
    praise="after your function a fit moved every layer of block5 and the head: compile made the flags count.",
    hint="the first fit after a compile takes the flags as they are then; later changes wait for the next compile",
)
def mend_stale_compile(answer):
    """Judge a function that makes a model's training follow its flags again."""
    probes.function(answer)  # before a model is made for it
    model = probes.compiled_model(answer, stale_model())
    probes.judge_compiled_loss(model, logits=True)
    named = {probes.layer_of(weight) for weight in model.weights}
    if named != {*BLOCK5, HEAD}:
        saw = f"it returns a model of the layers {probes.listed(sorted(named))}"
        raise Refusal("another-model", saw, "keep every layer of the model: fix it, do not build another")
    moved = probes.moved_by_fit(model, *fixtures.features_and_labels())
    if set(moved) == {*BLOCK5, HEAD}:
        return
    if moved == [HEAD] and all(weight.trainable for weight in model.weights):
        reason, look = "stale", "the flags are right already: which call makes the training follow them?"
    elif HEAD not in moved and moved:
        reason, look = "head-frozen", "the head: is it still free to train?"
    elif not moved:
        reason, look = "nothing-moves", "whether everything was frozen, or the learning rate is 0"
    else:
        reason, look = "block5-frozen", "block5: are all its layers still free to train when you compile?"
    raise Refusal(reason, f"in the next fit {probes.listed(moved)} moved", look)


def stale_model():
    """Return a model whose flags and training disagree: block5 may train since its last fit, and still would not."""
    base = fixtures.late_base()
    base.trainable = False
    model = fixtures.train(fixtures.with_head(base))
    base.trainable = True
    return model
