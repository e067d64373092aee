"""What learners do to pixels 0…255 instead of preparing them as a network's weights expect."""

import numpy as np

from helpers.course.checks.exercise import Refusal


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


def refuse_known(hints, made, equal, who=""):
    """Refuse the first mistake in `hints` (id to what is seen and where to look) whose result in `made` is `equal`."""
    for reason, (seen, look) in hints.items():
        if equal(made[reason]):
            raise Refusal(reason, f"{who}{seen}", look)
