"""What all explorers have in common: they answer for the latest setting, in words and in pictures with descriptions."""

import functools
import math
import re
import threading

import ipywidgets
import keras
import matplotlib.pyplot as plt
import numpy as np
import pytest

from helpers.course import widgets
from helpers.course.widgets import frame

NAMES = ("cat", "deer", "dog")


@functools.cache
def vgg16_base():
    """VGG16 at 96 pixels, its weights random."""
    return keras.applications.VGG16(weights=None, include_top=False, input_shape=(96, 96, 3))


@functools.cache
def small_base():
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
        10.0 ** -(5 - index): {"accuracy": [0.9] * epochs, "val_accuracy": [0.6] * (epochs - 1) + [value]}
        for index, value in enumerate(last)
    }


def png_of(picture):
    return re.findall(r'src="([^"]*)"', picture.value)


@pytest.fixture(scope="module")
def all_explorers():
    base = vgg16_base()
    small = small_base()
    labels, probabilities = confused()
    playground = widgets.training_playground(clusters(60), clusters(30, seed=1))
    playground.train.click()
    assert playground.wait()
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
            assert release.wait(60)

        latest = frame.LatestOnly(work, pytest.fail)
        latest.ask(0)
        assert begun.wait(60)
        for request in range(1, 100):  # `ask` returns although the work is held up
            latest.ask(request)
        assert not latest.wait(0)
        release.set()
        assert latest.wait()
        assert seen == [0, 99]

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
            assert seen[-1] == 19 and seen == sorted(set(seen))


class Roots(frame.Explorer):
    """Fails below zero; counts its answers."""

    def __init__(self, hold=None):
        self.asked, self.hold, self.begun = [], hold, threading.Event()
        slider = ipywidgets.IntSlider(4, min=-5, max=100, description="Number")
        super().__init__("Roots", "Go below zero.", {"number": slider})

    def answer(self, number):
        self.asked.append(number)
        if self.hold and len(self.asked) > 1:
            self.begun.set()
            assert self.hold.wait(60)
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
        assert roots.begun.wait(60)
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
