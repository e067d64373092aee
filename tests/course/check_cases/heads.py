"""Answers to the exercises of notebook 03: the functional way, heads and losses."""

import functools

import keras
import numpy as np
from keras import layers

from check_cases.common import LOGITS, ROWS, Cases, K, OwnHead, built, dense, head, just

MAPS = (5, 5, 1280)
ONE_LOGIT = K.BinaryCrossentropy(from_logits=True)
CHEAP, PLACES = 1280 * 3 + 3, 25 * 1280 * 3 + 3


@functools.cache
def toy_parts():
    numbers = keras.Input((4,))
    start = keras.initializers.GlorotUniform(seed=1)
    toy = keras.Model(numbers, layers.Dense(3, "relu", kernel_initializer=start)(numbers))
    return built(layers.Rescaling(1 / 50, offset=-1), (4,)), toy


def wired_toy(way, inputs=4):
    """A model of what `way` makes of its input, of scale and of toy."""

    def maker(scale, toy):
        numbers = keras.Input((inputs,))
        return keras.Model(numbers, way(numbers, scale, toy))

    return maker


class OwnWhole(keras.Model):
    def __init__(self, *parts):
        super().__init__()
        self.parts = [*parts, layers.Dense(2)]

    def call(self, numbers):
        for part in self.parts:
            numbers = part(numbers)
        return numbers


WIRE_TOY = Cases(
    given=toy_parts,
    wrong={
        "toy": (lambda scale, toy: toy, "units"),
        "no scale": (
            wired_toy(lambda numbers, scale, toy: layers.Dense(2)(toy(numbers))),
            "another-way:the numbers reach the toy as they are",
        ),
        "scale after toy": (
            wired_toy(lambda numbers, scale, toy: layers.Dense(2)(scale(toy(numbers)))),
            "another-way:the scaling comes after the toy",
        ),
        "scaled twice": (
            wired_toy(lambda numbers, scale, toy: layers.Dense(2)(toy(scale(scale(numbers))))),
            "another-way:the numbers are scaled twice",
        ),
        "toy built again": (
            wired_toy(lambda numbers, scale, toy: layers.Dense(2)(layers.Dense(3, "relu")(scale(numbers)))),
            "another-toy",
        ),
        "hidden layer": (
            wired_toy(lambda numbers, scale, toy: layers.Dense(2)(layers.Dense(3)(toy(scale(numbers))))),
            "other-layers",
        ),
        "softmax": (
            wired_toy(lambda numbers, scale, toy: layers.Dense(2, "softmax")(toy(scale(numbers)))),
            "none-known",
        ),
        "five units": (wired_toy(lambda numbers, scale, toy: layers.Dense(5)(toy(scale(numbers)))), "units"),
        "a row of maps": (
            wired_toy(lambda numbers, scale, toy: layers.Dense(2)(layers.Reshape((3, 1))(toy(scale(numbers))))),
            "maps",
        ),
        "another Input": (
            lambda scale, toy: keras.Sequential([keras.Input((3,)), layers.Dense(2)]),
            "wrong-input",
        ),
        "a tensor": (lambda scale, toy: layers.Dense(2)(toy(keras.Input((4,)))), "no-model"),
    },
    right={
        "functional": wired_toy(lambda numbers, scale, toy: layers.Dense(2)(toy(scale(numbers)))),
        "from zeros": wired_toy(
            lambda numbers, scale, toy: layers.Dense(2, kernel_initializer="zeros")(toy(scale(numbers)))
        ),
        "Sequential": lambda scale, toy: keras.Sequential([keras.Input((4,)), scale, toy, layers.Dense(2)]),
        "own class": lambda scale, toy: built(OwnWhole(scale, toy), (4,)),
    },
)


def on_maps(*stack, shape=MAPS):
    return head(*stack, shape=shape)


def frozen_head(*given):
    model = on_maps(layers.Flatten, dense(3))()
    model.trainable = False
    return model


def half_frozen(*given):
    model = on_maps(layers.Flatten, lambda: layers.Dense(4, "relu", name="first"), dense(3))()
    model.get_layer("first").trainable = False
    return model


def spoilt_head(*given):
    model = on_maps(layers.GlobalAveragePooling2D, dense(3))()
    model.set_weights([weight * np.nan for weight in model.get_weights()])
    return model


def two_outputs(*given):
    maps = keras.Input(MAPS)
    row = layers.Flatten()(maps)
    return keras.Model(maps, [layers.Dense(3)(row), layers.Dense(3)(row)])


class OwnHeadOfThree(OwnHead):
    def __init__(self):
        super().__init__()
        self.decide = layers.Dense(3)


POOLED = on_maps(layers.GlobalAveragePooling2D, dense(3))
FLAT = on_maps(layers.Flatten, dense(3))


def heads(first=POOLED, second=FLAT, difference=PLACES - CHEAP):
    return lambda *given: {"fewest parameters": first(), "position": second(), "difference": difference}


HEADS_FOR_MAPS = Cases(
    wrong={
        "softmax": (heads(on_maps(layers.GlobalAveragePooling2D, dense(3, "softmax"))), "activation:fewest parameters"),
        "sigmoid": (heads(second=on_maps(layers.Flatten, dense(3, "sigmoid"))), "activation:position"),
        "elu": (heads(second=on_maps(layers.Flatten, dense(3, "elu"))), "activation:position"),
        "no pooling": (heads(on_maps(dense(3))), "maps"),
        "five units": (heads(on_maps(layers.GlobalAveragePooling2D, dense(5))), "units"),
        "of 96 pixels": (heads(second=on_maps(layers.Flatten, dense(3), shape=(3, 3, 512))), "wrong-input"),
        "takes pictures": (
            heads(on_maps(layers.GlobalAveragePooling2D, dense(3), shape=(160, 160, 3))),
            "wrong-input",
        ),
        "frozen": (heads(second=frozen_head), "frozen:position"),
        "half frozen": (heads(second=half_frozen), "frozen:position"),
        "spoilt": (heads(spoilt_head), "not-finite"),
        "two outputs": (heads(second=two_outputs), "several-outputs"),
        "pooling twice": (heads(second=POOLED), "places-lost:position"),
        "Flatten twice": (heads(FLAT), "places-kept:fewest parameters"),
        "exchanged": (heads(FLAT, POOLED), "places-kept:fewest parameters"),
        "hidden layer": (heads(on_maps(layers.GlobalAveragePooling2D, dense(4, "relu"), dense(3))), "too-many"),
        "the number itself": (heads(difference=PLACES), "another-difference"),
        "as a text": (heads(difference="92160"), "in-quotes"),
        "layers": (heads(just(layers.GlobalAveragePooling2D()), just(layers.Flatten())), "no-model"),
        "a class": (heads(just(OwnHeadOfThree)), "no-model"),
        "one model": (POOLED, "no-dictionary"),
        "two entries": (just({"fewest parameters": 1, "position": 2}), "no-entry:difference"),
    },
    right={
        "pooling and Flatten": heads(),
        "max pooling, from zeros": heads(
            on_maps(layers.GlobalMaxPooling2D, lambda: layers.Dense(3, kernel_initializer="zeros"))
        ),
        "own class": heads(lambda: built(OwnHeadOfThree(), MAPS)),
        "hidden layer, dropout": heads(
            second=on_maps(layers.Flatten, dense(16, "relu"), lambda: layers.Dropout(0.5), dense(3)),
            difference=32_000 * 16 + 16 + 16 * 3 + 3 - CHEAP,
        ),
    },
    blank=(just(...), heads(just(...))),
)


def chosen(
    a=LOGITS,
    b="categorical_crossentropy",
    c=ONE_LOGIT,
    d="sparse_categorical_crossentropy",
):
    return just({"A": a, "B": b, "C": c, "D": d})


def squares_of_softmax(labels, outputs):
    return keras.ops.sum((labels - keras.ops.softmax(outputs)) ** 2, axis=-1)


CHOOSE_LOSSES = Cases(
    wrong={
        "A by name": (chosen(a="sparse_categorical_crossentropy"), "takes-probabilities:A"),
        "A for rows": (chosen(a=ROWS), "form-of-labels:A"),
        "A distance": (chosen(a="mse"), "for-another-task:A"),
        "A huber": (chosen(a=K.Huber()), "for-another-task:A"),
        "B softmax twice": (chosen(b=ROWS), "softmax-twice:B"),
        "B sparse": (chosen(b="sparse_categorical_crossentropy"), "form-of-labels:B"),
        "B binary": (chosen(b="binary_crossentropy"), "for-another-task:B"),
        "B distance": (chosen(b="mse"), "for-another-task:B"),
        "B for counts": (chosen(b="poisson"), "for-another-task:B"),
        "B margin": (chosen(b="categorical_hinge"), "for-another-task:B"),
        "B binary focal": (chosen(b="binary_focal_crossentropy"), "for-another-task:B"),
        "B metric object": (chosen(b=keras.metrics.CategoricalAccuracy()), "no-loss:B"),
        "B own": (chosen(b=squares_of_softmax), "no-known-loss:B"),
        "B upside down": (
            chosen(b=lambda labels, outputs: -K.CategoricalCrossentropy()(labels, outputs)),
            "upside-down:B",
        ),
        "C by name": (chosen(c="binary_crossentropy"), "takes-probabilities:C"),
        "C sparse": (chosen(c=LOGITS), "for-another-task:C"),
        "C sparse by name": (chosen(c="sparse_categorical_crossentropy"), "for-another-task:C"),
        "C categorical": (chosen(c=ROWS), "for-another-task:C"),
        "C distance": (chosen(c="mse"), "for-another-task:C"),
        "C hinge": (chosen(c="hinge"), "for-another-task:C"),
        "C in quotes": (chosen(c="keras.losses.BinaryCrossentropy(from_logits=True)"), "unknown-loss:C"),
        "C in quotes, and wrong": (chosen(c="BinaryCrossentropy()"), "unknown-loss:C"),
        "C fails": (chosen(c=lambda outputs: outputs), "loss-fails:C"),
        "D logits": (chosen(d=LOGITS), "softmax-twice:D"),
        "D binary": (chosen(d="binary_crossentropy"), "for-another-task:D"),
        "D one-hot": (chosen(d="categorical_crossentropy"), "form-of-labels:D"),
        "unknown name": (chosen(a="cross entropy"), "unknown-loss:A"),
        "a metric": (chosen(b="accuracy"), "unknown-loss:B"),
        "no loss": (chosen(a=3), "no-loss:A"),
        "a list": (just([LOGITS, "categorical_crossentropy"]), "no-dictionary"),
        "three models": (just({"A": LOGITS, "B": "categorical_crossentropy", "C": ROWS}), "no-entry:D"),
    },
    right={
        "as in the course": chosen(),
        "functions and classes": chosen(
            lambda labels, outputs: K.sparse_categorical_crossentropy(labels, outputs, from_logits=True),
            K.CategoricalCrossentropy,
            lambda labels, outputs: K.binary_crossentropy(labels, outputs, from_logits=True),
            K.SparseCategoricalCrossentropy(),
        ),
        "equivalent ones": chosen(
            K.SparseCategoricalCrossentropy(from_logits=True, reduction="sum"),
            "kl_divergence",
            K.BinaryFocalCrossentropy(from_logits=True),
        ),
    },
    blank=(just(...), chosen(c=...)),
)
