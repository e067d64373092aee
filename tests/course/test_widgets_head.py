"""The head designer counts the head that its code makes, and warns where the pictures are too few for it."""

import keras
import numpy as np
import pytest
from test_widgets import vgg16_base

from helpers.course import widgets
from helpers.course.widgets import head


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
            assert (total >= head.supported(40, 5)) == by_heart

    def test_warns_where_the_head_outgrows_the_pictures(self):
        base = vgg16_base()
        designer = widgets.head_designer(base, pictures=1000)
        assert "can support it" in designer.words.value and "2,565" in designer.words.value
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

    def test_refuses_what_is_no_head(self):
        base = vgg16_base()
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
