"""Checks of notebook 05: set fine-tuning up, diagnose runs, compare fairly."""

import itertools

import keras
import numpy as np
import pandas as pd

from helpers.course.checks import fixtures, probes
from helpers.course.checks.exercise import Refusal, describe, exercise, gives
from helpers.course.checks.fixtures import BLOCK5, CLASSES, HEAD
from helpers.measuring import evaluation
from helpers.network import certificate

NOTEBOOK = "05_fine_tune"


@exercise(NOTEBOOK)
def set_up_fine_tuning(answer):
    """Judge a function that makes a model with a trained head ready for fine-tuning block5."""
    thin_vgg16 = fixtures.base_on_features(fixtures.LAYERS, maps=16)  # by name or index each layer is found as there
    probes.judge_fine_tuning(answer, thin_vgg16, BLOCK5)


CAUSES = ("diverged", "not unfrozen", "hardly moved", "memorised", "healthy")
RUNS = {"A": "not unfrozen", "B": "memorised", "C": "hardly moved", "D": "diverged"}
SHOWN_BY = {"not unfrozen": "certificate", "memorised": "validation", "hardly moved": "change", "diverged": "units"}
RATES_AND_EPOCHS = {"A": (1e-3, 6), "B": (3e-3, 40), "C": (1e-7, 6), "D": (0.3, 6)}
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
    for name, settings in RATES_AND_EPOCHS.items():
        if name == "B":  # the first colleague forgets to
            model.compile(keras.optimizers.Adam(), loss=fixtures.LOSS, jit_compile=False)
        model.set_weights(start)
        columns[name] = _fine_tuned(model, base, data, *settings)
    return pd.DataFrame(columns)


def _pictures(number, seed, correct=1):
    """Return features of classes that overlap, and their labels, of which a share is correct."""
    generator, labels = np.random.default_rng(seed), np.arange(number) % CLASSES
    centres = np.random.default_rng(99).gamma(0.5, 1.0, (CLASSES, 1, 1, MAPS))
    features = centres[labels] + generator.gamma(0.5, 4.0, (number, fixtures.SIDE, fixtures.SIDE, MAPS))
    wrong = generator.permutation(number) >= correct * number
    return features.astype("float32"), (labels + wrong) % CLASSES


def _fine_tuned(model, base, data, rate, epochs):
    """Fit a model from where it is, its optimizer begun anew, and return what the run shows: what to its value."""
    before, optimizer = certificate.take(model), model.optimizer
    optimizer.build(model.trainable_variables)
    for variable in optimizer.variables:
        variable.assign(keras.ops.zeros_like(variable))
    optimizer.learning_rate = rate
    losses = [model.evaluate(*part, batch_size=40, verbose=0) for part in data]
    fit = {"batch_size": 8, "epochs": epochs, "shuffle": False, "validation_batch_size": 40, "verbose": 0}
    history = model.fit(*data[0], validation_data=data[1], **fit).history
    table = certificate.compare(before, certificate.take(model))
    dead = (base.predict(data[0][0], verbose=0) == 0).all(axis=(0, 1, 2)).mean()
    return {
        "loss before": f"{losses[0]:.2f}",
        "loss, epoch 1": f"{history['loss'][0]:.2f}",
        "loss at the end": f"{history['loss'][-1]:.2f}",
        "validation loss before": f"{losses[1]:.2f}",
        "lowest validation loss": f"{min(history['val_loss']):.2f}",
        "validation loss at the end": f"{history['val_loss'][-1]:.2f}",
        "dead units": f"{dead:.0%}",
        "moved": ", ".join(dict.fromkeys(name.partition("_")[0] for name in table.index[table["moved"]])),
        "largest change": f"{table['largest_change'].max():.6f}",
    }


@exercise(NOTEBOOK, causes=", ".join(CAUSES))
def diagnose_runs(answer):
    """Judge what the learner reads in `four_runs`: for each run one of the `CAUSES`."""
    probes.entries(answer, RUNS)
    for run, cause in RUNS.items():
        given = answer[run]
        said = " ".join(given.lower().replace("_", " ").split()) if isinstance(given, str) else None
        if said != cause:
            reason = SHOWN_BY[cause] if said in CAUSES else "unknown-cause"
            raise Refusal(reason, run=run, given=describe(given), causes=", ".join(CAUSES))


# Pictures for which head, longer head and fine-tuned model are right (RRR) or wrong: RRR, RRW, RWR, RWW, WRR, … WWW.
GAINS = {
    "over both": (510, 20, 20, 10, 50, 20, 50, 120),
    "of the epochs alone": (540, 20, 10, 10, 50, 20, 20, 130),
    "because the longer head got worse": (500, 10, 50, 20, 10, 10, 30, 170),
}
HEAD_ALONE, LONGER, TUNED = 1, 2, 3  # places among the arguments
SAME, CLOSE = 0.04, 0.13  # of the reach of the interval; one of 90 % is off by 0.16


def three_models(counts):
    """Return labels, and logits of a head, a head trained longer, and a fine-tuned model."""
    generator, patterns = np.random.default_rng(17), list(itertools.product((0, 1), repeat=3))
    wrong = generator.permutation(np.repeat(patterns, counts, axis=0)).T
    labels = generator.integers(0, CLASSES, wrong.shape[1])
    said = (labels + wrong * generator.integers(1, CLASSES, wrong.shape)) % CLASSES
    return labels, *(9 * np.eye(CLASSES)[said] + generator.normal(0, 1, (*said.shape, CLASSES)))


@exercise(NOTEBOOK)
def fair_gain(answer):
    """Judge a function that compares a fine-tuned model with what it must be compared with."""
    given, returned = [three_models(counts) for counts in GAINS.values()], []
    for arrays in given:
        values = probes.called(answer, *arrays)
        returned.append(probes.array(values).ravel())
        if returned[-1].shape != (3,):
            raise Refusal("not-three", returned=describe(values))
    returned = np.array(returned)

    def gains(first, second):
        return np.array([evaluation.paired_difference(arrays[0], arrays[first], arrays[second]) for arrays in given])

    truth = gains(LONGER, TUNED)
    allowed = np.ptp(truth[:, 1:], axis=1)[:, None] / 2 * [SAME, CLOSE, CLOSE]
    if (np.abs(returned - truth) <= allowed).all():
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
