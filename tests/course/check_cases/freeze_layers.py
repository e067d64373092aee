"""Answers to the exercises of notebook 02."""

import keras
import pandas as pd
from keras import layers

from check_cases.common import BLOCK5, LOGITS, Cases, just, new_head, vgg


def free(choose, container=True):
    def maker(*given):
        base = vgg()
        base.trainable = container
        for layer in base.layers:
            layer.trainable = choose(layer.name)
        return base

    return maker


def all_frozen(*given):
    vgg().trainable = False
    return vgg()


def misspelled(*given):
    base = free(lambda name: True)()
    for layer in base.layers[:15]:
        layer.trainble = False
    return base


def of_two_inputs(*given):
    return keras.Model([vgg().input, keras.Input((1,))], vgg().output)


def biases_only(*given):
    base = keras.models.clone_model(free(lambda name: name.startswith("block5"))())
    for name in BLOCK5:
        base.get_layer(name).kernel.trainable = False
    return base


def with_head(*given):
    base = free(lambda name: name.startswith("block5"))()
    return keras.Sequential([base, layers.Flatten(), layers.Dense(5)])


FREEZE_ALL_BUT_BLOCK5 = Cases(
    wrong={
        "all frozen": (all_frozen, "all-frozen"),
        "nothing frozen": (free(lambda name: True), "nothing-frozen"),
        "misspelled": (misspelled, "nothing-frozen"),
        "the wrong way round": (free(lambda name: "block5" not in name), "trains:block4_conv3"),
        "block4 too": (free(lambda name: name[:6] in ("block4", "block5")), "trains:block4_conv3"),
        "last convolution only": (free(lambda name: name == "block5_conv3"), "frozen:block5_conv1"),
        "biases only": (biases_only, "frozen:block5_conv1"),
        "with its head": (with_head, "more-than-the-base"),
        "a layer": (just(layers.Dense(5)), "no-model"),
        "of two inputs": (of_two_inputs, "takes-no-pictures"),
        "names": (just(BLOCK5), "no-model"),
        "another model": (
            lambda: keras.Sequential([keras.Input((32, 32, 3)), layers.Conv2D(3, 3)]),
            "layers-missing",
        ),
    },
    right={
        "by name": free(lambda name: name.startswith("block5")),
        "container frozen, layers free": free(lambda name: name.startswith("block5"), container=False),
        "convolutions only": free(lambda name: name in BLOCK5),
    },
)


def story(second, third, fourth):
    return just({"second fit": second, "third fit": third, "fourth fit": fourth})


HEAD, TWO = ["predictions"], ["block5_conv2", "block5_conv3", "predictions"]
MOVED_LAYERS = Cases(
    wrong={
        "the flag counts at once": (story(["block5_conv3", "predictions"], TWO, TWO), "flag-counts-at-once"),
        "freezing counts at once": (story(HEAD, TWO, HEAD), "freezing-counts-at-once"),
        "compile counts only the flags before it": (story(HEAD, ["block5_conv3", *HEAD], TWO), "as-at-compile"),
        "the first that trains": (story(HEAD, [*BLOCK5, *HEAD], TWO), "freeze-up-to"),
        "no known list": (story(HEAD, ["block5_conv1", *HEAD], TWO), "other-layers"),
        "one text": (story(HEAD, "block5_conv2, block5_conv3, predictions", TWO), "names-in-one-text"),
        "nothing of the base ever": (story(HEAD, HEAD, HEAD), "compile-ignored"),
        "head forgotten": (story([], TWO, TWO), "head"),
        "a pooling moves": (story(HEAD, [*TWO, "block5_pool"], TWO), "others:block5_pool"),
        "early blocks": (story(HEAD, [*TWO, "block1_conv1"], TWO), "others:block1_conv1"),
        "unknown name": (story(HEAD, ["block5_conv9"], TWO), "unknown-name"),
        "numbers": (story(1, 3, 3), "no-list"),
        "lists of numbers": (story([1], TWO, TWO), "no-names"),
        "a list": (just([HEAD, TWO, TWO]), "no-dictionary"),
        "two entries": (just({"second fit": HEAD, "third fit": TWO}), "no-entry:fourth fit"),
    },
    right={
        "lists": story(HEAD, TWO, TWO),
        "any order, other containers": story("predictions", set(TWO), tuple(TWO[::-1])),
        "of pandas, padded": story(pd.Series(HEAD), pd.Index(TWO), [f"{name} " for name in TWO]),
    },
    blank=(just(...), story(HEAD, TWO, ...)),
)


def compiled(loss=LOGITS, rate=1e-5, change=None):
    def mend(model):
        if change:
            change(model)
        model.compile(keras.optimizers.Adam(rate), loss=loss)
        return model

    return just(mend)


def freeze_base(model):
    model.get_layer("vgg16").trainable = False


def freeze_head(model):
    model.get_layer("predictions").trainable = False


def freeze_one(model):
    model.get_layer("vgg16").get_layer("block5_conv1").trainable = False


def flags_again(model):
    for layer in model.get_layer("vgg16").layers:
        layer.trainable = True
    return model


def rebuilt(model):
    copy = keras.Model(model.input, model.output)
    copy.compile("sgd", LOGITS)
    return copy


def copied(model):
    copy = keras.models.clone_model(model)
    copy.set_weights(model.get_weights())
    copy.compile("sgd", LOGITS)
    return copy


MEND_STALE_COMPILE = Cases(
    wrong={
        "nothing done": (just(lambda model: model), "compiled-too-early"),
        "flags set again": (just(flags_again), "compiled-too-early"),
        "base frozen": (compiled(change=freeze_base), "late-frozen:block5_conv1, block5_conv2, block5_conv3"),
        "head frozen": (compiled(change=freeze_head), "head-frozen"),
        "one layer frozen": (compiled(change=freeze_one), "late-frozen:block5_conv1"),
        "rate 0": (compiled(rate=0.0), "compiled-too-early"),
        "loss for probabilities": (compiled("sparse_categorical_crossentropy"), "takes-probabilities:compile"),
        "loss for rows": (compiled("categorical_crossentropy"), "form-of-labels:compile"),
        "not compiled": (just(lambda model: keras.Model(model.input, model.output)), "not-compiled"),
        "nothing returned": (just(lambda model: model.compile("sgd", LOGITS)), "returns-none"),
        "fails": (just(lambda model: model.fitt()), "fails"),
        "other model": (just(lambda model: compiled()()(new_head((4, 4, 8)))), "other-weights"),
        "clone without its weights": (
            just(lambda model: compiled()()(keras.models.clone_model(model))),
            "other-weights",
        ),
        "distance": (compiled("mse"), "for-another-task:compile"),
    },
    right={
        "Adam": compiled(),
        "SGD by name": just(lambda model: model.compile("sgd", LOGITS) or model),
        "a new model around the same layers": just(rebuilt),
        "a copy with its weights": just(copied),
        "rate that begins at 0": compiled(
            rate=keras.optimizers.schedules.CosineDecay(0.0, 9, warmup_target=1e-5, warmup_steps=5)
        ),
        "gradients gathered": just(
            lambda model: model.compile(keras.optimizers.Adam(1e-5, gradient_accumulation_steps=4), LOGITS) or model
        ),
    },
    blank=(just(...), just(lambda model: ...)),
)
