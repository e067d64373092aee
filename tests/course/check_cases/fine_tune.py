"""Answers to the exercises of notebook 06."""

import tempfile
from collections import OrderedDict

import keras
import numpy as np
from keras import layers

from check_cases.common import LOGITS, Cases, just
from helpers.measuring import evaluation
from helpers.network import surgery


def unfrozen(
    which=lambda names, first: names[names.index(first) :],
    rate=1e-5,
    loss=LOGITS,
    early=False,
    before=None,
    container=True,
):
    def prepare(base, *first_and_model):
        *first, model = first_and_model
        if before:
            model = before(base, model)
        if early:
            model.compile(keras.optimizers.Adam(rate), loss=loss)
        chosen = which([layer.name for layer in base.layers], *first)
        base.trainable = container
        for layer in base.layers:
            layer.trainable = layer.name in chosen
        if not early:
            model.compile(keras.optimizers.Adam(rate), loss=loss)
        return model

    return just(prepare)


def tuned(choose, *rate, **options):
    """Make the same answer where no layer is named, as in notebook 08."""
    return unfrozen(lambda names: [name for name in names if choose(name)], *rate, **options)


def never_compiled(base, first, model):
    base.trainable = True
    model.optimizer.learning_rate.assign(1e-5)
    return model


def without_head(base, model):
    model.get_layer("predictions").trainable = False
    return model


def another_head(base, model):
    row = layers.GlobalAveragePooling2D()(base(model.input))
    return keras.Model(model.input, layers.Dense(5, name="predictions")(row))


def with_failing_metric(base, first, model):
    def fails(labels, outputs):
        raise ValueError("no such metric")

    model.compile(keras.optimizers.Adam(1e-5), LOGITS, metrics=[fails])
    return model


def before_the_first(base, first):
    names = [layer.name for layer in base.layers]
    return names[names.index(first) - 1]


def forgetful(base, first, model):
    surgery.freeze_up_to(base, before_the_first(base, first))
    return model


def of_the_base(base, first, model):
    base.compile(keras.optimizers.Adam(1e-5), LOGITS)
    return forgetful(base, first, model)


def up_to_the_one_before(base, first, model):
    forgetful(base, first, model).compile(keras.optimizers.Adam(1e-5), LOGITS)
    return model


def accumulating(base, first, model):
    forgetful(base, first, model).compile(keras.optimizers.Adam(1e-5, gradient_accumulation_steps=4), LOGITS)
    return model


def no_step(base, first, model):
    return unfrozen(rate=1e-30)()(base, first, model)


def rewrapped(base, model):
    return keras.Model(model.input, model.output)


def warm_up(highest):
    return keras.optimizers.schedules.CosineDecay(0.0, 100, warmup_target=highest, warmup_steps=10)


LATE = "late-frozen:deep_a, deep_b"
UNFREEZE_FROM = Cases(
    wrong={
        "as it came": (just(lambda base, first, model: model), LATE),
        "no compile after the flags": (just(never_compiled), "compiled-too-early"),
        "compile forgotten": (just(forgetful), "compiled-too-early"),
        "the base compiled": (just(of_the_base), "compiled-too-early"),
        "no step to be seen": (just(no_step), "compiled-too-early"),
        "everything free": (unfrozen(lambda names, first: names), "others-move:wide_a"),
        "one layer too many": (unfrozen(lambda names, first: names[names.index(first) - 2 :]), "others-move:wide_a"),
        "block5 by name": (unfrozen(lambda names, first: [name for name in names if "block5" in name]), LATE),
        "by the start of the name": (
            unfrozen(lambda names, first: [name for name in names if name[:4] == first[:4]]),
            "others-move:block4_conv2",
        ),
        "the last three": (unfrozen(lambda names, first: names[-3:]), "late-frozen:block4_conv3, block5_conv1"),
        "the named one alone": (unfrozen(lambda names, first: [first]), "late-frozen:deep_b"),
        "what comes after it": (unfrozen(lambda names, first: names[names.index(first) + 1 :]), "late-frozen:deep_a"),
        "warm-up to a high rate": (unfrozen(rate=warm_up(0.01)), "rate-high"),
        "head frozen": (unfrozen(before=without_head), "head-frozen"),
        "new head": (unfrozen(before=another_head), "other-weights"),
        "the name": (just(lambda base, first, model: first), "returns-no-model"),
        "a metric that fails": (just(with_failing_metric), "fit-fails"),
        "rate of the head": (unfrozen(rate=1e-3), "rate-high"),
        "rate 0": (unfrozen(rate=0.0), "rate-zero"),
        "loss by name": (unfrozen(loss="sparse_categorical_crossentropy"), "takes-probabilities:compile"),
        "not compiled": (just(lambda base, first, model: rewrapped(base, model)), "not-compiled"),
        "nothing returned": (just(lambda base, first, model: None), "returns-none"),
        "two arguments": (just(lambda base, model: model), "fails"),
    },
    right={
        "flags, then compile": unfrozen(),
        "container frozen, layers free": unfrozen(container=False),
        "a new model around the same layers": unfrozen(before=rewrapped),
        "compile, then flags, before any fit": unfrozen(early=True, rate=1e-4),
        "frozen up to the one before": just(up_to_the_one_before),
        "gradients accumulated": just(accumulating),
        "warm-up from 0": unfrozen(rate=warm_up(1e-4)),
    },
    blank=(just(...), just(lambda base, first, model: ...)),
)

PAIRS = {
    "A": ("unfrozen after compile", "compile again"),
    "B": ("random head", "train the head first"),
    "C": ("learning rate too low", "raise the learning rate"),
    "D": ("learning rate too high", "restore the weights and lower the learning rate"),
}


def read(**changed):
    return just(PAIRS | changed)


DIAGNOSE_RUNS = Cases(
    wrong={
        "the same for all": (just(dict.fromkeys("ABCD", PAIRS["D"])), "certificate"),
        "never unfrozen, called timid": (read(A=PAIRS["C"]), "certificate"),
        "never unfrozen, called healthy": (read(A=("healthy", "nothing")), "certificate"),
        "random, called memorised": (read(B=("memorised", "stop earlier")), "before"),
        "random, called too high": (read(B=PAIRS["D"]), "before"),
        "timid, called healthy": (read(C=("healthy", "nothing")), "change"),
        "timid, called never unfrozen": (read(C=PAIRS["A"]), "change"),
        "diverged, called memorised": (read(D=("memorised", "stop earlier")), "units"),
        "exchanged": (read(C=PAIRS["D"], D=PAIRS["C"]), "change"),
        "another remedy": (read(D=("learning rate too high", "stop earlier")), "remedy"),
        "the remedy of another": (read(A=("unfrozen after compile", "raise the learning rate")), "remedy"),
        "the other remedy of a random head, for another run": (
            read(C=("learning rate too low", "start the head at zero")),
            "remedy",
        ),
        "no remedy": (read(B="random head"), "unknown-remedy"),
        "a remedy of one's own": (read(C=("learning rate too low", "wait")), "unknown-remedy"),
        "remedy first": (read(A=PAIRS["A"][::-1]), "unknown-cause"),
        "a number": (read(B=2), "unknown-cause"),
        "a word with a typo": (read(B=("random heads", "train the head first")), "unknown-cause"),
        "a list": (just([*PAIRS.values()]), "no-dictionary"),
        "three runs": (just({run: PAIRS[run] for run in "ABC"}), "no-entry:D"),
        "small letters": (just({run.lower(): pair for run, pair in PAIRS.items()}), "no-entry:A"),
    },
    right={
        "as in the list": read(),
        "lists, capitals and blanks": read(A=["Unfrozen  after compile", " compile again"]),
        "the other remedy of a random head": read(B=("random head", "start the head at zero")),
        "in short": read(
            A=("never unfrozen", "compile again"),
            C=("learning rate too low", "raise it"),
            D=("learning rate too high", "restore and lower it"),
        ),
        "arrays": read(A=np.array(PAIRS["A"]), C=np.array(PAIRS["C"])),
        "one entry more": just(OrderedDict({**PAIRS, "E": ("healthy", "nothing")})),
    },
    blank=(just(...), read(B=...), read(C=("learning rate too low", ...))),
)


def fitted(
    peak=1e-4, steps=lambda epoch, epochs: epoch * epochs, warm=lambda epoch: epoch, restore=True, given=True, **options
):
    def fit(model, train, validation, epochs):
        epoch, batch = int(np.ceil(len(train[1]) / 16)), 16
        first = warm(epoch)
        rate = peak
        if steps and first:
            rate = keras.optimizers.schedules.CosineDecay(
                0.0, steps(epoch, epochs) - first, warmup_target=peak, warmup_steps=first
            )
        elif steps:
            rate = keras.optimizers.schedules.CosineDecay(peak, steps(epoch, epochs))
        model.compile(keras.optimizers.AdamW(rate), loss=LOGITS, metrics=["accuracy"], jit_compile=False)
        stop = keras.callbacks.EarlyStopping(patience=3, restore_best_weights=restore)
        settings = {"batch_size": batch, "epochs": epochs, "validation_data": validation, "verbose": 0}
        model.fit(*train, **{**settings, "callbacks": [stop] if given else [], **options})
        return model

    return just(fit)


def best_by_checkpoint(model, train, validation, epochs):
    best = keras.callbacks.ModelCheckpoint("best.weights.h5", save_best_only=True, save_weights_only=True)
    with tempfile.TemporaryDirectory() as folder:
        best.filepath = f"{folder}/best.weights.h5"
        fitted(given=False, callbacks=[best])()(model, train, validation, epochs)
        model.load_weights(best.filepath)
    return model


class Roof(keras.optimizers.schedules.LearningRateSchedule):
    def __init__(self, steps):
        self.steps = steps

    def __call__(self, step):
        share = keras.ops.cast(step, "float32") / self.steps
        return 1e-4 * keras.ops.maximum(0.0, keras.ops.minimum(10 * share, (1 - share) / 0.9))


def by_own_schedule(model, train, validation, epochs):
    schedule = Roof(epochs * int(np.ceil(len(train[1]) / 16)))
    model.compile(keras.optimizers.Nadam(schedule), loss=LOGITS, jit_compile=False)
    stop = keras.callbacks.EarlyStopping(patience=3, restore_best_weights=True)
    options = {"batch_size": 16, "epochs": epochs, "validation_data": validation, "verbose": 0, "callbacks": [stop]}
    model.fit(*train, **options)
    return model


def compiled_only(model, train, validation, epochs):
    model.compile("adam", LOGITS)
    return model


FIX_FINE_TUNING = Cases(
    wrong={
        "the stranger's steps": (fitted(steps=lambda epoch, epochs: epochs, warm=lambda epoch: 2), "over-too-early"),
        "steps of one epoch": (fitted(steps=lambda epoch, epochs: 2 * epoch), "over-too-early"),
        "too many steps": (fitted(steps=lambda epoch, epochs: 80 * epochs), "never-low"),
        "the warm-up not taken off": (fitted(steps=lambda epoch, epochs: epoch * (epochs + 1)), "never-low"),
        "no schedule": (fitted(steps=None), "no-warm-up"),
        "no warm-up": (fitted(warm=lambda epoch: 0), "no-warm-up"),
        "ten times the peak": (fitted(peak=1e-3), "rate-high"),
        "rate 0": (fitted(peak=0.0), "rate-zero"),
        "the last weights": (fitted(restore=False), "not-the-best"),
        "a callback that fit does not get": (fitted(given=False), "not-the-best"),
        "no validation": (fitted(validation_data=None, given=False), "no-validation"),
        "one epoch": (fitted(epochs=1), "not-fitted"),
        "never fitted": (just(compiled_only), "not-fitted"),
        "not compiled": (just(lambda model, train, validation, epochs: model), "not-compiled"),
        "the history": (just(lambda model, train, validation, epochs: train), "returns-no-model"),
        "nothing": (just(lambda model, train, validation, epochs: None), "returns-none"),
        "two arguments": (just(lambda model, train: model), "fails"),
    },
    right={
        "the standard recipe": fitted(),
        "a schedule of one's own": just(by_own_schedule),
        "half an epoch of warm-up, a lower peak": fitted(peak=3e-5, warm=lambda epoch: epoch // 2),
        "a checkpoint in place of restoring": just(best_by_checkpoint),
    },
    blank=(just(...), just(lambda model, train, validation, epochs: ...)),
)


def with_verdict(value, low, high):
    return value, low, high, "gain" if low > 0 else "loss" if high < 0 else "no clear difference"


def shares(returned, end=with_verdict):
    return lambda *given: (
        lambda labels, *outputs: end(*returned(labels, *[rows.argmax(axis=1) == labels for rows in outputs]))
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


def of(first, second, end=with_verdict, **options):
    return just(
        lambda labels, head, longer, tuned: end(
            *evaluation.paired_difference(
                labels, *[{"head": head, "longer": longer, "tuned": tuned}[name] for name in (first, second)], **options
            )
        )
    )


def always(verdict):
    return of("longer", "tuned", lambda *three: (*three, verdict))


FAIR_VERDICT = Cases(
    wrong={
        "against the head": (of("head", "tuned"), "against-the-head"),
        "the longer head alone": (of("head", "longer"), "without-fine-tuning"),
        "the other way round": (of("tuned", "longer"), "backwards"),
        "in points": (shares(lambda *given: np.multiply(100, normal(*given))), "per-cent"),
        "ends first": (shares(lambda *given: np.sort(normal(*given))), "other-order"),
        "difference last": (shares(lambda *given: np.roll(normal(*given), -1)), "other-order"),
        "no verdict": (of("longer", "tuned", lambda *three: three), "not-four"),
        "only the verdict": (of("longer", "tuned", lambda *three: with_verdict(*three)[3]), "not-four"),
        "verdict first": (of("longer", "tuned", lambda *three: with_verdict(*three)[::-1]), "no-array"),
        "another word": (always("better"), "not-four"),
        "always a gain": (always("gain"), "verdict"),
        "never clear": (always("no clear difference"), "verdict"),
        "by the difference alone": (
            of("longer", "tuned", lambda value, low, high: (value, low, high, "gain" if value > 0 else "loss")),
            "verdict",
        ),
        "its own argument": (just(lambda labels, head, longer, tuned: tuned), "not-four"),
        "nothing": (just(lambda *given: with_verdict(0, 0, 0)), "no-known-number"),
        "not a number": (just(lambda *given: with_verdict(*[float("nan")] * 3)), "no-known-number"),
        "an interval of 90 %": (of("longer", "tuned", confidence=0.9), "interval"),
        "an interval of 99 %": (of("longer", "tuned", confidence=0.99), "interval"),
        "one standard error": (shares(lambda *given: normal(*given, errors=1)), "interval"),
        "ends exchanged": (shares(lambda *given: np.take(normal(*given), [0, 2, 1])), "other-order"),
        "two intervals apart": (shares(ends), "interval"),
        "as if of other pictures": (shares(unpaired), "interval"),
        "words": (just(lambda *given: ("a", "low", "high", "gain")), "no-array"),
        "prints": (just(lambda *given: print(end="")), "returns-none"),
        "two arguments": (just(lambda labels, tuned: 0), "fails"),
    },
    right={
        "the helper": of("longer", "tuned"),
        "few resamples": of("longer", "tuned", resamples=1000, seed=4),
        "by hand, as a list": shares(normal, lambda *three: list(with_verdict(*three))),
        "a bootstrap of one's own": shares(bootstrapped),
        "t": shares(lambda *given: normal(*given, errors=1.963)),
    },
    blank=(just(...), just(lambda labels, head, longer, tuned: ...)),
)
