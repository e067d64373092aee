"""Answers that no learner should give, and every check must bear."""

import decimal

import keras
import numpy as np
import pandas as pd
import tensorflow as tf
from keras import layers


class Hostile:
    """An object that objects to everything."""

    def __init__(self, error=RuntimeError):
        object.__setattr__(self, "error", error)

    def __getattribute__(self, name):
        raise object.__getattribute__(self, "error")("hands off")

    def __repr__(self):
        raise object.__getattribute__(self, "error")("no name")

    __str__ = __bool__ = __len__ = __iter__ = __eq__ = __array__ = __call__ = __repr__
    __hash__ = None


class Raises(keras.Model):
    def call(self, inputs):
        raise RuntimeError("no")


class TwoOutputs(keras.Model):
    def call(self, inputs):
        return [inputs, inputs]


def exits(*arguments):
    raise SystemExit(3)


def endless():
    while True:
        yield 1


def itself():
    answer = []
    answer.append(answer)
    return answer


def called(model):
    model(np.zeros((1, 2), dtype="float32")) if not isinstance(model, Raises) else None
    model.built = True
    return model


ABSURD = {
    "None": lambda: None,
    "empty text": lambda: "",
    "bytes": lambda: b"\xff",
    "minus one": lambda: -1,
    "NaN": lambda: float("nan"),
    "infinite": lambda: np.inf,
    "huge": lambda: 10**400,
    "complex": lambda: 1j,
    "decimal": lambda: decimal.Decimal("sNaN"),
    "true": lambda: True,
    "empty list": list,
    "empty dictionary": dict,
    "dictionary of all": lambda: {
        key: None
        for key in ("A", "B", "C", "labels", "loss", "second fit", "third fit", "fourth fit", "moved by mistake")
    },
    "set": lambda: {1, 2},
    "a list in itself": itself,
    "ragged": lambda: [[1], [2, 3]],
    "object": object,
    "a class": lambda: keras.Model,
    "a module": lambda: keras,
    "hostile": Hostile,
    "hostile exit": lambda: Hostile(SystemExit),
    "generator": endless,
    "generator function": lambda: endless,
    "wrong arity": lambda: lambda a, b, c, d: a,
    "exits": lambda: exits,
    "returns hostile": lambda: lambda *arguments: Hostile(),
    "returns itself": lambda: exits.__call__,
    "spoils its arguments": lambda: lambda first, *others: getattr(first, "fill", vars)(0),
    "built-in": lambda: print,
    "empty array": lambda: np.array([]),
    "array of objects": lambda: np.array([None, "a"], dtype=object),
    "data frame": lambda: pd.DataFrame({"a": [1]}),
    "endless data set": lambda: tf.data.Dataset.from_tensors(1).repeat(),
    "tensor": lambda: tf.constant("text"),
    "symbolic": lambda: keras.Input((3,)),
    "layer": lambda: layers.Dense(5),
    "empty Sequential": keras.Sequential,
    "model that raises": lambda: called(Raises()),
    "model of two outputs": lambda: called(TwoOutputs()),
    "model of no weights": lambda: keras.Sequential([keras.Input((7, 7, 512)), layers.Flatten()]),
    "optimizer": lambda: keras.optimizers.Adam(),
}
