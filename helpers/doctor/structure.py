"""The layers of a model at every depth, and the family of networks that its base belongs to."""

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import keras
import numpy as np

from helpers.doctor import undisturbed
from helpers.network import inspection

_TABLES = tomllib.loads(Path(__file__).with_name("families.toml").read_text(encoding="utf-8"))
MODES = {name: SimpleNamespace(**mode) for name, mode in _TABLES["modes"].items()}
FAMILIES = [SimpleNamespace(**(_TABLES["defaults"] | family)) for family in _TABLES["family"]]
NEAR_ZERO = 0.03  # mean size of biases; VGG16's and EfficientNet-Lite0's are above 0.1


@dataclass(frozen=True)
class Base:
    """The pre-trained part of a model, as far as structure, names and weights show it."""

    name: str
    layers: tuple  # with or without weights, in the order of the model, up to the last convolution
    family: SimpleNamespace | None  # an entry of the table
    pretrained: bool  # False where its weights look as they do before any training
    first: keras.Layer | None  # the convolution that takes pixels
    imagenet: bool | None  # whether it has the ImageNet weights of its family; None where the doctor has none

    @property
    def all_train(self):
        """Whether every layer with weights is flagged as trainable."""
        return all(layer.trainable for layer in self.layers if layer.weights)

    @property
    def kernels(self):
        """Its convolutions, as (layer, kernel)."""
        return [(layer, layer.weights[0]) for layer in self.layers if kernel_shape(layer)]

    @property
    def supposed(self):
        """Whether it has ImageNet weights, or was trained and is not trained on: then nothing speaks against them."""
        return self.imagenet or (self.imagenet is None and self.pretrained and not self.all_train)

    @property
    def entrance(self):
        """The layer whose input is the pixels as a learner prepares them, and the modes that are right there."""
        before = self.layers[: self.layers.index(self.first)]
        own = [layer for layer in before if isinstance(layer, keras.layers.Rescaling | keras.layers.Normalization)]
        kinds = " ".join(type(layer).__name__ for layer in own)
        inside = next((kind for kind in self.family.inside if kinds.endswith(kind)), None)
        return (own[-len(inside.split())], ["raw"]) if inside else (self.first, self.family.modes)


def find_base(model):
    """Return the pre-trained part of a model, or None where there is no sign of one."""
    # The largest part of a known family, or all of a flat model, or else the largest model inside with convolutions.
    holders = [part for part in undisturbed.parts_of(model)[1:] if undisturbed.inside(part)]
    layers = undisturbed.leaves_of(model)
    # Inner ones first: an outer one may hold a head.
    parts = [(part, undisturbed.leaves_of(part)) for part in reversed(holders)]
    known = [(part, inner) for part, inner in parts if family_of(inner)]
    family = family_of(layers)
    if family and not known:
        return base_of(f"the {family.name} layers", layers)
    parts = known or [(part, inner) for part, inner in parts if isinstance(part, keras.Model)]
    sizes = [sum(np.prod(kernel_shape(layer) or 0) for layer in inner) for _, inner in parts]
    if not any(sizes):
        return None
    part, layers = parts[np.argmax(sizes)]
    return base_of(part.name, layers)


def base_of(name, layers):
    """Return layers as a `Base`, without those after the last convolution: they may be a head."""
    layers = layers[: 1 + max((index for index, layer in enumerate(layers) if kernel_shape(layer)), default=-1)]
    weights = [weight for layer in layers for weight in layer.weights if weight.name in ("bias", "beta")]
    sizes = np.concatenate([np.abs(weight).ravel() for weight in weights] or [[1]])  # far from zero only when trained
    first = next((layer for layer in layers if kernel_shape(layer) and layer.weights[0].shape[-2] in (1, 3)), None)
    family = family_of(layers)
    imagenet = _has_weights_of(family, first) if family and family.first and first else None
    return Base(name, tuple(layers), family, float(sizes.mean()) > NEAR_ZERO, first, imagenet)


def family_of(layers):
    """Return the family that layers belong to by their structure, by their weights or by names of its own; or None."""
    tokens = [_token(layer) for layer in layers]
    kernels = [index for index, layer in enumerate(layers) if kernel_shape(layer)]
    if not kernels:
        return None
    beginning = " ".join([*filter(None, tokens[kernels[0] :]), ""])
    lines = [f"{layer.name} {token}" for layer, token in zip(layers, tokens, strict=True)]
    signs = (
        lambda family: re.match(f"({family.structure}) ", beginning),
        lambda family: _has_weights_of(family, layers[kernels[0]]),
        lambda family: any(re.fullmatch(family.names, line) for line in lines),
    )
    return next((family for sign in signs for family in FAMILIES if sign(family)), None)


def _has_weights_of(family, convolution):
    """Return whether a convolution has the first kernel of a family's ImageNet weights; fine-tuning hardly moves it."""
    kernel = np.asarray(convolution.weights[0]).ravel()
    sample = kernel[:: max(1, kernel.size // 12)][:12]
    return len(sample) == len(family.first) and bool(np.abs(sample - family.first).max() < 0.04)


def _token(layer):
    """Return the structure of a layer as the table writes it, or "" where it does not count."""
    kind = _TABLES["kinds"].get(type(layer).__name__, "")
    if kernel_shape(layer):
        size, filters = layer.kernel_size[0], "" if kind else f":{layer.weights[0].shape[-1]}"
        edge = "v" if layer.padding == "valid" and size > 1 else ""
        kind = f"{kind}{size}/{layer.strides[0]}{edge}{filters}{'b' if layer.use_bias else ''}"
    return f"{kind} silu".strip() if inspection.activation(layer) == "silu" else kind


def kernel_shape(layer):
    """Return the shape of a convolution's kernel, or None for any other layer."""
    convolution = isinstance(layer, inspection.CONVOLUTIONS) and layer.weights
    return tuple(layer.weights[0].shape) if convolution else None


def named(names, what="layers"):
    """Return names as a readable text: all of them, or the first and the last."""
    names = [repr(name) for name in dict.fromkeys(names)]
    return ", ".join(names) if len(names) <= 3 else f"{names[0]} … {names[-1]} ({len(names)} {what})"
