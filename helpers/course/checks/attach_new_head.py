"""Checks of notebook 03: the functional way, heads, wiring, and the loss that fits."""

import keras
import numpy as np

from helpers.course.checks import losses, preparations, probes
from helpers.course.checks.exercise import Refusal, describe, exercise

NOTEBOOK = "03_attach_new_head"
MAPS, CLASSES = (5, 5, 1280), 3  # of the network for which heads are asked
OUTPUTS = 2  # of the model that a learner wires around a toy
WAYS = {
    "not-scaled": "the numbers reach the toy as they are",
    "scaled-late": "the scaling comes after the toy",
    "scaled-twice": "the numbers are scaled twice",
}


@exercise(NOTEBOOK)
def wire_toy(answer, scale, toy):
    """Judge a model that passes numbers through a given layer, a given model and a new Dense layer."""
    whole = probes.model(answer)
    numbers = np.random.default_rng(3).uniform(0, 100, (8, *toy.input_shape[1:])).astype("float32")
    probes.refuse_shape(probes.outputs(whole, numbers).shape, (8, OUTPUTS), numbers.shape)
    if not all(probes.among(weight, whole.weights) for weight in toy.weights):
        raise Refusal("another-toy")
    new = [weight for weight in whole.weights if not probes.among(weight, toy.weights)]
    if [tuple(weight.shape) for weight in new] != [(toy.output_shape[-1], OUTPUTS), (OUTPUTS,)]:
        raise Refusal("other-layers", count=len(new))
    values = probes.nudged(new)
    kernel, bias = (np.asarray(value) for value in values.values())
    got, scaled = probes.outputs(whole, numbers, values), np.asarray(scale(numbers))
    ways = {
        "right": probes.outputs(toy, scaled),
        "not-scaled": probes.outputs(toy, numbers),
        "scaled-late": np.asarray(scale(probes.outputs(toy, numbers))),
        "scaled-twice": probes.outputs(toy, np.asarray(scale(scaled))),
    }
    if not probes.same(got, ways["right"] @ kernel + bias):
        found = [way for way, rows in ways.items() if probes.same(got, rows @ kernel + bias)]
        raise Refusal(f"another-way:{WAYS[found[0]]}" if found else "none-known")


HEADS = ("fewest parameters", "position")


@exercise(NOTEBOOK)
def heads_for_maps(answer):
    """Judge two heads on maps, one with as few parameters as can be, one that notices places, and what they cost."""
    probes.entries(answer, (*HEADS, "difference"))
    maps = np.random.default_rng(5).gamma(0.5, 2.0, (6, *MAPS)).astype("float32")
    counts = []
    for name in HEADS:
        head = probes.model(answer[name])
        values = _judge_head(head, maps, name)
        elsewhere = probes.same(probes.outputs(head, maps[:, ::-1, ::-1], values), probes.outputs(head, maps, values))
        if elsewhere != (name == HEADS[0]):
            raise Refusal(f"places-lost:{name}" if elsewhere else f"places-kept:{name}")
        counts.append(head.count_params())
    least = MAPS[-1] * CLASSES + CLASSES
    if counts[0] != least:
        raise Refusal("too-many", count=counts[0])
    given, difference = probes.number(answer["difference"]), counts[1] - counts[0]
    if given != difference:
        raise Refusal("another-difference", given=given, first=counts[0], second=counts[1])


def _judge_head(head, maps, name):
    """Refuse a model that is no head on such maps which ends in logits and can learn; return values for its weights."""
    probes.refuse_shape(probes.outputs(head, maps).shape, (len(maps), CLASSES), maps.shape)
    values = probes.nudged(head.trainable_variables)
    learning = {id(weight) for weight in probes.reached(head, maps, values)}
    still = [weight for weight in head.weights if len(weight.shape) > 1 and id(weight) not in learning]
    if still or not learning:
        raise Refusal(f"frozen:{name}")
    outputs = probes.outputs(head, maps, values)
    for layer in probes.layers_of(head.trainable_variables):
        ids = [id(weight) for weight in head.trainable_variables if probes.layer_of(weight) == layer]
        none, turned = (
            probes.outputs(head, maps, values | {key: factor * values[key] for key in ids}) for factor in (0, -2)
        )
        if probes.same(turned, 3 * none - 2 * outputs) and not probes.same(none, outputs):
            return values  # from these weights on all is linear: there is no activation
    raise Refusal(f"activation:{name}")


MODELS = {  # logits, one-hot labels, one output for two classes
    "A": (True, False, False),
    "B": (False, True, False),
    "C": (True, False, True),
    "D": (False, False, False),
}


@exercise(NOTEBOOK)
def choose_losses(answer):
    """Judge the losses chosen for four models that differ in their endings and their labels."""
    probes.entries(answer, MODELS)
    for model, (logits, one_hot, single) in MODELS.items():
        losses.judge(answer[model], f"model {model}", logits, one_hot, single=single)


@exercise(NOTEBOOK)
def mend_wiring(answer, base, head):
    """Judge a whole model made of a base and a head that takes the features of that base."""
    for name, part in (("base", base), ("head", head)):
        if not isinstance(part, keras.Model):
            raise Refusal(f"part-is-no-model:{name}", part=describe(part))
    whole = probes.model(answer)
    pixels = np.random.default_rng(13).integers(0, 256, (2, *base.input_shape[1:])).astype("float32")
    logits = probes.outputs(whole, pixels)
    made = preparations.variants(keras.applications.vgg16.preprocess_input, pixels)
    right = probes.outputs(head, probes.outputs(base, made["prepared"]))
    if probes.same(logits, right):
        return
    if (logits >= 0).all() and np.allclose(logits.sum(axis=-1), 1, atol=1e-3):
        raise Refusal("softmax-after")
    all_at_once = probes.outputs(head, probes.outputs(base, np.concatenate(list(made.values()))))
    made = dict(zip(made, np.split(all_at_once, len(made)), strict=True))
    mistake = preparations.recognised(made, made, logits)
    if mistake:
        raise Refusal(mistake)
    for part, reason in ((head, "another-head"), (base, "another-base")):
        if not all(probes.among(weight, whole.weights) for weight in part.weights):
            raise Refusal(reason)
    differs = np.abs(logits - right).max() if logits.shape == right.shape else np.inf
    raise Refusal("something-between", differs=differs, shape=logits.shape)
