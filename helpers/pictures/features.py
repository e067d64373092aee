"""Run a trunk once over pictures and keep the result on disk.

A cache entry is named after everything that decides its content: the trunk's structure and weights, the pictures'
bytes, their size and resizing, the precision; checksums show damage. What a function or a class of one's own computes
has no such name: features of a trunk that holds one are computed anew each time.
"""

import functools
import hashlib
import itertools
import json
import operator
import platform
import random
import re
import secrets
import time
import types
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
import tqdm.auto

from helpers import storage
from helpers.network import inspection
from helpers.pictures import images

UNNAMED = ("Lambda", "TFSMLayer", "JaxLayer", "FlaxLayer", "TorchModuleWrapper")  # hold code that settings do not tell
KEPT_METHODS = ("build", "quantize")  # Keras keeps them wrapped, in each layer
OWN_CODE = ('"training": true', '"class_name": "function"', '"__lambda__"')  # in the settings
MOST_BATCHES = 10_000  # of data that do not say where they end
PRECISIONS = ("float32", "bfloat16")
KEPT_FLOAT32 = ("Rescaling", "Resizing", "Normalization", "GlobalAveragePooling2D", "Softmax", "DTypePolicyMap")
MARGIN = 1.2  # how many times as fast bfloat16 must be to be preferred


@dataclass(frozen=True)
class Features:
    """Features, float32 (n, ...), and labels, int32 (n,), of three splits; None for a split that was not asked for.

    Row i belongs to picture i of ``ImageSets.files(split)``.
    """

    train: tuple = None
    validation: tuple = None
    test: tuple = None


def extract(trunk, data, splits=images.SPLITS, precision=None):
    """Run `trunk` once over every picture and return its outputs as `Features`, cached on disk where it has a name.

    Raises `ValueError` when the trunk takes pictures of another size or number of channels, has several inputs or
    outputs, or a split or precision is unknown; `helpers.storage.StorageError` when the cache cannot be written to.

    `trunk` is a keras.Model from pixels 0..255 (n, h, w, 3), preprocessing included, to features; `data` are
    `helpers.pictures.images.ImageSets` of the size that it takes; `splits` are some of "train", "validation", "test".
    `precision` is as in `run`.
    """
    inspection.check_single(trunk, "inputs", "outputs")
    if not isinstance(data, images.ImageSets):
        raise ValueError(f"data={data!r}: expected what images.load returns, such as images.load('animals').")
    _check_fit(trunk, data.image_size, data.name)
    splits = list(splits) if hasattr(splits, "__iter__") and not isinstance(splits, str) else [[splits]]
    if unknown := [split for split in splits if split not in images.SPLITS]:
        raise ValueError(f"Unknown split(s) {unknown}: expected some of {', '.join(images.SPLITS)}.")
    precision = chosen(precision, trunk)

    def compute(split):
        return run(trunk, data.in_order(split), f"{data.name}, {split}", precision)

    if _settings(trunk) is None:
        print(f"Features of {trunk.name!r} are not kept: settings do not tell code of your own, or whole batches.")
        return Features(**{split: compute(split) for split in splits})
    name, folder, results = fingerprint(trunk), storage.cache_folder("features"), {}
    name += "" if precision == "float32" else f" {precision}"
    for split in splits:
        key = hashlib.sha256(f"{name} {data.fingerprint(split)}".encode()).hexdigest()[:24]
        results[split] = _cached(folder / key, functools.partial(compute, split))
    return Features(**results)


def fingerprint(model):
    """Return a digest of a model's structure and of every one of its weights: models that share it compute the same.

    A model that holds code of one's own (a function, a class, a Lambda layer) or sees whole batches (``training=True``)
    gets another digest at each call.
    """
    inspection.check_model(model)
    settings = _settings(model)
    digest = hashlib.sha256((settings or secrets.token_hex()).encode())
    for weight in model.weights:
        digest.update(np.asarray(weight).tobytes())
    return digest.hexdigest()


def _settings(model):
    """Return a text of all that decides a model's outputs beside its weights, None where that cannot be told."""
    if _holds_own_code(model):
        return None
    try:
        text = json.dumps(_structure(model.get_config()), default=np.ndarray.tolist)
    except (NotImplementedError, TypeError, ValueError):  # something that Keras or JSON cannot write down
        return None
    surroundings = keras.__version__, keras.config.backend(), keras.config.floatx(), keras.config.epsilon()
    return None if any(sign in text for sign in OWN_CODE) else f"{text} {surroundings}"


def _holds_own_code(part):
    """Return whether a model, a layer or a function, or one that it holds, is not Keras's own."""
    source = getattr(part, "__module__", None) or ""
    if isinstance(part, types.FunctionType):  # Keras has several of one name, but not among activations
        return not source.startswith("keras.src.activations." if part.__name__ not in KEPT_METHODS else "keras.")
    if not source.startswith("keras.") or type(part).__name__ in UNNAMED:
        return True
    if isinstance(part, keras.Model):
        return any(map(_holds_own_code, getattr(part, "operations", part.layers)))
    if not isinstance(part, keras.Operation):
        return False
    values = [value if isinstance(value, (list, tuple)) else [value] for value in vars(part).values()]
    return any(callable(value) and _holds_own_code(value) for value in itertools.chain(*values))


def _structure(part, indices=None):
    """Return the operations of a configuration, their settings and wiring, without `trainable`.

    Names become indices in the order of the model, since Keras numbers layers anew in every kernel.
    """
    if isinstance(part, dict):
        if "layers" in part:
            indices = {layer["config"]["name"]: index for index, layer in enumerate(part["layers"])}
            flagless = [{**layer, "config": {**layer["config"], "trainable": None}} for layer in part["layers"]]
            part = {**part, "layers": flagless}  # some operations have a name, but no flag
        kept = ("class_name", "config", "inbound_nodes") if "class_name" in part else part
        dropped = ("name", "trainable") if "trainable" in part or "layers" in part else ()
        return {key: _structure(part[key], indices) for key in part if key in kept and key not in dropped}
    if not isinstance(part, (list, tuple)):
        return part
    if len(part) == 3 and isinstance(part[0], str) and part[0] in (indices or {}):  # a tensor: layer, node, number
        return [indices[part[0]], *part[1:]]
    return [_structure(value, indices) for value in part]


def _check_fit(trunk, image_size, name):
    shape = tuple(trunk.inputs[0].shape)
    if len(shape) != 4 or shape[-1] != 3:
        raise ValueError(f"{trunk.name!r} takes shape {shape}, not pictures (n, height, width, 3): give their trunk.")
    wanted = shape[1:3]
    if any(side is not None and side != got for side, got in zip(wanted, image_size, strict=True)):
        raise ValueError(
            f"{trunk.name!r} takes pictures of {wanted}, but {name!r} was loaded at {tuple(image_size)}. "
            f"Load it again with image_size={wanted}."
        )


def _cached(entry, compute):
    def make(folder):
        features, labels = compute()
        folder.mkdir()
        np.save(folder / "features.npy", features, allow_pickle=False)
        np.save(folder / "labels.npy", labels, allow_pickle=False)

    storage.kept(entry, make)
    return tuple(np.load(entry / name, allow_pickle=False) for name in ("features.npy", "labels.npy"))


def run(trunk, batches, description="pictures", precision=None):
    """Run `trunk` over batches, with a progress bar, and keep nothing on disk.

    Raises `ValueError` when a batch does not hold colour pictures with a label each, the trunk has several outputs,
    there is no batch, or no end of them, or the precision is unknown.

    `trunk` is a keras.Model from pixels 0..255 (n, h, w, 3) to features. `batches` is an iterable of (pictures,
    labels), for instance a batched `tf.data.Dataset`, or a list; of one with a length, so many batches are taken.
    `description` is shown before the bar. `precision` is "float32", "bfloat16" (see `in_bfloat16`; what has no such
    copy stays in float32), or None: what `preferred` returns if all weights are in Conv2D and Dense layers, or float32.

    Returns features, an ndarray, float32 (n, ...), and labels, an ndarray in the same order: both are collected in one
    pass, so a data set that reshuffles does no harm.
    """
    inspection.check_model(trunk, keras.Model)
    known = getattr(trunk, "inputs", None)
    if known:
        inspection.check_single(trunk, "inputs", "outputs")
    network = (in_bfloat16(trunk) if chosen(precision, trunk) == "bfloat16" else None) or trunk
    if known:
        network.make_predict_function(force=True)  # an older one keeps the attributes of the moment when it was built
    number, features, labels = _number(batches, description), [], []
    counted = itertools.islice(batches, number)
    for batch in tqdm.auto.tqdm(counted, desc=description, unit="batch", leave=False, total=number):
        if not isinstance(batch, (tuple, list)) or len(batch) != 2:
            raise ValueError(f"A batch of {description} is not (pictures, labels): give both, and nothing more.")
        pixels, answers = (np.asarray(part) for part in batch)
        inspection.check_pixels(pixels)
        if known:
            _check_fit(trunk, pixels.shape[1:3], description)
        if answers.shape[:1] != (len(pixels),):
            raise ValueError(f"Labels of shape {answers.shape} for {len(pixels)} pictures: expected one for each.")
        if len(features) == MOST_BATCHES and number is None:
            raise ValueError(f"No end of {description} after {MOST_BATCHES} batches: give a part, data.take(100).")
        rows = network.predict_on_batch(pixels)
        if np.shape(rows)[:1] != (len(pixels),):
            raise ValueError(f"{trunk.name!r} does not give one row of features for each picture: expected one output.")
        if features and (np.shape(rows)[1:], answers.shape[1:]) != (features[0].shape[1:], labels[0].shape[1:]):
            raise ValueError(f"Batches of {description} differ in the size of their pictures, or in kind of labels.")
        features.append(np.asarray(rows, dtype="float32"))
        labels.append(answers)
    if not features:
        raise ValueError(f"No batch of {description} was given. Check that the data set is not empty or used up.")
    return np.concatenate(features), np.concatenate(labels)


def _number(batches, description):
    """Return how many batches there are, None for tf.data that cannot tell; raise where there may be no end."""
    number = int(batches.cardinality()) if hasattr(batches, "cardinality") else operator.length_hint(batches, -1)
    if number == -1:
        raise ValueError(
            f"The batches of {description} have no end, or do not say where it is, as generators do. Give a part: "
            "data.take(100) of tf.data, list(itertools.islice(batches, 100)) of a generator."
        )
    return None if number < 0 else number


def chosen(precision, trunk):
    """Return the precision in which a trunk is to be run; raise where it is unknown."""
    if precision is not None and (not isinstance(precision, str) or precision not in PRECISIONS):
        raise ValueError(f"precision={precision!r}: expected 'float32', 'bfloat16', or None for what is faster here.")
    # BatchNormalization or depthwise convolutions gain no time in bfloat16, and lose more digits.
    kinds = {type(layer) for layer in inspection.flat_layers(trunk) if layer.weights}
    return precision or (preferred() if kinds and kinds <= {keras.layers.Conv2D, keras.layers.Dense} else "float32")


def in_bfloat16(trunk):
    """Return a copy of a model under Keras's policy ``mixed_bfloat16``; None if settings cannot tell all that it does.

    Another policy than float32 stays, and so do preparing of pixels, global average pooling and softmax.
    """
    if _settings(trunk) is None or vars(trunk).keys() & {"call", "predict_on_batch"}:
        return None
    state = random.getstate()  # from which Keras seeds new layers
    try:
        copy = type(trunk).from_config(_lowered(trunk.get_config()))
        copy.set_weights(trunk.get_weights())
        return copy
    except Exception:  # Keras has many for what it cannot build
        return None
    finally:
        random.setstate(state)


def _lowered(part):
    """Return a configuration with the policy mixed_bfloat16 in place of float32, and zeros for the first weights."""
    if isinstance(part, (list, tuple)):
        return type(part)(map(_lowered, part))
    if not isinstance(part, dict) or part.get("class_name") in KEPT_FLOAT32:
        return part
    if part.get("class_name") == "DTypePolicy" and part["config"] == {"name": "float32"}:
        return {**part, "config": {"name": "mixed_bfloat16"}}
    return {key: "zeros" if key.endswith("_initializer") and value else _lowered(value) for key, value in part.items()}


def preferred():
    """Return "bfloat16" if this machine runs a convolution at least 1.2 times as fast in it, else "float32".

    Timed once and remembered in the cache's ``precision.json``, so that features do not change at the next start.
    """
    file = Path("/proc/cpuinfo")  # a virtual processor's name does not tell what it can do
    told = file.read_text(encoding="utf-8") if file.exists() else f"model name: {platform.processor()}"
    told = sorted(set(re.findall("(?:model name|flags|Features|CPU part).*", told)), reverse=True)
    digest = hashlib.sha256(repr(told).encode()).hexdigest()[:12]
    machine = f"{''.join(told[:1])}, {digest}, TensorFlow {tf.__version__}"
    try:
        with storage.noted(storage.cache_folder() / "precision.json") as known:
            if known.get(machine) not in PRECISIONS:
                known[machine] = PRECISIONS[_gain() >= MARGIN]
            return known[machine]
    except (storage.StorageError, tf.errors.OpError):  # or there is no such convolution
        return "float32"


def _gain():
    """Return how many times as fast a convolution is in bfloat16: the median of eight pairs run in turn."""
    convolve = tf.function(lambda maps, kernel: tf.nn.conv2d(maps, kernel, 1, "SAME"))
    times = {kind: [] for kind in PRECISIONS}
    for kind in PRECISIONS * 9:
        maps, kernel = tf.ones((4, 32, 32, 128), kind), tf.ones((3, 3, 128, 128), kind)
        started = time.perf_counter()
        convolve(maps, kernel).numpy()
        times[kind].append(time.perf_counter() - started)
    return float(np.median(np.divide(*times.values())[1:]))  # without the first pair, which is traced
