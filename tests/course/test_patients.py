"""The lab: every patient trains without an error and is ill, its mend is one difference, and no hint gives it away."""

import tomllib
from pathlib import Path

import keras
import matplotlib.pyplot as plt
import numpy as np
import pytest
from keras import layers

from helpers import assets, doctor
from helpers.course import lab
from helpers.course.lab import heads, shared
from helpers.pictures import features

PATIENTS = (*lab.FIRST_ROUND, *lab.SECOND_ROUND)
NUMBERS = [patient.number for patient in PATIENTS]


class SmallWard:
    """Noise with a little of its class in it, where the lab has pictures; small layers, where it has backbones."""

    def __init__(self):
        generator = np.random.default_rng(1)
        meaning = generator.gamma(0.5, 2.0, (5, 512))

        def rows(each):
            labels = np.repeat(np.arange(5), each).astype("int32")
            noise = generator.gamma(0.5, 14.0, (len(labels), 512))
            return (meaning[labels] + noise).astype("float32"), labels

        self.rows = features.Features(rows(40), rows(20), rows(60))
        as_maps = [(inputs[:, None, None, :].repeat(2, 1).repeat(2, 2), labels) for inputs, labels in self._splits()]
        self.maps = self.block4_maps = self.lite_maps = features.Features(*as_maps)
        self.pixels = features.Features(*((np.zeros((len(y), 4, 4, 3), "float32"), y) for _, y in self._splits()))

    def _splits(self):
        return self.rows.train, self.rows.validation, self.rows.test

    def features(self, prepare):
        divided = float(np.max(prepare(np.full((1, 4, 4, 3), 255.0, "float32")))) == 1
        faint = [(inputs / 100 if divided else inputs, labels) for inputs, labels in self._splits()]
        return features.Features(*faint)

    def whole(self, prepare, head, loss):
        pixels = keras.Input((4, 4, 3))
        row = layers.Dense(512)(layers.GlobalAveragePooling2D()(prepare(pixels)))
        model = keras.Model(pixels, head(row))
        model.compile("adam", loss=loss)
        return model

    def tail(self):
        maps = keras.Input((2, 2, 512))
        row = layers.Conv2D(16, 1, activation="relu", name="block5_conv1")(maps)
        return keras.Model(maps, row)

    block5 = tail

    def lite_tail(self):
        maps = keras.Input((2, 2, 512))
        row = layers.BatchNormalization(name="norm")(layers.Conv2D(16, 1, use_bias=False, name="convolution")(maps))
        return keras.Model(maps, row)

    def trained_head(self):
        return layers.Dense(5)

    trained_lite_head = trained_head


@pytest.fixture(scope="module")
def small():
    return SmallWard()


@pytest.fixture(scope="module")
def runs(small):
    """The records of all patients, ill and mended."""
    return {patient.number: patient.run(small) for patient in PATIENTS}, {
        patient.number: patient.fix(small) for patient in PATIENTS
    }


class TestPatients:
    def test_are_twelve_with_names_that_the_learner_is_given(self):
        assert list(range(1, 13)) == NUMBERS
        assert len({patient.mistake for patient in PATIENTS}) == 12
        assert {patient.mistake for patient in PATIENTS} < set(lab.MISTAKES)

    def test_have_a_text_each_and_no_text_is_left_over(self):
        texts = tomllib.loads(Path(lab.__file__).with_name("patients.toml").read_text(encoding="utf-8"))
        assert list(texts["patient"]) == [str(number) for number in NUMBERS]

    def test_have_a_finding_of_the_doctor_each_but_one_whose_intention_it_cannot_know(self):
        findings = {patient.number: patient.finding for patient in PATIENTS}
        assert findings.pop(8) is None
        assert set(findings.values()) <= set(doctor.NAMES)

    @pytest.mark.parametrize("patient", PATIENTS, ids=lambda patient: patient.mistake)
    def test_hint_and_complaint_do_not_give_the_name_away(self, patient):
        for text in (patient.look, patient.complaint):
            assert patient.mistake not in text or patient.mistake in ("loss", "rate")
            assert not patient.finding or patient.finding not in text

    @pytest.mark.parametrize("patient", PATIENTS, ids=lambda patient: patient.mistake)
    def test_are_mended_by_few_lines(self, patient):
        lines = patient.difference.splitlines()
        assert 1 <= len(lines) <= 5 and any(line.startswith("+") for line in lines)
        assert not any("def " in line or '"""' in line for line in lines)
        assert patient.code.startswith("def ")

    def test_an_unknown_number_is_answered_with_those_that_exist(self):
        with pytest.raises(ValueError, match="13.*1 to 12"):
            lab.patient(13)
        assert lab.patient(4) is PATIENTS[3]


class TestRuns:
    @pytest.mark.parametrize("number", NUMBERS)
    def test_train_without_a_word(self, runs, number):
        for record in (runs[0][number], runs[1][number]):
            assert set(record.history) == {"accuracy", "loss", "val_accuracy", "val_loss"}
            assert np.isfinite(record.history["loss"]).all()
            assert record.model.compiled

    @pytest.mark.parametrize("number", NUMBERS)
    def test_are_reported_with_numbers_and_without_the_name(self, runs, number):
        patient = lab.patient(number)
        report = patient.report(runs[0][number])
        assert any(sign.isdigit() for sign in report)
        assert not (patient.finding and patient.finding in report) and lab.MISTAKES[patient.mistake] not in report

    @pytest.mark.parametrize("number", [1, 4])
    def test_a_head_that_cannot_learn_stays_at_chance(self, runs, number):
        before, after = (lab.patient(number).score(records[number]) for records in runs)
        assert before == pytest.approx(0.2, abs=0.001) and after > 0.5

    def test_a_loss_for_two_classes_falls_below_zero(self, runs):
        assert runs[0][4].history["loss"][-1] < runs[0][4].history["loss"][0] < 0 < runs[1][4].history["loss"][-1]

    def test_counting_outputs_claims_more_than_is_right(self, runs):
        assert lab.patient(5).score(runs[0][5]) > 0.05 and lab.patient(5).score(runs[1][5]) < 1e-6

    def test_a_flag_that_was_true_already_and_one_without_compile_decide_nothing(self, runs):
        moved = [[records[number].notes["moved"] for number in (8, 11)] for records in runs]
        assert moved[0][0] == 0 and moved[0][1] > 0.5  # ill: still, and moving
        assert moved[1][0] > 0.5 and moved[1][1] == 0  # mended: the other way round

    def test_statistics_move_only_where_they_are_not_frozen(self, runs):
        means = [records[10].model.get_layer(index=1).get_layer("norm").moving_mean.numpy() for records in runs]
        assert np.abs(means[0]).max() > 0 and np.abs(means[1]).max() == 0

    def test_validation_that_is_trained_on_is_too_good(self, runs):
        assert lab.patient(9).score(runs[0][9]) > lab.patient(9).score(runs[1][9]) + 0.05

    def test_labels_of_another_pass_belong_to_other_pictures(self, runs):
        ill, mended = (records[12].notes for records in runs)
        assert ill["diagonal"] < 0.35 < 0.5 < ill["evaluate"]
        assert mended["diagonal"] == pytest.approx(mended["evaluate"])

    def test_the_same_seed_gives_the_same_run(self, small, runs):
        assert lab.patient(1).fix(small).history == runs[1][1].history

    def test_are_tabled_before_and_after(self, runs):
        table = lab.table(lab.SECOND_ROUND, *runs)
        assert table.index.tolist() == list(range(7, 13))
        assert table.columns.tolist() == ["mistake", "before", "after", "measured"]
        assert table.loc[8, "before"] == 0 and table.loc[8, "mistake"] == "never unfrozen"

    def test_a_score_is_shown_in_its_unit(self, runs):
        table = lab.table(lab.SECOND_ROUND, *runs)
        texts = lab.with_units(table, lab.SECOND_ROUND)
        assert texts.loc[8, "before"] == "0%" and texts.loc[9, "before"].endswith(" points")
        assert texts.loc[10, "after"] == f"{table.loc[10, 'after']:.2f}"
        assert table.loc[8, "before"] == 0  # the table itself keeps its numbers

    def test_a_score_may_stand_for_a_run_that_was_let_go(self, runs):
        scores = {number: lab.patient(number).score(run) for number, run in runs[1].items()}
        assert lab.table(lab.SECOND_ROUND, runs[0], scores).equals(lab.table(lab.SECOND_ROUND, *runs))

    def test_are_drawn_with_their_reports(self, runs):
        grid = lab.charts(lab.FIRST_ROUND, runs[0])
        assert [axes.get_title(loc="left") or axes.get_title() for axes in grid.flat] == [
            f"Patient {number}" for number in range(1, 7)
        ]
        for axes, patient in zip(grid.flat, lab.FIRST_ROUND, strict=True):
            words = " ".join(text.get_text() for text in axes.texts).split()
            assert words == f"{patient.complaint} {patient.report(runs[0][patient.number])}".split()
        plt.close("all")


class TestWard:
    def test_animals_have_the_names_of_the_pictures(self):
        assert list(heads.ANIMALS) == list(assets.pictures("animals", "test")[1])

    def test_frogs_are_rare_in_all_that_is_trained_on(self, small):
        data = heads.frog_or_not(small.rows)
        assert [int(labels.sum()) for _, labels in (data.train, data.validation, data.test)] == [16, 8, 60]
        assert data.train[0].shape == (176, 512)

    def test_functions_that_do_the_same_share_their_features(self, monkeypatch):
        extracted = []

        def block4(self, prepare):
            extracted.append(prepare)
            return features.Features(*[(np.zeros((1, 1, 1, 3), "float32"), np.zeros(1))] * 3)

        monkeypatch.setattr(shared.Ward, "block4", block4)
        monkeypatch.setattr(shared.Ward, "_middle", keras.Sequential([layers.Identity()]))
        one = lab.Ward(pictures=None)
        first = one.late(lambda pixels: pixels / 255)
        assert one.late(lambda pixels: pixels * (1 / 255) if False else pixels / 255) is first
        assert one.late(keras.applications.vgg16.preprocess_input) is not first
        assert len(extracted) == 2

    def test_a_tail_trains_and_is_a_copy(self):
        one = lab.Ward(pictures=None)
        tail = one.tail()
        assert len(tail.trainable_weights) == 2 and len(one.block5().trainable_weights) == 6
        assert one.base.trainable_weights == []
        kept = one.base.get_layer("block5_conv3").get_weights()[0].copy()
        kernel = tail.get_layer("block5_conv3").kernel
        np.testing.assert_array_equal(kernel, kept)
        kernel.assign(kernel + 1)
        np.testing.assert_array_equal(one.base.get_layer("block5_conv3").get_weights()[0], kept)
