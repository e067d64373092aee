"""Answers to the exercises of notebook 05."""

import keras
import numpy as np
from keras import layers

from check_cases.common import BLOCK5, LOGITS, Cases, just


def tuned(choose=lambda name: "block5" in name, rate=1e-5, loss=LOGITS, early=False, before=None, container=True):
    def prepare(base, model):
        if before:
            model = before(base, model)
        if early:
            model.compile(keras.optimizers.Adam(rate), loss=loss)
        base.trainable = container
        for layer in base.layers:
            layer.trainable = choose(layer.name)
        if not early:
            model.compile(keras.optimizers.Adam(rate), loss=loss)
        return model

    return just(prepare)


def never_compiled(base, model):
    base.trainable = True
    base.get_layer("block4_conv3").trainable = False
    model.optimizer.learning_rate.assign(1e-5)
    return model


def without_head(base, model):
    model.get_layer("predictions").trainable = False
    return model


def another_head(base, model):
    row = layers.GlobalAveragePooling2D()(base(model.input))
    return keras.Model(model.input, layers.Dense(5, name="predictions")(row))


def rewrapped(base, model):
    return keras.Model(model.input, model.output)


def schedule():
    return keras.optimizers.schedules.CosineDecay(1e-4, 100)


SET_UP_FINE_TUNING = Cases(
    wrong={
        "no compile after the flags": (just(never_compiled), "the order of your lines"),
        "everything free": (tuned(lambda name: True), "block4_conv3: it stands before block5"),
        "base still frozen": (tuned(lambda name: False), "of its layers no layer may train"),
        "one layer of block5": (tuned(lambda name: name == "block5_conv3"), "of its layers block5_conv3 may train"),
        "head frozen": (tuned(before=without_head), "it has to go on training"),
        "new head": (tuned(before=another_head), "fine-tuning begins from it"),
        "rate of the head": (tuned(rate=1e-3), "the learning rate: what did the curves show"),
        "Adam's own rate": (
            just(lambda base, model: model.compile("adam", LOGITS) or model),
            "An optimizer's default",
        ),
        "rate 0": (tuned(rate=0.0), "at 0 nothing moves"),
        "loss by name": (tuned(loss="sparse_categorical_crossentropy"), "takes the outputs for probabilities"),
        "not compiled": (just(rewrapped), "not compiled"),
        "the base": (just(lambda base, model: base), "not compiled"),
        "nothing returned": (just(lambda base, model: None), "is there a `return`"),
    },
    right={
        "flags, then compile": tuned(),
        "container frozen, layers free": tuned(container=False),
        "a schedule": tuned(rate=schedule()),
        "a new model around the same layers": tuned(before=rewrapped),
        "compile, then flags, before any fit": tuned(early=True, rate=1e-4),
    },
    blank=(just(...), just(lambda base, model: ...)),
)

RATE_OF_RUN = Cases(
    wrong={
        "not divided by the steps": (just(1.6e-3), "how many steps the run had"),
        "divided twice": (just(2.5e-5), "how often you divided"),
        "of the notebook": (just(1e-5), "the rate of the notebook's run"),
        "far off": (just(0.1), "the column `largest_change`, and"),
        "negative": (just(-2e-4), "its sign"),
        "a text": (just("2e-4"), "without quotes"),
        "a table": (just(np.zeros((4, 3))), "give one number"),
    },
    right={"exact": just(2e-4), "as measured": just(np.float32(1.7e-4)), "rounded": just(0.0003)},
)


def read(moved, still):
    return just({"moved by mistake": moved, "still by mistake": still})


READ_CERTIFICATE = Cases(
    wrong={
        "exchanged": (read(BLOCK5[:2], ["block4_conv3"]), "the two are exchanged"),
        "all that moved": (read(["block4_conv3", BLOCK5[2], "predictions"], BLOCK5[:2]), "the head: should it move"),
        "block5 too": (read(["block4_conv3", "block5_conv3"], BLOCK5[:2]), "were meant to move"),
        "nothing moved wrongly": (read([], BLOCK5[:2]), "the rows above block5"),
        "one forgotten": (read(["block4_conv3"], ["block5_conv1"]), "how many of its layers did not move"),
        "one too many": (read(["block4_conv3"], BLOCK5), "must have stayed still"),
        "unknown": (read(["block4_conv1"], BLOCK5[:2]), "the spelling"),
        "a list": (just(["block4_conv3"]), "keep the form"),
        "one entry": (just({"moved by mistake": ["block4_conv3"]}), "without 'still by mistake'"),
    },
    right={
        "lists": read(["block4_conv3"], BLOCK5[:2]),
        "a text and a set": read("block4_conv3", set(BLOCK5[:2])),
    },
    blank=(just(...), read(["block4_conv3"], ...)),
)
