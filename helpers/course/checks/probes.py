"""Watch what an answer does without changing it: outputs, what would train, what a loss rewards.

What is not of the kind that a probe takes is refused.
"""

import inspect
import itertools
import numbers
import re
from collections.abc import Iterable, Iterator

import keras
import numpy as np
import tensorflow as tf

from helpers.course.checks import fixtures, losses
from helpers.course.checks.exercise import Refusal, StillBlank, describe, one_line
from helpers.network import certificate

HIGHEST_RATE = 1e-4  # of fine-tuning
CLOSE = 1e-3
MOST = 10_000  # entries of a collection


def model(answer):
    """Return the learner's model itself, or a copy that may be built of a Sequential one without any weights."""
    if isinstance(answer, keras.Model):
        nothing_to_lose = isinstance(answer, keras.Sequential) and not answer.built and not answer.weights
        return keras.models.clone_model(answer) if nothing_to_lose else answer
    raise Refusal("no-model", given=describe(answer))


def outputs(answer, batch, values=None):
    """Return what a model gives for a batch, in inference, as one array of finite numbers; leave the model as it is.

    `values` maps the ``id`` of a variable to the value to use instead, see `nudged`.
    """
    batch, inference = tf.constant(batch, dtype="float32"), in_inference(answer)
    try:
        if not answer.built or not answer.weights:  # built by its first call, as in the learner's hands
            result = answer(batch, **inference)
        if answer.weights:
            result, _ = answer.stateless_call(
                [(values or {}).get(id(variable), variable) for variable in answer.trainable_variables],
                [(values or {}).get(id(variable), variable) for variable in answer.non_trainable_variables],
                batch,
                **inference,
            )
    except Exception as error:
        shape, takes = tuple(batch.shape), f"{describe(answer)}, for {getattr(answer, 'input_shape', 'unknown inputs')}"
        raise Refusal("wrong-input", model=takes, shape=shape, one=shape[1:], error=one_line(error)) from error
    if isinstance(result, list | tuple | dict):
        raise Refusal("several-outputs", model=describe(answer), count=len(result))
    result = np.asarray(result)
    if not np.isfinite(result).all():
        raise Refusal("not-finite", model=describe(answer))
    return result


def in_inference(answer):
    """Return what to call a model with so that it answers and does not learn, as its `predict` does."""
    return {"training": False} if "training" in inspect.signature(answer.call).parameters else {}


def same(first, second, close=CLOSE):
    """Return whether two arrays have one shape, and differ by at most `close` times the largest number of `second`."""
    return first.shape == second.shape and np.allclose(first, second, atol=close * max(np.abs(second).max(), 1e-6))


def nudged(variables):
    """Return other values for variables, so that a layer which starts from zeros still shows what it does."""
    generator = np.random.default_rng(23)
    return {
        id(variable): tf.constant(np.asarray(variable) + generator.normal(0, 0.05, variable.shape), variable.dtype)
        for variable in variables
    }


def reached(answer, batch, values=None):
    """Return the weights of a built model that a fit, compiled now, would change, in the model's order.

    Those are the weights that are marked as trainable and that a gradient reaches. `values` as in `outputs`.
    """
    variables = [*answer.trainable_variables, *answer.non_trainable_variables]
    values = [(values or {}).get(id(variable), tf.constant(np.asarray(variable))) for variable in variables]
    marked = [(index, variable) for index, variable in enumerate(variables) if variable.trainable]
    watched = [values[index] for index, _ in marked]
    split = len(answer.trainable_variables)
    with tf.GradientTape() as tape:
        tape.watch(watched)
        inputs = tf.constant(batch, dtype="float32")
        result, _ = answer.stateless_call(values[:split], values[split:], inputs, **in_inference(answer))
        # Any mixture of the outputs would do; weights of unequal size keep a softmax from hiding its gradient.
        factors = tf.cos(tf.range(tf.size(result), dtype=result.dtype))
        mixture = tf.reduce_sum(result * tf.reshape(factors, result.shape))
    found = {
        id(variable)
        for (_, variable), gradient in zip(marked, tape.gradient(mixture, watched), strict=True)
        if gradient is not None and np.any(np.asarray(gradient) != 0)
    }
    return [weight for weight in answer.weights if id(weight) in found]


def layers_of(weights):
    """Return the names of the layers that weights belong to, in their order."""
    return list(dict.fromkeys(map(layer_of, weights)))


def layer_of(weight):
    """Return the name of the layer that a weight belongs to."""
    return weight.path.rpartition("/")[0].rpartition("/")[2] or weight.path


def moved_by_fit(compiled, features, labels):
    """Fit a model that is ours to train until its optimizer has acted twice, and return the layers that moved.

    Twice, as a learning rate may begin at 0; an optimizer that gathers gradients acts once in so many steps.
    """
    before, eagerly = certificate.take(compiled), compiled.run_eagerly
    # Quicker for a few steps. A training step that an earlier fit has built, stale or not, is used all the same.
    compiled.run_eagerly = True
    try:
        for _ in range(2 * (getattr(compiled.optimizer, "gradient_accumulation_steps", None) or 1)):
            compiled.fit(features, labels, batch_size=len(labels), verbose=0)
    except Exception as error:
        raise Refusal("fit-fails", error=type(error).__name__, message=one_line(error)) from error
    finally:
        compiled.run_eagerly = eagerly
    return certificate.moved(before, certificate.take(compiled))


def judge_compiled_loss(compiled, logits, one_hot=False):
    """Judge the loss that a model was compiled with, for labels that are whole numbers, or one-hot rows."""

    def loss(labels, outputs):
        return compiled.compute_loss(y=labels, y_pred=outputs)

    losses.judge(loss, "your compile", logits, one_hot, given=compiled.loss)


def function(answer):
    """Refuse an answer that is no function."""
    if not callable(answer) or isinstance(answer, type | keras.Layer):
        raise Refusal("no-function")


def called(answer, *arguments):
    """Call the learner's function and return what it gives; a function that gives ``...`` is still blank."""
    function(answer)
    name = getattr(answer, "__name__", "your function")
    try:
        returned = answer(*arguments)
    except Exception as error:
        count, words = len(arguments), one_line(error)
        raise Refusal("fails", name=name, count=count, error=type(error).__name__, message=words) from error
    if returned is ...:
        raise StillBlank
    if inspect.isgenerator(returned):
        raise Refusal("yields", name=name)
    if returned is None:
        raise Refusal("returns-none", name=name)
    return returned


def compiled_model(answer, *arguments):
    """Call the learner's function and return the compiled model that it gives."""
    returned = called(answer, *arguments)
    if not isinstance(returned, keras.Model):
        raise Refusal("returns-no-model", returned=describe(returned))
    if not returned.compiled:
        raise Refusal("not-compiled")
    return returned


def recompiled(answer, trained, *before, logits=True, one_hot=False):
    """Call a learner's function on `before` and on a model that is compiled, fitted and ours; return what it gives.

    That is refused where it is not compiled, other weights are in it, or its loss does not fit the ending and labels.
    """
    learned = list(map(np.array, trained.get_weights()))
    returned = compiled_model(answer, *before, trained)
    now = returned.get_weights()
    if len(now) != len(learned) or not all(map(np.array_equal, now, learned)):
        raise Refusal("other-weights")
    judge_compiled_loss(returned, logits, one_hot)
    return returned


def judge_fine_tuning(answer, base, meant, *more):
    """Judge a learner's function that gets a base, frozen, with a trained head ready to train the layers `meant`.

    It is called with the base, what is `more`, and the model.
    """
    function(answer)
    base.trainable = False
    trained = fixtures.train(fixtures.with_head(base), HIGHEST_RATE)  # what it comes with is no reason to refuse it
    returned = recompiled(answer, trained, base, *more)
    rate = highest_rate(returned.optimizer)
    if not rate > 0:
        raise Refusal("rate-zero", rate=rate)
    if rate > HIGHEST_RATE * 1.001:
        raise Refusal("rate-high", rate=rate)
    judge_next_fit(returned, meant)


def judge_next_fit(compiled, meant):
    """Refuse a model on features whose next fit moves other layers than those `meant` and the head."""
    moved = moved_by_fit(compiled, *fixtures.features_and_labels(compiled.input_shape[-1]))
    marked = {layer_of(weight) for weight in compiled.weights if weight.trainable}
    meant = {*meant, fixtures.HEAD}
    others = [name for name in moved if name not in meant]
    for reason, met in (
        (f"others-move:{', '.join(others[-1:])}", others),
        ("compiled-too-early", marked >= meant),
        ("head-frozen", fixtures.HEAD not in moved),
        (f"late-frozen:{listed(sorted(meant - marked))}", True),
    ):
        if met and set(moved) != meant:
            raise Refusal(reason, moved=listed(moved))


def rates(optimizer, steps):
    """Return the learning rates of an optimizer, which may follow a schedule of any kind, at the given steps."""
    taken, found = optimizer.variables[0], []  # how many steps, also where gradients are accumulated
    before = int(taken)
    for step in steps:
        taken.assign(step)
        found.append(float(optimizer.learning_rate))
    taken.assign(before)
    return np.array(found)


def highest_rate(optimizer):
    """Return the highest learning rate of an optimizer in its first 100,000 steps."""
    return rates(optimizer, (0, *(first * 10**power for power in range(6) for first in (1, 2, 5)))).max()


def array(returned):
    """Return what a learner's function gives, or an entry of an answer, as an array of numbers."""
    try:
        return np.asarray(returned, "float64")
    except (TypeError, ValueError) as error:
        raise Refusal("no-array", returned=describe(returned)) from error


def number(answer):
    """Return the learner's number as a float, whatever its type."""
    if isinstance(answer, str | bytes):
        raise Refusal("in-quotes", given=describe(answer))
    if not isinstance(answer, numbers.Real) and np.size(answer) == 1 and hasattr(answer, "dtype"):
        answer = np.asarray(answer).item()
    if not isinstance(answer, numbers.Real) or isinstance(answer, bool):
        raise Refusal("no-number", given=describe(answer))
    if not np.isfinite(float(answer)):
        raise Refusal("no-finite-number", given=describe(answer))
    return float(answer)


def entries(answer, parts):
    """Refuse an answer that is not a dictionary with these entries."""
    if not isinstance(answer, dict):
        raise Refusal("no-dictionary", form=", ".join(f"{part!r}: ..." for part in parts))
    for part in parts:
        if part not in answer:
            raise Refusal(f"no-entry:{part}")


def collection(answer, known):
    """Return the learner's collection as a list; a single text is one entry. The names that are `known` are a hint."""
    if isinstance(answer, str | keras.Layer):
        return [answer]
    if not isinstance(answer, Iterable) or isinstance(answer, dict | Iterator):
        raise Refusal("no-list", given=describe(answer), known=", ".join(known))
    return list(itertools.islice(answer, MOST))


def names(answer, known):
    """Return the learner's names, or layers that have a name, as a set of names that are `known`; blanks are cut."""
    chosen = [entry.name if isinstance(entry, keras.Layer) else entry for entry in collection(answer, known)]
    for place, name in enumerate(chosen):
        if not isinstance(name, str):
            raise Refusal("no-names", given=describe(answer), entry=describe(name), known=", ".join(known))
        chosen[place] = name.strip()
        if chosen[place] not in known:
            parts = set(re.split(r"[\s,;\[\]()'\"]+", name)) - {"", "and"}
            reason = "names-in-one-text" if parts and parts <= set(known) else "unknown-name"
            raise Refusal(reason, name=one_line(name), known=", ".join(known))
    return set(chosen)


def listed(layers):
    """Return layer names as a readable text."""
    layers = list(layers)
    if not layers:
        return "no layer"
    return ", ".join(layers) if len(layers) <= 4 else f"{', '.join(layers[:2])}, … {layers[-1]} ({len(layers)} layers)"


def refuse_shape(shape, wanted, given):
    """Refuse outputs of a shape that is not wanted for what was given."""
    if shape != wanted:
        raise Refusal("maps" if len(shape) > 2 else "units", given=given, shape=shape)


def among(weight, others):
    """Return whether a weight, or a copy of it, is among others."""
    return any(weight is other for other in others) or any(
        tuple(other.shape) == tuple(weight.shape) and np.array_equal(weight, other) for other in others
    )
