"""Find the same picture, or nearly the same, among many: in two splits it would make a test worthless."""

import hashlib
from collections import defaultdict

import numpy as np
from PIL import Image

SIDE = 16  # pixels of a sketch
ALIKE = 0.98  # correlation of two sketches; no two of the 2,000 bundled animals reach 0.97
MOST_SKETCHES = 5000  # comparing all pairs takes about a second


def fingerprint(picture):
    """Return a digest of a picture's size and pixels, whatever file they came from."""
    return hashlib.sha256(repr((picture.mode, picture.size)).encode() + picture.tobytes()).hexdigest()


def groups(fingerprints):
    """Return the lists of keys that share a fingerprint, each in the order of the dictionary, singles left out."""
    found = defaultdict(list)
    for key, mark in fingerprints.items():
        found[mark].append(key)
    return [keys for keys in found.values() if len(keys) > 1]


def sketch(picture):
    """Return a picture's coarse shades, free of brightness and contrast.

    Parameters
    ----------
    picture : PIL.Image.Image

    Returns
    -------
    ndarray, float32 (256,)
        Mean 0 and length 1, so that the product of two sketches is their correlation; zeros for a blank picture.
    """
    small = picture.convert("L").resize((SIDE, SIDE), Image.Resampling.BOX)
    shades = np.asarray(small, np.float32).ravel()
    shades = shades - shades.mean()
    length = np.linalg.norm(shades)
    return shades / length if length > SIDE else np.zeros_like(shades)  # less than one shade of spread a pixel


def look_alikes(sketches, alike=ALIKE):
    """Return pictures that look much like an earlier one.

    Parameters
    ----------
    sketches : dict of key to ndarray
        As `sketch` gives them; of more than 5000, none is compared.
    alike : float
        Correlation from which two are taken for one scene.

    Returns
    -------
    dict of key to key
        Picture to the earlier one that it resembles most.
    """
    if not 2 <= len(sketches) <= MOST_SKETCHES:
        return {}
    keys, table = list(sketches), np.stack(list(sketches.values()))
    found = {}
    for start in range(0, len(keys), 256):
        likeness = table[start : start + 256] @ table.T
        for row, values in enumerate(likeness, start):
            earlier = values[:row]
            if row and earlier.max() >= alike:
                found[keys[row]] = keys[int(earlier.argmax())]
    return found
