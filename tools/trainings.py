"""One training of the study: what `tools.run_study` runs, in this process or in another, one at a time in each."""

import contextlib
import functools
import os
import platform
import random
import shutil
import threading
import time
import unittest.mock
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import scipy.optimize
import tensorflow as tf
from keras.src.random import seed_generator
from PIL import Image

from helpers import assets, storage
from helpers.measuring import study
from helpers.network import backbones, surgery, vgg16
from helpers.pictures import features, images
from tools import build_assets

tf.get_logger().setLevel("ERROR")  # no advice about retracing when many small models are made


@dataclass(frozen=True)
class Scale:
    """How large and how many the pictures are and how often each is seen: the study's own, or less for a trial."""

    side: int = study.SIDE
    per_class: tuple = ()  # of (split, pictures of each class); all pictures where it is empty
    views: int = 1_000_000  # at most

    @property
    def shape(self):
        """Of one picture."""
        return self.side, self.side, 3


class Kept:
    """What the functions that it decorates have computed for one `Scale`."""

    def __init__(self):
        self._functions, self.scale = [], Scale()

    def cache(self, function):
        """Return a function that computes its answer once for the same arguments."""
        self._functions.append(functools.cache(function))
        return self._functions[-1]

    def at(self, scale):
        """Forget every answer for another scale."""
        if scale != self.scale:
            self.scale = scale
            for function in self._functions:
                function.cache_clear()


KEPT = Kept()  # the base, the pictures, and their features
ALONE = threading.Lock()  # a process has one random seed, and one count of CPU seconds
OWN = random.Random()  # Keras draws its layers' seeds from Python's one generator, as other threads of a worker do
BFLOAT16 = ("amx_bf16", "avx512_bf16")  # of processors that multiply it
LOSS = keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def _seed(number):
    keras.utils.set_random_seed(number)
    OWN.seed(number)


def _machine():
    versions = f"Python {platform.python_version()}, TensorFlow {tf.__version__}, Keras {keras.__version__}"
    return {"versions": versions, "processor": f"{_processor()}, {os.cpu_count()} cores"}


def _precision(network):
    """Return in which precision a network's convolutions multiply: VGG16's in the faster, where there is another."""
    return "bfloat16" if network == "VGG16" and _multiplies_bfloat16() else "float32"


@functools.cache
def _multiplies_bfloat16():
    with contextlib.suppress(OSError):
        return bool(set(BFLOAT16) & set(Path("/proc/cpuinfo").read_text(encoding="utf-8").split()))
    return False


@functools.cache
def _processor():
    """Return the processor's name where the system tells it, or else its kind."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def measured(run, done, scale=Scale()):  # noqa: B008
    """Train and test one run.

    Parameters
    ----------
    run : grid.Run
    done : pandas.DataFrame
        Results so far, with the choices that the run needs.
    scale : Scale
        Smaller than the study for a trial.

    Returns
    -------
    list of dict
        One for each of the run's rows.
    """
    with ALONE, unittest.mock.patch.object(seed_generator, "python_random", OWN):
        KEPT.at(scale)
        return [{**result, **_machine()} for result in _measured(run, done)]


def _measured(run, done):
    keras.utils.clear_session()
    recipe = study.recipe_of(run.method)
    precision = "float32" if run.method == study.FROM_SCRATCH else _precision(recipe.network)
    # TensorFlow's own switch: it holds for what is traced from now on.
    trains_in_it = precision == "bfloat16" and bool(recipe.cut)
    tf.config.optimizer.set_experimental_options({"auto_mixed_precision_onednn_bfloat16": trains_in_it})
    plan = [(run.rate, run.mirrored) if run.rate else study.chosen(run.method, run.data, run.per_class, done)]
    if recipe.cut and recipe.head_first:
        head = study.FROZEN_OF[recipe.network]  # as a start it should be no surer than it is right: by the plain loss
        plan = [study.chosen(head, run.data, run.per_class, done, "loss"), *plan]
    given, turned = _inputs(run)
    train, tests = given["train"], [given["validation" if run.experiment == "choice" else "test"]]
    validation = given["validation"]
    if run.experiment == "shift":  # trained on two artists' emoji, tested on unseen emoji of theirs and of the third
        third = {split: _by_third(run.data, split) for split in given}
        train, turned = tuple(array[~third["train"]] for array in train), turned[~third["train"]]
        validation = tuple(array[~third["validation"]] for array in validation)
        tests = [tuple(array[apart] for array in tests[0]) for apart in (~third["test"], third["test"])]
    places = study.sample(train[1], run.per_class, run.seed)
    pictures = train[0][places], turned[places], train[1][places]
    model, cost = _trained(run, plan, pictures)
    used = len(places) * (1 + plan[-1][1]) + (run.experiment == "choice") * len(validation[1])
    cost |= {"trunk_pictures": 0 if run.method == study.FROM_SCRATCH else used}
    cost |= {"rate": plan[-1][0], "mirrored": plan[-1][1], "precision": precision}
    return [{**_scored(model, test), **cost} for test in tests]


def _trained(run, plan, pictures):
    """Return a model trained by a run's method, and what it cost: its head alone first, where the recipe says so."""
    _seed(run.seed)
    recipe, cost = study.recipe_of(run.method), {"seconds": 0, "cpu_seconds": 0, "pictures_seen": 0, "epochs": 0}
    shape = pictures[0].shape[1:]
    if run.method == study.FROM_SCRATCH:
        stages = [(_small_cnn(), pictures, recipe)]
    elif not recipe.cut:
        stages = [(_head_on(shape, recipe.zero), pictures, recipe)]
    else:
        tail = _own_tail(recipe)
        head = _head_on((_width(tail),), recipe.zero)
        body = [tail, keras.layers.GlobalAveragePooling2D()]
        stages = [(keras.Sequential([keras.Input(shape), *body, head]), pictures, recipe)]
        if recipe.head_first:
            pooled = keras.Sequential([keras.Input(shape), *body])
            rows = [pooled.predict(part, batch_size=64, verbose=0) for part in pictures[:2]]
            stages = [(head, (*rows, pictures[2]), study.RECIPES[study.FROZEN_OF[recipe.network]]), *stages]
    for (model, (plain, turned, labels), way), (rate, mirrored) in zip(stages, plan, strict=True):
        rows = np.concatenate([plain, turned]) if mirrored else plain
        epochs = min(way.views[study.COUNTS.index(run.per_class)], KEPT.scale.views) // (2 if mirrored else 1)
        more = _fit(model, rows, np.concatenate([labels, labels]) if mirrored else labels, rate, epochs)
        cost = {name: round(value + more[name], 2) for name, value in cost.items()}
    return model, {**cost, "trainable_parameters": surgery.count(model.trainable_weights)}


def _fit(model, rows, labels, rate, epochs):
    steps = epochs * -(-len(labels) // study.BATCH)
    schedule = keras.optimizers.schedules.CosineDecay(rate, steps)
    model.compile(keras.optimizers.Adam(schedule), loss=LOSS, jit_compile=False)  # XLA knows no bfloat16 on a processor
    started, worked = time.perf_counter(), time.process_time()
    model.fit(rows, labels, batch_size=study.BATCH, epochs=epochs, verbose=0)
    return {
        "seconds": time.perf_counter() - started,
        "cpu_seconds": time.process_time() - worked,
        "pictures_seen": epochs * len(labels),
        "epochs": epochs,
    }


def _scored(model, test):
    inputs, labels = test
    logits = model.predict(inputs, batch_size=64, verbose=0)

    def loss_at(log_temperature):
        return float(LOSS(labels, logits / np.exp(log_temperature)))

    predicted = logits.argmax(axis=1)
    return {
        "accuracy": round(float(np.mean(predicted == labels)), 5),
        "loss": round(loss_at(0.0), 5),
        "fitted_loss": round(scipy.optimize.minimize_scalar(loss_at, bounds=(-3, 5), method="bounded").fun, 5),
        "predictions": "".join(map(str, predicted)),
    }


def _inputs(run):
    """Return a dict of split to (inputs, labels) for a run, and the inputs of the mirrored training pictures."""
    method, data = run.method, study.OUTSIDE if run.experiment == study.OUTSIDE else run.data
    cut = study.recipe_of(method).cut
    if method == study.FROM_SCRATCH or cut == "input":
        given = _pixels(data)
        return given, given["train"][0][:, :, ::-1]
    if cut:
        return _extracted(data, cut)
    if method.startswith("flatten"):
        given, turned = _extracted(data, "block4_pool")
        tail = _tail("VGG16", "block4_pool")
        flat = {split: (_flat(tail, maps), labels) for split, (maps, labels) in given.items()}
        return flat, _flat(tail, turned)
    if method in (study.FROZEN, *study.HEADS, "right"):
        return _block(data, vgg16.BLOCKS[-1])
    if method in vgg16.BLOCKS:
        return _block(data, method)
    return _extracted(data, f"{method}, network {run.seed}" if method == study.RANDOM else method)


def _flat(tail, maps):
    return tail.predict(maps, batch_size=64, verbose=0).reshape(len(maps), -1)


def _by_third(data, split):
    return np.array([file.stem.endswith(study.THIRD_ARTIST) for file in _data(data).files(split)])


def _small_cnn():
    layers = [keras.Input(KEPT.scale.shape), keras.layers.Rescaling(1 / 127.5, -1)]
    for maps in (32, 64, 128, 128):
        layers += [keras.layers.Conv2D(maps, 3, strides=2, padding="same", activation="relu")]
    layers += [keras.layers.GlobalAveragePooling2D(), keras.layers.Dropout(study.DROPOUT)]
    return keras.Sequential([*layers, keras.layers.Dense(study.CLASSES)])


def _head_on(shape, zero):
    dense = keras.layers.Dense(study.CLASSES, kernel_initializer="zeros" if zero else "glorot_uniform")
    return keras.Sequential([keras.Input(shape), keras.layers.Dropout(study.DROPOUT), dense])


@KEPT.cache
def _base(network):
    return backbones.load(network, KEPT.scale.shape)


@KEPT.cache
def _tail(network, cut):
    return surgery.split(_base(network), cut)[1]


def _own_tail(recipe):
    """Return a copy, with ImageNet's weights, of what a recipe trains; BatchNormalization stays still."""
    if recipe.cut == "input":
        inputs = keras.Input(KEPT.scale.shape)
        given = backbones.known(recipe.network).preprocess(inputs)
        return keras.Model(inputs, _copy(_base(recipe.network))(given))
    return _copy(_tail(recipe.network, recipe.cut))


def _copy(model):
    copy = keras.models.clone_model(model)
    copy.set_weights(model.get_weights())
    for layer in copy.layers:
        layer.trainable = not isinstance(layer, keras.layers.BatchNormalization)
    return copy


def _width(tail):
    return tail.output.shape[-1]


@KEPT.cache
def _data(name):
    source = _outside() if name == study.OUTSIDE else name
    return images.load(source, KEPT.scale.side, per_class=dict(KEPT.scale.per_class) or None)


def _outside():
    """Return a folder with what animals are trained on, and test photographs that are not in the repository."""

    def make(folder):
        package = build_assets.fetch(build_assets.CIFAR10, build_assets.DOWNLOADS)
        course = assets.unpacked(assets.COLLECTIONS["animals"])
        for split in ("train", "validation"):
            shutil.copytree(course / split, folder / split)
        for name, pixels in build_assets.outside(package, study.OUTSIDE_EACH):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(folder / name)

    return storage.kept(storage.cache_folder(study.OUTSIDE) / str(study.OUTSIDE_EACH), make)


@KEPT.cache
def _pixels(name):
    return {split: _data(name).arrays(split) for split in images.SPLITS}


def _block(name, block):
    """Return the pooled features of one block; the trunk gives those of all of them side by side."""
    ends = dict(zip(vgg16.BLOCKS, np.cumsum([64, 128, 256, 512, 512]), strict=True))
    begin = ([0, *ends.values()])[list(ends).index(block)]
    given, turned = _extracted(name, "blocks")
    rows = {split: (part[:, begin : ends[block]], labels) for split, (part, labels) in given.items()}
    return rows, turned[:, begin : ends[block]]


def _extracted(name, kind):
    """Return the features of a collection, and those of its mirrored training pictures: from the disk's cache.

    They are not kept in memory besides: joblib replaces a process whose memory has grown.
    """
    given, turned = (_trunk(kind, mirrored) for mirrored in (False, True))
    precision = _precision(_network(kind))
    return (
        vars(features.extract(given, _data(name), precision=precision)),
        features.extract(turned, _data(name), ("train",), precision).train[0],
    )


def _network(kind):
    return "EfficientNet-Lite0" if kind in (study.LITE, study.RECIPES[study.LITE_LP_FT].cut) else "VGG16"


def _trunk(kind, mirrored):
    """Return a model from pixels to features of one kind: a cut, or a way to feed VGG16, or another network."""
    pixels = keras.Input(KEPT.scale.shape, name="pixels")
    seen = keras.ops.flip(pixels, axis=2) if mirrored else pixels
    network = _network(kind)
    prepare, base, pool = backbones.known(network).preprocess, _base(network), keras.layers.GlobalAveragePooling2D()
    if kind.startswith(study.RANDOM):  # another network for each seed
        _seed(int(kind.split()[-1]))
        base = keras.applications.VGG16(weights=None, include_top=False, input_shape=KEPT.scale.shape)
    if kind in [layer.name for layer in base.layers]:
        return keras.Model(pixels, surgery.split(base, kind)[0](prepare(seen)))
    if kind == "blocks":
        ends = keras.Model(base.input, [base.get_layer(f"{block}_pool").output for block in vgg16.BLOCKS])
        return keras.Model(pixels, keras.layers.Concatenate()([pool(maps) for maps in ends(prepare(seen))]))
    fed = {
        "0 to 1": lambda pixels: pixels / 255,
        "red and blue exchanged": lambda pixels: prepare(pixels[..., ::-1]),
        "twice": lambda pixels: prepare(prepare(pixels)),
    }
    return keras.Model(pixels, pool(base(fed.get(kind, prepare)(seen))))
