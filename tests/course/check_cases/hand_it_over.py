"""Answers to the exercises of notebook 11."""

import functools

import keras
import numpy as np
from keras import layers
from PIL import Image, ImageOps
from scipy import optimize, special
from sklearn import metrics

from check_cases.common import Cases, just, prepare
from helpers import predict
from helpers.pictures import opening


def opened(path):
    return np.asarray(opening.open_picture(path), "float32")[None]


def as_ask_does(path):
    picture = Image.open(path)
    if picture.mode in ("1", "P") or picture.has_transparency_data:
        picture = picture.convert("RGBA")
    picture.thumbnail((512, 512))
    picture = ImageOps.exif_transpose(picture).convert("RGBA")
    white = Image.new("RGBA", picture.size, "white")
    return np.asarray(Image.alpha_composite(white, picture).convert("RGB"), "float32")[None]


def resized(pixels, size, **options):
    given = keras.ops.image.resize(pixels, size, **{"interpolation": "bicubic", **options})
    return np.clip(given, 0, 255)


def fed(read=opened, resize=resized, change=lambda pixels: pixels, change_row=lambda row: row[0]):
    def app(model, path):
        pixels = change(resize(read(path), model.input_shape[1:3]))
        return change_row(model.predict(pixels, verbose=0))

    return just(app)


def load_img(divide=1.0, **options):
    def app(model, path):
        picture = keras.utils.load_img(path, target_size=model.input_shape[1:3], **options)
        return model.predict(keras.utils.img_to_array(picture)[None] / divide, verbose=0)[0]

    return just(app)


def plainly(path):
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGB"), "float32")[None]


def turned_only(path):
    with Image.open(path) as picture:
        return np.asarray(keras.utils.img_to_array(_upright(picture).convert("RGB")))[None]


def _upright(picture):
    return picture.rotate(-90, expand=True) if picture.getexif().get(0x0112) == 6 else picture


def squared(path):
    pixels = opened(path)
    side = min(pixels.shape[1:3])
    top, left = (pixels.shape[1] - side) // 2, (pixels.shape[2] - side) // 2
    return pixels[:, top : top + side, left : left + side]


def tutorial(model, path):
    pixels = keras.utils.img_to_array(keras.utils.load_img(path, target_size=model.input_shape[1:3]))
    return model.predict(prepare(pixels[None]), verbose=0)[0]


def without_batch(model, path):
    return model.predict(resized(opened(path), model.input_shape[1:3])[0], verbose=0)[0]


def zeroed(model, path):
    model.set_weights([0 * weight for weight in model.get_weights()])
    return fed()()(model, path)


def turned_wrongly(path):
    with Image.open(path) as picture:
        picture = picture.rotate(90, expand=True) if picture.getexif().get(0x0112) == 6 else picture
        return np.asarray(picture.convert("RGB"), "float32")[None]


def unclipped(pixels, size):
    return keras.ops.image.resize(pixels, size, interpolation="bicubic")


def classified(model, path):
    return predict.classify(model, ["ant", "bee", "cow"], path)["probability"]


MEND_SKEW = Cases(
    wrong={
        "tutorial code": (just(tutorial), "inside-already"),
        "not clipped": (fed(resize=unclipped), "resized:without clipping"),
        "classified": (just(classified), "changed:in another order"),
        "sorted": (fed(change_row=lambda row: np.sort(row[0])), "changed:in another order"),
        "softmax once more": (fed(change_row=lambda row: keras.ops.softmax(row)[0]), "changed:put through softmax"),
        "backwards": (fed(change_row=lambda row: row[0][::-1]), "changed:in another order"),
        "per cent": (fed(change_row=lambda row: 100 * row[0]), "changed:times 100"),
        "rounded": (fed(change_row=lambda row: row[0].round(1)), "changed:rounded"),
        "logarithms": (fed(change_row=lambda row: np.log(row[0])), "something-else"),
        "no batch axis": (just(without_batch), "fails"),
        "axes exchanged": (fed(change=lambda pixels: pixels.swapaxes(1, 2)), "axes"),
        "a model of zeros": (just(zeroed), "something-else"),
        "turned the wrong way": (fed(read=turned_wrongly), "something-else"),
        "the path": (just(lambda model, path: path), "no-array"),
        "the app as it was": (load_img(255), "inside-already"),
        "no longer divided": (load_img(), "resized:by 'nearest'"),
        "Pillow's bicubic": (load_img(interpolation="bicubic"), "resized:by Pillow (bicubic)"),
        "divided": (fed(change=lambda pixels: pixels / 255), "inside-already"),
        "minus one to one": (fed(change=lambda pixels: pixels / 127.5 - 1), "inside-already"),
        "preprocessed twice": (fed(change=lambda pixels: prepare(pixels.copy())), "inside-already"),
        "blue first": (fed(change=lambda pixels: pixels[..., ::-1]), "axes"),
        "bilinear": (
            fed(resize=lambda pixels, size: resized(pixels, size, interpolation="bilinear")),
            "resized:by 'bilinear'",
        ),
        "lanczos3": (
            fed(resize=lambda pixels, size: resized(pixels, size, interpolation="lanczos3")),
            "resized:by 'lanczos3'",
        ),
        "Pillow's lanczos": (load_img(interpolation="lanczos"), "resized:by Pillow (lanczos)"),
        "smoothed": (
            fed(resize=lambda pixels, size: resized(pixels, size, antialias=True)),
            "resized:by 'bicubic', smoothed",
        ),
        "a square cut out": (fed(read=squared), "resized:with a part cut off"),
        "not turned": (fed(read=plainly), "not-turned"),
        "on black": (fed(read=turned_only), "background"),
        "a constant": (just(lambda model, path: np.full(3, 1 / 3)), "something-else"),
        "the label": (
            fed(change_row=lambda row: int(row[0].argmax())),
            "no-row",
        ),
        "a name": (just(lambda model, path: "cat"), "no-array"),
        "nothing returned": (just(lambda model, path: None), "returns-none"),
        "one argument": (just(lambda path: path), "fails"),
    },
    right={
        "step by step": fed(),
        "as ask.py of the notebook": fed(read=as_ask_does),
        "a batch of one": fed(change_row=lambda row: row),
        "a list": fed(change_row=lambda row: row[0].tolist()),
        "the one function": just(lambda model, path: model(predict.pixels(path, (32, 32)))[0]),
    },
    blank=(just(...), just(lambda model, path: ...)),
)


def careful(path, safe_mode=True, endings=(".keras",), otherwise=None):
    if path.suffix not in endings:
        return otherwise
    try:
        return keras.saving.load_model(path, safe_mode=safe_mode)
    except ValueError:
        return otherwise


def new_weights(path):
    found = careful(path)
    return found and keras.models.clone_model(found)


def only_safe(path):
    return keras.saving.load_model(path, safe_mode=True)


def by_words(path):
    try:
        return keras.saving.load_model(str(path), compile=False) if str(path).endswith(".keras") else None
    except Exception:
        return None


OPEN_STRANGERS_FILE = Cases(
    wrong={
        "not safe": (just(functools.partial(careful, safe_mode=False)), "code-opened"),
        "any ending": (just(functools.partial(careful, endings=(".keras", ".h5"))), "older-opened"),
        "errors pass": (just(only_safe), "raises"),
        "never": (just(lambda path: None), "refuses-all"),
        "False": (just(functools.partial(careful, otherwise=False)), "no-none"),
        "the path": (just(lambda path: path), "another-model"),
        "new weights": (just(new_weights), "another-model"),
        "no argument": (just(lambda: None), "raises"),
        "a model": (just(keras.Sequential()), "no-function"),
    },
    right={
        "ending and safe mode": just(careful),
        "everything caught": just(by_words),
    },
    blank=(just(...), just(lambda path: ...)),
)


def joined(preprocess=prepare, end=layers.Softmax, wrap=lambda model: model):
    def one(base, head):
        plain = keras.Input(base.input_shape[1:])
        result = head(base(preprocess(plain)))
        return wrap(keras.Model(plain, end()(result) if end else result))

    return just(one)


class OwnLayer(layers.Layer):
    def call(self, pixels):
        return prepare(pixels)


class OwnModel(keras.Model):
    def __init__(self, base, head):
        super().__init__()
        self.base, self.head = base, head

    def call(self, pixels):
        return keras.ops.softmax(self.head(self.base(prepare(pixels))))


def own_model(base, head):
    model = OwnModel(base, head)
    model(np.zeros((1, *base.input_shape[1:]), "float32"))
    return model


def new_layers(base, head):
    return joined()()(keras.models.clone_model(base), keras.models.clone_model(head))


def all_in_a_row(base, head):
    plain = keras.Input(base.input_shape[1:])
    return keras.Sequential([keras.Model(plain, prepare(plain)), base, head, layers.Softmax()])


def from_their_outputs(base, head):
    plain = keras.Input(base.input_shape[1:])
    both = keras.Model(base.input, keras.Model(head.input, layers.Softmax()(head.output))(base.output))
    return keras.Model(plain, both(prepare(plain)))


def lambda_of(pixels):
    return layers.Lambda(lambda x: x[..., ::-1] - np.array([103.939, 116.779, 123.68], "float32"))(pixels)


def fitted(scores, labels, bounds=(0.05, 20), part="x"):
    def loss(temperature):
        return metrics.log_loss(labels, special.softmax(scores / temperature, axis=1))

    return optimize.minimize_scalar(loss, bounds=bounds, method="bounded")[part]


def on_a_grid(probabilities, labels):
    grid = np.linspace(0.1, 5, 491)
    losses = [metrics.log_loss(labels, special.softmax(np.log(probabilities) / one, axis=1)) for one in grid]
    return grid[np.argmin(losses)]


def by_confidence(probabilities, labels):
    """The temperature at which the mean of the largest probabilities is the share of right answers."""
    right = np.mean(probabilities.argmax(axis=1) == labels)

    def gap(temperature):
        return special.softmax(np.log(probabilities) / temperature, axis=1).max(axis=1).mean() - right

    return 0.9 * optimize.brentq(gap, 0.05, 20)


FIND_TEMPERATURE = Cases(
    wrong={
        "upside down": (just(lambda given, labels: 1 / fitted(np.log(given), labels)), "upside-down"),
        "probabilities as logits": (just(fitted), "probabilities-for-logits"),
        "the loss": (just(lambda given, labels: fitted(np.log(given), labels, part="fun")), "loss-returned"),
        "one": (just(lambda given, labels: 1.0), "nothing-changed"),
        "to half a number": (just(lambda given, labels: round(2 * fitted(np.log(given), labels)) / 2 + 0.1), "near"),
        "by another measure": (just(by_confidence), "near"),
        "far too large": (just(lambda given, labels: 20.0), "another-temperature"),
        "negative": (just(lambda given, labels: -fitted(np.log(given), labels)), "another-temperature"),
        "a number": (just(2.0), "no-function"),
        "the whole result": (just(lambda given, labels: optimize.OptimizeResult(x=2)), "no-number"),
    },
    right={
        "by SciPy": just(lambda given, labels: fitted(np.log(given), labels)),
        "of shifted logits": just(lambda given, labels: fitted(np.log(given) + 7, labels)),
        "on a grid": just(on_a_grid),
        "in an array": just(lambda given, labels: np.array([fitted(np.log(given), labels)])),
    },
    blank=(just(...), just(lambda given, labels: ...)),
)


def line(probabilities, labels, share, steps=None, pick=0):
    sure, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    steps = np.sort(sure) if steps is None else steps
    enough = [step for step in steps if (sure >= step).any() and np.mean(right[sure >= step]) >= share]
    return enough[pick]


def from_the_top(probabilities, labels, share):
    sure, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    drawn = sure.max()
    for step in np.sort(sure)[::-1]:
        if np.mean(right[sure >= step]) < share:
            break
        drawn = step
    return drawn


DRAW_THE_LINE = Cases(
    wrong={
        "the quantile of the pictures": (
            just(lambda given, labels, share: np.quantile(given.max(axis=1), 1 - share)),
            "share-of-pictures",
        ),
        "the first row": (just(lambda *given: line(*given, steps=given[0].max(axis=1))), "unsorted"),
        "more than the share": (just(lambda given, labels, share: line(given, labels, share + 1e-9)), "more-than"),
        "down to the first that fails": (just(from_the_top), "from-the-top"),
        "the highest": (just(lambda *given: line(*given, pick=-1)), "not-the-lowest"),
        "a coarse grid": (just(lambda *given: line(*given, steps=np.arange(0.1, 1, 0.1))), "not-the-lowest"),
        "none": (just(lambda *given: 0.0), "too-few-right"),
        "the share itself": (just(lambda given, labels, share: share), "not-the-lowest"),
        "one": (just(lambda *given: 1.0), "nothing-kept"),
        "in percent": (just(lambda *given: 100 * line(*given)), "no-probability"),
        "a number": (just(0.8), "no-function"),
        "nothing": (just(lambda *given: None), "returns-none"),
    },
    right={
        "step by step": just(line),
        "a fine grid": just(lambda *given: line(*given, steps=np.linspace(0, 1, 100_001))),
        "of the sorted pictures at once": just(
            lambda given, labels, share: next(
                step
                for step in np.unique(given.max(axis=1))
                if np.mean((given.argmax(axis=1) == labels)[given.max(axis=1) >= step]) >= share
            )
        ),
    },
    blank=(just(...), just(lambda *given: ...)),
)


ALL_INSIDE = Cases(
    wrong={
        "no preprocessing": (joined(lambda pixels: pixels), "joined:as-they-are, softmax"),
        "divided by 255": (joined(lambda pixels: pixels / 255), "joined:divided, softmax"),
        "twice": (joined(lambda pixels: prepare(prepare(pixels))), "joined:twice, softmax"),
        "blue first": (joined(lambda pixels: prepare(pixels[..., ::-1])), "joined:red-and-blue-exchanged, softmax"),
        "logits": (joined(end=None), "joined:prepared, logits"),
        "neither": (joined(lambda pixels: pixels, end=None), "joined:as-they-are, logits"),
        "MobileNet's": (joined(lambda pixels: pixels / 127.5 - 1), "joined:minus-one-to-one, softmax"),
        "divided, then prepared": (
            joined(lambda pixels: prepare(pixels / 255)),
            "joined:divided-then-prepared, softmax",
        ),
        "prepared, then divided": (
            joined(lambda pixels: prepare(pixels) / 255, end=None),
            "joined:prepared-then-divided, logits",
        ),
        "red first": (joined(lambda pixels: prepare(pixels)[..., ::-1]), "joined:red-first, softmax"),
        "sigmoid": (joined(end=lambda: layers.Activation("sigmoid")), "joined:prepared, sigmoid"),
        "halved": (joined(lambda pixels: prepare(pixels) / 2), "something-else"),
        "the base": (just(lambda base, head: base), "weights-lost"),
        "softmax twice": (
            joined(end=lambda: keras.Sequential([layers.Softmax(), layers.Softmax()])),
            "joined:prepared, two softmax",
        ),
        "a Lambda": (joined(lambda_of), "own-code"),
        "a named Lambda": (joined(layers.Lambda(prepare)), "own-code"),
        "a layer of one's own": (joined(lambda pixels: OwnLayer()(pixels)), "own-code"),
        "a class of one's own": (just(own_model), "own-code"),
        "new weights": (just(new_layers), "weights-lost"),
        "a class not yet called": (just(lambda base, head: OwnModel(base, head)), "own-code"),
        "the head": (just(lambda base, head: head), "wrong-input"),
        "nothing returned": (just(lambda base, head: None), "returns-none"),
    },
    right={
        "Softmax layer": joined(),
        "softmax as an operation": joined(end=lambda: keras.ops.softmax),
        "Activation": joined(end=lambda: layers.Activation("softmax")),
        "by hand": joined(lambda pixels: pixels[..., ::-1] - np.array([103.939, 116.779, 123.68], "float32")),
        "flips, in training": joined(lambda pixels: prepare(layers.RandomFlip("horizontal")(pixels))),
        "a Sequential begun by a model": just(all_in_a_row),
        "from the outputs of both": just(from_their_outputs),
        "a model in a Sequential": joined(
            wrap=lambda model: keras.Sequential([keras.Input(model.input_shape[1:]), model])
        ),
    },
    blank=(just(...), just(lambda base, head: ...)),
)
