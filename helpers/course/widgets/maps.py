"""The feature-map explorer: what each layer makes of a picture, the most active maps first."""

from collections import namedtuple

import ipywidgets
import keras
import numpy as np

from helpers.course.widgets import frame
from helpers.network import inspection

SHOWN = 16  # maps


# The most active maps (n, h, w) of one layer for one picture, in order; `silent` channels are zero everywhere.
Active = namedtuple("Active", "channels means maps total silent")


def most_active(maps, count=SHOWN):
    """Return the feature maps (height, width, channels) with the largest mean activation, at most `count` of them."""
    maps = np.asarray(maps, dtype=np.float32)
    if maps.ndim != 3:
        raise ValueError(f"Maps of shape {maps.shape}: expected (height, width, channels), those of one picture.")
    means = maps.mean(axis=(0, 1))
    order = np.argsort(-means, kind="stable")[:count]
    chosen = np.moveaxis(maps[..., order], -1, 0)
    silent = int((np.abs(maps).max(axis=(0, 1)) == 0).sum())
    return Active(tuple(order.tolist()), tuple(means[order].tolist()), chosen, maps.shape[-1], silent)


def place_of_peak(one_map):
    """Return in words where a map is largest, e.g. ``"upper left"``."""
    height, width = one_map.shape
    row, column = np.unravel_index(int(np.argmax(one_map)), one_map.shape)
    return frame.say.get("maps.places")[int(3 * (row + 0.5) / height)][int(3 * (column + 0.5) / width)]


class FeatureMapExplorer(frame.Explorer):
    """Show the feature maps of any layer for any of a few pictures, the most active first.

    The model is run once for each picture, when you first look at it (about 0.2 s at 96 pixels); the most active maps
    of every layer are kept. Controls: ``which`` (picture) and ``layer``.

    `model` is convolutional, e.g. VGG16 with ``include_top=False``; `pictures` are an array (n, height, width, 3),
    values in 0..255, with perhaps their `names`; `preprocess` leads from pixels to what the model expects: give
    ``lambda pixels: pixels`` where it does that itself. Raises `ValueError` when these do not go together.
    """

    def __init__(self, model, pictures, names=None, preprocess=keras.applications.vgg16.preprocess_input):
        pictures = np.asarray(pictures, dtype=np.float32)
        inspection.check_pixels(pictures)
        names = (
            [frame.say("maps.picture", number=index + 1) for index in range(len(pictures))]
            if names is None
            else list(map(str, names))
        )
        if len(names) != len(pictures) or len(set(names)) != len(names) or not names:
            raise ValueError(f"{len(pictures)} pictures and the names {names}: expected one for each, all different.")
        wanted = tuple(model.input.shape[1:])
        if any(side not in (None, size) for side, size in zip(wanted, pictures.shape[1:], strict=True)):
            raise ValueError(f"{model.name!r} takes pictures of {wanted}, but these are {pictures.shape[1:]}.")
        tapped = [layer for layer in model.layers if layer is not model.layers[0] and len(layer.output.shape) == 4]
        if not tapped:
            raise ValueError(f"{model.name!r} has no layer that gives maps. Give a convolutional base such as VGG16.")
        self.pictures, self.preprocess, self.seen = dict(zip(names, pictures, strict=True)), preprocess, {}
        self.taps = keras.Model(model.input, [layer.output for layer in tapped], name="taps")
        self.layers = [layer.name for layer in tapped]
        super().__init__(
            "maps",
            {
                "which": ipywidgets.Dropdown(options=names),
                "layer": ipywidgets.SelectionSlider(options=self.layers),
            },
        )

    def answer(self, which, layer):
        """Return the input, the most active maps, and what they are."""
        active = self._activations(which)[layer]
        alt, caption = frame.say("maps.input_alt", which=which), frame.say("maps.input_caption", which=which)
        shown = frame.thumbnail_html(self.pictures[which], alt, caption, side=208)
        drawn = [
            frame.thumbnail_html(
                one_map,
                frame.say("maps.alt", channel=channel, mean=mean, place=place_of_peak(one_map)),
                frame.say("maps.caption", channel=channel, mean=mean),
            )
            for one_map, channel, mean in zip(active.maps, active.channels, active.means, strict=True)
        ]
        count, height, width = active.maps.shape
        sizes = {"total": active.total, "height": height, "width": width, "silent": active.silent}
        text = frame.say("maps.words", layer=layer, which=which, count=count, **sizes)
        grid = frame.row_html([shown, f'<div style="max-width:840px">{frame.row_html(drawn)}</div>'])
        return grid, frame.plain_html(text)

    def _activations(self, which):
        """Return the most active maps of every layer for one picture; the model is run the first time only."""
        if which not in self.seen:
            self.words.value = frame.plain_html(frame.say("maps.running", which=which))
            batch = self.preprocess(np.array(self.pictures[which][None]))  # a copy: VGG16's changes its input
            outputs = self.taps(batch, training=False)
            outputs = outputs if isinstance(outputs, list | tuple) else [outputs]
            self.seen[which] = {
                name: most_active(np.asarray(maps)[0]) for name, maps in zip(self.layers, outputs, strict=True)
            }
        return self.seen[which]
