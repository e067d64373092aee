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


HEAD_ON_FEATURES = Cases(
    wrong={
        "softmax": (head(layers.Flatten, dense(5, "softmax")), "sum to 1"),
        "sigmoid": (head(layers.Flatten, dense(5, "sigmoid")), "between 0 and 1"),
        "relu": (head(layers.Flatten, dense(5, "relu")), "never negative"),
        "tanh": (head(layers.Flatten, dense(5, "tanh")), "between −1 and 1"),
        "no pooling": (head(dense()), "still have height and width"),
        "1000 units": (head(layers.Flatten, dense(1000)), "ImageNet's classes"),
        "one unit": (head(layers.Flatten, dense(1)), "one output cannot choose"),
        "four units": (head(layers.Flatten, dense(4)), "one for each class"),
        "takes pictures": (
            head(layers.GlobalMaxPooling2D, dense(), shape=(224, 224, 3)),
            "takes features, not pictures",
        ),
        "takes other features": (head(layers.Flatten, dense(), shape=(3, 3, 512)), "the shape that your Input names"),
        "frozen": (frozen_head, "frozen by mistake"),
        "spoilt": (spoilt_head, "NaN"),
        "own class, not built": (lambda: OwnHead(), "no weights yet"),
        "a layer": (just(layers.Dense(5)), "the whole model"),
        "a tensor": (just(keras.Input((7, 7, 512))), "wrap the way"),
        "a class": (just(OwnHead), "by calling the class"),
        "a function": (just(lambda: None), "call it"),
    },
    right={
        "pooling": head(layers.GlobalAveragePooling2D, dense()),
        "Flatten, hidden layer, dropout": head(layers.Flatten, dense(16, "relu"), lambda: layers.Dropout(0.5), dense()),
        "from zeros": head(layers.Flatten, lambda: layers.Dense(5, kernel_initializer="zeros")),
        "explicit linear": head(layers.GlobalMaxPooling2D, dense(5, "linear")),
        "any size": head(layers.GlobalAveragePooling2D, dense(), shape=(None, None, 512)),
        "Sequential without Input": lambda: keras.Sequential([layers.Flatten(), layers.Dense(5)]),
        "own class": lambda: built(OwnHead(), (7, 7, 512)),
    },
)


def chosen(a=LOGITS, b="categorical_crossentropy", c=ROWS):
    return just({"A": a, "B": b, "C": c})


FITTING_LOSSES = Cases(
    wrong={
        "A by name": (chosen(a="sparse_categorical_crossentropy"), "which takes the outputs for probabilities"),
        "A for rows": (chosen(a=ROWS), "differ by the word `Sparse`"),
        "B softmax twice": (chosen(b=ROWS), "model B: CategoricalCrossentropy(from_logits=True), which hardly minds"),
        "B sparse": (chosen(b="sparse_categorical_crossentropy"), "model B: the text"),
        "B binary": (chosen(b="binary_crossentropy"), "scores every class for itself"),
        "B distance": (chosen(b="mse"), "measures a distance"),
        "C by name": (chosen(c="categorical_crossentropy"), "takes the outputs for probabilities"),
        "C binary": (chosen(c=K.BinaryCrossentropy(from_logits=True)), "scores every class for itself"),
        "C upside down": (chosen(c=lambda labels, outputs: -ROWS(labels, outputs)), "not lowest where the model"),
        "unknown name": (chosen(a="cross entropy"), "no loss of that name"),
        "a metric": (chosen(b="accuracy"), "no loss of that name"),
        "a list": (just([LOGITS, "categorical_crossentropy", ROWS]), "keep the form"),
        "two models": (just({"A": LOGITS, "B": "categorical_crossentropy"}), "without 'C'"),
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
