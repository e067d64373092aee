"""Answers to the exercises of notebook 05."""

from collections import OrderedDict

import keras
import numpy as np
import pandas as pd
from keras import layers

from check_cases.common import BLOCK5, LOGITS, Cases, just
from helpers.network import surgery


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


def with_failing_metric(base, model):
    def fails(labels, outputs):
        raise ValueError("no such metric")

    model.compile(keras.optimizers.Adam(1e-5), LOGITS, metrics=[fails])
    return model


def forgetful(base, model):
    base.trainable = True
    surgery.freeze_up_to(base, "block4_pool")
    return model


def of_the_base(base, model):
    base.compile(keras.optimizers.Adam(1e-5), LOGITS)
    return forgetful(base, model)


def up_to_pool(base, model):
    forgetful(base, model).compile(keras.optimizers.Adam(1e-5), LOGITS)
    return model


def by_index(base, model):
    base.trainable = True
    for layer in base.layers[: base.layers.index(base.get_layer("block4_pool")) + 1]:
        layer.trainable = False
    assert base.layers[15].name == "block5_conv1"  # as in VGG16
    model.compile("adam", LOGITS)
    model.optimizer.learning_rate = 1e-5
    return model


def accumulating(base, model):
    forgetful(base, model).compile(keras.optimizers.Adam(1e-5, gradient_accumulation_steps=4), LOGITS)
    return model


def no_step(base, model):
    return tuned(rate=1e-30)()(base, model)


def rewrapped(base, model):
    return keras.Model(model.input, model.output)


def schedule():
    return keras.optimizers.schedules.CosineDecay(1e-4, 100)


def warm_up(highest):
    return keras.optimizers.schedules.CosineDecay(0.0, 100, warmup_target=highest, warmup_steps=10)


SET_UP_FINE_TUNING = Cases(
    wrong={
        "as it came": (just(lambda base, model: model), "late-frozen:block5_conv1, block5_conv2, block5_conv3"),
        "no compile after the flags": (just(never_compiled), "compiled-too-early"),
        "compile forgotten": (just(forgetful), "compiled-too-early"),
        "the base compiled": (just(of_the_base), "compiled-too-early"),
        "no step to be seen": (just(no_step), "compiled-too-early"),
        "everything free": (tuned(lambda name: True), "others-move:block4_conv3"),
        "block4 instead": (tuned(lambda name: "block4" in name), "others-move:block4_conv3"),
        "one early layer": (tuned(lambda name: name[:6] in ("block2", "block5")), "others-move:block2_conv2"),
        "warm-up to a high rate": (tuned(rate=warm_up(0.01)), "rate-high"),
        "base still frozen": (tuned(lambda name: False), "late-frozen:block5_conv1, block5_conv2, block5_conv3"),
        "one layer of block5": (tuned(lambda name: name == "block5_conv3"), "late-frozen:block5_conv1, block5_conv2"),
        "head frozen": (tuned(before=without_head), "head-frozen"),
        "new head": (tuned(before=another_head), "other-weights"),
        "the name": (just(lambda base, model: base.name), "returns-no-model"),
        "a metric that fails": (just(with_failing_metric), "fit-fails"),
        "rate of the head": (tuned(rate=1e-3), "rate-high"),
        "Adam's own rate": (
            just(lambda base, model: model.compile("adam", LOGITS) or model),
            "rate-high",
        ),
        "rate 0": (tuned(rate=0.0), "rate-zero"),
        "loss by name": (tuned(loss="sparse_categorical_crossentropy"), "takes-probabilities:compile"),
        "not compiled": (just(rewrapped), "not-compiled"),
        "the base": (just(lambda base, model: base), "not-compiled"),
        "nothing returned": (just(lambda base, model: None), "returns-none"),
    },
    right={
        "flags, then compile": tuned(),
        "container frozen, layers free": tuned(container=False),
        "a schedule": tuned(rate=schedule()),
        "a new model around the same layers": tuned(before=rewrapped),
        "compile, then flags, before any fit": tuned(early=True, rate=1e-4),
        "frozen up to the pool": just(up_to_pool),
        "by index": just(by_index),
        "gradients accumulated": just(accumulating),
        "warm-up from 0": tuned(rate=warm_up(1e-4)),
    },
    blank=(just(...), just(lambda base, model: ...)),
)

RATE_OF_RUN = Cases(
    wrong={
        "not divided by the steps": (just(5.6e-3), "not-divided"),
        "divided twice": (just(8.6e-5), "divided-twice"),
        **{f"guess {guess}": (just(guess), "of-the-notebook") for guess in (1e-3, 1e-4, 1e-5)},
        **{f"guess {guess}": (just(guess), "off") for guess in (5e-4, 3e-4, 2e-4, 2e-3, 0.1)},
        "negative": (just(-7e-4), "not-positive"),
        "a table": (just(np.zeros((4, 3))), "no-number"),
    },
    right={
        "exact": just(7e-4),
        "as measured": just(np.float32(6.9e-4)),
        "from the row that moved least": just(pd.Series([5.8e-4]).min()),
        "rounded up": just(8e-4),
    },
)


def read(moved, still):
    return just({"moved by mistake": moved, "still by mistake": still})


READ_CERTIFICATE = Cases(
    wrong={
        "exchanged": (read(BLOCK5[:2], ["block4_conv3"]), "exchanged"),
        "all that moved": (read(["block4_conv3", BLOCK5[2], "predictions"], BLOCK5[:2]), "head"),
        "block5 too": (read(["block4_conv3", "block5_conv3"], BLOCK5[:2]), "meant-to-move"),
        "nothing moved wrongly": (read([], BLOCK5[:2]), "early-layers"),
        "one forgotten": (read(["block4_conv3"], ["block5_conv1"]), "more-are-still"),
        "one too many": (read(["block4_conv3"], BLOCK5), "did-move"),
        "unknown": (read(["block4_conv1"], BLOCK5[:2]), "unknown-name"),
        "a list": (just(["block4_conv3"]), "no-dictionary"),
        "one entry": (just({"moved by mistake": ["block4_conv3"]}), "no-entry:still by mistake"),
    },
    right={
        "lists": read(["block4_conv3"], BLOCK5[:2]),
        "a text and a set": read("block4_conv3", set(BLOCK5[:2])),
        "an Index and a Series": read(pd.Index(["block4_conv3"]), pd.Series(BLOCK5[:2])),
        "padded": just(OrderedDict({"moved by mistake": ["block4_conv3 "], "still by mistake": BLOCK5[:2]})),
    },
    blank=(just(...), read(["block4_conv3"], ...)),
)
