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
    """A training step begins to be built anew; not an Exception, so that nothing on the way catches it."""


@dataclass(frozen=True)
class Movement:
    """What moved.

    Attributes
    ----------
    before, after : dict of int to ndarray
        ``id(variable)`` to its values, before the first step and after the last.
    losses : tuple of float
        Of each step, before it.
    reached : frozenset of int
        Ids of the variables that a gradient reached.
    """

    before: dict
    after: dict
    losses: tuple = ()
    reached: frozenset = frozenset()

    def moved(self, variable):
        """Return whether a variable moved at all."""
        before, after = self.before[id(variable)], self.after[id(variable)]
        return not np.array_equal(before, after)

    def relative(self, variables):
        """Return how far those numbers that move at all move on average, as a share of their weight's spread.

        Behind dead units nothing moves whatever the rate, so numbers that stand still do not count.
        """
        far, number = 0.0, 0
        for variable in variables:
            before, after = self.before[id(variable)], self.after[id(variable)]
            change, spread = np.abs(after - before), float(before.std())
            if spread > 0:
                far += float(change.sum()) / spread
                number += int(np.count_nonzero(change))
        return far / number if number else 0.0


def loss_of(loss, units_shape):
    """Return a function (labels, outputs) → loss that does what `compile` makes of a loss."""
    ends = keras.Input(units_shape, name="doctor_outputs")
    proxy = keras.Model(ends, ends, name="doctor_proxy")
    proxy.compile(loss=loss, jit_compile=False)
    return lambda labels, outputs: proxy.compute_loss(y=labels, y_pred=outputs)


def rehearse(case):
    """Return what training steps would move if the model were compiled now with its optimizer and loss.

    The steps are calculated beside the model (`stateless_call`) on copies of its weights, with an optimizer built anew
    from the settings of the learner's: so this is the movement that flags, rate and gradients alone decide.

    Parameters
    ----------
    case : helpers.doctor.splits.Case

    Returns
    -------
    Movement
    """
    model = case.model
    optimizer = keras.optimizers.deserialize(keras.optimizers.serialize(model.optimizer))
    trainable, fixed = list(model.trainable_variables), list(model.non_trainable_variables)
    copies = [keras.Variable(each.numpy(), dtype=each.dtype, name=each.name) for each in trainable]
    loss_function = loss_of(case.loss, case.outputs.shape[1:])
    values, others = ([tf.convert_to_tensor(each) for each in group] for group in (copies, fixed))
    before = {id(each): np.array(value) for each, value in zip([*trainable, *fixed], [*values, *others], strict=True)}
    losses, reached, mode = [], set(), undisturbed.mode(model, training=True)
    for inputs, labels in itertools.islice(itertools.cycle(_small(case)), STEPS):
        with tf.GradientTape() as tape:
            tape.watch(values)
            outputs, others, more = model.stateless_call(values, others, inputs, return_losses=True, **mode)
            loss = loss_function(labels, outputs) + sum(map(tf.reduce_sum, more))
        gradients = tape.gradient(loss, values)
        losses.append(float(loss))
        reached |= {id(each) for each, gradient in zip(trainable, gradients, strict=True) if gradient is not None}
        if any(gradient is not None for gradient in gradients):
            optimizer.apply(gradients, copies)
            values = [tf.convert_to_tensor(each) for each in copies]
    after = {id(each): np.asarray(value) for each, value in zip([*trainable, *fixed], [*values, *others], strict=True)}
    return Movement(before, after, tuple(losses), frozenset(reached))


def _small(case):
    """Return the first batches, cut to a few rows, as tensors."""
    return [
        (tf.constant(inputs[:TRIED]), tf.constant(labels[:TRIED]))
        for inputs, labels in case.train.batches
        if labels is not None
    ]


def real_step(case):
    """Return what one step moves with the training function that an earlier fit has built.

    A function that was built keeps the flags of that moment. It is never built here: where the data would make Keras
    build it anew, the attempt is stopped before anything happens.

    Parameters
    ----------
    case : helpers.doctor.splits.Case

    Returns
    -------
    Movement or None
        None where no function was built for such data.
    """
    model = case.model
    if getattr(model, "train_function", None) is None or model.run_eagerly:
        return None
    with undisturbed.undisturbed(model):
        before = {id(each): np.array(each.numpy()) for each in model.weights}
        for signature, batch in _signatures(case):
            try:
                ran = _run(model, signature, batch)
            except Exception:  # a function that was built for other data altogether
                ran = False
            if ran:
                return Movement(before, {id(each): np.array(each.numpy()) for each in model.weights})
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
    rows = [batch for batch, _ in zip(batches("train", case.train.given), range(2), strict=False)]
    inputs, labels = rows[0]
    if case.train.is_dataset and isinstance(case.train.given.element_spec, tuple):
        signature = case.train.given.element_spec
        if len(signature) == 2:
            known = signature[0].shape.rank is not None and signature[0].shape[0] is not None
            size = signature[0].shape[0] if known else TRIED
            yield signature, (inputs[:size], labels[:size])
    inputs = inputs.astype("float32") if inputs.dtype == "float64" else inputs
    sizes = [None, BATCH, 16, 8, 64, len(case.train.marks)] if inputs.size < 2_000_000 else [None, BATCH]
    for kind in dict.fromkeys([labels.dtype, np.dtype("int64"), np.dtype("float32"), np.dtype("int32")]):
        for size in sizes:
            taken = TRIED if size is None else size
            if taken > len(inputs) and size is not None:
                continue
            part = inputs[:taken], labels[:taken].astype(kind), np.ones(min(taken, len(inputs)), "float32")
            signature = tuple(tf.TensorSpec((size, *each.shape[1:]), each.dtype) for each in part)
            yield signature[:2], part[:2]
            yield signature, part  # as class_weight makes it
