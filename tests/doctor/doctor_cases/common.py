"""What the cases are made of: coloured pictures, bases cut short, heads."""

import functools

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from helpers.network import efficientnet_lite, vgg16

SIDE = 32
LOGITS = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
caffe = keras.applications.vgg16.preprocess_input
tf_mode = keras.applications.mobilenet_v2.preprocess_input


def pictures(number=48, seed=0, classes=3, side=SIDE):
    """Return smooth coloured pictures, float32 in 0..255, and labels, each class with a colour of its own."""
    rng = np.random.default_rng(seed)
    labels = np.tile(np.arange(classes), -(-number // classes))[:number]
    small = rng.uniform(0, 255, (number, 6, 6, 3)).astype("float32")
    small[np.arange(number), :, :, labels % 3] *= 0.6
    small[:, 0, 0], small[:, 5, 5] = 0, 255
    large = np.clip(np.asarray(tf.image.resize(small, (side, side), "nearest")), 0, 255)
    return large, labels.astype("int32")


def features(number=48, seed=0, classes=3, width=16):
    """Return rows of features and labels."""
    rng = np.random.default_rng(seed)
    labels = np.tile(np.arange(classes), -(-number // classes))[:number]
    return rng.normal(labels[:, None], 1, (number, width)).astype("float32"), labels.astype("int32")


def three(make=pictures, **settings):
    """Return train, validation and test of different pictures."""
    return [make(seed=seed, **settings) for seed in (1, 2, 3)]


def dataset(pair, batch=16):
    return tf.data.Dataset.from_tensor_slices(tuple(pair)).batch(batch)


@functools.cache
def _whole(family):
    if family == "vgg":
        return keras.applications.VGG16(weights=vgg16.weights(), include_top=False, input_shape=(SIDE, SIDE, 3))
    if family == "lite":
        return efficientnet_lite.efficientnet_lite0(efficientnet_lite.weights(), False, (SIDE, SIDE, 3))
    build = {"resnet": keras.applications.ResNet50, "mobilenet": keras.applications.MobileNetV2}[family]
    settings = {"alpha": 0.35} if family == "mobilenet" else {}
    return build(weights=None, include_top=False, input_shape=(SIDE, SIDE, 3), **settings)


ENDS = {"vgg": "block2_pool", "lite": "block2b_add", "resnet": "conv2_block2_out", "mobilenet": "block_3_expand_relu"}


def base(family="vgg", end=None, start=None, trained=True, name=None):
    """Return a copy of a network's first part, or of the part from layer `start` on, as if it had been trained."""
    whole = _whole(family)
    first = whole.inputs[0] if start is None else whole.get_layer(start).output
    part = keras.Model(first, whole.get_layer(end or ENDS[family]).output, name=name or f"{family}_part")
    copy = keras.models.clone_model(part)
    copy.set_weights(part.get_weights())
    if trained and family in ("resnet", "mobilenet"):
        as_if_trained(copy)
    return copy


def as_if_trained(model):
    """Move biases and statistics off zero, where training would have moved them."""
    rng = np.random.default_rng(4)
    for weight in model.weights:
        if weight.path.rpartition("/")[2] in ("bias", "beta", "moving_mean"):
            weight.assign(rng.normal(0, 0.2, weight.shape))


def on_top(trunk, prepare=caffe, units=3, activation=None, side=SIDE, **call):
    """Return a model from pixels: preparation, a nested base, pooling, one Dense layer."""
    pixels = keras.Input((side, side, 3), name="pixels")
    maps = trunk(prepare(pixels) if prepare else pixels, **call)
    row = layers.GlobalAveragePooling2D(name="pool")(maps)
    return keras.Model(pixels, layers.Dense(units, activation=activation, name="predictions")(row))


def frozen(trunk):
    trunk.trainable = False
    return trunk


def compiled(model, optimizer="adam", loss=LOGITS, **settings):
    model.compile(optimizer=optimizer, loss=loss, **settings)
    return model


def head(units=3, activation=None, width=16):
    """Return a head alone, on features."""
    return keras.Sequential([keras.Input((width,)), layers.Dense(units, activation=activation)])
