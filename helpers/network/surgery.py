"""List a model's layers, change its end, cut it in two, and choose what trains."""

import math
import numbers

import keras
import pandas as pd

POOLINGS = {
    "avg": keras.layers.GlobalAveragePooling2D,
    "max": keras.layers.GlobalMaxPooling2D,
    "flatten": keras.layers.Flatten,
}


def layer_table(model):
    """Return the layers of a built model as a table, one row for each.

    Returns
    -------
    pandas.DataFrame
        Index: layer. Columns: ``type``, ``output`` (shape without the batch axis), ``parameters`` (int),
        ``trainable`` (int: how many of them an optimizer may change after the next `compile`).
    """
    rows = [
        {
            "layer": layer.name,
            "type": type(layer).__name__,
            "output": _shape(layer),
            "parameters": layer.count_params(),
            "trainable": count(layer.trainable_weights),
        }
        for layer in model.layers
    ]
    return pd.DataFrame(rows).set_index("layer")


def _shape(layer):
    try:
        shape = layer.output.shape
    except AttributeError:
        return "?"
    return "×".join("?" if side is None else str(side) for side in shape[1:])


def count(weights):
    """Return the number of parameters in a list of weights."""
    return sum(math.prod(weight.shape) for weight in weights)


def check_classes(classes):
    """Raise unless `classes` is a whole number of at least 2."""
    if isinstance(classes, bool) or not isinstance(classes, numbers.Integral) or classes < 2:
        raise ValueError(
            f"classes={classes!r}: expected a whole number of at least 2, one output unit for each class. "
            "With two classes take 2 units, softmax and the same losses as everywhere in the course."
        )


def final_dense(model):
    """Return the last Dense layer of a model.

    Raises
    ------
    ValueError
        When no Dense layer is found, or when layers with weights come after the last one.
    """
    indices = [index for index, layer in enumerate(model.layers) if isinstance(layer, keras.layers.Dense)]
    if not indices:
        last = model.layers[-1]
        raise ValueError(
            f"{model.name!r} has no Dense layer to replace; it ends in {last.name!r} ({type(last).__name__}). "
            "If its top was left out, load it with include_top=True. If its classifier is a convolution, as in "
            "MobileNetV3, load it with include_top=False and put a new head on it with surgery.attach_head."
        )
    dense = model.layers[indices[-1]]
    later = [layer.name for layer in model.layers[indices[-1] + 1 :] if layer.weights]
    if later:
        raise ValueError(
            f"The last Dense layer of {model.name!r} is {dense.name!r}, but layers with weights come after it: "
            f"{', '.join(later)}. It is not this model's classifier; rebuild the end by hand."
        )
    return dense


def replace_final_dense(model, classes, activation=None, name="new_predictions"):
    """Return a model that shares every layer with `model` up to its final Dense layer, which is new.

    Everything that fed the old Dense layer feeds the new one, bit for bit the same. An activation layer after the old
    Dense layer is dropped with it. `model` itself keeps its end; the layers are shared, so training one model moves
    the other.

    Parameters
    ----------
    model : keras.Model
        Functional or Sequential, built, with a Dense layer as its classifier (VGG16, ResNet50, InceptionV3 and
        MobileNetV2 with ``include_top=True`` all have one).
    classes : int
        Number of output units, at least 2.
    activation : str or callable, optional
        None for logits, ``"softmax"`` for probabilities. The loss must fit it.
    name : str
        Name of the new layer.

    Raises
    ------
    ValueError
        When `classes` is below 2, or the model has no final Dense layer.
    """
    check_classes(classes)
    old = final_dense(model)
    outputs = keras.layers.Dense(classes, activation=activation, name=name)(_fed_to(old, model))
    return keras.Model(model.inputs[0], outputs, name=f"{model.name}_{classes}_classes")


def _fed_to(layer, model):
    if not isinstance(model, keras.Sequential):
        return layer.input
    tensor = model.inputs[0]  # a Sequential model's layers may be those of another model, with another input
    for earlier in model.layers[: model.layers.index(layer)]:
        tensor = earlier(tensor)
    return tensor


def attach_head(base, classes, pooling="avg", activation=None, preprocess=None):
    """Return a model from pixels to `classes` outputs: preprocessing, `base`, ``pool``, ``predictions`` (a new Dense).

    Parameters
    ----------
    base : keras.Model
        Convolutional, output shape (n, height, width, channels).
    classes : int
        Number of output units, at least 2.
    pooling : {"avg", "max", "flatten"}
        How the maps become one row of numbers.
    activation : str or callable, optional
        None for logits, ``"softmax"`` for probabilities.
    preprocess : callable, optional
        From pixels 0..255 in RGB order to what `base` expects, e.g. ``keras.applications.vgg16.preprocess_input``.

    Raises
    ------
    ValueError
        When `classes` or `pooling` is unknown, or `base` does not end in maps.
    """
    check_classes(classes)
    if pooling not in POOLINGS:
        raise ValueError(f"pooling={pooling!r}: expected one of {', '.join(map(repr, POOLINGS))}.")
    if len(base.outputs[0].shape) != 4:
        raise ValueError(
            f"{base.name!r} gives shape {tuple(base.outputs[0].shape)}: expected maps (n, height, width, channels). "
            "Load it with include_top=False."
        )
    pixels = keras.Input(base.inputs[0].shape[1:], name="pixels")
    maps = base(preprocess(pixels) if preprocess else pixels)
    features = POOLINGS[pooling](name="pool")(maps)
    outputs = keras.layers.Dense(classes, activation=activation, name="predictions")(features)
    return keras.Model(pixels, outputs)


def split(base, cut):
    """Cut a model into a trunk and a tail that share its layers.

    ``tail(trunk(x))`` is the same computation as ``base(x)``; what is trained in the tail is trained in `base`.

    The layers keep their flags: in a base that was frozen, the layers of the tail are frozen, too, although the flag
    of the tail itself is True. So ``tail.trainable = True`` changes nothing; set the flags of its layers.

    Parameters
    ----------
    base : keras.Model
        A functional model without branches at the cut, such as VGG16.
    cut : str
        Name of the last layer of the trunk, e.g. ``"block4_pool"``.

    Returns
    -------
    trunk, tail : keras.Model
        Shapes: base input → output of `cut`; output of `cut` → base output.

    Raises
    ------
    ValueError
        When no layer has that name, or nothing comes before or after it.
    """
    names = _names_with(base, cut)
    tensor = base.get_layer(cut).output
    if cut == names[-1] or tensor is base.outputs[0]:
        raise ValueError(
            f"{cut!r} is the last layer of {base.name!r}, so no tail is left after the cut. "
            f"Cut earlier, for instance at {names[-2]!r}."
        )
    if cut == names[0]:
        raise ValueError(
            f"{cut!r} is the input of {base.name!r}, so the trunk would be empty. "
            f"Cut later, for instance at {names[1]!r}."
        )
    trunk = keras.Model(base.inputs[0], tensor, name=f"{base.name}_to_{cut}")
    tail = keras.Model(tensor, base.outputs[0], name=f"{base.name}_after_{cut}")
    return trunk, tail


def freeze_up_to(model, last_frozen):
    """Freeze every layer up to and including `last_frozen`; let every later one train.

    `compile` must be called afterwards: only then does training follow.

    Parameters
    ----------
    model : keras.Model
        Its layers are changed in place.
    last_frozen : str or None
        Name of a layer of this model. None freezes nothing.

    Raises
    ------
    ValueError
        When no layer has that name.
    """
    frozen = 0 if last_frozen is None else _names_with(model, last_frozen).index(last_frozen) + 1
    model.trainable = True  # a model that is frozen itself trains nothing, whatever its layers say
    for index, layer in enumerate(model.layers):
        layer.trainable = index >= frozen


def _names_with(model, name):
    """Return the names of a model's layers; raise `ValueError` when `name` is not among them."""
    names = [layer.name for layer in model.layers]
    if name not in names:
        raise ValueError(f"{model.name!r} has no layer called {name!r}; its layers are: {', '.join(names)}.")
    return names
