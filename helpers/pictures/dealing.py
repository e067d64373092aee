"""Deal pictures into training, validation and test, so that a series stays in one of them."""

from collections import defaultdict

import numpy as np

SPLITS = ("train", "validation", "test")
SHARES = {"train": 0.6, "validation": 0.15, "test": 0.25}  # of what comes without splits

TRIES = 50  # deals that are looked at before a series is divided


def drawn(splits):
    """Return the splits that are drawn from what comes without splits, or from ``train``, which is one of them."""
    return [split for split in SPLITS if split not in splits or split == "train"]


def dealt(splits, series, seed):
    """Return split → class → pictures for all three splits; those that are missing are drawn from ``train``.

    Parameters
    ----------
    splits : dict of str to dict
        Split → class → list of pictures; one split ``""`` for pictures that come without.
    series : dict
        Picture → number of its series; pictures of one series belong together.
    seed : int

    Returns
    -------
    dict of str to dict
        Each class is in each split, if it has a picture for each. Where its series are too few, they are divided.
    """
    whole, missing = dict(splits), drawn(splits)
    drawn_from = whole.pop("", None) or whole.pop("train")
    rest = sum(SHARES[split] for split in missing)
    shares = {split: SHARES[split] / rest for split in reversed(missing)}  # the test is drawn first, training last
    given = {
        series[path]: split for split in whole for paths in whole[split].values() for path in paths if path in series
    }
    for attempt in range(TRIES):
        last = attempt == TRIES - 1
        generator = np.random.default_rng([seed, attempt] if attempt else seed)
        if parts := _of_classes(drawn_from, series, shares, given, generator, divide=last):
            return {split: whole.get(split) or parts[split] for split in SPLITS}


def _of_classes(classes, series, shares, given, generator, divide):
    """Return split → class → pictures, or None where a class would lack a split; with `divide` series are divided."""
    placed = dict(given)  # series → split, of classes that were dealt before: a series may hold several
    parts = {split: {} for split in shares}
    for name, paths in classes.items():
        dealt_out = _of_class(paths, series, shares, placed, generator)
        if not all(dealt_out.values()) and len(paths) >= len(shares):
            if not divide:
                return None
            dealt_out = _of_class(paths, {}, shares, {}, generator)
        for split, chosen in dealt_out.items():
            parts[split][name] = chosen
            placed |= {series[path]: split for path in chosen if path in series}
    return parts


def _of_class(paths, series, shares, placed, generator):
    together = defaultdict(list)
    for path in paths:
        together[series.get(path, path)].append(path)
    units = list(together.items())
    units = [units[index] for index in generator.permutation(len(units))]
    parts = {split: [] for split in shares}
    for split in shares:
        parts[split] += [path for key, unit in units if placed.get(key) == split for path in unit]
    free = [unit for key, unit in units if placed.get(key) not in shares]
    *others, last = shares
    for place, split in enumerate(others):
        wanted, later = max(1, round(shares[split] * len(paths))), list(shares)[place + 1 :]
        reserved = sum(not parts[other] for other in later)  # a unit for each of them
        for unit in sorted(free, key=len) if not any(len(unit) <= wanted for unit in free) else list(free):
            fits = len(parts[split]) + len(unit) <= wanted or not parts[split]
            if fits and len(free) > reserved:
                free.remove(unit)
                parts[split] += unit
    parts[last] += [path for unit in free for path in unit]
    return parts
