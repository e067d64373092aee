"""What two splits share, what a second pass over one changes, and whether all were prepared alike."""

import collections

import numpy as np

from helpers.doctor import splits
from helpers.doctor.findings import Finding, unjudged

CONTRAST = 1e-6


def shared_pictures(case):
    """Yield a finding for each pair of splits that share a picture, exactly or nearly."""
    pairs = [(one, other) for place, one in enumerate(case.splits) for other in case.splits[place + 1 :]]
    for one, other in pairs:
        common = set(one.marks) & set(other.marks) - {b""}
        exact = sum(mark in common for mark in other.marks)
        near = 0 if exact else _look_alikes(one, other)
        if exact or near:
            how = (
                f"{exact} of {len(other.marks)} are bit for bit the same"
                if exact
                else f"{near} of {len(other.marks)} look the same"
            )
            part = (
                ""
                if one.whole and other.whole
                else f" (the first {len(one.marks)} and {len(other.marks)} were compared)"
            )
            yield Finding(
                "same-picture-in-two-splits",
                "error",
                f"{one.name} and {other.name}: {how}{part}.",
                "What was trained or chosen on cannot test: the score says how well pictures are remembered.",
                "split once, before any shuffle, by picture: shuffle(..., reshuffle_each_iteration=False), or folders",
            )
        elif not (one.whole and other.whole):
            numbers = f"{len(one.marks)} rows of {one.name} and {len(other.marks)} of {other.name}"
            yield unjudged("same-picture-in-two-splits", f"Only the first {numbers} were compared: none is shared.")


def _look_alikes(one, other):
    """Return how many pictures of `other` look the same as one of `one`."""
    if one.sketches is None or other.sketches is None or one.sketches.shape[1] != other.sketches.shape[1]:
        return 0
    scale = max(float(one.sketches.max() - one.sketches.min()), 1e-9)
    found = 0
    for start in range(0, len(other.sketches), 256):
        part = other.sketches[start : start + 256]
        near = _distances(part, one.sketches) / scale
        spread = part.std(axis=1) / scale
        found += int(np.sum((near.min(axis=1) < NEAR) & (spread > FLAT)))
    return found


NEAR = 0.03  # root mean square distance of two sketches, as a share of the range; no two bundled pictures reach 0.04
FLAT = 0.03  # spread of a sketch below which it is as good as blank


def _distances(rows, others):
    squares = (rows**2).sum(axis=1)[:, None] + (others**2).sum(axis=1)[None] - 2.0 * (rows @ others.T)
    return np.sqrt(np.maximum(squares, 0) / rows.shape[1])


def second_look(split):
    """Yield findings about a split of which a second pass differs from the first."""
    if not split.is_dataset:
        return
    marks, labels = splits.second_pass(split)
    if marks == split.marks:
        return
    same_pictures = collections.Counter(marks) == collections.Counter(split.marks)
    kept = np.mean([a == b for a, b in zip(split.marks, marks, strict=False)])
    same_labels = labels is not None and np.array_equal(labels, split.labels)
    shared = len(set(marks) & set(split.marks)) / max(len(set(split.marks)), 1)
    if same_labels and shared < 0.9 and not same_pictures:
        yield Finding(
            "augmentation-in-evaluation",
            "error",
            f"{split.name}: on a second pass only {shared:.0%} of the pictures are the same, though their labels are.",
            "A score on altered pictures is another one each time, and not that of the pictures.",
            f"{split.name} = {split.name} without random layers: put them into the model, or map them over train only",
        )
        return
    words = f"only {kept:.0%} of the rows stand in the same place on a second pass"
    yield Finding(
        "reshuffles",
        "warning" if split.name == "validation" else "error",
        f"{split.name}: {words}.",
        "Predictions of one pass and labels of another do not belong together: a confusion matrix shows chance.",
        f"{split.name} without shuffle(), or collect predictions and labels in one pass",
    )
    if not same_pictures and split.whole and shared < 0.5 and len(marks) == len(split.marks):
        reason = f"{split.name}: order and pictures differ on a second pass; whether they are altered cannot be told."
        yield unjudged("augmentation-in-evaluation", reason)


def prepared_differently(case):
    """Yield a finding for each split that was prepared in another way than the training data."""
    for split in case.splits[1:]:
        words = _differ(case.train, split)
        if words:
            yield Finding(
                "splits-prepared-differently",
                "error",
                f"{split.name}: {words}.",
                "What the model learned holds for inputs prepared in one way; prepared in another, they are new to it.",
                "prepare = one function; map every split, and every later picture, through it",
            )


def _differ(train, other):
    """Return in words how two splits differ in range, or None."""
    (low, high, _, size), (other_low, other_high, _, other_size) = train.moments, other.moments
    if min(size, other_size) < 1e-12 or high - low < CONTRAST or other_high - other_low < CONTRAST:
        return None
    ratio = max(size / other_size, other_size / size)
    bounds = f"training values from {low:.4g} to {high:.4g}, here {other_low:.4g} to {other_high:.4g}"
    if train.pictures:
        kinds = {_kind(low, high), _kind(other_low, other_high)}
        return bounds if len(kinds) == 2 and None not in kinds else None
    sizes = f"training features are {size:.3g} on average, these {other_size:.3g}"
    return sizes if ratio > FEATURE_RATIO else None


FEATURE_RATIO = 2.0  # of mean absolute features


def _kind(low, high):
    if low >= -0.001:
        return "0..1" if high <= 1.001 and low < 0.3 else "0..255" if high > 10 else None
    if high <= 3.5 and low >= -3.5:
        return "-1..1" if low < -0.3 else None
    return "means subtracted" if low < -90 and 10 < high < 160 else None
