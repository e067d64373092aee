"""The mistake explorer: choose a cell of the confusion matrix, see its pictures."""

import html
import os

import ipywidgets
import numpy as np
from PIL import Image

from helpers import plots
from helpers.course.widgets import frame
from helpers.measuring import evaluation

SHOWN = 12  # pictures
BARS = 3  # classes listed below a picture


def pictures_of(labels, probabilities, true, predicted):
    """Return the indices of the pictures in one cell of the confusion matrix, the most confident first."""
    labels, probabilities = np.asarray(labels), np.asarray(probabilities)
    found = np.flatnonzero((labels == true) & (probabilities.argmax(axis=1) == predicted))
    return found[np.argsort(-probabilities[found, predicted], kind="stable")]


class MistakeExplorer(frame.Explorer):
    """The explorer that `mistake_explorer` returns.

    Attributes
    ----------
    cells : dict of (int, int) to ipywidgets.Button
        The confusion matrix: (true, predicted) to its button. A cell without pictures is disabled.
    chosen : (int, int)
        The cell that was clicked last.
    """

    def __init__(self, pictures, labels, probabilities, class_names):
        table = evaluation.confusion(labels, probabilities, class_names)
        evaluation.mistakes(labels, probabilities, class_names)  # refuses what are no probabilities
        self.labels, self.probabilities = np.asarray(labels), np.asarray(probabilities)
        if len(pictures) != len(self.labels):
            raise ValueError(f"{len(pictures)} pictures but {len(self.labels)} labels: expected one label a picture.")
        if self.probabilities.shape[1] != len(class_names):
            raise ValueError(
                f"{self.probabilities.shape[1]} probabilities a picture but {len(class_names)} class names: "
                "expected one name a class, in the order of the labels."
            )
        self.pictures, self.names = pictures, list(map(str, class_names))
        self.counts = table.to_numpy()
        wrong = self.counts * (1 - np.eye(len(self.names), dtype=int))
        first = wrong if wrong.any() else self.counts
        self.chosen = tuple(map(int, np.unravel_index(int(first.argmax()), first.shape)))
        self.cells = {place: self._button(place) for place in np.ndindex(self.counts.shape)}
        super().__init__(
            "Which pictures are behind a number?",
            "Press the largest number beside the diagonal, then its mirror image (true and predicted swapped). What do "
            "the pictures have in common? Was the model sure?",
            {},
            rows=[self._grid()],
        )
        for place, button in self.cells.items():
            button.on_click(lambda _, place=place: self._clicked(place))
        self._mark()
        self.start()

    def settings(self):
        """Return the chosen cell."""
        return {"true": self.chosen[0], "predicted": self.chosen[1]}

    def answer(self, true, predicted):
        """Return the pictures of one cell with their probabilities."""
        places = pictures_of(self.labels, self.probabilities, true, predicted)
        shown = [self._picture(place) for place in places[:SHOWN]]
        right = "rightly called" if true == predicted else "called"
        number = f"{len(places)} picture{'' if len(places) == 1 else 's'}"
        text = f"True {self.names[true]}, {right} {self.names[predicted]}: {number}"
        text += f"; the {SHOWN} most confident are shown." if len(places) > SHOWN else ", the most confident first."
        return frame.row_html(shown), frame.words_html(html.escape(text))

    def _clicked(self, place):
        self.chosen = place
        self._mark()
        self.latest.ask(self.settings())

    def _mark(self):
        for place, button in self.cells.items():
            button.layout.border = f"3px solid {plots.ORANGE if place == self.chosen else 'transparent'}"

    def _button(self, place):
        true, predicted = place
        count, share = int(self.counts[place]), self.counts[place] / max(1, self.counts.max())
        button = ipywidgets.Button(
            description=str(count),
            tooltip=f"true {self.names[true]}, predicted {self.names[predicted]}: {count}",
            disabled=count == 0,
            layout=ipywidgets.Layout(width="64px", height="40px", margin="1px", padding="0"),
        )
        white, blue = np.array([255, 255, 255]), np.array([0, 78, 130])
        mixed = (white + (blue - white) * float(share) ** 0.7).round().astype(int)
        button.style.button_color = "#{:02x}{:02x}{:02x}".format(*mixed)
        button.style.text_color = "white" if mixed.mean() < 130 else "black"
        return button

    def _grid(self):
        across = ipywidgets.HTML('<span style="line-height:1.3">predicted →<br>true ↓</span>')
        cells = [across, *(_name(name) for name in self.names)]
        for true, name in enumerate(self.names):
            cells += [_name(name), *(self.cells[true, predicted] for predicted in range(len(self.names)))]
        columns = f"6.5em repeat({len(self.names)}, 70px)"
        layout = ipywidgets.Layout(grid_template_columns=columns, align_items="center", overflow="auto")
        return ipywidgets.GridBox(cells, layout=layout)

    def _picture(self, place):
        given = self.pictures[place]
        if isinstance(given, str | os.PathLike):
            with Image.open(given) as opened:
                pixels = np.asarray(opened.convert("RGB"))
        else:
            pixels = given
        row = self.probabilities[place]
        best = np.argsort(-row, kind="stable")[:BARS]
        listed = "\n".join(f"{self.names[label]} {row[label]:.0%}" for label in best)
        true = self.names[int(self.labels[place])]
        alt = f"Picture {place}, a {true}: {', '.join(listed.splitlines())}."
        return frame.thumbnail_html(pixels, alt, f"no. {place}\n{listed}")


def _name(text):
    cell = ipywidgets.Label(text)
    cell.layout.overflow = "hidden"
    return cell


def mistake_explorer(pictures, labels, probabilities, class_names):
    """Show the pictures behind each cell of the confusion matrix, with the model's probabilities.

    Parameters
    ----------
    pictures : sequence, length n
        Paths of picture files, as ``data.files("test")`` gives them, or arrays (h, w, 3) with values in 0..255.
    labels : array of int, shape (n,)
    probabilities : array of float, shape (n, classes)
        Rows that sum to 1; the largest is the prediction.
    class_names : sequence of str

    Returns
    -------
    MistakeExplorer
        Controls: a button for each cell, ``cells[true, predicted]``.

    Raises
    ------
    ValueError
        When pictures, labels, probabilities and names do not fit one another.
    """
    return MistakeExplorer(pictures, labels, probabilities, class_names)
