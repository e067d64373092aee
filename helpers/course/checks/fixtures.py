"""Models that checks hand to a learner's function: VGG16's last layers as they are, on features instead of pixels."""

import keras
import numpy as np

CLASSES = 5
BLOCK5 = ("block5_conv1", "block5_conv2", "block5_conv3")
HEAD = "predictions"
LOSS = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
SIDE = 4  # of the maps that block5 takes for pictures of 64 pixels


def late_base(first_layers=(), maps=512):
    """Return VGG16's block5, after the named layers of block4, on maps of 4 × 4 × 512 (or another number of `maps`).

    The layers have VGG16's structure and names, and fresh weights: what moves does not depend on them, nor on their
    number. TensorFlow keeps what a compiled fit has captured, so few maps also keep each try of a learner small.
    """
    features = keras.Input((SIDE, SIDE, maps), name="features")
    last = features
    for name in (*first_layers, *BLOCK5):
        last = keras.layers.Conv2D(maps, 3, padding="same", activation="relu", name=name)(last)
    return keras.Model(features, keras.layers.MaxPooling2D(name="block5_pool")(last), name="late_vgg16")


def with_head(base):
    """Return a model of `base`, global average pooling and five logits."""
    features = keras.Input(base.input_shape[1:], name="features")
    row = keras.layers.GlobalAveragePooling2D(name="pool")(base(features))
    return keras.Model(features, keras.layers.Dense(CLASSES, name=HEAD)(row))


def features_and_labels(maps=512):
    """Return eight rows of features for `late_base`, and labels 0…4."""
    generator = np.random.default_rng(3)
    return generator.gamma(0.5, 1.0, (8, SIDE, SIDE, maps)).astype("float32"), generator.integers(0, CLASSES, 8)


def train(model, learning_rate=0.01):
    """Compile `model` for logits and whole numbers, and fit it for one step."""
    model.compile(keras.optimizers.SGD(learning_rate), loss=LOSS)
    model.fit(*features_and_labels(model.input_shape[-1]), verbose=0)
    return model
