"""Answers to the exercises of notebook 04."""

import functools

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from check_cases.common import LOGITS, ROWS, Cases, K, OwnHead, built, dense, head, just


def in_one_pass(model, dataset, best=lambda logits: logits.argmax(axis=1)):
    right = total = 0
    for rows, labels in dataset:
        right += int((best(model(rows).numpy()) == labels.numpy()).sum())
        total += len(labels)
    return right / total


def first_batch(model, dataset):
    for rows, labels in dataset:
        return np.mean(model(rows).numpy().argmax(axis=1) == labels.numpy())


def last_batch(model, dataset):
    for rows, labels in dataset:
        right = total = 0
        right += int((model(rows).numpy().argmax(axis=1) == labels.numpy()).sum())
        total += len(labels)
    return right / total


def collected(model, dataset):
    pairs = [(model.predict_on_batch(rows), labels) for rows, labels in dataset]
    logits, labels = (np.concatenate(parts) for parts in zip(*pairs, strict=True))
    return np.mean(logits.argmax(axis=1) == labels)


def in_two_passes(model, dataset):
    logits = model.predict(dataset, verbose=0)
    labels = np.concatenate([labels for _, labels in dataset])
    return np.mean(logits.argmax(axis=1) == labels)


def mean_of_batches(model, dataset):
    return np.mean([np.mean(model(rows).numpy().argmax(axis=1) == labels.numpy()) for rows, labels in dataset])


def wrong_axis(model, dataset):
    rows = np.concatenate([model(rows) for rows, _ in dataset])
    return float(np.mean(rows.max(axis=1) > 0))


ACCURACY_IN_LINE = Cases(
    wrong={
        "two passes": (just(in_two_passes), "two-passes"),
        "mean of batches": (just(mean_of_batches), "mean-of-batches"),
        "per cent": (just(lambda *given: 100 * in_one_pass(*given)), "per-cent"),
        "count": (just(lambda *given: 83 * in_one_pass(*given)), "count"),
        "mistakes": (just(lambda *given: 1 - in_one_pass(*given)), "share-of-wrong"),
        "any large logit": (just(wrong_axis), "no-known-number"),
        "return in the loop": (just(first_batch), "first-batch-only"),
        "reset in the loop": (just(last_batch), "reset-in-loop"),
        "divided by the batches": (just(lambda *given: 83 * in_one_pass(*given) / len(given[1])), "divisor:6"),
        "divided by full batches": (just(lambda *given: 83 * in_one_pass(*given) / 96), "divisor:96"),
        "last batch forgotten": (
            just(lambda model, dataset: in_one_pass(model, dataset.take(5))),
            "last-batch-left-out",
        ),
        "no axis": (just(lambda *given: in_one_pass(*given, best=lambda logits: logits.argmax())), "no-known-number"),
        "smallest": (
            just(lambda *given: in_one_pass(*given, best=lambda logits: logits.argmin(axis=1))),
            "no-known-number",
        ),
        "loss": (just(lambda model, dataset: model.evaluate(dataset, verbose=0)[0]), "the-loss"),
        "rounded": (just(lambda *given: round(in_one_pass(*given), 2)), "rounded"),
        "a model": (just(keras.Sequential([keras.Input((5,))])), "no-function"),
        "triple": (just(lambda *given: (in_one_pass(*given), 0.5, 0.7)), "no-number"),
        "printed": (just(lambda *given: print(end="")), "returns-none"),
        "yielded": (just(lambda *given: (share for share in [in_one_pass(*given)])), "yields"),
        "one argument": (just(lambda model: 0.5), "fails"),
        "value": (just(0.6), "no-function"),
    },
    right={
        "counted": just(in_one_pass),
        "collected": just(collected),
        "evaluate": just(lambda model, dataset: model.evaluate(dataset, verbose=0)[1]),
        "a tensor": just(lambda *given: tf.constant(in_one_pass(*given))),
    },
    blank=(just(...), just(lambda model, dataset: ...)),
)

LABELS = np.array([3, 1, 0, 4, 2, 2])


def pair(labels, loss=ROWS):
    return just({"labels": labels, "loss": loss})


EYE = np.eye(5)[LABELS]
ONE_HOT_LABELS = Cases(
    given=lambda: (LABELS,),
    wrong={
        "whole numbers": (pair(LABELS), "form"),
        "columns": (pair(EYE.T), "form"),
        "six classes": (pair(np.eye(6)[LABELS]), "form"),
        "four classes": (pair(np.eye(5)[LABELS][:, :4]), "form"),
        "counted from one": (pair(np.roll(EYE, 1, axis=1)), "other-class"),
        "the wrong way round": (pair(1 - EYE), "not-one-hot"),
        "words": (pair(["cat", "dog"]), "no-array"),
        "first pictures only": (pair(EYE[:3]), "form"),
        "loss in quotes": (pair(EYE, "CategoricalCrossentropy(from_logits=True)"), "unknown-loss:loss"),
        "loss by name": (pair(EYE, "categorical_crossentropy"), "takes-probabilities:loss"),
        "sparse loss": (pair(EYE, LOGITS), "form-of-labels:loss"),
        "binary loss": (pair(EYE, K.BinaryCrossentropy(from_logits=True)), "for-another-task:loss"),
        "no loss": (just({"labels": EYE}), "no-entry:loss"),
        "array alone": (just(EYE), "no-dictionary"),
    },
    right={
        "to_categorical": pair(keras.utils.to_categorical(LABELS, 5)),
        "list of rows": pair(EYE.astype(int).tolist()),
        "tensor": pair(tf.one_hot(LABELS, 5)),
    },
    blank=(just(...), pair(...), pair(EYE, ...)),
)


@functools.cache
def validation():
    generator = np.random.default_rng(1)
    labels = np.arange(100) % 5
    maps = generator.gamma(0.5, 1.0, (100, 3, 3, 512)).astype("float32")
    maps[..., :5] += 3 * np.eye(5)[labels][:, None, None]
    return maps, labels.astype("int32")


def skilled(*stack, sharp=1.0, share=1.0, shape=(3, 3, 512), answers=range(5)):
    """A head that reads the class where `validation` has put it, on `share` of its classes."""

    def maker(*given):
        model = head(layers.GlobalAveragePooling2D, dense(), *stack, shape=shape)()
        kernel = np.zeros((512, 5))
        kernel[range(5), answers] = sharp
        kernel[:, round(5 * share) :] = 0
        model.layers[1].set_weights([kernel, np.zeros(5)])
        return model

    return maker


TRAINED_HEAD = Cases(
    given=lambda: (validation(),),
    wrong={
        "not trained": (lambda given: untrained(), "guesses"),
        "always the same": (skilled(sharp=0.0), "always-the-same"),
        "half learned": (skilled(share=0.4), "half-learned"),
        "shifted by one": (skilled(answers=[1, 2, 3, 4, 0]), "guesses"),
        "far below guessing": (skilled(answers=[1, 4, 0, 2, 3]), "guesses"),
        "takes pictures": (head(layers.Flatten, dense(), shape=(96, 96, 3)), "wrong-input"),
        "1000 classes": (head(layers.Flatten, dense(1000), shape=(3, 3, 512)), "other-shape"),
        "spoilt": (lambda given: spoilt(skilled()()), "not-finite"),
        "history": (just(keras.callbacks.History()), "no-model"),
    },
    right={
        "logits": skilled(),
        "probabilities": skilled(layers.Softmax),
        "own class": lambda given: own_skilled(),
    },
)


def spoilt(model):
    model.set_weights([weight * np.nan for weight in model.get_weights()])
    return model


def untrained():
    model = head(layers.Flatten, dense(), shape=(3, 3, 512))()
    generator = np.random.default_rng(4)
    model.set_weights([generator.normal(0, 0.1, weight.shape) for weight in model.get_weights()])
    return model


def own_skilled():
    model = built(OwnHead(), (3, 3, 512))
    model.decide.set_weights(skilled()().layers[1].get_weights())
    return model
