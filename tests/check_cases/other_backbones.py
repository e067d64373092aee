"""Answers to the exercises of notebook 07."""

import keras
from keras import layers

from check_cases.common import LOGITS, Cases, just, prepare
from helpers import efficientnet_lite

own = efficientnet_lite.preprocess_input


def behind(preprocess):
    def from_pixels(base):
        pixels = keras.Input(base.input_shape[1:])
        return keras.Model(pixels, base(preprocess(pixels)))

    return just(from_pixels)


def with_rescaling(base):
    return keras.Sequential([keras.Input(base.input_shape[1:]), layers.Rescaling(1 / 128, offset=-127 / 128), base])


PREPROCESSING = Cases(
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


def norm(layer):
    return isinstance(layer, layers.BatchNormalization)


def late(layer):
    return layer.name.startswith(("block6", "top"))


def set_up(choose, rate=1e-5, early=False, loss=LOGITS):
    def prepare(base, model):
        if early:
            model.compile(keras.optimizers.Adam(rate), loss=loss)
        base.trainable = True
        for layer in base.layers:
            layer.trainable = choose(layer)
        if not early:
            model.compile(keras.optimizers.Adam(rate), loss=loss)
        return model

    return just(prepare)


def in_call_only(base, model):
    base.trainable = True
    for layer in base.layers:
        layer.trainable = late(layer)
    row = layers.GlobalAveragePooling2D()(base(model.input, training=False))
    again = keras.Model(model.input, model.get_layer("predictions")(row))
    again.compile(keras.optimizers.Adam(1e-5), LOGITS)
    return again


def marks_only(base, model):
    base.trainable = True
    for layer in base.layers:
        layer.trainable = late(layer) and not norm(layer)
    model.optimizer.learning_rate.assign(1e-5)
    return model


def frozen_head(base, model):
    model.get_layer("predictions").trainable = False
    return set_up(lambda layer: late(layer) and not norm(layer))()(base, model)


STATISTICS = Cases(
    wrong={
        "statistics move": (set_up(late), "block6a_bn: a BatchNormalization that is free"),
        "training=False trusted": (just(in_call_only), "block6a_bn: a BatchNormalization that is free"),
        "everything free": (set_up(lambda layer: True), "a BatchNormalization that is free"),
        "block5 too": (set_up(lambda layer: not norm(layer)), "block5c_conv: it stands before block6"),
        "only block6": (set_up(lambda layer: layer.name == "block6a_conv"), "which of their names"),
        "all frozen": (set_up(lambda layer: False), "which of their names"),
        "marks without compile": (just(marks_only), "which of their names"),
        "head frozen": (just(frozen_head), "it has to go on training"),
        "rate of the head": (set_up(lambda layer: late(layer) and not norm(layer), 1e-3), "the learning rate"),
        "loss by name": (
            set_up(lambda layer: late(layer) and not norm(layer), loss="sparse_categorical_crossentropy"),
            "takes the outputs for probabilities",
        ),
    },
    right={
        "in one condition": set_up(lambda layer: late(layer) and not norm(layer)),
        "by name": set_up(lambda layer: layer.name in ("block6a_conv", "top_conv")),
        "compile, then flags, before any fit": set_up(lambda layer: late(layer) and not norm(layer), early=True),
    },
    blank=(just(...), just(lambda base, model: ...)),
)
