"""Find the same picture, or nearly the same, among many: in two splits it would make a test worthless."""

import hashlib
from collections import defaultdict

import numpy as np
from PIL import Image

SIDE = 16  # pixels of a sketch
SIMILAR = 0.98  # correlation of two sketches of one scene; no two of the 2,000 bundled animals reach 0.97
MOST_SKETCHES = 5000  # comparing all pairs takes about a second; of more, none is compared


def fingerprint(picture):
    """Return a digest of a picture's size and pixels, whatever file they came from."""
    return hashlib.sha256(repr((picture.mode, picture.size)).encode() + picture.tobytes()).hexdigest()


def groups(fingerprints):
    """Return the lists of keys that share a fingerprint, each in the order of the dictionary, singles left out."""
    sharing = defaultdict(list)
    for key, mark in fingerprints.items():
        sharing[mark].append(key)
    return [keys for keys in sharing.values() if len(keys) > 1]


def sketch(picture):
    """Return a picture's coarse shades: float32 (256,), mean 0, length 1 (or zeros for a blank picture).

    The product of two sketches is their correlation, whatever the brightness and contrast of the pictures.
    """
    small = picture.convert("L").resize((SIDE, SIDE), Image.Resampling.BOX)
    shades = np.asarray(small, np.float32).ravel()
    shades = shades - shades.mean()
    length = np.linalg.norm(shades)
    return shades / length if length > SIDE else np.zeros_like(shades)  # less than one shade of spread a pixel


def look_alikes(sketches):
    """Return key → the earlier key that it resembles most, for the sketches that are of one scene."""
    if not 2 <= len(sketches) <= MOST_SKETCHES:
        return {}
    keys, table = list(sketches), np.stack(list(sketches.values()))
    twins = {}
    for start in range(0, len(keys), 256):
        correlations = table[start : start + 256] @ table.T
        for index, row in enumerate(correlations, start):
            if index and row[:index].max() >= SIMILAR:
                twins[keys[index]] = keys[int(row[:index].argmax())]
    return twins
