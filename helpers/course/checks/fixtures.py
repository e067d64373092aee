"""Models that checks hand to a learner's function: VGG16's last layers on features, not pixels; and a small base."""

import keras
import numpy as np

CLASSES = 5
LAYERS = []  # of VGG16's base
for block, depth in enumerate((2, 2, 3, 3, 3), start=1):
    LAYERS += [f"block{block}_conv{number}" for number in range(1, depth + 1)] + [f"block{block}_pool"]
BLOCK5 = tuple(LAYERS[-4:-1])
HEAD = "predictions"
LOSS = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
SIDE = 4  # of the maps that block5 takes for pictures of 64 pixels


def base_on_features(names=LAYERS[-4:], maps=512):
    """Return a base with the named layers of VGG16, on maps of 4 × 4 × 512 (or another number of `maps`).

    The layers have fresh weights: what moves does not depend on them, nor on their number. TensorFlow keeps what a
    compiled fit has captured, so few maps also keep each try of a learner small.
    """
    features = keras.Input((SIDE, SIDE, maps), name="features")
    last = features
    for seed, name in enumerate(names):
        if name.endswith("pool"):
            last = keras.layers.MaxPooling2D(padding="same", name=name)(last)
        else:
            options = {"padding": "same", "activation": "relu", "name": name}
            start = keras.initializers.HeNormal(seed)  # every layer gets a gradient
            last = keras.layers.Conv2D(maps, 3, kernel_initializer=start, **options)(last)
    return keras.Model(features, last, name="vgg16")


def small_base(side, kernel, biases):
    """Return a base of one convolution on pictures of so many pixels a side; `kernel` is (3, 3, 3, maps).

    It is functional, so it has an `output`, as a base of keras.applications has; a Sequential model has none.
    """
    pixels = keras.Input((side, side, 3))
    convolution = keras.layers.Conv2D(len(biases), 3, strides=2, activation="relu", name="block1_conv1")
    base = keras.Model(pixels, convolution(pixels), name="small_vgg")
    base.set_weights([kernel, biases])
    return base


def with_head(base):
    """Return a model of `base`, global average pooling and five logits."""
    features = keras.Input(base.input_shape[1:], name="features")
    row = keras.layers.GlobalAveragePooling2D(name="pool")(base(features))
    return keras.Model(features, keras.layers.Dense(CLASSES, name=HEAD)(row))


def features_and_labels(maps=512):
    """Return eight rows of features for a base, and labels 0…4."""
    generator = np.random.default_rng(3)
    return generator.gamma(0.5, 1.0, (8, SIDE, SIDE, maps)).astype("float32"), generator.integers(0, CLASSES, 8)


def train(model, learning_rate=0.01):
    """Compile `model` for logits and whole numbers, and fit it for one step."""
    model.compile(keras.optimizers.SGD(learning_rate), loss=LOSS)
    model.fit(*features_and_labels(model.input_shape[-1]), verbose=0)
    return model
