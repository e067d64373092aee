"""The freeze certificate: which weights moved between two moments, layer by layer."""

import collections

import numpy as np
import pandas as pd


def take(model):
    """Copy every weight of a model, as it is now.

    Parameters
    ----------
    model : keras.Model or keras.Layer
        Built. Nested models are included.

    Returns
    -------
    dict of str to ndarray
        Path of the weight (``layer/kernel``) to a copy of its values, statistics of BatchNormalization included.

    Raises
    ------
    ValueError
        When the model has no weights yet.
    """
    if not model.weights:
        raise ValueError(f"{model.name!r} has no weights: build it first, by calling it on a batch.")
    paths = [weight.path for weight in model.weights]
    if len(set(paths)) != len(paths):  # two layers of one name: tell them apart by position
        paths = [f"{number}:{path}" for number, path in enumerate(paths)]
    return {path: np.array(weight.numpy()) for path, weight in zip(paths, model.weights, strict=True)}


def compare(before, after):
    """Return what moved between two moments, a row a layer.

    Parameters
    ----------
    before, after : dict of str to ndarray
        Two results of `take` for the same model.

    Returns
    -------
    pandas.DataFrame
        Index: layer, in the order of the model; with the names of the models around it (``branch/dense``) where
        two layers share a name. Columns: ``parameters`` (int), ``largest_change``
        (float, max |after − before|), ``moved`` (bool: any value differs at all).

    Raises
    ------
    ValueError
        When the two were not taken from the same weights.
    """
    if before.keys() != after.keys():
        other = sorted(before.keys() ^ after.keys())
        raise ValueError(f"The two moments hold different weights (first: {other[0]}). Take both from one model.")
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
        # A NaN counts as movement, and stays visible.
        row[1] = float(np.max([row[1], np.abs(new - old).max(initial=0)]))
        row[2] = row[2] or not np.array_equal(old, new)
    table = pd.DataFrame.from_dict(rows, orient="index", columns=["parameters", "largest_change", "moved"])
    return table.rename_axis("layer")


def moved(before, after):
    """Return the names of the layers that moved between two moments, a list in the order of the model.

    Parameters
    ----------
    before, after : dict of str to ndarray
        Two results of `take` for the same model.
    """
    table = compare(before, after)
    return table.index[table["moved"]].tolist()
