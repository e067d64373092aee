"""What a few training steps would move, and what they really move; the model is left as it was."""

import contextlib
import itertools
from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf

from helpers.doctor import undisturbed
from helpers.doctor.splits import BATCH, TRIED

STEPS = 4
SKIPPED = 16  # steps that loss scaling may skip until its scale fits: it begins at 2 to the power of 15
NUMBERS = 8 * 96 * 96 * 3  # of a batch that steps are tried on: of large pictures two do
LATER = (1, 10, 100, 1000, 10_000)  # steps from now at which a schedule is asked for its learning rate


class _Tracing(BaseException):
    """Keras begins to build another training step; not an Exception, so that nothing on the way catches it."""


@dataclass(frozen=True)
class Movement:
    """What moved."""

    changes: dict  # id of a variable to how far it moved: (sum over its numbers as shares of their spread, count)
    finite: bool = True  # whether all that moved is finite afterwards
    losses: tuple = ()  # of each step, before it
    reached: frozenset = frozenset()  # ids of the variables that a gradient reached
    after: dict | None = None  # id of a trainable variable to its values after the last step
    rate_to_come: float = 0.0  # the highest learning rate of the steps that follow

    def moved(self, variable):
        """Return whether a variable moved at all."""
        return self.changes.get(id(variable), (0, 0))[1] > 0

    def relative(self, variables):
        """Return how far those numbers that move at all move on average, as a share of their weight's spread.

        Weights of dead units do not move, whatever the learning rate, so numbers that do not move do not count.
        """
        total, count = np.sum([self.changes.get(id(variable), (0, 0)) for variable in variables], axis=0)
        return float(total / count) if count else 0.0


def _movement(variables, before, now, **rest):
    changes, finite = {}, True
    for variable, old, new in zip(variables, before, now, strict=True):
        old, new = np.asarray(old), np.asarray(new)
        if not np.array_equal(old, new):
            change, spread = np.abs(new.astype("float64") - old), float(old.std()) or 1.0
            changes[id(variable)] = float(change.sum()) / spread, int(np.count_nonzero(change))
            finite = finite and bool(np.isfinite(new).all())
    return Movement(changes, finite, **rest)


def rehearse(case):
    """Return what training steps would move if the model were compiled now with its optimizer and loss.

    The steps are computed beside the model (`stateless_call`) on copies of its weights, with a copy of the optimizer
    and its state. So flags, learning rate and gradients alone decide what moves. None where the optimizer cannot be
    copied.
    """
    model = case.model
    trainable, fixed = list(model.trainable_variables), list(model.non_trainable_variables)
    copies = [keras.Variable(variable.numpy(), dtype=variable.dtype, name=variable.name) for variable in trainable]
    optimizer = _copied(model.optimizer, copies)
    if optimizer is None:
        return None
    plain = getattr(optimizer, "inner_optimizer", optimizer)
    loss_function = _loss_function(case.loss, case.outputs.shape[1:])
    before = [tf.convert_to_tensor(variable) for variable in (*trainable, *fixed)]
    values, fixed_values = before[: len(copies)], before[len(copies) :]
    losses, reached, steps, mode = [], set(), 0, undisturbed.mode(model, training=True)
    for inputs, labels in itertools.islice(itertools.cycle(_small_batches(case)), STEPS + SKIPPED):
        with tf.GradientTape() as tape:
            tape.watch(values)
            outputs, fixed_values, penalties = model.stateless_call(
                values, fixed_values, inputs, return_losses=True, **mode
            )
            loss = loss_function(labels, outputs) + sum(tf.reduce_sum(tf.cast(one, "float32")) for one in penalties)
            scaled = optimizer.scale_loss(loss)
        gradients = tape.gradient(scaled, values)
        losses.append(float(loss))
        reached.update(id(weight) for weight, slope in zip(trainable, gradients, strict=True) if slope is not None)
        done = int(plain.iterations)
        if any(gradient is not None for gradient in gradients):
            for _ in range(plain.gradient_accumulation_steps or 1):
                optimizer.apply(gradients, copies)
            values = [tf.convert_to_tensor(copy) for copy in copies]
        steps += int(plain.iterations) > done or optimizer is plain
        if steps == STEPS or not np.isfinite(losses[-1]):
            break
    return _movement(
        [*trainable, *fixed],
        before,
        [*values, *fixed_values],
        losses=tuple(losses),
        reached=frozenset(reached),
        after={id(weight): np.asarray(value) for weight, value in zip(trainable, values, strict=True)},
        rate_to_come=_rate_to_come(plain),
    )


def _copied(optimizer, variables):
    """Return a copy of an optimizer for copies of the variables, with its state; None where it cannot be copied."""
    try:
        copy = type(optimizer).from_config(optimizer.get_config())
        copy.build(variables)
    except Exception:
        return None
    for mine, its in zip(copy.variables, optimizer.variables, strict=False):
        if mine.shape != its.shape:  # it was built for other weights
            break
        mine.assign(its)
    return copy


def _rate_to_come(optimizer):
    """Return the highest learning rate of later steps; counts a copied optimizer's steps on."""
    steps, rates = optimizer.variables[0], [float(optimizer.learning_rate)]
    now = int(steps)
    for later in LATER:
        steps.assign(now + later * (optimizer.gradient_accumulation_steps or 1))
        rates.append(float(optimizer.learning_rate))
    return max(rates)


def _loss_function(loss, units_shape):
    """Return a function (labels, outputs) → loss that does what `compile` makes of a loss."""
    ends = keras.Input(units_shape, name="doctor_outputs")
    proxy = keras.Model(ends, ends, name="doctor_proxy")
    proxy.compile(loss=loss, jit_compile=False)
    return lambda labels, outputs: proxy.compute_loss(y=labels, y_pred=outputs)


def _rows(inputs):
    """Return how many rows of inputs a step is tried on."""
    return max(2, min(TRIED, NUMBERS // max(1, inputs[0].size)))


def _small_batches(case):
    """Return the first batches, cut to a few rows, as tensors."""
    batches = [(inputs, labels, _rows(inputs)) for inputs, labels in case.train.batches if labels is not None]
    return [(tf.constant(inputs[:rows]), tf.constant(labels[:rows])) for inputs, labels, rows in batches]


def real_step(case):
    """Return what one step moves with the training function that an earlier fit has built, or None.

    A function that was built keeps the flags of that moment. None is ever built here: where the data would make Keras
    build another one, the attempt is stopped before anything happens. None where there is none for such data.
    """
    model = case.model
    if getattr(model, "train_function", None) is None or model.run_eagerly:
        return None
    with undisturbed.undisturbed(model):
        before = [tf.convert_to_tensor(weight) for weight in model.weights]
        for signature, batch in _signatures(case):
            with contextlib.suppress(_Tracing, Exception):  # no function was built for such a batch
                return _run(model, signature, batch, before)
    return None


def _run(model, signature, batch, before):
    """Run the built training function on one batch, again and again until weights move; return what moved."""

    def stop(*_, **__):
        raise _Tracing

    plain = getattr(model.optimizer, "inner_optimizer", model.optimizer)
    calls = (plain.gradient_accumulation_steps or 1) * (1 if plain is model.optimizer else SKIPPED + 1)
    data = tf.data.Dataset.from_generator(lambda: itertools.repeat(batch), output_signature=signature)
    stream = iter(data)
    with undisturbed.replaced(model, "call", stop):
        for _ in range(calls):
            model.train_function(stream)
            movement = _movement(model.weights, before, [tf.convert_to_tensor(weight) for weight in model.weights])
            if any(movement.moved(weight) for weight in model.weights if "moving_" not in weight.name):
                break
    return movement


def _signatures(case):
    """Yield (signature, batch) for the forms in which `fit` may have got such data, the likeliest first."""
    inputs, labels = case.train.batches[0]
    few = _rows(inputs)
    if case.train.is_dataset and isinstance(case.train.data.element_spec, tuple):
        signature = case.train.data.element_spec
        if len(signature) == 2:
            fixed_size = signature[0].shape.rank is not None and signature[0].shape[0] is not None
            size = signature[0].shape[0] if fixed_size else few
            yield signature, (inputs[:size], labels[:size])
    inputs = inputs.astype("float32") if inputs.dtype == "float64" else inputs
    sizes = [None, BATCH, 16, 8, len(case.train.digests)] if inputs.size < 2_000_000 else [None, BATCH]
    for kind in dict.fromkeys([labels.dtype, np.dtype("int64"), np.dtype("float32"), np.dtype("int32")]):
        for size in sizes:
            rows = few if size is None else size
            if size is not None and size > len(inputs):
                continue
            batch = inputs[:rows], labels[:rows].astype(kind), np.ones(min(rows, len(inputs)), "float32")
            signature = tuple(tf.TensorSpec((size, *part.shape[1:]), part.dtype) for part in batch)
            yield signature[:2], batch[:2]
            yield signature, batch  # with weights of the samples, as class_weight makes them
