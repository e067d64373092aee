"""Two explorers for pictures of one's own: put them into a folder of classes, and try a saved model on them."""

import html
import tempfile
import warnings
from dataclasses import dataclass
from pathlib import Path

import ipywidgets
import numpy as np
from matplotlib.figure import Figure

from helpers import plots, predict
from helpers.course.widgets import frame, maps
from helpers.network import inspection
from helpers.pictures import folders, naming, uploads
from helpers.saving import explain, export

ACCEPTED = ",".join(naming.ENDINGS)
ROWS = 12  # of findings shown
LISTED = 500  # pictures of a folder
KEPT_UPLOADS = 8
BARS = 10  # classes drawn, the most probable
SIDE = 224  # of a picture on the screen, in pixels
PREDICTED = "the predicted class"


@dataclass(frozen=True, eq=False)
class Chosen:
    """What was chosen when `UploadPictures.add` was clicked; each click is another request."""

    class_name: str
    files: tuple


class UploadPictures(frame.Explorer):
    """The explorer that `upload_pictures` returns.

    Attributes
    ----------
    target : pathlib.Path
    class_name : ipywidgets.Text
    upload : ipywidgets.FileUpload
        Holds what was chosen until `add` is clicked.
    add : ipywidgets.Button
    report : helpers.pictures.folders.Report or None
        What the folder held after the last upload.
    """

    def __init__(self, target):
        self.target, self.report = Path(target), None
        self.class_name = ipywidgets.Text(description="Class", placeholder="e.g. red mug", continuous_update=False)
        self.upload = ipywidgets.FileUpload(accept=ACCEPTED, multiple=True, description="Choose pictures")
        self.add = ipywidgets.Button(description="Add to the folder")
        for button in (self.upload, self.add):
            button.layout.width = "15em"
        super().__init__(
            "Your own pictures",
            "Type the name of a class, choose its pictures, add them; then the next class. "
            "Above about 10 MB at once Jupyter may drop an upload: then copy the folder itself.",
            {},
            rows=[self.class_name, self.upload, self.add],
            remember=False,
        )
        self.class_name.style.description_width = "9.5em"
        self.add.on_click(lambda _: self.latest.ask(self.settings()))
        self.start()

    def settings(self):
        """Return what was chosen."""
        return {"chosen": Chosen(self.class_name.value, tuple(self.upload.value))}

    def start(self):
        """Say what is in the folder, if there is one."""
        try:
            if self.target.is_dir():
                self._respond({"chosen": None})
            else:
                self.words.value = frame.words_html("Nothing is there yet.")
        except Exception as error:  # shown to the learner, whatever it is
            self.show_problem(error)
        return self

    def answer(self, chosen):
        """Add the chosen files, examine the whole folder, and tell what was taken and what was not."""
        said = ""
        if chosen is not None:
            before = _files_in(self.target)
            self.add.description = "Adding …"
            try:
                uploads.from_upload(chosen.files, self.target, chosen.class_name.strip() or None)
            finally:
                self.add.description = "Add to the folder"
            self.upload.value = ()
            new = _files_in(self.target) - before
            said = f"Sent: {_counted(len(chosen.files), 'file')}. New in the folder: {len(new)}. "
        self.report = folders.examine(self.target)
        return _findings(self.report), frame.words_html(html.escape(said + self.report.summary()).replace("\n", "<br>"))


def _files_in(folder):
    return {path for path in folder.rglob("*") if path.is_file() and not path.name.startswith(".")}


def _counted(number, thing):
    return f"{number} {thing}{'' if number == 1 else 's'}"


def _findings(report):
    rows = [tuple(map(str, row)) for row in report.table.head(ROWS).itertuples(index=False)]
    if not rows:
        return ""
    more = len(report.table) - len(rows)
    caption = "What was found" + (f" (the first {len(rows)}; {more} more)" if more > 0 else "")
    return frame.table_html(list(report.table.columns), rows, caption)


class TryModel(frame.Explorer):
    """The explorer that `try_model` returns.

    Attributes
    ----------
    model : keras.Model
    class_names : tuple of str
    upload : ipywidgets.FileUpload
        A picture that is uploaded is chosen at once.
    which : ipywidgets.Dropdown
        The pictures: those of the folder, then those uploaded.
    looked_for : ipywidgets.Dropdown
        The class for which the places are shown.
    """

    def __init__(self, path, folder=None):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of the card: said in the words below the picture
            self.model, self.class_names = export.load(path)
        self.size, self.cam = inspection.image_size(self.model), explain.GradCam(self.model)
        self.note = export.card_problem(path)
        self.files, self.uploads, self._received_before = _pictures_of(folder), {}, 0
        self.which = ipywidgets.Dropdown(options=list(self.files), description="Picture")
        self.looked_for = ipywidgets.Dropdown(options=[PREDICTED, *self.class_names], description="Places for")
        self.upload = ipywidgets.FileUpload(accept=ACCEPTED, multiple=False, description="Upload a picture")
        self.upload.layout.width = "15em"
        super().__init__(
            "Your model on a new picture",
            "Give it a picture of a class that it knows, then one of something else: it can only choose among its "
            "classes. Are the bright places those that you would look at?",
            {"which": self.which, "looked_for": self.looked_for},
            rows=[self.upload, self.which, self.looked_for],
        )
        self.upload.observe(self._received, "value")
        self.start()

    def answer(self, which, looked_for):
        """Return the probabilities and the places that spoke for a class, for one picture."""
        if which is None:
            return "", frame.words_html("Upload a picture, or call try_model with a folder of pictures.")
        pixels = self._pixels(which)
        table = predict.classify(self.model, self.class_names, pixels[0])
        asked = table["class"][0] if looked_for == PREDICTED else looked_for
        found = self.cam(pixels, self.class_names.index(asked))[0]
        drawn, best = plots.overlay(pixels[0], found), table.head(BARS)
        shown = [
            frame.thumbnail_html(pixels[0], f"As the model sees it: {which}.", "as the model sees it", SIDE),
            frame.thumbnail_html(drawn, f"The same in grey. {_places(found, asked)}", f"places for {asked}", SIDE),
            frame.figure_html(_bars(best, asked), f"Bars: {_spoken(best, BARS)}."),
        ]
        return frame.row_html(shown), frame.words_html(html.escape(self._words(table, found, asked)))

    def _words(self, table, found, asked):
        said = f"The model says {_spoken(table, 3)}. {_places(found, asked)} "
        said += "The maps behind it are {}×{}: it cannot be finer.".format(*self.cam.grid)
        return said + (f" {self.note}" if self.note else "")

    def _pixels(self, which):
        if which in self.files:
            return predict.pixels(self.files[which], self.size)
        with tempfile.TemporaryDirectory() as place:
            folder = uploads.from_upload([self.uploads[which]], Path(place, "upload"), "picture") / "picture"
            return predict.pixels(next(folder.iterdir()), self.size)

    def _received(self, change):
        for file in change["new"]:
            self._received_before += 1  # another file may come under an old name
            label = f"upload {self._received_before}: {naming.shown(file['name'])}"
            self.uploads[label] = {"name": file["name"], "content": bytes(file["content"])}
            for old in list(self.uploads)[:-KEPT_UPLOADS]:
                del self.uploads[old]
            self.which.options = [*self.files, *self.uploads]
            self.which.value = label


def _pictures_of(folder):
    """Return the pictures of a folder and of the folders in it, by their names within it."""
    if folder is None:
        return {}
    folder = Path(folder)
    if not folder.is_dir():
        raise ValueError(f"{folder} is no folder: expected one with pictures.")
    inside = sorted(path for path in folder.rglob("*") if naming.ending_of(path) in naming.ENDINGS and path.is_file())
    inside = [path for path in inside if not any(part.startswith(".") for part in path.relative_to(folder).parts)]
    return {naming.shown(path.relative_to(folder).as_posix()): path for path in inside[:LISTED]}


def _spoken(table, number):
    return ", ".join(f"{name} {share:.0%}" for name, share in table.head(number).itertuples(index=False))


def _places(found, asked):
    if found.max() == 0:
        return f"Nowhere does the picture speak for {asked}."
    share = float(np.mean(found >= 0.5))
    place = maps.place_of_peak(found)
    return f"What speaks for {asked} is brightest at the {place}; {share:.0%} of the area is bright."


def _bars(table, asked):
    figure = Figure(figsize=(3.6, 0.7 + 0.3 * len(table)), layout="constrained")
    ax = figure.subplots()
    colours = [plots.ORANGE if name == asked else plots.BLUE for name in table["class"]]
    ax.barh(range(len(table)), table["probability"], color=colours)
    for row, share in enumerate(table["probability"]):
        ax.text(share + 0.02, row, f"{share:.0%}", va="center", fontsize=9)
    ax.set_yticks(range(len(table)), [name[:24] for name in table["class"]])
    ax.set(xlim=(0, 1.18), xlabel="probability")
    ax.set_xticks([0, 0.5, 1])
    ax.invert_yaxis()
    ax.spines[["top", "right"]].set_visible(False)
    return figure


def upload_pictures(target):
    """Take pictures from the learner's machine into a folder of classes, and say what was taken and what was refused.

    Parameters
    ----------
    target : path
        The folder of classes; made with the first upload. What is in it stays.

    Returns
    -------
    UploadPictures
        Controls: ``class_name``, ``upload`` and ``add``. The folder is then ready for ``images.load(target)``.
    """
    return UploadPictures(target)


def try_model(path, folder=None):
    """Let a saved model say what is on a picture, and where it looked.

    Parameters
    ----------
    path : path
        A file that `helpers.saving.export.save` wrote.
    folder : path, optional
        Pictures to choose from, also in folders within it.

    Returns
    -------
    TryModel
        Controls: ``upload``, ``which`` (picture) and ``looked_for`` (class).

    Raises
    ------
    helpers.saving.model_file.ModelFileError
        When the file cannot be loaded in safe mode.
    ValueError
        When `folder` is none.
    """
    return TryModel(path, folder)
