"""Use a saved model on new pictures; from a notebook, or ``python -m helpers.predict model.keras picture.jpg``.

TensorFlow and modules that need it are imported inside the functions, because the command redirects TensorFlow's first
log lines before it loads.
"""

import argparse
import contextlib
import glob
import io
import json
import os
import sys
import warnings

import numpy as np
import pandas as pd
import tqdm
from PIL import Image
from scipy import special

from helpers import session
from helpers.measuring import evaluation
from helpers.pictures import naming

SHOWN = 5  # classes that the command prints for a picture
BATCH = 32


def pixels(picture, size):
    """Return one picture as a batch, resized as `helpers.pictures.images` resizes pictures for training.

    Large pictures are first reduced to 512 pixels at most with a high-quality filter, then stretched to `size` with the
    bicubic resizing of `keras.utils.image_dataset_from_directory` and clipped. Another way of resizing would give the
    model pictures unlike those it was trained on.

    `picture` is a path, a PIL.Image.Image, or an array (h, w, 3) with values in 0..255; a file is opened with
    `helpers.pictures.open_picture`, which treats it as untrusted. `size` is a pair, height and width.

    Returns an ndarray, float32 (1, height, width, 3), in 0..255. Raises ValueError when the file or the array is not a
    picture.
    """
    import tensorflow as tf

    from helpers.pictures import images

    sides = np.asarray(size)
    if sides.shape != (2,) or sides.dtype.kind not in "iu" or sides.min() < 1:
        raise ValueError(f"size={size!r}: expected height and width in pixels, such as (96, 96).")
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


def classify(model, class_names, picture):
    """Return the probability of each class for one picture.

    The `model` takes pixels 0..255 and gives one output for each class, logits or probabilities; softmax is applied to
    logits only. `class_names` are in the order of the outputs, `picture` is what `pixels` takes. Returns a
    pandas.DataFrame with the columns ``class`` and ``probability``, the most probable first. Raises ValueError when the
    picture cannot be read, there are more or fewer names than outputs, or an output is NaN.
    """
    from helpers.network import inspection

    return tables(model, class_names, pixels(picture, inspection.image_size(model)))[0]


def tables(model, class_names, batch):
    """Return what `classify` returns for each picture of a batch that `pixels` made."""
    from helpers.network import inspection

    inspection.check_single(model, "inputs", "outputs")
    class_names, batch = evaluation.in_order(class_names), np.asarray(batch)
    wanted = tuple(model.inputs[0].shape)
    fits = batch.ndim == len(wanted) and all(side in (None, got) for side, got in zip(wanted, batch.shape, strict=True))
    if not fits or not len(batch) or batch.dtype.kind not in "uif" or not np.isfinite(batch).all():
        raise ValueError(f"A batch {batch.shape}, {batch.dtype}: expected finite pictures {wanted}, as `pixels` gives.")
    rows = model(batch, training=False)
    rows = np.asarray(next(iter(rows.values())) if isinstance(rows, dict) else rows, dtype="float64")
    if rows.shape[1:] != (len(class_names),):
        raise ValueError(f"{model.name!r} gives {rows[0].size} numbers, but there are {len(class_names)} class names.")
    if not np.isfinite(rows).all():
        raise ValueError(f"{model.name!r} gives NaN or infinite numbers: its weights are of no use. Train it anew.")
    if inspection.outputs_of(model) == "logits":
        rows = special.softmax(rows, axis=1)
    both = (pd.DataFrame({"class": class_names, "probability": row}) for row in rows)
    return [table.sort_values("probability", ascending=False, kind="stable", ignore_index=True) for table in both]


def main(arguments=None, program="python -m helpers.predict"):
    """Classify the pictures named on the command line; return 0, or 1 when something could not be read or used."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError):  # a stream of another kind
            stream.reconfigure(errors="backslashreplace")  # a Windows pipe lacks most letters
    try:
        code = _run(_parser(program).parse_args(arguments))
        sys.stdout.flush()
        return code
    except OSError as error:  # a full disk, or who read the output has gone, as `head` does
        if not isinstance(error, BrokenPipeError):
            print(f"The answers could not be written: {error.strerror or error}.", file=sys.stderr)
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115, or Python would write there again at its end
        return 1


def _parser(program):
    endings = f"Pictures end in {', '.join(naming.ENDINGS)}. Example: {program} my_model.keras holiday/*.jpg --top 1"
    parser = argparse.ArgumentParser(prog=program, description="Classify pictures.", epilog=endings)
    parser.add_argument("model", help="a file that export.save wrote, ending in .keras")
    parser.add_argument("pictures", nargs="+", metavar="picture", help="picture files; * stands for any letters")
    parser.add_argument("--top", type=int, default=SHOWN, metavar="N", help="classes shown for a picture (%(default)s)")
    parser.add_argument("--classes", metavar="a,b,c", help="names, for a model that was not saved by export.save")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="a list of pictures with their classes")
    form.add_argument("--csv", action="store_true", help="a row for each picture and class")
    return parser


def _run(options):
    with contextlib.redirect_stdout(io.StringIO()):  # without the line of versions
        session.start()
    from helpers.saving import export

    names = options.classes and [name.strip() for name in options.classes.split(",")]
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            model, class_names = export.load(options.model, names)
    except (ValueError, OSError) as error:
        print(_one_line(error), file=sys.stderr)
        return 1
    for warning in caught:
        if warning.category is UserWarning:
            print(f"Note: {_one_line(warning.message)}", file=sys.stderr)
    paths, found, counts = [path for given in options.pictures for path in _matching(given)], [], {}
    bar = tqdm.tqdm(total=len(paths), unit="picture", leave=False, delay=1, disable=sys.stdout.isatty() or None)
    for start in range(0, len(paths), BATCH):
        answered = _answered(model, class_names, paths[start : start + BATCH])
        bar.update(len(paths[start : start + BATCH]))
        for path, table in answered:
            best = table.head(max(1, options.top))
            counts[best["class"][0]] = counts.get(best["class"][0], 0) + 1
            found.append({"picture": path, "classes": best.to_dict("records")})
            if not (options.json or options.csv):
                print(_shown(path, best), flush=True)
    bar.close()
    if options.json:
        print(json.dumps(found, indent=1))
    elif options.csv:
        rows = [{"picture": one["picture"], **row} for one in found for row in one["classes"]]
        table = pd.DataFrame(rows, columns=["picture", "class", "probability"])
        print(table.to_csv(index=False, lineterminator="\n"), end="")
    elif len(paths) > 2:
        kinds = ", ".join(f"{naming.shown(name)} {number}" for name, number in sorted(counts.items()))
        print(f"{len(found)} of {len(paths)} pictures classified" + (f": {kinds}" if kinds else ""))
    return int(len(found) < len(paths))


def _matching(given):
    """Return the files that a name with ``*`` stands for, which shells of Windows leave to the command."""
    return (not os.path.lexists(given) and sorted(glob.glob(given, recursive=True))) or [given]


def _answered(model, class_names, paths):
    """Return (path, table) for the pictures that could be answered on; of the others, say why not."""
    from helpers.network import inspection

    read = []
    for path in paths:
        try:
            read.append((path, pixels(path, inspection.image_size(model))))
        except Exception as error:  # the other pictures are still classified
            reason = _one_line(getattr(error, "reason", error)) or type(error).__name__
            if os.path.isdir(path):
                reason = f"a folder; give its pictures: {os.path.join(path, '*.jpg')}"
            elif path == "-" or "://" in path:
                reason = "not a file; download or save the picture first (standard input and addresses are not read)"
            print(f"{naming.shown(path)}: {reason}", file=sys.stderr)
    try:
        batch = np.concatenate([one for _, one in read]) if read else ()
        return list(zip([path for path, _ in read], tables(model, class_names, batch) if read else (), strict=True))
    except Exception as error:
        print(f"{', '.join(naming.shown(path) for path, _ in read)}: {_one_line(error)}", file=sys.stderr)
        return []


def _shown(path, table):
    width = max(map(len, table["class"]))
    rows = (f"  {name:<{width}}  {probability:6.1%}" for name, probability in table.itertuples(index=False))
    return "\n".join([naming.shown(path), *rows])


def _one_line(text):
    return naming.shown(" ".join(str(text).split()))


if __name__ == "__main__":
    sys.exit(main())
