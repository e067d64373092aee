"""Checks of notebook 05: set fine-tuning up, choose a learning rate, read a certificate."""

import keras
import numpy as np

from helpers.course.checks import fixtures, probes
from helpers.course.checks.exercise import Refusal, exercise, gives
from helpers.course.checks.fixtures import BLOCK5, HEAD
from helpers.network import certificate

NOTEBOOK = "05_fine_tune"
EARLIER = "block4_conv3"


def thin_vgg16():
    """Return a base of features with all of VGG16's layers, 16 maps each: by name or index each is found as there."""
    return fixtures.base_on_features(fixtures.LAYERS, maps=16)


@exercise(NOTEBOOK)
def set_up_fine_tuning(answer):
    """Judge a function that makes a model with a trained head ready for fine-tuning block5."""
    probes.judge_fine_tuning(answer, thin_vgg16(), BLOCK5)


STEPS, TRUE_RATE = 8, 7e-4  # of the usual guesses (0.001, 0.0005, 0.0001, …) none is near
NEAR = 0.2  # the smallest change in the table is a sixth below 8 steps of the learning rate


@gives
def unknown_run():
    """Train block5 here and now with Adam, for 8 steps at a secret learning rate, and return the certificate.

    Returns
    -------
    pandas.DataFrame
        As `helpers.network.certificate.compare` gives it.
    """
    model = fixtures.with_head(fixtures.base_on_features())
    before = certificate.take(model)
    model.compile(keras.optimizers.Adam(TRUE_RATE), loss=fixtures.LOSS)
    model.fit(*fixtures.features_and_labels(), batch_size=1, verbose=0)  # one step for each of the 8 rows
    return certificate.compare(before, certificate.take(model))


@exercise(NOTEBOOK)
def rate_of_run(answer):
    """Judge the learning rate that the learner reads from `unknown_run`."""
    rate = probes.number(answer)

    def near(other):
        return abs(rate - other) <= NEAR * other

    for reason, met in (
        ("not-positive", not rate > 0),
        ("of-the-notebook", np.isclose(rate, (1e-5, 1e-4, 1e-3)).any()),
        ("not-divided", near(TRUE_RATE * STEPS)),
        ("divided-twice", near(TRUE_RATE / STEPS)),
        ("off", not near(TRUE_RATE)),
    ):
        if met:
            raise Refusal(reason, rate=rate, compared="too low" if rate < TRUE_RATE else "too high")


MISTAKES = {"moved by mistake": {EARLIER}, "still by mistake": {"block5_conv1", "block5_conv2"}}
LAYERS = (EARLIER, *BLOCK5, HEAD)


@gives
def colleagues_certificate():
    """Train a model here and now whose layers were meant to be block5's, chosen by a part of their names.

    Returns
    -------
    pandas.DataFrame
        As `helpers.network.certificate.compare` gives it.
    """
    base = fixtures.base_on_features([EARLIER, *BLOCK5])
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
        moving = part == "moved by mistake"
        other = MISTAKES["still by mistake" if moving else "moved by mistake"]
        for reason, met in (
            ("head", HEAD in named),
            ("exchanged", named == other),
            ("meant-to-move", moving and named),
            ("early-layers", moving),
            ("did-move", named - wanted),
            ("more-are-still", True),
        ):
            if met and named != wanted:
                raise Refusal(reason, part=part, named=probes.listed(sorted(named)))
