"""The freeze certificate: which weights moved between two moments, layer by layer."""

import collections

import numpy as np
import pandas as pd

from helpers.network import inspection


def take(model):
    """Copy every weight of a model or layer as it is now, those of nested models and BatchNormalization's included.

    Raises `ValueError` when it has no weights yet.

    Returns
    -------
    dict of str to ndarray
        Path of the weight (``layer/kernel``) to its values. Where two share a path, the names of the models around the
        layer (``branch/layer/kernel``) or a number tell them apart.
    """
    inspection.check_model(model)
    if not model.weights:
        raise ValueError(f"{model.name!r} has no weights: build it first, by calling it on a batch.")
    paths = collections.Counter(weight.path for weight in model.weights)
    around = dict(_around(model))
    taken, seen = {}, collections.Counter()
    for weight in model.weights:
        path = weight.path
        if paths[path] > 1 and not path.startswith(around.get(id(weight), "")):
            path = around[id(weight)] + path
        seen[path] += 1
        layer, slash, name = path.rpartition("/")
        key = path if seen[path] == 1 else f"{layer or name} ({seen[path]}){slash}{name if layer else ''}"
        taken[key] = np.array(weight.numpy())
    return taken


def _around(model, names=""):
    """Yield the id of every weight with the names of the models around its layer."""
    for layer in getattr(model, "layers", ()):
        if hasattr(layer, "layers"):
            yield from _around(layer, f"{names}{layer.name}/")
        else:
            yield from ((id(weight), names) for weight in layer.weights)


def compare(before, after):
    """Return what moved between two results of `take` for one model, a row a layer.

    Raises `ValueError` when `take` did not return them, or the two were not taken from the same weights.

    Returns
    -------
    pandas.DataFrame
        Index: layer, in the order of the model; with the names of the models around it (``branch/dense``) where
        two layers share a name. Columns: ``parameters`` (int), ``largest_change``
        (float, max |after − before|), ``moved`` (bool: any value differs at all).
    """
    if not all(isinstance(given, dict) for given in (before, after)):
        raise ValueError(f"{type(before).__name__} and {type(after).__name__}: expected what take returned, twice.")
    if before.keys() != after.keys():
        gone, new = (
            ", ".join([key for key in one if key not in other][:3]) or "none"
            for one, other in ((before, after), (after, before))
        )
        raise ValueError(
            f"The two moments hold different weights (only before: {gone}; only after: {new}). Take both from one "
            "model, with no layer added, removed or quantized between."
        )
    layers = dict.fromkeys(path.rpartition("/")[0] or path for path in before)
    names = collections.Counter(layer.rpartition("/")[2] for layer in layers)
    rows = {}
    for path, old in before.items():
        new = after[path]
        if old.shape != new.shape:
            raise ValueError(f"{path} had shape {old.shape} and now has {new.shape}. Take both from one model.")
        layer = path.rpartition("/")[0] or path
        name = layer.rpartition("/")[2]
        row = rows.setdefault(name if names[name] == 1 else layer, [0, 0.0, False])
        row[0] += old.size
        # In float64, since whole numbers of 8 bits would wrap. NaN stays visible; that it came or went is movement.
        with np.errstate(invalid="ignore"):
            row[1] = float(np.max([row[1], np.abs(np.subtract(new, old, dtype=np.float64)).max(initial=0)]))
        row[2] = row[2] or not np.array_equal(old, new, equal_nan=True)
    table = pd.DataFrame.from_dict(rows, orient="index", columns=["parameters", "largest_change", "moved"])
    return table.rename_axis("layer")


def moved(before, after):
    """Return the names of the layers that moved between two results of `take`, a list in the order of the model."""
    table = compare(before, after)
    return table.index[table["moved"]].tolist()
