"""Use a saved model on new pictures; from a notebook, or ``python -m helpers.predict model.keras picture.jpg``.

TensorFlow and modules that need it are imported inside the functions, because the command redirects TensorFlow's first
log lines before it loads.
"""

import argparse
import concurrent.futures
import contextlib
import csv
import glob
import io
import json
import os
import sys
import warnings

import numpy as np
import pandas as pd
import tqdm
from scipy import special

from helpers import session
from helpers.measuring import evaluation
from helpers.pictures import naming
from helpers.pictures.fitting import pixels

SHOWN = 5  # classes that the command prints for a picture
BATCH = 32
AHEAD = 2  # batches that are opened while the model computes
UNKNOWN = "unknown"  # the answer where no class is probable enough


def classify(model, class_names, picture):
    """Return the probability of each class for one picture.

    The `model` takes pixels 0..255 and gives one output for each class, logits or probabilities; softmax is applied to
    logits only. `class_names` are in the order of the outputs, `picture` is what `pixels` takes. Returns a
    pandas.DataFrame with the columns ``class`` and ``probability``, the most probable first. Raises ValueError when the
    picture cannot be read, there are more or fewer names than outputs, or an output is NaN.
    """
    from helpers.network import inspection

    return tables(model, class_names, pixels(picture, inspection.image_size(model), inspection.fit(model)))[0]


def tables(model, class_names, batch, run=None):
    """Return what `classify` returns for each picture of a batch that `pixels` made.

    `run` is called with the batch in place of the model, of which it computes the same: see `compiled`.
    """
    from helpers.network import inspection

    inspection.check_single(model, "inputs", "outputs")
    class_names, batch = evaluation.in_order(class_names), np.asarray(batch)
    wanted = tuple(model.inputs[0].shape)
    fits = batch.ndim == len(wanted) and all(side in (None, got) for side, got in zip(wanted, batch.shape, strict=True))
    if not fits or not len(batch) or batch.dtype.kind not in "uif" or not np.isfinite(batch).all():
        raise ValueError(f"A batch {batch.shape}, {batch.dtype}: expected finite pictures {wanted}, as `pixels` gives.")
    rows = run(batch) if run else model(batch, training=False)
    rows = np.asarray(next(iter(rows.values())) if isinstance(rows, dict) else rows, dtype="float64")
    if rows.shape[1:] != (len(class_names),):
        raise ValueError(f"{model.name!r} gives {rows[0].size} numbers, but there are {len(class_names)} class names.")
    if not np.isfinite(rows).all():
        raise ValueError(f"{model.name!r} gives NaN or infinite numbers: its weights are of no use. Train it anew.")
    if inspection.outputs_of(model) == "logits":
        rows = special.softmax(rows, axis=1)
    both = (pd.DataFrame({"class": class_names, "probability": row}) for row in rows)
    return [table.sort_values("probability", ascending=False, kind="stable", ignore_index=True) for table in both]


def answer(table, unknown_below=None):
    """Return the class that a table of `classify` says, or `UNKNOWN` where its probability is below a threshold."""
    name, probability = table["class"][0], table["probability"][0]
    return UNKNOWN if unknown_below is not None and probability < unknown_below else name


class Asked:
    """A saved model that is asked about one picture after another, also where in it the evidence was.

    `path` is a file that `helpers.saving.export.save` wrote; a warning about its card is left to the caller. Where
    Grad-CAM cannot be computed, ``cam`` is None and ``no_cam`` says why. Raises
    `helpers.saving.model_file.ModelFileError` when the file cannot be loaded in safe mode.
    """

    def __init__(self, path):
        from helpers.network import inspection
        from helpers.saving import explain, export

        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            self.model, facts = export.opened(path)
        self.class_names, self.unknown_below = tuple(facts["class_names"]), facts["unknown_below"]
        self.size, self.fit = inspection.image_size(self.model), inspection.fit(self.model)
        try:
            self.cam, self.no_cam = explain.GradCam(self.model), ""
        except ValueError as error:
            self.cam, self.no_cam = None, str(error)

    def __call__(self, picture):
        """Return the pixels that the model gets, as `pixels` does, the table of `classify`, and what `answer` says."""
        batch = pixels(picture, self.size, self.fit)
        (table,) = tables(self.model, self.class_names, batch)
        return batch, table, answer(table, self.unknown_below)

    def evidence(self, batch, class_name):
        """Return where in one picture, `pixels`, the evidence for a class was: float32 (height, width), 0 to 1."""
        return self.cam(np.rint(batch).astype("uint8"), self.class_names.index(class_name))[0]


def compiled(model, precision=None):
    """Return (function of a batch, precision): the model as a graph, for many batches of at most `BATCH` pictures.

    A smaller batch is filled up, since another size would be compiled anew. `precision` is "float32", "bfloat16", or
    None: what is faster here, as `helpers.pictures.features.run` chooses.
    """
    import keras

    from helpers.pictures import features

    network = features.in_bfloat16(model) if features.chosen(precision, model) == "bfloat16" else None

    def run(batch):
        full = np.concatenate([batch, np.repeat(batch[-1:], max(0, BATCH - len(batch)), axis=0)])
        rows = (network or model).predict_on_batch(full)
        return keras.tree.map_structure(lambda part: part[: len(batch)], rows)

    return run, "bfloat16" if network else "float32"


def main(arguments=None, program="python -m helpers.predict"):
    """Classify the pictures named on the command line; return 0, or 1 when something could not be read or used."""
    session.make_streams_safe("backslashreplace")  # a Windows pipe lacks most letters
    if getattr(getattr(sys.stdout, "buffer", None), "name", "") == os.devnull:  # put there for a closed one
        print("The answers could not be written: the output is closed.", file=sys.stderr)
        return 1
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
    endings = f"Pictures end in {', '.join(naming.ENDINGS)}. Example: {program} my_model.keras holiday --top 1. "
    endings += "Ends with 0; with 1 where a picture or the model could not be used, 2 on a wrong option, 130 on Ctrl-C."
    parser = argparse.ArgumentParser(prog=program, description="Classify pictures.", epilog=endings)
    parser.add_argument("model", help="a file that export.save wrote, ending in .keras")
    named = "picture files, and folders with all that is in them; * stands for any letters"
    parser.add_argument("pictures", nargs="+", metavar="path", help=named)
    parser.add_argument(
        "--top", type=_top, default=SHOWN, metavar="N", help="classes shown for a picture (%(default)s)"
    )
    parser.add_argument("--classes", metavar="a,b,c", help="names, for a model that was not saved by export.save")
    parser.add_argument("--unknown-below", type=_share, metavar="P", help="in place of the probability in the file")
    parser.add_argument("--precision", choices=("float32", "bfloat16"), help="what is faster here, by default")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="a list of pictures with their answers and classes")
    form.add_argument("--csv", action="store_true", help="a row for each picture and class")
    return parser


def _top(text):
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r}: expected a whole number from 1 on")
    return int(text)


def _share(text):
    with contextlib.suppress(ValueError):
        if 0 <= float(text) < 1:
            return float(text)
    raise argparse.ArgumentTypeError(f"{text!r}: expected a probability, from 0 to below 1")


def _run(options):
    with contextlib.redirect_stdout(io.StringIO()):  # without the line of versions
        session.start()
    try:
        model, facts = _opened(options)
        run, precision = compiled(model, options.precision)
    except (ValueError, OSError) as error:
        print(_one_line(error), file=sys.stderr)
        return 1
    paths = [path for given in options.pictures for path in _matching(given)]
    many = len(paths) > 2
    if many and facts["precision"] not in (None, precision):
        said = f"tested in {facts['precision']}, computed in {precision}, which is faster here; answers near a tie may"
        print(f"Note: {said} differ. --precision {facts['precision']} computes as tested.", file=sys.stderr)
    counts, below = {}, facts["unknown_below"]
    write = _as_json if options.json else _as_csv if options.csv else _as_text
    bar = tqdm.tqdm(total=len(paths), unit="picture", leave=False, delay=1, disable=sys.stdout.isatty() or None)
    answers = answered(model, facts["class_names"], paths, run if many else None, bar.update)
    with contextlib.closing(bar), write() as written:  # one after the other: what is interrupted keeps what it has
        for path, table in answers:
            said = answer(table, below)
            counts[said] = counts.get(said, 0) + 1
            written(path, said, table.head(options.top).to_dict("records"), below)
            sys.stdout.flush()
    if many and write is _as_text:
        kinds = ", ".join(f"{naming.shown(name)} {number}" for name, number in sorted(counts.items()))
        print(f"{sum(counts.values())} of {len(paths)} pictures classified" + (f": {kinds}" if kinds else ""))
    return int(sum(counts.values()) < len(paths))


@contextlib.contextmanager
def _as_text():
    def write(path, said, rows, below):
        width = max(len(row["class"]) for row in rows)
        unknown = [f"  {UNKNOWN}: no class reaches {below:.1%}"] if said == UNKNOWN and below is not None else []
        lines = [f"  {row['class']:<{width}}  {row['probability']:6.1%}" for row in rows]
        print("\n".join([naming.shown(path), *unknown, *lines]))

    yield write


@contextlib.contextmanager
def _as_csv():
    table = csv.writer(sys.stdout, lineterminator="\n")
    table.writerow(["picture", "answer", "class", "probability"])
    yield lambda path, said, rows, _: table.writerows([path, said, *row.values()] for row in rows)


@contextlib.contextmanager
def _as_json():
    before = "[\n"

    def write(path, said, rows, _):
        nonlocal before
        print(before + json.dumps({"picture": path, "answer": said, "classes": rows}, indent=1), end="")
        before = ",\n"

    try:
        yield write
    finally:
        print("[]" if before == "[\n" else "\n]")


def _opened(options):
    """Return the model and the facts of its file; notes on it go to stderr."""
    from helpers.saving import export, model_file

    names = options.classes and [name.strip() for name in options.classes.split(",")]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model, facts = export.opened(options.model, names)
    if names and names != facts["class_names"]:
        own = ", ".join(map(naming.shown, facts["class_names"][:SHOWN]))
        raise ValueError(f"{options.model} has names of its own for its classes ({own}, ...): leave --classes out.")
    for warning in caught:
        if warning.category is UserWarning:
            print(f"Note: {_one_line(warning.message)}", file=sys.stderr)
    if options.unknown_below is not None:
        facts["unknown_below"] = model_file.check_threshold(options.unknown_below, facts["class_names"])
    return model, facts


def _matching(given):
    """Return the files that an argument names: itself, or what ``*`` stands for, or the pictures in a folder."""
    # Shells of Windows leave the * to the command.
    given = given if os.path.lexists(given) else os.path.expanduser(given)
    found = [given] if os.path.lexists(given) else sorted(glob.glob(given, recursive=True)) or [given]
    return [path for one in found for path in (_pictures_in(one) if os.path.isdir(one) else [one])]


def _pictures_in(folder):
    pictures, shut, others = [], [], 0
    for inside, folders, files in os.walk(folder, onerror=lambda error: shut.append(error.filename)):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        visible = sorted(name for name in files if not name.startswith("."))
        chosen = [name for name in visible if naming.ending_of(name) in naming.ENDINGS]
        others += len(visible) - len(chosen)
        pictures += [os.path.join(inside, name) for name in chosen]
    if others:
        passed = f"{naming.counted(others, 'file')} without the ending of a picture passed over"
        print(f"Note: {naming.shown(folder)}: {passed}.", file=sys.stderr)
    return [*pictures, *shut] or [folder]


def answered(model, class_names, paths, run=None, progress=None):
    """Yield (path, table) for the pictures that could be answered on; of the others, say why not on stderr.

    The next pictures are opened while the model computes. `run` is that of `tables`; `progress` is called with the
    number of pictures that are done.
    """
    from helpers.network import inspection

    size, fit = inspection.image_size(model), inspection.fit(model)

    def read(path):
        try:
            return pixels(path, size, fit)
        except Exception as error:  # the other pictures are still classified
            if not path:
                return "no file is named"
            if os.path.isdir(path):
                return _of_folder(path)
            if path == "-" or "://" in path:
                return "not a file; download or save the picture first (standard input and addresses are not read)"
            reason = getattr(error, "reason", "") or getattr(error, "strerror", "") or error
            return _one_line(reason) or type(error).__name__

    batches = [paths[start : start + BATCH] for start in range(0, len(paths), BATCH)]
    with concurrent.futures.ThreadPoolExecutor() as pool:
        waiting = [[pool.submit(read, path) for path in batch] for batch in batches[:AHEAD]]
        for number, batch in enumerate(batches):
            results = [future.result() for future in waiting.pop(0)]
            if number + AHEAD < len(batches):
                waiting.append([pool.submit(read, path) for path in batches[number + AHEAD]])
            opened = [
                (path, result) for path, result in zip(batch, results, strict=True) if not isinstance(result, str)
            ]
            for path, result in zip(batch, results, strict=True):
                if isinstance(result, str):
                    print(f"{naming.shown(path)}: {result}", file=sys.stderr)
            yield from _of_batch(model, class_names, opened, run)
            if progress:
                progress(len(batch))


def _of_batch(model, class_names, opened, run):
    if not opened:
        return []
    paths, rows = zip(*opened, strict=True)
    try:
        return zip(paths, tables(model, class_names, np.concatenate(rows), run), strict=True)
    except Exception as error:
        print(f"{', '.join(map(naming.shown, paths))}: {_one_line(error)}", file=sys.stderr)
        return []


def _of_folder(path):
    try:
        os.listdir(path)
        return "a folder without pictures"
    except OSError as error:
        return error.strerror


def _one_line(problem):
    """Return an error, or a text, on one line; of the system's errors what was wrong, and with what."""
    if isinstance(problem, OSError) and problem.strerror:
        problem = f"{problem.filename}: {problem.strerror}" if problem.filename else problem.strerror
    return naming.shown(" ".join(str(problem).split()))


if __name__ == "__main__":
    sys.exit(main())
