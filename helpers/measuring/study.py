"""The study behind the comparison of methods: its design, and the reader of its results file.

A run's seed decides its training sample, the head's start and the order of the pictures; the test pictures never
change. Each method's learning rate is chosen on validation pictures, with a seed of its own, and what was tried is in
the file too. The file is made by ``make experiments``; nothing here imports TensorFlow.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from helpers import storage

RESULTS = Path(__file__).with_name("study.tsv")
SIDE, BATCH, CLASSES, DROPOUT = 96, 32, 5, 0.3
SEEDS = tuple(range(5))
SEED_OF_CHOICE = 1000
COUNTS = (10, 40, 0)  # training pictures a class; 0 is all of them
DATA = ("animals", "emoji")
THIRD_ARTIST = "fluent"
OUTSIDE, OUTSIDE_EACH = "outside", 600  # an experiment on test photographs, so many a class, not in the repository
CRITERION = "fitted_loss"


@dataclass(frozen=True)
class Recipe:
    """How a method trains: Adam with a cosine schedule to zero, in batches of `BATCH`, with dropout before the head."""

    rates: tuple  # learning rates to choose from; widened while the best is at an end
    views: tuple  # how often each training picture is seen, itself or mirrored, for each of `COUNTS`
    mirrored: tuple = (True,)  # with mirrored copies, or without: to choose from where there are two
    network: str = "VGG16"
    cut: str = ""  # what trains begins after this layer; nothing of the network does where it is empty
    zero: bool = True  # the head's weights start at zero; at random where not, as Keras's own do
    head_first: bool = True  # the head is trained alone before, by the recipe of its network's frozen method


HEAD_RATES, BLOCK_RATES = (1e-4, 3e-4, 1e-3, 3e-3), (3e-5, 1e-4, 3e-4)
HEAD_VIEWS, BLOCK_VIEWS = (100, 60, 40), (24, 20, 12)
FROM_SCRATCH, RANDOM, FROZEN = "scratch", "random VGG16 + head", "frozen VGG16 + head"
LP_FT, DEEPER, ALL_BLOCKS = "LP-FT block5", "LP-FT block4 and block5", "LP-FT all blocks"
ZERO_AT_ONCE, RANDOM_FIRST = "block5 at once, zero head", "LP-FT block5, random head"
FRESH = "block5 at once, random head"
LITE, LITE_LP_FT = "frozen Lite0 + head", "LP-FT Lite0"
RECIPES = {
    FROM_SCRATCH: Recipe((3e-4, 1e-3, 3e-3), (150, 80, 50)),
    RANDOM: Recipe((1e-3, 3e-3, 1e-2), HEAD_VIEWS, (True, False)),
    FROZEN: Recipe(HEAD_RATES, HEAD_VIEWS, (True, False)),
    LP_FT: Recipe(BLOCK_RATES, BLOCK_VIEWS, cut="block4_pool"),
    DEEPER: Recipe((1e-5, 3e-5, 1e-4), (12, 10, 6), cut="block3_pool"),
    ALL_BLOCKS: Recipe((1e-5, 3e-5, 1e-4), (8, 8, 8), cut="input"),
    ZERO_AT_ONCE: Recipe(BLOCK_RATES, BLOCK_VIEWS, cut="block4_pool", head_first=False),
    RANDOM_FIRST: Recipe(BLOCK_RATES, BLOCK_VIEWS, cut="block4_pool", zero=False),
    FRESH: Recipe(BLOCK_RATES, BLOCK_VIEWS, cut="block4_pool", zero=False, head_first=False),
    LITE: Recipe((3e-4, 1e-3, 3e-3), HEAD_VIEWS, (True, False), network="EfficientNet-Lite0"),
    LITE_LP_FT: Recipe((1e-4, 3e-4, 1e-3), BLOCK_VIEWS, network="EfficientNet-Lite0", cut="block5c_add"),
}
FROZEN_OF = {"VGG16": FROZEN, "EfficientNet-Lite0": LITE}
HEADS = ("pooling", "flatten", "pooling, mirrored too", "flatten, mirrored too")
PREPROCESSING = ("right", "0 to 1", "red and blue exchanged", "twice")
SAME_ARTISTS, OTHER_ARTIST = "shift, unseen emoji of the same artists", "shift, unseen emoji of the third artist"


def recipe_of(method):
    """Return the `Recipe` of a method; that of the depths, ways to feed and kinds of head is one head's."""
    if method in HEADS:
        return Recipe(HEAD_RATES, HEAD_VIEWS, (method.endswith("mirrored too"),))
    return RECIPES.get(method) or Recipe(HEAD_RATES, HEAD_VIEWS, (False,))


def results(path=RESULTS):
    """Return the results file as a table; an incomplete last line is left out.

    Columns: ``experiment``, ``data``, ``per_class``, ``method``, ``seed``, ``rate`` (learning rate), ``mirrored``
    (bool: whether mirrored copies were trained on), ``accuracy``, ``loss`` and ``fitted_loss`` (after the one
    temperature that suits the same pictures best: confidence does not count) on the test pictures, for ``choice`` on
    validation pictures; ``seconds`` (of training, without computing features; longer on a busy machine),
    ``cpu_seconds`` (of all cores together, the same on a busy machine), ``trunk_pictures`` (passed once through a
    frozen trunk), ``pictures_seen`` in training, ``trainable_parameters``, ``epochs``, ``predictions`` (text, one digit
    for each test picture), ``precision`` (of the multiplications), ``versions``, ``processor``.
    """
    path = Path(path)
    whole = whole_lines(path.read_text(encoding="utf-8", errors="replace")) if path.is_file() else ""
    if not whole:
        raise storage.StorageError(f"There are no results at {path.name}. Restore the file, or run `make experiments`.")
    lines = [line.split("\t") for line in whole.splitlines()]
    table = pd.DataFrame(lines[1:], columns=lines[0])
    integers = ("per_class", "seed", "pictures_seen", "trainable_parameters", "epochs", "trunk_pictures")
    kinds = dict.fromkeys(integers, int)
    kinds |= dict.fromkeys(("rate", "accuracy", "loss", "fitted_loss", "seconds", "cpu_seconds"), float)
    key = ["experiment", "data", "per_class", "method", "seed", "rate", "mirrored"]
    if missing := sorted({*kinds, *key} - {*table}):
        raise storage.StorageError(f"{path.name} has no columns {', '.join(missing)}: move it away, or restore it.")
    table = table.astype(kinds).assign(mirrored=table["mirrored"] == "True")
    return table.drop_duplicates(key, keep="last", ignore_index=True)


def whole_lines(text):
    """Return a text without an incomplete last line."""
    return text[: text.rfind("\n") + 1]


def count_of_choice(per_class):
    """Return at how many pictures a class a recipe was chosen: ten leave none to choose by, so they take forty's."""
    return 40 if per_class == 10 else per_class


def tried(method, data, per_class, done):
    """Return the rows of the results `done` from which the recipe of a method, data set and count was chosen."""
    count = count_of_choice(per_class)
    rows = done[done["experiment"] == "choice"]
    return rows[(rows["method"] == method) & (rows["data"] == data) & (rows["per_class"] == count)]


def chosen(method, data, per_class, done, criterion=CRITERION):
    """Return learning rate (float) and whether to train on mirrored copies (bool), the best of those tried.

    The best has the lowest validation loss after one fitted temperature, or the best of another column of the results
    `done` ("loss", "accuracy"). Raises `ValueError` when nothing was tried yet.
    """
    rows = tried(method, data, per_class, done)
    if rows.empty:
        raise ValueError(f"No rate was tried yet for {method!r} on {data} with {per_class or 'all'} pictures a class.")
    rows = rows.sort_values(["rate", "mirrored"])  # of equals the first, in whatever order they were measured
    worth = rows["accuracy"] if criterion == "accuracy" else -rows[criterion]  # a training may have ended in nothing
    best = rows.loc[worth.fillna(-np.inf).idxmax()]
    return float(best["rate"]), bool(best["mirrored"])


def sample(labels, per_class, seed):
    """Return the sorted indices of a seeded draw of `per_class` pictures of each class; 0 draws all."""
    generator = np.random.default_rng(seed)
    drawn = [generator.permutation(np.flatnonzero(labels == label)) for label in np.unique(labels)]
    return np.sort(np.concatenate([indices[: per_class or None] for indices in drawn]))
