"""What reaches the base is measured, and compared with what each family documents."""

import keras
import numpy as np
import pytest
from doctor_cases.common import SIDE, base, caffe, dataset, frozen, head, on_top, tf_mode, three
from doctor_cases.the_base import changed, own_vgg, part, torch_mode
from keras import layers, ops

from helpers.doctor import pixels, splits
from helpers.doctor.splits import Case

RIGHT = {
    "vgg": caffe,
    "lite": lambda pixels: (pixels - 127) / 128,
    "resnet": caffe,
    "mobilenet": tf_mode,
    "inception": tf_mode,
    "densenet": torch_mode,
    "mobilenetv3": None,
    "efficientnetv2": None,
}
PREPARED = {
    "raw": None,
    "unit": lambda pixels: pixels / 255,
    "tf": tf_mode,
    "caffe": caffe,
    "torch": torch_mode,
}


def found(model, *data):
    names = ("train", "validation", "test")
    case = Case(model, *[splits.read(name, split) for name, split in zip(names, data, strict=False)])
    return list(pixels.check(case))


def alarms(*given):
    return [finding.name for finding in found(*given) if finding.alarm]


def trunk_of(family):
    return frozen(
        part(family) if family in ("densenet", "mobilenetv3", "efficientnetv2", "inception") else base(family)
    )


@pytest.mark.parametrize("family", RIGHT)
def test_every_other_preparation_is_an_alarm_in_the_model_and_in_the_data(family):
    trunk, right, side = trunk_of(family), RIGHT[family], 75 if family == "inception" else SIDE
    data = three(side=side)[:1]
    for name, prepare in PREPARED.items():
        expected = prepare is right or (family == "lite" and name == "tf")
        in_data = changed(data, prepare) if prepare else data
        for given in ((on_top(trunk, prepare, side=side), *data), (on_top(trunk, None, side=side), *in_data)):
            assert (alarms(*given) == []) == expected, (name, found(*given))
    if right:
        assert alarms(on_top(trunk, right, side=side), *changed(data, right)) == ["preprocessed-twice"]


@pytest.mark.parametrize("family", ["vgg", "mobilenet", "densenet", "efficientnetv2"])
def test_right_pixels_of_any_kind_are_no_alarm(family):
    trunk, prepare = trunk_of(family), RIGHT[family] or (lambda pixels: pixels)
    colours, data = keras.Input((SIDE, SIDE, 3)), three()[:1]
    small, grey = keras.Input((20, 24, 3)), keras.Input((SIDE, SIDE, 1))
    as_bytes = keras.Input((SIDE, SIDE, 3), dtype="uint8")
    kinds = [
        (colours, prepare(colours), changed(data, lambda pixels: pixels * 0.2)),  # night
        (colours, prepare(colours), changed(data, lambda pixels: 130 + pixels * 0.45)),  # fog
        (colours, prepare(colours * 255), changed(data, lambda pixels: pixels / 255)),
        (colours, prepare(layers.RandomContrast(0.3, seed=1)(colours)), data),
        (small, prepare(layers.Resizing(SIDE, SIDE)(small)), three(side=24)[:1]),
        (grey, prepare(ops.repeat(grey, 3, axis=-1)), changed(data, lambda pixels: pixels[..., :1])),
        (as_bytes, prepare(ops.cast(as_bytes, "float32")), changed(data, lambda pixels: pixels.astype("uint8"))),
    ]
    kinds[4] = (small, kinds[4][1], changed(kinds[4][2], lambda pixels: pixels[:, :20]))
    for number, (inputs, prepared, given) in enumerate(kinds):
        model = keras.Model(inputs, layers.Dense(3)(layers.GlobalAveragePooling2D()(trunk(prepared))))
        assert alarms(model, *given) == [], number


@pytest.mark.parametrize("trains", [True, False])
@pytest.mark.parametrize("prepare", [None, lambda pixels: pixels / 255])
def test_what_weights_of_ones_own_expect_cannot_be_judged(trains, prepare):
    trunk = own_vgg()
    trunk.trainable = trains
    (finding,) = found(on_top(trunk, prepare), *three()[:1])
    assert (finding.name, finding.severity) == ("pixels-range", "cannot judge")
    assert "others" in finding.observed


def test_an_error_is_certain_and_a_warning_supposes_imagenet_weights():
    (sure,) = found(on_top(frozen(base()), None), *three()[:1])
    (likely,) = found(on_top(frozen(base("resnet")), None), *three()[:1])
    assert (sure.severity, likely.severity) == ("error", "warning")
    assert "from 0 to 255" in sure.observed and "preprocess_input(pixels)" in sure.mend


@pytest.mark.parametrize(
    "prepare",
    [layers.Rescaling(1 / 65535), layers.BatchNormalization(), layers.LayerNormalization(), layers.Identity()],
)
def test_a_network_of_ones_own_may_take_any_range(prepare):
    parts = [keras.Input((SIDE, SIDE, 3)), prepare, layers.Conv2D(4, 3), layers.GlobalAveragePooling2D()]
    data = changed(three()[:1], lambda pixels: pixels * 12)  # 16 bit, dim
    assert alarms(keras.Sequential([*parts, layers.Dense(3)]), *data) == []


def test_data_that_may_be_prepared_in_two_ways_cannot_be_judged():
    fog = changed(three()[:1], lambda pixels: tf_mode(140 + pixels * 0.4))
    (finding,) = found(on_top(frozen(base("mobilenet")), None), *fog)
    assert (finding.name, finding.severity) == ("pixels-range", "cannot judge")


def test_two_pieces_of_a_base_are_judged_at_the_first():
    bottom, top = frozen(base(end="block3_pool")), base(start="block3_pool", end="block5_pool", name="top")
    both = keras.Model(bottom.inputs[0], top(bottom(bottom.inputs[0])))
    assert alarms(on_top(both, caffe), *three()[:1]) == []
    assert alarms(on_top(both, None), *three()[:1]) == ["pixels-range"]


def test_a_base_is_not_random_once_a_single_number_moved():
    trunk = frozen(keras.models.clone_model(base()))
    assert "base-not-pretrained" in alarms(on_top(trunk), *three()[:1])
    trunk.layers[1].bias.assign(np.full(64, 1e-7))
    assert alarms(on_top(trunk), *three()[:1]) == []


@pytest.mark.parametrize("number", [np.nan, np.inf])
def test_weights_that_are_no_numbers_are_named(number):
    model = on_top(frozen(base()))
    model.get_layer("predictions").bias.assign([0.0, number, 0.0])
    finding, *_ = found(model, dataset(three()[0]))
    assert finding.name == "not-finite" and "predictions/bias" in finding.observed


def old_top(units, activation, free=False):
    old = keras.Sequential([keras.Input((16,)), layers.Dense(units, activation=activation)])
    old.trainable = free
    return keras.Sequential([keras.Input((16,)), old, layers.Dense(3)])


@pytest.mark.parametrize(
    ("model", "names"),
    [
        (old_top(1000, "softmax", free=True), ["old-top-below-head"]),
        (old_top(1000, None), ["old-top-below-head"]),
        (old_top(7, "softmax"), ["old-top-below-head"]),
        (old_top(7, "softmax", free=True), []),  # may be a narrow place by design
        (old_top(1000, "relu"), []),
        (head(), []),
    ],
)
def test_a_head_on_old_answers_is_told_from_a_head_on_features(model, names):
    rows = np.random.default_rng(0).normal(0, 1, (32, 16)).astype("float32")
    assert alarms(model, (rows, np.zeros(32, "int32"))) == names


@pytest.mark.parametrize("first", [layers.Rescaling(1 / 255), tf_mode, caffe])
def test_pixels_prepared_twice_in_the_model_are_named_so(first):
    (finding,) = found(on_top(frozen(base()), lambda pixels: caffe(first(pixels))), *three()[:1])
    assert finding.name == "preprocessed-twice"


@pytest.mark.parametrize(
    ("prepare", "change", "words"),
    [
        (caffe, lambda pixels: pixels[..., ::-1], "the data's cannot be told"),
        (None, caffe, "come prepared"),
        (lambda pixels: caffe(pixels @ ops.convert_to_tensor(np.full((3, 3), 1 / 3, "float32"))), None, "mixes"),
    ],
)
def test_an_order_of_colours_that_cannot_be_told_is_said_to_be_open(prepare, change, words):
    data = changed(three()[:1], change) if change else three()[:1]
    (finding,) = found(on_top(frozen(base()), prepare), *data)
    assert (finding.name, finding.severity) == ("channel-order", "cannot judge")
    assert words in finding.observed
