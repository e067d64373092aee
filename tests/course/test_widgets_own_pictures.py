"""Pictures come in through the browser, and a saved model answers on them in pictures and in words."""

import datetime
import io
import re

import ipywidgets
import keras
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from helpers import predict
from helpers.course import widgets
from helpers.course.widgets import own_pictures
from helpers.saving import explain, export, model_card, model_file

MODIFIED = datetime.datetime(2025, 1, 31, tzinfo=datetime.UTC)
COLOURS = {"red": (230, 20, 20), "green": (20, 230, 20)}


def png(colour, side=40, seed=0):
    """A grey picture with a coloured patch in its upper left, as the bytes of a PNG."""
    pixels = np.random.default_rng(seed).integers(110, 120, (side, side, 1)).repeat(3, 2).astype("uint8")
    pixels[: side // 4, : side // 4] = COLOURS[colour]
    data = io.BytesIO()
    Image.fromarray(pixels).save(data, "png")
    return data.getvalue()


def uploaded(*files):
    """What an `ipywidgets.FileUpload` holds: (name, bytes) for each file."""
    return tuple(
        {"name": name, "type": "", "size": len(content), "content": memoryview(content), "last_modified": MODIFIED}
        for name, content in files
    )


@pytest.fixture(scope="module")
def model_path(tmp_path_factory):
    """A network built by hand that counts red against green, saved with its card."""
    pixels = keras.Input((32, 32, 3))
    convolution = keras.layers.Conv2D(2, 3, padding="same", activation="relu", name="colours")
    row = keras.layers.GlobalAveragePooling2D()(convolution(keras.layers.Rescaling(1 / 255)(pixels)))
    head = keras.layers.Dense(2)
    model = keras.Model(pixels, head(row))
    kernel = np.zeros((3, 3, 3, 2), "float32")
    kernel[1, 1] = [[1, -1], [-1, 1], [-1, -1]]
    convolution.set_weights([kernel, np.zeros(2)])
    head.set_weights([1000 * np.eye(2), np.zeros(2)])
    counts = pd.DataFrame({"train": [1, 1], "validation": [1, 1], "test": [2, 2]}, pd.Index(COLOURS, name="class"))
    card = model_card.Card(
        "Patches", "patches", counts, (1.0, 0.5, 1.0), 4, {"red": (2, 2), "green": (2, 2)}, "No mistake.",
        "By hand.", "A test.", "All else.", "2025-01-31",
    )  # fmt: skip
    return export.save(model, tmp_path_factory.mktemp("model") / "patches.keras", list(COLOURS), card)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two pictures in class folders, a text file that lies, and a hidden file."""
    folder = tmp_path_factory.mktemp("pictures")
    for colour in COLOURS:
        (folder / colour).mkdir()
        (folder / colour / "one.png").write_bytes(png(colour))
    (folder / "red" / "text.png").write_text("no picture")
    (folder / ".hidden").mkdir()
    (folder / ".hidden" / "two.png").write_bytes(png("red"))
    return folder


@pytest.fixture(scope="module")
def trial(model_path, folder):
    return widgets.try_model(model_path, folder)


@pytest.fixture
def uploader(tmp_path):
    return widgets.upload_pictures(tmp_path / "mine")


def add(uploader, class_name, *files):
    uploader.class_name.value = class_name
    uploader.upload.value = uploaded(*files)
    uploader.add.click()
    assert uploader.wait()


class TestUploadPictures:
    def test_begins_empty_and_makes_nothing(self, uploader):
        assert "Try this." in uploader.children[0].value and "Nothing is there yet" in uploader.words.value
        assert uploader.problem.value == "" and not uploader.target.exists()

    def test_every_control_has_a_label(self, uploader):
        for control in (uploader.class_name, uploader.upload, uploader.add):
            assert control in uploader.children and control.description

    def test_takes_pictures_class_by_class_and_says_so(self, uploader):
        add(uploader, "red", ("a.png", png("red")), ("b.png", png("red", seed=1)))
        assert "Sent: 2 files. New in the folder: 2." in uploader.words.value and "red 2" in uploader.words.value
        add(uploader, " green ", ("a.png", png("green")))
        assert "red 2, green 1" in uploader.words.value or "green 1, red 2" in uploader.words.value
        assert (uploader.target / "green" / "a.png").read_bytes() == png("green")
        assert uploader.upload.value == () and uploader.add.description == "Add to the folder"

    def test_choosing_alone_writes_nothing(self, uploader):
        uploader.class_name.value = "red"
        uploader.upload.value = uploaded(("a.png", png("red")))
        assert uploader.wait() and not uploader.target.exists()

    def test_lists_what_it_could_not_use(self, uploader):
        add(uploader, "red", ("a.png", png("red")), ("<b>lies.png", b"text"))
        assert "New in the folder: 2" in uploader.words.value and "that cannot be used" in uploader.words.value
        assert "lies.png" in uploader.picture.value and "<table" in uploader.picture.value
        assert "<b>" not in uploader.picture.value + uploader.words.value

    @pytest.mark.parametrize(
        ("class_name", "files", "words"),
        [
            ("", [("a.png", b"x")], "cannot be the name of a class"),
            ("../up", [("a.png", b"x")], "cannot be the name of a class"),
            ("red", [], "Nothing was uploaded"),
            ("red", [("a.exe", b"MZ")], "Nothing was written"),
            ("red", [("a.zip", b"PK no zip")], "Unpack an archive on your own computer"),
        ],
        ids=["blank", "climbing", "no_file", "program", "broken_zip"],
    )
    def test_shows_a_refusal_and_goes_on(self, uploader, class_name, files, words):
        add(uploader, class_name, *files)
        assert words in uploader.problem.value and 'role="alert"' in uploader.problem.value
        assert not list(uploader.target.parent.rglob("*.png"))
        add(uploader, "red", ("a.png", png("red")))
        assert uploader.problem.value == "" and "red 1" in uploader.words.value

    def test_shows_what_a_folder_holds_already(self, folder):
        there = widgets.upload_pictures(folder)
        assert "red 1" in there.words.value and "green 1" in there.words.value and "Sent" not in there.words.value


class TestTryModel:
    def test_answers_on_the_first_picture_in_pictures_and_words(self, trial):
        trial.which.value = "green/one.png"
        assert trial.wait() and trial.problem.value == ""
        assert "The model says green 100%, red 0%" in trial.words.value
        assert "green is brightest at the upper left" in trial.words.value and "32×32" in trial.words.value
        alts = re.findall(r'<img alt="([^"]*)"', trial.picture.value)
        assert len(alts) == 3 and all(len(alt) > 15 for alt in alts) and "green 100%" in alts[2]

    def test_offers_the_pictures_of_the_folder_that_are_not_hidden(self, trial):
        assert trial.which.options[:3] == ("green/one.png", "red/one.png", "red/text.png")

    def test_shows_the_places_for_another_class(self, trial):
        trial.which.value, trial.looked_for.value = "red/one.png", "green"
        assert trial.wait()
        assert "red 100%" in trial.words.value and "Nowhere does the picture speak for green" in trial.words.value
        trial.looked_for.value = own_pictures.PREDICTED
        assert trial.wait() and "red is brightest at the upper left" in trial.words.value

    def test_shows_an_error_where_a_file_is_no_picture_and_goes_on(self, trial):
        trial.which.value = "red/text.png"
        assert trial.wait() and "text.png" in trial.problem.value and trial.picture.value == ""
        trial.which.value = "red/one.png"
        assert trial.wait() and trial.problem.value == "" and "red 100%" in trial.words.value

    def test_answers_on_an_uploaded_picture_each_time(self, model_path):
        trial = widgets.try_model(model_path)
        assert "Upload a picture" in trial.words.value and trial.problem.value == ""
        for number, colour in enumerate(COLOURS, 1):
            trial.upload.value = uploaded(("same name.png", png(colour)))
            assert trial.wait() and f"{colour} 100%" in trial.words.value
            assert trial.which.value == f"upload {number}: same name.png"

    @pytest.mark.parametrize("file", [("a.png", b"no picture"), ("a.exe", b"MZ"), ("a.zip", b"PK\x03\x04")])
    def test_an_upload_that_is_no_picture_is_told(self, model_path, file):
        trial = widgets.try_model(model_path)
        trial.upload.value = uploaded(file)
        assert trial.wait() and 'role="alert"' in trial.problem.value and trial.picture.value == ""

    def test_keeps_a_few_uploads_only(self, model_path):
        trial = widgets.try_model(model_path)
        for number in range(own_pictures.KEPT_UPLOADS + 2):
            trial.upload.value = uploaded((f"{number}.png", png("red")))
        assert trial.wait() and len(trial.uploads) == len(trial.which.options) == own_pictures.KEPT_UPLOADS

    def test_an_answer_needs_one_prediction_and_one_map_and_a_setting_seen_before_neither(self, trial, monkeypatch):
        done, tables, grad_cam = [], predict.tables, explain.GradCam.__call__
        monkeypatch.setattr(predict, "tables", lambda *arguments: done.append("prediction") or tables(*arguments))
        monkeypatch.setattr(explain.GradCam, "__call__", lambda *arguments: done.append("map") or grad_cam(*arguments))
        trial.answer("green/one.png", "green")
        assert done == ["prediction", "map"]
        for file in ("red/one.png", "green/one.png"):
            trial.which.value = file
            assert trial.wait()
        done.clear()
        trial.which.value = "red/one.png"
        assert trial.wait() and trial.problem.value == "" and done == []

    def test_leaves_no_figure_behind_and_labels_its_controls(self, trial):
        trial.answer("red/one.png", "red")
        assert plt.get_fignums() == []
        controls = [trial.upload, trial.which, trial.looked_for]
        assert all(isinstance(one, ipywidgets.FileUpload | ipywidgets.Dropdown) and one.description for one in controls)

    def test_says_when_the_card_belongs_to_another_file(self, model_path, tmp_path, folder):
        copy = tmp_path / "copy.keras"
        copy.write_bytes(model_path.read_bytes())
        trial = widgets.try_model(copy, folder)
        assert "has no model card beside it" in trial.words.value

    def test_refuses_what_is_no_model_or_no_folder(self, model_path, tmp_path):
        with pytest.raises(model_file.ModelFileError, match="No file is called"):
            widgets.try_model(tmp_path / "a.keras")
        with pytest.raises(ValueError, match="is not a folder"):
            widgets.try_model(model_path, tmp_path / "nowhere")
