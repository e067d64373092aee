"""Checks of notebook 08: name mistakes by their symptoms, fix a set-up, find a leak."""

import keras
import numpy as np
import tensorflow as tf

from helpers.course import lab
from helpers.course.checks import preparations, probes
from helpers.course.checks.exercise import Refusal, describe, exercise, one_line

NOTEBOOK = "08_break_it"
SYMPTOMS = "name silent mistakes by their symptoms"
GUESSES = "a dictionary: number of each patient of this round to the name of a mistake"
NAMES = f"each patient of a round has a different mistake; the names are {', '.join(lab.MISTAKES)}"


@exercise(
    NOTEBOOK,
    goal=SYMPTOMS,
    expects=GUESSES,
    praise="six diagnoses, made from curves and a line of report, before anyone looked into the code.",
    hint=NAMES,
)
def first_round(answer):
    """Judge the blind diagnoses of patients 1 to 6."""
    _judge_guesses(answer, lab.FIRST_ROUND)


@exercise(
    NOTEBOOK,
    goal=SYMPTOMS,
    expects=GUESSES,
    praise="six diagnoses of trunks that move, do not move, or are measured wrongly, all from the outside.",
    hint=NAMES,
)
def second_round(answer):
    """Judge the blind diagnoses of patients 7 to 12."""
    _judge_guesses(answer, lab.SECOND_ROUND)


def _judge_guesses(answer, patients):
    if not isinstance(answer, dict):
        raise Refusal("no-dictionary", describe(answer), "keep the form of the stub: {number: 'name', ...}")
    for patient in patients:
        of = f"patient {patient.number}"
        if patient.number not in answer:
            look = "the numbers of its entries: whole numbers, without quotes"
            raise Refusal(f"no-entry:{patient.number}", f"a dictionary without {of}", look)
        guess = answer[patient.number]
        if not isinstance(guess, str):
            raise Refusal("no-text", f"{describe(guess)} for {of}", "the name of the mistake, as a text")
        if guess not in lab.MISTAKES:
            saw = f"the name {one_line(guess)!r} for {of}"
            raise Refusal("unknown-name", saw, "the spelling: no mistake is called that")
    wrong = [patient for patient in patients if answer[patient.number] != patient.mistake]
    if wrong:
        right = [str(patient.number) for patient in patients if patient not in wrong]
        numbers = [str(patient.number) for patient in wrong]
        saw = f"right so far: {', '.join(right) or 'none'}; not right: {', '.join(numbers)}"
        look = "; ".join(f"patient {patient.number}: {patient.look}" for patient in wrong)
        raise Refusal(f"not-right:{'-'.join(numbers)}", saw, look)


SIDE, CLASSES = 32, 5
FED = {
    "divided": ("pixels divided by 255", "the range: what does VGG16's own preprocess_input give?"),
    "as-they-are": ("pixels as they are", "the station between pixels and base"),
    "minus-one-to-one": ("pixels brought to −1…1", "whose preprocessing that is: not VGG16's"),
    "twice": ("pixels prepared twice", "how many times preprocess_input lies on the way"),
    "divided-then-prepared": ("pixels divided by 255, then prepared", "one station too many: preprocess_input alone"),
    "red-first": ("red first, where blue should be", "the order of the colours"),
}


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


@exercise(
    NOTEBOOK,
    goal="mend a model until the doctor finds nothing",
    expects="a function build(base) that returns a compiled model from pixels 0…255 to five outputs, so that a fit "
    "trains the head alone, on what VGG16's base expects, with a loss that fits",
    praise="the base gets what it expects, stays still, and the loss asks the question that the head answers.",
    hint="three stations: what comes before the base, what may train, and how last layer and loss fit together",
)
def mend_set_up(answer):
    """Judge a function that builds a model on a frozen base."""
    probes.function(answer)
    base, seen = watched_base()
    model = probes.compiled_model(answer, base)
    generator = np.random.default_rng(8)
    pixels = generator.integers(0, 256, (10, SIDE, SIDE, 3)).astype("float32")
    seen.clear()
    outputs = probes.outputs(model, pixels, probes.PIXELS)
    if outputs.shape != (10, CLASSES):
        saw = f"its outputs have shape {outputs.shape}, not (10, {CLASSES})"
        raise Refusal("units", saw, "the last layer: how many classes does it have to tell apart?")
    if not seen:
        raise Refusal("another-base", "the base that it was given is not in its model", "put the model on that base")
    _refuse_preparation(seen[-1], pixels)
    probes.judge_compiled_loss(model, logits=not probes.are_probabilities(outputs))
    moved = probes.moved_by_fit(model, pixels, np.arange(10) % CLASSES)
    if "block5_conv1" in moved:
        saw = f"in the next fit {probes.listed(moved)} moved"
        raise Refusal("base-moves", saw, "the base: is it frozen before the compile?")
    if not moved:
        raise Refusal("nothing-moves", "in the next fit no layer moved", "the head: it has to train")


def _refuse_preparation(fed, pixels):
    def equal(other):
        return fed.shape == other.shape and np.allclose(fed, other, atol=1e-2)

    made = preparations.variants(keras.applications.vgg16.preprocess_input, pixels)
    if equal(made["prepared"]):
        return
    preparations.refuse_known(FED, made, equal, "its base gets ")
    saw = f"its base gets numbers from {fed.min():.2f} to {fed.max():.2f}"
    look = "what is between pixels and base: VGG16's preprocess_input, and nothing else"
    raise Refusal("something-else", saw, look)


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


@exercise(
    NOTEBOOK,
    goal="find pictures that two splits share",
    expects="a function leaked(train, test) that returns the places (0, 1, …) of the test pictures that stand in "
    "train, too",
    praise="you found every shared picture, and took no other for one.",
    hint="picture.tobytes() is the same for two pictures exactly when all of their numbers are, in the same places",
)
def find_leak(answer):
    """Judge a function that finds the test pictures that are training pictures as well."""
    train, test = two_splits()
    places = _whole_numbers(probes.called(answer, train.copy(), test.copy()), len(test))
    if places == set(COPIES):
        return
    if places == set(COPIES.values()):
        reason, look = "places-in-train", "which split the places belong to: they are asked for in test"
    elif 4 in places:
        reason = "same-sum"
        look = "picture 4: it has the same sum and the same numbers as a training picture, but in other places"
    elif places & {1, 5}:
        reason, look = "twice-in-test", "pictures 1 and 5: they are the same, but both are in test"
    elif not places:
        reason = "none-found"
        look = "the comparison: are all numbers of two pictures compared, and each test picture with each of train?"
    elif places < set(COPIES):
        reason, look = "some-missing", "all of test: some shared pictures are missing. Does the search end too early?"
    else:
        reason, look = "too-many", "a picture that you return and that is not in train: compare the two by eye"
    saw = f"it returns {sorted(places)} for two splits with {len(COPIES)} pictures in common"
    raise Refusal(reason, saw, look)


def _whole_numbers(returned, most):
    """Return what a learner's function gives as a set of places in test."""
    if isinstance(returned, np.ndarray) or tf.is_tensor(returned):
        returned = np.asarray(returned)
        if returned.dtype == bool and returned.shape == (most,):
            raise Refusal("truth-values", "it returns True and False", "np.flatnonzero turns them into places")
        returned = returned.tolist()
    if not isinstance(returned, list | tuple | set | frozenset | range):
        raise Refusal("no-list", f"it returns {describe(returned)}", "collect the places in a list")
    for entry in returned:
        if isinstance(entry, bool) or not isinstance(entry, int | np.integer):
            look = "its entries: whole numbers, the places of test pictures"
            raise Refusal("no-whole-numbers", f"it returns a list with {describe(entry)}", look)
    return {int(place) for place in returned}
