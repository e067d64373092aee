"""Checks of notebook 06: unfreeze, diagnose runs, fit by the standard recipe, compare fairly."""

import itertools

import keras
import numpy as np
import pandas as pd

from helpers.course.checks import fixtures, probes
from helpers.course.checks.exercise import Refusal, describe, exercise, gives
from helpers.course.checks.fixtures import BLOCK5, CLASSES, HEAD
from helpers.measuring import evaluation
from helpers.network import certificate

NOTEBOOK = "06_fine_tune"


OTHER_NETWORK = ("stem", "stem_pool", "wide_a", "wide_pool", "deep_a", "deep_b", "deep_pool")
THIN = 16  # maps; by name or index each layer is found as in the real network
SET_UPS = (  # layers of a base, the first one that is to train, all of those
    (OTHER_NETWORK, "deep_a", ("deep_a", "deep_b")),
    (fixtures.LAYERS, "block4_conv3", ("block4_conv3", *BLOCK5)),
)


@exercise(NOTEBOOK)
def unfreeze_from(answer):
    """Judge a function that makes a model with a trained head ready for fine-tuning from a named layer on."""
    for names, first, meant in SET_UPS:
        probes.judge_fine_tuning(answer, fixtures.base_on_features(names, maps=THIN), meant, first)


REMEDIES = {
    "healthy": "nothing",
    "learning rate too high": "restore the weights and lower the learning rate",
    "learning rate too low": "raise the learning rate",
    "memorised": "stop earlier",
    "random head": "train the head first",
    "unfrozen after compile": "compile again",
}
AS_GOOD = {"random head": "start the head at zero"}
OTHER_WORDS = {
    "never unfrozen": "unfrozen after compile",
    "raise it": "raise the learning rate",
    "restore and lower it": "restore the weights and lower the learning rate",
}
CAUSES_LISTED = ", ".join(REMEDIES)
REMEDIES_LISTED = ", ".join(sorted([*REMEDIES.values(), *AS_GOOD.values()]))  # not in the order of the causes
RUNS = {"A": "unfrozen after compile", "B": "random head", "C": "learning rate too low", "D": "learning rate too high"}
SHOWN_BY = {"A": "certificate", "B": "before", "C": "change", "D": "units"}
RATES = {"A": 1e-3, "B": 1e-3, "C": 1e-7, "D": 0.3}
EPOCHS = 6
MAPS = 16  # of the colleagues' base


@gives
def four_runs():
    """Fine-tune block5 four times here and now, from one trained head, as four colleagues did.

    Returns a pandas.DataFrame, a column a run, A to D: losses, ``dead units`` (the share of block5's outputs that are
    zero for every picture), what ``moved`` and the ``largest change`` of a weight, as texts.
    """
    data = _pictures(40, 1, correct=0.5), _pictures(200, 2)
    base = fixtures.base_on_features(maps=MAPS)
    base.trainable = False
    model, columns = fixtures.with_head(base), {}
    model.get_layer(HEAD).set_weights([np.zeros((MAPS, CLASSES)), np.zeros(CLASSES)])
    model.compile(keras.optimizers.Adam(0.01), loss=fixtures.LOSS, jit_compile=False)
    model.fit(*data[0], batch_size=8, epochs=10, shuffle=False, verbose=0)
    start, base.trainable = model.get_weights(), True
    for name, rate in RATES.items():
        if name == "B":  # the first colleague forgets to
            model.compile(keras.optimizers.Adam(), loss=fixtures.LOSS, jit_compile=False)
        model.set_weights(start)
        if name == "B":
            model.get_layer(HEAD).set_weights(
                [np.random.default_rng(5).normal(0, 0.6, (MAPS, CLASSES)), np.zeros(CLASSES)]
            )
        columns[name] = _fine_tuned(model, base, data, rate)
    return pd.DataFrame(columns)


def _pictures(number, seed, correct=1):
    """Return features of classes that overlap, and their labels, of which a share is correct."""
    generator, labels = np.random.default_rng(seed), np.arange(number) % CLASSES
    centres = np.random.default_rng(99).gamma(0.5, 1.0, (CLASSES, 1, 1, MAPS))
    features = centres[labels] + generator.gamma(0.5, 4.0, (number, fixtures.SIDE, fixtures.SIDE, MAPS))
    wrong = generator.permutation(number) >= correct * number
    return features.astype("float32"), (labels + wrong) % CLASSES


def _fine_tuned(model, base, data, rate):
    """Fit a model from where it is, its optimizer begun anew, and return what the run shows: what to its value."""
    before, optimizer = certificate.take(model), model.optimizer
    optimizer.build(model.trainable_variables)
    for variable in optimizer.variables:
        variable.assign(keras.ops.zeros_like(variable))
    optimizer.learning_rate = rate
    losses = [model.evaluate(*part, batch_size=40, verbose=0) for part in data]
    fit = {"batch_size": 8, "epochs": EPOCHS, "shuffle": False, "validation_batch_size": 40, "verbose": 0}
    history = model.fit(*data[0], validation_data=data[1], **fit).history
    table = certificate.compare(before, certificate.take(model))
    dead = (base.predict(data[0][0], verbose=0) == 0).all(axis=(0, 1, 2)).mean()
    return {
        "loss before": f"{losses[0]:.2f}",
        "loss, epoch 1": f"{history['loss'][0]:.2f}",
        "loss at the end": f"{history['loss'][-1]:.2f}",
        "validation loss before": f"{losses[1]:.2f}",
        "validation loss at the end": f"{history['val_loss'][-1]:.2f}",
        "dead units": f"{dead:.0%}",
        "moved": ", ".join(dict.fromkeys(name.partition("_")[0] for name in table.index[table["moved"]])),
        "largest change": f"{table['largest_change'].max():.6f}",
    }


@exercise(NOTEBOOK, causes=CAUSES_LISTED, remedies=REMEDIES_LISTED)
def diagnose_runs(answer):
    """Judge what the learner reads in `four_runs`: for each run its cause and a first remedy."""
    probes.entries(answer, RUNS)
    for run, cause in RUNS.items():
        listed = isinstance(answer[run], tuple | list | np.ndarray) and len(answer[run]) == 2
        pair = answer[run] if listed else (answer[run], None)
        said, remedy = (_in_our_words(word) for word in pair)
        for reason, met in (
            ("unknown-cause", said not in REMEDIES),
            (SHOWN_BY[run], said != cause),
            ("unknown-remedy", remedy not in (*REMEDIES.values(), *AS_GOOD.values())),
            ("remedy", remedy != REMEDIES[cause] and remedy != AS_GOOD.get(cause)),
        ):
            if met:
                given = describe(answer[run])
                raise Refusal(reason, run=run, given=given, causes=CAUSES_LISTED, remedies=REMEDIES_LISTED)


def _in_our_words(word):
    """Return a cause or remedy as the task spells it, None for what is no text."""
    if not isinstance(word, str):
        return None
    word = " ".join(word.lower().split())
    return OTHER_WORDS.get(word, word)


ROWS, PLANNED, PEAK = 80, 8, probes.HIGHEST_RATE


def _overfitting():
    """Return a small model with a head of zeros, training data, and validation data on which its loss only rises."""
    generator = np.random.default_rng(11)
    row = keras.Input((8,), name="row")
    hidden = keras.layers.Dense(16, "relu", kernel_initializer=keras.initializers.HeNormal(4))(row)
    model = keras.Model(row, keras.layers.Dense(CLASSES, kernel_initializer="zeros", name=HEAD)(hidden))
    labels = np.arange(ROWS) % CLASSES
    rows = (generator.normal(0, 10, (ROWS, 8)) + 40 * np.eye(8)[labels]).astype("float32")
    return model, (rows, labels), (rows[::2], (labels[::2] + 1) % CLASSES)


@exercise(NOTEBOOK)
def fix_fine_tuning(answer):
    """Judge a function that fits a model by the standard recipe and returns it as it was in its best epoch."""
    model, train, validation = _overfitting()
    returned = probes.compiled_model(answer, model, train, validation, PLANNED)
    history = getattr(returned.history, "history", {}) if hasattr(returned, "history") else {}
    ran = len(history.get("loss", ()))
    if returned.weights[0].shape != model.weights[0].shape or ran < 3:
        raise Refusal("not-fitted", ran=ran, planned=PLANNED)
    if "val_loss" not in history:
        raise Refusal("no-validation")
    steps = returned.history.params["steps"] * PLANNED  # a loaded checkpoint has its own count of iterations
    rates = probes.rates(returned.optimizer, range(steps + 1))
    highest, middle, lowest = rates.max(), rates[steps // 2], min(history["val_loss"])
    now = float(fixtures.LOSS(validation[1], probes.outputs(returned, validation[0])))
    for reason, met in (
        ("rate-zero", highest <= 0),
        ("rate-high", highest > PEAK * 1.001),
        ("no-warm-up", rates[0] > highest / 2),
        ("over-too-early", middle < highest / 5),
        ("never-low", rates[-1] > highest / 50),
        ("not-the-best", abs(now - lowest) > 1e-3 * lowest),
    ):
        if met:
            first, *_, last = rates
            raise Refusal(
                reason, rate=highest, first=first, middle=middle, last=last, steps=steps, now=now, lowest=lowest
            )


# Pictures for which head, longer head and fine-tuned model are right (RRR) or wrong: RRR, RRW, RWR, RWW, WRR, … WWW.
GAINS = {
    "over both": (510, 20, 20, 10, 50, 20, 50, 120),
    "of the epochs alone": (540, 20, 10, 10, 50, 20, 20, 130),
    "because the longer head got worse": (500, 10, 50, 20, 10, 10, 30, 170),
    "a loss": (500, 60, 10, 10, 40, 30, 20, 130),
}
VERDICTS = ("gain", "loss", "no clear difference")
HEAD_ALONE, LONGER, TUNED = 1, 2, 3  # places among the arguments
SAME, CLOSE = 0.04, 0.13  # of the reach of the interval; one of 90 % is off by 0.16


def three_models(counts):
    """Return labels, and logits of a head, a head trained longer, and a fine-tuned model."""
    generator, patterns = np.random.default_rng(17), list(itertools.product((0, 1), repeat=3))
    wrong = generator.permutation(np.repeat(patterns, counts, axis=0)).T
    labels = generator.integers(0, CLASSES, wrong.shape[1])
    said = (labels + wrong * generator.integers(1, CLASSES, wrong.shape)) % CLASSES
    return labels, *(9 * np.eye(CLASSES)[said] + generator.normal(0, 1, (*said.shape, CLASSES)))


@exercise(NOTEBOOK, verdicts=", ".join(map(repr, VERDICTS)))
def fair_verdict(answer):
    """Judge a function that compares a fine-tuned model with what it must be compared with, and says what follows."""
    given, returned, verdicts = [three_models(counts) for counts in GAINS.values()], [], []
    for arrays in given:
        values = probes.called(answer, *arrays)
        if not isinstance(values, tuple | list) or len(values) != 4:
            raise Refusal("not-four", returned=describe(values))
        returned.append(probes.array(values[:3]).ravel())
        verdicts.append(values[3])
        if returned[-1].shape != (3,) or verdicts[-1] not in VERDICTS:
            raise Refusal("not-four", returned=describe(values))
    returned = np.array(returned)

    def gains(first, second):
        return np.array([evaluation.paired_difference(arrays[0], arrays[first], arrays[second]) for arrays in given])

    truth = gains(LONGER, TUNED)
    allowed = np.ptp(truth[:, 1:], axis=1)[:, None] / 2 * [SAME, CLOSE, CLOSE]
    if (np.abs(returned - truth) <= allowed).all():
        for verdict, (value, low, high) in zip(verdicts, truth, strict=True):
            meant = VERDICTS[0] if low > 0 else VERDICTS[1] if high < 0 else VERDICTS[2]
            if verdict != meant:
                raise Refusal("verdict", verdict=verdict, value=value, low=low, high=high)
        return
    labels, _, *logits = given[0]
    longer, tuned = (np.mean(one.argmax(axis=1) == labels) for one in logits)
    for reason, met in (
        ("per-cent", (np.abs(returned / 100 - truth) <= allowed).all()),
        ("other-order", (np.abs(np.sort(returned)[:, [1, 0, 2]] - truth) <= allowed).all()),
        ("against-the-head", np.allclose(returned[:, 0], gains(HEAD_ALONE, TUNED)[:, 0], atol=1e-3)),
        ("without-fine-tuning", np.allclose(returned[:, 0], gains(HEAD_ALONE, LONGER)[:, 0], atol=1e-3)),
        ("backwards", np.allclose(returned[:, 0], -truth[:, 0], atol=1e-3)),
        ("interval", np.allclose(returned[:, 0], truth[:, 0], atol=1e-3)),
        ("no-known-number", True),
    ):
        if met:
            value, low, high = returned[0]
            raise Refusal(reason, value=value, low=low, high=high, longer=longer, tuned=tuned)
