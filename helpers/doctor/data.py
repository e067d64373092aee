"""What the data show by themselves: shared pictures, other orders, unequal classes, random alterations."""

import collections

import numpy as np
import tensorflow as tf

from helpers.doctor import splits
from helpers.doctor.findings import error, unjudged, warning
from helpers.doctor.splits import CONTRAST

# Two pictures look the same when their thumbnails differ by less (root mean square, as a share of the range of values);
# no two bundled pictures reach 0.04.
NEAR = 0.03
FLAT = 0.03  # spread of a thumbnail, as a share of the range, below which a picture is as good as blank
FEATURE_RATIO = 2.0  # of the mean absolute features of two splits
UNEQUAL = 10  # the largest class has so many times the pictures of the smallest
MAJORITY = 0.8  # of all pictures in one class
ENOUGH = 20  # pictures for each class, below which their numbers say little
LARGEST_GRAPH = 600_000_000  # bytes of pictures that a data set made from arrays may carry in its graph
# Beginnings of the names of TensorFlow's operations that draw random numbers.
RANDOM = (
    "RandomUniform",
    "RandomStandardNormal",
    "TruncatedNormal",
    "StatelessRandom",
    "StatelessTruncated",
    "StatelessSampleDistorted",
    "StatefulUniform",
    "StatefulStandardNormal",
    "StatefulTruncatedNormal",
    "SampleDistortedBoundingBox",
)


def check(case):
    """Yield findings about the data."""
    yield from shared_pictures(case)
    altered = set()
    for split in case.splits[1:]:
        for finding in second_pass(split):
            if finding.alarm and finding.name == "augmentation-in-evaluation":
                altered.add(split.name)
            yield finding
    yield from prepared_differently(case)
    yield from random_alterations(case, altered)
    yield from unequal(case)
    yield from sorted_by_class(case.train)


def shared_pictures(case):
    """Yield a finding for each pair of splits that share a picture, exactly or nearly."""
    pairs = [(one, other) for index, one in enumerate(case.splits) for other in case.splits[index + 1 :]]
    for one, other in pairs:
        both_complete = one.complete and other.complete
        common = set(one.digests) & set(other.digests) - {b""}
        exact = sum(digest in common for digest in other.digests)
        near = 0 if exact else _look_alikes(one, other)
        if not (exact or near or both_complete):
            numbers = f"{len(one.digests)} rows of {one.name} and {len(other.digests)} of {other.name}"
            yield unjudged("same-picture-in-two-splits", f"Only the first {numbers} were compared: none is shared.")
        if not (exact or near):
            continue
        how = "are bit for bit the same" if exact else "look the same"
        seen = f"{one.name} and {other.name}: {exact or near} of {len(other.digests)} {how}"
        part = "" if both_complete else f" (the first {len(one.digests)} and {len(other.digests)} were compared)"
        yield error("same-picture-in-two-splits", f"{seen}{part}.")


def _look_alikes(one, other):
    """Return how many pictures of `other` look the same as one of `one`."""
    if one.thumbnails is None or other.thumbnails is None or one.thumbnails.shape[1] != other.thumbnails.shape[1]:
        return 0
    value_range = max(float(np.ptp(one.thumbnails)), 1e-9)
    count = 0
    for start in range(0, len(other.thumbnails), 256):
        part = other.thumbnails[start : start + 256]
        nearest = _distances(part, one.thumbnails).min(axis=1) / value_range
        spread = part.std(axis=1) / value_range
        count += int(np.sum((nearest < NEAR) & (spread > FLAT)))
    return count


def _distances(rows, others):
    """Return the root mean square difference of each of `rows` and each of `others`."""
    squares = (rows**2).sum(axis=1)[:, None] + (others**2).sum(axis=1)[None] - 2.0 * (rows @ others.T)
    return np.sqrt(np.maximum(squares, 0) / rows.shape[1])


def second_pass(split):
    """Yield findings about a data set that gives other rows on a second pass than on the first."""
    if not split.is_dataset:
        return
    digests, labels = splits.read_again(split)
    if digests == split.digests:
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
    mend = f"{split.name} without shuffle(), or collect predictions and labels in one pass"
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
    if labels is None:
        return None
    if labels.ndim == 2 and labels.shape[1] > 1:
        return labels.argmax(axis=1) if splits.one_hot(labels) else None
    numbers = labels.reshape(-1)
    return numbers.astype("int64") if np.array_equal(numbers, np.round(numbers)) else None


def unequal(case):
    """Yield a finding where a model that always says the largest class scores high."""
    numbers = class_numbers(case.train.labels)
    if numbers is None:
        return
    classes, counts = np.unique(numbers, return_counts=True)
    if len(classes) > 100 or len(numbers) < ENOUGH * max(len(classes), 1):
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
    if not train.is_dataset or train.labels is None:
        return
    numbers = [class_numbers(labels) for labels in train.batch_labels]
    numbers = [batch for batch in numbers if batch is not None and len(batch) >= 4]
    if len(numbers) < 4 or len(np.unique(np.concatenate(numbers))) < 2:
        return
    pure = np.mean([len(np.unique(batch)) == 1 for batch in numbers])
    if pure >= 0.6:
        yield error("sorted-by-class", f"{pure:.0%} of the training batches hold pictures of one class only.")


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
    stored, drawn = _random_before(graph, "CacheDataset"), _random_before(graph, "")
    if stored:
        seen = f"The training data draw random numbers ({stored}) before their cache()."
        yield error("augmentation-cached", seen, "stored")
    elif drawn and sorted(splits.read_again(train)[0]) == sorted(train.digests):
        pictures = f"two passes give the same {len(train.digests)} pictures"
        yield warning(
            "augmentation-cached", f"The training data draw random numbers ({drawn}); {pictures}.", "repeated"
        )


def _in_evaluation(split, graph):
    drawn = _random_before(graph, "")
    if drawn:
        seen = f"{split.name} draws random numbers ({drawn}) in a function that is mapped over it."
        yield error("augmentation-in-evaluation", seen, "mapped", mend=_without_random_layers(split))


def _without_random_layers(split):
    return f"{split.name} without random layers: put them into the model, or map them over train only"


def _random_before(graph, kind):
    """Return the name of a random operation that runs before the nodes of some kind, or None.

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
                if node.op.startswith(RANDOM):
                    return node.op
                called += _called(node)
    return None


def _called(node):
    """Return the names of the functions that a node may call, and its own operation."""
    names = [node.op]
    for value in node.attr.values():
        names += [value.func.name, *(function.name for function in value.list.func)]
    return names
