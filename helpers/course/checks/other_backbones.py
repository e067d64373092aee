"""Checks of notebook 07: the preprocessing that belongs to a backbone, and BatchNormalization that stays still."""

import keras
import numpy as np

from helpers.course.checks import fixtures, preparations, probes
from helpers.course.checks.exercise import Refusal, describe, exercise
from helpers.network import efficientnet_lite

NOTEBOOK = "07_other_backbones"
FED = ("as-they-are", "divided", "as-for-vgg16", "minus-one-to-one", "twice", "red-and-blue-exchanged")


@exercise(NOTEBOOK)
def own_preprocessing(answer):
    """Judge a function that puts EfficientNet-Lite0's preprocessing in front of it."""
    probes.function(answer)
    side = 64
    base = efficientnet_lite.efficientnet_lite0(efficientnet_lite.weights(), False, (side, side, 3))
    model = probes.model(probes.called(answer, base))
    pixels = np.random.default_rng(31).integers(0, 256, (2, side, side, 3)).astype("float32")
    maps = probes.outputs(model, pixels)

    def as_fed(prepared):
        return probes.same(maps, probes.outputs(base, prepared))

    made = preparations.variants(efficientnet_lite.preprocess_input, pixels)
    if as_fed(made["prepared"]):
        return
    made["as-for-vgg16"] = keras.applications.vgg16.preprocess_input(pixels.copy())
    reason = preparations.recognised(FED, made, as_fed) or "something-else"
    raise Refusal(reason, model=describe(model), shape=maps.shape)


LATE = ("block6a_conv", "top_conv")
EARLY = "block5c_conv"


def normalised_base():
    """Return a small base of convolutions with BatchNormalization after each, named like the late ones of Lite0."""
    features = keras.Input((fixtures.SIDE, fixtures.SIDE, 512), name="features")
    maps = features
    for name in (EARLY, *LATE):
        maps = keras.layers.Conv2D(32, 1, use_bias=False, name=name)(maps)
        maps = keras.layers.BatchNormalization(name=name.replace("conv", "bn"))(maps)
        maps = keras.layers.ReLU(6.0, name=name.replace("conv", "activation"))(maps)
    return keras.Model(features, maps, name="late_lite0")


@exercise(NOTEBOOK)
def still_statistics(answer):
    """Judge a function that sets up fine-tuning of a base with BatchNormalization."""
    model, moved = probes.ready_to_fine_tune(answer, normalised_base)
    if set(moved) == {*LATE, fixtures.HEAD}:
        return
    normalised = [name for name in moved if name.endswith("_bn")]
    if normalised:
        reason = f"statistics-move:{normalised[0]}"
    elif EARLY in moved:
        reason = "block5-moves"
    elif fixtures.HEAD not in moved:
        reason = "head-frozen"
    elif any(layer.trainable for layer in model.layers if layer.name == "late_lite0"):
        reason = "convolutions-missed"
    else:
        reason = "base-frozen"
    raise Refusal(reason, moved=probes.listed(moved))
