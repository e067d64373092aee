"""A head is replaced, and everything that fed it stays bit for bit what it was."""

import functools
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


def row_after(*ends, width=10):
    """Return a model of rows of 8 with a Dense layer "end", and what `ends` put after it."""
    inputs = keras.Input((8,))
    outputs = keras.layers.Dense(width, name="end")(keras.layers.Dense(6, name="body")(inputs))
    for end in ends:
        outputs = end(outputs)
    return keras.Model(inputs, outputs)


class TestReplaceFinalDenseLosesNothing:
    @pytest.mark.parametrize(
        "end",
        [
            keras.ops.softmax,
            keras.ops.log_softmax,
            lambda row: keras.layers.Activation("softmax", dtype="float32")(row),
            lambda row: keras.layers.Softmax()(keras.layers.Dropout(0.5)(row)),
            lambda row: keras.layers.Flatten()(keras.ops.cast(row, "float32")),
        ],
    )
    def test_what_changes_no_number_goes_with_the_old_layer(self, end):
        model, rows = row_after(end), noise(4, 8) / 100
        kept, predicted = [weight.numpy() for weight in model.weights], outputs(model, rows)
        new = surgery.replace_final_dense(model, 3)
        kernel, bias = new.layers[-1].get_weights()
        body = rows @ kept[0] + kept[1]
        assert np.allclose(outputs(new, rows), body @ kernel + bias, atol=1e-4)
        assert all(np.array_equal(one, other) for one, other in zip(kept, model.weights, strict=True))
        assert np.array_equal(outputs(model, rows), predicted)

    @pytest.mark.parametrize(
        ("end", "named"),
        [
            (lambda row: row / 2, "divide"),
            (lambda row: row[:, :5], "get_item"),
            (lambda row: keras.layers.Rescaling(0.25, name="temperature")(row), "temperature"),
            (lambda row: keras.layers.Activation(lambda logits: logits / 2, name="squeeze")(row), "squeeze"),
            (lambda row: keras.layers.Lambda(lambda logits: logits / 2, name="scale")(row), "scale"),
            (lambda row: keras.layers.Multiply(name="gate")([row, row]), "gate"),
            (lambda row: keras.layers.Add(name="branch")([row, keras.layers.Dense(10)(row)]), "branch"),
            (lambda row: keras.layers.BatchNormalization(name="norm")(row), "norm"),
            (lambda row: keras.layers.Reshape((5, 2), name="pairs")(row), "pairs"),
        ],
    )
    def test_what_would_be_lost_is_named(self, end, named):
        with pytest.raises(ValueError, match=f"{named}.*comes after it and would be lost. If it may go, cut before"):
            surgery.replace_final_dense(row_after(end), 3)

    def test_the_way_out_works(self):
        model = row_after(lambda row: row / 2)
        cut = keras.Model(model.inputs, model.get_layer("end").output)
        assert surgery.replace_final_dense(cut, 3).output.shape == (None, 3)

    def test_a_second_output_is_no_end(self):
        inputs = keras.Input((8,))
        model = keras.Model(inputs, [keras.layers.Dense(10)(inputs), keras.layers.Dense(1)(inputs)])
        with pytest.raises(ValueError, match=r"has 2 outputs: expected one.*model.outputs\[0\]"):
            surgery.replace_final_dense(model, 3)

    def test_the_gate_of_an_attention_block_is_no_classifier(self):
        inputs = keras.Input((8, 8, 3))
        gate = keras.layers.Dense(3, name="gate")(keras.layers.GlobalAveragePooling2D()(inputs))
        scores = keras.layers.GlobalAveragePooling2D()(inputs * keras.layers.Reshape((1, 1, 3))(gate))
        with pytest.raises(ValueError, match="does not end in its last Dense layer, 'gate'"):
            surgery.replace_final_dense(keras.Model(inputs, scores), 5)

    def test_a_layer_that_is_used_twice_is_refused(self):
        inputs, shared = keras.Input((8,)), keras.layers.Dense(8, name="shared")
        with pytest.raises(ValueError, match="'shared' is used a second time"):
            surgery.replace_final_dense(keras.Model(inputs, shared(keras.ops.relu(shared(inputs)))), 3)

    def test_layers_that_another_model_used_first_are_rewired_in_this_one(self):
        first, inputs = sequential(keras.layers.Flatten(), keras.layers.Dense(4)), keras.Input((8, 8, 3))
        model = keras.Model(inputs, first.layers[1](first.layers[0](inputs)))
        assert outputs(surgery.replace_final_dense(model, 3), noise(2, 8, 8, 3)).shape == (2, 3)

    def test_a_model_within_gets_the_new_layer_inside(self):
        inner, inputs = row_after(keras.ops.softmax), keras.Input((8,))
        new = surgery.replace_final_dense(keras.Model(inputs, inner(inputs / 2)), 3)
        rows = noise(2, 8) / 100
        kernel, bias = surgery.final_dense(new).get_weights()
        body, _ = outputs(with_features(inner, inner.get_layer("end")), rows / 2)
        assert np.allclose(outputs(new, rows), body @ kernel + bias, atol=1e-4)
        assert inner.output.shape == (None, 10)

    def test_several_inputs_and_a_training_step_of_ones_own_are_kept(self):
        class Own(keras.Model):
            def train_step(self, data):
                return {"mine": keras.ops.convert_to_tensor(1.0)}

        one, two = keras.Input((8,)), keras.Input((8,))
        new = surgery.replace_final_dense(Own([one, two], keras.layers.Dense(4)(one + two)), 3)
        new.compile("sgd")
        assert new.output.shape == (None, 3)
        assert new.train_on_batch([noise(2, 8), noise(2, 8)], np.zeros(2), return_dict=True)["mine"] == 1

    @pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
    def test_under_mixed_precision_new_heads_compute_in_float32(self, policy):
        keras.config.set_dtype_policy(policy)
        try:
            heads = surgery.replace_final_dense(row_after(), 3, "softmax"), surgery.attach_head(convolutional(), 3)
        finally:
            keras.config.set_dtype_policy("float32")
        assert [head.outputs[0].dtype for head in heads] == ["float32", "float32"]
        assert np.allclose(outputs(heads[0], noise(2, 8)).sum(axis=1), 1, atol=1e-5)

    @pytest.mark.parametrize(("name", "activation"), [("body", None), ("mine", "sofmax")])
    def test_a_name_that_is_taken_or_no_activation_is_said(self, name, activation):
        with pytest.raises(ValueError, match=f"{name}.*{activation or 'name'}"):
            surgery.replace_final_dense(row_after(), 3, activation, name)


class TestStartOfTheNewLayer:
    """At random, at zero, or from the old layer's rows."""

    NAMES = ["tabby", "Persian cat", "bullfrog", "crane", "crane"]

    def start(self, start, use_bias=True, **options):
        row = keras.Input((4,))
        old = keras.layers.Dense(5, activation="softmax", use_bias=use_bias, name="old")
        model = keras.Model(row, old(row))
        old.set_weights([np.arange(float(np.prod(weight.shape))).reshape(weight.shape) for weight in old.get_weights()])
        return old, surgery.final_dense(surgery.replace_final_dense(model, 2, start=start, **options))

    def test_at_random_as_keras_does_and_at_zero(self):
        assert np.unique(self.start("random")[1].kernel.numpy()).size == 8
        assert all(not weight.any() for weight in self.start("zeros")[1].get_weights())

    @pytest.mark.parametrize("frogs", [["bullfrog"], "bullfrog", [2], 2, np.array([2]), range(2, 3)])
    def test_from_the_mean_of_old_units_by_name_or_number(self, frogs):
        cats = {"cat": ["tabby", "Persian cat"]}
        old, new = self.start(cats | {"frog": frogs}, old_names=self.NAMES)
        kernel, bias = old.get_weights()
        assert np.array_equal(new.kernel, np.stack([(kernel[:, 0] + kernel[:, 1]) / 2, kernel[:, 2]], axis=1))
        assert new.bias.numpy().tolist() == [0.5, 2.0] and bias.tolist() == [0, 1, 2, 3, 4]

    def test_a_class_that_the_old_layer_lacks_starts_at_zero(self):
        old, new = self.start({"cat": [0], "sofa": []})
        assert np.array_equal(new.kernel[:, 0], old.kernel[:, 0])
        assert not new.kernel[:, 1].numpy().any() and new.bias[1] == 0

    def test_an_old_layer_without_bias(self):
        old, new = self.start({"cat": [0, 1], "frog": [2]}, use_bias=False)
        assert np.array_equal(new.kernel[:, 1], old.kernel[:, 2]) and not new.bias.numpy().any()

    def test_in_a_model_whose_top_is_within_and_the_answers_are_means_of_the_old_logits(self):
        inputs, old = keras.Input((4,)), keras.layers.Dense(5)
        inner = keras.Sequential([keras.Input((4,)), old])
        new = surgery.replace_final_dense(keras.Model(inputs, inner(inputs / 2)), 2, start={"a": [0, 1], "b": [4]})
        rows = noise(3, 4)
        logits = outputs(old, rows / 2)
        wanted = np.stack([logits[:, :2].mean(axis=1), logits[:, 4]], axis=1)
        np.testing.assert_allclose(outputs(new, rows), wanted, rtol=1e-5)

    @pytest.mark.parametrize(
        ("start", "said"),
        [
            ("ones", "expected 'random', 'zeros', or a dictionary"),
            ({"cat": [0]}, "each of the 2 new classes"),
            ({"cat": ["tabbi"], "frog": [2]}, "0 old units are called 'tabbi' .*like it: tabby"),
            ({"cat": ["crane"], "frog": [2]}, "2 old units are called 'crane'"),
            ({"cat": [5], "frog": [2]}, "5 is no unit of 'old': expected a name, or a number from 0 to 4"),
            ({"cat": [-1], "frog": [2]}, "-1 is no unit"),
            ({"cat": [True], "frog": [2]}, "True is no unit"),
            ({"cat": 0.5, "frog": [2]}, "0.5: expected a list of old units"),
            ([[0], [1]], "expected 'random'"),
        ],
    )
    def test_what_is_no_start_is_refused(self, start, said):
        with pytest.raises(ValueError, match=said):
            self.start(start, old_names=self.NAMES)

    def test_names_that_are_not_of_the_old_layer_are_refused(self):
        with pytest.raises(ValueError, match="has 2 names: expected 5"):
            self.start({"cat": [0], "frog": [2]}, old_names=["tabby", "bullfrog"])


class TestActivations:
    WRONG = (np.argmax, np.exp, keras.layers.Softmax, keras.ops.argmax, lambda row: row[:, :1], lambda row: None)
    RIGHT = (keras.ops.softmax, keras.layers.LeakyReLU(), lambda row: 2 * row, functools.partial(keras.ops.softmax))

    @pytest.mark.parametrize("activation", WRONG)
    def test_one_that_gives_no_tensor_of_its_shape_is_refused(self, activation):
        classifier = sequential(keras.layers.Flatten(), keras.layers.Dense(3))
        for function, model in ((surgery.replace_final_dense, classifier), (surgery.attach_head, convolutional())):
            with pytest.raises(ValueError, match="make no Dense layer.*a tensor of the shape of its input"):
                function(model, 4, activation=activation)

    @pytest.mark.parametrize("activation", RIGHT)
    def test_any_other_is_taken(self, activation):
        model = surgery.attach_head(convolutional(), 4, activation=activation)
        scores = keras.Model(model.inputs[0], model.layers[-2].output)(noise(2, 8, 8, 3)) @ model.layers[-1].kernel
        np.testing.assert_allclose(model(noise(2, 8, 8, 3)), activation(scores), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("weights", [None, 5, "model.keras", [1], sequential(keras.layers.Flatten())])
def test_only_weights_are_counted(weights):
    with pytest.raises(ValueError, match="expected a list of weights"):
        surgery.count(weights)


def test_a_dictionary_of_inputs_stays_one():
    pixels = keras.Input((8, 8, 3), name="image")
    model = keras.Model({"image": pixels}, keras.layers.Dense(3)(keras.layers.Flatten()(pixels)))
    new = surgery.replace_final_dense(model, 5)
    assert list(new.input) == ["image"] and new({"image": noise(2, 8, 8, 3)}).shape == (2, 5)


class Subclassed(keras.Model):
    """A class with a convolution, a pooling and a Dense layer."""

    def __init__(self):
        super().__init__(name="mine")
        self.parts = [keras.layers.Conv2D(4, 3), keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(5)]

    def call(self, pixels):
        for part in self.parts:
            pixels = part(pixels)
        return pixels


CHANGES = {
    "replace_final_dense": lambda model: surgery.replace_final_dense(model, 3),
    "final_dense": surgery.final_dense,
    "attach_head": lambda model: surgery.attach_head(model, 3),
    "split": lambda model: vgg16.split(model, "conv"),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("make", [Subclassed, lambda: keras.Sequential([keras.layers.Dense(4)]), lambda: "vgg16"])
def test_what_keras_cannot_follow_is_refused_with_a_way_out(make, change):
    with pytest.raises(ValueError, match=r"expected a built Sequential or functional model.*model.build.*model.call"):
        CHANGES[change](make())


def test_the_way_out_for_a_class_keeps_its_layers():
    mine, inputs = Subclassed(), keras.Input((8, 8, 3))
    new = surgery.replace_final_dense(keras.Model(inputs, mine.call(inputs)), 3)
    assert new.output.shape == (None, 3) and new.layers[1] is mine.parts[0]


@pytest.mark.parametrize("classes", [np.int64(3), np.uint8(200), np.int32(2)])
def test_numbers_of_numpy_are_numbers_of_classes(classes, tmp_path):
    for model in (surgery.replace_final_dense(row_after(), classes), surgery.attach_head(convolutional(), classes)):
        assert model.output.shape == (None, int(classes))
        model.save(tmp_path / "model.keras")
        assert keras.models.load_model(tmp_path / "model.keras").output.shape == (None, int(classes))


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

    @pytest.mark.parametrize("preprocess", ["vgg16", "", keras.applications.vgg16])
    def test_preprocessing_is_a_function(self, preprocess):
        with pytest.raises(ValueError, match="expected a function.*vgg16.preprocess_input"):
            surgery.attach_head(convolutional(), 5, preprocess=preprocess)

    @pytest.mark.parametrize("preprocess", [lambda pixels: np.asarray(pixels) / 255, lambda pixels: None])
    def test_preprocessing_that_keras_cannot_take_is_said(self, preprocess):
        with pytest.raises(ValueError, match=r"'tiny' cannot be joined.*keras\.ops"):
            surgery.attach_head(convolutional(), 5, preprocess=preprocess)

    def test_flatten_needs_a_size(self):
        base = keras.Sequential([keras.Input((None, None, 3)), keras.layers.Conv2D(4, 3)])
        with pytest.raises(ValueError, match=r'maps of any size.*input_shape=.*pooling="avg"'):
            surgery.attach_head(base, 5, "flatten")

    def test_a_base_has_one_input_and_one_output(self):
        one, two = keras.Input((8, 8, 3)), keras.Input((8, 8, 3))
        with pytest.raises(ValueError, match="has 2 inputs: expected one"):
            surgery.attach_head(keras.Model([one, two], one + two), 5)
        with pytest.raises(ValueError, match="has 2 outputs: expected one"):
            surgery.attach_head(keras.Model(one, [one, one * 2]), 5)

    def test_a_base_that_gives_no_maps_is_refused(self):
        base = sequential(keras.layers.Flatten(), name="flat")
        with pytest.raises(
            ValueError, match=r"'flat' gives shape \(None, 192\): expected maps.*include_top=False and without pooling"
        ):
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

    def test_a_layer_of_a_model_within_is_named_with_the_call_that_reaches_it(self):
        model = surgery.attach_head(convolutional(), 5)
        for change in (surgery.freeze_up_to, surgery.split):
            with pytest.raises(ValueError, match=r"no layer called 'conv1'.*inside.*model.get_layer\('tiny'\)"):
                change(model, "conv1")
        whole = keras.Model(model.inputs, model(model.inputs[0]))
        with pytest.raises(ValueError, match=rf"model.get_layer\('{model.name}'\).get_layer\('tiny'\), in place"):
            surgery.freeze_up_to(whole, "conv1")
        surgery.freeze_up_to(model.get_layer("tiny"), "conv1")
        assert self.moved_by_fit(model) == ["conv2", "predictions"]

    def test_a_class_has_no_order_of_layers(self):
        with pytest.raises(ValueError, match="'mine' is a Subclassed that is not built, or a class"):
            surgery.freeze_up_to(Subclassed(), "dense")

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

    def test_a_shared_layer_has_the_shapes_of_its_calls_in_this_model(self):
        conv = keras.layers.Conv2D(2, 3, name="conv")
        small, large = keras.Input((8, 8, 3)), keras.Input((16, 16, 3))
        conv(keras.Input((32, 32, 3)))
        model = keras.Model([small, large], [conv(small), conv(large)])
        assert sorted(surgery.layer_table(model).loc["conv", "output"].split(", ")) == ["14×14×2", "6×6×2"]

    def test_several_outputs_of_a_layer_are_listed(self):
        inputs = keras.Input((5, 3))
        model = keras.Model(inputs, keras.layers.LSTM(4, return_sequences=True, return_state=True, name="l")(inputs))
        assert surgery.layer_table(model).loc["l", "output"] == "5×4, 4"

    def test_a_class_is_counted_once_it_is_built(self):
        model = Subclassed()
        for unbuilt in (model, keras.Sequential([keras.layers.Dense(2)]), keras.Sequential()):
            with pytest.raises(ValueError, match="not built: build it first"):
                surgery.layer_table(unbuilt)
        model(noise(1, 8, 8, 3))
        assert surgery.layer_table(model)["parameters"].sum() == model.count_params() == 112 + 25

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

    def test_a_cut_inside_a_residual_block_is_refused(self):
        inputs = keras.Input((8, 8, 3))
        maps = keras.layers.Conv2D(3, 3, padding="same", name="inside")(inputs)
        maps = keras.layers.ReLU(name="after")(keras.layers.Add(name="join")([inputs, maps]))
        residual = keras.Model(inputs, keras.layers.Flatten()(maps))
        with pytest.raises(ValueError, match="A branch leads past 'inside'.*Cut where all branches have met"):
            surgery.split(residual, "inside")
        trunk, tail = surgery.split(residual, "join")
        assert np.allclose(tail(trunk(noise(2, 8, 8, 3))), residual(noise(2, 8, 8, 3)))

    def test_a_layer_that_is_called_twice_is_no_cut(self):
        inputs, twice = keras.Input((8,)), keras.layers.Dense(8, name="twice")
        with pytest.raises(ValueError, match="'twice' has 2 outputs"):
            surgery.split(keras.Model(inputs, keras.layers.Dense(2)(twice(twice(inputs)))), "twice")

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
