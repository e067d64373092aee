"""The explorer of fine-tuning curves: one learning rate at a time against all the others."""

import ipywidgets
import numpy as np
from matplotlib.figure import Figure

from helpers import plots
from helpers.course.widgets import frame
from helpers.measuring import evaluation


def read(history, before=None, pictures=None):
    """Return what a fine-tuning run did to the validation accuracy, a key of `READINGS`.

    Fell: it ends below the 95 % interval of `before` for so many pictures; diverged: so did the training loss end no
    better than guessing among five classes does. Dipped: it was below after the first epoch, but not at the end.
    Unknown: `before` was not given.
    """
    if before is None:
        return "unknown"
    low, high = interval(before, pictures) if pictures else (before, before)
    accuracies = history["val_accuracy"]
    if accuracies[-1] < low:
        return "diverged" if history.get("loss", (0,))[-1] > GUESSING else "fell"
    if accuracies[0] < low:
        return "dipped"
    return "gained" if accuracies[-1] > high else "no clear change"


READINGS = frame.say.get("rates.readings")
GUESSING = 0.95 * np.log(5)  # the loss of a model that knows nothing, nearly


def interval(accuracy, pictures):
    """Return the 95 % interval of an accuracy that was measured on so many pictures."""
    return evaluation.wilson(round(accuracy * pictures), pictures)


class RateExplorer(frame.Explorer):
    """Compare fine-tuning runs that differ only in the learning rate.

    Control: ``rate``, the lowest first. `histories` is a dict: learning rate to `History.history` with ``accuracy`` and
    ``val_accuracy``, from runs of your own or from `stored_rates`. `before` is the validation accuracy from which every
    run started, `pictures` the number of validation pictures, for the interval; both may be left out. Raises
    `ValueError` when there is no curve, or one that lacks an accuracy.
    """

    def __init__(self, histories, before=None, pictures=None):
        if not histories:
            raise ValueError("There are no curves: give a dict of learning rate to History.history.")
        for rate, history in histories.items():
            lengths = {len(history.get(name, ())) for name in ("accuracy", "val_accuracy")}
            if isinstance(rate, str) or lengths & {0} or len(lengths) > 1:
                raise ValueError(
                    f"The entry {rate!r}: expected a learning rate (a number) and a history with 'accuracy' and "
                    "'val_accuracy', equally long. Fit with metrics=['accuracy'] and validation_data."
                )
        self.histories = {float(rate): histories[rate] for rate in sorted(histories)}
        self.before, self.pictures = before, pictures
        options = [(f"{rate:g}", rate) for rate in self.histories]
        middle = options[len(options) // 2][1]
        super().__init__("rates", {"rate": ipywidgets.SelectionSlider(options=options, value=middle)})

    def answer(self, rate):
        """Return the curves with one rate in front, and what that rate did."""
        history = self.histories[rate]
        accuracies = history["val_accuracy"]
        last = accuracies[-1]
        text = frame.say("rates.validation", rate=rate, first=accuracies[0], last=last)
        if self.pictures:
            low, high = interval(last, self.pictures)
            text += frame.say("rates.interval", low=low, high=high, pictures=self.pictures)
        text += frame.say("rates.training", accuracy=history["accuracy"][-1])
        text += frame.say("rates.loss", loss=history["loss"][-1]) if "loss" in history else "."
        if self.before is not None:
            reading = READINGS[read(history, self.before, self.pictures)]
            text += frame.say("rates.before", accuracy=self.before, reading=reading)
        return frame.figure_html(self._draw(rate), text), frame.plain_html(text)

    def _draw(self, rate):
        figure = Figure(figsize=(6.4, 3.6), layout="none")
        axes = figure.add_axes((0.1, 0.22, 0.87, 0.69))
        labels, others = frame.say.get("rates.figure"), {"color": plots.GREY, "linewidth": 0.8, "zorder": 1}
        for other, history in self.histories.items():
            if other != rate:
                axes.plot(*self._path(history["val_accuracy"]), **others)
        history = self.histories[rate]
        epochs, accuracies = self._path(history["val_accuracy"])
        last = epochs[-1]
        axes.plot(range(1, last + 1), history["accuracy"], **plots.TRAINING)
        axes.plot(epochs, accuracies, markersize=4, zorder=3, **plots.VALIDATION)
        if self.pictures:
            ends = plots.reach(accuracies[-1], *interval(accuracies[-1], self.pictures))
            axes.errorbar(last, accuracies[-1], yerr=ends, color=plots.ORANGE, capsize=4, label=labels["interval"])
        if self.before is not None:
            axes.axhline(self.before, color="black", linewidth=0.9, linestyle=":", label=labels["before"])
        axes.plot([], [], label=labels["others"], **others)
        axes.set(ylim=(0, 1.02), xlim=(-0.2, last + 0.3), xlabel=labels["epoch"], ylabel=labels["accuracy"])
        axes.set_xticks(range(last + 1) if last <= 12 else np.linspace(0, last, 6).round())
        axes.set_title(frame.say("rates.title_of", rate=rate), loc="left", fontsize=11)
        figure.legend(fontsize=8, frameon=False, loc="lower center", ncols=5, columnspacing=1.2)
        return figure

    def _path(self, accuracies):
        """Return epochs and accuracies, beginning before fine-tuning where that is known."""
        if self.before is None:
            return list(range(1, len(accuracies) + 1)), list(accuracies)
        return list(range(len(accuracies) + 1)), [self.before, *accuracies]
