"""Every training of the study: what `tools.run_study` runs, by the design that `helpers.measuring.study` states."""

import functools
import itertools
import traceback
from dataclasses import asdict, dataclass

from helpers.measuring import study
from helpers.network import vgg16

LADDER = tuple(float(f"{digit}e{power}") for power in range(-6, 2) for digit in (1, 3))  # to widen a range


@dataclass(frozen=True)
class Run:
    """One training of the grid, and the key of its row (of its two rows for ``shift``)."""

    experiment: str  # "choice", or one of `cells`
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
    wanted += [(study.OUTSIDE, near, 0, method) for method in (study.FROZEN, study.LP_FT, study.LITE, study.LITE_LP_FT)]
    return [*wanted, ("further", near, 40, study.ALL_BLOCKS)]


def next_trials(method, data, per_class, done):
    """Return what is still to try for a choice: a list of (learning rate, mirrored or not), empty when it is settled.

    First all of the recipe's; then, while the best learning rate is at an end of those tried, the next of `LADDER`.
    A frozen method's is also the head of fine-tuning, chosen by the plain loss.
    """
    recipe, rows = study.recipe_of(method), study.tried(method, data, per_class, done)
    known = set(zip(rows["rate"], rows["mirrored"], strict=True))
    rates = sorted({*recipe.rates, *rows["rate"]})
    missing = [trial for trial in itertools.product(rates, recipe.mirrored) if trial not in known]
    if missing:
        return missing
    criteria = (study.CRITERION, "loss") if method in study.FROZEN_OF.values() else (study.CRITERION,)
    best = {study.chosen(method, data, per_class, done, criterion)[0] for criterion in criteria}
    wider = LADDER[LADDER.index(rates[0]) - 1 : LADDER.index(rates[0])] if rates[0] in best else ()
    wider += LADDER[LADDER.index(rates[-1]) + 1 :][:1] if rates[-1] in best else ()
    return list(itertools.product(wider, recipe.mirrored))


def ready(done, seeds=study.SEEDS, wanted=None):
    """Return the runs, done or not, whose needs the results `done` meet, in the order of `cells`.

    A choice needs that of the head which its method trains first; a run needs its choices to be settled. `wanted` takes
    a cell of `cells` and says whether it is to be run, with the choices that it needs; all are by default.
    """
    runs, known = {}, functools.cache(lambda *choice: next_trials(*choice, done))
    for experiment, data, per_class, method in filter(wanted, cells()) if wanted else cells():
        recipe = study.recipe_of(method)
        heads = [study.FROZEN_OF[recipe.network]] if recipe.cut and recipe.head_first else []
        count, open_choices = study.count_of_choice(per_class), []
        for needed in (*heads, method):
            trials = known(needed, data, count)
            open_choices += [Run("choice", data, count, needed, study.SEED_OF_CHOICE, *trial) for trial in trials]
            if open_choices:
                break
        runs |= dict.fromkeys(open_choices or [Run(experiment, data, per_class, method, seed) for seed in seeds])
    return list(runs)


def rows_of(measure, run, choices):
    """Return the rows of one run, wherever it is executed, and how it failed (text; empty where it did not).

    `measure` takes a run and the choices so far, and returns a dict of results for each of its rows. A failure is not
    raised, because that would end other runs as well.
    """
    try:
        found = zip(run.rows, measure(run, choices), strict=True)
        return [{**asdict(run), **result, "experiment": name} for name, result in found], ""
    except Exception:
        return [], f"{run} failed:\n{traceback.format_exc()}"
