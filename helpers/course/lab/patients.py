"""The patients: what their owners report, and what is measured before and after; other texts are in patients.toml."""

import tomllib
from pathlib import Path

import numpy as np

from helpers.course.lab import heads, pipelines, tuning
from helpers.course.lab.patient import Patient, predicted, right_answers
from helpers.network import surgery

_TEXTS = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
MISTAKES = _TEXTS["mistakes"]


def _evaluate(record):
    """Return the loss and the accuracy that `evaluate` reports for the test pictures."""
    return record.model.evaluate(*record.data.test, verbose=0)


def _noted(name):
    return lambda record: record.notes[name]


def _both_kinds(record):
    """Return the mean of the shares of frogs and of others that were recognised."""
    inputs, labels = record.data.test
    says_frog = predicted(record.model, inputs)
    return float((says_frog[labels == 1].mean() + (1 - says_frog[labels == 0]).mean()) / 2)


def _frogs(record):
    inputs, labels = record.data.test
    return int(predicted(record.model, inputs[labels == 1]).sum()), int((labels == 1).sum())


def _too_good(record):
    return record.history["val_accuracy"][-1] - right_answers(record)


def _claimed_too_much(record):
    return abs(_evaluate(record)[1] - right_answers(record))


def _two_counts(record):
    reported, counted = _evaluate(record)[1], right_answers(record)
    return f"evaluate says {reported:.0%} of the test; counted by hand, {counted:.0%} of its pictures are right."


def _ends(record, name, number_format):
    values = record.history[name]
    return f"{values[0]:{number_format}} in the first epoch, {values[-1]:{number_format}} in the last"


def _trainable(record):
    return surgery.count(record.model.trainable_weights)


def _patient(number, faulty, mended, report, **score):
    return Patient(
        number=number, faulty=faulty, mended=mended, report=report, **score, **_TEXTS["patient"][str(number)]
    )


PATIENTS = (
    _patient(
        1,
        heads.logits_into_default_loss,
        heads.logits_into_their_loss,
        report=lambda record: f"Training loss {_ends(record, 'loss', '.3f')}.",
    ),
    _patient(
        2,
        heads.divided_by_255,
        heads.prepared_as_vgg16_expects,
        report=lambda record: (
            f"After eight epochs {record.history['accuracy'][-1]:.0%} of its own training pictures are right."
        ),
        score=lambda record: float(np.mean(record.notes["logits"].argmax(axis=1) == record.data.test[1])),
    ),
    _patient(
        3,
        heads.rare_frogs,
        heads.rare_frogs_that_count,
        report=lambda record: "Of {1} frogs among the test pictures it finds {0}.".format(*_frogs(record)),
        score=_both_kinds,
    ),
    _patient(
        4,
        heads.one_unit_for_five_classes,
        heads.a_unit_for_each_class,
        report=lambda record: f"Training loss {_ends(record, 'loss', '.1f')}.",
        score=lambda record: _evaluate(record)[1],
    ),
    _patient(
        5,
        heads.five_yes_or_no_questions,
        heads.one_question_with_five_answers,
        report=_two_counts,
        score=_claimed_too_much,
    ),
    _patient(
        6,
        heads.served_otherwise,
        heads.served_the_same,
        report=lambda record: f"Of new pictures of the same kind the app gets {right_answers(record):.0%} right.",
    ),
    _patient(
        7,
        tuning.rate_of_a_new_head,
        tuning.rate_of_fine_tuning,
        report=lambda record: (
            f"Training loss in the first epoch {record.history['loss'][0]:.1f}; before it, {record.notes['start']:.1f}."
        ),
    ),
    _patient(
        8,
        tuning.never_unfrozen,
        tuning.unfrozen_and_compiled,
        report=lambda record: f"summary() says that {_trainable(record):,} numbers may train from epoch 3 on.",
        score=_noted("moved"),
    ),
    _patient(
        9,
        pipelines.taken_from_the_shuffled,
        pipelines.split_before_the_shuffle,
        report=lambda record: f"Of pictures from a later day it gets {right_answers(record):.0%} right.",
        score=_too_good,
    ),
    _patient(
        10,
        tuning.statistics_that_move,
        tuning.statistics_that_stay,
        report=lambda record: (
            f"Training accuracy before {record.notes['start']:.0%}. Validation loss {_ends(record, 'val_loss', '.2f')}."
        ),
        score=lambda record: _evaluate(record)[0],
    ),
    _patient(
        11,
        tuning.frozen_too_late,
        tuning.frozen_and_compiled,
        report=lambda record: (
            f"summary() says that {_trainable(record):,} numbers may train. At the rate 0.0001 they bring the "
            f"training loss from {record.history['loss'][0]:.2f} to {record.history['loss'][-1]:.2f} in three epochs."
        ),
        score=_noted("moved"),
    ),
    _patient(
        12,
        pipelines.labels_from_another_pass,
        pipelines.labels_from_the_same_pass,
        report=lambda record: (
            f"evaluate says {record.notes['evaluate']:.0%} of the test pictures are right, the matrix "
            f"{record.notes['diagonal']:.0%}."
        ),
        score=_noted("diagonal"),
    ),
)
