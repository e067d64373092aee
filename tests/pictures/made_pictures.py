"""Pictures and files that are made for tests, among them headers that claim any size."""

import io
import struct
import zlib

import numpy as np
from PIL import Image

from helpers.pictures import folders

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


def findings(folder, name):
    table = folders.examine(folder).table
    return [tuple(row) for row in table.loc[table["file"] == name, ["found", "done"]].to_numpy()]


def write(path, content):
    path.write_bytes(content)
    return path
