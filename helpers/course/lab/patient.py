"""A patient: code that trains without an error and is wrong, what its owner reports, and the same code corrected.

`charts` and `table` show the patients to a learner: their curves, and their scores before and after the correction.
"""

import difflib
import inspect
import textwrap
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import keras
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from helpers import plots
from helpers.course import toml_texts
from helpers.pictures import features

say = toml_texts.Texts(Path(__file__).with_name("patients.toml"))
WIDTH = 50  # characters in a line of a report


@dataclass(frozen=True)
class Record:
    """The result of one training run."""

    model: keras.Model
    history: dict  # of `History`
    data: features.Features  # fitted with, validated with, used on: each (array, array) or a data set
    notes: dict = field(default_factory=dict)  # numbers that the training code recorded


def right_answers(record):
    """Return the share of test pictures for which a run's model predicts the label."""
    inputs, labels = record.data.test
    labels = labels if np.ndim(labels) == 1 else np.argmax(labels, axis=1)
    return float(np.mean(predicted(record.model, inputs) == labels))


def predicted(model, inputs):
    """Return the index of a model's largest output for each picture.

    The model is called directly: `predict` would first be traced, which takes longer than these few pictures.
    """
    return np.asarray(model(inputs, training=False)).argmax(axis=1)


@dataclass(frozen=True)
class Patient:
    """One mistake of the lab. `faulty` and `mended` take a `Ward`, train, and return a `Record`."""

    number: int
    mistake: str  # a key of `helpers.course.lab.MISTAKES`
    complaint: str  # what its owner did and expected
    faulty: Callable = field(repr=False)
    mended: Callable = field(repr=False)
    report: Callable = field(repr=False)  # from the faulty run's record: what its owner noticed, with its numbers
    look: str = field(repr=False)  # where to look for the symptom that settles it
    measure: str = say("charts.measure")  # what `score` counts
    score: Callable = field(repr=False, default=right_answers)  # from a record to a number
    unit: str = "%"  # of the score: "%", " points" (of a hundred), or "" for a plain number
    finding: str | None = None  # its name in `helpers.doctor.NAMES`; None where the doctor cannot find it

    def run(self, ward):
        """Train as its owner did, from a fixed seed, and return the `Record`."""
        keras.utils.set_random_seed(0)
        return self.faulty(ward)

    def fix(self, ward):
        """Train the corrected code from the same seed, and return the `Record`."""
        keras.utils.set_random_seed(0)
        return self.mended(ward)

    @property
    def code(self):
        """The faulty code."""
        return _source(self.faulty)

    @property
    def difference(self):
        """What the correction changes: lines with - are removed, lines with + are added."""
        before, after = (_source(function).splitlines()[1:] for function in (self.faulty, self.mended))
        lines = list(difflib.unified_diff(before, after, n=0, lineterm=""))[2:]
        return "\n".join(line for line in lines if not line.startswith("@@"))


def _source(function):
    """Return a function's lines without its docstring."""
    lines = textwrap.dedent(inspect.getsource(function)).splitlines()
    return "\n".join(line for line in lines if not line.strip().startswith('"""'))


def charts(patients, records):
    """Draw the curves of `patients`, three side by side, each with what its owner reports; return the Axes, (rows, 3).

    `records` is a dict: number of a patient to the `Record` of its faulty run.
    """
    rows = -(-len(patients) // 3)
    _, grid = plt.subplots(rows, 3, figsize=(10.5, 3.6 * rows), squeeze=False, sharey=True)
    for axes, patient in zip(grid.flat, patients, strict=False):
        record = records[patient.number]
        epochs = range(1, len(record.history["accuracy"]) + 1)
        axes.plot(epochs, record.history["accuracy"], zorder=3, **plots.TRAINING)  # dashes show on a solid line
        axes.plot(epochs, record.history["val_accuracy"], markersize=3, **plots.VALIDATION)
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.axhline(0.2, color=plots.GREY, linestyle=":", zorder=0, visible=record.model.output_shape[-1] != 2)
        axes.set_ylim(0, 1.04)
        axes.set(xlabel=say("charts.epoch"), ylabel=say("charts.accuracy") if axes in grid[:, 0] else "")
        axes.set_title(say("charts.patient", number=patient.number), fontweight="bold")
        text = textwrap.fill(patient.complaint, WIDTH) + "\n" + textwrap.fill(patient.report(record), WIDTH)
        axes.text(0, -0.24, text, transform=axes.transAxes, va="top", fontsize=8.5)
    grid[0, 0].legend()
    for axes in grid.flat[len(patients) :]:
        axes.set_axis_off()
    return grid


def table(patients, before, after):
    """Return a pandas.DataFrame, a row for each number of a patient: ``mistake``, ``before``, ``after``, ``measured``.

    `before` and `after` the correction are dicts: number to the `Record` of a run, or to its score, a float, where the
    run was deleted to save memory.
    """
    rows = []
    for patient in patients:
        runs = before[patient.number], after[patient.number]
        scores = [patient.score(run) if isinstance(run, Record) else float(run) for run in runs]
        rows.append((patient.number, patient.mistake, *scores, patient.measure))
    return pd.DataFrame(rows, columns=["patient", "mistake", "before", "after", "measured"]).set_index("patient")


def with_units(table, patients):
    """Return a table that `table` returned with its scores as texts, each in its patient's unit."""
    texts = table.astype({"before": object, "after": object})
    for patient in patients:
        for column in ("before", "after"):
            score = table.loc[patient.number, column]
            text = f"{100 * score:.0f}{patient.unit}" if patient.unit else f"{score:.2f}"
            texts.loc[patient.number, column] = text
    return texts
