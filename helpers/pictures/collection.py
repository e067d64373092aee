"""Judge a collection of pictures by its classes and their sizes, before anything is trained on it."""

import unicodedata
from collections import defaultdict

from helpers.pictures import naming

SPLITS = ("train", "validation", "test")
LEAST_IN_CLASS = 3  # one for each split
FEW_IN_CLASS = 20  # a quarter of them, five, would be tested
UNEQUAL = 4  # times as many pictures in the largest class as in the smallest


def judged(counts):
    """Return what there is to say of classes and their sizes.

    Parameters
    ----------
    counts : dict of str to dict of str to int
        Split to class to the number of pictures that can be used; one split ``""`` for a folder without splits.

    Returns
    -------
    list of (str, str, str, bool)
        What it concerns, what was found, what there is to do, and whether it makes training impossible.
    """
    totals = defaultdict(int)
    for classes in counts.values():
        for name, number in classes.items():
            totals[name] += number
    return [*_on_number(totals), *_on_names(totals), *_on_sizes(counts, totals), *_on_splits(counts)]


def _on_number(totals):
    if len(totals) < 2:
        found = f"one class only, {naming.shown(*totals)}" if totals else "no class folder"
        yield "(all)", found, "put the pictures of each class in a folder of its own, at least 2 classes", True


def _on_names(totals):
    alike = defaultdict(list)
    for name in totals:
        alike["".join(unicodedata.normalize("NFKC", name).casefold().split())].append(name)
        if naming.stored_name(name) != name:
            done = f"kept, under the name {naming.stored_name(name)}"
            yield naming.shown(name), "the name of the class is broken text or too long", done, False
    for names in alike.values():
        if len(names) > 1:
            listed = ", ".join(repr(name) for name in names)
            found = "class names that differ only by capitals or blanks"
            yield listed, found, "kept as different classes; if they are one, put them in one folder", False


def _on_sizes(counts, totals):
    for split, classes in counts.items():
        for name, number in classes.items():
            about = naming.shown(f"{split}/{name}" if split else name)
            if number == 0:
                yield about, "no picture that can be used", "add some, or delete the folder", True
            elif not split and number < LEAST_IN_CLASS:
                done = f"add some: {LEAST_IN_CLASS} at least"
                yield about, f"{_pictures(number)}: cannot be split three ways", done, True
            elif not split and number < FEW_IN_CLASS:
                tested = _pictures(max(1, round(number / 4)))
                done = f"can be split, but {tested} to test can conclude nothing; add some: {FEW_IN_CLASS} at least"
                yield about, _pictures(number), done, False
    if len(totals) > 1 and max(totals.values()) >= UNEQUAL * max(1, min(totals.values())):
        most, least = max(totals, key=totals.get), min(totals, key=totals.get)
        found = f"very unequal classes: {naming.shown(most)} {totals[most]}, {naming.shown(least)} {totals[least]}"
        yield "(all)", found, "kept; compare with always answering the largest class, or even them out", False


def _on_splits(counts):
    if "train" not in counts:
        return
    for split in SPLITS:
        if split not in counts:
            yield split, "a folder 'train' stands alone, this one is missing", "add it, or give the classes alone", True
        elif odd := counts[split].keys() ^ counts["train"].keys():
            found = f"its classes differ from those of 'train' ({', '.join(map(naming.shown, sorted(odd)))})"
            yield split, found, "make them the same", True


def _pictures(number):
    return "1 picture" if number == 1 else f"{number} pictures"
