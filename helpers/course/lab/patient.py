"""A patient: code that trains without an error and is wrong, what its owner reports, and the same code mended."""

import difflib
import inspect
import textwrap
from collections.abc import Callable
from dataclasses import dataclass, field

import keras
import numpy as np

from helpers.pictures import features


@dataclass(frozen=True)
class Record:
    """What is left of a training, ready to be looked at.

    Attributes
    ----------
    model : keras.Model
        As it was trained.
    history : dict of str to list of float
        `History.history`.
    data : helpers.pictures.features.Features
        What the model was fitted with, validated with, and what it is used on: each (array, array) or a data set.
    notes : dict
        Numbers that the training code wrote down on its way.
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
    return float(np.mean(said(model, inputs) == labels))


def said(model, inputs):
    """Return the place of a model's largest output for each picture.

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
