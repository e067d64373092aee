"""What learners do to pixels 0…255 instead of preparing them as a network's weights expect."""

import numpy as np


def wrong(prepare, pixels):
    """Return by name what mistakes make of `pixels`, where `prepare` is the network's own preprocessing."""
    pixels = np.asarray(pixels, "float32")

    def prepared(given):
        return np.asarray(prepare(np.array(given)))  # a copy, as some preprocessing works in place

    return {
        "as-they-are": pixels,
        "divided": pixels / 255,
        "minus-one-to-one": pixels / 127.5 - 1,
        "turned-only": pixels[..., ::-1],
        "red-first": prepared(pixels)[..., ::-1],
        "red-and-blue-exchanged": prepared(pixels[..., ::-1]),
        "prepared": prepared(pixels),
        "twice": prepared(prepared(pixels)),
        "divided-then-prepared": prepared(pixels / 255),
        "prepared-then-divided": prepared(pixels) / 255,
    }


def recognised(hints, arrays, matches):
    """Return the first name of `hints` whose array `matches`, and what `hints` says of it; or None twice."""
    for name, hint in hints.items():
        if matches(arrays[name]):
            return name, hint
    return None, None
