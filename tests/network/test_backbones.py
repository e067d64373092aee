"""What the table says of each backbone holds."""

import keras
import numpy as np
import pytest

from helpers.network import backbones, certificate, surgery
from helpers.pictures import features, images

NAMES = list(backbones.BACKBONES)


@pytest.fixture(scope="module", params=NAMES)
def name(request):
    return request.param


@pytest.fixture(scope="module")
def base(name):
    return backbones.load(name, (64, 64, 3))


@pytest.fixture(scope="module")
def data():
    return images.load("animals", 64, batch_size=5, per_class={"train": 1, "validation": 1, "test": 1})


class TestTable:
    def test_every_cut_is_the_one_way_through(self, name, base):
        maps = np.random.default_rng(0).normal(0, 1, (2, 64, 64, 3)).astype("float32")
        whole = base.predict(maps, verbose=0)
        for cut in backbones.known(name).cuts[:-1]:
            trunk, tail = surgery.split(base, cut)
            np.testing.assert_allclose(tail.predict(trunk.predict(maps, verbose=0), verbose=0), whole, atol=1e-4)

    def test_the_last_cut_is_the_end(self, name, base):
        assert backbones.known(name).cuts[-1] == base.layers[-1].name
        assert backbones.known(name).frozen_up_to in backbones.known(name).cuts

    def test_preprocessing_is_the_one_of_the_weights(self, name, base, data):
        pictures = next(iter(data.test))[0].numpy()
        through = backbones.from_pixels(name, base).predict(pictures, verbose=0)
        by_hand = base.predict(np.asarray(backbones.known(name).preprocess(pictures.copy())), verbose=0)
        np.testing.assert_allclose(through, by_hand, rtol=1e-3, atol=1e-3)

    def test_a_top_that_does_not_ship_is_refused(self):
        with pytest.raises(ValueError, match="does not ship"):
            backbones.load("VGG16", include_top=True)

    def test_an_unknown_name_is_answered_with_the_known_ones(self):
        with pytest.raises(ValueError, match="'ResNet50'.*VGG16, EfficientNet-Lite0"):
            backbones.load("ResNet50")


class TestTheSameRecipe:
    """Features, surgery and certificate take every backbone."""

    def test_features_then_a_head_then_the_last_blocks(self, name, base, data):
        row = backbones.known(name)
        trunk, tail = surgery.split(base, row.frozen_up_to)
        cached = features.extract(backbones.from_pixels(name, trunk), data, ("train",)).train
        whole = surgery.attach_head(base, 5, preprocess=row.preprocess)
        surgery.freeze_up_to(base, row.frozen_up_to)
        for layer in base.layers:
            if isinstance(layer, keras.layers.BatchNormalization):
                layer.trainable = False
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        tuned = keras.Model(tail.input, whole.layers[-1](whole.layers[-2](tail.output)))
        tuned.compile(keras.optimizers.SGD(0.01), loss=loss)
        before = certificate.take(whole)
        tuned.fit(*cached, verbose=0)
        moved = certificate.moved(before, certificate.take(whole))
        late = [layer.name for layer in tail.layers if layer.trainable and layer.weights]
        assert moved == [*late, "predictions"]
        base.trainable = True

    def test_the_final_dense_layer_is_replaced(self):
        full = backbones.load("EfficientNet-Lite0", (64, 64, 3), include_top=True)
        swapped = surgery.replace_final_dense(full, 5)
        assert [a is b for a, b in zip(swapped.layers, full.layers, strict=True)] == [True] * (len(full.layers) - 1) + [
            False
        ]
