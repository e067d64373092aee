"""Answers to the exercises of notebook 07."""

import keras
from keras import layers

from check_cases.common import LOGITS, Cases, just, prepare
from check_cases.fine_tune import tuned
from helpers.network import efficientnet_lite

own = efficientnet_lite.preprocess_input


def behind(preprocess):
    def from_pixels(base):
        pixels = keras.Input(base.input_shape[1:])
        return keras.Model(pixels, base(preprocess(pixels)))

    return just(from_pixels)


def with_rescaling(base):
    return keras.Sequential([keras.Input(base.input_shape[1:]), layers.Rescaling(1 / 128, offset=-127 / 128), base])


OWN_PREPROCESSING = Cases(
    wrong={
        "none": (behind(lambda pixels: pixels), "the station between pixels and base"),
        "the base itself": (just(lambda base: base), "the station between pixels and base"),
        "divided by 255": (behind(lambda pixels: pixels / 255), "does it reach below 0"),
        "that of VGG16": (behind(prepare), "whose preprocess_input it calls"),
        "that of MobileNet": (behind(lambda pixels: pixels / 127.5 - 1), "nearly, and not those"),
        "twice": (behind(lambda pixels: own(own(pixels))), "how many times"),
        "blue first": (behind(lambda pixels: own(pixels[..., ::-1])), "the order of the colours"),
        "pooled": (
            just(lambda base: keras.Sequential([with_rescaling(base), layers.GlobalAveragePooling2D()])),
            "beside preprocessing and base",
        ),
        "a tensor": (just(lambda base: base(own(keras.Input(base.input_shape[1:])))), "wrap the way"),
        "nothing returned": (just(lambda base: None), "is there a `return`"),
    },
    right={
        "its own": behind(own),
        "Rescaling": just(with_rescaling),
        "by hand": behind(lambda pixels: pixels / 128 - 127 / 128),
    },
    blank=(just(...), just(lambda base: ...)),
)


def norm(name):
    return name.endswith("_bn")


def late(name):
    return name.startswith(("block6", "top"))


def late_without_norm(name):
    return late(name) and not norm(name)


def in_call_only(base, model):
    base.trainable = True
    for layer in base.layers:
        layer.trainable = late(layer.name)
    row = layers.GlobalAveragePooling2D()(base(model.input, training=False))
    again = keras.Model(model.input, model.get_layer("predictions")(row))
    again.compile(keras.optimizers.Adam(1e-5), LOGITS)
    return again


def marks_only(base, model):
    base.trainable = True
    for layer in base.layers:
        layer.trainable = late_without_norm(layer.name)
    model.optimizer.learning_rate.assign(1e-5)
    return model


def frozen_head(base, model):
    model.get_layer("predictions").trainable = False
    return tuned(late_without_norm)()(base, model)


STILL_STATISTICS = Cases(
    wrong={
        "statistics move": (tuned(late), "block6a_bn: a BatchNormalization that is free"),
        "training=False trusted": (just(in_call_only), "block6a_bn: a BatchNormalization that is free"),
        "everything free": (tuned(lambda name: True), "a BatchNormalization that is free"),
        "block5 too": (tuned(lambda name: not norm(name)), "block5c_conv: it stands before block6"),
        "only block6": (tuned(lambda name: name == "block6a_conv"), "which of their names"),
        "all frozen": (tuned(lambda name: False), "which of their names"),
        "marks without compile": (just(marks_only), "which of their names"),
        "head frozen": (just(frozen_head), "it has to go on training"),
        "rate of the head": (tuned(late_without_norm, 1e-3), "the learning rate"),
        "loss by name": (
            tuned(late_without_norm, loss="sparse_categorical_crossentropy"),
            "takes the outputs for probabilities",
        ),
    },
    right={
        "in one condition": tuned(late_without_norm),
        "by name": tuned(lambda name: name in ("block6a_conv", "top_conv")),
        "compile, then flags, before any fit": tuned(late_without_norm, early=True),
    },
    blank=(just(...), just(lambda base, model: ...)),
)
