"""Where the first version of the course kept the features of a trunk, so that they are found again."""

import hashlib
import json

import numpy as np

from helpers.pictures import fitting


def entry(trunk, data, split):
    """Return the name of the cache entry that the first version gave to these features."""
    digest = hashlib.sha256(json.dumps(_structure(trunk.get_config()), default=repr).encode())
    for weight in trunk.weights:
        digest.update(np.ascontiguousarray(weight))
    seen = hashlib.sha256(repr((data.class_names, data.image_size, fitting.INTERPOLATION, "clipped")).encode())
    for path in data.files(split):
        seen.update(f"{path.parent.name}/{path.name}".encode())
        seen.update(path.read_bytes())
    return hashlib.sha256(f"{digest.hexdigest()} {seen.hexdigest()}".encode()).hexdigest()[:24]


def _structure(config):
    indices = {layer["config"]["name"]: index for index, layer in enumerate(config["layers"])}
    layers = []
    for layer in config["layers"]:
        settings = layer["config"]
        settings = _structure(settings) if "layers" in settings else _nameless({**settings, "trainable": None})
        layers.append([layer["class_name"], settings, _placed(layer.get("inbound_nodes"), indices)])
    return [layers, *(_placed(config.get(ends), indices) for ends in ("input_layers", "output_layers"))]


def _nameless(settings):
    if isinstance(settings, dict):
        dropped = ("name", "trainable") if "trainable" in settings else ()
        return {key: _nameless(value) for key, value in settings.items() if key not in dropped}
    return [_nameless(value) for value in settings] if isinstance(settings, (list, tuple)) else settings


def _placed(ends, indices):
    if isinstance(ends, dict):
        return {key: _placed(value, indices) for key, value in ends.items()}
    if not isinstance(ends, (list, tuple)):
        return ends
    if len(ends) == 3 and isinstance(ends[0], str) and ends[0] in indices:
        return [indices[ends[0]], *ends[1:]]
    return [_placed(end, indices) for end in ends]
