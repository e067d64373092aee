"""Deal pictures into training, validation and test, so that a series stays in one of them."""

from collections import defaultdict

import numpy as np

SPLITS = ("train", "validation", "test")
SHARES = {"train": 0.6, "validation": 0.15, "test": 0.25}  # of what comes without splits

TRIES = 50  # deals that are looked at before fewer pictures are kept together


def drawn(splits):
    """Return the splits that are drawn from what comes without splits, or from ``train``, which is one of them."""
    return [split for split in SPLITS if split not in splits or split == "train"]


def dealt(splits, series, seed):
    """Return split → class → pictures for all three splits; those that are missing are drawn from ``train``.

    Parameters
    ----------
    splits : dict of str to dict
        Split → class → list of pictures; one split ``""`` for pictures that come without.
    series : sequence of dict
        Picture → number of its series; pictures of one series belong together. Several of them from what may belong
        together to what must: where a class has too few series for its splits, the next is taken for it.
    seed : int

    Returns
    -------
    dict of str to dict
        Each class is in each split, if it has a picture for each; where even the last of `series` does not allow it,
        they are divided.
    """
    whole, missing = dict(splits), drawn(splits)
    drawn_from = whole.pop("", None) or whole.pop("train")
    rest = sum(SHARES[split] for split in missing)
    shares = {split: SHARES[split] / rest for split in reversed(missing)}  # the test is drawn first, training last
    series, given = [*series, {}], {}  # in the end each picture for itself
    for split, classes in whole.items():
        for paths in classes.values():
            given |= dict.fromkeys(_keys(paths, series), split)
    for attempt in range(TRIES * len(series)):
        generator = np.random.default_rng([seed, attempt] if attempt else seed)
        if parts := _of_classes(drawn_from, series[: 1 + attempt // TRIES], shares, given, generator):
            return {split: whole.get(split) or parts[split] for split in SPLITS}


def _keys(paths, series):
    return [(depth, together[path]) for depth, together in enumerate(series) for path in paths if path in together]


def _of_classes(classes, series, shares, given, generator):
    """Return split → class → pictures, or None where a class would lack a split."""
    placed = dict(given)  # series → split, of classes that were dealt before: a series may hold several
    parts = {split: {} for split in shares}
    for name, paths in classes.items():
        for depth, together in enumerate(series):
            keys = {path: (depth, together[path]) if path in together else path for path in paths}
            dealt_out = _of_class(keys, shares, placed, generator)
            if all(dealt_out.values()) or len(paths) < len(shares):
                break
        else:
            return None
        for split, chosen in dealt_out.items():
            parts[split][name] = chosen
            placed |= dict.fromkeys(_keys(chosen, series), split)
    return parts


def _of_class(keys, shares, placed, generator):
    together, paths = defaultdict(list), list(keys)
    for path, key in keys.items():
        together[key].append(path)
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
        small = any(len(unit) <= wanted for unit in free)
        for unit in list(free) if small else sorted(free, key=len):
            fits = len(parts[split]) + len(unit) <= wanted or not (small or parts[split])
            if fits and len(free) > reserved:
                free.remove(unit)
                parts[split] += unit
    parts[last] += [path for unit in free for path in unit]
    return parts
