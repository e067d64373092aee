"""The study behind the comparison of methods: its design, and the reader of its results file.

A run's seed decides its training sample, the head's start and the order of the pictures; the test pictures never
change. Learning rates are chosen on validation pictures, with a seed of their own, and are in the file too.
The file is made by ``make experiments``; nothing here imports TensorFlow.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from helpers import storage

RESULTS = Path(__file__).with_name("study.tsv")
SIDE, BATCH, CLASSES = 96, 32, 5
SEEDS = tuple(range(5))
SEED_OF_CHOICE = 1000
COUNTS = (10, 40, 0)  # training pictures a class; 0 is all of them
HEAD_RATES, BLOCK_RATES = (3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2), (1e-5, 3e-5, 1e-4, 3e-4)
DATA = ("animals", "emoji")
THIRD_ARTIST = "fluent"

FROM_SCRATCH, RANDOM, FROZEN = "scratch", "random VGG16 + head", "frozen VGG16 + head"
LP_FT, FRESH = "LP-FT", "fine-tuned, fresh head"
# For each method: the learning rates to choose from, and the most epochs for each count of pictures, more where an
# epoch is short. When the validation loss has not fallen for a fifth of them, training ends with the best weights.
CARE = {
    FROM_SCRATCH: ((3e-4, 1e-3, 3e-3, 1e-2), dict(zip(COUNTS, (100, 60, 40), strict=True))),
    RANDOM: ((3e-4, 1e-3, 3e-3, 1e-2, 3e-2), dict(zip(COUNTS, (100, 60, 40), strict=True))),
    FROZEN: (HEAD_RATES, dict(zip(COUNTS, (100, 60, 40), strict=True))),
    LP_FT: (BLOCK_RATES, dict(zip(COUNTS, (15, 8, 5), strict=True))),
    FRESH: (BLOCK_RATES, dict(zip(COUNTS, (30, 12, 6), strict=True))),  # its head has further to go
}
HEADS = ("pooling", "flatten", "pooling, flipped too", "flatten, flipped too")
PREPROCESSING = ("right", "0 to 1", "red and blue exchanged", "twice")
SAME_ARTISTS, OTHER_ARTIST = "shift, unseen emoji of the same artists", "shift, unseen emoji of the third artist"


def results(path=RESULTS):
    """Return the results file as a table; an incomplete last line is left out.

    Columns: ``experiment``, ``data``, ``per_class``, ``method``, ``seed``, ``rate``, ``accuracy``, ``loss`` (on the
    test pictures; on validation pictures for ``choice``), ``seconds`` (of training, without computing features; longer
    on a busy machine), ``cpu_seconds`` (of all cores together, the same on a busy machine), ``trunk_pictures`` (passed
    once through a frozen trunk), ``pictures_seen`` in training, ``trainable_parameters``, ``epochs``, ``predictions``
    (text, one digit for each test picture), ``versions``, ``processor``.
    """
    path = Path(path)
    whole = whole_lines(path.read_text(encoding="utf-8")) if path.is_file() else ""
    if not whole:
        raise storage.StorageError(f"There are no results at {path.name}. Restore the file, or run `make experiments`.")
    lines = [line.split("\t") for line in whole.splitlines()]
    table = pd.DataFrame(lines[1:], columns=lines[0])
    integers = ("per_class", "seed", "pictures_seen", "trainable_parameters", "epochs", "trunk_pictures")
    kinds = dict.fromkeys(integers, int)
    kinds |= dict.fromkeys(("rate", "accuracy", "loss", "seconds", "cpu_seconds"), float)
    key = ["experiment", "data", "per_class", "method", "seed", "rate"]
    return table.astype(kinds).drop_duplicates(key, keep="last", ignore_index=True)


def whole_lines(text):
    """Return a text without an incomplete last line."""
    return text[: text.rfind("\n") + 1]


def rate_of(method, data, per_class, done):
    """Return the learning rate with the lowest validation loss among those tried for a method, data set and count."""
    tried = done.query("experiment == 'choice' and method == @method and data == @data and per_class == @per_class")
    if tried.empty:
        raise ValueError(f"No rate was tried yet for {method!r} on {data} with {per_class or 'all'} pictures a class.")
    return float(tried.loc[tried["loss"].idxmin(), "rate"])


def sample(labels, per_class, seed):
    """Return the sorted indices of a seeded draw of `per_class` pictures of each class; 0 draws all."""
    generator = np.random.default_rng(seed)
    drawn = [generator.permutation(np.flatnonzero(labels == label)) for label in np.unique(labels)]
    return np.sort(np.concatenate([indices[: per_class or None] for indices in drawn]))
