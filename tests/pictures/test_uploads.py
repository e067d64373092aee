"""What an upload widget holds is written into a folder of classes: all of it or nothing, and never over anything."""

import pytest
from made_pictures import encoded, noise

from helpers.pictures import folders, opening, uploads

PICTURE, OTHER = encoded(noise()), encoded(noise())


def sent(*files):
    return [{"name": name, "content": memoryview(content)} for name, content in files]


def content(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def target(tmp_path):
    return tmp_path / "deep" / "mine"


class TestWriting:
    def test_makes_the_folder_of_the_class(self, target):
        assert uploads.from_upload(sent(("a.png", PICTURE), ("b.JPG", OTHER)), target, " red  mug ") == target
        assert content(target) == {"red mug/a.png": PICTURE, "red mug/b.JPG": OTHER}

    def test_sent_again_changes_nothing_and_another_picture_gets_a_number(self, target):
        for picture in (PICTURE, PICTURE, OTHER, OTHER, PICTURE):
            uploads.from_upload(sent(("a.png", picture)), target, "mug")
        assert content(target) == {"mug/a.png": PICTURE, "mug/a-2.png": OTHER}

    @pytest.mark.parametrize(
        ("name", "stored"),
        [
            ("../../up.png", "up.png"),
            ("C:\\photos\\me.png", "me.png"),
            ("..png", "picture.png"),
            ("a:b?.png", "a_b_.png"),
            ("Größe 1.png", "Größe 1.png"),
        ],
    )
    def test_a_name_never_leads_out_of_the_folder(self, target, name, stored):
        if name == "..png":
            with pytest.raises(uploads.UploadError, match="expected pictures that end in"):
                uploads.from_upload(sent((name, PICTURE)), target, "mug")
            return
        uploads.from_upload(sent((name, PICTURE)), target, "mug")
        assert content(target) == {f"mug/{stored}": PICTURE}
        assert len(list(target.parent.iterdir())) == 1

    def test_a_link_is_not_followed(self, target, tmp_path):
        (target / "mug").mkdir(parents=True)
        (tmp_path / "private.png").write_bytes(OTHER)
        (target / "mug" / "a.png").symlink_to(tmp_path / "private.png")
        uploads.from_upload(sent(("a.png", PICTURE)), target, "mug")
        assert (tmp_path / "private.png").read_bytes() == OTHER
        assert (target / "mug" / "a-2.png").read_bytes() == PICTURE

    def test_what_was_written_can_be_examined(self, target):
        uploads.from_upload(sent(("a.png", PICTURE)), target, "mug")
        assert folders.examine(target).counts == {"mug": 1}


class TestRefusals:
    @pytest.mark.parametrize(
        "name", ["", None, " ", ".hidden", "__x", "a/b", "a\\b", "a:b", "what?", "end.", "a\u202eb", "a" * 81]
    )
    def test_of_a_class_name_that_cannot_be_a_folder(self, target, name):
        with pytest.raises(uploads.UploadError, match="name of a class|name of the class"):
            uploads.from_upload(sent(("a.png", PICTURE)), target, name)
        assert not target.exists()

    @pytest.mark.parametrize("odd", [("a.zip", b"PK"), ("a", PICTURE), ("a.png.exe", b"MZ"), ("a.jp2", b"\0\0")])
    def test_of_one_file_write_none(self, target, odd):
        with pytest.raises(uploads.UploadError, match="Cannot take a.*Nothing was written"):
            uploads.from_upload(sent(("b.png", PICTURE), odd), target, "mug")
        assert not target.exists()

    def test_of_an_archive_comes_before_that_of_a_missing_name(self, target):
        with pytest.raises(uploads.UploadError, match="Cannot take a.rar, b.rar: .*Unpack an archive"):
            uploads.from_upload(sent(("a.rar", b"Rar!"), ("b.rar", b"Rar!")), target, None)

    def test_of_too_large_a_file_or_upload(self, target, monkeypatch):
        monkeypatch.setattr(opening, "MOST_BYTES", 10)
        with pytest.raises(uploads.UploadError, match="Cannot take b.png"):
            uploads.from_upload(sent(("b.png", PICTURE)), target, "mug")
        monkeypatch.setattr(uploads, "MOST_BYTES", 10)
        with pytest.raises(uploads.UploadError, match="larger than 10 bytes"):
            uploads.from_upload(sent(("b.png", PICTURE)), target, "mug")

    def test_of_nothing(self, target):
        with pytest.raises(uploads.UploadError, match="Nothing was uploaded"):
            uploads.from_upload([], target, "mug")

    @pytest.mark.parametrize("kind", ["link", "file"])
    def test_where_the_class_is_a_link_or_a_file(self, target, kind, tmp_path):
        target.mkdir(parents=True)
        if kind == "link":
            (target / "mug").symlink_to(tmp_path)
        else:
            (target / "mug").write_text("?")
        with pytest.raises(uploads.UploadError, match="'mug' .* is a link or a file"):
            uploads.from_upload(sent(("a.png", PICTURE)), target, "mug")
