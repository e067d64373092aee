"""Watch what an answer does without changing it: outputs, what would train, what a loss rewards."""

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
NOT_BUILT = (
    "it has no weights yet: give it an Input, or call it once on a batch of zeros of the right shape",
    "a model of your own class is built by its first call, for instance model(np.zeros((1, ...)))",
)


def model(answer, expected):
    """Return the learner's model, or for an unbuilt Sequential one a copy that may be built.

    Parameters
    ----------
    answer : object
    expected : str
        What the exercise expects, for the refusal.

    Raises
    ------
    Refusal
        When `answer` is no Keras model, or has no weights yet and cannot be copied.
    """
    more = "print(type(answer)): it must name a Keras model, such as Functional or Sequential"
    if isinstance(answer, type):
        raise Refusal(describe(answer), expected, "make a model of it by calling the class", more)
    if isinstance(answer, keras.KerasTensor):
        raise Refusal(
            describe(answer), expected, "wrap the way from input to output: keras.Model(inputs, outputs)", more
        )
    if inspect.isroutine(answer):
        raise Refusal(describe(answer), expected, "give the model that the function returns: call it", more)
    if isinstance(answer, keras.Layer) and not isinstance(answer, keras.Model):
        raise Refusal(describe(answer), expected, "give the whole model, from its input to its output", more)
    if not isinstance(answer, keras.Model):
        raise Refusal(describe(answer), expected, "give the Keras model itself", more)
    if answer.built:
        return answer
    try:
        return keras.models.clone_model(answer)
    except Exception as error:
        raise Refusal(f"{describe(answer)}, not built", expected, *NOT_BUILT) from error


def outputs(answer, batch, expected, look, more, values=None):
    """Return what a model gives for a batch, in inference, as an array; leave the model as it is.

    Parameters
    ----------
    answer : keras.Model
        As `model` returns it.
    batch : ndarray
    expected, look, more : str
        For the refusal when the model cannot take the batch.
    values : dict of int to ndarray, optional
        ``id`` of a variable to what shall stand in its place, see `nudged`.

    Returns
    -------
    ndarray

    Raises
    ------
    Refusal
        When the model fails on the batch, or gives anything but one array of finite numbers.
    """
    batch = tf.constant(batch, dtype="float32")
    try:
        if answer.built:
            given, _ = answer.stateless_call(
                [(values or {}).get(id(variable), variable) for variable in answer.trainable_variables],
                [(values or {}).get(id(variable), variable) for variable in answer.non_trainable_variables],
                batch,
            )
        else:  # a copy, see `model`
            given = answer(batch)
    except Exception as error:
        saw = f"{describe(answer)}; on a batch of shape {tuple(batch.shape)} it fails with {one_line(error)}"
        raise Refusal(saw, expected, look, more) from error
    if isinstance(given, list | tuple | dict):
        saw = f"{describe(answer)} with {len(given)} outputs"
        raise Refusal(saw, expected, "give the model one output", "keras.Model(inputs, outputs) takes one tensor")
    given = np.asarray(given)
    if not np.isfinite(given).all():
        raise Refusal(
            f"{describe(answer)}, which gives NaN or infinite numbers",
            expected,
            "its weights are spoilt, most often by a learning rate that was far too high: build it anew",
            "check its weights with np.isfinite, layer by layer",
        )
    return given


def nudged(variables):
    """Return other values for variables, so that zeros from which a layer may begin hide nothing of what it does."""
    generator = np.random.default_rng(23)
    return {
        id(each): tf.constant(np.asarray(each) + generator.normal(0, 0.05, each.shape), each.dtype)
        for each in variables
    }


def trains(answer, batch):
    """Return the layers whose weights a fit of `answer`, compiled now, would change.

    Those are the weights that are marked as trainable and that a gradient reaches.

    Parameters
    ----------
    answer : keras.Model
        Built. Left as it is.
    batch : ndarray
        What the model takes.

    Returns
    -------
    list of str
        In the order of the model.
    """
    variables = [*answer.trainable_variables, *answer.non_trainable_variables]
    values = [tf.constant(np.asarray(variable)) for variable in variables]
    marked = [(place, variable) for place, variable in enumerate(variables) if variable.trainable]
    watched = [values[place] for place, _ in marked]
    split = len(answer.trainable_variables)
    with tf.GradientTape() as tape:
        tape.watch(watched)
        given, _ = answer.stateless_call(values[:split], values[split:], tf.constant(batch, dtype="float32"))
        # Any mixture of the outputs would do; weights of unequal size keep a softmax from hiding its gradient.
        mixture = tf.reduce_sum(given * tf.reshape(tf.cos(tf.range(tf.size(given), dtype=given.dtype)), given.shape))
    reached = {
        id(variable)
        for (_, variable), gradient in zip(marked, tape.gradient(mixture, watched), strict=True)
        if gradient is not None and np.any(np.asarray(gradient) != 0)
    }
    return list(dict.fromkeys(layer_of(weight) for weight in answer.weights if id(weight) in reached))


def layer_of(weight):
    """Return the name of the layer that a weight belongs to."""
    return weight.path.rpartition("/")[0].rpartition("/")[2] or weight.path


def are_probabilities(outputs):
    """Return whether each row of outputs is one of probabilities: none negative, their sum 1."""
    return bool((outputs >= 0).all() and np.allclose(outputs.sum(axis=1), 1, atol=1e-3))


def moved_by_fit(compiled, features, labels, expected, more):
    """Fit a model that is ours to train for one step and return the layers that moved.

    Raises
    ------
    Refusal
        When the fit fails.
    """
    before = certificate.take(compiled)
    # Quicker for a single step. A training step that an earlier fit has built, stale or not, is used all the same.
    compiled.run_eagerly = True
    try:
        compiled.fit(features, labels, verbose=0)
    except Exception as error:
        saw = f"a fit of the model that it returns fails with {type(error).__name__}: {one_line(error)}"
        look = "the compile of your function: optimizer and loss must fit this model"
        raise Refusal(saw, expected, look, more) from error
    return certificate.moved(before, certificate.take(compiled))


def judge_compiled_loss(compiled, logits):
    """Judge the loss that a model was compiled with, for labels that are whole numbers."""

    def loss(labels, outputs):
        return compiled.compute_loss(y=labels, y_pred=outputs)

    losses.judge(loss, "your compile", logits, one_hot=False)


def function(answer, expected):
    """Raise unless the answer is a function.

    Raises
    ------
    Refusal
        When it is none.
    """
    if not callable(answer) or isinstance(answer, type | keras.Layer):
        look = "give the function itself: its name without brackets"
        raise Refusal(describe(answer), expected, look, CALL_IT)


def called(answer, expected, *arguments):
    """Call the learner's function and return what it gives.

    Raises
    ------
    Refusal
        When `answer` is no function, fails, or gives None.
    StillBlank
        When it gives ``...``.
    """
    function(answer, expected)
    name = getattr(answer, "__name__", "your function")
    try:
        given = answer(*arguments)
    except Exception as error:
        takes = f"it is called with {len(arguments)} argument(s)"
        saw = f"{name} fails with {type(error).__name__}: {one_line(error)}"
        raise Refusal(saw, expected, f"the line that fails; {takes}", CALL_IT) from error
    if given is ...:
        raise StillBlank
    if inspect.isgenerator(given):
        raise Refusal(f"{name} gives a generator", expected, "its last line: `return`, not `yield`", CALL_IT)
    if given is None:
        raise Refusal(f"{name} returns None", expected, "is there a `return` at the end of the function?", CALL_IT)
    return given


def compiled_model(answer, expected, more, *arguments):
    """Call the learner's function and return the compiled model that it gives.

    Raises
    ------
    Refusal
        When it gives anything else.
    """
    given = called(answer, expected, *arguments)
    if not isinstance(given, keras.Model):
        raise Refusal(f"it returns {describe(given)}", expected, "return the model", more)
    if not given.compiled:
        raise Refusal("it returns a model that is not compiled", expected, "compile the model that you return", more)
    return given


def ready_to_fine_tune(answer, make_base, expected, more):
    """Call a learner's function on a frozen base with a trained head; return its model and what its next fit moves.

    Raises
    ------
    Refusal
        When what it returns is not the given model, compiled with a fitting loss and a low rate.
    """
    function(answer, expected)  # before a model is made for it
    base = make_base()
    base.trainable = False
    model = fixtures.train(fixtures.with_head(base))
    learned = certificate.take(model)
    given = compiled_model(answer, expected, more, base, model)
    before = certificate.take(given)
    if before.keys() != learned.keys() or not all(np.array_equal(before[path], learned[path]) for path in learned):
        saw = "it returns a model with other weights than those of the model that it was given"
        raise Refusal(saw, expected, "the head that was trained: fine-tuning begins from it, not from a new one", more)
    rate = float(keras.ops.convert_to_numpy(given.optimizer.learning_rate))
    saw = f"it compiles with a learning rate of {rate:g}"
    if not rate > 0:
        raise Refusal(saw, expected, "the learning rate: at 0 nothing moves", more)
    if rate > HIGHEST_RATE * 1.001:
        look = "the learning rate: what did the curves show of a high one? An optimizer's default is one too"
        raise Refusal(saw, expected, look, more)
    judge_compiled_loss(given, logits=True)
    return given, moved_by_fit(given, *fixtures.features_and_labels(), expected, more)


def number(answer, expected):
    """Return the learner's number as a float, whatever its type.

    Raises
    ------
    Refusal
        When it is no single finite number.
    """
    more = "type the number alone, or print(type(answer))"
    if isinstance(answer, str | bytes):
        raise Refusal(describe(answer), expected, "write the number without quotes", more)
    if isinstance(answer, bool | np.bool_):
        raise Refusal(describe(answer), expected, "a comparison gives True or False; give the number itself", more)
    if not isinstance(answer, numbers.Real) and np.size(answer) == 1 and hasattr(answer, "dtype"):
        answer = np.asarray(answer).item()
    if not isinstance(answer, numbers.Real):
        raise Refusal(describe(answer), expected, "give one number", more)
    if not np.isfinite(float(answer)):
        raise Refusal(describe(answer), expected, "a calculation has gone wrong: it gives no finite number", more)
    return float(answer)


def entries(answer, parts, expected, more):
    """Raise unless the answer is a dictionary with these entries.

    Raises
    ------
    Refusal
        When it is none, or an entry is missing.
    """
    if not isinstance(answer, dict):
        form = ", ".join(f"{part!r}: ..." for part in parts)
        raise Refusal(describe(answer), expected, f"keep the form of the stub: {{{form}}}", more)
    for part in parts:
        if part not in answer:
            raise Refusal(f"a dictionary without {part!r}", expected, "the names of its entries", more)


def names(answer, known, expected):
    """Return the learner's layer names as a set.

    Parameters
    ----------
    answer : str, or list, tuple or set of str or of layers
    known : sequence of str
        Names that exist.
    expected : str

    Raises
    ------
    Refusal
        When it is no collection of names, or a name is unknown.
    """
    more = f"the names that exist: {', '.join(known)}"
    if isinstance(answer, str):
        answer = [answer]
    if isinstance(answer, np.ndarray):
        answer = answer.tolist()
    if not isinstance(answer, list | tuple | set | frozenset):
        raise Refusal(describe(answer), expected, "write the names as a list of texts: ['name', 'name']", more)
    chosen = [each.name if isinstance(each, keras.Layer) else each for each in answer]
    if not all(isinstance(each, str) for each in chosen):
        raise Refusal(describe(answer), expected, "every entry must be a text: the name of a layer", more)
    strange = [each for each in chosen if each not in known]
    if strange:
        saw = f"the name {one_line(strange[0])!r}"
        raise Refusal(saw, expected, "the spelling: no layer is called that", more)
    return set(chosen)


def listed(layers):
    """Return layer names as a readable text."""
    layers = list(layers)
    if not layers:
        return "no layer"
    return ", ".join(layers) if len(layers) <= 4 else f"{', '.join(layers[:2])}, … {layers[-1]} ({len(layers)} layers)"
