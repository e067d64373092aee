"""What the data show by themselves: shared pictures, other orders, unequal classes, random alterations."""

import collections
import re

import numpy as np
import tensorflow as tf

from helpers.doctor import splits
from helpers.doctor.findings import error, unjudged, warning
from helpers.doctor.splits import CONTRAST

# Two pictures look the same when their thumbnails differ by less (root mean square, as a share of the range of values);
# no two bundled pictures reach 0.04.
NEAR = 0.03
FLAT = 0.03  # spread of a thumbnail, as a share of the range, below which a picture is as good as blank
# A mirrored, brightened or slightly cropped copy correlates so highly with its original, ten times nearer to it than to
# the tenth picture (or the twentieth part of them). One in 800 bundled pictures does by chance, of copies nine in ten.
COPY = 0.975
NEARER = 0.1
SHARE = 0.02  # of the pictures of a split that have to look like altered copies, at least two
COMMON = 0.05  # where even the tenth correlates by 1 minus this, they share a background or a layout
LIKELY = 0.85  # correlation of the coarsest copies, from which on two pictures are compared
CROPS = [(0.0, 0.0, 1.0, 1.0)] + [
    (top * (1 - side), left * (1 - side), top * (1 - side) + side, left * (1 - side) + side)
    for side in (0.95, 0.9)
    for top in (0, 0.5, 1)
    for left in (0, 0.5, 1)
]
CHANCE = 1e-4  # probability of a class to be missing in one of two splits that were dealt at random, when it counts
FEATURE_RATIO = 2.0  # of the mean absolute features of two splits
UNEQUAL = 10  # the largest class has so many times the pictures of the smallest
MAJORITY = 0.8  # of all pictures in one class
ENOUGH = 20  # pictures for each class, below which their numbers say little
LARGEST_GRAPH = 600_000_000  # bytes of pictures that a data set made from arrays may carry in its graph
# TensorFlow's operations that draw random numbers, and those that call Python, by the beginnings of their names.
RANDOM = (
    r"Random(Uniform|Standard)|Truncated|Stateless(Random|Truncated|Sample)|Stateful(Uniform|Standard|Trunc)|SampleD"
)
PYTHON = "PyFunc|EagerPyFunc"


def check(case):
    """Yield findings about the data."""
    yield from shared_pictures(case)
    altered = set()
    for split in case.splits:
        for finding in used_up(split) if split.once or split is case.train else second_pass(split):
            if finding.alarm and finding.name == "augmentation-in-evaluation":
                altered.add(split.name)
            yield finding
    yield from prepared_differently(case)
    yield from random_alterations(case, altered)
    yield from unequal(case)
    yield from sorted_by_class(case.train)
    yield from other_classes(case)


def shared_pictures(case):
    """Yield a finding for each pair of splits that share a picture, exactly, nearly or altered."""
    pairs = [(one, other) for index, one in enumerate(case.splits) for other in case.splits[index + 1 :]]
    for one, other in pairs:
        exact = len(set(one.digests) & set(other.digests) - {b""})
        near, altered, common = (0, 0, 0) if exact else _look_alikes(one, other)
        numbers = f"{len(one.digests)} rows of {one.name} and {len(other.digests)} of {other.name}"
        part = "" if one.complete and other.complete else f" (the first {numbers} were compared)"
        found = exact or near or altered
        how = "are bit for bit the same" if exact else "look the same" if near else "look mirrored, brighter or cropped"
        if found:
            yield error(
                "same-picture-in-two-splits",
                f"{one.name} and {other.name}: {found} of {len(other.digests)} {how}{part}.",
            )
        elif common > len(other.digests) / 2:
            seen = f"{common} of {len(other.digests)} pictures of {other.name} resemble many of {one.name}"
            yield unjudged(
                "same-picture-in-two-splits",
                f"{seen} (one background or layout?): no copy bit for bit; others cannot be told.",
            )
        elif part:
            yield unjudged("same-picture-in-two-splits", f"Only the first {numbers} were compared: none is shared.")


def _look_alikes(one, other):
    """Return how many pictures of `other` look the same as one of `one`, like an altered copy of one, and like many."""
    if one.thumbnails is None or other.thumbnails is None or one.thumbnails.shape[3] != other.thumbnails.shape[3]:
        return 0, 0, 0
    value_range = max(float(np.ptp(one.thumbnails)), 1e-9)
    coarse = _rows(tf.nn.avg_pool2d(one.thumbnails, 2, 2, "VALID"))
    rank = min(max(10, len(coarse) // 20), len(coarse) - 1)
    near = altered = common = 0
    for start in range(0, len(other.thumbnails), 256):
        part = other.thumbnails[start : start + 256]
        both = [_rows(tf.nn.avg_pool2d(each, 2, 2, "VALID")) @ coarse.T for each in (part, part[:, :, ::-1])]
        alike = np.maximum(*both)
        distant = 1 - np.sort(alike, axis=1)[:, -1 - rank]
        common += int(np.sum(distant < COMMON))
        candidates = (alike.max(axis=1) > LIKELY) & (distant > (COMMON if rank else -1))
        candidates &= part.std(axis=(1, 2, 3)) > FLAT * value_range
        if not candidates.any():
            continue
        part, twins = part[candidates], one.thumbnails[alike[candidates].argmax(axis=1)]
        same = np.sqrt(((part - twins) ** 2).mean(axis=(1, 2, 3))) < NEAR * value_range
        near += int(same.sum())
        altered += int(np.sum(1 - _closest(part, twins) < np.minimum(1 - COPY, NEARER * distant[candidates])))
    return near, altered if altered >= max(2, SHARE * len(other.thumbnails)) else 0, common


def _closest(pictures, twins):
    """Return the highest correlation of each picture with its twin, mirrored or not, one of them cropped or not."""
    crops, best = [_rows(_cropped(twins, box)) for box in CROPS], np.full(len(pictures), -1.0)
    for turned in (pictures, pictures[:, :, ::-1]):
        for box, crop in zip(CROPS, crops, strict=True):
            best = np.maximum(best, (_rows(turned) * crop).sum(axis=1))
            best = np.maximum(best, (_rows(_cropped(turned, box)) * crops[0]).sum(axis=1))
    return best


def _cropped(pictures, box):
    return tf.image.crop_and_resize(pictures, [box] * len(pictures), range(len(pictures)), pictures.shape[1:3])


def _rows(pictures):
    """Return pictures as rows of mean 0 and length 1: the product of two is their correlation."""
    rows = np.asarray(pictures).reshape(len(pictures), -1)
    rows = rows - rows.mean(axis=1, keepdims=True)
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)


def used_up(split):
    """Yield a finding where a second pass finds nothing, and say so where it cannot be tried."""
    if split.once and split.complete and split.name != "test":
        seen = f"{split.name} is a {split.once} that ended after {len(split.digests)} rows; they do not come again."
        yield error("used-up-generator", seen)
    elif split.once:
        seen = f"{split.name} is a {split.once}: the {len(split.digests)} rows that were read are gone from it"
        reason = f"{seen}, and its order and alterations on a second pass cannot be seen."
        yield unjudged("used-up-generator", reason, "make a new one before you go on, or give a keras.utils.PyDataset")
    elif not any(True for _ in splits.batches(split.name, split.data)):
        yield error("used-up-generator", f"{split.name} gave {len(split.digests)} rows, and none on a second pass.")


def second_pass(split):
    """Yield findings about a data set that gives other rows on a second pass than on the first."""
    if not split.in_batches:
        return
    digests, labels = splits.read_again(split)
    if digests == split.digests:
        return
    if not digests:
        yield from used_up(split)
        return
    same_pictures = collections.Counter(digests) == collections.Counter(split.digests)
    same_labels = labels is not None and np.array_equal(labels, split.labels)
    shared = len(set(digests) & set(split.digests)) / max(len(set(split.digests)), 1)
    if same_labels and shared < 0.9 and not same_pictures:
        seen = f"on a second pass only {shared:.0%} of the pictures are the same, though their labels are"
        yield error(
            "augmentation-in-evaluation", f"{split.name}: {seen}.", "passes", mend=_without_random_layers(split)
        )
        return
    unmoved = np.mean([before == after for before, after in zip(split.digests, digests, strict=False)])
    seen = f"{split.name}: only {unmoved:.0%} of the rows are in the same position on a second pass."
    mend = f"{split.name} without shuffling, or collect predictions and labels in one pass"
    yield (warning if split.name == "validation" else error)("reshuffles", seen, mend=mend)
    if not same_pictures and split.complete and shared < 0.5 and len(digests) == len(split.digests):
        reason = f"{split.name}: order and pictures differ on a second pass; whether they are altered cannot be told."
        yield unjudged("augmentation-in-evaluation", reason)


def prepared_differently(case):
    """Yield a finding for each split that was prepared in another way than the training data."""
    for split in case.splits[1:]:
        difference = _difference(case.train, split)
        if difference is not None:
            yield error("splits-prepared-differently", f"{split.name}: {difference}.")


def _difference(train, other):
    """Return in words how the values of two splits differ, or None."""
    if any(split.size < 1e-12 or split.highest - split.lowest < CONTRAST for split in (train, other)):
        return None
    if train.pictures:
        kinds = {_kind(split.lowest, split.highest) for split in (train, other)}
        own = f"training values from {train.lowest:.4g} to {train.highest:.4g}"
        bounds = f"{own}, here {other.lowest:.4g} to {other.highest:.4g}"
        return bounds if len(kinds) == 2 and None not in kinds else None
    ratio = max(train.size / other.size, other.size / train.size)
    sizes = f"training features are {train.size:.3g} on average, these {other.size:.3g}"
    return sizes if ratio > FEATURE_RATIO else None


def _kind(low, high):
    """Return how pixels of such a range were prepared, or None where it may be one or the other."""
    if low >= -0.001:
        return "0..1" if high <= 1.001 and low < 0.3 else "0..255" if high > 10 else None
    if high <= 3.5 and low >= -3.5:
        return "-1..1" if low < -0.3 else None
    return "means subtracted" if low < -90 and 10 < high < 160 else None


def class_numbers(labels):
    """Return the class of each row, or None where labels do not name one class each."""
    if labels is None or labels.dtype.kind == "U" or not np.isfinite(labels).all():
        return None
    if labels.ndim == 2 and labels.shape[1] > 1:
        return labels.argmax(axis=1) if splits.one_hot(labels) else None
    numbers = labels.reshape(-1)
    return numbers.astype("int64") if np.array_equal(numbers, np.round(numbers)) else None


def number_of_classes(labels):
    """Return how many classes labels speak of, or None where that is unclear."""
    numbers = class_numbers(labels)
    if labels is None or labels.dtype.kind == "U":
        return None
    return (
        labels.shape[1] if labels.ndim == 2 and labels.shape[1] > 1 else None if numbers is None else numbers.max() + 1
    )


def unequal(case):
    """Yield a finding where a model that always says the largest class scores high."""
    numbers = class_numbers(case.train.labels)
    if numbers is None:
        return
    classes, counts = np.unique(numbers, return_counts=True)
    if not 2 <= len(classes) <= 100 or len(numbers) < ENOUGH * len(classes):
        return
    share = counts.max() / counts.sum()
    if share < MAJORITY and counts.max() < UNEQUAL * counts.min():
        return
    largest = classes[counts.argmax()]
    has_name = case.class_names and 0 <= largest < len(case.class_names)
    name = case.class_names[largest] if has_name else f"class {largest}"
    seen = f"{share:.0%} of the training labels are {name!r}; the classes have from {counts.min()} to {counts.max()}."
    why = f"Saying {name!r} to every picture already scores {share:.0%}: accuracy tells nothing about the rare classes."
    yield warning("classes-unequal", seen, why=why)


def sorted_by_class(train):
    """Yield a finding where the batches of a data set hold one class each."""
    if not train.in_batches or train.labels is None:
        return
    numbers = [class_numbers(labels) for labels in train.batch_labels]
    numbers = [batch for batch in numbers if batch is not None and len(batch) >= 4]
    if len(numbers) < 4:
        return
    _, counts = np.unique(np.concatenate(numbers), return_counts=True)
    if len(counts) < 2:
        if not train.complete:
            reason = f"All of the first {counts.sum()} training labels are the same; the others were not read."
            yield unjudged("sorted-by-class", reason)
        return
    pure = np.mean([len(np.unique(batch)) == 1 for batch in numbers])
    by_chance = np.sum((counts / counts.sum()) ** np.mean([len(batch) for batch in numbers]))
    if pure >= 0.6 and by_chance < 0.3:
        yield error("sorted-by-class", f"{pure:.0%} of the training batches hold pictures of one class only.")


def other_classes(case):
    """Yield a finding where a class is in one of two splits alone, though chance would have dealt it to both."""
    own = class_numbers(case.train.labels)
    for split in case.splits[1:]:
        theirs = class_numbers(split.labels)
        if own is None or theirs is None:
            continue
        for numbers, others, says in (
            (theirs, own, "training has none of it: the model cannot know it"),
            (own, theirs, f"{split.name} has none of it: is a folder missing, so that all later labels shift?"),
        ):
            share = len(numbers) / (len(numbers) + len(others))
            classes, counts = np.unique(numbers, return_counts=True)
            missing = [
                (int(number), int(count))
                for number, count in zip(classes, counts, strict=True)
                if number not in others and share**count < CHANCE / len(classes)
            ]
            if not missing:
                continue
            seen = ", ".join(f"{count} of {len(numbers)} labels are {number}" for number, count in missing[:3])
            seen = f"{split.name if numbers is theirs else 'train'}: {seen}; {says}"
            if case.train.complete and split.complete:
                yield (error if numbers is theirs else warning)("classes-differ-between-splits", seen)
            else:
                yield unjudged("classes-differ-between-splits", f"{seen} (not all rows were read).")


def random_alterations(case, known):
    """Yield findings about random alterations, but for the splits in `known`, which were found to be altered before."""
    for split in case.splits:
        if not split.is_dataset or split.name in known:
            continue
        training = split is case.train
        try:
            graph = graph_of(split)
        except Exception as problem:
            name = "augmentation-cached" if training else "augmentation-in-evaluation"
            yield unjudged(name, f"{split.name} does not show how it is made ({type(problem).__name__}).")
            continue
        yield from _in_training(split, graph) if training else _in_evaluation(split, graph)


def graph_of(split):
    """Return the graph of a data set; raise `ValueError` when its pictures are part of the graph and too large."""
    if len(split.digests) * split.batches[0][0][0].nbytes > LARGEST_GRAPH:
        raise ValueError("too large")
    variant = tf.data.experimental.to_variant(split.data)
    text = tf.raw_ops.DatasetToGraphV2(input_dataset=variant, external_state_policy=1, strip_device_assignment=False)
    return tf.compat.v1.GraphDef.FromString(text.numpy())


def _in_training(train, graph):
    stored, drawn = _before(graph, "CacheDataset", RANDOM), _before(graph, "", RANDOM)
    if stored:
        seen = f"The training data draw random numbers ({stored}) before their cache()."
        yield error("augmentation-cached", seen, "stored")
    elif _before(graph, "CacheDataset", PYTHON):
        reason = "The training data call Python before their cache(): whether that alters pictures cannot be seen."
        yield unjudged("augmentation-cached", reason, "data.cache().map(augment)  # cache first, alter afterwards")
    elif drawn and sorted(splits.read_again(train)[0]) == sorted(train.digests):
        pictures = f"two passes give the same {len(train.digests)} pictures"
        yield warning(
            "augmentation-cached", f"The training data draw random numbers ({drawn}); {pictures}.", "repeated"
        )


def _in_evaluation(split, graph):
    drawn = _before(graph, "", RANDOM)
    if drawn:
        seen = f"{split.name} draws random numbers ({drawn}) in a function that is mapped over it."
        yield error("augmentation-in-evaluation", seen, "mapped", mend=_without_random_layers(split))


def _without_random_layers(split):
    return f"{split.name} without random layers: put them into the model, or map them over train only"


def _before(graph, kind, wanted):
    """Return the name of a wanted operation that runs before the nodes of some kind, or None.

    Steps of a data set are nodes of its graph. Functions that are mapped over it are named in a node's attributes, and
    may call other functions.
    """
    nodes = {node.name: node for node in graph.node}
    functions = {function.signature.name: function.node_def for function in graph.library.function}
    waiting = [name for node in graph.node if node.op.startswith(kind) for name in node.input]
    called, seen = [], set()
    while waiting:
        node = nodes.get(waiting.pop().split(":")[0].lstrip("^"))
        if node is not None and node.name not in seen:
            seen.add(node.name)
            called += _called(node)
            waiting.extend(node.input)
    seen = set()
    while called:
        name = called.pop()
        if name in functions and name not in seen:
            seen.add(name)
            for node in functions[name]:
                if re.match(wanted, node.op):
                    return node.op
                called += _called(node)
    return None


def _called(node):
    """Return the names of the functions that a node may call, and its own operation."""
    names = [node.op]
    for value in node.attr.values():
        names += [value.func.name, *(function.name for function in value.list.func)]
    return names
