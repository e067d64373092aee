"""A file that is damaged, of another kind, or could run code is refused before Keras opens it."""

import ast
import json
import pickle
import warnings
import zipfile
from pathlib import Path

import h5py
import keras
import pytest
from saving_cases import altered, lambda_file, with_weights

import helpers
from helpers.saving import export, model_file


class TestLoadRefuses:
    @pytest.fixture(autouse=True)
    def keras_is_never_asked(self, monkeypatch):
        monkeypatch.setattr(keras.models, "load_model", lambda *args, **kwargs: pytest.fail("Keras opened the file"))

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
        monkeypatch.setattr(zipfile.ZipFile, "open", lambda *args, **kwargs: pytest.fail("unpacked"))
        with pytest.raises(model_file.ModelFileError, match=f"{member} would unpack to 31,457,280"):
            export.load(bomb)

    def test_thousands_of_members(self, copy):
        with zipfile.ZipFile(copy, "a") as archive:
            for number in range(model_file.MOST_MEMBERS):
                archive.writestr(f"{number}", "")
        with pytest.raises(model_file.ModelFileError, match="holds 1,004 members"):
            export.load(copy)

    def test_weights_that_are_declared_and_not_stored(self, copy, tmp_path):
        with zipfile.ZipFile(copy) as archive:
            config = json.loads(archive.read("config.json"))

        def swell(file):
            file.create_dataset("more", shape=(20_000, 20_000), dtype="float32", chunks=(1000, 1000))

        swollen = with_weights(copy, tmp_path / "swollen.keras", swell)
        with pytest.raises(model_file.ModelFileError, match=r"weights of 1,600,000,\d+ bytes in \d\d,"):
            export.load(swollen)
        config["config"]["layers"][-1]["config"]["units"] = 10**9
        huge = altered(copy, tmp_path / "huge.keras", config__json=json.dumps(config))
        with pytest.raises(model_file.ModelFileError, match="units of 1,000,000,000 without weights"):
            export.load(huge)

    def test_a_folder(self, tmp_path):
        with pytest.raises(
            model_file.ModelFileError, match="it is a folder. Of a SavedModel, load it where it was made"
        ):
            export.load(tmp_path)

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


def test_nothing_that_a_learner_runs_unpickles_or_leaves_safe_mode():
    for path in Path(helpers.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import | ast.ImportFrom):
                names = {alias.name for alias in node.names} | {getattr(node, "module", None)}
                assert not names & {"pickle", "dill", "joblib", "marshal", "shelve", "cloudpickle"}, path.name
            if isinstance(node, ast.Call):
                settings = {keyword.arg: getattr(keyword.value, "value", None) for keyword in node.keywords}
                assert settings.get("safe_mode", True) is True and not settings.get("allow_pickle"), path.name
                called = getattr(node.func, "attr", "")
                assert called != "enable_unsafe_deserialization", path.name
                assert called != "load_model" or "safe_mode" in settings, path.name
