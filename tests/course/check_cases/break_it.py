"""Answers to the exercises of notebook 08."""

import keras
import numpy as np
from keras import layers

from check_cases.common import LOGITS, Cases, just, prepare
from helpers.course import lab

TRUTH = {each.number: each.mistake for each in (*lab.FIRST_ROUND, *lab.SECOND_ROUND)}
FIRST = {number: TRUTH[number] for number in range(1, 7)}
SECOND = {number: TRUTH[number] for number in range(7, 13)}

FIRST_ROUND = Cases(
    wrong={
        "one exchanged pair": (just({**FIRST, 1: "units", 4: "loss"}), "right so far: 2, 3, 5, 6"),
        "loss taken for units": (just({**FIRST, 4: "loss"}), "the sign of the loss"),
        "pixels taken for rate": (just({**FIRST, 2: "rate"}), "the dashed curve"),
        "all the same": (just(dict.fromkeys(FIRST, "pixels")), "right so far: 2"),
        "unknown": (just({**FIRST, 3: "overfitting"}), "no mistake is called that"),
        "one forgotten": (just({number: name for number, name in FIRST.items() if number != 5}), "without patient 5"),
        "numbers in quotes": (just({str(number): name for number, name in FIRST.items()}), "without quotes"),
        "a list": (just(list(FIRST.values())), "keep the form of the stub"),
        "None": (just({**FIRST, 6: None}), "as a text"),
    },
    right={"names": just(FIRST), "more than asked": just({**FIRST, **SECOND})},
    blank=(just(...), just({**FIRST, 2: ...})),
)

SECOND_ROUND = Cases(
    wrong={
        "the two freezes exchanged": (
            just({**SECOND, 8: "never frozen", 11: "never unfrozen"}),
            "patient 8: epoch 3",
        ),
        "leak taken for order": (just({**SECOND, 9: "order"}), "to which of the two"),
        "statistics taken for rate": (just({**SECOND, 10: "rate"}), "What moves without a rate"),
        "unknown": (just({**SECOND, 7: "learning rate"}), "the spelling"),
        "of the other round": (just(FIRST), "without patient 7"),
    },
    right={"names": just(SECOND), "both rounds": just(TRUTH)},
    blank=(just(...), just(dict.fromkeys(SECOND, ...))),
)


def build(
    prepared=lambda pixels: prepare(pixels), units=5, activation=None, loss=LOGITS, freeze=True, late=False, head=True
):
    def from_base(base):
        if freeze and not late:
            base.trainable = False
        pixels = keras.Input(base.input_shape[1:])
        row = layers.GlobalAveragePooling2D()(base(prepared(pixels)))
        dense = layers.Dense(units, activation=activation)
        dense.trainable = head
        model = keras.Model(pixels, dense(row))
        model.compile("adam", loss=loss, metrics=["accuracy"])
        if late:
            pictures = np.zeros((10, *base.input_shape[1:]), "float32")  # as the check's, or the step is built anew
            model.fit(pictures, np.arange(10) % 5, verbose=0)
            base.trainable = False
        return model

    return just(from_base)


def own_base(base):
    pixels = keras.Input(base.input_shape[1:])
    maps = layers.Conv2D(8, 3)(prepare(pixels))
    model = keras.Model(pixels, layers.Dense(5)(layers.GlobalAveragePooling2D()(maps)))
    model.compile("adam", loss=LOGITS)
    return model


def uncompiled(base):
    pixels = keras.Input(base.input_shape[1:])
    return keras.Model(pixels, layers.Dense(5)(layers.GlobalAveragePooling2D()(base(prepare(pixels)))))


MEND_SET_UP = Cases(
    wrong={
        "as it was given": (
            build(lambda pixels: pixels / 255, 1, "softmax", "sparse_categorical_crossentropy", False),
            "how many classes",
        ),
        "still divided": (build(lambda pixels: pixels / 255), "the range: what does VGG16's own"),
        "divided and prepared": (build(lambda pixels: prepare(pixels / 255)), "one station too many"),
        "not prepared": (build(lambda pixels: pixels), "the station between pixels and base"),
        "twice": (build(lambda pixels: prepare(prepare(pixels))), "how many times"),
        "MobileNet's": (build(lambda pixels: pixels / 127.5 - 1), "not VGG16's"),
        "red first": (build(lambda pixels: prepare(pixels)[..., ::-1]), "the order of the colours"),
        "something else": (build(lambda pixels: pixels - 128), "and nothing else"),
        "logits, loss by name": (build(loss="sparse_categorical_crossentropy"), "takes the outputs for probabilities"),
        "free base": (build(freeze=False), "is it frozen before the compile"),
        "frozen after a fit": (build(late=True), "is it frozen before the compile"),
        "frozen head": (build(head=False), "the head: it has to train"),
        "another base": (just(own_base), "put the model on that base"),
        "not compiled": (just(uncompiled), "compile the model"),
        "nothing returned": (just(lambda base: None), "is there a `return`"),
    },
    right={
        "logits": build(),
        "softmax": build(activation="softmax", loss="sparse_categorical_crossentropy"),
    },
    blank=(just(...), just(lambda base: ...)),
)


def by_bytes(train, test):
    known = {picture.tobytes() for picture in train}
    return [place for place, picture in enumerate(test) if picture.tobytes() in known]


def by_comparison(train, test):
    same = (test[:, None] == train[None]).all(axis=(2, 3, 4))
    return np.flatnonzero(same.any(axis=1))


def by_sum(train, test):
    known = {int(picture.sum()) for picture in train}
    return [place for place, picture in enumerate(test) if int(picture.sum()) in known]


def within_both(train, test):
    everything = [picture.tobytes() for picture in (*train, *test)]
    return [place for place, picture in enumerate(test) if everything.count(picture.tobytes()) > 1]


def in_train(train, test):
    return by_bytes(test, train)


def at_the_same_place(train, test):
    return [place for place in range(len(test)) if (train[place] == test[place]).all()]


FIND_LEAK = Cases(
    wrong={
        "by the sum": (just(by_sum), "in other places"),
        "doubles in test": (just(within_both), "stand in test both times"),
        "places in train": (just(in_train), "they are asked for in test"),
        "same places only": (just(at_the_same_place), "each test picture with each of train"),
        "the first one": (just(lambda train, test: by_bytes(train, test)[:1]), "end too early"),
        "truth values": (
            just(lambda train, test: np.isin(np.arange(len(test)), by_bytes(train, test))),
            "np.flatnonzero",
        ),
        "how many": (just(lambda train, test: len(by_bytes(train, test))), "collect the places"),
        "pictures": (just(lambda train, test: [test[0]]), "whole numbers"),
        "nothing returned": (just(lambda train, test: None), "is there a `return`"),
        "too many": (just(lambda train, test: [*by_bytes(train, test), 9]), "is not in train"),
    },
    right={
        "by bytes": just(by_bytes),
        "by comparison": just(by_comparison),
        "a set": just(lambda train, test: set(by_bytes(train, test))),
    },
    blank=(just(...), just(lambda train, test: ...)),
)
