"""The freeze explorer: what freezing costs and saves, counted from the model's own layers."""

import ipywidgets
from matplotlib.figure import Figure

from helpers import plots
from helpers.course.widgets import frame
from helpers.network import cost

NOTHING, EVERYTHING = frame.say.get("freeze.ends")


class FreezeExplorer(frame.Explorer):
    """Show what freezing up to a block does to parameters, memory and the work of a training step.

    Everything is counted from the layers of `model`, once: VGG16 with or without its top, or a whole model that holds
    one. It is neither run nor changed; its own ``trainable`` flags play no part, and a head of five units is added
    where it has none. Control: ``frozen_up_to`` (``none``, the blocks, ``all``). Raises `ValueError` when the model has
    no blocks or a layer of a kind that cannot be counted.
    """

    def __init__(self, model):
        self.stages = cost.stages(model)
        names = [NOTHING, *(stage.name for stage in self.stages[:-1]), EVERYTHING]
        super().__init__("freeze", {"frozen_up_to": ipywidgets.SelectionSlider(options=names, value=names[-2])})

    def answer(self, frozen_up_to):
        """Return the diagram and the numbers for one setting."""
        frozen = self.frozen_up_to.options.index(frozen_up_to)
        trainable, fixed = cost.parameters(self.stages, frozen)
        relative = cost.relative_cost(self.stages, frozen)
        names = [stage.name for stage in self.stages]
        still, moving = (", ".join(part) or frame.say("freeze.nothing") for part in (names[:frozen], names[frozen:]))
        state = frame.say("freeze.state", frozen=still, trains=moving)
        alt = frame.say("freeze.alt", state=state, share=sum(relative.values()))
        picture = frame.figure_html(_draw(self.stages, frozen, relative), alt)
        needed = cost.memory(trainable)
        cells = [
            f"{trainable:,}",
            f"{fixed:,}",
            _megabytes(needed["gradients"]),
            frame.say("freeze.adam", size=_megabytes(needed["adam"])),
            frame.say("freeze.step", share=_share(sum(relative.values()))),
        ]
        if frozen == len(self.stages):
            state += frame.say("freeze.nothing_learns")
        elif frozen:
            short = sum(cost.relative_cost(self.stages, frozen, cached=True).values())
            cells.append(frame.say("freeze.cached", share=_share(short)))
        table = frame.table_html((), zip(frame.say.get("freeze.rows"), cells, strict=False), state)
        return picture, frame.words_html(f"{table}<small>{frame.say('freeze.caveat')}</small>")


def _share(part):
    return f"{part:.1%}" if part >= 0.001 else frame.say("freeze.hardly")


def _megabytes(size):
    return f"{size / 1e6:.1f} MB" if size >= 1e5 else f"{size / 1e3:.1f} kB"


def _draw(stages, frozen, relative):
    figure = Figure(figsize=(7.2, 3.5), layout="none")
    figure.text(0.02, 0.93, frame.say("freeze.colours"), fontsize=8)
    diagram = figure.add_axes((0, 0.3, 1, 0.62))
    plots.blocks({stage.name: stage.shape for stage in stages}, [stage.name for stage in stages[:frozen]], diagram)
    axes = figure.add_axes((0.02, 0.14, 0.96, 0.1))
    labels = frame.say.get("freeze.work")
    left = 0
    looks = ((plots.BLUE, ""), (plots.GREEN, "..."), (plots.ORANGE, "\\\\\\"))  # differ without colour, too
    for (part, share), (colour, hatch) in zip(relative.items(), looks, strict=True):
        style = {"color": colour, "edgecolor": "white", "hatch": hatch}
        axes.barh(0, share, left=left, height=1, label=labels[part], **style)
        left += share
    axes.set(xlim=(0, 1), ylim=(-0.5, 0.5), yticks=[])
    axes.tick_params(labelsize=8)
    axes.set_xlabel(frame.say("freeze.axis"), fontsize=8)
    axes.spines[["left", "top", "right"]].set_visible(False)
    axes.legend(loc="lower left", bbox_to_anchor=(0, 0.9), ncols=3, fontsize=8, frameon=False, borderaxespad=0)
    return figure
