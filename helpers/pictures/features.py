"""Run a trunk once over pictures and keep the result on disk.

A cache entry is named after everything that decides its content: the trunk's structure and weights, the pictures'
bytes, their size and resizing. So an entry can never be stale, only damaged, and its checksum shows damage.
"""

import hashlib
import json
from dataclasses import dataclass

import numpy as np
import tqdm.auto

from helpers import storage
from helpers.network import inspection
from helpers.pictures import images


@dataclass(frozen=True)
class Features:
    """Features, float32 (n, ...), and labels, int32 (n,), of three splits; None for a split that was not asked for.

    Row i belongs to picture i of ``ImageSets.files(split)``.
    """

    train: tuple = None
    validation: tuple = None
    test: tuple = None


def extract(trunk, data, splits=images.SPLITS):
    """Run `trunk` once over every picture and return its outputs as `Features`, cached on disk.

    Parameters
    ----------
    trunk : keras.Model
        From pixels 0..255 (n, h, w, 3), preprocessing included, to features.
    data : helpers.pictures.images.ImageSets
        Pictures of the size that the trunk takes.
    splits : sequence of {"train", "validation", "test"}
        Which splits to run over.

    Raises
    ------
    ValueError
        When the trunk takes pictures of another size or number of channels, or a split is unknown.
    helpers.storage.StorageError
        When the cache folder cannot be written to.
    """
    _check_fit(trunk, data)
    unknown = set(splits) - set(images.SPLITS)
    if unknown:
        raise ValueError(f"Unknown split(s) {sorted(unknown)}: expected some of {', '.join(images.SPLITS)}.")
    name = fingerprint(trunk)
    folder = storage.cache_folder("features")
    results = {}
    for split in splits:
        key = hashlib.sha256(f"{name} {data.fingerprint(split)}".encode()).hexdigest()[:24]
        results[split] = _cached(folder / key, trunk, data, split)
    return Features(**results)


def fingerprint(model):
    """Return a digest of a model's structure and of every one of its weights."""
    digest = hashlib.sha256(json.dumps(_structure(model.get_config()), default=repr).encode())
    for weight in model.weights:
        digest.update(np.ascontiguousarray(weight))
    return digest.hexdigest()


def _structure(config):
    """Return what decides a model's outputs beside its weights: its operations, their settings and how they are wired.

    Names become indices in the order of the model, since Keras numbers layers anew in every kernel.
    """
    indices = {layer["config"]["name"]: index for index, layer in enumerate(config["layers"])}
    layers = []
    for layer in config["layers"]:
        settings = layer["config"]
        settings = _structure(settings) if "layers" in settings else _nameless({**settings, "trainable": None})
        layers.append([layer["class_name"], settings, _indexed(layer.get("inbound_nodes"), indices)])
    return [layers, *(_indexed(config.get(ends), indices) for ends in ("input_layers", "output_layers"))]


def _nameless(settings):
    """Drop the name and the trainable flag of a layer, and of every layer in its settings."""
    if isinstance(settings, dict):
        dropped = ("name", "trainable") if "trainable" in settings else ()
        return {key: _nameless(value) for key, value in settings.items() if key not in dropped}
    return [_nameless(value) for value in settings] if isinstance(settings, (list, tuple)) else settings


def _indexed(ends, indices):
    """Put indices for names wherever a tensor is given as [name of its layer, node, index]."""
    if isinstance(ends, dict):
        return {key: _indexed(value, indices) for key, value in ends.items()}
    if isinstance(ends, (list, tuple)):
        if len(ends) == 3 and isinstance(ends[0], str) and ends[0] in indices:
            return [indices[ends[0]], *ends[1:]]
        return [_indexed(end, indices) for end in ends]
    return ends


def _check_fit(trunk, data):
    shape = tuple(trunk.inputs[0].shape)
    if len(shape) != 4:
        raise ValueError(
            f"{trunk.name!r} takes shape {shape}, not pictures (n, height, width, 3): give the trunk itself."
        )
    if shape[-1] != 3:
        raise ValueError(f"{trunk.name!r} takes {shape[-1]} channels, but the pictures of {data.name!r} have 3.")
    wanted = shape[1:3]
    if any(side is not None and side != got for side, got in zip(wanted, data.image_size, strict=True)):
        raise ValueError(
            f"{trunk.name!r} takes pictures of {wanted}, but {data.name!r} was loaded at {data.image_size}. "
            f"Load it again with image_size={wanted}."
        )


def _cached(entry, trunk, data, split):
    def compute(folder):
        features, labels = run(trunk, data.in_order(split), f"{data.name}, {split}")
        folder.mkdir()
        np.save(folder / "features.npy", features, allow_pickle=False)
        np.save(folder / "labels.npy", labels, allow_pickle=False)

    storage.kept(entry, compute)
    return tuple(np.load(entry / name, allow_pickle=False) for name in ("features.npy", "labels.npy"))


def run(trunk, batches, description="pictures"):
    """Run `trunk` over batches, with a progress bar, and keep nothing on disk.

    Parameters
    ----------
    trunk : keras.Model
        From pixels 0..255 (n, h, w, 3) to features.
    batches : iterable of (pictures, labels)
        For instance a batched `tf.data.Dataset`.
    description : str
        Shown before the bar.

    Returns
    -------
    features : ndarray, float32 (n, ...)
    labels : ndarray
        In the same order: both are collected in one pass, so a data set that reshuffles does no harm.

    Raises
    ------
    ValueError
        When a batch does not hold colour pictures, or there is none.
    """
    features, labels = [], []
    for pixels, batch_labels in tqdm.auto.tqdm(batches, desc=description, unit="batch", leave=False):
        inspection.check_pixels(pixels)
        features.append(trunk.predict_on_batch(pixels))
        labels.append(np.asarray(batch_labels))
    if not features:
        raise ValueError(f"No batch of {description} was given. Check that the data set is not empty or used up.")
    return np.concatenate(features), np.concatenate(labels)
