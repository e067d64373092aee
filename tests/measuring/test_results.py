"""What is said of the results is what they hold, with an interval that counts every source of chance."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
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


def pigeonhole(first, second, resamples=2000):
    """The plain bootstrap over seeds and pictures, each resampled by itself (Owen, 2007)."""
    gain = second.astype(float) - first
    seeds, number = gain.shape
    generator = np.random.default_rng(0)
    means = [
        gain[generator.integers(0, seeds, seeds)].mean(axis=0)[generator.integers(0, number, number)].mean()
        for _ in range(resamples)
    ]
    return gain.mean(), *np.quantile(means, [0.025, 0.975])


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
    def test_is_that_of_the_paired_bootstrap_where_each_picture_is_a_thing(self):
        one, two = drawn(0.6), drawn(0.66, seed=1)
        assert results.difference(trained(one, two), FIRST, SECOND) == pytest.approx(pigeonhole(one, two), abs=0.006)

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

    def test_holds_the_truth_as_often_as_it_says(self):
        generator = np.random.default_rng(0)
        held = []
        for _ in range(150):
            ease = generator.normal(0, 1, 150)  # of the pictures
            luck = generator.normal(0, 0.2, (2, 5, 1))  # of the trainings
            right = ease + luck + np.array([0, 0.3])[:, None, None] + generator.normal(0, 1, (2, 5, 150)) > 0
            _, low, high = results.difference(trained(*right), FIRST, SECOND)
            held.append(low <= 0.0828 <= high)  # P(N(0.3, 2.04) > 0) - 0.5
        assert np.mean(held) > 0.9

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
        assert len(animals.labels) == 800 == animals.things.max() + 1
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
        assert len(table) == 5 and set(table["data"]) == {"emoji"} and set(table["per_class"]) == {10}
        assert len(results.table(whole, "quadrants", per_class=0)) == 10

    def test_an_unknown_experiment_is_named(self, whole):
        with pytest.raises(ValueError, match="nothing for .*'dpeth'.*make experiments"):
            results.table(whole, "dpeth")


class TestCosts:
    def test_counts_the_trunk_the_search_and_the_training(self, whole):
        table = costs.costs(whole)
        assert len(table) == 30
        table = table.set_index(["data", "per_class", "method"]).sort_index()
        frozen = table.loc[("emoji", 10, study.FROZEN)]
        assert frozen.tolist() == pytest.approx([100 * costs.PASS, 6 * 1.0, 1.0, 100 * costs.PASS + 7])
        tuned = table.loc[("animals", 0, study.LP_FT)]
        own, head = SECONDS[study.LP_FT], SECONDS[study.FROZEN]
        assert tuned["search"] == pytest.approx(4 * own + 6 * head)  # its own rates and those of its head
        scratch = table.loc[("emoji", 40, study.FROM_SCRATCH)]
        assert scratch["trunk"] == 0 and scratch["search"] == 4 * SECONDS[study.FROM_SCRATCH]

    def test_counts_the_search_at_the_count_itself(self):
        evidence = made()
        table = evidence.table
        here = (table["experiment"] == "choice") & (table["method"] == study.FRESH) & (table["data"] == "emoji")
        table.loc[here & (table["per_class"] == 0), "cpu_seconds"] = 100.0
        searches = costs.costs(evidence).set_index(["data", "per_class", "method"])["search"]
        assert searches["emoji", 0, study.FRESH] == 400 != searches["emoji", 40, study.FRESH]


@pytest.fixture(scope="module")
def weighed(whole):
    return costs.plane(whole, "emoji", 40), costs.pairs(whole, "emoji", 40)


class TestDecision:
    def test_plane_begins_with_the_cheapest(self, weighed):
        plane, _ = weighed
        assert plane["cost"].is_monotonic_increasing and len(plane) == 5
        assert plane.loc[study.FROZEN, "accuracy"] == pytest.approx(0.7)

    def test_pairs_hold_each_pair_both_ways(self, weighed):
        _, pairs = weighed
        assert len(pairs) == 20
        gain = pairs.loc[(study.RANDOM, study.FROZEN), "difference"]
        assert gain == pytest.approx(0.45, abs=0.01)
        assert pairs.loc[(study.FROZEN, study.RANDOM), "difference"] == pytest.approx(-gain)

    def test_dominated_is_what_costs_more_and_is_shown_to_be_worse(self, weighed):
        # LP-FT costs most but one and is not shown to be worse than anything; the frozen trunk is the cheapest.
        assert set(costs.dominated(*weighed)) == {
            study.FROM_SCRATCH,
            study.RANDOM,
            study.FRESH,
        }

    def test_takes_the_cheapest_that_is_not_shown_to_be_worse(self, weighed):
        plane, pairs = weighed
        pairs = pairs.copy()
        pairs.loc[(study.FROZEN, study.LP_FT)] = (0.02, -0.01, 0.05)
        assert costs.recommended(plane, pairs) == (study.FROZEN, study.LP_FT)
        pairs.loc[(study.FROZEN, study.LP_FT)] = (0.02, 0.01, 0.03)
        assert costs.recommended(plane, pairs) == (study.LP_FT, study.LP_FT)

    def test_keeps_to_the_budget(self, weighed):
        plane, pairs = weighed
        enough = plane.loc[study.FROZEN, "cost"]
        assert costs.recommended(plane, pairs, enough) == (study.FROZEN, study.FROZEN)
        assert costs.recommended(plane, pairs, 0.5) == (None, None)


class TestReadOff:
    """Between two measured counts, and never beyond them."""

    @pytest.fixture
    def measured(self):
        counts = {}
        for count, accuracy, low in ((10, 0.4, -0.01), (40, 0.6, 0.02), (160, 0.7, 0.03)):
            plane = pd.DataFrame({"cost": [count, 100 - count / 2], "accuracy": accuracy}, ["a", "b"])
            pairs = pd.DataFrame({"difference": 0.05, "low": low, "high": 0.1}, pd.MultiIndex.from_tuples([("a", "b")]))
            counts[count] = (plane.assign(low=accuracy - 0.1, high=accuracy + 0.1).sort_values("cost"), pairs)
        return counts

    def test_counts_come_from_the_results(self, whole):
        counts = costs.measured(whole, "emoji")
        assert list(counts) == [10, 40, 160]
        pd.testing.assert_frame_equal(counts[160][0], costs.plane(whole, "emoji", 0))

    def test_a_measured_count_is_given_as_it_is(self, measured):
        plane, pairs, below, above = costs.read_off(measured, 40)
        assert (below, above) == (40, 40) and plane is measured[40][0] and pairs is measured[40][1]

    def test_halfway_is_halfway(self, measured):
        plane, _, below, above = costs.read_off(measured, 20)
        assert (below, above) == (10, 40)
        assert plane.loc["a", ["accuracy", "low", "high"]].tolist() == pytest.approx([0.5, 0.4, 0.6])
        assert plane.loc["a", "cost"] == pytest.approx(20)

    def test_only_what_is_shown_at_both_neighbours_is_shown_between(self, measured):
        assert costs.read_off(measured, 20)[1].loc[("a", "b"), "low"] == -0.01
        assert costs.read_off(measured, 80)[1].loc[("a", "b"), "low"] == 0.02

    def test_the_cheapest_comes_first_although_the_order_turns_round(self, measured):
        plane, *_ = costs.read_off(measured, 120)
        assert plane.index.tolist() == ["b", "a"] and plane["cost"].is_monotonic_increasing

    @pytest.mark.parametrize(("count", "nearest"), [(3, 10), (1000, 160)])
    def test_beyond_what_was_measured_nothing_is_drawn_out(self, measured, count, nearest):
        plane, _, below, above = costs.read_off(measured, count)
        assert (below, above) == (nearest, nearest) and plane is measured[nearest][0]
