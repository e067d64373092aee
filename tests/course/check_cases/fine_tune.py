"""Answers to the exercises of notebook 05."""

from collections import OrderedDict

import keras
import numpy as np
from keras import layers

from check_cases.common import LOGITS, Cases, just
from helpers.measuring import evaluation
from helpers.network import surgery


def tuned(choose=lambda name: "block5" in name, rate=1e-5, loss=LOGITS, early=False, before=None, container=True):
    def prepare(base, model):
        if before:
            model = before(base, model)
        if early:
            model.compile(keras.optimizers.Adam(rate), loss=loss)
        base.trainable = container
        for layer in base.layers:
            layer.trainable = choose(layer.name)
        if not early:
            model.compile(keras.optimizers.Adam(rate), loss=loss)
        return model

    return just(prepare)


def never_compiled(base, model):
    base.trainable = True
    base.get_layer("block4_conv3").trainable = False
    model.optimizer.learning_rate.assign(1e-5)
    return model


def without_head(base, model):
    model.get_layer("predictions").trainable = False
    return model


def another_head(base, model):
    row = layers.GlobalAveragePooling2D()(base(model.input))
    return keras.Model(model.input, layers.Dense(5, name="predictions")(row))


def with_failing_metric(base, model):
    def fails(labels, outputs):
        raise ValueError("no such metric")

    model.compile(keras.optimizers.Adam(1e-5), LOGITS, metrics=[fails])
    return model


def forgetful(base, model):
    base.trainable = True
    surgery.freeze_up_to(base, "block4_pool")
    return model


def of_the_base(base, model):
    base.compile(keras.optimizers.Adam(1e-5), LOGITS)
    return forgetful(base, model)


def up_to_pool(base, model):
    forgetful(base, model).compile(keras.optimizers.Adam(1e-5), LOGITS)
    return model


def by_index(base, model):
    base.trainable = True
    for layer in base.layers[: base.layers.index(base.get_layer("block4_pool")) + 1]:
        layer.trainable = False
    assert base.layers[15].name == "block5_conv1"  # as in VGG16
    model.compile("adam", LOGITS)
    model.optimizer.learning_rate = 1e-5
    return model


def accumulating(base, model):
    forgetful(base, model).compile(keras.optimizers.Adam(1e-5, gradient_accumulation_steps=4), LOGITS)
    return model


def no_step(base, model):
    return tuned(rate=1e-30)()(base, model)


def rewrapped(base, model):
    return keras.Model(model.input, model.output)


def schedule():
    return keras.optimizers.schedules.CosineDecay(1e-4, 100)


def warm_up(highest):
    return keras.optimizers.schedules.CosineDecay(0.0, 100, warmup_target=highest, warmup_steps=10)


SET_UP_FINE_TUNING = Cases(
    wrong={
        "as it came": (just(lambda base, model: model), "late-frozen:block5_conv1, block5_conv2, block5_conv3"),
        "no compile after the flags": (just(never_compiled), "compiled-too-early"),
        "compile forgotten": (just(forgetful), "compiled-too-early"),
        "the base compiled": (just(of_the_base), "compiled-too-early"),
        "no step to be seen": (just(no_step), "compiled-too-early"),
        "everything free": (tuned(lambda name: True), "others-move:block4_conv3"),
        "block4 instead": (tuned(lambda name: "block4" in name), "others-move:block4_conv3"),
        "one early layer": (tuned(lambda name: name[:6] in ("block2", "block5")), "others-move:block2_conv2"),
        "warm-up to a high rate": (tuned(rate=warm_up(0.01)), "rate-high"),
        "base still frozen": (tuned(lambda name: False), "late-frozen:block5_conv1, block5_conv2, block5_conv3"),
        "one layer of block5": (tuned(lambda name: name == "block5_conv3"), "late-frozen:block5_conv1, block5_conv2"),
        "head frozen": (tuned(before=without_head), "head-frozen"),
        "new head": (tuned(before=another_head), "other-weights"),
        "the name": (just(lambda base, model: base.name), "returns-no-model"),
        "a metric that fails": (just(with_failing_metric), "fit-fails"),
        "rate of the head": (tuned(rate=1e-3), "rate-high"),
        "Adam's own rate": (
            just(lambda base, model: model.compile("adam", LOGITS) or model),
            "rate-high",
        ),
        "rate 0": (tuned(rate=0.0), "rate-zero"),
        "loss by name": (tuned(loss="sparse_categorical_crossentropy"), "takes-probabilities:compile"),
        "not compiled": (just(rewrapped), "not-compiled"),
        "the base": (just(lambda base, model: base), "not-compiled"),
        "nothing returned": (just(lambda base, model: None), "returns-none"),
    },
    right={
        "flags, then compile": tuned(),
        "container frozen, layers free": tuned(container=False),
        "a schedule": tuned(rate=schedule()),
        "a new model around the same layers": tuned(before=rewrapped),
        "compile, then flags, before any fit": tuned(early=True, rate=1e-4),
        "frozen up to the pool": just(up_to_pool),
        "by index": just(by_index),
        "gradients accumulated": just(accumulating),
        "warm-up from 0": tuned(rate=warm_up(1e-4)),
    },
    blank=(just(...), just(lambda base, model: ...)),
)


def read(a="not unfrozen", b="memorised", c="hardly moved", d="diverged"):
    return just({"A": a, "B": b, "C": c, "D": d})


DIAGNOSE_RUNS = Cases(
    wrong={
        "the same for all": (read(*["diverged"] * 4), "certificate"),
        "never unfrozen, called timid": (read(a="hardly moved"), "certificate"),
        "never unfrozen, called healthy": (read(a="healthy"), "certificate"),
        "memorised, called healthy": (read(b="healthy"), "validation"),
        "memorised, called diverged": (read(b="diverged"), "validation"),
        "timid, called healthy": (read(c="healthy"), "change"),
        "timid, called not unfrozen": (read(c="not unfrozen"), "change"),
        "diverged, called memorised": (read(d="memorised"), "units"),
        "exchanged": (read(c="diverged", d="hardly moved"), "change"),
        "a remedy": (read(d="a lower learning rate"), "unknown-cause"),
        "a number": (read(b=2), "unknown-cause"),
        "two causes": (read(d=["diverged", "memorised"]), "unknown-cause"),
        "a word with a typo": (read(b="memorized"), "unknown-cause"),
        "a list": (just(["not unfrozen", "memorised", "hardly moved", "diverged"]), "no-dictionary"),
        "three runs": (just({"A": "not unfrozen", "B": "memorised", "C": "hardly moved"}), "no-entry:D"),
        "small letters": (just(dict.fromkeys("abcd", "diverged")), "no-entry:A"),
    },
    right={
        "as in the list": read(),
        "capitals": read("Not unfrozen", "MEMORISED", "Hardly moved", "Diverged"),
        "blanks and underscores": read(" not_unfrozen", "memorised ", "hardly  moved", "diverged"),
        "one entry more": just(OrderedDict({**read()(), "E": "healthy"})),
    },
    blank=(just(...), read(b=...)),
)


def shares(returned):
    return lambda *given: (
        lambda labels, *outputs: returned(labels, *[rows.argmax(axis=1) == labels for rows in outputs])
    )


def normal(labels, head, longer, tuned, errors=1.96):
    gain = tuned * 1.0 - longer
    reach = errors * gain.std() / np.sqrt(len(gain))
    return gain.mean(), gain.mean() - reach, gain.mean() + reach


def unpaired(labels, head, longer, tuned):
    error = np.sqrt((longer.var() + tuned.var()) / len(labels))
    gain = tuned.mean() - longer.mean()
    return gain, gain - 1.96 * error, gain + 1.96 * error


def ends(labels, head, longer, tuned):
    (low, high), (least, most) = [evaluation.wilson(int(right.sum()), len(labels)) for right in (longer, tuned)]
    return tuned.mean() - longer.mean(), least - high, most - low


def bootstrapped(labels, head, longer, tuned):
    again = np.random.default_rng(3).choice(tuned * 1.0 - longer, (2000, len(labels))).mean(axis=1)
    return [tuned.mean() - longer.mean(), *np.quantile(again, (0.025, 0.975))]


def of(first, second, **options):
    return just(
        lambda labels, head, longer, tuned: evaluation.paired_difference(
            labels, *[{"head": head, "longer": longer, "tuned": tuned}[name] for name in (first, second)], **options
        )
    )


FAIR_GAIN = Cases(
    wrong={
        "against the head": (of("head", "tuned"), "against-the-head"),
        "the longer head alone": (of("head", "longer"), "without-fine-tuning"),
        "the other way round": (of("tuned", "longer"), "backwards"),
        "in points": (shares(lambda *given: np.multiply(100, normal(*given))), "per-cent"),
        "ends first": (shares(lambda *given: np.sort(normal(*given))), "other-order"),
        "difference last": (shares(lambda *given: np.roll(normal(*given), -1)), "other-order"),
        "only the difference": (shares(lambda labels, head, longer, tuned: tuned.mean() - longer.mean()), "not-three"),
        "only the ends": (just(lambda *given: evaluation.paired_difference(given[0], *given[2:])[1:]), "not-three"),
        "the verdict": (just(lambda *given: evaluation.paired_difference(given[0], *given[2:])[1] > 0), "not-three"),
        "its own argument": (just(lambda labels, head, longer, tuned: tuned), "not-three"),
        "an accuracy": (just(lambda *given: evaluation.accuracy(given[0], given[3])), "no-known-number"),
        "nothing": (just(lambda *given: (0, 0, 0)), "no-known-number"),
        "not a number": (just(lambda *given: [float("nan")] * 3), "no-known-number"),
        "an interval of 90 %": (of("longer", "tuned", confidence=0.9), "interval"),
        "an interval of 99 %": (of("longer", "tuned", confidence=0.99), "interval"),
        "one standard error": (shares(lambda *given: normal(*given, errors=1)), "interval"),
        "a reach and no ends": (
            shares(lambda *given: (normal(*given)[0], *[normal(*given)[2] - normal(*given)[0]] * 2)),
            "interval",
        ),
        "ends exchanged": (shares(lambda *given: np.take(normal(*given), [0, 2, 1])), "other-order"),
        "two intervals apart": (shares(ends), "interval"),
        "as if of other pictures": (shares(unpaired), "interval"),
        "words": (just(lambda *given: ("gain", "low", "high")), "no-array"),
        "prints": (just(lambda *given: print(end="")), "returns-none"),
        "two arguments": (just(lambda labels, tuned: 0), "fails"),
    },
    right={
        "the helper": of("longer", "tuned"),
        "few resamples": of("longer", "tuned", resamples=1000, seed=4),
        "by hand": shares(normal),
        "a bootstrap of one's own": shares(bootstrapped),
        "t": shares(lambda *given: normal(*given, errors=1.963)),
    },
    blank=(just(...), just(lambda labels, head, longer, tuned: ...)),
)
