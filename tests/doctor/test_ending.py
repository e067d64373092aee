"""What the doctor says about the end of a model, its labels and its metrics."""

import keras
import numpy as np
import pytest
from doctor_cases.common import LOGITS, base, compiled, features, frozen, head, on_top, three
from keras import layers, ops

from helpers import doctor
from helpers.doctor import ending, splits
from helpers.doctor.splits import Case


@pytest.mark.parametrize(
    ("end", "kind"),
    [
        ([layers.Dense(3, activation="gelu")], "gelu"),
        ([layers.Dense(3), layers.Activation("silu")], "silu"),
        ([layers.Dense(3, activation=lambda rows: rows * ops.sigmoid(rows))], "a function of its own"),
        ([layers.Dense(3, activation=lambda rows: rows / 9)], "logits"),
        ([layers.Dense(3, activation="log_softmax")], "logits"),
        ([layers.Dense(3, activation=lambda rows: 30 * ops.tanh(rows / 30))], None),
        ([layers.Dense(3, activation="leaky_relu")], None),
        ([layers.Dense(3), layers.Rescaling(1e-3)], None),
    ],
)
def test_an_activation_is_called_by_its_name_or_left_open(end, kind):
    model = keras.Sequential([keras.Input((16,)), *end])
    assert ending.ending_of(Case(model, splits.read("train", features()))) == kind


def two_outputs():
    row = keras.Input((16,))
    return keras.Model(row, [layers.Dense(3)(row), layers.Dense(2)(row)])


def two_inputs():
    rows = [keras.Input((16,)), keras.Input((16,))]
    return keras.Model(rows, layers.Dense(3)(rows[0] + rows[1]))


def one_output_in_a_dictionary():
    row = keras.Input((16,))
    return keras.Model(row, {"kind": layers.Dense(3)(row)})


@pytest.mark.parametrize("make", [two_outputs, two_inputs, one_output_in_a_dictionary])
def test_several_inputs_or_outputs_are_refused_in_words(make):
    with pytest.raises(TypeError, match="one input and one output"):
        doctor.diagnose(make(), features())


@pytest.mark.parametrize(
    ("names", "error", "words"),
    [
        ("abc", TypeError, "expected a list of str"),
        (3, TypeError, "expected a list of str"),
        ([0, 1, 2], TypeError, "expected a list of str"),
        ({"a": 0, "b": 1, "c": 2}, TypeError, "expected a list of str"),
        (["a", "b"], ValueError, "holds 2 names, but labels and model have 3 classes"),
        (["a", "b", "c", "d"], ValueError, "expected 3 names"),
    ],
)
def test_class_names_of_the_wrong_kind_or_number_are_refused(names, error, words):
    with pytest.raises(error, match=words):
        doctor.diagnose(compiled(head()), features(), class_names=names)


def accuracy(labels, logits):
    """Right for logits, though it has the name of what is not."""
    return ops.mean(ops.cast((labels > 0) == (logits > 0), "float32"))


@pytest.mark.parametrize(
    ("units", "activation", "loss", "metrics", "alarm"),
    [
        (1, None, keras.losses.BinaryCrossentropy(from_logits=True), [keras.metrics.BinaryAccuracy(threshold=0.0)], 0),
        (1, None, keras.losses.BinaryCrossentropy(from_logits=True), [keras.metrics.AUC(from_logits=True)], 0),
        (1, None, keras.losses.BinaryCrossentropy(from_logits=True), {"kind": ["AUC"]}, 1),
        (1, "sigmoid", "binary_crossentropy", ["accuracy", "AUC", "precision"], 0),
        (1, "sigmoid", "binary_crossentropy", [keras.metrics.Accuracy()], 1),
        (2, "softmax", "sparse_categorical_crossentropy", [keras.metrics.Accuracy(name="acc")], 1),
        (1, None, keras.losses.BinaryCrossentropy(from_logits=True), [accuracy], 0),
        (2, None, LOGITS, ["accuracy", lambda labels, outputs: 0.0], 0),
    ],
)
def test_a_metric_misleads_where_it_cuts_logits_and_nowhere_else(units, activation, loss, metrics, alarm):
    model = head(units, activation)
    model.layers[-1].name = "kind"
    diagnosis = doctor.diagnose(compiled(model, loss=loss, metrics=metrics), *three(features, classes=2))
    assert diagnosis.names == ["metric-misleads"] * alarm


def test_labels_that_are_no_numbers_are_named():
    rows, labels = features(classes=2)
    labels = labels.astype("float32")
    labels[3] = np.nan
    diagnosis = doctor.diagnose(compiled(head(1, "sigmoid"), loss="binary_crossentropy"), (rows, labels))
    assert diagnosis.names == ["labels-do-not-fit"] and "NaN" in diagnosis[0].observed


def test_a_head_of_zeros_is_new_and_not_dead():
    model = on_top(frozen(base()))
    model.layers[-1].kernel.assign(np.zeros(model.layers[-1].kernel.shape))
    diagnosis = doctor.diagnose(compiled(model), *three())
    assert diagnosis.names == [] and "constant-output" not in diagnosis.not_judged


def test_an_activation_that_gets_tiny_numbers_is_still_one():
    model = keras.Sequential([keras.Input((16,)), layers.Dense(8), layers.Activation("gelu"), layers.Dense(3)])
    rows, labels = features()
    case = Case(model, splits.read("train", (1e-4 * rows, labels)))
    assert "dense-without-activation" not in [finding.name for finding in ending.check(case)]
