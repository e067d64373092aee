"""Features belong to their pictures, come from the cache only when nothing changed, and survive damage to it."""

import json
import random

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from helpers import storage
from helpers.network import backbones
from helpers.pictures import features, images

SIDE = 32
COUNTS = {"train": 4, "validation": 2, "test": 3}
CAFFE = keras.applications.vgg16.preprocess_input


@pytest.fixture(scope="module")
def animals():
    return images.load("animals", SIDE, batch_size=8, per_class=COUNTS)


def build(preprocess=None, side=SIDE, seed=1, strides=3, last=keras.layers.ReLU):
    """Return a trunk of one convolution; equal arguments give equal trunks with other layer names."""
    pixels = keras.Input((side, side, 3))
    kernel = keras.initializers.GlorotUniform(seed)
    maps = keras.layers.Conv2D(4, 5, strides, kernel_initializer=kernel)(preprocess(pixels) if preprocess else pixels)
    return keras.Model(pixels, last()(maps))


class Scaled(keras.layers.Layer):
    """A layer whose number is neither weight nor setting."""

    def __init__(self, number=1.0):
        super().__init__()
        self.number = number

    def call(self, pixels):
        return pixels * self.number


def refusing(trunk):
    """Return the trunk unable to look at a picture."""

    def refuse(*_, **__):
        raise AssertionError("the trunk was run")

    trunk.predict_on_batch = trunk.predict = trunk.call = refuse
    return trunk


def computed(trunk, data, split="test"):
    return features.run(trunk, data.in_order(split))


def same(one, other):
    return all(np.array_equal(mine, theirs) for mine, theirs in zip(one, other, strict=True))


class TestRows:
    @pytest.mark.parametrize("split", images.SPLITS)
    def test_row_i_belongs_to_file_i(self, animals, split):
        pixels = keras.Input((SIDE, SIDE, 3))
        mean_colour = keras.Model(pixels, keras.layers.GlobalAveragePooling2D()(pixels))
        rows, labels = getattr(features.extract(mean_colour, animals), split)
        assert rows.dtype == np.float32 and labels.dtype == np.int32
        files = animals.files(split)
        assert len(rows) == len(labels) == len(files) == 5 * COUNTS[split]
        for row, label, path in zip(rows, labels, files, strict=True):
            assert row == pytest.approx(np.asarray(Image.open(path), float).mean((0, 1)), abs=0.01)
            assert animals.class_names[label] == path.parent.name

    def test_head_on_features_gives_the_logits_of_the_whole_model(self, animals):
        trunk = build(CAFFE)
        head = keras.Sequential([keras.Input(trunk.output.shape[1:]), keras.layers.Flatten(), keras.layers.Dense(5)])
        whole = keras.Model(trunk.input, head(trunk.output))
        rows, _ = features.extract(trunk, animals, precision="float32").test
        pictures = np.concatenate([batch for batch, _ in animals.test])
        assert np.allclose(head(rows), whole(pictures), rtol=1e-4, atol=1e-3)

    def test_features_and_labels_stay_together_when_the_data_reshuffles(self, animals):
        trunk = build()
        rows, labels = features.run(trunk, animals.train)
        ordered_rows, ordered_labels = computed(trunk, animals, "train")
        assert not np.array_equal(rows, ordered_rows)
        places = [next(n for n, other in enumerate(ordered_rows) if np.allclose(row, other, atol=1e-3)) for row in rows]
        assert sorted(places) == list(range(len(rows)))
        assert np.array_equal(labels, ordered_labels[places])

    def test_only_the_splits_asked_for_are_run(self, animals):
        result = features.extract(build(), animals, splits=["test"])
        assert result.train is None and result.validation is None
        assert len(result.test[0]) == 5 * COUNTS["test"]


class TestCache:
    def test_cached_equals_computed_and_the_trunk_is_not_run_again(self, animals, fresh_cache):
        first = features.extract(build(), animals)
        again = features.extract(refusing(build()), animals)
        for split in images.SPLITS:
            assert same(getattr(first, split), computed(build(), animals, split))
            assert same(getattr(again, split), getattr(first, split))

    def test_a_trunk_that_refuses_is_noticed(self, animals, fresh_cache):
        with pytest.raises(AssertionError, match="the trunk was run"):
            features.extract(refusing(build()), animals)

    OTHER = {
        "weights": {"seed": 2},
        "strides": {"strides": 2},
        "preprocessing of caffe": {"preprocess": CAFFE},
        "pixels / 255": {"preprocess": lambda pixels: pixels / 255},
        "pixels / 127": {"preprocess": lambda pixels: pixels / 127},
        "255 - pixels": {"preprocess": lambda pixels: 255 - pixels},
        "a layer that rescales": {"preprocess": lambda pixels: keras.layers.Rescaling(1 / 255)(pixels)},
        "another layer": {"last": keras.layers.Softmax},
        "another setting": {"last": lambda: keras.layers.ReLU(negative_slope=0.1)},
        "another type of number": {"last": lambda: keras.layers.ReLU(dtype="float16")},
    }

    @pytest.mark.parametrize("other", OTHER)
    def test_another_trunk_gets_features_of_its_own(self, other, animals):
        other = self.OTHER[other]
        features.extract(build(), animals, ["test"])
        expected = computed(build(**other), animals)
        assert same(features.extract(build(**other), animals, ["test"]).test, expected)
        assert same(features.extract(refusing(build(**other)), animals, ["test"]).test, expected)

    @staticmethod
    def relu(number):
        def relu(pixels):  # a name that Keras has, too
            return pixels * number

        return relu

    OWN = {
        "a function of one name": lambda number: keras.layers.Lambda(TestCache.relu(number)),
        "an activation": lambda number: keras.layers.Activation(TestCache.relu(number)),
        "an activation in a layer": lambda number: keras.layers.Conv2D(
            2, 1, activation=TestCache.relu(number), kernel_initializer="ones"
        ),
        "an attribute": lambda number: Scaled(number),
        "an operation": lambda number: lambda maps: keras.ops.map(lambda row: row * number, maps),
        "a layer within": lambda number: keras.layers.TimeDistributed(keras.layers.Lambda(lambda row: row * number)),
    }

    @pytest.mark.filterwarnings("ignore:.*lambda")
    @pytest.mark.parametrize("own", OWN)
    def test_code_of_ones_own_is_never_taken_for_what_it_was(self, own, animals, fresh_cache, capsys):
        one, two = (build(self.OWN[own](number), side=SIDE) for number in (1.0, 2.0))
        assert features.fingerprint(one) != features.fingerprint(two)
        first, second = (features.extract(trunk, animals, ["test"]).test for trunk in (one, two))
        assert same(second, computed(two, animals)) and not np.array_equal(first[0], second[0])
        assert "are not kept: settings do not tell code of your own" in capsys.readouterr().out and not list(
            fresh_cache.rglob("features.npy")
        )

    @pytest.mark.parametrize(("last", "attribute"), [(keras.layers.Rescaling, "scale"), (Scaled, "number")])
    def test_an_attribute_that_changes_after_a_run_counts_in_the_next(self, last, attribute, animals, fresh_cache):
        trunk, fresh = (build(last=lambda number=number: last(number)) for number in (2.0, 7.0))
        features.extract(trunk, animals, ["test"])
        setattr(trunk.layers[-1], attribute, 7.0)
        changed = features.extract(trunk, animals, ["test"]).test
        assert same(changed, computed(fresh, animals))
        assert same(features.extract(fresh, animals, ["test"]).test, changed)

    def test_settings_and_constants_of_keras_are_told_apart(self):
        dot = np.zeros((SIDE, SIDE, 3), "float32")
        dot[16, 16] = 1
        held = keras.Variable(2.0)
        trunks = [build(lambda pixels: pixels - 0 * dot), build(lambda pixels: pixels - dot)]
        trunks += [build(lambda pixels: pixels * held)]
        marks = [features.fingerprint(trunk) for trunk in trunks]
        held.assign(3.0)
        assert len({*marks, features.fingerprint(trunks[-1])}) == 4

    def test_a_layer_that_sees_the_whole_batch_has_no_name(self):
        trunk = build(lambda pixels: keras.layers.BatchNormalization()(pixels, training=True))
        assert features.fingerprint(trunk) != features.fingerprint(trunk)

    @pytest.mark.parametrize("family", ["MobileNetV2", "EfficientNetB0"])
    def test_published_networks_have_a_name(self, family):
        base = getattr(keras.applications, family)(weights=None, include_top=False, input_shape=(SIDE, SIDE, 3))
        assert features.fingerprint(base) == features.fingerprint(base)

    def test_another_wiring_of_the_same_layers_gets_features_of_its_own(self, animals):
        def wired(first, second):
            pixels = keras.Input((SIDE, SIDE, 3))
            maps = [keras.layers.Conv2D(2, 3, kernel_initializer=kind)(pixels) for kind in ("ones", "zeros")]
            return keras.Model(pixels, keras.layers.Subtract()([maps[first], maps[second]]))

        one, other = (features.extract(wired(*order), animals, ["test"]).test[0] for order in ((0, 1), (1, 0)))
        assert np.allclose(one, -other) and one.any()

    def test_weights_that_moved_get_features_of_their_own(self, animals):
        trunk = build()
        before = features.extract(trunk, animals, ["test"]).test[0]
        trunk.layers[1].bias.assign_add([1.0, 0, 0, 0])
        after = features.extract(trunk, animals, ["test"]).test[0]
        assert not np.array_equal(before[..., 0], after[..., 0]) and np.array_equal(before[..., 1:], after[..., 1:])

    def test_freezing_and_compiling_change_nothing(self, animals):
        features.extract(build(), animals, ["test"])
        trunk = refusing(build())
        trunk.trainable = False
        trunk.compile("adam", "mse")
        features.extract(trunk, animals, ["test"])

    def test_neither_does_the_numbering_of_layers_in_a_base_within(self, animals):
        def nested():
            pixels = keras.Input((SIDE, SIDE, 3))
            return keras.Model(pixels, build()(CAFFE(pixels)))

        first = features.extract(nested(), animals, ["test"]).test
        assert same(features.extract(refusing(nested()), animals, ["test"]).test, first)

    def test_a_sequential_trunk_is_a_trunk(self, animals):
        def sequential():
            return keras.Sequential([keras.Input((SIDE, SIDE, 3)), keras.layers.AveragePooling2D(8)])

        first = features.extract(sequential(), animals, ["test"]).test
        assert first[0].shape == (15, 4, 4, 3)
        assert same(features.extract(refusing(sequential()), animals, ["test"]).test, first)

    def test_another_size_gets_features_of_its_own(self, animals):
        larger = images.load("animals", 48, per_class=COUNTS)
        shapes = [features.extract(build(side=None), data, ["test"]).test[0].shape for data in (animals, larger)]
        assert shapes == [(15, 10, 10, 4), (15, 15, 15, 4)]

    def test_another_batch_size_does_not(self, animals):
        features.extract(build(), animals, ["test"])
        features.extract(refusing(build()), images.load("animals", SIDE, 3, COUNTS), ["test"])

    def test_a_changed_picture_gets_features_of_its_own(self, animals, tmp_path):
        for split in images.SPLITS:
            for path in animals.files(split):
                (tmp_path / split / path.parent.name).mkdir(parents=True, exist_ok=True)
                (tmp_path / split / path.parent.name / path.name).write_bytes(path.read_bytes())
        before = features.extract(build(), images.load(tmp_path, SIDE), ["test"]).test[0]
        picture = sorted((tmp_path / "test" / "cat").iterdir())[1]
        Image.new("RGB", (32, 32), "red").save(picture)
        after = features.extract(build(), images.load(tmp_path, SIDE), ["test"]).test[0]
        assert np.flatnonzero((before != after).any(axis=(1, 2, 3))).tolist() == [1]


class TestDamage:
    @staticmethod
    def change_a_byte(path):
        data = bytearray(path.read_bytes())
        data[-1] ^= 1
        path.write_bytes(data)

    DAMAGE = {
        "features cut in half": (
            "features.npy",
            lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
        ),
        "a byte of features changed": ("features.npy", lambda path: TestDamage.change_a_byte(path)),
        "labels deleted": ("labels.npy", lambda path: path.unlink()),
        "a byte of labels changed": ("labels.npy", lambda path: TestDamage.change_a_byte(path)),
        "garbage for checksums": ("*.json", lambda path: path.write_text("}{")),
        "other checksums": ("*.json", lambda path: path.write_text("[]")),
        "no checksums": ("*.json", lambda path: path.unlink()),
    }

    @pytest.mark.parametrize("damage", DAMAGE)
    def test_is_said_in_one_line_and_computed_again(self, damage, animals, fresh_cache, capsys):
        before = features.extract(build(), animals, ["test"]).test
        pattern, spoil = self.DAMAGE[damage]
        (path,) = (fresh_cache / "features").rglob(pattern)
        spoil(path)
        assert same(features.extract(build(), animals, ["test"]).test, before)
        said = capsys.readouterr().out
        assert said.count("\n") == 1 and "damaged" in said
        assert same(features.extract(refusing(build()), animals, ["test"]).test, before)
        assert capsys.readouterr().out == ""


class TestMisuse:
    def test_pictures_of_another_size_are_refused_with_the_size_to_load(self, animals):
        with pytest.raises(ValueError, match=r"takes pictures of \(48, 48\).*image_size=\(48, 48\)"):
            features.extract(build(side=48), animals)

    def test_a_trunk_for_another_number_of_channels_is_refused(self, animals):
        pixels = keras.Input((SIDE, SIDE, 1))
        with pytest.raises(ValueError, match=r"takes shape \(None, 32, 32, 1\), not pictures"):
            features.extract(keras.Model(pixels, keras.layers.Flatten()(pixels)), animals)

    def test_a_head_is_no_trunk(self, animals):
        head = keras.Sequential([keras.Input((512,)), keras.layers.Dense(5)])
        with pytest.raises(ValueError, match=r"takes shape \(None, 512\), not pictures"):
            features.extract(head, animals)

    @pytest.mark.parametrize("splits", [["dev"], "test", None, 5, [None]])
    def test_unknown_splits_list_the_known_ones(self, animals, splits):
        with pytest.raises(ValueError, match="Unknown split.*expected some of train, validation, test"):
            features.extract(build(), animals, splits)

    def test_grey_batches_are_refused(self):
        with pytest.raises(ValueError, match="1 channels: expected 3"):
            features.run(build(), [(np.zeros((2, SIDE, SIDE, 1)), np.zeros(2))])

    def test_a_data_set_that_is_used_up_is_said(self):
        with pytest.raises(ValueError, match="No batch of pictures was given"):
            features.run(build(), iter([]))

    def test_a_trunk_with_two_outputs_is_refused(self, animals):
        pixels = keras.Input((SIDE, SIDE, 3))
        trunk = keras.Model(pixels, [pixels[:, 0], pixels[:, 1]])
        for call in (lambda: features.extract(trunk, animals), lambda: computed(trunk, animals)):
            with pytest.raises(ValueError, match=r"2 outputs: expected one.*model.outputs\[0\]"):
                call()

    PICTURES, LABELS = np.zeros((4, SIDE, SIDE, 3), "float32"), np.zeros(4)
    DATA = tf.data.Dataset.from_tensor_slices((PICTURES, LABELS)).batch(2)

    @pytest.mark.parametrize(
        ("batches", "message"),
        [
            (DATA.map(lambda pixels, labels: pixels), r"not \(pictures, labels\)"),
            (DATA.map(lambda pixels, labels: (pixels, labels, labels)), r"not \(pictures, labels\)"),
            ([(PICTURES, None)], r"Labels of shape \(\) for 4 pictures"),
            ([(PICTURES, LABELS[:3])], r"Labels of shape \(3,\) for 4 pictures"),
            ([(np.zeros((2, 48, 48, 3)), LABELS[:2])], r"takes pictures of \(32, 32\)"),
            ([(PICTURES, LABELS), (PICTURES, np.eye(4))], "pictures differ in .* kind of labels"),
            (DATA.repeat(), r"no end.*data.take\(100\)"),
            (map(tuple, iter(lambda: [TestMisuse.PICTURES, TestMisuse.LABELS], None)), "generators.*islice"),
        ],
    )
    def test_batches_without_labels_or_end_are_refused(self, batches, message):
        with pytest.raises(ValueError, match=message):
            features.run(build(), batches)

    def test_batches_of_unlike_sizes_need_a_pooling(self):
        batches = [(np.zeros((2, side, side, 3)), np.zeros(2)) for side in (32, 40)]
        maps = build(side=None)
        with pytest.raises(ValueError, match="differ in the size of their pictures"):
            features.run(maps, batches)
        pooled = keras.Model(maps.inputs[0], keras.layers.GlobalAveragePooling2D()(maps.outputs[0]))
        assert features.run(pooled, batches)[0].shape == (4, 4)

    @pytest.mark.parametrize("given", [None, "trunk.keras", [1]])
    def test_what_is_no_model_or_no_data_is_said(self, given):
        for call in (features.fingerprint, lambda model: features.run(model, self.DATA)):
            with pytest.raises(ValueError, match="expected a keras.Model"):
                call(given)
        with pytest.raises(ValueError, match="expected what images.load returns"):
            features.extract(build(), given)

    def test_data_are_bounded_by_their_length(self, monkeypatch):
        class Endless(keras.utils.PyDataset):
            def __len__(self):
                return 2

            def __getitem__(self, index):
                return TestMisuse.PICTURES, np.full(4, index)

        assert features.run(build(), Endless())[1].tolist() == [0] * 4 + [1] * 4
        assert len(features.run(build(), self.DATA.filter(lambda pixels, labels: True))[1]) == 4
        monkeypatch.setattr(features, "MOST_BATCHES", 3)
        with pytest.raises(ValueError, match="No end of pictures after 3 batches"):
            features.run(build(), self.DATA.repeat().filter(lambda pixels, labels: True))

    def test_a_cache_that_cannot_be_written_to_is_said(self, animals, tmp_path, monkeypatch):
        (tmp_path / "file").touch()
        monkeypatch.setenv(storage.CACHE_VARIABLE, str(tmp_path / "file" / "below"))
        with pytest.raises(storage.StorageError, match=f"cannot be written to.*{storage.CACHE_VARIABLE}"):
            features.extract(build(), animals)


class TestPrecision:
    @staticmethod
    def conv(maps, filters=8, **settings):
        return keras.layers.Conv2D(filters, 3, kernel_initializer=keras.initializers.GlorotUniform(3), **settings)(maps)

    @staticmethod
    def functional(wire):
        pixels = keras.Input((SIDE, SIDE, 3))
        return keras.Model(pixels, wire(pixels))

    @classmethod
    def normalized(cls, frozen):
        """A trunk with BatchNormalization whose four rows of numbers differ; its layers frozen or not."""
        norm = keras.layers.BatchNormalization()
        trunk = cls.functional(lambda pixels: cls.conv(norm(cls.conv(pixels / 255)), activation="relu"))
        draw = np.random.default_rng(0).uniform
        norm.set_weights([draw(0.5, 1.5, 8), draw(-1, 1, 8), draw(-0.2, 0.2, 8), draw(0.01, 0.1, 8)])
        norm.trainable = not frozen
        return trunk

    @classmethod
    def twice(cls):
        layer = keras.layers.Conv2D(3, 3, padding="same", kernel_initializer=keras.initializers.GlorotUniform(3))
        return cls.functional(lambda pixels: layer(layer(pixels)))

    @classmethod
    def frozen_within(cls):
        inner = build()
        inner.trainable = False
        return cls.functional(lambda pixels: cls.conv(inner(CAFFE(pixels))))

    @classmethod
    def compiled(cls):
        trunk = build()
        trunk.compile("adam", "mse", jit_compile=True)
        return trunk

    KINDS = {
        "preprocessing of caffe": lambda: build(CAFFE),
        "a layer that rescales": lambda: build(keras.layers.Rescaling(1 / 255)),
        "a constant": lambda: build(lambda pixels: pixels - np.full((SIDE, SIDE, 3), 100, "float32")),
        "dropout": lambda: build(last=lambda: keras.layers.Dropout(0.5)),
        "softmax": lambda: build(keras.layers.Rescaling(1 / 255), last=keras.layers.Softmax),
        "compiled": lambda: TestPrecision.compiled(),
        "frozen within free": lambda: TestPrecision.frozen_within(),
        "statistics, frozen": lambda: TestPrecision.normalized(True),
        "statistics, free": lambda: TestPrecision.normalized(False),
        "one layer twice": lambda: TestPrecision.twice(),
        "sequential": lambda: keras.Sequential([keras.Input((SIDE, SIDE, 3)), build(), keras.layers.Flatten()]),
        "EfficientNet-Lite0": lambda: backbones.from_pixels(
            "EfficientNet-Lite0", backbones.load("EfficientNet-Lite0", (SIDE, SIDE, 3))
        ),
    }

    @staticmethod
    def state(trunk):
        """All of a model and its surroundings that must not change."""
        layers = trunk._flatten_layers()
        flags = [(layer.name, layer.trainable, layer.dtype_policy.name, len(layer._inbound_nodes)) for layer in layers]
        weights = [(weight.path, weight.trainable, np.asarray(weight).tobytes()) for weight in trunk.weights]
        return flags, weights, keras.config.dtype_policy().name, keras.config.floatx(), random.getstate()

    @pytest.mark.parametrize("kind", KINDS)
    def test_half_the_digits_give_nearly_the_same_and_leave_the_trunk_alone(self, kind, animals):
        trunk = self.KINDS[kind]()
        before = self.state(trunk)
        whole, half = (features.run(trunk, animals.test, precision=each)[0] for each in features.PRECISIONS)
        assert self.state(trunk) == before
        assert whole.dtype == half.dtype == np.float32 and whole.shape == half.shape
        plain = trunk.predict(animals.test, verbose=0)
        assert np.allclose(whole, plain, rtol=1e-4, atol=1e-4 * np.abs(plain).max())
        difference = np.linalg.norm(half - whole) / np.linalg.norm(whole)
        assert 0 < difference < (0.2 if kind == "EfficientNet-Lite0" else 0.02)

    def test_vgg16_answers_as_before(self, fresh_cache):
        data = images.load("animals", 48, per_class={"train": 20, "validation": 1, "test": 40})
        base = backbones.load("VGG16", (48, 48, 3))
        trunk = backbones.from_pixels("VGG16", base)
        pooled = keras.Model(trunk.inputs[0], keras.layers.GlobalAveragePooling2D()(trunk.outputs[0]))
        whole, half = (features.extract(pooled, data, ["train", "test"], each) for each in features.PRECISIONS)
        assert np.linalg.norm(half.test[0] - whole.test[0]) < 0.02 * np.linalg.norm(whole.test[0])
        answers = []
        for one in (whole, half):
            head = keras.Sequential([keras.Input((512,)), keras.layers.Dense(5, kernel_initializer="zeros")])
            head.compile(keras.optimizers.Adam(1e-3), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
            head.fit(*whole.train, epochs=10, verbose=0, shuffle=False)
            answers.append(head.predict(one.test[0], verbose=0).argmax(axis=1))
        assert np.mean(answers[0] == answers[1]) >= 0.98 and len(set(answers[0])) == 5

    class Subclassed(keras.Model):
        def __init__(self):
            super().__init__()
            self.layer = keras.layers.Conv2D(2, 3)

        def call(self, pixels):
            return self.layer(pixels) + 1

    OWN = {
        "a class": lambda: TestPrecision.Subclassed(),
        "a function": lambda: build(last=lambda: keras.layers.Lambda(lambda maps: maps * 2)),
        "a layer": lambda: build(last=Scaled),
    }

    @pytest.mark.filterwarnings("ignore:.*lambda")
    @pytest.mark.parametrize("own", OWN)
    def test_code_of_ones_own_stays_in_float32(self, own, animals):
        trunk = self.OWN[own]()
        assert same(*(features.run(trunk, animals.in_order("test"), precision=each) for each in features.PRECISIONS))

    @pytest.mark.parametrize("policy", ["float64", "float16", "mixed_float16", "bfloat16", "mixed_bfloat16"])
    def test_another_policy_is_kept(self, policy, animals):
        keras.config.set_dtype_policy(policy)
        try:
            trunk = build()
        finally:
            keras.config.set_dtype_policy("float32")
        assert {layer.dtype_policy.name for layer in features.in_bfloat16(trunk).layers[1:]} == {policy}
        assert same(*(features.run(trunk, animals.in_order("test"), precision=each) for each in features.PRECISIONS))

    @pytest.mark.parametrize("first", features.PRECISIONS)
    def test_an_entry_is_served_for_its_own_precision_only(self, first, animals, fresh_cache):
        second = next(each for each in features.PRECISIONS if each != first)
        found = {each: features.extract(build(), animals, ["test"], each).test for each in (first, second)}
        assert not np.array_equal(found[first][0], found[second][0])
        assert len(list((fresh_cache / "features").iterdir())) == 2
        for each, rows in found.items():
            assert same(features.extract(refusing(build()), animals, ["test"], each).test, rows)
            assert same(features.run(build(), animals.in_order("test"), precision=each), rows)

    def test_weights_that_moved_count_in_bfloat16(self, animals):
        trunk = build()
        before = features.extract(trunk, animals, ["test"], "bfloat16").test[0]
        trunk.layers[1].bias.assign_add([64.0, 0, 0, 0])
        after = features.extract(trunk, animals, ["test"], "bfloat16").test[0]
        assert (after[..., 0] >= before[..., 0]).all() and not np.array_equal(before[..., 0], after[..., 0])
        assert np.array_equal(before[..., 1:], after[..., 1:])

    @pytest.mark.parametrize("precision", ["float16", "half", 16, "", ["bfloat16"], np.float32])
    def test_an_unknown_precision_is_refused_with_those_there_are(self, precision, animals):
        with pytest.raises(ValueError, match="expected 'float32', 'bfloat16', or None for what is faster here"):
            features.extract(build(), animals, ["test"], precision)
        with pytest.raises(ValueError, match="precision="):
            features.run(build(), animals.test, precision=precision)


class TestPreferred:
    @pytest.fixture(autouse=True)
    def gains(self, fresh_cache, monkeypatch):
        """What the next timings find, in turn."""
        gains = []
        monkeypatch.setattr(features, "_gain", lambda: gains.pop(0))
        return gains

    @pytest.mark.parametrize(
        ("gain", "expected"), [(0, "float32"), (1.1, "float32"), (1.3, "bfloat16"), (np.nan, "float32")]
    )
    def test_is_bfloat16_only_where_it_is_plainly_faster_and_is_timed_once(self, gain, expected, gains):
        gains.append(gain)
        assert [features.preferred(), features.preferred()] == [expected] * 2

    def test_is_the_same_at_the_next_start(self, gains, python):
        gains.append(1.3)
        assert features.preferred() == "bfloat16"
        process = python("from helpers import features\nfeatures._gain = None\nprint(features.preferred())")
        assert process.communicate(timeout=120)[0] == "bfloat16\n"

    @pytest.mark.parametrize("damage", ["", "}{", "[]", "null", '"bfloat16"', "half"])
    def test_a_damaged_memory_is_made_again(self, damage, gains, fresh_cache):
        gains += [2.0, 1.0]
        assert features.preferred() == "bfloat16"
        memory = fresh_cache / "precision.json"
        known = json.loads(memory.read_text())
        memory.write_text(json.dumps(dict.fromkeys(known, ["purple"])) if damage == "half" else damage)
        assert [features.preferred(), features.preferred()] == ["float32"] * 2
        assert json.loads(memory.read_text()) == dict.fromkeys(known, "float32")

    def test_another_version_or_processor_is_timed_for_itself(self, gains, monkeypatch):
        gains += [2.0, 1.0]
        assert features.preferred() == "bfloat16"
        monkeypatch.setattr(tf, "__version__", "3.0")
        assert features.preferred() == "float32"
        monkeypatch.undo()

    def test_is_float32_where_nothing_can_be_written(self, gains, tmp_path, monkeypatch):
        gains += [2.0, 2.0]
        (tmp_path / "file").touch()
        monkeypatch.setenv(storage.CACHE_VARIABLE, str(tmp_path / "file" / "below"))
        assert features.preferred() == "float32"
        assert features.run(build(), TestMisuse.DATA)[0].dtype == np.float32

    @pytest.mark.parametrize(("gain", "precision"), [(2.0, "bfloat16"), (1.0, "float32")])
    def test_is_the_default_of_plain_convolutions(self, gain, precision, gains, animals):
        gains.append(gain)
        rows = features.extract(build(CAFFE), animals, ["test"]).test
        assert same(rows, features.run(build(CAFFE), animals.in_order("test"), precision=precision))
        assert same(rows, features.run(build(CAFFE), animals.in_order("test")))

    def test_is_not_asked_for_another_trunk(self, gains, animals):
        flat = keras.Sequential([keras.Input((SIDE, SIDE, 3)), keras.layers.Flatten()])
        for trunk in (flat, TestPrecision.normalized(True)):  # no timing is there to be taken
            rows = features.run(trunk, animals.in_order("test"))
            assert same(rows, features.run(trunk, animals.in_order("test"), precision="float32"))


def test_the_gain_is_a_number(fresh_cache):
    assert 0.001 < features._gain() < 1000


def test_two_processes_share_one_fresh_cache(fresh_cache, at_once):
    """Both unpack the archive, draw from it and extract the same features at the same time."""
    first, second = at_once(
        """
        import hashlib
        import keras
        from helpers import features, images

        pixels = keras.Input((32, 32, 3))
        kernel = keras.initializers.GlorotUniform(1)
        trunk = keras.Model(pixels, keras.layers.Conv2D(4, 5, 3, kernel_initializer=kernel)(pixels))
        wait_for_the_others()
        data = images.load("animals", 32, per_class={"train": 40, "validation": 20, "test": 80})
        for split, (rows, labels) in vars(features.extract(trunk, data)).items():
            print(split, len(rows), hashlib.sha256(rows).hexdigest(), hashlib.sha256(labels).hexdigest())
        """,
        processes=2,
    )
    assert [line.split()[:2] for line in first.splitlines()] == [
        ["train", "200"],
        ["validation", "100"],
        ["test", "400"],
    ]
    assert first == second
    assert not list(fresh_cache.rglob(".writing-*"))
