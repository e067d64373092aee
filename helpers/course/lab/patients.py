"""The patients: their complaints, what their owners report, and what is measured before and after."""

import numpy as np

from helpers.course.lab import heads, pipelines, tuning
from helpers.course.lab.patient import Patient, predicted, right_answers

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
    return sum(int(np.prod(weight.shape)) for weight in record.model.trainable_weights)


PATIENTS = (
    Patient(
        number=1,
        mistake="loss",
        finding="loss-expects-probabilities",
        complaint="A Dense layer with five outputs on features of frozen VGG16. It does not learn.",
        faulty=heads.logits_into_default_loss,
        mended=heads.logits_into_their_loss,
        report=lambda record: f"Training loss {_ends(record, 'loss', '.3f')}.",
        look="the loss: what does a head pay that knows nothing? It pays that to the end, so no correction reaches it",
    ),
    Patient(
        number=2,
        mistake="pixels",
        finding="pixels-range",
        complaint="The same layer, and features that a colleague has computed from the same pictures.",
        faulty=heads.divided_by_255,
        mended=heads.prepared_as_vgg16_expects,
        report=lambda record: (
            f"After eight epochs {record.history['accuracy'][-1]:.0%} of its own training pictures are right."
        ),
        look="the dashed curve: a head can learn these pictures by heart; patient 6 does. What stops it here?",
        score=lambda record: float(np.mean(record.notes["logits"].argmax(axis=1) == record.data.test[1])),
    ),
    Patient(
        number=3,
        mistake="rare class",
        finding="classes-unequal",
        complaint="Frog, or another animal? Nine of ten are right from the first epoch.",
        faulty=heads.rare_frogs,
        mended=heads.rare_frogs_that_count,
        report=lambda record: "Of {1} frogs among the test pictures it finds {0}.".format(*_frogs(record)),
        look=(
            "the first epoch: how can so much be right before anything is learned, "
            "and what would always saying no score?"
        ),
        measure="mean share of frogs and of others recognised",
        score=_both_kinds,
    ),
    Patient(
        number=4,
        mistake="units",
        finding="one-unit-many-classes",
        complaint="Five animals, and a loss that falls from epoch to epoch. The accuracy does not.",
        faulty=heads.one_unit_for_five_classes,
        mended=heads.a_unit_for_each_class,
        report=lambda record: f"Training loss {_ends(record, 'loss', '.1f')}.",
        look="the sign of the loss: what must labels be like, and how many of them can the last layer tell apart?",
        score=lambda record: _evaluate(record)[1],
    ),
    Patient(
        number=5,
        mistake="metric",
        finding="activation-loss-mismatch",
        complaint="Five animals, and an accuracy that nobody else gets from these features.",
        faulty=heads.five_yes_or_no_questions,
        mended=heads.one_question_with_five_answers,
        report=_two_counts,
        look="the two numbers that it reports for one test set: what does each of them count?",
        measure="points that evaluate says too much",
        score=_claimed_too_much,
    ),
    Patient(
        number=6,
        mistake="serving",
        finding="splits-prepared-differently",
        complaint="A head that was trained with care, and is used in an app.",
        faulty=heads.served_otherwise,
        mended=heads.served_the_same,
        report=lambda record: f"Of new pictures of the same kind the app gets {right_answers(record):.0%} right.",
        look="validation and use: both are new pictures of the same kind. What may differ on their way into the model?",
        measure="right in the app",
    ),
    Patient(
        number=7,
        mistake="rate",
        finding="rate-undoes-pretraining",
        complaint="VGG16's block5 is set free below a trained head.",
        faulty=tuning.rate_of_a_new_head,
        mended=tuning.rate_of_fine_tuning,
        report=lambda record: (
            f"Training loss in the first epoch {record.history['loss'][0]:.1f}; before it, {record.notes['start']:.1f}."
        ),
        look="the very first epoch: what did the head know before, and what can destroy it within a few steps?",
    ),
    Patient(
        number=8,
        mistake="never unfrozen",
        finding="stale-compile",
        complaint="Two epochs of the head alone, then three of fine-tuning the last convolution.",
        faulty=tuning.never_unfrozen,
        mended=tuning.unfrozen_and_compiled,
        report=lambda record: f"summary() says that {_trainable(record):,} numbers may train from epoch 3 on.",
        look=(
            "epoch 3, where fine-tuning begins: does anything happen there? "
            "summary() says what may train, not what does"
        ),
        measure="share of its numbers that moved in fine-tuning",
        score=_noted("moved"),
    ),
    Patient(
        number=9,
        mistake="leak",
        finding="same-picture-in-two-splits",
        complaint="A head on frozen features, better than all others in the lab.",
        faulty=pipelines.taken_from_the_shuffled,
        mended=pipelines.split_before_the_shuffle,
        report=lambda record: f"Of pictures from a later day it gets {right_answers(record):.0%} right.",
        look="validation beside training, and beside new pictures: to which of the two does it belong?",
        measure="points that validation says too much",
        score=_too_good,
    ),
    Patient(
        number=10,
        mistake="statistics",
        finding="batchnorm-moves",
        complaint="The end of EfficientNet-Lite0 is fine-tuned below a trained head, at a tiny rate, 0.00001.",
        faulty=tuning.statistics_that_move,
        mended=tuning.statistics_that_stay,
        report=lambda record: (
            f"Training accuracy before {record.notes['start']:.0%}. Validation loss {_ends(record, 'val_loss', '.2f')}."
        ),
        look=(
            "the first epoch: training is far below what the head had, at a rate that is tiny. "
            "What moves without a rate?"
        ),
        measure="loss on the test pictures",
        score=lambda record: _evaluate(record)[0],
    ),
    Patient(
        number=11,
        mistake="never frozen",
        finding="stale-compile",
        complaint="After a first try the last convolution is frozen again, so that the head alone learns.",
        faulty=tuning.frozen_too_late,
        mended=tuning.frozen_and_compiled,
        report=lambda record: (
            f"summary() says that {_trainable(record):,} numbers may train. At the rate 0.0001 they bring the "
            f"training loss from {record.history['loss'][0]:.2f} to {record.history['loss'][-1]:.2f} in three epochs."
        ),
        look="the training loss: can so few numbers get so far in a dozen steps, each of 0.0001? Whose work may it be?",
        measure="share of its numbers that moved while frozen",
        score=_noted("moved"),
    ),
    Patient(
        number=12,
        mistake="order",
        finding="reshuffles",
        complaint="A good head, and a confusion matrix that says otherwise.",
        faulty=pipelines.labels_from_another_pass,
        mended=pipelines.labels_from_the_same_pass,
        report=lambda record: (
            f"evaluate says {record.notes['evaluate']:.0%} of the test pictures are right, the matrix "
            f"{record.notes['diagonal']:.0%}."
        ),
        look=(
            "the two numbers that it reports for one model and one test set: "
            "what does each of them need beside the model?"
        ),
        measure="right according to the matrix",
        score=_noted("diagonal"),
    ),
)
