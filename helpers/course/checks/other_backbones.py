"""Checks of notebook 07: the preprocessing that belongs to a backbone, and BatchNormalization that stays still."""

import keras
import numpy as np

from helpers.course.checks import fixtures, preparations, probes
from helpers.course.checks.exercise import Refusal, describe, exercise
from helpers.network import efficientnet_lite

NOTEBOOK = "07_other_backbones"
FED = {
    "as-they-are": ("feeds the base with pixels as they are", "the station between pixels and base"),
    "divided": (
        "feeds the base with pixels divided by 255",
        "the range that this network wants: does it reach below 0?",
    ),
    "as-for-vgg16": ("prepares the pixels as VGG16 wants them", "whose preprocess_input it calls"),
    "minus-one-to-one": ("brings the pixels to −1…1 as MobileNet does", "the two numbers: nearly, and not those"),
    "twice": ("preprocesses twice", "how many times preprocess_input lies on the way"),
    "red-and-blue-exchanged": (
        "exchanges red and blue",
        "the order of the colours: this network takes red, green, blue",
    ),
}


@exercise(
    NOTEBOOK,
    goal="put the preprocessing that belongs to a backbone in front of it",
    expects="a function from_pixels(base) that returns a model from pixels 0…255 to the maps of EfficientNet-Lite0's "
    "base",
    praise="your model gives the maps that the base gives for pixels brought to about -1…1, as its weights expect.",
    hint="the first question of the notebook: which two numbers are in this network's preprocess_input?",
)
def own_preprocessing(answer):
    """Judge a function that puts EfficientNet-Lite0's preprocessing in front of it."""
    probes.function(answer)
    side = 64
    base = efficientnet_lite.efficientnet_lite0(efficientnet_lite.weights(), False, (side, side, 3))
    model = probes.model(probes.called(answer, base))
    pixels = np.random.default_rng(31).integers(0, 256, (2, side, side, 3)).astype("float32")
    maps = probes.outputs(model, pixels, probes.PIXELS)

    def as_fed(prepared):
        wanted = probes.outputs(base, prepared, probes.PIXELS)
        return maps.shape == wanted.shape and np.allclose(maps, wanted, atol=1e-3 * max(np.abs(wanted).max(), 1e-6))

    made = preparations.variants(efficientnet_lite.preprocess_input, pixels)
    if as_fed(made["prepared"]):
        return
    made["as-for-vgg16"] = keras.applications.vgg16.preprocess_input(pixels.copy())
    preparations.refuse_known(FED, made, as_fed, f"{describe(model)}, which ")
    saw = f"{describe(model)}, which gives shape {maps.shape} and other numbers than the base on prepared pixels"
    look = "what is between the pixels and the end, besides preprocessing and base"
    raise Refusal("something-else", saw, look)


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


@exercise(
    NOTEBOOK,
    goal="fine-tune a backbone with BatchNormalization, its statistics kept still",
    expects="a function prepare(base, model) that returns the model compiled, so that the convolutions of block6 and "
    "top, and the head, train at a rate of at most 0.0001, while block5 and all BatchNormalization stay as they are",
    praise="in the next fit only convolutions after block5 and the head moved; no statistic did.",
    hint="isinstance(layer, keras.layers.BatchNormalization) tells such a layer; its `trainable` decides "
    "whether its statistics move",
)
def still_statistics(answer):
    """Judge a function that sets up fine-tuning of a base with BatchNormalization."""
    model, moved = probes.ready_to_fine_tune(answer, normalised_base)
    if set(moved) == {*LATE, fixtures.HEAD}:
        return
    normalised = [name for name in moved if name.endswith("_bn")]
    if normalised:
        reason, name = f"statistics-move:{normalised[0]}", normalised[0]
        look = f"{name}: a BatchNormalization that is free to train also follows each batch with its statistics"
    elif EARLY in moved:
        reason, look = "block5-moves", f"{EARLY}: it comes before block6 and must stay as it is"
    elif fixtures.HEAD not in moved:
        reason, look = "head-frozen", "the head: it has to go on training"
    elif any(layer.trainable for layer in model.layers if layer.name == "late_lite0"):
        reason = "convolutions-missed"
        look = "the convolutions of block6 and top: which of their names does your condition miss?"
    else:
        reason = "base-frozen"
        look = "the base: is it still frozen as a whole, or were the flags changed after the compile?"
    raise Refusal(reason, f"in the next fit {probes.listed(moved)} moved", look)
