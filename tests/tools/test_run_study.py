"""The grid is whole, an interrupted run goes on without loss, and every kind of run measures what it says."""

import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from helpers import storage
from helpers.measuring import study
from helpers.pictures import images
from tools import grid, run_study
from tools.grid import Run

FOUND = {
    "accuracy": 0.75,
    "loss": 0.5,
    "seconds": 1.0,
    "cpu_seconds": 2.0,
    "pictures_seen": 10,
    "epochs": 2,
    "trainable_parameters": 5,
    "trunk_pictures": 3,
    "predictions": "0123",
}
KEY = ["experiment", "data", "per_class", "method", "seed", "rate"]


def fake(run, done):
    return [{**FOUND, "rate": run.rate or 0.001} for _ in run.rows]


RUNS = [run for run in grid.grid((0, 1)) if run.experiment in ("choice", "depth", "shift")]


class TestGrid:
    def test_has_four_quadrants_for_five_methods_and_five_seeds(self):
        quadrants = [run for run in grid.grid() if run.experiment == "quadrants"]
        assert len(quadrants) == 5 * 2 * 3 * 5 == len(set(quadrants))
        assert {run.per_class for run in quadrants} == {10, 40, 0} and len({run.seed for run in quadrants}) == 5

    def test_tries_rates_for_every_method_before_it_needs_them(self):
        runs = grid.grid()
        last = max(index for index, run in enumerate(runs) if run.experiment == "choice")
        assert all(run.experiment == "choice" for run in runs[: last + 1])
        for method, (rates, _) in study.CARE.items():
            tried = {run.rate for run in runs[: last + 1] if run.method == method and run.data == "emoji"}
            assert tried == set(rates) and len(rates) >= 2
        needed = {(run.method, run.data, run.per_class) for run in runs if run.experiment != "choice"}
        assert needed == {(run.method, run.data, run.per_class) for run in runs[: last + 1]}
        assert study.SEED_OF_CHOICE not in study.SEEDS


class TestResuming:
    def test_runs_only_what_is_missing(self, tmp_path):
        path = tmp_path / "results.tsv"
        assert run_study.run_missing(RUNS[:5], path, fake) == 5
        assert run_study.run_missing(RUNS, path, fake) == len(RUNS) - 5
        before = path.read_bytes()
        assert run_study.run_missing(RUNS, path, fake) == 0 and path.read_bytes() == before
        table = study.results(path)
        assert len(table) == sum(len(run.rows) for run in RUNS)
        assert all(word in table["versions"][0] for word in ("Python", "TensorFlow", "Keras"))

    def test_keeps_what_was_done_when_a_run_fails(self, tmp_path):
        def failing(run, done):
            if len(done) == 3:
                raise RuntimeError("out of memory")
            return fake(run, done)

        with pytest.raises(RuntimeError, match="out of memory"):
            run_study.run_missing(RUNS, tmp_path / "results.tsv", failing)
        assert len(study.results(tmp_path / "results.tsv")) == 3
        assert run_study.run_missing(RUNS, tmp_path / "results.tsv", fake) == len(RUNS) - 3

    @pytest.mark.parametrize("lost", range(1, 400, 37))
    def test_a_line_cut_off_in_writing_is_run_again(self, tmp_path, lost):
        path = tmp_path / "results.tsv"
        run_study.run_missing(RUNS, path, fake)
        whole = study.results(path)
        path.write_bytes(path.read_bytes()[:-lost])
        assert len(study.results(path)) < len(whole)
        assert run_study.run_missing(RUNS, path, fake) >= 1
        again = study.results(path)
        assert again.sort_values(KEY, ignore_index=True).equals(whole.sort_values(KEY, ignore_index=True))

    @pytest.mark.parametrize("left", ["", "experiment\tda"])
    def test_a_file_without_a_whole_line_is_begun_anew(self, tmp_path, left):
        path = tmp_path / "results.tsv"
        path.write_text(left)
        with pytest.raises(storage.StorageError, match="make experiments"):
            study.results(path)
        assert run_study.run_missing(RUNS[:3], path, fake) == 3 == len(study.results(path))

    def test_missing_results_say_what_to_do(self, tmp_path):
        with pytest.raises(storage.StorageError, match="make experiments"):
            study.results(tmp_path / "results.tsv")


class TestChoiceOfRates:
    def test_takes_the_lowest_validation_loss(self, tmp_path):
        losses = dict(zip(study.BLOCK_RATES, (0.9, 0.4, 0.6, 0.7), strict=True))

        def with_losses(run, done):
            return [{**FOUND, "loss": losses[run.rate], "rate": run.rate}]

        runs = [run for run in grid.grid() if run.experiment == "choice" and run.method == study.LP_FT]
        run_study.run_missing(runs, tmp_path / "results.tsv", with_losses)
        done = study.results(tmp_path / "results.tsv")
        assert study.rate_of(study.LP_FT, "emoji", 10, done) == 3e-5
        assert study.rate_of(study.LP_FT, "emoji", 0, done) == 3e-5
        with pytest.raises(ValueError, match="No rate was tried"):
            study.rate_of(study.FROZEN, "emoji", 10, done)


def test_a_sample_is_seeded_balanced_and_grows():
    labels = np.repeat([0, 1, 2], [30, 20, 25])
    small, large = (study.sample(labels, count, 3) for count in (5, 15))
    assert np.bincount(labels[small]).tolist() == [5, 5, 5] and set(small) < set(large)
    assert not np.array_equal(small, study.sample(labels, 5, 4))
    assert study.sample(labels, 0, 3).tolist() == list(range(75))


@pytest.fixture(scope="module")
def small():
    """All of the real thing, on few pictures of 32 pixels and for two epochs."""
    counts, load = {"train": 4, "validation": 3, "test": 6}, images.load
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(study, "SIDE", 32)
        short = {name: (rates, dict.fromkeys((0, 2), 2)) for name, (rates, _) in study.CARE.items()}
        patch.setattr(study, "CARE", short)
        patch.setattr(run_study.images, "load", lambda name, side: load(name, side, per_class=counts))
        run_study.KEPT.clear()
        yield
    run_study.KEPT.clear()


def tried(*methods, per_class=0):
    rows = [("choice", "emoji", per_class, method, 1.0, 1e-3) for method in (*methods, study.FROZEN)]
    return pd.DataFrame(rows, columns=["experiment", "data", "per_class", "method", "loss", "rate"])


CELLS = [("quadrants", method) for method in study.CARE]
CELLS += [("choice", study.LP_FT), ("depth", "block1"), ("depth", "block5"), ("preprocessing", "twice")]
CELLS += [("head", method) for method in study.HEADS]
CELLS += [("shift", study.FROZEN), ("shift", study.LP_FT)]


@pytest.mark.parametrize(("experiment", "method"), CELLS)
def test_each_kind_of_run_is_scored_on_its_pictures(small, experiment, method):
    run = Run(experiment, "emoji", 0, method, 0, 1e-3 if experiment == "choice" else 0.0)
    found = run_study.measured(run, tried(method))
    assert len(found) == len(run.rows)
    for result in found:
        tested = len(result["predictions"])
        assert experiment == "shift" or tested == (15 if experiment == "choice" else 30)
        assert result["accuracy"] * tested == pytest.approx(round(result["accuracy"] * tested), abs=1e-3)
        assert result["epochs"] >= 1 and result["trainable_parameters"] > 0


@pytest.mark.parametrize("method", [study.FROM_SCRATCH, study.FROZEN, study.LP_FT, study.FRESH, "pooling, flipped too"])
def test_each_way_to_train_gives_the_same_twice(small, method):
    run = Run("head" if method in study.HEADS else "quadrants", "emoji", 0, method, 0)
    ((first,), (second,)) = (run_study.measured(run, tried(method)) for _ in range(2))
    assert first["predictions"] == second["predictions"] and first["loss"] == second["loss"]


def test_the_shift_tests_artists_apart(small):
    run = Run("shift", "emoji", 0, study.FROZEN, 0)
    same, other = run_study.measured(run, tried())
    files = run_study._data("emoji").files("test")
    third = sum(file.stem.endswith(study.THIRD_ARTIST) for file in files)
    assert (len(same["predictions"]), len(other["predictions"])) == (len(files) - third, third)


def test_what_trains_is_what_the_method_says(small):
    counts = {}
    for method in study.CARE:
        run = Run("quadrants", "emoji", 0, method, 0)
        counts[method] = run_study.measured(run, tried(method))[0]["trainable_parameters"]
    head = 512 * 5 + 5
    assert counts[study.FROZEN] == counts[study.RANDOM] == head
    assert counts[study.LP_FT] == counts[study.FRESH] == 7_079_424 + head


def test_a_seed_changes_the_training_sample(small):
    run = Run("quadrants", "emoji", 2, study.FROZEN, 0)
    losses = [run_study.measured(dataclasses.replace(run, seed=seed), tried(per_class=2))[0]["loss"] for seed in (0, 1)]
    assert losses[0] != losses[1]


README_ROWS = {
    "a small network from scratch": study.FROM_SCRATCH,
    "VGG16 with random weights, frozen, and a head": study.RANDOM,
    "VGG16 with ImageNet's weights, frozen, and a head": study.FROZEN,
    "the same, then block5 fine-tuned": study.LP_FT,
    "block5 fine-tuned at once, under a fresh head": study.FRESH,
}


def test_the_committed_results_are_whole():
    table = study.results()
    wanted = {(name, *dataclasses.astuple(run)[1:5]) for run in grid.grid() for name in run.rows}
    assert {tuple(row) for row in table[["experiment", *KEY[1:5]]].itertuples(index=False)} == wanted
    tested = table["predictions"].str.len()
    right = table["accuracy"] * tested
    assert (abs(right - right.round()) < 0.01).all() and table["processor"].str.contains("cores").all()


def test_the_readme_says_what_the_results_file_says():
    text = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    quadrants = study.results().query("experiment == 'quadrants'")
    means = quadrants.groupby(["method", "data", "per_class"])["accuracy"].mean()
    for title, method in README_ROWS.items():
        cells = [f"{100 * means[method, data, count]:.0f}" for data in study.DATA for count in study.COUNTS]
        assert f"| {title} | {' | '.join(cells)} |" in text
    tested = quadrants.groupby("data")["predictions"].first().str.len()
    assert f"{tested['animals']} test photographs and {tested['emoji']} test drawings" in text
