"""The backbones of the course: a small table of everything in which they differ."""

from collections.abc import Callable
from dataclasses import dataclass

import keras

from helpers.network import efficientnet_lite, vgg16


@dataclass(frozen=True)
class Backbone:
    """A pre-trained network that ships with the course."""

    build: Callable  # build(include_top=..., input_shape=...) gives the network with its ImageNet weights
    preprocess: Callable  # from pixels 0..255 (red, green, blue) to what the network expects
    cuts: tuple  # of str: the last layer of each block, in order, where a trunk may end and a tail begin
    frozen_up_to: str  # the cut up to which fine-tuning usually keeps all layers frozen


def _vgg16(include_top, input_shape):
    if include_top:
        raise ValueError(
            "VGG16's own top (fc1, fc2, predictions: 495 MB) does not ship with the course. With an internet "
            'connection: keras.applications.VGG16(weights="imagenet"). Offline take EfficientNet-Lite0, with its top.'
        )
    return keras.applications.VGG16(weights=vgg16.weights(), include_top=False, input_shape=input_shape)


def _efficientnet_lite0(include_top, input_shape):
    return efficientnet_lite.efficientnet_lite0(efficientnet_lite.weights(), include_top, input_shape)


BACKBONES = {
    "VGG16": Backbone(
        build=_vgg16,
        preprocess=keras.applications.vgg16.preprocess_input,
        cuts=tuple(f"{block}_pool" for block in vgg16.BLOCKS),
        frozen_up_to="block4_pool",
    ),
    "EfficientNet-Lite0": Backbone(
        build=_efficientnet_lite0,
        preprocess=efficientnet_lite.preprocess_input,
        cuts=("block1a_project_bn", *(f"block{n}_add" for n in ("2b", "3b", "4c", "5c", "6d")), "top_activation"),
        frozen_up_to="block5c_add",
    ),
}


def load(name, input_shape=(96, 96, 3), include_top=False):
    """Return the backbone of a `name` in `BACKBONES` with its bundled ImageNet weights; it takes preprocessed pictures.

    Raises `ValueError` when no backbone has that name, or its top is asked for and does not ship.
    """
    return known(name).build(include_top=include_top, input_shape=input_shape)


def known(name):
    """Return the row of `BACKBONES` for a backbone; raise `ValueError` with the known names when it has none."""
    if name not in BACKBONES:
        raise ValueError(f"No backbone is called {name!r}; there are: {', '.join(BACKBONES)}.")
    return BACKBONES[name]


def from_pixels(name, base):
    """Return a model from pixels 0..255 to what `base` gives, the backbone of that name or the beginning of it."""
    pixels = keras.Input(base.inputs[0].shape[1:], name="pixels")
    return keras.Model(pixels, base(known(name).preprocess(pixels)), name=f"{base.name}_from_pixels")
