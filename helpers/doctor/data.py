"""What the data show by themselves: shared pictures, other orders, unequal classes, random alterations."""

import itertools
import re

import keras
import numpy as np
import tensorflow as tf

from helpers.doctor import splits
from helpers.doctor.findings import error, unjudged, warning
from helpers.doctor.splits import CONTRAST

# Two pictures look the same when their thumbnails differ by less (root mean square, as a share of the range of values);
# no two bundled pictures reach 0.04.
NEAR = 0.03
FLAT = 0.03  # spread of a thumbnail, as a share of the range, below which a picture is as good as blank
# A mirrored or brightened copy correlates so highly with its original, ten times nearer to it than to
# the tenth picture (or the twentieth part of them). One in 400 bundled pictures does by chance, of copies nine in ten.
COPY, NEARER = 0.975, 0.1
SHARE = 0.02  # of the pictures of a split that have to look like altered copies, at least two
TYPICAL = 0.5  # where two pictures taken at random correlate so highly, all share a background, as from a fixed camera
COMMON = 0.05  # where even the tenth correlates by 1 minus this, they share a background or a layout
LIKELY = 0.85  # correlation of the coarsest copies, from which on two pictures are compared
CHANCE = 1e-4  # probability that splits dealt at random differ in a class, below which that counts
FEATURE_RATIO = 2.0  # of the mean absolute features of two splits
UNEQUAL = 10  # the largest class has so many times the pictures of the smallest
MAJORITY = 0.8  # of all pictures in one class
ENOUGH = 20  # pictures for each class, below which their numbers say little
LARGEST_GRAPH = 600_000_000  # bytes of pictures that a data set made from arrays may carry in its graph
# TensorFlow's operations that draw random numbers, and those that call Python, by the beginnings of their names.
RANDOM = "Random(Uniform|Standard)|Truncated|Stateless(Random|Trunc|Sample)|Stateful(Uniform|Standard|Trunc)|SampleD"
PYTHON = "PyFunc|EagerPyFunc"


def check(case):
    """Yield findings about the data."""
    yield from shared_pictures(case)
    for split in case.splits:
        found = list(used_up(split) if split.once or split is case.train else second_pass(split))
        yield from found
        altered = any(each.name == "augmentation-in-evaluation" for each in found)
        if isinstance(split.data, tf.data.Dataset) and not altered:
            yield from random_alterations(split, split is case.train)
    yield from prepared_differently(case)
    yield from unequal(case)
    yield from sorted_by_class(case.train)
    yield from other_classes(case)


def shared_pictures(case):
    """Yield a finding for each pair of splits that share a picture, exactly, nearly or altered."""
    for one, other in itertools.combinations(case.splits, 2):
        exact = len(set(one.digests) & set(other.digests) - {b""})
        near, altered, common = (0, 0, 0) if exact else _look_alikes(one, other)
        numbers = f"{len(one.digests)} of {one.name}, {len(other.digests)} of {other.name}"
        part = "" if one.complete and other.complete else f" (compared: the first {numbers})"
        how = "are bit for bit the same" if exact else "look the same" if near else "look mirrored or brighter"
        seen, total = f"{one.name} and {other.name} share pictures that", len(other.digests)
        if exact or near or altered:
            yield error("same-picture-in-two-splits", f"{seen} {how}: {exact or near or altered} of {total}{part}.")
        elif common > total / 2:
            reason = f"resemble many (one background or layout?), so copies cannot be told: {common} of {total}"
            yield unjudged("same-picture-in-two-splits", f"{seen} {reason}{part}.")
        elif part:
            yield unjudged("same-picture-in-two-splits", f"None is shared{part}.")


def _look_alikes(one, other):
    """Return how many pictures of `other` look the same as one of `one`, like an altered copy of one, and like many."""
    if one.thumbnails is None or other.thumbnails is None or one.thumbnails.shape[3] != other.thumbnails.shape[3]:
        return 0, 0, 0
    value_range = max(float(np.ptp(one.thumbnails)), 1e-9)
    views = one.thumbnails, other.thumbnails, other.thumbnails[:, :, ::-1]
    coarse, own, mirrored = (_rows(tf.nn.avg_pool2d(each, 2, 2, "VALID")) for each in views)
    straight = own @ coarse.T
    if np.median(straight) > TYPICAL:
        return 0, 0, len(own)
    alike = np.maximum(straight, mirrored @ coarse.T)
    rank = min(max(10, len(coarse) // 20), len(coarse) - 1)
    distance = 1 - np.sort(alike, axis=1)[:, -1 - rank]
    likely = (alike.max(axis=1) > LIKELY) & (distance > (COMMON if rank else -1))
    likely &= other.thumbnails.std(axis=(1, 2, 3)) > FLAT * value_range
    twins, pictures, mirrored = (each[likely] for each in (one.thumbnails[alike.argmax(axis=1)], *views[1:]))
    near = int(np.sum(np.sqrt(((pictures - twins) ** 2).mean(axis=(1, 2, 3))) < NEAR * value_range))
    closest = np.maximum(*[np.sum(_rows(each) * _rows(twins), axis=1) for each in (pictures, mirrored)])
    altered = int(np.sum(1 - closest < np.minimum(1 - COPY, NEARER * distance[likely])))
    return near, altered if altered >= max(2, SHARE * len(own)) else 0, int(np.sum(distance < COMMON))


def _rows(pictures):
    """Return pictures as rows of mean 0 and length 1: the product of two is their correlation."""
    rows = np.asarray(pictures).reshape(len(pictures), np.prod(pictures.shape[1:]))
    rows = rows - rows.mean(axis=1, keepdims=True)
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)


def used_up(split):
    """Yield a finding where a second pass finds nothing, and say so where it cannot be tried."""
    if split.once and (split.name == "test" or not split.complete):
        reason = f"{split.name} is a {split.once}: the {len(split.digests)} rows that were read are gone from it."
        yield unjudged("used-up-generator", reason, "make a new one before you go on, or give a keras.utils.PyDataset")
    elif split.once or not any(True for _ in splits.batches(split.name, split.data)):
        yield error("used-up-generator", f"{split.name} gave {len(split.digests)} of its rows, and then none.")


def second_pass(split):
    """Yield findings about a data set that gives other rows on a second pass than on the first."""
    if not split.in_batches:
        return
    if isinstance(split.data, keras.utils.PyDataset):
        split.data.on_epoch_end()  # as fit calls it after each pass
    try:
        again = splits.read(split.name, split.data)
    except ValueError:
        yield from used_up(split)
        return
    count = min(len(split.digests), len(again.digests))  # as far as time allowed
    before, digests = split.digests[:count], again.digests[:count]
    same_labels = split.labels is not None and np.array_equal(split.labels[:count], again.labels[:count])
    shared = len(set(digests) & set(before)) / len(set(before))
    if same_labels and shared < 0.9:
        seen = f"{split.name}: only {shared:.0%} of the pictures are the same on a second pass, though all labels are."
        yield error("augmentation-in-evaluation", seen)
    elif digests != before:
        unmoved = np.mean([one == other for one, other in zip(before, digests, strict=True)])
        seen = f"{split.name}: only {unmoved:.0%} of the rows are in the same position on a second pass."
        mend = f"{split.name} without shuffling, or collect predictions and labels in one pass"
        yield (warning if split.name == "validation" else error)("reshuffles", seen, mend=mend)


def prepared_differently(case):
    """Yield a finding for each split that was prepared in another way than the training data."""
    train = case.train
    for split in case.splits[1:]:
        ends = [train.lowest, train.highest, split.lowest, split.highest]
        blank = any(each.size < 1e-12 or each.highest - each.lowest < CONTRAST for each in (train, split))
        if blank or not np.isfinite(ends).all():
            continue
        kinds = {_kind(each.lowest, each.highest) for each in (train, split)}
        ratio = max(train.size / split.size, split.size / train.size)
        if len(kinds - {None}) == 2 if train.pictures else ratio > FEATURE_RATIO:
            seen = "{}: training values from {:.4g} to {:.4g}, here {:.4g} to {:.4g}.".format(split.name, *ends)
            yield error("splits-prepared-differently", seen)


def _kind(low, high):
    """Return how pixels of such a range were prepared, or None where it may be one or the other."""
    if low >= -0.001:
        return "0..1" if high <= 1.001 and low < 0.3 else "0..255" if high > 10 else None
    if -3.5 <= low < -0.3 and high <= 3.5:
        return "-1..1"
    return "means subtracted" if low < -90 and 10 < high < 160 else None


def class_numbers(labels):
    """Return the class of each row, or None where labels do not name one class each."""
    if labels is None or labels.dtype.kind == "U" or not np.isfinite(labels).all():
        return None
    if labels.ndim == 2 and labels.shape[1] > 1:
        return labels.argmax(axis=1) if splits.one_hot(labels) else None
    numbers = labels.reshape(-1)
    return numbers.astype("int64") if np.array_equal(numbers, np.round(numbers)) else None


def unequal(case):
    """Yield a finding where a model that always says the largest class scores high."""
    numbers = class_numbers(case.train.labels)
    classes, counts = np.unique([] if numbers is None else numbers, return_counts=True)
    if not 2 <= len(classes) <= 100:
        return
    share, largest = counts.max() / counts.sum(), int(classes[counts.argmax()])
    name = dict(enumerate(case.class_names or ())).get(largest, f"class {largest}")
    seen = f"{share:.0%} of {len(numbers)} training labels are {name!r}; classes have {counts.min()} to {counts.max()}."
    why = f"Saying {name!r} to every picture already scores {share:.0%}: accuracy tells nothing about the rare classes."
    if max(share / MAJORITY, counts.max() / counts.min() / UNEQUAL) >= 1:
        few = unjudged("classes-unequal", f"{seen} So few say little.")
        yield few if len(numbers) < ENOUGH * len(classes) else warning("classes-unequal", seen, why=why)


def sorted_by_class(train):
    """Yield a finding where the batches of a data set hold one class each."""
    numbers = [class_numbers(labels) for labels in train.batch_labels] if train.in_batches else []
    numbers = [batch for batch in numbers if batch is not None and len(batch) >= 4]
    if len(numbers) < 4:
        return
    _, counts = np.unique(np.concatenate(numbers), return_counts=True)
    pure = np.mean([len(np.unique(batch)) == 1 for batch in numbers])
    by_chance = np.sum((counts / counts.sum()) ** np.mean([len(batch) for batch in numbers]))
    if len(counts) == 1 and not train.complete:
        reason = f"All of the first {counts.sum()} training labels are the same; the others were not read."
        yield unjudged("sorted-by-class", reason)
    elif pure >= 0.6 and by_chance < 0.3:
        yield error("sorted-by-class", f"{pure:.0%} of the training batches hold pictures of one class only.")


def other_classes(case):
    """Yield a finding where a class is in one of two splits alone, though chance would have dealt it to both."""
    for one, other in [pair for split in case.splits[1:] for pair in ((split, case.train), (case.train, split))]:
        numbers, others = class_numbers(one.labels), class_numbers(other.labels)
        if numbers is None or others is None:
            continue
        share, (classes, counts) = len(numbers) / len([*numbers, *others]), np.unique(numbers, return_counts=True)
        missing = (share**counts < CHANCE / len(classes)) & ~np.isin(classes, others)
        if missing.any():
            held = f"in {counts[missing][0]} of {len(numbers)} rows of {one.name}, in none of {other.name}"
            seen = f"Class {classes[missing][0]} is {held}."
            if not (one.complete and other.complete):
                yield unjudged("classes-differ-between-splits", f"{seen} Not all rows were read.")
            elif one is case.train:
                yield warning("classes-differ-between-splits", seen, "untested")
            else:
                yield error("classes-differ-between-splits", seen, "untrained")


def random_alterations(split, training):
    """Yield findings about random alterations, by what the graph of a data set calls."""
    try:
        if len(split.digests) * split.batches[0][0][0].nbytes > LARGEST_GRAPH:
            raise ValueError("too large")
        variant = tf.data.experimental.to_variant(split.data)
        text = tf.raw_ops.DatasetToGraphV2(input_dataset=variant, external_state_policy=1)
        graph = tf.compat.v1.GraphDef.FromString(text.numpy())
    except Exception as problem:
        name = "augmentation-cached" if training else "augmentation-in-evaluation"
        yield unjudged(name, f"{split.name} does not show how it is made ({type(problem).__name__}).")
        return
    called = [node.op for function in graph.library.function for node in function.node_def]
    drawn, python = (next((each for each in called if re.match(kind, each)), None) for kind in (RANDOM, PYTHON))
    cached = any(node.op.startswith("CacheDataset") for node in graph.node)
    seen = f"{split.name} draws random numbers ({drawn})" if drawn else f"{split.name} calls Python ({python})"
    if not training:
        if drawn:
            yield error("augmentation-in-evaluation", f"{seen} in a function that is mapped over it.")
    elif cached and (drawn or python) and not split.complete:
        yield unjudged("augmentation-cached", f"{seen} and has a cache(): which comes first is open, not all was read.")
    elif (drawn or (cached and python)) and set(splits.read(split.name, split.data).digests) == set(split.digests):
        same = f"{seen}, and two passes give the same {len(split.digests)} pictures"
        open_ = unjudged("augmentation-cached", f"{same}: whether altered ones are stored cannot be seen.")
        yield error("augmentation-cached", f"{same}.") if drawn else open_
