"""Measure VGG16's frozen head at 96 and at 224 pixels, for notebook 08, where that would take minutes.

``python -m tools.measure_sides`` trains a head on 40 photographs a class and writes what it answers to 100 others of
each class into ``helpers/measuring/sides.tsv`` (about five minutes on two cores).
"""

from pathlib import Path

import keras

from helpers import storage
from helpers.measuring import evaluation, results
from helpers.network import vgg16
from helpers.pictures import features, images

PER_CLASS = {"train": 40, "test": 100}
FILE = Path(results.__file__).with_name("sides.tsv")


def answers(side):
    """Return the labels of the test photographs, and a head's answers to them at this size."""
    data = images.load("animals", image_size=side, per_class=PER_CLASS)
    base = keras.applications.VGG16(weights=vgg16.weights(), include_top=False, input_shape=(side, side, 3))
    pixels = keras.Input((side, side, 3))
    maps = base(keras.applications.vgg16.preprocess_input(pixels))
    extractor = keras.Model(pixels, keras.layers.GlobalAveragePooling2D()(maps))
    found = features.extract(extractor, data, ["train", "test"])
    keras.utils.set_random_seed(0)
    inputs = keras.Input((512,))
    head = keras.Model(inputs, keras.layers.Dense(5, kernel_initializer="zeros")(inputs))
    head.compile(keras.optimizers.Adam(), loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    head.fit(*found.train, batch_size=32, epochs=8, verbose=0)
    return found.test[1], head.predict(found.test[0], verbose=0).argmax(axis=1)


def main():
    """Measure both sizes and write the file."""
    lines = ["setting\tpredictions"]
    for side in (96, 224):
        labels, said = answers(side)
        print(f"VGG16, {side} px: {evaluation.accuracy(labels, said)}")
        lines.append(f"VGG16, {side} px\t{''.join(map(str, said))}")
    with storage.written_whole(FILE) as temporary:
        temporary.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
