"""Patients with a correct base: the mistake is in the head, its loss, its labels or the pixels.

The functions repeat themselves on purpose: `Patient.difference` shows the learner how a faulty function differs from
the corrected one after it, so each is written out in full.
"""

import keras
import numpy as np
from keras import layers

from helpers.course.lab.patient import Record
from helpers.pictures import features

ANIMALS = ("cat", "deer", "dog", "frog", "horse")  # in the order of their labels
FROG = ANIMALS.index("frog")


def logits_into_default_loss(ward):
    """A loss given by its name expects probabilities; these are logits."""
    head = keras.Sequential([keras.Input((512,)), layers.Dense(5, kernel_initializer="zeros")])
    head.compile("adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    run = head.fit(*ward.rows.train, validation_data=ward.rows.validation, epochs=8, verbose=0)
    return Record(head, run.history, ward.rows)


def logits_into_their_loss(ward):
    """The loss is told that it gets logits."""
    head = keras.Sequential([keras.Input((512,)), layers.Dense(5, kernel_initializer="zeros")])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    head.compile("adam", loss=loss, metrics=["accuracy"])
    run = head.fit(*ward.rows.train, validation_data=ward.rows.validation, epochs=8, verbose=0)
    return Record(head, run.history, ward.rows)


def one_unit_for_five_classes(ward):
    """One unit and a yes-or-no loss, for labels from 0 to 4."""
    head = keras.Sequential([keras.Input((512,)), layers.Dense(1, activation="sigmoid", kernel_initializer="zeros")])
    head.compile("adam", loss="binary_crossentropy", metrics=["accuracy"])
    run = head.fit(*ward.rows.train, validation_data=ward.rows.validation, epochs=8, verbose=0)
    return Record(head, run.history, ward.rows)


def a_unit_for_each_class(ward):
    """Five outputs, and the loss for whole numbers."""
    head = keras.Sequential([keras.Input((512,)), layers.Dense(5, activation="softmax", kernel_initializer="zeros")])
    head.compile("adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    run = head.fit(*ward.rows.train, validation_data=ward.rows.validation, epochs=8, verbose=0)
    return Record(head, run.history, ward.rows)


def five_yes_or_no_questions(ward):
    """Each of five units is scored by itself; four of five are right when all of them say no."""
    data = one_hot(ward.rows)
    head = keras.Sequential([keras.Input((512,)), layers.Dense(5, activation="sigmoid", kernel_initializer="zeros")])
    head.compile("adam", loss="binary_crossentropy", metrics=[keras.metrics.BinaryAccuracy(name="accuracy")])
    run = head.fit(*data.train, validation_data=data.validation, epochs=8, verbose=0)
    return Record(head, run.history, data)


def one_question_with_five_answers(ward):
    """Five outputs that compete, and an accuracy that counts pictures."""
    data = one_hot(ward.rows)
    head = keras.Sequential([keras.Input((512,)), layers.Dense(5, activation="softmax", kernel_initializer="zeros")])
    head.compile("adam", loss="categorical_crossentropy", metrics=["accuracy"])
    run = head.fit(*data.train, validation_data=data.validation, epochs=8, verbose=0)
    return Record(head, run.history, data)


def divided_by_255(ward):
    """The range that many networks expect, but not VGG16."""

    def prepare(pixels):
        return pixels / 255

    rows = ward.features(prepare)  # the base is frozen, so once is enough
    head = keras.Sequential([keras.Input((512,)), layers.Dense(5, kernel_initializer="zeros")])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    head.compile("adam", loss=loss, metrics=["accuracy"])
    run = head.fit(*rows.train, validation_data=rows.validation, epochs=8, verbose=0)
    whole = ward.whole(prepare, head, loss)  # from pixels to logits
    return Record(whole, run.history, ward.pixels, {"logits": head.predict(rows.test[0], verbose=0)})


def prepared_as_vgg16_expects(ward):
    """Blue first, the means subtracted, nothing divided."""

    def prepare(pixels):
        return keras.applications.vgg16.preprocess_input(pixels)

    rows = ward.features(prepare)  # the base is frozen, so once is enough
    head = keras.Sequential([keras.Input((512,)), layers.Dense(5, kernel_initializer="zeros")])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    head.compile("adam", loss=loss, metrics=["accuracy"])
    run = head.fit(*rows.train, validation_data=rows.validation, epochs=8, verbose=0)
    whole = ward.whole(prepare, head, loss)  # from pixels to logits
    return Record(whole, run.history, ward.pixels, {"logits": head.predict(rows.test[0], verbose=0)})


def rare_frogs(ward):
    """160 other animals and 16 frogs, and nothing corrects for it."""
    data = frog_or_not(ward.rows)
    head = keras.Sequential([keras.Input((512,)), layers.Dense(2, kernel_initializer="zeros")])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    head.compile(keras.optimizers.Adam(1e-4), loss=loss, metrics=["accuracy"])
    run = head.fit(*data.train, validation_data=data.validation, epochs=6, verbose=0)
    return Record(head, run.history, data)


def rare_frogs_that_count(ward):
    """A frog counts as much as ten others, so that both kinds have the same weight."""
    data = frog_or_not(ward.rows)
    head = keras.Sequential([keras.Input((512,)), layers.Dense(2, kernel_initializer="zeros")])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    head.compile(keras.optimizers.Adam(1e-4), loss=loss, metrics=["accuracy"])
    weights = {0: 1, 1: 10}
    run = head.fit(*data.train, validation_data=data.validation, epochs=6, class_weight=weights, verbose=0)
    return Record(head, run.history, data)


def served_otherwise(ward):
    """Trained and validated on pixels prepared for VGG16; the app in which it is used divides them by 255."""
    rows = ward.features(keras.applications.vgg16.preprocess_input)
    used = ward.features(lambda pixels: pixels / 255)
    head = keras.Sequential([keras.Input((512,)), layers.Dense(5, kernel_initializer="zeros")])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    head.compile("adam", loss=loss, metrics=["accuracy"])
    run = head.fit(*rows.train, validation_data=rows.validation, epochs=8, verbose=0)
    return Record(head, run.history, features.Features(rows.train, rows.validation, used.test))


def served_the_same(ward):
    """One function prepares the pixels, wherever they come from."""
    rows = ward.features(keras.applications.vgg16.preprocess_input)
    used = ward.features(keras.applications.vgg16.preprocess_input)
    head = keras.Sequential([keras.Input((512,)), layers.Dense(5, kernel_initializer="zeros")])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    head.compile("adam", loss=loss, metrics=["accuracy"])
    run = head.fit(*rows.train, validation_data=rows.validation, epochs=8, verbose=0)
    return Record(head, run.history, features.Features(rows.train, rows.validation, used.test))


def frog_or_not(rows):
    """Return features with label 1 for frogs and 0 for the others; few frogs to train and validate on."""

    def split(inputs, labels, frogs):
        frog = labels == FROG
        chosen = np.concatenate([np.flatnonzero(~frog), np.flatnonzero(frog)[:frogs]])
        return inputs[chosen], frog[chosen].astype("int32")

    return features.Features(split(*rows.train, 16), split(*rows.validation, 8), split(*rows.test, frogs=None))


def one_hot(rows):
    """Return the same features with one-hot labels."""
    splits = (rows.train, rows.validation, rows.test)
    return features.Features(*((inputs, np.eye(5, dtype="float32")[labels]) for inputs, labels in splits))
