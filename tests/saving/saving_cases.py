"""What the tests of saving share: a small classifier, its card, and ways to spoil its file."""

import io
import warnings
import zipfile
from types import SimpleNamespace

import h5py
import keras
import numpy as np
import pandas as pd

from helpers.saving import model_card, model_file

NAMES = ["cat", 'größe "5"', "猫"]
TEXTS = {"name": "Toy", "training": "Head only.", "intended_use": "A lesson.", "limits": "Not for doctors."}
LABELS, PREDICTIONS = [0, 0, 1, 1, 1, 2, 2, 2], [0, 0, 1, 2, 2, 2, 2, 0]


def sets(names=NAMES):
    counts = pd.DataFrame(
        {"train": [5, 6, 7], "validation": [1, 1, 1], "test": [2, 3, 3]}, pd.Index(names, name="class")
    )
    return SimpleNamespace(name="toys", class_names=tuple(names), counts=lambda: counts)


def card(names=NAMES, **changed):
    return model_card.describe(sets(names), LABELS, PREDICTIONS, **{**TEXTS, **changed})


def tiny(units=3, activation=None, first=None, compiled=False, end=None):
    """A classifier of 8×8 pictures with its preprocessing inside, its weights at random."""
    pixels = keras.Input((8, 8, 3), name="pixels")
    maps = (first or keras.layers.Rescaling(1 / 255))(pixels)
    row = keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(4, 3)(maps))
    outputs = keras.layers.Dense(units, activation=activation, name="predictions")(row)
    model = keras.Model(pixels, end(outputs) if end else outputs, name="tiny")
    if compiled:
        model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=activation is None))
        model.fit(noise(6), np.arange(6) % units, verbose=0, shuffle=False)
    return model


def noise(number, side=8):
    return np.random.default_rng(0).uniform(0, 255, (number, side, side, 3)).astype("float32")


def altered(path, target, drop=(), compression=zipfile.ZIP_STORED, **members):
    """Write a copy of a ``.keras`` file without some members and with others; ``__`` in a name stands for a dot."""
    members = {name.replace("__", "."): content for name, content in members.items()}
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(target, "w", compression) as copy:
        for name in source.namelist():
            if name not in (*drop, *members):
                copy.writestr(name, source.read(name))
        for name, content in members.items():
            copy.writestr(name, content)
    return target


def with_weights(path, target, change):
    """Write a copy of a ``.keras`` file whose weights were changed by a function of their open HDF5 file."""
    with zipfile.ZipFile(path) as archive:
        data = io.BytesIO(archive.read(model_file.WEIGHTS))
    with h5py.File(data, "r+") as file:
        change(file)
    return altered(path, target, **{model_file.WEIGHTS: data.getvalue()})


def put_first(value):
    """Return a change for `with_weights` that puts another array, or a link, in the place of the first."""

    def change(file):
        paths = []
        file.visititems(lambda name, item: paths.append(name) if isinstance(item, h5py.Dataset) else None)
        del file[paths[0]]
        file[paths[0]] = value

    return change


def lambda_file(folder):
    """Return a ``.keras`` file with a Lambda layer, made without `export.save`."""
    model = tiny(first=keras.layers.Lambda(lambda pixels: pixels / 255, output_shape=(8, 8, 3)))
    path = folder / "lambda.keras"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.save(path)
    model_file.add_facts(path, NAMES, "logits")
    return path
