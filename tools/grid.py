"""Every training of the study: what `tools.run_study` runs, by the design that `helpers.measuring.study` states."""

from dataclasses import dataclass

from helpers.measuring import study
from helpers.network import vgg16


@dataclass(frozen=True)
class Run:
    """One training of the grid, and the key of its row (of its two rows for ``shift``)."""

    experiment: str  # "choice", "quadrants", "depth", "preprocessing", "head", "start and order", "shift", "further"
    data: str  # of `study.DATA`
    per_class: int  # training pictures of each class; 0 is all of them
    method: str
    seed: int
    rate: float = 0.0  # learning rate of Adam; 0 where the run takes what was chosen
    mirrored: bool = False  # only where `rate` is given

    @property
    def rows(self):
        """Names of the experiments in its rows of the results file."""
        return (study.SAME_ARTISTS, study.OTHER_ARTIST) if self.experiment == "shift" else (self.experiment,)


def cells():
    """Return (experiment, data, per_class, method) of every cell, the most wanted first."""
    near, far = study.DATA
    pairs = [(data, count) for count in (0, 40, 10) for data in study.DATA]
    wanted = [
        ("quadrants", *pair, method)
        for method in (study.FROZEN, study.LP_FT, study.LITE, study.LITE_LP_FT, study.RANDOM, study.DEEPER)
        for pair in pairs
    ]
    wanted += [
        ("start and order", data, 40, method)
        for method in (study.ZERO_AT_ONCE, study.RANDOM_FIRST, study.FRESH)
        for data in study.DATA
    ]
    wanted += [("shift", far, 0, method) for method in (study.FROZEN, study.LP_FT)]
    wanted += [("head", data, 40, method) for data in study.DATA for method in study.HEADS]
    wanted += [("depth", data, 0, block) for data in study.DATA for block in vgg16.BLOCKS]
    wanted += [("preprocessing", data, 40, method) for data in study.DATA for method in study.PREPROCESSING]
    wanted += [("quadrants", *pair, study.FROM_SCRATCH) for pair in pairs]
    return [*wanted, ("further", near, 40, study.ALL_BLOCKS)]


def ready(done, seeds=study.SEEDS):
    """Return the runs, done or not, whose needs the results `done` meet, in the order of `cells`.

    A choice needs that of the head which its method trains first; a run needs its choices to be settled.
    """
    runs = {}
    for experiment, data, per_class, method in cells():
        recipe = study.recipe_of(method)
        heads = [study.FROZEN_OF[recipe.network]] if recipe.cut and recipe.head_first else []
        open_choices = []
        for needed in (*heads, method):
            count = study.count_of_choice(needed, per_class)
            trials = study.next_trials(needed, data, count, done)
            open_choices += [Run("choice", data, count, needed, study.SEED_OF_CHOICE, *trial) for trial in trials]
            if open_choices:
                break
        runs |= dict.fromkeys(open_choices or [Run(experiment, data, per_class, method, seed) for seed in seeds])
    return list(runs)
