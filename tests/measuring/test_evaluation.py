"""Numbers agree with known answers; what cannot be counted is refused."""

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

from helpers.measuring import evaluation

NAMES = ("cat", "dog", "frog")


def predictions(right, wrong):
    """Return labels and predictions with so many right and so many wrong."""
    labels = np.zeros(right + wrong, int)
    return labels, np.repeat([0, 1], [right, wrong])


class TestAccuracy:
    @pytest.mark.parametrize(
        ("right", "of", "low", "high"),
        [
            (8, 10, 0.4902, 0.9433),
            (0, 10, 0, 0.2775),
            (10, 10, 0.7225, 1),
            (1, 2, 0.0945, 0.9055),
            (600, 800, 0.7188, 0.7788),
        ],
    )
    def test_has_the_wilson_interval(self, right, of, low, high):
        result = evaluation.accuracy(*predictions(right, of - right))
        assert result == pytest.approx((right / of, low, high), abs=1e-4)
        assert all(type(number) is float for number in result)

    def test_more_confidence_needs_a_wider_interval(self):
        _, low, high = evaluation.accuracy(*predictions(8, 2))
        _, lower, higher = evaluation.accuracy(*predictions(8, 2), confidence=0.99)
        assert lower < low < high < higher

    def test_of_rows_the_largest_counts(self):
        rows = [[0.1, 0.7, 0.2], [-3, -2, -9], [5, 4, 4]]
        assert evaluation.accuracy([1, 1, 1], rows)[0] == pytest.approx(2 / 3)

    @pytest.mark.parametrize(
        ("labels", "predicted", "message"),
        [
            ([], [], r"labels of shape \(0,\): expected whole numbers"),
            ([[0, 1], [1, 0]], [1, 0], "Use argmax on one-hot rows"),
            ([0, 1], [0, 1, 1], r"2 labels but predictions of shape \(3,\)"),
            ([0, 1], [[1, 0]], r"2 labels but predictions of shape \(1, 2\)"),
            ([0, 1], [[0.2], [0.9]], r"predictions of shape \(2, 1\).*at least 2 classes"),
            ([0, 1], [0.2, 0.9], "must be whole numbers"),
            ([0, 1], [[-2.0], [3.0]], r"of one logit logits\[:, 0\] > 0"),
            ([0, -1], [[1, 0], [0, 1]], "labels .* whole numbers from 0, one is -1"),
            ([0, 1], [0, -1], "predictions .* whole numbers from 0, one is -1"),
            ([1, 2], [[1, 0], [0, 1]], "largest label is 2, for 2 columns"),
            ([0, 1], [[np.nan, np.nan], [0, 1]], "2 of predictions are NaN"),
            ([0, np.nan], [0, 1], "1 of labels are NaN"),
            ([0, None], [0, 1], "labels are no numbers"),
            (["cat", "dog"], ["cat", "cat"], r"labels are no numbers.*class_names.index"),
            (pd.Series([0, None], dtype="Int64"), [0, 1], "1 of labels are NaN"),
            ([0, 1], [[1, 0], [1]], "predictions make no array"),
        ],
    )
    def test_what_cannot_be_counted_is_refused(self, labels, predicted, message):
        with pytest.raises(ValueError, match=message):
            evaluation.accuracy(labels, predicted)

    @pytest.mark.parametrize(
        "labels",
        [
            np.array([[0], [1], [2]]),
            tf.constant([0, 1, 2]),
            pd.Series([0, 1, 2], index=[7, 8, 9], dtype=object),
            pd.Series([0, 1, 2], dtype="Int64"),
            np.float32([0, 1, 2]),
        ],
    )
    @pytest.mark.parametrize(
        "predicted", [np.eye(3), tf.cast(np.eye(3), "bfloat16"), [[0], [1], [2]], pd.Series([0, 1, 2])]
    )
    def test_columns_tensors_and_series_are_counted(self, labels, predicted):
        assert evaluation.accuracy(labels, predicted)[0] == 1
        assert evaluation.confusion(labels, predicted, NAMES).to_numpy().tolist() == np.eye(3).tolist()

    def test_one_unit_with_its_threshold_is_counted(self):
        assert evaluation.accuracy([1, 0], np.array([[0.9], [0.2]]) > 0.5)[0] == 1

    def test_small_whole_numbers_do_not_wrap(self):
        labels = np.array([0, 255], "uint8")
        assert evaluation.confusion(labels, labels, list(map(str, range(256)))).to_numpy().trace() == 2

    @pytest.mark.parametrize("confidence", [95, 1, 0, None, "0.95", np.nan, [0.95]])
    def test_confidence_is_a_share(self, confidence):
        for function, given in (
            (evaluation.accuracy, ([0], [0])),
            (evaluation.wilson, (1, 2)),
            (evaluation.paired_difference, ([0, 1], [0, 1], [0, 0])),
        ):
            with pytest.raises(ValueError, match="between 0 and 1, such as 0.95"):
                function(*given, confidence=confidence)

    @pytest.mark.parametrize("counts", [(3, 2), (-1, 2), (0, 0), (1.5, 2), ("1", 2), (1, None)])
    def test_an_interval_is_of_counts(self, counts):
        with pytest.raises(ValueError, match="expected a whole number from"):
            evaluation.wilson(*counts)

    MASKED = np.ma.array([0, 1], mask=[False, True])
    FIELDS = np.array([(0,), (1,)], dtype=[("label", "int64")])

    @pytest.mark.parametrize("wrong", [MASKED, FIELDS, [np.ma.array([0.1, 0.9], mask=[0, 1]), [0.1, 0.9]]])
    def test_what_is_masked_or_has_fields_is_refused(self, wrong):
        with pytest.raises(ValueError, match="masked values|are no numbers"):
            evaluation.accuracy([0, 1], wrong)

    def test_a_mask_that_hides_nothing_is_counted(self):
        assert evaluation.accuracy(np.ma.array([0, 1]), [0, 1])[0] == 1


class TestPairedDifference:
    LABELS = np.zeros(400, int)
    FIRST = np.repeat([0, 1], [200, 200])  # right on the first 200
    SECOND = np.repeat([0, 1, 0, 1], [180, 20, 60, 140])  # 20 of them lost, 60 of the others gained

    def test_is_the_difference_of_the_accuracies(self):
        difference, _, _ = evaluation.paired_difference(self.LABELS, self.FIRST, self.SECOND)
        assert difference == pytest.approx(0.1)

    def test_has_the_interval_of_paired_pictures(self):
        """The normal approximation for paired proportions: 80 pictures differ, 40 net."""
        error = 1.96 * np.sqrt((80 - 40**2 / 400) / 400**2)
        _, low, high = evaluation.paired_difference(self.LABELS, self.FIRST, self.SECOND)
        assert (low, high) == pytest.approx((0.1 - error, 0.1 + error), abs=0.006)

    def test_the_other_way_round_it_changes_sign(self):
        there = evaluation.paired_difference(self.LABELS, self.FIRST, self.SECOND)
        back = evaluation.paired_difference(self.LABELS, self.SECOND, self.FIRST)
        assert back == pytest.approx((-there[0], -there[2], -there[1]), abs=0.006)

    def test_the_seed_decides_the_resamples(self):
        one, again, other = (
            evaluation.paired_difference(self.LABELS, self.FIRST, self.SECOND, resamples=200, seed=seed)
            for seed in (1, 1, 2)
        )
        assert one == again != other

    @pytest.mark.parametrize(
        ("first", "second", "expected"),
        [([0, 1, 0], [0, 1, 0], 0), ([1, 1, 1], [0, 0, 0], 1), ([0, 0, 0], [1, 2, 1], -1), ([1, 2, 1], [2, 1, 2], 0)],
    )
    def test_where_nothing_varies_there_is_no_interval(self, first, second, expected):
        assert evaluation.paired_difference([0, 0, 0], first, second) == (expected, expected, expected)

    def test_takes_rows_and_labels_alike(self):
        rows = np.eye(2)[self.SECOND]
        assert evaluation.paired_difference(self.LABELS, self.FIRST, rows) == evaluation.paired_difference(
            self.LABELS, self.FIRST, self.SECOND
        )

    @pytest.mark.parametrize(("name", "value"), [("resamples", 0), ("resamples", 1.5), ("seed", -1), ("seed", "a")])
    def test_resamples_and_seed_are_whole_numbers(self, name, value):
        with pytest.raises(ValueError, match=f"{name}={value!r}: expected a whole number from"):
            evaluation.paired_difference([0, 1], [0, 1], [0, 0], **{name: value})

    def test_predictions_for_other_pictures_are_refused(self):
        with pytest.raises(ValueError, match=r"400 labels but predictions of shape \(399,\)"):
            evaluation.paired_difference(self.LABELS, self.FIRST, self.SECOND[1:])


class TestConfusion:
    def test_counts_truth_in_rows_and_predictions_in_columns(self):
        table = evaluation.confusion([0, 0, 0, 1, 2], [0, 1, 1, 1, 0], NAMES)
        assert table.to_numpy().tolist() == [[1, 2, 0], [0, 1, 0], [1, 0, 0]]
        assert table.loc["cat", "dog"] == 2
        assert (table.index.name, table.columns.name) == ("true", "predicted")

    def test_a_class_that_never_occurs_keeps_its_place(self):
        assert evaluation.confusion([0, 2], [0, 2], NAMES).shape == (3, 3)

    def test_no_picture_is_dropped_for_want_of_a_name(self):
        with pytest.raises(ValueError, match="2 class names for 3 classes"):
            evaluation.confusion([0, 1, 2], [0, 1, 1], NAMES[:2])
        with pytest.raises(ValueError, match="2 class names for 3 classes"):
            evaluation.confusion([0, 1, 1], [0, 1, 2], NAMES[:2])


class TestMistakes:
    LABELS = [0, 1, 2, 0]
    ROWS = np.array([[0.3, 0.6, 0.1], [0.1, 0.8, 0.1], [0.9, 0.06, 0.04], [0.2, 0.2, 0.6]])

    def test_lists_the_wrong_ones_with_the_most_confident_first(self):
        table = evaluation.mistakes(self.LABELS, self.ROWS, NAMES, files=["a", "b", "c", "d"])
        assert table.index.tolist() == [2, 0, 3]
        assert table["true"].tolist() == ["frog", "cat", "cat"]
        assert table["predicted"].tolist() == ["cat", "dog", "frog"]
        assert table["confidence"].tolist() == pytest.approx([0.9, 0.6, 0.6])
        assert table["probability_of_true"].tolist() == pytest.approx([0.04, 0.3, 0.2])
        assert table["file"].tolist() == ["c", "a", "d"]

    @pytest.mark.parametrize("kind", [list, np.array, lambda names: dict.fromkeys(names).keys(), iter])
    def test_takes_names_and_files_in_any_kind_of_list(self, kind):
        table = evaluation.mistakes(self.LABELS, self.ROWS, kind(NAMES), files=kind(["a", "b", "c", "d"]))
        assert table["true"].tolist() == ["frog", "cat", "cat"] and table["file"].tolist() == ["c", "a", "d"]

    @pytest.mark.parametrize("names", [set(NAMES), frozenset(NAMES), {"cat": 0}, "cat", None, 5, np.array(3)])
    def test_names_have_an_order(self, names):
        for function in (evaluation.mistakes, evaluation.confusion):
            with pytest.raises(ValueError, match="class_names=.*expected a list in the order of the labels"):
                function(self.LABELS, self.ROWS, names)

    def test_without_mistakes_the_table_is_empty(self):
        table = evaluation.mistakes([1], self.ROWS[:1], NAMES)
        assert len(table) == 0 and table.columns.tolist() == ["true", "predicted", "confidence", "probability_of_true"]

    @pytest.mark.parametrize("rows", [ROWS * 4, ROWS - 0.5, ROWS.argmax(axis=1)])
    def test_logits_and_labels_are_no_probabilities(self, rows):
        with pytest.raises(ValueError, match="rows that sum to 1: put logits through keras.ops.softmax"):
            evaluation.mistakes(self.LABELS, rows, NAMES)

    def test_rows_that_sum_to_1_but_go_below_0_are_no_probabilities(self):
        with pytest.raises(ValueError, match="Expected probabilities"):
            evaluation.mistakes([0], [[1.5, -0.5, 0]], NAMES)

    def test_names_and_files_must_be_as_many(self):
        with pytest.raises(ValueError, match="2 class names for 3 classes"):
            evaluation.mistakes(self.LABELS, self.ROWS, NAMES[:2])
        with pytest.raises(ValueError, match="4 class names for 3 classes"):
            evaluation.mistakes(self.LABELS, self.ROWS, [*NAMES, "horse"])
        with pytest.raises(ValueError, match="5 files for 4 labels"):
            evaluation.mistakes(self.LABELS, self.ROWS, NAMES, files=list("abcde"))
