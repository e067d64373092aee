"""Answers to the exercises of notebook 03: the swap and the whole model."""

import functools

import keras
import numpy as np
from keras import layers

from check_cases.common import Cases, built, new_head, prepare, vgg
from helpers.course.checks import preparations


@functools.cache
def full():
    return keras.applications.VGG16(weights=None, input_shape=(32, 32, 3))


def on(tensor, units=5, activation=None):
    def maker(full):
        return keras.Model(full.input, layers.Dense(units, activation=activation)(tensor(full)))

    return maker


def popped(full):
    full.layers.pop()
    return full


def in_front(full):
    pixels = keras.Input((32, 32, 3))
    return keras.Model(pixels, on(before_last)(full)(prepare(pixels)))


def own_copy(full):
    copy = keras.models.clone_model(full)
    copy.set_weights(full.get_weights())
    return on(before_last)(copy)


def before_last(full):
    return full.layers[-1].input


def anew(full):
    return keras.applications.VGG16(weights=None, input_shape=(32, 32, 3), classes=5, classifier_activation=None)


SWAP_FINAL_DENSE = Cases(
    given=lambda: (full(),),
    wrong={
        "pop": (popped, "units"),
        "on top of 1000": (on(lambda full: full.output), "attached-to:predictions"),
        "behind fc1": (on(lambda full: full.get_layer("fc1").output), "attached-to:fc1"),
        "behind fc1, from zeros": (
            lambda full: keras.Model(
                full.input, layers.Dense(5, kernel_initializer="zeros")(full.get_layer("fc1").output)
            ),
            "attached-to:fc1",
        ),
        "fc1 and fc2 lost": (on(lambda full: full.get_layer("flatten").output), "attached-to:flatten"),
        "pooled": (
            on(lambda full: layers.GlobalAveragePooling2D()(full.get_layer("block5_conv3").output)),
            "left-out",
        ),
        "softmax": (on(before_last, activation="softmax"), "activation:softmax"),
        "relu": (on(before_last, activation="relu"), "activation:relu"),
        "sigmoid": (on(before_last, activation="sigmoid"), "activation:sigmoid"),
        "tanh": (on(before_last, activation="tanh"), "activation:tanh"),
        "1 unit": (on(before_last, units=1), "units"),
        "4 units": (on(before_last, units=4), "units"),
        "maps": (on(lambda full: full.get_layer("block5_pool").output), "maps"),
        "takes features": (lambda full: new_head(), "wrong-input"),
        "two new layers": (on(lambda full: layers.Dense(5)(before_last(full))), "no-last-dense"),
        "built anew": (anew, "built-again"),
        "preprocessed": (in_front, "other-numbers"),
        "hidden layer": (on(lambda full: layers.Dense(8, name="hidden")(before_last(full))), "left-out"),
        "normalised": (on(lambda full: layers.BatchNormalization(name="bn")(before_last(full))), "built-again"),
        "scaled": (on(lambda full: before_last(full) / 2), "other-numbers"),
        "the layer": (lambda full: layers.Dense(5), "no-model"),
    },
    right={
        "new model": on(before_last),
        "from zeros": lambda full: keras.Model(
            full.input, layers.Dense(5, kernel_initializer="zeros")(full.layers[-1].input)
        ),
        "from fc2 by name": on(lambda full: full.get_layer("fc2").output),
        "Sequential of the layers": lambda full: keras.Sequential([*full.layers[:-1], layers.Dense(5)]),
        "with dropout": on(lambda full: layers.Dropout(0.5)(before_last(full))),
        "a copy with the same weights": own_copy,
        "without bias": lambda full: keras.Model(full.input, layers.Dense(5, use_bias=False)(before_last(full))),
    },
)


@functools.cache
def parts():
    return vgg(), new_head()


def wired(prepare=prepare, base=None, head=None):
    def maker(given_base, given_head):
        pixels = keras.Input((32, 32, 3))
        return keras.Model(pixels, (head or given_head)((base or given_base)(prepare(pixels))))

    return maker


class OwnWhole(keras.Model):
    def __init__(self, base, head):
        super().__init__()
        self.base, self.head = base, head

    def call(self, pixels):
        return self.head(self.base(prepare(pixels)))


MISTAKES = [name for name in preparations.variants(prepare, np.zeros((1, 1, 1, 3))) if name != "prepared"]


def fed_with(mistake):
    """A model that makes one of the usual mistakes."""

    class Mistaken(OwnWhole):
        def call(self, pixels):
            return self.head(self.base(preparations.variants(prepare, pixels)[mistake]))

    return lambda *parts: built(Mistaken(*parts), (32, 32, 3))


MEND_WIRING = Cases(
    given=parts,
    wrong={mistake: (fed_with(mistake), mistake) for mistake in MISTAKES}
    | {
        "features model": (lambda base, head: head, "wrong-input"),
        "no head": (lambda base, head: keras.Model(base.input, base.output), "another-head"),
        "new head": (lambda base, head: wired(head=new_head())(base, head), "another-head"),
        "new base": (
            lambda base, head: wired(base=keras.models.clone_model(base))(base, head),
            "another-base",
        ),
        "softmax": (lambda *parts: keras.Sequential([wired()(*parts), layers.Softmax()]), "softmax-after"),
        "something between": (wired(lambda pixels: prepare(pixels) / 2), "something-between"),
        "a tensor": (lambda base, head: head(base(keras.Input((32, 32, 3)))), "no-model"),
    },
    right={
        "Functional": wired(),
        "Sequential": lambda *parts: keras.Sequential([keras.Input((32, 32, 3)), layers.Lambda(prepare), *parts]),
        "own class": lambda base, head: built(OwnWhole(base, head), (32, 32, 3)),
        "own class, not yet called": OwnWhole,
        "Lambda first, no Input": lambda *parts: keras.Sequential([layers.Lambda(prepare), *parts]),
        "augmented": wired(lambda pixels: prepare(layers.RandomFlip("horizontal")(pixels))),
    },
)
