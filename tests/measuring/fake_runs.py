"""Runs that train nothing, for tests of what is kept: workers in other processes import them from here."""

import os
import time
from pathlib import Path

from helpers.measuring import study
from tools import grid

FOUND = {
    "accuracy": 0.75,
    "seconds": 1.0,
    "cpu_seconds": 2.0,
    "pictures_seen": 10,
    "epochs": 2,
    "trainable_parameters": 5,
    "trunk_pictures": 3,
    "predictions": "0123",
    "versions": "Python, TensorFlow, Keras",
}


def fake(run, done, best=3e-4):
    """The loss is least at the best learning rate, a little less with mirrored copies, and equal for equal runs."""
    rate = run.rate or study.chosen(run.method, run.data, run.per_class, done)[0]
    loss = abs(rate - best) + 1e-7 * (not run.mirrored)
    return [{**FOUND, "rate": rate, "mirrored": run.mirrored, "loss": loss, "fitted_loss": loss} for _ in run.rows]


def hopeless(run, done):
    """No loss is a number."""
    return [{**row, "loss": float("nan"), "fitted_loss": float("nan")} for row in fake(run, done)]


def slow(run, done, folder):
    """Note each start in the folder."""
    (Path(folder) / f"{hash(run)}-{time.time_ns()}").touch()
    time.sleep(0.05)
    return fake(run, done)


def dying(run, done, folder, deaths):
    """The process ends without a word, so many times in all."""
    for number in range(deaths):
        try:
            (Path(folder) / f"death {number}").touch(exist_ok=False)
        except FileExistsError:
            continue
        os._exit(1)
    return fake(run, done)


def failing(run, done, at):
    """One of the runs fails."""
    if run.method == at:
        raise MemoryError(f"no room for {run.method}")
    return fake(run, done)


def everything(seeds, best=3e-4):
    """Return every run of the grid, with the choices that these fake results lead to."""
    import pandas as pd

    rows, known = [], {}
    columns = ["experiment", "data", "per_class", "method", "seed", "rate", "mirrored", "loss", "fitted_loss"]
    while runs := [run for run in grid.ready(pd.DataFrame(rows, columns=columns), seeds) if run not in known]:
        known |= dict.fromkeys(runs)
        rows += [{**vars(run), **fake(run, None, best)[0]} for run in runs if run.experiment == "choice"]
    return list(known)
