"""The patients: who they are, what their owners report, and what is measured before and after."""

import numpy as np

from helpers.course.lab import heads, pipelines, tuning
from helpers.course.lab.patient import Patient, right_answers, said

MISTAKES = {
    "pixels": "the base gets pixels in another range or order than those it was trained on",
    "serving": "training and use prepare the pixels differently",
    "loss": "the loss expects probabilities and gets logits",
    "units": "one output unit for more than two classes",
    "metric": "the accuracy counts outputs, not pictures",
    "rare class": "one class is so rare that ignoring it pays",
    "rate": "the learning rate is too high for trained weights",
    "never unfrozen": "what should be fine-tuned is still frozen",
    "never frozen": "what should be frozen trains",
    "statistics": "BatchNormalization's statistics move",
    "leak": "validation pictures are trained on",
    "order": "predictions and labels stand in different order",
    "no activation": "stacked Dense layers without an activation between them",
    "one class a batch": "the training pictures come sorted by class",
}


def _loss(record):
    return record.model.evaluate(*record.data.test, verbose=0)[0]


def _both_kinds(record):
    """Return the mean of the shares of frogs and of others that were recognised."""
    inputs, labels = record.data.test
    found = said(record.model, inputs)
    return float((found[labels == 1].mean() + (1 - found[labels == 0]).mean()) / 2)


def _frogs(record):
    inputs, labels = record.data.test
    return int(said(record.model, inputs[labels == 1]).sum()), int((labels == 1).sum())


def _too_good(record):
    return record.history["val_accuracy"][-1] - right_answers(record)


def _claimed(record):
    """Return what evaluate says, and the share of pictures that are right."""
    return record.model.evaluate(*record.data.test, verbose=0)[1], right_answers(record)


def _ends(record, name, form):
    values = record.history[name]
    return f"{values[0]:{form}} in the first epoch, {values[-1]:{form}} in the last"


def _trainable(record):
    return sum(int(np.prod(weight.shape)) for weight in record.model.trainable_weights)


PATIENTS = (
    Patient(
        1,
        "loss",
        "loss-expects-probabilities",
        "A Dense layer with five outputs on features of frozen VGG16. It does not learn.",
        heads.logits_into_default_loss,
        heads.logits_into_their_loss,
        lambda record: f"Training loss {_ends(record, 'loss', '.3f')}.",
        "the loss: what does a head pay that knows nothing? It pays that to the end, so no correction reaches it",
    ),
    Patient(
        2,
        "pixels",
        "pixels-range",
        "The same layer, and features that a colleague has computed from the same pictures.",
        heads.divided_by_255,
        heads.prepared_as_vgg16_expects,
        lambda record: (
            f"After eight epochs {record.history['accuracy'][-1]:.0%} of its own training pictures are right."
        ),
        "the dashed curve: a head can learn these pictures by heart; patient 6 does. What stops it here?",
        score=lambda record: float(np.mean(record.notes["logits"].argmax(axis=1) == record.data.test[1])),
    ),
    Patient(
        3,
        "rare class",
        "classes-unequal",
        "Frog, or another animal? Nine of ten are right from the first epoch.",
        heads.rare_frogs,
        heads.rare_frogs_that_count,
        lambda record: "Of {1} frogs among the test pictures it finds {0}.".format(*_frogs(record)),
        "the first epoch: how can so much be right before anything is learned, and what would always saying no score?",
        measure="mean share of frogs and of others recognised",
        score=_both_kinds,
    ),
    Patient(
        4,
        "units",
        "one-unit-many-classes",
        "Five animals, and a loss that falls from epoch to epoch. The accuracy does not.",
        heads.one_unit_for_five_classes,
        heads.a_unit_for_each_class,
        lambda record: f"Training loss {_ends(record, 'loss', '.1f')}.",
        "the sign of the loss: what must labels be like, and how many of them can the last layer tell apart?",
        score=lambda record: record.model.evaluate(*record.data.test, verbose=0)[1],
    ),
    Patient(
        5,
        "metric",
        "activation-loss-mismatch",
        "Five animals, and an accuracy that nobody else gets from these features.",
        heads.five_yes_or_no_questions,
        heads.one_question_with_five_answers,
        lambda record: "evaluate says {:.0%} of the test; counted by hand, {:.0%} of its pictures are right.".format(
            *_claimed(record)
        ),
        "the two numbers that it reports for one test set: what does each of them count?",
        measure="points that evaluate says too much",
        score=lambda record: abs(np.subtract(*_claimed(record))),
    ),
    Patient(
        6,
        "serving",
        "splits-prepared-differently",
        "A head that was trained with care, and is used in an app.",
        heads.served_otherwise,
        heads.served_alike,
        lambda record: f"Of new pictures of the same kind the app gets {right_answers(record):.0%} right.",
        "validation and use: both are new pictures of the same kind. What may differ on their way into the model?",
        measure="right in the app",
    ),
    Patient(
        7,
        "rate",
        "rate-undoes-pretraining",
        "VGG16's block5 is set free below a trained head.",
        tuning.rate_of_a_new_head,
        tuning.rate_of_fine_tuning,
        lambda record: (
            f"Training loss in the first epoch {record.history['loss'][0]:.1f}; before it, {record.notes['start']:.1f}."
        ),
        "the very first epoch: what did the head know before, and what can destroy it within a few steps?",
    ),
    Patient(
        8,
        "never unfrozen",
        "stale-compile",
        "Two epochs of the head alone, then three of fine-tuning the last convolution.",
        tuning.never_unfrozen,
        tuning.unfrozen_and_compiled,
        lambda record: f"summary() says that {_trainable(record):,} numbers may train from epoch 3 on.",
        "epoch 3, where fine-tuning begins: does anything happen there? summary() says what may train, not what does",
        measure="share of its numbers that moved in fine-tuning",
        score=lambda record: record.notes["moved"],
    ),
    Patient(
        9,
        "leak",
        "same-picture-in-two-splits",
        "A head on frozen features, better than all others in the lab.",
        pipelines.taken_from_the_shuffled,
        pipelines.split_before_the_shuffle,
        lambda record: f"Of pictures from a later day it gets {right_answers(record):.0%} right.",
        "validation beside training, and beside new pictures: to which of the two does it belong?",
        measure="points that validation says too much",
        score=_too_good,
    ),
    Patient(
        10,
        "statistics",
        "batchnorm-moves",
        "The end of EfficientNet-Lite0 is fine-tuned below a trained head, at a tiny rate, 0.00001.",
        tuning.statistics_that_move,
        tuning.statistics_that_stay,
        lambda record: (
            f"Training accuracy before {record.notes['start']:.0%}. Validation loss {_ends(record, 'val_loss', '.2f')}."
        ),
        "the first epoch: training is far below what the head had, at a rate that is tiny. What moves without a rate?",
        measure="loss on the test pictures",
        score=_loss,
    ),
    Patient(
        11,
        "never frozen",
        "stale-compile",
        "After a first try the last convolution is frozen again, so that the head alone learns.",
        tuning.frozen_too_late,
        tuning.frozen_and_compiled,
        lambda record: (
            f"summary() says that {_trainable(record):,} numbers may train. At the rate 0.0001 they bring the "
            f"training loss from {record.history['loss'][0]:.2f} to {record.history['loss'][-1]:.2f} in three epochs."
        ),
        "the training loss: can so few numbers get so far in a dozen steps, each of 0.0001? Whose work may it be?",
        measure="share of its numbers that moved while frozen",
        score=lambda record: record.notes["moved"],
    ),
    Patient(
        12,
        "order",
        "reshuffles",
        "A good head, and a confusion matrix that says otherwise.",
        pipelines.labels_from_another_pass,
        pipelines.labels_from_the_same_pass,
        lambda record: (
            f"evaluate says {record.notes['evaluate']:.0%} of the test pictures are right, the matrix "
            f"{record.notes['diagonal']:.0%}."
        ),
        "the two numbers that it reports for one model and one test set: what does each of them need beside the model?",
        measure="right according to the matrix",
        score=lambda record: record.notes["diagonal"],
    ),
)
