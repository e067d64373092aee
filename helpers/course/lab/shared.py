"""What all patients of the lab share: pictures, two backbones, and features that are computed once."""

import functools
from dataclasses import dataclass, field

import keras
import numpy as np
from keras import layers

from helpers.network import backbones, surgery, vgg16
from helpers.pictures import features, images

SIDE = 64  # pixels
PER_CLASS = {"train": 40, "validation": 20, "test": 60}
CUT, LITE_CUT = "block5_conv2", "block6c_add"
HEAD_EPOCHS = 5


@dataclass(frozen=True)
class Ward:
    """Pictures of five animals at 64 pixels, and the features that the backbones compute from them."""

    pictures: images.ImageSets = field(default_factory=lambda: images.load("animals", SIDE, per_class=PER_CLASS))
    _kept: dict = field(default_factory=dict, init=False, repr=False)

    @functools.cached_property
    def base(self):
        """VGG16 with ImageNet's weights, frozen. No patient trains it: each gets a copy, `tail` or `block5`."""
        base = keras.applications.VGG16(weights=vgg16.weights(), include_top=False, input_shape=(SIDE, SIDE, 3))
        base.trainable = False
        return base

    @functools.cached_property
    def pixels(self):
        """The pictures themselves: float32 (n, 64, 64, 3) in 0..255 and labels, for each split."""
        return features.Features(*(self.pictures.arrays(split) for split in images.SPLITS))

    @functools.cached_property
    def maps(self):
        """The output of all of VGG16 but its last convolution: float32 (n, 4, 4, 512) and labels, for each split.

        Only every second training picture is used, because training a base takes time.
        """
        return _half(self.late(keras.applications.vgg16.preprocess_input))

    @functools.cached_property
    def block4_maps(self):
        """The output of blocks 1 to 4, of the same shape, again for every second training picture."""
        return _half(self.block4(keras.applications.vgg16.preprocess_input))

    @functools.cached_property
    def rows(self):
        """The pooled output of the whole frozen base: float32 (n, 512) and labels, for each split."""
        return self.features(keras.applications.vgg16.preprocess_input)

    @functools.cached_property
    def lite_maps(self):
        """The output of EfficientNet-Lite0's block6c: float32 (n, 2, 2, 192) and labels, for each split."""
        front, _ = surgery.split(self._lite, LITE_CUT)
        return features.extract(backbones.from_pixels("EfficientNet-Lite0", front), self.pictures)

    def block4(self, prepare):
        """Send every picture through `prepare` and blocks 1 to 4; cached on disk, shapes as in `block4_maps`."""
        pixels = keras.Input((SIDE, SIDE, 3), name="pixels")
        front, _ = surgery.split(self.base, "block4_pool")
        return features.extract(keras.Model(pixels, front(prepare(pixels)), name="trunk"), self.pictures)

    def late(self, prepare):
        """Send every picture through `prepare` and all of VGG16 but its last convolution; shapes as in `maps`."""
        compute = functools.partial(self._middle.predict, verbose=0)
        return self._once("maps", prepare, lambda: _applied(compute, self.block4(prepare)))

    def features(self, prepare):
        """Send every picture through `prepare`, the frozen base and a pooling; shapes as in `rows`."""
        compute = functools.partial(_pooled, self._frozen_tail)
        return self._once("rows", prepare, lambda: _applied(compute, self.late(prepare)))

    def _once(self, what, prepare, compute):
        """Compute something once for all functions that change a few pixels in the same way as `prepare`."""
        probe = np.linspace(0, 255, 2 * SIDE * SIDE * 3, dtype="float32").reshape(2, SIDE, SIDE, 3)
        key = what, np.asarray(prepare(probe)).tobytes()
        if key not in self._kept:
            self._kept[key] = compute()
        return self._kept[key]

    def whole(self, prepare, head, loss):
        """Return a compiled model from pixels 0..255: `prepare`, the frozen base, pooling and `head`."""
        pixels = keras.Input((SIDE, SIDE, 3), name="pixels")
        row = layers.GlobalAveragePooling2D(name="pool")(self.base(prepare(pixels)))
        whole = keras.Model(pixels, head(row), name="whole")
        whole.compile("adam", loss=loss, metrics=["accuracy"])
        return whole

    def tail(self):
        """Return a copy of VGG16's last convolution for a patient to train: from `maps` to (n, 2, 2, 512)."""
        return _copy(self._frozen_tail)

    def block5(self):
        """Return a copy of VGG16's block5 for a patient to train: from `block4_maps` to (n, 2, 2, 512)."""
        return _copy(surgery.split(self.base, "block4_pool")[1])

    def lite_tail(self):
        """Return a copy of EfficientNet-Lite0 after block6c for a patient to train: from `lite_maps` on."""
        return _copy(surgery.split(self._lite, LITE_CUT)[1])

    def trained_head(self):
        """Return a Dense layer that was trained on `rows` for five epochs, the base frozen."""
        return _dense(self._head)

    def trained_lite_head(self):
        """Return a Dense layer that was trained for five epochs on features of frozen EfficientNet-Lite0."""
        return _dense(self._lite_head)

    @functools.cached_property
    def _frozen_tail(self):
        return surgery.split(self.base, CUT)[1]

    @functools.cached_property
    def _middle(self):
        return keras.Model(self.base.get_layer("block4_pool").output, self.base.get_layer(CUT).output)

    @functools.cached_property
    def _lite(self):
        return backbones.load("EfficientNet-Lite0", (SIDE, SIDE, 3))

    @functools.cached_property
    def _head(self):
        return _trained(*self.rows.train)

    @functools.cached_property
    def _lite_head(self):
        maps, labels = self.lite_maps.train
        return _trained(_pooled(surgery.split(self._lite, LITE_CUT)[1], maps), labels)


def _applied(function, data):
    splits = (data.train, data.validation, data.test)
    return features.Features(*((function(inputs), labels) for inputs, labels in splits))


def _half(data):
    return features.Features(tuple(part[::2] for part in data.train), data.validation, data.test)


def _pooled(tail, maps):
    return tail.predict(maps, verbose=0).mean(axis=(1, 2))


def _copy(tail):
    copy = keras.models.clone_model(tail)
    copy.set_weights(tail.get_weights())
    for layer in copy.layers:  # the flags came from the frozen base
        layer.trainable = True
    return copy


def _trained(rows, labels):
    keras.utils.set_random_seed(0)
    head = keras.Sequential([keras.Input(rows.shape[1:]), layers.Dense(5, kernel_initializer="zeros")])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    head.compile(keras.optimizers.Adam(3e-4), loss=loss)
    head.fit(rows, labels, batch_size=32, epochs=HEAD_EPOCHS, verbose=0)
    return [np.array(weight) for weight in head.get_weights()]


def _dense(weights):
    dense = layers.Dense(5, name="predictions")
    dense.build((None, len(weights[0])))
    dense.set_weights(weights)
    return dense
