"""The mistake explorer: choose a cell of the confusion matrix, see its pictures."""

import os

import ipywidgets
import numpy as np
from PIL import Image

from helpers import plots
from helpers.course.widgets import frame
from helpers.measuring import evaluation

SHOWN = 12  # pictures
LISTED = 3  # classes below a picture
WHITE, DARK_BLUE = np.array([255, 255, 255]), np.array([0, 78, 130])  # a cell without pictures, and the fullest one


def pictures_of(labels, probabilities, true, predicted):
    """Return the indices of the pictures in one cell of the confusion matrix, the most confident first."""
    labels, probabilities = np.asarray(labels), np.asarray(probabilities)
    indices = np.flatnonzero((labels == true) & (probabilities.argmax(axis=1) == predicted))
    return indices[np.argsort(-probabilities[indices, predicted], kind="stable")]


class MistakeExplorer(frame.Explorer):
    """Show the pictures behind each cell of the confusion matrix, with the model's probabilities.

    Controls: a button for each cell, ``cells[true, predicted]``, disabled where there is no picture.

    `pictures` are n paths of picture files, as ``data.files("test")`` gives them, or arrays (h, w, 3) with values in
    0..255; `labels`, `probabilities` (n, classes) and `class_names` are as `helpers.measuring.evaluation.mistakes`
    takes them. Raises `ValueError` when these do not go together.
    """

    def __init__(self, pictures, labels, probabilities, class_names):
        self.counts = evaluation.confusion(labels, probabilities, class_names).to_numpy()
        evaluation.mistakes(labels, probabilities, class_names)  # raises unless these are probabilities
        self.labels, self.probabilities = np.asarray(labels), np.asarray(probabilities)
        if len(pictures) != len(self.labels):
            raise ValueError(f"{len(pictures)} pictures but {len(self.labels)} labels: expected one label a picture.")
        self.pictures, self.names = pictures, list(map(str, class_names))
        wrong = self.counts * (1 - np.eye(len(self.names), dtype=int))
        first = wrong if wrong.any() else self.counts
        self.chosen = tuple(map(int, np.unravel_index(int(first.argmax()), first.shape)))
        self.cells = {cell: self._button(*cell) for cell in np.ndindex(self.counts.shape)}
        self._mark()
        super().__init__("mistakes", {}, above=[self._grid()])

    def settings(self):
        """Return the chosen cell."""
        return {"true": self.chosen[0], "predicted": self.chosen[1]}

    def answer(self, true, predicted):
        """Return the pictures of one cell with their probabilities."""
        indices = pictures_of(self.labels, self.probabilities, true, predicted)
        pictures = [self._picture(index) for index in indices[:SHOWN]]
        names = {"true": self.names[true], "predicted": self.names[predicted]}
        text = frame.say("mistakes.right" if true == predicted else "mistakes.wrong", **names)
        text += frame.say.counted("mistakes.pictures", len(indices))
        text += frame.say("mistakes.most" if len(indices) > SHOWN else "mistakes.all", shown=SHOWN)
        return frame.row_html(pictures), frame.plain_html(text)

    def _clicked(self, cell):
        self.chosen = cell
        self._mark()
        self.ask()

    def _mark(self):
        for cell, button in self.cells.items():
            button.layout.border = f"3px solid {plots.ORANGE if cell == self.chosen else 'transparent'}"

    def _button(self, true, predicted):
        count = int(self.counts[true, predicted])
        button = ipywidgets.Button(
            description=str(count),
            tooltip=frame.say("mistakes.cell", true=self.names[true], predicted=self.names[predicted], count=count),
            disabled=count == 0,
            layout=ipywidgets.Layout(width="64px", height="40px", margin="1px", padding="0"),
        )
        shade = (WHITE + (DARK_BLUE - WHITE) * (count / max(1, self.counts.max())) ** 0.7).round().astype(int)
        button.style.button_color = "#{:02x}{:02x}{:02x}".format(*shade)
        button.style.text_color = plots.text_on(shade / 255)
        button.on_click(lambda _: self._clicked((true, predicted)))
        return button

    def _grid(self):
        across = ipywidgets.HTML(f'<span style="line-height:1.3">{frame.say("mistakes.corner")}</span>')
        cells = [across, *(_name(name) for name in self.names)]
        for true, name in enumerate(self.names):
            cells += [_name(name), *(self.cells[true, predicted] for predicted in range(len(self.names)))]
        columns = f"6.5em repeat({len(self.names)}, 70px)"
        layout = ipywidgets.Layout(grid_template_columns=columns, align_items="center", overflow="auto")
        return ipywidgets.GridBox(cells, layout=layout)

    def _picture(self, index):
        pixels = self.pictures[index]
        if isinstance(pixels, str | os.PathLike):
            with Image.open(pixels) as opened:
                pixels = np.asarray(opened.convert("RGB"))
        probabilities = self.probabilities[index]
        best = np.argsort(-probabilities, kind="stable")[:LISTED]
        lines = [f"{self.names[label]} {probabilities[label]:.0%}" for label in best]
        name = self.names[int(self.labels[index])]
        alt = frame.say("mistakes.alt", number=index, name=name, probabilities=", ".join(lines))
        return frame.thumbnail_html(pixels, alt, "\n".join([frame.say("mistakes.number", number=index), *lines]))


def _name(text):
    return ipywidgets.Label(text, layout=ipywidgets.Layout(overflow="hidden"))
