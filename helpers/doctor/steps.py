"""What a few training steps would move, and what they really move; the model is left as it was."""

import contextlib
import inspect
import itertools
from dataclasses import dataclass
from unittest import mock

import keras
import numpy as np
import tensorflow as tf

from helpers.doctor import undisturbed
from helpers.doctor.splits import BATCH, TRIED

STEPS = 4
STATISTIC = "moving_"  # so begin the names of BatchNormalization's mean and variance
SKIPPED = 16  # steps that loss scaling may skip until its scale fits: it begins at 2 to the power of 15
NUMBERS = 8 * 96 * 96 * 3  # of a batch that steps are tried on: of large pictures two do


class _Tracing(BaseException):
    """Keras begins to build another training step; not an Exception, so that nothing on the way catches it."""


@dataclass(frozen=True)
class Movement:
    """What moved."""

    changes: dict  # id of a variable to how far it moved: (sum over its numbers as shares of their spread, count)
    finite: bool = True  # whether all that moved is finite afterwards
    losses: list | None = None  # of each step, before it
    reached: set | None = None  # ids of the variables that a gradient reached

    def moved(self, variable):
        """Return whether a variable moved at all."""
        return self.changes.get(id(variable), (0, 0))[1] > 0

    def relative(self, variables):
        """Return how far those numbers that move at all (not of dead units) move on average, as a share of spread."""
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
    """Return what training steps would move if the model were compiled now; None if its optimizer cannot be copied."""
    # Computed beside the model on copies of its weights: flags, learning rate and gradients alone decide what moves.
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
    losses, reached, steps, settings = [], set(), 0, {"return_losses": True}
    if "training" in inspect.signature(model.call).parameters:
        settings["training"] = True
    for inputs, labels in itertools.islice(itertools.cycle(_small_batches(case)), STEPS + SKIPPED):
        with tf.GradientTape() as tape:
            tape.watch(values)
            outputs, fixed_values, penalties = model.stateless_call(values, fixed_values, inputs, **settings)
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
    return _movement([*trainable, *fixed], before, [*values, *fixed_values], losses=losses, reached=reached)


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


def _loss_function(loss, units_shape):
    """Return a function (labels, outputs) → loss that does what `compile` makes of a loss."""
    ends = keras.Input(units_shape, name="doctor_outputs")
    proxy = keras.Model(ends, ends, name="doctor_proxy")
    proxy.compile(loss=loss, jit_compile=False)
    return lambda labels, outputs: proxy.compute_loss(y=labels, y_pred=outputs)


def _rows(inputs):
    return max(2, min(TRIED, NUMBERS // max(1, inputs[0].size)))


def _small_batches(case):
    rows = _rows(case.train.batches[0][0])
    return [(tf.constant(inputs[:rows]), tf.constant(labels[:rows])) for inputs, labels in case.train.batches]


def real_step(case):
    """Return what one step moves with the training function of an earlier fit; None if there is none for such data."""
    # It keeps the flags of that moment. Where the data would make Keras build another one, the attempt is stopped.
    with undisturbed.undisturbed(case.model), mock.patch.object(case.model, "call", side_effect=_Tracing):
        for signature, batch in _signatures(case):
            with contextlib.suppress(_Tracing, Exception):  # no function was built for such a batch
                return _run(case.model, signature, batch)
    return None


def _run(model, signature, batch):
    """Run the built training function on one batch, again and again until weights move; return what moved."""
    before = [tf.convert_to_tensor(weight) for weight in model.weights]
    plain = getattr(model.optimizer, "inner_optimizer", model.optimizer)
    calls = (plain.gradient_accumulation_steps or 1) * (1 if plain is model.optimizer else SKIPPED + 1)
    stream = iter(tf.data.Dataset.from_generator(lambda: itertools.repeat(batch), output_signature=signature))
    for _ in range(calls):
        model.train_function(stream)
        movement = _movement(model.weights, before, model.weights)
        if any(movement.moved(weight) for weight in model.weights if not weight.name.startswith(STATISTIC)):
            break
    return movement


def _signatures(case):
    """Yield (signature, batch) for the forms in which `fit` may have got such data, the likeliest first."""
    parts = [part.astype("float32") if part.dtype == "float64" else part for part in case.train.batches[0]]
    parts.append(np.ones(len(parts[0]), "float32"))  # weights of the samples, as class_weight makes them
    few, spec = _rows(parts[0]), getattr(case.train.data, "element_spec", None)
    if isinstance(spec, tuple) and len(spec) == 2:
        size = spec[0].shape[0] if spec[0].shape.rank else None
        yield spec, tuple(part[: size or few] for part in parts[:2])
    for size in (None, BATCH, 16, 8, len(case.train.digests)):
        if size is None or size <= len(parts[0]):
            batch = tuple(part[: size or few] for part in parts)
            signature = tuple(tf.TensorSpec((size, *part.shape[1:]), part.dtype) for part in batch)
            yield signature[:2], batch[:2]
            yield signature, batch
