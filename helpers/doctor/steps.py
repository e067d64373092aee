"""What a few training steps would move, and what they really move; the model is left as it was."""

import itertools
from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf

from helpers.doctor import undisturbed
from helpers.doctor.splits import BATCH, TRIED, batches

STEPS = 4


class _Tracing(BaseException):
    """Keras begins to build another training step; not an Exception, so that nothing on the way catches it."""


@dataclass(frozen=True)
class Movement:
    """What moved."""

    before: dict  # of int to ndarray: id(variable) to its values before the first step
    after: dict  # the same after the last step
    losses: tuple = ()  # of each step, before it
    reached: frozenset = frozenset()  # ids of the variables that a gradient reached

    def moved(self, variable):
        """Return whether a variable moved at all."""
        return not np.array_equal(self.before[id(variable)], self.after[id(variable)])

    def relative(self, variables):
        """Return how far those numbers that move at all move on average, as a share of their weight's spread.

        Weights of dead units do not move, whatever the learning rate, so numbers that do not move do not count.
        """
        total, count = 0.0, 0
        for variable in variables:
            before, after = self.before[id(variable)], self.after[id(variable)]
            change, spread = np.abs(after - before), float(before.std())
            if spread > 0:
                total += float(change.sum()) / spread
                count += int(np.count_nonzero(change))
        return total / count if count else 0.0


def rehearse(case):
    """Return what training steps would move if the model were compiled now with its optimizer and loss.

    The steps are computed beside the model (`stateless_call`) on copies of its weights, with a new optimizer that has
    the settings of the learner's. So flags, learning rate and gradients alone decide what moves.
    """
    model = case.model
    optimizer = keras.optimizers.deserialize(keras.optimizers.serialize(model.optimizer))
    trainable, fixed = list(model.trainable_variables), list(model.non_trainable_variables)
    copies = [keras.Variable(variable.numpy(), dtype=variable.dtype, name=variable.name) for variable in trainable]
    loss_function = _loss_function(case.loss, case.outputs.shape[1:])
    values, fixed_values = _tensors(copies), _tensors(fixed)
    before = _by_id([*trainable, *fixed], [*values, *fixed_values])
    losses, reached, mode = [], set(), undisturbed.mode(model, training=True)
    for inputs, labels in itertools.islice(itertools.cycle(_small_batches(case)), STEPS):
        with tf.GradientTape() as tape:
            tape.watch(values)
            outputs, fixed_values, penalties = model.stateless_call(
                values, fixed_values, inputs, return_losses=True, **mode
            )
            loss = loss_function(labels, outputs) + sum(map(tf.reduce_sum, penalties))
        gradients = tape.gradient(loss, values)
        losses.append(float(loss))
        reached.update(id(weight) for weight, slope in zip(trainable, gradients, strict=True) if slope is not None)
        if any(gradient is not None for gradient in gradients):
            optimizer.apply(gradients, copies)
            values = _tensors(copies)
    after = _by_id([*trainable, *fixed], [*values, *fixed_values])
    return Movement(before=before, after=after, losses=tuple(losses), reached=frozenset(reached))


def _loss_function(loss, units_shape):
    """Return a function (labels, outputs) → loss that does what `compile` makes of a loss."""
    ends = keras.Input(units_shape, name="doctor_outputs")
    proxy = keras.Model(ends, ends, name="doctor_proxy")
    proxy.compile(loss=loss, jit_compile=False)
    return lambda labels, outputs: proxy.compute_loss(y=labels, y_pred=outputs)


def _tensors(variables):
    return [tf.convert_to_tensor(variable) for variable in variables]


def _by_id(variables, values):
    return {id(variable): np.array(value) for variable, value in zip(variables, values, strict=True)}


def _small_batches(case):
    """Return the first batches, cut to a few rows, as tensors."""
    return [
        (tf.constant(inputs[:TRIED]), tf.constant(labels[:TRIED]))
        for inputs, labels in case.train.batches
        if labels is not None
    ]


def real_step(case):
    """Return what one step moves with the training function that an earlier fit has built, or None.

    A function that was built keeps the flags of that moment. None is ever built here: where the data would make Keras
    build another one, the attempt is stopped before anything happens. None where there is none for such data.
    """
    model = case.model
    if getattr(model, "train_function", None) is None or model.run_eagerly:
        return None
    with undisturbed.undisturbed(model):
        before = _by_id(model.weights, _tensors(model.weights))
        for signature, batch in _signatures(case):
            try:
                ran = _run(model, signature, batch)
            except Exception:  # a function that was built for other data altogether
                ran = False
            if ran:
                return Movement(before=before, after=_by_id(model.weights, _tensors(model.weights)))
    return None


def _run(model, signature, batch):
    """Run the built training function on one batch; return False where none was built for such a batch."""

    def stop(*_, **__):
        raise _Tracing

    data = tf.data.Dataset.from_generator(lambda: iter([batch]), output_signature=signature)
    with undisturbed.replaced(model, "compute_loss", stop):
        try:
            model.train_function(iter(data))
        except _Tracing:
            return False
    return True


def _signatures(case):
    """Yield (signature, batch) for the forms in which `fit` may have got such data, the likeliest first."""
    inputs, labels = next(batches("train", case.train.data))
    if case.train.is_dataset and isinstance(case.train.data.element_spec, tuple):
        signature = case.train.data.element_spec
        if len(signature) == 2:
            fixed_size = signature[0].shape.rank is not None and signature[0].shape[0] is not None
            size = signature[0].shape[0] if fixed_size else TRIED
            yield signature, (inputs[:size], labels[:size])
    inputs = inputs.astype("float32") if inputs.dtype == "float64" else inputs
    sizes = [None, BATCH, 16, 8, 64, len(case.train.digests)] if inputs.size < 2_000_000 else [None, BATCH]
    for kind in dict.fromkeys([labels.dtype, np.dtype("int64"), np.dtype("float32"), np.dtype("int32")]):
        for size in sizes:
            rows = TRIED if size is None else size
            if size is not None and size > len(inputs):
                continue
            batch = inputs[:rows], labels[:rows].astype(kind), np.ones(min(rows, len(inputs)), "float32")
            signature = tuple(tf.TensorSpec((size, *part.shape[1:]), part.dtype) for part in batch)
            yield signature[:2], batch[:2]
            yield signature, batch  # with weights of the samples, as class_weight makes them
