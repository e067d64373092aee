"""The training playground: train a head with your own settings and compare the runs side by side."""

import functools
import math

import ipywidgets
import numpy as np
from matplotlib.figure import Figure

from helpers import plots
from helpers.course.widgets import frame, training
from helpers.measuring import evaluation

MOST_EPOCHS = 30
RUNS_SHOWN = 4
LOWEST, HIGHEST = 1e-2, 1e4  # of the loss axis, the same for every run
say = frame.say
READINGS, VERDICTS = say.get("playground.readings"), say.get("playground.verdicts")


class TrainingPlayground(frame.Explorer):
    """Train a head on cached features, with settings of your own, as often as you like.

    A run uses Keras, takes at most two seconds, and stays on the screen beside the last ones. It changes no model and
    no random generator of yours.

    Controls: ``optimizer``, ``learning_rate``, ``epochs``, ``head``, the button ``train``. ``runs`` holds every run.
    `train` and `validation` are pairs: pooled features of a frozen trunk (n, d), one row a picture, and labels from 0
    (n,). Raises `ValueError` when these do not go together, or are not pooled.
    """

    def __init__(self, train, validation):
        self.trainer, self.runs, self._panels = training.Trainer(train, validation), [], []
        self.train, self.running = ipywidgets.Button(), False
        self.progress = ipywidgets.IntProgress(
            0, 0, MOST_EPOCHS, description=say("playground.progress"), layout={"width": "22em"}
        )
        self.progress.style.description_width = "6.5em"
        self._show_running(False)
        self.train.on_click(self._clicked)
        rates = {"min": -6, "max": 2, "step": 0.5, "readout_format": ".1e"}
        super().__init__(
            "playground",
            {
                "optimizer": ipywidgets.Dropdown(options=list(training.OPTIMIZERS)),
                "learning_rate": ipywidgets.FloatLogSlider(1e-3, **rates),
                "epochs": ipywidgets.IntSlider(10, min=1, max=MOST_EPOCHS),
                "head": ipywidgets.ToggleButtons(options=[training.LINEAR, training.HIDDEN]),
            },
            below=[ipywidgets.HBox([self.train, self.progress])],
            remember=False,
        )

    def start(self):
        """Say what a click will do: nothing is trained before it."""
        pictures = len(self.trainer.training[1])
        size = training.batch_size(pictures)
        self.words.value = frame.plain_html(say("playground.no_run", pictures=pictures, size=size))

    def answer(self, **settings):
        """Train for real, and return the panels of the last runs and their table."""
        self.progress.max, self.progress.value = settings["epochs"], 0
        run = self.trainer.run(**settings, report=functools.partial(setattr, self.progress, "value"))
        self.runs.append(run)
        self._panels = [*self._panels, self._panel(run, len(self.runs))][-RUNS_SHOWN:]
        recent = list(enumerate(self.runs, start=1))[-RUNS_SHOWN:]
        rows = [self._row(*numbered) for numbered in reversed(recent)]
        table = frame.table_html(say.get("playground.head"), rows, say("playground.caption"))
        return frame.row_html(self._panels), frame.words_html(table, frame.WIDE)

    def _clicked(self, button):
        if not self.running:
            self._show_running(True)
            self.ask()

    def _show_running(self, running):
        self.running = running
        # Not `disabled`: browsers take the keyboard's focus away from a disabled button.
        self.train.description = say("playground.trains" if running else "playground.train")
        self.train.button_style = "" if running else "primary"

    def _respond(self, settings):
        try:
            super()._respond(settings)
        finally:
            self._show_running(False)

    def _row(self, number, run):
        _, low, high = evaluation.accuracy(self.trainer.validation[1], np.nan_to_num(run.logits))
        epochs = (
            str(run.done) if run.done == run.epochs else say("playground.stopped", done=run.done, epochs=run.epochs)
        )
        accuracy = say("playground.accuracy", accuracy=run.history["val_accuracy"][-1], low=low, high=high)
        if not np.isfinite(run.logits).all():
            accuracy = say("playground.no_numbers")
        reading, best = READINGS[run.verdict], training.best_epoch(run.history)
        if run.verdict == "learned" and best < run.done:
            reading += say("playground.by_heart", epoch=best)
        return f"{number}", _title(run), epochs, f"{run.history['accuracy'][-1]:.1%}", accuracy, reading

    def _panel(self, run, number):
        losses, accuracies = run.history["loss"], run.history["val_accuracy"]
        texts = {"title": _title(run), "reading": READINGS[run.verdict], "number": number, "epochs": run.done}
        alt = say("playground.alt", loss=(losses[0], losses[-1]), accuracy=(accuracies[0], accuracies[-1]), **texts)
        return frame.figure_html(_draw(run, number, self.trainer.classes), alt)


def _title(run, separator=", "):
    rate = say("playground.rate", rate=run.learning_rate)
    return f"{run.optimizer}, {rate}{separator}{run.head}"


def _draw(run, number, classes):
    figure = Figure(figsize=(2.6, 4.1), layout="none")
    upper, lower = figure.add_axes((0.2, 0.51, 0.77, 0.31)), figure.add_axes((0.2, 0.16, 0.77, 0.28))
    upper.set_yscale("log")
    upper.set_yticks([0.01, 1, 100, 10_000], ["0.01", "1", "100", "10,000"])
    upper.minorticks_off()
    epochs = range(run.done + 1)
    for axes, metric, guess in ((upper, "loss", math.log(classes)), (lower, "accuracy", 1 / classes)):
        floor = LOWEST if metric == "loss" else 0
        for name, style in ((metric, plots.TRAINING), (f"val_{metric}", plots.VALIDATION)):
            axes.plot(epochs, np.clip(run.history[name], floor, HIGHEST), markersize=2.5, **style)
        axes.axhline(guess, color=plots.GREY, linewidth=0.8, linestyle=":", label=say("playground.guessing"))
        axes.set_title(say(f"playground.metrics.{metric}"), fontsize=8, loc="left", pad=3)
        axes.tick_params(labelsize=7)
        axes.set_xlim(0, run.done)
        axes.xaxis.get_major_locator().set_params(integer=True)
    upper.set(ylim=(LOWEST, HIGHEST), xticklabels=[])
    lower.set_ylim(0, 1)
    lower.set_xlabel(say("playground.epoch"), fontsize=8, labelpad=1)
    figure.legend(*lower.get_legend_handles_labels(), loc="lower center", ncols=3, fontsize=6.5, frameon=False)
    if not np.isfinite(run.history["loss"]).all():
        upper.text(0.5, 0.5, say("playground.not_a_number"), transform=upper.transAxes, ha="center", fontsize=8)
    style = {"fontweight": "bold", "color": plots.ORANGE_TEXT} if run.verdict in ("diverged", "collapsed") else {}
    figure.text(
        0.03, 0.99, say("playground.run", number=number, verdict=VERDICTS[run.verdict]), va="top", fontsize=10, **style
    )
    figure.text(0.03, 0.93, _title(run, "\n"), va="top", fontsize=8, linespacing=1.25)
    return figure
