"""A saved classifier is one complete file that gives the same outputs again, whatever interrupts the saving."""

import io
import json
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
from saving_cases import NAMES, TEXTS, altered, card, lambda_file, noise, put_first, tiny, with_weights

from helpers import storage
from helpers.network import surgery
from helpers.saving import export, model_card, model_file


class TestSaveAndLoad:
    def test_gives_the_same_outputs_and_names(self, saved):
        model, names = export.load(saved.path)
        np.testing.assert_array_equal(model.predict_on_batch(noise(4)), saved.outputs)
        assert names == tuple(NAMES)

    def test_is_one_file_with_names_kind_of_outputs_and_no_optimiser(self, saved, tmp_path):
        with zipfile.ZipFile(saved.path) as archive:
            facts = json.loads(archive.read(model_file.FACTS))
            weights = archive.read(model_file.WEIGHTS)
        assert facts == {"class_names": NAMES, "outputs": "logits", "unknown_below": None, "precision": "float32"}
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

    def test_a_dictionary_of_one_output_is_saved_as_that_output(self, tmp_path):
        model = tiny()
        named = keras.Model(model.inputs[0], {"class": model.outputs[0]})
        loaded, _ = export.load(export.save(named, tmp_path / "a.keras", NAMES, card()))
        np.testing.assert_allclose(loaded(noise(2)), model(noise(2)), rtol=1e-5)

    def test_a_path_may_begin_at_home(self, tmp_path, monkeypatch):
        monkeypatch.setenv("HOME", str(tmp_path))
        monkeypatch.setenv("USERPROFILE", str(tmp_path))
        assert export.save(tiny(), "~/a.keras", NAMES, card()) == tmp_path / "a.keras"
        assert export.load("~/a.keras")[1] == tuple(NAMES) and export.card_problem("~/a.keras") is None

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
            *(
                (lambda first=first: tiny(first=first), "preprocessing was left outside")
                for first in (
                    keras.layers.Permute((2, 1, 3)),
                    keras.layers.Activation("linear"),
                    keras.layers.Activation("relu"),
                    lambda pixels: keras.ops.cast(keras.ops.cast(pixels, "float16"), "float32"),
                    lambda pixels: keras.ops.flip(pixels, axis=2),
                    lambda pixels: pixels[:, :, ::-1],
                )
            ),
            (lambda: tiny(activation="sigmoid"), "'sigmoid'"),
            (lambda: tiny(end=keras.layers.ReLU()), "'relu'"),
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
        monkeypatch.setattr(export, "_loaded", lambda path: tiny())
        with pytest.raises(ValueError, match="gives other outputs"):
            export.save(tiny(), tmp_path / "a.keras", NAMES, card())
        assert list(tmp_path.iterdir()) == []

    def test_weights_that_went_to_nan(self, tmp_path):
        model = tiny()
        model.layers[-1].set_weights([weight * np.nan for weight in model.layers[-1].get_weights()])
        with pytest.raises(ValueError, match="gives NaN or infinite numbers for pictures of noise: it was not saved"):
            export.save(model, tmp_path / "a.keras", NAMES, card())
        assert list(tmp_path.iterdir()) == []

    def test_an_end_that_hides_a_softmax(self, tmp_path):
        hidden = tiny(activation="softmax", end=keras.layers.Rescaling(1.0))
        with pytest.raises(ValueError, match="seems to end in logits, but its rows sum to 1"):
            export.save(hidden, tmp_path / "a.keras", NAMES, card())

    @pytest.mark.parametrize(
        "names",
        [["a", "b", "b"], ["a", "b", " "], "abc", {"a", "b", "c"}, None, ["a", "b", 3], ["a", "b", "\x1b[2J"], []],
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

    @pytest.mark.parametrize("path", [None, 5, b"a.keras", "a\0.keras", "a" * 300 + ".keras"])
    def test_what_no_file_can_be_called(self, path):
        for call in (export.load, lambda path: export.save(tiny(), path, NAMES, card())):
            with pytest.raises(ValueError, match="cannot be the path of a file"):
                call(path)

    @pytest.mark.parametrize("model", [None, "a.keras", [1]])
    def test_what_is_no_model(self, model, tmp_path):
        with pytest.raises(ValueError, match="expected a keras.Model"):
            export.save(model, tmp_path / "a.keras", NAMES, card())

    def test_a_card_that_is_none_or_speaks_of_other_classes(self, tmp_path):
        with pytest.raises(ValueError, match="model_card.describe"):
            export.save(tiny(), tmp_path / "a.keras", NAMES, "a card")
        with pytest.raises(ValueError, match="expected the same"):
            export.save(tiny(), tmp_path / "a.keras", NAMES, card(["x", "y", "z"]))


class TestLoadTurnsKerassErrorsIntoOneLine:
    def test_about_weights_that_lie_in_another_file(self, copy, tmp_path):
        evil = with_weights(copy, tmp_path / "evil.keras", put_first(h5py.ExternalLink("/tmp/secret.h5", "x")))
        with pytest.raises(model_file.ModelFileError, match="cannot be loaded in safe mode") as caught:
            export.load(evil)
        assert "\n" not in str(caught.value)

    def test_about_weights_of_another_shape(self, copy, tmp_path):
        other = with_weights(copy, tmp_path / "other.keras", put_first(np.zeros((2, 2), "float32")))
        with pytest.raises(model_file.ModelFileError, match="its weights are not those of its layers"):
            export.load(other)

    def test_about_weights_that_are_not_there(self, copy, tmp_path):
        """Keras alone would warn and go on with weights at random."""
        hollow = with_weights(copy, tmp_path / "hollow.keras", lambda file: file.clear())
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


CHILD = """
import os, signal, sys
sys.path.insert(0, {tests!r})
from helpers import session
session.start()
import saving_cases as here
from helpers import export, model_card, storage

def die(*args, **kwargs):
    os.kill(os.getpid(), signal.SIGKILL)
"""


class TestInterrupted:
    """The process is killed, or the disk refuses, in the middle of saving."""

    @staticmethod
    def child(python, path, code):
        tests = Path(__file__).parent
        return python(CHILD.format(tests=str(tests)) + textwrap.dedent(code), path)

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
        (tmp_path / ".writing-mine").mkdir()  # of another process, which may be at work
        export.save(tiny(), copy, NAMES, card())  # what was left of the killed one is cleared
        assert [path.name for path in tmp_path.glob(".writing-*")] == [".writing-mine"]
        assert export.card_problem(copy) is None and copy.read_bytes() != before

    def test_between_card_and_model_is_told(self, copy, python):
        before = copy.read_bytes()
        process = self.child(
            python,
            copy,
            """
            real = model_card.write
            model_card.write = lambda *args, **kwargs: die(real(*args, **kwargs))
            export.save(here.tiny(), sys.argv[1], here.NAMES, here.card())
            """,
        )
        _, errors = process.communicate(timeout=120)
        assert process.returncode == -signal.SIGKILL, errors
        assert copy.read_bytes() == before
        with pytest.warns(UserWarning, match="belongs to another file"):
            export.load(copy)

    def test_a_card_that_cannot_be_written_leaves_the_model(self, copy, monkeypatch):
        def refuse(*args, **kwargs):
            raise OSError(28, "No space left on device")

        before = copy.read_bytes()
        monkeypatch.setattr(model_card, "write", refuse)
        with pytest.raises(storage.StorageError, match="No space left on device.*is unchanged"):
            export.save(tiny(), copy, NAMES, card())
        assert copy.read_bytes() == before and export.card_problem(copy) is None
