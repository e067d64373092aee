"""The training playground trains for real, within bounds, and reads its runs correctly."""

import itertools
import math
import random
import threading

import keras
import numpy as np
import pytest
from test_widgets import clusters, png_of

from helpers.course import widgets
from helpers.course.widgets import training


@pytest.fixture
def steps(monkeypatch):
    """The size of the batch of every training step."""
    sizes, real = [], keras.Model.train_on_batch

    def step(model, inputs, labels):
        sizes.append(len(labels))
        return real(model, inputs, labels)

    monkeypatch.setattr(keras.Model, "train_on_batch", step)
    return sizes


def untimed(train=None, validation=None):
    """A trainer whose clock stands still, so that no run is cut short on a busy machine."""
    return training.Trainer(train or clusters(60), validation or clusters(30, seed=1), clock=lambda: 0.0)


class TestTraining:
    def test_scores_are_those_of_keras(self):
        logits, labels = np.random.default_rng(0).normal(size=(20, 3)) * 9, np.arange(20) % 3
        loss, accuracy = training.scores(logits, labels)
        expected = keras.losses.SparseCategoricalCrossentropy(from_logits=True)(labels, logits)
        assert loss == pytest.approx(float(expected), rel=1e-5)
        assert accuracy == (logits.argmax(1) == labels).mean()
        logits[0] = np.nan
        assert math.isnan(training.scores(logits, labels)[0])
        assert training.scores(np.full((4, 3), np.nan), np.zeros(4, int))[1] == 0

    @pytest.mark.parametrize(
        ("losses", "accuracy", "verdict"),
        [
            ([2.0, 1.0, 0.5, 0.2], 0.9, "learned"),
            ([2.0, 1.99, 1.98, 1.97], 0.3, "slow"),
            ([9.0, 7.0, 5.0, 4.0], 0.2, "slow"),
            ([2.0, 50.0, 30.0, 20.0], 0.9, "diverged"),
            ([2.0, 50.0, math.nan], 0.2, "diverged"),
            ([2.0, math.inf], 0.2, "diverged"),
            ([9.0, 1.7, 1.61, 1.61], 0.2, "collapsed"),
            ([2.0, 3.0, 0.4, 0.3], 0.9, "jumping"),
            ([2.0, 0.5, 0.9, 0.4, 0.8], 0.9, "jumping"),
        ],
    )
    def test_judges_a_run_by_its_losses(self, losses, accuracy, verdict):
        assert training.judge(losses, [0.2, accuracy], 5) == verdict

    def test_finds_the_epoch_from_which_it_learns_by_heart(self):
        assert training.best_epoch({"val_loss": [3, 2, 1, 1.5, 2]}) == 2
        assert training.best_epoch({"val_loss": [3, 2, 1, 1.01]}) == 3
        assert training.best_epoch({"val_loss": [math.nan, math.nan]}) == 1

    @pytest.mark.parametrize("optimizer", training.OPTIMIZERS)
    def test_learns_for_real_with_every_optimizer(self, optimizer):
        run = untimed(clusters(90), clusters(60, seed=1)).run(optimizer, 0.05, 12, training.LINEAR)
        assert run.verdict == "learned" and run.history["val_accuracy"][-1] > 0.9
        assert run.done == 12 and {len(values) for values in run.history.values()} == {13}
        assert run.history["val_accuracy"][-1] == (run.logits.argmax(1) == clusters(60, seed=1)[1]).mean()

    def test_repeats_a_run_exactly_even_after_others(self):
        trainer = untimed()
        first = trainer.run("Adam", 0.01, 3, training.LINEAR)
        trainer.run("Adam", 10.0, 3, training.LINEAR)
        again = trainer.run("Adam", 0.01, 3, training.LINEAR)
        assert first.history == again.history

    def test_a_wild_rate_breaks_the_run_and_is_called_so(self):
        trainer = untimed(clusters(90), clusters(60, seed=1))
        assert trainer.run("SGD", 1e30, 5, training.HIDDEN).verdict == "diverged"
        assert trainer.run("SGD", 1e30, 5, training.HIDDEN).done < 5  # nothing to gain from going on
        assert trainer.run("Adam", 1e4, 3, training.LINEAR).verdict == "diverged"

    def test_stops_when_its_time_is_used_up(self):
        ticks = itertools.count(step=training.SECONDS / 3 + 0.01)
        trainer = training.Trainer(clusters(60), clusters(30, seed=1), clock=lambda: next(ticks))
        run = trainer.run("SGD", 0.01, 30, training.LINEAR)
        assert run.done == 3 and run.epochs == 30

    @pytest.mark.parametrize("number", [3, 32, 100, 5000])
    def test_takes_few_steps_an_epoch_however_many_pictures(self, number, steps):
        untimed(clusters(number)).run("SGD", 0.01, 2, training.LINEAR)
        assert 2 <= len(steps) <= 2 * training.STEPS_AN_EPOCH

    def test_changes_nothing_of_the_learners_random_numbers_or_layer_names(self):
        def draws():
            layer = keras.layers.Dense(1)
            layer.build((None, 1))
            drawn = random.random(), np.random.rand(), float(keras.random.uniform(())), layer.kernel.numpy().item()
            return drawn, int(layer.name.rpartition("_")[2] or 0)

        keras.layers.Dense(1)  # so that the next one has a number
        keras.utils.set_random_seed(3)
        alone, number = draws()
        keras.utils.set_random_seed(3)
        untimed().run("Adam", 0.01, 2, training.HIDDEN)
        assert draws() == (alone, number + 1)

    def test_refuses_what_it_cannot_train_on(self):
        good = clusters(30)
        with pytest.raises(ValueError, match=r"mean\(axis=\(1, 2\)\)"):
            training.Trainer((np.zeros((4, 3, 3, 5)), np.zeros(4, int)), good)
        with pytest.raises(ValueError, match=r"expected \(n, d\)"):
            training.Trainer(good, (good[0], good[1][:3]))
        with pytest.raises(ValueError, match="argmax"):
            training.Trainer(good, (good[0], good[1].astype(float)))
        with pytest.raises(ValueError, match="one trunk"):
            training.Trainer(good, clusters(30, size=4))
        with pytest.raises(ValueError, match="two classes"):
            training.Trainer((good[0], good[1] * 0), (good[0], good[1] * 0))


class TestPlayground:
    @pytest.fixture
    def playground(self):
        playground = widgets.training_playground(clusters(60), clusters(30, seed=1))
        playground.trainer.clock = lambda: 0.0
        return playground

    def test_trains_only_when_it_is_told_to(self, playground, steps):
        playground.learning_rate.value, playground.epochs.value = 0.1, 3
        assert playground.wait() and playground.runs == steps == []
        assert playground.picture.value == "" and "No run yet" in playground.words.value

    def test_keeps_the_last_runs_side_by_side(self, playground):
        playground.epochs.value = 2
        for number, rate in enumerate((1e-3, 1e-2, 1e-1, 1.0, 1e2), start=1):
            playground.learning_rate.value = rate
            playground.train.click()
            assert playground.wait() and not playground.problem.value
            assert len(png_of(playground.picture)) == min(number, 4)
        assert [run.learning_rate for run in playground.runs] == pytest.approx([1e-3, 1e-2, 1e-1, 1, 1e2])
        assert "Run 5:" in playground.picture.value and "Run 1:" not in playground.picture.value
        assert playground.runs[-1].verdict == "diverged" and "Diverged" in playground.words.value
        assert playground.progress.value == playground.progress.max == 2

    def test_button_says_that_it_runs_and_a_second_click_is_dropped(self, playground, monkeypatch):
        begun, release, calls, real = threading.Event(), threading.Event(), [], playground.trainer.run

        def held(**settings):
            calls.append(settings)
            begun.set()
            assert release.wait(60)
            return real(**settings)

        monkeypatch.setattr(playground.trainer, "run", held)
        playground.epochs.value = 1
        playground.train.click()
        assert begun.wait(60) and playground.running and playground.train.description == "Training …"
        assert not playground.train.disabled  # it would lose the keyboard's focus
        playground.train.click()
        release.set()
        assert playground.wait()
        assert len(calls) == 1 and len(playground.runs) == 1
        assert not playground.running and playground.train.description == "Train"

    def test_shows_an_error_and_can_train_again(self, playground, monkeypatch):
        with monkeypatch.context() as patched:
            patched.setattr(playground.trainer, "run", lambda **settings: 1 / 0)
            playground.train.click()
            assert playground.wait()
        assert "ZeroDivisionError" in playground.problem.value and not playground.running
        playground.epochs.value = 1
        playground.train.click()
        assert playground.wait()
        assert playground.problem.value == "" and len(playground.runs) == 1
