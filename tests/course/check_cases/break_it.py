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
        "one exchanged pair": (just({**FIRST, 1: "units", 4: "loss"}), "not-right:1-4"),
        "loss taken for units": (just({**FIRST, 4: "loss"}), "not-right:4"),
        "pixels taken for rate": (just({**FIRST, 2: "rate"}), "not-right:2"),
        "all the same": (just(dict.fromkeys(FIRST, "pixels")), "not-right:1-3-4-5-6"),
        "unknown": (just({**FIRST, 3: "overfitting"}), "unknown-name"),
        "one forgotten": (just({number: name for number, name in FIRST.items() if number != 5}), "no-entry:5"),
        "numbers in quotes": (just({str(number): name for number, name in FIRST.items()}), "no-entry:1"),
        "a list": (just(list(FIRST.values())), "no-dictionary"),
        "None": (just({**FIRST, 6: None}), "no-text"),
    },
    right={"names": just(FIRST), "more than asked": just({**FIRST, **SECOND})},
    blank=(just(...), just({**FIRST, 2: ...})),
)

SECOND_ROUND = Cases(
    wrong={
        "the two freezes exchanged": (
            just({**SECOND, 8: "never frozen", 11: "never unfrozen"}),
            "not-right:8-11",
        ),
        "leak taken for order": (just({**SECOND, 9: "order"}), "not-right:9"),
        "statistics taken for rate": (just({**SECOND, 10: "rate"}), "not-right:10"),
        "unknown": (just({**SECOND, 7: "learning rate"}), "unknown-name"),
        "of the other round": (just(FIRST), "no-entry:7"),
        "a list": (just(list(SECOND.values())), "no-dictionary"),
        "a number": (just({**SECOND, 7: 3}), "no-text"),
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
            "units",
        ),
        "still divided": (build(lambda pixels: pixels / 255), "divided"),
        "divided and prepared": (build(lambda pixels: prepare(pixels / 255)), "divided-then-prepared"),
        "not prepared": (build(lambda pixels: pixels), "as-they-are"),
        "twice": (build(lambda pixels: prepare(prepare(pixels))), "twice"),
        "MobileNet's": (build(lambda pixels: pixels / 127.5 - 1), "minus-one-to-one"),
        "red first": (build(lambda pixels: prepare(pixels)[..., ::-1]), "red-first"),
        "something else": (build(lambda pixels: pixels - 128), "something-else"),
        "logits, loss by name": (build(loss="sparse_categorical_crossentropy"), "takes-probabilities:compile"),
        "free base": (build(freeze=False), "base-moves"),
        "frozen after a fit": (build(late=True), "base-moves"),
        "frozen head": (build(head=False), "nothing-moves"),
        "another base": (just(own_base), "another-base"),
        "not compiled": (just(uncompiled), "not-compiled"),
        "nothing returned": (just(lambda base: None), "returns-none"),
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
        "by the sum": (just(by_sum), "same-sum"),
        "doubles in test": (just(within_both), "twice-in-test"),
        "places in train": (just(in_train), "places-in-train"),
        "same places only": (just(at_the_same_place), "none-found"),
        "the first one": (just(lambda train, test: by_bytes(train, test)[:1]), "some-missing"),
        "truth values": (
            just(lambda train, test: np.isin(np.arange(len(test)), by_bytes(train, test))),
            "truth-values",
        ),
        "how many": (just(lambda train, test: len(by_bytes(train, test))), "no-list"),
        "pictures": (just(lambda train, test: [test[0]]), "no-whole-numbers"),
        "nothing returned": (just(lambda train, test: None), "returns-none"),
        "too many": (just(lambda train, test: [*by_bytes(train, test), 9]), "too-many"),
    },
    right={
        "by bytes": just(by_bytes),
        "by comparison": just(by_comparison),
        "a set": just(lambda train, test: set(by_bytes(train, test))),
    },
    blank=(just(...), just(lambda train, test: ...)),
)
