"""Checks of notebook 08: name mistakes by their symptoms, fix a set-up, find a leak."""

import keras
import numpy as np
import tensorflow as tf

from helpers.course import lab
from helpers.course.checks import preparations, probes
from helpers.course.checks.exercise import Refusal, describe, exercise, one_line

NOTEBOOK = "08_break_it"
NAMES = ", ".join(lab.MISTAKES)


@exercise(NOTEBOOK, names=NAMES)
def first_round(answer):
    """Judge the blind diagnoses of patients 1 to 6."""
    _judge_guesses(answer, lab.FIRST_ROUND)


@exercise(NOTEBOOK, names=NAMES)
def second_round(answer):
    """Judge the blind diagnoses of patients 7 to 12."""
    _judge_guesses(answer, lab.SECOND_ROUND)


def _judge_guesses(answer, patients):
    if not isinstance(answer, dict):
        raise Refusal("no-dictionary")
    for patient in patients:
        if patient.number not in answer:
            raise Refusal(f"no-entry:{patient.number}")
        guess = answer[patient.number]
        if not isinstance(guess, str):
            raise Refusal("no-text", guess=describe(guess), number=patient.number)
        if guess not in lab.MISTAKES:
            raise Refusal("unknown-name", name=one_line(guess), number=patient.number)
    wrong = [patient for patient in patients if answer[patient.number] != patient.mistake]
    if wrong:
        right = [str(patient.number) for patient in patients if patient not in wrong]
        numbers = [str(patient.number) for patient in wrong]
        raise Refusal(
            f"not-right:{'-'.join(numbers)}",
            right=", ".join(right) or "none",
            wrong=", ".join(numbers),
            looks="; ".join(f"patient {patient.number}: {patient.look}" for patient in wrong),
        )


SIDE, CLASSES = 32, 5
FED = ("divided", "as-they-are", "minus-one-to-one", "twice", "divided-then-prepared", "red-first")


def watched_base():
    """Return a small stand-in for VGG16's base, and a list that collects what it is fed."""
    seen = []

    class Watch(keras.Layer):
        def call(self, inputs):
            if tf.executing_eagerly() and tf.is_tensor(inputs):
                seen.append(np.asarray(inputs))
            return inputs

    pixels = keras.Input((SIDE, SIDE, 3))
    maps = keras.layers.Conv2D(8, 3, padding="same", activation="relu", name="block5_conv1")(Watch()(pixels))
    return keras.Model(pixels, keras.layers.MaxPooling2D(name="block5_pool")(maps), name="vgg16"), seen


@exercise(NOTEBOOK)
def mend_set_up(answer):
    """Judge a function that builds a model on a frozen base."""
    probes.function(answer)
    base, seen = watched_base()
    model = probes.compiled_model(answer, base)
    generator = np.random.default_rng(8)
    pixels = generator.integers(0, 256, (10, SIDE, SIDE, 3)).astype("float32")
    seen.clear()
    outputs = probes.outputs(model, pixels)
    if outputs.shape != (10, CLASSES):
        raise Refusal("units", shape=outputs.shape)
    if not seen:
        raise Refusal("another-base")
    _refuse_preparation(seen[-1], pixels)
    probes.judge_compiled_loss(model, logits=not probes.are_probabilities(outputs))
    moved = probes.moved_by_fit(model, pixels, np.arange(10) % CLASSES)
    if "block5_conv1" in moved:
        raise Refusal("base-moves", moved=probes.listed(moved))
    if not moved:
        raise Refusal("nothing-moves")


def _refuse_preparation(fed, pixels):
    def equal(other):
        return fed.shape == other.shape and np.allclose(fed, other, atol=1e-2)

    made = preparations.variants(keras.applications.vgg16.preprocess_input, pixels)
    if equal(made["prepared"]):
        return
    reason = preparations.recognised(FED, made, equal) or "something-else"
    raise Refusal(reason, lowest=fed.min(), highest=fed.max())


COPIES = {2: 11, 7: 0, 8: 5}  # index in test to index in train


def two_splits():
    """Return two small splits with three pictures in common, and what only looks like it: the traps."""
    generator = np.random.default_rng(80)
    train = generator.integers(0, 256, (14, 8, 8, 3), dtype=np.uint8)
    test = generator.integers(0, 256, (10, 8, 8, 3), dtype=np.uint8)
    for index, other in COPIES.items():
        test[index] = train[other]
    test[4] = train[3][::-1, ::-1]  # the same numbers in other places: another picture
    test[5] = test[1]  # twice in test, and not in train
    return train, test


@exercise(NOTEBOOK)
def find_leak(answer):
    """Judge a function that finds the test pictures that are training pictures as well."""
    train, test = two_splits()
    places = _whole_numbers(probes.called(answer, train.copy(), test.copy()), len(test))
    if places == set(COPIES):
        return
    if places == set(COPIES.values()):
        reason = "places-in-train"
    elif 4 in places:
        reason = "same-sum"
    elif places & {1, 5}:
        reason = "twice-in-test"
    elif not places:
        reason = "none-found"
    elif places < set(COPIES):
        reason = "some-missing"
    else:
        reason = "too-many"
    raise Refusal(reason, places=sorted(places), count=len(COPIES))


def _whole_numbers(returned, most):
    """Return what a learner's function gives as a set of places in test."""
    if isinstance(returned, np.ndarray) or tf.is_tensor(returned):
        returned = np.asarray(returned)
        if returned.dtype == bool and returned.shape == (most,):
            raise Refusal("truth-values")
        returned = returned.tolist()
    if not isinstance(returned, list | tuple | set | frozenset | range):
        raise Refusal("no-list", returned=describe(returned))
    for entry in returned:
        if isinstance(entry, bool) or not isinstance(entry, int | np.integer):
            raise Refusal("no-whole-numbers", entry=describe(entry))
    return {int(place) for place in returned}
