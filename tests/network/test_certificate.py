"""The certificate tells exactly which layers moved."""

import keras
import numpy as np
import pytest

from helpers.network import certificate


@pytest.fixture
def model():
    layers = [
        keras.Input((4,)),
        keras.layers.Dense(3, name="first"),
        keras.layers.BatchNormalization(name="norm"),
        keras.layers.Dense(2, name="second"),
    ]
    return keras.Sequential(layers, name="model")


def train(model, learning_rate=0.1):
    generator = np.random.default_rng(0)
    model.compile(keras.optimizers.SGD(learning_rate), "mse")
    model.fit(generator.normal(size=(8, 4)), generator.normal(size=(8, 2)), verbose=0)


def test_without_training_nothing_moved(model):
    before = certificate.take(model)
    table = certificate.compare(before, certificate.take(model))
    assert table.index.tolist() == ["first", "norm", "second"]
    assert table["parameters"].tolist() == [15, 12, 8]
    assert table["largest_change"].tolist() == [0, 0, 0] and not table["moved"].any()


def test_what_was_taken_stays_as_it_was_when_the_model_moves_on(model):
    before = certificate.take(model)
    kept = {path: values.copy() for path, values in before.items()}
    train(model)
    assert all(np.array_equal(before[path], kept[path]) for path in before)
    assert certificate.moved(before, certificate.take(model)) == ["first", "norm", "second"]


def test_frozen_layers_stand_still_while_the_others_train(model):
    model.get_layer("first").trainable = model.get_layer("norm").trainable = False
    before = certificate.take(model)
    train(model)
    assert certificate.moved(before, certificate.take(model)) == ["second"]


def test_statistics_of_batch_normalization_count_as_movement(model):
    for layer in model.layers:
        layer.trainable = False
    before = certificate.take(model)
    model(np.random.default_rng(0).normal(size=(8, 4)), training=True)
    assert certificate.moved(before, certificate.take(model)) == []
    model.get_layer("norm").trainable = True
    model(np.random.default_rng(0).normal(size=(8, 4)), training=True)
    assert certificate.moved(before, certificate.take(model)) == ["norm"]


def test_the_largest_change_is_that_of_the_weight_that_moved_most(model):
    before = certificate.take(model)
    kernel, bias = model.get_layer("second").get_weights()
    kernel[0, 0] += 0.25
    bias[1] -= 0.5
    model.get_layer("second").set_weights([kernel, bias])
    table = certificate.compare(before, certificate.take(model))
    assert table["largest_change"].tolist() == pytest.approx([0, 0, 0.5])


def test_the_least_step_of_one_value_is_movement(model):
    before = certificate.take(model)
    kernel, bias = model.get_layer("first").get_weights()
    kernel[0, 0] = np.nextafter(kernel[0, 0], np.inf, dtype=np.float32)
    model.get_layer("first").set_weights([kernel, bias])
    assert certificate.moved(before, certificate.take(model)) == ["first"]


def test_weights_that_became_nan_moved_and_are_seen(model):
    before = certificate.take(model)
    model.get_layer("first").bias.assign([0, np.nan, 0])
    table = certificate.compare(before, certificate.take(model))
    assert table["moved"].tolist() == [True, False, False]
    assert np.isnan(table["largest_change"]["first"])


def test_layers_of_one_name_in_two_branches_are_told_apart():
    branches = [
        keras.Sequential(
            [keras.Input((4,)), keras.layers.Dense(4, name="dense"), keras.layers.Dense(2, name=last)], name=name
        )
        for name, last in (("left", "left_end"), ("right", "right_end"))
    ]
    pixels = keras.Input((4,))
    model = keras.Model(pixels, keras.layers.Add()([branch(pixels) for branch in branches]))
    branches[0].trainable = False
    before = certificate.take(model)
    train(model)
    after = certificate.take(model)
    assert certificate.moved(before, after) == ["right/dense", "right_end"]
    assert certificate.compare(before, after).index.tolist() == ["left/dense", "left_end", "right/dense", "right_end"]


def test_layers_of_one_name_in_functional_models_are_two_rows():
    def part(name):
        inputs = keras.Input((4,))
        return keras.Model(inputs, keras.layers.Dense(4, name="dense")(inputs), name=name)

    inputs = keras.Input((4,))
    left, right = part("left"), part("right")
    model = keras.Model(inputs, right(left(inputs)))
    before = certificate.take(model)
    left.get_layer("dense").bias.assign([1, 0, 0, 0])
    table = certificate.compare(before, certificate.take(model))
    assert table.index.tolist() == ["left/dense", "right/dense"]
    assert table["parameters"].tolist() == [20, 20] and table["moved"].tolist() == [True, False]


def test_layers_of_one_name_in_a_layer_of_ones_own_are_numbered():
    class Both(keras.layers.Layer):
        def build(self, shape):
            self.parts = [keras.layers.Dense(4, name="dense") for _ in range(2)]
            for part in self.parts:
                part.build(shape)

        def call(self, inputs):
            return self.parts[1](self.parts[0](inputs))

    model = keras.Sequential([keras.Input((4,)), Both(name="both")])
    before = certificate.take(model)
    model.layers[0].parts[1].bias.assign([1, 0, 0, 0])
    assert certificate.moved(before, certificate.take(model)) == ["dense (2)"]
    assert len(certificate.compare(before, before)) == 2


@pytest.mark.parametrize(
    ("old", "new", "change"),
    [
        (np.int8([-128, 0]), np.int8([127, 0]), 255),
        (np.uint8([0]), np.uint8([1]), 1),
        (np.array([True]), np.array([False]), 1),
        (np.float16([60000]), np.float16([-60000]), 120000),
    ],
)
def test_changes_do_not_wrap(old, new, change):
    for one, other in ((old, new), (new, old)):
        table = certificate.compare({"layer/kernel": one}, {"layer/kernel": other})
        assert table.loc["layer"].tolist() == [old.size, pytest.approx(change, rel=1e-2), True]


def test_what_is_no_number_and_stays_so_has_not_moved():
    weights = {"layer/kernel": np.float32([np.nan, np.inf, 1])}
    table = certificate.compare(weights, {"layer/kernel": weights["layer/kernel"].copy()})
    assert not table["moved"]["layer"] and np.isnan(table["largest_change"]["layer"])


def test_a_layer_added_between_is_named(model):
    before = certificate.take(model)
    model.add(keras.layers.Dense(2, name="third"))
    with pytest.raises(ValueError, match="only before: none; only after: .*third/kernel, .*third/bias"):
        certificate.compare(before, certificate.take(model))


def test_a_model_without_weights_is_refused():
    with pytest.raises(ValueError, match="no weights: build it first"):
        certificate.take(keras.Sequential([keras.layers.Dense(2)]))


def test_two_models_cannot_be_compared(model):
    other = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, name="another")])
    with pytest.raises(ValueError, match="hold different weights .*Take both from one model"):
        certificate.compare(certificate.take(model), certificate.take(other))


def test_nor_can_two_shapes_of_one_name(model):
    layers = [type(layer).from_config(layer.get_config()) for layer in model.layers]
    other = keras.Sequential([keras.Input((5,)), *layers], name="model")
    with pytest.raises(ValueError, match=r"first/kernel had shape \(4, 3\) and now has \(5, 3\)"):
        certificate.compare(certificate.take(model), certificate.take(other))


@pytest.mark.parametrize("given", [None, "model.keras", []])
def test_what_is_no_model_or_was_not_taken_is_said(given, model):
    with pytest.raises(ValueError, match="expected a keras.Model"):
        certificate.take(given)
    for before, after in ((given, certificate.take(model)), (certificate.take(model), given), (model, model)):
        with pytest.raises(ValueError, match="expected what take returned"):
            certificate.compare(before, after)


class TestRehearsal:
    """Frozen, free without a gradient, and free at a learning rate too small look different."""

    X, Y = np.random.default_rng(0).normal(size=(8, 4)), np.random.default_rng(1).normal(size=(8, 2))

    def test_three_reasons_to_stay_still_and_one_to_move(self):
        row = keras.Input((4,))
        frozen = keras.layers.Dense(3, name="frozen")(row)
        cut = keras.ops.stop_gradient(keras.layers.Dense(3, name="cut")(frozen))
        model = keras.Model(row, keras.layers.Dense(2, bias_initializer="ones", name="last")(cut))
        model.get_layer("frozen").trainable = False
        for learning_rate, last_moves in ((1e-30, False), (0.1, True)):
            model.compile(keras.optimizers.SGD(learning_rate), "mse")
            before, gradients = certificate.take(model), certificate.rehearse(model, self.X, self.Y)
            model.fit(self.X, self.Y, verbose=0)
            table = certificate.compare(before, certificate.take(model), gradients)
            assert table["moved"].tolist() == [False, False, last_moves]
            assert np.isnan(table.loc["frozen", "largest_gradient"]) and table.loc["cut", "largest_gradient"] == 0
            assert table.loc["last", "largest_gradient"] > 0.01

    def test_its_number_is_that_of_the_step(self):
        model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2, kernel_regularizer="l2", name="only")])
        model.compile(keras.optimizers.SGD(1.0), "mse")
        before, gradients = certificate.take(model), certificate.rehearse(model, self.X, self.Y)
        model.fit(self.X, self.Y, batch_size=8, verbose=0)
        table = certificate.compare(before, certificate.take(model), gradients)
        assert table["largest_gradient"].iloc[0] == pytest.approx(table["largest_change"].iloc[0], rel=1e-4)

    def test_it_leaves_weights_statistics_and_training_as_they_were(self, model):
        train(model)
        before = certificate.take(model)
        certificate.rehearse(model, self.X, self.Y)
        assert certificate.moved(before, certificate.take(model)) == []

    def test_what_cannot_be_rehearsed_is_refused(self, model):
        with pytest.raises(ValueError, match="not compiled: call compile"):
            certificate.rehearse(model, self.X, self.Y)
        train(model)
        with pytest.raises(ValueError, match=r"shape \(8, 3\)"):
            certificate.rehearse(model, self.X[:, :3], self.Y)
        taken = certificate.take(model)
        with pytest.raises(ValueError, match="gradients are not of these weights"):
            certificate.compare(taken, taken, {"another/kernel": 1.0})
