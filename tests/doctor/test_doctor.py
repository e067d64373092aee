"""The doctor finds each fault under its name and raises no alarm on healthy models, real pictures or real weights."""

import ast
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from doctor_cases import FAULTY, HEALTHY
from doctor_cases.common import caffe, compiled, dataset, features, frozen, head, on_top, three
from doctor_cases.healthy import Small
from keras import layers, ops

from helpers import doctor
from helpers.doctor import Diagnosis, Finding, ending, examine, findings, splits
from helpers.doctor.data import shared_pictures
from helpers.doctor.splits import Case
from helpers.network import vgg16
from helpers.pictures import images


def diagnosed(build):
    keras.utils.set_random_seed(0)
    model, *data = build()
    settings = data.pop() if isinstance(data[-1], dict) else {}
    return doctor.diagnose(model, *data, **settings)


@pytest.mark.parametrize("name", FAULTY)
def test_every_fault_is_found_under_its_name(name):
    build, expected = FAULTY[name]
    diagnosis = diagnosed(build)
    assert set(diagnosis.names) == expected, diagnosis
    assert "check-failed" not in diagnosis.not_judged, diagnosis


@pytest.mark.parametrize("name", HEALTHY)
def test_no_false_alarm_on_a_healthy_model(name):
    diagnosis = diagnosed(HEALTHY[name])
    assert diagnosis.names == [], diagnosis
    assert "check-failed" not in diagnosis.not_judged, diagnosis


def test_the_cases_are_as_many_as_promised_and_name_every_finding():
    named = set().union(*(expected for _, expected in FAULTY.values()))
    assert len(FAULTY) >= 30 and len(HEALTHY) >= 15
    assert named == set(doctor.NAMES) - {"check-failed"}


def made():
    """Yield every finding that the code makes: its name, its variant, and which texts the code gives itself."""
    for path in Path(doctor.__file__).parent.glob("*.py"):
        calls = [node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Call)]
        for call in calls:
            if {"error", "warning"} & {part.id for part in ast.walk(call.func) if isinstance(part, ast.Name)}:
                name, _, *variants = call.args
                variant = variants[0].value if variants else ""
                yield name.value, variant, {keyword.arg for keyword in call.keywords}


def test_every_finding_has_its_texts_and_no_text_is_unused():
    used = {(name, "what") for name in doctor.NAMES}
    for name, variant, texts in made():
        for kind in ("why", "mend"):
            key = f"{kind}-{variant}" if f"{kind}-{variant}" in findings.TEXTS[name] else kind
            assert (kind in texts) != (key in findings.TEXTS[name]), f"{name}, {variant or 'no variant'}: {kind}"
            used |= {(name, key)} - {(name, kind) for kind in texts}
    assert used == {(name, key) for name, texts in findings.TEXTS.items() for key in texts}


def test_what_cannot_be_judged_is_said_and_is_no_alarm():
    features_only = diagnosed(HEALTHY["linear_head_on_features"])
    assert "pixels-range" in features_only.not_judged and features_only.names == []
    prepared = diagnosed(HEALTHY["frozen_vgg_on_prepared_data"])
    assert "channel-order" in prepared.not_judged
    bare = diagnosed(HEALTHY["not_compiled"])
    assert {"stale-compile", "rate-undoes-pretraining"} <= set(bare.not_judged)
    subclassed = diagnosed(HEALTHY["subclassed_vgg"])
    assert "does-not-reload" in subclassed.not_judged  # loads here, where the class is known


@pytest.mark.parametrize(
    ("end", "kind"),
    [
        ([layers.Dense(3)], "logits"),
        ([layers.Dense(3, activation="softmax")], "softmax"),
        ([layers.Dense(3), layers.ReLU(), layers.Dropout(0.5)], "relu"),
        ([layers.Dense(3, activation=lambda numbers: ops.softmax(numbers))], "softmax"),
        ([layers.Dense(1, activation=lambda numbers: ops.sigmoid(numbers))], "sigmoid"),
        ([layers.Dense(3, activation="softmax"), layers.Rescaling(1.0)], "softmax"),
        ([layers.Dense(3, activation="sigmoid"), layers.Rescaling(1.0)], None),
    ],
)
def test_the_last_activation_is_known_by_its_name_or_by_what_it_does(end, kind):
    model = keras.Sequential([keras.Input((16,)), *end])
    assert ending.ending_of(Case(model, splits.read("train", features()))) == kind


def test_the_last_activation_of_a_subclassed_model_is_that_of_its_last_layer():
    model = Small()
    model.end = layers.Dense(3, activation="softmax")
    model(features()[0])
    assert ending.ending_of(Case(model, splits.read("train", features()))) == "softmax"


def test_a_model_that_is_not_built_yet_stays_so():
    model = keras.Sequential([keras.layers.Dense(3)])
    diagnosis = doctor.diagnose(model, features())
    assert not model.built
    assert diagnosis.names == [] and "check-failed" in diagnosis.not_judged


@pytest.mark.parametrize(
    ("model", "train", "error", "words"),
    [
        ("vgg16", features(), TypeError, "expected a keras.Model"),
        (head(), None, TypeError, "train is of type NoneType"),
        (head(), "folder", TypeError, "expected a tf.data.Dataset"),
        (head(), features()[0], TypeError, "expected a tf.data.Dataset"),
        (head(), ({"a": 1}, [1]), TypeError, "one input and output"),
        (head(), (features()[0], [0, 1]), ValueError, "48 inputs and 2 labels"),
        (head(), dataset(features()).take(0), ValueError, "holds no batch"),
    ],
)
def test_what_cannot_be_used_is_refused_in_words(model, train, error, words):
    with pytest.raises(error, match=words):
        doctor.diagnose(model, train)


def test_a_layer_that_does_not_exist_cannot_be_meant_to_be_frozen():
    with pytest.raises(ValueError, match="no layer is called that"):
        doctor.diagnose(head(), features(), frozen=["block5_conv4"])


def test_data_without_labels_are_judged_as_far_as_they_go():
    data = dataset(features()).map(lambda rows, labels: rows)
    diagnosis = doctor.diagnose(compiled(head()), data)
    assert diagnosis.names == []
    assert {"stale-compile", "labels-do-not-fit"} <= set(diagnosis.not_judged)


def test_an_endless_data_set_is_read_in_part(monkeypatch):
    monkeypatch.setattr(splits, "MOST_ROWS", 64)
    train, validation, _ = three(features)
    diagnosis = doctor.diagnose(compiled(head()), dataset(train).repeat(), validation)
    assert diagnosis.names == []
    assert "same-picture-in-two-splits" in diagnosis.not_judged  # the rest was not compared, and it says so


def test_a_check_that_fails_is_an_entry_and_the_others_go_on(monkeypatch):
    def broken(case):
        raise RuntimeError("out of order")

    monkeypatch.setattr(examine, "CHECKS", (("the weather", broken), *examine.CHECKS))
    build, expected = FAULTY["logits_into_the_default_loss"]
    diagnosis = diagnosed(build)
    assert set(diagnosis.names) == expected
    reasons = [finding.observed for finding in diagnosis if not finding.alarm]
    assert any("the weather" in reason and "out of order" in reason for reason in reasons)


def test_every_alarm_tells_what_it_saw_why_it_matters_and_what_to_do():
    for name in ("nine_of_ten_are_one_class", "logits_into_the_default_loss", "labels_beyond_the_units"):
        for finding in diagnosed(FAULTY[name][0]).alarms:
            assert any(letter.isdigit() for letter in finding.observed)
            assert finding.why and finding.mend


def test_a_diagnosis_is_a_list_the_gravest_first_as_text_and_as_a_table():
    grave = Finding("stale-compile", "error", "seen <b>2</b>", "why & how", "model.compile(...)")
    mild = Finding("classes-unequal", "warning", "90%", "because", "weights")
    open_ = Finding("channel-order", "cannot judge", "grey pictures", "", "")
    diagnosis = Diagnosis([open_, mild, grave])
    assert isinstance(diagnosis, list) and list(diagnosis) == [grave, mild, open_]
    assert diagnosis.names == ["stale-compile", "classes-unequal"] and diagnosis.not_judged == ["channel-order"]
    assert diagnosis.headline == "1 error, 1 warning; 1 that the doctor cannot judge."
    assert all(word in str(diagnosis) for word in ("stale-compile", "Why:", "Fix:", "grey pictures"))
    page = diagnosis._repr_html_()
    assert page.count("<tr>") == 4 and "&lt;b&gt;2&lt;/b&gt;" in page and "<b>2</b>" not in page
    assert Diagnosis().headline == "Nothing found." and "<table" not in Diagnosis()._repr_html_()


@pytest.mark.parametrize("name", ["animals", "emoji"])
def test_the_bundled_pictures_share_none_between_their_splits(name, monkeypatch):
    monkeypatch.setattr(splits, "MOST_SECONDS", 600)
    monkeypatch.setattr(splits, "MOST_ROWS", 3000)
    data = images.load(name, 32)
    read = {split: splits.read(split, data.in_order(split)) for split in images.SPLITS}
    assert all(split.complete for split in read.values())
    assert list(shared_pictures(Case(None, **read))) == []


def test_real_pictures_saved_again_are_found_in_another_split():
    data = images.load("animals", 32)
    kept = [next(iter(data.in_order(split))) for split in ("train", "validation")]
    (train, labels), (validation, others) = ((np.array(part) for part in pair) for pair in kept)
    jpegs = [tf.io.decode_jpeg(tf.io.encode_jpeg(tf.cast(one, tf.uint8), quality=80)).numpy() for one in train[:6]]
    validation[:6] = jpegs
    case = Case(None, splits.read("train", (train, labels)), splits.read("validation", (validation, others)))
    (finding,) = shared_pictures(case)
    assert finding.name == "same-picture-in-two-splits" and "look the same" in finding.observed


def test_vgg16_with_its_real_weights_is_healthy():
    data = images.load("animals", 96, per_class={"train": 40, "validation": 10, "test": 10})
    base = frozen(keras.applications.VGG16(weights=vgg16.weights(), include_top=False, input_shape=(96, 96, 3)))
    model = compiled(on_top(base, caffe, units=5, side=96))
    diagnosis = doctor.diagnose(model, data.train, data.validation, data.test, data.class_names)
    assert diagnosis.names == [], diagnosis


class Doubled(layers.Layer):
    """A layer with no settings, which is not registered."""

    def call(self, inputs):
        return inputs * 2


def shifted_relu(rows):
    return ops.relu(rows) + 1


@pytest.mark.parametrize("own", [Doubled, lambda: layers.Activation(shifted_relu)])
def test_what_is_not_registered_is_said_to_load_with_custom_objects_only(own):
    diagnosis = doctor.diagnose(keras.Sequential([keras.Input((16,)), own(), layers.Dense(3)]), features())
    (finding,) = [finding for finding in diagnosis if finding.name == "does-not-reload"]
    assert finding.severity == "warning" and "custom_objects" in finding.observed
    assert "Doubled" in finding.observed or "shifted_relu" in finding.observed


def test_a_function_that_keras_knows_by_name_needs_no_import():
    model = keras.Sequential([keras.Input((16,)), layers.Dense(4, activation=tf.nn.relu), layers.Dense(3)])
    assert "does-not-reload" not in {finding.name for finding in doctor.diagnose(model, features())}
