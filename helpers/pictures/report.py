"""What was found in a folder of pictures: every finding in a table, and a summary that shows first what matters."""

import html
import re
import tomllib
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from helpers.pictures import naming

FINDINGS = tomllib.loads(Path(__file__).with_name("findings.toml").read_text(encoding="utf-8"))
FIRST, ASK, OUT, KEPT, FIXED = range(5)  # in the way of training; for a person; left out; kept as it is; fixed
RANKS = {"first": FIRST, "ask": ASK, "out": OUT, "kept": KEPT}
MOST_ROWS = 3  # of one kind, in the summary
COLUMNS = ("file", "found", "done")


class Row(NamedTuple):
    """A finding: what it concerns, what was found, what was done or is to do, its kind and its rank."""

    file: str
    found: str
    done: str
    kind: str
    rank: int

    @property
    def impossible(self):
        """Whether no model can be trained on the folder as it is."""
        return self.rank == FIRST


def row(kind, about, table="", **values):
    """Return the row of a finding of ``findings.toml``, as it is put for a `table` of labels where one is named."""
    finding = {**FINDINGS[kind], **(FINDINGS[kind].get("table", {}) if table else {})}
    return Row(about, finding["found"].format(**values), finding["done"].format(**values), kind, RANKS[finding["rank"]])


def of_file(name, found, done):
    """Return the row of what opening a file told; those of one kind differ by numbers and what is in brackets."""
    kind = re.sub(r"\([^)]*\)|[\d.,]+", "#", f"{found}; {done}")
    rank = OUT if done in ("left out", "refused") else KEPT if done.startswith("kept") else FIXED
    return Row(name, found, done, kind, rank)


@dataclass(frozen=True, eq=False)
class Report:
    """What `helpers.pictures.examine` found in a folder, and what becomes of it. Shows itself as a summary.

    ``table`` has a row for each finding, what matters most first: ``file`` (within the folder; a class, or "(all)", for
    what concerns more than a file), ``found`` (what it is), ``done`` (what was done about it, or what there is to do).
    """

    folder: Path
    rows: tuple  # of `Row`
    splits: dict  # split → class → paths of pictures that can be used, each once; one split "" for a folder without
    bad: dict  # path of a file that cannot be used → why
    copies: dict  # path of a picture that is left out → path of the same one, which is kept
    beside: list = field(default_factory=list)  # paths of pictures that are in no class
    series: dict = field(default_factory=dict)  # path of a picture → number of its series; only where it has one
    dealt: dict = field(default_factory=dict)  # split → class → paths, as `images.load` takes them; {} if it cannot

    @property
    def table(self):
        """Return all findings: a pandas.DataFrame with the columns file, found, done."""
        return pd.DataFrame([one[:3] for one in self.rows], columns=COLUMNS)

    @property
    def obstacles(self):
        """What makes training impossible as the folder is: tuple of str."""
        return obstacles(self.rows)

    @property
    def good(self):
        """Class name to the pictures of all splits that can be used: dict of str to list of pathlib.Path."""
        good = defaultdict(list)
        for classes in self.splits.values():
            for name, paths in classes.items():
                good[name] += paths
        return dict(good)

    @property
    def counts(self):
        """Pictures of each class that can be used: dict of str to int."""
        return {name: len(paths) for name, paths in self.good.items()}

    @property
    def usable(self):
        """Whether a model can be trained on the folder as it is."""
        return not self.obstacles

    def summary(self):
        """Return in a few lines what was found and what to do next."""
        classes = ", ".join(f"{naming.shown(name)} {number}" for name, number in self.counts.items()) or "none"
        left_out = [f"{len(self.bad)} that cannot be used"] if self.bad else []
        left_out += [copies_in_words(self)] if self.copies else []
        left_out += [f"{naming.counted(len(self.beside))} in no class"] if self.beside else []
        lines = [
            f"Pictures that can be used: {sum(self.counts.values())} ({classes}).",
            f"Files left out: {', '.join(left_out) or 'none'}.",
            *(f"Obstacle: {obstacle}." for obstacle in self.obstacles),
        ]
        if self.obstacles:
            lines.append("Next: remove what is in the way, then examine the folder again.")
        elif self.bad:
            lines.append("Next: look at what is left out, then load the rest with images.load(folder, on_bad='skip').")
        else:
            lines.append("Next: images.load(folder).")
        return "\n".join(lines)

    def short_table(self):
        """Return the findings, those of one kind as one row where they are more than three."""
        kinds, rows = defaultdict(list), []
        for one in self.rows:
            kinds[one.rank, one.kind].append(one)
        for (_, kind), alike in kinds.items():
            rows += [one[:3] for one in alike] if len(alike) <= MOST_ROWS else [_summed(kind, alike)]
        return pd.DataFrame(rows, columns=COLUMNS)

    def _more(self, short):
        return "" if len(short) == len(self.rows) else f"Every file by its name: report.table, {len(self.rows)} rows."

    def __repr__(self):
        short = self.short_table()
        table = short.to_string(index=False, justify="left") if len(short) else "Nothing to report."
        return "\n\n".join(filter(None, (self.summary(), table, self._more(short))))

    def _repr_html_(self):
        short = self.short_table()
        with pd.option_context("display.max_colwidth", None):
            table = short.to_html(index=False, justify="left") if len(short) else "<p>Nothing to report.</p>"
        table = table.replace("<thead>", "<caption>What was found</caption><thead>").replace("<th>", '<th scope="col">')
        above = "".join(f"<p>{html.escape(line)}</p>" for line in self.summary().splitlines())
        return f"{above}{table}<p>{html.escape(self._more(short))}</p>"


def obstacles(rows):
    """Return in words the rows that make training impossible."""
    return tuple(f"{one.file}: {one.found}; {one.done}" for one in rows if one.impossible)


def in_order(rows):
    """Return rows as a tuple, what matters most first, the rest in the order given."""
    return tuple(sorted(rows, key=lambda one: one.rank))


def copies_in_words(report):
    """Return how many copies there are, of how many pictures, and where most are."""
    originals = len(set(report.copies.values()))
    (most, number), *others = Counter(path.parent.name for path in report.copies).most_common()
    share = "all" if not others else "most" if number > len(report.copies) / 2 else f"{number}"
    where = f"{share} in {naming.shown(most)}/"
    counted = naming.counted(len(report.copies), "cop", "y", "ies")
    return f"{counted} of {naming.counted(originals)}" + (f", {where}" if len(report.copies) > 1 else "")


def _summed(kind, alike):
    classes = Counter(one.file.rpartition("/")[0] for one in alike)
    where = f" in {', '.join(name for name, _ in classes.most_common(3))}" if "" not in classes else ""
    more = " and others" if where and len(classes) > 3 else ""
    found, number = Counter(one.found for one in alike).most_common(1)[0]
    found = FINDINGS.get(kind, {}).get("many") or (found if number == len(alike) else f"{found}, and alike")
    return f"{len(alike)} files{where}{more}, such as {alike[0].file}", found, alike[0].done
