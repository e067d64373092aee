"""The layers of a model, those of nested models included, and the family of networks that a base belongs to."""

from dataclasses import dataclass

import keras
import numpy as np

from helpers.network import inspection


@dataclass(frozen=True)
class Family:
    """A family of pre-trained networks."""

    name: str
    mode: str  # what the weights expect, a key of MODES
    prepare: str  # the function that prepares pixels 0..255 for it


MODES = {
    "caffe": "blue, green, red from about -124 to 151",
    "tf": "-1 to 1",
    "lite": "about -1 to 1",
    "torch": "about -2.1 to 2.6",
    "raw": "0 to 255, since it rescales them itself",
}


VGG = Family("VGG", "caffe", "keras.applications.vgg16.preprocess_input")
RESNET = Family("ResNet", "caffe", "keras.applications.resnet.preprocess_input")
RESNET_V2 = Family("ResNetV2", "tf", "keras.applications.resnet_v2.preprocess_input")
DENSENET = Family("DenseNet", "torch", "keras.applications.densenet.preprocess_input")
XCEPTION = Family("Xception", "tf", "keras.applications.xception.preprocess_input")
MOBILENET = Family("MobileNet", "tf", "keras.applications.mobilenet.preprocess_input")
MOBILENET_V2 = Family("MobileNetV2", "tf", "keras.applications.mobilenet_v2.preprocess_input")
EFFICIENTNET = Family("EfficientNet", "raw", "keras.applications.efficientnet.preprocess_input")
LITE = Family("EfficientNet-Lite0", "lite", "helpers.efficientnet_lite.preprocess_input")

# A layer's name, the shape of its kernel (None: any), and the family; the first that fits counts. Names and kernels as
# keras.applications (Keras 3.15) and helpers.network.efficientnet_lite build them.
SIGNS = (
    ("block2_sepconv1", None, XCEPTION),
    ("block1_conv1", (3, 3, 3, 64), VGG),
    ("block2_conv1", (3, 3, 64, 128), VGG),
    ("block3_conv1", (3, 3, 128, 256), VGG),
    ("block4_conv1", (3, 3, 256, 512), VGG),
    ("block5_conv1", (3, 3, 512, 512), VGG),
    ("conv2_block1_preact_bn", None, RESNET_V2),
    ("conv2_block1_concat", None, DENSENET),
    ("conv2_block1_1_conv", None, RESNET),
    ("conv3_block1_1_conv", None, RESNET),
    ("conv4_block1_1_conv", None, RESNET),
    ("conv5_block1_1_conv", None, RESNET),
    ("expanded_conv_depthwise", None, MOBILENET_V2),
    ("block_1_expand", None, MOBILENET_V2),
    ("block_13_expand", None, MOBILENET_V2),
    ("conv_dw_1", None, MOBILENET),
    ("block1a_se_reduce", None, EFFICIENTNET),
    ("block1a_dwconv", None, LITE),
    ("block6d_add", None, LITE),
    ("block7a_project_conv", None, LITE),
)
BELONG_TO_CONVOLUTIONS = (keras.layers.BatchNormalization, keras.layers.Activation, keras.layers.ReLU)
NEAR_ZERO = 0.03  # mean size of biases; VGG16's and EfficientNet-Lite0's are above 0.1


@dataclass(frozen=True)
class Base:
    """The pre-trained part of a model, as far as names, kernels and weights show it."""

    name: str
    layers: tuple  # with or without weights, in the order of the model, without the head's
    family: Family | None
    pretrained: bool  # False where its weights look as they do before any training

    @property
    def all_train(self):
        """Whether every layer with weights is flagged as trainable."""
        return all(layer.trainable for layer in self.layers if layer.weights)

    @property
    def kernels(self):
        """Its convolutions, as (layer, kernel)."""
        return [(layer, layer.weights[0]) for layer in self.layers if kernel_shape(layer) is not None]


def find_base(model):
    """Return the pre-trained part of a model, or None where there is no sign of one.

    That is the largest nested model with convolutions, or all layers of a known family in a flat model.
    """
    nested = [inner for inner in inspection.nested_models(model) if _has_kernels(inner)]
    if nested:
        largest = max(nested, key=lambda inner: inner.count_params())
        name, layers = largest.name, inspection.flat_layers(largest)
        if largest.count_params() > 0.999 * model.count_params() and _ends_in_dense(layers):
            layers = _up_to_last_convolution(layers)
        family = family_of(layers)
    else:
        layers = inspection.flat_layers(model)
        family = family_of(layers)
        if family is None:
            return None
        name, layers = f"the {family.name} layers", _up_to_last_convolution(layers)
    return Base(name=name, layers=tuple(layers), family=family, pretrained=_looks_trained(layers))


def family_of(layers):
    """Return the family that layers belong to by their names and kernels, or None."""
    by_name = {layer.name: layer for layer in layers}
    for name, shape, family in SIGNS:
        if name in by_name and (shape is None or kernel_shape(by_name[name]) == shape):
            return family
    return _unnamed_vgg(layers)


def _unnamed_vgg(layers):
    """Return VGG's family for its first four convolutions under other names."""
    shapes = [kernel_shape(layer) for layer in layers if kernel_shape(layer) is not None]
    first = [(3, 3, 3, 64), (3, 3, 64, 64), (3, 3, 64, 128), (3, 3, 128, 128)]
    return VGG if shapes[:4] == first and _looks_trained(layers) else None


def kernel_shape(layer):
    """Return the shape of a convolution's kernel, or None for any other layer."""
    convolution = isinstance(layer, inspection.CONVOLUTIONS) and layer.weights
    return tuple(layer.weights[0].shape) if convolution else None


def _has_kernels(model):
    return any(kernel_shape(layer) is not None for layer in inspection.flat_layers(model))


def _ends_in_dense(layers):
    weighted = [layer for layer in layers if layer.weights]
    return bool(weighted) and isinstance(weighted[-1], keras.layers.Dense)


def _up_to_last_convolution(layers):
    """Return the layers of a flat model that come before its head."""
    end = 1 + max((index for index, layer in enumerate(layers) if kernel_shape(layer) is not None), default=-1)
    while end < len(layers) and isinstance(layers[end], BELONG_TO_CONVOLUTIONS):
        end += 1
    return layers[:end]


def _looks_trained(layers):
    """Return whether biases and shifts lie far from zero, where they start and stay near for many steps."""
    weights = [weight for layer in layers for weight in layer.weights]
    shifts = [weight.numpy().ravel() for weight in weights if weight.name in ("bias", "beta")]
    return not shifts or float(np.abs(np.concatenate(shifts)).mean()) > NEAR_ZERO


def named(names):
    """Return names as a readable text: all of them, or the first and the last."""
    names = [repr(name) for name in dict.fromkeys(names)]
    if len(names) <= 3:
        return ", ".join(names)
    return f"{names[0]} … {names[-1]} ({len(names)} layers)"
