"""Checks of notebook 05: set fine-tuning up, choose a learning rate, read a certificate."""

import keras
import numpy as np

from helpers.course.checks import fixtures, probes
from helpers.course.checks.exercise import Refusal, exercise, gives
from helpers.course.checks.fixtures import BLOCK5, HEAD
from helpers.network import certificate

NOTEBOOK = "05_fine_tune"
EARLIER = "block4_conv3"


@exercise(NOTEBOOK)
def set_up_fine_tuning(answer):
    """Judge a function that makes a model with a trained head ready for fine-tuning block5."""
    model, moved = probes.ready_to_fine_tune(answer, lambda: fixtures.late_base([EARLIER]))
    if set(moved) == {*BLOCK5, HEAD}:
        return
    marked = {probes.layer_of(weight) for weight in model.weights if weight.trainable}
    if EARLIER in moved:
        reason = "block4-moves"
    elif HEAD not in moved:
        reason = "head-frozen"
    elif marked >= set(BLOCK5):
        reason = "compiled-too-early"
    else:
        reason = f"of-block5-only:{probes.listed(sorted(marked & set(BLOCK5)))}"
    raise Refusal(reason, moved=probes.listed(moved))


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


@exercise(NOTEBOOK)
def rate_of_run(answer):
    """Judge the learning rate that the learner reads from `unknown_run`."""
    rate = probes.number(answer)
    if not rate > 0:
        raise Refusal("not-positive", rate=rate)
    if TRUE_RATE / 2 <= rate <= TRUE_RATE * 2:
        return
    if TRUE_RATE * STEPS / 2 <= rate <= TRUE_RATE * STEPS * 2:
        reason = "not-divided"
    elif TRUE_RATE / STEPS / 2 <= rate <= TRUE_RATE / STEPS * 2:
        reason = "divided-twice"
    elif np.isclose(rate, 1e-5):
        reason = "of-the-notebook"
    else:
        reason = "off"
    raise Refusal(reason, rate=rate, compared="far too low" if rate < TRUE_RATE else "far too high")


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


@exercise(NOTEBOOK)
def read_certificate(answer):
    """Judge what the learner reads in `colleagues_certificate`."""
    probes.entries(answer, MISTAKES)
    for part, wanted in MISTAKES.items():
        named = probes.names(answer[part], LAYERS)
        if named != wanted:
            raise Refusal(_misread(part, named, wanted), part=part, named=probes.listed(sorted(named)))


def _misread(part, named, wanted):
    if HEAD in named:
        return "head"
    if named == MISTAKES["still by mistake" if part == "moved by mistake" else "moved by mistake"]:
        return "exchanged"
    if part == "moved by mistake":
        return "meant-to-move" if named else "early-layers"
    return "did-move" if named - wanted else "more-are-still"
