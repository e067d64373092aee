"""Sizes and pictures that a network cannot take are named, with what would do."""

import numpy as np
import pytest

from helpers.network import inspection


class TestChecks:
    @pytest.mark.parametrize(
        ("image_size", "size"), [(32, (32, 32)), ((96, 224), (96, 224)), ([64, 32], (64, 32)), (np.int64(96), (96, 96))]
    )
    def test_sizes_that_fit_become_height_and_width(self, image_size, size):
        assert inspection.check_image_size(image_size) == size

    @pytest.mark.parametrize(
        "image_size", [31, True, "big", "96", (96,), (), (96, 31), (96, "big"), (96, 96, 3), 96.5, None, float("nan")]
    )
    def test_sizes_that_do_not_are_named_with_what_would(self, image_size):
        with pytest.raises(ValueError, match=r"image_size=.*at least 32 pixels.*Take 96"):
            inspection.check_image_size(image_size)

    def test_a_batch_of_colour_pictures_passes(self):
        inspection.check_pixels(np.zeros((2, 32, 40, 3)))
        inspection.check_pixels(np.zeros((2, 32, 40, 3)).tolist())

    @pytest.mark.parametrize(
        ("shape", "remedy"),
        [
            ((32, 32, 3), r"expected four axes .*picture\[None\]"),
            ((2, 3072), "expected four axes"),
            ((2, 32, 32, 1), "1 channels: expected 3.*Repeat a grey channel"),
            ((2, 32, 32, 4), r"4 channels: expected 3.*pictures\[..., :3\]"),
            ((2, 3, 32, 32), "32 channels: expected 3.*channels last"),
        ],
    )
    def test_other_shapes_are_named_with_a_remedy(self, shape, remedy):
        with pytest.raises(ValueError, match=remedy):
            inspection.check_pixels(np.zeros(shape))
