"""A saved model is used on new pictures: resized as in training, softmax where it is due, bad files named."""

import functools
import io
import json
import os
import subprocess
import sys
from types import SimpleNamespace

import keras
import numpy as np
import pandas as pd
import pytest
from PIL import Image
from scipy import special

from helpers import predict
from helpers.pictures import fitting, images
from helpers.saving import export, model_card

NAMES = ("blue", "green", "red")
TEXTS = {"name": "Toy", "training": "By hand.", "intended_use": "A test.", "limits": "All else."}
ROOT = os.path.dirname(os.path.dirname(__file__))


def colour_counter(activation=None):
    """A network built by hand: one output for blue, green and red each, the brighter the larger."""
    pixels = keras.Input((32, 32, 3))
    row = keras.layers.GlobalAveragePooling2D()(keras.layers.Rescaling(1 / 255)(pixels))
    head = keras.layers.Dense(3, activation=activation)
    model = keras.Model(pixels, head(row), name="colours")
    head.set_weights([8 * np.eye(3)[::-1], np.zeros(3)])
    return model


COUNTS = pd.DataFrame({"train": [1] * 3, "validation": [1] * 3, "test": [1] * 3}, pd.Index(NAMES, name="class"))


def saved(model, path):
    data = SimpleNamespace(name="colours", class_names=NAMES, counts=lambda: COUNTS)
    return export.save(model, path, NAMES, model_card.describe(data, [0, 1, 2], [0, 1, 2], **TEXTS))


def photo(height, width, seed=0):
    """Something with edges and fine detail, where ways of resizing differ."""
    generator = np.random.default_rng(seed)
    coarse = generator.uniform(0, 255, (height // 8 + 1, width // 8 + 1, 3)).repeat(8, 0).repeat(8, 1)
    fine = generator.uniform(-60, 60, (height, width, 3))
    return Image.fromarray(np.clip(coarse[:height, :width] + fine, 0, 255).astype("uint8"))


class TestPixels:
    @pytest.fixture(scope="class")
    @classmethod
    def folder(cls, tmp_path_factory):
        """Two classes of pictures of all kinds: small and large, turned by EXIF, grey, with transparency."""
        folder = tmp_path_factory.mktemp("pictures")
        turned = Image.Exif()
        turned[0x0112] = 6
        for name in ("a", "b"):
            (folder / name).mkdir()
        photo(40, 40).save(folder / "a" / "small.png")
        photo(1500, 900, 1).save(folder / "a" / "large.jpg", exif=turned)
        photo(700, 1300, 2).save(folder / "a" / "wide.webp", lossless=True)
        photo(90, 60, 3).convert("L").save(folder / "b" / "grey.png")
        clear = photo(120, 120, 4).convert("RGBA")
        clear.putalpha(photo(120, 120, 5).convert("L"))
        clear.save(folder / "b" / "clear.png")
        photo(520, 520, 6).save(folder / "b" / "bmp.bmp")
        return folder

    @pytest.mark.parametrize("fit", ["stretch", "crop", "pad"])
    def test_of_every_file_are_those_of_training(self, folder, fit):
        data = images.load(folder, image_size=(48, 64), fit=fit)
        seen = set()
        for split in images.SPLITS:
            batches = [np.asarray(batch) for batch, _ in data.in_order(split)]
            for path, trained in zip(data.files(split), np.concatenate(batches), strict=True):
                original = folder / path.parent.name / path.name.removesuffix(".png")
                np.testing.assert_allclose(predict.pixels(original, (48, 64), fit)[0], trained, atol=1e-3)
                seen.add(original.name)
        assert len(seen) == 6

    @pytest.mark.parametrize("large", [False, True])
    def test_of_an_opened_picture_are_those_of_its_file(self, tmp_path, large):
        turned = Image.Exif()
        turned[0x0112] = 6
        picture = photo(1300, 1100) if large else photo(90, 70)
        clear = picture.convert("RGBA")
        clear.putalpha(picture.convert("L"))
        shades = (np.asarray(picture.convert("L"), np.uint16) * 257).astype(np.uint16)
        files = {
            "turned.jpg": (picture, {"exif": turned}),
            "turned.png": (picture, {"exif": turned}),
            "passes.jpg": (picture, {"progressive": True}),
            "print.jpg": (picture.convert("CMYK"), {}),
            "clear.png": (clear, {}),
            "clear grey.png": (clear.convert("LA"), {}),
            "colours.gif": (picture.convert("P"), {"transparency": 3}),
            "16 bits.png": (Image.fromarray(shades), {}),
            "16 bits clear.png": (Image.fromarray(shades), {"transparency": int(shades[0, 0])}),
            "bits.png": (picture.convert("1"), {}),
        }
        for name, (content, options) in files.items():
            content.save(tmp_path / name, **options)
            expected = predict.pixels(tmp_path / name, (32, 48))
            with Image.open(tmp_path / name) as opened:
                size, mode = opened.size, opened.mode
                np.testing.assert_array_equal(predict.pixels(opened, (32, 48)), expected, err_msg=name)
                opened.load()  # pixels of a large JPEG are then finer, which shows in few of them
                again = predict.pixels(opened, (32, 48))
                assert np.abs(again - expected).mean() < (0.8 if name.endswith("jpg") and large else 1e-6), name
                assert (opened.size, opened.mode) == (size, mode)
                if (content.mode, options) == ("RGB", {}):
                    np.testing.assert_array_equal(predict.pixels(np.asarray(opened), (32, 48)), again)

    def test_of_a_large_array_are_those_of_its_picture(self):
        picture = photo(700, 1300)
        expected = predict.pixels(picture, (32, 48))
        for array in (np.asarray(picture), np.asarray(picture, "float64")):
            np.testing.assert_array_equal(predict.pixels(array, (32, 48)), expected)

    @pytest.mark.parametrize(
        ("picture", "words"),
        [
            (np.full((40, 40, 3), 0.5), "at most 0.5: divided by 255, it seems.*multiply them by 255"),
            (np.eye(40)[..., None].repeat(3, 2).astype("float16"), "float16 and at most 1"),
            (Image.fromarray(np.eye(40, dtype="float32")), "mode F have no known range"),
            (Image.fromarray(np.eye(40, dtype="int32")), "mode I have no known range"),
            (Image.new("RGB", (4000, 40)), "too small to show anything once it is 512"),
            (np.zeros((40, 4000, 3), "uint8"), "too small to show anything once it is 512"),
            (Image.new("RGB", (12, 40)), "12 × 40 pixels: too small"),
        ],
        ids=["0 to 1", "white in 0 to 1", "floats", "integers", "strip", "long array", "tiny"],
    )
    def test_refuses_what_a_file_could_not_be(self, picture, words):
        with pytest.raises(ValueError, match=words):
            predict.pixels(picture, (32, 32))

    @pytest.mark.parametrize("dark", [np.zeros((40, 40, 3)), np.ones((40, 40, 3), "uint8")])
    def test_of_a_dark_picture_are_dark(self, dark):
        assert np.abs(predict.pixels(dark, (32, 32)) - dark.max()).max() < 1e-5

    @pytest.mark.parametrize("size", [32, None, (32,), (0, 32), ("a", "b"), (32.5, 32), (32, 32, 3)])
    def test_a_size_is_height_and_width(self, size):
        with pytest.raises(ValueError, match="expected height and width in pixels"):
            predict.pixels(photo(32, 32), size)

    def test_another_way_of_resizing_would_not_be_the_same(self, folder):
        picture = folder / "b" / "bmp.bmp"
        smooth = np.asarray(Image.open(picture).resize((64, 48), Image.Resampling.BICUBIC), "float32")
        assert np.abs(predict.pixels(picture, (48, 64))[0] - smooth).max() > 10

    def test_of_a_file_a_picture_and_an_array_agree(self, folder):
        path = folder / "a" / "small.png"
        opened = Image.open(path)
        for picture in (str(path), opened, np.asarray(opened), np.asarray(opened, "float32")):
            batch = predict.pixels(picture, (32, 32))
            assert batch.shape == (1, 32, 32, 3) and batch.dtype == np.float32
            assert batch.min() >= 0 and batch.max() <= 255
            np.testing.assert_array_equal(batch, predict.pixels(path, (32, 32)))
        assert opened.size == (40, 40)

    @pytest.mark.parametrize(
        "wrong",
        [
            np.zeros((1, 8, 8, 3)),
            np.zeros((8, 8)),
            np.zeros((0, 8, 3)),
            np.full((8, 8, 3), 300.0),
            np.full((8, 8, 3), -1.0),
            np.full((8, 8, 3), np.nan),
            np.full((8, 8, 3), "a"),
        ],
        ids=["batch", "grey", "empty", "bright", "preprocessed", "nan", "text"],
    )
    def test_refuses_arrays_that_are_no_picture(self, wrong):
        with pytest.raises(ValueError, match="expected|outside 0 to 255"):
            predict.pixels(wrong, (8, 8))


class TestClassify:
    def test_gives_probabilities_by_name_the_largest_first(self):
        green = np.zeros((20, 30, 3), "uint8")
        green[..., 1] = 255
        table = predict.classify(colour_counter(), NAMES, green)
        assert table.columns.tolist() == ["class", "probability"] and table.index.tolist() == [0, 1, 2]
        assert table["class"].tolist() == ["green", "blue", "red"]
        expected = np.exp([8, 0, 0]) / np.exp([8, 0, 0]).sum()
        np.testing.assert_allclose(table["probability"], expected, rtol=1e-5)

    def test_applies_softmax_to_logits_only(self):
        picture = photo(32, 32)
        logits, probabilities = (predict.classify(colour_counter(end), NAMES, picture) for end in (None, "softmax"))
        pd.testing.assert_frame_equal(logits, probabilities, atol=1e-6)
        assert logits["probability"].sum() == pytest.approx(1)

    def test_refuses_names_that_do_not_fit(self):
        with pytest.raises(ValueError, match="3 numbers, but there are 2 class names"):
            predict.classify(colour_counter(), NAMES[:2], photo(32, 32))

    @pytest.mark.parametrize("value", [np.nan, np.inf])
    def test_numbers_that_are_none_are_an_error(self, value):
        model = colour_counter()
        model.layers[-1].set_weights([np.full((3, 3), value), np.zeros(3)])
        with pytest.raises(ValueError, match="gives NaN or infinite numbers"):
            predict.classify(model, NAMES, photo(32, 32))

    @pytest.mark.parametrize("names", [set(NAMES), dict.fromkeys(NAMES, 0), "red", None, 5])
    def test_names_have_an_order(self, names):
        with pytest.raises(ValueError, match="class_names=.*expected a list in the order of the labels"):
            predict.classify(colour_counter(), names, photo(32, 32))

    WRONG = [np.zeros((1, 48, 32, 3)), np.zeros((0, 32, 32, 3)), np.zeros((32, 32, 3)), None, [], "picture"]

    @pytest.mark.parametrize("batch", [*WRONG, np.full((1, 32, 32, 3), np.nan)], ids=str)
    def test_a_batch_that_the_model_does_not_take(self, batch):
        with pytest.raises(ValueError, match=r"expected finite pictures \(None, 32, 32, 3\)"):
            predict.tables(colour_counter(), NAMES, batch)

    @pytest.mark.parametrize("model", [None, "model.keras", [1]])
    def test_what_is_no_model(self, model):
        with pytest.raises(ValueError, match="expected a keras.Model"):
            predict.classify(model, NAMES, photo(32, 32))

    def test_two_outputs_are_refused_and_a_dictionary_of_one_is_read(self):
        model, picture = colour_counter(), photo(32, 32)
        with pytest.raises(ValueError, match="2 outputs: expected one"):
            predict.classify(keras.Model(model.inputs[0], [model.outputs[0]] * 2), NAMES, picture)
        named = keras.Model(model.inputs[0], {"colour": model.outputs[0]})
        assert predict.classify(named, NAMES, picture).equals(predict.classify(model, NAMES, picture))

    def test_a_batch_is_answered_as_its_pictures_are(self):
        model, pictures = colour_counter(), [photo(32, 32, seed) for seed in range(3)]
        batch = np.concatenate([predict.pixels(picture, (32, 32)) for picture in pictures])
        for table, picture in zip(predict.tables(model, NAMES, batch), pictures, strict=True):
            pd.testing.assert_frame_equal(table, predict.classify(model, NAMES, picture), rtol=1e-5)

    @pytest.mark.parametrize("fit", ["stretch", "crop", "pad"])
    def test_a_resizing_inside_says_how_pictures_are_brought_to_their_size(self, fit, tmp_path):
        """A model that resizes by itself gives the same for a whole picture, and for what `pixels` makes of it."""
        any_size = keras.Input((None, None, 3))
        resize = keras.layers.Resizing(32, 32, interpolation="bicubic", **fitting.how(fit))
        model = keras.Model(any_size, colour_counter()(keras.ops.clip(resize(any_size), 0, 255)))
        picture = photo(60, 90)
        picture.paste((255, 0, 0), (0, 0, 20, 60))
        picture.save(tmp_path / "photo.png")
        itself = model(np.asarray(picture, "float32")[None]).numpy()[0]
        table = predict.classify(model, NAMES, tmp_path / "photo.png")
        expected = special.softmax(itself.astype("float64"))
        np.testing.assert_allclose(table.set_index("class")["probability"][list(NAMES)], expected, atol=1e-5)
        with pytest.raises(ValueError, match="fit='fill': expected 'stretch'"):
            predict.pixels(picture, (32, 32), "fill")

    def test_says_which_file_is_no_picture(self, tmp_path):
        (tmp_path / "text.jpg").write_text("no picture")
        with pytest.raises(ValueError, match=r"text\.jpg"):
            predict.classify(colour_counter(), NAMES, tmp_path / "text.jpg")


def plain_png(colour, side=40):
    return Image.new("RGB", (side, side), colour)


@pytest.fixture(scope="module")
def model_folder(tmp_path_factory):
    """A folder with a model, with good pictures, and with bad ones of many kinds."""
    model_folder = tmp_path_factory.mktemp("command")
    saved(colour_counter(), model_folder / "model.keras")
    plain_png("red").save(model_folder / "red.jpg")
    plain_png("lime").save(model_folder / "grün picture.png")
    (model_folder / "text.jpg").write_text("no picture")
    (model_folder / "empty.png").write_bytes(b"")
    (model_folder / "cut.jpg").write_bytes((model_folder / "red.jpg").read_bytes()[:300])
    Image.new("1", (20_000, 20_000)).save(model_folder / "bomb.png")
    (model_folder / "folder.png").mkdir()
    (model_folder / "other.keras").write_bytes(b"\x80\x04K\x01.")
    return model_folder


def command(model_folder, *arguments):
    """Run the command as a user does, TensorFlow's own log lines not silenced from outside."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("TF_")}
    environment["PYTHONPATH"], environment["PYTHONIOENCODING"] = ROOT, "utf-8"
    line = [sys.executable, "-m", "helpers.predict", *arguments]
    return subprocess.run(line, cwd=model_folder, env=environment, capture_output=True, encoding="utf-8", timeout=120)


class TestCommand:
    def test_prints_a_table_for_each_picture_and_nothing_else(self, model_folder):
        result = command(model_folder, "model.keras", "red.jpg", "grün picture.png")
        assert (result.returncode, result.stderr) == (0, "")
        lines = result.stdout.splitlines()
        assert len(lines) == 8 and lines[0] == "red.jpg" and lines[4] == "grün picture.png"
        assert lines[1].split() == ["red", "99.9%"] and lines[5].split() == ["green", "99.9%"]

    def test_names_each_bad_file_in_one_line_and_goes_on(self, model_folder):
        bad = ["missing.jpg", "text.jpg", "empty.png", "cut.jpg", "bomb.png", "folder.png"]
        result = command(model_folder, "model.keras", *bad, "red.jpg", "--precision", "float32")
        assert result.returncode == 1 and "Traceback" not in result.stderr
        lines = result.stderr.splitlines()
        assert len(lines) == len(bad), result.stderr
        assert all(name in line for name, line in zip(bad, lines, strict=True))
        assert result.stdout.splitlines()[:2] == ["red.jpg", "  red     99.9%"]

    @pytest.mark.parametrize(("model", "words"), [("other.keras", "pickle"), ("none.keras", "No file is called")])
    def test_a_bad_model_is_one_line(self, model_folder, model, words, capsys, monkeypatch):
        monkeypatch.setattr(predict.session, "start", lambda: print("versions"))
        assert predict.main([str(model_folder / model), str(model_folder / "red.jpg")]) == 1
        output, errors = capsys.readouterr()
        assert output == "" and words in errors and len(errors.splitlines()) == 1

    def test_a_model_without_its_card_is_told_and_used(self, model_folder, capsys, tmp_path, monkeypatch):
        monkeypatch.setattr(predict.session, "start", lambda: print("versions"))
        (tmp_path / "model.keras").write_bytes((model_folder / "model.keras").read_bytes())
        assert predict.main([str(tmp_path / "model.keras"), str(model_folder / "red.jpg")]) == 0
        output, errors = capsys.readouterr()
        assert "red     99.9%" in output and errors.startswith("Note: model.keras has no model card")

    def test_escapes_what_could_steer_a_terminal(self, model_folder, capsys, monkeypatch):
        monkeypatch.setattr(predict.session, "start", lambda: None)
        assert predict.main([str(model_folder / "model.keras"), "a\x1b[2J.jpg"]) == 1
        assert "\x1b" not in "".join(capsys.readouterr())

    @pytest.fixture
    def run(self, model_folder, capsys, monkeypatch):
        """Run the command in this process, in the folder of the model; return its code and lines."""
        monkeypatch.setattr(predict.session, "start", lambda: None)
        monkeypatch.chdir(model_folder)

        def run(*arguments):
            code = predict.main(arguments)
            output, errors = capsys.readouterr()
            return code, output.splitlines(), errors.splitlines()

        return run

    def test_what_is_no_file_says_what_to_give(self, run):
        code, lines, errors = run(
            "model.keras", "folder.png", "https://here.org/red.jpg", "-", "no*.jpg", "re[d].jpg", "--top", "1",
            "--precision", "float32",
        )  # fmt: skip
        assert code == 1 and lines == ["red.jpg", "  red   99.9%", "1 of 5 pictures classified: red 1"]
        words = [
            "a folder without pictures",
            "download or save the picture first",
            "standard input",
            "No such",
        ]
        assert all(text in line for text, line in zip(words, errors, strict=True))

    @pytest.mark.parametrize("form", ["--csv", "--json"])
    def test_what_is_interrupted_keeps_what_it_has(self, model_folder, capsys, monkeypatch, form):
        monkeypatch.setattr(predict.session, "start", lambda: None)
        monkeypatch.chdir(model_folder)
        opened, calls = predict.tables, []

        def stopped(*given):
            if calls:
                raise KeyboardInterrupt
            calls.append(given)
            return opened(*given)

        monkeypatch.setattr(predict, "tables", stopped)
        with pytest.raises(KeyboardInterrupt):
            predict.main(["model.keras", *["red.jpg"] * 40, form, "--top", "1", "--precision", "float32"])
        text = capsys.readouterr().out
        if form == "--csv":
            assert len(text.splitlines()) == 1 + predict.BATCH
        else:
            assert len(json.loads(text)) == predict.BATCH

    @pytest.mark.parametrize("form", ["--csv", "--json", None])
    def test_a_name_that_is_no_text_costs_no_answer(self, run, tmp_path, form):
        odd = os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.png")
        plain_png((250, 0, 0)).save(odd)
        code, lines, _ = run("model.keras", odd, "--top", "1", *([form] if form else []))
        assert code == 0 and "caf" in "".join(lines) and "red" in "".join(lines)

    def test_a_folder_that_cannot_be_read_is_named(self, run, tmp_path, monkeypatch):
        for name in ("open", "shut"):
            (tmp_path / name).mkdir()
            plain_png((250, 0, 0)).save(tmp_path / name / "red.png")
        scandir, listdir = os.scandir, os.listdir

        def refuse(real, path):
            if str(path).endswith("shut"):
                raise PermissionError(13, "Permission denied", str(path))
            return real(path)

        monkeypatch.setattr(os, "scandir", functools.partial(refuse, scandir))
        monkeypatch.setattr(os, "listdir", functools.partial(refuse, listdir))
        code, lines, errors = run("model.keras", str(tmp_path), "--top", "1")
        assert code == 1 and len(lines) == 2 and errors[0].endswith("shut: Permission denied")

    @pytest.mark.parametrize(
        "wrong", [("--top", "0"), ("--top", "-1"), ("--unknown-below", "2"), ("--unknown-below", "nan")]
    )
    def test_a_number_that_cannot_be_is_refused_at_once(self, run, capsys, wrong):
        with pytest.raises(SystemExit) as ended:
            run("model.keras", "red.jpg", *wrong)
        assert ended.value.code == 2 and "expected a" in capsys.readouterr().err

    def test_a_name_of_no_letters_is_told(self, run):
        code, _, errors = run("model.keras", "", "red.jpg", "--top", "1")
        assert code == 1 and errors == [": no file is named"]

    @pytest.mark.parametrize("module", ["helpers", "helpers.predict"])
    def test_a_closed_output_is_told(self, model_folder, module):
        words = [sys.executable, "-m", module, *(["predict"] if module == "helpers" else []), "model.keras", "red.jpg"]
        ended = subprocess.run(
            ["sh", "-c", 'exec "$@" >&-', "sh", *words],
            cwd=model_folder, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True,
        )  # fmt: skip
        assert ended.returncode == 1 and "the output is closed" in ended.stderr

    def test_names_beside_those_of_the_file_are_refused(self, run):
        code, lines, errors = run("model.keras", "red.jpg", "--classes", "a,b")
        assert code == 1 and not lines and "names of its own for its classes" in errors[0]

    def test_of_a_folder_all_pictures_are_taken_also_in_folders_inside(self, run, tmp_path):
        inside = tmp_path / "trip" / "day 2" / "more"
        inside.mkdir(parents=True)
        plain_png("red").save(tmp_path / "trip" / "a.png")
        plain_png("blue").save(inside / "b.JPG")
        (tmp_path / "trip" / "notes.txt").write_text("nice")
        (tmp_path / "trip" / ".hidden").mkdir()
        plain_png("red").save(tmp_path / "trip" / ".hidden" / "c.png")
        code, lines, errors = run(
            "model.keras", str(tmp_path / "trip"), "red.jpg", "--top", "1", "--precision", "float32"
        )
        assert code == 0 and lines[-1] == "3 of 3 pictures classified: blue 1, red 2"
        assert lines[0] == str(tmp_path / "trip" / "a.png") and lines[2] == str(inside / "b.JPG")
        assert errors == [f"Note: {tmp_path / 'trip'}: 1 file without the ending of a picture passed over."]

    def test_an_answer_below_the_threshold_of_the_file_is_unknown(self, run, model_folder):
        data = SimpleNamespace(name="colours", class_names=NAMES, counts=lambda: COUNTS)
        card = model_card.describe(data, [0, 1, 2], [0, 1, 2], **TEXTS)
        export.save(colour_counter(), model_folder / "careful.keras", NAMES, card, unknown_below=0.6)
        plain_png((200, 190, 60)).save(model_folder / "odd.png")
        code, lines, _ = run("careful.keras", "red.jpg", "odd.png", "--top", "1")
        assert (
            code == 0 and lines[:2] == ["red.jpg", "  red   99.9%"] and lines[3] == "  unknown: no class reaches 60.0%"
        )
        answers = json.loads("\n".join(run("careful.keras", "red.jpg", "odd.png", "--json")[1]))
        assert [one["answer"] for one in answers] == ["red", "unknown"] and answers[1]["classes"][0]["class"] == "red"
        assert "unknown" not in "".join(run("careful.keras", "odd.png", "--unknown-below", "0.3")[1])

    def test_bfloat16_answers_nearly_the_same_and_it_is_said(self, run, monkeypatch):
        pictures = ["red.jpg", "grün picture.png", "red.jpg"]
        _, exact, errors = run("model.keras", *pictures, "--json", "--precision", "float32")
        assert errors == []
        _, fast, errors = run("model.keras", *pictures, "--json", "--precision", "bfloat16")
        assert len(errors) == 1 and "tested in float32, computed in bfloat16" in errors[0]
        both = zip(json.loads("\n".join(exact)), json.loads("\n".join(fast)), strict=True)
        for one, other in both:
            assert one["answer"] == other["answer"]
            assert other["classes"][0]["probability"] == pytest.approx(one["classes"][0]["probability"], abs=0.02)

    def test_two_files_of_one_name_are_told_apart(self, run, model_folder):
        for name in ("one", "two"):
            (model_folder / name).mkdir()
            (model_folder / name / "same.jpg").write_text("no picture")
        _, _, errors = run("model.keras", "*/same.jpg")
        assert [line.partition(":")[0].replace("\\", "/") for line in errors] == ["one/same.jpg", "two/same.jpg"]

    def test_answers_as_json_or_as_a_table(self, run):
        code, lines, _ = run("model.keras", "red.jpg", "text.jpg", "--json", "--top", "2")
        (picture,) = json.loads("\n".join(lines))
        assert code == 1 and picture["picture"] == "red.jpg"
        assert [one["class"] for one in picture["classes"]] == ["red", "blue"]
        assert picture["classes"][0]["probability"] == pytest.approx(0.999, abs=1e-3)
        code, lines, _ = run("model.keras", "red.jpg", "grün picture.png", "--csv", "--top", "1")
        assert code == 0 and [line.rpartition(",")[0] for line in lines] == [
            "picture,answer,class", "red.jpg,red,red", "grün picture.png,green,green",
        ]  # fmt: skip

    def test_more_pictures_than_a_batch_come_in_their_order(self, run, monkeypatch):
        monkeypatch.setattr(predict, "BATCH", 2)
        _, lines, _ = run("model.keras", "red.jpg", "grün picture.png", "text.jpg", "red.jpg", "red.jpg", "--top", "1")
        assert lines[::2] == [
            "red.jpg",
            "grün picture.png",
            "red.jpg",
            "red.jpg",
            "4 of 5 pictures classified: green 1, red 3",
        ]

    def test_nan_is_an_error(self, run, model_folder, monkeypatch):
        broken = colour_counter()
        broken.layers[-1].set_weights([np.full((3, 3), np.nan), np.zeros(3)])
        facts = {"class_names": NAMES, "unknown_below": None, "precision": None}
        monkeypatch.setattr(export, "opened", lambda path, names: (broken, facts))
        code, lines, errors = run("model.keras", "red.jpg")
        assert code == 1 and lines == [] and errors[0].startswith("red.jpg: 'colours' gives NaN")

    def test_a_model_of_others_needs_names(self, run, model_folder):
        colour_counter().save(model_folder / "foreign.keras")
        assert run("foreign.keras", "red.jpg")[0] == 1
        code, lines, _ = run("foreign.keras", "red.jpg", "--classes", "blau, grün,rot")
        assert code == 0 and lines[1].split() == ["rot", "99.9%"]
        assert "there are 2 class names" in run("foreign.keras", "red.jpg", "--classes", "a,b")[2][-1]

    def test_help_names_endings_and_an_example(self, run, capsys):
        with pytest.raises(SystemExit):
            run("--help")
        text = capsys.readouterr().out
        assert ".webp" in text and "my_model.keras holiday" in text and "--csv" in text

    @pytest.mark.parametrize("encoding", ["cp1252", "ascii"])
    def test_a_pipe_that_lacks_letters_or_closes_brings_no_traceback(self, model_folder, encoding, monkeypatch):
        monkeypatch.setattr(predict.session, "start", lambda: None)
        monkeypatch.chdir(model_folder)
        (model_folder / "猫.jpg").write_bytes((model_folder / "red.jpg").read_bytes())
        stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
        monkeypatch.setattr(sys, "stdout", stream)
        assert predict.main(["model.keras", "猫.jpg"]) == 0
        assert stream.buffer.getvalue().startswith(rb"\u732b.jpg")

        class Closed(io.TextIOWrapper):
            def write(self, text):
                raise BrokenPipeError(32, "Broken pipe")

        monkeypatch.setattr(sys, "stdout", Closed(io.BytesIO(), encoding=encoding))
        assert predict.main(["model.keras", "red.jpg"]) == 1

    @pytest.mark.skipif(not os.path.exists("/dev/full"), reason="this system has no full device")
    def test_a_full_disk_is_one_line(self, model_folder):
        command = [sys.executable, "-m", "helpers.predict", model_folder / "model.keras", model_folder / "red.jpg"]
        with open("/dev/full", "w") as full:
            ended = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, cwd=ROOT, timeout=120)
        assert ended.returncode == 1
        assert ended.stderr == "The answers could not be written: No space left on device.\n"

    def test_without_a_picture_it_says_how_to_call_it(self, model_folder, capsys):
        with pytest.raises(SystemExit) as stopped:
            predict.main([str(model_folder / "model.keras")])
        assert stopped.value.code == 2 and "model path [path ...]" in capsys.readouterr().err
