"""Checks of notebook 08: an unknown network, BatchNormalization kept fixed, a fair comparison, a choice."""

import functools

import keras
import numpy as np
import pandas as pd
import tensorflow as tf

from helpers.course.checks import fixtures, probes
from helpers.course.checks.exercise import Refusal, StillBlank, describe, exercise, has_blank, one_line
from helpers.measuring import evaluation
from helpers.network import surgery

NOTEBOOK = "08_other_backbones"


@keras.saving.register_keras_serializable("checks")  # so that a model with it can be saved and loaded
class Watch(keras.Layer):
    """Hands on what it gets, and collects it for all models of a check."""

    seen = []  # of the class, as copies of a base are watched, too

    def call(self, inputs):
        """Return `inputs` as they are."""
        if tf.executing_eagerly() and tf.is_tensor(inputs):
            self.seen.append(np.asarray(inputs))
        return inputs


def watched_base(side, name):
    """Return a small stand-in for a base, and a list that collects what it is fed."""
    Watch.seen.clear()
    pixels = keras.Input((side, side, 3))
    maps = keras.layers.Conv2D(8, 3, padding="same", activation="relu", name="block5_conv1")(Watch()(pixels))
    return keras.Model(pixels, keras.layers.MaxPooling2D(name="block5_pool")(maps), name=name), Watch.seen


def holds(model, weights):
    """Return whether a model still has these weights, wherever they are in it."""
    kept = {weight.tobytes() for weight in model.get_weights()}
    return all(weight.tobytes() in kept for weight in weights)


PARTS = ("white_red", "head", "cut")
WHITE_RED = 2.249  # (1 - 0.485) / 0.229, as DenseNet's weights expect the red of a white pixel


@functools.cache
def stranger():
    """Return a network that the notebook does not treat, with random weights."""
    return keras.applications.DenseNet121(weights=None)


@exercise(NOTEBOOK)
def unknown_network(answer):
    """Judge three answers about DenseNet121: what it expects, where its head begins, where to cut it."""
    probes.entries(answer, PARTS)
    network = stranger()
    known = [layer.name for layer in network.layers]
    head, cut = (sorted(probes.names(answer[part], known)) for part in PARTS[1:])
    for part, chosen in zip(PARTS[1:], (head, cut), strict=True):
        if len(chosen) != 1:
            raise Refusal(f"not-one:{part}", given=probes.listed(chosen))
    if abs(probes.number(answer["white_red"]) - WHITE_RED) > 0.01:
        raise Refusal("white", given=describe(answer["white_red"]))
    if head != ["avg_pool"]:
        reason = "head-too-late" if known.index(head[0]) > known.index("avg_pool") else "head-too-early"
        raise Refusal(f"{reason}:{head[0]}", shape=network.get_layer(head[0]).output.shape)
    judge_cut(network, cut[0], "conv5_")


def judge_cut(network, cut, stage):
    """Refuse a cut whose tail does not train exactly the layers from the first of a stage on, the last stage."""
    try:
        _, tail = surgery.split(network, cut)
    except ValueError as error:
        raise Refusal(f"no-cut:{cut}", error=one_line(error)) from error
    weighted = [layer.name for layer in network.layers if layer.weights]
    first = next(index for index, name in enumerate(weighted) if name.startswith(stage))
    trains = [layer.name for layer in tail.layers if layer.weights]
    if earlier := [name for name in trains if name in weighted[:first]]:
        raise Refusal(f"cut-too-early:{cut}", others=probes.listed(earlier))
    if missing := [name for name in weighted[first:] if name not in trains]:
        raise Refusal(f"cut-too-late:{cut}", missing=probes.listed(missing))


LATE = ("block6a_conv", "top_conv")
EARLY = "block5c_conv"


def normalised_base():
    """Return a small base of convolutions with BatchNormalization after each, named like the late ones of Lite0."""
    features = keras.Input((fixtures.SIDE, fixtures.SIDE, 512), name="features")
    maps = features
    for name in (EARLY, *LATE):
        maps = keras.layers.Conv2D(32, 1, use_bias=False, name=name)(maps)
        maps = keras.layers.BatchNormalization(name=name.replace("conv", "bn"))(maps)
        maps = keras.layers.ReLU(6.0, name=name.replace("conv", "activation"))(maps)
    return keras.Model(features, maps, name="late_lite0")


@exercise(NOTEBOOK)
def still_statistics(answer):
    """Judge a function that sets up fine-tuning of a base with BatchNormalization."""
    probes.judge_fine_tuning(answer, normalised_base(), LATE)


# Seconds of a call, more of the first one, which builds the program, and how many times as long the second one takes,
# which another program disturbs.
TIMES = {"first": (0.5, 20.0, 3), "second": (0.1, 9.0, 8)}
OF_COMPARISON = ("difference", "times_as_fast")


class Timed:
    """Two networks that are functions, what each has seen, and the clock on which their calls take time."""

    def __init__(self):
        generator, count = np.random.default_rng(11), 200
        self.labels = generator.integers(0, fixtures.CLASSES, count)
        self.pixels = np.zeros((count, 8, 8, 3), "float32")
        self.pixels[:, 0, 0, 0] = np.arange(count)  # tells which picture it is
        self.seconds, self.read, self.sizes = 1000.0, 0, {name: [] for name in TIMES}
        self.seen = {name: set() for name in TIMES}
        first_right, disagree = generator.random(count) < 0.6, generator.random(count)
        second_right = np.where(first_right, disagree > 0.03, disagree < 0.35)
        self.logits = {
            name: np.eye(fixtures.CLASSES)[np.where(right, self.labels, (self.labels + 1) % fixtures.CLASSES)]
            for name, right in (("first", first_right), ("second", second_right))
        }

    def clock(self):
        """Return the time in seconds."""
        self.read += 1
        return self.seconds

    def network(self, name):
        """Return a function from pixels to logits."""

        def predict(pixels):
            pictures = np.asarray(pixels)[:, 0, 0, 0].astype(int)
            alone, building, disturbed = TIMES[name]
            calls = len(self.sizes[name])
            factor = disturbed if calls == 1 else 1
            self.seconds += factor * alone * len(pictures) / len(self.pixels) + (building if calls == 0 else 0)
            self.sizes[name].append(len(pictures))
            self.seen[name] |= set(pictures)
            return self.logits[name][pictures]

        return predict


@exercise(NOTEBOOK)
def fair_comparison(answer):
    """Judge a function that compares two networks: paired on the same pictures, and with a warm clock."""
    timed = Timed()
    given = timed.network("first"), timed.network("second"), timed.pixels.copy(), timed.labels.copy(), timed.clock
    found = probes.called(answer, *given)
    if has_blank(found):
        raise StillBlank
    probes.entries(found, OF_COMPARISON)
    judge_difference(timed, found["difference"])
    judge_ratio(timed, probes.number(found["times_as_fast"]))


def judge_difference(timed, difference):
    """Refuse a difference that is not that of `second` minus `first` on all pictures, with its paired interval."""
    value, low, high = evaluation.paired_difference(timed.labels, timed.logits["first"], timed.logits["second"])
    returned = probes.array(difference)
    if any(len(seen) < len(timed.labels) for seen in timed.seen.values()):
        counts = [len(timed.seen[name]) for name in TIMES]
        raise Refusal("other-pictures", first=counts[0], second=counts[1])
    if returned.shape != (3,):
        raise Refusal("no-interval", given=describe(difference))
    if not np.isclose(returned[0], value, atol=1e-3):
        reason = "turned-around" if np.isclose(returned[0], -value, atol=1e-3) else "another-difference"
        raise Refusal(reason, given=float(returned[0]), value=value)
    if not np.allclose(returned[1:], (low, high), atol=0.02):
        raise Refusal("unpaired", low=float(returned[1]), high=float(returned[2]))


def judge_ratio(timed, ratio):
    """Refuse a ratio of times that counts the building of a program, or a call that was disturbed."""
    wanted = TIMES["first"][0] / TIMES["second"][0]
    if np.isclose(ratio, wanted, rtol=0.02):
        return
    if timed.read < 2:
        raise Refusal("another-clock", ratio=ratio)
    if np.isclose(ratio, 1 / wanted, rtol=0.02):
        raise Refusal("ratio-turned-around", ratio=ratio)
    fewest = min(map(len, timed.sizes.values()))
    raise Refusal("called-once" if fewest < 2 else "timed-once" if fewest < 3 else "another-ratio", ratio=ratio)


COLUMNS = ["parameters", "base_parameters", "pictures_per_second", "gain", "low", "high"]
VGG16 = (138.4, 14.7, 5, 0, 0, 0)
CHOICES = [  # megabytes, and a table by network: parameters in millions, pictures a second, gains in points
    (60, {"VGG16": VGG16, "A": (5.5, 3.0, 90, -6, -9, -3), "B": (4.6, 3.4, 60, -1, -4, 2), "C": (25, 13, 20, 4, 1, 7)}),
    (81, {"D": (90, 20, 40, 2, 0.5, 4), "E": (70, 60, 95, 3, 1, 5), "VGG16": VGG16, "F": (4.6, 3.4, 30, 5, 3, 7)}),
    (60, {"G": (7.2, 5.9, 50, -3, -5, -1), "H": (143, 20, 9, 2, 1, 3), "VGG16": VGG16}),
]


def table_of(rows):
    """Return a table of networks with whole parameters, and gains in 0…1."""
    table = pd.DataFrame.from_dict(rows, orient="index", columns=COLUMNS)
    table[COLUMNS[:2]] = (table[COLUMNS[:2]] * 1e6).astype(int)
    return table.assign(**{name: table[name] / 100 for name in COLUMNS[3:]})


@exercise(NOTEBOOK)
def choose_network(answer):
    """Judge a function that chooses the fastest network that fits and is not clearly less accurate."""
    for megabytes, rows in CHOICES:
        table = table_of(rows)
        fits = 4 * table["base_parameters"] <= megabytes * 1e6
        wanted = table[fits & (table["high"] >= 0)]["pictures_per_second"].idxmax()
        given = probes.called(answer, table.copy(), megabytes)
        if not isinstance(given, str) or given not in table.index:
            raise Refusal("no-network", given=describe(given))
        if given == wanted:
            continue
        reason = "dropped" if table.loc[wanted, "low"] <= 0 else "with-top"
        if table.loc[given, "high"] < 0:
            reason = "clearly-worse"
        if not fits[given]:
            reason = "too-large"
        raise Refusal(reason, given=given, wanted=wanted, megabytes=megabytes)
