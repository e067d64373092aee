"""What really trains: flags, built training steps, the base, BatchNormalization, the learning rate, the optimizer."""

import keras
import numpy as np
import tensorflow as tf

from helpers.doctor import ending, steps, structure, undisturbed
from helpers.doctor.findings import error, unjudged, warning
from helpers.network import inspection

SMALLEST_RATE = 1e-8
# Measured on VGG16 at 96 px: four steps of Adam move block5 by 0.23 of its spread at a learning rate of 0.001, by 0.07
# at 0.0003, by 0.02 at 0.0001, by 0.002 at 0.00001.
TOO_FAR = 0.12  # mean movement in four steps of those numbers that move, as a share of their spread
FAR = 0.02  # enough, together with a loss that grows so many times:
GROWTH = 5


def check(case):
    """Yield findings about what trains."""
    if not case.compiled:
        reason = "The model is not compiled with a loss and an optimizer of Keras, so no training can be tried."
        yield unjudged("stale-compile", reason)
        yield unjudged("rate-undoes-pretraining", reason)
    elif case.labels is None:
        yield unjudged("stale-compile", "The training data hold no labels, so no training step can be tried.")
    elif type(case.model).train_step is not keras.Model.train_step:
        yield unjudged("stale-compile", "The model has a train_step of its own, which the doctor does not run.")
    elif not case.model.trainable_variables:
        seen = "No weight of the model is marked as trainable, so fit changes nothing."
        yield error("unfrozen-base-still", seen, "all-frozen")
    elif any(finding.alarm for finding in ending.check_labels(case, ending.loss_name(case.loss))):
        yield unjudged("stale-compile", "The labels do not fit, so no training step can be tried.")
    else:
        yield from _training(case)


def _training(case):
    plan, real = steps.rehearse(case), steps.real_step(case)
    built = getattr(case.model, "train_function", None) is not None and not case.model.run_eagerly
    if not built:
        yield from _optimizer(case)
    elif real is None:
        reason = "An earlier fit has built a training step, for data of another form than these."
        yield unjudged("stale-compile", reason)
    else:
        yield from _stale(case, plan, real)
    yield from _still(case, plan)
    if case.base is not None:
        yield from _frozen(case, plan, real)
        yield from _statistics(case, plan)
        yield from _rate(case, plan)
    elif case.frozen is not None:
        yield from _against_the_wish(case, real or plan)


def _optimizer(case):
    """Yield a finding where the optimizer was built in an earlier fit, for other weights than those that train now."""
    optimizer, variables = case.model.optimizer, case.model.trainable_variables
    if not optimizer.built:
        return
    try:
        with undisturbed.undisturbed(case.model):
            optimizer.apply([tf.zeros(variable.shape, variable.dtype) for variable in variables], variables)
    except (ValueError, KeyError) as problem:
        line = str(problem).split(", shape")[0].strip().replace("<", "").splitlines()[0][:90]
        seen = f"The optimizer refuses the weights that are to train now ({line}): it was built in an earlier fit."
        mend = f"model.compile(optimizer=keras.optimizers.{_class_name(case)}(learning_rate), ...)  # a new one"
        yield error("optimizer-not-rebuilt", seen, mend=mend)


def _stale(case, plan, real):
    """Yield findings about layers that the built training step treats in another way than the flags say."""
    statistics = {id(weight) for weight in _moving_statistics(case.layers)}
    wrong, still = [], []
    for layer in case.layers:
        own = [weight for weight in layer.weights if id(weight) in real.before and id(weight) not in statistics]
        flagged = [weight for weight in own if id(weight) in case.trainable]
        moves = any(real.moved(weight) for weight in own)
        if moves and not flagged:
            wrong.append(layer.name)
        if not moves and any(plan.moved(weight) for weight in flagged):
            still.append(layer.name)
    for names, flag, what in ((wrong, "False", "moves"), (still, "True", "stands still")):
        if names:
            seen = f"In a training step {structure.named(names)} {what}, but is flagged trainable = {flag}."
            yield error("stale-compile", seen)


def _still(case, plan):
    """Yield findings where no weight moves, or where the gradient does not reach the base."""
    if not any(plan.moved(weight) for weight in case.model.trainable_variables):
        rate = float(case.model.optimizer.learning_rate)
        seen = f"In {steps.STEPS} steps no weight moves at all; the learning rate is {rate:.3g}."
        if rate > SMALLEST_RATE and plan.reached:
            yield unjudged("unfrozen-base-still", f"{seen} The loss gives no gradient, so what trains cannot be told.")
            return
        yield error("unfrozen-base-still", seen, "nothing-moves")
        return
    cut = [
        layer.name
        for layer, kernel in (case.base.kernels if case.base else ())
        if id(kernel) in case.trainable and id(kernel) not in plan.reached and not plan.moved(kernel)
    ]
    if cut:
        seen = f"No gradient reaches {structure.named(cut)}, though flagged trainable = True."
        yield error("unfrozen-base-still", seen, "cut")


def _frozen(case, plan, real):
    """Yield findings about a base that moves although its flag, the learner or an untrained head above say no."""
    base, kernels = case.base, case.base.kernels
    if case.frozen is not None:
        yield from _against_the_wish(case, real or plan)
        return
    if not kernels or real is not None:  # where a step was built, flags and movement were compared already
        return
    moving = [layer.name for layer, kernel in kernels if plan.moved(kernel)]
    nested = [model for model in inspection.nested_models(case.model) if model.name == base.name]
    all_move = len(moving) == len(kernels) and plan.relative([kernel for _, kernel in kernels]) > TOO_FAR
    if nested and not nested[0].trainable and len(moving) > len(kernels) / 2:
        seen = f"{base.name!r}.trainable is False, yet {structure.named(moving)} moves: flagged True inside."
        yield error("frozen-base-moves", seen, mend=f"{base.name}.trainable = False  # sets all inside")
    elif all_move and base.pretrained and _head_is_new(case):
        seen = f"All {len(kernels)} convolutions of {base.name!r} move, below a head that has learned nothing yet."
        yield warning("frozen-base-moves", seen, "new-head")


def _against_the_wish(case, movement):
    """Compare movement with the layers that the learner names as meant to be frozen."""
    moving = {
        layer.name
        for layer in case.layers
        if any(movement.moved(weight) for weight in layer.weights if id(weight) in movement.before)
    }
    convolutions = [layer.name for layer, _ in case.base.kernels] if case.base else []
    wrong = [layer.name for layer in case.layers if layer.name in case.frozen and layer.name in moving]
    still = [name for name in convolutions if name not in case.frozen and name not in moving]
    if wrong:
        seen = f"You mean {structure.named(wrong)} to be frozen, but training moves it."
        yield error("frozen-base-moves", seen, "wish")
    if still:
        seen = f"You mean {structure.named(still)} to train, but training leaves it as it is."
        yield error("unfrozen-base-still", seen, "wish")


def _head_is_new(case):
    """Return whether all biases of the head are zero, as they are before any training."""
    inside = {id(layer) for layer in case.base.layers}
    weights = [weight for layer in case.layers if id(layer) not in inside for weight in layer.weights]
    biases = [weight.numpy() for weight in weights if weight.name == "bias"]
    return bool(biases) and not any(np.any(bias) for bias in biases)


def _statistics(case, plan):
    """Yield a finding where statistics of the base move under kernels that do not, or despite ``training=False``."""
    called_still = _called_without_training(case.model, case.base.name)
    moving, kernel_is_frozen = [], False
    for layer in case.base.layers:
        if structure.kernel_shape(layer) is not None:
            kernel_is_frozen = id(layer.weights[0]) not in case.trainable
        elif called_still or kernel_is_frozen:
            moving += [layer.name for weight in _moving_statistics([layer]) if plan.moved(weight)]
    if moving:
        because = "the base is called with training=False" if called_still else "the weights before them are frozen"
        seen = f"The statistics of {structure.named(moving)} move in {steps.STEPS} steps, though {because}."
        yield error("batchnorm-moves", seen)


def _moving_statistics(layers):
    """Return the moving means and variances of those layers that are BatchNormalization."""
    normal = [layer for layer in layers if isinstance(layer, keras.layers.BatchNormalization)]
    return [weight for layer in normal for weight in layer.weights if weight.name.startswith("moving_")]


def _called_without_training(model, name):
    """Return whether a model's own wiring calls the nested model with ``training=False``."""
    try:
        wiring = model.get_config()["layers"]
    except (KeyError, NotImplementedError, TypeError):
        return False
    calls = [node for layer in wiring if layer["config"].get("name") == name for node in layer.get("inbound_nodes", ())]
    return any(isinstance(node, dict) and node.get("kwargs", {}).get("training") is False for node in calls)


def _rate(case, plan):
    """Yield a finding where a few steps carry the base far from what it had learned."""
    base = case.base
    kernels = [kernel for _, kernel in base.kernels if plan.moved(kernel)]
    if not kernels:
        return
    if base.all_train and not base.pretrained:
        reason = f"The weights of {base.name!r} look as they do before any training: there is nothing to undo."
        yield unjudged("rate-undoes-pretraining", reason)
        return
    if base.all_train and base.family is None:
        yield unjudged("rate-undoes-pretraining", f"Whether {base.name!r} was pre-trained cannot be told.")
        return
    finite = all(np.isfinite(plan.after[id(kernel)]).all() for kernel in kernels) and np.isfinite(plan.losses).all()
    share = plan.relative(kernels)
    thrown = share > FAR and max(plan.losses) > GROWTH * max(plan.losses[0], 1.0)
    if finite and share <= TOO_FAR and not thrown:
        return
    rate, losses = float(case.model.optimizer.learning_rate), ", ".join(f"{loss:.3g}" for loss in plan.losses)
    far = f"the kernels of {base.name!r} move by {share:.0%} of their spread"
    what = far if finite else "weights or loss become infinite"
    seen = f"In {steps.STEPS} steps at rate {rate:.2g} {what}; loss {losses}."
    mend = f"model.compile(optimizer=keras.optimizers.{_class_name(case)}(1e-5), ...)"
    yield error("rate-undoes-pretraining", seen, mend=mend)


def _class_name(case):
    return type(case.model.optimizer).__name__
