"""Watch what an answer does without changing it: outputs, what would train, what a loss rewards.

What is not of the kind that a probe takes is refused.
"""

import inspect
import numbers

import keras
import numpy as np
import tensorflow as tf

from helpers.course.checks import fixtures, losses
from helpers.course.checks.exercise import Refusal, StillBlank, describe, one_line
from helpers.network import certificate

HIGHEST_RATE = 1e-4  # of fine-tuning
CALL_IT = "call your function yourself in a new cell, on something small, and print what it returns"
PIXELS = "its input: it takes pixels of the size that the base takes"


def model(answer):
    """Return the learner's model, or for an unbuilt Sequential one a copy that may be built."""
    reason = None
    if isinstance(answer, type):
        reason, look = "a-class", "make a model of it by calling the class"
    elif isinstance(answer, keras.KerasTensor):
        reason, look = "a-tensor", "make a model of the path from input to output: keras.Model(inputs, outputs)"
    elif inspect.isroutine(answer):
        reason, look = "a-function", "give the model that the function returns: call it"
    elif isinstance(answer, keras.Layer) and not isinstance(answer, keras.Model):
        reason, look = "a-layer", "give the whole model, from its input to its output"
    elif not isinstance(answer, keras.Model):
        reason, look = "no-model", "give the Keras model itself"
    if reason:
        hint = "print(type(answer)): it must name a Keras model, such as Functional or Sequential"
        raise Refusal(reason, describe(answer), look, hint)
    if answer.built:
        return answer
    try:
        return keras.models.clone_model(answer)
    except Exception as error:
        look = "it has no weights yet: give it an Input, or call it once on a batch of zeros of the right shape"
        hint = "a model of your own class is built by its first call, for instance model(np.zeros((1, ...)))"
        raise Refusal("not-built", f"{describe(answer)}, not built", look, hint) from error


def outputs(answer, batch, look, values=None):
    """Return what a model gives for a batch, in inference, as one array of finite numbers; leave the model as it is.

    `look` is said of a model that cannot take the batch. `values` maps the ``id`` of a variable to the value to
    use instead, see `nudged`.
    """
    batch = tf.constant(batch, dtype="float32")
    try:
        if answer.built:
            result, _ = answer.stateless_call(
                [(values or {}).get(id(variable), variable) for variable in answer.trainable_variables],
                [(values or {}).get(id(variable), variable) for variable in answer.non_trainable_variables],
                batch,
            )
        else:  # a copy, see `model`
            result = answer(batch)
    except Exception as error:
        saw = f"{describe(answer)}; on a batch of shape {tuple(batch.shape)} it fails with {one_line(error)}"
        raise Refusal("wrong-input", saw, look) from error
    if isinstance(result, list | tuple | dict):
        saw, hint = f"{describe(answer)} with {len(result)} outputs", "keras.Model(inputs, outputs) takes one tensor"
        raise Refusal("several-outputs", saw, "give the model one output", hint)
    result = np.asarray(result)
    if not np.isfinite(result).all():
        saw = f"{describe(answer)}, which gives NaN or infinite numbers"
        look = "its weights are ruined, most often by a learning rate that was far too high: build it again"
        raise Refusal("not-finite", saw, look, "check its weights with np.isfinite, layer by layer")
    return result


def nudged(variables):
    """Return other values for variables, so that a layer which starts from zeros still shows what it does."""
    generator = np.random.default_rng(23)
    return {
        id(variable): tf.constant(np.asarray(variable) + generator.normal(0, 0.05, variable.shape), variable.dtype)
        for variable in variables
    }


def are_probabilities(outputs):
    """Return whether each row of outputs is one of probabilities: none negative, their sum 1."""
    return bool((outputs >= 0).all() and np.allclose(outputs.sum(axis=1), 1, atol=1e-3))


def trains(answer, batch):
    """Return the layers of a built model whose weights a fit, compiled now, would change, in the model's order.

    Those are the weights that are marked as trainable and that a gradient reaches.
    """
    variables = [*answer.trainable_variables, *answer.non_trainable_variables]
    values = [tf.constant(np.asarray(variable)) for variable in variables]
    marked = [(index, variable) for index, variable in enumerate(variables) if variable.trainable]
    watched = [values[index] for index, _ in marked]
    split = len(answer.trainable_variables)
    with tf.GradientTape() as tape:
        tape.watch(watched)
        result, _ = answer.stateless_call(values[:split], values[split:], tf.constant(batch, dtype="float32"))
        # Any mixture of the outputs would do; weights of unequal size keep a softmax from hiding its gradient.
        factors = tf.cos(tf.range(tf.size(result), dtype=result.dtype))
        mixture = tf.reduce_sum(result * tf.reshape(factors, result.shape))
    reached = {
        id(variable)
        for (_, variable), gradient in zip(marked, tape.gradient(mixture, watched), strict=True)
        if gradient is not None and np.any(np.asarray(gradient) != 0)
    }
    return list(dict.fromkeys(layer_of(weight) for weight in answer.weights if id(weight) in reached))


def layer_of(weight):
    """Return the name of the layer that a weight belongs to."""
    return weight.path.rpartition("/")[0].rpartition("/")[2] or weight.path


def moved_by_fit(compiled, features, labels):
    """Fit a model that is ours to train for one step and return the layers that moved."""
    before = certificate.take(compiled)
    # Quicker for a single step. A training step that an earlier fit has built, stale or not, is used all the same.
    compiled.run_eagerly = True
    try:
        compiled.fit(features, labels, verbose=0)
    except Exception as error:
        saw = f"a fit of the model that it returns fails with {type(error).__name__}: {one_line(error)}"
        look = "the compile of your function: optimizer and loss must fit this model"
        raise Refusal("fit-fails", saw, look) from error
    return certificate.moved(before, certificate.take(compiled))


def judge_compiled_loss(compiled, logits):
    """Judge the loss that a model was compiled with, for labels that are whole numbers."""

    def loss(labels, outputs):
        return compiled.compute_loss(y=labels, y_pred=outputs)

    losses.judge(loss, "your compile", logits, one_hot=False)


def function(answer):
    """Refuse an answer that is no function."""
    if not callable(answer) or isinstance(answer, type | keras.Layer):
        look = "give the function itself: its name without brackets"
        raise Refusal("no-function", describe(answer), look, CALL_IT)


def called(answer, *arguments):
    """Call the learner's function and return what it gives; a function that gives ``...`` is still blank."""
    function(answer)
    name = getattr(answer, "__name__", "your function")
    try:
        returned = answer(*arguments)
    except Exception as error:
        saw = f"{name} fails with {type(error).__name__}: {one_line(error)}"
        look = f"the line that fails; it is called with {len(arguments)} argument(s)"
        raise Refusal("fails", saw, look, CALL_IT) from error
    if returned is ...:
        raise StillBlank
    if inspect.isgenerator(returned):
        raise Refusal("yields", f"{name} gives a generator", "its last line: `return`, not `yield`", CALL_IT)
    if returned is None:
        look = "is there a `return` at the end of the function?"
        raise Refusal("returns-none", f"{name} returns None", look, CALL_IT)
    return returned


def compiled_model(answer, *arguments):
    """Call the learner's function and return the compiled model that it gives."""
    returned = called(answer, *arguments)
    if not isinstance(returned, keras.Model):
        raise Refusal("returns-no-model", f"it returns {describe(returned)}", "return the model")
    if not returned.compiled:
        raise Refusal("not-compiled", "it returns a model that is not compiled", "compile the model that you return")
    return returned


def ready_to_fine_tune(answer, make_base):
    """Call a learner's function on a frozen base with a trained head; return its model and what its next fit moves."""
    function(answer)  # before a model is made for it
    base = make_base()
    base.trainable = False
    trained = fixtures.train(fixtures.with_head(base))
    learned = certificate.take(trained)
    returned = compiled_model(answer, base, trained)
    before = certificate.take(returned)
    if before.keys() != learned.keys() or not all(np.array_equal(before[path], learned[path]) for path in learned):
        saw = "it returns a model whose weights are not those of the model that it was given"
        look = "the head that was trained: fine-tuning begins from it, not from a new one"
        raise Refusal("other-weights", saw, look)
    rate = float(keras.ops.convert_to_numpy(returned.optimizer.learning_rate))
    saw = f"it compiles with a learning rate of {rate:g}"
    if not rate > 0:
        raise Refusal("rate-zero", saw, "the learning rate: at 0 nothing moves")
    if rate > HIGHEST_RATE * 1.001:
        look = "the learning rate: what did the curves show of a high one? An optimizer's default is high, too"
        raise Refusal("rate-high", saw, look)
    judge_compiled_loss(returned, logits=True)
    return returned, moved_by_fit(returned, *fixtures.features_and_labels())


def number(answer):
    """Return the learner's number as a float, whatever its type."""
    reason = None
    if isinstance(answer, str | bytes):
        reason, look = "in-quotes", "write the number without quotes"
    elif isinstance(answer, bool | np.bool_):
        reason, look = "true-or-false", "a comparison gives True or False; give the number itself"
    else:
        if not isinstance(answer, numbers.Real) and np.size(answer) == 1 and hasattr(answer, "dtype"):
            answer = np.asarray(answer).item()
        if not isinstance(answer, numbers.Real):
            reason, look = "no-number", "give one number"
        elif not np.isfinite(float(answer)):
            reason, look = "not-finite", "a calculation has gone wrong: it gives no finite number"
    if reason:
        raise Refusal(reason, describe(answer), look, "type the number alone, or print(type(answer))")
    return float(answer)


def entries(answer, parts):
    """Refuse an answer that is not a dictionary with these entries."""
    if not isinstance(answer, dict):
        form = ", ".join(f"{part!r}: ..." for part in parts)
        raise Refusal("no-dictionary", describe(answer), f"keep the form of the stub: {{{form}}}")
    for part in parts:
        if part not in answer:
            raise Refusal(f"no-entry:{part}", f"a dictionary without {part!r}", "the names of its entries")


def collection(answer, look, hint=None):
    """Return the learner's collection as a list; a single text is one entry."""
    if isinstance(answer, str):
        return [answer]
    if hasattr(answer, "tolist"):
        answer = answer.tolist()
    if not isinstance(answer, list | tuple | set | frozenset):
        raise Refusal("no-list", describe(answer), look, hint)
    return list(answer)


def names(answer, known):
    """Return the learner's layers, or names of layers, as a set of names that are `known`."""
    hint = f"the names that exist: {', '.join(known)}"
    chosen = collection(answer, "write the names as a list of texts: ['name', 'name']", hint)
    chosen = [entry.name if isinstance(entry, keras.Layer) else entry for entry in chosen]
    if not all(isinstance(name, str) for name in chosen):
        raise Refusal("no-names", describe(answer), "every entry must be a text: the name of a layer", hint)
    for name in chosen:
        if name not in known:
            saw = f"the name {one_line(name)!r}"
            raise Refusal("unknown-name", saw, "the spelling: no layer is called that", hint)
    return set(chosen)


def listed(layers):
    """Return layer names as a readable text."""
    layers = list(layers)
    if not layers:
        return "no layer"
    return ", ".join(layers) if len(layers) <= 4 else f"{', '.join(layers[:2])}, … {layers[-1]} ({len(layers)} layers)"
