"""What is said of the results is what they hold, with an interval that counts every source of chance."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
import scipy.stats
from made_results import PICTURES, SECONDS, made, pictures, row

from helpers.measuring import costs, evaluation, results, study
from helpers.measuring.results import Cell
from tools import grid

FIRST, SECOND = Cell("depth", "animals", 0, "block4"), Cell("depth", "animals", 0, "block5")


def trained(first, second, shown=None):
    """Evidence of two cells from arrays of right answers, bool (seeds, pictures)."""
    shown = shown or pictures(first.shape[1])
    rows = []
    for cell, answers in ((FIRST, first), (SECOND, second)):
        for seed, right in enumerate(answers):
            run = grid.Run("depth", "animals", 0, cell.method, seed)
            rows.append(row(run, shown.labels, right))
    return results.Evidence(pd.DataFrame(rows), {"animals": shown})


def drawn(share, seeds=5, number=400, seed=0):
    return np.random.default_rng(seed).random((seeds, number)) < share


def two_methods(generator, shift, luck, seeds=5, number=150, noise=0.5):
    """Right answers of two methods: pictures differ in ease, trainings in luck, and the second is better by a shift."""
    ease, lucks = generator.normal(0, 1, number), generator.normal(0, luck, (2, seeds, 1))
    return ease + lucks + [[[0]], [[shift]]] + generator.normal(0, noise, (2, seeds, number)) > 0


def true_gain(shift, luck, noise=0.5):
    return scipy.stats.norm.cdf(shift / np.sqrt(1 + luck**2 + noise**2)) - 0.5


@pytest.fixture(scope="module")
def whole():
    return made()


class TestAccuracy:
    def test_is_the_mean_over_seeds(self):
        right = np.zeros((2, 10), bool)
        right[0, :4] = right[1, :7] = True
        value, low, high = results.accuracy(trained(right, right), FIRST)
        assert value == pytest.approx(0.55) and low < value < high

    def test_interval_is_near_wilsons_where_every_training_ends_alike(self):
        right = np.tile(drawn(0.7, 1), (5, 1))
        evidence = trained(right, right)
        labels = evidence.pictures["animals"].labels
        wilson = evaluation.accuracy(labels, np.where(right[0], labels, labels + 1))
        assert results.accuracy(evidence, FIRST) == pytest.approx(wilson, abs=0.01)

    def test_many_pictures_of_a_thing_are_not_taken_for_many_things(self):
        right = drawn(0.6)
        once = trained(right, right)
        thrice = trained(right.repeat(3, axis=1), right.repeat(3, axis=1), pictures(400, each=3))
        assert results.accuracy(thrice, FIRST) == pytest.approx(results.accuracy(once, FIRST), abs=1e-9)

    def test_seeds_that_differ_widen_the_interval(self):
        steady = drawn(0.5, number=2000)
        wild = np.array([drawn(share, 1, 2000, seed)[0] for seed, share in enumerate((0.3, 0.4, 0.5, 0.6, 0.7))])
        widths = []
        for right in (steady, wild):
            _, low, high = results.accuracy(trained(right, right), FIRST)
            widths.append(high - low)
        assert widths[1] > 3 * widths[0]

    def test_one_training_is_not_enough(self):
        with pytest.raises(ValueError, match="1 trainings.*at least two seeds.*make experiments"):
            results.accuracy(trained(drawn(0.5, 1), drawn(0.5, 1)), FIRST)

    def test_a_cell_that_was_not_measured_is_named(self):
        with pytest.raises(ValueError, match="'block9'.*0 trainings"):
            results.accuracy(trained(drawn(0.5), drawn(0.5)), FIRST._replace(method="block9"))


class TestDifference:
    def test_is_that_of_a_paired_t_test_where_only_pictures_or_only_seeds_differ(self):
        one, two = drawn(0.6, 1), drawn(0.66, 1, seed=1)
        gain = results.difference(trained(np.tile(one, (5, 1)), np.tile(two, (5, 1))), FIRST, SECOND)
        t_test = scipy.stats.ttest_rel(two[0].astype(float), one[0]).confidence_interval()
        assert gain[1:] == pytest.approx(tuple(t_test))
        few = np.arange(100) < np.array([[40], [45], [50], [52], [60]])  # the same pictures, but for the seeds' own
        evidence = trained(np.zeros((5, 20_000), bool), np.tile(few, 200))
        t_test = scipy.stats.ttest_1samp(few.mean(axis=1), 0).confidence_interval()
        assert results.difference(evidence, FIRST, SECOND)[1:] == pytest.approx(tuple(t_test), abs=0.01)

    def test_turns_its_sign_with_the_order(self):
        evidence = trained(drawn(0.6), drawn(0.7, seed=1))
        gain, low, high = results.difference(evidence, FIRST, SECOND)
        assert results.difference(evidence, SECOND, FIRST) == pytest.approx((-gain, -high, -low))

    def test_is_sharper_than_two_accuracies_because_pictures_are_shared(self):
        one = drawn(0.6)
        two = one | drawn(0.05, seed=1)
        evidence = trained(one, two)
        gain = results.difference(evidence, FIRST, SECOND)
        assert results.shown(gain) and gain[0] > 0
        assert results.accuracy(evidence, FIRST)[2] > results.accuracy(evidence, SECOND)[1]  # these two overlap

    @pytest.mark.parametrize("luck", [0.0, 0.1, 0.5])  # of the trainings: none, as much as that of the pictures, more
    def test_holds_the_truth_as_often_as_it_says(self, luck):
        generator, truth, held = np.random.default_rng(0), true_gain(0.3, luck), []
        for _ in range(150):
            _, low, high = results.difference(trained(*two_methods(generator, 0.3, luck)), FIRST, SECOND)
            held.append(low <= truth <= high)
        assert np.mean(held) > 0.91

    def test_says_when_trainings_cannot_be_paired(self):
        evidence = trained(drawn(0.5), drawn(0.5))
        fewer = dataclasses.replace(evidence, table=evidence.table.iloc[:-1])
        with pytest.raises(ValueError, match="only trainings with the same seeds"):
            results.difference(fewer, FIRST, SECOND)

    def test_pairs_different_pictures_of_the_same_things(self, whole):
        skill = {study.SAME_ARTISTS: 0.8, study.OTHER_ARTIST: 0.6}
        two_each = {study.SAME_ARTISTS: pictures(100, each=2), study.OTHER_ARTIST: pictures(100)}
        evidence = made(lambda run, name: skill.get(name, 0.5), shown=two_each)
        cells = [Cell(name, "emoji", 0, study.FROZEN) for name in skill]
        assert results.difference(evidence, *cells)[0] == pytest.approx(-0.2)

    def test_disagreement_counts_pictures_for_which_one_is_right(self):
        one, two = np.zeros((2, 10), bool), np.zeros((2, 10), bool)
        one[:, :3], two[:, 2:6] = True, True  # 2 only the first, 1 both, 3 only the second
        assert results.disagreement(trained(one, two), FIRST, SECOND) == pytest.approx(0.5)

    @pytest.mark.parametrize(
        ("interval", "verdict"),
        [((0.02, 0.01, 0.03), True), ((-0.02, -0.03, -0.01), True), ((0.02, -0.01, 0.05), False), ((0, 0, 0), False)],
    )
    def test_is_shown_where_its_interval_leaves_out_zero(self, interval, verdict):
        assert results.shown(interval) is verdict


def two_collections(generator, luck, shifts):
    """Evidence of the two cells at three counts of two collections; a training's luck differs from count to count."""
    rows, shown = [], {"animals": pictures(150), "emoji": pictures(60, each=3)}
    for data, count in ALL:
        right = two_methods(generator, shifts[data], luck, number=len(shown[data].labels))
        for method, answers in zip(("block4", "block5"), right, strict=True):
            for seed, one in enumerate(answers):
                rows.append(row(grid.Run("depth", data, count, method, seed), shown[data].labels, one))
    return results.Evidence(pd.DataFrame(rows), shown)


ALL = [("animals", 10), ("animals", 40), ("emoji", 10)]
PAIRS = [(Cell("depth", *place, "block4"), Cell("depth", *place, "block5")) for place in ALL]


class TestPooled:
    def test_is_the_mean_of_the_differences(self):
        evidence = two_collections(np.random.default_rng(0), 0.1, {"animals": 0.3, "emoji": 0.1})
        singles = [results.difference(evidence, *pair) for pair in PAIRS]
        value, low, high = results.pooled(evidence, PAIRS)
        assert value == pytest.approx(np.mean([single[0] for single in singles]))
        assert high - low < min(single[2] - single[1] for single in singles)
        assert results.pooled(evidence, PAIRS[:1]) == singles[0]

    @pytest.mark.parametrize("luck", [0.0, 0.4])
    def test_holds_the_truth_as_often_as_it_says(self, luck):
        generator, held = np.random.default_rng(1), []
        truth = (2 * true_gain(0.3, luck) + true_gain(0.1, luck)) / 3
        for _ in range(80):
            evidence = two_collections(generator, luck, {"animals": 0.3, "emoji": 0.1})
            _, low, high = results.pooled(evidence, PAIRS)
            held.append(low <= truth <= high)
        assert np.mean(held) > 0.9

    def test_two_counts_of_one_collection_are_no_independent_evidence(self):
        evidence = two_collections(np.random.default_rng(0), 0.1, {"animals": 0.3, "emoji": 0.1})
        once, twice = (results.pooled(evidence, PAIRS[:1] * times) for times in (1, 2))
        assert once == pytest.approx(twice)


def holm(values):
    """The correction as a sentence: as many times as there are values not smaller, and never below a smaller one's."""
    stepped = [min(1.0, value * sum(other >= value for other in values)) for value in values]
    return [max(stepped[i] for i, other in enumerate(values) if other <= value) for value in values]


class TestCorrected:
    def test_is_holms_correction(self):
        evidence = two_collections(np.random.default_rng(3), 0.1, {"animals": 0.25, "emoji": 0.1})
        table = results.corrected(evidence, dict(zip("abc", PAIRS, strict=True)))
        assert table.index.tolist() == ["a", "b", "c"] and table["p"].nunique() == 3
        assert table["corrected"].tolist() == pytest.approx(holm(table["p"].tolist()))
        assert (table["corrected"] >= table["p"]).all() and (table["shown"] == (table["corrected"] < 0.05)).all()
        for name, pair in zip("abc", PAIRS, strict=True):
            gain = results.difference(evidence, *pair)
            assert table.loc[name, ["gain", "low", "high"]].tolist() == pytest.approx(gain)
            assert results.shown(gain) == (table.loc[name, "p"] < 0.05)

    def test_of_one_question_is_its_own_p(self):
        one, two = drawn(0.6, 1), drawn(0.66, 1, seed=1)
        evidence = trained(np.tile(one, (5, 1)), np.tile(two, (5, 1)))
        table = results.corrected(evidence, {"only": (FIRST, SECOND)})
        assert table.loc["only", "p"] == pytest.approx(scipy.stats.ttest_rel(two[0].astype(float), one[0]).pvalue)
        assert table.loc["only", "corrected"] == table.loc["only", "p"]

    def test_finds_nothing_where_there_is_nothing(self):
        generator, found = np.random.default_rng(4), []
        for _ in range(60):
            evidence = two_collections(generator, 0.2, {"animals": 0, "emoji": 0})
            found.append(results.corrected(evidence, dict(zip("abc", PAIRS, strict=True)))["shown"].any())
        assert np.mean(found) < 0.1

    def test_two_that_are_equal_are_no_difference(self):
        evidence = trained(drawn(0.6), drawn(0.6))
        assert results.corrected(evidence, {"same": (FIRST, SECOND)}).loc["same", "p"] == 1


class TestPower:
    @pytest.mark.parametrize("luck", [0.1, 0.4])
    def test_a_difference_of_the_smallest_size_is_found_four_times_in_five(self, luck):
        generator = np.random.default_rng(5)
        known = trained(*two_methods(generator, 0.3, luck, seeds=30, number=2000))
        smallest = results.smallest_shown(known, FIRST, SECOND, pictures=150, seeds=5)
        shift = scipy.stats.norm.ppf(0.5 + smallest) * np.sqrt(1.25 + luck**2)
        found = [
            results.difference(trained(*two_methods(generator, shift, luck)), FIRST, SECOND)[1] > 0 for _ in range(120)
        ]
        assert 0.68 < np.mean(found) < 0.92

    def test_more_pictures_and_more_seeds_show_less(self):
        evidence = trained(*two_methods(np.random.default_rng(6), 0.3, 0.2))
        by_pictures = results.smallest_shown(evidence, FIRST, SECOND, np.array([100, 1000, 10_000]), 5)
        assert (np.diff(by_pictures) < 0).all()
        assert results.smallest_shown(evidence, FIRST, SECOND, 100, 50) < by_pictures[0]

    def test_pictures_to_show_are_the_fewest_that_do(self):
        evidence = trained(*two_methods(np.random.default_rng(6), 0.3, 0.02, seeds=20, number=2000))
        number = results.pictures_to_show(evidence, FIRST, SECOND, 0.03, seeds=5)
        assert results.smallest_shown(evidence, FIRST, SECOND, number, 5) <= 0.03
        assert results.smallest_shown(evidence, FIRST, SECOND, 0.9 * number, 5) > 0.03

    def test_no_number_of_pictures_shows_what_trainings_hide(self):
        evidence = trained(*two_methods(np.random.default_rng(7), 0.3, 1.0))
        assert results.pictures_to_show(evidence, FIRST, SECOND, 0.02, seeds=5) is None


class TestVerified:
    def test_counts_every_row(self, whole):
        assert results.verified(whole) == len(whole.table)

    @pytest.mark.parametrize(
        ("column", "value", "words"),
        [("accuracy", 0.99, "accuracy 0.99, but its predictions"), ("predictions", "012", "3 predictions for 150")],
    )
    def test_names_a_row_that_was_touched(self, whole, column, value, words):
        table = whole.table.copy()
        table.loc[300, column] = value
        with pytest.raises(ValueError, match=words):
            results.verified(dataclasses.replace(whole, table=table))

    def test_the_courses_results_are_whole(self):
        evidence = results.read()
        assert results.verified(evidence) > 100
        emoji, animals = evidence.pictures["emoji"], evidence.pictures["animals"]
        assert len(animals.labels) == 2000 == animals.things.max() + 1
        assert (np.bincount(emoji.things) == 3).all() and len(emoji.labels) == 471
        for thing in range(5):
            assert len(set(emoji.labels[emoji.things == thing])) == 1
        same, other = (evidence.pictures[name] for name in (study.SAME_ARTISTS, study.OTHER_ARTIST))
        assert (np.bincount(same.things) == 2).all() and (np.bincount(other.things) == 1).all()
        first = np.unique(same.things, return_index=True)[1]
        assert (same.labels[first] == other.labels[np.argsort(other.things)]).all()  # numbered alike


class TestTable:
    def test_has_a_row_for_each_cell_in_the_order_of_the_file(self, whole):
        table = results.table(whole, "depth")
        assert table[["data", "per_class", "method"]].values.tolist()[:2] == [
            ["animals", 0, "block1"],
            ["animals", 0, "block2"],
        ]
        assert len(table) == 10 and (table["seeds"] == 5).all() and (table["pictures"] == PICTURES).all()
        assert table["accuracy"].tolist() == pytest.approx([0.6] * 10)
        assert (table["low"] < 0.6).all() and (table["high"] > 0.6).all()

    def test_can_be_asked_for_a_part(self, whole):
        table = results.table(whole, "quadrants", "emoji", 10)
        assert len(table) == 7 and set(table["data"]) == {"emoji"} and set(table["per_class"]) == {10}
        assert len(results.table(whole, "quadrants", per_class=0)) == 14

    def test_an_unknown_experiment_is_named(self, whole):
        with pytest.raises(ValueError, match="nothing for .*'dpeth'.*make experiments"):
            results.table(whole, "dpeth")


class TestCosts:
    def test_counts_the_trunk_the_search_and_the_training(self, whole):
        table = costs.costs(whole).set_index(["data", "per_class", "method"]).sort_index()
        assert len(table) == 2 * 3 * 7
        trials = whole.where(experiment="choice", data="emoji", per_class=40).groupby("method").size()
        here = {
            method: table.loc[("emoji", 40, method)] for method in trials.index if ("emoji", 40, method) in table.index
        }
        assert here[study.FROZEN].tolist() == pytest.approx(
            [200 * costs.PASS["VGG16"], trials[study.FROZEN], 1.0, 200 * costs.PASS["VGG16"] + trials[study.FROZEN] + 1]
        )
        own = trials[study.LP_FT] * SECONDS[study.LP_FT]
        assert here[study.LP_FT]["search"] == pytest.approx(own + trials[study.FROZEN])  # and that of its head
        assert here[study.LITE]["trunk"] == pytest.approx(200 * costs.PASS["EfficientNet-Lite0"])
        own = trials[study.LITE_LP_FT] * SECONDS[study.LITE_LP_FT]
        assert here[study.LITE_LP_FT]["search"] == pytest.approx(own + trials[study.LITE])
        scratch = here[study.FROM_SCRATCH]
        assert scratch["trunk"] == 0 and scratch["search"] == trials[study.FROM_SCRATCH] * SECONDS[study.FROM_SCRATCH]

    def test_ten_a_class_pay_for_the_search_over_forty(self, whole):
        table = costs.costs(whole).set_index(["data", "per_class", "method"]).sort_index()
        for part in ("trunk", "search"):
            assert table.loc[("emoji", 10), part].tolist() == table.loc[("emoji", 40), part].tolist()

    def test_counts_the_search_at_the_count_itself(self):
        evidence = made()
        table = evidence.table
        here = (table["experiment"] == "choice") & (table["method"] == study.LITE) & (table["data"] == "emoji")
        table.loc[here & (table["per_class"] == 0), "cpu_seconds"] = 100.0
        searches = costs.costs(evidence).set_index(["data", "per_class", "method"])["search"]
        assert searches["emoji", 0, study.LITE] >= 300 > searches["emoji", 40, study.LITE]


@pytest.fixture(scope="module")
def weighed(whole):
    return costs.plane(whole, "emoji", 40), costs.pairs(whole, "emoji", 40)


class TestDecision:
    def test_plane_begins_with_the_cheapest(self, weighed):
        plane, _ = weighed
        assert plane["cost"].is_monotonic_increasing and len(plane) == 7
        assert plane.loc[study.FROZEN, "accuracy"] == pytest.approx(0.7)

    def test_pairs_hold_each_pair_both_ways(self, weighed, whole):
        _, pairs = weighed
        assert len(pairs) == 42
        cells = [Cell("quadrants", "emoji", 40, method) for method in (study.RANDOM, study.FROZEN)]
        assert tuple(pairs.loc[(study.RANDOM, study.FROZEN)]) == pytest.approx(results.difference(whole, *cells))
        assert tuple(pairs.loc[(study.FROZEN, study.RANDOM)]) == pytest.approx(results.difference(whole, *cells[::-1]))

    def test_dominated_is_what_costs_more_and_is_shown_to_be_worse(self, weighed):
        # Lite0's frozen base is the cheapest of all; the frozen VGG16 is beaten by nothing cheaper.
        beaten = set(costs.dominated(*weighed))
        assert {study.FROM_SCRATCH, study.RANDOM, study.LITE_LP_FT} <= beaten
        assert not beaten & {study.FROZEN, study.LITE, study.LP_FT}

    @pytest.mark.parametrize(
        ("gain", "smallest", "word"),
        [
            ((0.05, 0.02, 0.08), 0.02, "better"),
            ((0.05, 0.001, 0.099), 0.02, "better"),
            ((0.05, 0.001, 0.099), 0.06, "open"),  # shown, but by less than matters; it may be more
            ((0.01, 0.002, 0.018), 0.02, "either"),  # shown, but too little to matter
            ((0.0, -0.019, 0.019), 0.02, "either"),
            ((0.0, -0.02, 0.02), 0.02, "open"),
            ((0.0, -0.019, 0.019), 0.01, "open"),
            ((0.03, -0.001, 0.061), 0.02, "open"),  # a tenth of a point away from shown
            ((-0.05, -0.09, -0.01), 0.02, "worse"),
            ((-0.01, -0.018, -0.002), 0.02, "either"),
            ((0.0, 0.0, 0.0), 0.02, "either"),
        ],
    )
    def test_a_verdict_asks_for_a_gain_that_matters(self, gain, smallest, word):
        assert costs.verdict(gain, smallest) == word

    def test_takes_the_cheapest_that_the_best_does_not_beat_by_what_matters(self, weighed):
        plane, pairs = weighed
        pairs = pairs.copy()
        pairs.loc[(study.FROZEN, study.LP_FT)] = (0.02, -0.01, 0.05)
        assert costs.recommended(plane, pairs) == (study.FROZEN, study.LP_FT, "open")
        assert costs.recommended(plane, pairs, smallest=0.06) == (study.FROZEN, study.LP_FT, "either")
        pairs.loc[(study.FROZEN, study.LP_FT)] = (0.02, 0.01, 0.03)
        assert costs.recommended(plane, pairs) == (study.LP_FT, study.LP_FT, "best")
        assert costs.recommended(plane, pairs, smallest=0.025) == (study.FROZEN, study.LP_FT, "open")
        assert costs.recommended(plane, pairs, smallest=0.05) == (study.FROZEN, study.LP_FT, "either")

    def test_is_shown_to_be_better_than_every_cheaper_one(self, weighed):
        plane = pd.DataFrame({"cost": [1.0, 2.0, 3.0], "accuracy": [0.6, 0.65, 0.7]}, ["a", "b", "c"])
        clear, open_ = (0.1, 0.05, 0.15), (0.05, -0.01, 0.11)
        pairs = pd.DataFrame(
            [open_, clear, open_],
            pd.MultiIndex.from_tuples([("a", "b"), ("a", "c"), ("b", "c")]),
            ["difference", "low", "high"],
        )
        assert costs.recommended(plane, pairs) == ("a", "c", "better")  # c is not shown to beat b
        pairs.loc[("b", "c")] = clear
        assert costs.recommended(plane, pairs) == ("c", "c", "best")

    def test_keeps_to_the_budget(self, weighed):
        plane, pairs = weighed
        enough = plane.loc[study.FROZEN, "cost"]
        assert costs.recommended(plane, pairs, enough) == (study.FROZEN, study.FROZEN, "best")
        assert costs.recommended(plane, pairs, 0.5) == (None, None, None)

    def test_counts_come_from_the_results(self, whole):
        counts = costs.measured(whole, "emoji")
        assert list(counts) == [10, 40, 160] and [entry[0] for entry in counts.values()] == [10, 40, 0]
        pd.testing.assert_frame_equal(counts[160][1], costs.plane(whole, "emoji", 0))
        pd.testing.assert_frame_equal(counts[160][2], costs.pairs(whole, "emoji", 0))


def test_what_vgg16_answered_at_two_sides_is_whole():
    labels = np.repeat(np.arange(5), 100)  # in the order of images.load
    stored = results.vgg16_at_sides()
    assert list(stored) == ["VGG16, 96 px", "VGG16, 224 px"]
    for predicted in stored.values():
        assert predicted.shape == (500,) and set(predicted) == {0, 1, 2, 3, 4}
        assert 0.65 < np.mean(predicted == labels) < 0.95
