"""Checks of notebook 07: the preprocessing that belongs to a backbone, and BatchNormalization that stays still."""

import keras
import numpy as np
import tensorflow as tf

from helpers.course.checks import fixtures, preparations, probes
from helpers.course.checks.exercise import Refusal, describe, exercise
from helpers.network import efficientnet_lite

NOTEBOOK = "07_other_backbones"
FED = ("as-they-are", "divided", "as-for-vgg16", "minus-one-to-one", "twice", "red-and-blue-exchanged")


@keras.saving.register_keras_serializable("checks")  # so that a model with it can be saved and loaded
class Watch(keras.Layer):
    """Hands on what it gets, and collects it for all models of a check."""

    seen = []  # of the class, as copies of a base are watched, too

    def call(self, inputs):
        """Return `inputs` as they are."""
        if tf.executing_eagerly() and tf.is_tensor(inputs):
            self.seen.append(np.asarray(inputs))
        return inputs


def watched_base(side, name):
    """Return a small stand-in for a base, and a list that collects what it is fed."""
    Watch.seen.clear()
    pixels = keras.Input((side, side, 3))
    maps = keras.layers.Conv2D(8, 3, padding="same", activation="relu", name="block5_conv1")(Watch()(pixels))
    return keras.Model(pixels, keras.layers.MaxPooling2D(name="block5_pool")(maps), name=name), Watch.seen


def holds(model, weights):
    """Return whether a model still has these weights, wherever they are in it."""
    kept = {weight.tobytes() for weight in model.get_weights()}
    return all(weight.tobytes() in kept for weight in weights)


@exercise(NOTEBOOK)
def own_preprocessing(answer):
    """Judge a function that puts EfficientNet-Lite0's preprocessing in front of a base."""
    probes.function(answer)
    base, seen = watched_base(64, "efficientnet-lite0")
    pixels = np.random.default_rng(31).integers(0, 256, (2, *base.input_shape[1:])).astype("float32")
    prepared, weights = efficientnet_lite.preprocess_input(pixels), base.get_weights()
    wanted = probes.outputs(base, prepared)
    model = probes.model(probes.called(answer, base))
    seen.clear()
    maps = probes.outputs(model, pixels)
    if probes.same(maps, wanted):
        return
    if not seen or not holds(model, weights):
        raise Refusal("another-base", model=describe(model))
    fed = seen[-1]

    if probes.same(fed, prepared):
        raise Refusal("after-the-base", model=describe(model), shape=maps.shape, maps=wanted.shape)
    made = preparations.variants(efficientnet_lite.preprocess_input, pixels)
    made["as-for-vgg16"] = keras.applications.vgg16.preprocess_input(pixels.copy())
    reason = preparations.recognised(FED, made, fed) or "something-else"
    raise Refusal(reason, model=describe(model), shape=fed.shape, lowest=fed.min(), highest=fed.max())


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
    probes.judge_fine_tuning(answer, normalised_base(), LATE)
