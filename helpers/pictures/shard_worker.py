"""How one shard comes about: the trunk, run over the pictures of a list, here or in a worker of Dask."""

import contextlib
import functools
import hashlib
import json
import os
import platform
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import keras
import numpy as np

from helpers import storage
from helpers.network import inspection
from helpers.pictures import features, fitting, shard_files
from helpers.pictures.shard_files import ABOUT, SHARD, SHARED, TRUNK


def prepared(trunk, size, fit, precision):
    """Return what is run in place of a trunk, and a dict of what decides its features."""
    inspection.check_model(trunk, keras.Model)
    inspection.check_single(trunk, "inputs", "outputs")
    size = inspection.check_image_size(size or inspection.image_size(trunk))
    if (name := features.fingerprint(trunk)) != features.fingerprint(trunk):
        raise ValueError(
            f"{trunk.name!r} holds code of its own, or sees whole batches: nobody could tell whether two shards belong "
            "together. Build it from Keras's own layers."
        )
    shape = trunk.compute_output_spec(keras.KerasTensor((None, *size, 3))).shape[1:]
    if not shape or None in shape:
        raise ValueError(f"{trunk.name!r} gives {shape} for a picture: expected features of a fixed shape.")
    precision = features.chosen(precision, trunk)
    if (network := _network(trunk, precision)) is None:
        network, precision = _network(trunk, "float32"), "float32"
    about = {"trunk": name, "size": list(size), "fit": fitting.check_fit(fit), "shape": list(shape)}
    return network, about | {"precision": precision}


def _network(trunk, precision):
    network = features.in_bfloat16(trunk) if precision == "bfloat16" else trunk
    if network is not None:
        network.make_predict_function(force=True)  # an older one keeps the attributes of its moment
    return network


@functools.lru_cache(maxsize=1)
def _loaded(path, fingerprint, precision):
    """Return the network of a worker, loaded once in each process."""
    trunk = keras.models.load_model(path, compile=False, safe_mode=True)
    if features.fingerprint(trunk) != fingerprint:
        raise storage.StorageError(
            f"{path} is another trunk here. Workers need the same version of Keras: {platform.node()}."
        )
    return _network(trunk, precision)


def shard(number, target, root, batch, network=None):
    """Write one shard unless it is there; return its number of rows, its bad files, and whether it was written."""
    target = Path(target)
    try:
        text = (target / ABOUT).read_text(encoding="utf-8")
    except OSError as error:
        raise storage.StorageError(f"{target / ABOUT} cannot be read on {platform.node()}. {SHARED}") from error
    about, path = json.loads(text), target / SHARD.format(number)
    mark = f"{number} {hashlib.sha256(text.encode()).hexdigest()}"
    with contextlib.suppress(storage.StorageError):  # missing, or damaged
        return *shard_files.checked(path, mark), False
    files, labels, there = shard_files.listed(target, number)
    places = [os.path.join(root, file) for file in files]
    if any(there) and not any(map(os.path.exists, places)):
        raise storage.StorageError(f"Not one file of {path.name} is found on {platform.node()}: {places[0]}. {SHARED}")
    if network is None:
        network = _loaded(str(target / TRUNK), about["trunk"], about["precision"])
    rows, kept, reasons = _computed(network, places, about, batch)
    bad = {files[index]: reason for index, reason in reasons.items()}
    shard_files.save(path, [files[index] for index in kept], [labels[index] for index in kept], rows, bad, mark)
    return len(rows), bad, True


def _computed(network, places, about, batch):
    """Return features of the files that can be opened, the indices of these, and index → reason of the others."""
    kept, rows, bad = [], [np.empty((0, *about["shape"]), "float32")], {}

    def decode(start):
        pictures = {}
        for index in range(start, min(start + batch, len(places))):
            try:
                pictures[index] = fitting.pixels(places[index], about["size"], about["fit"])
            except ValueError as error:  # nearly always a PictureError
                bad[index] = getattr(error, "reason", str(error))
        return pictures

    with ThreadPoolExecutor(1) as thread:  # decodes the next batch while the trunk sees this one
        waiting = thread.submit(decode, 0)
        for following in range(batch, len(places) + batch, batch):
            pictures, waiting = waiting.result(), thread.submit(decode, following)
            if pictures:
                kept += pictures
                outputs = network.predict_on_batch(np.concatenate([*pictures.values()]))
                rows.append(np.asarray(outputs, "float32"))
    return np.concatenate(rows), kept, bad
