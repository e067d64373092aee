"""Answers to the exercises of notebook 05."""

import functools
import tempfile
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from keras import layers
from sklearn import metrics

from check_cases.common import Cases, dense, head, just
from helpers.measuring import evaluation


def repaired(train_files, test_files):
    return train_files.cache().shuffle(200).batch(32).prefetch(tf.data.AUTOTUNE), test_files.batch(32)


def with_train(change):
    return just(lambda train_files, test_files: (change(train_files), test_files.batch(32)))


def with_test(change):
    return just(lambda train_files, test_files: (repaired(train_files, test_files)[0], change(test_files)))


REPAIRED_PIPELINE = Cases(
    wrong={
        "untouched": (
            just(lambda train, test: (train.batch(32).cache().shuffle(7, seed=0), test.shuffle(50).batch(32))),
            "same-batches",
        ),
        "small buffer, then cache": (
            with_train(lambda files: files.shuffle(8, seed=0).batch(32).cache()),
            "same-order",
        ),
        "cache after shuffle": (with_train(lambda files: files.shuffle(200).cache().batch(32)), "same-order"),
        "no shuffle": (with_train(lambda files: files.cache().batch(32)), "same-order"),
        "one order for all": (
            with_train(lambda files: files.cache().shuffle(200, seed=0, reshuffle_each_iteration=False).batch(32)),
            "same-order",
        ),
        "no cache": (with_train(lambda files: files.shuffle(200).batch(32)), "read-again"),
        "small buffer": (with_train(lambda files: files.cache().shuffle(8).batch(32)), "little-mixed"),
        "buffer of 100": (with_train(lambda files: files.cache().shuffle(100).batch(32)), "little-mixed"),
        "mixed, then batches mixed": (
            with_train(lambda files: files.shuffle(200).batch(32).cache().shuffle(7)),
            "same-batches",
        ),
        "not in batches": (with_train(lambda files: files.cache().shuffle(200)), "not-batched"),
        "repeated": (with_train(lambda files: files.cache().shuffle(200).repeat().batch(32)), "not-each-once"),
        "remainder dropped": (
            with_train(lambda files: files.cache().shuffle(200).batch(32, drop_remainder=True)),
            "not-each-once",
        ),
        "nothing left": (with_train(lambda files: files.cache().shuffle(200).batch(32).take(0)), "empty"),
        "exchanged": (just(lambda *files: repaired(*files)[::-1]), "not-each-once"),
        "test shuffled": (with_test(lambda files: files.shuffle(50).batch(32)), "test-shuffled"),
        "test cut": (with_test(lambda files: files.batch(32, drop_remainder=True)), "test-shuffled"),
        "train alone": (just(lambda *files: repaired(*files)[0]), "no-two-pipelines"),
        "printed": (just(lambda *files: print(end="")), "returns-none"),
        "a pipeline": (just(tf.data.Dataset.range(3)), "no-function"),
    },
    right={
        "repaired": just(repaired),
        "large buffer": with_train(lambda files: files.cache().shuffle(1000, seed=0).batch(32)),
        "test cached": with_test(lambda files: files.batch(32).cache().prefetch(1)),
        "smaller batches": with_train(lambda files: files.cache().shuffle(len(files)).batch(16)),
    },
    blank=(just(...), just(lambda train_files, test_files: ...)),
)


@functools.cache
def validation():
    generator = np.random.default_rng(1)
    labels = np.arange(200) % 5
    rows = generator.gamma(0.5, 1.0, (200, 512)).astype("float32")
    rows[:, :5] += 3 * np.eye(5)[labels]
    return rows, labels.astype("int32")


def deep(sharp=2.0, share=1.0, steps=65, stack=(), compiled=True, activation="relu"):
    """A head with a hidden layer that reads the class where `validation` has put it, on `share` of its classes."""

    def maker(*given):
        model = head(dense(8, activation), dense(), *stack, shape=(512,))()
        hidden, last = np.eye(512, 8), sharp * np.eye(8, 5)
        last[:, round(5 * share) :] = 0
        model.set_weights([hidden, np.zeros(8), last, np.zeros(5)])
        if compiled:
            model.compile("sgd", loss="mse")
            model.optimizer.iterations.assign(steps)
        return model

    return maker


def spoilt(*given):
    model = deep()()
    model.set_weights([weight * np.nan for weight in model.get_weights()])
    return model


def single(*given):
    model = head(dense(), shape=(512,))()
    model.set_weights([2 * np.eye(512, 5), np.zeros(5)])
    return model


FAIR_START = Cases(
    given=lambda: (validation(),),
    wrong={
        "no hidden layer": (single, "no-hidden-layer"),
        "not compiled": (deep(compiled=False), "not-trained"),
        "not trained": (deep(steps=0), "not-trained"),
        "ten epochs": (deep(steps=130), "too-many-steps"),
        "all zeros": (deep(sharp=0.0), "always-the-same"),
        "half learned": (deep(share=0.4), "half-learned"),
        "sure and often wrong": (deep(sharp=30.0), "half-learned"),
        "takes pictures": (head(layers.Flatten, dense(), shape=(96, 96, 3)), "wrong-input"),
        "1000 classes": (head(dense(8), dense(1000), shape=(512,)), "other-shape"),
        "spoilt": (spoilt, "not-finite"),
        "history": (just(keras.callbacks.History()), "no-model"),
        "probabilities": (deep(stack=(layers.Softmax,)), "probabilities"),
        "no activation": (deep(activation=None), "no-activation"),
    },
    right={"logits": deep(), "another activation": deep(activation="elu"), "fewer steps": deep(steps=13)},
)


def trained(given, monitor="val_loss", epochs=20, restore=True, patience=5, loss=None, optimizer="adam"):
    """A head that was fitted as the options say, and the callback that watched it."""
    model, train, data = given
    keras.utils.set_random_seed(0)  # the order of the pictures decides at which epoch the accuracy is highest
    stop = keras.callbacks.EarlyStopping(monitor, patience=patience, restore_best_weights=restore, mode="auto")
    model.compile(optimizer, loss=loss or keras.losses.CategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
    model.fit(*train, validation_data=data, epochs=epochs, verbose=0, callbacks=[stop])
    return model, stop


def stopping(count=lambda stop: stop.best_epoch + 1, **options):
    def answer(*given):
        model, stop = trained(given, **options)
        return model, count(stop)

    return just(answer)


def by_checkpoint():
    def answer(head, train, validation):
        path = Path(tempfile.mkdtemp()) / "best.weights.h5"
        keep = keras.callbacks.ModelCheckpoint(path, "val_loss", save_best_only=True, save_weights_only=True)
        stop = keras.callbacks.EarlyStopping("val_loss", patience=5)
        head.compile("adam", loss=keras.losses.CategoricalCrossentropy(from_logits=True))
        options = {"validation_data": validation, "epochs": 60, "verbose": 0, "callbacks": [stop, keep]}
        losses = head.fit(*train, **options).history["val_loss"]
        head.load_weights(path)
        return head, losses.index(min(losses)) + 1

    return just(answer)


STOP_IN_TIME = Cases(
    wrong={
        "ten epochs": (stopping(epochs=10, patience=20), "stopped-while-falling"),
        "watches accuracy": (stopping(monitor="val_accuracy", patience=15), "other-weights"),
        "watches training": (stopping(monitor="loss"), "never-stopped"),
        "not restored": (stopping(restore=False), "last-weights"),
        "trained on": (just(lambda *given: (shifted(trained(given)[0]), 8)), "other-weights"),
        "counted from 0": (stopping(lambda stop: stop.best_epoch), "counted-from-zero"),
        "last epoch": (stopping(lambda stop: stop.stopped_epoch + 1), "last-epoch"),
        "a fixed epoch": (stopping(lambda stop: 2), "other-epoch"),
        "softmax forgotten": (stopping(loss="categorical_crossentropy"), "not-finite"),
        "learning rate of zero": (stopping(optimizer=keras.optimizers.SGD(0.0)), "learns-nothing"),
        "no validation": (just(lambda head, *given: (head, 1)), "not-validated"),
        "model alone": (just(lambda *given: given[0]), "no-pair"),
        "data": (just(lambda head, train, validation: train), "no-pair"),
        "a model": (just(keras.Sequential([keras.Input((5,))])), "no-function"),
    },
    right={"early stopping": stopping(), "more patience": stopping(patience=8), "by checkpoint": by_checkpoint()},
    blank=(just(...), just(lambda *given: ...), just(lambda head, train, validation: (head, ...))),
)


def shifted(model):
    kernel, bias = model.get_weights()
    model.set_weights([kernel, bias + [1, 0, 0, 0, 0]])
    return model


def report(labels, logits):
    said = logits.argmax(axis=1)
    table = metrics.confusion_matrix(labels, said)
    both = table + table.T
    np.fill_diagonal(both, 0)
    return {
        "accuracy": np.mean(said == labels),
        "interval": evaluation.accuracy(labels, logits)[1:],
        "majority": np.bincount(labels).max() / len(labels),
        "worst": np.argmin(table.diagonal() / table.sum(axis=1)),
        "pair": np.unravel_index(both.argmax(), both.shape),
    }


def reporting(**changed):
    """A report in which entries are what functions of labels and answers say."""

    def answer(labels, logits):
        said = logits.argmax(axis=1)
        return report(labels, logits) | {name: change(labels, said) for name, change in changed.items()}

    return just(answer)


def simple(labels, said):
    share = np.mean(labels == said)
    reach = 1.96 * np.sqrt(share * (1 - share) / len(labels))
    return share - reach, share + reach


def one_way(labels, said):
    table = metrics.confusion_matrix(labels, said)
    np.fill_diagonal(table, 0)
    return np.unravel_index(table.argmax(), table.shape)


def least_precise(labels, said):
    return int(np.argmin([np.mean(labels[said == name] == name) for name in range(3)]))


REPORT = Cases(
    wrong={
        "per cent": (reporting(accuracy=lambda labels, said: 100 * np.mean(labels == said)), "per-cent"),
        "mistakes": (reporting(accuracy=lambda labels, said: np.mean(labels != said)), "other-accuracy"),
        "normal interval": (reporting(interval=simple), "simple-interval"),
        "per cent interval": (reporting(interval=lambda labels, said: (75, 88)), "other-interval"),
        "half a width": (reporting(interval=lambda labels, said: 0.04), "no-interval"),
        "one of three": (reporting(majority=lambda labels, said: 1 / 3), "chance-level"),
        "most frequent answer": (
            reporting(majority=lambda labels, said: np.bincount(said).max() / len(said)),
            "of-the-answers",
        ),
        "count": (reporting(majority=lambda labels, said: np.bincount(labels).max()), "other-majority"),
        "precision": (reporting(worst=least_precise), "worst-by-precision"),
        "most mistakes": (
            reporting(worst=lambda labels, said: np.bincount(labels[labels != said]).argmax()),
            "worst-by-count",
        ),
        "best": (reporting(worst=lambda labels, said: 7), "other-worst"),
        "one way": (reporting(pair=one_way), "one-way"),
        "diagonal": (reporting(pair=lambda labels, said: (0, 0)), "other-pair"),
        "one class": (reporting(pair=lambda labels, said: 0), "no-pair"),
        "no pair": (just(lambda labels, logits: {"accuracy": 0.5}), "no-entry:interval"),
        "accuracy alone": (just(lambda labels, logits: 0.5), "no-dictionary"),
        "name": (reporting(worst=lambda labels, said: "cat"), "in-quotes"),
        "nothing": (just(report(np.arange(3), np.eye(3))), "no-function"),
    },
    right={
        "report": just(report),
        "list": reporting(pair=lambda labels, said: sorted(report(labels, np.eye(3)[said])["pair"])[::-1]),
        "set": reporting(pair=lambda labels, said: {*report(labels, np.eye(3)[said])["pair"]}),
        "frozen set of whole numbers": reporting(
            pair=lambda labels, said: frozenset(map(int, report(labels, np.eye(3)[said])["pair"])),
            worst=lambda labels, said: int(report(labels, np.eye(3)[said])["worst"]),
        ),
        "array": reporting(interval=lambda labels, said: np.array(evaluation.accuracy(labels, said)[1:])),
    },
    blank=(just(...), just(lambda labels, logits: ...), just(lambda labels, logits: {"accuracy": ..., "pair": 1})),
)
