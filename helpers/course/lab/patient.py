"""A patient: code that trains without an error and is wrong, what its owner reports, and the same code mended.

`charts` and `table` show a learner the patients: their curves, and their scores before and after mending.
"""

import difflib
import inspect
import textwrap
from collections.abc import Callable
from dataclasses import dataclass, field

import keras
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from helpers import plots
from helpers.pictures import features

WIDTH = 50  # letters of a report's line


@dataclass(frozen=True)
class Record:
    """The result of one training run.

    Attributes
    ----------
    model : keras.Model
        As it was trained.
    history : dict of str to list of float
        `History.history`.
    data : helpers.pictures.features.Features
        What the model was fitted with, validated with, and what it is used on: each (array, array) or a data set.
    notes : dict
        Numbers that the training code recorded.
    """

    model: object
    history: dict
    data: features.Features
    notes: dict = field(default_factory=dict)


def right_answers(record):
    """Return the share of test pictures for which the largest output stands at the label."""
    return right(record.model, *record.data.test)


def right(model, inputs, labels):
    """Return the share of pictures for which a model's largest output stands at the label, a number or a row."""
    labels = np.asarray(labels)
    labels = labels if labels.ndim == 1 else labels.argmax(axis=1)
    return float(np.mean(predicted(model, inputs) == labels))


def predicted(model, inputs):
    """Return the index of a model's largest output for each picture.

    The model is called as it is: to trace what `predict` runs takes longer than these few pictures.
    """
    return np.asarray(model(inputs, training=False)).argmax(axis=1)


@dataclass(frozen=True)
class Patient:
    """One mistake of the lab.

    Attributes
    ----------
    number : int
    mistake : str
        A key of `helpers.course.lab.MISTAKES`.
    finding : str
        What `helpers.doctor` calls it, a key of `helpers.doctor.NAMES`.
    complaint : str
        What its owner did and hoped for.
    faulty, mended : callable
        Take a `Ward`, train, return a `Record`.
    report : callable
        Takes the record of the faulty run; returns what its owner noticed, with the numbers of this run.
    look : str
        Where to look for the symptom that settles it.
    measure : str
        What `score` counts.
    score : callable
        Takes a record, returns a number.
    """

    number: int
    mistake: str
    finding: str
    complaint: str
    faulty: Callable = field(repr=False)
    mended: Callable = field(repr=False)
    report: Callable = field(repr=False)
    look: str = field(repr=False)
    measure: str = "right on the test pictures"
    score: Callable = field(repr=False, default=right_answers)

    def run(self, ward):
        """Train as its owner did, from a fixed seed, and return the `Record`."""
        keras.utils.set_random_seed(0)
        return self.faulty(ward)

    def mend(self, ward):
        """Train the mended code from the same seed, and return the `Record`."""
        keras.utils.set_random_seed(0)
        return self.mended(ward)

    @property
    def code(self):
        """The faulty code."""
        return _source(self.faulty)

    @property
    def difference(self):
        """What mending changes: lines with - go, lines with + come."""
        before, after = (_source(function).splitlines()[1:] for function in (self.faulty, self.mended))
        lines = list(difflib.unified_diff(before, after, n=0, lineterm=""))[2:]
        return "\n".join(line for line in lines if not line.startswith("@@"))


def _source(function):
    """Return a function's lines without its docstring."""
    lines = textwrap.dedent(inspect.getsource(function)).splitlines()
    return "\n".join(line for line in lines if not line.strip().startswith('"""'))


def charts(patients, records, columns=3):
    """Draw the curves of patients side by side, each with what its owner reports.

    Parameters
    ----------
    patients : sequence of Patient
    records : dict of int to Record
        A patient's number to its faulty run.
    columns : int

    Returns
    -------
    ndarray of matplotlib.axes.Axes, shape (rows, columns)
    """
    rows = -(-len(patients) // columns)
    _, grid = plt.subplots(rows, columns, figsize=(3.5 * columns, 3.6 * rows), squeeze=False, sharey=True)
    for axes, patient in zip(grid.flat, patients, strict=False):
        record = records[patient.number]
        plots.curves({"run": record.history}, ax=axes)
        axes.axhline(0.2, color=plots.GREY, linestyle=":", zorder=0)  # chance, five classes
        axes.set_ylim(0, 1.04)
        axes.set_ylabel("accuracy" if axes in grid[:, 0] else "")
        axes.set_title(f"Patient {patient.number}", fontweight="bold")
        axes.get_legend().set(visible=axes is grid[0, 0])
        text = textwrap.fill(patient.complaint, WIDTH) + "\n" + textwrap.fill(patient.report(record), WIDTH)
        axes.text(0, -0.24, text, transform=axes.transAxes, va="top", fontsize=8.5)
    for axes in grid.flat[len(patients) :]:
        axes.set_axis_off()
    return grid


def table(patients, before, after):
    """Return each patient's score before and after mending.

    Parameters
    ----------
    patients : sequence of Patient
    before, after : dict of int to Record or float
        A patient's number to its run, or to the score of one that was let go to save memory.

    Returns
    -------
    pandas.DataFrame
        Index: number. Columns: ``mistake`` (str), ``before``, ``after`` (float), ``measured`` (str).
    """
    rows = {
        patient.number: {
            "mistake": patient.mistake,
            "before": _score(patient, before[patient.number]),
            "after": _score(patient, after[patient.number]),
            "measured": patient.measure,
        }
        for patient in patients
    }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("patient")


def _score(patient, run):
    return patient.score(run) if isinstance(run, Record) else float(run)
