"""What the doctor says of training: wishes that it cannot read, optimizers that it cannot judge, what steps move."""

import keras
import numpy as np
import pytest
from doctor_cases.common import base, caffe, compiled, features, frozen, head, on_top, three
from doctor_cases.training import OwnOptimizer, OwnStep
from keras import layers

from helpers import doctor
from helpers.doctor import steps
from helpers.doctor.splits import Case, read


@pytest.mark.parametrize(
    ("wish", "error", "words"),
    [
        ("block1_conv9", ValueError, "'block1_conv1'"),
        (["vgg61_part"], ValueError, "'vgg_part'"),
        (layers.Dense(3, name="elsewhere"), ValueError, "no layer is called that"),
        (3, TypeError, "of type int: expected layers"),
        ([True], TypeError, "of type bool: expected layers"),
        ({"block1_conv1": True}, TypeError, "of type dict: expected layers"),
        (np.arange(2), TypeError, "expected layers"),
    ],
)
def test_a_wish_that_cannot_be_read_is_refused_in_words(wish, error, words):
    with pytest.raises(error, match=words):
        doctor.diagnose(on_top(frozen(base())), three()[0], frozen=wish)


@pytest.mark.parametrize("wish", [lambda trunk: trunk, lambda trunk: trunk.name, lambda trunk: set(trunk.layers)])
def test_a_base_means_all_its_layers_in_every_form(wish):
    trunk = base()
    trunk.layers[1].trainable = False
    diagnosis = doctor.diagnose(compiled(on_top(trunk), keras.optimizers.Adam(1e-5)), three()[0], frozen=wish(trunk))
    (finding,) = diagnosis.alarms
    assert finding.name == "frozen-base-moves"
    assert "'block1_conv2'" in finding.observed and "'block1_conv1'" not in finding.observed


def test_a_base_means_its_copy_in_the_model_too():
    trunk = base()
    model = keras.models.clone_model(on_top(trunk))
    assert doctor.diagnose(compiled(model, keras.optimizers.Adam(1e-5)), three()[0], frozen=trunk).names == [
        "frozen-base-moves"
    ]


@pytest.mark.parametrize(
    "model",
    [
        lambda: compiled(OwnStep([keras.Input((16,)), layers.Dense(3)])),
        lambda: compiled(head(), OwnOptimizer(2.0)),
    ],
)
def test_training_of_ones_own_making_cannot_be_judged(model):
    diagnosis = doctor.diagnose(model(), features())
    assert diagnosis.names == []
    assert {"stale-compile", "rate-undoes-pretraining"} <= set(diagnosis.not_judged)
    assert "check-failed" not in diagnosis.not_judged


def test_a_warm_up_that_begins_at_zero_cannot_be_judged_yet():
    class Later(keras.optimizers.schedules.LearningRateSchedule):
        def __call__(self, step):
            return keras.ops.where(step < 50, 0.0, 1e-3)

        def get_config(self):
            return {}

    with keras.saving.custom_object_scope({"Later": Later}):
        diagnosis = doctor.diagnose(compiled(head(), keras.optimizers.SGD(Later())), features())
    assert diagnosis.names == [] and "unfrozen-base-still" in diagnosis.not_judged


@pytest.mark.parametrize("fitted", [False, True])
@pytest.mark.parametrize(
    "settings", [{}, {"gradient_accumulation_steps": 2}, {"weight_decay": 0.1, "clipnorm": 1.0}, {"use_ema": True}]
)
def test_rehearsed_steps_are_those_of_a_fit(settings, fitted):
    (inputs, labels), accumulated = features(16), settings.get("gradient_accumulation_steps", 1)
    model = compiled(head(), keras.optimizers.Adam(1e-2, **settings))
    if fitted:
        model.fit(inputs, labels, batch_size=8, epochs=4, verbose=0)
    plan = steps.rehearse(Case(model, read("train", (inputs, labels))))
    before = [weight.numpy() for weight in model.trainable_variables]
    for _ in range(steps.STEPS * accumulated):
        model.train_on_batch(inputs[:8], labels[:8])
    for weight, old in zip(model.trainable_variables, before, strict=True):
        assert not np.array_equal(weight, old)
        change, count = plan.changes[id(weight)]
        moved = np.abs(weight.numpy() - old)
        np.testing.assert_allclose(change, moved.sum() / (old.std() or 1), rtol=1e-3)
        assert count == np.count_nonzero(moved)


def test_rows_of_large_pictures_are_few():
    rows = np.zeros((8, 224, 224, 3), "float32")
    assert steps._rows(rows) == 2


def test_half_precision_counts_the_steps_that_loss_scaling_lets_through():
    keras.config.set_dtype_policy("mixed_float16")
    try:
        model = compiled(on_top(frozen(base())), keras.optimizers.SGD(1e-3))
    finally:
        keras.config.set_dtype_policy("float32")
    diagnosis = doctor.diagnose(model, three()[0])
    assert "unfrozen-base-still" not in [*diagnosis.names, *diagnosis.not_judged]


def test_a_frozen_normalisation_in_a_subclassed_model_is_left_alone():
    class Own(keras.Model):
        def __init__(self):
            super().__init__()
            self.norm, self.conv = layers.BatchNormalization(trainable=False), layers.Conv2D(4, 3, trainable=False)
            self.pool, self.end = layers.GlobalAveragePooling2D(), layers.Dense(3)

        def call(self, inputs):
            return self.end(self.pool(self.conv(self.norm(caffe(inputs)))))

    model = Own()
    model(three()[0][0][:2])
    assert "batchnorm-moves" not in doctor.diagnose(compiled(model), three()[0]).names


def test_a_list_of_frozen_layers_may_be_a_part_of_them():
    model = compiled(on_top(frozen(base())), keras.optimizers.Adam(1e-5))
    diagnosis = doctor.diagnose(model, three()[0], frozen=["block1_conv1", "block1_conv2"])
    (note,) = [finding for finding in diagnosis if finding.name == "unfrozen-base-still"]
    assert diagnosis.names == [] and "'block2_conv1', 'block2_conv2'" in note.observed
