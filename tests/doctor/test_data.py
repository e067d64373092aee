"""How the doctor reads data of every kind, and what it says where a second look is impossible."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from doctor_cases.common import compiled, dataset, features, head, pictures, three
from doctor_cases.data_and_end import Batches, discs, endless, on_pictures, scenes
from keras import layers

from helpers import doctor
from helpers.doctor import data, splits
from helpers.doctor.splits import Case
from helpers.pictures import images

ROWS, LABELS = features()


class Loader:
    """Can be read again and again, and is none of Keras's or TensorFlow's classes."""

    def __iter__(self):
        return iter([(ROWS[:24], LABELS[:24]), (ROWS[24:], LABELS[24:])])


@pytest.mark.parametrize(
    "given",
    [
        (ROWS, LABELS),
        [list(ROWS), list(LABELS)],
        [(ROWS[:24], LABELS[:24]), (ROWS[24:], LABELS[24:])],
        (ROWS, LABELS, np.ones(48)),
        dataset((ROWS, LABELS)),
        dataset((ROWS, LABELS)).unbatch(),
        dataset((ROWS, LABELS)).map(lambda x, y: ({"rows": x}, {"kind": y})),
        Batches((ROWS, LABELS)),
        Loader(),
        iter(Loader()),
    ],
)
def test_the_same_rows_are_read_from_data_of_every_kind(given):
    read, expected = splits.read("train", given), splits.read("train", (ROWS, LABELS))
    assert read.digests == expected.digests and read.complete
    assert np.array_equal(read.labels, LABELS)


@pytest.mark.parametrize(
    ("given", "error", "words"),
    [
        (lambda: iter(Loader()), TypeError, "not its function"),
        (iter([]), ValueError, "used up"),
        ((ROWS[:0], LABELS[:0]), ValueError, "holds no batch"),
        (dataset((ROWS, LABELS), 64).take(1).unbatch().batch(64, drop_remainder=True), ValueError, "drop_remainder"),
        ((["a.png", "b.png"], [0, 1]), TypeError, "expected numbers, decoded"),
        ([(ROWS, LABELS[:5])], ValueError, "48 inputs and 5 labels"),
        (dataset((ROWS, LABELS)).map(lambda x, y: {"image": x, "label": y}), TypeError, "one input and output"),
        (tf.data.Dataset.from_tensors((tf.ragged.constant([[1.0], [1.0, 2.0]]), [0, 1])), TypeError, "RaggedTensor"),
    ],
)
def test_what_cannot_be_read_is_refused_in_words(given, error, words):
    with pytest.raises(error, match=words):
        splits.read("validation", given)


def test_an_endless_generator_is_read_in_part_and_what_is_gone_is_said(monkeypatch):
    monkeypatch.setattr(splits, "MOST_ROWS", 60)
    given = endless((ROWS, LABELS))
    diagnosis = doctor.diagnose(compiled(head()), given, features(seed=2))
    assert diagnosis.names == []
    (said,) = [finding.observed for finding in diagnosis if finding.name == "used-up-generator"]
    assert "64 rows that were read are gone" in said
    assert np.array_equal(next(given)[0], ROWS[16:24])  # 48 + 16 rows are gone, and no more


def test_rows_of_one_class_read_in_part_are_said(monkeypatch):
    monkeypatch.setattr(splits, "MOST_ROWS", 32)
    order = np.argsort(LABELS, kind="stable")
    train = splits.read("train", dataset((ROWS[order], np.sort(LABELS) // 2), 8))
    (finding,) = data.sorted_by_class(train)
    assert not finding.alarm and finding.name == "sorted-by-class"


def altered(rows, kind):
    if kind == "compressed":
        return np.stack([tf.io.decode_jpeg(tf.io.encode_jpeg(tf.cast(row, tf.uint8), quality=50)) for row in rows])
    changes = {"mirrored": rows[:, :, ::-1], "brighter": rows * 1.1 + 15, "darker": rows * 0.7}
    return np.clip(changes[kind], 0, 255)


@pytest.mark.parametrize("kind", ["mirrored", "brighter", "darker", "compressed"])
def test_altered_copies_of_real_pictures_are_found(kind):
    animals = images.load("animals", 64, per_class={"train": 12, "validation": 12, "test": 12})
    (train, labels), (rows, others) = (
        next(iter(animals.in_order(split).unbatch().batch(60))) for split in images.SPLITS[:2]
    )
    rows = np.concatenate([altered(np.array(train[:10]), kind), np.array(rows[10:])]).astype("float32")
    given = splits.read("train", (train, labels)), splits.read("validation", (rows, others))
    (finding,) = data.shared_pictures(Case(None, *given))
    assert finding.alarm and finding.name == "same-picture-in-two-splits"


@pytest.mark.parametrize("make", [scenes, discs])
def test_pictures_of_one_background_or_layout_cannot_be_judged(make):
    diagnosis = doctor.diagnose(*on_pictures(*three(make)))
    assert diagnosis.names == [] and "same-picture-in-two-splits" in diagnosis.not_judged


def noisy(rows, labels):
    noise = tf.numpy_function(lambda: np.random.default_rng().normal(0, 1, 16).astype("float32"), [], tf.float32)
    return rows + noise, labels


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (dataset((ROWS, LABELS)).map(noisy).cache(), [False]),
        (dataset((ROWS, LABELS)).cache().map(noisy), []),
        (dataset((ROWS, LABELS)).map(noisy), []),
        (dataset((ROWS, LABELS)).cache(), []),
    ],
)
def test_what_python_does_before_a_cache_cannot_be_judged(given, said):
    found = list(data.random_alterations(splits.read("train", given), training=True))
    assert [finding.alarm for finding in found] == said
    assert {finding.name for finding in found} <= {"augmentation-cached"}


@pytest.mark.parametrize(("number", "alarm"), [(48, True), (6, False)])
def test_a_class_is_missing_by_chance_or_not(number, alarm):
    (rows, labels), (others, theirs) = features(90), features(90, seed=2)
    kept = np.flatnonzero(theirs != 1)[:number]
    case = Case(None, splits.read("train", (rows, labels)), splits.read("test", (others[kept], theirs[kept])))
    assert [finding.name for finding in data.other_classes(case)] == ["classes-differ-between-splits"] * alarm


def test_a_class_that_training_lacks_cannot_be_learned():
    (rows, labels), test = features(90), features(90, seed=2)
    case = Case(None, splits.read("train", (rows[labels != 2], labels[labels != 2])), test=splits.read("test", test))
    (finding,) = data.other_classes(case)
    assert finding.severity == "error" and "cannot be learned" in finding.why and "Class 2" in finding.observed


@pytest.mark.parametrize(("number", "alarms"), [(24, [False]), (500, [True]), (2, [])])
def test_one_class_has_nearly_all_rows_and_few_rows_say_little(number, alarms):
    labels = np.array([0] * number + [1] * max(1, number // 24), "int32")
    case = Case(None, splits.read("train", (features(len(labels))[0], labels)))
    found = list(data.unequal(case))
    assert [finding.alarm for finding in found] == alarms and all("96%" in finding.observed for finding in found)


def test_pictures_of_a_slightly_other_size_are_no_error():
    pixels = keras.Input((None, None, 3))
    row = layers.GlobalAveragePooling2D()(layers.Conv2D(4, 3, activation="relu")(layers.Rescaling(1 / 255)(pixels)))
    model = compiled(keras.Model(pixels, layers.Dense(3)(row)))
    near = doctor.diagnose(model, pictures(seed=1), pictures(seed=2, side=40))
    assert near.names == [] and "splits-prepared-differently" in near.not_judged
    assert doctor.diagnose(model, pictures(seed=1), pictures(seed=2, side=64)).names == ["splits-prepared-differently"]
