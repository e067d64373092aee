"""The layers of a model at every depth, and the family of networks that its base belongs to."""

import functools
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import keras
import numpy as np

from helpers.network import inspection

_TABLES = tomllib.loads(Path(__file__).with_name("families.toml").read_text(encoding="utf-8"))
MODES, KINDS, START = _TABLES["modes"], _TABLES["kinds"], _TABLES["start"]
FAMILIES = [SimpleNamespace(**(_TABLES["defaults"] | family)) for family in _TABLES["family"]]
BELONG_TO_CONVOLUTIONS = (keras.layers.BatchNormalization, keras.layers.Activation, keras.layers.ReLU)
NEAR_ZERO = 0.03  # mean size of biases; VGG16's and EfficientNet-Lite0's are above 0.1


@dataclass(frozen=True)
class Base:
    """The pre-trained part of a model, as far as structure, names and weights show it."""

    name: str
    layers: tuple  # with or without weights, in the order of the model, without the head's
    family: SimpleNamespace | None  # a line of the table
    pretrained: bool  # False where its weights look as they do before any training

    @property
    def all_train(self):
        """Whether every layer with weights is flagged as trainable."""
        return all(layer.trainable for layer in self.layers if layer.weights)

    @property
    def kernels(self):
        """Its convolutions, as (layer, kernel)."""
        return [(layer, layer.weights[0]) for layer in self.layers if kernel_shape(layer) is not None]

    @functools.cached_property
    def first(self):
        """The convolution that takes pixels, or None."""
        return next((layer for layer, kernel in self.kernels if kernel.shape[-2] in (1, 3)), None)

    @functools.cached_property
    def imagenet(self):
        """Whether it has its family's ImageNet weights; None where the doctor does not know these."""
        if self.family is None or not self.family.first or self.first is None:
            return None
        kernel = np.asarray(self.first.weights[0]).ravel()
        sample = kernel[:: max(1, kernel.size // 12)][:12]
        return len(sample) == 12 and bool(np.abs(sample - self.family.first).max() < 0.04)

    @property
    def entrance(self):
        """The layer whose input is the pixels as a learner prepares them, and the modes that are right there."""
        before = self.layers[: self.layers.index(self.first)]
        own = [layer for layer in before if isinstance(layer, keras.layers.Rescaling | keras.layers.Normalization)]
        kinds = " ".join(type(layer).__name__ for layer in own)
        inside = next((kind for kind in self.family.inside if kinds.endswith(kind)), None)
        return (own[-len(inside.split())], ["raw"]) if inside else (self.first, self.family.modes)


def find_base(model):
    """Return the pre-trained part of a model, or None where there is no sign of one.

    That is the largest model or custom layer of a known family inside it, or all layers of a known family in a flat
    model, or else the largest model or custom layer with convolutions.
    """
    holders, layers = walk(model)
    parts = [(part.name, walk(part)[1]) for part in holders]
    parts = [(name, inner) for name, inner in parts if _size(inner)]
    known, family = [(name, inner) for name, inner in parts if family_of(inner)], family_of(layers)
    if not known and family:
        name, layers, cut = f"the {family.name} layers", layers, True
    elif parts:  # of several that hold the same convolutions the innermost: a model around it may hold a head
        name, inner = max(reversed(known or parts), key=lambda part: _size(part[1]))
        weighted, count = [layer for layer in inner if layer.weights], sum(layer.count_params() for layer in inner)
        cut = isinstance(weighted[-1], keras.layers.Dense) and count > 0.999 * model.count_params()
        layers, family = inner, family_of(inner)
    else:
        return None
    layers = tuple(_up_to_last_convolution(layers) if cut else layers)
    return Base(name, layers, family, looks_trained(layers))


def walk(model):
    """Return the layers inside a model at every depth, each once: those that hold others, and those that do not."""
    holders, leaves, waiting = {}, {}, list(_inside(model))
    while waiting:
        layer = waiting.pop(0)
        if id(layer) not in holders and id(layer) not in leaves:
            inside = _inside(layer)
            (holders if inside else leaves)[id(layer)] = layer
            waiting = inside + waiting
    return list(holders.values()), list(leaves.values())


def _inside(layer):
    """Return the layers that a model or a custom layer holds directly."""
    if isinstance(layer, keras.Model):
        return layer.layers
    held = [value if isinstance(value, list | tuple) else [value] for value in vars(layer).values()]
    return list({id(part): part for value in held for part in value if isinstance(part, keras.Layer)}.values())


def family_of(layers):
    """Return the family that layers belong to by their structure, by names of its own or by its weights; or None."""
    tokens = [_token(layer) for layer in layers]
    start = next((index for index, layer in enumerate(layers) if kernel_shape(layer) is not None), len(layers))
    beginning = " ".join([*filter(None, tokens[start:]), ""])
    lines = [f"{layer.name} {token}" for layer, token in zip(layers, tokens, strict=True)]
    signs = (
        lambda family: re.match(f"({family.structure}) ", beginning),
        lambda family: Base("", tuple(layers), family, True).imagenet,
        lambda family: any(re.fullmatch(family.names, line) for line in lines),
    )
    return next((family for sign in signs for family in FAMILIES if sign(family)), None)


def _token(layer):
    """Return the structure of a layer as the table writes it, or "" where it does not count."""
    silu = "silu" if inspection.activation(layer) == "silu" else ""
    kind = KINDS.get(type(layer).__name__, "")
    if kernel_shape(layer) is None:
        return f"{kind} {silu}".strip()
    size, filters = layer.kernel_size[0], "" if kind else f":{layer.weights[0].shape[-1]}"
    edge = "v" if layer.padding == "valid" and size > 1 else ""
    return f"{kind}{size}/{layer.strides[0]}{edge}{filters}{'b' if layer.use_bias else ''} {silu}".strip()


def kernel_shape(layer):
    """Return the shape of a convolution's kernel, or None for any other layer."""
    convolution = isinstance(layer, inspection.CONVOLUTIONS) and layer.weights
    return tuple(layer.weights[0].shape) if convolution else None


def _size(layers):
    return sum(np.prod(kernel_shape(layer) or 0) for layer in layers)


def _up_to_last_convolution(layers):
    """Return the layers of a flat model that come before its head."""
    end = 1 + max((index for index, layer in enumerate(layers) if kernel_shape(layer) is not None), default=-1)
    while end < len(layers) and isinstance(layers[end], BELONG_TO_CONVOLUTIONS):
        end += 1
    return layers[:end]


def looks_trained(layers):
    """Return whether biases and shifts lie far from zero, where they start and stay near for many steps."""
    weights = [weight for layer in layers for weight in layer.weights]
    shifts = [weight.numpy().ravel() for weight in weights if weight.name in ("bias", "beta")]
    return not shifts or float(np.abs(np.concatenate(shifts)).mean()) > NEAR_ZERO


def untouched(layers):
    """Return whether biases, shifts and statistics are exactly what they start from; None where there are none."""
    weights = [weight for layer in layers for weight in layer.weights if weight.name in START]
    return all(np.all(weight.numpy() == START[weight.name]) for weight in weights) if weights else None


def named(names):
    """Return names as a readable text: all of them, or the first and the last."""
    names = [repr(name) for name in dict.fromkeys(names)]
    if len(names) <= 3:
        return ", ".join(names)
    return f"{names[0]} … {names[-1]} ({len(names)} layers)"
