"""The same picture is used once, in one split and one class; nearly the same is reported."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from made_pictures import GENERATOR, noise
from PIL import Image

from helpers import assets
from helpers.pictures import folders, images, look_alikes


def sketched(picture):
    return look_alikes.sketch(look_alikes.mark(picture).shades)


class TestCopies:
    def test_the_same_bytes_under_another_name_are_used_once(self, own, capsys):
        shutil.copy(own / "fish" / "fish03.png", own / "fish" / "fish03 (copy).png")
        report = folders.examine(own)
        assert report.copies == {own / "fish" / "fish03 (copy).png": own / "fish" / "fish03.png"}
        assert report.counts == {"bird": 20, "fish": 20}
        data = images.load(own, 32)
        assert data.counts().to_numpy().sum() == 40
        said = capsys.readouterr().out
        assert said.startswith("Left out 1 copy of 1 picture.\n")

    def test_the_same_pixels_in_another_format_are_used_once(self, own):
        Image.open(own / "fish" / "fish03.png").save(own / "fish" / "another name.bmp")
        assert list(folders.examine(own).copies) == [own / "fish" / "another name.bmp"]

    def test_no_picture_stands_in_two_splits_whatever_the_seed(self, own):
        for number in range(20):
            shutil.copy(own / "fish" / f"fish{number:02d}.png", own / "fish" / f"copy{number:02d}.png")
        for seed in range(3):
            data = images.load(own, 32, seed=seed)
            stored = [Image.open(path).tobytes() for split in images.SPLITS for path in data.files(split)]
            assert len(stored) == len(set(stored)) == 40

    def test_the_same_picture_in_two_classes_is_used_in_neither(self, own, capsys):
        here, there = own / "bird" / "bird05.png", own / "fish" / "same.png"
        shutil.copy(here, there)
        report = folders.examine(own)
        assert report.bad == {
            here: "the same picture as fish/same.png, in another class",
            there: "the same picture as bird/bird05.png, in another class",
        }
        with pytest.raises(ValueError, match=r"2 files .*bird/bird05.png \(the same picture as fish/same.png"):
            images.load(own, 32)
        assert images.load(own, 32, on_bad="skip").counts().sum(axis=1).to_dict() == {"bird": 19, "fish": 20}
        assert "bird/bird05.png, fish/same.png" in capsys.readouterr().out

    def test_of_a_picture_in_two_given_splits_the_test_keeps_its_own(self, tmp_path, own):
        for split in images.SPLITS:
            for name in ("bird", "fish"):
                (tmp_path / "split" / split / name).mkdir(parents=True)
                for number in range(2):
                    noise().save(tmp_path / "split" / split / name / f"{number}.png")
        leak = shutil.copy(
            tmp_path / "split" / "test" / "bird" / "0.png", tmp_path / "split" / "train" / "bird" / "x.png"
        )
        report = folders.examine(tmp_path / "split")
        assert report.copies == {Path(leak): tmp_path / "split" / "test" / "bird" / "0.png"} and report.usable
        assert images.load(tmp_path / "split", 32).counts().to_numpy().tolist() == [[2, 2, 2], [2, 2, 2]]

    def test_two_shots_of_one_scene_are_said_and_kept(self, own):
        scene = Image.fromarray(GENERATOR.integers(0, 200, (6, 6, 3), dtype=np.uint8)).resize((200, 160))
        scene.save(own / "fish" / "shot1.png")
        brighter = Image.fromarray((np.asarray(scene, int) * 1.1 + 10).clip(0, 255).astype(np.uint8))
        brighter.crop((1, 1, 199, 159)).save(own / "fish" / "shot2.jpg", quality=70)
        (row,) = folders.examine(own).table.to_numpy().tolist()
        assert row == [
            "fish/shot2.jpg",
            "looks much like fish/shot1.png",
            "kept, in one split with it; may be two shots of one scene: look, and if so, delete one",
        ]

    @pytest.mark.parametrize(("alike", "number"), [(20, 20), (12, 20), (9, 20), (3, 20), (4, 60)])
    def test_a_class_whose_pictures_share_a_layout_is_not_to_be_deleted(self, own, alike, number):
        shutil.rmtree(own / "fish")
        (own / "fish").mkdir()
        disc = Image.new("RGB", (64, 64), "white")
        disc.paste("navy", (8, 8, 56, 56))
        for index in range(number):
            picture = disc.copy() if index <= alike else noise(64, 64)
            picture.paste((200, 10 * (index % 20), 0), (index % 50, 30, index % 50 + 3, 33))
            picture.save(own / "fish" / f"{index:02d}.png")
        rows = folders.examine(own).table.to_numpy().tolist()
        few = alike < 3 or alike + 1 <= 0.5 * number  # with the one that the others resemble
        assert len(rows) == (alike if few else 1) and ("delete one" in str(rows)) == few
        if not few:
            ((about, found, done),) = rows
            flagged = min(alike + 1, number)  # with the one that the others resemble
            assert about == "fish" and found.startswith(f"{flagged} of {number} pictures look much like another, such")
            assert done.startswith(
                ("kept, in several splits; they may share", "kept, all in one split; they may share")
            )

    def test_different_pictures_are_not_taken_for_alike(self):
        paths = sorted(assets.unpacked("animals.zip").rglob("*.png"))
        sketches = {path: sketched(Image.open(path)) for path in paths}
        assert len(sketches) == 3200 and look_alikes.look_alikes(sketches) == []
        table = np.stack(list(sketches.values()))
        assert np.triu(table @ table.T, 1).max() < 0.97 < look_alikes.SIMILAR  # as SIMILAR's comment says


class TestSketches:
    def test_brightness_and_contrast_do_not_matter_and_other_shapes_do(self):
        scene, other = (np.asarray(noise(64, 64).resize((200, 200)), float) for _ in range(2))
        sketches = {}
        for name, pixels in {"scene": scene, "other": other, "darker": scene * 0.5, "paler": scene * 0.5 + 100}.items():
            sketches[name] = sketched(Image.fromarray(pixels.astype(np.uint8)))
            assert np.linalg.norm(sketches[name]) == pytest.approx(1) and abs(sketches[name].mean()) < 1e-6
        assert {key for key, _ in look_alikes.look_alikes(sketches)} == {"darker", "paler"}

    def test_blank_pictures_resemble_nothing(self):
        blank = [sketched(Image.new("RGB", (40, 40), colour)) for colour in ("black", "white", "red")]
        assert not np.any(blank) and look_alikes.look_alikes(dict(enumerate(blank))) == []

    @pytest.mark.parametrize("block", [7, 100, 2000])
    def test_the_twin_is_the_earlier_one_that_is_most_similar_also_in_another_block(self, block, monkeypatch):
        monkeypatch.setattr(look_alikes, "BLOCK", block)
        generator = np.random.default_rng(1)
        rows = generator.normal(size=(600, 256))
        rows[500] = rows[3] + 0.05 * rows[4]
        rows[599] = rows[500] + 0.001 * rows[5]
        sketches = dict(enumerate((rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype("float32")))
        assert look_alikes.look_alikes(sketches) == [(500, 3), (599, 500)]

    @pytest.mark.parametrize("number", [0, 1])
    def test_too_few_are_not_compared(self, number):
        assert look_alikes.look_alikes(dict.fromkeys(range(number), np.ones(256, "float32") / 16)) == []
