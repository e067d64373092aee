"""What learners do to pixels 0…255: prepare them as a network's weights expect, or one of the usual mistakes."""

import numpy as np

from helpers.course.checks import probes

TORCH = np.array([[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]], "float32")  # its networks' mean and deviation


def variants(prepare, pixels):
    """Return `pixels` "prepared" by the network's own preprocessing, and as each mistake would make them."""
    pixels = np.asarray(pixels, "float32")

    def prepared(array):
        return np.asarray(prepare(np.array(array)))  # a copy, as some preprocessing works in place

    turned, means = pixels[..., ::-1], -prepared(np.zeros((1, 1, 1, 3)))
    return {
        "prepared": prepared(pixels),
        "as-they-are": pixels,
        "divided": pixels / 255,
        "minus-one-to-one": pixels / 127.5 - 1,
        "for-efficientnet-lite": (pixels - 127) / 128,
        "for-pytorch": (pixels / 255 - TORCH[0]) / TORCH[1],
        "turned-only": turned,
        "red-first": prepared(pixels)[..., ::-1],
        "red-and-blue-exchanged": prepared(turned),
        "turned-means-not": turned - means[..., ::-1],
        "means-added": turned + means,
        "own-mean": turned - turned.mean(axis=(0, 1, 2)),
        "twice": prepared(prepared(pixels)),
        "divided-then-prepared": prepared(pixels / 255),
        "prepared-then-divided": prepared(pixels) / 255,
    }


def recognised(mistakes, made, fed, close=probes.CLOSE):
    """Return the first of the `mistakes` whose outcome in `made` is the `same` as what the learner has, or None."""
    for mistake in mistakes:
        if mistake != "prepared" and probes.same(fed, made[mistake], close):
            return mistake
    return None
