"""The check of a set-up and the doctor never disagree: both look at every model among the cases."""

import keras
import numpy as np
import pytest
from check_cases.break_it import MEND_SET_UP
from check_cases.common import LOGITS, vgg
from check_cases.fine_tune import UNFREEZE_FROM
from check_cases.freeze_layers import FREE_LAST_STAGE
from check_cases.heads import HEADS_FOR_MAPS
from check_cases.other_backbones import STILL_STATISTICS

from helpers import doctor
from helpers.course import checks
from helpers.course.checks import attach_new_head, fixtures, freeze_layers, other_backbones
from helpers.course.checks.other_backbones import watched_base

PIXELS = np.random.default_rng(5).integers(0, 256, (40, 32, 32, 3)).astype("float32")
LABELS = np.random.default_rng(6).permutation(np.arange(40) % 5)
OF_THE_END = {
    "activation-loss-mismatch",
    "loss-expects-logits",
    "loss-expects-probabilities",
    "labels-do-not-fit",
    "one-unit-many-classes",
    "dense-without-activation",
}
OF_TRAINING = {
    "stale-compile",
    "frozen-base-moves",
    "unfrozen-base-still",
    "batchnorm-moves",
    "head-frozen",
    "rate-undoes-pretraining",
    "optimizer-not-rebuilt",
    "head-rate-explodes",
}
TUNED = {
    **{("unfreeze_from", label): (made, ["block4_conv3"]) for label, made in UNFREEZE_FROM.right.items()},
    **{("still_statistics", label): (made, []) for label, made in STILL_STATISTICS.right.items()},
}


def thin_vgg16():
    return fixtures.base_on_features(fixtures.LAYERS, maps=16)


BASES = {"unfreeze_from": thin_vgg16, "still_statistics": other_backbones.normalised_base}


@pytest.mark.parametrize("label", MEND_SET_UP.right)
def test_what_the_check_accepts_raises_no_alarm_of_the_end(label):
    model = MEND_SET_UP.right[label]()(keras.models.clone_model(vgg()))
    found = doctor.diagnose(model, (PIXELS, LABELS))
    assert not OF_THE_END & set(found.names), found


@pytest.mark.parametrize("label", MEND_SET_UP.wrong)
def test_what_the_doctor_alarms_on_is_refused(label):
    base, _ = watched_base(32, "vgg16")
    try:
        model = MEND_SET_UP.wrong[label][0]()(base)
        alarms = doctor.diagnose(model, (PIXELS, LABELS)).names
    except Exception:
        pytest.skip("no model that the doctor can look at")
    assert not alarms or not checks.mend_set_up.accepts(MEND_SET_UP.wrong[label][0]())


@pytest.mark.parametrize("activation", ["sigmoid", "relu", "tanh"])
@pytest.mark.parametrize("seed", range(4))
def test_the_verdict_does_not_depend_on_the_start(activation, seed):
    def build(base):
        base.trainable = False
        keras.utils.set_random_seed(seed)
        pixels = keras.Input(base.input_shape[1:])
        row = keras.layers.GlobalAveragePooling2D()(base(keras.applications.vgg16.preprocess_input(pixels)))
        model = keras.Model(pixels, keras.layers.Dense(5, activation=activation)(row))
        model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
        return model

    assert checks.mend_set_up.verdict(build).reason == "doctor:activation-loss-mismatch"


@pytest.mark.parametrize(("exercise", "label"), TUNED)
def test_a_fine_tuning_that_is_right_raises_no_alarm(exercise, label):
    base = BASES[exercise]()
    base.trainable = False
    made, first = TUNED[exercise, label]
    model = made()(base, *first, fixtures.train(fixtures.with_head(base)))
    found = doctor.diagnose(model, fixtures.features_and_labels(base.input_shape[-1]))
    assert not (OF_TRAINING | OF_THE_END) & set(found.names), found


@pytest.mark.parametrize("label", FREE_LAST_STAGE.right)
def test_a_compile_that_is_right_is_not_stale(label):
    model = freeze_layers.strangers_model()
    flags = model.get_layer("base")
    flags.trainable = True
    assert "stale-compile" in doctor.diagnose(model, freeze_layers.FIT).names
    flags.trainable = False
    found = doctor.diagnose(FREE_LAST_STAGE.right[label]()(model), freeze_layers.FIT)
    assert not {"stale-compile", "optimizer-not-rebuilt"} & set(found.names), found


@pytest.mark.parametrize("which", ["fewest parameters", "position"])
@pytest.mark.parametrize("label", HEADS_FOR_MAPS.right)
def test_a_head_that_is_right_raises_no_alarm_of_the_end(label, which):
    head = HEADS_FOR_MAPS.right[label]()[which]
    head.compile("adam", LOGITS)
    features = np.random.default_rng(7).gamma(0.5, 1.0, (40, *attach_new_head.MAPS)).astype("float32")
    assert not OF_THE_END & set(doctor.diagnose(head, (features, LABELS % attach_new_head.CLASSES)).names)
