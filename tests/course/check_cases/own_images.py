"""Answers to the exercises of notebook 10."""

from pathlib import Path

import keras
import numpy as np
import pandas as pd
from sklearn import metrics

from check_cases.common import Cases, just
from helpers.saving import explain

GO = ["bee/garden.jpg", "bee/invoice.jpg", "wasp/stamp.png", "wasp/IMG_0003 copy.png", "bee/nest.png", "wasp/nest.png"]


def files(*more, without=()):
    return just([name for name in [*GO, *more] if name not in without])


CLEAN_FOLDER = Cases(
    wrong={
        "only what cannot be read": (just(GO[:3]), "unusable-left"),
        "the refused one forgotten": (files("bee/IMG_0013.png", without=GO[1:2]), "unusable-left"),
        "both nests stay": (files("bee/IMG_0013.png", without=GO[4:]), "unusable-left"),
        "two shots of one scene": (files(), "one-scene-twice"),
        "a mended one too": (files("bee/IMG_0013.png", "bee/phone.jpg"), "sound-one-lost"),
        "both shots": (files("bee/IMG_0012.png", "bee/IMG_0013.png"), "both-lost"),
        "copy and original": (files("bee/IMG_0013.png", "wasp/IMG_0003.png"), "both-lost"),
        "every file that is named": (
            files("bee/IMG_0013.png", "bee/phone.jpg", "wasp/scan.png"),
            "sound-one-lost",
        ),
        "nothing": (just([]), "unusable-left"),
        "no class": (just(["garden.jpg"]), "unknown-name"),
        "numbers": (just([0, 1, 4]), "no-names"),
        "how many": (just(7), "no-list"),
    },
    right={
        "left out and one shot": files("bee/IMG_0013.png"),
        "the other shot, the original, one nest": files(
            "bee/IMG_0012.png", "wasp/IMG_0003.png", without=("wasp/IMG_0003 copy.png", "bee/nest.png")
        ),
        "a set of paths": just({Path(name) for name in [*GO, "bee/IMG_0013.png"]}),
        "an array": just(np.array([*GO, "bee/IMG_0013.png"])),
        "padded, as printed": just(pd.Index([f"{name:>24}" for name in [*GO, "bee/IMG_0013.png"]])),
    },
    blank=(just(...), just([...])),
)


def in_turn(labels, series, begin=lambda number: 0):
    parts = np.zeros(len(labels), int)
    for number, label in enumerate(np.unique(labels)):
        for turn, name in enumerate(np.unique(series[labels == label]), begin(number)):
            parts[series == name] = turn % 3
    return parts


def what_is_left_in_the_first(labels, series):
    parts = np.zeros(len(labels), int)
    for label in np.unique(labels):
        for turn, name in enumerate(np.unique(series[labels == label])):
            parts[series == name] = turn if turn < 3 else 0
    return parts


def by_appearance(labels, series):
    order = list(dict.fromkeys(series))
    return [order.index(name) % 3 for name in series]


def by_class(labels, series):
    return labels % 3


KEEP_SERIES_TOGETHER = Cases(
    wrong={
        "pictures in turn": (just(lambda labels, series: np.arange(len(labels)) % 3), "series-divided"),
        "all in one": (just(lambda labels, series: np.zeros(len(labels), int)), "class-missing"),
        "a class a part": (just(by_class), "class-missing"),
        "one part for all": (just(lambda labels, series: 0), "no-part-for-each"),
        "a part for each series": (
            just(lambda labels, series: np.unique(series, return_inverse=True)[1]),
            "other-parts",
        ),
        "counted from 1": (just(lambda labels, series: in_turn(labels, series) + 1), "other-parts"),
        "series in turn, whatever their class": (just(by_appearance), "class-missing"),
        "the array": (just(np.zeros(30)), "no-function"),
    },
    right={
        "series in turn": just(in_turn),
        "each class begins with another part": just(lambda *given: in_turn(*given, begin=lambda number: number)),
        "a list": just(lambda labels, series: in_turn(labels, series).tolist()),
        "what is left in the first": just(what_is_left_in_the_first),
    },
    blank=(just(...), just(lambda labels, series: ...)),
)


def falls(model, picture, heat, places=("brightest", "darkest")):
    before = model.predict(picture[None], verbose=0)[0]
    said = before.argmax()
    pictures = [explain.covered(picture[None], heat[None], where) for where in places]
    return [before[said] - model.predict(changed, verbose=0)[0, said] for changed in pictures]


def left(model, picture, heat):
    said = model.predict(picture[None], verbose=0)[0].argmax()
    pictures = [explain.covered(picture[None], heat[None], where) for where in ("brightest", "darkest")]
    bright, dark = (model.predict(changed, verbose=0)[0, said] for changed in pictures)
    return bright / dark


def of_the_winner(model, picture, heat):
    before = model.predict(picture[None], verbose=0).max()
    pictures = [explain.covered(picture[None], heat[None], where) for where in ("brightest", "darkest")]
    bright, dark = (before - model.predict(changed, verbose=0).max() for changed in pictures)
    return bright / dark


def squeezed(model, picture, heat):
    return np.divide(*falls(keras.Sequential([model, keras.layers.Softmax()]), picture, heat))


def counted(labels, said, second=None, third=None, fourth=None, times=1):
    sizes = np.bincount(labels)
    recalls = metrics.recall_score(labels, said, average=None, zero_division=0)
    numbers = [np.mean(labels == said), sizes.max() / len(labels), recalls.mean(), 1 / len(sizes)]
    for place, change in ((1, second), (2, third), (3, fourth)):
        if change:
            numbers[place] = change(labels, said)
    return tuple(times * number for number in numbers)


def changed(**changes):
    return just(lambda labels, said: counted(labels, said, **changes))


COUNT_FAIRLY = Cases(
    wrong={
        "guessing as if classes were equal": (
            changed(second=lambda labels, said: 1 / len(np.unique(labels))),
            "classes-count-the-same",
        ),
        "the class said most often": (
            changed(second=lambda labels, said: np.bincount(said).max() / len(said)),
            "most-said",
        ),
        "precision": (
            changed(third=lambda labels, said: metrics.precision_score(labels, said, average="macro", zero_division=0)),
            "precision",
        ),
        "weighted recall": (
            changed(third=lambda labels, said: metrics.recall_score(labels, said, average="weighted", zero_division=0)),
            "weighted-by-size",
        ),
        "F1": (
            changed(third=lambda labels, said: metrics.f1_score(labels, said, average="macro", zero_division=0)),
            "wrong-number",
        ),
        "one chance for both": (
            changed(fourth=lambda labels, said: np.bincount(labels).max() / len(labels)),
            "largest-class",
        ),
        "guessing at random": (changed(fourth=lambda labels, said: 0.0), "wrong-number"),
        "in percent": (changed(times=100), "more-than-1"),
        "only two": (just(lambda labels, said: (np.mean(labels == said), 0.5)), "no-four-numbers"),
        "one at a time": (just(lambda labels, said: np.mean(labels == said)), "no-four-numbers"),
        "by what was said": (
            changed(third=lambda labels, said: np.mean([np.mean(labels[said == k] == k) for k in range(3)])),
            "not-a-number",
        ),
        "a number": (just(0.5), "no-function"),
    },
    right={
        "by scikit-learn": changed(),
        "balanced accuracy, as a list": just(
            lambda labels, said: [
                np.mean(labels == said),
                max(np.mean(labels == label) for label in labels),
                metrics.balanced_accuracy_score(labels, said),
                1 / len(set(labels.tolist())),
            ]
        ),
        "as an array": just(lambda labels, said: np.array(counted(labels, said))),
    },
    blank=(just(...), just(lambda labels, said: ...), just(lambda labels, said: (..., ..., ..., ...))),
)


PUT_MAP_TO_THE_TEST = Cases(
    wrong={
        "upside down": (just(lambda *given: falls(*given)[1] / falls(*given)[0]), "upside-down"),
        "the difference": (just(lambda *given: falls(*given)[0] - falls(*given)[1]), "difference"),
        "only the bright one": (just(lambda *given: falls(*given)[0]), "one-fall"),
        "what is left": (just(left), "what-is-left"),
        "what is left, turned": (just(lambda *given: 1 / left(*given)), "what-is-left"),
        "the most probable class of each": (just(of_the_winner), "another-number"),
        "softmax once more": (just(squeezed), "another-number"),
        "the map alone": (just(lambda model, picture, heat: heat.max() / heat.min()), "another-number"),
        "without a batch": (just(lambda model, picture, heat: model.predict(picture, verbose=0)), "fails"),
        "a number": (just(3.0), "no-function"),
        "a text": (just(lambda *given: "much"), "in-quotes"),
    },
    right={
        "ratio of falls": just(lambda *given: falls(*given)[0] / falls(*given)[1]),
        "in an array": just(lambda *given: np.array([falls(*given)[0] / falls(*given)[1]])),
    },
    blank=(just(...), just(lambda model, picture, heat: ...)),
)
