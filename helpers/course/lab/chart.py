"""What the learner sees of the patients: curves with their owners' reports, and scores before and after."""

import textwrap

import matplotlib.pyplot as plt
import pandas as pd

from helpers import plots
from helpers.course.lab.patient import Record

WIDTH = 50  # letters of a report's line


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
