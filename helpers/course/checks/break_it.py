"""Checks of notebook 09: name mistakes by their symptoms, fix a set-up, find a leak."""

import itertools
from collections import Counter
from collections.abc import Iterable, Mapping

import keras
import numpy as np

from helpers import doctor
from helpers.course import lab
from helpers.course.checks import preparations, probes
from helpers.course.checks.exercise import Refusal, describe, exercise, one_line
from helpers.course.checks.other_backbones import holds, watched_base
from helpers.measuring import evaluation

NOTEBOOK = "09_break_it"
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
    probes.entries(answer, [patient.number for patient in patients])
    guesses = {}
    for patient in patients:
        guess = answer[patient.number]
        guesses[patient.number] = guess.strip() if isinstance(guess, str) else describe(guess)
        if guesses[patient.number] not in lab.MISTAKES:
            raise Refusal("unknown-name", name=one_line(guesses[patient.number]), number=patient.number)
    (name, count), *_ = Counter(guesses.values()).most_common()
    if count > 1:
        numbers = [number for number, guess in guesses.items() if guess == name]
        raise Refusal(f"named-twice:{name}", numbers=", ".join(map(str, numbers)))
    wrong = [patient for patient in patients if guesses[patient.number] != patient.mistake]
    if wrong:
        numbers = [str(patient.number) for patient in wrong]
        looks = "; ".join(f"patient {patient.number}: {patient.look}" for patient in wrong)
        right = len(guesses) - len(wrong)
        raise Refusal(f"not-right:{'-'.join(numbers)}", right=right, wrong=", ".join(numbers), looks=looks)


SIDE, CLASSES, PICTURES = 32, 5, 40
FED = ("divided", "as-they-are", "minus-one-to-one", "twice", "divided-then-prepared", "red-first")


@exercise(NOTEBOOK)
def mend_set_up(answer):
    """Judge a function that builds a model on a frozen base; what the doctor alarms on is refused."""
    probes.function(answer)
    base, seen = watched_base(SIDE, "vgg16")
    weights = base.get_weights()
    model = probes.compiled_model(answer, base)
    generator = np.random.default_rng(8)
    pixels = generator.integers(0, 256, (PICTURES, SIDE, SIDE, 3)).astype("float32")
    labels = generator.permutation(np.arange(PICTURES) % CLASSES)
    seen.clear()
    outputs = probes.outputs(model, pixels)
    for reason, met in (
        ("units", outputs.shape != (PICTURES, CLASSES)),
        ("base-trained", not holds(base, weights)),
        ("another-base", not seen or not holds(model, weights)),
        ("without-loss", not model.loss),
    ):
        if met:
            raise Refusal(reason, shape=outputs.shape, pictures=PICTURES)
    fed, made = seen[-1], preparations.variants(keras.applications.vgg16.preprocess_input, pixels)

    if not probes.same(fed, made["prepared"], 1e-4):
        reason = preparations.recognised(FED, made, fed) or "something-else"
        raise Refusal(reason, lowest=fed.min(), highest=fed.max(), shape=fed.shape)
    for alarm in doctor.diagnose(model, (pixels, labels)).alarms:
        raise Refusal(f"doctor:{alarm.name}", observed=alarm.observed, why=alarm.why)
    probes.judge_compiled_loss(model, logits=not evaluation.are_probabilities(outputs))
    moved = probes.moved_by_fit(model, pixels, labels)
    if "block5_conv1" in moved or not moved:
        raise Refusal("moves-wrongly", moved=probes.listed(moved))


COPIES = {2: 11, 7: 0, 8: 5}  # index in test to index in train
PARTS = (9, 10, 11, 12)  # of test: in one part equal to a training picture, and not in the rest


def two_splits():
    """Return two small splits with three pictures in common, and what only looks like it: the traps."""
    generator = np.random.default_rng(80)
    train = generator.integers(0, 256, (14, 20, 20, 3), dtype=np.uint8)  # too large for str() to print all numbers
    test = generator.integers(0, 256, (14, 20, 20, 3), dtype=np.uint8)
    for index, other in COPIES.items():
        test[index] = train[other]
    test[4] = train[3][::-1, ::-1]  # the same numbers in other places: another picture
    test[5] = test[1]  # twice in test, and not in train
    test[9][0] = train[9][0]  # its first row
    test[10][:, 0] = train[6][:, 0]  # its first column
    test[11][..., 0] = train[2][..., 0]  # all of its red
    test[12] = train[1]
    test[12][10, 10] ^= 1  # all but one pixel, and that one nearly
    return train, test


@exercise(NOTEBOOK)
def find_leak(answer):
    """Judge a function that finds the test pictures that are training pictures as well."""
    train, test = two_splits()
    places = _whole_numbers(probes.called(answer, train.copy(), test.copy()))
    parts = places & set(PARTS)
    for reason, met in (
        ("places-in-train", places == set(COPIES.values())),
        (f"a-part:{min(parts, default=None)}", parts),
        ("none-found", not places),
        ("some-missing", places < set(COPIES)),
        (f"not-in-train:{max(places - set(COPIES), default=None)}", True),
    ):
        if met and places != set(COPIES):
            raise Refusal(reason, places=sorted(places), count=len(COPIES))


def _whole_numbers(returned):
    """Return what a learner's function gives as a set of places in test."""
    if hasattr(returned, "__array__"):  # of NumPy, pandas, TensorFlow
        returned = np.asarray(returned)
        returned = (returned.ravel() if returned.shape[1:] == (1,) else returned).tolist()
    if isinstance(returned, str | bytes | Mapping) or not isinstance(returned, Iterable):
        raise Refusal("no-list", returned=describe(returned))
    returned = list(itertools.islice(returned, 1000))
    for entry in returned:
        if isinstance(entry, bool) or not isinstance(entry, int | np.integer):
            raise Refusal("no-whole-numbers", entry=describe(entry))
    return {int(place) for place in returned}
