"""What the results of `helpers.measuring.study` say, and how sure they are: one table in, tidy tables out.

An interval covers both sources of chance, the trainings (seeds) and the test pictures: the variance of a mean is the
sum of what each brings, and Student's t counts how few the seeds are. From five seeds on it holds in 95 of 100
cases; with three it may be 92, with two 88. Where several pictures show one thing, such as one emoji drawn by three
artists, they count as one. What was chosen on validation pictures is taken as given.
"""

import itertools
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
import scipy.stats

from helpers import assets
from helpers.measuring import evaluation, study

SIDES = study.RESULTS.with_name("sides.tsv")
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
    and ``"choice emoji"``, and what the experiments outside and with a shift were tested on.
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
    outside = np.repeat(np.arange(study.CLASSES), study.OUTSIDE_EACH)
    pictures = {study.OUTSIDE: Pictures(outside, np.arange(len(outside)))}
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


def vgg16_at_sides(path=SIDES):
    """Return what a frozen VGG16 with a head answered at 96 and at 224 pixels, where it takes minutes: a stored result.

    Returns a dict: ``"VGG16, 96 px"`` and ``"VGG16, 224 px"`` to predicted classes, int (500,), of the test pictures of
    ``images.load("animals", image_size, per_class={"train": 40, "test": 100})``, in this order. The head is trained as
    in notebook 08, on the same draw.
    """
    _, *lines = path.read_text(encoding="utf-8").splitlines()
    return {name: _digits(predictions).astype(int) for name, predictions in (line.split("\t") for line in lines)}


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
    """Return (accuracy, low, high) of a `Cell` of an `Evidence`: the mean of its trainings, with its 95 % interval.

    Raises `ValueError` when the cell has fewer than two trainings.
    """
    return tuple(np.clip(_interval(*_mean([[_single(evidence, cell)]])), 0, 1).tolist())


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
    Searle, Casella and McCulloch (1992), Variance Components, chapter 4; Satterthwaite (1946), An approximate
    distribution of estimates of variance components, Biometrics Bulletin.
    """
    return pooled(evidence, [(first, second)])


def pooled(evidence, pairs):
    """Return the mean of the differences of several pairs of cells, with a 95 % interval: one answer to one question.

    Takes a list of (first, second); returns what `difference` does. Pairs of one collection share its things and seeds.
    """
    return _interval(*_gain(evidence, pairs))


def differences(evidence, cells):
    """Return a dict of (first, second) to what `difference` gives, each pair of the cells once."""
    known = _answers(evidence, cells)
    return {pair: _interval(*_mean([[_paired(known, *pair)]])) for pair in itertools.combinations(cells, 2)}


def corrected(evidence, questions):
    """Return several differences at once, with p-values that count how many there are.

    Takes a dict of question (str) to (first, second).

    Returns
    -------
    pandas.DataFrame
        One row a question. Columns: ``gain``, ``low``, ``high`` (as `difference`, each by itself at 95 %), ``p`` (that
        chance alone gives a difference so large), ``corrected`` (the same for all questions together), ``shown``
        (bool: ``corrected`` is below 0.05).

    References
    ----------
    Holm (1979), A simple sequentially rejective multiple test procedure, Scandinavian Journal of Statistics.
    """
    rows = []
    for pair in questions.values():
        gain, error, freedom = _gain(evidence, [pair])
        rows.append((*_interval(gain, error, freedom), 2 * scipy.stats.t.sf(abs(gain) / max(error, 1e-9), freedom)))
    table = pd.DataFrame(rows, pd.Index(questions, name="question"), ["gain", "low", "high", "p"])
    order = table["p"].to_numpy().argsort()
    steps = np.maximum.accumulate(table["p"].to_numpy()[order] * np.arange(len(order), 0, -1))
    table.loc[table.index[order], "corrected"] = np.minimum(steps, 1.0)
    return table.assign(shown=table["corrected"] < 0.05)


def smallest_shown(evidence, first, second, pictures, seeds, power=0.8):
    """Return the smallest difference (float, 0..1) that so many test pictures and seeds would show, at 95 %.

    How much single trainings and pictures differ is taken from the two cells. A true difference of this size is found
    with with the probability `power`. Where a thing has several pictures, `pictures` counts things; it may be an array.
    """
    if evaluation.check_whole(seeds, "seeds", 2) and (np.any(np.asarray(pictures) < 2) or not 0 < power < 1):
        raise ValueError(f"pictures={pictures}, power={power}: expected two or more, and a share between 0 and 1.")
    paired = _paired(_answers(evidence, (first, second)), first, second)
    variance, freedom = _spread(*_parts(paired), seeds, pictures)
    return (scipy.stats.t.isf(0.025, freedom) + scipy.stats.t.ppf(power, freedom)) * np.sqrt(variance)


def pictures_to_show(evidence, first, second, gain, seeds):
    """Return how many test pictures would show a `gain` (0..1) with so many seeds, as `smallest_shown` has it.

    Rounded up to two digits; None where more than a million, or only more seeds, would.
    """
    if not 0 < gain < 1:
        raise ValueError(f"gain={gain}: expected a share between 0 and 1, such as 0.02 for two points.")
    numbers = np.outer(10 ** np.arange(5), np.arange(10, 101)).ravel()
    enough = numbers[smallest_shown(evidence, first, second, numbers, seeds) <= gain]
    return int(enough[0]) if enough.size else None


def shown(interval):
    """Return whether the interval (value, low, high) of a difference excludes zero."""
    return interval[1] > 0 or interval[2] < 0


def disagreement(evidence, first, second):
    """Return the share of pictures for which exactly one of two cells is right (float), the mean over the seeds.

    Both were tested on the same pictures.
    """
    return float(np.mean(_right(evidence, first) != _right(evidence, second)))


def table(evidence, experiment, data=None, per_class=None):
    """Return the accuracy of every cell of an experiment, or of only one data set or number of training pictures.

    Raises `ValueError` when there is no such cell.

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
    if rows["seed"].duplicated().any() or set(rows["predictions"].str.len()) != {len(labels)} or len(labels) < 2:
        raise ValueError(f"{cell}: expected each seed once, and one digit for each of two or more pictures.")
    return np.array([_digits(text) == labels for text in rows["predictions"]])


def _single(evidence, cell):
    """Return the share of right answers of each training for each thing (seeds, things); its mean is the accuracy."""
    things = evidence.pictures_of(cell.experiment, cell.data).things
    sums, counts = np.array([np.bincount(things, right) for right in _right(evidence, cell)]), np.bincount(things)
    share = sums.sum() / counts.sum() / len(sums)
    return share + (sums - share * counts) / counts.mean()  # a thing with more pictures counts for more


def _answers(evidence, cells):
    """Return a dict of cell to its seeds and what `_single` gives."""
    return {cell: (tuple(evidence.rows(cell)["seed"]), _single(evidence, cell)) for cell in cells}


def _paired(known, first, second):
    """Return by how much each training of a second cell is better for each thing (seeds, things)."""
    (seeds, single), (others, other) = known[first], known[second]
    if seeds != others or single.shape != other.shape or first.data != second.data:
        both = (f"{cell} has seeds {known[cell][0]} and {known[cell][1].shape[1]} things" for cell in (first, second))
        raise ValueError(
            f"{'; '.join(both)}: only trainings with the same seeds, tested on the same things, can be paired."
        )
    return other - single


def _gain(evidence, pairs):
    """Return what `_mean` does of the differences of pairs of cells."""
    if not pairs:
        raise ValueError("There is no pair of cells to compare: give at least one.")
    known = _answers(evidence, {cell for pair in pairs for cell in pair})
    collections = {}
    for pair in pairs:
        collections.setdefault(pair[0].data, []).append(_paired(known, *pair))
    return _mean(collections.values())


def _mean(collections):
    """Return the mean of independent lists of arrays (seeds, things), its standard error and degrees of freedom."""
    number = sum(map(len, collections))
    means = [np.mean(arrays, axis=0) for arrays in collections]
    spreads = np.array([_spread(*_parts(mean), *mean.shape) for mean in means])
    shares = np.array([len(arrays) / number for arrays in collections])
    variances = shares**2 * spreads[:, 0]
    freedom = variances.sum() ** 2 / max((variances**2 / spreads[:, 1]).sum(), 1e-30)
    return float(shares @ [mean.mean() for mean in means]), float(np.sqrt(variances.sum())), max(float(freedom), 1.0)


def _parts(single):
    """Return the variance over seeds, over things, and of what is left, from an array (seeds, things)."""
    seeds, things = single.shape
    by_seed, by_thing = single.mean(axis=1, keepdims=True), single.mean(axis=0, keepdims=True)
    left = ((single - by_seed - by_thing + single.mean()) ** 2).sum() / (seeds - 1) / (things - 1)
    return max(0.0, by_seed.var(ddof=1) - left / things), max(0.0, by_thing.var(ddof=1) - left / seeds), left


def _spread(of_seeds, of_things, left, seeds, things):
    """Return the variance of a mean over so many seeds and things, and its degrees of freedom."""
    by_seeds, by_things, both = of_seeds / seeds, of_things / things, left / seeds / things
    variance = by_seeds + by_things + both
    squares = (by_seeds + both) ** 2 / (seeds - 1) + (by_things + both) ** 2 / (things - 1)
    return variance, np.maximum(variance**2 / np.maximum(squares, 1e-30), 1.0)


def _interval(value, error, freedom):
    reach = float(scipy.stats.t.isf(0.025, freedom)) * error
    return value, value - reach, value + reach
