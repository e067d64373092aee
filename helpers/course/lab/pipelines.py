"""Patients with a correct model: the mistake is in what it is measured on.

The functions repeat themselves on purpose: `Patient.difference` shows the learner how a faulty function differs from
the corrected one after it, so each is written out in full.
"""

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from helpers.course.lab.patient import Record
from helpers.pictures import features


def taken_from_the_shuffled(ward):
    """`take` and `skip` count positions, and the pictures at these positions change on every pass."""
    inputs, labels = together(ward.rows.train, ward.rows.validation)
    pictures = tf.data.Dataset.from_tensor_slices((inputs, labels)).shuffle(len(labels), seed=0)
    validation, train = pictures.take(80).batch(32), pictures.skip(80).batch(32)

    head = keras.Sequential([keras.Input((512,)), layers.Dense(5, kernel_initializer="zeros")])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    head.compile("adam", loss=loss, metrics=["accuracy"])
    run = head.fit(train, validation_data=validation, epochs=8, verbose=0)
    return Record(head, run.history, features.Features(train, validation, ward.rows.test))


def split_before_the_shuffle(ward):
    """The pictures are split once, and only the training part is shuffled."""
    inputs, labels = together(ward.rows.train, ward.rows.validation)
    order = np.random.default_rng(0).permutation(len(labels))
    pictures = tf.data.Dataset.from_tensor_slices((inputs[order], labels[order]))
    validation, train = pictures.take(80).batch(32), pictures.skip(80).shuffle(300, seed=0).batch(32)

    head = keras.Sequential([keras.Input((512,)), layers.Dense(5, kernel_initializer="zeros")])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    head.compile("adam", loss=loss, metrics=["accuracy"])
    run = head.fit(train, validation_data=validation, epochs=8, verbose=0)
    return Record(head, run.history, features.Features(train, validation, ward.rows.test))


def labels_from_another_pass(ward):
    """Predictions in one order, labels in another."""
    head = keras.Sequential([keras.Input((512,)), layers.Dense(5, kernel_initializer="zeros")])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    head.compile("adam", loss=loss, metrics=["accuracy"])
    run = head.fit(*ward.rows.train, validation_data=ward.rows.validation, epochs=8, verbose=0)

    test = tf.data.Dataset.from_tensor_slices(ward.rows.test).shuffle(300, seed=0).batch(32)
    predicted = head.predict(test, verbose=0).argmax(axis=1)
    truth = np.concatenate([labels for _, labels in test])
    notes = {"diagonal": float(np.mean(predicted == truth)), "evaluate": head.evaluate(test, verbose=0)[1]}
    return Record(head, run.history, features.Features(ward.rows.train, ward.rows.validation, test), notes)


def labels_from_the_same_pass(ward):
    """Test pictures need no shuffling."""
    head = keras.Sequential([keras.Input((512,)), layers.Dense(5, kernel_initializer="zeros")])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    head.compile("adam", loss=loss, metrics=["accuracy"])
    run = head.fit(*ward.rows.train, validation_data=ward.rows.validation, epochs=8, verbose=0)

    test = tf.data.Dataset.from_tensor_slices(ward.rows.test).batch(32)
    predicted = head.predict(test, verbose=0).argmax(axis=1)
    truth = np.concatenate([labels for _, labels in test])
    notes = {"diagonal": float(np.mean(predicted == truth)), "evaluate": head.evaluate(test, verbose=0)[1]}
    return Record(head, run.history, features.Features(ward.rows.train, ward.rows.validation, test), notes)


def together(*splits):
    """Return the pictures and the labels of several splits as one split."""
    return tuple(np.concatenate(parts) for parts in zip(*splits, strict=True))
