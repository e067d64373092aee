"""What really trains: flags, built training steps, BatchNormalization, the rate, the optimizer."""

import keras
import tensorflow as tf

from helpers.doctor import frozen, labels, losses, steps, structure, undisturbed
from helpers.doctor.findings import Finding, unjudged

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
    if any(finding.alarm for finding in labels.check(case, losses.loss_name(case.loss))):
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
    yield from frozen.check(case, plan, real)


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
        for layer, kernel in frozen.base_kernels(case)
        if id(kernel) in flagged and id(kernel) not in plan.reached and not plan.moved(kernel)
    ]
    if cut:
        seen = f"No gradient reaches {structure.named(cut)}, though flagged trainable = True."
        why = "Something between these layers and the loss stops the gradient, so they stay as they are."
        yield Finding(
            "unfrozen-base-still", "error", seen, why, "leave out stop_gradient (or whatever takes the base apart)"
        )
