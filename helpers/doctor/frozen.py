"""A base that was meant to stay as it is, or to be changed gently: does it?"""

import keras
import numpy as np

from helpers.doctor import steps, structure
from helpers.doctor.findings import Finding, unjudged

# Measured on VGG16 at 96 px: four steps of Adam move block5 by 0.23 of its spread at a rate of 0.001, by 0.07 at
# 0.0003, by 0.02 at 0.0001, by 0.002 at 0.00001.
TOO_FAR = 0.12  # mean movement in four steps of those numbers that move, as a share of their spread
FAR = 0.02  # enough, together with a loss that grows so many times:
THROWN = 5


def check(case, plan, real):
    """Yield findings about the base.

    Parameters
    ----------
    case : helpers.doctor.case.Case
    plan, real : helpers.doctor.steps.Movement
        What a model compiled now would move; what its built training step moves, or None.
    """
    yield from _frozen(case, plan, real)
    yield from _statistics(case, plan)
    yield from _rate(case, plan)


def base_kernels(case):
    """Return the convolutions of the base, as (layer, kernel)."""
    if case.base is None:
        return []
    return [(layer, layer.weights[0]) for layer in case.base.layers if structure.kernel_shape(layer) is not None]


def _frozen(case, plan, real):
    kernels = base_kernels(case)
    movement = real or plan
    moving = [layer.name for layer, kernel in kernels if movement.moved(kernel)]
    if case.frozen is not None:
        yield from _against_the_wish(case, movement)
        return
    if not kernels or real is not None:  # where a step was built, flags and movement were compared already
        return
    holders = [each for each in structure.nested_models(case.model) if each.name == case.base.name]
    if holders and not holders[0].trainable and len(moving) > len(kernels) / 2:
        seen = f"{case.base.name!r}.trainable is False, yet {structure.named(moving)} moves: flagged True inside."
        yield Finding(
            "frozen-base-moves", "error", seen, _WHY_FREEZE, f"{case.base.name}.trainable = False  # sets all inside"
        )
    elif (
        len(moving) == len(kernels)
        and case.base.pretrained
        and _head_is_new(case)
        and plan.relative([kernel for _, kernel in kernels]) > TOO_FAR
    ):
        seen = f"All {len(kernels)} convolutions of {case.base.name!r} move, below a head that has learned nothing yet."
        yield Finding(
            "frozen-base-moves", "warning", seen, _WHY_FREEZE, "base.trainable = False, then model.compile(...)"
        )


_WHY_FREEZE = "The errors of a head that knows nothing flow into the base and wash out what it had learned."


def _against_the_wish(case, movement):
    """Compare movement with the layers that the learner names as meant to be frozen."""
    base = case.base.layers if case.base else ()
    weighted = [layer for layer in case.layers if layer.trainable_variables or layer.non_trainable_variables]
    moves = {
        layer.name for layer in weighted if any(movement.moved(w) for w in layer.weights if id(w) in movement.before)
    }
    wrong = [layer.name for layer in weighted if layer.name in case.frozen and layer.name in moves]
    still = [
        layer.name
        for layer in base
        if structure.kernel_shape(layer) and layer.name not in case.frozen and layer.name not in moves
    ]
    if wrong:
        seen = f"You mean {structure.named(wrong)} to be frozen, but training moves it."
        yield Finding(
            "frozen-base-moves", "error", seen, _WHY_FREEZE, "layer.trainable = False, then model.compile(...)"
        )
    if still:
        seen = f"You mean {structure.named(still)} to train, but training leaves it as it is."
        why = "Fine-tuning that does not reach the base is training of the head alone."
        yield Finding("unfrozen-base-still", "error", seen, why, "layer.trainable = True, then model.compile(...)")


def _head_is_new(case):
    inside = {id(layer) for layer in case.base.layers}
    head = [layer for layer in case.layers if layer.weights and id(layer) not in inside]
    biases = [w for layer in head for w in layer.weights if w.path.rpartition("/")[2] == "bias"]
    return bool(biases) and all(not np.any(each.numpy()) for each in biases)


def _statistics(case, plan):
    if case.base is None:
        return
    called_still = _called_without_training(case.model, case.base.name)
    flagged = {id(each) for each in case.model.trainable_variables}
    moving, kernel_is_frozen = [], False
    for layer in case.base.layers:
        if structure.kernel_shape(layer) is not None:
            kernel_is_frozen = id(layer.weights[0]) not in flagged
        elif isinstance(layer, keras.layers.BatchNormalization) and (called_still or kernel_is_frozen):
            statistics = [each for each in layer.weights if each.path.rpartition("/")[2].startswith("moving_")]
            if any(plan.moved(each) for each in statistics):
                moving.append(layer.name)
    if moving:
        because = "the base is called with training=False" if called_still else "the weights before them are frozen"
        seen = f"The statistics of {structure.named(moving)} move in {steps.STEPS} steps, though {because}."
        why = "Every later layer was trained for the old statistics; small batches replace them within an epoch."
        mend = "for each BatchNormalization: layer.trainable = False, then model.compile(...)"
        yield Finding("batchnorm-moves", "error", seen, why, mend)


def _called_without_training(model, name):
    """Return whether a model's own wiring calls the nested model with ``training=False``."""
    try:
        wiring = model.get_config()["layers"]
    except (KeyError, NotImplementedError, TypeError):
        return False
    calls = [node for layer in wiring if layer["config"].get("name") == name for node in layer.get("inbound_nodes", ())]
    return any(isinstance(node, dict) and node.get("kwargs", {}).get("training") is False for node in calls)


def _rate(case, plan):
    kernels = [kernel for _, kernel in base_kernels(case) if plan.moved(kernel)]
    if not kernels:
        return
    if not case.base.pretrained and all(layer.trainable for layer in case.base.layers if layer.weights):
        reason = f"The weights of {case.base.name!r} look as they do before any training: there is nothing to undo."
        yield unjudged("rate-undoes-pretraining", reason)
        return
    if case.base.family is None and all(layer.trainable for layer in case.base.layers if layer.weights):
        yield unjudged("rate-undoes-pretraining", f"Whether {case.base.name!r} was pre-trained cannot be told.")
        return
    finite = all(np.isfinite(plan.after[id(kernel)]).all() for kernel in kernels) and np.isfinite(plan.losses).all()
    share = plan.relative(kernels)
    thrown = finite and share > FAR and max(plan.losses) > THROWN * max(plan.losses[0], 1.0)
    if finite and share <= TOO_FAR and not thrown:
        return
    rate = float(case.model.optimizer.learning_rate)
    far = (
        f"the kernels of {case.base.name!r} move by {share:.0%} of their spread"
        if finite
        else "weights or loss become infinite"
    )
    seen = f"In {steps.STEPS} steps at rate {rate:.2g} {far}; loss {', '.join(f'{loss:.3g}' for loss in plan.losses)}."
    why = "What the base learned from over a million pictures is gone after a few steps, whatever the head knew before."
    mend = f"model.compile(optimizer=keras.optimizers.{type(case.model.optimizer).__name__}(1e-5), ...)"
    yield Finding("rate-undoes-pretraining", "error", seen, why, mend)
