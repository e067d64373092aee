"""What the results of `helpers.measuring.study` say, and how sure they are: one table in, tidy tables out.

An interval covers both sources of chance: the trainings (seeds) and the test pictures are resampled, each by itself.
Where several pictures show one thing, such as one emoji drawn by three artists, the thing is resampled.
"""

import functools
import itertools
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from helpers import assets
from helpers.measuring import study

RESAMPLES = 2000
SEVERAL_ARTISTS = ("emoji",)  # data sets with files called thing_artist: several pictures of one thing


class Cell(NamedTuple):
    """One setting of the grid, named as in the results file; its trainings differ only in the seed."""

    experiment: str
    data: str
    per_class: int  # training pictures of each class; 0 is all of them
    method: str


@dataclass(frozen=True)
class Pictures:
    """The pictures that were predicted. Those of one thing are not independent evidence."""

    labels: np.ndarray  # (n,), int
    things: np.ndarray  # (n,), int: number of the thing that a picture shows, from 0


@dataclass(frozen=True)
class Evidence:
    """A results file, as `helpers.measuring.study.results` gives it, and the pictures that it predicted.

    `pictures` holds the test pictures of ``"animals"`` and ``"emoji"``, the validation pictures of ``"choice animals"``
    and ``"choice emoji"``, and what each of the two experiments with a shift was tested on.
    """

    table: pd.DataFrame
    pictures: dict

    def where(self, **columns):
        """Return the rows with these values in their columns; None stands for any value."""
        rows = self.table
        for name, value in columns.items():
            rows = rows if value is None else rows[rows[name] == value]
        return rows

    def rows(self, cell):
        """Return the rows of a cell in the order of their seeds."""
        return self.where(**cell._asdict()).sort_values("seed")

    def pictures_of(self, experiment, data):
        """Return the pictures on which an experiment was judged."""
        for name in (experiment, f"{experiment} {data}", data):
            if name in self.pictures:
                return self.pictures[name]
        raise ValueError(f"No pictures are known for {experiment!r} on {data!r}; known: {', '.join(self.pictures)}.")


def read(path=study.RESULTS):
    """Return the `Evidence` of a results file: its rows, and the labels of its pictures.

    Raises `helpers.storage.StorageError` when there is no results file, or the pictures are missing or altered.
    """
    pictures = {}
    for data in study.DATA:
        test, names = assets.pictures(data, "test")
        by_artists = data in SEVERAL_ARTISTS
        pictures[data] = _pictures(test, names, by_artists)
        pictures[f"choice {data}"] = _pictures(*assets.pictures(data, "validation"), by_artists)
        if by_artists:
            third = [file for file in test if file.stem.endswith(study.THIRD_ARTIST)]
            pictures[study.OTHER_ARTIST] = _pictures(third, names, by_artists)
            pictures[study.SAME_ARTISTS] = _pictures([file for file in test if file not in third], names, by_artists)
    return Evidence(study.results(path), pictures)


def _pictures(files, class_names, by_artists):
    labels = np.array([class_names.index(file.parent.name) for file in files])
    things = [file.stem.rpartition("_")[0] if by_artists else f"{file.parent.name}/{file.stem}" for file in files]
    return Pictures(labels, np.unique(things, return_inverse=True)[1])


def verified(evidence):
    """Compute every row's accuracy from its predictions again, and return how many rows there are.

    Raises `ValueError` when a row's accuracy is not that of its predictions.
    """
    for row in evidence.table.itertuples():
        labels = evidence.pictures_of(row.experiment, row.data).labels
        where = f"{row.experiment}, {row.data}, {row.per_class}, {row.method}, seed {row.seed}"
        if len(row.predictions) != len(labels):
            raise ValueError(f"Row {where}: {len(row.predictions)} predictions for {len(labels)} pictures.")
        counted = np.mean(_digits(row.predictions) == labels)
        if abs(counted - row.accuracy) > 1e-5:
            raise ValueError(f"Row {where}: accuracy {row.accuracy}, but its predictions are right for {counted:.5f}.")
    return len(evidence.table)


def accuracy(evidence, cell):
    """Return the mean accuracy of the trainings of a `Cell` of an `Evidence`, with its 95 % interval.

    Raises `ValueError` when the cell has fewer than two trainings.

    Returns
    -------
    accuracy, low, high : float
        In 0..1.
    """
    sums, counts = _totals(evidence, cell)
    return _share(sums, counts), *_interval(_draws(sums, counts))


def difference(evidence, first, second):
    """Return how much more accurate the trainings of a second `Cell` are than those of a first, with a 95 % interval.

    The comparison is paired by seed and by thing. The two may have been tested on different pictures of the same
    things, such as the drawings of two artists. Raises `ValueError` when a cell has fewer than two trainings, the seeds
    differ, or the two were tested on different things.

    Returns
    -------
    difference, low, high : float
        In −1..1; positive where `second` is better.

    References
    ----------
    Owen (2007), The pigeonhole bootstrap, Annals of Applied Statistics; Rao and Wu (1988), Resampling inference with
    complex survey data, Journal of the American Statistical Association (for the number of seeds drawn).
    """
    return differences(evidence, (first, second))[first, second]


def differences(evidence, cells):
    """Return a dict of (cell, cell) to what `difference` gives, each pair once; faster than one by one."""
    seeds = {cell: tuple(evidence.rows(cell)["seed"]) for cell in cells}
    totals = {cell: _totals(evidence, cell) for cell in cells}
    for cell in cells[1:]:
        if seeds[cell] != seeds[cells[0]] or totals[cell][1].shape != totals[cells[0]][1].shape:
            both = (f"{one} has seeds {seeds[one]} and {totals[one][1].size} things" for one in (cells[0], cell))
            raise ValueError(
                f"{'; '.join(both)}: only trainings with the same seeds, tested on the same things, can be paired."
            )
    draws = {cell: _draws(*totals[cell]) for cell in cells}
    return {
        (one, two): (_share(*totals[two]) - _share(*totals[one]), *_interval(draws[two] - draws[one]))
        for one, two in itertools.combinations(cells, 2)
    }


def shown(interval):
    """Return whether the interval (value, low, high) of a difference excludes zero."""
    return interval[1] > 0 or interval[2] < 0


def disagreement(evidence, first, second):
    """Return the share of pictures for which exactly one of two cells is right (float), the mean over the seeds.

    Both were tested on the same pictures.
    """
    return float(np.mean(_right(evidence, first) != _right(evidence, second)))


def table(evidence, experiment, data=None, per_class=None):
    """Return the accuracy of every cell of an experiment, with its interval.

    Raises `ValueError` when there is no such cell.

    Parameters
    ----------
    evidence : Evidence
    experiment : str
    data : str, optional
        Only this data set.
    per_class : int, optional
        Only this number of training pictures.

    Returns
    -------
    pandas.DataFrame
        One row for each cell, in the order of the file. Columns: ``data``, ``per_class``, ``method``; ``accuracy``,
        ``low``, ``high`` (float, 0..1); ``seeds``, ``pictures`` (int).
    """
    wanted = {"experiment": experiment, "data": data, "per_class": per_class}
    chosen = evidence.where(**wanted)
    if chosen.empty:
        raise ValueError(f"The results hold nothing for {wanted}. Check the spelling, or run `make experiments`.")
    rows = []
    for key in chosen[list(Cell._fields)].drop_duplicates().itertuples(index=False, name=None):
        cell = Cell(*key)
        size = len(evidence.pictures_of(experiment, cell.data).labels)
        rows.append((*cell[1:], *accuracy(evidence, cell), len(evidence.rows(cell)), size))
    return pd.DataFrame(rows, columns=[*Cell._fields[1:], "accuracy", "low", "high", "seeds", "pictures"])


def _digits(text):
    return np.frombuffer(text.encode(), dtype=np.uint8) - ord("0")


def _right(evidence, cell):
    """Return which answers were right: bool (seeds, pictures)."""
    rows = evidence.rows(cell)
    if len(rows) < 2:
        raise ValueError(
            f"{cell} has {len(rows)} trainings in the results: expected at least two seeds. Run `make experiments`."
        )
    labels = evidence.pictures_of(cell.experiment, cell.data).labels
    return np.array([_digits(text) == labels for text in rows["predictions"]])


def _totals(evidence, cell):
    """Return the number of right answers for each thing (seeds, things), and of its pictures (things,)."""
    things = evidence.pictures_of(cell.experiment, cell.data).things
    sums = np.array([np.bincount(things, right) for right in _right(evidence, cell)])
    return sums, np.bincount(things)


def _share(sums, counts):
    return float(sums.sum() / counts.sum() / len(sums))


def _draws(sums, counts):
    """Return the accuracy in each resample; cells with equal numbers of seeds and things share their resamples."""
    seeds, things = _resamples(len(sums), len(counts))
    return ((things @ sums.T) * seeds).sum(axis=1) / (things @ counts)


@functools.cache
def _resamples(seeds, things):
    """Return how often each seed, as a share, and each thing is in each resample.

    One seed fewer is drawn than there are, which corrects for their small number (Rao and Wu, 1988).
    """
    generator = np.random.default_rng(0)
    return (
        generator.multinomial(seeds - 1, np.full(seeds, 1 / seeds), RESAMPLES) / (seeds - 1),
        generator.multinomial(things, np.full(things, 1 / things), RESAMPLES).astype(float),
    )


def _interval(draws):
    low, high = np.quantile(draws, [0.025, 0.975])
    return float(low), float(high)
