"""The measurements behind notebook 06: a seeded grid of trainings, a row a run, interrupted and continued at will.

``python -m helpers.experiments`` (``make experiments``) runs what is missing and appends it to the results file, whole
rows only. A run's seed decides its training sample, the head's start and the order of the pictures; the test pictures
never change. Learning rates are chosen on validation pictures, with a seed of their own, and stand in the file too.
"""

import argparse
import contextlib
import functools
import os
import platform
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import tensorflow as tf
import tqdm.auto

from helpers import assets, backbones, features, images, surgery, vgg16

RESULTS = Path(__file__).with_name("experiments.tsv")
SIDE, BATCH, CLASSES = 96, 32, 5
SEEDS = tuple(range(5))
SEED_OF_CHOICE = 1000
COUNTS = (10, 40, 0)  # training pictures a class; 0 is all of them
HEAD_RATES, BLOCK_RATES = (3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2), (1e-5, 3e-5, 1e-4, 3e-4)
DATA = ("animals", "emoji")
THIRD_ARTIST = "fluent"

FROM_SCRATCH, RANDOM, FROZEN = "scratch", "random VGG16 + head", "frozen VGG16 + head"
LP_FT, FRESH = "LP-FT", "fine-tuned, fresh head"
# For each method: the learning rates to choose from, and the most epochs for each count of pictures, more where an
# epoch is short. When the validation loss has not fallen for a fifth of them, training ends with the best weights.
CARE = {
    FROM_SCRATCH: ((3e-4, 1e-3, 3e-3, 1e-2), dict(zip(COUNTS, (100, 60, 40), strict=True))),
    RANDOM: ((3e-4, 1e-3, 3e-3, 1e-2, 3e-2), dict(zip(COUNTS, (100, 60, 40), strict=True))),
    FROZEN: (HEAD_RATES, dict(zip(COUNTS, (100, 60, 40), strict=True))),
    LP_FT: (BLOCK_RATES, dict(zip(COUNTS, (15, 8, 5), strict=True))),
    FRESH: (BLOCK_RATES, dict(zip(COUNTS, (30, 12, 6), strict=True))),  # its head has further to go
}
HEADS = ("pooling", "flatten", "pooling, flipped too", "flatten, flipped too")
PREPROCESSING = ("right", "0 to 1", "red and blue exchanged", "twice")
SAME_ARTISTS, OTHER_ARTIST = "shift, unseen emoji of the same artists", "shift, unseen emoji of the third artist"
LOSS = keras.losses.SparseCategoricalCrossentropy(from_logits=True)


@dataclass(frozen=True)
class Run:
    """One cell of the grid, and the key of its row (of its two rows for ``shift``).

    Attributes
    ----------
    experiment : {"choice", "quadrants", "depth", "preprocessing", "head", "shift"}
    data : {"animals", "emoji"}
    per_class : int
        Training pictures of each class; 0 is all of them.
    method : str
    seed : int
    rate : float
        Learning rate of Adam; 0 where the run takes the one that was chosen.
    """

    experiment: str
    data: str
    per_class: int
    method: str
    seed: int
    rate: float = 0.0

    @property
    def rows(self):
        """Names of the experiments under which its results stand."""
        return (SAME_ARTISTS, OTHER_ARTIST) if self.experiment == "shift" else (self.experiment,)


def grid(seeds=SEEDS):
    """Return every run, the choices of rates first.

    Parameters
    ----------
    seeds : sequence of int

    Returns
    -------
    list of Run
    """
    cells = [("depth", data, 0, block) for data in DATA for block in vgg16.BLOCKS]
    cells += [("preprocessing", data, 40, method) for data in DATA for method in PREPROCESSING]
    cells += [("head", data, 40, method) for data in DATA for method in HEADS]
    cells += [("quadrants", data, count, method) for method in CARE for data in DATA for count in COUNTS]
    choices = [
        Run("choice", data, count, method, SEED_OF_CHOICE, rate)
        for _, data, count, method in cells
        for rate in (CARE[method][0] if method in CARE else HEAD_RATES)
    ]
    cells += [("shift", "emoji", 0, method) for method in (FROZEN, LP_FT, FRESH)]  # with the rates of the quadrants
    return choices + [Run(*cell, seed) for cell in cells for seed in seeds]


def results(path=RESULTS):
    """Return the results file as a table; a last line that was cut off in writing is left out.

    Parameters
    ----------
    path : path

    Returns
    -------
    pandas.DataFrame
        Columns ``experiment``, ``data``, ``per_class``, ``method``, ``seed``, ``rate``, ``accuracy``, ``loss`` (on the
        test pictures; on validation pictures for ``choice``), ``seconds`` (of training, features at hand; a busy
        machine makes them long), ``cpu_seconds`` (of all cores together, which a busy machine leaves as they are),
        ``trunk_pictures`` (passed once through a frozen trunk for it), ``pictures_seen`` in training,
        ``trainable_parameters``, ``epochs``, ``predictions`` (a digit a test picture, text), ``versions``,
        ``processor``.

    Raises
    ------
    helpers.assets.AssetError
        When there is no such file, or not one whole line in it.
    """
    path = Path(path)
    whole = _whole_lines(path.read_text(encoding="utf-8")) if path.is_file() else ""
    if not whole:
        raise assets.AssetError(f"There are no results at {path.name}. Restore the file, or run `make experiments`.")
    lines = [line.split("\t") for line in whole.splitlines()]
    table = pd.DataFrame(lines[1:], columns=lines[0])
    kinds = {"per_class": int, "seed": int, "pictures_seen": int, "trainable_parameters": int, "epochs": int}
    kinds |= {"rate": float, "accuracy": float, "loss": float, "seconds": float, "cpu_seconds": float}
    kinds |= {"trunk_pictures": int}
    key = ["experiment", "data", "per_class", "method", "seed", "rate"]
    return table.astype(kinds).drop_duplicates(key, keep="last", ignore_index=True)


def run_missing(runs, path=RESULTS, measure=None):
    """Run what is not in the results file yet, in order, and append each result as it comes.

    Parameters
    ----------
    runs : sequence of Run
    path : path
    measure : callable, optional
        Takes a run and the results so far; returns a dict of results for each of its rows. `measured` by default.

    Returns
    -------
    int
        How many were run.
    """
    path = Path(path)
    _mend(path)
    done = results(path) if path.exists() else pd.DataFrame(columns=list(asdict(runs[0])))
    keys = {_key(row) for row in done.to_dict("records")}
    missing = [run for run in runs if not all(_key({**asdict(run), "experiment": name}) in keys for name in run.rows)]
    for run in tqdm.auto.tqdm(missing, unit="run"):
        found = (measure or measured)(run, done)
        rows = [
            {**asdict(run), **each, "experiment": name, **_machine()}
            for name, each in zip(run.rows, found, strict=True)
        ]
        columns = list(done) if path.exists() else list(rows[0])
        if not path.exists():
            path.write_text("\t".join(columns) + "\n", encoding="utf-8")
        with open(path, "a", encoding="utf-8") as stream:
            stream.write("".join("\t".join(str(row[name]) for name in columns) + "\n" for row in rows))
            stream.flush()
            os.fsync(stream.fileno())
        done = results(path)
    return len(missing)


def _whole_lines(text):
    return text[: text.rfind("\n") + 1]


def _mend(path):
    """Cut off a last line that an interruption left unfinished; a file with no whole line goes."""
    if not path.exists():
        return
    text = path.read_text(encoding="utf-8")
    whole = _whole_lines(text)
    if not whole:
        path.unlink()
    elif whole != text:
        with assets.written_whole(path) as temporary:
            temporary.write_text(whole, encoding="utf-8")


def _key(row):
    rate = row["rate"] if row["experiment"] == "choice" else 0.0
    return row["experiment"], row["data"], int(row["per_class"]), row["method"], int(row["seed"]), float(rate)


def _machine():
    versions = f"Python {platform.python_version()}, TensorFlow {tf.__version__}, Keras {keras.__version__}"
    return {"versions": versions, "processor": f"{_processor()}, {os.cpu_count()} cores"}


@functools.cache
def _processor():
    """Return the processor's name where the system tells it, or else its kind."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def measured(run, done):
    """Train and test one run.

    Parameters
    ----------
    run : Run
    done : pandas.DataFrame
        Results so far, with the choices of rates that the run needs.

    Returns
    -------
    list of dict
        One for each of the run's rows.
    """
    keras.utils.clear_session()
    rate = run.rate or rate_of(run.method, run.data, run.per_class, done)
    tested_on = "validation" if run.experiment == "choice" else "test"
    if run.method in LINEAR:
        return [_linear(run, rate, *LINEAR[run.method](run), tested_on)]
    first = rate_of(FROZEN, run.data, run.per_class, done) if run.method == LP_FT else None
    if run.experiment == "shift":
        return _shift(run, rate, first)
    return [_quadrant(run, rate, first, tested_on)]


def rate_of(method, data, per_class, done):
    """Return the rate with the lowest validation loss among the choices for a method, a data set and a count."""
    tried = done[(done["experiment"] == "choice") & (done["method"] == method)]
    tried = tried[(tried["data"] == data) & (tried["per_class"] == per_class)]
    if tried.empty:
        raise ValueError(f"No rate was tried yet for {method!r} on {data} with {per_class or 'all'} pictures a class.")
    return float(tried.loc[tried["loss"].idxmin(), "rate"])


def sample(labels, per_class, seed):
    """Return the places of a seeded draw of so many pictures of each class, in order; 0 draws all."""
    generator = np.random.default_rng(seed)
    drawn = [generator.permutation(np.flatnonzero(labels == label)) for label in np.unique(labels)]
    return np.sort(np.concatenate([places[: per_class or None] for places in drawn]))


def _quadrant(run, rate, head_rate, tested_on):
    if run.method == FROM_SCRATCH:
        given = _pixels(run.data)
    elif run.method == RANDOM:
        given = _pooled(run.data, "random")
    else:
        given = _maps(run.data) if run.method in (LP_FT, FRESH) else _pooled(run.data, "right")
    places = sample(given["train"][1], run.per_class, run.seed)
    train = tuple(array[places] for array in given["train"])
    model, cost = _trained(run, rate, head_rate, train, given["validation"])
    cost["trunk_pictures"] = 0 if run.method == FROM_SCRATCH else len(places) + len(given["validation"][1])
    return {**_scored(model, given[tested_on]), **cost, "rate": rate}


def _trained(run, rate, head_rate, train, validation):
    """Return a model trained by a run's method, and what it cost."""
    keras.utils.set_random_seed(run.seed)
    epochs = CARE[run.method][1][run.per_class]
    if run.method == FROM_SCRATCH:
        return _fit(_small_cnn(), train, validation, rate, epochs)
    if run.method not in (LP_FT, FRESH):
        return _fit(_head_on(train[0].shape[1:]), train, validation, rate, epochs)
    tail, cost = _own_tail(), {}
    if run.method == LP_FT:
        rows = [(_rows(tail, maps), labels) for maps, labels in (train, validation)]
        head, cost = _fit(_head_on((512,)), *rows, head_rate, CARE[FROZEN][1][run.per_class])
    else:
        head = _head_on((512,), start="glorot_uniform")  # as Keras starts a Dense layer: the usual way
    model = keras.Sequential([keras.Input(train[0].shape[1:]), tail, keras.layers.GlobalAveragePooling2D(), head])
    model, more = _fit(model, train, validation, rate, epochs)
    added = {name: more[name] + cost.get(name, 0) for name in ("seconds", "cpu_seconds", "pictures_seen", "epochs")}
    return model, {**more, **{name: round(value, 2) for name, value in added.items()}}


def _fit(model, train, validation, rate, epochs):
    model.compile(keras.optimizers.Adam(rate), loss=LOSS)
    stop = keras.callbacks.EarlyStopping("val_loss", patience=max(2, epochs // 5), restore_best_weights=True)
    at_once = tf.data.Dataset.from_tensors(validation)  # one batch: for a head, to prepare several takes longest
    started, worked = time.perf_counter(), time.process_time()
    history = model.fit(
        *train, validation_data=at_once, batch_size=BATCH, epochs=epochs, callbacks=[stop], verbose=0
    ).history
    done = len(history["loss"])
    return model, {
        "seconds": round(time.perf_counter() - started, 2),
        "cpu_seconds": round(time.process_time() - worked, 2),
        "pictures_seen": done * len(train[1]),
        "epochs": done,
        "trainable_parameters": surgery.count(model.trainable_weights),
    }


def _scored(model, test):
    inputs, labels = test
    logits = model.predict(inputs, batch_size=64, verbose=0)
    predicted = logits.argmax(axis=1)
    return {
        "accuracy": round(float(np.mean(predicted == labels)), 5),
        "loss": round(float(LOSS(labels, logits)), 5),
        "predictions": "".join(map(str, predicted)),
    }


def _depth(run):
    """Return the rows that one block gives."""
    return _block(run.data, run.method), None


def _preprocessing(run):
    """Return the rows for one way to feed VGG16."""
    return _pooled(run.data, run.method), None


def _head(run):
    """Return the rows that a head's pooling makes, and those of the mirror images where it trains on them too."""
    shaped = _pool if run.method.startswith("pooling") else _flatten
    given = {split: (shaped(maps), labels) for split, (maps, labels) in _last_maps(run.data).items()}
    if not run.method.endswith("flipped too"):
        return given, None
    return given, shaped(_extracted(run.data, "flipped")["train"][0])


# The experiments with a linear head on rows of features: what makes the rows.
LINEAR = {
    **dict.fromkeys(vgg16.BLOCKS, _depth),
    **dict.fromkeys(PREPROCESSING, _preprocessing),
    **dict.fromkeys(HEADS, _head),
}


def _linear(run, rate, given, flipped, tested_on):
    """Train a linear head on a sample of rows, and of the rows of their mirror images where there are some."""
    rows, labels = given["train"]
    places = sample(labels, run.per_class, run.seed)
    train = rows[places], labels[places]
    if flipped is not None:
        train = np.concatenate([train[0], flipped[places]]), np.concatenate([train[1], train[1]])
    keras.utils.set_random_seed(run.seed)
    model, cost = _fit(_head_on(rows.shape[1:]), train, given["validation"], rate, CARE[FROZEN][1][run.per_class])
    cost["trunk_pictures"] = len(train[1]) + len(given["validation"][1])
    return {**_scored(model, given[tested_on]), **cost, "rate": rate}


def _shift(run, rate, head_rate):
    """Train on two artists' emoji; test on unseen emoji, once of the same artists and once of the third."""
    given = _maps(run.data) if run.method in (LP_FT, FRESH) else _pooled(run.data, "right")
    data = _data(run.data)
    third = {split: np.array([file.stem.endswith(THIRD_ARTIST) for file in data.files(split)]) for split in given}
    known = {split: tuple(array[~third[split]] for array in given[split]) for split in given}
    model, cost = _trained(run, rate, head_rate, known["train"], known["validation"])
    cost["trunk_pictures"] = sum(len(known[split][1]) for split in ("train", "validation"))
    unknown = tuple(array[third["test"]] for array in given["test"])
    return [{**_scored(model, test), **cost, "rate": rate} for test in (known["test"], unknown)]


def _small_cnn():
    layers = [
        keras.Input((SIDE, SIDE, 3)),
        keras.layers.Rescaling(1 / 127.5, -1),
        keras.layers.RandomFlip("horizontal"),
    ]
    for maps in (32, 64, 128, 128):
        layers += [keras.layers.Conv2D(maps, 3, strides=2, padding="same", activation="relu")]
    return keras.Sequential([*layers, keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(CLASSES)])


def _head_on(shape, start="zeros"):
    return keras.Sequential([keras.Input(shape), keras.layers.Dense(CLASSES, kernel_initializer=start)])


@functools.cache
def _base():
    return backbones.load("VGG16", (SIDE, SIDE, 3))


@functools.cache
def _tail():
    return vgg16.split(_base(), "block4_pool")[1]


def _own_tail():
    """Return a copy of block5 with ImageNet's weights."""
    copy = keras.models.clone_model(_tail())
    copy.set_weights(_tail().get_weights())
    return copy


def _rows(tail, maps):
    return _pool(tail.predict(maps, batch_size=64, verbose=0))


def _pool(maps):
    return maps.mean(axis=(1, 2))


def _flatten(maps):
    return maps.reshape(len(maps), -1)


@functools.cache
def _data(name):
    return images.load(name, SIDE)


@functools.cache
def _pixels(name):
    both = {}
    for split in images.SPLITS:
        batches = list(_data(name).in_order(split))
        both[split] = tuple(np.concatenate([np.asarray(batch[part]) for batch in batches]) for part in (0, 1))
    return both


@functools.cache
def _maps(name):
    """Return what block4 gives."""
    return _extracted(name, "block4")


@functools.cache
def _last_maps(name):
    """Return what block5 gives."""
    return {split: (_tail().predict(maps, verbose=0), labels) for split, (maps, labels) in _maps(name).items()}


def _pooled(name, kind):
    """Return rows of pooled features for one of the ways to feed VGG16."""
    return _block(name, vgg16.BLOCKS[-1]) if kind == "right" else _extracted(name, kind)


def _block(name, block):
    """Return the pooled features of one block; the trunk gives those of all of them side by side."""
    ends = dict(zip(vgg16.BLOCKS, np.cumsum([64, 128, 256, 512, 512]), strict=True))
    begin = ([0, *ends.values()])[list(ends).index(block)]
    rows = _extracted(name, "blocks")
    return {split: (given[:, begin : ends[block]], labels) for split, (given, labels) in rows.items()}


@functools.cache
def _extracted(name, kind):
    splits = ("train",) if kind == "flipped" else images.SPLITS
    return vars(features.extract(_trunk(kind), _data(name), splits))


def _trunk(kind):
    pixels = keras.Input((SIDE, SIDE, 3), name="pixels")
    prepare = keras.applications.vgg16.preprocess_input
    base = _base()
    if kind == "random":
        keras.utils.set_random_seed(0)
        base = keras.applications.VGG16(weights=None, include_top=False, input_shape=(SIDE, SIDE, 3))
    pool = keras.layers.GlobalAveragePooling2D()
    if kind == "block4":
        return keras.Model(pixels, vgg16.split(base, "block4_pool")[0](prepare(pixels)))
    if kind == "flipped":
        return keras.Model(pixels, base(prepare(keras.ops.flip(pixels, axis=2))))
    if kind == "blocks":
        ends = keras.Model(base.input, [base.get_layer(f"{block}_pool").output for block in vgg16.BLOCKS])
        return keras.Model(pixels, keras.layers.Concatenate()([pool(maps) for maps in ends(prepare(pixels))]))
    fed = {
        "random": prepare,
        "0 to 1": lambda pixels: pixels / 255,
        "red and blue exchanged": lambda pixels: prepare(pixels[..., ::-1]),
        "twice": lambda pixels: prepare(prepare(pixels)),
    }
    return keras.Model(pixels, pool(base(fed[kind](pixels))))


def main():
    """Run what is missing."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--seeds", type=int, default=len(SEEDS), help="how many seeds, from 0")
    tf.get_logger().setLevel("ERROR")  # no advice about retracing when many small models are made
    started = time.perf_counter()
    count = run_missing(grid(range(parser.parse_args().seeds)))
    print(f"{count} runs in {(time.perf_counter() - started) / 60:.0f} minutes; the results are in {RESULTS.name}.")


if __name__ == "__main__":
    main()
