"""What the data show by themselves: shared pictures, other orders, unequal classes, random alterations."""

import collections

import numpy as np
import tensorflow as tf

from helpers.doctor import splits
from helpers.doctor.findings import Finding, unjudged


def check(case):
    """Yield findings about the data."""
    yield from shared_pictures(case)
    altered = set()
    for split in case.splits[1:]:
        for finding in second_look(split):
            if finding.alarm and finding.name == "augmentation-in-evaluation":
                altered.add(split.name)
            yield finding
    yield from prepared_differently(case)
    yield from random_alterations(case, altered)
    yield from unequal(case)
    yield from sorted_by_class(case.train)


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


UNEQUAL = 10  # the largest class has so many times the pictures of the smallest
MAJORITY = 0.8  # of all pictures in one class
ENOUGH = 20  # pictures for each class, below which their numbers say little


def class_numbers(labels):
    """Return the class of each row, or None where labels do not name one class each."""
    if labels is None:
        return None
    if labels.ndim == 2 and labels.shape[1] > 1:
        single = np.all((labels == 0) | (labels == 1)) and np.all(labels.sum(axis=1) == 1)
        return labels.argmax(axis=1) if single else None
    numbers = labels.reshape(-1)
    return numbers.astype("int64") if np.array_equal(numbers, np.round(numbers)) else None


def unequal(case):
    """Yield a finding where a model that always says the largest class scores high."""
    numbers = class_numbers(case.train.labels)
    if numbers is None:
        return
    classes, counts = np.unique(numbers, return_counts=True)
    if len(classes) < 2:
        if len(numbers) >= ENOUGH:
            yield _unequal_finding(case, classes[0], 1.0, counts)
        return
    if len(classes) > 100 or len(numbers) < ENOUGH * len(classes):
        return
    share = counts.max() / counts.sum()
    if share >= MAJORITY or counts.max() >= UNEQUAL * counts.min():
        yield _unequal_finding(case, classes[counts.argmax()], share, counts)


def _unequal_finding(case, largest, share, counts):
    name = (
        case.class_names[largest] if case.class_names and 0 <= largest < len(case.class_names) else f"class {largest}"
    )
    return Finding(
        "classes-unequal",
        "warning",
        f"{share:.0%} of the training labels are {name!r}; the classes have from {counts.min()} to {counts.max()}.",
        f"Saying {name!r} to every picture already scores {share:.0%}: accuracy tells nothing about the rare classes.",
        "model.fit(..., class_weight={...}), and report the recall of each class",
    )


def sorted_by_class(train):
    """Yield a finding where the batches of a data set hold one class each."""
    if not train.is_dataset or train.labels is None:
        return
    numbers = [class_numbers(labels) for labels in train.batch_labels]
    numbers = [each for each in numbers if each is not None and len(each) >= 4]
    if len(numbers) < 4 or len(np.unique(np.concatenate(numbers))) < 2:
        return
    pure = np.mean([len(np.unique(each)) == 1 for each in numbers])
    if pure >= 0.6:
        yield Finding(
            "sorted-by-class",
            "error",
            f"{pure:.0%} of the training batches hold pictures of one class only.",
            "Each step pulls the model towards the class of the moment and undoes the step before.",
            "train.unbatch().shuffle(number_of_pictures).batch(32)",
        )


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
LARGEST_GRAPH = 600_000_000  # bytes of pictures that a data set made from arrays may carry in its graph


def random_alterations(case, known=()):
    """Yield findings about random alterations: stored or repeated in training, or at work where pictures are judged.

    Parameters
    ----------
    case : helpers.doctor.splits.Case
    known : collection of str
        Splits that are known to be altered.
    """
    for split in case.splits:
        if not split.is_dataset or split.name in known:
            continue
        try:
            graph = graph_of(split)
        except Exception as error:
            name = "augmentation-cached" if split is case.train else "augmentation-in-evaluation"
            yield unjudged(name, f"{split.name} does not show how it is made ({type(error).__name__}).")
            continue
        yield from _training(split, graph) if split is case.train else _evaluation(split, graph)


def graph_of(split):
    """Return the graph of a data set.

    Raises
    ------
    ValueError
        When its pictures are part of the graph and too large.
    """
    if len(split.marks) * split.batches[0][0][0].nbytes > LARGEST_GRAPH:
        raise ValueError("too large")
    variant = tf.data.experimental.to_variant(split.given)
    text = tf.raw_ops.DatasetToGraphV2(input_dataset=variant, external_state_policy=1, strip_device_assignment=False)
    return tf.compat.v1.GraphDef.FromString(text.numpy())


def _training(train, graph):
    stored = _random_before(graph, "CacheDataset")
    if stored:
        yield Finding(
            "augmentation-cached",
            "error",
            f"The training data draw random numbers ({stored}) before their cache().",
            "The first epoch's alterations are stored, and every later epoch sees the very same pictures.",
            "data.cache().map(augment)  # cache first, alter afterwards; or put the random layers into the model",
        )
    elif (drawn := _random_before(graph, "")) and sorted(splits.second_pass(train)[0]) == sorted(train.marks):
        yield Finding(
            "augmentation-cached",
            "warning",
            f"The training data draw random numbers ({drawn}); two passes give the same {len(train.marks)} pictures.",
            "A seed is set, and each pass begins with it again: every epoch sees the very same alterations.",
            "put layers such as layers.RandomFlip into the model: they go on from where they were",
        )


def _evaluation(split, graph):
    drawn = _random_before(graph, "")
    if drawn:
        yield Finding(
            "augmentation-in-evaluation",
            "error",
            f"{split.name} draws random numbers ({drawn}) in a function that is mapped over it.",
            "A score on altered pictures is not that of the pictures, and may be another one each time.",
            f"{split.name} without random layers: put them into the model, or map them over train only",
        )


def _random_before(graph, kind):
    """Return the name of a random operation in a function that lies before nodes of some kind, or None."""
    functions = {each.signature.name: each for each in graph.library.function}
    nodes = {node.name: node for node in graph.node}

    def draws(name, seen):
        if name not in functions or name in seen:
            return None
        seen.add(name)
        for node in functions[name].node_def:
            if node.op.startswith(RANDOM):
                return node.op
            found = _of_functions(node, draws, seen)
            if found:
                return found
        return None

    waiting = [name for node in graph.node if node.op.startswith(kind) for name in node.input]
    done = set()
    while waiting:
        node = nodes.get(waiting.pop().split(":")[0].lstrip("^"))
        if node is None or node.name in done:
            continue
        done.add(node.name)
        found = _of_functions(node, draws, set())
        if found:
            return found
        waiting.extend(node.input)
    return None


def _of_functions(node, draws, seen):
    for value in node.attr.values():
        for name in [value.func.name, *(each.name for each in value.list.func)]:
            found = draws(name, seen) if name else None
            if found:
                return found
    return draws(node.op, seen)
