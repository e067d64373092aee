"""Find the same picture, or nearly the same, among many: in two splits it would make a test worthless."""

import hashlib
from collections import defaultdict
from typing import NamedTuple

import numpy as np
from PIL import Image
from scipy import sparse
from scipy.sparse import csgraph

SIDE = 16  # pixels of a sketch
SIMILAR = 0.98  # correlation of two sketches of one scene; no two of the 3,200 bundled animals reach 0.97
BLOCK = 2000  # sketches compared with the earlier ones at a time
SECONDS = 3  # between two pictures of a burst


class Mark(NamedTuple):
    """What is remembered of a picture, to compare it with others."""

    fingerprint: str
    shades: str  # the grey of 16 × 16 places, in hexadecimal digits
    taken: tuple | None  # camera and time in seconds, where the file tells


def mark(picture, taken=None):
    """Return the `Mark` of a PIL image."""
    small = picture.convert("L").resize((SIDE, SIDE), Image.Resampling.BOX)
    return Mark(fingerprint(picture), small.tobytes().hex(), taken)


def fingerprint(picture):
    """Return a digest of a picture's size and pixels, whatever file they came from."""
    return hashlib.sha256(repr((picture.mode, picture.size)).encode() + picture.tobytes()).hexdigest()


def groups(fingerprints):
    """Return the lists of keys that share a fingerprint, each in the order of the dictionary, singles left out."""
    sharing = defaultdict(list)
    for key, digest in fingerprints.items():
        sharing[digest].append(key)
    return [keys for keys in sharing.values() if len(keys) > 1]


def sketch(shades):
    """Return the coarse shades of a `Mark`: float32 (256,), mean 0, length 1 (or zeros for a blank picture).

    The product of two sketches is their correlation, whatever the brightness and contrast of the pictures.
    """
    values = np.frombuffer(bytes.fromhex(shades), np.uint8).astype(np.float32)
    values = values - values.mean()
    length = np.linalg.norm(values)
    return values / length if length > SIDE else np.zeros_like(values)  # less than one shade of spread a pixel


def look_alikes(sketches):
    """Return key → the earlier key that it resembles most, for the sketches that are of one scene."""
    if len(sketches) < 2:
        return {}
    keys, table, twins = list(sketches), np.stack(list(sketches.values())), {}
    for start in range(0, len(keys), BLOCK):
        block = table[start : start + BLOCK]
        correlations = np.tril(block @ table[: start + len(block)].T, start - 1)  # with earlier ones
        best = correlations.argmax(axis=1)
        alike = np.flatnonzero(correlations.max(axis=1) >= SIMILAR)
        twins |= {keys[start + later]: keys[best[later]] for later in alike}
    return twins


def bursts(taken):
    """Return key → the key before it, for what one camera took within 3 seconds of the one before.

    `taken` are the camera and the time of each key, as in `Mark`.
    """
    in_order = sorted((camera, moment, key) for key, (camera, moment) in taken.items())
    pairs = zip(in_order, in_order[1:], strict=False)
    return {key: before for (one, then, before), (other, now, key) in pairs if one == other and now - then <= SECONDS}


def joined(keys, links):
    """Return key → number, the same for all keys that pairs of `links` join, however indirectly."""
    place = {key: index for index, key in enumerate(keys)}
    rows, columns = ([place[pair[end]] for pair in links] for end in (0, 1))
    graph = sparse.coo_matrix((np.ones(len(rows)), (rows, columns)), shape=(len(keys), len(keys)))
    return dict(zip(keys, csgraph.connected_components(graph, directed=False)[1].tolist(), strict=True))
