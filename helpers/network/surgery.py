"""List a model's layers, change its end, cut it in two, and choose what trains."""

import difflib
import math
import numbers

import keras
import numpy as np
import pandas as pd

from helpers.network import inspection

POOLINGS = {
    "avg": keras.layers.GlobalAveragePooling2D,
    "max": keras.layers.GlobalMaxPooling2D,
    "flatten": keras.layers.Flatten,
}


def layer_table(model):
    """Return the layers of a built model as a table, one row for each.

    Returns a pandas.DataFrame. Index: layer. Columns: ``type``, ``output`` (shape without the batch axis; several where
    it has several outputs or is called on several sizes), ``parameters`` (int), ``trainable`` (int: how many of them an
    optimizer may change after the next `compile`). Raises `ValueError` when a layer is not built.
    """
    layers = getattr(model, "layers", ())
    if not layers or not all(layer.built for layer in layers):
        raise ValueError(
            f"{getattr(model, 'name', model)!r} has no layers, or some that are not built: build it first, by calling "
            "it on a batch or with model.build((None, 96, 96, 3))."
        )
    calls = inspection.calls(model) if getattr(model, "outputs", None) else {}
    rows = [
        {
            "layer": layer.name,
            "type": type(layer).__name__,
            "output": _shapes(calls.get(id(layer), ())),
            "parameters": count(layer.weights),
            "trainable": count(layer.trainable_weights),
        }
        for layer in layers
    ]
    return pd.DataFrame(rows).set_index("layer")


def _shapes(nodes):
    shapes = [tensor.shape[1:] for node in nodes for tensor in node.output_tensors]
    texts = ["×".join("?" if side is None else str(side) for side in shape) for shape in shapes]
    return ", ".join(dict.fromkeys(texts)) or "?"


def count(weights):
    """Return the number of parameters in a list of weights."""
    try:
        return sum(math.prod(weight.shape) for weight in weights)
    except (TypeError, AttributeError) as error:
        raise ValueError(f"{weights!r}: expected a list of weights, such as model.weights ({error}).") from error


def check_classes(classes):
    """Return `classes` as an int; raise unless it is a whole number of at least 2."""
    if isinstance(classes, bool) or not isinstance(classes, numbers.Integral) or classes < 2:
        raise ValueError(
            f"classes={classes!r}: expected a whole number of at least 2, one output unit for each class. "
            "With two classes take 2 units, softmax and the same losses as everywhere in the course."
        )
    return int(classes)


def final_dense(model):
    """Return the Dense layer that gives a model's output, in the model itself or in the one that it ends in.

    Raises `ValueError` when the model ends in another layer, in several outputs, or is not built.
    """
    end, _ = _end(model)
    return final_dense(end) if isinstance(end, keras.Model) else end


def _end(model):
    """Return what gives a model's classes, a Dense layer or a model within, and Keras's node of that call.

    The walk goes back from the output, past activations and layers that change no number.
    """
    inspection.check_single(model, "outputs")
    tensor = model.outputs[0]
    while True:
        operation, index, _ = tensor._keras_history
        node = operation._inbound_nodes[index]
        if isinstance(operation, keras.layers.Dense | keras.Model):
            return operation, node
        sources = [getattr(part, "__module__", "") for part in (operation, getattr(operation, "activation", operation))]
        foreign = [source for source in sources if not str(source).startswith(("keras.", "tensorflow."))]
        passes = type(operation).__name__ in inspection.ENDINGS and not foreign
        if not passes or node.input_tensors[0].shape != node.output_tensors[0].shape:
            break
        tensor = node.input_tensors[0]
    ending = f"{operation.name!r} ({type(operation).__name__})"
    dense = [layer.name for layer in inspection.flat_layers(model) if isinstance(layer, keras.layers.Dense)]
    if not dense:
        raise ValueError(
            f"{model.name!r} has no Dense layer to replace; it ends in {ending}. "
            "If its top was left out, load it with include_top=True. If its classifier is a convolution, as in "
            "MobileNetV3, load it with include_top=False and put a new head on it with surgery.attach_head."
        )
    raise ValueError(
        f"{model.name!r} does not end in its last Dense layer, {dense[-1]!r}: {ending} comes after it and would be "
        "lost. If it may go, cut before you replace: keras.Model(model.inputs, dense.output), dense being that layer. "
        "If it must stay, or that layer is no classifier but a gate, say, build the new end by hand."
    )


def replace_final_dense(model, classes, activation=None, name="new_predictions", start="random", old_names=None):
    """Return a model that shares every layer with `model` up to its final Dense layer, which is new.

    Everything that fed the old Dense layer feeds the new one, bit for bit the same. The new one starts at random, at
    zero, or from rows of the old one: then it gives sensible answers before it is trained.

    An activation after the old Dense layer is dropped with it, and so is what changes no number when it predicts
    (Dropout, Flatten of a row); anything else is an error. `model` itself keeps its end; the layers are shared, so
    training one model moves the other. Where the model ends in another one that holds its top, the new layer is in a
    new one within. Raises `ValueError` when `classes` is below 2, the model has no final Dense layer, something would
    be lost with it, or `start` names what the old layer does not have.

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
        Name of the new layer, which computes in float32 under mixed precision, too.
    start : {"random", "zeros"} or dict
        How its weights begin: Keras's default, zero, or for each new class, in order, the old units that belong to it,
        by number or by name: ``{"cat": ["tabby", "Persian cat"], "frog": [30, 31]}``. A new class gets the mean of
        their weights and biases, and zeros where its list is empty.
    old_names : list of str, optional
        Names of the old units, in order, such as those of ImageNet.
    """
    classes = check_classes(classes)
    units = _old_units(start, classes, final_dense(model), old_names)
    old, (end, node) = final_dense(model), _end(model)
    wired = not isinstance(model, keras.Sequential)
    inputs = model.input if wired and (len(model.inputs) > 1 or isinstance(model.input, dict)) else model.inputs[0]
    kind = keras.Model if type(model).__module__.startswith("keras.") else type(model)  # with its own train_step
    if isinstance(end, keras.Model):
        inner = replace_final_dense(end, classes, activation, name, start, old_names)
        outputs = inner(*node.arguments.args, **node.arguments.kwargs)
    else:
        dense = _dense(classes, activation, name, "zeros" if start == "zeros" else "glorot_uniform")
        outputs = dense(node.input_tensors[0])
        if units:
            dense.set_weights(_mean_rows(old, units))
    if wired and isinstance(model.output, dict):
        outputs = dict.fromkeys(model.output, outputs)
    try:
        new = kind(inputs, outputs, name=f"{model.name}_{classes}_classes")
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"{model.name!r} ({type(model).__name__}) cannot end in {name!r}: {error} Give another name, or in place "
            "of a class of your own keras.Model(model.inputs, model.outputs)."
        ) from error
    if any(layer is old for layer in inspection.flat_layers(new)):
        raise ValueError(f"{old.name!r} is used a second time in {model.name!r}: build the new model by hand.")
    return new


def _old_units(start, classes, old, old_names):
    """Return for each new class the numbers of the old units that it starts from; None where it starts otherwise."""
    if isinstance(start, str) and start in ("random", "zeros"):
        return None
    if not isinstance(start, dict) or len(start) != classes:
        raise ValueError(
            f"start={start!r}: expected 'random', 'zeros', or a dictionary with a list of old units for each of the "
            f"{classes} new classes."
        )
    known = list(old_names) if old_names is not None else []
    if known and len(known) != old.units:
        raise ValueError(f"old_names has {len(known)} names: expected {old.units}, one for each unit of {old.name!r}.")
    return [[_old_unit(unit, known, old) for unit in _listed(wanted)] for wanted in start.values()]


def _listed(wanted):
    try:
        return [wanted] if isinstance(wanted, str | numbers.Integral) else list(wanted)
    except TypeError as error:
        raise ValueError(f"{wanted!r}: expected a list of old units, by name or number.") from error


def _old_unit(unit, known, old):
    if isinstance(unit, str):
        places = [index for index, name in enumerate(known) if name == unit]
        if len(places) != 1:
            like = ", ".join(difflib.get_close_matches(unit, known)) or "none"
            raise ValueError(
                f"{len(places)} old units are called {unit!r} in old_names (like it: {like}): give a name that one "
                f"unit has, or its number."
            )
        return places[0]
    if isinstance(unit, bool) or not isinstance(unit, numbers.Integral) or not 0 <= unit < old.units:
        raise ValueError(
            f"{unit!r} is no unit of {old.name!r}: expected a name, or a number from 0 to {old.units - 1}."
        )
    return int(unit)


def _mean_rows(old, units):
    """Return weights of a new Dense layer: for each class the mean over these units of an old one."""
    rows = [weight.numpy().T for weight in old.weights]  # of the kernel, and of the bias where there is one
    means = [np.stack([row[each].mean(axis=0) if each else 0 * row[0] for each in units]).T for row in rows]
    return means if len(means) == 2 else [*means, np.zeros(len(units))]


def _dense(classes, activation, name, start="glorot_uniform"):
    try:
        dense = keras.layers.Dense(
            classes, activation=activation, name=name, dtype=keras.config.floatx(), kernel_initializer=start
        )
        own, row = not isinstance(activation, str | dict | keras.Operation | None), keras.Input((classes,))
        if own and keras.layers.Lambda(activation)(row).shape != row.shape:
            raise TypeError("the activation gives another shape")
        return dense
    except Exception as error:  # a function of one's own can raise anything
        raise ValueError(
            f"activation={activation!r}, name={name!r} make no Dense layer: {str(error).splitlines()[0]} Take a word "
            "such as 'softmax', or a function that returns a tensor of the shape of its input."
        ) from error


def attach_head(base, classes, pooling="avg", activation=None, preprocess=None):
    """Return a model from pixels to `classes` outputs: preprocessing, `base`, ``pool``, ``predictions`` (a new Dense).

    Raises `ValueError` when `classes` or `pooling` is unknown, `preprocess` is no function, or `base` does not end in
    maps.

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
    """
    classes = check_classes(classes)
    if pooling not in list(POOLINGS):
        raise ValueError(f"pooling={pooling!r}: expected one of {', '.join(map(repr, POOLINGS))}.")
    if preprocess is not None and not callable(preprocess):
        raise ValueError(
            f"preprocess={preprocess!r}: expected a function, such as keras.applications.vgg16.preprocess_input."
        )
    inspection.check_single(base, "inputs", "outputs")
    shape = tuple(base.outputs[0].shape)
    if len(shape) != 4:
        raise ValueError(
            f"{base.name!r} gives shape {shape}: expected maps (n, height, width, channels). "
            "Load it with include_top=False and without pooling; attach_head pools."
        )
    if pooling == "flatten" and None in shape[1:]:
        raise ValueError(
            f"{base.name!r} gives maps of any size, {shape}, but Flatten needs one: "
            'load it with input_shape=(96, 96, 3), or take pooling="avg".'
        )
    pixels = keras.Input(base.inputs[0].shape[1:], name="pixels")
    head = _dense(classes, activation, "predictions")
    try:
        maps = base(preprocess(pixels) if preprocess else pixels)
        return keras.Model(pixels, head(POOLINGS[pooling](name="pool")(maps)))
    except Exception as error:
        raise ValueError(
            f"{base.name!r} cannot be joined with preprocess={preprocess!r} and a head: {str(error).splitlines()[:1]} "
            "Write preprocess with keras.ops, or give the base another name."
        ) from error


def split(base, cut):
    """Cut a model after its layer `cut` into a trunk and a tail, two models that share its layers.

    ``tail(trunk(x))`` is the same computation as ``base(x)``; what is trained in the tail is trained in `base`, which
    has one input, one output and no branch past `cut`, the name of a layer such as ``"block4_pool"``.

    The layers keep their flags: in a base that was frozen, the layers of the tail are frozen, too, although the flag of
    the tail itself is True. So ``tail.trainable = True`` changes nothing; set the flags of its layers. Raises
    `ValueError` when no layer has that name, or nothing comes before or after it.
    """
    inspection.check_single(base, "inputs", "outputs")
    names = _names_with(base, cut)
    nodes = inspection.calls(base).get(id(base.get_layer(cut)), ())
    ends = [tensor for node in nodes for tensor in node.output_tensors]
    if len(ends) != 1:
        raise ValueError(f"{cut!r} has {len(ends)} outputs in {base.name!r}: expected one. Cut at another layer.")
    tensor = ends[0]
    if cut == names[-1] or tensor is base.outputs[0]:
        raise ValueError(
            f"{cut!r} is the last layer of {base.name!r}: no tail is left. Cut earlier, for instance at {names[-2]!r}."
        )
    if tensor is base.inputs[0]:
        raise ValueError(
            f"{cut!r} is the input of {base.name!r}: the trunk is empty. Cut later, for instance at {names[1]!r}."
        )
    if id(base.inputs[0]._keras_history[0]) in inspection.calls(base, until=tensor):
        raise ValueError(
            f"A branch leads past {cut!r} in {base.name!r}, so the tail would need a second input. Cut where all "
            "branches have met, at or after the layer that joins them (often an Add)."
        )
    trunk = keras.Model(base.inputs[0], tensor, name=f"{base.name}_to_{cut}")
    tail = keras.Model(tensor, base.outputs[0], name=f"{base.name}_after_{cut}")
    return trunk, tail


def freeze_up_to(model, last_frozen):
    """Freeze every layer of a model up to and including the one named `last_frozen`; let every later one train.

    The layers are changed in place; None freezes nothing. `compile` must be called afterwards: only then does training
    follow. Raises `ValueError` when no layer of this model has that name.
    """
    inspection.check_model(model, keras.Model)
    frozen = 0 if last_frozen is None else _names_with(model, last_frozen).index(last_frozen) + 1
    model.trainable = True  # a model that is frozen itself trains nothing, whatever its layers say
    for index, layer in enumerate(model.layers):
        layer.trainable = index >= frozen


def _names_with(model, name):
    """Return the names of a model's layers; raise `ValueError` when `name` is not among them, or they have no order."""
    if not isinstance(model, keras.Sequential):
        inspection.check_single(model)
    names = [layer.name for layer in model.layers]
    if name in names:
        return names
    way = "".join(f".get_layer({part!r})" for part in _way_to(name, model))
    raise ValueError(
        f"{model.name!r} has no layer called {name!r}; its layers are: {', '.join(names)}."
        + (f" It is inside a nested model: give that, model{way}, in place of the whole." if way else "")
    )


def _way_to(name, model):
    """Return the names of the nested models, from the outside in, of which the last has a layer called `name`."""
    for part in model.layers:
        if isinstance(part, keras.Model):
            inner = [] if name in [layer.name for layer in part.layers] else _way_to(name, part)
            if inner or name in [layer.name for layer in part.layers]:
                return [part.name, *inner]
    return []
