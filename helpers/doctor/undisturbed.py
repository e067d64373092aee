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
    """Put back, at the end of the block, whatever it changed in a model or in Python's and NumPy's random states."""
    level = tf.get_logger().level
    python_state, numpy_state = random.getstate(), np.random.get_state()
    values = [(variable, np.array(variable.numpy())) for variable in variables_of(model)]
    layers = model, *inspection.nested_models(model), *inspection.flat_layers(model)
    flags = [(layer, layer.trainable) for layer in layers]
    tf.get_logger().setLevel("ERROR")  # no advice about retracing
    try:
        yield
    finally:
        for variable, value in values:
            if not np.array_equal(variable.numpy(), value, equal_nan=variable.dtype.startswith("float")):
                variable.assign(value)
        for layer, flag in flags:
            if layer.trainable != flag:
                layer.trainable = flag
        random.setstate(python_state)
        np.random.set_state(numpy_state)
        tf.get_logger().setLevel(level)


def variables_of(model):
    """Return every variable of a model and of its optimizer: weights, seeds of random layers, metrics, moments."""
    variables = [*model.variables, *model.metrics_variables]
    optimizer = getattr(model, "optimizer", None)
    if isinstance(optimizer, keras.optimizers.Optimizer):
        variables += optimizer.variables
    return list({id(variable): variable for variable in variables}.values())


@contextlib.contextmanager
def replaced(layer, name, value):
    """Set an attribute of a layer for the time of a block, and leave no trace of it afterwards."""
    had_one = name in vars(layer)
    before = vars(layer).get(name)
    setattr(layer, name, value)
    try:
        yield
    finally:
        if had_one:
            setattr(layer, name, before)
        else:
            delattr(layer, name)


def mode(model, training):
    """Return the argument ``training`` for `stateless_call`, where the model's `call` takes one."""
    parameters = inspect.signature(model.call).parameters.values()
    takes_it = any(parameter.name == "training" or parameter.kind is parameter.VAR_KEYWORD for parameter in parameters)
    return {"training": training} if takes_it else {}


def recorded_call(model, layers, inputs):
    """Call a model; return its outputs, and what went into and came out of some of its layers, at any depth.

    The second is a list of (layer, inputs, outputs) in the order of the calls; layers with several inputs are left out.
    """
    calls = []

    def recording(layer):
        original = layer.call

        def call(*args, **kwargs):
            result = original(*args, **kwargs)
            if args and hasattr(args[0], "shape") and hasattr(result, "shape"):
                calls.append((layer, np.asarray(args[0]), np.asarray(result)))
            return result

        return replaced(layer, "call", call)

    with contextlib.ExitStack() as stack:
        for layer in layers:
            stack.enter_context(recording(layer))
        outputs = model(tf.constant(inputs), training=False)
    return outputs, calls
