"""Answers to the exercises of notebook 02."""

import keras
from keras import layers

from check_cases.common import BLOCK5, LOGITS, Cases, just, new_head, vgg


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


FREEZE_ALL_BUT_BLOCK5 = Cases(
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
MOVED_LAYERS = Cases(
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


MEND_STALE_COMPILE = Cases(
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
