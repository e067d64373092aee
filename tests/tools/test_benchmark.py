"""What the benchmark counts is right, and a pair that does not train alike is not compared."""

import keras
import numpy as np
import pytest

from helpers.network import backbones, cost, surgery
from helpers.pictures import images
from tools import benchmark


def test_counts_the_operations_of_vgg16_as_published():
    base = keras.applications.VGG16(weights=None, include_top=False, input_shape=(224, 224, 3))
    counts = cost.convolution_flops(base)
    assert len(counts) == 13 and next(iter(counts.values())) == 2 * 224 * 224 * 64 * 27
    # Twice the 15.3 thousand million multiply-adds that are commonly given for the convolutions at 224 pixels.
    assert sum(counts.values()) == pytest.approx(2 * 15.35e9, rel=0.005)


def test_a_step_costs_three_forward_passes_less_one_inner_gradient():
    maps = keras.Input((4, 4, 8))
    inner = keras.layers.Conv2D(16, 3, padding="same")(maps)
    model = keras.Model(maps, keras.layers.Conv2D(4, 1)(inner))
    first, second = 2 * 16 * 16 * 9 * 8, 2 * 16 * 4 * 16
    assert list(cost.convolution_flops(model).values()) == [first, second]
    assert cost.step_flops(model) == 2 * first + 3 * second


def test_curves_that_differ_are_not_compared():
    curve = {"loss": [1.0, 0.5], "val_loss": [1.1, 0.7]}
    benchmark.agree(curve, {"loss": [1.001, 0.5], "val_loss": [1.1, 0.7]})
    with pytest.raises(AssertionError, match="val_loss"):
        benchmark.agree(curve, {"loss": [1.0, 0.5], "val_loss": [1.1, 0.8]})


def test_seconds_leaves_the_first_call_out():
    calls = []
    assert benchmark.seconds(lambda: calls.append(1), repeats=3) >= 0 and len(calls) == 4


def test_both_precisions_are_timed_side_by_side():
    pixels = keras.Input((32, 32, 3))
    trunk = keras.Model(pixels, keras.layers.Conv2D(4, 3)(pixels))
    ratio, rates = benchmark.side_by_side(trunk, np.zeros((2, 32, 32, 3), "float32"), repeats=2)
    assert ratio > 0 and rates.endswith(" pictures/s")


def test_predict_is_timed_against_its_model(tmp_path, monkeypatch):
    monkeypatch.setattr(benchmark, "SIDE", 32)
    pixels = keras.Input((32, 32, 3))
    model = keras.Model(pixels, keras.layers.Dense(3)(keras.layers.GlobalAveragePooling2D()(pixels)))
    ratio, rates = benchmark.predicting(model, tmp_path, number=40)
    assert ratio > 0 and rates.endswith(" pictures/s") and len(list(tmp_path.iterdir())) == 40


@pytest.mark.parametrize("cut", ["block5_pool", "block4_pool"])
def test_both_ways_train_alike_and_from_the_same_start(cut, fresh_cache, monkeypatch):
    monkeypatch.setattr(benchmark, "SIDE", 32)
    data = images.load("animals", 32, per_class={"train": 8, "validation": 2, "test": 1})
    pixels = {
        split: tuple(map(np.concatenate, zip(*data.in_order(split).as_numpy_iterator(), strict=True)))
        for split in ("train", "validation")
    }
    base = backbones.load("VGG16", (32, 32, 3))
    base.trainable = False
    front, rest = base, ()
    if cut == "block4_pool":
        front, tail = surgery.split(base, cut)
        rest = (tail,)
        for layer in tail.layers:
            layer.trainable = True
    trunk = backbones.from_pixels("VGG16", front)
    times = benchmark.compared(data, pixels, trunk, rest, 1e-5, 2)  # raises where the curves differ
    assert all(spent > 0 for spent in times)
    if rest:  # it did train, and to the same place both times
        pretrained = backbones.load("VGG16").get_layer("block5_conv1").get_weights()[0]
        assert not np.array_equal(rest[0].get_weights()[0], pretrained)
