"""Every kind of picture that a learner may bring is used or left out, and said; what might do harm is refused."""

import io
import os
import shutil
import struct
import threading
import time
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFile, PngImagePlugin

from helpers import assets, pictures
from helpers.pictures import folders, images, look_alikes, naming, opening

GENERATOR = np.random.default_rng(0)


def noise(width=40, height=32):
    return Image.fromarray(GENERATOR.integers(0, 256, (height, width, 3), dtype=np.uint8))


def half_red(width=64, height=48):
    """A picture with a red upper half on blue."""
    picture = Image.new("RGB", (width, height), (0, 0, 254))
    picture.paste((254, 0, 0), (0, 0, width, height // 2))
    return picture


def encoded(picture, kind="PNG", **options):
    stream = io.BytesIO()
    picture.save(stream, kind, **options)
    return stream.getvalue()


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width, height, *before):
    """A whole PNG of a few bytes that claims a size, whatever its pixels."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    pixels = chunk(b"IDAT", zlib.compress(bytes(64)))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(before) + pixels + chunk(b"IEND", b"")


def bmp(width, height):
    return (
        b"BM"
        + struct.pack("<IHHIIiiHHIIiiII", 54 + 64, 0, 0, 54, 40, width, height, 1, 24, 0, 64, 0, 0, 0, 0)
        + bytes(64)
    )


def gif(width, height):
    frame = struct.pack("<BHHHHB", 0x2C, 0, 0, width, height, 0) + b"\x02\x02\x44\x01\x00;"
    return b"GIF89a" + struct.pack("<HHBBB", width, height, 0x80, 0, 0) + bytes(6) + frame


def jpeg(width, height):
    data = bytearray(encoded(noise(), "JPEG"))
    place = data.index(b"\xff\xc0")
    data[place + 5 : place + 9] = struct.pack(">HH", height, width)
    return bytes(data)


def webp(width, height):
    """A lossless WebP whose header claims a size (14 bits a side, each less one)."""
    data = bytearray(encoded(noise(), "WEBP", lossless=True))
    place = data.index(b"VP8L") + 9
    (bits,) = struct.unpack_from("<I", data, place)
    data[place : place + 4] = struct.pack("<I", bits & ~(2**28 - 1) | (width - 1) | (height - 1) << 14)
    return bytes(data)


@pytest.fixture
def own(tmp_path):
    """Two classes of 20 pictures each, with nothing to say about them; free to be spoiled."""
    for name in ("bird", "fish"):
        (tmp_path / "own" / name).mkdir(parents=True)
        for number in range(20):
            noise().save(tmp_path / "own" / name / f"{name}{number:02d}.png")
    return tmp_path / "own"


def findings(folder, name):
    table = folders.examine(folder).table
    return [tuple(row) for row in table.loc[table["file"] == name, ["found", "done"]].to_numpy()]


def write(path, content):
    path.write_bytes(content)
    return path


class TestKindsOfPictures:
    """Each can be used, keeps its place in the table, and comes out upright in three channels."""

    EXIF = Image.Exif()
    EXIF[0x0112] = 6
    KINDS = {
        "rotated by EXIF": (
            "odd.jpg",
            lambda: encoded(half_red().transpose(Image.Transpose.ROTATE_90), "JPEG", exif=TestKindsOfPictures.EXIF),
            ("rotated by EXIF orientation 6", "turned upright"),
        ),
        "CMYK": (
            "odd.jpg",
            lambda: encoded(half_red().convert("CMYK"), "JPEG"),
            ("CMYK colours, for print", "converted to RGB"),
        ),
        "animated": (
            "odd.gif",
            lambda: encoded(half_red(), "GIF", save_all=True, append_images=[noise(64, 48), noise(64, 48)]),
            ("animated, 3 frames", "first frame taken"),
        ),
        "wrongly named": (
            "odd.jpg",
            lambda: encoded(half_red()),
            ("wrongly named: a PNG picture that ends in .jpg", "kept: the content decides"),
        ),
        "without ending": (
            "odd",
            lambda: encoded(half_red()),
            ("a PNG picture whose name has no ending", "kept: the content decides"),
        ),
        "huge": (
            "odd.jpg",
            lambda: encoded(half_red(5000, 4000), "JPEG"),
            ("huge: 5000 × 4000 pixels", "kept; it is made smaller when it is loaded"),
        ),
        "tiny": (
            "odd.png",
            lambda: encoded(half_red(28, 24)),
            ("tiny: 28 × 24 pixels, fewer than 32 a side", "kept; it will be enlarged and blurred"),
        ),
    }

    @pytest.mark.parametrize("kind", KINDS)
    def test_are_kept_and_said_with_their_number(self, own, kind):
        name, content, said = self.KINDS[kind]
        write(own / "fish" / name, content())
        report = folders.examine(own)
        assert own / "fish" / name in report.good["fish"] and not report.bad and report.usable
        assert report.table.to_numpy().tolist() == [[f"fish/{name}", *said]]
        picture = opening.open_picture(own / "fish" / name, own)
        pixels = np.asarray(picture, float)
        assert picture.mode == "RGB" and max(picture.size) <= 512
        top, bottom = pixels[: len(pixels) // 3].mean(axis=(0, 1)), pixels[-(len(pixels) // 3) :].mean(axis=(0, 1))
        assert np.abs(top - [254, 0, 0]).max() < 16 and np.abs(bottom - [0, 0, 254]).max() < 16

    def test_grey_becomes_three_equal_channels(self, own):
        noise().convert("L").save(own / "fish" / "odd.png")
        assert findings(own, "fish/odd.png") == [("grey", "converted to RGB: three equal channels")]
        pixels = np.asarray(opening.open_picture(own / "fish" / "odd.png"))
        assert np.ptp(pixels, axis=2).max() == 0 and np.ptp(pixels) > 200

    def test_what_is_transparent_becomes_white(self, own):
        picture = half_red().convert("RGBA")
        picture.paste((0, 0, 0, 0), (0, 0, 32, 48))
        picture.save(own / "fish" / "odd.png")
        assert findings(own, "fish/odd.png") == [("transparent in places", "laid on white, converted to RGB")]
        assert np.all(np.asarray(opening.open_picture(own / "fish" / "odd.png"))[:, :32] == 255)

    def test_a_fourth_channel_that_hides_nothing_is_not_worth_a_word(self, own):
        noise().convert("RGBA").save(own / "fish" / "odd.png")
        assert findings(own, "fish/odd.png") == []

    def test_a_blank_picture_is_said(self, own):
        Image.new("RGB", (64, 64), "green").save(own / "fish" / "odd.png")
        ((found, done),) = findings(own, "fish/odd.png")
        assert found.startswith("blank") and done.startswith("kept")

    @pytest.mark.parametrize("orientation", range(1, 9))
    def test_each_orientation_comes_out_as_the_camera_meant_it(self, tmp_path, orientation):
        upright = noise(48, 32)
        lying = upright.transpose(opening.TURNS[orientation]) if orientation > 1 else upright
        if orientation in (6, 8):  # what sets upright a quarter turn is the other quarter turn
            lying = upright.transpose(opening.TURNS[14 - orientation])
        exif = Image.Exif()
        exif[0x0112] = orientation
        lying.save(tmp_path / "photo.png", exif=exif)
        assert np.array_equal(opening.open_picture(tmp_path / "photo.png"), upright)

    @pytest.mark.parametrize("value", [0, 9, 65535])
    def test_an_orientation_that_does_not_exist_turns_nothing(self, tmp_path, value):
        exif = Image.Exif()
        exif[0x0112] = value
        picture = noise()
        picture.save(tmp_path / "photo.png", exif=exif)
        assert np.array_equal(opening.open_picture(tmp_path / "photo.png"), picture)

    def test_the_photo_of_a_phone_with_a_second_one_behind_is_no_animation(self, tmp_path):
        data = encoded(half_red(), "MPO", save_all=True, append_images=[noise(64, 48)])
        opened = opening.opened(write(tmp_path / "photo.jpg", data))
        assert opened.notes == () and opened.picture.size == (64, 48)

    def test_nothing_but_the_pixels_is_carried_on(self, tmp_path):
        exif = Image.Exif()
        exif[0x010E] = "a secret place"
        text = PngImagePlugin.PngInfo()
        text.add_text("Comment", "a secret place")
        profile = b"a secret place" * 20
        noise().save(tmp_path / "photo.png", exif=exif, pnginfo=text, icc_profile=profile)
        with open(tmp_path / "photo.png", "ab") as file:
            file.write(b"PK\x03\x04 a secret place")
        again = encoded(opening.open_picture(tmp_path / "photo.png"))
        assert b"secret" not in again and Image.open(io.BytesIO(again)).info == {}

    def test_as_large_as_it_is_on_request(self, tmp_path):
        half_red(1600, 800).save(tmp_path / "large.png")
        assert opening.open_picture(tmp_path / "large.png").size == (512, 256)
        assert opening.open_picture(tmp_path / "large.png", largest_side=None).size == (1600, 800)


class TestUnusableFiles:
    """Left out, with the reason; not refused, since opening them does no harm."""

    WHOLE = encoded(noise(64, 64), "JPEG")
    KINDS = {
        "truncated": ("odd.jpg", WHOLE[: len(WHOLE) // 2], "damaged (image file is truncated"),
        "only a beginning": ("odd.jpg", WHOLE[:20], "damaged"),
        "empty": ("odd.png", b"", "an empty file"),
        "zeros": ("odd.png", bytes(1000), "damaged from its beginning"),
        "too small": ("odd.png", encoded(noise(12, 9)), "12 × 9 pixels: too small"),
        "a text": ("odd.txt", b"no picture", "the ending .txt is none of .bmp"),
        "a notebook": ("odd.ipynb", b"{}", "the ending .ipynb is none of .bmp"),
        "a format of phones": ("odd.heic", b"\0\0\0\x18ftypheic" + bytes(100), "save it as JPEG or PNG"),
    }

    @pytest.mark.parametrize("kind", KINDS)
    def test_are_left_out_with_the_reason(self, own, kind):
        name, content, reason = self.KINDS[kind]
        path = write(own / "fish" / name, content)
        ((found, done),) = findings(own, f"fish/{name}")
        assert reason in found and done == "left out"
        report = folders.examine(own)
        assert report.bad == {path: found} and path not in report.good["fish"] and report.usable
        with pytest.raises(opening.PictureError, match="odd.* cannot be used as a picture") as error:
            opening.open_picture(path)
        assert error.value.reason == found and not error.value.refused and isinstance(error.value, ValueError)

    def test_a_folder_in_a_class_folder_is_said(self, own):
        shutil.copytree(own / "bird", own / "fish" / "more")
        ((found, done),) = findings(own, "fish/more")
        assert found.startswith("a folder") and done == "left out"

    def test_a_file_beside_the_class_folders_is_said(self, own):
        noise().save(own / "lost.png")
        assert findings(own, "lost.png") == [("a file beside the class folders", "left out")]
        assert not folders.examine(own).bad

    def test_hidden_files_and_folders_are_passed_over(self, own):
        (own / "fish" / ".DS_Store").write_text("?")
        (own / ".ipynb_checkpoints").mkdir()
        (own / "__MACOSX").mkdir()
        assert len(folders.examine(own).table) == 0

    def test_one_that_is_not_there(self, tmp_path):
        with pytest.raises(opening.PictureError, match="No such file"):
            opening.open_picture(tmp_path / "none.png")


class TestAttacks:
    @pytest.fixture
    def refused(self, own):
        """Put a file among the pictures and return why it was refused."""

        def refused(path):
            ((found, done),) = findings(own, naming.shown(path.relative_to(own).as_posix()))
            assert done == "refused"
            with pytest.raises(opening.PictureError) as error:
                opening.open_picture(path, own)
            assert error.value.refused and error.value.reason == found and "\n" not in found
            with pytest.raises(ValueError, match="1 file.s. in .* cannot be used"):
                images.load(own, 32)
            return found

        return refused

    BOMBS = {
        "odd.png": (png, (60_000, 60_000)),
        "just over.png": (png, (8001, 8000)),
        "warned of.png": (png, (10_000, 10_000)),
        "odd.bmp": (bmp, (50_000, 50_000)),
        "odd.gif": (gif, (65_535, 65_535)),
        "odd.jpg": (jpeg, (65_000, 65_000)),
        "odd.webp": (webp, (16_383, 16_383)),
        "smaller.webp": (webp, (10_000, 10_000)),
    }

    @pytest.mark.parametrize("name", BOMBS)
    @pytest.mark.parametrize("limit_of_pillow", ["its own", "none"])
    def test_a_decompression_bomb_is_refused_by_its_header_before_it_is_decoded(
        self, own, refused, name, limit_of_pillow, monkeypatch, recwarn
    ):
        make, size = self.BOMBS[name]
        path = write(own / "fish" / name, make(*size))
        assert path.stat().st_size < 5000
        if limit_of_pillow == "none":
            monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", None)
        decode, decoded = ImageFile.ImageFile.load, []
        monkeypatch.setattr(ImageFile.ImageFile, "load", lambda self: decoded.append(self.size) or decode(self))
        begin = time.process_time()
        said = refused(path)
        assert time.process_time() - begin < 5
        assert "pixels: more than the 64,000,000 that are decoded" in said
        assert set(decoded) == {(40, 32)}  # the other pictures of the folder
        assert not [warning for warning in recwarn if "bomb" in str(warning.message)]

    def test_the_largest_size_allowed_is_decoded(self, tmp_path):
        Image.new("1", (8000, 8000)).save(tmp_path / "large.png")
        assert opening.open_picture(tmp_path / "large.png").size == (512, 512)

    LIES = {
        "a web page": (b"<!DOCTYPE html><html><script>alert(1)</script></html>", "a web page (HTML)"),
        "a drawing with a script": (b'<svg xmlns="http://www.w3.org/2000/svg"><script/></svg>', "an SVG drawing"),
        "a text": ("Für Elise, im Mai".encode(), "text"),
        "a script": (b"#!/bin/sh\nrm -r x\n", "a script"),
        "a zip archive": (b"PK\x03\x04" + bytes(60), "a zip archive"),
        "a program for Windows": (b"MZ\x90\0" + bytes(60), "a Windows program"),
        "a program for Linux": (b"\x7fELF\2\1\1" + bytes(60), "a Linux program"),
        "a PDF": (b"%PDF-1.7\n%\xe2\xe3", "a PDF"),
        "a phone's format": (b"\0\0\0\x18ftypheic" + bytes(60), "a HEIC or AVIF picture"),
        "a TIFF": (b"II*\0" + bytes(60), "a TIFF picture"),
        "PostScript, which some readers run": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "text"),
    }

    @pytest.mark.parametrize("kind", LIES)
    @pytest.mark.parametrize("name", ["odd.jpg", "odd.PNG", "odd"])
    def test_a_file_that_lies_about_its_type_is_refused_by_what_it_holds(self, own, refused, kind, name):
        content, holds = self.LIES[kind]
        said = refused(write(own / "fish" / name, content))
        assert said.startswith(f"holds {holds} though") and said.endswith("a file that lies about its type")

    def test_of_a_picture_that_is_an_archive_too_only_the_pixels_go_on(self, own):
        hidden = io.BytesIO()
        with zipfile.ZipFile(hidden, "w") as bundle:
            bundle.writestr("payload.html", "<script>payload()</script>")
        path = write(own / "fish" / "both.jpg", encoded(half_red(), "JPEG") + hidden.getvalue())
        assert zipfile.is_zipfile(path)
        stored = [file for split in images.SPLITS for file in images.load(own, 32).files(split)]
        assert "both.jpg.png" in {file.name for file in stored}
        assert not any(zipfile.is_zipfile(file) or b"payload" in file.read_bytes() for file in stored)

    def test_a_picture_that_begins_as_one_and_is_a_script_is_left_out(self, own):
        write(own / "fish" / "odd.gif", b"GIF89a=1;alert(1);//" + bytes(100))
        ((found, done),) = findings(own, "fish/odd.gif")
        assert done in ("left out", "refused")

    @pytest.mark.parametrize("kind", ["file", "another class's file", "folder"])
    def test_a_link_out_of_the_folder_is_refused(self, own, tmp_path, kind, refused):
        (tmp_path / "elsewhere").mkdir()
        noise().save(tmp_path / "elsewhere" / "private.png")
        link = own / "fish" / "holiday.png"
        if kind == "folder":
            link = own / "holiday"
            link.symlink_to(tmp_path / "elsewhere")
            report = folders.examine(own)
            assert report.bad == {link: "a link that leads out of the folder"} and "holiday" not in report.good
            assert "private" not in str(report)
            with pytest.raises(ValueError, match="holiday .a link that leads out of the folder"):
                images.load(own, 32)
            return
        target = tmp_path / "elsewhere" / "private.png"
        link.symlink_to(target if kind == "file" else Path("..", "..", "elsewhere", "private.png"))
        assert refused(link) == "a link that leads out of the folder"

    def test_a_link_within_the_folder_is_a_copy(self, own):
        (own / "fish" / "again.png").symlink_to(own / "fish" / "fish00.png")
        assert folders.examine(own).copies == {own / "fish" / "fish00.png": own / "fish" / "again.png"}

    @pytest.mark.parametrize("target", ["nowhere.png", "odd.png"])
    def test_a_link_to_nowhere_or_to_itself_is_refused(self, own, refused, target):
        (own / "fish" / "odd.png").symlink_to(own / "fish" / target)
        assert refused(own / "fish" / "odd.png") == "a link that leads nowhere"

    def test_the_folder_itself_may_be_reached_by_a_link(self, own, tmp_path):
        (tmp_path / "link").symlink_to(own)
        assert folders.examine(tmp_path / "link").usable

    @pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names on this system")
    def test_a_pipe_is_refused_without_waiting_for_a_writer(self, own):
        os.mkfifo(own / "fish" / "odd.png")
        reports = []
        thread = threading.Thread(target=lambda: reports.append(folders.examine(own)), daemon=True)
        thread.start()
        thread.join(timeout=60)
        assert reports and reports[0].bad == {
            own / "fish" / "odd.png": "no regular file but a pipe, a socket or a device"
        }

    def test_a_device_is_refused(self):
        with pytest.raises(opening.PictureError, match="a device") as error:
            opening.open_picture(os.devnull)
        assert error.value.refused

    def test_a_file_of_gigabytes_is_refused_unread(self, own, refused):
        with open(own / "fish" / "odd.png", "wb") as file:
            file.truncate(5 * 2**30)  # takes no space on the disk
        assert refused(own / "fish" / "odd.png").startswith("5120 MB: larger than the 32 MB that are read")

    @pytest.mark.parametrize("kind", [b"zTXt", b"iTXt", b"iCCP"])
    def test_a_text_in_a_png_that_swells_does_not(self, own, kind):
        swollen = zlib.compress(bytes(200 * 2**20), 9)
        data = b"key\0\1\0\0\0" + swollen if kind == b"iTXt" else b"key\0\0" + swollen
        whole = encoded(noise())
        path = write(own / "fish" / "odd.png", whole[:33] + chunk(kind, data) + whole[33:])
        begin = time.process_time()
        report = folders.examine(own)
        assert time.process_time() - begin < 5
        assert path in report.bad or path in report.good["fish"]

    PARTS = {
        "odd.png": lambda: encoded(noise())[:33] + chunk(b"tEXt", b"a\0") * 200_000 + encoded(noise())[33:],
        "odd.jpg": lambda: b"\xff\xd8" + b"\xff\xfe\x00\x02" * 300_000 + encoded(noise(), "JPEG")[2:],
        "odd.gif": lambda: gif(64, 64)[:19] + b"\x21\xfe\x01a\x00" * 300_000 + gif(64, 64)[19:],
    }

    @pytest.mark.parametrize("name", PARTS)
    def test_a_picture_of_countless_tiny_parts_is_given_up(self, own, refused, name):
        path = write(own / "fish" / name, self.PARTS[name]())
        assert refused(path) == "in too many tiny parts to be a picture"

    def test_an_animation_without_end_is_not_counted_to_its_end(self, own):
        data = encoded(half_red(), "GIF", save_all=True, append_images=[half_red(64, 44)])
        frame = data[data.rindex(b"\x21\xf9\x04") : -1]
        path = write(own / "fish" / "odd.gif", data[:-1] + frame * 100_000 + b";")
        begin = time.process_time()
        assert ("animated, many frames", "first frame taken") in findings(own, "fish/odd.gif")
        assert time.process_time() - begin < 20 and 2**20 < path.stat().st_size < opening.MOST_BYTES

    def test_a_jpeg_of_countless_scans_is_refused(self, own, refused):
        whole = encoded(noise(64, 64), "JPEG", progressive=True)
        start = whole.rindex(b"\xff\xda")
        path = write(own / "fish" / "odd.jpg", whole[:-2] + whole[start:-2] * 200 + whole[-2:])
        assert refused(path) == "a JPEG of more than 100 scans"

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

    def test_a_whole_disk_given_by_mistake_is_refused(self, own):
        with pytest.raises(ValueError, match="holds 40 files, expected at most 39"):
            folders.examine(own, most_files=39)


class TestTheCollection:
    def test_nothing_is_said_of_a_sound_one(self, own):
        report = folders.examine(str(own))
        assert len(report.table) == 0 and report.usable and report.counts == {"bird": 20, "fish": 20}
        assert report.summary().splitlines() == [
            "Pictures that can be used: 40 (bird 20, fish 20).",
            "Files left out: none.",
            "Next: images.load(folder).",
        ]
        assert report.good["bird"] == sorted((own / "bird").iterdir())

    def test_one_class_is_an_obstacle(self, own):
        shutil.rmtree(own / "fish")
        report = folders.examine(own)
        assert not report.usable and report.obstacles[0].startswith("(all): one class only, bird; put the pictures")
        assert "Obstacle: (all): one class only" in report.summary() and "examine the folder again" in report.summary()

    def test_pictures_without_classes_are_an_obstacle(self, own):
        report = folders.examine(own / "bird")
        assert not report.usable and "no class folder" in report.obstacles[0]
        assert report.table["found"].tolist().count("a file beside the class folders") == 20

    def test_an_empty_class_is_an_obstacle(self, own):
        (own / "cow").mkdir()
        assert folders.examine(own).obstacles == ("cow: no picture that can be used; add some, or delete the folder",)

    @pytest.mark.parametrize(("left", "found"), [(1, "1 picture"), (2, "2 pictures")])
    def test_fewer_than_three_cannot_be_split(self, own, left, found):
        for path in sorted((own / "bird").iterdir())[left:]:
            path.unlink()
        report = folders.examine(own)
        assert f"bird: {found}: cannot be split three ways; add some: 3 at least" in report.obstacles
        with pytest.raises(ValueError, match=f"bird: {found}: cannot be split three ways; add some: 3 at least"):
            images.load(own, 32)

    def test_three_pictures_a_class_can_be_split_but_conclude_nothing_and_it_is_said(self, own):
        for path in own.rglob("*1?.png"):
            path.unlink()
        for path in own.rglob("*0[3-9].png"):
            path.unlink()
        report = folders.examine(own)
        assert report.usable and report.counts == {"bird": 3, "fish": 3}
        done = "can be split, but 1 picture to test can conclude nothing; add some: 20 at least"
        assert report.table.to_numpy().tolist() == [["bird", "3 pictures", done], ["fish", "3 pictures", done]]
        assert images.load(own, 32).counts().to_numpy().tolist() == [[1, 1, 1], [1, 1, 1]]

    def test_the_share_that_is_said_to_be_tested_is_the_share_that_is(self, own):
        for number in range(15, 20):
            (own / "bird" / f"bird{number}.png").unlink()
        assert "but 4 pictures to test" in folders.examine(own).table["done"].item()
        assert images.load(own, 32).counts().loc["bird", "test"] == 4

    def test_very_unequal_classes_are_said(self, own):
        for path in sorted((own / "bird").iterdir())[5:]:
            path.unlink()
        assert "very unequal classes: fish 20, bird 5" in folders.examine(own).table["found"].tolist()

    @pytest.mark.parametrize("twin", ["Fish", "fish ", "f ish"])
    def test_class_names_that_differ_only_by_capitals_or_blanks_are_said(self, own, twin):
        (own / twin).mkdir()
        for number in range(20):
            noise().save(own / twin / f"{number}.png")
        if len(list(own.iterdir())) == 2:
            pytest.skip("this file system makes no difference between them")
        ((about, found, _),) = folders.examine(own).table.to_numpy()
        assert repr(twin) in about and found == "class names that differ only by capitals or blanks"

    def test_a_path_that_is_no_folder_is_said_at_once(self, own, tmp_path):
        with pytest.raises(ValueError, match="none' is no folder: expected one with a folder of pictures a class"):
            folders.examine(tmp_path / "none")
        with pytest.raises(ValueError, match="Unpack an archive first, with your own system, and give the folder"):
            folders.examine(own / "bird" / "bird00.png")

    def test_nothing_in_the_folder_is_changed(self, own):
        write(own / "fish" / "notes.jpg", b"no picture")
        before = {path: path.read_bytes() for path in own.rglob("*") if path.is_file()}
        folders.examine(own)
        assert {path: path.read_bytes() for path in own.rglob("*") if path.is_file()} == before

    def test_no_path_of_the_machine_is_shown(self, own, tmp_path):
        write(own / "fish" / "notes.jpg", b"no picture")
        report = folders.examine(own)
        assert str(tmp_path) not in str(report) + report._repr_html_()

    def test_a_class_of_railway_trains_is_no_split(self, own):
        (own / "fish").rename(own / "train")
        report = folders.examine(own)
        assert report.usable and report.counts == {"bird": 20, "train": 20}
        assert images.load(own, 32).class_names == ("bird", "train")


class TestCopies:
    def test_the_same_bytes_under_another_name_are_used_once(self, own, capsys):
        shutil.copy(own / "fish" / "fish03.png", own / "fish" / "fish03 (copy).png")
        report = folders.examine(own)
        assert report.copies == {own / "fish" / "fish03 (copy).png": own / "fish" / "fish03.png"}
        assert report.counts == {"bird": 20, "fish": 20}
        data = images.load(own, 32)
        assert data.counts().to_numpy().sum() == 40
        said = capsys.readouterr().out
        assert said == "Left out 1 picture(s) that are copies of others: fish/fish03 (copy).png.\n"

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
        with pytest.raises(ValueError, match=r"2 file\(s\).*bird/bird05.png \(the same picture as fish/same.png"):
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
            "kept; of two shots of one scene, delete one",
        ]

    def test_different_pictures_are_not_taken_for_alike(self):
        paths = sorted(assets.unpacked("animals.zip").rglob("*.png"))[::4]
        sketches = {path: look_alikes.sketch(Image.open(path)) for path in paths}
        assert len(sketches) == 500 and look_alikes.look_alikes(sketches) == {}


class TestGivenSplits:
    @pytest.fixture
    def split(self, own):
        for name in images.SPLITS:
            (own / name).mkdir()
        for name in ("bird", "fish"):
            for split in images.SPLITS[1:]:
                (own / split / name).mkdir()
                for number in range(2):
                    (own / name / f"{name}0{number}.png").rename(own / split / name / f"{number}.png")
                    noise().save(own / name / f"{name}0{number}.png")
            (own / name).rename(own / "train" / name)
        return own

    def test_are_understood(self, split):
        report = folders.examine(split)
        assert len(report.table) == 0 and report.counts == {"bird": 24, "fish": 24}

    def test_a_missing_one_and_classes_that_differ_are_obstacles(self, split):
        shutil.rmtree(split / "validation")
        (split / "test" / "fish").rename(split / "test" / "fishes")
        obstacles = folders.examine(split).obstacles
        assert [text.partition(";")[0] for text in obstacles] == [
            "train: lacks classes that another split has (fishes)",
            "validation: this folder is missing beside 'train'",
            "test: lacks classes that another split has (fish)",
        ]

    def test_a_split_without_usable_pictures_of_a_class_is_an_obstacle(self, split):
        for path in (split / "test" / "fish").iterdir():
            path.write_text("no picture")
        assert folders.examine(split).obstacles == (
            "test/fish: no picture that can be used; add some, or delete the folder",
        )

    @pytest.mark.parametrize(
        "names", [("Train", "Validation", "Test"), ("training", "val", "testing"), ("train", "valid", "TEST")]
    )
    def test_go_by_the_names_that_people_give_them(self, split, names):
        for usual, other in zip(images.SPLITS, names, strict=True):
            (split / usual).rename(split / "x")
            (split / "x").rename(split / other)
        assert folders.examine(split).usable
        assert images.load(split, 32).counts().loc["fish"].to_dict() == {"train": 20, "validation": 2, "test": 2}

    def test_two_folders_for_one_split_are_refused_by_name(self, split):
        shutil.copytree(split / "validation", split / "val")
        for look in (folders.examine, images.load):
            with pytest.raises(ValueError, match="several folders for 'validation': val, validation. Expected one"):
                look(split)

    def test_what_is_beside_them_is_said(self, split):
        (split / "labels.csv").write_text("?")
        shutil.copytree(split / "train", split / "more")
        report = folders.examine(split)
        assert report.usable and report.table.to_numpy().tolist() == [
            [name, "beside the folders of the splits", "left out"] for name in ("labels.csv", "more")
        ]

    def test_a_letter_with_dots_is_one_letter_or_two(self, split):
        for index, name in enumerate(images.SPLITS):
            (split / name / "fish").rename(split / name / ("Bär" if index else "Ba\u0308r"))
        assert folders.examine(split).usable
        assert images.load(split, 32).class_names == ("Bär", "bird")

    def test_a_test_without_classes_is_an_obstacle(self, split):
        for path in (split / "test").glob("*/*"):
            path.rename(split / "test" / f"{path.parent.name}-{path.name}")
        for name in ("bird", "fish"):
            (split / "test" / name).rmdir()
        (obstacle,) = folders.examine(split).obstacles
        assert obstacle.startswith("test: lacks classes that another split has (bird, fish)")


class TestFoldersOfStrangers:
    @pytest.mark.parametrize("deeper", ["bird", "train", "bird and fish"])
    def test_folders_in_class_folders_say_what_to_give_or_move(self, own, tmp_path, deeper):
        if deeper == "bird and fish":
            (tmp_path / "all").mkdir()
            own.rename(tmp_path / "all" / "own")
            own, about = tmp_path / "all", "own"
        else:
            (own / "fish").rename(own / "x")
            (own / "fish").mkdir()
            (own / "x").rename(own / "fish" / deeper)
            about = "fish"
        said = f"{about}: folders, but no picture; give this folder itself if the folders in it are the classes"
        assert any(obstacle.startswith(said) for obstacle in folders.examine(own).obstacles)
        with pytest.raises(ValueError, match=said):
            images.load(own, on_bad="skip")

    def test_what_a_system_puts_in_is_passed_over(self, own):
        for name in ("Thumbs.db", "desktop.ini", "Icon\r"):
            (own / name).touch()
            (own / "fish" / name).touch()
        assert len(folders.examine(own).table) == 0

    def test_two_underscores_are_a_name_like_any_other(self, own):
        (own / "fish").rename(own / "__fish")
        assert folders.examine(own).counts == {"__fish": 20, "bird": 20}

    def test_a_class_that_is_a_link_to_the_folder_itself_is_left_out(self, own):
        (own / "loop").symlink_to(own)
        report = folders.examine(own)
        assert report.usable and list(report.bad) == [own / "loop"]

    @pytest.mark.parametrize("refused", ["own", "fish"])
    def test_a_folder_that_cannot_be_read_says_what_to_do(self, own, refused, monkeypatch):
        entries = Path.iterdir

        def iterdir(path):
            if path.name == refused:
                raise PermissionError(13, "Permission denied", str(path))
            return entries(path)

        monkeypatch.setattr(Path, "iterdir", iterdir)
        for look in (folders.examine, images.load):
            with pytest.raises(ValueError, match=f"{refused} cannot be read .Permission denied.. Give yourself"):
                look(own)

    @pytest.mark.parametrize("source", [None, 3, ["own"], b"own", "", "a" * 5000, "a\0b", "~nobody/own"])
    def test_what_is_no_path_of_a_folder_says_what_is_expected(self, source):
        with pytest.raises(ValueError, match="is no folder: expected one with"):
            folders.examine(source)
        with pytest.raises(ValueError, match="No data set and no folder is called .* or the path of a folder"):
            images.load(source)

    def test_an_archive_says_to_unpack_it(self, own, tmp_path):
        archive = shutil.make_archive(str(tmp_path / "bundle"), "zip", own)
        with pytest.raises(ValueError, match="Unpack an archive first, with your own system, and give the folder"):
            images.load(archive)

    def test_a_path_may_begin_at_home_and_end_with_a_slash(self, own, monkeypatch):
        monkeypatch.setenv("HOME", str(own.parent))
        monkeypatch.setenv("USERPROFILE", str(own.parent))
        assert folders.examine("~/own/").usable and images.load("~/own/", 32).name == "own"


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
        assert capsys.readouterr().out.count("\n") == 2

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


def test_the_intake_needs_no_tensorflow(python):
    process = python("from helpers import intake\nimport sys\nprint('tensorflow' in sys.modules)")
    assert process.communicate(timeout=180)[0].strip() == "False"
