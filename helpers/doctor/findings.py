"""What a diagnosis is made of: findings with fixed names, drawn as a table or as text."""

import html
import textwrap
from dataclasses import dataclass

SEVERITIES = ("error", "warning", "cannot judge")
MARKS = {"error": "✗", "warning": "!", "cannot judge": "?"}
# The colours of helpers.plots; the marks carry the same message without colour.
COLOURS = {"error": "#D55E00", "warning": "#0072B2", "cannot judge": "#6B6B6B"}
WIDTH = 100  # characters in a line of text

NAMES = {
    # what the base gets
    "inputs-do-not-fit": "the model cannot be called on the data: another shape, or not in batches",
    "pixels-range": "the base gets pixels in another range than its weights were trained on",
    "channel-order": "red and blue are swapped",
    "preprocessed-twice": "the pixels were prepared twice",
    "splits-prepared-differently": "training and another split were prepared in different ways",
    # what trains
    "stale-compile": "what trains is not what the flags say: `trainable` was changed after compile and a fit",
    "frozen-base-moves": "a base that was meant to be frozen trains",
    "unfrozen-base-still": "what was meant to train does not move",
    "batchnorm-moves": "statistics of BatchNormalization move under weights that were meant to stay",
    "rate-undoes-pretraining": "the learning rate is so high that a few steps undo the pre-trained weights",
    "optimizer-not-rebuilt": "the optimizer was built for other variables than those that are to train",
    # how the model ends
    "loss-expects-probabilities": "the model gives logits, the loss expects probabilities",
    "loss-expects-logits": "the model gives probabilities, the loss expects logits",
    "activation-loss-mismatch": "last activation and loss do not belong together",
    "labels-do-not-fit": "the labels do not fit the loss, or the number of output units",
    "units-exceed-classes": "there are far more output units than classes: an old top is still on",
    "one-unit-many-classes": "one output unit for more than two classes",
    "dense-without-activation": "stacked Dense layers with no activation between them",
    # the data
    "same-picture-in-two-splits": "one picture, or nearly the same, is in two splits",
    "reshuffles": "the data set comes in another order on every pass: predictions and labels do not line up",
    "classes-unequal": "the classes are so unequal that accuracy misleads",
    "sorted-by-class": "training batches hold one class each",
    "augmentation-in-evaluation": "pictures are altered at random where they should be judged as they are",
    "augmentation-cached": "random alterations are stored, or repeat themselves: every epoch sees the same ones",
    # the file
    "does-not-reload": "a saved copy cannot be loaded in safe mode",
    "reload-differs": "a saved copy loads, and gives other outputs",
    # the doctor itself
    "check-failed": "a check could not be run",
}


@dataclass(frozen=True)
class Finding:
    """One thing that the doctor saw.

    Attributes
    ----------
    name : str
        A key of `NAMES`.
    severity : {"error", "warning", "cannot judge"}
        "cannot judge" is no alarm: it says what could not be checked, and why.
    observed : str
        What was seen, with the number.
    why : str
        Why it matters.
    mend : str
        The line of code, or the step, that mends it.
    """

    name: str
    severity: str
    observed: str
    why: str
    mend: str

    def __post_init__(self):
        if self.name not in NAMES:
            raise ValueError(f"name={self.name!r}: expected a key of NAMES, one of {', '.join(NAMES)}.")
        if self.severity not in SEVERITIES:
            raise ValueError(f"severity={self.severity!r}: expected one of {', '.join(SEVERITIES)}.")

    @property
    def alarm(self):
        """Whether something is wrong: an error or a warning."""
        return self.severity != "cannot judge"

    def __str__(self):
        head = f"{MARKS[self.severity]} {self.name} ({self.severity}): {self.observed}"
        rows = [(head, "", "  "), (self.why, "  Why:  ", "        "), (self.mend, "  Mend: ", "        ")]
        return "\n".join(
            textwrap.fill(text, WIDTH, initial_indent=first, subsequent_indent=rest, break_long_words=False)
            for text, first, rest in rows
            if text
        )


def error(name, observed, *, why, mend):
    """Return a finding of the severity "error"."""
    return Finding(name=name, severity="error", observed=observed, why=why, mend=mend)


def warning(name, observed, *, why, mend):
    """Return a finding of the severity "warning"."""
    return Finding(name=name, severity="warning", observed=observed, why=why, mend=mend)


def unjudged(name, reason, mend=""):
    """Return the entry that says what could not be judged, and why."""
    return Finding(name=name, severity="cannot judge", observed=reason, why="", mend=mend)


class Diagnosis(list):
    """A list of findings, the most severe first; a table in a notebook, text elsewhere."""

    def __init__(self, findings=()):
        super().__init__(sorted(findings, key=lambda finding: SEVERITIES.index(finding.severity)))

    @property
    def alarms(self):
        """The findings that are errors or warnings, as a list."""
        return [finding for finding in self if finding.alarm]

    @property
    def names(self):
        """The names of the alarms, each once, the most severe first."""
        return list(dict.fromkeys(finding.name for finding in self.alarms))

    @property
    def not_judged(self):
        """The names of what could not be judged, each once."""
        return list(dict.fromkeys(finding.name for finding in self if not finding.alarm))

    @property
    def headline(self):
        """One sentence: how many alarms there are."""
        errors = sum(finding.severity == "error" for finding in self)
        warnings, not_judged = len(self.alarms) - errors, len(self) - len(self.alarms)
        counts = f"{_counted(errors, 'error')}, {_counted(warnings, 'warning')}" if self.alarms else "Nothing found"
        rest = f"; {not_judged} that the doctor cannot judge" if not_judged else ""
        return f"{counts}{rest}."

    def __repr__(self):
        return "\n".join([self.headline, *map(str, self)])

    __str__ = __repr__

    def _repr_html_(self):
        """Return the findings as an HTML table; marks and words carry what the colours say."""
        table = ""
        if self:
            rows = "".join(_row(finding) for finding in self)
            head = "".join(
                f'<th scope="col" style="text-align:left;width:{width}%">{word}</th>'
                for word, width in (("finding", 17), ("seen", 30), ("why", 28), ("mend", 25))
            )
            head, rows = f"<thead><tr>{head}</tr></thead>", f"<tbody>{rows}</tbody>"
            table = f"<table style='width:100%;table-layout:fixed'>{head}{rows}</table>"
        return f"<div><p><b>{html.escape(self.headline)}</b></p>{table}</div>"


def _counted(number, word):
    return f"{number} {word}{'' if number == 1 else 's'}"


def _row(finding):
    colour, mark = COLOURS[finding.severity], MARKS[finding.severity]
    first = f'<span style="color:{colour}"><b>{mark} {finding.name}</b></span><br>{finding.severity}'
    mend = f'<code style="white-space:pre-wrap">{html.escape(finding.mend)}</code>' if finding.mend else ""
    cells = [first, html.escape(finding.observed), html.escape(finding.why), mend]
    style = "text-align:left;vertical-align:top;white-space:normal;overflow-wrap:anywhere"
    return "<tr>" + "".join(f'<td style="{style}">{cell}</td>' for cell in cells) + "</tr>"
