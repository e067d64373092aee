"""Every training of the study: what `tools.run_study` runs, by the design that `helpers.measuring.study` states."""

from dataclasses import dataclass

from helpers.measuring import study
from helpers.network import vgg16


@dataclass(frozen=True)
class Run:
    """One training of the grid, and the key of its row (of its two rows for ``shift``)."""

    experiment: str  # "choice", "quadrants", "depth", "preprocessing", "head" or "shift"
    data: str  # of `study.DATA`
    per_class: int  # training pictures of each class; 0 is all of them
    method: str
    seed: int
    rate: float = 0.0  # learning rate of Adam; 0 where the run takes the one that was chosen

    @property
    def rows(self):
        """Names of the experiments in its rows of the results file."""
        return (study.SAME_ARTISTS, study.OTHER_ARTIST) if self.experiment == "shift" else (self.experiment,)


def grid(seeds=study.SEEDS):
    """Return the list of every `Run`, the choices of rates first."""
    cells = [("depth", data, 0, block) for data in study.DATA for block in vgg16.BLOCKS]
    cells += [("preprocessing", data, 40, method) for data in study.DATA for method in study.PREPROCESSING]
    cells += [("head", data, 40, method) for data in study.DATA for method in study.HEADS]
    pairs = [(data, count) for data in study.DATA for count in study.COUNTS]
    cells += [("quadrants", *pair, method) for method in study.CARE for pair in pairs]
    choices = [
        Run("choice", data, count, method, study.SEED_OF_CHOICE, rate)
        for _, data, count, method in cells
        for rate in (study.CARE[method][0] if method in study.CARE else study.HEAD_RATES)
    ]
    # With the rates of the quadrants:
    cells += [("shift", "emoji", 0, method) for method in (study.FROZEN, study.LP_FT, study.FRESH)]
    return choices + [Run(*cell, seed) for cell in cells for seed in seeds]
