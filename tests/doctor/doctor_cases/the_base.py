"""What the base gets and what it is: preparation, weights that were never trained, old tops, blank pictures."""

import functools

import keras
import numpy as np
from keras import layers, ops

from doctor_cases.common import (
    SIDE,
    as_if_trained,
    base,
    caffe,
    compiled,
    features,
    frozen,
    head,
    on_top,
    pictures,
    tf_mode,
    three,
)
from doctor_cases.faulty import fault
from doctor_cases.healthy import healthy

torch_mode = keras.applications.densenet.preprocess_input
OTHERS = {
    "densenet": (keras.applications.DenseNet121, "conv2_block2_concat", {}),
    "mobilenetv3": (keras.applications.MobileNetV3Small, "expanded_conv_project_bn", {}),
    "efficientnetv2": (keras.applications.EfficientNetV2B0, "block2b_add", {}),
    "inception": (keras.applications.InceptionV3, "mixed0", {"input_shape": (75, 75, 3)}),
}


@functools.cache
def _whole(family):
    build, _, settings = OTHERS[family]
    return build(weights=None, include_top=False, **({"input_shape": (SIDE, SIDE, 3)} | settings))


def part(family, end=None):
    """Return a copy of the first part of a network, with biases and statistics as training leaves them."""
    whole = _whole(family)
    first = keras.Model(whole.inputs[0], whole.get_layer(end or OTHERS[family][1]).output, name=f"{family}_part")
    copy = keras.models.clone_model(first)
    as_if_trained(copy)
    return copy


@keras.saving.register_keras_serializable("doctor_cases")
class Trunk(layers.Layer):
    """A custom layer that holds a base."""

    def __init__(self, trunk, **settings):
        super().__init__(**settings)
        self.trunk = trunk

    def call(self, inputs):
        return self.trunk(inputs)

    def get_config(self):
        return {**super().get_config(), "trunk": keras.saving.serialize_keras_object(self.trunk)}

    @classmethod
    def from_config(cls, config):
        return cls(keras.saving.deserialize_keras_object(config.pop("trunk")), **config)


def own_vgg():
    """Return a network of VGG16's structure that its owner trained, on a range of their own."""
    trunk = keras.models.clone_model(base(end="block3_pool"))
    as_if_trained(trunk)
    return trunk


def changed(splits, change):
    return [(change(inputs.copy()), labels) for inputs, labels in splits]


# Pixels


@fault("preprocessed-twice")
def densenet_prepared_in_data_and_model():
    return compiled(on_top(frozen(part("densenet")), torch_mode)), *changed(three(), torch_mode)


@fault("preprocessed-twice")
def mobilenetv3_gets_divided_pixels():
    return compiled(on_top(frozen(part("mobilenetv3")), None)), *changed(three(), lambda pixels: pixels / 255)


@fault("pixels-range")
def densenet_gets_minus_one_to_one():
    return compiled(on_top(frozen(part("densenet")), tf_mode)), *three()


@fault("pixels-range")
def vgg_in_a_custom_layer_gets_zero_to_one():
    return compiled(on_top(Trunk(frozen(base())), lambda pixels: pixels / 255)), *three()


@fault("preprocessed-twice")
def own_network_gets_pixels_divided_twice_in_the_data():
    parts = [keras.Input((SIDE, SIDE, 3)), layers.Conv2D(8, 3, activation="relu"), layers.GlobalAveragePooling2D()]
    return compiled(keras.Sequential([*parts, layers.Dense(3)])), *changed(three(), lambda pixels: pixels / 255**2)


@healthy
def efficientnetv2_prepares_inside():
    return compiled(on_top(frozen(part("efficientnetv2")), None)), *three()


@healthy
def densenet_as_documented():
    return compiled(on_top(frozen(part("densenet")), torch_mode)), *three()


@healthy
def vgg_in_a_custom_layer():
    return compiled(on_top(Trunk(frozen(base())))), *three()


@healthy
def pale_pictures():
    return compiled(on_top(frozen(base("mobilenet")), tf_mode)), *changed(three(), lambda pixels: 140 + pixels * 0.4)


@healthy
def pale_pictures_prepared_in_the_data():
    pale = changed(three(), lambda pixels: tf_mode(140 + pixels * 0.4))
    return compiled(on_top(frozen(base("mobilenet")), None)), *pale


@healthy
def vgg_that_its_owner_trained_on_zero_to_one():
    return compiled(on_top(frozen(own_vgg()), lambda pixels: pixels / 255)), *three()


@healthy
def grey_pictures_through_a_convolution_of_their_own():
    pixels = keras.Input((SIDE, SIDE, 1))
    maps = frozen(base())(layers.Conv2D(3, 1)(pixels))
    grey = changed(three(), lambda pixels: pixels[..., :1])
    return compiled(keras.Model(pixels, layers.Dense(3)(layers.GlobalAveragePooling2D()(maps)))), *grey


# Weights


@fault("base-not-pretrained")
def random_vgg_below_a_new_head():
    return compiled(on_top(frozen(keras.models.clone_model(base())))), *three()


@fault("base-not-pretrained")
def random_resnet_in_a_custom_layer():
    trunk = frozen(base("resnet", trained=False))
    return compiled(on_top(Trunk(trunk), keras.applications.resnet.preprocess_input)), *three()


@healthy
def frozen_convolutions_without_biases():
    trunk = keras.Sequential([keras.Input((SIDE, SIDE, 3)), layers.Conv2D(8, 3, activation="relu", use_bias=False)])
    return compiled(on_top(frozen(trunk), lambda pixels: pixels / 255)), *three()


@healthy
def frozen_after_one_epoch_of_their_own():
    trunk, splits = keras.models.clone_model(base()), three()
    compiled(on_top(trunk, lambda pixels: pixels / 255)).fit(*splits[0], verbose=0)
    return compiled(on_top(frozen(trunk), lambda pixels: pixels / 255)), *splits


# Old tops


def old_network(classes=1000, activation="softmax"):
    trunk = base("mobilenet")
    row = layers.GlobalAveragePooling2D()(trunk.outputs[0])
    old = keras.Model(
        trunk.inputs[0], layers.Dense(classes, activation=activation, name="old")(row), name="old_network"
    )
    old.layers[-1].bias.assign(np.linspace(-0.1, 0.1, classes))
    return frozen(old)


@fault("old-top-below-head")
def flat_head_on_an_old_softmax():
    old = old_network()
    return compiled(keras.Model(old.inputs[0], layers.Dense(3)(old.outputs[0]))), *changed(three(), tf_mode)


@fault("old-top-below-head")
def head_on_a_nested_network_with_its_seven_classes():
    pixels = keras.Input((SIDE, SIDE, 3))
    hidden = layers.Dense(16, activation="relu")(layers.Dropout(0.2)(old_network(7)(tf_mode(pixels))))
    return compiled(keras.Model(pixels, layers.Dense(3)(hidden))), *three()


@healthy
def attention_is_no_old_top():
    pixels = keras.Input((SIDE, SIDE, 3))
    row = layers.GlobalAveragePooling2D()(frozen(base())(caffe(pixels)))
    weighted = row * layers.Dense(128, activation="softmax")(row)
    return compiled(keras.Model(pixels, layers.Dense(3)(weighted))), *three()


@healthy
def features_that_are_probabilities():
    parts = [keras.Input((16,)), layers.Dense(8, activation="relu"), layers.Dense(3, activation="softmax")]
    splits = changed(three(features), lambda rows: np.array(ops.softmax(rows)))
    return compiled(keras.Sequential(parts), loss="sparse_categorical_crossentropy"), *splits


# Pictures


def _quarter_red(pixels):
    pixels[::4] = (200, 10, 30)
    return pixels


@fault("blank-pictures")
def every_fourth_picture_is_red():
    return compiled(on_top(frozen(base()))), changed([pictures(seed=1)], _quarter_red)[0], *three()[1:]


@fault("blank-pictures")
def one_picture_for_all():
    train = changed([pictures(seed=1)], lambda pixels: np.repeat(pixels[:1], len(pixels), axis=0))
    return compiled(on_top(frozen(base()))), *train, *three()[1:]


@healthy
def one_black_frame():
    def blacken(pixels):
        pixels[5] = 0
        return pixels

    return compiled(on_top(frozen(base()))), changed([pictures(seed=1)], blacken)[0], *three()[1:]


# Numbers


@fault("not-finite")
def a_feature_that_is_no_number():
    train, (rows, labels), test = three(features)
    rows[3, 2] = np.nan
    return compiled(head()), train, (rows, labels), test
