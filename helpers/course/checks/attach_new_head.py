"""Checks of notebook 03: heads, the literal swap, wiring, and the loss that fits."""

import keras
import numpy as np
import tensorflow as tf

from helpers.course.checks import losses, preparations, probes
from helpers.course.checks.exercise import Refusal, describe, exercise

NOTEBOOK = "03_attach_new_head"
CLASSES = 5
CLOSE = 1e-3  # of the size of the logits

ACTIVATION = "the activation of the last layer: logits may take any value, so it has none"


@exercise(
    NOTEBOOK,
    goal="wire a head alone, on the features of the base",
    expects="a model from features (n, 7, 7, 512) to five logits (n, 5)",
    praise="features go in, one row of five logits comes out for each picture, and all its weights can learn.",
    hint="Input → something that makes one row of the 7 × 7 maps → Dense with one unit a class and no activation",
)
def head_on_features(answer):
    """Judge a head on features of shape (7, 7, 512) that gives five logits."""
    head = probes.model(answer)
    generator = np.random.default_rng(5)
    features = generator.gamma(0.5, 2.0, (6, 7, 7, 512))
    look = "the shape that your Input names: the head alone takes features, not pictures"
    logits = probes.outputs(head, features, look)
    _refuse_shape(logits.shape, (6, CLASSES), f"{describe(answer)}, which turns {features.shape} into {logits.shape}")
    large = generator.normal(0, 1000, (32, 7, 7, 512))
    _refuse_activation(probes.outputs(head, large, look, probes.nudged(head.trainable_variables)), describe(answer))
    if not probes.trains(head, features):
        look = "whether a layer or the whole model was frozen by mistake: a new head has everything to learn"
        raise Refusal("frozen", f"{describe(answer)}, of which nothing would train", look)


def _refuse_shape(shape, wanted, saw):
    if shape == wanted:
        return
    if len(shape) > 2:
        reason = "maps"
        look = "the maps: they still have height and width; which layer makes one row of numbers of them?"
    elif shape[-1] == 1000:
        reason = "1000-units"
        look = "the number of units: 1000 are ImageNet's classes. Is the old last layer still there?"
    elif shape[-1] == 1:
        reason, look = "one-unit", "the number of units: one output cannot choose between five classes"
    else:
        reason, look = "units", "the number of units of the last Dense layer: one for each class"
    raise Refusal(reason, saw, look)


def _refuse_activation(outputs, who):
    """Refuse outputs, made from large numbers of both signs, whose range only an activation explains."""
    if probes.are_probabilities(outputs):
        reason, saw = "softmax", "whose five outputs sum to 1 for each picture: probabilities"
    elif outputs.min() >= 0 and outputs.max() <= 1:
        reason, saw = "sigmoid", "whose outputs all lie between 0 and 1"
    elif outputs.min() >= 0:
        reason, saw = "relu", "whose outputs are never negative"
    elif np.abs(outputs).max() <= 1:
        reason, saw = "tanh", "whose outputs all lie between −1 and 1"
    else:
        return
    raise Refusal(reason, f"{who}, {saw}", ACTIVATION)


MODELS = {"A": (True, False), "B": (False, True), "C": (True, True)}  # logits, one-hot labels


@exercise(
    NOTEBOOK,
    goal="choose logits or softmax, and the loss that fits the labels",
    expects="a dictionary with a loss for each of the models 'A', 'B' and 'C', as you would give it to compile",
    praise="each loss takes the labels in the form they have, and adds softmax only where the model has none.",
    hint="make a table: last activation, form of the labels, loss, from_logits",
)
def fitting_losses(answer):
    """Judge the losses chosen for three models that differ in their last activation and their labels."""
    probes.entries(answer, MODELS)
    for model, (logits, one_hot) in MODELS.items():
        losses.judge(answer[model], f"model {model}", logits, one_hot)


@exercise(
    NOTEBOOK,
    goal="swap the last Dense layer of a full network, all before it kept",
    expects="the full model with five logits in place of its 1000 classes, every layer before them kept",
    praise="what went into the old last layer goes into your new one, number for number as in the model before.",
    hint="full.layers[-1].input is what the old last layer takes: begin there, end with keras.Model(full.input, …)",
)
def swap_final_dense(answer, full):
    """Judge a copy of `full`, a model that ends in one Dense layer, in which that layer alone is new."""
    if not isinstance(full, keras.Model):
        saw, look = f"beside your answer, full is {describe(full)}", "run the cell that makes the full model again"
        raise Refusal("full-is-no-model", saw, look, "the check takes your answer first and the full model second")
    swapped = probes.model(answer)
    who = describe(answer)
    pictures = np.random.default_rng(9).uniform(-100, 100, (3, *full.input_shape[1:]))
    pictures_look = "its input: it must take the same pictures as the model that you began from"
    logits = probes.outputs(swapped, pictures, pictures_look)
    saw = f"{who}, which gives {logits.shape} for {len(pictures)} pictures"
    if logits.shape[1:] == (full.layers[-1].units,):
        look = "the old last layer: it is still there. Taking it out of the list `layers` changes no model"
        raise Refusal("old-layer-there", saw, look)
    _refuse_shape(logits.shape, (3, CLASSES), saw)
    new = [weight for weight in swapped.weights if weight.shape[-1] == CLASSES]
    if len(new) not in (1, 2) or len(new[0].shape) != 2:
        look = "its end: one new Dense, and nothing with weights after it"
        raise Refusal("no-last-dense", f"{who} without one last Dense layer", look)
    values = _telling(new)
    logits = probes.outputs(swapped, pictures, pictures_look, values)
    kernel, *bias = (values[id(weight)].numpy() for weight in new)
    rows = _rows(full, pictures)
    kept = rows.pop("")

    def dense(row):
        return row @ kernel + (bias[0] if bias else 0)

    fits = kernel.shape[0] == kept.shape[1]
    if fits and _equal(logits, dense(kept)):
        return
    for name in ("softmax", "sigmoid", "relu", "tanh"):
        if fits and _equal(logits, np.asarray(keras.activations.get(name)(dense(kept)))):
            raise Refusal(name, f"{who}, whose new layer ends in {name}", ACTIVATION)
    saw = f"{who}, whose new layer takes {kernel.shape[0]} numbers"
    for name, row in rows.items():
        if row.shape[1] == kernel.shape[0] and _equal(logits, dense(row)):
            look = f"where your new layer is attached: to {name!r}, but the old one took what comes just before it"
            raise Refusal(f"attached-to:{name}", saw, look)
    if fits:
        saw = f"{who}: before its new layer it computes other numbers than the full model does"
        look = "the layers before: share those of the full model, with their weights, instead of building new ones"
        raise Refusal("built-again", saw, look)
    look = f"what is left out: the old last layer took {kept.shape[1]} numbers"
    raise Refusal("left-out", saw, look)


def _telling(new):
    """Return values for a last layer's weights that show what it takes, and any activation after it.

    Classes alternate in sign, because fc2 gives no negative numbers and all logits could else be positive by chance.
    """
    generator = np.random.default_rng(29)
    signs = np.array([1, -1, 1, -1, 1])
    return {
        id(weight): tf.constant(signs * np.abs(generator.normal(0, 0.05, weight.shape)), weight.dtype) for weight in new
    }


def _rows(full, pictures):
    """Return what each layer gives that ends in a row of numbers; under "" what the last layer takes."""
    layers = [layer for layer in full.layers if len(layer.output.shape) == 2]
    watch = keras.Model(full.input, [full.layers[-1].input, *(layer.output for layer in layers)])
    rows = watch(pictures.astype("float32"))
    return {name: np.asarray(row) for name, row in zip(["", *(layer.name for layer in layers)], rows, strict=True)}


def _equal(first, second):
    return first.shape == second.shape and np.allclose(first, second, atol=CLOSE * max(np.abs(second).max(), 1e-6))


FED = {
    "as-they-are": ("feeds the base with pixels as they are", "the station between pixels and base: preprocessing"),
    "divided": ("feeds the base with pixels divided by 255", "what VGG16's weights expect instead of 0…1"),
    "twice": ("preprocesses twice", "how many calls of preprocess_input lie on the way"),
}


@exercise(
    NOTEBOOK,
    goal="wire a whole model from pixels, and mend a wiring that only looks correct",
    expects="a model from pixels 0…255 to the logits that the given head gives on the features of the given base",
    praise="pixels → preprocessing → base → head: the same logits as by hand, from the layers that were given.",
    hint="four stations: Input for pixels, preprocess_input, base(…), head(…); then keras.Model(pixels, logits)",
)
def mend_wiring(answer, base, head):
    """Judge a whole model made of a base and a head that takes the features of that base."""
    for name, part in (("base", base), ("head", head)):
        if not isinstance(part, keras.Model):
            saw = f"beside your answer, {name} is {describe(part)}"
            raise Refusal(f"{name}-is-no-model", saw, "run the cell that makes the base and the head again")
    whole = probes.model(answer)
    who = describe(answer)
    pixels = np.random.default_rng(13).integers(0, 256, (3, *base.input_shape[1:])).astype("float32")
    shape = tuple(getattr(whole, "input_shape", None) or ())
    if shape[1:] == tuple(head.input_shape[1:]):
        look = "its input: the head takes features, but the model is fed pictures. What must come before it?"
        raise Refusal("takes-features", f"{who}, which takes features {shape[1:]}", look)
    logits = probes.outputs(whole, pixels, probes.PIXELS)
    if logits.ndim == 4:
        look = "what comes after the base: the head is missing"
        raise Refusal("no-head", f"{who}, which gives maps {logits.shape}", look)

    def as_fed(prepared):
        maps = probes.outputs(base, prepared, probes.PIXELS)
        return _equal(logits, probes.outputs(head, maps, probes.PIXELS))

    made = preparations.variants(keras.applications.vgg16.preprocess_input, pixels)
    if as_fed(made["prepared"]):
        return
    preparations.refuse_known(FED, made, as_fed, f"{who}, which ")
    if not _holds(whole, head):
        reason = "another-head"
        look = "the head: use the one that was given, do not build a new one; its weights are what was learned"
    elif not _holds(whole, base):
        reason, look = "another-base", "the base: use the one that was given, do not load or build another"
    else:
        reason, look = "something-between", "what else is on the way from pixels to logits"
    raise Refusal(reason, f"{who}, whose logits are not those of the given head on the given base", look)


def _holds(whole, part):
    """Return whether the weights of `part` are among those of `whole`, as they are or as copies."""
    values = [np.asarray(weight) for weight in whole.weights]
    return all(
        any(value.shape == weight.shape and np.array_equal(value, weight) for value in values)
        for weight in map(np.asarray, part.weights)
    )
