"""Random alterations: stored in a cache, the same on every pass, or at work where pictures are judged."""

import tensorflow as tf

from helpers.doctor import splits
from helpers.doctor.findings import Finding, unjudged

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


def check(case, known=()):
    """Yield findings about random alterations: stored or repeated in training, or at work where pictures are judged.

    Parameters
    ----------
    case : helpers.doctor.case.Case
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
