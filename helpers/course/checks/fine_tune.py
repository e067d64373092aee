"""Checks of notebook 05: set fine-tuning up, choose a learning rate, read a certificate."""

import keras
import numpy as np

from helpers.course.checks import fixtures, probes
from helpers.course.checks.exercise import Refusal, exercise, gives
from helpers.course.checks.fixtures import BLOCK5, HEAD
from helpers.network import certificate

NOTEBOOK = "05_fine_tune"
EARLIER = "block4_conv3"


@exercise(
    NOTEBOOK,
    goal="unfreeze the last block and recompile at a low rate",
    expects="a function prepare(base, model) that returns the model compiled, so that block5 and the head train at a "
    "rate of at most 0.0001 and block4 stays as it is",
    praise="block5 and the head moved in the next fit, block4 did not, and the trained head was the starting point.",
    hint="the order: flags of the base's layers first, compile last; then print layer_table(base) to see the flags",
)
def set_up_fine_tuning(answer):
    """Judge a function that makes a model with a trained head ready for fine-tuning block5."""
    model, moved = probes.ready_to_fine_tune(answer, lambda: fixtures.late_base([EARLIER]))
    if set(moved) == {*BLOCK5, HEAD}:
        return
    marked = {probes.layer_of(weight) for weight in model.weights if weight.trainable}
    if EARLIER in moved:
        reason, look = "block4-moves", f"{EARLIER}: it comes before block5 and must stay as it is"
    elif HEAD not in moved:
        reason, look = "head-frozen", "the head: it has to go on training"
    elif marked >= set(BLOCK5):
        reason = "compiled-too-early"
        look = "the order of your lines: were the flags changed before or after the last compile?"
    else:
        free = probes.listed(sorted(marked & set(BLOCK5)))
        reason, look = f"of-block5-only:{free}", f"block5: of its layers {free} may train"
    raise Refusal(reason, f"in the next fit {probes.listed(moved)} moved", look)


STEPS, TRUE_RATE = 8, 2e-4


@gives
def unknown_run():
    """Return the certificate of a fine-tuning of block5 with Adam: one epoch of 8 steps, with a secret learning rate.

    The model is made, trained and compared here and now.

    Returns
    -------
    pandas.DataFrame
        As `helpers.network.certificate.compare` gives it.
    """
    model = fixtures.with_head(fixtures.late_base())
    before = certificate.take(model)
    model.compile(keras.optimizers.Adam(TRUE_RATE), loss=fixtures.LOSS)
    model.fit(*fixtures.features_and_labels(), batch_size=1, verbose=0)  # one step for each of the 8 rows
    return certificate.compare(before, certificate.take(model))


@exercise(
    NOTEBOOK,
    goal="recognise a rate that is too high from how far the weights went",
    expects="a learning rate: one number, about right is right",
    praise="Adam moves a weight by about its learning rate in a step: divide the largest change by the steps.",
    hint="largest change ≈ number of steps × learning rate, as that is about how far Adam moves a weight in a step",
)
def rate_of_run(answer):
    """Judge the learning rate that the learner reads from `unknown_run`."""
    rate = probes.number(answer)
    saw = f"the learning rate {rate:g}"
    if not rate > 0:
        raise Refusal("not-positive", saw, "its sign: a learning rate is above 0")
    if TRUE_RATE / 2 <= rate <= TRUE_RATE * 2:
        return
    if TRUE_RATE * STEPS / 2 <= rate <= TRUE_RATE * STEPS * 2:
        reason = "not-divided"
        look = "how many steps the run had: the change has built up over all of them"
    elif TRUE_RATE / STEPS / 2 <= rate <= TRUE_RATE / STEPS * 2:
        reason, look = "divided-twice", "how often you divided by the number of steps"
    elif np.isclose(rate, 1e-5):
        reason = "of-the-notebook"
        look = "the column `largest_change`: that is the learning rate of the notebook's run, not of this one"
    else:
        reason, look = "off", "the column `largest_change`, and the number of steps that it took"
    raise Refusal(reason, f"{saw}: {'far too low' if rate < TRUE_RATE else 'far too high'}", look)


MISTAKES = {"moved by mistake": {EARLIER}, "still by mistake": {"block5_conv1", "block5_conv2"}}
LAYERS = (EARLIER, *BLOCK5, HEAD)


@gives
def colleagues_certificate():
    """Return the certificate of a fine-tuning in which the wrong layers were free to train.

    Someone meant to fine-tune block5 and chose its layers by a part of their names. The model is made, trained for a
    step and compared here and now.

    Returns
    -------
    pandas.DataFrame
        As `helpers.network.certificate.compare` gives it.
    """
    base = fixtures.late_base([EARLIER])
    for layer in base.layers:
        layer.trainable = "conv3" in layer.name
    model = fixtures.with_head(base)
    before = certificate.take(model)
    return certificate.compare(before, certificate.take(fixtures.train(model)))


@exercise(
    NOTEBOOK,
    goal="prove from the weights that nothing else moved",
    expects="a dictionary with two lists of layer names: 'moved by mistake' and 'still by mistake'",
    praise="two kinds of mistake, and the certificate shows both: what moved and should not, and the other way round.",
    hint="write down which layers should move in this fine-tuning; then compare with the column `moved`, row by row",
)
def read_certificate(answer):
    """Judge what the learner reads in `colleagues_certificate`."""
    probes.entries(answer, MISTAKES)
    for part, wanted in MISTAKES.items():
        named = probes.names(answer[part], LAYERS)
        if named != wanted:
            reason, look = _misread(part, named, wanted)
            raise Refusal(reason, f"{part}: {probes.listed(sorted(named))}", look)


def _misread(part, named, wanted):
    if HEAD in named:
        return "head", "the head: should it move in fine-tuning, and did it?"
    if named == MISTAKES["still by mistake" if part == "moved by mistake" else "moved by mistake"]:
        return "exchanged", "which list is which: the two are exchanged"
    if part == "moved by mistake":
        if not named:
            return "early-layers", "the rows above block5: did all of them stay as they were?"
        return "meant-to-move", "the layers of block5: those were meant to move"
    if named - wanted:
        look = "the column `moved`: a layer in this list must have stayed still although it was meant to move"
        return "did-move", look
    return "more-are-still", "every row of block5: how many of its layers did not move?"
