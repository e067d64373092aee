"""The freeze certificate: which weights moved between two moments, layer by layer, and which a step would move."""

import collections

import keras
import numpy as np
import pandas as pd
import tensorflow as tf

from helpers.network import inspection


def take(model):
    """Copy every weight of a model or layer as it is now, those of nested models and BatchNormalization's included.

    Returns a dict: path of the weight (``layer/kernel``) to its values, an ndarray. Where two share a path, the names
    of the models around the layer (``branch/layer/kernel``) or a number tell them apart. Raises `ValueError` when it
    has no weights yet.
    """
    return {name: np.array(weight.numpy()) for name, weight in _named(model)}


def rehearse(model, pictures, labels):
    """Return the largest gradient of each weight in one training step that is worked out, and not taken.

    The model stays as it is, its moving statistics included. Returns a dict for `compare`: path of each weight that may
    train to max |gradient|, a float. It is 0 where no gradient arrives; a frozen weight is not in it. Raises
    `ValueError` when the model is not compiled, or does not take these pictures and labels.

    Parameters
    ----------
    model : keras.Model
        Built, and compiled with a loss.
    pictures, labels : array
        One batch, of the shapes and dtypes that `fit` gets.
    """
    names = {id(weight): name for name, weight in _named(model)}
    if not isinstance(model, keras.Model) or not model.compiled:
        raise ValueError(f"{model.name!r} is not compiled: call compile first; a step needs its loss.")
    weights = list(model.trainable_variables)
    values = [tf.convert_to_tensor(weight) for weight in weights]
    fixed = [tf.convert_to_tensor(weight) for weight in model.non_trainable_variables]
    try:
        with tf.GradientTape() as tape:
            tape.watch(values)
            outputs, _, penalties = model.stateless_call(
                values, fixed, tf.convert_to_tensor(pictures), training=True, return_losses=True
            )
            loss = model.compute_loss(y=tf.convert_to_tensor(labels), y_pred=outputs) + sum(penalties)
        gradients = tape.gradient(loss, values)
    except Exception as error:
        raise ValueError(
            f"{model.name!r} cannot take a step on pictures of shape {np.shape(pictures)} and labels of shape "
            f"{np.shape(labels)}: {str(error).splitlines()[0]} Give one batch as fit gets it."
        ) from error
    return {
        names[id(weight)]: 0.0 if gradient is None else float(np.abs(gradient).max(initial=0))
        for weight, gradient in zip(weights, gradients, strict=True)
        if id(weight) in names
    }


def _named(model):
    """Yield every weight with its path, made unique."""
    inspection.check_model(model)
    if not model.weights:
        raise ValueError(f"{model.name!r} has no weights: build it first, by calling it on a batch.")
    paths = collections.Counter(weight.path for weight in model.weights)
    around = dict(_around(model))
    seen = collections.Counter()
    for weight in model.weights:
        path = weight.path
        if paths[path] > 1 and not path.startswith(around.get(id(weight), "")):
            path = around[id(weight)] + path
        seen[path] += 1
        layer, slash, name = path.rpartition("/")
        yield path if seen[path] == 1 else f"{layer or name} ({seen[path]}){slash}{name if layer else ''}", weight


def _around(model, names=""):
    """Yield the id of every weight with the names of the models around its layer."""
    for layer in getattr(model, "layers", ()):
        if hasattr(layer, "layers"):
            yield from _around(layer, f"{names}{layer.name}/")
        else:
            yield from ((id(weight), names) for weight in layer.weights)


def compare(before, after, gradients=None):
    """Return what moved between two results of `take` for one model, one row for each layer.

    Returns a pandas.DataFrame. Index: layer, in the order of the model; with the names of the models around it
    (``branch/dense``) where two layers share a name. Columns: ``parameters`` (int), ``largest_change`` (float,
    max |after − before|), ``moved`` (bool: any value differs at all). With what `rehearse` returned before the training
    as `gradients` also ``largest_gradient`` (float): NaN where a layer is frozen, 0 where it may train and no gradient
    arrives; a number beside ``moved`` False is a learning rate that is too small. Raises `ValueError` when `take` or
    `rehearse` did not return them, or they are not of the same weights.
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
    if gradients is not None and not (isinstance(gradients, dict) and gradients.keys() <= before.keys()):
        raise ValueError("The gradients are not of these weights. Give what rehearse returned for the same model.")
    layers = dict.fromkeys(path.rpartition("/")[0] or path for path in before)
    names = collections.Counter(layer.rpartition("/")[2] for layer in layers)
    rows = {}
    for path, old in before.items():
        new = after[path]
        if old.shape != new.shape:
            raise ValueError(f"{path} had shape {old.shape} and now has {new.shape}. Take both from one model.")
        layer = path.rpartition("/")[0] or path
        name = layer.rpartition("/")[2]
        row = rows.setdefault(name if names[name] == 1 else layer, [0, 0.0, False, np.nan])
        row[0] += old.size
        # In float64, since whole numbers of 8 bits would wrap. NaN stays visible; that it came or went is movement.
        with np.errstate(invalid="ignore"):
            row[1] = float(np.max([row[1], np.abs(np.subtract(new, old, dtype=np.float64)).max(initial=0)]))
        row[2] = row[2] or not np.array_equal(old, new, equal_nan=True)
        row[3] = np.fmax(row[3], (gradients or {}).get(path, np.nan))
    columns = ["parameters", "largest_change", "moved", "largest_gradient"]
    table = pd.DataFrame.from_dict(rows, orient="index", columns=columns).rename_axis("layer")
    table.attrs["caption"] = "What moved, layer by layer"
    return table if gradients is not None else table.drop(columns="largest_gradient")


def moved(before, after):
    """Return the names of the layers that moved between two results of `take`, a list in the order of the model."""
    table = compare(before, after)
    return table.index[table["moved"]].tolist()
