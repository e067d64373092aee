"""The feature-map explorer shows what the model gives, and runs it once a picture."""

import re

import keras
import numpy as np
import pytest
from test_widgets import photos, small_base

from helpers.course import widgets
from helpers.course.widgets import maps


def counting(runs):
    """VGG16's preprocessing, which notes each of its runs."""

    def preprocess(pixels):
        runs.append(len(pixels))
        return keras.applications.vgg16.preprocess_input(pixels)

    return preprocess


class TestFeatureMaps:
    def test_orders_maps_by_their_mean(self):
        stack = np.zeros((2, 2, 4), dtype="float32")
        stack[..., 1], stack[0, 0, 3] = 5, 8
        active = maps.most_active(stack, count=3)
        assert active.channels == (1, 3, 0) and active.means == (5, 2, 0)
        assert active.silent == 2 and active.total == 4 and active.maps.shape == (3, 2, 2)
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

    def test_shows_what_the_model_gives_and_runs_it_once_a_picture(self):
        small = small_base()
        pictures, runs = photos(2), []
        kept = pictures.copy()
        explorer = widgets.feature_map_explorer(small, pictures, ["one", "two"], counting(runs))
        assert explorer.layer.options == ("block1_conv1", "block1_pool") and len(runs) == 1
        for name, layer in [("two", "block1_pool"), ("one", "block1_conv1"), ("two", "block1_conv1")]:
            explorer.which.value, explorer.layer.value = name, layer
            assert explorer.wait() and not explorer.problem.value
        assert len(runs) == 2
        np.testing.assert_array_equal(pictures, kept)
        prepared = keras.applications.vgg16.preprocess_input(pictures[1:].copy())
        expected = maps.most_active(np.asarray(small.layers[1](prepared))[0])
        shown = re.findall(r"channel (\d+)<br>", explorer.picture.value)
        assert tuple(map(int, shown)) == expected.channels
        assert "The input: two." in explorer.picture.value and f"{expected.silent} of the 8" in explorer.words.value

    def test_computes_nothing_again_for_a_layer_that_was_seen(self):
        small = small_base()
        runs = []
        explorer = widgets.feature_map_explorer(small, photos(1), preprocess=counting(runs))
        for layer in ("block1_pool", "block1_conv1", "block1_pool"):
            explorer.layer.value = layer
            assert explorer.wait()
        assert len(runs) == 1

    def test_shows_what_goes_wrong_while_the_model_runs(self):
        small = small_base()

        def broken(pixels):
            raise RuntimeError("no memory")

        explorer = widgets.feature_map_explorer(small, photos(1), preprocess=broken)
        assert "no memory" in explorer.problem.value

    def test_refuses_pictures_that_do_not_fit(self):
        small = small_base()
        with pytest.raises(ValueError, match="takes pictures of"):
            widgets.feature_map_explorer(small, photos(1, side=48))
        with pytest.raises(ValueError, match="one for each"):
            widgets.feature_map_explorer(small, photos(2), ["same", "same"])
        with pytest.raises(ValueError, match="four axes"):
            widgets.feature_map_explorer(small, photos(1)[0])
