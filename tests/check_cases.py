"""For each exercise: answers that are blank, wrong (with words of the hint that each must get) and right."""

import functools
from dataclasses import dataclass
from fractions import Fraction

import keras
import numpy as np
import tensorflow as tf
from keras import layers

BLOCK5 = ["block5_conv1", "block5_conv2", "block5_conv3"]
prepare = keras.applications.vgg16.preprocess_input
K = keras.losses


@dataclass
class Cases:
    """Answers of one exercise; each is made by a function of what the exercise gives beside the answer."""

    wrong: dict  # label to (maker, words)
    right: dict  # label to maker
    blank: tuple = (lambda *given: ...,)
    given: object = tuple


def just(answer):
    return lambda *given: answer


# ---- 01

MEANS = np.array([103.939, 116.779, 123.68], "float32")


def turned(pixels):
    return np.asarray(pixels)[..., ::-1]


def in_place(pixels):
    pixels -= MEANS[::-1]
    return pixels[..., ::-1]


def by_channel(pixels):
    red, green, blue = np.moveaxis(np.asarray(pixels, "float64"), -1, 0)
    return np.stack([blue - 103.939, green - 116.779, red - 123.68], axis=-1)


OUTPUT_SHAPE = Cases(
    wrong={
        "exchanged": (just((3, 6, 512)), "height and width are exchanged"),
        "four halvings": (just((12, 7, 512)), "how many poolings"),
        "rounded up": (just((7, 4, 512)), "no partner"),
        "not rounded": (just((6.25, 3.75, 512)), "no half rows"),
        "from memory": (just((7, 7, 512)), "224 × 224"),
        "not pooled": (just([200, 120, 512]), "what the poolings do"),
        "colours": (just((6, 3, 3)), "channels of the last convolution"),
        "no channels": (just((6, 3)), "channels are missing"),
        "channels first": (just((512, 6, 3)), "channels stand first"),
        "flattened": (just((9216,)), "before any Flatten"),
        "top": (just((None, 1000)), "what include_top=False removes"),
        "five axes": (just((1, 1, 6, 3, 512)), "how many axes"),
        "open sides": (just((None, None, 512)), "only the batch axis"),
        "text": (just("(6, 3, 512)"), "without quotes"),
        "number": (just(512), "as in the layer table"),
    },
    right={
        "tuple": just((6, 3, 512)),
        "list with batch": just([None, 6, 3, 512]),
        "batch of one": just((1, 6, 3, 512)),
        "array": just(np.array([6, 3, 512])),
        "numpy numbers": just((np.int64(6), np.float32(3), 512.0)),
        "TensorShape": just(tf.TensorShape([None, 6, 3, 512])),
    },
    blank=(just(...), just((..., 3, 512)), just([..., ..., ...])),
)

CONVOLUTION_PARAMETERS = Cases(
    wrong={
        "no bias": (just(294_912), "biases are missing"),
        "one map in": (just(2_560), "how many maps come in"),
        "next layer": (just(590_080), "block3_conv2"),
        "flat kernel": (just(98_560), "a height and a width"),
        "biases of maps in": (just(295_040), "128 biases"),
        "three colours": (just(7_168), "three colours come in"),
        "every place": (just(295_168 * 56 * 56), "anew for each place"),
        "off": (just(100_000), "too few"),
        "text": (just("295168"), "without quotes"),
    },
    right={
        "int": just(295_168),
        "float": just(295_168.0),
        "numpy": just(np.int32(295_168)),
        "0-d array": just(np.array(295_168)),
        "tensor": just(tf.constant(295_168)),
        "fraction": just(Fraction(295_168)),
    },
)

PREPROCESS = Cases(
    wrong={
        "untouched": (just(lambda pixels: pixels), "come back as they were"),
        "divided": (just(lambda pixels: pixels / 255), "nothing is divided"),
        "-1 to 1": (just(lambda pixels: pixels / 127.5 - 1), "in −1…1"),
        "no means": (just(turned), "no mean is subtracted"),
        "no turn": (just(lambda pixels: pixels - MEANS[::-1]), "still begin with red"),
        "means exchanged": (just(lambda pixels: pixels - MEANS), "subtracted from red, green, blue"),
        "turned, means not": (just(lambda pixels: turned(pixels) - MEANS[::-1]), "which mean belongs"),
        "added": (just(lambda pixels: turned(pixels) + MEANS), "the sign"),
        "divided after": (just(lambda pixels: (turned(pixels) - MEANS) / 255), "then it is divided"),
        "twice": (just(lambda pixels: prepare(prepare(pixels.copy()))), "twice"),
        "means twice": (just(lambda pixels: turned(pixels) - 2 * MEANS), "subtracted twice"),
        "own mean": (just(lambda pixels: turned(pixels) - turned(pixels).mean(axis=(0, 1, 2))), "of ImageNet"),
        "changes its argument": (just(prepare), "changed too"),
        "changes it by hand": (just(in_place), "changed too"),
        "prints only": (just(lambda pixels: None), "is there a `return`"),
        "one channel": (just(lambda pixels: pixels.mean(axis=-1)), "came back with shape"),
        "nearly": (just(lambda pixels: turned(pixels) - [103.939, 116.779, 120]), "off by at most"),
        "no argument": (just(lambda: 1), "called with 1 argument"),
        "result instead": (just(prepare(np.zeros((1, 2, 2, 3)))), "the function itself"),
    },
    right={
        "Keras on a copy": just(lambda pixels: prepare(pixels.copy())),
        "one line": just(lambda pixels: turned(pixels) - MEANS),
        "by channel": just(by_channel),
        "as a tensor": just(lambda pixels: prepare(tf.convert_to_tensor(pixels))),
    },
    blank=(just(...), just(lambda pixels: ...)),
)

# ---- 02


@functools.cache
def vgg(side=32):
    return keras.applications.VGG16(weights=None, include_top=False, input_shape=(side, side, 3))


def free(choose, container=True):
    def maker(*given):
        base = vgg()
        base.trainable = container
        for layer in base.layers:
            layer.trainable = choose(layer.name)
        return base

    return maker


def all_frozen(*given):
    vgg().trainable = False
    return vgg()


def misspelled(*given):
    base = free(lambda name: True)()
    for layer in base.layers[:15]:
        layer.trainble = False
    return base


FREEZE = Cases(
    wrong={
        "all frozen": (all_frozen, "must be switched on again"),
        "nothing frozen": (free(lambda name: True), "whether anything was frozen"),
        "misspelled": (misspelled, "spelled `trainable`"),
        "the wrong way round": (free(lambda name: "block5" not in name), "wrong way round"),
        "block4 too": (free(lambda name: name[:6] in ("block4", "block5")), "block4_conv3: it still trains"),
        "last convolution only": (free(lambda name: name == "block5_conv3"), "block5_conv1: it belongs to block5"),
        "a layer": (just(layers.Dense(5)), "the whole model"),
        "names": (just(BLOCK5), "give the Keras model itself"),
        "another model": (
            lambda: keras.Sequential([keras.Input((32, 32, 3)), layers.Conv2D(3, 3)]),
            "lacks block1_conv1",
        ),
    },
    right={
        "by name": free(lambda name: name.startswith("block5")),
        "container frozen, layers free": free(lambda name: name.startswith("block5"), container=False),
        "convolutions only": free(lambda name: name in BLOCK5),
    },
)


def story(second, third, fourth):
    return just({"second fit": second, "third fit": third, "fourth fit": fourth})


HEAD, TWO = ["predictions"], ["block5_conv2", "block5_conv3", "predictions"]
MOVED = Cases(
    wrong={
        "the flag counts at once": (story(["block5_conv3", "predictions"], TWO, TWO), "is there a compile between"),
        "freezing counts at once": (story(HEAD, TWO, HEAD), "the base is marked as frozen"),
        "compile counts only the flags before it": (story(HEAD, ["block5_conv3", *HEAD], TWO), "freeze_up_to"),
        "nothing of the base ever": (story(HEAD, HEAD, HEAD), "the compile before it"),
        "head forgotten": (story([], TWO, TWO), "the head: was it frozen"),
        "a pooling moves": (story(HEAD, [*TWO, "block5_pool"], TWO), "a pooling has no weights"),
        "early blocks": (story(HEAD, [*TWO, "block1_conv1"], TWO), "the early blocks"),
        "unknown name": (story(HEAD, ["block5_conv9"], TWO), "the spelling"),
        "numbers": (story(1, 3, 3), "as a list of texts"),
        "a list": (just([HEAD, TWO, TWO]), "keep the form"),
        "two entries": (just({"second fit": HEAD, "third fit": TWO}), "without 'fourth fit'"),
    },
    right={
        "lists": story(HEAD, TWO, TWO),
        "any order, other containers": story("predictions", set(TWO), tuple(TWO[::-1])),
    },
    blank=(just(...), story(HEAD, TWO, ...)),
)

LOGITS = K.SparseCategoricalCrossentropy(from_logits=True)


def compiled(loss=LOGITS, rate=1e-5, change=None):
    def mend(model):
        if change:
            change(model)
        model.compile(keras.optimizers.Adam(rate), loss=loss)
        return model

    return just(mend)


def freeze_base(model):
    model.get_layer("late_vgg16").trainable = False


def freeze_head(model):
    model.get_layer("predictions").trainable = False


def freeze_one(model):
    model.get_layer("late_vgg16").get_layer("block5_conv1").trainable = False


def flags_again(model):
    for layer in model.get_layer("late_vgg16").layers:
        layer.trainable = True
    return model


def rebuilt(model):
    copy = keras.Model(model.input, model.output)
    copy.compile("sgd", LOGITS)
    return copy


MEND_COMPILE = Cases(
    wrong={
        "nothing done": (just(lambda model: model), "which call makes the training follow"),
        "flags set again": (just(flags_again), "which call makes the training follow"),
        "base frozen": (compiled(change=freeze_base), "still free to train when you compile"),
        "head frozen": (compiled(change=freeze_head), "the head: is it still free"),
        "one layer frozen": (compiled(change=freeze_one), "still free to train when you compile"),
        "rate 0": (compiled(rate=0.0), "learning rate is 0"),
        "loss for probabilities": (compiled("sparse_categorical_crossentropy"), "takes the outputs for probabilities"),
        "loss for rows": (compiled("categorical_crossentropy"), "the form of the labels"),
        "not compiled": (just(lambda model: keras.Model(model.input, model.output)), "not compiled"),
        "nothing returned": (just(lambda model: model.compile("sgd", LOGITS)), "is there a `return`"),
        "fails": (just(lambda model: model.fitt()), "AttributeError"),
        "other model": (just(lambda model: compiled()()(new_head((4, 4, 512)))), "do not build another"),
    },
    right={
        "Adam": compiled(),
        "SGD by name": just(lambda model: model.compile("sgd", LOGITS) or model),
        "a new model around the same layers": just(rebuilt),
    },
    blank=(just(...), just(lambda model: ...)),
)

# ---- 03


class OwnHead(keras.Model):
    def __init__(self):
        super().__init__()
        self.pool, self.decide = layers.GlobalMaxPooling2D(), layers.Dense(5)

    def call(self, features):
        return self.decide(self.pool(features))


def built(model, shape):
    model(np.zeros((1, *shape)))
    return model


def head(*stack, shape=(7, 7, 512)):
    return lambda *given: keras.Sequential([keras.Input(shape), *[make() for make in stack]])


def dense(units=5, activation=None):
    return lambda: layers.Dense(units, activation=activation)


def frozen_head(*given):
    model = head(layers.Flatten, dense())()
    model.trainable = False
    return model


def spoilt_head(*given):
    model = head(layers.GlobalAveragePooling2D, dense())()
    model.set_weights([weight * np.nan for weight in model.get_weights()])
    return model


HEAD_ON_FEATURES = Cases(
    wrong={
        "softmax": (head(layers.Flatten, dense(5, "softmax")), "sum to 1"),
        "sigmoid": (head(layers.Flatten, dense(5, "sigmoid")), "between 0 and 1"),
        "relu": (head(layers.Flatten, dense(5, "relu")), "never negative"),
        "tanh": (head(layers.Flatten, dense(5, "tanh")), "between −1 and 1"),
        "no pooling": (head(dense()), "still have height and width"),
        "1000 units": (head(layers.Flatten, dense(1000)), "ImageNet's classes"),
        "one unit": (head(layers.Flatten, dense(1)), "one output cannot choose"),
        "four units": (head(layers.Flatten, dense(4)), "one for each class"),
        "takes pictures": (
            head(layers.GlobalMaxPooling2D, dense(), shape=(224, 224, 3)),
            "takes features, not pictures",
        ),
        "takes other features": (head(layers.Flatten, dense(), shape=(3, 3, 512)), "the shape that your Input names"),
        "frozen": (frozen_head, "frozen by mistake"),
        "spoilt": (spoilt_head, "NaN"),
        "own class, not built": (lambda: OwnHead(), "no weights yet"),
        "a layer": (just(layers.Dense(5)), "the whole model"),
        "a tensor": (just(keras.Input((7, 7, 512))), "wrap the way"),
        "a class": (just(OwnHead), "by calling the class"),
        "a function": (just(lambda: None), "call it"),
    },
    right={
        "pooling": head(layers.GlobalAveragePooling2D, dense()),
        "Flatten, hidden layer, dropout": head(layers.Flatten, dense(16, "relu"), lambda: layers.Dropout(0.5), dense()),
        "explicit linear": head(layers.GlobalMaxPooling2D, dense(5, "linear")),
        "any size": head(layers.GlobalAveragePooling2D, dense(), shape=(None, None, 512)),
        "Sequential without Input": lambda: keras.Sequential([layers.Flatten(), layers.Dense(5)]),
        "own class": lambda: built(OwnHead(), (7, 7, 512)),
    },
)

ROWS = K.CategoricalCrossentropy(from_logits=True)


def chosen(a=LOGITS, b="categorical_crossentropy", c=ROWS):
    return just({"A": a, "B": b, "C": c})


LOSSES = Cases(
    wrong={
        "A by name": (chosen(a="sparse_categorical_crossentropy"), "which takes the outputs for probabilities"),
        "A for rows": (chosen(a=ROWS), "differ by the word `Sparse`"),
        "B softmax twice": (chosen(b=ROWS), "model B: CategoricalCrossentropy(from_logits=True), which hardly minds"),
        "B sparse": (chosen(b="sparse_categorical_crossentropy"), "model B: the text"),
        "B binary": (chosen(b="binary_crossentropy"), "scores every class for itself"),
        "B distance": (chosen(b="mse"), "measures a distance"),
        "C by name": (chosen(c="categorical_crossentropy"), "takes the outputs for probabilities"),
        "C binary": (chosen(c=K.BinaryCrossentropy(from_logits=True)), "scores every class for itself"),
        "C upside down": (chosen(c=lambda labels, outputs: -ROWS(labels, outputs)), "not lowest where the model"),
        "unknown name": (chosen(a="cross entropy"), "no loss of that name"),
        "a metric": (chosen(b="accuracy"), "no loss of that name"),
        "a list": (just([LOGITS, "categorical_crossentropy", ROWS]), "keep the form"),
        "two models": (just({"A": LOGITS, "B": "categorical_crossentropy"}), "without 'C'"),
    },
    right={
        "as in the course": chosen(),
        "functions and classes": chosen(
            lambda labels, outputs: K.sparse_categorical_crossentropy(labels, outputs, from_logits=True),
            K.CategoricalCrossentropy,
            K.CategoricalCrossentropy(from_logits=True, label_smoothing=0.1),
        ),
        "equivalent ones": chosen(
            K.SparseCategoricalCrossentropy(from_logits=True, reduction="sum"),
            "kl_divergence",
            K.CategoricalFocalCrossentropy(from_logits=True),
        ),
    },
    blank=(just(...), chosen(c=...)),
)


@functools.cache
def full():
    return keras.applications.VGG16(weights=None, input_shape=(32, 32, 3))


def on(tensor, units=5, activation=None):
    def maker(full):
        return keras.Model(full.input, layers.Dense(units, activation=activation)(tensor(full)))

    return maker


def popped(full):
    full.layers.pop()
    return full


def own_copy(full):
    copy = keras.models.clone_model(full)
    copy.set_weights(full.get_weights())
    return on(before_last)(copy)


def before_last(full):
    return full.layers[-1].input


def anew(full):
    return keras.applications.VGG16(weights=None, input_shape=(32, 32, 3), classes=5, classifier_activation=None)


SWAP = Cases(
    given=lambda: (full(),),
    wrong={
        "pop": (popped, "changes no model"),
        "on top of 1000": (on(lambda full: full.output), "'predictions'"),
        "behind fc1": (on(lambda full: full.get_layer("fc1").output), "'fc1'"),
        "fc1 and fc2 lost": (on(lambda full: full.get_layer("flatten").output), "'flatten'"),
        "pooled": (
            on(lambda full: layers.GlobalAveragePooling2D()(full.get_layer("block5_conv3").output)),
            "the old last layer took 4096",
        ),
        "softmax": (on(before_last, activation="softmax"), "ends in softmax"),
        "relu": (on(before_last, activation="relu"), "ends in relu"),
        "1 unit": (on(before_last, units=1), "one output cannot choose"),
        "built anew": (anew, "share those of the full model"),
        "the layer": (lambda full: layers.Dense(5), "the whole model"),
    },
    right={
        "new model": on(before_last),
        "from fc2 by name": on(lambda full: full.get_layer("fc2").output),
        "Sequential of the layers": lambda full: keras.Sequential([*full.layers[:-1], layers.Dense(5)]),
        "with dropout": on(lambda full: layers.Dropout(0.5)(before_last(full))),
        "a copy with the same weights": own_copy,
        "without bias": lambda full: keras.Model(full.input, layers.Dense(5, use_bias=False)(before_last(full))),
    },
)


@functools.cache
def parts():
    return vgg(), new_head()


def wired(prepare=prepare, base=None, head=None):
    def maker(given_base, given_head):
        pixels = keras.Input((32, 32, 3))
        return keras.Model(pixels, (head or given_head)((base or given_base)(prepare(pixels))))

    return maker


class OwnWhole(keras.Model):
    def __init__(self, base, head):
        super().__init__()
        self.base, self.head = base, head

    def call(self, pixels):
        return self.head(self.base(prepare(pixels)))


def new_head(shape=(1, 1, 512)):
    return keras.Sequential([keras.Input(shape), layers.Flatten(), layers.Dense(5)])


WIRING = Cases(
    given=parts,
    wrong={
        "features model": (lambda base, head: head, "the head was made for features"),
        "no preprocessing": (wired(lambda pixels: pixels), "pixels as they are"),
        "divided": (wired(lambda pixels: pixels / 255), "divided by 255"),
        "twice": (wired(lambda pixels: prepare(prepare(pixels))), "preprocesses twice"),
        "no head": (lambda base, head: keras.Model(base.input, base.output), "the head is missing"),
        "new head": (lambda base, head: wired(head=new_head())(base, head), "the head: use the one that was given"),
        "new base": (
            lambda base, head: wired(base=keras.models.clone_model(base))(base, head),
            "the base: use the one that was given",
        ),
        "something between": (wired(lambda pixels: prepare(pixels) / 2), "what else stands on the way"),
        "a tensor": (lambda base, head: head(base(keras.Input((32, 32, 3)))), "wrap the way"),
    },
    right={
        "Functional": wired(),
        "Sequential": lambda *parts: keras.Sequential([keras.Input((32, 32, 3)), layers.Lambda(prepare), *parts]),
        "own class": lambda base, head: built(OwnWhole(base, head), (32, 32, 3)),
    },
)

# ---- 04


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


ACCURACY = Cases(
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
ONE_HOT = Cases(
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


TRAINED = Cases(
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


# ---- 05


def tuned(choose=lambda name: "block5" in name, rate=1e-5, loss=LOGITS, early=False, before=None, container=True):
    def prepare(base, model):
        if before:
            model = before(base, model)
        if early:
            model.compile(keras.optimizers.Adam(rate), loss=loss)
        base.trainable = container
        for layer in base.layers:
            layer.trainable = choose(layer.name)
        if not early:
            model.compile(keras.optimizers.Adam(rate), loss=loss)
        return model

    return just(prepare)


def never_compiled(base, model):
    base.trainable = True
    base.get_layer("block4_conv3").trainable = False
    model.optimizer.learning_rate.assign(1e-5)
    return model


def without_head(base, model):
    model.get_layer("predictions").trainable = False
    return model


def another_head(base, model):
    row = layers.GlobalAveragePooling2D()(base(model.input))
    return keras.Model(model.input, layers.Dense(5, name="predictions")(row))


def rewrapped(base, model):
    return keras.Model(model.input, model.output)


def schedule():
    return keras.optimizers.schedules.CosineDecay(1e-4, 100)


FINE_TUNING = Cases(
    wrong={
        "no compile after the flags": (just(never_compiled), "the order of your lines"),
        "everything free": (tuned(lambda name: True), "block4_conv3: it stands before block5"),
        "base still frozen": (tuned(lambda name: False), "of its layers no layer may train"),
        "one layer of block5": (tuned(lambda name: name == "block5_conv3"), "of its layers block5_conv3 may train"),
        "head frozen": (tuned(before=without_head), "it has to go on training"),
        "new head": (tuned(before=another_head), "fine-tuning begins from it"),
        "rate of the head": (tuned(rate=1e-3), "the learning rate: what did the curves show"),
        "Adam's own rate": (
            just(lambda base, model: model.compile("adam", LOGITS) or model),
            "An optimizer's default",
        ),
        "rate 0": (tuned(rate=0.0), "at 0 nothing moves"),
        "loss by name": (tuned(loss="sparse_categorical_crossentropy"), "takes the outputs for probabilities"),
        "not compiled": (just(rewrapped), "not compiled"),
        "the base": (just(lambda base, model: base), "not compiled"),
        "nothing returned": (just(lambda base, model: None), "is there a `return`"),
    },
    right={
        "flags, then compile": tuned(),
        "container frozen, layers free": tuned(container=False),
        "a schedule": tuned(rate=schedule()),
        "a new model around the same layers": tuned(before=rewrapped),
        "compile, then flags, before any fit": tuned(early=True, rate=1e-4),
    },
    blank=(just(...), just(lambda base, model: ...)),
)

CURVES = {1e-2: [0.20, 0.20, 0.21], 1e-3: [0.50, 0.60, 0.66], 1e-4: [0.66, 0.72, 0.74], 1e-6: [0.62, 0.62, 0.63]}
RATE = Cases(
    given=lambda: (CURVES, 0.62),
    wrong={
        "forgetting": (just(1e-2), "the frozen base gave 62%"),
        "too high": (just(1e-3), "would smaller steps end higher"),
        "too low": (just(1e-6), "do larger steps get further"),
        "not tried": (just(0.5), "tried were"),
        "text": (just("1e-4"), "without quotes"),
    },
    right={"float": just(1e-4), "numpy": just(np.float32(0.0001)), "other notation": just(0.0001)},
)


def read(moved, still):
    return just({"moved by mistake": moved, "still by mistake": still})


CERTIFICATE = Cases(
    wrong={
        "exchanged": (read(BLOCK5[:2], ["block4_conv3"]), "the two are exchanged"),
        "all that moved": (read(["block4_conv3", BLOCK5[2], "predictions"], BLOCK5[:2]), "the head: should it move"),
        "block5 too": (read(["block4_conv3", "block5_conv3"], BLOCK5[:2]), "were meant to move"),
        "nothing moved wrongly": (read([], BLOCK5[:2]), "the rows above block5"),
        "one forgotten": (read(["block4_conv3"], ["block5_conv1"]), "how many of its layers did not move"),
        "one too many": (read(["block4_conv3"], BLOCK5), "must have stayed still"),
        "unknown": (read(["block4_conv1"], BLOCK5[:2]), "the spelling"),
        "a list": (just(["block4_conv3"]), "keep the form"),
        "one entry": (just({"moved by mistake": ["block4_conv3"]}), "without 'still by mistake'"),
    },
    right={
        "lists": read(["block4_conv3"], BLOCK5[:2]),
        "a text and a set": read("block4_conv3", set(BLOCK5[:2])),
    },
    blank=(just(...), read(["block4_conv3"], ...)),
)

CASES = {
    "output_shape": OUTPUT_SHAPE,
    "convolution_parameters": CONVOLUTION_PARAMETERS,
    "preprocess": PREPROCESS,
    "freeze_all_but_block5": FREEZE,
    "moved_layers": MOVED,
    "mend_stale_compile": MEND_COMPILE,
    "head_on_features": HEAD_ON_FEATURES,
    "fitting_losses": LOSSES,
    "swap_final_dense": SWAP,
    "mend_wiring": WIRING,
    "accuracy_in_line": ACCURACY,
    "one_hot_labels": ONE_HOT,
    "trained_head": TRAINED,
    "set_up_fine_tuning": FINE_TUNING,
    "learning_rate": RATE,
    "read_certificate": CERTIFICATE,
}
