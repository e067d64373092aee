"""What a model takes and what it gives: read from its operations, with nothing run."""

import numbers

import keras

# Between the pixels and the first weights these leave the scale of the pixels as it is.
KEEP_PIXELS = (
    "InputLayer",
    "Identity",
    "Dropout",
    "SpatialDropout2D",
    "GaussianNoise",
    "ZeroPadding2D",
    "Cropping2D",
    "CenterCrop",
    "Resizing",
)
PREPARING = ("Normalization", "BatchNormalization")  # have weights of their own, and prepare what comes in
PASS_ON = ("Identity", "Dropout", "Flatten", "Reshape")  # behind the classifier these change no number
SMALLEST_SIDE = 32  # five poolings halve the picture five times


def operations(model):
    """Return a model's layers and other operations, in the order in which they are computed.

    Parameters
    ----------
    model : keras.Model
        Functional or Sequential, built. A model inside it counts as one operation.

    Returns
    -------
    list

    Raises
    ------
    ValueError
        When the model is of a class of its own, whose operations Keras does not know.
    """
    if isinstance(model, keras.Sequential):
        return list(model.layers)
    found = getattr(model, "operations", None)
    if found is None:
        raise ValueError(
            f"{getattr(model, 'name', model)!r} is a {type(model).__name__}: expected a built Sequential or functional "
            "model, whose layers Keras can follow. Write it as keras.Model(inputs, outputs)."
        )
    return list(found)


def all_operations(model):
    """Yield the operations of a model and of the models inside it, in order, without the inner models themselves."""
    for operation in operations(model):
        if isinstance(operation, keras.Model):
            yield from all_operations(operation)
        else:
            yield operation


def flat_layers(model):
    """Return all layers of a model in its order, those of nested models in place of these; each once."""
    found = {}
    for layer in model.layers:
        for inner in flat_layers(layer) if isinstance(layer, keras.Model) else (layer,):
            found.setdefault(id(inner), inner)
    return list(found.values())


def nested_models(model):
    """Return the models inside a model, at every depth, outer ones first."""
    found = []
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            found += [layer, *nested_models(layer)]
    return found


def activation(operation):
    """Return the name of the activation with which an operation ends, ``"linear"`` where it has none."""
    if type(operation).__name__ in ("Softmax", "Sigmoid"):
        return type(operation).__name__.lower()
    function = getattr(operation, "activation", None)
    return "linear" if function is None else getattr(function, "__name__", str(function))


def last_operation(model):
    """Return the operation that decides what a model's numbers mean: its last one that changes them."""
    every = list(all_operations(model))
    for operation in reversed(every):
        plain = isinstance(operation, keras.layers.Activation) and activation(operation) == "linear"
        if not plain and type(operation).__name__ not in PASS_ON:
            return operation
    return every[-1]


def outputs_of(model):
    """Return what a classifier's outputs are.

    Parameters
    ----------
    model : keras.Model

    Returns
    -------
    {"logits", "probabilities"}
        Probabilities where the model ends in softmax, logits where it ends without an activation.

    Raises
    ------
    ValueError
        When it ends in another activation: such outputs are neither.
    """
    ending = last_operation(model)
    name = activation(ending)
    if name not in ("linear", "softmax"):
        raise ValueError(
            f"{model.name!r} ends in {ending.name!r} with the activation {name!r}: expected none (logits) or 'softmax' "
            "(probabilities), one output for each class. Replace the end with surgery.replace_final_dense."
        )
    return "probabilities" if name == "softmax" else "logits"


def image_size(model):
    """Return the height and width of the pictures that a model takes.

    Parameters
    ----------
    model : keras.Model

    Returns
    -------
    (int, int)

    Raises
    ------
    ValueError
        When it does not take one batch of colour pictures, float, of a known size.
    """
    inputs = getattr(model, "inputs", None) or []
    if len(inputs) != 1:
        raise ValueError(f"{model.name!r} has {len(inputs)} inputs: expected one, pictures (n, height, width, 3).")
    shape, kind = tuple(inputs[0].shape), inputs[0].dtype
    if len(shape) != 4 or shape[-1] != 3:
        raise ValueError(
            f"{model.name!r} takes shape {shape}: expected pictures (n, height, width, 3). A head that takes features "
            "needs its trunk in front: keras.Model(trunk.inputs[0], head(trunk.outputs[0])), preprocessing included."
        )
    if None in shape[1:]:
        raise ValueError(
            f"{model.name!r} takes pictures of any size, {shape}: give it the size of its training, for instance "
            "keras.Input((96, 96, 3))."
        )
    if "float" not in kind:
        raise ValueError(f"{model.name!r} takes {kind} numbers: expected float32, keras.Input's default.")
    return shape[1], shape[2]


def prepares_pixels(model):
    """Return whether a model does something to the scale of its pixels before the first weights see them.

    Parameters
    ----------
    model : keras.Model
        From pictures.

    Returns
    -------
    bool
        True where preprocessing stands inside, also a ``Rescaling(1.0)`` that says that none is needed.
    """
    for operation in all_operations(model):
        kind = type(operation).__name__
        if kind in PREPARING:
            return True
        if getattr(operation, "weights", None):
            return False
        if kind not in KEEP_PIXELS and not kind.startswith(("Random", "Aug")):
            return True
    return False


def check_image_size(image_size):
    """Return `image_size` as (height, width), or say why VGG16 cannot take it.

    Parameters
    ----------
    image_size : int or (int, int)
        Side, or height and width, in pixels.

    Raises
    ------
    ValueError
        When a side is below 32 pixels or not a whole number.
    """
    sides = (image_size, image_size) if not isinstance(image_size, (tuple, list)) else tuple(image_size)
    if len(sides) != 2 or any(not isinstance(side, numbers.Integral) or side < SMALLEST_SIDE for side in sides):
        raise ValueError(
            f"image_size={image_size!r}: expected one or two whole numbers of at least {SMALLEST_SIDE} pixels, "
            "because five poolings halve each side five times. Take 96 (as the course does) or 224."
        )
    return int(sides[0]), int(sides[1])


def check_pixels(pictures):
    """Raise when `pictures` cannot be a batch of colour pictures.

    Parameters
    ----------
    pictures : array or tensor
        Expected shape (n, height, width, 3).

    Raises
    ------
    ValueError
        When the number of axes or of channels is another.
    """
    shape = tuple(pictures.shape)
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
