"""The freeze explorer: what freezing costs and saves, counted from the model's own layers."""

import ipywidgets
from matplotlib.figure import Figure

from helpers import plots
from helpers.course.widgets import frame
from helpers.network import cost

NOTHING, EVERYTHING = "none", "all"


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
        slider = ipywidgets.SelectionSlider(options=names, value=names[-2], description="Frozen up to")
        super().__init__("freeze", {"frozen_up_to": slider})

    def answer(self, frozen_up_to):
        """Return the diagram and the numbers for one setting."""
        frozen = self.frozen_up_to.options.index(frozen_up_to)
        trainable, fixed = cost.parameters(self.stages, frozen)
        relative = cost.relative_cost(self.stages, frozen)
        names = [stage.name for stage in self.stages]
        state = f"Frozen: {', '.join(names[:frozen]) or 'nothing'}. Trains: {', '.join(names[frozen:]) or 'nothing'}."
        alt = f"{state} One training step takes {sum(relative.values()):.0%} of the work of training everything."
        picture = frame.figure_html(_draw(self.stages, frozen, relative), alt)
        needed = cost.memory(trainable)
        rows = [
            ("Parameters that train", f"{trainable:,}"),
            ("Parameters that are frozen", f"{fixed:,}"),
            ("Memory for gradients", _megabytes(needed["gradients"])),
            ("Memory for Adam", f"{_megabytes(needed['adam'])} (two numbers for each parameter that trains)"),
            ("A training step", f"{_share(sum(relative.values()))} of the work of training everything, counted"),
        ]
        if frozen == len(self.stages):
            state += " Nothing can learn: whatever the data, the loss stays where it is."
        elif frozen:
            short = sum(cost.relative_cost(self.stages, frozen, cached=True).values())
            rows.append(("… on cached features", f"{_share(short)}, once the frozen part has run over every picture"))
        table = frame.table_html((), rows, state)
        return picture, frame.words_html(f"{table}<small>{frame.TEXTS['freeze']['caveat']}</small>")


def _share(part):
    return f"{part:.1%}" if part >= 0.001 else "less than 0.1%"


def _megabytes(size):
    return f"{size / 1e6:.1f} MB" if size >= 1e5 else f"{size / 1e3:.1f} kB"


def _draw(stages, frozen, relative):
    figure = Figure(figsize=(7.2, 3.5), layout="none")
    figure.text(0.02, 0.93, "grey and hatched: frozen; orange: trains", fontsize=8)
    diagram = figure.add_axes((0, 0.3, 1, 0.62))
    plots.blocks({stage.name: stage.shape for stage in stages}, [stage.name for stage in stages[:frozen]], diagram)
    axes = figure.add_axes((0.02, 0.14, 0.96, 0.1))
    labels = {"forward": "forward", "inputs": "gradients handed on", "weights": "gradients of weights"}
    left = 0
    looks = ((plots.BLUE, ""), (plots.GREEN, "..."), (plots.ORANGE, "\\\\\\"))  # differ without colour, too
    for (part, share), (colour, hatch) in zip(relative.items(), looks, strict=True):
        style = {"color": colour, "edgecolor": "white", "hatch": hatch}
        axes.barh(0, share, left=left, height=1, label=labels[part], **style)
        left += share
    axes.set(xlim=(0, 1), ylim=(-0.5, 0.5), yticks=[])
    axes.tick_params(labelsize=8)
    axes.set_xlabel("work of one training step (1 = training everything)", fontsize=8)
    axes.spines[["left", "top", "right"]].set_visible(False)
    axes.legend(loc="lower left", bbox_to_anchor=(0, 0.9), ncols=3, fontsize=8, frameon=False, borderaxespad=0)
    return figure
