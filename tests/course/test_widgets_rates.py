"""The explorer of fine-tuning curves reads them correctly, and the stored ones are whole."""

import pytest
from test_widgets import histories, png_of

from helpers import storage
from helpers.course import widgets
from helpers.course.widgets import rates
from helpers.measuring import rate_curves
from tools import measure_rates


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
        curves = histories(0.6, 0.7, 0.1)
        explorer = widgets.rate_explorer(dict(reversed(curves.items())), before=0.6, pictures=200)
        assert [rate for _, rate in explorer.rate.options] == sorted(curves)
        seen = set()
        for rate, words in zip(sorted(curves), ("No clear change", "gained", "forgot"), strict=True):
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
        before, pictures, curves = measure_rates.measure(
            rates=(1e-4,), per_class=2, image_size=32, head_epochs=1, epochs=1, report=lines.append
        )
        assert 0 <= before <= 1 and pictures == 200 and list(curves) == [1e-4] and len(lines) == 1
        assert set(curves[1e-4]) == {"loss", "accuracy", "val_loss", "val_accuracy"}
