"""Every family of keras.applications is known by its structure: nested, flat, cut, under other names."""

import keras
import pytest
from doctor_cases.common import base, head, on_top
from doctor_cases.the_base import Trunk, own_vgg
from keras import layers

from helpers.doctor import structure

apps = keras.applications
FAMILIES = [
    (apps.VGG16, {}, "VGG", "caffe"),
    (apps.VGG19, {}, "VGG19", "caffe"),
    (apps.ResNet50, {}, "ResNet", "caffe"),
    (apps.ResNet50V2, {}, "ResNetV2", "tf"),
    (apps.InceptionV3, {"input_shape": (75, 75, 3)}, "Inception", "tf"),
    (apps.InceptionResNetV2, {"input_shape": (75, 75, 3)}, "Inception", "tf"),
    (apps.Xception, {"input_shape": (71, 71, 3)}, "Xception", "tf"),
    (apps.MobileNet, {"alpha": 0.25}, "MobileNet", "tf"),
    (apps.MobileNetV2, {"alpha": 0.75}, "MobileNetV2", "tf"),
    (apps.MobileNetV3Small, {}, "MobileNetV3", "raw"),
    (apps.MobileNetV3Large, {"minimalistic": True}, "MobileNetV3", "raw"),
    (apps.MobileNetV3Large, {"include_preprocessing": False}, "MobileNetV3", "tf"),
    (apps.DenseNet121, {}, "DenseNet", "torch"),
    (apps.NASNetMobile, {}, "NASNet", "tf"),
    (apps.EfficientNetB0, {}, "EfficientNet", "raw"),
    (apps.EfficientNetV2B0, {}, "EfficientNetV2", "raw"),
    (apps.EfficientNetV2B0, {"include_preprocessing": False}, "EfficientNetV2", "tf"),
    (apps.ConvNeXtTiny, {}, "ConvNeXt", "raw"),
    (apps.ConvNeXtTiny, {"include_preprocessing": False}, "ConvNeXt", "torch"),
]


def under_other_names(model):
    def copy(layer):
        return type(layer).from_config({**layer.get_config(), "name": f"layer_{id(layer)}"})

    return keras.models.clone_model(model, clone_function=copy)


@pytest.mark.parametrize(("build", "settings", "name", "mode"), FAMILIES)
def test_a_family_is_known_nested_and_flat_under_other_names(build, settings, name, mode):
    trunk = build(weights=None, include_top=False, **({"input_shape": (32, 32, 3)} | settings))
    cut = keras.Model(trunk.inputs[0], trunk.layers[36 if len(trunk.layers) > 36 else -1].output, name="cut")
    flat = under_other_names(cut)
    end = layers.Dense(3)(layers.GlobalAveragePooling2D()(flat.outputs[0]))
    for model in (on_top(cut, None, side=trunk.input_shape[1]), keras.Model(flat.inputs[0], end)):
        found = structure.find_base(model)
        assert (found.family.name, found.entrance[1][0]) == (name, mode)
        assert found.first.weights[0].shape[2] == 3 and not any(
            isinstance(part, layers.Dense) for part in found.layers[-1:]
        )


@pytest.mark.parametrize("end", ["block1_conv1", "block1_pool", "block3_conv2"])
def test_vgg16_is_known_by_its_weights_wherever_it_is_cut(end):
    part = base(end=end)
    renamed = under_other_names(part)
    renamed.set_weights(part.get_weights())
    found = structure.find_base(on_top(renamed))
    assert found.family.name == "VGG" and found.imagenet is True


def test_weights_of_ones_own_are_not_taken_for_those_of_imagenet():
    assert structure.find_base(on_top(own_vgg())).imagenet is False
    assert structure.find_base(on_top(base("resnet"))).imagenet is None  # the doctor does not have them


class Convolutions(layers.Layer):
    """A custom layer that keeps its layers in a list."""

    def __init__(self, **settings):
        super().__init__(**settings)
        self.steps = [layers.Conv2D(filters, 3, padding="same") for filters in (64, 64, 128, 128)]

    def call(self, maps):
        for step in self.steps:
            maps = step(maps)
        return maps


@pytest.mark.parametrize("trunk", [Trunk(base()), Trunk(Trunk(base())), Convolutions()])
def test_a_base_is_found_inside_a_custom_layer(trunk):
    found = structure.find_base(on_top(trunk))
    assert found.family.name == "VGG" and len(found.kernels) == 4


def test_a_model_without_convolutions_has_no_base():
    assert structure.find_base(head()) is None
