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
EXPLODES = 1000


def check(case):
    """Yield findings about what trains."""
    reason, plan = _why_not(case), None
    if not reason:
        if not case.model.trainable_variables:
            yield error("unfrozen-base-still", "No weight is marked as trainable: fit changes nothing.", "all-frozen")
            return
        plan = steps.rehearse(case)
    if plan:
        yield from _training(case, plan)
    else:
        reason = reason or f"The optimizer {_class_name(case)} cannot be copied (from_config)"
        yield unjudged("stale-compile", f"{reason}: no training step can be tried.")
        yield unjudged("rate-undoes-pretraining", f"{reason}: no training step can be tried.")


def _why_not(case):
    """Return why no training step can be tried, or None."""
    for name in ("train_step", "compute_loss"):
        if getattr(getattr(case.model, name), "__func__", None) is not getattr(keras.Model, name):
            return f"The model has its own {name}, which the doctor does not run"
    if not case.compiled:
        return "The model is not compiled with one loss and an optimizer of Keras"
    if case.labels is None:
        return "The training data hold no labels"
    findings = ending.check_labels(case, ending.loss_name(case.loss))
    return "The labels do not fit" if any(finding.alarm for finding in findings) else None


def _training(case, plan):
    built = getattr(case.model, "train_function", None) is not None and not case.model.run_eagerly
    real = steps.real_step(case) if built else None
    if not built:
        yield from _optimizer(case) if case.model.optimizer.built else ()
    elif real is None:
        yield unjudged("stale-compile", "An earlier fit built a training step, for data of another form than these.")
    else:
        yield from _stale(case, plan, real)
    yield from _still(case, plan)
    if case.frozen is not None:
        yield from _against_the_wish(case, real or plan)
    else:
        yield from _head(case, plan)
        if case.base and real is None:  # where a step was built, flags and movement were compared already
            yield from _frozen(case, plan)
    yield from _statistics(case, plan)
    undone = list(_rate(case, plan)) if case.base is not None else []
    yield from undone
    if not any(finding.alarm for finding in undone):
        yield from _explosion(case, plan)


def _optimizer(case):
    optimizer, variables = case.model.optimizer, case.model.trainable_variables
    try:
        with undisturbed.undisturbed(case.model):
            optimizer.apply([tf.zeros(variable.shape, variable.dtype) for variable in variables], variables)
    except (ValueError, KeyError):
        seen = f"An earlier fit built the optimizer for others than the {len(variables)} weights that are to train now."
        yield error("optimizer-not-rebuilt", seen, mend=f"{_at_rate(case, 'learning_rate')}  # a new one")


def _stale(case, plan, real):
    wrong, still = [], []
    for layer, weights in undisturbed.owners(case.model):
        learned = [weight for weight in weights if not weight.name.startswith(steps.STATISTIC)]
        flagged = [weight for weight in learned if id(weight) in case.trainable]
        moves = any(real.moved(weight) for weight in learned)
        if moves and not flagged:
            wrong.append(layer.name)
        if not moves and any(plan.moved(weight) for weight in flagged):
            still.append(layer.name)
    for names, flag, what in ((wrong, "False", "moves"), (still, "True", "does not move")):
        if names:
            seen = f"Flagged trainable = {flag}, but a training step {what} {structure.named(names)}."
            yield error("stale-compile", seen)


def _still(case, plan):
    if not any(plan.moved(weight) for weight in case.model.trainable_variables):
        optimizer = getattr(case.model.optimizer, "inner_optimizer", case.model.optimizer)
        rate = float(optimizer.learning_rate)
        seen = f"In {len(plan.losses)} steps no weight moves at all; the learning rate is {rate:.3g}."
        begins = int(optimizer.iterations) == 0 and isinstance(optimizer.get_config()["learning_rate"], dict)
        if rate > SMALLEST_RATE and plan.reached:
            yield unjudged("unfrozen-base-still", f"{seen} The loss gives no gradient, so what trains cannot be told.")
        elif rate <= SMALLEST_RATE and begins:
            yield unjudged("unfrozen-base-still", f"{seen} It follows a schedule that has just begun, and may rise.")
        else:
            yield error("unfrozen-base-still", seen, "nothing-moves")
        return
    kernels = case.base.kernels if case.base else []
    cut = [layer for layer, kernel in kernels if id(kernel) in case.trainable and id(kernel) not in plan.reached]
    calls = undisturbed.recorded_call(case.model, cut, case.inputs[:2])[1] if cut else []
    if calls:  # the others have no part in the outputs
        names = structure.named(layer.name for layer, _, _ in calls)
        yield error("unfrozen-base-still", f"No gradient reaches {names}, though trainable = True.", "cut")


def _head(case, plan):
    new = _new_classifier(case)
    others = [layer.name for layer, own in undisturbed.owners(case.model) if any(map(plan.moved, own))]
    if new and others and not any(id(weight) in case.trainable for weight in new.weights):
        seen = f"{new.name!r} is new (its biases are all 0) and frozen, while training moves {structure.named(others)}."
        yield error("head-frozen", seen)


def _new_classifier(case):
    """Return the last layer with weights if its biases are all zero, as they are before any training, or None."""
    called = [layer for layer, _, _ in case.calls if layer.weights]
    biases = [weight.numpy() for weight in called[-1].weights if weight.name == "bias"] if called else []
    return called[-1] if biases and not np.any(biases) else None


def _frozen(case, plan):
    base, kernels = case.base, case.base.kernels
    moving = [layer.name for layer, kernel in kernels if plan.moved(kernel)]
    free = [id(kernel) in case.trainable for _, kernel in kernels]
    last_ones = free == sorted(free) and not free[0]  # freed from the end, as most recipes do
    container = [part for part in undisturbed.parts_of(case.model)[1:] if part.name == base.name]
    all_move = len(moving) == len(kernels) and plan.relative([kernel for _, kernel in kernels]) > TOO_FAR
    if container and not container[0].trainable and not last_ones and len(moving) > len(kernels) / 2:
        seen = f"{base.name!r}.trainable is False, yet training moves {structure.named(moving)}: flagged True inside."
        yield error("frozen-base-moves", seen, mend=f"{base.name}.trainable = False  # sets all inside")
    elif all_move and base.pretrained and _new_classifier(case):
        seen = f"All {len(kernels)} convolutions of {base.name!r} move, below a head that has learned nothing yet."
        yield warning("frozen-base-moves", seen, "new-head")


def resolve(model, frozen):
    """Return the ids of the layers that names and layers stand for, with all inside; and names that stand for none."""
    # A layer that is not in the model stands for those of its name, as in a copy.
    parts, meant, unknown = undisturbed.parts_of(model), set(), []
    for given in frozen:
        inside = [] if isinstance(given, str) else undisturbed.parts_of(given)
        names = {layer.name for layer in inside} or {given}
        found = [part for part in parts if part in inside] or [part for part in parts if part.name in names]
        meant.update(id(inner) for part in found for inner in undisturbed.parts_of(part))
        unknown += [] if found else [inside[0].name if inside else given]
    return meant, unknown


def near_names(model, unknown):
    """Return the names of a model's layers that are spelled most like the first of the unknown ones."""
    return difflib.get_close_matches(unknown[0], [part.name for part in undisturbed.parts_of(model)[1:]], 3, 0)


def _against_the_wish(case, movement):
    meant, _ = resolve(case.model, case.frozen)
    own = undisturbed.owners(case.model)
    wrong = [layer.name for layer, weights in own if id(layer) in meant and any(map(movement.moved, weights))]
    free = [layer for layer, kernel in (case.base.kernels if case.base else ()) if id(kernel) not in case.trainable]
    still = [layer.name for layer in free if id(layer) not in meant]
    if wrong:
        yield error("frozen-base-moves", f"Training moves {structure.named(wrong)}, meant to be frozen.", "wish")
    if still:  # a list of what is frozen may be a part of it
        seen = f"`frozen` leaves out {structure.named(still)}, flagged trainable = False: which you mean is open."
        yield unjudged("unfrozen-base-still", seen, "name them in `frozen`, or set trainable = True and compile")


def _statistics(case, plan):
    """Yield a finding where statistics move between kernels that do not, or despite ``training=False``."""
    # The first BatchNormalization of a free block may follow a frozen kernel: it belongs to the kernel after it.
    layers = case.base.layers if case.base else [layer for layer, _ in undisturbed.owners(case.model)]
    called_still = case.base is not None and _called_without_training(case.model, case.base.name)
    kernels = [place for place, layer in enumerate(layers) if structure.kernel_shape(layer) is not None]
    free = [place for place in kernels if id(layers[place].weights[0]) in case.trainable]
    moving = []
    for place, layer in enumerate(layers):
        before = [one for one in kernels if one < place][-1:]
        after = [one for one in kernels if one > place][:1] or free
        amid_frozen = before and not {*before, *after} & {*free}
        statistics = [weight for weight in layer.weights if weight.name.startswith(steps.STATISTIC)]
        if (called_still or amid_frozen) and any(map(plan.moved, statistics)):
            moving.append(layer.name)
    if moving:
        because = "the base is called with training=False" if called_still else "the weights around them are frozen"
        seen = f"The statistics of {structure.named(moving)} move in {len(plan.losses)} steps, though {because}."
        yield error("batchnorm-moves", seen)


def _called_without_training(model, name):
    """Return whether a functional model's own wiring calls the nested model with ``training=False``."""
    wiring = model.get_config()["layers"] if type(model).__name__ == "Functional" else ()
    calls = [node for layer in wiring if layer["config"].get("name") == name for node in layer["inbound_nodes"]]
    return any(node["kwargs"].get("training") is False for node in calls)


def _rate(case, plan):
    base = case.base
    groups = [(base.name, [kernel for _, kernel in base.kernels])]
    for layer, weights in undisturbed.owners(case.model):  # VGG16's own, with biases that were trained for long
        top = layer.name in ("fc1", "fc2") and getattr(layer, "units", 0) == 4096
        if top and np.abs(weights[-1].numpy()).mean() > structure.NEAR_ZERO:
            groups.append((layer.name, weights[:1]))
    moved = [(plan.relative(kernels), name) for name, kernels in groups if any(map(plan.moved, kernels))]
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
    far = f"the kernels of {name!r} move by {share:.0%} of their spread" if finite else "weights or loss are not finite"
    yield error("rate-undoes-pretraining", f"{_in_steps(case, plan)} {far}.", mend=_at_rate(case, "1e-5"))


def _explosion(case, plan):
    first = plan.losses[0]
    if not np.isfinite(first):
        yield unjudged("head-rate-explodes", f"The loss is {first} before the first step.")
        return
    growth = max(plan.losses) / max(first, 1.0, float(np.std(case.outputs.astype("float64"))))
    if not plan.finite or not np.isfinite(plan.losses).all() or growth > EXPLODES:
        yield error("head-rate-explodes", f"{_in_steps(case, plan)} it grows without end.", mend=_at_rate(case, "1e-3"))


def _in_steps(case, plan):
    losses = ", ".join(f"{loss:.3g}" for loss in plan.losses[-steps.STEPS :])
    rate = float(case.model.optimizer.learning_rate)
    return f"In {len(plan.losses)} steps at learning rate {rate:.2g} the loss goes {losses};"


def _at_rate(case, rate):
    return f"model.compile(optimizer=keras.optimizers.{_class_name(case)}({rate}), ...)"


def _class_name(case):
    return type(getattr(case.model.optimizer, "inner_optimizer", case.model.optimizer)).__name__
