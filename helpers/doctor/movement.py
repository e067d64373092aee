"""What really trains: flags, built training steps, the base, BatchNormalization, the learning rate, the optimizer."""

import difflib

import keras
import numpy as np
import tensorflow as tf

from helpers.doctor import ending, steps, structure, undisturbed
from helpers.doctor.findings import error, unjudged, warning

SMALLEST_RATE = 1e-8
# Measured on VGG16 at 96 px: four steps of Adam move block5 by 0.23 of its spread at a learning rate of 0.001, by 0.07
# at 0.0003, by 0.02 at 0.0001, by 0.002 at 0.00001.
TOO_FAR = 0.12  # mean movement in four steps of those numbers that move, as a share of their spread
FAR = 0.02  # enough, together with a loss that grows so many times:
GROWTH = 5
# Measured on VGG16's features: in four steps the loss of a head grows up to 4-fold with Adam at 0.01, 360-fold with
# SGD at 0.01, 40,000-fold and more with SGD at 10.
EXPLODES, PERHAPS = 1000, 400
TOP_OF_VGG = ("fc1", "fc2")


def check(case):
    """Yield findings about what trains."""
    reason = _why_not(case)
    if reason:
        yield unjudged("stale-compile", f"{reason}: no training step can be tried.")
        yield unjudged("rate-undoes-pretraining", f"{reason}: no training step can be tried.")
    elif not case.model.trainable_variables:
        seen = "No weight of the model is marked as trainable, so fit changes nothing."
        yield error("unfrozen-base-still", seen, "all-frozen")
    else:
        yield from _training(case)


def _why_not(case):
    """Return why no training step can be tried, or None."""
    own = [name for name in ("train_step", "compute_loss") if not _is_of_keras(case.model, name)]
    if own:
        return f"The model has its own {own[0]}, which the doctor does not run"
    if not case.compiled:
        return "The model is not compiled with one loss and an optimizer of Keras"
    if case.labels is None:
        return "The training data hold no labels"
    misfit = any(finding.alarm for finding in ending.check_labels(case, ending.loss_name(case.loss)))
    return "The labels do not fit" if misfit else None


def _is_of_keras(model, name):
    return getattr(getattr(model, name), "__func__", None) is getattr(keras.Model, name)


def _training(case):
    plan, real = steps.rehearse(case), steps.real_step(case)
    if plan is None:
        reason = f"The optimizer {_class_name(case)} cannot be copied (from_config): no training step can be tried."
        yield unjudged("stale-compile", reason)
        yield unjudged("rate-undoes-pretraining", reason)
        return
    if getattr(case.model, "train_function", None) is None or case.model.run_eagerly:
        yield from _optimizer(case)
    elif real is None:
        reason = "An earlier fit has built a training step, for data of another form than these."
        yield unjudged("stale-compile", reason)
    else:
        yield from _stale(case, plan, real)
    yield from _still(case, plan)
    if case.frozen is not None:
        yield from _against_the_wish(case, plan, real or plan)
    else:
        yield from _head(case, plan)
    if case.base is not None and case.frozen is None and real is None:
        yield from _frozen(case, plan)  # where a step was built, flags and movement were compared already
    yield from _statistics(case, plan)
    undone = list(_rate(case, plan)) if case.base is not None else []
    yield from undone
    if not any(finding.alarm for finding in undone):
        yield from _explosion(case, plan)


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
        yield error("optimizer-not-rebuilt", seen, mend=f"{_at_rate(case, 'learning_rate')}  # a new one")


def _stale(case, plan, real):
    """Yield findings about layers that the built training step treats in another way than the flags say."""
    wrong, still = [], []
    for layer, weights in undisturbed.owners(case.model):
        learned = [weight for weight in weights if not _is_statistic(layer, weight)]
        flagged = [weight for weight in learned if id(weight) in case.trainable]
        moves = any(real.moved(weight) for weight in learned)
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
        seen = f"In {len(plan.losses)} steps no weight moves at all; the learning rate is {rate:.3g}."
        if plan.rate_to_come > max(rate, SMALLEST_RATE):
            yield unjudged("unfrozen-base-still", f"{seen} It rises later, to {plan.rate_to_come:.3g}.")
        elif rate > SMALLEST_RATE and plan.reached:
            yield unjudged("unfrozen-base-still", f"{seen} The loss gives no gradient, so what trains cannot be told.")
        else:
            yield error("unfrozen-base-still", seen, "nothing-moves")
        return
    cut = [
        layer
        for layer, kernel in (case.base.kernels if case.base else ())
        if id(kernel) in case.trainable and id(kernel) not in plan.reached and not plan.moved(kernel)
    ]
    if cut:
        _, calls = undisturbed.recorded_call(case.model, cut, case.inputs[:2])
        cut = [layer.name for layer, _, _ in calls]  # the others have no part in the outputs
    if cut:
        seen = f"No gradient reaches {structure.named(cut)}, though flagged trainable = True."
        yield error("unfrozen-base-still", seen, "cut")


def _head(case, plan):
    """Yield a finding where a classifier that has learned nothing is frozen, while other layers train."""
    called = [layer for layer, _, _ in case.calls if layer.weights]
    weights = called[-1].weights if called else []
    biases = [weight for weight in weights if weight.name == "bias"]
    new = bool(biases) and not any(np.any(bias.numpy()) for bias in biases)
    others = [layer.name for layer, own in undisturbed.owners(case.model) if any(map(plan.moved, own))]
    if new and others and not any(id(weight) in case.trainable for weight in weights):
        seen = f"{called[-1].name!r} is new (its biases are all 0) and frozen, while {structure.named(others)} trains."
        yield error("head-frozen", seen)


def _frozen(case, plan):
    """Yield findings about a base that moves although its own flag or an untrained head above it say no."""
    base, kernels = case.base, case.base.kernels
    if not kernels:
        return
    moving = [layer.name for layer, kernel in kernels if plan.moved(kernel)]
    free = [id(kernel) in case.trainable for _, kernel in kernels]
    last_ones = free == sorted(free) and not free[0]  # freed from the end, as most recipes do
    container = [part for part in undisturbed.parts_of(case.model)[1:] if part.name == base.name]
    all_move = len(moving) == len(kernels) and plan.relative([kernel for _, kernel in kernels]) > TOO_FAR
    if container and not container[0].trainable and not last_ones and len(moving) > len(kernels) / 2:
        seen = f"{base.name!r}.trainable is False, yet {structure.named(moving)} moves: flagged True inside."
        yield error("frozen-base-moves", seen, mend=f"{base.name}.trainable = False  # sets all inside")
    elif all_move and base.pretrained and _head_is_new(case):
        seen = f"All {len(kernels)} convolutions of {base.name!r} move, below a head that has learned nothing yet."
        yield warning("frozen-base-moves", seen, "new-head")


def resolve(model, frozen):
    """Return the ids of the layers that names and layers stand for, and those names that stand for none.

    A layer that holds others, or its name, stands for all inside it. A layer that is not in the model stands for those
    of its name, as in a copy.
    """
    parts, meant, unknown = undisturbed.parts_of(model), set(), []
    for given in frozen:
        inside = undisturbed.parts_of(given) if isinstance(given, keras.Layer) else [given]
        for one in inside:
            found = [part for part in parts if part is one] or [part for part in parts if part.name == _name(one)]
            meant.update(id(inner) for part in found for inner in undisturbed.parts_of(part))
            if not found and one is inside[-1] and not (len(inside) > 1 and meant):
                unknown.append(_name(given))
    return meant, unknown


def _name(one):
    return one if isinstance(one, str) else one.name


def near_names(model, unknown):
    """Return the names of a model's layers that are spelled most like unknown ones."""
    known = [part.name for part in undisturbed.parts_of(model)[1:]]
    near = [match for name in unknown for match in difflib.get_close_matches(name, known, 3, 0.5)]
    return list(dict.fromkeys(near)) or known[:12]


def _against_the_wish(case, plan, movement):
    """Compare movement with the layers that the learner names as meant to be frozen."""
    meant, _ = resolve(case.model, case.frozen)
    own = undisturbed.owners(case.model)
    wrong = [layer.name for layer, weights in own if id(layer) in meant and any(map(movement.moved, weights))]
    still = [
        layer.name
        for layer, kernel in (case.base.kernels if case.base else ())
        if id(layer) not in meant and not movement.moved(kernel)
        if id(kernel) not in case.trainable or plan.moved(kernel)
    ]
    if wrong:
        seen = f"You mean {structure.named(wrong)} to be frozen, but training moves it."
        yield error("frozen-base-moves", seen, "wish")
    if still:
        seen = f"You mean {structure.named(still)} to train, but training leaves it as it is."
        yield error("unfrozen-base-still", seen, "wish")


def _head_is_new(case):
    """Return whether all biases of the head are zero, as they are before any training."""
    inside = {id(layer) for layer in (*case.base.layers, *_top_of_vgg(case))}
    own = [weights for layer, weights in undisturbed.owners(case.model) if id(layer) not in inside]
    biases = [weight.numpy() for weights in own for weight in weights if weight.name == "bias"]
    return bool(biases) and not any(np.any(bias) for bias in biases)


def _top_of_vgg(case):
    """Return VGG16's own fc1 and fc2, where they are still in the model with biases that were trained for long."""
    parts = undisturbed.parts_of(case.model)
    top = [part for part in parts if part.name in TOP_OF_VGG and getattr(part, "units", 0) == 4096 and part.weights]
    trained = [part for part in top if np.abs(part.weights[-1].numpy()).mean() > structure.NEAR_ZERO]
    return trained if len(trained) == len(TOP_OF_VGG) else []


def _statistics(case, plan):
    """Yield a finding where statistics move between kernels that do not, or despite ``training=False``.

    The first BatchNormalization of a free block may follow a frozen kernel: it belongs to the kernel after it.
    """
    layers = case.base.layers if case.base else [layer for layer, _ in undisturbed.owners(case.model)]
    called_still = case.base is not None and _called_without_training(case.model, case.base.name)
    kernels = [place for place, layer in enumerate(layers) if structure.kernel_shape(layer) is not None]
    free = [place for place in kernels if id(layers[place].weights[0]) in case.trainable]
    moving = []
    for place, layer in enumerate(layers):
        before, after = [one for one in kernels if one < place][-1:], [one for one in kernels if one > place][:1]
        around = [*before, *after] if after or free else before
        amid_frozen = bool(before) and not set(around) & set(free) and (bool(after) or not free)
        if called_still or amid_frozen:
            moving += [layer.name for weight in layer.weights if _is_statistic(layer, weight) and plan.moved(weight)]
    if moving:
        because = "the base is called with training=False" if called_still else "the weights around them are frozen"
        seen = f"The statistics of {structure.named(moving)} move in {len(plan.losses)} steps, though {because}."
        yield error("batchnorm-moves", seen)


def _is_statistic(layer, weight):
    return isinstance(layer, keras.layers.BatchNormalization) and weight.name.startswith("moving_")


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
    groups = [(base.name, base.kernels), ("fc1 and fc2", [(layer, layer.weights[0]) for layer in _top_of_vgg(case)])]
    moved = [(name, [kernel for _, kernel in kernels if plan.moved(kernel)]) for name, kernels in groups]
    moved = [(plan.relative(kernels), name) for name, kernels in moved if kernels]
    if not moved:
        return
    if base.all_train and not (base.pretrained and base.family):
        reason = "cannot be told" if base.pretrained else "is unlikely: its weights look as before any training"
        yield unjudged("rate-undoes-pretraining", f"Whether {base.name!r} was pre-trained {reason}.")
        return
    share, name = max(moved)
    finite = plan.finite and np.isfinite(plan.losses).all()
    thrown = share > FAR and max(plan.losses) > GROWTH * max(plan.losses[0], 1.0)
    if (finite and share <= TOO_FAR and not thrown) or not np.isfinite(plan.losses[0]):
        return
    far = f"the kernels of {name!r} move by {share:.0%} of their spread"
    seen = f"{_in_steps(case, plan)} {far if finite else 'weights or loss are not finite'}; loss {_losses(plan)}."
    yield error("rate-undoes-pretraining", seen, mend=_at_rate(case, "1e-5"))


def _explosion(case, plan):
    """Yield a finding where the loss, or what goes into the last softmax, grows without end."""
    first = plan.losses[0]
    if not np.isfinite(first):
        yield unjudged("head-rate-explodes", f"The loss is {first} before the first step.")
        return
    scale = max(first, 1.0, float(np.std(case.outputs.astype("float64"))))
    growth, what = max(plan.losses) / scale, f"the loss goes {_losses(plan)}"
    layer, inputs, _ = case.calls[-1] if case.calls else (None, None, None)
    name = getattr(getattr(layer, "activation", None), "__name__", "")
    if name in ("softmax", "sigmoid") and id(layer.weights[0]) in plan.after:  # there Keras cuts the loss off at 16
        ends = [[weight.numpy() for weight in layer.weights], [plan.after[id(weight)] for weight in layer.weights]]
        before, after = (np.std(inputs @ values[0] + sum(values[1:])) for values in ends)
        if after / max(before, 1.0) > growth:
            growth, what = after / max(before, 1.0), f"what goes into {name} spreads from {before:.3g} to {after:.3g}"
    seen = f"{_in_steps(case, plan)} {what}"
    if not plan.finite or not np.isfinite([growth, *plan.losses]).all() or growth > EXPLODES:
        yield error("head-rate-explodes", f"{seen}.", mend=_at_rate(case, "1e-3"))
    elif growth > PERHAPS:
        yield unjudged("head-rate-explodes", f"{seen}. Whether it comes down again cannot be told from these steps.")


def _in_steps(case, plan):
    return f"In {len(plan.losses)} steps at learning rate {float(case.model.optimizer.learning_rate):.2g}"


def _at_rate(case, rate):
    return f"model.compile(optimizer=keras.optimizers.{_class_name(case)}({rate}), ...)"


def _losses(plan):
    return ", ".join(f"{loss:.3g}" for loss in plan.losses[-steps.STEPS :])


def _class_name(case):
    return type(getattr(case.model.optimizer, "inner_optimizer", case.model.optimizer)).__name__
