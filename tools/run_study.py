"""The measurements behind notebook 06: a seeded grid of trainings, a row a run, interrupted and continued at will.

``python -m tools.run_study`` (``make experiments``) runs what is missing and appends it to the results file, whole
rows only. A run's seed decides its training sample, the head's start and the order of the pictures; the test pictures
never change. Learning rates are chosen on validation pictures, with a seed of their own, and stand in the file too.
"""

import argparse
import contextlib
import functools
import os
import platform
import time
from dataclasses import asdict
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import tensorflow as tf
import tqdm.auto

from helpers import storage
from helpers.measuring import study
from helpers.network import backbones, surgery, vgg16
from helpers.pictures import features, images
from tools import grid


class Kept:
    """What the functions that it decorates have computed, until `clear`."""

    def __init__(self):
        self._functions = []

    def cache(self, function):
        """Return a function that computes its answer once for the same arguments."""
        self._functions.append(functools.cache(function))
        return self._functions[-1]

    def clear(self):
        """Forget every answer."""
        for function in self._functions:
            function.cache_clear()


KEPT = Kept()  # the base, the pictures, and their features
LOSS = keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def run_missing(runs, path=study.RESULTS, measure=None):
    """Run what is not in the results file yet, in order, and append each result as it comes.

    Parameters
    ----------
    runs : sequence of grid.Run
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
    done = study.results(path) if path.exists() else pd.DataFrame(columns=list(asdict(runs[0])))
    keys = {_key(row) for row in done.to_dict("records")}
    missing = [run for run in runs if not all(_key({**asdict(run), "experiment": name}) in keys for name in run.rows)]
    for run in tqdm.auto.tqdm(missing, unit="run"):
        found = (measure or measured)(run, done)
        rows = [
            {**asdict(run), **result, "experiment": name, **_machine()}
            for name, result in zip(run.rows, found, strict=True)
        ]
        columns = list(done) if path.exists() else list(rows[0])
        if not path.exists():
            path.write_text("\t".join(columns) + "\n", encoding="utf-8")
        with open(path, "a", encoding="utf-8") as stream:
            stream.write("".join("\t".join(str(row[name]) for name in columns) + "\n" for row in rows))
            stream.flush()
            os.fsync(stream.fileno())
        done = study.results(path)
    return len(missing)


def _mend(path):
    """Cut off a last line that an interruption left unfinished; a file with no whole line goes."""
    if not path.exists():
        return
    text = path.read_text(encoding="utf-8")
    whole = study.whole_lines(text)
    if not whole:
        path.unlink()
    elif whole != text:
        with storage.written_whole(path) as temporary:
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
    run : grid.Run
    done : pandas.DataFrame
        Results so far, with the choices of rates that the run needs.

    Returns
    -------
    list of dict
        One for each of the run's rows.
    """
    keras.utils.clear_session()
    rate = run.rate or study.rate_of(run.method, run.data, run.per_class, done)
    tested_on = "validation" if run.experiment == "choice" else "test"
    if run.method in LINEAR:
        return [_linear(run, rate, *LINEAR[run.method](run), tested_on)]
    first = study.rate_of(study.FROZEN, run.data, run.per_class, done) if run.method == study.LP_FT else None
    if run.experiment == "shift":
        return _shift(run, rate, first)
    return [_quadrant(run, rate, first, tested_on)]


def _quadrant(run, rate, head_rate, tested_on):
    if run.method == study.FROM_SCRATCH:
        given = _pixels(run.data)
    elif run.method == study.RANDOM:
        given = _pooled(run.data, "random")
    else:
        given = _maps(run.data) if run.method in (study.LP_FT, study.FRESH) else _pooled(run.data, "right")
    places = study.sample(given["train"][1], run.per_class, run.seed)
    train = tuple(array[places] for array in given["train"])
    model, cost = _trained(run, rate, head_rate, train, given["validation"])
    cost["trunk_pictures"] = 0 if run.method == study.FROM_SCRATCH else len(places) + len(given["validation"][1])
    return {**_scored(model, given[tested_on]), **cost, "rate": rate}


def _trained(run, rate, head_rate, train, validation):
    """Return a model trained by a run's method, and what it cost."""
    keras.utils.set_random_seed(run.seed)
    epochs = study.CARE[run.method][1][run.per_class]
    if run.method == study.FROM_SCRATCH:
        return _fit(_small_cnn(), train, validation, rate, epochs)
    if run.method not in (study.LP_FT, study.FRESH):
        return _fit(_head_on(train[0].shape[1:]), train, validation, rate, epochs)
    tail, cost = _own_tail(), {}
    if run.method == study.LP_FT:
        rows = [(_rows(tail, maps), labels) for maps, labels in (train, validation)]
        head, cost = _fit(_head_on((512,)), *rows, head_rate, study.CARE[study.FROZEN][1][run.per_class])
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
        *train, validation_data=at_once, batch_size=study.BATCH, epochs=epochs, callbacks=[stop], verbose=0
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
    **dict.fromkeys(study.PREPROCESSING, _preprocessing),
    **dict.fromkeys(study.HEADS, _head),
}


def _linear(run, rate, given, flipped, tested_on):
    """Train a linear head on a sample of rows, and of the rows of their mirror images where there are some."""
    rows, labels = given["train"]
    places = study.sample(labels, run.per_class, run.seed)
    train = rows[places], labels[places]
    if flipped is not None:
        train = np.concatenate([train[0], flipped[places]]), np.concatenate([train[1], train[1]])
    keras.utils.set_random_seed(run.seed)
    model, cost = _fit(
        _head_on(rows.shape[1:]), train, given["validation"], rate, study.CARE[study.FROZEN][1][run.per_class]
    )
    cost["trunk_pictures"] = len(train[1]) + len(given["validation"][1])
    return {**_scored(model, given[tested_on]), **cost, "rate": rate}


def _shift(run, rate, head_rate):
    """Train on two artists' emoji; test on unseen emoji, once of the same artists and once of the third."""
    given = _maps(run.data) if run.method in (study.LP_FT, study.FRESH) else _pooled(run.data, "right")
    data = _data(run.data)
    third = {split: np.array([file.stem.endswith(study.THIRD_ARTIST) for file in data.files(split)]) for split in given}
    known = {split: tuple(array[~third[split]] for array in given[split]) for split in given}
    model, cost = _trained(run, rate, head_rate, known["train"], known["validation"])
    cost["trunk_pictures"] = sum(len(known[split][1]) for split in ("train", "validation"))
    unknown = tuple(array[third["test"]] for array in given["test"])
    return [{**_scored(model, test), **cost, "rate": rate} for test in (known["test"], unknown)]


def _small_cnn():
    layers = [
        keras.Input((study.SIDE, study.SIDE, 3)),
        keras.layers.Rescaling(1 / 127.5, -1),
        keras.layers.RandomFlip("horizontal"),
    ]
    for maps in (32, 64, 128, 128):
        layers += [keras.layers.Conv2D(maps, 3, strides=2, padding="same", activation="relu")]
    return keras.Sequential([*layers, keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(study.CLASSES)])


def _head_on(shape, start="zeros"):
    return keras.Sequential([keras.Input(shape), keras.layers.Dense(study.CLASSES, kernel_initializer=start)])


@KEPT.cache
def _base():
    return backbones.load("VGG16", (study.SIDE, study.SIDE, 3))


@KEPT.cache
def _tail():
    return surgery.split(_base(), "block4_pool")[1]


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


@KEPT.cache
def _data(name):
    return images.load(name, study.SIDE)


@KEPT.cache
def _pixels(name):
    return {split: _data(name).arrays(split) for split in images.SPLITS}


@KEPT.cache
def _maps(name):
    """Return what block4 gives."""
    return _extracted(name, "block4")


@KEPT.cache
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


@KEPT.cache
def _extracted(name, kind):
    splits = ("train",) if kind == "flipped" else images.SPLITS
    return vars(features.extract(_trunk(kind), _data(name), splits))


def _trunk(kind):
    pixels = keras.Input((study.SIDE, study.SIDE, 3), name="pixels")
    prepare = keras.applications.vgg16.preprocess_input
    base = _base()
    if kind == "random":
        keras.utils.set_random_seed(0)
        base = keras.applications.VGG16(weights=None, include_top=False, input_shape=(study.SIDE, study.SIDE, 3))
    pool = keras.layers.GlobalAveragePooling2D()
    if kind == "block4":
        return keras.Model(pixels, surgery.split(base, "block4_pool")[0](prepare(pixels)))
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
    parser.add_argument("--seeds", type=int, default=len(study.SEEDS), help="how many seeds, from 0")
    tf.get_logger().setLevel("ERROR")  # no advice about retracing when many small models are made
    started = time.perf_counter()
    count = run_missing(grid.grid(range(parser.parse_args().seeds)))
    print(
        f"{count} runs in {(time.perf_counter() - started) / 60:.0f} minutes; the results are in {study.RESULTS.name}."
    )


if __name__ == "__main__":
    main()
