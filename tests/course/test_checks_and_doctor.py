"""The check of a set-up and the doctor never disagree: both look at every model among the cases."""

import keras
import numpy as np
import pytest
from check_cases.break_it import MEND_SET_UP
from check_cases.common import vgg

from helpers import doctor
from helpers.course import checks
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
