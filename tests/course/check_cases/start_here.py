"""Answers to the exercises of notebook 00."""

import keras
from keras import layers

from check_cases.common import Cases, just
from helpers.measuring import evaluation

COMPILE = {"optimizer": "adam", "loss": "categorical_crossentropy", "metrics": ["accuracy"]}


def recipe(
    units=None, activation="softmax", start="zeros", pool=layers.GlobalAveragePooling2D, frozen="base", **changed
):
    """Return a maker of a recipe in which some of its parts are others."""

    def answer(base, classes):
        base.trainable = frozen != "base"
        head = layers.Dense(units or classes, activation=activation, kernel_initializer=start)
        model = keras.Sequential([base, pool(), head] if pool else [base, head])
        model.trainable = frozen != "model"
        if frozen == "base":  # the line above frees nothing in a frozen base; nor may it here
            base.trainable = False
        model.compile(**{**COMPILE, **changed})
        return model

    return just(answer)


def strangers(base, classes):
    head = layers.Dense(5, activation="softmax")
    model = keras.Sequential([base, layers.GlobalAveragePooling2D(), head])
    model.trainable = False
    model.compile(optimizer="adam", loss="categorical_crossentropy")
    return model


def functional(base, classes):
    base.trainable = False
    pixels = keras.Input(base.input_shape[1:])
    row = layers.GlobalAveragePooling2D()(base(pixels, training=False))
    model = keras.Model(pixels, layers.Dense(classes, "softmax", kernel_initializer="zeros")(row))
    model.compile(keras.optimizers.Adam(0.01), keras.losses.CategoricalCrossentropy(), metrics=["categorical_accuracy"])
    return model


def from_its_output(base, classes):
    base.trainable = False
    row = layers.GlobalAveragePooling2D()(base.output)
    model = keras.Model(base.input, layers.Dense(classes, "softmax", kernel_initializer="zeros")(row))
    model.compile(**COMPILE)
    return model


def frozen_late(base, classes):
    model = recipe(frozen="none")()(base, classes)
    base.trainable = False  # no fit yet: it still counts
    return model


def base_again(base, classes):
    return recipe()()(keras.models.clone_model(base), classes)


def base_changed(base, classes):
    base.set_weights([0 * weight for weight in base.get_weights()])
    return recipe()()(base, classes)


def only_the_base(base, classes):
    base.compile(**COMPILE)
    return base


def not_compiled(base, classes):
    return keras.Sequential([base, layers.GlobalAveragePooling2D(), layers.Dense(classes, "softmax")])


STRANGERS_RECIPE = Cases(
    wrong={
        "the stranger's": (just(strangers), "units"),
        "1000 units": (recipe(units=1000), "units"),
        "three units": (recipe(units=3), "units"),
        "no pooling": (recipe(pool=None), "maps"),
        "the base alone": (just(only_the_base), "maps"),
        "no activation": (recipe(activation=None), "no-softmax"),
        "sigmoid": (recipe(activation="sigmoid"), "no-softmax"),
        "a copy of the base": (just(base_again), "other-base"),
        "the base without its weights": (just(base_changed), "other-base"),
        "nothing frozen": (recipe(frozen="none"), "base-moves"),
        "all frozen": (recipe(frozen="model"), "head-still"),
        "no metrics": (recipe(metrics=None), "no-accuracy"),
        "random start": (recipe(start="glorot_uniform"), "random-start"),
        "another loss": (recipe(loss="mse"), "for-another-task:compile"),
        "binary": (recipe(loss="binary_crossentropy"), "for-another-task:compile"),
        "sparse": (recipe(loss="sparse_categorical_crossentropy"), "form-of-labels:compile"),
        "not compiled": (just(not_compiled), "not-compiled"),
        "the base returned": (just(lambda base, classes: base), "not-compiled"),
        "nothing returned": (just(lambda base, classes: None), "returns-none"),
        "the number": (just(lambda base, classes: classes), "returns-no-model"),
        "one argument": (just(lambda base: base), "fails"),
    },
    right={
        "the recipe": recipe(),
        "the functional way": just(functional),
        "from the output of the base": just(from_its_output),
        "frozen late": just(frozen_late),
        "another optimizer": recipe(optimizer="sgd"),
    },
    blank=(just(...), just(lambda base, classes: ...)),
)


def judged(verdict):
    def answer(right, counts):
        low, high = evaluation.wilson(right, sum(counts))
        return verdict(right / sum(counts), low, high, max(counts) / sum(counts), 1 / len(counts))

    return just(answer)


ABOVE_CHANCE = Cases(
    wrong={
        "the share alone": (judged(lambda share, low, high, largest, equal: share > largest), "interval-ignored"),
        "the upper end": (judged(lambda share, low, high, largest, equal: high > largest), "interval-ignored"),
        "share and equal classes": (judged(lambda share, low, high, largest, equal: share > equal), "interval-ignored"),
        "more than a fifth": (judged(lambda share, low, high, largest, equal: share > 0.2), "interval-ignored"),
        "one in so many": (judged(lambda share, low, high, largest, equal: low > equal), "classes-equal"),
        "a fifth": (judged(lambda share, low, high, largest, equal: low > 0.2), "always-a-fifth"),
        "outside the interval": (
            judged(lambda share, low, high, largest, equal: not low <= largest <= high),
            "below-too",
        ),
        "within the interval": (judged(lambda share, low, high, largest, equal: low < largest < high), "upside-down"),
        "the other way round": (judged(lambda share, low, high, largest, equal: low <= largest), "upside-down"),
        "always yes": (just(lambda right, counts: True), "one-answer"),
        "more than sixty": (just(lambda right, counts: right > 60), "other-verdicts"),
        "the interval": (judged(lambda share, low, high, largest, equal: (low, high)), "no-truth"),
        "a number": (judged(lambda share, low, high, largest, equal: low - largest), "no-truth"),
        "a word": (just(lambda right, counts: "True"), "no-truth"),
        "nothing returned": (just(lambda right, counts: None), "returns-none"),
        "a verdict": (just(True), "no-function"),
    },
    right={
        "Wilson": judged(lambda share, low, high, largest, equal: low > largest),
        "by the rule of thumb": just(
            lambda right, counts: right / sum(counts) - sum(counts) ** -0.5 > max(counts) / sum(counts)
        ),
    },
    blank=(just(...), just(lambda right, counts: ...)),
)
