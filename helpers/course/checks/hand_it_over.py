"""Checks of notebook 11: all that a model needs in one file, a stranger's file, and a model fed as in its test."""

import functools
import itertools
import logging
import tempfile
from pathlib import Path

import keras
import numpy as np
from PIL import Image
from scipy import optimize, special

from helpers.course.checks import fixtures, preparations, probes
from helpers.course.checks.exercise import Refusal, StillBlank, describe, exercise, gives, one_line
from helpers.course.checks.other_backbones import holds
from helpers.course.checks.own_images import KINDS, saved
from helpers.pictures import opening

NOTEBOOK = "11_hand_it_over"
CLASSES = 3
SIDE = 32
CLOSE = 4e-3  # of the largest probability: more than rounding, less than any of the mistakes
ALIKE = 1e-4  # of the largest probability that one mistake gives, made by the learner and here
PREPARE = keras.applications.vgg16.preprocess_input


def _rounded(row):
    return "[" + " ".join(f"{number:.3f}" for number in np.ravel(row)[:CLASSES]) + "]"


def _trained_apart():
    """Return a base that takes pictures prepared for VGG16, and a head on its maps that gives logits."""
    generator = np.random.default_rng(47)
    base = fixtures.small_base(SIDE, generator.normal(0, 0.01, (3, 3, 3, 8)), generator.normal(0, 0.3, 8))
    dense = keras.layers.Dense(CLASSES, name="predictions")
    pool = keras.layers.GlobalAveragePooling2D(name="pool")
    maps = keras.Input(base.output_shape[1:])
    head = keras.Model(maps, dense(pool(maps)), name="head")
    dense.set_weights([generator.normal(0, 1.5, dense.kernel.shape), np.zeros(CLASSES)])
    return base, head


SOFTMAX = functools.partial(special.softmax, axis=-1)
ENDS = {
    "softmax": SOFTMAX,
    "logits": np.array,
    "sigmoid": special.expit,
    "two softmax": lambda row: SOFTMAX(SOFTMAX(row)),
}


SURENESS = ((3.0, 1), (0.4, 29))  # of logits: too sure and too unsure; and seeds
PICTURES, NEAR = 300, 0.025  # of the right temperature


def _validation(scale, seed):
    """Return probabilities of a model that is about `scale` times as sure as it may be, and labels of unequal classes.

    With these seeds the lowest binary cross-entropy, or that of columns, lies elsewhere.
    """
    generator = np.random.default_rng([83, seed])
    logits = generator.normal([1.5, 0, -1], 1.5, (PICTURES, CLASSES))
    labels = np.array([generator.choice(CLASSES, p=row) for row in SOFTMAX(logits)])
    return SOFTMAX(scale * (logits + generator.normal(0, 0.8, logits.shape))), labels


def _fitted(scores, labels):
    """Return the temperature at which the labels are most probable, if these are the logits, and the loss there."""

    def loss(temperature):
        return -np.mean(special.log_softmax(scores / temperature, axis=1)[np.arange(len(labels)), labels])

    found = optimize.minimize_scalar(loss, bounds=(0.01, 50), method="bounded")
    return found.x, found.fun


@exercise(NOTEBOOK)
def find_temperature(answer):
    """Judge a function that fits a temperature to probabilities, of which the logarithms can be the logits."""
    for scale, seed in SURENESS:
        probabilities, labels = _validation(scale, seed)
        returned = probes.number(probes.called(answer, probabilities.copy(), labels.copy()))
        wanted, loss = _fitted(np.log(probabilities), labels)
        number, right = f"{returned:.3g}", f"{wanted:.3g}"

        def is_(other, returned=returned):
            return abs(returned - other) < NEAR * other

        if is_(wanted):
            continue
        if is_(1 / wanted):
            raise Refusal("upside-down", number=number, wanted=right)
        if is_(_fitted(probabilities, labels)[0]):
            raise Refusal("probabilities-for-logits", number=number, wanted=right)
        if is_(loss):
            raise Refusal("loss-returned", number=number, wanted=right)
        if is_(1):
            raise Refusal("nothing-changed", number=number, wanted=right)
        if abs(returned - wanted) < 0.3 * wanted:
            raise Refusal("near", number=number, wanted=right)
        raise Refusal("another-temperature", number=number, wanted=right)


# Shares that are asked for, and seeds: with them some answers tie, the share is reached and lost again before the line,
# once it is met exactly, and the line is not where the share of the pictures, or of the classes, would draw it.
LINES = ((0.8, 74), (0.75, 340), (0.9, 374))
SURE = np.random.default_rng(7).uniform(0.4, 0.98, 30)


def _answers(seed, number=80):
    """Return probabilities, of which the largest are as often right as they say, and labels of unequal classes."""
    generator = np.random.default_rng([89, seed])
    sure, said = generator.choice(SURE, number), generator.choice(CLASSES, number, p=[0.6, 0.3, 0.1])
    second = (1 - sure) * generator.uniform(0.35, 0.65, number)
    probabilities, rows = np.empty((number, CLASSES)), np.arange(number)
    for place, values in enumerate((sure, second, 1 - sure - second)):
        probabilities[rows, (said + place) % CLASSES] = values
    right = generator.random(number) < sure
    return probabilities, np.where(right, said, (said + generator.integers(1, CLASSES, number)) % CLASSES)


def _first(tried, sure, right, share, enough=np.greater_equal):
    """Return the first threshold at which enough of the kept answers are right; None where there is none."""
    return next((one for one in tried if enough(np.mean(right[sure >= one]), share)), None)


def _from_the_top(sure, right, share):
    down = np.unique(sure)[::-1]
    fails = [np.mean(right[sure >= one]) < share for one in down]
    return down[max(fails.index(True) - 1, 0)]


DRAWN = {  # thresholds, of sure, right and share: the one that is asked for, and what people take for it
    "lowest": lambda sure, right, share: _first(np.unique(sure), sure, right, share),
    "share-of-pictures": lambda sure, right, share: np.quantile(sure, 1 - share),
    "unsorted": lambda sure, right, share: _first(sure, sure, right, share),
    "more-than": lambda sure, right, share: _first(np.unique(sure), sure, right, share, np.greater),
    "from-the-top": _from_the_top,
}
TINY = 1e-6  # numbers of 32 bits are no nearer


def _same_line(sure, line, other):
    return any(np.array_equal(sure >= near, sure >= other) for near in (line, line - TINY))


@exercise(NOTEBOOK)
def draw_the_line(answer):
    """Judge a function that gives the lowest threshold at which a share of the answers that are kept is right."""
    given = []
    for share, seed in LINES:
        probabilities, labels = _answers(seed)
        returned = probes.number(probes.called(answer, probabilities.copy(), labels.copy(), share))
        given.append((returned, (probabilities.max(axis=1), probabilities.argmax(axis=1) == labels, share)))

    def everywhere(way):
        return all(_same_line(case[0], line, DRAWN[way](*case)) for line, case in given)

    if everywhere("lowest"):
        return
    for slip in ("share-of-pictures", "unsorted", "more-than", "from-the-top"):
        if everywhere(slip):
            raise Refusal(slip)
    for line, (sure, right, share) in given:
        number, kept, lowest = f"{line:.3g}", sure >= line - TINY, DRAWN["lowest"](sure, right, share)
        if not 0 <= line <= 1:
            raise Refusal("no-probability", number=number)
        if not kept.any():
            raise Refusal("nothing-kept", number=number)
        found = f"{np.mean(right[kept]):.0%} of {kept.sum()}"
        if np.mean(right[kept]) < share:
            raise Refusal("too-few-right", number=number, kept=found, share=f"{share:.0%}")
        if not _same_line(sure, line, lowest):
            raise Refusal("not-the-lowest", number=number, kept=found, wanted=f"{lowest:.3g}")


@exercise(NOTEBOOK)
def all_inside(answer):
    """Judge a function that joins preprocessing, base, head and softmax to one model that can be saved."""
    probes.function(answer)
    base, head = _trained_apart()
    weights = [*base.get_weights(), *head.get_weights()]
    pixels = np.random.default_rng(53).integers(0, 256, (4, SIDE, SIDE, 3)).astype("float32")
    fed = preparations.variants(PREPARE, pixels)
    logits = {name: probes.outputs(head, probes.outputs(base, variant)) for name, variant in fed.items()}
    whole = probes.model(probes.called(answer, base, head))
    outputs, wanted = probes.outputs(whole, pixels), SOFTMAX(logits["prepared"])
    if not probes.same(outputs, wanted, CLOSE):
        for name, (end, made) in itertools.product(fed, ENDS.items()):
            if probes.same(outputs, made(logits[name]), ALIKE):
                raise Refusal(f"joined:{name}, {end}", model=describe(whole), fed=name.replace("-", " "), end=end)
        reason = "something-else" if holds(whole, weights) else "weights-lost"
        row, right = _rounded(outputs[0]), _rounded(wanted[0])
        raise Refusal(reason, model=describe(whole), shape=outputs.shape, row=row, wanted=right)
    with tempfile.TemporaryDirectory() as folder:
        try:
            whole.save(Path(folder, "answer.keras"))
            loaded = keras.saving.load_model(Path(folder, "answer.keras"), compile=False, safe_mode=True)
        except Exception as error:
            raise Refusal("own-code", model=describe(whole), error=one_line(error)) from error
    if not probes.same(probes.outputs(loaded, pixels), outputs, CLOSE):
        raise Refusal("own-code", model=describe(whole), error="it gives other numbers then")


@gives
def strangers_file(folder):
    """Save a model as a stranger might send it, with Python code inside, in a folder; return its path."""
    doubles = keras.layers.Lambda(lambda numbers: 2 * numbers)
    keras.Sequential([keras.Input((CLASSES,)), doubles]).save(Path(folder, "stranger.keras"))
    return Path(folder, "stranger.keras")


@exercise(NOTEBOOK)
def open_strangers_file(answer):
    """Judge a function that opens a file in safe mode, and gives None for what is not to be opened, or cannot be."""
    probes.function(answer)
    row, log = np.ones((1, CLASSES), "float32"), logging.getLogger("absl")
    level, honest = log.level, keras.Sequential([keras.Input((CLASSES,)), keras.layers.Dense(CLASSES)])
    log.setLevel(logging.ERROR)  # Keras says that it would rather not write the older format
    try:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            for honest_file in ("honest.keras", "older.h5"):
                honest.save(folder / honest_file)
            (folder / "damaged.keras").write_bytes((folder / "honest.keras").read_bytes()[:900])
            found = {file: _opened(answer, folder / file) for file in ("honest.keras", "older.h5", "damaged.keras")}
            found["stranger.keras"] = _opened(answer, strangers_file(folder))
    finally:
        log.setLevel(level)
    opened = found.pop("honest.keras")
    if opened is None:
        raise Refusal("refuses-all")
    if not isinstance(opened, keras.Model) or not probes.same(probes.outputs(opened, row), np.asarray(honest(row))):
        raise Refusal("another-model", returned=describe(opened))
    for reason, file in (("no-none", "damaged.keras"), ("code-opened", "stranger.keras"), ("older-opened", "older.h5")):
        if found[file] is not None:
            raise Refusal(reason, file=file, returned=describe(found[file]))


def _opened(answer, path):
    try:
        returned = answer(path)
    except Exception as error:
        raise Refusal("raises", file=path.name, error=type(error).__name__, message=one_line(error)) from error
    if returned is ...:
        raise StillBlank
    return returned


def sharp_eyed_model():
    """Return a model from pixels 0…255 to three probabilities in which each pixel counts; preprocessing is inside."""
    generator = np.random.default_rng(347)  # with it each mistake changes a probability by 0.01 and more
    pixels = keras.Input((SIDE, SIDE, 3), name="pixels")
    row = keras.layers.Flatten()(PREPARE(pixels))
    last = keras.layers.Dense(CLASSES, activation="softmax", name="predictions")
    model = keras.Model(pixels, last(row), name="from_pixels")
    last.set_weights([generator.normal(0, 4e-4, last.kernel.shape), np.zeros(CLASSES)])
    return model


def _resized(picture, interpolation="bicubic", clip=True, **options):
    pixels = np.asarray(picture, "float32")[None]
    resized = np.asarray(keras.ops.image.resize(pixels, (SIDE, SIDE), interpolation=interpolation, **options))
    return np.clip(resized, 0, 255) if clip else resized


def _resized_otherwise(picture):
    """Return ways of resizing that `images.load` does not take, in words, and the pixels that they give."""
    made = {f"by {way!r}": _resized(picture, way) for way in ("nearest", "bilinear", "lanczos3")}
    made |= {f"by {way!r}, smoothed": _resized(picture, way, antialias=True) for way in ("bilinear", "bicubic")}
    for way in Image.Resampling:
        made[f"by Pillow ({way.name.lower()})"] = np.asarray(picture.resize((SIDE, SIDE), way), "float32")[None]
    made["with a part cut off"] = _resized(picture.crop((0, 7, 50, 57)))
    return made | {"without clipping": _resized(picture, clip=False)}


@exercise(NOTEBOOK)
def mend_skew(answer):
    """Judge a function that feeds a picture file to a model which has its preprocessing inside."""
    probes.function(answer)
    model = sharp_eyed_model()  # another one than the function gets, which it may change

    def asked(pixels):
        return probes.outputs(model, pixels)[0]

    def gives(row, *fed):
        return any(probes.same(row, asked(np.asarray(pixels)), ALIKE) for pixels in fed)

    with tempfile.TemporaryDirectory() as folder:
        for kind, words in KINDS.items():
            path = saved(Path(folder), kind)
            returned = probes.called(answer, sharp_eyed_model(), path)
            row, right = probes.array(returned), asked(_resized(opening.open_picture(path)))
            row = row[0] if row.shape == (1, CLASSES) else row
            if row.shape != (CLASSES,):
                raise Refusal("no-row", returned=describe(returned), classes=CLASSES)
            if not probes.same(row, right, CLOSE):
                reason = _skew(row, right, kind, Image.open(path).convert("RGB"), gives)
                raise Refusal(reason, picture=words, row=_rounded(row), wanted=_rounded(right))


def _skew(row, right, kind, picture, gives):
    good, otherwise = _resized(picture), _resized_otherwise(picture)
    if kind != "plain.png" and gives(row, good):
        return "not-turned" if kind == "turned.jpg" else "background"
    for way, pixels in otherwise.items():
        if gives(row, pixels):
            return f"resized:{way}"
    for pixels in (good, *otherwise.values()):
        if gives(row, pixels / 255, pixels / 127.5 - 1, PREPARE(pixels.copy())):
            return "inside-already"
    if gives(row, good[..., ::-1], good.swapaxes(1, 2)):
        return "axes"
    again = row if probes.same(np.sort(row), np.sort(right), ALIKE) else right
    changes = {"in another order": again, "put through softmax": special.softmax(right)}
    changes |= {"times 100": 100 * right, "rounded": right.round(1), "rounded to two places": right.round(2)}
    for change, other in changes.items():
        if probes.same(row, other, ALIKE):
            return f"changed:{change}"
    return "something-else"
