"""Patients in which part of the base trains, or should, or should not.

The functions repeat themselves on purpose: `Patient.difference` shows the learner how a faulty function differs from
the corrected one after it, so each is written out in full.
"""

import keras
import numpy as np
from keras import layers

from helpers.course.lab.patient import Record
from helpers.network import certificate


def never_unfrozen(ward):
    """The model's own flag is True already, so setting it passes nothing on to the frozen part."""
    tail = ward.tail()  # VGG16's last convolution, on what the others give
    tail.trainable = False
    model = with_head(tail, ward.trained_head())
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(1e-4), loss=loss, metrics=["accuracy"])
    first = model.fit(*ward.maps.train, validation_data=ward.maps.validation, epochs=2, verbose=0)

    before = certificate.take(tail)
    model.trainable = True
    model.compile(keras.optimizers.Adam(1e-5), loss=loss, metrics=["accuracy"])
    second = model.fit(*ward.maps.train, validation_data=ward.maps.validation, epochs=3, verbose=0)
    return Record(model, joined(first, second), ward.maps, moved(before, tail))


def unfrozen_by_its_own_flag(ward):
    """The flag of the frozen part changes, and is passed on."""
    tail = ward.tail()  # VGG16's last convolution, on what the others give
    tail.trainable = False
    model = with_head(tail, ward.trained_head())
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(1e-4), loss=loss, metrics=["accuracy"])
    first = model.fit(*ward.maps.train, validation_data=ward.maps.validation, epochs=2, verbose=0)

    before = certificate.take(tail)
    tail.trainable = True
    model.compile(keras.optimizers.Adam(1e-5), loss=loss, metrics=["accuracy"])
    second = model.fit(*ward.maps.train, validation_data=ward.maps.validation, epochs=3, verbose=0)
    return Record(model, joined(first, second), ward.maps, moved(before, tail))


def frozen_too_late(ward):
    """A first try, then the freeze, and the model is not compiled again."""
    tail = ward.tail()  # VGG16's last convolution, on what the others give
    model = with_head(tail, ward.trained_head())
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(1e-4), loss=loss, metrics=["accuracy"])
    model.fit(*ward.maps.train, epochs=1, verbose=0)  # does it run?

    tail.trainable = False
    before = certificate.take(tail)
    run = model.fit(*ward.maps.train, validation_data=ward.maps.validation, epochs=3, verbose=0)
    return Record(model, run.history, ward.maps, moved(before, tail))


def frozen_and_compiled(ward):
    """The freeze takes effect with the next `compile`."""
    tail = ward.tail()  # VGG16's last convolution, on what the others give
    model = with_head(tail, ward.trained_head())
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(1e-4), loss=loss, metrics=["accuracy"])
    model.fit(*ward.maps.train, epochs=1, verbose=0)  # does it run?

    tail.trainable = False
    model.compile(keras.optimizers.Adam(1e-4), loss=loss, metrics=["accuracy"])
    before = certificate.take(tail)
    run = model.fit(*ward.maps.train, validation_data=ward.maps.validation, epochs=3, verbose=0)
    return Record(model, run.history, ward.maps, moved(before, tail))


def rate_of_a_new_head(ward):
    """Adam's default learning rate, for weights of the size of a hundredth."""
    tail = ward.block5()  # free to train
    model = with_head(tail, ward.trained_head())
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(), loss=loss, metrics=["accuracy"])
    start = model.evaluate(*ward.block4_maps.train, verbose=0)[0]
    run = model.fit(*ward.block4_maps.train, validation_data=ward.block4_maps.validation, epochs=3, verbose=0)
    return Record(model, run.history, ward.block4_maps, {"start": start})


def rate_of_fine_tuning(ward):
    """A hundredth of Adam's default learning rate."""
    tail = ward.block5()  # free to train
    model = with_head(tail, ward.trained_head())
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(1e-5), loss=loss, metrics=["accuracy"])
    start = model.evaluate(*ward.block4_maps.train, verbose=0)[0]
    run = model.fit(*ward.block4_maps.train, validation_data=ward.block4_maps.validation, epochs=3, verbose=0)
    return Record(model, run.history, ward.block4_maps, {"start": start})


def statistics_that_move(ward):
    """With training=False, BatchNormalization's statistics still move inside `fit`."""
    tail = ward.lite_tail()  # the end of EfficientNet-Lite0, free to train
    maps = keras.Input(tail.input_shape[1:])
    row = layers.GlobalAveragePooling2D()(tail(maps, training=False))
    model = keras.Model(maps, ward.trained_lite_head()(row))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(1e-5), loss=loss, metrics=["accuracy"])
    data = ward.lite_maps
    start = model.evaluate(*data.train, verbose=0)[1]
    run = model.fit(*data.train, validation_data=data.validation, batch_size=8, epochs=2, verbose=0)
    return Record(model, run.history, data, {"start": start})


def statistics_that_stay(ward):
    """Each BatchNormalization layer is frozen."""
    tail = ward.lite_tail()  # the end of EfficientNet-Lite0, free to train
    for layer in tail.layers:
        if isinstance(layer, layers.BatchNormalization):
            layer.trainable = False
    maps = keras.Input(tail.input_shape[1:])
    row = layers.GlobalAveragePooling2D()(tail(maps, training=False))
    model = keras.Model(maps, ward.trained_lite_head()(row))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(1e-5), loss=loss, metrics=["accuracy"])
    data = ward.lite_maps
    start = model.evaluate(*data.train, verbose=0)[1]
    run = model.fit(*data.train, validation_data=data.validation, batch_size=8, epochs=2, verbose=0)
    return Record(model, run.history, data, {"start": start})


def with_head(tail, head):
    """Return the model of `tail`, a pooling and `head`."""
    maps = keras.Input(tail.input_shape[1:])
    return keras.Model(maps, head(layers.GlobalAveragePooling2D(name="pool")(tail(maps))))


def joined(first, second):
    """Return the histories of two fits, one after the other."""
    return {name: values + second.history[name] for name, values in first.history.items()}


def moved(before, tail):
    """Return as a note the share of a tail's numbers that has moved since `before`."""
    after = certificate.take(tail)
    changed = sum(int((after[path] != values).sum()) for path, values in before.items())
    return {"moved": changed / sum(np.size(values) for values in before.values())}
