"""Answers to the exercises of notebook 03: heads and losses."""

import keras
import numpy as np
from keras import layers

from check_cases.common import LOGITS, ROWS, Cases, K, OwnHead, built, dense, head, just


def frozen_head(*given):
    model = head(layers.Flatten, dense())()
    model.trainable = False
    return model


def spoilt_head(*given):
    model = head(layers.GlobalAveragePooling2D, dense())()
    model.set_weights([weight * np.nan for weight in model.get_weights()])
    return model


def branches(*given):
    maps = keras.Input((7, 7, 512))
    rows = layers.GlobalAveragePooling2D()(maps), layers.GlobalMaxPooling2D()(maps)
    return keras.Model(maps, layers.add([layers.Dense(5)(row) for row in rows]))


def half_frozen(*given):
    model = head(layers.Flatten, lambda: layers.Dense(16, "relu", name="first"), dense())()
    model.get_layer("first").trainable = False
    return model


def two_outputs(*given):
    features = keras.Input((7, 7, 512))
    row = layers.Flatten()(features)
    return keras.Model(features, [layers.Dense(5)(row), layers.Dense(5)(row)])


HEAD_ON_FEATURES = Cases(
    wrong={
        "softmax": (head(layers.Flatten, dense(5, "softmax")), "activation"),
        "sigmoid": (head(layers.Flatten, dense(5, "sigmoid")), "activation"),
        "relu": (head(layers.Flatten, dense(5, "relu")), "activation"),
        "tanh": (head(layers.Flatten, dense(5, "tanh")), "activation"),
        "no pooling": (head(dense()), "maps"),
        "1000 units": (head(layers.Flatten, dense(1000)), "units"),
        "one unit": (head(layers.Flatten, dense(1)), "units"),
        "four units": (head(layers.Flatten, dense(4)), "units"),
        "takes pictures": (
            head(layers.GlobalMaxPooling2D, dense(), shape=(224, 224, 3)),
            "wrong-input",
        ),
        "takes other features": (head(layers.Flatten, dense(), shape=(3, 3, 512)), "wrong-input"),
        "frozen": (frozen_head, "frozen"),
        "spoilt": (spoilt_head, "not-finite"),
        "half frozen": (half_frozen, "partly-frozen:first"),
        "elu": (head(layers.Flatten, dense(5, "elu")), "activation"),
        "exponential": (
            head(layers.UnitNormalization, layers.GlobalAveragePooling2D, dense(5, "exponential")),
            "activation",
        ),
        "two outputs": (two_outputs, "several-outputs"),
        "a layer": (just(layers.Dense(5)), "no-model"),
        "a tensor": (just(keras.Input((7, 7, 512))), "no-model"),
        "a class": (just(OwnHead), "no-model"),
        "a function": (just(lambda: None), "no-model"),
    },
    right={
        "pooling": head(layers.GlobalAveragePooling2D, dense()),
        "Flatten, hidden layer, dropout": head(layers.Flatten, dense(16, "relu"), lambda: layers.Dropout(0.5), dense()),
        "from zeros": head(layers.Flatten, lambda: layers.Dense(5, kernel_initializer="zeros")),
        "explicit linear": head(layers.GlobalMaxPooling2D, dense(5, "linear")),
        "any size": head(layers.GlobalAveragePooling2D, dense(), shape=(None, None, 512)),
        "Sequential without Input": lambda: keras.Sequential([layers.Flatten(), layers.Dense(5)]),
        "own class": lambda: built(OwnHead(), (7, 7, 512)),
        "own class, not yet called": OwnHead,
        "scaled": head(layers.Flatten, lambda: layers.Rescaling(0.001), dense()),
        "of unit length": head(layers.GlobalAveragePooling2D, layers.UnitNormalization, dense()),
        "two branches": branches,
        "with augmentation": head(lambda: layers.RandomFlip("horizontal"), layers.Flatten, dense()),
    },
)


def chosen(a=LOGITS, b="categorical_crossentropy", c=ROWS):
    return just({"A": a, "B": b, "C": c})


def squares_of_softmax(labels, outputs):
    return keras.ops.sum((labels - keras.ops.softmax(outputs)) ** 2, axis=-1)


FITTING_LOSSES = Cases(
    wrong={
        "A by name": (chosen(a="sparse_categorical_crossentropy"), "takes-probabilities:A"),
        "A for rows": (chosen(a=ROWS), "form-of-labels:A"),
        "B softmax twice": (chosen(b=ROWS), "softmax-twice:B"),
        "B sparse": (chosen(b="sparse_categorical_crossentropy"), "form-of-labels:B"),
        "B binary": (chosen(b="binary_crossentropy"), "for-another-task:B"),
        "B distance": (chosen(b="mse"), "for-another-task:B"),
        "C by name": (chosen(c="categorical_crossentropy"), "takes-probabilities:C"),
        "C binary": (chosen(c=K.BinaryCrossentropy(from_logits=True)), "for-another-task:C"),
        "A distance": (chosen(a="mse"), "for-another-task:A"),
        "A huber": (chosen(a=K.Huber()), "for-another-task:A"),
        "B for counts": (chosen(b="poisson"), "for-another-task:B"),
        "B margin": (chosen(b="categorical_hinge"), "for-another-task:B"),
        "B binary focal": (chosen(b="binary_focal_crossentropy"), "for-another-task:B"),
        "B metric object": (chosen(b=keras.metrics.CategoricalAccuracy()), "no-loss:B"),
        "C in quotes": (chosen(c="keras.losses.CategoricalCrossentropy(from_logits=True)"), "unknown-loss:C"),
        "C in quotes, and wrong": (chosen(c="CategoricalCrossentropy()"), "unknown-loss:C"),
        "C fails": (chosen(c=lambda outputs: outputs), "loss-fails:C"),
        "C own": (chosen(c=squares_of_softmax), "no-known-loss:C"),
        "C upside down": (chosen(c=lambda labels, outputs: -ROWS(labels, outputs)), "upside-down:C"),
        "unknown name": (chosen(a="cross entropy"), "unknown-loss:A"),
        "a metric": (chosen(b="accuracy"), "unknown-loss:B"),
        "no loss": (chosen(a=3), "no-loss:A"),
        "a list": (just([LOGITS, "categorical_crossentropy", ROWS]), "no-dictionary"),
        "two models": (just({"A": LOGITS, "B": "categorical_crossentropy"}), "no-entry:C"),
    },
    right={
        "as in the course": chosen(),
        "functions and classes": chosen(
            lambda labels, outputs: K.sparse_categorical_crossentropy(labels, outputs, from_logits=True),
            K.CategoricalCrossentropy,
            K.CategoricalCrossentropy(from_logits=True, label_smoothing=0.1),
        ),
        "equivalent ones": chosen(
            K.SparseCategoricalCrossentropy(from_logits=True, reduction="sum"),
            "kl_divergence",
            K.CategoricalFocalCrossentropy(from_logits=True),
        ),
    },
    blank=(just(...), chosen(c=...)),
)
