"""The layers of a model, those of nested models included, and the family of networks that a base belongs to."""

import tomllib
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np

from helpers.network import inspection


@dataclass(frozen=True)
class Family:
    """A family of pre-trained networks."""

    name: str
    mode: str  # what the weights expect, a key of MODES
    prepare: str  # the function that prepares pixels 0..255 for it
    signs: dict  # name of a layer to the shape of its kernel, or "any"


_TABLES = tomllib.loads(Path(__file__).with_name("families.toml").read_text(encoding="utf-8"))
MODES = _TABLES["modes"]
FAMILIES = {family["name"]: Family(**family) for family in _TABLES["family"]}
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
    for family in FAMILIES.values():
        for name, shape in family.signs.items():
            if name in by_name and shape in ("any", list(kernel_shape(by_name[name]) or ())):
                return family
    return _unnamed_vgg(layers)


def _unnamed_vgg(layers):
    """Return VGG's family for its first four convolutions under other names."""
    shapes = [kernel_shape(layer) for layer in layers if kernel_shape(layer) is not None]
    first = [(3, 3, 3, 64), (3, 3, 64, 64), (3, 3, 64, 128), (3, 3, 128, 128)]
    return FAMILIES["VGG"] if shapes[:4] == first and _looks_trained(layers) else None


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
