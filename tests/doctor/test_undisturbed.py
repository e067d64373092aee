"""A diagnosis leaves the model exactly as it was: a twin that was never diagnosed trains on, bit for bit the same."""

import random

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from helpers import doctor

LOSS = keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def data():
    rng = np.random.default_rng(0)
    pictures = rng.uniform(0, 255, (24, 12, 12, 3)).astype("float32")
    return pictures, np.tile([0, 1, 2], 8)


def build():
    """A model with all that has a state: statistics, dropout, random layers, a nested base."""
    keras.utils.set_random_seed(3)
    inner = [layers.Conv2D(4, 3, name="conv"), layers.BatchNormalization(name="norm"), layers.ReLU()]
    base = keras.Sequential([keras.Input((12, 12, 3)), *inner], name="base")
    pixels = keras.Input((12, 12, 3))
    maps = base(layers.Rescaling(1 / 255)(layers.RandomFlip("horizontal")(pixels)))
    row = layers.Dropout(0.3)(layers.GlobalAveragePooling2D()(maps))
    return keras.Model(pixels, layers.Dense(3, name="head")(row)), base


def fit(model, epochs=1):
    model.fit(*data(), batch_size=8, epochs=epochs, shuffle=False, verbose=0)


def compile_(model, rate=1e-2):
    model.compile(keras.optimizers.Adam(rate), loss=LOSS, metrics=["accuracy"])


def uncompiled():
    return build()


def compiled():
    model, base = build()
    compile_(model)
    return model, base


def compiled_eager():
    model, base = build()
    model.compile(keras.optimizers.Adam(1e-2), loss=LOSS, run_eagerly=True)
    return model, base


def fitted():
    model, base = compiled()
    fit(model)
    return model, base


def stale_frozen():
    model, base = fitted()
    base.trainable = False
    return model, base


def stale_unfrozen():
    model, base = build()
    base.trainable = False
    compile_(model)
    fit(model)
    base.trainable = True
    return model, base


def stale_head():
    model, base = fitted()
    model.get_layer("head").trainable = False
    return model, base


def compiled_again():
    model, base = fitted()
    base.trainable = False
    compile_(model)
    return model, base


def old_optimizer():
    model, base = build()
    base.trainable = False
    compile_(model)
    fit(model)
    base.trainable = True
    model.compile(model.optimizer, loss=LOSS)
    return model, base


def tried_on_a_batch():
    model, base = compiled()
    pictures, labels = data()
    model.train_on_batch(pictures[:8], labels[:8])
    base.trainable = False
    return model, base


STATES = [uncompiled, compiled, compiled_eager, fitted, stale_frozen, stale_unfrozen, stale_head, compiled_again]
STATES += [old_optimizer, tried_on_a_batch]


def values(model):
    optimizer = getattr(model, "optimizer", None)
    variables = [*model.variables, *model.metrics_variables, *(optimizer.variables if optimizer else ())]
    return [np.array(variable.numpy()) for variable in variables]


def surface(model):
    """All attributes of a model and its layers by name, and the objects that belong to its training."""
    parts = [model, *model.layers, *model.get_layer("base").layers]
    names = [sorted(vars(part)) for part in parts]
    flags = [part.trainable for part in parts]
    functions = [getattr(model, f"{kind}_function") for kind in ("train", "test", "predict")]
    return names, flags, functions, getattr(model, "optimizer", None), getattr(model, "loss", None), model.compiled


def same(one, other):
    return len(one) == len(other) and all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("state", STATES)
def test_nothing_changes_while_a_model_is_diagnosed(state):
    model, _ = state()
    before, outside = values(model), surface(model)
    random.seed(5)
    np.random.seed(5)
    states = random.getstate(), np.random.get_state()[1].tolist()
    doctor.diagnose(model, data())
    assert same(before, values(model))
    assert surface(model) == outside
    assert states == (random.getstate(), np.random.get_state()[1].tolist())


@pytest.mark.parametrize("state", STATES)
def test_a_diagnosed_model_trains_on_like_its_twin(state):
    results = []
    for examined in (False, True):
        model, base = state()
        if examined:
            doctor.diagnose(model, data())
        results.append([])
        for step in (fit, flip_and_fit):
            try:
                step(model) if step is fit else step(model, base)
                results[-1].append(values(model))
            except ValueError as error:  # not compiled, or an optimizer that knows other variables
                results[-1].append([np.array(type(error).__name__)])
    assert all(same(one, other) for one, other in zip(*results, strict=True))


def flip_and_fit(model, base):
    base.trainable = not base.trainable
    fit(model)


def test_a_built_training_step_keeps_its_flags_through_a_diagnosis():
    model, base = stale_frozen()
    diagnosis = doctor.diagnose(model, data())
    assert "stale-compile" in diagnosis.names
    before = np.array(base.get_layer("conv").kernel.numpy())
    fit(model)
    assert not np.array_equal(before, base.get_layer("conv").kernel.numpy())  # still stale, as it was


def test_a_diagnosis_builds_no_training_step():
    model, base = compiled()
    doctor.diagnose(model, data())
    base.trainable = False  # before the first fit: still in time
    before = np.array(base.get_layer("conv").kernel.numpy())
    fit(model)
    assert np.array_equal(before, base.get_layer("conv").kernel.numpy())


def test_layers_made_after_a_diagnosis_begin_with_the_same_numbers():
    firsts = []
    for examined in (False, True):
        model, _ = compiled()
        if examined:
            doctor.diagnose(model, data())
        firsts.append(np.array(keras.initializers.GlorotUniform()((3, 3))))  # seeded by Python's random
    assert np.array_equal(*firsts)


class Draws(layers.Layer):
    """Draws from the generators that every layer without a seed shares, and counts its calls."""

    def __init__(self):
        super().__init__()
        self.calls, self.seen = 0, tf.Variable(0.0)

    def call(self, inputs, training=False):
        self.calls += 1
        self.seen.assign_add(1.0)
        self.last = float(self.calls)
        return inputs + keras.random.normal((16,), stddev=0.1) if training else inputs


def drawing(fitted):
    keras.utils.set_random_seed(3)
    model = keras.Sequential([keras.Input((16,)), Draws(), layers.Dense(3)])
    model.compile("sgd", loss=LOSS)
    rows = np.random.default_rng(0).normal(size=(24, 16)).astype("float32")
    if fitted:
        model.fit(rows, np.tile([0, 1, 2], 8), verbose=0)
    return model, (rows, np.tile([0, 1, 2], 8))


@pytest.mark.parametrize("fitted", [False, True])
def test_layers_without_a_seed_draw_the_same_after_a_diagnosis(fitted):
    ends = []
    for examined in (False, True):
        model, train = drawing(fitted)
        if examined:
            doctor.diagnose(model, train)
        drawn = [np.array(keras.random.uniform((3,))), np.random.uniform(size=3)]
        layer = model.layers[0]
        state = [np.array(layer.calls), layer.seen.numpy(), np.array(hasattr(layer, "last"))]
        model.fit(*train, shuffle=False, verbose=0)
        ends.append([*drawn, *state, *values(model)])
    assert same(*ends)
