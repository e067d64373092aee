"""Names are shown harmlessly and stored safely; a file's beginning says what it is."""

import os

import pytest
from made_pictures import encoded
from PIL import Image

from helpers.pictures import folders, images, naming


class TestOddNames:
    NAMES = {
        "a line\nbreak.png": "fish/a line\\nbreak.png",
        "\x1b[2Jgone.png": "fish/\\x1b[2Jgone.png",
        "gpj.\u202egnp.png": "fish/gpj.\\u202egnp.png",
        "<img src=x onerror=alert(1)>.png": "fish/<img src=x onerror=alert(1)>.png",
        "日本語 ü.png": "fish/日本語 ü.png",
        "a" * 251 + ".png": "fish/" + "a" * 251 + ".png",
        "blank behind.png ": "fish/blank behind.png ",
        "-rf.png": "fish/-rf.png",
    }

    @pytest.mark.parametrize("name", NAMES)
    def test_an_odd_name_is_shown_harmlessly_and_its_picture_loads(self, own, name):
        Image.new("RGB", (40, 40), "red").save(own / "fish" / name, "PNG")
        report = folders.examine(own)
        assert report.table["file"].tolist() == [self.NAMES[name]]
        assert "<img" not in report._repr_html_() and "\x1b" not in str(report) and "\u202e" not in str(report)
        assert images.load(own, 32).counts().to_numpy().sum() == 41

    @pytest.mark.skipif(os.name == "nt" or os.uname().sysname == "Darwin", reason="names are text on this system")
    def test_a_name_that_is_no_text_is_shown_and_its_picture_loads(self, own):
        with open(os.fsencode(own / "fish") + b"/\xff\xfe.png", "wb") as file:
            file.write(encoded(Image.new("RGB", (40, 40), "red")))
        (own / "fish").rename(os.fsdecode(os.fsencode(own) + b"/fi\xffsh"))
        report = folders.examine(own)
        str(report).encode()
        assert "fi\\udcffsh/\\udcff\\udcfe.png" in report.table["file"].tolist()
        data = images.load(own, 32)
        assert data.counts().to_numpy().sum() == 41 and all(name.isprintable() for name in data.class_names)


class TestEndings:
    @pytest.mark.parametrize("name", ["a.jpg", "a.JPG", " a.jpg ", "b.c.jpg", "folder.png/a.jpg"])
    def test_are_small_letters_without_blanks(self, name):
        assert naming.ending_of(name) == ".jpg"

    @pytest.mark.parametrize("name", ["a", ".jpg", "a.jpg/b"])
    def test_may_be_absent(self, name):
        assert naming.ending_of(name) == ""


class TestStoredNames:
    @pytest.mark.parametrize("name", ["cat", "Größe ✓", "日本語", "a" * 200])
    def test_of_a_plain_name_is_the_name(self, name):
        assert naming.stored_name(name) == name

    @pytest.mark.parametrize("name", ["a\nb", "\udcff", "a" * 201, "ü" * 101, "\u202ecat"])
    def test_of_another_name_is_short_printable_and_its_own(self, name):
        stored = naming.stored_name(name)
        assert stored != name and stored.isprintable() and len(stored.encode()) <= 200
        assert stored != naming.stored_name(name + "x") and "/" not in stored and "\\" not in stored


class TestKindsOfFiles:
    @pytest.mark.parametrize("kind", ["BMP", "GIF", "JPEG", "PNG", "WEBP"])
    def test_a_picture_is_no_other_kind(self, kind):
        assert naming.other_kind(encoded(Image.new("RGB", (9, 9)), kind)) == (None, "")

    @pytest.mark.parametrize("data", [b"", b"   ", bytes(9), b"\xff\xfe\x41"])
    def test_what_is_unknown_stays_so(self, data):
        assert naming.other_kind(data) == (None, "")

    def test_a_letter_cut_at_the_end_of_what_is_read_leaves_it_text(self):
        assert naming.other_kind(b"a" * 1023 + "ü".encode()) == ("text", "")

    @pytest.mark.parametrize("brand", [b"heic", b"avif", b"mif1"])
    def test_phones_pictures_are_told_from_videos(self, brand):
        assert naming.other_kind(b"\0\0\0\x18ftyp" + brand) == (None, "")
        assert naming.brand_of(b"\0\0\0\x18ftyp" + brand) == ("AVIF" if brand == b"avif" else "HEIF")
        assert naming.other_kind(b"\0\0\0\x18ftypqt  ") == ("a video", "")


def test_letters_that_are_joined_are_no_broken_text():
    for name in ("می\u200cخواهم", "🐈\u200d⬛", "ක්\u200dෂ"):
        assert naming.shown(name) == name and naming.stored_name(name) == name
    assert naming.shown("a\u202eb") != "a\u202eb"
