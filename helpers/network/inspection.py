"""What a model takes and what it gives: read from its operations, with nothing run."""

import numbers

import keras
import numpy as np

CONVOLUTIONS = (keras.layers.Conv2D, keras.layers.DepthwiseConv2D, keras.layers.SeparableConv2D)
RESIZING = ("ZeroPadding2D", "Cropping2D", "CenterCrop", "Resizing")
# Between the pixels and the first weights these leave the scale of the pixels as it is.
KEEP_PIXELS = ("InputLayer", "Identity", "Dropout", "SpatialDropout2D", "GaussianNoise", *RESIZING)
PREPARING = ("Normalization", "BatchNormalization")  # have weights of their own, and prepare the pixels
PASS_ON = ("Identity", "Dropout", "Flatten", "Reshape")  # after the classifier these change no number
ACTIVATIONS = ("Softmax", "Sigmoid", "Tanh", "ReLU", "Relu")  # as layers or operations of their own
ENDINGS = (*ACTIVATIONS, *PASS_ON, "Activation", "LogSoftmax", "LeakyReLU", "ELU", "Cast")  # go with an old classifier
SMALLEST_SIDE = 32  # five poolings halve the picture five times


def check_model(model, kind=keras.layers.Layer):
    """Raise `ValueError` unless `model` is one of Keras's."""
    if not isinstance(model, kind):
        raise ValueError(f"{model!r} is a {type(model).__name__}: expected a keras.Model, not its path or a list.")


def check_single(model, *ends):
    """Raise `ValueError` unless Keras knows the ends of a model and it has one of each of `ends`, inputs or outputs."""
    name = getattr(model, "name", model)
    if not (getattr(model, "inputs", None) and getattr(model, "outputs", None)):
        raise ValueError(
            f"{name!r} is a {type(model).__name__} that is not built, or a class whose layers Keras cannot follow: "
            "expected a built Sequential or functional model. Build a Sequential with model.build((None, 96, 96, 3)); "
            "of a class make x = keras.Input((96, 96, 3)); keras.Model(x, model.call(x))."
        )
    for end in ends:
        number = len(getattr(model, end))
        if number != 1:
            raise ValueError(
                f"{name!r} has {number} {end}: expected one. Of several outputs take one with "
                "keras.Model(model.inputs, model.outputs[0]); otherwise build the new model by hand."
            )


def calls(model, until=None):
    """Return the operations of a functional or Sequential model, their ids, with the list of Keras's nodes of each.

    ``layer.output`` would tell of the layer's first call, perhaps in another model. Walks back from the outputs, not
    beyond the tensor `until`.
    """
    found, tensors = {}, list(model.outputs)
    while tensors:
        tensor = tensors.pop()
        operation, index, _ = tensor._keras_history
        node = operation._inbound_nodes[index]
        if tensor is not until and node not in found.setdefault(id(operation), []):
            found[id(operation)].append(node)
            tensors += node.input_tensors
    return found


def all_operations(model):
    """Yield the layers and other operations of a model and of the models inside it, in the order of computation.

    The inner models themselves are not among them. Raises `ValueError` for a subclassed model, whose operations Keras
    does not know.
    """
    operations = model.layers if isinstance(model, keras.Sequential) else getattr(model, "operations", None)
    if operations is None:
        raise ValueError(
            f"{getattr(model, 'name', model)!r} is a {type(model).__name__}: expected a built Sequential or functional "
            "model, whose layers Keras can follow. Write it as keras.Model(inputs, outputs)."
        )
    for operation in operations:
        if isinstance(operation, keras.Model):
            yield from all_operations(operation)
        else:
            yield operation


def flat_layers(model):
    """Return all layers of a model in its order, those of nested models in place of these; each once."""
    layers = {}
    for layer in model.layers:
        for inner in flat_layers(layer) if isinstance(layer, keras.Model) else (layer,):
            layers.setdefault(id(inner), inner)
    return list(layers.values())


def activation(operation):
    """Return the name of the activation with which an operation ends, ``"linear"`` where it has none."""
    if type(operation).__name__ in ACTIVATIONS:
        return type(operation).__name__.lower()
    function = getattr(operation, "activation", None)
    return "linear" if function is None else getattr(function, "__name__", str(function))


def last_operation(model):
    """Return the last operation of a model that changes its numbers: it decides what the outputs mean."""
    operations = list(all_operations(model))
    for operation in reversed(operations):
        plain = isinstance(operation, keras.layers.Activation) and activation(operation) == "linear"
        if not plain and type(operation).__name__ not in PASS_ON:
            return operation
    return operations[-1]


def outputs_of(model):
    """Return "logits" or "probabilities" for a model that ends without an activation or in softmax.

    Raises `ValueError` when it ends in another activation: such outputs are neither.
    """
    ending = last_operation(model)
    name = activation(ending)
    if name not in ("linear", "softmax"):
        raise ValueError(
            f"{model.name!r} ends in {ending.name!r} with the activation {name!r}: expected none (logits) or 'softmax' "
            "(probabilities), one output for each class. Replace the end with surgery.replace_final_dense."
        )
    return "probabilities" if name == "softmax" else "logits"


def resizing(model):
    """Return the Resizing layer that a model puts its pictures through before anything else; None where it has none."""
    for operation in all_operations(model) if getattr(model, "inputs", None) else ():
        if isinstance(operation, keras.layers.Resizing):
            return operation
        if type(operation).__name__ not in ("InputLayer", "Identity"):
            return None
    return None


def fit(model):
    """Return what a model makes of a picture's shape: "crop" or "pad" where a Resizing inside does, else "stretch"."""
    layer = resizing(model)
    crops, pads = (getattr(layer, f"{what}_to_aspect_ratio", False) for what in ("crop", "pad"))
    return "crop" if crops else "pad" if pads else "stretch"


def image_size(model):
    """Return the (height, width) of the pictures that a model takes, or to which it resizes pictures of any size.

    Raises `ValueError` unless it takes one batch of colour pictures, float, of a fixed size or with a Resizing inside.
    """
    check_model(model)
    inputs = getattr(model, "inputs", None) or []
    if len(inputs) != 1:
        raise ValueError(f"{model.name!r} has {len(inputs)} inputs: expected one, pictures (n, height, width, 3).")
    shape, kind = tuple(inputs[0].shape), inputs[0].dtype
    if len(shape) != 4 or shape[-1] != 3:
        raise ValueError(
            f"{model.name!r} takes shape {shape}: expected pictures (n, height, width, 3). A head that takes features "
            "needs its trunk in front: keras.Model(trunk.inputs[0], head(trunk.outputs[0])), preprocessing included."
        )
    if "float" not in kind:
        raise ValueError(f"{model.name!r} takes {kind} numbers: expected float32, keras.Input's default.")
    if None not in shape[1:]:
        return shape[1], shape[2]
    layer = resizing(model)
    if layer is None:
        raise ValueError(
            f"{model.name!r} takes pictures of any size, {shape}: give it the size of its training, for instance "
            "keras.Input((96, 96, 3)), or keras.layers.Resizing as its first layer."
        )
    return layer.height, layer.width


def check_image_size(image_size):
    """Return `image_size`, one side or (height, width) in pixels, as (height, width).

    Raises `ValueError` when a side is not a whole number of at least 32.
    """
    sides = (image_size, image_size) if not isinstance(image_size, (tuple, list)) else tuple(image_size)
    if len(sides) != 2 or any(not isinstance(side, numbers.Integral) or side < SMALLEST_SIDE for side in sides):
        raise ValueError(
            f"image_size={image_size!r}: expected one or two whole numbers of at least {SMALLEST_SIDE} pixels, "
            "because five poolings halve each side five times. Take 96 (as the course does) or 224."
        )
    return int(sides[0]), int(sides[1])


def check_pixels(pictures):
    """Raise `ValueError` unless `pictures` has the shape of colour pictures, (n, height, width, 3)."""
    shape = tuple(np.shape(pictures))
    if len(shape) != 4:
        raise ValueError(
            f"Pictures of shape {shape}: expected four axes (n, height, width, 3). "
            "Give a single picture as picture[None]."
        )
    if shape[-1] != 3:
        raise ValueError(
            f"Pictures of shape {shape} have {shape[-1]} channels: expected 3 (red, green, blue), channels last. "
            "Repeat a grey channel three times, or drop the alpha channel: pictures[..., :3]."
        )
