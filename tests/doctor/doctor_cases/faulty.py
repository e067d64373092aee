"""Models and data with one fault each, or with the faults that go together."""

import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops

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

FAULTY = {}


def fault(*names):
    """Register a builder under its own name, with the names of what the doctor must find, no more and no less."""

    def keep(build):
        FAULTY[build.__name__] = (build, set(names))
        return build

    return keep


# Pixels


@fault("pixels-range")
def vgg_gets_raw_pixels():
    return compiled(on_top(frozen(base()), None)), *three()


@fault("pixels-range")
def vgg_gets_zero_to_one():
    return compiled(on_top(frozen(base()), lambda pixels: pixels / 255)), *three()


@fault("pixels-range")
def vgg_gets_zero_to_one_from_the_data():
    splits = [(inputs / 255, labels) for inputs, labels in three()]
    return compiled(on_top(frozen(base()), None)), *splits


@fault("pixels-range")
def vgg_gets_minus_one_to_one():
    return compiled(on_top(frozen(base()), layers.Rescaling(1 / 127.5, -1))), *three()


@fault("pixels-range")
def flat_vgg_gets_zero_to_one():
    trunk = frozen(base())
    row = layers.GlobalAveragePooling2D()(trunk.output)
    splits = [(inputs / 255, labels) for inputs, labels in three()]
    return compiled(keras.Model(trunk.input, layers.Dense(3)(row))), *splits


@fault("pixels-range")
def sequential_vgg_gets_zero_to_one():
    parts = [keras.Input((SIDE, SIDE, 3)), layers.Rescaling(1 / 255), frozen(base()), layers.Flatten(), layers.Dense(3)]
    return compiled(keras.Sequential(parts)), *three()


@fault("pixels-range")
def resnet_gets_zero_to_one():
    return compiled(on_top(frozen(base("resnet")), layers.Rescaling(1 / 255))), *three()


@fault("pixels-range")
def mobilenet_gets_what_vgg_expects():
    return compiled(on_top(frozen(base("mobilenet")), caffe)), *three()


@fault("pixels-range")
def mobilenet_gets_zero_to_one():
    return compiled(on_top(frozen(base("mobilenet")), layers.Rescaling(1 / 255))), *three()


@fault("pixels-range")
def lite_gets_raw_pixels():
    return compiled(on_top(frozen(base("lite")), None)), *three()


@fault("channel-order")
def vgg_gets_red_first_with_means():
    return compiled(on_top(frozen(base()), lambda pixels: pixels - ops.array([123.68, 116.779, 103.939]))), *three()


@fault("channel-order")
def resnet_gets_means_of_the_wrong_channels():
    return compiled(
        on_top(frozen(base("resnet")), lambda pixels: pixels - ops.array([103.939, 116.779, 123.68]))
    ), *three()


@fault("channel-order")
def prepared_data_stand_red_first():
    splits = [(inputs - np.float32([123.68, 116.779, 103.939]), labels) for inputs, labels in three()]
    return compiled(on_top(frozen(base()), None)), *splits


@fault("channel-order")
def mobilenet_gets_blue_first():
    return compiled(on_top(frozen(base("mobilenet")), lambda pixels: pixels[..., ::-1] / 127.5 - 1)), *three()


@fault("preprocessed-twice")
def vgg_prepared_in_data_and_model():
    splits = [(caffe(inputs.copy()), labels) for inputs, labels in three()]
    return compiled(on_top(frozen(base()))), *splits


@fault("preprocessed-twice")
def divided_in_the_data_and_prepared_in_the_model():
    splits = [(inputs / 255, labels) for inputs, labels in three()]
    return compiled(on_top(frozen(base()))), *splits


@fault("preprocessed-twice")
def mobilenet_prepared_in_data_and_model():
    splits = [(tf_mode(inputs.copy()), labels) for inputs, labels in three()]
    return compiled(on_top(frozen(base("mobilenet")), tf_mode)), *splits


@fault("preprocessed-twice")
def own_network_divides_twice():
    splits = [(inputs / 255, labels) for inputs, labels in three()]
    parts = [keras.Input((SIDE, SIDE, 3)), layers.Rescaling(1 / 255), layers.Conv2D(8, 3, activation="relu")]
    return compiled(keras.Sequential([*parts, layers.GlobalAveragePooling2D(), layers.Dense(3)])), *splits


@fault("splits-prepared-differently")
def test_features_of_another_size():
    train, validation, (rows, labels) = three(features)
    return compiled(head()), train, validation, (rows / 20, labels)


@fault("splits-prepared-differently")
def test_pictures_divided():
    train, validation, (inputs, labels) = three()
    return compiled(on_top(frozen(base()))), train, validation, (inputs / 255, labels)


# What trains


@fault("stale-compile")
def frozen_after_a_fit():
    trunk, splits = base(), three()
    model = compiled(on_top(trunk), keras.optimizers.Adam(1e-5))
    model.fit(*splits[0], verbose=0)
    trunk.trainable = False
    return model, *splits


@fault("stale-compile")
def unfrozen_after_a_fit():
    trunk, splits = frozen(base()), three()
    model = compiled(on_top(trunk), keras.optimizers.Adam(1e-5))
    model.fit(*splits[0], verbose=0)
    trunk.trainable = True
    return model, *splits


@fault("stale-compile")
def frozen_after_a_fit_on_a_data_set():
    trunk, splits = base("lite"), three()
    model = compiled(on_top(trunk, tf_mode), keras.optimizers.SGD(1e-3))
    train = dataset(splits[0])
    model.fit(train, verbose=0, shuffle=False)
    trunk.trainable = False
    return model, train, *splits[1:]


@fault("frozen-base-moves")
def frozen_container_with_free_layers():
    trunk = frozen(base())
    for layer in trunk.layers:
        layer.trainable = True
    return compiled(on_top(trunk), keras.optimizers.Adam(1e-5)), *three()


@fault("frozen-base-moves")
def trains_what_should_be_frozen():
    trunk = base()
    return compiled(on_top(trunk), keras.optimizers.Adam(1e-5)), *three(), {"frozen": trunk}


@fault("frozen-base-moves", "rate-undoes-pretraining")
def never_frozen_below_a_new_head():
    trunk = base(end="block5_pool")
    return compiled(on_top(trunk), keras.optimizers.Adam(1e-3)), *three()


@fault("unfrozen-base-still")
def gradient_is_stopped():
    trunk = base()
    pixels = keras.Input((SIDE, SIDE, 3))
    row = layers.GlobalAveragePooling2D()(ops.stop_gradient(trunk(caffe(pixels))))
    return compiled(keras.Model(pixels, layers.Dense(3)(row)), keras.optimizers.Adam(1e-5)), *three()


@fault("unfrozen-base-still")
def all_is_frozen():
    model = on_top(base())
    model.trainable = False
    return compiled(model), *three()


@fault("unfrozen-base-still")
def rate_of_zero():
    return compiled(on_top(frozen(base())), keras.optimizers.SGD(0.0)), *three()


@fault("batchnorm-moves")
def all_frozen_but_the_normalization():
    trunk = base("resnet")
    for layer in trunk.layers:
        layer.trainable = isinstance(layer, layers.BatchNormalization)
    return compiled(on_top(trunk), keras.optimizers.Adam(1e-5)), *three()


@fault("batchnorm-moves")
def training_false_taken_for_still():
    return compiled(
        on_top(base("lite"), lambda p: (p - 127) / 128, training=False), keras.optimizers.Adam(1e-5)
    ), *three()


def _block5(rate):
    tail = base(start="block4_pool", end="block5_pool", name="block5")
    maps = keras.Input((2, 2, 512))
    model = keras.Model(maps, layers.Dense(3)(layers.GlobalAveragePooling2D()(tail(maps))))
    rng = np.random.default_rng(0)
    splits = [(rng.gamma(0.5, 20, (48, 2, 2, 512)).astype("float32"), pictures()[1]) for _ in range(3)]
    model.layers[-1].bias.assign([0.1, 0.0, -0.1])
    return compiled(model, rate), *splits


@fault("rate-undoes-pretraining")
def block5_at_the_rate_of_a_head():
    return _block5(keras.optimizers.Adam(1e-3))


@fault("rate-undoes-pretraining")
def block5_at_a_rate_that_explodes():
    return _block5(keras.optimizers.SGD(10.0))


@fault("optimizer-not-rebuilt")
def compiled_again_with_the_old_optimizer():
    trunk, splits, optimizer = frozen(base()), three(), keras.optimizers.Adam(1e-5)
    model = compiled(on_top(trunk), optimizer)
    model.fit(*splits[0], verbose=0)
    trunk.trainable = True
    return compiled(model, optimizer), *splits


# How it ends


@fault("loss-expects-probabilities")
def logits_into_the_default_loss():
    return compiled(head(), loss="sparse_categorical_crossentropy"), *three(features)


@fault("loss-expects-probabilities")
def logits_into_the_default_loss_on_vgg():
    return compiled(on_top(frozen(base())), loss=keras.losses.SparseCategoricalCrossentropy()), *three()


@fault("loss-expects-probabilities")
def logits_into_binary_loss():
    return compiled(head(1), loss="binary_crossentropy"), *three(features, classes=2)


@fault("loss-expects-logits")
def softmax_into_loss_from_logits():
    return compiled(head(3, "softmax")), *three(features)


@fault("loss-expects-logits")
def sigmoid_into_loss_from_logits():
    loss = keras.losses.BinaryCrossentropy(from_logits=True)
    return compiled(head(1, "sigmoid"), loss=loss), *three(features, classes=2)


@fault("activation-loss-mismatch")
def softmax_over_one_unit():
    return compiled(head(1, "softmax"), loss="binary_crossentropy"), *three(features, classes=2)


@fault("activation-loss-mismatch")
def sigmoid_where_classes_compete():
    return compiled(head(3, "sigmoid"), loss="sparse_categorical_crossentropy"), *three(features)


@fault("activation-loss-mismatch")
def relu_at_the_end():
    return compiled(head(3, "relu")), *three(features)


@fault("activation-loss-mismatch")
def a_question_for_each_class():
    return compiled(head(3, "sigmoid"), loss="binary_crossentropy"), *_one_hot()


@fault("activation-loss-mismatch")
def softmax_with_binary_loss():
    return compiled(head(3, "softmax"), loss="binary_crossentropy"), *_one_hot()


def _one_hot():
    return [(rows, np.eye(3, dtype="float32")[labels]) for rows, labels in three(features)]


@fault("labels-do-not-fit")
def numbers_into_the_loss_for_rows():
    return compiled(head(3, "softmax"), loss="categorical_crossentropy"), *three(features)


@fault("labels-do-not-fit")
def rows_into_the_loss_for_numbers():
    return compiled(head(3, "softmax"), loss="sparse_categorical_crossentropy"), *_one_hot()


@fault("labels-do-not-fit")
def labels_beyond_the_units():
    return compiled(head(3)), *three(features, classes=4)


@fault("labels-do-not-fit")
def labels_that_count_from_one():
    return compiled(head(3)), *((rows, labels + 1) for rows, labels in three(features))


@fault("labels-do-not-fit")
def minus_one_and_one():
    splits = ((rows, 2 * labels - 1) for rows, labels in three(features, classes=2))
    return compiled(head(1, "sigmoid"), loss="binary_crossentropy"), *splits


@fault("labels-do-not-fit")
def two_units_and_a_loss_for_one():
    return compiled(head(2, "sigmoid"), loss="binary_crossentropy"), *three(features, classes=2)


@fault("one-unit-many-classes")
def one_unit_for_three_classes():
    return compiled(head(1, "sigmoid"), loss="binary_crossentropy"), *three(features)


@fault("units-exceed-classes")
def the_old_top_is_still_on():
    return compiled(head(1000, "softmax"), loss="sparse_categorical_crossentropy"), *three(features)


@fault("units-exceed-classes")
def more_units_than_names():
    return compiled(head(5)), *three(features), {"class_names": ["cat", "dog", "frog"]}


@fault("dense-without-activation")
def two_dense_layers_in_a_row():
    model = keras.Sequential([keras.Input((16,)), layers.Dense(8), layers.Dropout(0.5), layers.Dense(3)])
    return compiled(model), *three(features)


@fault("dense-without-activation")
def normalization_is_no_activation():
    model = keras.Sequential([keras.Input((16,)), layers.Dense(8), layers.BatchNormalization(), layers.Dense(3)])
    return compiled(model), *three(features)


@fault("dense-without-activation")
def flat_features_through_two_dense_layers():
    trunk = frozen(base())
    pixels = keras.Input((SIDE, SIDE, 3))
    row = layers.Dense(32)(layers.Flatten()(trunk(caffe(pixels))))
    return compiled(keras.Model(pixels, layers.Dense(3)(row))), *three()


# The data


@fault("same-picture-in-two-splits")
def test_holds_training_pictures():
    train, validation, (inputs, labels) = three()
    inputs[:5] = train[0][:5]
    return compiled(on_top(frozen(base()))), train, validation, (inputs, labels)


@fault("same-picture-in-two-splits")
def validation_holds_training_pictures_a_little_changed():
    train, (inputs, labels), test = three()
    inputs[:4] = np.clip(train[0][:4] + np.random.default_rng(0).normal(0, 3, inputs[:4].shape), 0, 255)
    return compiled(on_top(frozen(base()))), train, (inputs, labels), test


@fault("same-picture-in-two-splits", "reshuffles")
def taken_from_a_data_set_that_reshuffles():
    rows, labels = features(90)
    shuffled = tf.data.Dataset.from_tensor_slices((rows, labels)).shuffle(90, seed=0)
    return compiled(head()), shuffled.skip(30).batch(16), shuffled.take(30).batch(16)


@fault("reshuffles")
def test_comes_in_another_order():
    train, validation, test = three(features)
    return compiled(head()), train, validation, dataset(test).unbatch().shuffle(48, seed=1).batch(16)


@fault("classes-unequal")
def nine_of_ten_are_one_class():
    rows, labels = features(200, classes=2)
    kept = (labels == 0) | (np.arange(200) % 20 == 1)
    return compiled(head(2)), (rows[kept], labels[kept]), *three(features, classes=2)[1:]


@fault("sorted-by-class")
def training_pictures_sorted_by_class():
    rows, labels = features(96)
    order = np.argsort(labels, kind="stable")
    return compiled(head()), dataset((rows[order], labels[order]), 8)


@fault("augmentation-in-evaluation")
def validation_is_altered():
    train, validation, _ = three()
    altered = dataset(validation).map(lambda x, y: (tf.image.random_brightness(x, 60), y))
    return compiled(on_top(frozen(base()))), train, altered


@keras.saving.register_keras_serializable("doctor_cases")
class AlwaysFlips(layers.Layer):
    """Flips pictures, whether it trains or not."""

    def __init__(self, **settings):
        super().__init__(**settings)
        self.flip = layers.RandomFlip("horizontal", seed=1)

    def call(self, inputs):
        return self.flip(inputs, training=True)


@fault("augmentation-in-evaluation")
def flips_that_never_stop():
    trunk = frozen(base())
    pixels = keras.Input((SIDE, SIDE, 3))
    maps = trunk(caffe(AlwaysFlips()(pixels)))
    return compiled(keras.Model(pixels, layers.Dense(3)(layers.Flatten()(maps)))), *three()


@fault("augmentation-cached")
def cached_behind_a_layer():
    train, validation, _ = three()
    flip = layers.RandomFlip("horizontal", seed=1)
    altered = dataset(train).map(lambda x, y: (flip(x, training=True), y)).cache().prefetch(1)
    return compiled(on_top(frozen(base()))), altered, validation


@fault("augmentation-cached")
def the_same_alterations_on_every_pass():
    train, validation, _ = three()
    data = tf.data.Dataset.from_tensor_slices(train).map(lambda x, y: (tf.image.random_flip_left_right(x, seed=1), y))
    return compiled(on_top(frozen(base()))), data.batch(16), validation


@fault("augmentation-in-evaluation")
def validation_goes_through_a_random_layer():
    train, validation, _ = three()
    flip = layers.RandomFlip("horizontal", seed=1)
    altered = dataset(validation).map(lambda x, y: (flip(x, training=True), y))
    return compiled(on_top(frozen(base()))), train, altered


@fault("augmentation-cached")
def cached_behind_tf_image():
    train, validation, _ = three()
    data = tf.data.Dataset.from_tensor_slices(train).map(lambda x, y: (tf.image.random_flip_left_right(x), y))
    return compiled(on_top(frozen(base()))), data.cache().shuffle(48).batch(16), validation


# The file


@fault("does-not-reload")
def preprocessing_in_a_lambda():
    pixels = keras.Input((SIDE, SIDE, 3))
    maps = frozen(base())(layers.Lambda(caffe)(pixels))
    return compiled(keras.Model(pixels, layers.Dense(3)(layers.Flatten()(maps)))), *three()


class Scaled(layers.Layer):
    """A layer whose settings are not saved."""

    def __init__(self, factor):
        super().__init__()
        self.factor = ops.convert_to_tensor(factor)

    def call(self, inputs):
        return inputs * self.factor


@fault("does-not-reload")
def a_layer_without_its_settings():
    model = keras.Sequential([keras.Input((16,)), Scaled(2.0), layers.Dense(3)])
    return compiled(model), *three(features)


class Unregistered(keras.Model):
    """A subclassed model that Keras does not know by name."""

    def __init__(self, **settings):
        super().__init__(**settings)
        self.end = layers.Dense(3)

    def call(self, inputs):
        return self.end(inputs)


@fault("does-not-reload")
def a_class_that_is_not_registered():
    model, splits = compiled(Unregistered()), three(features)
    model.fit(*splits[0], verbose=0)
    return model, *splits


@keras.saving.register_keras_serializable("doctor_cases")
class Remembering(layers.Layer):
    """A layer with a number that is no weight."""

    factor = 1.0

    def call(self, inputs):
        return inputs * self.factor


@fault("reload-differs")
def a_number_that_is_no_weight():
    layer = Remembering()
    layer.factor = 3.0
    model = keras.Sequential([keras.Input((16,)), layer, layers.Dense(3)])
    return compiled(model), *three(features)


@fault("inputs-do-not-fit")
def pictures_of_another_size():
    return compiled(on_top(frozen(base()))), *three(side=24)


@fault("inputs-do-not-fit")
def pictures_one_by_one():
    train, *rest = three()
    return compiled(on_top(frozen(base()))), tf.data.Dataset.from_tensor_slices(train), *rest
