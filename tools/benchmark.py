"""How much faster is the course's way to train? Ratios, measured side by side in one run: ``make benchmark``.

Each pair trains the same model from the same start on the same pictures in the same order, once through the whole model
and once on what a frozen trunk gives, and both must show the same loss curves. Let nothing else run meanwhile.
"""

import os
import tempfile
import time

import keras
import numpy as np
import pandas as pd
import tensorflow as tf
from PIL import Image

from helpers import predict, storage
from helpers.network import backbones, cost, surgery
from helpers.pictures import features, images

SIDE, BATCH, CLASSES, CUT = 96, 32, 5, "block4_pool"
PER_CLASS = {"train": 40, "validation": 16, "test": 1}
HEAD_EPOCHS, TAIL_EPOCHS = 30, 20
REPEATS = 7
MATRIX = 2048  # rows and columns of the matrices whose product shows the peak
HEAD = "head training, 30 epochs: whole model ÷ features once + head"
BLOCK5 = "fine-tuning block5, 20 epochs: whole model ÷ block4 trunk once + tail"
TRUNK = "trunk: FLOP/s ÷ peak of a float32 matrix product"
STEP = "fine-tuning step on cached features: FLOP/s ÷ the same peak"
PRECISION = "trunk: pictures/s in bfloat16 ÷ in float32"
CACHE = "second use of a cache entry ÷ first"
PREDICT = "predict on 1,000 photographs: pictures/s ÷ those of the model alone"
TO_REACH = {
    HEAD: "≥ 20",
    BLOCK5: "≥ 5",
    TRUNK: "≥ 0.9",
    STEP: "≥ 0.6",
    PRECISION: "≥ 1.2, or float32 is used",
    CACHE: "≤ 0.02",
    PREDICT: "≥ 0.9",
}


def agree(first, second, tolerance=0.01):
    """Raise AssertionError unless two runs show the same loss curves, within a share of `tolerance`."""
    for name in ("loss", "val_loss"):
        np.testing.assert_allclose(first[name], second[name], rtol=tolerance, atol=1e-3, err_msg=name)


def seconds(work, repeats=REPEATS):
    """Return the median time of `work`, after one call that is not counted."""
    work()
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return float(np.median(times))


def peak():
    """Return the FLOP/s of a large float32 matrix product."""
    left, right = (tf.random.stateless_normal((MATRIX, MATRIX), (0, seed)) for seed in range(2))
    product = tf.function(lambda: tf.linalg.matmul(left, right))
    return 2 * MATRIX**3 / seconds(lambda: product().numpy())


def _fit(model, train, validation, rate, epochs):
    """Train in a seeded order and return the loss curves and the time."""
    keras.utils.set_random_seed(0)
    rows = tf.data.Dataset.from_tensor_slices(train).shuffle(len(train[1]), seed=0).batch(BATCH)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(rate), loss=loss)
    started = time.perf_counter()
    history = model.fit(
        rows, validation_data=validation, validation_batch_size=BATCH, epochs=epochs, shuffle=False, verbose=0
    ).history
    return history, time.perf_counter() - started


def _headed(shape, *stack):
    pool, decide = keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(CLASSES, kernel_initializer="zeros")
    return keras.Sequential([keras.Input(shape), *stack, pool, decide])


def compared(data, pixels, trunk, rest, rate, epochs):
    """Train a tail and a head on what a trunk gives, then both through the whole model, and time the two.

    Parameters
    ----------
    data : helpers.pictures.images.ImageSets
    pixels : dict of str to (ndarray, ndarray)
        Its training and validation pictures in order, float32 (n, h, w, 3), and labels.
    trunk : keras.Model
        From pixels; frozen.
    rest : sequence of keras.Layer
        What stands between the trunk and the new head, and trains; may be empty.
    rate : float
        Of Adam.
    epochs : int

    Returns
    -------
    whole, once, rest, again : float
        Seconds of training through the whole model; of the trunk, once; of training on its features; and of taking
        these features from the cache a second time.

    Raises
    ------
    AssertionError
        When the two do not show the same loss curves.
    """
    start = [layer.get_weights() for layer in rest]
    known, once = _extracted(trunk, data)
    cached, spent = _fit(_headed(trunk.output_shape[1:], *rest), known.train, known.validation, rate, epochs)
    for layer, weights in zip(rest, start, strict=True):
        layer.set_weights(weights)
    whole = _headed(trunk.input_shape[1:], trunk, *rest)
    usual, usually = _fit(whole, pixels["train"], pixels["validation"], rate, epochs)
    agree(cached, usual)
    return usually, once, spent, _extracted(trunk, data)[1]


def side_by_side(trunk, batch, repeats=REPEATS):
    """Return how many times as fast a trunk is in bfloat16, the two timed in turn, and the pictures/s of both (str)."""
    times = {"bfloat16": [], "float32": []}
    models = dict(zip(times, (features.in_bfloat16(trunk), trunk), strict=True))
    for _ in range(repeats):
        for precision, model in models.items():
            times[precision].append(seconds(lambda model=model: model.predict_on_batch(batch), repeats=1))
    half, whole = (len(batch) / float(np.median(spent)) for spent in times.values())
    return half / whole, f"{half:.0f} ÷ {whole:.0f} pictures/s"


def predicting(model, folder, number=1000):
    """Return the speed of the command `predict` as a share of the model's own, and the pictures/s of both (str).

    The photographs are `number` JPEG files of 240×320 pixels, made in `folder`; the model computes in float32.
    """
    generator, paths = np.random.default_rng(0), []
    for index in range(number):
        coarse = Image.fromarray(generator.integers(0, 256, (15, 20, 3), dtype=np.uint8))
        paths.append(os.path.join(folder, f"{index:04d}.jpg"))
        coarse.resize((320, 240), Image.Resampling.BICUBIC).save(paths[-1])
    names = [str(index) for index in range(model.output_shape[-1])]
    run, _ = predict.compiled(model, "float32")
    batch = np.concatenate([predict.pixels(path, (SIDE, SIDE)) for path in paths[:BATCH]])
    alone = BATCH / seconds(lambda: run(batch))
    started = time.perf_counter()
    done = len(list(predict.answered(model, names, paths, run)))
    used = done / (time.perf_counter() - started)
    return used / alone, f"{used:.0f} ÷ {alone:.0f} pictures/s"


def _extracted(trunk, data):
    started = time.perf_counter()
    return features.extract(trunk, data, ("train", "validation"), precision="float32"), time.perf_counter() - started


def measure():
    """Return the measured table.

    Returns
    -------
    pandas.DataFrame
        Index: what is compared. Columns: ``measured`` (float), ``to reach`` (str), ``from`` (str: what was divided).
    """
    data = images.load("animals", SIDE, per_class=PER_CLASS)
    pixels = {split: data.arrays(split) for split in ("train", "validation")}
    base = backbones.load("VGG16", (SIDE, SIDE, 3))
    base.trainable = False
    front, tail = surgery.split(base, CUT)
    found = {}

    usual, once, spent, again = compared(data, pixels, backbones.from_pixels("VGG16", base), (), 1e-3, HEAD_EPOCHS)
    found[HEAD] = usual / (once + spent), f"{usual:.1f} s ÷ ({once:.1f} + {spent:.1f}) s"

    for layer in tail.layers:  # the model's own flag is True already, and setting it again would not reach its layers
        layer.trainable = True
    usual, first, spent, _ = compared(data, pixels, backbones.from_pixels("VGG16", front), (tail,), 1e-5, TAIL_EPOCHS)
    found[BLOCK5] = usual / (first + spent), f"{usual:.1f} s ÷ ({first:.1f} + {spent:.1f}) s"

    batch, labels = (array[:BATCH] for array in pixels["train"])
    before = peak()
    forward = seconds(lambda: front.predict_on_batch(batch))
    found[PRECISION] = side_by_side(front, batch)
    maps, model = front.predict_on_batch(batch), _headed(tail.input_shape[1:], tail)
    model.compile(keras.optimizers.Adam(1e-5), loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    step = seconds(lambda: model.train_on_batch(maps, labels))
    best = max(before, peak())
    trunk_flops = sum(cost.convolution_flops(front).values())
    for what, spent, flops in ((TRUNK, forward, trunk_flops), (STEP, step, cost.step_flops(tail))):
        reached = flops * len(labels) / spent
        found[what] = reached / best, f"{reached / 1e9:.0f} ÷ {best / 1e9:.0f} GFLOP/s"

    pooled = keras.layers.GlobalAveragePooling2D()
    model = keras.Sequential([backbones.from_pixels("VGG16", base), pooled, keras.layers.Dense(CLASSES)])
    with tempfile.TemporaryDirectory() as folder:
        found[PREDICT] = predicting(model, folder)

    found[CACHE] = again / once, f"{again:.2f} s ÷ {once:.2f} s"
    return pd.DataFrame(
        [(round(ratio, 3), TO_REACH[what], divided) for what, (ratio, divided) in found.items()],
        index=pd.Index(list(found), name="what"),
        columns=["measured", "to reach", "from"],
    )


def main():
    """Measure with an empty cache and print the table."""
    tf.get_logger().setLevel("ERROR")
    with tempfile.TemporaryDirectory() as folder:
        os.environ[storage.CACHE_VARIABLE] = folder
        table = measure()
    with pd.option_context("display.max_colwidth", None, "display.width", None):
        print(table.to_string())


if __name__ == "__main__":
    main()
