"""Models and data with nothing wrong, of as many builds as learners come with."""

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from doctor_cases.common import (
    SIDE,
    base,
    caffe,
    compiled,
    dataset,
    features,
    frozen,
    head,
    on_top,
    pictures,
    tf_mode,
    three,
)

HEALTHY = {}


def healthy(build):
    """Register a builder under its own name."""
    HEALTHY[build.__name__] = build
    return build


@healthy
def frozen_vgg_with_logits():
    return compiled(on_top(frozen(base()))), *three()


@healthy
def frozen_vgg_with_softmax():
    model = on_top(frozen(base()), activation="softmax")
    return compiled(model, loss="sparse_categorical_crossentropy", metrics=["accuracy"]), *three()


@healthy
def frozen_vgg_on_prepared_data():
    return compiled(on_top(frozen(base()), None)), *((caffe(inputs.copy()), labels) for inputs, labels in three())


@healthy
def flat_vgg():
    trunk = frozen(base())
    row = layers.GlobalAveragePooling2D()(trunk.output)
    splits = ((caffe(inputs.copy()), labels) for inputs, labels in three())
    return compiled(keras.Model(trunk.input, layers.Dense(3)(row))), *splits


@healthy
def sequential_vgg_with_dropout_and_augmentation():
    pixels = keras.Input((SIDE, SIDE, 3))
    prepare = keras.Model(pixels, caffe(layers.RandomFlip("horizontal", seed=1)(pixels)), name="prepare")
    end = [layers.GlobalAveragePooling2D(), layers.Dense(8, activation="relu"), layers.Dropout(0.5), layers.Dense(3)]
    return compiled(keras.Sequential([keras.Input((SIDE, SIDE, 3)), prepare, frozen(base()), *end])), *three()


@healthy
def vgg_head_trained_and_block_fine_tuned():
    trunk, splits = frozen(base()), three()
    model = compiled(on_top(trunk), keras.optimizers.Adam(1e-3))
    model.fit(*splits[0], verbose=0)
    trunk.trainable = True
    for layer in trunk.layers[:4]:
        layer.trainable = False
    model = compiled(model, keras.optimizers.Adam(1e-5))
    model.fit(*splits[0], verbose=0)
    return model, *splits


@healthy
def block5_at_a_low_rate():
    tail = base(start="block4_pool", end="block5_pool", name="block5")
    maps = keras.Input((2, 2, 512))
    model = keras.Model(maps, layers.Dense(3)(layers.GlobalAveragePooling2D()(tail(maps))))
    rng = np.random.default_rng(0)
    splits = [(rng.gamma(0.5, 20, (48, 2, 2, 512)).astype("float32"), pictures()[1]) for _ in range(3)]
    return compiled(model, keras.optimizers.Adam(1e-4)), *splits


@healthy
def whole_vgg_fine_tuned_gently():
    return compiled(on_top(base(end="block5_pool")), keras.optimizers.Adam(1e-5)), *three()


@healthy
def frozen_resnet():
    return compiled(on_top(frozen(base("resnet")), keras.applications.resnet.preprocess_input)), *three()


@healthy
def resnet_layer_by_layer():
    trunk = base("resnet")
    for layer in trunk.layers:
        layer.trainable = False
    return compiled(on_top(trunk, keras.applications.resnet.preprocess_input)), *three()


@healthy
def resnet_last_block_with_still_statistics():
    trunk = base("resnet")
    for layer in trunk.layers:
        layer.trainable = layer.name.startswith("conv2_block2") and not isinstance(layer, layers.BatchNormalization)
    model = on_top(trunk, keras.applications.resnet.preprocess_input)
    return compiled(model, keras.optimizers.Adam(1e-5)), *three()


@healthy
def mobilenet_prepares_inside():
    return compiled(on_top(frozen(base("mobilenet")), tf_mode)), *three()


@healthy
def mobilenet_rescales_in_a_layer():
    model = on_top(frozen(base("mobilenet")), layers.Rescaling(1 / 127.5, -1), activation="softmax")
    return compiled(model, loss="sparse_categorical_crossentropy"), *(dataset(split) for split in three())


@healthy
def lite_fine_tuned_with_still_statistics():
    trunk = base("lite")
    for layer in trunk.layers:
        layer.trainable = not isinstance(layer, layers.BatchNormalization)
    model = on_top(trunk, lambda pixels: (pixels - 127) / 128, training=False)
    return compiled(model, keras.optimizers.Adam(1e-5)), *three()


@healthy
def own_network_from_scratch():
    parts = [layers.Rescaling(1 / 255), layers.Conv2D(8, 3, activation="relu"), layers.MaxPooling2D()]
    parts += [layers.Conv2D(16, 3), layers.BatchNormalization(), layers.ReLU(), layers.GlobalAveragePooling2D()]
    model = keras.Sequential([keras.Input((SIDE, SIDE, 3)), *parts, layers.Dense(3, activation="softmax")])
    model = compiled(model, loss="sparse_categorical_crossentropy")
    splits = three()
    model.fit(*splits[0], verbose=0)
    return model, *splits


@healthy
def vgg_structure_from_scratch():
    trunk = keras.models.clone_model(base())
    splits = ((inputs / 255, labels) for inputs, labels in three())
    return compiled(on_top(trunk, None), keras.optimizers.Adam(1e-3)), *splits


@keras.saving.register_keras_serializable("doctor_cases")
class Classifier(keras.Model):
    """A subclassed model."""

    def __init__(self, classes=3, **settings):
        super().__init__(**settings)
        self.classes = classes
        self.trunk = base()
        self.trunk.trainable = False
        self.pool = layers.GlobalAveragePooling2D()
        self.drop = layers.Dropout(0.3, seed=2)
        self.end = layers.Dense(classes)

    def call(self, inputs, training=False):
        return self.end(self.drop(self.pool(self.trunk(caffe(inputs))), training=training))

    def get_config(self):
        return {**super().get_config(), "classes": self.classes}


@healthy
def subclassed_vgg():
    splits = three()
    model = compiled(Classifier())
    model.fit(*splits[0], verbose=0)
    return model, *splits


@keras.saving.register_keras_serializable("doctor_cases")
class Small(keras.Model):
    """A subclassed model without the argument `training`."""

    def __init__(self, **settings):
        super().__init__(**settings)
        self.hidden = layers.Dense(8, activation="relu")
        self.end = layers.Dense(3)

    def call(self, inputs):
        return self.end(self.hidden(inputs))


@healthy
def subclassed_without_training_argument():
    model, splits = compiled(Small()), three(features)
    model.fit(dataset(splits[0]), class_weight={0: 1.0, 1: 2.0, 2: 1.0}, verbose=0, shuffle=False)
    return model, *splits


@healthy
def linear_head_on_features():
    return compiled(head()), *three(features)


@healthy
def features_that_hardly_differ():
    splits = [(5 + rows / 1000, labels) for rows, labels in three(features)]
    return compiled(head()), *splits


@healthy
def head_without_bias():
    model = keras.Sequential([keras.Input((16,)), layers.Dense(3, use_bias=False)])
    return compiled(model), *three(features)


@healthy
def convolution_for_a_head():
    trunk = frozen(base("mobilenet"))
    pixels = keras.Input((SIDE, SIDE, 3))
    maps = layers.Conv2D(3, 1)(trunk(tf_mode(pixels)))
    return compiled(keras.Model(pixels, layers.GlobalAveragePooling2D()(maps))), *three()


@healthy
def trained_head_that_began_at_zero():
    splits = three(features)
    model = keras.Sequential([keras.Input((16,)), layers.Dense(3, kernel_initializer="zeros")])
    model = compiled(model, metrics=["accuracy"])
    model.fit(*splits[0], validation_data=splits[1], verbose=0)
    return model, *splits


@healthy
def deep_head_on_features():
    parts = [layers.Dense(8, activation="relu"), layers.BatchNormalization(), layers.Dense(8), layers.ReLU()]
    model = keras.Sequential([keras.Input((16,)), *parts, layers.Dropout(0.4), layers.Dense(3)])
    return compiled(model), *three(features)


@healthy
def two_classes_one_unit():
    return compiled(head(1, "sigmoid"), loss="binary_crossentropy"), *three(features, classes=2)


@healthy
def two_classes_one_unit_of_logits():
    loss = keras.losses.BinaryCrossentropy(from_logits=True)
    return compiled(head(1), loss=loss), *three(features, classes=2)


@healthy
def several_labels_a_picture():
    rng = np.random.default_rng(0)
    splits = [(rows, rng.integers(0, 2, (len(rows), 4)).astype("float32")) for rows, _ in three(features)]
    return compiled(head(4, "sigmoid"), loss="binary_crossentropy"), *splits


@healthy
def one_hot_with_smoothing():
    loss = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.1)
    splits = [(rows, np.eye(3, dtype="float32")[labels]) for rows, labels in three(features)]
    return compiled(head(), loss=loss), *splits


@healthy
def mildly_unequal_classes():
    rows, labels = features(180, classes=2)
    kept = (labels == 0) | (np.arange(180) % 4 == 1)
    return compiled(head(2)), (rows[kept], labels[kept]), *three(features, classes=2)[1:]


@healthy
def training_data_shuffled_and_altered_behind_the_cache():
    train, validation, test = (tf.data.Dataset.from_tensor_slices(split) for split in three())
    train = train.cache().shuffle(48, seed=0).batch(16).map(lambda x, y: (tf.image.random_flip_left_right(x), y))
    return compiled(on_top(frozen(base()))), train.prefetch(1), validation.batch(16), test.batch(16).cache()


@healthy
def not_compiled():
    return on_top(frozen(base())), *three()


@healthy
def trained_and_frozen_before_the_first_fit():
    trunk, splits = base(), three()
    model = compiled(on_top(trunk), keras.optimizers.Adam(1e-3))
    trunk.trainable = False
    model.fit(*splits[0], verbose=0)
    return model, *splits
