"""Answers to the exercises of notebook 07."""

import keras
import numpy as np
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


class Own(keras.Model):  # not yet called
    def __init__(self, base):
        super().__init__()
        self.base = base

    def call(self, pixels):
        return self.base((pixels - 127) / 128)


def by_convolution(base):
    first = layers.Conv2D(3, 1)
    first.build((None, *base.input_shape[1:]))
    first.set_weights([np.eye(3).reshape(1, 1, 3, 3) / 128, np.full(3, -127 / 128)])
    return keras.Sequential([first, base])


def means_of_pytorch(pixels):
    return (pixels / 255 - np.array([0.485, 0.456, 0.406], "float32")) / np.array([0.229, 0.224, 0.225], "float32")


OWN_PREPROCESSING = Cases(
    wrong={
        "divided by 128": (behind(lambda pixels: pixels / 128 - 1), "something-else"),
        "128 for 127": (behind(lambda pixels: (pixels - 128) / 128), "something-else"),
        "brackets forgotten": (behind(lambda pixels: pixels - 127 / 128), "something-else"),
        "PyTorch's": (behind(means_of_pytorch), "something-else"),
        "divided, then prepared": (behind(lambda pixels: own(pixels / 255)), "something-else"),
        "square root": (behind(lambda pixels: pixels**0.5), "something-else"),
        "another size": (behind(lambda pixels: layers.CenterCrop(32, 32)(own(pixels))), "fails"),
        "new weights": (just(lambda base: with_rescaling(keras.models.clone_model(base))), "another-base"),
        "none": (behind(lambda pixels: pixels), "as-they-are"),
        "the base itself": (just(lambda base: base), "as-they-are"),
        "divided by 255": (behind(lambda pixels: pixels / 255), "divided"),
        "that of VGG16": (behind(prepare), "as-for-vgg16"),
        "that of MobileNet": (behind(lambda pixels: pixels / 127.5 - 1), "minus-one-to-one"),
        "twice": (behind(lambda pixels: own(own(pixels))), "twice"),
        "blue first": (behind(lambda pixels: own(pixels[..., ::-1])), "red-and-blue-exchanged"),
        "pooled": (
            just(lambda base: keras.Sequential([with_rescaling(base), layers.GlobalAveragePooling2D()])),
            "after-the-base",
        ),
        "a tensor": (just(lambda base: base(own(keras.Input(base.input_shape[1:])))), "no-model"),
        "nothing returned": (just(lambda base: None), "returns-none"),
    },
    right={
        "its own": behind(own),
        "Rescaling": just(with_rescaling),
        "no Input": just(lambda base: keras.Sequential([layers.Rescaling(1 / 128, offset=-127 / 128), base])),
        "Lambda first": just(lambda base: keras.Sequential([layers.Lambda(own), base])),
        "not yet called": just(lambda base: Own(base)),
        "a convolution first": just(by_convolution),
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


def compiled_only(base, model):
    model.compile(keras.optimizers.Adam(1e-5), LOGITS)
    return model


STILL_STATISTICS = Cases(
    wrong={
        "statistics move": (tuned(late), "others-move:top_bn"),
        "training=False trusted": (just(in_call_only), "others-move:top_bn"),
        "everything free": (tuned(lambda name: True), "others-move:top_bn"),
        "block5 too": (tuned(lambda name: not norm(name)), "others-move:block5c_conv"),
        "only block6": (tuned(lambda name: name == "block6a_conv"), "late-frozen:top_conv"),
        "all frozen": (tuned(lambda name: False), "late-frozen:block6a_conv, top_conv"),
        "marks without compile": (just(marks_only), "compiled-too-early"),
        "as it came": (just(lambda base, model: model), "late-frozen:block6a_conv, top_conv"),
        "head frozen": (just(frozen_head), "head-frozen"),
        "compiled only": (just(compiled_only), "late-frozen:block6a_conv, top_conv"),
        "rate of the head": (tuned(late_without_norm, 1e-3), "rate-high"),
        "loss by name": (
            tuned(late_without_norm, loss="sparse_categorical_crossentropy"),
            "takes-probabilities:compile",
        ),
    },
    right={
        "in one condition": tuned(late_without_norm),
        "by name": tuned(lambda name: name in ("block6a_conv", "top_conv")),
        "compile, then flags, before any fit": tuned(late_without_norm, early=True),
    },
    blank=(just(...), just(lambda base, model: ...)),
)
