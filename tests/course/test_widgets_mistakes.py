"""The mistake explorer shows the pictures of each cell of the confusion matrix."""

import numpy as np
import pytest
from PIL import Image
from test_widgets import NAMES, confused, photos, png_of, small_base

from helpers.course import widgets
from helpers.course.widgets import mistakes


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
        files = [tmp_path / f"{index}.png" for index in range(8)]
        for file in files:
            Image.new("L", (8, 8)).save(file)
        files[4].write_text("no picture")
        explorer = widgets.mistake_explorer(files, labels, probabilities, NAMES)
        assert len(png_of(explorer.picture)) == 3
        explorer.cells[1, 1].click()
        assert explorer.wait()
        assert "4.png" in explorer.problem.value and explorer.picture.value == ""

    def test_escapes_names(self):
        small = small_base()
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
