"""VGG16 as the course uses it: the bundled weights, its blocks, and the cut between trunk and tail."""

import numbers

import keras

from helpers import assets

WEIGHTS = "vgg16_notop_float16.weights.h5"
BLOCKS = ("block1", "block2", "block3", "block4", "block5")
SMALLEST_SIDE = 32  # five poolings halve the picture five times


def weights():
    """Return the path of the bundled ImageNet weights of VGG16's convolutional part.

    Meant for ``keras.applications.VGG16(weights=vgg16.weights(), include_top=False, ...)``. The 14,714,688
    parameters are stored as float16 and become float32 when Keras loads them.

    Returns
    -------
    str
        Path of a Keras ``.weights.h5`` file whose checksum was verified.

    Raises
    ------
    helpers.assets.AssetError
        When the file is missing or altered.

    References
    ----------
    Simonyan and Zisserman (2015), Very deep convolutional networks for large-scale image recognition,
    configuration D.
    """
    return str(assets.bundled(WEIGHTS))


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


def split(base, cut):
    """Cut a model into a trunk and a tail that share its layers.

    ``tail(trunk(x))`` is the same computation as ``base(x)``; what is trained in the tail is trained in `base`.

    The layers keep their flags: behind a base that was frozen, the layers of the tail are frozen, too, although the
    flag of the tail itself is True. So ``tail.trainable = True`` changes nothing; set the flags of its layers.

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
        When no layer has that name, or nothing stands behind it.
    """
    names = [layer.name for layer in base.layers]
    if cut not in names:
        raise ValueError(f"{base.name!r} has no layer called {cut!r}; its layers are: {', '.join(names)}.")
    tensor = base.get_layer(cut).output
    if cut == names[-1] or tensor is base.outputs[0]:
        raise ValueError(
            f"{cut!r} is the last layer of {base.name!r}, so no tail is left behind the cut. "
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
