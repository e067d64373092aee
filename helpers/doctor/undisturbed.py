"""Look at a model and leave it exactly as it was: weights, optimizer, metrics, attributes, random states."""

import contextlib
import random
from unittest import mock

import keras
import numpy as np
import tensorflow as tf
from keras.src.backend.common import global_state


@contextlib.contextmanager
def undisturbed(model):
    """Put back, at the end of the block, whatever it changed in a model or in the random states of this program."""
    level = tf.get_logger().level
    generator = global_state.get_global_attribute("global_seed_generator")  # of layers without a seed of their own
    variables = [*variables_of(model), *([generator.state] if generator else [])]
    values = [(variable, tf.convert_to_tensor(variable)) for variable in variables]
    attributes = [(part, part.built, _public(part)) for part in parts_of(model)]
    python_state, numpy_state = random.getstate(), np.random.get_state()
    tf.get_logger().setLevel("ERROR")  # no advice about retracing
    try:
        yield
    finally:
        for part, built, kept in attributes:
            if part.built == built:  # what was built on the way has attributes that have to stay
                for name in set(_public(part)) - set(kept):
                    del vars(part)[name]
                vars(part).update(kept)
        for variable, value in values:
            variable.assign(value)
        random.setstate(python_state)
        np.random.set_state(numpy_state)
        global_state.set_global_attribute("global_seed_generator", generator)
        tf.get_logger().setLevel(level)


def _public(part):
    return {name: value for name, value in vars(part).items() if not name.startswith("_")}


def parts_of(model):
    """Return a model and all layers inside it at every depth, in custom layers too: outer ones first, each once."""
    parts, waiting = {}, [model]
    while waiting:
        part = waiting.pop(0)
        if id(part) not in parts:
            parts[id(part)] = part
            waiting = inside(part) + waiting
    return list(parts.values())


def inside(part):
    """Return the layers that a model or a custom layer holds directly."""
    if isinstance(part, keras.Model):
        return list(part.layers)
    held = [value if isinstance(value, list | tuple) else [value] for value in vars(part).values()]
    return [layer for layers in held for layer in layers if isinstance(layer, keras.Layer)]


def leaves_of(model):
    """Return the layers inside a model, at every depth, that hold no others."""
    return [part for part in parts_of(model)[1:] if not inside(part)]


def owners(model):
    """Return each layer with its own weights, not those of layers inside it, as a list of (layer, weights)."""
    parts, owner = parts_of(model), {}
    for part in sorted(parts, key=lambda part: -len(part.weights)):
        owner.update((id(weight), part) for weight in part.weights)
    own = [(part, [weight for weight in part.weights if owner[id(weight)] is part]) for part in parts]
    return [(part, weights) for part, weights in own if weights]


def variables_of(model):
    """Return every variable of a model and of its optimizer: weights, seeds of random layers, metrics, moments."""
    variables = [*model.variables, *model.metrics_variables]
    optimizer = getattr(model, "optimizer", None)
    if isinstance(optimizer, keras.optimizers.Optimizer):
        variables += optimizer.variables
    variables += [value for part in parts_of(model) for value in vars(part).values() if isinstance(value, tf.Variable)]
    return list({id(variable): variable for variable in variables}.values())


def recorded_call(model, layers, inputs):
    """Call a model; return its outputs, and a list of calls of some of its layers: (layer, inputs, outputs)."""
    calls = []

    def recording(layer):
        original = layer.call

        def call(*args, **kwargs):
            result = original(*args, **kwargs)
            if args and hasattr(args[0], "shape") and hasattr(result, "shape"):
                calls.append((layer, np.asarray(args[0]), np.asarray(result)))
            return result

        return mock.patch.object(layer, "call", call)

    with contextlib.ExitStack() as stack:
        for layer in layers:
            stack.enter_context(recording(layer))
        outputs = model(tf.constant(inputs), training=False)
    return outputs, calls
