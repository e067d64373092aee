"""The grid is whole, an interrupted run goes on without loss, and every kind of run measures what it says."""

import dataclasses
import functools
import itertools
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import fake_runs
import joblib
import numpy as np
import pandas as pd
import pytest
from fake_runs import fake

from helpers import assets, storage
from helpers.measuring import results, study
from tools import grid, run_study, trainings
from tools.grid import LADDER, Run

KEY = ["experiment", "data", "per_class", "method", "seed"]
TRIAL = [*KEY, "rate", "mirrored"]
REPOSITORY = Path(__file__).parents[2]


def some(cell):
    """A part of the grid with every kind of need: a choice, one that needs another, none of its own, two rows."""
    return cell[1] == "emoji" and cell[2] == 0 and cell[0] in ("quadrants", "shift") and "VGG16" not in cell[3]


def keys(table):
    return table[TRIAL].itertuples(index=False, name=None)


class TestGrid:
    def test_has_four_quadrants_for_seven_methods(self):
        quadrants = [cell for cell in grid.cells() if cell[0] == "quadrants"]
        assert len(quadrants) == 7 * 2 * 3 == len(set(quadrants))
        assert {cell[2] for cell in quadrants} == {10, 40, 0} and len(set(grid.cells())) == len(grid.cells())

    def test_every_cell_becomes_ready_for_every_seed(self):
        runs = fake_runs.everything((0, 1))
        assert len(runs) == len(set(runs))
        cells = {(run.experiment, run.data, run.per_class, run.method) for run in runs if run.experiment != "choice"}
        assert cells == set(grid.cells())
        assert sum(run.experiment != "choice" for run in runs) == 2 * len(cells)
        assert study.SEED_OF_CHOICE not in study.SEEDS

    def test_a_choice_comes_before_what_needs_it(self):
        nothing = pd.DataFrame(columns=[*TRIAL, "fitted_loss"])
        first = grid.ready(nothing)
        assert {run.experiment for run in first} == {"choice"}
        assert not {run.method for run in first} & {study.LP_FT, study.LITE_LP_FT}  # they need their head's
        assert {run.per_class for run in first} == {0, 40}  # ten a class take what was chosen for forty
        every = {run.rate for run in first if run.method == study.FROZEN}
        assert every == set(study.HEAD_RATES)

    def test_a_part_brings_the_choices_that_it_needs(self):
        cell = ("quadrants", "emoji", 10, study.LP_FT)
        nothing = pd.DataFrame(columns=[*TRIAL, "fitted_loss"])
        runs = grid.ready(nothing, wanted=lambda other: other == cell)
        assert {(run.experiment, run.data, run.per_class, run.method) for run in runs} == {
            ("choice", "emoji", 40, study.FROZEN)
        }


def trials(method, *losses):
    """Choices so far, from (rate, mirrored, loss)."""
    rows = [("choice", "emoji", 40, method, 1000, rate, mirrored, loss) for rate, mirrored, loss in losses]
    return pd.DataFrame(rows, columns=[*TRIAL, "fitted_loss"]).assign(loss=[loss for *_, loss in losses])


def searched(method, loss_of):
    """The trials of a whole search, for a loss that depends on (rate, mirrored)."""
    losses = []
    while missing := grid.next_trials(method, "emoji", 40, trials(method, *losses)):
        assert not {(rate, mirrored) for rate, mirrored, _ in losses} & set(missing)
        losses += [(*trial, loss_of(*trial)) for trial in missing]
    return losses, study.chosen(method, "emoji", 40, trials(method, *losses))


class TestWidening:
    @pytest.mark.parametrize("best", LADDER)
    @pytest.mark.parametrize("method", [study.FROZEN, study.LP_FT, study.FROM_SCRATCH])
    def test_goes_on_until_the_best_is_inside_or_the_ladder_ends(self, method, best):
        losses, chosen = searched(method, lambda rate, mirrored: abs(np.log(rate / best)) + 0.1 * mirrored)
        rates = sorted({rate for rate, *_ in losses})
        assert chosen == (best, False not in study.recipe_of(method).mirrored)
        assert rates[0] < best or best == LADDER[0]
        assert rates[-1] > best or best == LADDER[-1]
        assert rates == [rate for rate in LADDER if rates[0] <= rate <= rates[-1]]  # without a gap
        assert len(losses) == len(rates) * len(study.recipe_of(method).mirrored)

    def test_the_best_way_decides_and_both_ways_are_widened(self):
        rates = study.HEAD_RATES
        best = {True: rates[1], False: rates[-1]}
        for winner, widened in ((True, False), (False, True)):
            losses, chosen = searched(
                study.FROZEN, lambda rate, way, winner=winner: abs(np.log(rate / best[way])) - 5 * (way == winner)
            )
            assert chosen == (best[winner], winner)
            assert (len(losses) > 2 * len(rates)) == widened

    def test_an_interrupted_half_is_finished_first(self):
        rates = study.HEAD_RATES
        known = [(rate, mirrored, rate) for rate, mirrored in itertools.product(rates, (True, False))]
        lower = LADDER[LADDER.index(rates[0]) - 1]
        assert grid.next_trials(study.FROZEN, "emoji", 40, trials(study.FROZEN, *known[:5])) == [
            (rates[2], False),
            *itertools.product(rates[3:], (True, False)),
        ]
        assert grid.next_trials(study.FROZEN, "emoji", 40, trials(study.FROZEN, *known)) == [
            (lower, True),
            (lower, False),
        ]
        half = trials(study.FROZEN, *known, (lower, True, 1.0))  # the other way of a widened range is missing
        assert grid.next_trials(study.FROZEN, "emoji", 40, half) == [(lower, False)]

    def test_a_training_that_ended_in_nothing_is_not_chosen(self):
        known = [(rate, mirrored, np.nan) for rate, mirrored in itertools.product(study.HEAD_RATES, (True, False))]
        known[2] = (*known[2][:2], 0.5)
        assert study.chosen(study.FROZEN, "emoji", 40, trials(study.FROZEN, *known)) == known[2][:2]

    def test_equals_are_chosen_from_in_any_order_alike(self):
        known = [(rate, mirrored, 0.5) for rate, mirrored in itertools.product(study.HEAD_RATES, (True, False))]
        chosen = {
            study.chosen(study.FROZEN, "emoji", 40, trials(study.FROZEN, *known[i:], *known[:i])) for i in range(8)
        }
        assert len(chosen) == 1

    def test_ten_a_class_take_the_choice_of_forty(self):
        known = trials(study.FROZEN, (3e-4, True, 0.4), (1e-3, False, 0.6))
        assert study.chosen(study.FROZEN, "emoji", 10, known) == (3e-4, True)
        with pytest.raises(ValueError, match="No rate was tried"):
            study.chosen(study.FROZEN, "emoji", 0, known)

    def test_a_head_that_fine_tuning_begins_with_is_inside_its_range_by_the_plain_loss_too(self):
        rates = [*study.HEAD_RATES]
        known = [(rate, way, abs(np.log(rate / rates[1]))) for rate in rates for way in (True, False)]
        inside = trials(study.FROZEN, *known)
        assert grid.next_trials(study.FROZEN, "emoji", 40, inside) == []
        lowest = inside.assign(loss=inside["rate"])
        below = LADDER[LADDER.index(rates[0]) - 1]
        assert grid.next_trials(study.FROZEN, "emoji", 40, lowest) == [(below, True), (below, False)]
        pooling = lowest.assign(method="pooling")  # no fine-tuning begins with it
        assert grid.next_trials("pooling", "emoji", 40, pooling) == []

    def test_another_criterion_may_choose_another(self):
        known = trials(study.FROZEN, (3e-4, True, 0.4), (1e-3, False, 0.6)).assign(accuracy=[0.7, 0.8])
        assert study.chosen(study.FROZEN, "emoji", 40, known, "accuracy") == (1e-3, False)


class TestResuming:
    @pytest.fixture
    def path(self, tmp_path):
        return tmp_path / "results.tsv"

    def run(self, path, measure=fake, wanted=some, jobs=1):
        return run_study.run_missing(path, (0, 1), wanted, measure, jobs)

    def test_runs_only_what_is_missing(self, path):
        assert self.run(path, wanted=lambda cell: some(cell) and cell[3] == study.LITE) > 2
        first = len(study.results(path))
        assert self.run(path) > 0
        before = path.read_bytes()
        assert self.run(path) == 0 and path.read_bytes() == before
        table = study.results(path)
        assert len(table) > first and len(set(keys(table))) == len(table) == before.count(b"\n") - 1
        assert table["experiment"].isin([study.SAME_ARTISTS, study.OTHER_ARTIST]).sum() == 4

    def test_a_failure_loses_nothing_else_and_is_told(self, path):
        with pytest.raises(RuntimeError, match=f"(?s)kept.*method='{re.escape(study.LITE)}'.*MemoryError: no room"):
            self.run(path, functools.partial(fake_runs.failing, at=study.LITE))
        kept = set(study.results(path)["method"])
        assert study.FROZEN in kept and study.LITE not in kept
        self.run(path)
        table = study.results(path)
        assert len(set(keys(table))) == len(table) == path.read_bytes().count(b"\n") - 1

    @pytest.mark.parametrize("lost", range(1, 400, 57))
    def test_a_line_cut_off_in_writing_is_run_again(self, path, lost):
        self.run(path)
        whole = study.results(path)
        path.write_bytes(path.read_bytes()[:-lost])
        assert len(study.results(path)) < len(whole)
        assert self.run(path) >= 1
        again = study.results(path)
        assert again.sort_values(TRIAL, ignore_index=True).equals(whole.sort_values(TRIAL, ignore_index=True))

    @pytest.mark.parametrize("left", ["", "experiment\tda"])
    def test_a_file_without_a_whole_line_is_begun_anew(self, path, left):
        path.write_text(left)
        with pytest.raises(storage.StorageError, match="make experiments"):
            study.results(path)
        assert self.run(path) > 3

    def test_missing_results_say_what_to_do(self, path):
        with pytest.raises(storage.StorageError, match="make experiments"):
            study.results(path)

    @pytest.mark.parametrize("text", ["not\ta\tresults file\n1\t2\t3\n", "experiment\tdata\n"])
    def test_a_file_of_another_kind_is_refused_in_words(self, path, text):
        path.write_text(text)
        with pytest.raises(storage.StorageError, match="no columns"):
            self.run(path)
        assert path.read_text() == text

    def test_a_cut_inside_a_letter_is_cut_off(self, path):
        self.run(path)
        whole = path.read_bytes()
        path.write_bytes(whole + "größe".encode()[:3])
        assert self.run(path) == 0 and path.read_bytes() == whole

    def test_losses_of_which_none_is_a_number_end_the_search(self, path):
        cell = ("quadrants", "emoji", 0, study.LITE)
        self.run(path, fake_runs.hopeless, wanted=lambda other: other == cell)
        assert study.results(path)["loss"].isna().all()

    def test_a_file_with_other_columns_is_left_as_it_is(self, path):
        self.run(path, wanted=lambda cell: cell[3] == study.LITE and some(cell))
        path.write_text("".join(f"{line}\tmore\n" for line in path.read_text().splitlines()))
        before = path.read_bytes()
        with pytest.raises(storage.StorageError, match=r"other columns \(more\)"):
            self.run(path)
        assert path.read_bytes() == before


class TestSeveralProcesses:
    """A finished cell is never lost or run twice, whoever runs it."""

    def test_a_second_command_is_refused_in_words(self, tmp_path):
        path = tmp_path / "results.tsv"
        with storage.alone(path) as first:
            assert first
            with pytest.raises(storage.StorageError, match="Another process is adding to results.tsv"):
                run_study.run_missing(path, (0,), some, fake)
        assert not path.exists() and run_study.run_missing(path, (0,), some, fake) > 0

    def test_a_second_name_of_the_file_is_the_same_file(self, tmp_path):
        path, other = tmp_path / "results.tsv", tmp_path / "link.tsv"
        path.touch()
        other.symlink_to(path)
        with storage.alone(path), pytest.raises(storage.StorageError, match="Another process"):
            run_study.run_missing(other, (0,), some, fake)

    @pytest.mark.parametrize(
        ("given", "said"),
        [("--jobs 0", "at least 1"), ("--seeds -2", "at least 1"), ("--only nothing_such", "nothing_such")],
    )
    def test_nonsense_is_refused_in_words(self, monkeypatch, capsys, given, said):
        monkeypatch.setattr(sys, "argv", ["run_study", *given.split()])
        with pytest.raises(SystemExit):
            run_study.main()
        assert said in capsys.readouterr().err

    def test_two_at_once_run_nothing_twice(self, tmp_path):
        ends = [started(tmp_path, beside=2) for _ in range(2)]
        said = [end.communicate(timeout=300)[1] for end in ends]
        assert sorted(end.returncode for end in ends) == [0, 1], said
        assert "Another process is adding to results.tsv" in "".join(said)
        whole(tmp_path)

    def test_ctrl_c_keeps_what_is_finished(self, tmp_path):
        end = started(tmp_path)
        path = tmp_path / "results.tsv"
        wait_for(lambda: path.exists() and path.read_bytes().count(b"\n") > 5)
        end.send_signal(signal.SIGINT)
        assert end.wait(60) != 0
        kept = study.results(path)
        assert len(kept) >= 5 and len(list(tmp_path.glob("runs/*"))) - len(kept) <= 1
        end = started(tmp_path)
        assert end.wait(300) == 0
        assert set(keys(kept)) <= set(keys(study.results(path)))

    def test_a_killed_command_leaves_no_lock(self, tmp_path):
        end = started(tmp_path)
        path = tmp_path / "results.tsv"
        wait_for(lambda: path.exists() and path.read_bytes().count(b"\n") > 3)
        end.kill()
        end.wait(60)
        assert started(tmp_path).wait(300) == 0
        table = study.results(path)
        assert len(set(keys(table))) == len(table)

    def test_a_worker_that_dies_costs_only_what_it_was_at(self, tmp_path, capsys):
        path = tmp_path / "results.tsv"
        measure = functools.partial(fake_runs.dying, folder=str(tmp_path), deaths=1)
        number = run_study.run_missing(path, (0, 1), some, measure, jobs=2)
        assert "A worker died" in capsys.readouterr().err
        table = study.results(path)
        assert len(set(keys(table))) == len(table) == path.read_bytes().count(b"\n") - 1
        alone = run_study.run_missing(tmp_path / "alone.tsv", (0, 1), some, fake)
        assert number == alone and set(keys(table)) == set(keys(study.results(tmp_path / "alone.tsv")))

    def test_workers_that_always_die_are_given_up(self, tmp_path):
        measure = functools.partial(fake_runs.dying, folder=str(tmp_path), deaths=100)
        with pytest.raises(Exception, match="(?i)worker"):
            run_study.run_missing(tmp_path / "results.tsv", (0,), some, measure, jobs=2)


PROGRAM = """
import functools, os, pathlib, sys, time
import fake_runs
from helpers import storage
from tools import run_study

folder = pathlib.Path(sys.argv[1])
(folder / "runs").mkdir(exist_ok=True)
(folder / f"ready {os.getpid()}").touch()
while len(list(folder.glob("ready *"))) < int(sys.argv[2]):
    time.sleep(0.01)
measure = functools.partial(fake_runs.slow, folder=folder / "runs")
wanted = lambda cell: cell[:3] == ("quadrants", "emoji", 0) and "VGG16" not in cell[3]
run_study.run_missing(folder / "results.tsv", (0, 1), wanted, measure)
"""


def started(folder, beside=1):
    """A process that runs a part of the grid, slowly, and notes each start; several begin together."""
    places = os.pathsep.join(map(str, (REPOSITORY, REPOSITORY / "tests/measuring")))
    environment = {**os.environ, "PYTHONPATH": places}
    command = [sys.executable, "-c", PROGRAM, str(folder), str(beside)]
    return subprocess.Popen(command, cwd=folder, env=environment, stderr=subprocess.PIPE, text=True)


def whole(folder):
    table = study.results(folder / "results.tsv")
    lines = (folder / "results.tsv").read_bytes().count(b"\n")
    assert len(set(keys(table))) == len(table) == lines - 1 == len(list(folder.glob("runs/*")))


def wait_for(met, seconds=120):
    end = time.monotonic() + seconds
    while not met():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_a_sample_is_seeded_balanced_and_grows():
    labels = np.repeat([0, 1, 2], [30, 20, 25])
    small, large = (study.sample(labels, count, 3) for count in (5, 15))
    assert np.bincount(labels[small]).tolist() == [5, 5, 5] and set(small) < set(large)
    assert not np.array_equal(small, study.sample(labels, 5, 4))
    assert study.sample(labels, 0, 3).tolist() == list(range(75))


# All of the real thing, on few pictures of 32 pixels that are seen twice.
SMALL = trainings.Scale(32, (("train", 12), ("validation", 3), ("test", 6)), 2)


def measured(run, *methods):
    """Train a small run for which every method has a choice."""
    rows = [("choice", run.data, 40, method, 1000, 1e-3, False, 1.0) for method in (*methods, run.method)]
    rows += [("choice", run.data, 40, method, 1000, 1e-3, False, 1.0) for method in study.FROZEN_OF.values()]
    done = pd.DataFrame(rows, columns=[*TRIAL, "fitted_loss"])
    return trainings.measured(run, done.assign(loss=done["fitted_loss"]), SMALL)


CELLS = [("quadrants", method) for method in study.RECIPES]
CELLS += [("choice", study.LP_FT), ("depth", "block1"), ("depth", "block5")]
CELLS += [("preprocessing", "0 to 1"), ("preprocessing", "twice"), ("head", "flatten, mirrored too")]
CELLS += [("shift", study.FROZEN), ("shift", study.LP_FT)]
HEAD, BLOCK5, BLOCK4 = 512 * 5 + 5, 7_079_424, 5_899_776
TRAINABLE = {study.RANDOM: HEAD, study.FROZEN: HEAD, study.LITE: 1280 * 5 + 5, study.DEEPER: BLOCK4 + BLOCK5 + HEAD}
TRAINABLE |= dict.fromkeys((study.LP_FT, study.ZERO_AT_ONCE, study.RANDOM_FIRST, study.FRESH), BLOCK5 + HEAD)
TRAINABLE |= {study.ALL_BLOCKS: 14_714_688 + HEAD}


@pytest.mark.parametrize(("experiment", "method"), CELLS)
def test_each_kind_of_run_is_scored_on_its_pictures(experiment, method):
    found = measured(Run(experiment, "emoji", 40, method, 0, *((1e-3, True) if experiment == "choice" else ())))
    assert len(found) == (2 if experiment == "shift" else 1)
    for result in found:
        tested = len(result["predictions"])
        assert experiment == "shift" or tested == (15 if experiment == "choice" else 30)
        assert result["accuracy"] * tested == pytest.approx(round(result["accuracy"] * tested), abs=1e-3)
        assert result["epochs"] >= 1 and result["trainable_parameters"] > 0
        assert result["trainable_parameters"] == TRAINABLE.get(method, result["trainable_parameters"])
        assert result["fitted_loss"] <= result["loss"] + 1e-4
        assert (result["trunk_pictures"] == 0) == (method == study.FROM_SCRATCH)
        assert result["precision"] in ("bfloat16", "float32") and "TensorFlow" in result["versions"]


def test_the_shift_tests_artists_apart():
    same, other = measured(Run("shift", "emoji", 40, study.FROZEN, 0))
    files = trainings._data("emoji").files("test")
    third = sum(file.stem.endswith(study.THIRD_ARTIST) for file in files)
    assert (len(same["predictions"]), len(other["predictions"])) == (len(files) - third, third)


def test_outside_is_tested_on_its_own_pictures(tmp_path, monkeypatch):
    course = assets.unpacked(assets.COLLECTIONS["animals"])
    parts = {"train": ("train", 0, 12), "validation": ("validation", 0, 3), "test": ("train", 20, 26)}
    for split, (source, first, last) in parts.items():
        for kind in (course / source).iterdir():
            target = tmp_path / split / kind.name
            target.mkdir(parents=True)
            for picture in sorted(kind.iterdir())[first:last]:
                shutil.copy(picture, target)
    monkeypatch.setattr(trainings, "_outside", lambda: tmp_path)
    (found,) = measured(Run(study.OUTSIDE, "animals", 40, study.LITE, 0))
    tested = {file.stem for file in trainings._data(study.OUTSIDE).files("test")}
    assert len(found["predictions"]) == len(tested) == 30
    assert all(name.startswith("train") for name in tested)  # the course's test pictures have other names


def test_a_seed_changes_the_training_sample():
    one, two = (measured(Run("quadrants", "emoji", 10, study.FROZEN, seed))[0]["loss"] for seed in (0, 1))
    assert one != two


def test_another_scale_forgets_what_was_kept():
    run = Run("quadrants", "emoji", 40, study.FROZEN, 0)
    few = dataclasses.replace(SMALL, per_class=(("train", 2), ("validation", 2), ("test", 2)))
    done = trials(study.FROZEN, (1e-3, False, 1.0))
    lengths = [len(trainings.measured(run, done, scale)[0]["predictions"]) for scale in (SMALL, few, SMALL)]
    assert lengths == [30, 10, 30]


NEAR_TWINS = ("start and order", "emoji", 40, study.FRESH)
SAME_ANYWHERE = ["accuracy", "loss", "fitted_loss", "epochs", "pictures_seen", "predictions", "trainable_parameters"]


def test_two_dask_workers_give_what_one_process_gives(tmp_path):
    distributed = pytest.importorskip("distributed")
    tables = {}
    for name in ("serial", "dask"):
        path, measure = tmp_path / f"{name}.tsv", functools.partial(trainings.measured, scale=SMALL)
        begun = time.perf_counter()
        if name == "serial":
            number = run_study.run_missing(path, (0, 1), lambda cell: cell == NEAR_TWINS, measure)
        else:
            with (
                distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
                distributed.Client(cluster),
                joblib.parallel_config("dask"),
            ):
                again = run_study.run_missing(path, (0, 1), lambda cell: cell == NEAR_TWINS, measure, -1)
        print(f"{name}: {time.perf_counter() - begun:.0f} s")
        tables[name] = study.results(path).sort_values(TRIAL, ignore_index=True)
    assert number == again == len(tables["serial"]) >= 5
    pd.testing.assert_frame_equal(*(table[[*TRIAL, *SAME_ANYWHERE]] for table in tables.values()))


README_ROWS = {
    "a small network from scratch": study.FROM_SCRATCH,
    "VGG16 with random weights, frozen, and a head": study.RANDOM,
    "VGG16 with ImageNet's weights, frozen, and a head": study.FROZEN,
    "the same, then block5 fine-tuned": study.LP_FT,
    "the same, then block4 and block5 fine-tuned": study.DEEPER,
    "EfficientNet-Lite0, frozen, and a head": study.LITE,
    "EfficientNet-Lite0, then its last blocks fine-tuned": study.LITE_LP_FT,
}


def test_the_committed_results_are_whole():
    table = study.results()
    wanted = {(name, *cell[1:], seed) for cell in grid.cells() for name in Run(*cell, 0).rows for seed in study.SEEDS}
    measured = table[table["experiment"] != "choice"]
    assert sorted(measured[KEY].itertuples(index=False, name=None)) == sorted(wanted)  # each once
    assert {run.experiment for run in grid.ready(table)} & {"choice"} == set()  # every range was widened enough
    for row in measured.itertuples():  # each was trained with what is chosen
        assert study.chosen(row.method, row.data, row.per_class, table) == (row.rate, row.mirrored)
    tested = table["predictions"].str.len()
    right = table["accuracy"] * tested
    assert (abs(right - right.round()) <= 5.01e-6 * tested).all()  # accuracy has five decimals
    assert table["processor"].str.contains("cores").all()


def test_the_readme_says_what_the_results_file_says():
    text = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    quadrants = study.results().query("experiment == 'quadrants'")
    means = quadrants.groupby(["method", "data", "per_class"])["accuracy"].mean()
    for title, method in README_ROWS.items():
        cells = [f"{100 * means[method, data, count]:.0f}" for data in study.DATA for count in study.COUNTS]
        assert f"| {title} | {' | '.join(cells)} |" in text
    tested = quadrants.groupby("data")["predictions"].first().str.len()
    assert f"{tested['animals']:,} test photographs and {tested['emoji']} test drawings" in text
    pairs = [
        [results.Cell("quadrants", data, count, method) for method in (study.FROZEN, study.LP_FT)]
        for data in study.DATA
        for count in study.COUNTS
    ]
    found = results.read()
    gain, low, high = (f"{100 * part:.1f}" for part in results.pooled(found, pairs))
    assert f"gains {gain} points\n(95 % interval {low} to {high})" in text
    outside = [results.Cell(study.OUTSIDE, "animals", 0, method) for method in (study.FROZEN, study.LP_FT)]
    frozen, tuned = (f"{100 * results.accuracy(found, cell)[0]:.1f}" for cell in outside)
    gain, low, high = (f"{100 * part:.1f}" for part in results.difference(found, *outside))
    assert f"recognises {frozen} %, block5 fine-tuned {tuned} %:\na gain of {gain} points ({low} to {high})" in text
