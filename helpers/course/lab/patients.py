"""The patients: their code, and what is measured of them; the texts are in patients.toml."""

import numpy as np
from sklearn import metrics

from helpers.course.lab import heads, pipelines, tuning
from helpers.course.lab.patient import Patient, predicted, right_answers, say
from helpers.network import surgery

MISTAKES = say.get("mistakes")


def _noted(name):
    return lambda record: record.notes[name]


def _loss(record):
    return record.model.evaluate(*record.data.test, verbose=0)[0]


def _reported(record):
    return record.model.evaluate(*record.data.test, verbose=0)[1]


def _right_on_features(record):
    return float(np.mean(record.notes["logits"].argmax(axis=1) == record.data.test[1]))


def _both_kinds(record):
    inputs, labels = record.data.test
    return float(metrics.balanced_accuracy_score(labels, predicted(record.model, inputs)))


def _found(record):
    inputs, labels = record.data.test
    return int(predicted(record.model, inputs[labels == 1]).sum())


def _frogs(record):
    return int((record.data.test[1] == 1).sum())


def _too_good(record):
    return record.history["val_accuracy"][-1] - right_answers(record)


def _claimed_too_much(record):
    return abs(_reported(record) - right_answers(record))


def _trainable(record):
    return surgery.count(record.model.trainable_weights)


def _patient(number, faulty, mended, score=right_answers, **counted):
    """Return a patient; its report has numbers of the curves' ends, of the notes, and what `counted` gives of a run."""
    texts = dict(say.get(f"patient.{number}"))
    text = texts.pop("report")

    def report(record):
        first = {name: values[0] for name, values in record.history.items()}
        last = {name: values[-1] for name, values in record.history.items()}
        counts = {name: count(record) for name, count in counted.items()}
        return text.format(first=first, last=last, **record.notes, **counts)

    return Patient(number=number, faulty=faulty, mended=mended, report=report, score=score, **texts)


PATIENTS = (
    _patient(1, heads.logits_into_default_loss, heads.logits_into_their_loss),
    _patient(2, heads.divided_by_255, heads.prepared_as_vgg16_expects, _right_on_features),
    _patient(3, heads.rare_frogs, heads.rare_frogs_that_count, _both_kinds, found=_found, frogs=_frogs),
    _patient(4, heads.one_unit_for_five_classes, heads.a_unit_for_each_class, _reported),
    _patient(
        5,
        heads.five_yes_or_no_questions,
        heads.one_question_with_five_answers,
        _claimed_too_much,
        reported=_reported,
        right=right_answers,
    ),
    _patient(6, heads.served_otherwise, heads.served_the_same, right=right_answers),
    _patient(7, tuning.rate_of_a_new_head, tuning.rate_of_fine_tuning),
    _patient(8, tuning.never_unfrozen, tuning.unfrozen_by_its_own_flag, _noted("moved"), trainable=_trainable),
    _patient(9, pipelines.taken_from_the_shuffled, pipelines.split_before_the_shuffle, _too_good, right=right_answers),
    _patient(10, tuning.statistics_that_move, tuning.statistics_that_stay, _loss),
    _patient(11, tuning.frozen_too_late, tuning.frozen_and_compiled, _noted("moved"), trainable=_trainable),
    _patient(12, pipelines.labels_from_another_pass, pipelines.labels_from_the_same_pass, _noted("diagonal")),
)
