"""What a diagnosis is made of: findings, as a table or as text; names and fixed texts are in the TOML file beside."""

import functools
import html
import textwrap
import tomllib
from dataclasses import dataclass
from pathlib import Path

# From the gravest on, with a mark.
MARKS = {"error": "✗", "warning": "!", "cannot judge": "?"}
WIDTH = 100  # characters in a line of text

TEXTS = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
NAMES = {name: texts["what"] for name, texts in TEXTS.items()}


@dataclass(frozen=True)
class Finding:
    """One thing that the doctor saw."""

    name: str  # a key of `NAMES`
    severity: str  # "error", "warning", or "cannot judge": no alarm, but what could not be checked, and why
    observed: str  # what was seen, with the number
    why: str  # it matters
    mend: str  # the line of code, or the step, that fixes it

    @property
    def alarm(self):
        """Whether something is wrong: an error or a warning."""
        return self.severity != "cannot judge"

    def __str__(self):
        head = f"{MARKS[self.severity]} {self.name} ({self.severity}): {self.observed}"
        rows = [(head, "", "  "), (self.why, "  Why:  ", "        "), (self.mend, "  Fix:  ", "        ")]
        return "\n".join(
            textwrap.fill(text, WIDTH, initial_indent=first, subsequent_indent=rest, break_long_words=False)
            for text, first, rest in rows
            if text
        )


def _alarm(severity, name, observed, variant="", **given):
    """Return an alarm; `why` and `mend` are those of the file (for a variant: ``why-variant``), unless given here."""
    known = TEXTS[name]
    texts = {kind: known.get(f"{kind}-{variant}", known.get(kind)) for kind in ("why", "mend")}
    return Finding(name=name, severity=severity, observed=observed, **(texts | given))


error = functools.partial(_alarm, "error")
warning = functools.partial(_alarm, "warning")


def unjudged(name, reason, mend=""):
    """Return the entry that says what could not be judged, and why."""
    return Finding(name=name, severity="cannot judge", observed=reason, why="", mend=mend)


class Diagnosis(list):
    """A list of findings, the most severe first; a table in a notebook, text elsewhere."""

    def __init__(self, findings=()):
        super().__init__(sorted(findings, key=lambda finding: list(MARKS).index(finding.severity)))

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
        errors, warnings, not_judged = (sum(each.severity == kind for each in self) for kind in MARKS)
        counts = f"{errors} error{'s' * (errors != 1)}, {warnings} warning{'s' * (warnings != 1)}"
        rest = f"; {not_judged} that the doctor cannot judge" if not_judged else ""
        return f"{counts if self.alarms else 'Nothing found'}{rest}."

    def __repr__(self):
        return "\n".join([self.headline, *map(str, self)])

    def _repr_html_(self):
        """Return the findings as an HTML table."""
        headline, words = f"<b>{html.escape(self.headline)}</b>", ("finding", "seen", "why", "fix")
        if not self:
            return f"<p>{headline}</p>"
        head = "".join(f'<th scope="col" style="text-align:left">{word}</th>' for word in words)
        caption = f'<caption style="text-align:left">{headline}</caption>'
        return f"<table>{caption}<thead><tr>{head}</tr></thead><tbody>{''.join(map(_row, self))}</tbody></table>"


def _row(finding):
    first = f"<b>{MARKS[finding.severity]} {finding.name}</b><br>{finding.severity}"
    cells = map(html.escape, (finding.observed, finding.why, finding.mend))
    style = "text-align:left;vertical-align:top;white-space:pre-wrap;overflow-wrap:anywhere"
    others = "".join(f'<td style="{style}">{cell}</td>' for cell in cells)
    return f'<tr><th scope="row" style="{style};font-weight:inherit">{first}</th>{others}</tr>'
