"""Checks of notebook 03: heads, the literal swap, wiring, and the loss that fits."""

import keras
import numpy as np
import tensorflow as tf

from helpers.course.checks import losses, preparations, probes
from helpers.course.checks.exercise import Refusal, describe, exercise

NOTEBOOK = "03_attach_new_head"
CLASSES = 5
CLOSE = 1e-3  # of the size of the logits

NONE = "the activation of the last layer: logits may take any value, so it has none"
MORE = "Input → something that makes one row of the 7 × 7 maps → Dense with one unit a class and no activation"
HEAD = "a model from features (n, 7, 7, 512) to five logits (n, 5)"


@exercise(
    NOTEBOOK,
    goal="wire a head alone, on the features of the base",
    expects=HEAD,
    praise="features go in, one row of five logits comes out for each picture, and all its weights can learn.",
)
def head_on_features(answer):
    """Judge a head on features of shape (7, 7, 512) that gives five logits."""
    head = probes.model(answer, HEAD)
    generator = np.random.default_rng(5)
    features = generator.gamma(0.5, 2.0, (6, 7, 7, 512))
    look = "the shape that your Input names: the head alone takes features, not pictures"
    logits = probes.outputs(head, features, HEAD, look, MORE)
    saw = f"{describe(answer)}, which turns {features.shape} into {logits.shape}"
    _refuse_shape(logits.shape, (6, CLASSES), saw, HEAD, MORE)
    large = generator.normal(0, 1000, (32, 7, 7, 512))
    values = probes.nudged(head.trainable_variables)
    _refuse_activation(probes.outputs(head, large, HEAD, look, MORE, values), describe(answer))
    if not probes.trains(head, features):
        look = "whether a layer or the whole model was frozen by mistake: a new head has everything to learn"
        raise Refusal(f"{describe(answer)}, of which nothing would train", HEAD, look, MORE)


def _refuse_shape(given, wanted, saw, expected, more):
    if given == wanted:
        return
    if len(given) > 2:
        look = "the maps: they still have height and width; which layer makes one row of numbers of them?"
    elif given[-1] == 1000:
        look = "the number of units: 1000 are ImageNet's classes. Is the old last layer still there?"
    elif given[-1] == 1:
        look = "the number of units: one output cannot choose between five classes"
    else:
        look = "the number of units of the last Dense layer: one for each class"
    raise Refusal(saw, expected, look, more)


def _refuse_activation(outputs, what):
    """Refuse outputs, made from large numbers of both signs, whose range only an activation explains."""
    if probes.are_probabilities(outputs):
        raise Refusal(f"{what}, whose five outputs sum to 1 for each picture: probabilities", HEAD, NONE, MORE)
    if outputs.min() >= 0 and outputs.max() <= 1:
        raise Refusal(f"{what}, whose outputs all lie between 0 and 1", HEAD, NONE, MORE)
    if outputs.min() >= 0:
        raise Refusal(f"{what}, whose outputs are never negative", HEAD, NONE, MORE)
    if np.abs(outputs).max() <= 1:
        raise Refusal(f"{what}, whose outputs all lie between −1 and 1", HEAD, NONE, MORE)


LOSSES = "a dictionary with a loss for each of the models 'A', 'B' and 'C', as you would give it to compile"
CASES = {"A": (True, False), "B": (False, True), "C": (True, True)}  # logits, one-hot labels


@exercise(
    NOTEBOOK,
    goal="choose logits or softmax, and the loss that fits the labels",
    expects=LOSSES,
    praise="each loss takes the labels in the form they have, and adds softmax only where the model has none.",
)
def fitting_losses(answer):
    """Judge the losses chosen for three models that differ in their last activation and their labels."""
    more = "make a table: last activation, form of the labels, loss, from_logits"
    probes.entries(answer, CASES, LOSSES, more)
    for case, (logits, one_hot) in CASES.items():
        losses.judge(answer[case], f"model {case}", logits, one_hot)


SWAPPED = "the full model with five logits in place of its 1000 classes, every layer before them kept"


@exercise(
    NOTEBOOK,
    goal="swap the last Dense layer of a full network, all before it kept",
    expects=SWAPPED,
    praise="what went into the old last layer goes into your new one, number for number as in the model before.",
)
def swap_final_dense(answer, full):
    """Judge a copy of `full`, a model that ends in one Dense layer, in which that layer alone is new.

    Parameters
    ----------
    answer : keras.Model
    full : keras.Model
        The model to begin from, with its old last layer.
    """
    if not isinstance(full, keras.Model):
        saw, look = f"beside your answer, full is {describe(full)}", "run the cell that makes the full model again"
        raise Refusal(saw, SWAPPED, look, "the check takes your answer first and the full model second")
    more = "full.layers[-1].input is what the old last layer takes: begin there, end with keras.Model(full.input, …)"
    swapped = probes.model(answer, SWAPPED)
    last = full.layers[-1]
    pictures = np.random.default_rng(9).uniform(-100, 100, (3, *full.input_shape[1:]))
    look = "its input: it must take the same pictures as the model that you began from"
    logits = probes.outputs(swapped, pictures, SWAPPED, look, more)
    saw = f"{describe(answer)}, which gives {logits.shape} for {len(pictures)} pictures"
    if logits.shape[1:] == (last.units,):
        look = "the old last layer: it is still there. Taking it out of the list `layers` changes no model"
        raise Refusal(saw, SWAPPED, look, more)
    _refuse_shape(logits.shape, (3, CLASSES), saw, SWAPPED, more)
    new = [weight for weight in swapped.weights if weight.shape[-1] == CLASSES]
    if len(new) not in (1, 2) or len(new[0].shape) != 2:
        saw = f"{describe(answer)} without one last Dense layer"
        raise Refusal(saw, SWAPPED, "its end: one new Dense, and nothing with weights behind it", more)
    values = _telling(new)
    logits = probes.outputs(swapped, pictures, SWAPPED, look, more, values)
    kernel, *bias = (values[id(each)].numpy() for each in new)
    bias = bias[0] if bias else 0
    rows = _rows(full, pictures)
    kept = rows.pop("")
    if kernel.shape[0] == kept.shape[1] and _equal(logits, kept @ kernel + bias):
        return
    saw = f"{describe(answer)}, whose new layer takes {kernel.shape[0]} numbers"
    if kernel.shape[0] == kept.shape[1]:
        for name in ("softmax", "sigmoid", "relu", "tanh"):
            if _equal(logits, np.asarray(keras.activations.get(name)(kept @ kernel + bias))):
                raise Refusal(f"{describe(answer)}, whose new layer ends in {name}", SWAPPED, NONE, more)
    for name, row in rows.items():
        if row.shape[1] == kernel.shape[0] and _equal(logits, row @ kernel + bias):
            look = f"where your new layer is attached: to {name!r}, but the old one took what stands just before it"
            raise Refusal(saw, SWAPPED, look, more)
    if kernel.shape[0] == kept.shape[1]:
        saw = f"{describe(answer)}: before its new layer it computes other numbers than the full model does"
        look = "the layers before: share those of the full model, with their weights, instead of building new ones"
        raise Refusal(saw, SWAPPED, look, more)
    look = f"what is left out: the old last layer took {kept.shape[1]} numbers"
    raise Refusal(saw, SWAPPED, look, more)


def _telling(new):
    """Return values for a last layer's weights that show what it takes, and any activation behind it.

    Classes alternate in sign, because fc2 gives no negative numbers and all logits could else be positive by chance.
    """
    generator = np.random.default_rng(29)
    signs = np.array([1, -1, 1, -1, 1])
    return {id(each): tf.constant(signs * np.abs(generator.normal(0, 0.05, each.shape)), each.dtype) for each in new}


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
WHOLE = "a model from pixels 0…255 to the logits that the given head gives on the features of the given base"


@exercise(
    NOTEBOOK,
    goal="wire a whole model from pixels, and mend a wiring that only looks correct",
    expects=WHOLE,
    praise="pixels → preprocessing → base → head: the same logits as by hand, from the layers that were given.",
)
def mend_wiring(answer, base, head):
    """Judge a whole model made of a base and a head that takes the features of that base.

    Parameters
    ----------
    answer : keras.Model
    base : keras.Model
        From prepared pictures to maps.
    head : keras.Model
        From these maps to logits.
    """
    more = "four stations: Input for pixels, preprocess_input, base(…), head(…); then keras.Model(pixels, logits)"
    for name, part in (("base", base), ("head", head)):
        if not isinstance(part, keras.Model):
            saw = f"beside your answer, {name} is {describe(part)}"
            raise Refusal(saw, WHOLE, "run the cell that makes the base and the head again", more)
    whole = probes.model(answer, WHOLE)
    pixels = np.random.default_rng(13).integers(0, 256, (3, *base.input_shape[1:])).astype("float32")
    shape = tuple(getattr(whole, "input_shape", None) or ())
    if shape[1:] == tuple(head.input_shape[1:]):
        look = "its input: the head was made for features, but pictures are what is fed. What must stand before it?"
        raise Refusal(f"{describe(answer)}, which takes features {shape[1:]}", WHOLE, look, more)
    look = "its input: it takes pixels of the size that the base takes"
    logits = probes.outputs(whole, pixels, WHOLE, look, more)
    if logits.ndim == 4:
        look = "what stands behind the base: the head is missing"
        raise Refusal(f"{describe(answer)}, which gives maps {logits.shape}", WHOLE, look, more)

    def by_hand(prepared):
        maps = probes.outputs(base, prepared, WHOLE, look, more)
        return probes.outputs(head, maps, WHOLE, look, more)

    if _equal(logits, by_hand(keras.applications.vgg16.preprocess_input(pixels.copy()))):
        return
    arrays = preparations.wrong(keras.applications.vgg16.preprocess_input, pixels)
    name, hint = preparations.recognised(FED, arrays, lambda fed: _equal(logits, by_hand(fed)))
    if name:
        raise Refusal(f"{describe(answer)}, which {hint[0]}", WHOLE, hint[1], more)
    saw = f"{describe(answer)}, whose logits are not those of the given head on the given base"
    if not _holds(whole, head):
        look = "the head: use the one that was given, do not build a new one; its weights are what was learned"
    elif not _holds(whole, base):
        look = "the base: use the one that was given, do not load or build another"
    else:
        look = "what else stands on the way from pixels to logits"
    raise Refusal(saw, WHOLE, look, more)


def _holds(whole, part):
    """Return whether the weights of `part` are among those of `whole`, as they are or as copies."""
    values = [np.asarray(weight) for weight in whole.weights]
    return all(
        any(value.shape == weight.shape and np.array_equal(value, weight) for value in values)
        for weight in map(np.asarray, part.weights)
    )
