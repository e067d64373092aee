"""Use a saved model on new pictures; from a notebook, or ``python -m helpers.predict model.keras picture.jpg``.

TensorFlow and modules that need it are imported inside the functions, because the command redirects TensorFlow's first
log lines before it loads.
"""

import argparse
import contextlib
import io
import os
import sys
import warnings

import numpy as np
import pandas as pd
from PIL import Image
from scipy import special

from helpers import session
from helpers.pictures import naming

SHOWN = 5  # classes that the command prints for a picture


def pixels(picture, size):
    """Return one picture as a batch, resized as `helpers.pictures.images` resizes pictures for training.

    Large pictures are first reduced to 512 pixels at most with a high-quality filter, then stretched to `size` with the
    bicubic resizing of `keras.utils.image_dataset_from_directory` and clipped. Another way of resizing would give the
    model pictures unlike those it was trained on.

    Parameters
    ----------
    picture : path, PIL.Image.Image, or array (h, w, 3) with values in 0..255
        A file is opened with `helpers.pictures.open_picture`, which treats it as untrusted.
    size : (int, int)
        Height and width in pixels.

    Returns
    -------
    ndarray, float32 (1, height, width, 3)
        In 0..255.

    Raises
    ------
    ValueError
        When the file or the array is not a picture.
    """
    import tensorflow as tf

    from helpers.pictures import images

    array = np.asarray(_rgb(picture, images.LARGEST_SIDE))
    resized = tf.image.resize(array[None], size, method=images.INTERPOLATION)
    return np.asarray(tf.clip_by_value(tf.cast(resized, "float32"), 0, 255))


def _rgb(picture, largest):
    from helpers.pictures import opening

    if isinstance(picture, str | os.PathLike):
        return opening.open_picture(picture, largest_side=largest)
    if isinstance(picture, Image.Image):
        return opening.upright(picture, largest)
    array = np.asarray(picture)
    if array.ndim != 3 or array.shape[-1] != 3 or array.dtype.kind not in "uif" or array.size == 0:
        raise ValueError(
            f"A picture of shape {array.shape} and type {array.dtype}: expected (height, width, 3), red, green, blue, "
            "values 0 to 255. Give one picture at a time."
        )
    if not np.isfinite(array).all() or array.min() < 0 or array.max() > 255:
        raise ValueError("The picture has values outside 0 to 255: give it as it is, without preprocessing.")
    opening.check_range(array)
    if max(array.shape[:2]) > largest:  # made smaller as a file is
        return opening.upright(Image.fromarray(np.rint(array).astype("uint8")), largest)
    return array.astype("float32")


def classify(model, class_names, picture):
    """Return the probability of each class for one picture.

    Parameters
    ----------
    model : keras.Model
        From pixels 0..255 to one output for each class, logits or probabilities; softmax is applied to logits only.
    class_names : sequence of str
        In the order of the outputs.
    picture : path, PIL.Image.Image, or array (h, w, 3) with values in 0..255
        Of any size.

    Returns
    -------
    pandas.DataFrame
        Columns ``class`` and ``probability``, the most probable first.

    Raises
    ------
    ValueError
        When the picture cannot be read, or there are more or fewer names than outputs.
    """
    from helpers.network import inspection

    return _table(model, class_names, pixels(picture, inspection.image_size(model)))


def _table(model, class_names, batch):
    from helpers.network import inspection

    row = np.asarray(model(batch, training=False), dtype="float64")[0]
    if row.shape != (len(class_names),):
        raise ValueError(f"{model.name!r} gives {row.size} numbers, but there are {len(class_names)} class names.")
    if inspection.outputs_of(model) == "logits":
        row = special.softmax(row)
    table = pd.DataFrame({"class": list(class_names), "probability": row})
    return table.sort_values("probability", ascending=False, kind="stable", ignore_index=True)


def main(arguments=None, program="python -m helpers.predict"):
    """Classify the pictures named on the command line; return 0, or 1 when something could not be read."""
    parser = argparse.ArgumentParser(prog=program, description="Classify pictures.")
    parser.add_argument("model", help="a file that export.save wrote, ending in .keras")
    parser.add_argument("pictures", nargs="+", metavar="picture", help="picture files")
    options = parser.parse_args(arguments)
    with contextlib.redirect_stdout(io.StringIO()):  # without the line of versions
        session.start()
    from helpers.saving import export

    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            model, class_names = export.load(options.model)
    except (ValueError, OSError) as error:
        print(_one_line(error), file=sys.stderr)
        return 1
    for warning in caught:
        if warning.category is UserWarning:
            print(f"Note: {_one_line(warning.message)}", file=sys.stderr)
    failed = [picture for picture in options.pictures if not _answered(model, class_names, picture)]
    return 1 if failed else 0


def _answered(model, class_names, picture):
    shown = naming.shown(picture)
    try:
        table = classify(model, class_names, picture)
    except Exception as error:  # the other pictures are still classified
        text = _one_line(error) or type(error).__name__
        print(text if os.path.basename(picture) in text else f"{shown}: {text}", file=sys.stderr)
        return False
    print(shown)
    width = max(map(len, table["class"]))
    for name, probability in table.head(SHOWN).itertuples(index=False):
        print(f"  {name:<{width}}  {probability:6.1%}")
    return True


def _one_line(text):
    return naming.shown(" ".join(str(text).split()))


if __name__ == "__main__":
    sys.exit(main())
