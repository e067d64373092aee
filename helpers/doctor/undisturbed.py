"""Look at a model and leave it exactly as it was: weights, optimizer, metrics, flags, random states."""

import contextlib
import inspect
import random

import keras
import numpy as np
import tensorflow as tf

from helpers.network import inspection


@contextlib.contextmanager
def undisturbed(model):
    """Put back, at the end of the block, whatever it changed in a model or in Python's and NumPy's random states.

    Parameters
    ----------
    model : keras.Model
    """
    level = tf.get_logger().level
    states = random.getstate(), np.random.get_state()
    kept = [(variable, np.array(variable.numpy())) for variable in variables_of(model)]
    flags = [
        (layer, layer.trainable) for layer in (model, *inspection.nested_models(model), *inspection.flat_layers(model))
    ]
    tf.get_logger().setLevel("ERROR")  # no advice about retracing
    try:
        yield
    finally:
        for variable, value in kept:
            if not np.array_equal(variable.numpy(), value, equal_nan=variable.dtype.startswith("float")):
                variable.assign(value)
        for layer, flag in flags:
            if layer.trainable != flag:
                layer.trainable = flag
        random.setstate(states[0])
        np.random.set_state(states[1])
        tf.get_logger().setLevel(level)


def variables_of(model):
    """Return every variable of a model and of its optimizer: weights, seeds of random layers, metrics, moments."""
    variables = [*model.variables, *model.metrics_variables]
    optimizer = getattr(model, "optimizer", None)
    if isinstance(optimizer, keras.optimizers.Optimizer):
        variables += optimizer.variables
    return list({id(variable): variable for variable in variables}.values())


@contextlib.contextmanager
def replaced(thing, name, value):
    """Set an attribute of an object for the time of a block, and leave no trace of it behind.

    Parameters
    ----------
    thing : keras.Layer
    name : str
    value : object
    """
    own = name in vars(thing)
    before = vars(thing).get(name)
    setattr(thing, name, value)
    try:
        yield
    finally:
        if own:
            setattr(thing, name, before)
        else:
            delattr(thing, name)


def mode(model, training):
    """Return the argument ``training`` for `stateless_call`, where the model's `call` takes one."""
    parameters = inspect.signature(model.call).parameters.values()
    takes = any(each.name == "training" or each.kind is each.VAR_KEYWORD for each in parameters)
    return {"training": training} if takes else {}


def overheard(model, layers, inputs):
    """Call a model and return what went into some of its layers, and what came out.

    Parameters
    ----------
    model : keras.Model
        Built.
    layers : sequence of keras.Layer
        Of this model, at any depth.
    inputs : ndarray
        What the model takes.

    Returns
    -------
    outputs : ndarray
    heard : list of (keras.Layer, ndarray, ndarray)
        Layer, its input and its output, in the order of the calls; layers with several inputs are left out.
    """
    heard = []

    def listening(layer):
        original = layer.call

        def call(*args, **kwargs):
            result = original(*args, **kwargs)
            if args and hasattr(args[0], "shape") and hasattr(result, "shape"):
                heard.append((layer, np.asarray(args[0]), np.asarray(result)))
            return result

        return replaced(layer, "call", call)

    with contextlib.ExitStack() as stack:
        for layer in layers:
            stack.enter_context(listening(layer))
        outputs = model(tf.constant(inputs), training=False)
    return outputs, heard
