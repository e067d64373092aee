"""How the classes are spread: over the training data, and over its batches."""

import numpy as np

from helpers.doctor.findings import Finding

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
