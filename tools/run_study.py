"""The measurements behind notebook 06: a seeded grid of trainings, a row a run, interrupted and continued at will.

``python -m tools.run_study`` (``make experiments``) runs what is missing and appends it to the results file, whole
rows only. A run's seed decides its training sample, the head's start and the order of the pictures; the test pictures
never change. Learning rates are chosen on validation pictures, with a seed of their own, and are in the file too.
``--jobs 2`` trains in two processes; ``--backend dask --scheduler ADDRESS`` on the workers of a Dask cluster.
"""

import argparse
import contextlib
import os
import time
from dataclasses import asdict
from pathlib import Path

import joblib
import pandas as pd
import tensorflow as tf
import tqdm.auto

from helpers import storage
from helpers.measuring import study
from tools import grid, trainings

ROUND = 8  # runs a process, after which what has become ready is looked up again


def run_missing(path=study.RESULTS, seeds=study.SEEDS, wanted=None, measure=None, jobs=1):
    """Run what is not in the results file yet, and append each result as it comes.

    Runs are independent but for the choices that they need, so they go in rounds: whatever is ready, in any order.

    Parameters
    ----------
    path : path
    seeds : sequence of int
    wanted : callable, optional
        Takes a `grid.Run`; says whether to run it. All by default.
    measure : callable, optional
        Takes a run and the choices in the file; returns a dict of results for each of its rows. By default
        `tools.trainings.measured`.
    jobs : int
        Processes at a time; where a Dask client is joblib's backend, trainings in flight.

    Returns
    -------
    int
        How many were run.
    """
    path, number = Path(path), 0
    _repair(path)
    with tqdm.auto.tqdm(unit="run") as progress:
        while True:
            done = study.results(path) if path.exists() else _empty()
            keys = {_key(row) for row in done.to_dict("records")}
            ready = [run for run in grid.ready(done, seeds) if wanted is None or wanted(run)]
            missing = [run for run in ready if not _known(run, keys)]
            if not missing:
                return number
            progress.total = number + len(missing)  # more when a range of learning rates has to be widened
            choices = done[done["experiment"] == "choice"].drop(columns="predictions", errors="ignore")
            pool = joblib.Parallel(n_jobs=jobs, return_as="generator_unordered")
            calls = (
                joblib.delayed(trainings.rows_of)(measure or trainings.measured, run, choices)
                for run in missing[: ROUND * jobs]
            )
            for rows in pool(calls):
                _append(path, rows)
                number += 1
                progress.update()


def _empty():
    return pd.DataFrame(columns=["experiment", "data", "per_class", "method", "seed", "rate", "mirrored"])


def _append(path, rows):
    if not path.exists():
        path.write_text("\t".join(rows[0]) + "\n", encoding="utf-8")
    with open(path, encoding="utf-8") as stream:
        columns = stream.readline().rstrip("\n").split("\t")
    with open(path, "a", encoding="utf-8") as stream:
        stream.write("".join("\t".join(str(row[name]) for name in columns) + "\n" for row in rows))
        stream.flush()
        os.fsync(stream.fileno())


def _repair(path):
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
    trial = (float(row["rate"]), bool(row["mirrored"])) if row["experiment"] == "choice" else ()
    return row["experiment"], row["data"], int(row["per_class"]), row["method"], int(row["seed"]), *trial


def _known(run, keys):
    return all(_key({**asdict(run), "experiment": name}) in keys for name in run.rows)


def main():
    """Run what is missing."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--seeds", type=int, default=len(study.SEEDS), help="how many seeds, from 0")
    parser.add_argument("--jobs", type=int, default=1, help="how many trainings at a time")
    parser.add_argument("--only", default="", help="a part: experiments, data or methods whose name contains this")
    parser.add_argument("--backend", default="loky", choices=("loky", "dask"), help="processes here, or a Dask cluster")
    parser.add_argument("--scheduler", help="address of the Dask cluster's scheduler")
    given = parser.parse_args()
    os.environ.setdefault(
        "TF_NUM_INTRAOP_THREADS", str(max(1, (os.cpu_count() or 1) // given.jobs))
    )  # of new processes
    tf.get_logger().setLevel("ERROR")  # no advice about retracing when many small models are made
    started = time.perf_counter()

    def wanted(run):
        return any(given.only in name for name in (run.experiment, run.data, run.method))

    with contextlib.ExitStack() as stack:
        if given.backend == "dask":
            from distributed import Client

            stack.enter_context(Client(given.scheduler))
        stack.enter_context(joblib.parallel_config(given.backend))
        count = run_missing(seeds=range(given.seeds), wanted=wanted, jobs=given.jobs)
    print(f"{count} runs in {(time.perf_counter() - started) / 60:.0f} min; the results are in {study.RESULTS.name}.")


if __name__ == "__main__":
    main()
