"""A saved classifier is one whole file that gives the same outputs again, and nothing else is ever loaded."""

import ast
import io
import json
import pickle
import re
import signal
import textwrap
import warnings
import zipfile
from pathlib import Path
from types import SimpleNamespace

import h5py
import keras
import numpy as np
import pandas as pd
import pytest

from helpers import storage
from helpers.network import surgery
from helpers.saving import export, model_card, model_file

NAMES = ["cat", 'größe "5"', "猫"]
TEXTS = {"name": "Toy", "training": "Head only.", "intended_use": "A lesson.", "limits": "Not for doctors."}
LABELS, PREDICTIONS = [0, 0, 1, 1, 1, 2, 2, 2], [0, 0, 1, 2, 2, 2, 2, 0]


def sets(names=NAMES):
    counts = pd.DataFrame(
        {"train": [5, 6, 7], "validation": [1, 1, 1], "test": [2, 3, 3]}, pd.Index(names, name="class")
    )
    return SimpleNamespace(name="toys", class_names=tuple(names), counts=lambda: counts)


def card(names=NAMES, **changed):
    return model_card.describe(sets(names), LABELS, PREDICTIONS, **{**TEXTS, **changed})


def tiny(units=3, activation=None, first=None, compiled=False, end=None):
    """A classifier of 8×8 pictures with its preprocessing inside, its weights at random."""
    pixels = keras.Input((8, 8, 3), name="pixels")
    maps = (first or keras.layers.Rescaling(1 / 255))(pixels)
    row = keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(4, 3)(maps))
    outputs = keras.layers.Dense(units, activation=activation, name="predictions")(row)
    model = keras.Model(pixels, end(outputs) if end else outputs, name="tiny")
    if compiled:
        model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=activation is None))
        model.fit(noise(6), np.arange(6) % units, verbose=0, shuffle=False)
    return model


def noise(number, side=8):
    return np.random.default_rng(0).uniform(0, 255, (number, side, side, 3)).astype("float32")


def altered(path, target, drop=(), compression=zipfile.ZIP_STORED, **members):
    """Write a copy of a ``.keras`` file without some members and with others; ``__`` in a name stands for a dot."""
    members = {name.replace("__", "."): content for name, content in members.items()}
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(target, "w", compression) as copy:
        for name in source.namelist():
            if name not in (*drop, *members):
                copy.writestr(name, source.read(name))
        for name, content in members.items():
            copy.writestr(name, content)
    return target


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A model that was trained and saved, with its outputs."""
    model = tiny(compiled=True)
    path = export.save(model, tmp_path_factory.mktemp("saved") / "toy.keras", NAMES, card())
    return SimpleNamespace(model=model, path=path, outputs=model.predict_on_batch(noise(4)))


@pytest.fixture
def copy(saved, tmp_path):
    """The saved file and its card once more, to be spoilt."""
    for path in (saved.path, model_card.path_beside(saved.path)):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    return tmp_path / saved.path.name


class TestSaveAndLoad:
    def test_gives_the_same_outputs_and_names(self, saved):
        model, names = export.load(saved.path)
        np.testing.assert_array_equal(model.predict_on_batch(noise(4)), saved.outputs)
        assert names == tuple(NAMES)

    def test_is_one_file_with_names_kind_of_outputs_and_no_optimiser(self, saved, tmp_path):
        with zipfile.ZipFile(saved.path) as archive:
            facts = json.loads(archive.read(model_file.FACTS))
            weights = archive.read(model_file.WEIGHTS)
        assert facts == {"class_names": NAMES, "outputs": "logits"}
        groups = []
        with h5py.File(io.BytesIO(weights)) as file:
            file.visit(groups.append)
        assert groups and not [name for name in groups if "optimizer" in name]
        saved.model.save(tmp_path / "whole.keras")
        assert saved.path.stat().st_size < (tmp_path / "whole.keras").stat().st_size
        assert export.load(saved.path)[0].compiled is False

    def test_leaves_the_model_compiled_and_able_to_train(self, tmp_path):
        model = tiny(compiled=True)
        steps = int(model.optimizer.iterations)
        export.save(model, tmp_path / "a.keras", NAMES, card())
        before = model.get_layer("predictions").get_weights()[0]
        model.fit(noise(6), np.arange(6) % 3, verbose=0)
        assert int(model.optimizer.iterations) == steps + 1
        assert (model.get_layer("predictions").get_weights()[0] != before).any()

    @pytest.mark.parametrize(
        ("activation", "end"),
        [("softmax", None), (None, keras.layers.Softmax()), (None, keras.ops.softmax)],
        ids=["inside", "layer", "operation"],
    )
    def test_knows_probabilities_wherever_the_softmax_stands(self, tmp_path, activation, end):
        path = export.save(tiny(activation=activation, end=end), tmp_path / "p.keras", NAMES, card())
        assert model_file.read_facts(path)["outputs"] == "probabilities"
        assert export.load(path)[0].predict_on_batch(noise(2)).sum(axis=1) == pytest.approx([1, 1], abs=1e-5)

    def test_a_sequential_model_with_a_compiled_model_inside(self, tmp_path):
        inner = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Conv2D(4, 3), keras.layers.Flatten()])
        inner.compile("adam", "mse")
        layers = keras.Input((8, 8, 3)), keras.layers.RandomFlip(), keras.layers.Rescaling(1 / 255), inner
        model = keras.Sequential([*layers, keras.layers.Dense(3)])
        loaded, _ = export.load(export.save(model, tmp_path / "s.keras", NAMES, card()))
        np.testing.assert_array_equal(loaded.predict_on_batch(noise(3)), model.predict_on_batch(noise(3)))

    def test_in_a_new_process_with_and_without_the_course(self, saved, python, tmp_path):
        np.save(tmp_path / "pictures.npy", noise(4))
        process = python(
            """
            import sys
            from helpers import session
            session.start()
            import keras, numpy
            pictures = numpy.load("pictures.npy")
            kept = {name: sys.modules.pop(name) for name in list(sys.modules) if name.split(".")[0] == "helpers"}
            sys.modules["helpers"] = None  # any import of the course now fails
            plain = keras.models.load_model(sys.argv[1], safe_mode=True)
            numpy.save("plain.npy", plain.predict_on_batch(pictures))
            sys.modules.update(kept)
            from helpers import export
            keras.config.enable_unsafe_deserialization()  # what switches Keras's own guard off
            model, names = export.load(sys.argv[1])
            numpy.save("course.npy", model.predict_on_batch(pictures))
            print(ascii(names))
            try:
                export.load(sys.argv[2])
            except ValueError as error:
                print(error)
            """,
            saved.path,
            lambda_file(tmp_path),
        )
        output, errors = process.communicate(timeout=120)
        assert process.returncode == 0 and errors == "", errors
        assert ascii(tuple(NAMES)) in output
        assert "Lambda" in output.splitlines()[-1]
        for name in ("plain.npy", "course.npy"):
            np.testing.assert_array_equal(np.load(tmp_path / name), saved.outputs)


def lambda_file(folder):
    """Return a ``.keras`` file with a Lambda layer, made without `export.save`."""
    model = tiny(first=keras.layers.Lambda(lambda pixels: pixels / 255, output_shape=(8, 8, 3)))
    path = folder / "lambda.keras"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.save(path)
    model_file.add_facts(path, NAMES, "logits")
    return path


class TestSwapOnALoadedModel:
    """Only the final Dense of a saved model is replaced, for other classes."""

    @pytest.mark.parametrize(("network", "softmax"), [("vgg16", True), ("small", False)])
    def test_of_a_nested_base(self, tmp_path, network, softmax):
        if network == "vgg16":
            base = keras.applications.VGG16(weights=None, include_top=False, input_shape=(32, 32, 3))
        else:
            base = keras.Sequential([keras.Input((32, 32, 3)), keras.layers.Conv2D(4, 3)], name="small")
        base.trainable = False
        model = surgery.attach_head(base, 3, preprocess=keras.applications.vgg16.preprocess_input)
        if softmax:
            model = keras.Model(model.input, keras.layers.Softmax()(model.output))
        pictures = noise(2, 32)
        animals, _ = export.load(export.save(model, tmp_path / "animals.keras", NAMES, card()))
        np.testing.assert_array_equal(animals.predict_on_batch(pictures), model.predict_on_batch(pictures))
        emoji = surgery.replace_final_dense(animals, 4)
        assert emoji.output.shape == (None, 4) and emoji.layers[-1].name == "new_predictions"
        old, new = (keras.Model(one.input, one.get_layer("pool").output) for one in (animals, emoji))
        np.testing.assert_array_equal(old.predict_on_batch(pictures), new.predict_on_batch(pictures))
        emoji.get_layer(network).trainable = False
        emoji.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
        emoji.fit(pictures, np.array([0, 3]), verbose=0)
        four = ["a", "b", "c", "d"]
        counts = pd.DataFrame({"train": [1] * 4, "validation": [1] * 4, "test": [1] * 4}, pd.Index(four, name="class"))
        data = SimpleNamespace(name="emoji", class_names=tuple(four), counts=lambda: counts)
        described = model_card.describe(data, range(4), [0, 1, 2, 2], **TEXTS)
        again, names = export.load(export.save(emoji, tmp_path / "emoji.keras", four, described))
        np.testing.assert_array_equal(again.predict_on_batch(pictures), emoji.predict_on_batch(pictures))
        assert names == tuple(four)


@keras.saving.register_keras_serializable("tests")
class OwnLayer(keras.layers.Layer):
    def call(self, inputs):
        return inputs / 255


@keras.saving.register_keras_serializable("tests")
def own_activation(inputs):
    return inputs * 2


class TestSaveRefuses:
    @pytest.mark.parametrize(
        ("build", "words"),
        [
            (lambda: tiny(first=keras.layers.Lambda(lambda pixels: pixels / 255)), "Lambda.*could run code"),
            (lambda: tiny(first=OwnLayer()), "OwnLayer.*not built into Keras"),
            (lambda: tiny(first=keras.layers.Activation(own_activation)), "own_activation.*not built into Keras"),
            (lambda: tiny(first=keras.layers.ZeroPadding2D()), "preprocessing was left outside"),
            (lambda: tiny(first=keras.layers.RandomFlip()), "preprocessing was left outside"),
            (lambda: tiny(activation="sigmoid"), "'sigmoid'"),
            (lambda: tiny(units=4), r"\(None, 4\), but there are 3 class names"),
            (lambda: keras.Sequential([keras.Input((512,)), keras.layers.Dense(3)]), "features needs its trunk"),
            (lambda: keras.Sequential([keras.Input((None, None, 3)), keras.layers.Conv2D(3, 1)]), "any size"),
            (lambda: keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Flatten()]), "expected pictures"),
            (
                lambda: keras.Sequential([keras.Input((8, 8, 3), dtype="uint8"), keras.layers.Flatten()]),
                "uint8 numbers",
            ),
            (lambda: keras.Sequential([keras.layers.Dense(3)]), "0 inputs"),
        ],
        ids=lambda value: value.split()[-1] if isinstance(value, str) else "",
    )
    def test_a_model_that_would_not_serve(self, build, words, tmp_path):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Keras's about the lambda; the refusal says it
            with pytest.raises(ValueError, match=words):
                export.save(build(), tmp_path / "a.keras", NAMES, card())
        assert list(tmp_path.iterdir()) == []

    def test_a_model_that_gives_other_outputs_when_loaded(self, tmp_path, monkeypatch):
        monkeypatch.setattr(export, "_opened", lambda path: tiny())
        with pytest.raises(ValueError, match="gives other outputs"):
            export.save(tiny(), tmp_path / "a.keras", NAMES, card())
        assert list(tmp_path.iterdir()) == []

    def test_an_end_that_hides_a_softmax(self, tmp_path):
        hidden = tiny(activation="softmax", end=keras.layers.Rescaling(1.0))
        with pytest.raises(ValueError, match="seems to end in logits, but its rows sum to 1"):
            export.save(hidden, tmp_path / "a.keras", NAMES, card())

    @pytest.mark.parametrize(
        "names", [["a", "b", "b"], ["a", "b", " "], "abc", ["a", "b", 3], ["a", "b", "\x1b[2J"], []]
    )
    def test_class_names_that_are_none(self, names, tmp_path):
        with pytest.raises(ValueError, match="class_names"):
            export.save(tiny(), tmp_path / "a.keras", names, card())

    @pytest.mark.parametrize("name", ["a.h5", "a", "missing/a.keras", "folder.keras"])
    def test_a_place_that_is_none(self, name, tmp_path):
        (tmp_path / "folder.keras").mkdir()
        with pytest.raises(ValueError, match="ends in .keras|make it first"):
            export.save(tiny(), tmp_path / name, NAMES, card())
        assert [path.name for path in tmp_path.iterdir()] == ["folder.keras"]

    def test_a_card_that_is_none_or_speaks_of_other_classes(self, tmp_path):
        with pytest.raises(ValueError, match="model_card.describe"):
            export.save(tiny(), tmp_path / "a.keras", NAMES, "a card")
        with pytest.raises(ValueError, match="expected the same"):
            export.save(tiny(), tmp_path / "a.keras", NAMES, card(["x", "y", "z"]))


PICKLED = pickle.dumps(print)


class TestLoadRefuses:
    @pytest.fixture(autouse=True)
    def keras_is_never_asked(self, monkeypatch):
        monkeypatch.setattr(keras.models, "load_model", lambda *given, **more: pytest.fail("Keras opened the file"))

    @pytest.mark.parametrize("share", [0, 0.01, 0.5, 0.99, 0.9999])
    def test_a_file_that_was_cut_short(self, copy, share):
        content = copy.read_bytes()
        copy.write_bytes(content[: int(share * len(content))])
        with pytest.raises(model_file.ModelFileError, match="cut short|empty"):
            export.load(copy)

    def test_a_file_with_a_changed_byte_in_its_weights(self, copy):
        content = bytearray(copy.read_bytes())
        content[content.index(b"\x89HDF") + 5000] ^= 1
        copy.write_bytes(content)
        with pytest.raises(model_file.ModelFileError, match="checksum of model.weights.h5"):
            export.load(copy)

    def test_a_pickle_and_never_opens_it(self, tmp_path):
        class Attack:
            def __reduce__(self):
                return (type(tmp_path / "x").touch, (tmp_path / "it ran",))

        for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
            path = tmp_path / "attack.keras"
            path.write_bytes(pickle.dumps(Attack(), protocol=protocol))
            with pytest.raises(model_file.ModelFileError, match="pickle" if protocol > 1 else "no zip"):
                export.load(path)
        with zipfile.ZipFile(tmp_path / "torch.keras", "w") as archive:
            archive.writestr("archive/data.pkl", pickle.dumps(Attack()))
        with pytest.raises(model_file.ModelFileError, match="no Keras model"):
            export.load(tmp_path / "torch.keras")
        assert not (tmp_path / "it ran").exists()

    def test_an_h5_file_whatever_it_is_called(self, tmp_path):
        for name in ("a.h5", "a.keras"):
            with h5py.File(tmp_path / name, "w") as file:
                file["x"] = 1
            with pytest.raises(model_file.ModelFileError, match="HDF5"):
                export.load(tmp_path / name)

    def test_what_is_missing_no_zip_or_has_another_ending(self, copy, tmp_path):
        with pytest.raises(model_file.ModelFileError, match="No file is called"):
            export.load(tmp_path / "missing.keras")
        with pytest.raises(model_file.ModelFileError, match="No file is called"):
            export.load(tmp_path)
        (tmp_path / "text.keras").write_text("<html>404</html>")
        with pytest.raises(model_file.ModelFileError, match="no zip"):
            export.load(tmp_path / "text.keras")
        with pytest.raises(model_file.ModelFileError, match="does not end in .keras"):
            export.load(copy.rename(tmp_path / "toy.zip"))

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            ({"drop": ["config.json"]}, "zip without config.json"),
            ({"drop": ["model.weights.h5"]}, "zip without model.weights.h5"),
            ({"drop": [model_file.FACTS]}, "no class names"),
            ({"config__json": "{"}, "config.json cannot be read"),
            ({"config__json": "[" * 100_000}, "config.json cannot be read"),
            ({"class_names__json": "[1, 2]"}, "does not tell class names"),
            ({"class_names__json": '{"class_names": ["a", "a"], "outputs": "logits"}'}, "all different"),
            ({"class_names__json": '{"class_names": ["a", "b"], "outputs": "maybe"}'}, "does not tell"),
            ({"../../evil": "x"}, "leads outside"),
            ({"/etc/evil": "x"}, "leads outside"),
            ({"C:\\evil": "x"}, "leads outside"),
        ],
        ids=lambda value: None if isinstance(value, dict) else value.split()[-1],
    )
    def test_a_zip_that_is_no_model_of_the_course(self, copy, tmp_path, change, words):
        with pytest.raises(model_file.ModelFileError, match=words):
            export.load(altered(copy, tmp_path / "other.keras", **change))

    @pytest.mark.parametrize("member", ["config.json", "model.weights.h5", "more.bin"])
    def test_a_bomb_without_unpacking_it(self, copy, tmp_path, member, monkeypatch):
        change = {member.replace(".", "__"): bytes(30 * 1024**2)}
        bomb = altered(copy, tmp_path / "bomb.keras", compression=zipfile.ZIP_DEFLATED, **change)
        assert bomb.stat().st_size < 200_000
        monkeypatch.setattr(zipfile.ZipFile, "open", lambda *given, **more: pytest.fail("unpacked"))
        with pytest.raises(model_file.ModelFileError, match=f"{member} would unpack to 31,457,280"):
            export.load(bomb)

    def test_a_total_that_is_too_large(self, copy, monkeypatch):
        monkeypatch.setattr(model_file, "LARGEST", 20_000)
        with pytest.raises(model_file.ModelFileError, match="would unpack"):
            export.load(copy)

    def test_a_member_that_stands_there_twice(self, copy):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model_file.add_facts(copy, ["x", "y", "z"], "logits")
        with pytest.raises(model_file.ModelFileError, match="more than once"):
            export.load(copy)

    def test_a_lambda_layer(self, tmp_path):
        with pytest.raises(model_file.ModelFileError, match="Lambda.*safe mode refuses it") as caught:
            export.load(lambda_file(tmp_path))
        assert "\n" not in str(caught.value)

    @pytest.mark.parametrize(
        "node",
        [
            {"module": "os", "class_name": "system", "config": "x"},
            {"module": "keras.utils", "class_name": "get_file", "config": {}},
            {"module": "keras.src.utils.file_utils", "class_name": "get_file", "config": {}},
            {"module": "keras.layersX", "class_name": "Dense", "config": {}},
            {"module": "builtins", "class_name": "function", "config": "eval"},
            {"module": "keras.layers", "class_name": "TFSMLayer", "config": {"name": "x"}},
            {"module": "keras.layers", "class_name": "StringLookup", "config": {"vocabulary": "/etc/passwd"}},
            {"class_name": "Own", "registered_name": "tests>Own", "config": {}},
            {"class_name": "__lambda__", "config": {"value": "x"}},
            {"module": "keras", "class_name": "__import__", "config": {}},
        ],
        ids=lambda node: node["class_name"],
    )
    def test_whatever_could_run_code_or_read_files_however_deep(self, copy, tmp_path, node):
        with zipfile.ZipFile(copy) as archive:
            config = json.loads(archive.read("config.json"))
        config["config"]["layers"][-1]["config"]["activation"] = {"a": [{"b": node}]}
        with pytest.raises(model_file.ModelFileError, match="could run code|not built into Keras"):
            export.load(altered(copy, tmp_path / "evil.keras", config__json=json.dumps(config)))


class TestLoadTurnsKerassErrorsIntoOneLine:
    def test_about_weights_that_lie_in_another_file(self, copy, tmp_path):
        with zipfile.ZipFile(copy) as archive:
            data = io.BytesIO(archive.read("model.weights.h5"))
        with h5py.File(data, "r+") as file:
            paths = []
            file.visititems(lambda name, item: paths.append(name) if isinstance(item, h5py.Dataset) else None)
            del file[paths[0]]
            file[paths[0]] = h5py.ExternalLink("/tmp/secret.h5", "x")
        evil = altered(copy, tmp_path / "evil.keras", **{"model__weights__h5": data.getvalue()})
        with pytest.raises(model_file.ModelFileError, match="cannot be loaded in safe mode") as caught:
            export.load(evil)
        assert "\n" not in str(caught.value)

    def test_about_weights_that_are_not_there(self, copy, tmp_path):
        """Keras alone would warn and go on with weights at random."""
        with zipfile.ZipFile(copy) as archive:
            data = io.BytesIO(archive.read("model.weights.h5"))
        with h5py.File(data, "r+") as file:
            for name in list(file):
                del file[name]
        hollow = altered(copy, tmp_path / "hollow.keras", **{"model__weights__h5": data.getvalue()})
        with pytest.raises(model_file.ModelFileError, match="cannot be loaded in safe mode"):
            export.load(hollow)

    @pytest.mark.parametrize(
        ("facts", "words"),
        [
            ({"class_names": ["a", "b"], "outputs": "logits"}, "there are 2 class names"),
            ({"class_names": NAMES, "outputs": "probabilities"}, "gives probabilities, which it does not"),
        ],
    )
    def test_about_facts_that_do_not_fit_the_model(self, copy, tmp_path, facts, words):
        path = altered(copy, tmp_path / "other.keras", class_names__json=json.dumps(facts))
        with pytest.raises(model_file.ModelFileError, match=words):
            export.load(path)


class TestCard:
    def test_tells_data_accuracy_date_versions_use_and_the_file(self, saved):
        text = model_card.path_beside(saved.path).read_text(encoding="utf-8")
        assert "toys: 3 classes, 29 pictures" in text
        assert "| cat | 5 | 1 | 2 | 2 of 2 |" in text and "| all | 18 | 3 | 8 | 5 of 8 |" in text
        assert "Test accuracy 62.5%, 95% interval 30.6% to 86.3% (Wilson), on 8 pictures" in text
        assert '"5" called 猫, 2 of the 3 test pictures' in text
        assert all(words in text for words in TEXTS.values())
        assert f"SHA-256 `{storage.sha256(saved.path)}`" in text and "8×8" in text and "gives logits" in text
        assert re.search(r"saved on \d{4}-\d\d-\d\d with Python 3\.\d+, TensorFlow 2\.\d+\.\d+, Keras 3\.", text)
        assert str(saved.path.parent) not in text

    @pytest.mark.parametrize("field", TEXTS)
    @pytest.mark.parametrize("blank", ["", "  \n", None, 5])
    def test_is_refused_when_a_text_is_blank(self, field, blank):
        with pytest.raises(ValueError, match=f"{field} of the model card is blank"):
            card(**{field: blank})

    def test_is_refused_for_some_of_the_test_pictures_only(self):
        with pytest.raises(ValueError, match="5 labels, but 'toys' has 8 test pictures"):
            model_card.describe(sets(), LABELS[:5], PREDICTIONS[:5], **TEXTS)

    def test_a_model_without_mistakes_has_no_commonest_one(self):
        assert "called wrongly" in model_card.describe(sets(), LABELS, LABELS, **TEXTS).worst

    def test_that_fits_brings_no_warning(self, copy):
        assert export.card_problem(copy) is None
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            export.load(copy)

    def test_of_another_file_is_told(self, copy):
        model_card.path_beside(copy).write_text(f"SHA-256 `{'0' * 64}`", encoding="utf-8")
        with pytest.warns(UserWarning, match="belongs to another file"):
            export.load(copy)

    @pytest.mark.parametrize("content", [None, b"", b"\xff\xfe\x00", b"SHA-256 `12`"])
    def test_that_is_missing_or_tells_nothing_is_told(self, copy, content):
        path = model_card.path_beside(copy)
        path.unlink() if content is None else path.write_bytes(content)
        with pytest.warns(UserWarning, match="no model card"):
            export.load(copy)


CHILD = """
import os, signal, sys
sys.path.insert(0, {tests!r})
from helpers import session
session.start()
import test_export as here
from helpers import export, model_card, storage

def die(*given, **more):
    os.kill(os.getpid(), signal.SIGKILL)
"""


class TestInterrupted:
    """The process is killed, or the disk refuses, in the middle of saving."""

    @staticmethod
    def child(python, path, code):
        tests = str(__file__).rsplit("/", 1)[0]
        return python(CHILD.format(tests=tests) + textwrap.dedent(code), path)

    def test_what_stood_there_stays_whole(self, copy, python, saved, tmp_path):
        pytest.importorskip("resource")  # not on Windows
        before, text = copy.read_bytes(), model_card.path_beside(copy).read_bytes()
        while_writing = self.child(
            python,
            copy,
            """
            def half(path, *facts):
                os.truncate(path, os.path.getsize(path) // 2)
                die()

            export.model_file.add_facts = half
            export.save(here.tiny(), sys.argv[1], here.NAMES, here.card())
            """,
        )
        disk_full = self.child(
            python,
            copy,
            """
            import resource
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (9_000, 9_000))
            try:
                export.save(here.tiny(), sys.argv[1], here.NAMES, here.card())
            except storage.StorageError as error:
                print(error)
            """,
        )
        output, errors = disk_full.communicate(timeout=120)
        assert "could not be written (File too large)" in output and "is unchanged" in output, errors
        _, errors = while_writing.communicate(timeout=120)
        assert while_writing.returncode == -signal.SIGKILL, errors
        assert copy.read_bytes() == before and model_card.path_beside(copy).read_bytes() == text
        left = sorted(path.name for path in tmp_path.iterdir() if not path.name.startswith(".writing-"))
        assert left == [model_card.path_beside(copy).name, copy.name]
        np.testing.assert_array_equal(export.load(copy)[0].predict_on_batch(noise(4)), saved.outputs)
        export.save(tiny(), copy, NAMES, card())  # what was left of the killed one is in nobody's way
        assert export.card_problem(copy) is None and copy.read_bytes() != before

    def test_between_card_and_model_is_told(self, copy, python):
        before = copy.read_bytes()
        process = self.child(
            python,
            copy,
            """
            real = model_card.write
            model_card.write = lambda *given: die(real(*given))
            export.save(here.tiny(), sys.argv[1], here.NAMES, here.card())
            """,
        )
        _, errors = process.communicate(timeout=120)
        assert process.returncode == -signal.SIGKILL, errors
        assert copy.read_bytes() == before
        with pytest.warns(UserWarning, match="belongs to another file"):
            export.load(copy)

    def test_a_card_that_cannot_be_written_leaves_the_model(self, copy, monkeypatch):
        def refuse(*given):
            raise storage.StorageError("no") from OSError(28, "No space left on device")

        before = copy.read_bytes()
        monkeypatch.setattr(model_card, "write", refuse)
        with pytest.raises(storage.StorageError, match="No space left on device.*is unchanged"):
            export.save(tiny(), copy, NAMES, card())
        assert copy.read_bytes() == before and export.card_problem(copy) is None


def test_nothing_that_a_learner_runs_unpickles_or_leaves_safe_mode():
    folder = Path(export.__file__).parent
    for path in folder.rglob("*.py"):
        if path.name == "torch_state.py":  # rebuilds the shipped weights, by a reader that knows four names
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import | ast.ImportFrom):
                names = {alias.name for alias in node.names} | {getattr(node, "module", None)}
                assert not names & {"pickle", "dill", "joblib", "marshal", "shelve", "cloudpickle"}, path.name
            if isinstance(node, ast.Call):
                given = {keyword.arg: getattr(keyword.value, "value", None) for keyword in node.keywords}
                assert given.get("safe_mode", True) is True and not given.get("allow_pickle"), path.name
                called = getattr(node.func, "attr", "")
                assert called != "enable_unsafe_deserialization", path.name
                assert called != "load_model" or "safe_mode" in given, path.name
