"""Grad-CAM finds the region that decides, in a network where that region is known by construction."""

import keras
import numpy as np
import pytest

from helpers.network import surgery
from helpers.saving import explain

SIDE = 16
RED, GREEN = 0, 1  # classes of `red_or_green`


def patches(*positions):
    """Grey pictures with a coloured patch of 4×4: (row, column, channel) for each picture."""
    pictures = np.full((len(positions), SIDE, SIDE, 3), 40, "float32")
    for picture, (row, column, channel) in zip(pictures, positions, strict=True):
        picture[row : row + 4, column : column + 4] = 0
        picture[row : row + 4, column : column + 4, channel] = 255
    return pictures


def red_or_green(pooling="avg", end=None, nested=False, scale=1.0):
    """A network built by hand: one map for red, one for green, and a head that counts them.

    A map is red − green − blue (or green − red − blue), cut off below zero, so grey gives zero everywhere.
    """
    pixels = keras.Input((SIDE, SIDE, 3))
    maps = keras.layers.Conv2D(2, 1, activation="relu", name="colours")
    base = keras.Model(pixels, maps(pixels), name="base")
    maps.set_weights([np.array([[[[1, -1], [-1, 1], [-1, -1]]]], "float32"), np.zeros(2, "float32")])
    outer = keras.Input((SIDE, SIDE, 3)) if nested else pixels
    scaled = keras.layers.Rescaling(1 / 255)(outer)
    coloured = base(scaled) if nested else maps(scaled)
    row = surgery.POOLINGS[pooling](name="pool")(coloured)
    head = keras.layers.Dense(2, name="head", activation="softmax" if end == "inside" else None)
    model = keras.Model(outer, head(row))
    kernel = np.tile(np.eye(2), (SIDE * SIDE, 1)) if pooling == "flatten" else np.eye(2)
    head.set_weights([scale * kernel.astype("float32"), np.zeros(2, "float32")])
    if end == "behind":
        return keras.Model(outer, keras.layers.Softmax()(model.output))
    if end == "operation":
        return keras.Model(outer, keras.ops.softmax(model.output))
    return model


@pytest.fixture(scope="module")
def vgg():
    base = keras.applications.VGG16(weights=None, include_top=False, input_shape=(64, 64, 3))
    return surgery.attach_head(base, 3, preprocess=keras.applications.vgg16.preprocess_input)


def noise(number, side=SIDE):
    return np.random.default_rng(0).uniform(0, 255, (number, side, side, 3)).astype("float32")


class TestKnownAnswer:
    @pytest.mark.parametrize("nested", [False, True], ids=["flat", "nested"])
    @pytest.mark.parametrize("pooling", ["avg", "flatten"])
    @pytest.mark.parametrize("end", [None, "inside", "behind", "operation"])
    def test_marks_the_patch_and_nothing_else(self, nested, pooling, end):
        pictures = patches((0, 0, RED), (8, 12, GREEN), (4, 4, RED))
        result = explain.grad_cam(red_or_green(pooling, end, nested), pictures)
        assert result.shape == (3, SIDE, SIDE) and result.dtype == np.float32
        for one, (row, column) in zip(result, [(0, 0), (8, 12), (4, 4)], strict=True):
            expected = np.zeros((SIDE, SIDE))
            expected[row : row + 4, column : column + 4] = 1
            np.testing.assert_allclose(one, expected, atol=1e-6)

    def test_answers_for_the_class_that_is_asked_for(self):
        both = np.maximum(*patches((0, 0, RED), (8, 8, GREEN)))[None]
        both[:, :4, :4, 1] = both[:, 8:12, 8:12, 0] = 0
        both[:, :4, :4, 2] = both[:, 8:12, 8:12, 2] = 0
        model = red_or_green(end="inside")
        red, green = explain.grad_cam(model, np.repeat(both, 2, 0), [RED, GREEN])
        assert red[:4, :4].min() == green[8:12, 8:12].min() == 1
        assert red[8:12, 8:12].max() == green[:4, :4].max() == 0
        np.testing.assert_array_equal(explain.grad_cam(model, both, GREEN)[0], green)

    def test_a_softmax_that_is_sure_to_the_last_bit_changes_nothing(self):
        pictures = patches((4, 8, GREEN))
        sure = red_or_green(end="inside", scale=1e4)
        assert float(np.asarray(sure(pictures)).max()) == 1  # so the slope of the probability is zero
        np.testing.assert_array_equal(explain.grad_cam(sure, pictures), explain.grad_cam(red_or_green(), pictures))

    def test_is_zero_where_nothing_speaks_for_the_class(self):
        result = explain.grad_cam(red_or_green(), patches((0, 0, RED)), GREEN)
        assert result.max() == 0 and np.isfinite(result).all()

    def test_many_pictures_get_what_each_gets_alone(self):
        pictures = noise(explain.BATCH + 3)
        cam = explain.GradCam(red_or_green())
        together, alone = cam(pictures), np.concatenate([cam(picture[None]) for picture in pictures])
        np.testing.assert_allclose(together, alone, atol=1e-5)


class TestLayers:
    def test_a_nested_vgg16_is_read_at_its_last_convolution(self, vgg):
        cam = explain.GradCam(vgg)
        assert (cam.layer, cam.grid) == ("block5_conv3", (4, 4))
        result = cam(noise(2, 64))
        assert result.shape == (2, 64, 64) and result.min() >= 0 and result.max() <= 1
        assert set(result.max(axis=(1, 2)).tolist()) <= {0.0, 1.0}

    def test_agrees_with_the_same_network_without_nesting(self, vgg):
        base = vgg.get_layer("vgg16")
        pixels = noise(2, 64)
        prepared = keras.applications.vgg16.preprocess_input(pixels.copy())
        flat = keras.Model(base.input, vgg.get_layer("predictions")(vgg.get_layer("pool")(base.output)))
        for layer in (None, "block4_conv2", "block5_pool"):
            expected = explain.grad_cam(flat, prepared, 1, layer)
            np.testing.assert_allclose(explain.grad_cam(vgg, pixels, 1, layer), expected, atol=1e-4)

    def test_takes_the_maps_after_normalisation_and_activation(self):
        layers = keras.layers
        model = keras.Sequential(
            [
                keras.Input((SIDE, SIDE, 3)),
                layers.Conv2D(4, 3, use_bias=False),
                layers.BatchNormalization(),
                layers.ReLU(6.0, name="last"),
                layers.MaxPooling2D(),
                layers.Flatten(),
                layers.Dense(3),
            ]
        )
        assert explain.GradCam(model).layer == "last"

    def test_leaves_the_model_as_it_was(self, vgg):
        before, layers = vgg.get_config(), [layer.name for layer in vgg.layers]
        outputs = np.asarray(vgg(noise(1, 64)))
        explain.grad_cam(vgg, noise(1, 64))
        assert vgg.get_config() == before and [layer.name for layer in vgg.layers] == layers
        np.testing.assert_array_equal(np.asarray(vgg(noise(1, 64))), outputs)
        assert surgery.replace_final_dense(vgg, 4).output.shape == (None, 4)

    def test_a_compiled_model_with_a_compiled_base_is_no_obstacle(self):
        model = red_or_green(nested=True)
        model.get_layer("base").compile("sgd", "mse")
        model.compile("sgd", "mse")
        assert explain.grad_cam(model, patches((0, 0, RED)))[0, :4, :4].min() == 1

    def test_sequential_inside_sequential(self):
        inner = keras.Sequential([keras.Input((SIDE, SIDE, 3)), keras.layers.Conv2D(2, 3, activation="relu")])
        head = keras.Sequential([keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(3, activation="softmax")])
        model = keras.Sequential([keras.Input((SIDE, SIDE, 3)), inner, head])
        assert explain.grad_cam(model, noise(1)).shape == (1, SIDE, SIDE)


class TestRefuses:
    def test_a_head_that_takes_features(self):
        head = keras.Sequential([keras.Input((512,)), keras.layers.Dense(3)])
        with pytest.raises(ValueError, match="features needs its trunk"):
            explain.grad_cam(head, noise(1))

    @pytest.mark.parametrize("model", [None, "a.keras", [1]])
    def test_what_is_no_model(self, model):
        with pytest.raises(ValueError, match="expected a keras.Model"):
            explain.GradCam(model)

    def test_a_model_without_a_convolution(self):
        model = keras.Sequential([keras.Input((SIDE, SIDE, 3)), keras.layers.Flatten(), keras.layers.Dense(3)])
        with pytest.raises(ValueError, match="no convolution"):
            explain.grad_cam(model, noise(1))

    def test_outputs_that_are_no_classes(self):
        model = keras.Model((base := red_or_green()).input, keras.layers.Activation("sigmoid")(base.output))
        with pytest.raises(ValueError, match="sigmoid"):
            explain.grad_cam(model, noise(1))

    def test_a_layer_that_is_not_there_and_names_the_last_ones(self, vgg):
        with pytest.raises(ValueError, match="'block6_conv1' that gives maps.*block5_conv3"):
            explain.grad_cam(vgg, noise(1, 64), layer="block6_conv1")

    @pytest.mark.parametrize("classes", [2, -1, [0], [0, 1, 5], "red", 0.5, [[0, 1, 0]]])
    def test_classes_that_are_none(self, classes):
        with pytest.raises(ValueError, match="whole number from 0 to 1"):
            explain.grad_cam(red_or_green(), noise(3), classes)

    @pytest.mark.parametrize(("value", "words"), [(0.5, "divided by 255, it seems"), (np.nan, "NaN or infinite")])
    def test_pixels_that_are_none(self, value, words):
        with pytest.raises(ValueError, match=words):
            explain.grad_cam(red_or_green(), np.full((1, SIDE, SIDE, 3), value))
        assert np.isfinite(explain.grad_cam(red_or_green(), np.zeros((1, SIDE, SIDE, 3)))).all()  # black is black

    @pytest.mark.parametrize("shape", [(1, 8, 8, 3), (0, SIDE, SIDE, 3), (SIDE, SIDE, 3), (1, SIDE, SIDE, 1)])
    def test_pictures_that_do_not_fit(self, shape):
        with pytest.raises(ValueError, match="expected"):
            explain.grad_cam(red_or_green(), np.zeros(shape, "float32"))


class TestCovered:
    """A ninth of a picture goes where its map says, and nothing else changes."""

    @pytest.mark.parametrize(("where", "corner"), [("brightest", (12, 6)), ("darkest", (0, 0))])
    def test_paints_the_brightest_or_the_darkest_ninth_in_the_mean_colour(self, where, corner):
        picture = np.random.default_rng(0).uniform(0, 255, (1, 18, 18, 3)).astype("float32")
        heat = np.full((1, 18, 18), 0.5, "float32")
        heat[0, 12:, 6:12], heat[0, :6, :6] = 1, 0
        before = picture.copy()
        painted = explain.covered(picture, heat, where)
        changed = (painted != picture).any(axis=-1)[0]
        rows, columns = np.nonzero(changed)
        assert (rows.min(), columns.min()) == corner and (np.ptp(rows), np.ptp(columns)) == (5, 5)
        np.testing.assert_allclose(painted[0][changed], np.tile(picture[0].mean(axis=(0, 1)), (36, 1)), rtol=1e-5)
        assert np.array_equal(picture, before)

    def test_what_does_not_fit_is_refused(self):
        with pytest.raises(ValueError, match="expected .n, h, w, 3. and"):
            explain.covered(np.zeros((8, 8, 3)), np.zeros((8, 8)))
        with pytest.raises(ValueError, match="'brightest' or 'darkest'"):
            explain.covered(np.zeros((1, 8, 8, 3)), np.zeros((1, 8, 8)), "bright")
