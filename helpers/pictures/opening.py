"""Open pictures of unknown origin: the one place where a file that a learner brings is decoded.

A file is judged by what it holds, not by its name. Only its pixels are carried on: no EXIF data (a place, a camera), no
colour profile, nothing appended after the picture.
"""

import contextlib
import datetime
import functools
import io
import os
import re
import stat
import textwrap
import warnings
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image, ImageOps, features

from helpers import storage
from helpers.pictures import naming

LARGEST_SIDE = 512  # pixels; pictures are stored and shown to a model no larger
MOST_BYTES = 128 * 2**20  # of a file: a page scanned at 600 dots an inch has 105 MB
MOST_PIXELS = 64_000_000  # of a picture: 8000 × 8000
MOST_PIXELS_OF = {"WEBP": 25_000_000, "JPEG": 170_000_000, "MPO": 170_000_000}
# Pillow's reader of WebP needs about 25 bytes for each; a JPEG is decoded no finer than it is needed.
LARGE_PIXELS = 16_000_000  # mentioned in the report
DARK = 64  # of 255: a picture whose brightest shades are below is nearly black
TINY_SIDE, LEAST_SIDE = 32, 16  # pixels: what the trunk needs, and what can show anything at all
MOST_READS = 200_000  # a file of countless tiny parts would keep the reader busy for minutes
JPEG_MARK = re.compile(rb"\xff+[^\x00\xff\xd0-\xd7]")  # what ends the data of a scan
JPEG_END = re.compile(rb"\xff+\xd9")
MOST_SCANS = 100  # of a progressive JPEG; each costs a pass over the whole picture
ORIENTATION = ExifTags.Base.Orientation


class PictureError(ValueError):
    """A file cannot be used as a picture: its `reason`, and whether it was `refused` undecoded as it might do harm."""

    def __init__(self, path, reason, refused=False):
        super().__init__(f"{naming.shown(Path(path).name)} cannot be used as a picture: {reason}.")
        self.reason, self.refused = reason, refused


@dataclass(frozen=True)
class Opened:
    """A picture (RGB, upright, nothing but pixels), and notes on its file: what was found, what was done about it.

    ``taken`` are the camera and the time in seconds, where the file tells: to find bursts, and for nothing else.
    """

    picture: Image.Image
    notes: tuple
    taken: tuple | None = None


def open_picture(path, folder=None, largest_side=LARGEST_SIDE):
    """Return a picture of unknown origin, decoded as `helpers.pictures.images.load` does: a PIL image, RGB, upright.

    `path` is that of an AVIF, BMP, GIF, JPEG, PNG, TIFF or WebP file, or of a HEIC one where the package pillow-heif is
    installed. Of an animation or of several pages the first is taken, transparency becomes white. A picture larger than
    `largest_side` pixels is made smaller, its shape kept; with None it is as large as it is. A link that leads out of a
    `folder` that is given is refused.

    Raises `PictureError` when the file is no picture of these types, damaged, smaller than 16 pixels a side, has the
    ending of no such type (a JPEG called ``.png`` is opened, one called ``.txt`` is not), or might do harm: larger than
    128 MB or 64 million pixels (JPEG: 170, WebP: 25), no regular file, or a link out of `folder`; `ValueError` when no
    file can be called so.
    """
    return opened(path, folder, largest_side).picture


def opened(path, folder=None, largest_side=LARGEST_SIDE):
    """Decode one picture as `open_picture` does, and tell what was found in its file: `Opened`."""
    path = storage.checked_path(path)
    data = _bytes_of(path, folder)
    with _in_words(path, data):
        return _decoded(path, data, largest_side)


def upright(picture, largest_side=LARGEST_SIDE):
    """Return a PIL image as `open_picture` returns its file: turned, on white, RGB; the image itself stays as it is.

    Raises `PictureError` when it is too small or too large, its file is damaged, or its shades have no known range.
    """
    name = Path(getattr(picture, "filename", "") or "the picture")
    if picture.mode == "F" or (picture.mode == "I" and picture.format != "PNG"):
        raise PictureError(name, f"shades of mode {picture.mode} have no known range; convert them to 0..255, mode L")

    with _in_words(name):
        again = picture
        if picture.format in ("JPEG", "MPO") and picture.tile and picture.fp and not picture.tell():
            again = Image.open(picture.fp, formats=formats())  # not decoded yet: no finer than needed, as from a file
        _check_size(name, again, largest_side)
        return _upright_rgb(again.copy() if again is picture else again, largest_side, [])


def check_range(array):
    """Raise ValueError for float pixels in 0..1, not all of them 0 (black is black in either range)."""
    if array.dtype.kind == "f" and 0 < array.max() <= 1:
        raise ValueError(
            f"The pixels are {array.dtype} and at most {array.max():.3g}: divided by 255, it seems. Expected 0 to 255: "
            "multiply them by 255, or give the picture as it was opened. (A nearly black picture: as uint8.)"
        )


@functools.cache
def formats():
    """Return the names of the formats that can be read here, as Pillow calls them."""
    wanted = set(naming.ENDINGS.values())
    try:
        import pillow_heif

        pillow_heif.register_heif_opener(thumbnails=False)
    except ImportError:
        wanted.discard("HEIF")
    return tuple(sorted(wanted if features.check("avif") else wanted - {"AVIF"}))


@contextlib.contextmanager
def _in_words(path, data=b""):
    """Make a `PictureError` of whatever Pillow raises."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what Pillow warns of is refused or reported here
        try:
            yield
        except PictureError:
            raise
        except Image.DecompressionBombError as error:
            most = MOST_PIXELS_OF["JPEG"] if data.startswith(b"\xff\xd8") else MOST_PIXELS
            raise _too_many_pixels(path, f"more than {2 * Image.MAX_IMAGE_PIXELS:,} pixels", most) from error
        except Image.UnidentifiedImageError as error:
            raise _no_picture(path, data) from error
        except Exception as error:  # damage makes Pillow raise nearly anything: struct.error, SyntaxError, ...
            raise PictureError(path, f"damaged ({_short(error)})") from error


def _short(error):
    if "truncated" in str(error).lower():
        return "cut short: its data end before the picture does"
    return textwrap.shorten(naming.shown(str(error)), 100, placeholder=" ...") or type(error).__name__


def _bytes_of(path, folder):
    try:
        real = path.resolve(strict=True)
        if folder is not None and not real.is_relative_to(Path(folder).resolve()):
            raise PictureError(path, "a link that leads out of the folder", refused=True)
        _check_status(path, real.stat())  # before it is opened: a pipe would wait for a writer for ever
        with open(real, "rb", opener=_open_at_once) as stream:
            status = os.fstat(stream.fileno())
            _check_status(path, status)
            return stream.read(status.st_size)
    except (OSError, RuntimeError) as error:  # RuntimeError: links in a circle, up to Python 3.12
        if path.is_symlink():
            raise PictureError(path, "a link that leads nowhere", refused=True) from error
        raise PictureError(path, getattr(error, "strerror", None) or str(error)) from error


def _open_at_once(name, flags):
    return os.open(name, flags | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOFOLLOW", 0))


def _check_status(path, status):
    if stat.S_ISDIR(status.st_mode):
        raise PictureError(path, "a folder; a picture is looked for right inside the class folder")
    if not stat.S_ISREG(status.st_mode):
        raise PictureError(path, "no regular file but a pipe, a socket or a device", refused=True)
    if status.st_size > MOST_BYTES:
        size, most = status.st_size / 2**20, MOST_BYTES // 2**20
        raise PictureError(path, f"{size:.0f} MB: larger than the {most} MB that are read", refused=True)
    if status.st_size == 0:
        raise PictureError(path, "an empty file")


class _CountedReads(io.BytesIO):
    """Bytes in memory that can be read so many times and no more."""

    def __init__(self, data, path):
        super().__init__(data)
        self.left, self.path = MOST_READS, path

    def read(self, size=-1):
        self.left -= 1
        if self.left < 0:
            raise PictureError(self.path, "in too many tiny parts to be a picture", refused=True)
        return super().read(size)


def _decoded(path, data, largest_side):
    ending = naming.ending_of(path)
    if ending and ending not in naming.ENDINGS:
        known = f"{', '.join(naming.ENDINGS)}; if it is a picture, save it as JPEG or PNG"
        raise PictureError(path, f"the ending {naming.shown(ending)} is none of {known}")
    if (brand := naming.brand_of(data)) and brand not in formats():
        package = "pillow-heif" if brand == "HEIF" else "a newer pillow"
        advice = f"pip install {package} lets it be read after a restart; or save it as JPEG"
        raise PictureError(path, f"{naming.READERS[brand]}, which nothing installed here can read; {advice}")
    with Image.open(_CountedReads(data, path), formats=formats()) as picture:
        kind = "JPEG" if picture.format == "MPO" else picture.format  # phones append a second picture to a JPEG
        width, height = _check_size(path, picture, largest_side)
        if kind == "JPEG" and data.count(b"\xff\xda") > MOST_SCANS:
            raise PictureError(path, f"a JPEG of more than {MOST_SCANS} scans", refused=True)
        notes = list(_first_notes(ending, kind, width, height))
        if kind == "PNG" and not _checksums_hold(data):
            notes.append(("damaged: a checksum in it does not hold", "kept; look at it, or replace it"))
        if kind in ("TIFF", "HEIF") and getattr(picture, "n_frames", 1) > 1:
            notes.append((f"{_frames(path, data)} pages or pictures in one file", "first one taken"))
        elif kind != "JPEG" and getattr(picture, "is_animated", False):
            notes.append((f"animated, {_frames(path, data)} frames", "first frame taken"))
        in_passes = "progressive" in picture.info
        if kind in ("TIFF", "PNG"):  # a TIFF is turned upright; whoever asks a PNG for its EXIF is not told of damage
            picture.load()
        taken = _taken(picture)
        if kind == "TIFF" and picture.mode in ("I", "F"):
            said = f"shades of {picture.mode} numbers, which have no known range; save it with 8 or 16 bits a shade"
            raise PictureError(path, said)
        upright_picture = _upright_rgb(picture, largest_side, notes)
        if kind == "JPEG" and _lacks_data(data, in_passes, upright_picture, largest_side):
            notes.append(("damaged: its data end before the picture does", "kept, the rest grey or coarse; replace it"))
        return Opened(upright_picture, tuple(notes), taken)


def _check_size(path, picture, largest_side):
    width, height = picture.size
    most = MOST_PIXELS_OF.get(picture.format, MOST_PIXELS)
    if width * height > most:
        raise _too_many_pixels(path, f"{width} × {height} pixels", most)
    shrunk = min(1, (largest_side or max(width, height)) / max(width, height))
    if min(width, height) * shrunk < LEAST_SIDE:
        fitted = f" once it is {largest_side} pixels long" if min(width, height) >= LEAST_SIDE else ""
        raise PictureError(path, f"{width} × {height} pixels: too small to show anything{fitted}")
    return width, height


def _lacks_data(data, in_passes, picture, largest_side):
    """Return whether a JPEG with an end mark is incomplete; its reader says nothing and paints the rest grey.

    Bytes put in where its data end change a picture that lacks some, and no other.
    """
    side, (width, height) = LEAST_SIDE // 2, picture.size
    corners = [(x, y, x + side, y + side) for x in (0, width - side) for y in (0, height - side)]
    grey = any(np.abs(np.asarray(picture.crop(corner), int) - 128).max() <= 2 for corner in corners)
    if not in_passes and not grey:
        return False
    place = 2
    while data[place : place + 1] == b"\xff" and data[place + 1 : place + 2] != b"\xda":  # over what comes before
        place += 2 + int.from_bytes(data[place + 2 : place + 4])
    end = (JPEG_END if in_passes else JPEG_MARK).search(data, place + 2)
    if not end:
        return False
    some = b"".join(bytes(range(1, 200)) + bytes([0xFF, 0xD0 + number]) for number in range(8))  # restarts among it
    longer = data[: end.start()] + some + data[end.start() :]
    with Image.open(io.BytesIO(longer), formats=formats()) as again:
        return _upright_rgb(again, largest_side, []).tobytes() != picture.tobytes()


def _checksums_hold(data):
    """Return whether the checksum of each part of a PNG holds; its reader looks at few of them."""
    place = 8
    while place + 12 <= len(data):
        end = place + 8 + int.from_bytes(data[place : place + 4])
        if data[end : end + 4] != zlib.crc32(data[place + 4 : end]).to_bytes(4):
            return False
        if data[place + 4 : place + 8] == b"IEND":
            return True
        place = end + 4
    return True


def _too_many_pixels(path, declared, most):
    reason = f"declares {declared}: more than the {most:,} that are decoded (a decompression bomb?)"
    return PictureError(path, f"{reason}; if it is a picture, save it smaller, as JPEG", refused=True)


def _no_picture(path, data):
    (kind, advice), ending = naming.other_kind(data), naming.ending_of(path)
    if kind is None:
        if data.startswith((b"II", b"MM")):
            return PictureError(path, f"a TIFF of a kind that is not read here, or damaged{naming.SAVE_AGAIN}")
        return PictureError(path, "damaged from its beginning, or of a kind that is not read here")
    name = f"its name ends in {ending}" if ending else "it is among pictures"
    return PictureError(path, f"holds {kind} though {name}: a file that lies about its type{advice}", refused=True)


def _first_notes(ending, kind, width, height):
    if not ending:
        yield f"{_one(kind)} picture whose name has no ending", "kept: the content decides"
    elif naming.ENDINGS[ending] != kind:
        yield f"wrongly named: {_one(kind)} picture that ends in {ending}", "kept: the content decides"
    if min(width, height) < TINY_SIDE:
        yield f"tiny: {width} × {height} pixels, fewer than {TINY_SIDE} a side", "kept; it will be enlarged and blurred"
    if width * height > LARGE_PIXELS:
        yield f"huge: {width} × {height} pixels", "kept; it is made smaller when it is loaded"


def _one(kind):
    return f"an {kind}" if kind == "AVIF" else f"a {kind}"


def _frames(path, data):
    try:
        with Image.open(_CountedReads(data, path), formats=formats()) as again:
            return again.n_frames
    except Exception:  # so many that counting was stopped, or a later frame is damaged: the first one is what matters
        return "many"


def _brightest(picture):
    """Return the value, 0..255, at or below which 99.9 % of the pixels are in every channel."""
    counts = np.cumsum(np.reshape(picture.histogram(), (3, 256)), axis=1)
    return max(int(np.searchsorted(channel, 0.999 * channel[-1])) for channel in counts)


def _taken(picture):
    """Return the camera and the time, in seconds, that a file's EXIF data tell; None where they do not."""
    try:
        exif = picture.getexif()
        text = exif.get_ifd(ExifTags.IFD.Exif).get(ExifTags.Base.DateTimeOriginal)
        moment = datetime.datetime.strptime(str(text).strip(" \0"), "%Y:%m:%d %H:%M:%S")
        return str(exif.get(ExifTags.Base.Model, "")), moment.replace(tzinfo=datetime.UTC).timestamp()
    except Exception:  # none, or damaged
        return None


def _orientation(picture):
    try:
        orientation = picture.getexif().get(ORIENTATION, 1)
        return int(orientation) if orientation in range(2, 9) else 1
    except Exception:  # damaged EXIF data says nothing of the pixels
        return 1


def _upright_rgb(picture, largest_side, notes):
    orientation = _orientation(picture)
    if picture.mode == "CMYK":
        notes.append(("CMYK colours, for print", "converted to RGB"))
    elif picture.mode in ("1", "L", "LA") or picture.mode.startswith("I"):
        notes.append(("grey", "converted to RGB: three equal channels"))
    profile = picture.info.get("icc_profile") or b""
    if profile and b"sRGB" not in profile.replace(b"\0", b""):
        notes.append(("a colour profile other than sRGB", "kept; the profile is not applied, here and in predict"))
    if picture.mode.startswith("I"):  # 16 bits of grey, which Pillow would clip to white
        grey, clear = np.asarray(picture), picture.info.get("transparency")
        if getattr(picture, "tag_v2", {}).get(ExifTags.Base.PhotometricInterpretation) == 0:  # white is 0, as in a scan
            grey = 65535 - grey
        picture = Image.fromarray((grey // 257).astype(np.uint8))
        if isinstance(clear, int):
            picture.putalpha(Image.fromarray(np.where(grey == clear, 0, 255).astype(np.uint8)))
    if "transparency" in picture.info or picture.mode in ("PA", "LA"):
        picture = picture.convert("RGBA")
    elif picture.mode in ("1", "P"):
        picture = picture.convert("RGB")
    if largest_side:
        picture.thumbnail((largest_side, largest_side))  # a JPEG is decoded no finer than this needs
    if orientation != 1:
        exif = Image.Exif()
        exif[ORIENTATION] = orientation
        picture.info = {"exif": exif.tobytes()}  # Pillow writes the rest anew, too, and would stumble over damage in it
        picture = ImageOps.exif_transpose(picture)
        notes.append((f"rotated by EXIF orientation {orientation}", "turned upright"))
    if picture.mode == "RGBA":
        if picture.getchannel("A").getextrema()[0] < 255:
            notes.append(("transparent in places", "laid on white, converted to RGB"))
        picture = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture)
    picture = picture.convert("RGB")
    if all(low == high for low, high in picture.getextrema()):
        notes.append(("blank: every pixel has the same colour", "kept; look whether it belongs here"))
    elif (bright := _brightest(picture)) < DARK:
        done = "kept, nearly black; if it was measured in 10 to 14 bits, stretch its shades to 16"
        notes.append((f"very dark: 99.9 % of it is below {bright + 1} of 255", done))
    picture.info = {}
    return picture
