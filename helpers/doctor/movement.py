"""What really trains: flags, built training steps, the base, BatchNormalization, the rate, the optimizer."""

import keras
import numpy as np
import tensorflow as tf

from helpers.doctor import ending, steps, structure, undisturbed
from helpers.doctor.findings import Finding, unjudged
from helpers.network import inspection

SMALLEST_RATE = 1e-8
WHY_STALE = (
    "The training step was built by an earlier fit and keeps the flags of that moment; summary() shows the new ones."
)
COMPILE = "model.compile(...)  # again, after every change of trainable"


def check(case):
    """Yield findings about what trains."""
    if not case.compiled:
        for name in ("stale-compile", "rate-undoes-pretraining"):
            yield unjudged(
                name, "The model is not compiled with a loss and an optimizer of Keras, so no training can be tried."
            )
        return
    if case.labels is None:
        yield unjudged("stale-compile", "The training data hold no labels, so no training step can be tried.")
        return
    if type(case.model).train_step is not keras.Model.train_step:
        yield unjudged("stale-compile", "The model has a train_step of its own, which the doctor does not run.")
        return
    if not case.model.trainable_variables:
        yield Finding(
            "unfrozen-base-still",
            "error",
            "No weight of the model is marked as trainable, so fit changes nothing.",
            "A frozen model cannot learn; the head at least has to train.",
            "head.trainable = True, then model.compile(...)",
        )
        return
    if any(finding.alarm for finding in ending.check_labels(case, ending.loss_name(case.loss))):
        yield unjudged("stale-compile", "The labels do not fit, so no training step can be tried.")
        return
    plan = steps.rehearse(case)
    real = steps.real_step(case)
    built = getattr(case.model, "train_function", None) is not None and not case.model.run_eagerly
    if not built:
        yield from _optimizer(case)
    elif real is None:
        yield unjudged(
            "stale-compile", "An earlier fit has built a training step, for data of another form than these."
        )
    else:
        yield from _stale(case, plan, real)
    yield from _still(case, plan)
    yield from _base(case, plan, real)


def _stale(case, plan, real):
    flagged = {id(each) for each in case.model.trainable_variables}
    statistics = {id(each) for each in statistics_of(case)}
    wrong, still = [], []
    for layer in case.layers:
        own = [each for each in layer.weights if id(each) in real.before and id(each) not in statistics]
        moves = any(real.moved(each) for each in own)
        if moves and not any(id(each) in flagged for each in own):
            wrong.append(layer.name)
        if not moves and any(id(each) in flagged and plan.moved(each) for each in own):
            still.append(layer.name)
    for names, flag, what in ((wrong, "False", "moves"), (still, "True", "stands still")):
        if names:
            seen = f"In a training step {structure.named(names)} {what}, but is flagged trainable = {flag}."
            yield Finding("stale-compile", "error", seen, WHY_STALE, COMPILE)


def statistics_of(case):
    """Return the moving means and variances of a model's BatchNormalization layers."""
    normal = [layer for layer in case.layers if isinstance(layer, keras.layers.BatchNormalization)]
    return [
        weight for layer in normal for weight in layer.weights if weight.path.rpartition("/")[2].startswith("moving_")
    ]


def _optimizer(case):
    optimizer, variables = case.model.optimizer, case.model.trainable_variables
    if not optimizer.built:
        return
    try:
        with undisturbed.undisturbed(case.model):
            optimizer.apply([tf.zeros(each.shape, each.dtype) for each in variables], variables)
    except (ValueError, KeyError) as error:
        line = str(error).split(", shape")[0].strip().replace("<", "").splitlines()[0][:90]
        yield Finding(
            "optimizer-not-rebuilt",
            "error",
            f"The optimizer refuses the weights that shall train now ({line}): it was built in an earlier fit.",
            "An optimizer keeps moments for the variables it first met; it cannot train others.",
            f"model.compile(optimizer=keras.optimizers.{type(optimizer).__name__}(learning_rate), ...)  # a new one",
        )


def _still(case, plan):
    flagged = {id(each) for each in case.model.trainable_variables}
    if not any(plan.moved(each) for each in case.model.trainable_variables):
        rate = float(case.model.optimizer.learning_rate)
        seen = f"In {steps.STEPS} steps no weight moves at all; the learning rate is {rate:.3g}."
        if rate > SMALLEST_RATE and plan.reached:
            yield unjudged("unfrozen-base-still", f"{seen} The loss gives no gradient, so what trains cannot be told.")
            return
        why = "Either the rate is too small to change a number, or no gradient reaches a weight."
        mend = "model.compile(optimizer=keras.optimizers.Adam(1e-5), ...)"
        yield Finding("unfrozen-base-still", "error", seen, why, mend)
        return
    cut = [
        layer.name
        for layer, kernel in base_kernels(case)
        if id(kernel) in flagged and id(kernel) not in plan.reached and not plan.moved(kernel)
    ]
    if cut:
        seen = f"No gradient reaches {structure.named(cut)}, though flagged trainable = True."
        why = "Something between these layers and the loss stops the gradient, so they stay as they are."
        yield Finding(
            "unfrozen-base-still", "error", seen, why, "leave out stop_gradient (or whatever takes the base apart)"
        )


# Measured on VGG16 at 96 px: four steps of Adam move block5 by 0.23 of its spread at a rate of 0.001, by 0.07 at
# 0.0003, by 0.02 at 0.0001, by 0.002 at 0.00001.
TOO_FAR = 0.12  # mean movement in four steps of those numbers that move, as a share of their spread
FAR = 0.02  # enough, together with a loss that grows so many times:
THROWN = 5


def _base(case, plan, real):
    """Yield findings about the base.

    Parameters
    ----------
    case : helpers.doctor.splits.Case
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
    holders = [each for each in inspection.nested_models(case.model) if each.name == case.base.name]
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
