"""What a file is called and what it holds: the two need not agree."""

import codecs
import hashlib
import os
import unicodedata
from pathlib import Path

JPEG = dict.fromkeys((".jfif", ".jpe", ".jpeg", ".jpg"), "JPEG")
HEIF = dict.fromkeys((".heic", ".heif", ".hif"), "HEIF")
TIFF = dict.fromkeys((".tif", ".tiff"), "TIFF")
ENDINGS = {".avif": "AVIF", ".bmp": "BMP", ".gif": "GIF", **HEIF, **JPEG, ".png": "PNG", **TIFF, ".webp": "WEBP"}
SAVE_AGAIN = "; save it as JPEG or PNG"
OWN_KINDS = (b"\xff\xd8", b"\x89PNG", b"GIF8", b"RIFF", b"BM", b"II*\x00", b"MM\x00*")
OTHER_KINDS = (  # how files begin that are no pictures of ours, what they are, what to do
    ((b"PK\x03\x04", b"PK\x05\x06"), "a zip archive", ""),
    (b"\x1f\x8b", "a gzip archive", ""),
    (b"%PDF", "a PDF", ""),
    (b"#!", "a script", ""),
    ((b"MZ", b"\x7fELF", b"\xcf\xfa\xed\xfe"), "a program", ""),
    (b"8BPS", "a Photoshop file", SAVE_AGAIN),
    (b"\0\0\0\x0cjP  ", "a JPEG 2000 picture", SAVE_AGAIN),
    ((b"\xff\x0a", b"\0\0\0\x0cJXL "), "a JPEG XL picture", SAVE_AGAIN),
    ((b"P1", b"P2", b"P3", b"P4", b"P5", b"P6", b"P7"), "a picture of Netpbm (PPM)", SAVE_AGAIN),
    ((b"\0\0\1\0", b"\0\0\2\0"), "an icon", SAVE_AGAIN),
    (b"SIMPLE  =", "a picture of astronomy (FITS)", SAVE_AGAIN),
    (b"\x89HDF", "an HDF5 file", ""),
    (b"Rar!", "a RAR archive", ""),
    (b"7z\xbc\xaf", "a 7z archive", ""),
    (b"version https://git-lfs", "a note of Git LFS in place of the picture", "; fetch the files with git lfs pull"),
)
BRANDS = {"HEIF": (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"), "AVIF": (b"avif", b"avis")}
READERS = {  # what is to be installed where these cannot be read
    "HEIF": "a HEIC picture, as iPhones take them",
    "AVIF": "an AVIF picture",
}

JOINERS = "\u200c\u200d"  # join letters or keep them apart, as Persian, Sinhala and emoji need


def ending_of(path):
    """Return the ending of a file's name in small letters, blanks around the name ignored."""
    return Path(Path(path).name.strip()).suffix.strip().lower()


def other_kind(data):
    """Return in words what a file holds that is no picture of ours, and what to do; (None, "") where unknown."""
    for beginning, kind, advice in OTHER_KINDS:
        if data.startswith(beginning):
            return kind, advice
    if data.startswith(OWN_KINDS):
        return None, ""
    if data[4:8] == b"ftyp":
        return (None, "") if brand_of(data) else ("a video", "")
    head = data[:1024].lower()
    if b"\0" in head or not head.removeprefix(b"\xef\xbb\xbf").strip():
        return None, ""
    if b"<svg" in head:
        return "an SVG drawing", SAVE_AGAIN
    if b"<html" in head or b"<!doctype html" in head or b"<script" in head:
        return "a web page (HTML)", ""
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)  # the last letter may be cut
    except UnicodeDecodeError:
        return None, ""
    return "text", ""


def brand_of(data):
    """Return "HEIF" or "AVIF" for a file that begins as one of them; None for any other."""
    brand = data[8:12] if data[4:8] == b"ftyp" else b""
    return next((kind for kind, brands in BRANDS.items() if brand in brands), None)


def shown(name):
    """Return a name fit for print: control characters, broken text and marks that turn its direction are escaped."""
    return "".join(
        letter if letter.isprintable() or letter in JOINERS else letter.encode("unicode_escape").decode()
        for letter in str(name)
    )


def plain(name):
    """Return a name without what people see past when they compare names: capitals, and how its letters are stored."""
    return unicodedata.normalize("NFKC", name).casefold()


def counted(number, thing="picture", one="", many="s"):
    """Return a number with its noun, e.g. ``"1 file"``, ``"2 files"``."""
    return f"{number} {thing}{one if number == 1 else many}"


def stored_name(name, longest=200):
    """Return the name under which a copy is kept: the same, unless it is broken text or longer than `longest` bytes."""
    plain = shown(name)
    if plain == name and len(name.encode()) <= longest:
        return name
    short = plain.replace("\\", "_").encode()[: longest - 9].decode("utf-8", "ignore")
    return f"{short}-{hashlib.sha256(os.fsencode(name)).hexdigest()[:8]}"
