"""The practice folder holds real pictures and every kind of trouble, and is never overwritten."""

import pytest
from made_pictures import noise
from PIL import Image

from helpers import assets, pictures
from helpers.pictures import folders, images


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return pictures.practice(tmp_path_factory.mktemp("practice") / "mine")


class TestPractice:
    def test_holds_real_pictures_of_three_classes(self, folder):
        report = folders.examine(folder)
        assert report.usable and report.counts == {"cat": 42, "dog": 43, "horse": 43}
        plain = [path for path in folder.rglob("IMG_????.png")]
        assert len(plain) == 120 and {Image.open(path).size for path in plain} == {(32, 32)}

    def test_holds_every_kind_of_trouble_and_nothing_else(self, folder):
        report = folders.examine(folder)
        expected = {
            "cat/IMG_0007 copy.png": "the same picture as cat/IMG_0007.png",
            "cat/download.jpg": "damaged",
            "cat/friends.png": "the same picture as dog/friends.png, in another class",
            "cat/icon.png": "8 × 8 pixels: too small",
            "cat/printed.jpg": "CMYK",
            "cat/sticker.png": "transparent",
            "dog/friends.png": "the same picture as cat/friends.png, in another class",
            "dog/notes.jpg": "holds text",
            "dog/running.gif": "animated, 3 frames",
            "dog/scan.png": "grey",
            "dog/thumbnail.png": "tiny: 24 × 24",
            "horse/phone.jpg": "rotated by EXIF orientation 6",
            "horse/poster.jpg": "huge: 5000 × 4000",
            "horse/renamed.jpg": "wrongly named",
        }
        found = dict(zip(report.table["file"], report.table["found"], strict=True))
        assert sorted(found) == sorted(expected) and len(report.table) == len(expected)
        assert all(found[name].startswith(beginning) for name, beginning in expected.items())
        assert (len(report.bad), len(report.copies)) == (5, 1)

    def test_loads(self, folder, capsys):
        data = images.load(folder, 32, on_bad="skip")
        assert data.class_names == ("cat", "dog", "horse") and data.counts().to_numpy().sum() == 128
        assert capsys.readouterr().out.count("\n") == 3

    def test_no_picture_is_one_of_the_bundled_test_pictures(self, folder):
        bundled = assets.unpacked("animals.zip")
        tests = {Image.open(path).convert("RGB").tobytes() for path in (bundled / "test").rglob("*.png")}
        others = {
            Image.open(path).convert("RGB").tobytes(): path.parent.name
            for split in ("train", "validation")
            for path in (bundled / split).rglob("*.png")
        }
        for path in folder.rglob("IMG_????.png"):
            pixels = Image.open(path).convert("RGB").tobytes()
            assert pixels not in tests and others[pixels] == path.parent.name

    def test_names_do_not_tell_classes_apart(self, folder):
        names = [{path.name for path in (folder / name).glob("IMG_????.png")} for name in ("cat", "dog", "horse")]
        assert names[0] == names[1] == names[2]

    def test_is_the_same_every_time_and_another_with_another_seed(self, folder, tmp_path):
        def content(place):
            return {path.relative_to(place): path.read_bytes() for path in place.rglob("*") if path.is_file()}

        assert content(pictures.practice(tmp_path / "again")) == content(folder)
        assert content(pictures.practice(tmp_path / "other", seed=1)) != content(folder)

    def test_what_a_learner_did_in_it_stays(self, tmp_path):
        folder = pictures.practice(tmp_path / "mine")
        (folder / "dog" / "notes.jpg").unlink()
        noise().save(folder / "dog" / "my own.png")
        assert pictures.practice(folder) == folder
        assert not (folder / "dog" / "notes.jpg").exists() and (folder / "dog" / "my own.png").exists()

    def test_another_folder_is_never_written_to(self, own):
        before = sorted(own.rglob("*"))
        with pytest.raises(ValueError, match="exists already and is no practice folder"):
            pictures.practice(own)
        assert sorted(own.rglob("*")) == before

    def test_half_of_it_is_never_left(self, tmp_path, monkeypatch):
        monkeypatch.setattr(Image.Image, "save", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            pictures.practice(tmp_path / "mine")
        assert list(tmp_path.iterdir()) == []
