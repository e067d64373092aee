"""How data come in and how a model ends: faults and healthy set-ups beyond those of the other two files."""

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from doctor_cases.common import (
    LOGITS,
    base,
    compiled,
    dataset,
    features,
    frozen,
    head,
    on_top,
    pictures,
    three,
)
from doctor_cases.faulty import fault
from doctor_cases.healthy import healthy

BINARY_LOGITS = keras.losses.BinaryCrossentropy(from_logits=True)
Flows = tf.keras.preprocessing.image.ImageDataGenerator


class Batches(keras.utils.PyDataset):
    """A Keras data set of arrays; `alter` is done to every batch anew."""

    def __init__(self, pair, batch=8, alter=lambda rows: rows, shuffle=False):
        super().__init__()
        self.pair, self.batch, self.alter, self.shuffle = pair, batch, alter, shuffle
        self.order = np.arange(len(pair[1]))
        self.on_epoch_end()

    def __len__(self):
        return len(self.order) // self.batch

    def __getitem__(self, index):
        rows = self.order[index * self.batch : (index + 1) * self.batch]
        return self.alter(self.pair[0][rows]), self.pair[1][rows]

    def on_epoch_end(self):
        if self.shuffle:
            np.random.default_rng().shuffle(self.order)


def endless(pair, batch=8):
    """Yield batches without end."""
    while True:
        for start in range(0, len(pair[1]), batch):
            yield pair[0][start : start + batch], pair[1][start : start + batch]


def tags(pair, number=4):
    """Return rows with 0 to 4 tags each."""
    return pair[0], np.random.default_rng(0).integers(0, 2, (len(pair[0]), number)).astype("float32")


def one_hot(pair, classes=3):
    return pair[0], np.eye(classes, dtype="float32")[pair[1]]


def sorted_by_label(pair):
    order = np.argsort(pair[1], kind="stable")
    return pair[0][order], pair[1][order]


def scenes(number=48, seed=0, noise=0.0):
    """Return what a fixed camera sees: one background, a small object at a place that tells the class."""
    background, _ = pictures(1, seed=11)
    rng = np.random.default_rng(seed)
    rows, labels = np.repeat(background, number, axis=0), np.tile(np.arange(3), number)[:number].astype("int32")
    for row, label in zip(rows, labels, strict=True):
        top = rng.integers(2, 26)
        row[top : top + 4, 4 + 9 * label : 8 + 9 * label] = rng.uniform(0, 255, 3)
    return np.clip(rows + rng.normal(0, noise, rows.shape), 0, 255).astype("float32"), labels


def discs(number=48, seed=0):
    """Return pictures of one layout: a grey disc on black with a spot."""
    rng, (high, wide) = np.random.default_rng(seed), np.mgrid[:32, :32] / 32
    rows = np.zeros((number, 32, 32, 3), "float32")
    rows[:, (high - 0.5) ** 2 + (wide - 0.5) ** 2 < 0.2] = 160
    for row in rows:
        row[(high - rng.uniform(0.3, 0.7)) ** 2 + (wide - rng.uniform(0.3, 0.7)) ** 2 < 0.006] = rng.uniform(0, 255, 3)
    return rows, np.tile(np.arange(3), number)[:number].astype("int32")


def on_pictures(*splits):
    return compiled(on_top(frozen(base()))), *splits


# Data that are no tf.data


@fault("augmentation-in-evaluation")
def keras_data_set_alters_its_test():
    train, validation, test = three()
    return on_pictures(train, validation, Batches(test, alter=lambda rows: rows + np.random.default_rng().normal(0, 9)))


@fault("reshuffles")
def keras_data_set_shuffles_its_test():
    train, validation, test = three()
    return on_pictures(Batches(train, shuffle=True), Batches(validation), Batches(test, shuffle=True))


@fault("sorted-by-class")
def endless_generator_in_the_order_of_the_classes():
    train, validation, _ = three(number=96)
    return on_pictures(endless(sorted_by_label(train)), validation)


@fault("same-picture-in-two-splits")
def flows_share_pictures():
    train, (inputs, labels), _ = three()
    inputs[:4] = train[0][:4]
    flows = [Flows().flow(*pair, batch_size=8, shuffle=False) for pair in (train, (inputs, labels))]
    return on_pictures(*flows)


@fault("used-up-generator")
def generator_that_ends():
    train, validation, _ = three(features)
    return compiled(head()), zip(np.split(train[0], 6), np.split(train[1], 6), strict=True), validation


@fault("used-up-generator")
def data_set_of_one_generator():
    train, validation, _ = three(features)
    once = iter(dataset(train).as_numpy_iterator())
    signature = (tf.TensorSpec((None, 16)), tf.TensorSpec((None,), tf.int32))
    return compiled(head()), tf.data.Dataset.from_generator(lambda: once, output_signature=signature), validation


@fault("classes-differ-between-splits")
def a_class_folder_is_missing_in_test():
    train, validation, (rows, labels) = three(features, number=80, classes=4)
    return compiled(head(4)), train, validation, (rows[labels != 1], np.delete(labels, labels == 1) % 3)


@fault("classes-differ-between-splits")
def validation_has_a_class_that_training_has_not():
    (rows, labels), validation, _ = three(features, number=80, classes=4)
    return compiled(head(4)), (rows[labels != 2], labels[labels != 2]), validation


# Altered copies


@fault("same-picture-in-two-splits")
def mirrored_and_brighter_in_test():
    train, validation, (inputs, labels) = three()
    inputs[:6] = np.clip(train[0][:6, :, ::-1] * 1.1 + 10, 0, 255)
    return on_pictures(train, validation, (inputs, labels))


@healthy
def fixed_camera():
    return on_pictures(*three(scenes))


@healthy
def fixed_camera_with_noise():
    return on_pictures(*three(scenes, noise=2.0))


@healthy
def one_layout():
    return on_pictures(*three(discs))


# Labels and losses


@fault("activation-loss-mismatch")
def one_sigmoid_with_sparse_loss():
    return compiled(head(1, "sigmoid"), loss="sparse_categorical_crossentropy"), *three(features, classes=2)


@fault("labels-do-not-fit")
def several_tags_into_softmax():
    return compiled(head(4, "softmax"), loss="categorical_crossentropy"), *map(tags, three(features))


@fault("labels-do-not-fit")
def labels_are_words():
    words = np.array(["cat", "dog", "owl"], object)
    return compiled(head()), *((rows, words[labels]) for rows, labels in three(features))


@fault("labels-do-not-fit")
def one_hot_in_validation_alone():
    train, validation, test = three(features)
    return compiled(head()), dataset(train), dataset(one_hot(validation)), test


@fault("labels-do-not-fit")
def test_counts_from_one():
    train, validation, (rows, labels) = three(features)
    return compiled(head()), train, validation, (rows, labels + 1)


@fault("inputs-do-not-fit")
def validation_of_another_size():
    train, _, test = three()
    return on_pictures(train, pictures(side=40, seed=2), test)


@fault("blank-pictures")
def grey_pictures_of_one_colour():
    return compiled(on_top(frozen(base("mobilenet")), keras.applications.mobilenet_v2.preprocess_input)), *(
        (np.full_like(x, 90), y) for x, y in three()
    )


# How it ends


@fault("activation-loss-mismatch")
def gelu_at_the_end():
    return compiled(head(3, "gelu")), *three(features)


@fault("activation-loss-mismatch", "does-not-reload")
def own_swish_at_the_end():
    return compiled(head(3, lambda rows: rows * keras.ops.sigmoid(rows))), *three(features)


@fault("activation-twice")
def softmax_layer_after_softmax():
    model = keras.Sequential([keras.Input((16,)), layers.Dense(3, "softmax"), layers.Dropout(0.1), layers.Softmax()])
    return compiled(model, loss="sparse_categorical_crossentropy"), *three(features)


@fault("activation-twice")
def sigmoid_twice():
    model = keras.Sequential([keras.Input((16,)), layers.Dense(1, "sigmoid"), layers.Activation("sigmoid")])
    return compiled(model, loss="binary_crossentropy"), *three(features, classes=2)


@fault("constant-output")
def dead_layer_before_the_head():
    model = keras.Sequential([keras.Input((16,)), layers.Dense(8, "relu"), layers.Dense(3)])
    model.layers[0].bias.assign(np.full(8, -1000.0))
    return compiled(model), *three(features)


@fault("metric-misleads")
def accuracy_of_logits():
    return compiled(head(1), loss=BINARY_LOGITS, metrics=["accuracy"]), *three(features, classes=2)


@fault("metric-misleads")
def precision_of_logits():
    model = compiled(head(1), loss=BINARY_LOGITS, metrics=[keras.metrics.Precision()])
    return model, *three(features, classes=2)


@fault("metric-misleads")
def equality_of_one_hot_rows():
    model = compiled(head(3, "softmax"), loss="categorical_crossentropy", metrics=[keras.metrics.Accuracy()])
    return model, *map(one_hot, three(features))


@fault("metric-misleads")
def accuracy_of_several_tags():
    model = compiled(head(4, "sigmoid"), loss="binary_crossentropy", metrics=["acc"])
    return model, *map(tags, three(features))


@fault("metric-misleads")
def one_hot_accuracy_of_numbers():
    return compiled(head(), metrics=[keras.metrics.CategoricalAccuracy()]), *three(features)


# Healthy


@healthy
def flows_of_image_data_generator():
    settings = [{"horizontal_flip": True}, {}, {}]
    flows = [
        Flows(**each).flow(*pair, batch_size=8, shuffle=bool(each))
        for each, pair in zip(settings, three(), strict=True)
    ]
    return on_pictures(*flows)


@healthy
def keras_data_set_shuffled_for_training():
    train, validation, test = three()
    return on_pictures(Batches(train, shuffle=True), Batches(validation), Batches(test))


@healthy
def endless_generator():
    train, validation, _ = three()
    return on_pictures(endless(train), endless(validation))


@healthy
def small_test_without_one_class():
    train, validation, (rows, labels) = three(features)
    return compiled(head()), train, validation, (rows[labels != 1][:6], labels[labels != 1][:6])


@healthy
def dictionaries_of_one_and_weights():
    inputs = keras.Input((16,), name="row")
    model = compiled(keras.Model({"row": inputs}, layers.Dense(3)(inputs)))
    splits = [dataset(pair).map(lambda x, y: ({"row": x}, y, tf.ones_like(y))) for pair in three(features)]
    return model, *splits


@healthy
def bytes_dropped_remainder_and_fixed_batch():
    inputs = keras.Input(batch_shape=(16, 32, 32, 3))
    model = keras.Sequential([inputs, layers.Rescaling(1 / 255), layers.Conv2D(4, 3), layers.Flatten()])
    model.add(layers.Dense(3))
    splits = [dataset((x.astype("uint8"), y)).unbatch().batch(16, drop_remainder=True) for x, y in three(number=60)]
    return compiled(model), *splits


@healthy
def mixed_up_pictures():
    splits = [(0.7 * x + 0.3 * x[::-1], 0.7 * y + 0.3 * y[::-1]) for x, y in map(one_hot, three(features))]
    return compiled(head(3, "softmax"), loss="categorical_crossentropy", metrics=["accuracy"]), *splits


@healthy
def soft_binary_labels():
    splits = [(x, np.random.default_rng(1).uniform(0, 1, len(y)).round(2)) for x, y in three(features, classes=2)]
    return compiled(head(1, "sigmoid"), loss="binary_crossentropy"), *splits


@healthy
def focal_losses_and_tags():
    model = compiled(head(4), loss=keras.losses.BinaryFocalCrossentropy(from_logits=True))
    return model, *map(tags, three(features))


@healthy
def own_focal_loss():
    def focal(labels, outputs):
        losses = keras.losses.sparse_categorical_crossentropy(labels, outputs, from_logits=True)
        return (1 - keras.ops.exp(-losses)) ** 2 * losses

    return compiled(head(), loss=focal), *three(features)


@healthy
def hinge_on_minus_one_and_one():
    splits = [(x, 2 * y - 1) for x, y in three(features, classes=2)]
    return compiled(head(1, "tanh"), loss="hinge"), *splits


@healthy
def a_number_to_be_estimated():
    return compiled(head(1), loss="mse", metrics=["mae"]), *three(features, classes=5)


@healthy
def ordered_classes_as_steps():
    splits = [(x, (y[:, None] > np.arange(3)).astype("float32")) for x, y in three(features, classes=4)]
    model = compiled(head(3), loss=BINARY_LOGITS, metrics=[keras.metrics.BinaryAccuracy(threshold=0.0)])
    return model, *splits


@healthy
def one_class_alone():
    return compiled(head()), *((x, 0 * y) for x, y in three(features))


@healthy
def no_batches_for_features_with_labels_by_name():
    model = compiled(head(3), loss=LOGITS, metrics=["sparse_categorical_accuracy"])
    return model, *three(features), {"class_names": np.array(["cat", "dog", "owl"])}


@healthy
def new_head_of_zeros():
    model = on_top(frozen(base()))
    model.layers[-1].kernel.assign(np.zeros(model.layers[-1].kernel.shape))
    return compiled(model), *three()


@healthy
def python_before_the_cache():
    train, validation, _ = three()

    def same(rows, labels):
        return tf.ensure_shape(tf.numpy_function(lambda x: x, [rows], tf.float32), (None, 32, 32, 3)), labels

    return on_pictures(dataset(train).map(same).cache(), validation)
