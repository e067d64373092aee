"""Find the same picture, or nearly the same, among many: in two splits it would make a test worthless."""

import hashlib
from collections import defaultdict
from typing import NamedTuple

import numpy as np
from PIL import Image
from scipy import sparse
from scipy.sparse import csgraph

SIDE = 16  # pixels of a sketch
SIMILAR = 0.98  # correlation of two sketches of one scene; of the 3,200 bundled animals no two reach 0.97
BLOCK = 1000  # sketches compared with the earlier ones at a time
MIRRORED = np.arange(SIDE * SIDE).reshape(SIDE, SIDE)[:, ::-1].ravel()  # the places of a sketch, left to right
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
    """Return the pairs that join the sketches of one scene, mirrored or not, whatever their order.

    A list of (key, earlier key): for each key first the earlier one that it resembles most, then as many as join it
    with further scenes. A crop by more than about 3 %, a turn, or other words on one ground make another scene.
    """
    if len(sketches) < 2:
        return []
    keys, table, pairs = list(sketches), np.stack(list(sketches.values())), []
    scene = np.arange(len(keys))
    for start in range(0, len(keys), BLOCK):
        block = table[start : start + BLOCK]
        earlier = table[: start + len(block)]
        correlations = block @ earlier.T
        np.maximum(correlations, block[:, MIRRORED] @ earlier.T, out=correlations)
        correlations = np.tril(correlations, start - 1)  # with earlier ones
        for place in np.flatnonzero(correlations.max(axis=1) >= SIMILAR):
            alike = np.flatnonzero(correlations[place] >= SIMILAR)
            alike = alike[np.argsort(-correlations[place, alike], kind="stable")]
            scenes, first = np.unique(scene[alike], return_index=True)
            pairs += [(keys[start + place], keys[other]) for other in alike[np.sort(first)]]
            scene[np.isin(scene, scenes)] = scene[start + place] = scenes[0]
    return pairs


def bursts(marks):
    """Return pairs (key, key before it) of what one camera took within 3 seconds of the one before, by key → `Mark`."""
    in_order = sorted((*mark.taken, key) for key, mark in marks.items() if mark.taken)
    pairs = zip(in_order, in_order[1:], strict=False)
    return [(key, before) for (one, then, before), (other, now, key) in pairs if one == other and now - then <= SECONDS]


def joined(keys, links):
    """Return key → number, the same for all keys that pairs of `links` join, however indirectly."""
    place = {key: index for index, key in enumerate(keys)}
    rows, columns = ([place[pair[end]] for pair in links] for end in (0, 1))
    graph = sparse.coo_matrix((np.ones(len(rows)), (rows, columns)), shape=(len(keys), len(keys)))
    return dict(zip(keys, csgraph.connected_components(graph, directed=False)[1].tolist(), strict=True))
