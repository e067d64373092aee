"""Answers to the exercises of notebook 03: the whole model."""

import functools

import keras
import numpy as np
from keras import layers

from check_cases.common import Cases, built, new_head, prepare, vgg
from helpers.course.checks import preparations


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
        "softmax, and a mistake": (
            lambda *parts: keras.Sequential([wired(lambda pixels: pixels / 127.5 - 1)(*parts), layers.Softmax()]),
            "softmax-after",
        ),
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
