"""Every kind of picture that a learner may bring is used or left out, and reported; what might do harm is refused."""

import io
import os
import re
import struct
import sys
import threading
import tracemalloc
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest
from made_pictures import bmp, chunk, encoded, findings, gif, half_red, jpeg, noise, png, webp, write
from PIL import GifImagePlugin, Image, ImageFile, PngImagePlugin, TiffImagePlugin

from helpers.pictures import folders, images, naming, opening


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

    @pytest.mark.parametrize("ending", ["heic", "avif", "tif"])
    def test_files_of_phones_and_scanners_are_read(self, own, ending):
        half_red().save(own / "fish" / f"odd.{ending}", quality=90)
        assert findings(own, f"fish/odd.{ending}") == []
        pixels = np.asarray(opening.open_picture(own / "fish" / f"odd.{ending}"), float)
        assert np.abs(pixels[:12].mean(axis=(0, 1)) - [254, 0, 0]).max() < 16

    @pytest.mark.parametrize("ending", ["heic", "avif", "tif"])
    @pytest.mark.parametrize("orientation", [3, 6, 8])
    def test_they_are_upright_however_the_camera_was_held(self, own, ending, orientation):
        turned = {3: Image.Transpose.ROTATE_180, 6: Image.Transpose.ROTATE_90, 8: Image.Transpose.ROTATE_270}
        stored, exif, path = half_red().transpose(turned[orientation]), Image.Exif(), own / f"odd.{ending}"
        exif[0x0112] = orientation
        if ending == "tif":
            stored.save(path, tiffinfo={274: orientation})
        else:
            stored.info["exif"] = exif.tobytes()  # in a HEIC file it becomes a box of its own
            stored.save(path, exif=stored.info["exif"], quality=90)
        picture = opening.open_picture(path)
        top = np.asarray(picture, float)[:12].mean(axis=(0, 1))
        assert picture.size == (64, 48) and np.abs(top - [254, 0, 0]).max() < 16

    def test_without_its_package_a_heic_file_says_what_to_install(self, own, monkeypatch):
        half_red().save(own / "fish" / "odd.jpg", "HEIF")  # as a messenger names it
        monkeypatch.setattr(opening, "formats", lambda: ("JPEG", "PNG"))
        report = folders.examine(own)
        assert report.bad[own / "fish" / "odd.jpg"].startswith("a HEIC picture, as iPhones take them, which nothing")
        assert "pip install pillow-heif lets it be read" in report.bad[own / "fish" / "odd.jpg"]

    def test_formats_go_by_what_is_installed(self, monkeypatch):
        assert "HEIF" in opening.formats()
        monkeypatch.setitem(sys.modules, "pillow_heif", None)
        assert "HEIF" not in opening.formats.__wrapped__()

    def test_of_several_pages_the_first_is_taken(self, own):
        half_red().save(own / "fish" / "odd.tif", save_all=True, append_images=[noise(), noise()])
        assert findings(own, "fish/odd.tif") == [("3 pages or pictures in one file", "first one taken")]

    @pytest.mark.parametrize("kind", [np.float32, np.int32])
    def test_shades_without_a_known_range_are_left_out(self, own, kind):
        Image.fromarray(np.arange(1600, dtype=kind).reshape(40, 40)).save(own / "fish" / "odd.tif")
        ((found, done),) = findings(own, "fish/odd.tif")
        assert "no known range; save it with 8 or 16 bits a shade" in found and done == "left out"

    def test_of_a_large_photo_no_more_is_decoded_than_needed(self, own):
        picture = Image.new("L", (11_000, 9_800), "grey")  # 108 megapixels
        picture.paste(250, (0, 0, 5_500, 9_800))
        picture.save(own / "fish" / "odd.jpg", quality=50)
        assert opening.open_picture(own / "fish" / "odd.jpg").size == (512, 456)

    def test_grey_becomes_three_equal_channels(self, own):
        noise().convert("L").save(own / "fish" / "odd.png")
        assert findings(own, "fish/odd.png") == [("grey", "converted to RGB: three equal channels")]
        pixels = np.asarray(opening.open_picture(own / "fish" / "odd.png"))
        assert np.ptp(pixels, axis=2).max() == 0 and np.ptp(pixels) > 200

    @pytest.mark.parametrize(("bits", "below"), [(10, 4), (12, 16), (14, 64), (16, None)])
    def test_16_bits_of_which_few_are_used_are_said_to_be_nearly_black(self, own, bits, below):
        shades = np.linspace(0, 2**bits - 1, 1600).reshape(40, 40).astype(np.uint16)
        shades[0, 0] = 65535  # a faulty pixel changes nothing
        Image.fromarray(shades).save(own / "fish" / "odd.png")
        found = [found for found, _ in findings(own, "fish/odd.png")]
        assert found == [*([f"very dark: 99.9 % of it is below {below} of 255"] if below else []), "grey"]

    @pytest.mark.parametrize("colour", ["blue", "red", (70, 0, 0)])
    def test_one_bright_channel_is_not_dark(self, own, colour):
        half = Image.new("RGB", (64, 64), colour)
        half.paste((0, 0, 0), (0, 0, 64, 32))
        half.save(own / "fish" / "odd.png")
        assert findings(own, "fish/odd.png") == []

    def test_one_transparent_shade_of_16_bits_becomes_white(self, own):
        shades = np.repeat(np.arange(4, dtype=np.uint16) * 20_000, 400).reshape(40, 40)
        Image.fromarray(shades).save(own / "fish" / "odd.png", transparency=20_000)
        pixels = np.asarray(opening.open_picture(own / "fish" / "odd.png"))[:, 0, 0]
        assert pixels[::10].tolist() == [0, 255, 40_000 // 257, 60_000 // 257]
        assert findings(own, "fish/odd.png")[1][0] == "transparent in places"

    @pytest.mark.parametrize(("profile", "said"), [(b"Display P3", True), ("sRGB".encode("utf-16"), False)])
    def test_a_colour_profile_is_said_unless_it_is_that_of_plain_colours(self, own, profile, said):
        noise().save(own / "fish" / "odd.png", icc_profile=profile)
        assert bool(findings(own, "fish/odd.png")) == said
        assert ("a colour profile other than sRGB" in str(findings(own, "fish/odd.png"))) == said

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

    # EXIF 2.3, tag 0x0112: how a camera stores what it sees, as a function from the upright pixels to the stored ones.
    STORED = {
        1: lambda upright: upright,
        2: lambda upright: upright[:, ::-1],
        3: lambda upright: upright[::-1, ::-1],
        4: lambda upright: upright[::-1],
        5: lambda upright: upright.swapaxes(0, 1),
        6: lambda upright: upright.swapaxes(0, 1)[::-1],
        7: lambda upright: upright.swapaxes(0, 1)[::-1, ::-1],
        8: lambda upright: upright.swapaxes(0, 1)[:, ::-1],
    }

    @pytest.mark.parametrize("orientation", STORED)
    @pytest.mark.parametrize("mode", ["RGB", "L", "RGBA", "P"])
    def test_each_orientation_comes_out_as_the_camera_meant_it(self, tmp_path, orientation, mode):
        upright = noise(48, 32).convert("L" if mode == "L" else "RGB")
        stored = Image.fromarray(np.ascontiguousarray(self.STORED[orientation](np.asarray(upright)))).convert(mode)
        exif = Image.Exif()
        exif[0x0112] = orientation
        stored.save(tmp_path / "photo.png", exif=exif)
        opened = opening.opened(tmp_path / "photo.png")
        assert np.array_equal(self.STORED[orientation](np.asarray(opened.picture)), stored.convert("RGB"))
        assert mode == "P" or np.array_equal(opened.picture, upright.convert("RGB"))  # a palette has fewer colours
        turned = (f"rotated by EXIF orientation {orientation}", "turned upright")
        assert (turned in opened.notes) == (orientation > 1)

    BROKEN = {  # a tag: its number, type, count, and four bytes of value
        "a fraction that is text": (0x011A, 2, 1, b"x\0\0\0"),
        "a number that is text": (0x0100, 2, 4, b"abc\0"),
        "a negative number": (0x0115, 9, 1, struct.pack("<i", -5)),
        "a pointer to nowhere": (0x8769, 4, 1, struct.pack("<I", 99_999)),
        "a type that does not exist": (0x010F, 99, 1, bytes(4)),
    }

    @pytest.mark.parametrize("broken", BROKEN)
    @pytest.mark.parametrize("orientation", STORED)
    def test_broken_exif_data_leave_the_orientation_that_can_be_read(self, tmp_path, orientation, broken):
        """`ImageOps.exif_transpose` alone would fail on some of them, for it writes all tags anew."""
        upright = noise(48, 32)
        tags = [(0x0112, 3, 1, struct.pack("<HH", orientation, 0)), self.BROKEN[broken]]
        entries = b"".join(struct.pack("<HHI4s", *tag) for tag in sorted(tags))
        exif = b"Exif\0\0II*\0" + struct.pack("<IH", 8, len(tags)) + entries + bytes(4)
        stored = np.ascontiguousarray(self.STORED[orientation](np.asarray(upright)))
        Image.fromarray(stored).save(tmp_path / "photo.png", exif=exif)
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


class TestJpegsWithoutTheirEnd:
    """A reader paints what is missing grey and says nothing."""

    WAYS = ({}, {"optimize": True}, {"progressive": True}, {"restart_marker_blocks": 3}, {"subsampling": 0})

    @staticmethod
    def said(path, data):
        return any(found.startswith("damaged: its data end") for found, _ in opening.opened(write(path, data)).notes)

    @pytest.mark.parametrize("mode", ["RGB", "L"])
    @pytest.mark.parametrize("way", WAYS, ids=str)
    def test_are_said(self, tmp_path, way, mode):
        whole = encoded(noise(20, 16).resize((320, 240), Image.Resampling.BICUBIC).convert(mode), "JPEG", **way)
        assert not self.said(tmp_path / "a.jpg", whole)
        for share in (0.5, 0.8):
            assert self.said(tmp_path / "a.jpg", whole[: int(share * len(whole))] + b"\xff\xd9")
        if way == {}:
            half = whole[: len(whole) // 2]
            assert self.said(tmp_path / "a.jpg", half + bytes(len(half)) + b"\xff\xd9")

    @pytest.mark.parametrize("ground", [(128, 128, 128), (127, 129, 128), (255, 255, 255)])
    @pytest.mark.parametrize("way", WAYS, ids=str)
    def test_a_whole_one_on_a_plain_ground_is_not(self, tmp_path, way, ground):
        for size in ((17, 33), (300, 200), (1100, 700)):
            picture = Image.new("RGB", size, ground)
            picture.paste((200, 30, 10), (4, 4, size[0] // 2, size[1] // 2))
            assert not self.said(tmp_path / "a.jpg", encoded(picture, "JPEG", **way) + b"after it \xff\xd9")


class TestUnusableFiles:
    """Left out, with the reason; not refused, since opening them does no harm."""

    WHOLE = encoded(noise(64, 64), "JPEG")
    KINDS = {
        "truncated": ("odd.jpg", WHOLE[: len(WHOLE) // 2], "damaged (cut short"),
        "only a beginning": ("odd.jpg", WHOLE[:20], "damaged"),
        "empty": ("odd.png", b"", "an empty file"),
        "zeros": ("odd.png", bytes(1000), "damaged from its beginning"),
        "too small": ("odd.png", encoded(noise(12, 9)), "12 × 9 pixels: too small"),
        "a text": ("odd.txt", b"no picture", "the ending .txt is none of .avif, .bmp"),
        "a notebook": ("odd.ipynb", b"{}", "the ending .ipynb is none of .avif, .bmp"),
        "a raw photo": ("odd.CR2", b"II*\0" + bytes(100), "save it as JPEG or PNG"),
        "long and thin": (
            "odd.png",
            encoded(Image.new("1", (30_000, 20))),
            "too small to show anything once it is 512",
        ),
        "no picture of a phone": ("odd.heic", b"\0\0\0\x18ftypheic" + bytes(100), "damaged"),
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

    @pytest.mark.parametrize("path", [None, 5, b"a.png", "a\0.png", "a" * 300, "ü" * 200, "a/" * 5000])
    def test_what_no_file_can_be_called(self, path):
        with pytest.raises(ValueError, match="cannot be the path of a file"):
            opening.open_picture(path)

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
            with pytest.raises(ValueError, match="1 files? in .* cannot be used"):
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
        said = refused(path)
        assert re.search("pixels: more than the (64|25|170),000,000 that are decoded", said)
        assert set(decoded) == {(40, 32)}  # the other pictures of the folder
        assert not [warning for warning in recwarn if "bomb" in str(warning.message)]

    def test_a_webp_that_would_fill_the_memory_is_refused(self, own, refused):
        said = refused(write(own / "fish" / "odd.webp", webp(6000, 5000)))
        assert "declares 6000 × 5000 pixels: more than the 25,000,000 that are decoded" in said
        assert "save it smaller, as JPEG" in said

    def test_the_largest_size_allowed_is_decoded(self, tmp_path):
        Image.new("1", (8000, 8000)).save(tmp_path / "large.png")
        assert opening.open_picture(tmp_path / "large.png").size == (512, 512)

    LIES = {
        "a web page": (b"<!DOCTYPE html><html><script>alert(1)</script></html>", "a web page (HTML)"),
        "a drawing with a script": (b'<svg xmlns="http://www.w3.org/2000/svg"><script/></svg>', "an SVG drawing"),
        "a text": ("Für Elise, im Mai".encode(), "text"),
        "a script": (b"#!/bin/sh\nrm -r x\n", "a script"),
        "a zip archive": (b"PK\x03\x04" + bytes(60), "a zip archive"),
        "a program for Windows": (b"MZ\x90\0" + bytes(60), "a program"),
        "a program for Linux": (b"\x7fELF\2\1\1" + bytes(60), "a program"),
        "a PDF": (b"%PDF-1.7\n%\xe2\xe3", "a PDF"),
        "a note of Git LFS": (
            b"version https://git-lfs.github.com/spec/v1\noid",
            "a note of Git LFS in place of the picture",
        ),
        "PostScript, which some readers run": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "text"),
    }

    @pytest.mark.parametrize("kind", LIES)
    @pytest.mark.parametrize("name", ["odd.jpg", "odd.PNG", "odd"])
    def test_a_file_that_lies_about_its_type_is_refused_by_what_it_holds(self, own, refused, kind, name):
        content, holds = self.LIES[kind]
        said = refused(write(own / "fish" / name, content))
        assert said.startswith(f"holds {holds} though") and "a file that lies about its type" in said
        assert said.endswith("; save it as JPEG or PNG") == any(word in holds for word in ("Photoshop", "SVG"))

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

    @pytest.mark.parametrize("target", ["nowhere.png", "odd.png"])
    def test_a_link_to_nowhere_or_to_itself_is_refused(self, own, refused, target):
        (own / "fish" / "odd.png").symlink_to(own / "fish" / target)
        assert refused(own / "fish" / "odd.png") == "a link that leads nowhere"

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
        assert refused(own / "fish" / "odd.png").startswith("5120 MB: larger than the 128 MB that are read")

    @pytest.mark.parametrize("kind", [b"zTXt", b"iTXt", b"iCCP"])
    def test_a_text_in_a_png_that_swells_does_not(self, own, kind):
        swollen = zlib.compress(bytes(200 * 2**20), 9)
        data = b"key\0\1\0\0\0" + swollen if kind == b"iTXt" else b"key\0\0" + swollen
        whole = encoded(noise())
        path = write(own / "fish" / "odd.png", whole[:33] + chunk(kind, data) + whole[33:])
        tracemalloc.start()
        report = folders.examine(own)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 20 * 2**20
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

    def test_an_animation_without_end_is_not_counted_to_its_end(self, own, monkeypatch):
        data = encoded(half_red(), "GIF", save_all=True, append_images=[half_red(64, 44)])
        frame = data[data.rindex(b"\x21\xf9\x04") : -1]
        path = write(own / "fish" / "odd.gif", data[:-1] + frame * 100_000 + b";")
        frames, seek = [], GifImagePlugin.GifImageFile._seek

        def counted(picture, frame, *rest):
            frames.append(frame)
            return seek(picture, frame, *rest)

        monkeypatch.setattr(GifImagePlugin.GifImageFile, "_seek", counted)
        assert ("animated, many frames", "first frame taken") in findings(own, "fish/odd.gif")
        assert 100 < max(frames) < 50_000 and 2**20 < path.stat().st_size < opening.MOST_BYTES

    def test_a_jpeg_of_countless_scans_is_refused(self, own, refused):
        whole = encoded(noise(64, 64), "JPEG", progressive=True)
        start = whole.rindex(b"\xff\xda")
        path = write(own / "fish" / "odd.jpg", whole[:-2] + whole[start:-2] * 200 + whole[-2:])
        assert refused(path) == "a JPEG of more than 100 scans"


class TestWhatDecodersDoNotSay:
    def test_a_scan_whose_white_is_zero_is_no_negative(self, tmp_path):
        ramp = (np.arange(64 * 64).reshape(64, 64) * 16).astype("uint16")
        tags = TiffImagePlugin.ImageFileDirectory_v2()
        tags[262] = 0
        Image.fromarray(65535 - ramp).save(tmp_path / "scan.tif", tiffinfo=tags)
        Image.fromarray(ramp).save(tmp_path / "plain.tif")
        scan, plain = (np.asarray(opening.open_picture(tmp_path / f"{name}.tif")) for name in ("scan", "plain"))
        np.testing.assert_array_equal(scan, plain)
        assert scan[0].mean() < 10

    def test_a_png_with_a_wrong_checksum_is_said(self, own):
        path = own / "fish" / "fish00.png"
        data = bytearray(path.read_bytes())
        place = data.index(b"IEND") - 8
        data[place + 2] ^= 1  # in the checksum of what comes before
        path.write_bytes(data)
        assert "damaged: a checksum in it does not hold" in dict(findings(own, "fish/fish00.png"))
        assert findings(own, "fish/fish01.png") == []

    @pytest.mark.parametrize("place", [0.3, 0.5, 0.8])
    def test_a_png_that_cannot_be_unpacked_is_left_out(self, own, place):
        path = own / "fish" / "fish00.png"
        data = bytearray(path.read_bytes())
        middle = int(place * len(data))
        data[middle : middle + 50] = bytes(50)
        path.write_bytes(data)
        assert "damaged" in folders.examine(own).bad[path]
        with Image.open(path) as picture, pytest.raises(opening.PictureError):
            opening.upright(picture)

    @pytest.mark.parametrize(
        ("begin", "said"),
        [
            (b"\0\0\0\x0cjP  \r\n\x87\n", "holds a JPEG 2000 picture"),
            (b"\xff\x0a\xfa", "holds a JPEG XL picture"),
            (b"P6 9 9 255\n", "holds a picture of Netpbm"),
            (b"Rar!\x1a\7", "holds a RAR archive"),
            (b"MM\x00*\0\0\0\x08\xff", "a TIFF of a kind that is not read here, or damaged"),
            (b"\x01\x02\x03\0", "damaged from its beginning, or of a kind that is not read here"),
        ],
    )
    def test_what_is_no_picture_of_ours_is_told_from_damage(self, own, begin, said):
        write(own / "fish" / "odd.jpg", begin + bytes(200))
        assert findings(own, "fish/odd.jpg")[0][0].startswith(said)

    def test_the_pixels_of_a_jpeg_are_compared_with_what_a_jpeg_may_have(self, own):
        write(own / "fish" / "vast.jpg", jpeg(40_000, 40_000))
        assert "170,000,000" in findings(own, "fish/vast.jpg")[0][0]
