"""The measurements behind notebook 07: a seeded grid of trainings, a row a run, interrupted and continued at will.

``python -m tools.run_study`` (``make experiments``) runs what is missing and appends it to the results file, whole
rows only, one such command at a time. A run's seed decides its training sample, the head's start and the order of the
pictures; the test pictures never change. Learning rates are chosen on validation pictures, with a seed of their own,
and are in the file too.

``--jobs 2`` trains in two processes. ``--backend dask --scheduler ADDRESS`` trains on the workers of a Dask cluster,
each started in this folder of the repository, with one thread: ``dask worker ADDRESS --nthreads 1 --nworkers 2``.
"""

import argparse
import contextlib
import os
import sys
import time
from dataclasses import asdict
from pathlib import Path

import joblib
import pandas as pd
import tqdm.auto
from joblib.externals.loky.process_executor import TerminatedWorkerError

from helpers import storage
from helpers.measuring import study
from tools import grid

ROUND = 8  # runs a process, after which what has become ready is looked up again
PATIENCE = 3  # deaths of workers, one after another and without a result between them, that are borne


def run_missing(path=study.RESULTS, seeds=study.SEEDS, wanted=None, measure=None, jobs=1):
    """Run what is not in the results file yet, and append each result as it comes.

    Runs are independent but for the choices that they need, so they go in rounds: whatever is ready, in any order. When
    a worker dies, as where memory is short, its run is tried again. Raises `RuntimeError` after the round in which a
    run failed, and `helpers.storage.StorageError` where another process adds to the file, or it has other columns.

    Parameters
    ----------
    path : path
    seeds : sequence of int
    wanted : callable, optional
        Takes a cell of `grid.cells`; says whether to run it, with the choices that it needs. All by default.
    measure : callable, optional
        Takes a run and the choices in the file; returns a dict of results for each of its rows.
        `trainings.measured` by default. Workers must be able to import it.
    jobs : int
        Processes at a time; −1 for as many as a Dask cluster has threads.

    Returns
    -------
    int
        How many were run.
    """
    if measure is None:
        from tools import trainings  # with TensorFlow, which only what trains needs

        measure = trainings.measured
    path = Path(os.path.realpath(path))  # one lock, by whichever name
    with storage.alone(path, seconds=0) as alone:
        if not alone:
            raise storage.StorageError(f"Another process is adding to {path.name}. Wait for its end, or stop it.")
        _repair(path)
        return _rounds(path, seeds, wanted, measure, jobs)


def _rounds(path, seeds, wanted, measure, jobs):
    number, deaths, at_once = 0, 0, joblib.effective_n_jobs(jobs)
    with tqdm.auto.tqdm(unit="run") as progress:
        while True:
            done = study.results(path) if path.exists() else _empty()
            keys = {_key(row) for row in done.to_dict("records")}
            missing = [run for run in grid.ready(done, seeds, wanted) if not _known(run, keys)]
            if not missing:
                return number
            progress.total = number + len(missing)  # more when a range of learning rates has to be widened
            choices = done[done["experiment"] == "choice"].drop(columns="predictions", errors="ignore")
            later = deaths * at_once  # what may have killed a worker comes last
            now = [*missing[later:], *missing[:later]][: ROUND * at_once]
            calls = (joblib.delayed(grid.rows_of)(measure, run, choices) for run in now)
            pool, failures = joblib.Parallel(n_jobs=jobs, return_as="generator_unordered", batch_size=1), []
            try:
                for rows, failure in pool(calls):
                    if failure:
                        failures.append(failure)
                        continue
                    _append(path, rows)
                    number, deaths = number + 1, 0
                    progress.update()
            except Exception as error:
                deaths += 1
                if not _is_death(error):
                    raise
                if deaths > PATIENCE:
                    raise RuntimeError(
                        f"Workers died {deaths} times; all results are kept. The last: {error}"
                    ) from error
                print("A worker died, perhaps for want of memory. What it was at is tried again.", file=sys.stderr)
            if failures:
                raise RuntimeError(f"{len(failures)} runs failed; all other results are kept. The first: {failures[0]}")


def _is_death(error):
    names = ("KilledWorker", "FutureCancelledError")  # of distributed
    return isinstance(error, TerminatedWorkerError) or type(error).__name__ in names


def _empty():
    return pd.DataFrame(columns=["experiment", "data", "per_class", "method", "seed", "rate", "mirrored"])


def _append(path, rows):
    """Add rows to the file in one piece: a reader or an interruption finds all of them or none."""
    columns = list(rows[0])
    if path.exists():
        with open(path, encoding="utf-8") as stream:
            columns = stream.readline().rstrip("\n").split("\t")
    if set(columns) != set(rows[0]):
        differ = ", ".join(sorted({*columns} ^ {*rows[0]}))
        raise storage.StorageError(f"{path.name} has other columns ({differ}). Move it away, and all is run anew.")
    lines = [[str(row[name]) for name in columns] for row in rows]
    text = "".join("\t".join(line) + "\n" for line in ([] if path.exists() else [columns]) + lines)
    with open(path, "ab", buffering=0) as stream:
        if stream.write(text.encode()) < len(text.encode()):
            raise storage.StorageError(f"{path.name} could not be written to its end. Free some space, and go on.")
        os.fsync(stream.fileno())


def _repair(path):
    """Cut off a last line that an interruption left unfinished; a file with no whole line goes."""
    if not path.exists():
        return
    text = path.read_text(encoding="utf-8", errors="replace")
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
    if (given.backend == "dask") != bool(given.scheduler):
        parser.error("--backend dask and --scheduler ADDRESS belong together.")
    if given.jobs < 1 or given.seeds < 1:
        parser.error("--jobs and --seeds are at least 1.")
    threads = max(1, (os.cpu_count() or 1) // given.jobs)
    os.environ.setdefault("TF_NUM_INTRAOP_THREADS", str(threads))  # of new processes
    jobs = -1 if given.backend == "dask" else given.jobs
    started = time.perf_counter()

    def wanted(cell):
        return any(given.only in name for name in (cell[0], cell[1], cell[3]))

    if not any(map(wanted, grid.cells())):
        parser.error(f"--only {given.only}: no experiment, data set or method has this in its name.")
    with contextlib.ExitStack() as stack:
        if given.backend == "dask":
            from distributed import Client

            try:
                stack.enter_context(Client(given.scheduler))
            except (OSError, ValueError) as error:
                parser.error(f"--scheduler {given.scheduler}: no scheduler answers there ({error}).")
        stack.enter_context(joblib.parallel_config(given.backend))
        try:
            count = run_missing(seeds=range(given.seeds), wanted=wanted, jobs=jobs)
        except KeyboardInterrupt:
            sys.exit(f"Stopped. Finished runs are in {study.RESULTS.name}; the same command goes on from there.")
        except (RuntimeError, OSError) as error:  # no worker, no room
            sys.exit(str(error))
    print(f"{count} runs in {(time.perf_counter() - started) / 60:.0f} min; the results are in {study.RESULTS.name}.")


if __name__ == "__main__":
    main()
