"""Answers to the exercises of notebook 09."""

from collections import OrderedDict

import keras
import numpy as np
import pandas as pd
from keras import layers

from check_cases.common import LOGITS, Cases, just, prepare
from helpers.course import lab

TRUTH = {each.number: each.mistake for each in (*lab.FIRST_ROUND, *lab.SECOND_ROUND)}
FIRST = {number: TRUTH[number] for number in range(1, 7)}
SECOND = {number: TRUTH[number] for number in range(7, 13)}

FIRST_ROUND = Cases(
    wrong={
        "one exchanged pair": (just({**FIRST, 1: "units", 4: "loss"}), "not-right:1-4"),
        "loss taken for units": (just({**FIRST, 4: "loss"}), "named-twice:loss"),
        "pixels taken for rate": (just({**FIRST, 2: "rate "}), "not-right:2"),
        "all the same": (just(dict.fromkeys(FIRST, "pixels")), "named-twice:pixels"),
        "unknown": (just({**FIRST, 3: "overfitting"}), "unknown-name"),
        "one forgotten": (just({number: name for number, name in FIRST.items() if number != 5}), "no-entry:5"),
        "numbers in quotes": (just({str(number): name for number, name in FIRST.items()}), "no-entry:1"),
        "a list": (just(list(FIRST.values())), "no-dictionary"),
        "None": (just({**FIRST, 6: None}), "unknown-name"),
    },
    right={
        "names": just(FIRST),
        "more than asked": just({**FIRST, **SECOND}),
        "padded, in order": just(OrderedDict({number: f"{name:20}" for number, name in FIRST.items()})),
        "numbers of NumPy": just({np.int64(number): name for number, name in FIRST.items()}),
    },
    blank=(just(...), just({**FIRST, 2: ...}), just(OrderedDict.fromkeys(FIRST, ...))),
)

SECOND_ROUND = Cases(
    wrong={
        "the two freezes exchanged": (
            just({**SECOND, 8: "never frozen", 11: "never unfrozen"}),
            "not-right:8-11",
        ),
        "leak taken for order": (just({**SECOND, 9: "order"}), "named-twice:order"),
        "statistics taken for pixels": (just({**SECOND, 10: "pixels"}), "not-right:10"),
        "unknown": (just({**SECOND, 7: "learning rate"}), "unknown-name"),
        "of the other round": (just(FIRST), "no-entry:7"),
        "a list": (just(list(SECOND.values())), "no-dictionary"),
        "a number": (just({**SECOND, 7: 3}), "unknown-name"),
    },
    right={"names": just(SECOND), "both rounds": just(TRUTH)},
    blank=(just(...), just(dict.fromkeys(SECOND, ...))),
)


SPARSE = "sparse_categorical_crossentropy"


def build(
    prepared=lambda pixels: prepare(pixels),
    units=5,
    activation=None,
    loss=LOGITS,
    freeze=True,
    late=False,
    head=True,
    pool=layers.GlobalAveragePooling2D,
    change=lambda base: base,
    learning_rate=0.001,
):
    def from_base(base):
        base = change(base)
        if freeze and not late:
            base.trainable = False
        pixels = keras.Input(base.input_shape[1:])
        row = pool()(base(prepared(pixels)))
        dense = layers.Dense(units, activation=activation)
        dense.trainable = head
        model = keras.Model(pixels, dense(row))
        model.compile(keras.optimizers.Adam(learning_rate), loss=loss, metrics=["accuracy"])
        if late:
            pictures = np.zeros((10, *base.input_shape[1:]), "float32")  # as the check's, or the step is built anew
            model.fit(pictures, np.arange(10) % 5, verbose=0)
            base.trainable = False
        return model

    return just(from_base)


def flipped(pixels):
    return prepare(layers.RandomContrast(0.2)(layers.RandomFlip("horizontal")(pixels)))


def hidden(activation=None):
    return lambda: keras.Sequential([layers.GlobalAveragePooling2D(), layers.Dense(8, activation=activation)])


def own_loss(labels, outputs):
    return keras.losses.sparse_categorical_crossentropy(labels, outputs, from_logits=True)


def nested(prepared):
    def step_by_step(base):
        base.trainable = False
        model = keras.Sequential([prepared(base), layers.GlobalMaxPooling2D(), layers.Dense(5), layers.Softmax()])
        model.compile(keras.optimizers.SGD(0.1), keras.losses.SparseCategoricalCrossentropy())
        return model

    return just(step_by_step)


def from_plain(base):
    return keras.Model(plain := keras.Input(base.input_shape[1:]), base(prepare(plain)))


def stub(base):
    pixels = keras.Input(base.input_shape[1:])
    row = layers.GlobalAveragePooling2D()(base(pixels / 255))
    model = keras.Model(pixels, layers.Dense(1, activation="sigmoid")(row))
    model.compile("adam", loss=SPARSE, metrics=["accuracy"])
    return model


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
        "as it was given": (just(stub), "units"),
        "five units, sigmoid stays": (build(activation="sigmoid", loss=SPARSE), "doctor:activation-loss-mismatch"),
        "sigmoid, from_logits": (build(activation="sigmoid"), "doctor:activation-loss-mismatch"),
        "relu, from_logits": (build(activation="relu"), "doctor:activation-loss-mismatch"),
        "tanh, from_logits": (build(activation="tanh"), "doctor:activation-loss-mismatch"),
        "softmax, from_logits": (build(activation="softmax"), "doctor:loss-expects-logits"),
        "squared error": (build(loss="mse"), "doctor:labels-do-not-fit"),
        "for rows": (build(activation="softmax", loss="categorical_crossentropy"), "doctor:labels-do-not-fit"),
        "a Lambda": (
            nested(lambda base: keras.Sequential([layers.Lambda(prepare), base])),
            "doctor:does-not-reload",
        ),
        "no loss": (build(loss=None), "without-loss"),
        "a hidden layer without activation": (build(pool=hidden()), "doctor:dense-without-activation"),
        "its own loss for probabilities": (build(activation="softmax", loss=own_loss), "softmax-twice:compile"),
        "pooling forgotten": (build(pool=lambda: layers.Dropout(0.1)), "units"),
        "a copy of the base": (build(change=keras.models.clone_model), "another-base"),
        "still divided": (build(lambda pixels: pixels / 255), "divided"),
        "divided and prepared": (build(lambda pixels: prepare(pixels / 255)), "divided-then-prepared"),
        "not prepared": (build(lambda pixels: pixels), "as-they-are"),
        "twice": (build(lambda pixels: prepare(prepare(pixels))), "twice"),
        "MobileNet's": (build(lambda pixels: pixels / 127.5 - 1), "minus-one-to-one"),
        "red first": (build(lambda pixels: prepare(pixels)[..., ::-1]), "red-first"),
        "something else": (build(lambda pixels: pixels - 128), "something-else"),
        "logits, loss by name": (build(loss=SPARSE), "doctor:loss-expects-probabilities"),
        "free base": (build(freeze=False), "moves-wrongly"),
        "frozen after a fit": (build(late=True), "base-trained"),
        "frozen head": (build(head=False), "doctor:unfrozen-base-still"),
        "learning rate 0": (build(learning_rate=0.0), "doctor:unfrozen-base-still"),
        "another base": (just(own_base), "another-base"),
        "not compiled": (just(uncompiled), "not-compiled"),
        "nothing returned": (just(lambda base: None), "returns-none"),
    },
    right={
        "logits": build(),
        "softmax": build(activation="softmax", loss=SPARSE),
        "augmented": build(flipped),
        "Flatten": build(pool=layers.Flatten),
        "a hidden layer": build(pool=hidden("relu")),
        "its own loss": build(loss=own_loss),
        "a Sequential without Input": nested(from_plain),
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


def by_key(key):
    def found(train, test):
        known = {key(picture) for picture in train}
        return [place for place, picture in enumerate(test) if key(picture) in known]

    return just(found)


def nearly(train, test):
    return [
        place for place, picture in enumerate(test) if (np.abs(train - 1.0 * picture).mean(axis=(1, 2, 3)) < 1).any()
    ]


FIND_LEAK = Cases(
    wrong={
        "picture in train": (
            just(lambda train, test: [place for place in range(len(test)) if test[place] in train]),
            "a-part:9",
        ),
        "all of test": (just(lambda train, test: range(len(test))), "a-part:9"),
        "its own name": (just(lambda train, test: test), "no-whole-numbers"),
        "by the first pixel": (by_key(lambda picture: picture[0, 0].tobytes()), "a-part:9"),
        "by the first row": (by_key(lambda picture: picture[0].tobytes()), "a-part:9"),
        "by the first column": (by_key(lambda picture: picture[:, 0].tobytes()), "a-part:10"),
        "by one channel": (by_key(lambda picture: picture[..., 0].tobytes()), "a-part:11"),
        "by its text": (by_key(str), "a-part:12"),
        "by the mean": (by_key(np.mean), "not-in-train:4"),
        "nearly equal": (just(nearly), "a-part:12"),
        "a tuple of np.where": (
            just(lambda train, test: np.where(np.isin(np.arange(len(test)), by_bytes(train, test)))),
            "no-whole-numbers",
        ),
        "by the sum": (just(by_sum), "not-in-train:4"),
        "doubles in test": (just(within_both), "not-in-train:5"),
        "places in train": (just(in_train), "places-in-train"),
        "same places only": (just(at_the_same_place), "none-found"),
        "the first one": (just(lambda train, test: by_bytes(train, test)[:1]), "some-missing"),
        "truth values": (
            just(lambda train, test: np.isin(np.arange(len(test)), by_bytes(train, test))),
            "no-whole-numbers",
        ),
        "how many": (just(lambda train, test: len(by_bytes(train, test))), "no-list"),
        "pictures": (just(lambda train, test: [test[0]]), "no-whole-numbers"),
        "nothing returned": (just(lambda train, test: None), "returns-none"),
        "too many": (just(lambda train, test: [*by_bytes(train, test), 13]), "not-in-train:13"),
    },
    right={
        "by bytes": just(by_bytes),
        "by comparison": just(by_comparison),
        "a set": just(lambda train, test: set(by_bytes(train, test))),
        "an Index": just(lambda train, test: pd.Index(by_bytes(train, test))),
        "a Series": just(lambda train, test: pd.Series(by_bytes(train, test))),
        "a column": just(lambda train, test: np.array(by_bytes(train, test))[:, None]),
        "a filter": just(lambda train, test: filter(by_bytes(train, test).__contains__, range(len(test)))),
    },
    blank=(just(...), just(lambda train, test: ...)),
)
