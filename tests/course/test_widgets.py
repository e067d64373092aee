"""The explorers answer for the latest setting, in words and pictures with descriptions, and count correctly."""

import itertools
import math
import random
import re
import threading

import ipywidgets
import keras
import matplotlib.pyplot as plt
import numpy as np
import pytest
from PIL import Image

from helpers import storage
from helpers.course import widgets
from helpers.course.widgets import frame, head, maps, mistakes, rates, training
from helpers.measuring import rate_curves
from helpers.network import cost, surgery
from tools import measure_rates

NAMES = ("cat", "deer", "dog")


@pytest.fixture(scope="module")
def base():
    return keras.applications.VGG16(weights=None, include_top=False, input_shape=(96, 96, 3))


@pytest.fixture(scope="module")
def small():
    """A convolutional base of two layers, quick to run."""
    pixels = keras.Input((32, 32, 3))
    inner = keras.layers.Conv2D(8, 3, activation="relu", name="block1_conv1")(pixels)
    return keras.Model(pixels, keras.layers.MaxPooling2D(name="block1_pool")(inner))


def clusters(number, seed=0, classes=3, size=6):
    """Features that a linear head can tell apart, and labels."""
    generator = np.random.default_rng(seed)
    labels = np.arange(number) % classes
    centres = np.random.default_rng(99).normal(size=(classes, size)) * 3
    return (centres[labels] + generator.normal(size=(number, size))).astype("float32"), labels


def photos(number, side=32):
    return np.random.default_rng(1).uniform(0, 255, (number, side, side, 3)).astype("float32")


def confused():
    """Labels and probabilities of eight pictures; three cats are called dogs."""
    labels = np.array([0, 0, 0, 0, 1, 1, 2, 2])
    rows = [[0.1, 0.2, 0.7], [0.9, 0.05, 0.05], [0.05, 0.05, 0.9], [0.3, 0.2, 0.5]]
    rows += [[0, 1, 0], [0.2, 0.6, 0.2], [0, 0.3, 0.7], [0.5, 0.4, 0.1]]
    return labels, np.array(rows)


def histories(*last, epochs=3):
    return {
        10.0 ** -(5 - place): {"accuracy": [0.9] * epochs, "val_accuracy": [0.6] * (epochs - 1) + [value]}
        for place, value in enumerate(last)
    }


@pytest.fixture(scope="module")
def all_explorers(base, small):
    labels, probabilities = confused()
    playground = widgets.training_playground(clusters(60), clusters(30, seed=1))
    playground.train.click()
    assert playground.wait(60)
    return {
        "freeze": widgets.freeze_explorer(base),
        "maps": widgets.feature_map_explorer(small, photos(2)),
        "head": widgets.head_designer(base),
        "playground": playground,
        "mistakes": widgets.mistake_explorer(photos(8), labels, probabilities, NAMES),
        "rates": widgets.rate_explorer(histories(0.5, 0.6, 0.7), before=0.6, pictures=200),
    }


KINDS = ("freeze", "maps", "head", "playground", "mistakes", "rates")


def everything_in(widget):
    yield widget
    for child in getattr(widget, "children", ()):
        yield from everything_in(child)


@pytest.mark.parametrize("kind", KINDS)
class TestEachExplorer:
    def test_says_what_to_try_and_shows_a_picture_with_words(self, all_explorers, kind):
        explorer = all_explorers[kind]
        assert isinstance(explorer, ipywidgets.VBox)
        assert "Try this." in explorer.children[0].value
        assert explorer.problem.value == "" and len(explorer.words.value) > 40
        shown = [child for child in explorer.children if child in (explorer.picture, explorer.words, explorer.problem)]
        assert len(shown) == 3

    def test_describes_every_image(self, all_explorers, kind):
        images = re.findall(r"<img[^>]*>", all_explorers[kind].picture.value)
        assert images
        for image in images:
            assert len(re.search(r'alt="([^"]*)"', image)[1]) >= 15, image[:200]

    def test_labels_every_control_and_uses_only_what_a_keyboard_reaches(self, all_explorers, kind):
        controls = [one for one in everything_in(all_explorers[kind]) if hasattr(one, "disabled")]
        operable = ipywidgets.SelectionSlider | ipywidgets.Dropdown | ipywidgets.ToggleButtons | ipywidgets.Button
        operable |= ipywidgets.IntSlider | ipywidgets.FloatSlider | ipywidgets.FloatLogSlider
        controls = [one for one in controls if not isinstance(one, ipywidgets.Label)]
        assert controls
        for control in controls:
            assert isinstance(control, operable), control
            assert control.description, control

    def test_leaves_no_figure_behind(self, all_explorers, kind):
        before = plt.get_fignums()
        explorer = all_explorers[kind]
        if kind != "playground":
            explorer.answer(**explorer.settings())
        assert plt.get_fignums() == before


class TestLatestOnly:
    def test_works_on_the_first_and_the_last_of_many_requests(self):
        begun, release, seen = threading.Event(), threading.Event(), []

        def work(request):
            seen.append(request)
            begun.set()
            assert release.wait(10)

        latest = frame.LatestOnly(work, pytest.fail)
        latest.ask(0)
        assert begun.wait(10)
        for request in range(1, 100):  # `ask` returns although the work is held up
            latest.ask(request)
        assert not latest.wait(0)
        release.set()
        assert latest.wait()
        assert seen == [0, 99]
        assert (latest.answered, latest.dropped) == (2, 98)

    def test_hands_a_failure_on_and_works_again(self):
        failures, seen = [], []

        def work(request):
            seen.append(10 / request)

        latest = frame.LatestOnly(work, failures.append)
        for request in (0, 5):
            latest.ask(request)
            assert latest.wait()
        assert isinstance(failures[0], ZeroDivisionError) and seen == [2.0]

    def test_answers_the_last_request_whatever_the_timing(self):
        for _ in range(50):
            seen = []
            latest = frame.LatestOnly(seen.append, pytest.fail)
            for request in range(20):
                latest.ask(request)
            assert latest.wait()
            assert seen[-1] == 19 and latest.answered + latest.dropped == 20


class Roots(frame.Explorer):
    """Fails below zero; counts its answers."""

    def __init__(self, hold=None):
        self.asked, self.hold, self.begun = [], hold, threading.Event()
        self.number = ipywidgets.IntSlider(4, min=-5, max=100, description="Number")
        super().__init__("Roots", "Go below zero.", {"number": self.number})
        self.start()

    def answer(self, number):
        self.asked.append(number)
        if self.hold and len(self.asked) > 1:
            self.begun.set()
            assert self.hold.wait(10)
        return "<img alt='none'>", frame.words_html(f"{math.sqrt(number):g} <b>&</b>")


class TestExplorer:
    def test_answers_the_first_setting_at_once_and_later_ones_as_they_come(self):
        roots = Roots()
        assert "2 <b>" in roots.words.value
        roots.number.value = 9
        assert roots.wait() and "3 <b>" in roots.words.value

    def test_drops_what_was_overtaken_while_it_was_dragged(self):
        hold = threading.Event()
        roots = Roots(hold)
        roots.number.value = 5
        assert roots.begun.wait(10)
        for number in range(6, 101):
            roots.number.value = number
        hold.set()
        assert roots.wait()
        assert roots.asked == [4, 5, 100] and "10 <b>" in roots.words.value

    def test_shows_an_error_and_takes_the_old_picture_away(self):
        roots = Roots()
        roots.number.value = -1
        assert roots.wait()
        assert 'role="alert"' in roots.problem.value and "ValueError" in roots.problem.value
        assert "another setting" in roots.problem.value
        assert roots.picture.value == roots.words.value == ""
        roots.number.value = 16
        assert roots.wait()
        assert roots.problem.value == "" and "4 <b>" in roots.words.value

    def test_escapes_what_an_error_says(self):
        roots = Roots()
        roots.show_problem(ValueError("<script>alert(1)</script>"))
        assert "<script>" not in roots.problem.value and "&lt;script&gt;" in roots.problem.value

    def test_computes_a_setting_seen_before_only_once(self):
        roots = Roots()
        for number in (9, 4, 9, 4):
            roots.number.value = number
            assert roots.wait()
        assert roots.asked == [4, 9]

    def test_forgets_the_oldest_answers(self):
        roots = Roots()
        for number in range(1, 100):
            roots.number.value = number
            assert roots.wait()
        roots.number.value = 1
        assert roots.wait()
        assert roots.asked.count(1) == 2


def png_of(picture):
    return re.findall(r'src="([^"]*)"', picture.value)


class TestFreeze:
    def test_counts_the_parameters_of_the_model(self, base):
        found = cost.stages(base)
        assert [stage.name for stage in found] == ["block1", "block2", "block3", "block4", "block5", "head"]
        head_size = 512 * 5 + 5
        assert cost.parameters(found, 0) == (base.count_params() + head_size, 0)
        assert cost.parameters(found, 5) == (head_size, base.count_params())
        assert cost.parameters(found, 6) == (0, base.count_params() + head_size)
        block5 = sum(layer.count_params() for layer in base.layers if layer.name.startswith("block5"))
        assert cost.parameters(found, 4)[0] == block5 + head_size

    def test_counts_the_work_that_is_published_for_vgg16(self):
        at_224 = keras.applications.VGG16(weights=None, include_top=False, input_shape=(224, 224, 3))
        blocks = cost.stages(at_224)[:-1]
        assert cost.step_cost(blocks, 5)["forward"] == 2 * 15_346_630_656

    def test_training_everything_costs_one_and_the_head_alone_a_third(self, base):
        found = cost.stages(base)
        assert sum(cost.relative_cost(found, 0).values()) == pytest.approx(1)
        head_only = cost.relative_cost(found, 5)
        assert sum(head_only.values()) == pytest.approx(1 / 3, abs=0.01)
        assert head_only["inputs"] == 0
        costs = [sum(cost.relative_cost(found, frozen).values()) for frozen in range(7)]
        assert costs == sorted(costs, reverse=True)

    def test_counts_backward_work_only_where_it_must_be_done(self):
        one, two, three = (
            cost.Stage(name, 1, (cost.Layer(1, work),)) for name, work in zip("abc", (5, 7, 11), strict=True)
        )
        assert cost.step_cost([one, two, three], 0) == {"forward": 23, "inputs": 18, "weights": 23}
        assert cost.step_cost([one, two, three], 1) == {"forward": 23, "inputs": 11, "weights": 18}
        assert cost.step_cost([one, two, three], 3) == {"forward": 23, "inputs": 0, "weights": 0}
        assert cost.step_cost([one, two, three], 1, cached=True) == {"forward": 18, "inputs": 11, "weights": 18}

    def test_memory_for_adam_is_what_adam_really_keeps(self):
        assert cost.memory(1000) == {"gradients": 4000, "adam": 8000}
        layer = keras.layers.Dense(7)
        layer.build((None, 11))
        adam = keras.optimizers.Adam()
        adam.build(layer.trainable_variables)
        numbers = surgery.count(adam.variables) - 2  # the step number and the rate
        assert cost.memory(layer.count_params())["adam"] == 4 * numbers

    def test_uses_the_head_that_a_model_has(self):
        pixels = keras.Input((32, 32, 3))
        maps_ = keras.layers.Conv2D(4, 3, padding="same", name="block1_conv1")(pixels)
        inner = keras.Model(pixels, maps_)
        row = keras.layers.Dense(9)(keras.layers.Flatten()(inner(pixels)))
        whole = keras.Model(pixels, keras.layers.Dense(3)(row))
        found = cost.stages(whole)
        assert [stage.name for stage in found] == ["block1", "head"] and found[-1].shape == 3
        assert cost.parameters(found, 0)[0] == whole.count_params()

    def test_slider_changes_diagram_and_numbers(self, base):
        explorer = widgets.freeze_explorer(base)
        assert explorer.frozen_up_to.options == ("none", "block1", "block2", "block3", "block4", "block5", "all")
        seen = set()
        for name in explorer.frozen_up_to.options:
            explorer.frozen_up_to.value = name
            assert explorer.wait()
            seen.add(png_of(explorer.picture)[0])
        assert len(seen) == 7
        assert "Nothing can learn" in explorer.words.value
        explorer.frozen_up_to.value = "block4"
        assert explorer.wait()
        trainable, frozen = cost.parameters(explorer.stages, 4)
        for expected in (f"{trainable:,}", f"{frozen:,}", f"{8 * trainable / 1e6:.1f} MB", "38.4%"):
            assert expected in explorer.words.value

    def test_leaves_the_model_alone(self, small):
        small.layers[1].trainable = False
        try:
            widgets.freeze_explorer(small).frozen_up_to.value = "none"
            assert [layer.trainable for layer in small.layers] == [True, False, True]
        finally:
            small.layers[1].trainable = True

    def test_says_which_models_it_cannot_count(self):
        pixels = keras.Input((32, 32, 3))
        with pytest.raises(ValueError, match="block1_"):
            widgets.freeze_explorer(keras.Model(pixels, keras.layers.Conv2D(2, 3, name="plain")(pixels)))
        depthwise = keras.layers.DepthwiseConv2D(3, name="block1_depthwise")(pixels)
        with pytest.raises(ValueError, match="DepthwiseConv2D"):
            widgets.freeze_explorer(keras.Model(pixels, depthwise))
        open_ended = keras.Input((None, None, 3))
        unsized = keras.layers.Conv2D(2, 3, name="block1_conv1")(open_ended)
        with pytest.raises(ValueError, match="input_shape"):
            widgets.freeze_explorer(keras.Model(open_ended, unsized))


class TestFeatureMaps:
    def test_orders_maps_by_their_mean(self):
        stack = np.zeros((2, 2, 4), dtype="float32")
        stack[..., 1], stack[0, 0, 3] = 5, 8
        active = maps.most_active(stack, count=3)
        assert active.channels == (1, 3, 0) and active.means == (5, 2, 0)
        assert active.silent == 2 and active.total == 4 and active.maps.shape == (2, 2, 3)
        with pytest.raises(ValueError, match="height, width, channels"):
            maps.most_active(stack[None])

    @pytest.mark.parametrize(
        ("row", "column", "words"),
        [(0, 0, "upper left"), (1, 1, "centre"), (2, 1, "lower centre"), (1, 2, "middle right")],
    )
    def test_says_where_a_map_is_largest(self, row, column, words):
        one = np.zeros((3, 3))
        one[row, column] = 1
        assert maps.place_of_peak(one) == words
        assert maps.place_of_peak(np.kron(one, np.ones((8, 8)))) == words

    def test_shows_what_the_model_gives_and_runs_it_once_a_picture(self, small):
        pictures = photos(2)
        kept = pictures.copy()
        explorer = widgets.feature_map_explorer(small, pictures, ["one", "two"])
        assert explorer.layer.options == ("block1_conv1", "block1_pool") and explorer.passes == 1
        for name, layer in [("two", "block1_pool"), ("one", "block1_conv1"), ("two", "block1_conv1")]:
            explorer.which.value, explorer.layer.value = name, layer
            assert explorer.wait() and not explorer.problem.value
        assert explorer.passes == 2
        np.testing.assert_array_equal(pictures, kept)
        given = keras.applications.vgg16.preprocess_input(pictures[1:].copy())
        expected = maps.most_active(np.asarray(small.layers[1](given))[0])
        shown = re.findall(r"channel (\d+)<br>", explorer.picture.value)
        assert tuple(map(int, shown)) == expected.channels
        assert "The input: two." in explorer.picture.value and f"{expected.silent} of the 8" in explorer.words.value

    def test_computes_nothing_again_for_a_layer_that_was_seen(self, small):
        explorer = widgets.feature_map_explorer(small, photos(1))
        for layer in ("block1_pool", "block1_conv1", "block1_pool"):
            explorer.layer.value = layer
            assert explorer.wait()
        assert explorer.passes == 1

    def test_shows_what_goes_wrong_while_the_model_runs(self, small):
        def broken(pixels):
            raise RuntimeError("no memory")

        explorer = widgets.feature_map_explorer(small, photos(1), preprocess=broken)
        assert "no memory" in explorer.problem.value

    def test_refuses_pictures_that_do_not_fit(self, small):
        with pytest.raises(ValueError, match="takes pictures of"):
            widgets.feature_map_explorer(small, photos(1, side=48))
        with pytest.raises(ValueError, match="one for each"):
            widgets.feature_map_explorer(small, photos(2), ["same", "same"])
        with pytest.raises(ValueError, match="four axes"):
            widgets.feature_map_explorer(small, photos(1)[0])


class TestHead:
    @pytest.mark.parametrize(
        ("pooling", "hidden", "dropout"),
        [("flatten", 0, 0.0), ("global average", 0, 0.5), ("global max", 64, 0.0), ("flatten", 16, 0.3)],
    )
    def test_its_code_makes_a_head_of_that_size(self, pooling, hidden, dropout):
        layers = head.parts((3, 3, 512), pooling, hidden, dropout)
        names = {"keras": keras, "features": keras.Input((3, 3, 512))}
        exec("\n".join(layer.code for layer in layers), names)
        model = keras.Model(names["features"], names["logits"])
        assert model.count_params() == sum(layer.parameters for layer in layers)
        assert model.output.shape == (None, 5)

    def test_a_linear_head_learns_any_labels_from_the_bound_on(self):
        """What the warning says, for as many features as one less than pictures, and for fewer."""
        generator = np.random.default_rng(0)
        labels = np.eye(5)[generator.integers(0, 5, 40)]
        for features, by_heart in ((39, True), (20, False)):
            row = np.c_[generator.normal(size=(40, features)), np.ones(40)]
            solved = row @ np.linalg.lstsq(row, labels, rcond=None)[0]
            assert (solved.argmax(1) == labels.argmax(1)).all() == by_heart
            total = sum(layer.parameters for layer in head.parts((1, 1, features)))
            assert (total >= head.carries(40, 5)) == by_heart

    def test_warns_where_the_head_outgrows_the_pictures(self, base):
        designer = widgets.head_designer(base, pictures=1000)
        assert "carry it" in designer.words.value and "2,565" in designer.words.value
        steps = [(designer.pooling, "flatten", "23,045"), (designer.pooling, "global max", "2,565")]
        steps += [(designer.pictures, 100, "2,565"), (designer.hidden, 64, "33,157"), (designer.dropout, 0.5, "33,157")]
        warned = []
        for control, value, count in steps:
            control.value = value
            assert designer.wait() and not designer.problem.value
            assert f"{count} parameters" in designer.words.value
            warned.append("Warning" in designer.words.value)
        assert warned == [True, False, True, True, True]
        assert "Dropout makes that harder" in designer.words.value
        assert "Dropout(0.5)" in designer.words.value

    def test_refuses_what_is_no_head(self, base):
        with pytest.raises(ValueError, match="height, width, channels"):
            head.parts((512,))
        with pytest.raises(ValueError, match="global average"):
            head.parts((3, 3, 512), "mean")
        with pytest.raises(ValueError, match="dropout"):
            head.parts((3, 3, 512), dropout=1.0)
        with pytest.raises(ValueError, match="classes=1"):
            widgets.head_designer(base, classes=1)
        with pytest.raises(ValueError, match="pictures=0"):
            widgets.head_designer(base, pictures=0)


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
        run = training.Trainer(clusters(90), clusters(60, seed=1)).run(optimizer, 0.05, 12, training.LINEAR)
        assert run.verdict == "learned" and run.history["val_accuracy"][-1] > 0.9
        assert run.done == 12 and {len(values) for values in run.history.values()} == {13}
        assert run.history["val_accuracy"][-1] == (run.logits.argmax(1) == clusters(60, seed=1)[1]).mean()

    def test_repeats_a_run_exactly_even_after_others(self):
        trainer = training.Trainer(clusters(60), clusters(30, seed=1))
        first = trainer.run("Adam", 0.01, 3, training.LINEAR)
        trainer.run("Adam", 10.0, 3, training.LINEAR)
        again = trainer.run("Adam", 0.01, 3, training.LINEAR)
        assert first.history == again.history

    def test_a_wild_rate_breaks_the_run_and_is_called_so(self):
        trainer = training.Trainer(clusters(90), clusters(60, seed=1))
        assert trainer.run("SGD", 1e30, 5, training.HIDDEN).verdict == "diverged"
        assert trainer.run("SGD", 1e30, 5, training.HIDDEN).done < 5  # nothing to gain from going on
        assert trainer.run("Adam", 1e4, 3, training.LINEAR).verdict == "diverged"

    def test_stops_when_its_time_is_used_up(self):
        ticks = itertools.count(step=training.SECONDS / 3 + 0.01)
        trainer = training.Trainer(clusters(60), clusters(30, seed=1), clock=lambda: next(ticks))
        run = trainer.run("SGD", 0.01, 30, training.LINEAR)
        assert run.done == 3 and run.epochs == 30

    @pytest.mark.parametrize("number", [3, 32, 100, 5000])
    def test_takes_few_steps_an_epoch_however_many_pictures(self, number):
        trainer = training.Trainer(clusters(number), clusters(30, seed=1))
        trainer.run("SGD", 0.01, 2, training.LINEAR)
        assert 2 <= trainer.steps <= 2 * training.STEPS_AN_EPOCH

    def test_changes_nothing_of_the_learners_random_numbers_or_layer_names(self):
        def draws():
            layer = keras.layers.Dense(1)
            layer.build((None, 1))
            found = random.random(), np.random.rand(), float(keras.random.uniform(())), layer.kernel.numpy().item()
            return found, int(layer.name.rpartition("_")[2] or 0)

        keras.layers.Dense(1)  # so that the next one has a number
        keras.utils.set_random_seed(3)
        alone, number = draws()
        keras.utils.set_random_seed(3)
        training.Trainer(clusters(60), clusters(30, seed=1)).run("Adam", 0.01, 2, training.HIDDEN)
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
        return widgets.training_playground(clusters(60), clusters(30, seed=1))

    def test_trains_only_when_it_is_told_to(self, playground):
        playground.learning_rate.value, playground.epochs.value = 0.1, 3
        assert playground.runs == [] and playground.trainer.steps == 0
        assert playground.picture.value == "" and "No run yet" in playground.words.value

    def test_keeps_the_last_runs_side_by_side(self, playground):
        playground.epochs.value = 2
        for number, rate in enumerate((1e-3, 1e-2, 1e-1, 1.0, 1e2), start=1):
            playground.learning_rate.value = rate
            playground.train.click()
            assert playground.wait(60) and not playground.problem.value
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
            assert release.wait(10)
            return real(**settings)

        monkeypatch.setattr(playground.trainer, "run", held)
        playground.epochs.value = 1
        playground.train.click()
        assert begun.wait(10) and playground.running and playground.train.description == "Training …"
        assert not playground.train.disabled  # it would lose the keyboard's focus
        playground.train.click()
        release.set()
        assert playground.wait(60)
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
        assert playground.wait(60)
        assert playground.problem.value == "" and len(playground.runs) == 1


class TestMistakes:
    def test_finds_the_pictures_of_a_cell_the_surest_first(self):
        labels, probabilities = confused()
        assert mistakes.pictures_of(labels, probabilities, 0, 2).tolist() == [2, 0, 3]
        assert mistakes.pictures_of(labels, probabilities, 1, 1).tolist() == [4, 5]
        assert mistakes.pictures_of(labels, probabilities, 1, 0).tolist() == []

    def test_each_cell_of_the_matrix_is_a_button(self):
        labels, probabilities = confused()
        explorer = widgets.mistake_explorer(photos(8), labels, probabilities, NAMES)
        assert sum(int(button.description) for button in explorer.cells.values()) == 8
        assert "true cat, predicted dog: 3" in explorer.cells[0, 2].tooltip
        assert explorer.cells[1, 0].disabled and not explorer.cells[0, 2].disabled
        assert explorer.chosen == (0, 2) and len(png_of(explorer.picture)) == 3  # the commonest mistake stands first
        explorer.cells[1, 1].click()
        assert explorer.wait() and explorer.chosen == (1, 1)
        assert "True deer, rightly called deer: 2 pictures" in explorer.words.value
        assert "no. 4<br>deer 100%" in explorer.picture.value
        assert explorer.cells[1, 1].layout.border_top != explorer.cells[0, 2].layout.border_top

    def test_starts_on_the_diagonal_where_nothing_is_wrong(self):
        explorer = widgets.mistake_explorer(photos(2), [0, 1], np.eye(3)[:2], NAMES)
        assert explorer.chosen == (0, 0) and "rightly called cat: 1 picture," in explorer.words.value

    def test_shows_no_more_pictures_than_fit(self):
        explorer = widgets.mistake_explorer(photos(30), np.zeros(30, int), np.tile([0.2, 0.8], (30, 1)), ["a", "b"])
        assert len(png_of(explorer.picture)) == mistakes.SHOWN and "30 pictures" in explorer.words.value

    def test_reads_files_and_says_which_it_cannot_read(self, tmp_path):
        labels, probabilities = confused()
        files = [tmp_path / f"{place}.png" for place in range(8)]
        for file in files:
            Image.new("L", (8, 8)).save(file)
        files[4].write_text("no picture")
        explorer = widgets.mistake_explorer(files, labels, probabilities, NAMES)
        assert len(png_of(explorer.picture)) == 3
        explorer.cells[1, 1].click()
        assert explorer.wait()
        assert "4.png" in explorer.problem.value and explorer.picture.value == ""

    def test_escapes_names(self, small):
        explorer = widgets.mistake_explorer(photos(1), [0], [[0.3, 0.7]], ["<b>x", "y"])
        other = widgets.feature_map_explorer(small, photos(1), ["<b>x"])
        for one in (explorer, other):
            assert "<b>x" not in one.picture.value + one.words.value

    def test_refuses_what_does_not_fit_together(self):
        labels, probabilities = confused()
        with pytest.raises(ValueError, match="7 pictures but 8 labels"):
            widgets.mistake_explorer(photos(7), labels, probabilities, NAMES)
        with pytest.raises(ValueError, match="sum to 1"):
            widgets.mistake_explorer(photos(8), labels, probabilities * 3, NAMES)
        with pytest.raises(ValueError, match="class names"):
            widgets.mistake_explorer(photos(8), labels, probabilities, [*NAMES, "frog"])


class TestRates:
    @pytest.mark.parametrize(
        ("curve", "reading"),
        [
            ([0.6, 0.5, 0.2], "forgot"),
            ([0.3, 0.6, 0.62], "dipped"),
            ([0.62, 0.7, 0.8], "gained"),
            ([0.6, 0.61, 0.62], "no clear change"),
        ],
    )
    def test_reads_a_curve(self, curve, reading):
        assert rates.read({"val_accuracy": curve}, before=0.6, pictures=200) == reading
        assert rates.read({"val_accuracy": curve}) == "unknown"

    def test_interval_is_wilsons(self):
        assert rates.interval(0.5, 100) == pytest.approx((0.4038, 0.5962), abs=1e-3)

    def test_slider_goes_from_the_lowest_rate_to_the_highest(self):
        given = histories(0.6, 0.7, 0.1)
        explorer = widgets.rate_explorer(dict(reversed(given.items())), before=0.6, pictures=200)
        assert [rate for _, rate in explorer.rate.options] == sorted(given)
        seen = set()
        for rate, words in zip(sorted(given), ("No clear change", "gained", "forgot"), strict=True):
            explorer.rate.value = rate
            assert explorer.wait() and words in explorer.words.value
            seen.add(png_of(explorer.picture)[0])
        assert len(seen) == 3

    def test_does_without_the_start_and_the_number_of_pictures(self):
        explorer = widgets.rate_explorer({1e-3: {"accuracy": [0.5], "val_accuracy": [0.4]}})
        assert "40.0%" in explorer.words.value and "Before" not in explorer.words.value

    def test_refuses_curves_that_it_cannot_draw(self):
        with pytest.raises(ValueError, match="no curves"):
            widgets.rate_explorer({})
        with pytest.raises(ValueError, match="validation_data"):
            widgets.rate_explorer({1e-3: {"accuracy": [0.5]}})
        with pytest.raises(ValueError, match="learning rate"):
            widgets.rate_explorer({"1e-3": {"accuracy": [0.5], "val_accuracy": [0.5]}})


class TestStoredRates:
    def test_are_whole_and_say_what_they_were_measured_on(self):
        results = widgets.stored_rates()
        assert tuple(results["histories"]) == measure_rates.RATES and results["settings"] == measure_rates.SETTINGS
        assert results["validation_pictures"] == 200 and {"system", "cores", "keras"} <= results["machine"].keys()
        for history in results["histories"].values():
            assert {len(values) for values in history.values()} == {results["settings"]["epochs"]}
            for value in history["val_accuracy"]:  # a share of 200 pictures
                assert value * 200 == pytest.approx(round(value * 200), abs=0.02)

    def test_show_what_the_course_says_of_rates(self):
        results = widgets.stored_rates()
        readings = {
            rate: rates.read(history, results["before"], results["validation_pictures"])
            for rate, history in results["histories"].items()
        }
        assert "gained" not in readings.values()  # from a head with a fair start
        assert readings[1e-6] == readings[1e-5] == "no clear change"
        assert readings[1e-3] == readings[1e-2] == "forgot"

    def test_a_damaged_file_is_named(self, tmp_path):
        for text in ("", "{}", '{"histories": {"high": {}}}'):
            (tmp_path / "curves.json").write_text(text)
            with pytest.raises(storage.StorageError, match="curves.json"):
                rate_curves.stored(tmp_path / "curves.json")

    def test_can_be_measured_again(self):
        lines = []
        before, pictures, found = measure_rates.measure(
            rates=(1e-4,), per_class=2, image_size=32, head_epochs=1, epochs=1, report=lines.append
        )
        assert 0 <= before <= 1 and pictures == 200 and list(found) == [1e-4] and len(lines) == 1
        assert set(found[1e-4]) == {"loss", "accuracy", "val_loss", "val_accuracy"}
