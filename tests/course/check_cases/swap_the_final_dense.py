"""Answers to the exercises of notebook 04."""

import functools

import keras
import numpy as np
from keras import layers

from check_cases.common import Cases, just, new_head
from helpers.course import checks


@functools.cache
def full():
    return checks.strangers_network()


def on(tensor, units=5, activation=None, frozen=True):
    """A swap that puts a new Dense on some tensor of the full model."""

    def maker(full):
        full.trainable = not frozen
        return keras.Model(full.input, layers.Dense(units, activation=activation)(tensor(full)))

    return maker


def after(name):
    return lambda full: full.get_layer(name).output


def before_last(full):
    last = [layer for layer in full.layers if isinstance(layer, layers.Dense)][-1]
    return last.input


def popped(full):
    full.layers.pop()
    return full


def frozen_afterwards(full):
    swapped = on(before_last)(full)
    swapped.trainable = False
    return swapped


def own_copy(full):
    copy = keras.models.clone_model(full)
    copy.set_weights(full.get_weights())
    return on(before_last)(copy)


def anew(full):
    return on(before_last)(checks.strangers_network())


SWAP_FINAL_DENSE = Cases(
    given=lambda: (full(),),
    wrong={
        "pop": (popped, "units"),
        "on top of 40 probabilities": (on(lambda full: full.output), "attached-to:leaf_probabilities"),
        "on top of 40 scores": (on(lambda full: full.layers[-1].input), "attached-to:leaf_scores"),
        "a layer lost": (on(after("pool")), "attached-to:pool"),
        "another pooling": (on(lambda full: layers.GlobalMaxPooling2D()(after("stem_conv")(full))), "left-out"),
        "softmax": (on(before_last, activation="softmax"), "activation:softmax"),
        "relu": (on(before_last, activation="relu"), "activation:relu"),
        "1 unit": (on(before_last, units=1), "units"),
        "maps": (on(after("join_relu")), "maps"),
        "takes features": (lambda full: new_head(), "wrong-input"),
        "two new layers": (on(lambda full: layers.Dense(5)(before_last(full))), "no-last-dense"),
        "built anew": (anew, "built-again"),
        "scaled": (on(lambda full: before_last(full) / 2), "other-numbers"),
        "not frozen": (on(before_last, frozen=False), "old-layers-train"),
        "frozen as a whole": (frozen_afterwards, "new-layer-frozen"),
        "the layer": (lambda full: layers.Dense(5), "no-model"),
    },
    right={
        "new model": on(before_last),
        "from squeeze by name": on(after("squeeze")),
        "from zeros": lambda full: keras.Model(
            full.input, layers.Dense(5, kernel_initializer="zeros")(on(before_last)(full).layers[-1].input)
        ),
        "a copy with the same weights": own_copy,
    },
)


def by_function(maker):
    """A function of a model and a number of classes that swaps as `maker` says."""

    def swap(full, classes):
        full.trainable = False
        outputs = layers.Dense(classes)(maker(full))
        return keras.Model(full.input, outputs)

    return just(swap)


def five(full, classes):
    return on(before_last)(full)


def swapping(change, **options):
    def swap(full, classes):
        return change(on(before_last, units=classes, **options)(full))

    return just(swap)


def not_frozen(full, classes):
    return on(before_last, units=classes, frozen=False)(full)


def own_again(full, classes):
    copy = keras.models.clone_model(full)
    return on(before_last, units=classes)(copy)


def frozen_whole(swapped):
    swapped.trainable = False
    return swapped


SWAP_BY_HAND = Cases(
    wrong={
        "pop": (just(lambda full, classes: popped(full)), "units"),
        "always five": (just(five), "units"),
        "on the old classes": (by_function(lambda full: full.output), "attached-to:kinds"),
        "after wide1, of the same width": (by_function(after("wide1")), "attached-to:wide1"),
        "after flatten": (by_function(after("flatten")), "attached-to:flatten"),
        "after a pooling of its own": (
            by_function(lambda full: layers.GlobalAveragePooling2D()(after("conv")(full))),
            "left-out",
        ),
        "after the maps": (by_function(after("conv")), "maps"),
        "softmax": (swapping(lambda model: model, activation="softmax"), "activation:softmax"),
        "two new layers": (
            just(lambda full, classes: on(lambda full: layers.Dense(5)(before_last(full)))(full)),
            "no-last-dense",
        ),
        "clone without its weights": (just(own_again), "built-again"),
        "scaled": (by_function(lambda full: before_last(full) / 2), "other-numbers"),
        "not frozen": (just(not_frozen), "old-layers-train"),
        "frozen as a whole": (swapping(frozen_whole), "new-layer-frozen"),
        "a model": (lambda: full(), "no-function"),
    },
    right={
        "by the last layer": by_function(lambda full: full.layers[-1].input),
        "by the layer before": by_function(lambda full: full.layers[-2].output),
        "frozen in a loop": just(
            lambda full, classes: (
                [setattr(layer, "trainable", False) for layer in full.layers] and on(before_last, units=classes)(full)
            )
        ),
    },
    blank=(just(...), just(lambda full, classes: ...)),
)


def imprint(center=True, length=lambda kernel: np.linalg.norm(kernel, axis=0).mean(), axis=0):
    def column(kernel, few, others):
        row = few.mean(axis=axis) - (others.mean(axis=0) if center else 0)
        return row / np.linalg.norm(row) * length(kernel)

    return just(column)


IMPRINT_CLASS = Cases(
    wrong={
        "not centred": (imprint(center=False), "all-alike"),
        "mean over features": (imprint(center=False, axis=1), "shape"),
        "the kernel": (just(lambda kernel, few, others: kernel), "shape"),
        "the others": (just(lambda kernel, few, others: others.mean(axis=0)), "direction"),
        "turned round": (just(lambda kernel, few, others: others.mean(axis=0) - few.mean(axis=0)), "direction"),
        "one picture": (just(lambda kernel, few, others: few[0] - others.mean(axis=0)), "direction"),
        "length 1": (imprint(length=lambda kernel: 1), "length"),
        "length of rows": (imprint(length=lambda kernel: np.linalg.norm(kernel, axis=1).mean()), "length"),
        "length of the kernel": (imprint(length=np.linalg.norm), "length"),
        "as it is": (just(lambda kernel, few, others: few.mean(axis=0) - others.mean(axis=0)), "length"),
        "a number": (just(5), "no-function"),
        "nothing": (just(lambda kernel, few, others: None), "returns-none"),
    },
    right={
        "mean, centred": imprint(),
        "centred first": just(
            lambda kernel, few, others: (
                keras.utils.normalize((few - others.mean(axis=0)).mean(axis=0))[0]
                * np.linalg.norm(kernel, axis=0).mean()
            )
        ),
        "as a column": just(lambda *given: imprint()()(*given)[:, None]),
    },
    blank=(just(...), just(lambda kernel, few, others: ...)),
)


def counts(top=50_380_810, head=5_130, grows="fc1"):
    return just({"new top": top, "pooled head": head, "grows": grows})


COUNT_NEW_TOP = Cases(
    wrong={
        "no biases": (counts(50_380_810 - 8_202), "biases:new top"),
        "maps of 96 pixels": (counts(35_700_746), "of-another-size:new top"),
        "pooled": (counts(18_923_530), "pooled-first:new top"),
        "only the last": (counts(40_970), "last-layer-only:new top"),
        "of the notebook": (counts(35_680_261), "miscounted:new top"),
        "after Flatten": (counts(head=81_930), "not-pooled:pooled head"),
        "head without biases": (counts(head=5_120), "biases:pooled head"),
        "fc2 grows": (counts(grows="fc2"), "grows-not"),
        "all grow": (counts(grows=["fc1", "fc2"]), "grows-not"),
        "two entries": (just({"new top": 50_380_810, "grows": "fc1"}), "no-entry:pooled head"),
        "in quotes": (counts(top="50380810"), "in-quotes"),
        "a number": (just(5_130), "no-dictionary"),
    },
    right={
        "as asked": counts(),
        "of NumPy, in capitals": counts(np.int64(50_380_810), 5_130.0, " FC1"),
    },
    blank=(just(...), counts(grows=...)),
)
