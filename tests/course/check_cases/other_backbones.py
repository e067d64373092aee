"""Answers to the exercises of notebook 08."""

import time

import keras
import numpy as np
from keras import layers

from check_cases.common import LOGITS, Cases, just
from check_cases.fine_tune import tuned
from helpers.course.checks import other_backbones as checks
from helpers.measuring import evaluation


def told(**parts):
    return just({"white_red": 2.249, "head": "avg_pool", "cut": "pool4_pool"} | parts)


UNKNOWN_NETWORK = Cases(
    wrong={
        "nothing prepared": (told(white_red=255.0), "white"),
        "divided by 255": (told(white_red=1.0), "white"),
        "that of VGG16": (told(white_red=151.061), "white"),
        "blue": (told(white_red=2.64), "white"),
        "all three": (told(white_red=(2.249, 2.429, 2.64)), "no-number"),
        "divided by zero": (told(white_red=float("nan")), "no-finite-number"),
        "last layer": (told(head="predictions"), "head-too-late:predictions"),
        "maps": (told(head="relu"), "head-too-early:relu"),
        "two names": (told(cut=["pool4_pool", "pool4_conv"]), "not-one:cut"),
        "inside a block": (told(cut="conv5_block1_1_relu"), "no-cut:conv5_block1_1_relu"),
        "the end": (told(cut="predictions"), "no-cut:predictions"),
        "as in ResNet50": (told(cut="conv4_block24_concat"), "cut-too-early:conv4_block24_concat"),
        "before the transition": (told(cut="pool4_relu"), "cut-too-early:pool4_relu"),
        "another stage": (told(cut="pool3_pool"), "cut-too-early:pool3_pool"),
        "first block left out": (told(cut="conv5_block1_concat"), "cut-too-late:conv5_block1_concat"),
        "last block left out": (told(cut="conv5_block16_concat"), "cut-too-late:conv5_block16_concat"),
        "of another network": (told(cut="conv4_block6_out"), "unknown-name"),
        "no cut": (just({"white_red": 2.249, "head": "avg_pool"}), "no-entry:cut"),
    },
    right={
        "the pooling": told(),
        "the layer itself": lambda: told(cut=checks.stranger().get_layer("pool4_pool"))(),
        "its convolution": told(cut="pool4_conv", white_red=np.float32(2.2489083)),
        "rounded": told(white_red=2.25),
    },
    blank=(just(...), told(cut=...)),
)


def compare(
    difference=lambda labels, first, second: evaluation.paired_difference(labels, first, second),
    warm=True,
    repeats=3,
    best=min,
    ratio=lambda first, second: first / second,
    pictures=lambda pixels, labels: ((pixels, labels), (pixels, labels)),
    now=None,
):
    def answer(first, second, pixels, labels, clock):
        logits, times, given = [], [], pictures(pixels, labels)
        for network, (shown, _) in zip((first, second), given, strict=True):
            if warm:
                logits.append(network(shown))
            seconds = []
            for _ in range(repeats):
                start = (now or clock)()
                last = network(shown)
                seconds.append((now or clock)() - start)
            if not warm:
                logits.append(last)
            times.append(best(seconds))
        return {"difference": difference(given[1][1], *logits), "times_as_fast": ratio(*times)}

    return just(answer)


def halves(pixels, labels):
    return (pixels[:100], labels[:100]), (pixels[100:], labels[100:])


def unpaired(labels, first, second):
    one, two = (evaluation.accuracy(labels, logits) for logits in (first, second))
    return two[0] - one[0], two[1] - one[2], two[2] - one[1]


def value_alone(labels, first, second):
    return evaluation.accuracy(labels, second)[0] - evaluation.accuracy(labels, first)[0]


class Broken:
    def __array__(self, *given):
        raise RuntimeError("no array")


def yielding(table, megabytes):
    yield table.index[0]


def of_pooled_labels(labels, first, second):
    return evaluation.paired_difference(np.roll(labels, 1), first, second)


FAIR_COMPARISON = Cases(
    wrong={
        "the stranger's": (compare(value_alone, pictures=halves, warm=False, repeats=1), "other-pictures"),
        "no interval": (compare(value_alone), "no-interval"),
        "first minus second": (
            compare(lambda labels, first, second: evaluation.paired_difference(labels, second, first)),
            "turned-around",
        ),
        "labels of others": (compare(of_pooled_labels), "another-difference"),
        "two intervals": (compare(unpaired), "unpaired"),
        "no array": (compare(lambda *given: Broken()), "cannot-be-judged"),
        "cold": (compare(warm=False, repeats=1), "called-once"),
        "timed once": (compare(repeats=1), "timed-once"),
        "mean": (compare(best=np.mean), "another-ratio"),
        "longest": (compare(best=max, repeats=2, warm=False), "timed-once"),
        "slower for faster": (compare(ratio=lambda first, second: second / first), "ratio-turned-around"),
        "another clock": (compare(now=time.perf_counter), "another-clock"),
        "a number": (just(lambda first, second, pixels, labels, clock: 5), "no-dictionary"),
        "too few arguments": (just(lambda first, second: 5), "fails"),
        "printed only": (just(lambda first, second, pixels, labels, clock: None), "returns-none"),
    },
    right={
        "smallest of three": compare(),
        "median of five": compare(repeats=5, best=np.median),
        "cold, the smallest of four": compare(warm=False, repeats=4),
        "ten": compare(repeats=10),
    },
    blank=(
        just(...),
        just(lambda first, second, pixels, labels, clock: ...),
        just(lambda first, second, pixels, labels, clock: {"difference": ..., "times_as_fast": ...}),
    ),
)


def chosen(size="base_parameters", bytes_each=4, keep=lambda rows: rows["high"] >= 0, best="pictures_per_second"):
    def choose(table, megabytes):
        rows = table[table[size] * bytes_each <= megabytes * 1e6]
        return rows[keep(rows)][best].idxmax()

    return just(choose)


def in_a_loop(table, megabytes):
    name, speed = None, 0
    for candidate, row in table.iterrows():
        fits = row["base_parameters"] * 4 / 1e6 < megabytes
        if fits and not row["high"] < 0 and row["pictures_per_second"] > speed:
            name, speed = candidate, row["pictures_per_second"]
    return name


CHOOSE_NETWORK = Cases(
    wrong={
        "always the fastest": (chosen(keep=lambda rows: rows["low"] > -1), "clearly-worse"),
        "the most accurate": (chosen(best="gain"), "dropped"),
        "clearly better only": (chosen(keep=lambda rows: rows["low"] > 0), "dropped"),
        "gain above zero": (chosen(keep=lambda rows: rows["gain"] >= 0), "dropped"),
        "with its top": (chosen(size="parameters"), "with-top"),
        "bytes forgotten": (chosen(bytes_each=1), "too-large"),
        "always VGG16": (just(lambda table, megabytes: "VGG16"), "dropped"),
        "rows": (just(lambda table, megabytes: table), "no-network"),
        "another name": (just(lambda table, megabytes: "ResNet50"), "no-network"),
        "column forgotten": (chosen(best="speed"), "fails"),
        "yield": (just(yielding), "yields"),
    },
    right={"filtered": chosen(), "in a loop": just(in_a_loop)},
    blank=(just(...), just(lambda table, megabytes: ...)),
)


def norm(name):
    return name.endswith("_bn")


def late(name):
    return name.startswith(("block6", "top"))


def late_without_norm(name):
    return late(name) and not norm(name)


def in_call_only(base, model):
    base.trainable = True
    for layer in base.layers:
        layer.trainable = late(layer.name)
    row = layers.GlobalAveragePooling2D()(base(model.input, training=False))
    again = keras.Model(model.input, model.get_layer("predictions")(row))
    again.compile(keras.optimizers.Adam(1e-5), LOGITS)
    return again


def marks_only(base, model):
    base.trainable = True
    for layer in base.layers:
        layer.trainable = late_without_norm(layer.name)
    model.optimizer.learning_rate.assign(1e-5)
    return model


def frozen_head(base, model):
    model.get_layer("predictions").trainable = False
    return tuned(late_without_norm)()(base, model)


def compiled_only(base, model):
    model.compile(keras.optimizers.Adam(1e-5), LOGITS)
    return model


STILL_STATISTICS = Cases(
    wrong={
        "statistics move": (tuned(late), "others-move:top_bn"),
        "training=False trusted": (just(in_call_only), "others-move:top_bn"),
        "everything free": (tuned(lambda name: True), "others-move:top_bn"),
        "block5 too": (tuned(lambda name: not norm(name)), "others-move:block5c_conv"),
        "only block6": (tuned(lambda name: name == "block6a_conv"), "late-frozen:top_conv"),
        "all frozen": (tuned(lambda name: False), "late-frozen:block6a_conv, top_conv"),
        "marks without compile": (just(marks_only), "compiled-too-early"),
        "as it came": (just(lambda base, model: model), "late-frozen:block6a_conv, top_conv"),
        "head frozen": (just(frozen_head), "head-frozen"),
        "compiled only": (just(compiled_only), "late-frozen:block6a_conv, top_conv"),
        "rate of the head": (tuned(late_without_norm, 1e-3), "rate-high"),
        "loss by name": (
            tuned(late_without_norm, loss="sparse_categorical_crossentropy"),
            "takes-probabilities:compile",
        ),
    },
    right={
        "in one condition": tuned(late_without_norm),
        "by name": tuned(lambda name: name in ("block6a_conv", "top_conv")),
        "compile, then flags, before any fit": tuned(late_without_norm, early=True),
    },
    blank=(just(...), just(lambda base, model: ...)),
)
