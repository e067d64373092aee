"""LiteRT and ONNX give what Keras gives, hold the class names, and are either whole or not there."""

import json
import sys
import zipfile
from types import ModuleType

import keras
import numpy as np
import pytest
from saving_cases import NAMES, noise, tiny

from helpers import storage
from helpers.network import backbones
from helpers.saving import formats, model_file

WRITE = {".tflite": formats.litert, ".onnx": formats.onnx}
both = pytest.mark.parametrize("ending", WRITE)


@pytest.fixture(autouse=True)
def _packages(request):
    if ".onnx" in request.node.name:
        pytest.importorskip("tf2onnx")


def classifier(**how):
    return tiny(end=keras.layers.Softmax(), **how)


def any_size(side=8, **how):
    """A classifier of pictures of any size, with resizing and augmentation in a model inside."""
    pixels = keras.Input((None, None, 3), name="photo")
    resizing = keras.layers.Resizing(side, side, interpolation="bicubic", crop_to_aspect_ratio=True)
    before = keras.Sequential([resizing, keras.layers.RandomFlip(), keras.layers.RandomRotation(0.2)])
    return keras.Model(pixels, classifier(**how)(keras.ops.clip(before(pixels), 0, 255)), name="toy")


@pytest.fixture(scope="module")
def model():
    return any_size()


@pytest.fixture(scope="module")
def files(model, tmp_path_factory):
    """The model in both formats; each is written when it is asked for first."""
    folder, written = tmp_path_factory.mktemp("formats"), {}

    def file(ending):
        if ending not in written:
            written[ending] = WRITE[ending](model, folder / f"toy{ending}", NAMES, unknown_below=0.4)
        return written[ending]

    return file


class TestFile:
    @both
    def test_gives_the_probabilities_of_the_model_and_the_names(self, model, files, ending):
        answer, names = formats.load(files(ending), threads=1)
        probabilities = answer(noise(5))
        assert names == tuple(NAMES) and probabilities.shape == (5, 3) and probabilities.dtype == np.float32
        np.testing.assert_allclose(probabilities, model.predict(noise(5), verbose=0), atol=1e-6)
        assert formats.facts(files(ending)) == {
            "class_names": NAMES, "outputs": "probabilities", "unknown_below": 0.4, "precision": "float32"
        }  # fmt: skip

    @pytest.mark.filterwarnings("ignore:.*tf.lite.Interpreter is deprecated")
    def test_of_litert_is_read_without_the_course(self, model, files):
        import tensorflow as tf

        interpreter = tf.lite.Interpreter(str(files(".tflite")))
        interpreter.allocate_tensors()
        (takes,), (gives,) = interpreter.get_input_details(), interpreter.get_output_details()
        assert takes["shape_signature"].tolist() == [1, 8, 8, 3]
        interpreter.set_tensor(takes["index"], noise(1))
        interpreter.invoke()
        expected = model.predict(noise(1), verbose=0)
        np.testing.assert_allclose(interpreter.get_tensor(gives["index"]), expected, atol=1e-6)
        with zipfile.ZipFile(files(".tflite")) as archive:
            assert archive.read("labels.txt").decode("utf-8").splitlines() == NAMES

    def test_of_onnx_is_read_without_the_course(self, model, files):
        running = pytest.importorskip("onnxruntime").InferenceSession(files(".onnx"))
        (takes,) = running.get_inputs()
        assert isinstance(takes.shape[0], str) and takes.shape[1:] == [8, 8, 3]
        for number in (1, 3):
            expected = model.predict(noise(number), verbose=0)
            np.testing.assert_allclose(running.run(None, {takes.name: noise(number)})[0], expected, atol=1e-6)
        assert json.loads(running.get_modelmeta().custom_metadata_map["class_names"]) == NAMES

    def test_of_half_the_precision_has_half_the_size(self, tmp_path):
        layers = [keras.layers.Flatten(), keras.layers.Dense(256), keras.layers.Dense(3), keras.layers.Softmax()]
        model = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Rescaling(1 / 255), *layers])
        whole = formats.litert(model, tmp_path / "whole.tflite", NAMES)
        half = formats.litert(model, tmp_path / "half.tflite", NAMES, half=True)
        assert 0.45 < half.stat().st_size / whole.stat().st_size < 0.6
        difference = np.abs(formats.load(half)[0](noise(9)) - formats.load(whole)[0](noise(9))).max()
        assert 0 < difference < 0.03
        assert formats.facts(half)["precision"] == "float16"

    def test_of_a_real_network_agrees_on_many_pictures(self, tmp_path):
        network = backbones.load("EfficientNet-Lite0", (64, 64, 3))
        base = keras.Model(
            network.input, network.get_layer("block3b_add").output
        )  # all kinds of layers, a third of the time
        base.trainable = False
        pixels = keras.Input((None, None, 3))
        resized = keras.ops.clip(keras.layers.Resizing(64, 64, interpolation="bicubic")(pixels), 0, 255)
        maps = base(backbones.known("EfficientNet-Lite0").preprocess(resized))
        head = keras.layers.Dense(3, kernel_initializer=keras.initializers.RandomNormal(stddev=0.02, seed=0))
        logits = head(keras.layers.GlobalAveragePooling2D()(maps))
        model = keras.Model(pixels, keras.layers.Softmax()(keras.layers.Rescaling(1 / 1.7)(logits)))
        coarse = np.random.default_rng(1).uniform(0, 255, (32, 4, 4, 3)).repeat(16, 1).repeat(16, 2)
        pictures = np.clip(coarse + noise(32, 64) / 8, 0, 255).astype("float32")
        expected = model.predict(pictures, verbose=0)
        assert expected.std(axis=0).min() > 0.01, "the pictures should be told apart"
        for ending in WRITE:
            if ending == ".onnx":
                pytest.importorskip("tf2onnx")
            answer, _ = formats.load(WRITE[ending](model, tmp_path / f"real{ending}", NAMES))
            np.testing.assert_allclose(answer(pictures), expected, atol=1e-4, err_msg=ending)

    @both
    @pytest.mark.parametrize("shape", [(8, 8, 3), (1, 9, 8, 3), (0, 8, 8, 3), (2, 8, 8, 1)], ids=str)
    def test_takes_pictures_of_its_size(self, files, ending, shape):
        with pytest.raises(ValueError, match=r"Pictures of shape .*expected \(n, 8, 8, 3\)"):
            formats.load(files(ending))[0](np.zeros(shape))

    def test_of_litert_is_opened_by_its_newer_package_where_that_is_installed(self, files, monkeypatch):
        import tensorflow as tf

        used, package, inner = [], ModuleType("ai_edge_litert"), ModuleType("ai_edge_litert.interpreter")
        inner.Interpreter = lambda **how: used.append(True) or tf.lite.Interpreter(**how)
        monkeypatch.setitem(sys.modules, package.__name__, package)
        monkeypatch.setitem(sys.modules, inner.__name__, inner)
        assert formats.load(files(".tflite"))[1] == tuple(NAMES) and used


class TestNothingIsWritten:
    CASES = {
        "logits": (lambda: tiny(), {}, "gives logits: end it in keras.layers.Softmax"),
        "few names": (classifier, {"class_names": NAMES[:2]}, r"gives shape \(None, 3\), but there are 2 class names"),
        "a name twice": (classifier, {"class_names": ["a", "b", "a"]}, "all different"),
        "a line break": (classifier, {"class_names": ["a", "b\nc", "d"]}, "expected words"),
        "threshold": (classifier, {"unknown_below": 60}, "expected a probability"),
        "no model": (lambda: "model.keras", {}, "expected a keras.Model"),
    }

    @both
    @pytest.mark.parametrize("case", CASES)
    def test_of_what_others_could_not_use(self, tmp_path, ending, case):
        build, how, words = self.CASES[case]
        with pytest.raises(ValueError, match=words):
            WRITE[ending](build(), tmp_path / f"toy{ending}", **{"class_names": NAMES, **how})
        assert list(tmp_path.iterdir()) == []

    @both
    @pytest.mark.parametrize("name", ["toy.keras", "toy", "nowhere/toy{}"])
    def test_under_another_name(self, tmp_path, ending, name):
        with pytest.raises(ValueError, match=f"expected a file name that ends in {ending}|There is no folder"):
            WRITE[ending](classifier(), tmp_path / name.format(ending), NAMES)

    @both
    def test_of_another_precision(self, tmp_path, ending):
        before = keras.config.dtype_policy()
        keras.config.set_dtype_policy("mixed_bfloat16")
        try:
            model = classifier()
        finally:
            keras.config.set_dtype_policy(before)
        with pytest.raises(ValueError, match="computes in bfloat16: build it in float32"):
            WRITE[ending](model, tmp_path / f"toy{ending}", NAMES)

    class Counting(keras.layers.Layer):
        """Keeps a number that no converter sees: Keras counts on, a file stays at the number of its conversion."""

        calls = 0

        def call(self, inputs):
            self.calls += 1
            return inputs / 255 * (1 + self.calls % 7)

    class Foreign(keras.layers.Layer):
        """Resizes by an operation that neither format has."""

        def call(self, inputs):
            return keras.ops.image.resize(inputs, (9, 9), interpolation="bicubic", antialias=True)

    @both
    @pytest.mark.parametrize(
        ("layer", "words"), [(Counting, "gives other probabilities .*apart by up to"), (Foreign, "cannot be")]
    )
    def test_that_differs_from_the_model_or_does_not_run(self, tmp_path, ending, layer, words):
        path = tmp_path / f"toy{ending}"
        path.write_bytes(b"an earlier one")
        with pytest.raises(ValueError, match=words) as caught:
            WRITE[ending](classifier(first=layer()), path, NAMES)
        assert len(str(caught.value).splitlines()) == 1
        assert path.read_bytes() == b"an earlier one" and list(tmp_path.iterdir()) == [path]

    def test_on_a_full_disk(self, tmp_path, monkeypatch):
        def full(*_, **__):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(keras.Model, "export", full)
        with pytest.raises(storage.StorageError, match="No space left on device"):
            formats.litert(classifier(), tmp_path / "toy.tflite", NAMES)
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize("package", ["onnx", "onnxruntime", "tf2onnx"])
    def test_without_a_package(self, tmp_path, package, monkeypatch):
        for name in ("onnx", "onnxruntime", "tf2onnx"):
            monkeypatch.setitem(sys.modules, name, sys.modules.get(name, ModuleType(name)))
        monkeypatch.setitem(sys.modules, package, None)
        with pytest.raises(ImportError, match=rf'needs {package}: pip install "swap-the-head\[onnx\]".*"\.\[onnx\]"'):
            formats.onnx(classifier(), tmp_path / "toy.onnx", NAMES)
        assert list(tmp_path.iterdir()) == []


class TestLoad:
    @both
    @pytest.mark.parametrize("damage", ["half", "end", "beginning", "middle", "letters", "empty", "text"])
    def test_of_a_damaged_file_is_an_error_of_one_line(self, files, tmp_path, ending, damage, capfd):
        whole = files(ending).read_bytes()
        middle = len(whole) // 3
        spoilt = {
            "half": whole[: len(whole) // 2],
            "end": whole[:-60],
            "beginning": bytes(40) + whole[40:],
            "middle": whole[:middle] + b"\xff" * 200 + whole[middle + 200 :],  # LiteRT's reader would end the process
            "letters": whole.replace("猫".encode(), b"\xff\xff\xff").replace(b"Softmax", b"\xffoftmax"),
            "empty": b"",
            "text": b"no model",
        }
        path = tmp_path / f"spoilt{ending}"
        path.write_bytes(spoilt[damage])
        with pytest.raises(model_file.ModelFileError, match=rf"spoilt{ending} cannot be opened: ['\w]") as caught:
            formats.load(path)
        assert len(str(caught.value).splitlines()) == 1 and capfd.readouterr() == ("", "")

    def test_of_files_that_others_wrote(self, files, tmp_path):
        with zipfile.ZipFile(files(".tflite")) as archive:
            end = archive.infolist()[0].header_offset
        (tmp_path / "bare.tflite").write_bytes(files(".tflite").read_bytes()[:end])
        with pytest.raises(model_file.ModelFileError, match="no class names at its end"):
            formats.load(tmp_path / "bare.tflite")
        (tmp_path / "labelled.tflite").write_bytes((tmp_path / "bare.tflite").read_bytes())
        with zipfile.ZipFile(tmp_path / "labelled.tflite", "a") as archive:
            archive.writestr("labels.txt", "a\nb\nc")
        with pytest.raises(model_file.ModelFileError, match="no item named 'class_names.json'"):
            formats.load(tmp_path / "labelled.tflite")
        onnx = pytest.importorskip("onnx")
        other = onnx.load(files(".onnx"))
        del other.metadata_props[:]
        onnx.save(other, tmp_path / "bare.onnx")
        with pytest.raises(model_file.ModelFileError, match="no class names among its metadata_props"):
            formats.load(tmp_path / "bare.onnx")

    @pytest.mark.parametrize("name", ["none.tflite", "none.onnx", "toy.keras", "."])
    def test_of_no_such_file(self, tmp_path, name):
        (tmp_path / "toy.keras").touch()
        with pytest.raises(model_file.ModelFileError, match="ends in .tflite or .onnx"):
            formats.load(tmp_path / name)

    def test_without_onnxruntime_says_what_to_install(self, tmp_path, monkeypatch):
        monkeypatch.setitem(sys.modules, "onnxruntime", None)
        (tmp_path / "toy.onnx").touch()
        with pytest.raises(ImportError, match="needs onnxruntime: pip install"):
            formats.load(tmp_path / "toy.onnx")


def test_a_notebook_sees_no_line_of_the_converters(python):
    pytest.importorskip("tf2onnx")
    code = """
        import os, sys
        os.environ.pop("TF_CPP_MIN_LOG_LEVEL", None)
        sys.path.append(sys.argv[1])
        from helpers import session
        session.start()
        from helpers.saving import formats
        from saving_cases import NAMES, noise
        from test_formats import any_size
        model = any_size()
        sys.stderr = sys.stdout  # as in a notebook, where it is not descriptor 2
        for write, path in ((formats.litert, "toy.tflite"), (formats.onnx, "toy.onnx")):
            answer, names = formats.load(write(model, path, NAMES))
            print(names == tuple(NAMES), answer(noise(2)).shape, flush=True)
    """
    output, errors = python(code, __file__.rpartition("test_formats")[0]).communicate(timeout=120)
    assert errors == ""
    assert output.splitlines()[1:] == ["True (2, 3)"] * 2 and output.startswith("Ready")
