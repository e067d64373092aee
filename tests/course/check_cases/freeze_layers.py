"""Answers to the exercises of notebook 02."""

import keras
import numpy as np
import pandas as pd

from check_cases.common import BLOCK5, Cases, just, new_head
from helpers.course.checks import freeze_layers
from helpers.network import certificate, surgery


def stepped(*places):
    return just(dict(zip(freeze_layers.AFTER, places, strict=True)))


ONE_STEP = Cases(
    wrong={
        "difference for gradient": (stepped(1.9996, -1, 1.95, -0.95), "too-short:a after SGD"),
        "start": (stepped(1.6, -1, 1.95, -0.95), "too-short:b after SGD"),
        "uphill": (stepped(2.4, -1.005, 2.05, -1.05), "uphill:a after SGD"),
        "minus whatever the sign": (stepped(1.6, -0.995, 1.95, -1.05), "uphill:b after Adam"),
        "Adam as SGD": (stepped(1.6, -0.995, 1.6, -0.995), "other-optimizer:a after Adam"),
        "no learning rate": (stepped(-6, -0.9, 1.95, -0.95), "whole-gradient:a after SGD"),
        "steps, not places": (stepped(-0.4, 0.005, -0.05, 0.05), "another-number:a after SGD"),
        "a text": (stepped("1.6", -0.995, 1.95, -0.95), "in-quotes"),
        "a list": (just([1.6, -0.995, 1.95, -0.95]), "no-dictionary"),
        "one missing": (just({"a after SGD": 1.6}), "no-entry:b after SGD"),
    },
    right={
        "by hand": stepped(1.6, -0.995, 1.95, -0.95),
        "as Keras rounds": stepped(np.float32(1.6), -0.99499995, 1.9500003, -0.95003),
    },
    blank=(just(...), stepped(1.6, ..., ..., ...)),
)


def by_hand(model, pictures, labels):
    before = {layer.name: layer.get_weights() for layer in model.layers}
    model.fit(pictures, labels, verbose=0)
    moved = []
    for layer in model.layers:
        for old, new in zip(before[layer.name], layer.get_weights(), strict=True):
            if not np.array_equal(old, new):
                moved.append(layer.name)
    return moved


def by_certificate(model, pictures, labels):
    before = certificate.take(model)
    model.fit(pictures, labels, verbose=0)
    return certificate.moved(before, certificate.take(model))


def colleagues(copied, same, weights, named=lambda path: path.split("/")[0]):
    """What the colleague wrote, with some of its faults left."""

    def moved(model, pictures, labels):
        def now():
            return [np.array(weight) if copied else weight for weight in getattr(model, weights)]

        before, paths = now(), [weight.path for weight in getattr(model, weights)]
        model.fit(pictures, labels, verbose=0)
        changed = [not same(old, new) for old, new in zip(before, now(), strict=True)]
        return [named(path) for path, differs in zip(paths, changed, strict=True) if differs]

    return just(moved)


def fitted_and(name_layers):
    def function(model, pictures, labels):
        model.fit(pictures, labels, verbose=0)
        return name_layers(model)

    return just(function)


def of_kernels(model, pictures, labels):
    before = {layer.name: layer.get_weights()[:1] for layer in model.layers}
    model.fit(pictures, labels, verbose=0)
    kernels = {layer.name: layer.get_weights()[:1] for layer in model.layers}
    return [name for name in kernels if not all(map(np.array_equal, before[name], kernels[name]))]


MOVED_BY_HAND = Cases(
    wrong={
        "colleague's": (colleagues(False, np.allclose, "trainable_weights"), "all-missing"),
        "no copy": (colleagues(False, np.array_equal, "weights"), "all-missing"),
        "a tolerance": (colleagues(True, np.allclose, "weights"), "tolerance"),
        "trainable weights only": (colleagues(True, np.array_equal, "trainable_weights"), "only-trainable"),
        "kernels alone": (just(of_kernels), "kernels-alone"),
        "paths": (colleagues(True, np.array_equal, "weights", str), "unknown-name"),
        "flags": (fitted_and(lambda model: [layer for layer in model.layers if layer.trainable]), "still:first"),
        "weights that may train": (
            fitted_and(lambda model: [layer for layer in model.layers[1:] if layer.trainable_weights]),
            "only-trainable",
        ),
        "always these": (fitted_and(lambda model: ["average", "predictions"]), "still:average"),
        "no fit": (just(lambda model, pictures, labels: []), "no-fit"),
        "prints": (just(lambda model, pictures, labels: print(end="")), "returns-none"),
        "a number": (just(lambda model, pictures, labels: 2), "no-list"),
        "names": (just(["predictions"]), "no-function"),
        "one argument": (just(lambda model: []), "fails"),
    },
    right={
        "by hand": just(by_hand),
        "with the certificate": just(by_certificate),
        "colleague's, fixed": colleagues(True, np.array_equal, "weights"),
    },
    blank=(just(...), just(lambda model, pictures, labels: ...)),
)


def story(second, third, fourth):
    return just({"second fit": second, "third fit": third, "fourth fit": fourth})


HEAD, TWO = ["predictions"], ["block5_conv2", "block5_conv3", "predictions"]
MOVED_LAYERS = Cases(
    wrong={
        "the flag counts at once": (story(["block5_conv3", "predictions"], TWO, TWO), "flag-counts-at-once"),
        "freezing counts at once": (story(HEAD, TWO, HEAD), "freezing-counts-at-once"),
        "compile counts only the flags before it": (story(HEAD, ["block5_conv3", *HEAD], TWO), "as-at-compile"),
        "the first that trains": (story(HEAD, [*BLOCK5, *HEAD], TWO), "freeze-up-to"),
        "no known list": (story(HEAD, ["block5_conv1", *HEAD], TWO), "other-layers"),
        "one text": (story(HEAD, "block5_conv2, block5_conv3, predictions", TWO), "names-in-one-text"),
        "nothing of the base ever": (story(HEAD, HEAD, HEAD), "compile-ignored"),
        "head forgotten": (story([], TWO, TWO), "head"),
        "a pooling moves": (story(HEAD, [*TWO, "block5_pool"], TWO), "others:block5_pool"),
        "early blocks": (story(HEAD, [*TWO, "block1_conv1"], TWO), "others:block1_conv1"),
        "unknown name": (story(HEAD, ["block5_conv9"], TWO), "unknown-name"),
        "numbers": (story(1, 3, 3), "no-list"),
        "lists of numbers": (story([1], TWO, TWO), "no-names"),
        "a list": (just([HEAD, TWO, TWO]), "no-dictionary"),
        "two entries": (just({"second fit": HEAD, "third fit": TWO}), "no-entry:fourth fit"),
    },
    right={
        "lists": story(HEAD, TWO, TWO),
        "any order, other containers": story("predictions", set(TWO), tuple(TWO[::-1])),
        "of pandas, padded": story(pd.Series(HEAD), pd.Index(TWO), [f"{name} " for name in TWO]),
    },
    blank=(just(...), story(HEAD, TWO, ...)),
)


def freed(change=None, rate=1e-5, loss="categorical_crossentropy", early=False):
    """A function that frees stage3_conv, changes the flags further, and compiles before or after it."""

    def prepare(model):
        if early:
            model.compile(keras.optimizers.Adam(rate), loss=loss)
        base = model.get_layer("base")
        base.trainable = True
        for layer in base.layers:
            layer.trainable = layer.name == "stage3_conv"
        if change:
            change(model)
        if not early:
            model.compile(keras.optimizers.Adam(rate), loss=loss)
        return model

    return just(prepare)


def strangers(model):
    model.trainable = True
    model.optimizer.learning_rate = 1e-5
    return model


def flags_only(model):
    free("stage3_conv")(model)
    return model


def compiled_after(change):
    def prepare(model):
        change(model)
        model.compile(keras.optimizers.Adam(1e-5), "categorical_crossentropy")
        return model

    return just(prepare)


def free(*names):
    def change(model):
        for name in names:
            model.get_layer("base").get_layer(name).trainable = True

    return change


def flag(value, *names):
    def change(model):
        part = model
        for name in names:
            part = part.get_layer(name)
        part.trainable = value

    return change


def in_another_mode(model):
    """What Keras's guide to transfer learning does: the base free, and called with training=False."""
    base = model.get_layer("base")
    base.trainable = True
    for stage in ("stage1", "stage2"):
        base.get_layer(f"{stage}_conv").trainable = False
    pixels = keras.Input((8, 8, 3))
    row = model.get_layer("pool")(base(pixels, training=False))
    return compiled_after(lambda model: None)()(keras.Model(pixels, model.get_layer("predictions")(row)))


def block_by_block(model):
    base = model.get_layer("base")
    surgery.freeze_up_to(base, "stage2_relu")
    for layer in base.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.trainable = False


def everything_then_all_but_two(model):
    model.trainable = False
    model.trainable = True
    for layer in model.get_layer("base").layers:
        layer.trainable = layer.name == "stage3_conv"


def rebuilt(model):
    free("stage3_conv")(model)
    copy = keras.Model(model.input, model.output)
    copy.compile(keras.optimizers.SGD(1e-4), "categorical_crossentropy")
    return copy


def copied(model):
    copy = keras.models.clone_model(model)
    copy.set_weights(model.get_weights())
    return freed()()(copy)


FREE_LAST_STAGE = Cases(
    wrong={
        "the stranger's": (just(strangers), "nothing-freed"),
        "frozen again": (just(lambda model: freed(flag(False, "base", "stage3_conv"))()(model)), "nothing-freed"),
        "flag of the model": (compiled_after(flag(True)), "nothing-freed"),
        "flag of the base": (compiled_after(flag(True, "base")), "norms-move:stage1_norm"),
        "the whole stage": (compiled_after(free("stage3_conv", "stage3_norm")), "norms-move:stage3_norm"),
        "training=False": (just(in_another_mode), "norms-move:stage1_norm"),
        "an earlier stage": (compiled_after(free("stage2_conv", "stage3_conv")), "others-move:stage2_conv"),
        "no compile": (just(flags_only), "no-compile"),
        "rate 0": (freed(rate=0.0), "no-compile"),
        "rate 0.1": (freed(rate=0.1), "rate-high"),
        "Adam by name": (
            just(lambda model: freed()()(model).compile("adam", "categorical_crossentropy") or model),
            "rate-high",
        ),
        "head frozen": (freed(flag(False, "predictions")), "head-frozen"),
        "other model": (just(lambda model: freed()()(keras.models.clone_model(model))), "other-weights"),
        "another head": (
            just(lambda model: compiled_after(lambda model: None)()(new_head((8, 8, 3)))),
            "other-weights",
        ),
        "not compiled": (just(lambda model: keras.Model(model.input, model.output)), "not-compiled"),
        "nothing returned": (just(lambda model: model.compile("sgd", "categorical_crossentropy")), "returns-none"),
        "distance": (freed(loss="mse"), "for-another-task:compile"),
        "loss for whole numbers": (freed(loss="sparse_categorical_crossentropy"), "form-of-labels:compile"),
    },
    right={
        "by name": freed(),
        "compiled first, as the flags count at the first fit": freed(early=True),
        "one layer of a frozen base": compiled_after(free("stage3_conv")),
        "up to a layer, then each BatchNormalization": compiled_after(block_by_block),
        "False, then True": compiled_after(everything_then_all_but_two),
        "a new model around the same layers": just(rebuilt),
        "a copy with its weights": just(copied),
        "gradients gathered": just(
            lambda model: (
                freed()()(model).compile(
                    keras.optimizers.Adam(1e-5, gradient_accumulation_steps=4), "categorical_crossentropy"
                )
                or model
            )
        ),
    },
    blank=(just(...), just(lambda model: ...)),
)
