"""A head is replaced, and everything that fed it stays bit for bit what it was."""

from types import SimpleNamespace

import keras
import numpy as np
import pytest

from helpers.network import certificate, surgery, vgg16

APPLICATIONS = {  # side of the pictures, parameters of the whole with 5 classes
    "VGG16": (224, 138_357_544 - 4096 * 1000 - 1000 + 4096 * 5 + 5),
    "ResNet50": (64, 25_636_712 - 2048 * 1000 - 1000 + 2048 * 5 + 5),
    "InceptionV3": (75, 23_851_784 - 2048 * 1000 - 1000 + 2048 * 5 + 5),
    "MobileNetV2": (64, 3_538_984 - 1280 * 1000 - 1000 + 1280 * 5 + 5),
}


def noise(*shape):
    return np.random.default_rng(0).uniform(-100, 100, shape).astype("float32")


def outputs(model, pictures):
    """Return what a model gives for pictures, as arrays; a list where it has several ends."""
    return keras.tree.map_structure(keras.ops.convert_to_numpy, model(pictures, training=False))


def with_features(model, final):
    """Return a model that also gives what its layer `final` is fed."""
    return keras.Model(model.inputs[0], [final.input, model.outputs[0]])


def sequential(*layers, name=None):
    """Return a Sequential model for pictures of 8×8."""
    return keras.Sequential([keras.Input((8, 8, 3)), *layers], name=name)


def convolutional():
    """Return a base of two convolutions: 8×8×3 to 4×4×6."""
    first = keras.layers.Conv2D(4, 3, padding="same", activation="relu", name="conv1")
    return sequential(first, keras.layers.Conv2D(6, 3, strides=2, padding="same", name="conv2"), name="tiny")


@pytest.fixture(scope="module", params=APPLICATIONS)
def swapped(request):
    """A model as published (its weights at random) before and after the swap, with its outputs before."""
    side, parameters = APPLICATIONS[request.param]
    keras.utils.set_random_seed(0)
    model = getattr(keras.applications, request.param)(weights=None, input_shape=(side, side, 3))
    pictures = noise(1, side, side, 3)
    features, predictions = outputs(with_features(model, model.layers[-1]), pictures)
    new = surgery.replace_final_dense(model, 5, activation="softmax")
    return SimpleNamespace(
        model=model, new=new, pictures=pictures, features=features, predictions=predictions, parameters=parameters
    )


class TestReplaceFinalDenseOfPublishedModels:
    def test_only_the_end_has_another_size(self, swapped):
        assert swapped.new.output.shape == (None, 5)
        assert swapped.new.count_params() == swapped.parameters
        assert [layer.name for layer in swapped.new.layers[:-1]] == [layer.name for layer in swapped.model.layers[:-1]]

    def test_the_new_layer_is_fed_bit_for_bit_what_the_old_one_was(self, swapped):
        final = swapped.new.layers[-1]
        features, predictions = outputs(with_features(swapped.new, final), swapped.pictures)
        assert np.ptp(features) > 0 and np.array_equal(features, swapped.features)
        kernel, bias = final.get_weights()
        logits = features.astype(float) @ kernel + bias
        assert np.allclose(predictions, np.exp(logits) / np.exp(logits).sum(), atol=1e-5)

    def test_the_original_predicts_as_before(self, swapped):
        assert swapped.model.output.shape == (None, 1000)
        assert np.array_equal(outputs(swapped.model, swapped.pictures), swapped.predictions)


class TestReplaceFinalDense:
    @pytest.fixture
    def classifier(self):
        layers = [*convolutional().layers, keras.layers.Flatten(), keras.layers.Dense(7, activation="relu", name="fc")]
        return sequential(*layers, keras.layers.Dense(10, name="end"))

    def test_works_on_a_sequential_model(self, classifier):
        pictures = noise(2, 8, 8, 3)
        features, _ = outputs(with_features(classifier, classifier.layers[-1]), pictures)
        new = surgery.replace_final_dense(classifier, 3, name="mine")
        assert new.layers[-1].name == "mine"
        assert np.array_equal(outputs(with_features(new, new.layers[-1]), pictures)[0], features)
        assert outputs(classifier, pictures).shape == (2, 10)

    def test_gives_logits_unless_told_otherwise(self, classifier):
        pictures = noise(2, 8, 8, 3)
        logits = outputs(surgery.replace_final_dense(classifier, 3), pictures)
        assert not np.allclose(logits.sum(axis=1), 1)
        softmax = outputs(surgery.replace_final_dense(classifier, 3, activation="softmax"), pictures)
        assert np.allclose(softmax.sum(axis=1), 1) and softmax.min() >= 0

    def test_an_activation_behind_the_old_layer_goes_with_it(self, classifier):
        """Logits of a new end must not be squeezed by the old softmax."""
        separate = sequential(*classifier.layers, keras.layers.Activation("softmax"))
        new = surgery.replace_final_dense(separate, 3)
        assert isinstance(new.layers[-1], keras.layers.Dense)
        assert not np.allclose(outputs(new, noise(2, 8, 8, 3)).sum(axis=1), 1)

    def test_layers_are_shared_so_training_one_model_moves_the_other(self, classifier):
        new = surgery.replace_final_dense(classifier, 3)
        before = certificate.take(classifier)
        new.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
        new.fit(noise(6, 8, 8, 3) / 100, np.array([0, 1, 2] * 2), verbose=0)
        assert certificate.moved(before, certificate.take(classifier)) == ["conv1", "conv2", "fc"]

    def test_can_be_done_again(self, classifier):
        again = surgery.replace_final_dense(surgery.replace_final_dense(classifier, 3), 4)
        assert again.output.shape == (None, 4)
        assert [layer.name for layer in again.layers].count("new_predictions") == 1

    def test_a_model_that_ends_in_a_convolution_is_refused_with_a_way_out(self):
        model = keras.applications.MobileNetV3Small(weights=None, input_shape=(32, 32, 3))
        with pytest.raises(ValueError, match="no Dense layer to replace.*convolution.*surgery.attach_head"):
            surgery.replace_final_dense(model, 5)

    def test_so_is_a_base_without_its_top(self):
        with pytest.raises(
            ValueError, match=r"'tiny' has no Dense layer.*ends in 'conv2' \(Conv2D\).*include_top=True"
        ):
            surgery.replace_final_dense(convolutional(), 5)

    def test_a_dense_layer_in_the_middle_is_no_classifier(self, classifier):
        longer = sequential(*classifier.layers, keras.layers.Reshape((5, 2)), keras.layers.Conv1D(2, 1, name="c"))
        with pytest.raises(ValueError, match=r"last Dense layer, 'end': 'c' \(Conv1D\) comes after it"):
            surgery.replace_final_dense(longer, 5)


NO_CLASSES = [1, 0, -3, True, 2.0, "5", None]


@pytest.mark.parametrize("classes", NO_CLASSES)
@pytest.mark.parametrize("change", [surgery.replace_final_dense, surgery.attach_head])
def test_what_is_no_number_of_classes_is_refused(change, classes):
    with pytest.raises(ValueError, match=f"classes={classes!r}: expected a whole number of at least 2"):
        change(convolutional(), classes)


class TestAttachHead:
    @pytest.mark.parametrize(("pooling", "width"), [("avg", 6), ("max", 6), ("flatten", 96)])
    def test_every_pooling_feeds_the_new_layer_what_it_says(self, pooling, width):
        base = convolutional()
        model = surgery.attach_head(base, 5, pooling)
        assert [layer.name for layer in model.layers][-3:] == ["tiny", "pool", "predictions"]
        assert model.get_layer("predictions").kernel.shape == (width, 5)
        pictures = noise(2, 8, 8, 3)
        maps = outputs(base, pictures)
        pooled = {"avg": maps.mean((1, 2)), "max": maps.max((1, 2)), "flatten": maps.reshape(2, -1)}[pooling]
        kernel, bias = model.get_layer("predictions").get_weights()
        assert np.allclose(outputs(model, pictures), pooled @ kernel + bias, rtol=1e-4, atol=1e-3)

    def test_softmax_gives_probabilities(self):
        model = surgery.attach_head(convolutional(), 5, activation="softmax")
        assert np.allclose(outputs(model, noise(2, 8, 8, 3)).sum(axis=1), 1)

    def test_preprocessing_stands_before_the_base(self):
        base = convolutional()
        preprocess = keras.applications.vgg16.preprocess_input
        model = surgery.attach_head(base, 5, preprocess=preprocess)
        pictures = np.abs(noise(2, 8, 8, 3))
        kernel, bias = model.get_layer("predictions").get_weights()
        expected = outputs(base, preprocess(pictures.copy())).mean((1, 2)) @ kernel + bias
        assert np.allclose(outputs(model, pictures), expected, rtol=1e-4, atol=1e-3)

    def test_pictures_of_any_size_where_the_base_takes_any(self):
        base = keras.Sequential([keras.Input((None, None, 3)), keras.layers.Conv2D(4, 3)])
        assert outputs(surgery.attach_head(base, 5), noise(2, 9, 12, 3)).shape == (2, 5)

    def test_an_unknown_pooling_lists_the_known_ones(self):
        with pytest.raises(ValueError, match="pooling='mean': expected one of 'avg', 'max', 'flatten'"):
            surgery.attach_head(convolutional(), 5, "mean")

    def test_a_base_that_gives_no_maps_is_refused(self):
        base = sequential(keras.layers.Flatten(), name="flat")
        with pytest.raises(ValueError, match=r"'flat' gives shape \(None, 192\): expected maps.*include_top=False"):
            surgery.attach_head(base, 5)


class TestFreezeUpTo:
    @pytest.fixture
    def model(self):
        layers = [
            *convolutional().layers,
            keras.layers.GlobalAveragePooling2D(name="pool"),
            keras.layers.Dense(5, name="end"),
        ]
        return sequential(*layers)

    @staticmethod
    def moved_by_fit(model):
        model.compile(keras.optimizers.SGD(0.1), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
        before = certificate.take(model)
        model.fit(noise(10, 8, 8, 3) / 100, np.arange(10) % 5, verbose=0)
        return certificate.moved(before, certificate.take(model))

    @pytest.mark.parametrize(
        ("last_frozen", "moved"),
        [(None, ["conv1", "conv2", "end"]), ("conv1", ["conv2", "end"]), ("conv2", ["end"]), ("pool", ["end"])],
    )
    def test_training_moves_the_layers_behind_and_no_other(self, model, last_frozen, moved):
        surgery.freeze_up_to(model, last_frozen)
        assert self.moved_by_fit(model) == moved

    def test_a_frozen_model_is_thawed_behind_the_layer(self, model):
        model.trainable = False
        surgery.freeze_up_to(model, "conv1")
        assert self.moved_by_fit(model) == ["conv2", "end"]

    def test_a_base_within_a_model_freezes_as_one(self):
        model = surgery.attach_head(convolutional(), 5)
        surgery.freeze_up_to(model, "tiny")
        assert self.moved_by_fit(model) == ["predictions"]
        surgery.freeze_up_to(model, None)
        assert self.moved_by_fit(model) == ["conv1", "conv2", "predictions"]

    def test_a_base_with_batch_normalization_keeps_its_statistics(self):
        base = sequential(*convolutional().layers, keras.layers.BatchNormalization(name="norm"), name="normed")
        model = surgery.attach_head(base, 5)
        surgery.freeze_up_to(model, "normed")
        assert self.moved_by_fit(model) == ["predictions"]

    def test_an_unknown_layer_lists_the_known_ones(self, model):
        with pytest.raises(ValueError, match="no layer called 'conv9'; its layers are: conv1, conv2, pool, end"):
            surgery.freeze_up_to(model, "conv9")


class TestLayerTable:
    def test_tells_type_shape_and_parameters_of_each_layer(self):
        table = surgery.layer_table(surgery.attach_head(convolutional(), 5))
        assert table.loc["pixels"].to_dict() == {
            "type": "InputLayer",
            "output": "8×8×3",
            "parameters": 0,
            "trainable": 0,
        }
        assert table.loc["predictions"].to_dict() == {"type": "Dense", "output": "5", "parameters": 35, "trainable": 35}
        assert table.loc["tiny", "parameters"] == 112 + 222

    def test_counts_what_may_train(self):
        model = surgery.attach_head(convolutional(), 5)
        surgery.freeze_up_to(model, "tiny")
        table = surgery.layer_table(model)
        assert table["trainable"].sum() == 35 and table["parameters"].sum() == model.count_params()

    def test_statistics_of_batch_normalization_never_train(self):
        model = keras.Sequential([keras.Input((4,)), keras.layers.BatchNormalization(name="norm")])
        assert surgery.layer_table(model).loc["norm", ["parameters", "trainable"]].tolist() == [16, 8]

    def test_a_side_that_is_free_is_a_question_mark(self):
        model = keras.Sequential([keras.Input((None, None, 3)), keras.layers.Conv2D(4, 3, name="conv")])
        assert surgery.layer_table(model).loc["conv", "output"] == "?×?×4"


@pytest.fixture(scope="module")
def base():
    return keras.applications.VGG16(weights=vgg16.weights(), include_top=False, input_shape=(96, 96, 3))


class TestSplit:
    @pytest.mark.parametrize("cut", ["block1_conv1", "block4_pool", "block5_conv3"])
    def test_tail_after_trunk_computes_what_the_model_computes(self, base, cut):
        pictures = noise(2, 96, 96, 3)
        trunk, tail = surgery.split(base, cut)
        assert trunk.output.shape == base.get_layer(cut).output.shape
        assert np.allclose(tail(trunk(pictures)), base(pictures), rtol=1e-4, atol=1e-3)
        assert trunk.count_params() + tail.count_params() == base.count_params()

    def test_what_is_changed_in_the_tail_is_changed_in_the_model(self):
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
