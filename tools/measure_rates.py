"""The stored curves behind the fine-tuning rate explorer: measured once, kept with what they were measured on.

``python -m tools.measure_rates`` measures them again (about ten minutes on two cores) and writes the file.
"""

import argparse
import json
import os
import platform

import keras
import numpy as np

from helpers import storage
from helpers.measuring import rate_curves
from helpers.network import surgery, vgg16
from helpers.pictures import features, images

RATES = (1e-6, 1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 1e-2)
HEAD_RATE = 3e-4  # as in notebook 06
SETTINGS = {"pictures": "animals", "image_size": 96, "per_class": 100, "head_epochs": 5, "epochs": 6, "seed": 0}


def measure(rates=RATES, per_class=100, image_size=96, head_epochs=5, epochs=6, seed=0, report=print):
    """Train the head from zero weights, then fine-tune block5 from that same start once for each rate.

    Returns the validation accuracy before fine-tuning, the number of validation pictures, and a history for each rate,
    rounded to four places. `report` takes a line of text after each rate.
    """
    size = (image_size, image_size, 3)
    data = images.load("animals", image_size=image_size, per_class=per_class)
    base = keras.applications.VGG16(weights=vgg16.weights(), include_top=False, input_shape=size)
    trunk, tail = surgery.split(base, "block4_pool")
    pixels = keras.Input(size)
    cut = keras.Model(pixels, trunk(keras.applications.vgg16.preprocess_input(pixels)))
    kept = features.extract(cut, data, splits=("train", "validation"))

    keras.utils.set_random_seed(seed)
    maps = keras.Input(tail.output.shape[1:])
    row = keras.layers.GlobalAveragePooling2D()(maps)
    head = keras.Model(maps, keras.layers.Dense(len(data.class_names), kernel_initializer="zeros")(row))
    _compile(head, HEAD_RATE)
    ends = [(tail.predict(given, verbose=0), labels) for given, labels in (kept.train, kept.validation)]
    head.fit(*ends[0], epochs=head_epochs, verbose=0)
    before = head.evaluate(*ends[1], verbose=0, return_dict=True)["accuracy"]

    cached = keras.Input(tail.input.shape[1:])
    model = keras.Model(cached, head(tail(cached)))
    start = model.get_weights()
    histories = {}
    for rate in rates:
        model.set_weights(start)
        keras.utils.set_random_seed(seed)  # the same order of pictures for every rate
        _compile(model, rate)
        history = model.fit(*kept.train, validation_data=kept.validation, epochs=epochs, verbose=0).history
        histories[rate] = {name: np.round(values, 4).tolist() for name, values in history.items()}
        report(f"{rate:g}: {histories[rate]['val_accuracy']}")
    return round(before, 4), len(kept.validation[1]), histories


def _compile(model, rate):
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(rate), loss=loss, metrics=["accuracy"])


def main():
    """Measure the curves and write the file."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    wanted = {name: value for name, value in SETTINGS.items() if name != "pictures"}
    before, pictures, histories = measure(**wanted)
    machine = {"system": platform.system(), "processor": platform.machine(), "cores": os.cpu_count()}
    results = {
        "settings": SETTINGS,
        "machine": {**machine, "keras": keras.__version__},
        "before": before,
        "validation_pictures": pictures,
        "histories": {f"{rate:g}": history for rate, history in histories.items()},
    }
    with storage.written_whole(rate_curves.STORED) as temporary:
        temporary.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
