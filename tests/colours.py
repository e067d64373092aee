"""A model built by hand that tells blue, green and red apart, and files to try it on: for the tests of the page."""

from types import SimpleNamespace

import keras
import numpy as np
import pandas as pd
from PIL import Image

from helpers.saving import export, model_card

NAMES = ("blue", "green", "<i>red</i> *$`")  # a name is text, whatever it holds
TEXTS = {"name": "Toy", "training": "By hand.", "intended_use": "A test.", "limits": "All else."}


def colour_counter(size=(32, 32), kernel=8, after=None):
    """A convolution and a head: the more of a colour, the larger its output. With the size (None, None) it resizes.

    `after` is a function that the maps go through.
    """
    given = keras.Input((*size, 3))
    pixels = keras.layers.Resizing(32, 32)(given) if None in size else given
    maps = keras.layers.Conv2D(3, kernel, strides=kernel)
    head = keras.layers.Dense(3)
    found = maps(keras.layers.Rescaling(1 / 255)(pixels))
    row = keras.layers.GlobalAveragePooling2D()(after(found) if after else found)
    model = keras.Model(given, head(row), name="colours")
    maps.set_weights([np.tile(np.eye(3) / kernel**2, (kernel, kernel, 1, 1)), np.zeros(3)])
    head.set_weights([8 * np.eye(3)[::-1], np.zeros(3)])
    return model


def saved(folder, model=None, unknown_below=None):
    """Save it with a card, as ``model.keras``; return the path."""
    counts = pd.DataFrame({"train": [1] * 3, "validation": [1] * 3, "test": [1] * 3}, pd.Index(NAMES, name="class"))
    data = SimpleNamespace(name="colours", class_names=NAMES, counts=lambda: counts)
    card = model_card.describe(data, [0, 1, 2], [0, 1, 2], **TEXTS)
    return export.save(model or colour_counter(), folder / "model.keras", NAMES, card, unknown_below)


def draw(folder):
    """Write a picture that is red, on the right above all, one that is nearly grey, and files that are no pictures."""
    picture = Image.new("RGB", (80, 60), (60, 0, 0))
    picture.paste((255, 0, 0), (40, 0, 80, 60))
    picture.save(folder / "red.png")
    Image.new("RGB", (60, 60), (100, 110, 100)).save(folder / "grey.png")
    (folder / "text.jpg").write_text("<script>alert(1)</script>")
    (folder / "notes.txt").write_text("notes")
