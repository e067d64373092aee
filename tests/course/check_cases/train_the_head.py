"""Answers to the exercises of notebook 04."""

import functools

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from check_cases.common import LOGITS, ROWS, Cases, K, OwnHead, built, dense, head, just


def in_one_pass(model, dataset):
    right = total = 0
    for rows, labels in dataset:
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
        "two passes": (just(in_two_passes), "how often your function goes through"),
        "mean of batches": (just(mean_of_batches), "the last batch"),
        "per cent": (just(lambda *given: 100 * in_one_pass(*given)), "not per cent"),
        "count": (just(lambda *given: 83 * in_one_pass(*given)), "divided by"),
        "mistakes": (just(lambda *given: 1 - in_one_pass(*given)), "counts the wrong answers"),
        "any large logit": (just(wrong_axis), "place of the largest logit"),
        "triple": (just(lambda *given: (in_one_pass(*given), 0.5, 0.7)), "return that one alone"),
        "printed": (just(lambda *given: print(end="")), "is there a `return`"),
        "yielded": (just(lambda *given: (share for share in [in_one_pass(*given)])), "`return`, not `yield`"),
        "one argument": (just(lambda model: 0.5), "called with 2 argument(s)"),
        "value": (just(0.6), "the function itself"),
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
        "whole numbers": (pair(LABELS), "to a row of five"),
        "columns": (pair(EYE.T), "a picture is a row"),
        "six classes": (pair(np.eye(6)[LABELS]), "counted from 0, so five"),
        "four classes": (pair(np.eye(5)[LABELS][:, :4]), "one for each class"),
        "counted from one": (pair(np.roll(EYE, 1, axis=1)), "at which place the 1 stands"),
        "the wrong way round": (pair(1 - EYE), "this class and no other"),
        "words": (pair(["cat", "dog"]), "an array of numbers"),
        "first pictures only": (pair(EYE[:3]), "for 6 pictures"),
        "loss by name": (pair(EYE, "categorical_crossentropy"), "takes the outputs for probabilities"),
        "sparse loss": (pair(EYE, LOGITS), "the form of the labels"),
        "binary loss": (pair(EYE, K.BinaryCrossentropy(from_logits=True)), "scores every class for itself"),
        "no loss": (just({"labels": EYE}), "without 'loss'"),
        "array alone": (just(EYE), "keep the form"),
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


def skilled(*stack, sharp=1.0, share=1.0, shape=(3, 3, 512)):
    """A head that reads the class where `validation` has put it, on `share` of its classes."""

    def maker(*given):
        model = head(layers.GlobalAveragePooling2D, dense(), *stack, shape=shape)()
        kernel = np.zeros((512, 5))
        kernel[range(5), range(5)] = sharp
        kernel[:, round(5 * share) :] = 0
        model.layers[1].set_weights([kernel, np.zeros(5)])
        return model

    return maker


TRAINED_HEAD = Cases(
    given=lambda: (validation(),),
    wrong={
        "not trained": (lambda given: untrained(), "guessing gives"),
        "always the same": (skilled(sharp=0.0), "the same class for every picture"),
        "half learned": (skilled(share=0.4), "the number of epochs"),
        "takes pictures": (head(layers.Flatten, dense(), shape=(96, 96, 3)), "not pictures"),
        "1000 classes": (head(layers.Flatten, dense(1000), shape=(3, 3, 512)), "one output for each class"),
        "spoilt": (lambda given: spoilt(skilled()()), "NaN"),
        "history": (just(keras.callbacks.History()), "the Keras model itself"),
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
