"""From a picture to the pixels that a model takes: the one function for training, test and use."""

import os

import numpy as np
from PIL import Image

from helpers.pictures import opening

INTERPOLATION = "bicubic"
FITS = ("stretch", "crop", "pad")  # what becomes of the shape of a picture that is not as wide as the model's input


def check_fit(fit):
    """Return `fit`, or raise ValueError unless it is one of `FITS`."""
    if fit not in FITS:
        raise ValueError(
            f"fit={fit!r}: expected 'stretch' (the whole picture, its shape changed), 'crop' (the middle of it, its "
            "shape kept) or 'pad' (the whole picture, its shape kept, on black)."
        )
    return fit


def how(fit):
    """Return `fit` as the arguments of `keras.layers.Resizing`."""
    return {"crop_to_aspect_ratio": fit == "crop", "pad_to_aspect_ratio": fit == "pad"}


def pixels(picture, size, fit="stretch"):
    """Return one picture as a batch, resized as `helpers.pictures.images` resizes pictures for training.

    Large pictures are first reduced to 512 pixels at most with a high-quality filter, then brought to `size` with the
    bicubic resizing of `keras.utils.image_dataset_from_directory` and clipped. Another way of resizing would give the
    model pictures unlike those it was trained on.

    Parameters
    ----------
    picture : path, PIL.Image.Image or array (h, w, 3)
        An array has values in 0..255; a file is opened with `helpers.pictures.open_picture`, which treats it as
        untrusted.
    size : (int, int)
        Height and width in pixels.
    fit : {"stretch", "crop", "pad"}
        What becomes of the picture's shape: see `check_fit`.

    Returns
    -------
    ndarray, float32 (1, height, width, 3)
        In 0..255.

    Raises
    ------
    ValueError
        When the file or the array is not a picture, or `size` or `fit` is none.
    """
    sides = np.asarray(size)
    if sides.shape != (2,) or sides.dtype.kind not in "iu" or sides.min() < 1:
        raise ValueError(f"size={size!r}: expected height and width in pixels, such as (96, 96).")
    batch = np.asarray(_rgb(picture), "float32")[None]
    return np.clip(np.asarray(resized(batch, size, check_fit(fit))), 0, 255)  # bicubic overshoots


def resized(pictures, size, fit):
    """Return pictures (n, h, w, 3), or one (h, w, 3), as `keras.layers.Resizing` resizes them; not clipped."""
    import keras

    return keras.ops.image.resize(pictures, tuple(size), interpolation=INTERPOLATION, **how(fit))


def _rgb(picture):
    largest = opening.LARGEST_SIDE
    if isinstance(picture, str | os.PathLike):
        return opening.open_picture(picture, largest_side=largest)
    if isinstance(picture, Image.Image):
        return opening.upright(picture, largest)
    array = np.asarray(picture)
    if array.ndim != 3 or array.shape[-1] != 3 or array.dtype.kind not in "uif" or array.size == 0:
        raise ValueError(
            f"A picture of shape {array.shape} and type {array.dtype}: expected (height, width, 3), red, green, blue, "
            "values 0 to 255. Give one picture at a time, a grey or transparent one as PIL.Image.fromarray(picture)."
        )
    if not np.isfinite(array).all() or array.min() < 0 or array.max() > 255:
        raise ValueError(
            "The picture has values outside 0 to 255: give it without preprocessing, and 16 bits divided by 257."
        )
    opening.check_range(array)
    if max(array.shape[:2]) > largest:  # made smaller as a file is
        return opening.upright(Image.fromarray(np.rint(array).astype("uint8")), largest)
    return array.astype("float32")
