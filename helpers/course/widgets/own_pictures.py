"""Two explorers for your own pictures: put them into a folder of classes, and try a saved model on them."""

import tempfile
from pathlib import Path

import ipywidgets
import numpy as np
from matplotlib.figure import Figure

from helpers import plots, predict
from helpers.course.widgets import frame, maps
from helpers.pictures import folders, naming, uploads
from helpers.saving import export

ACCEPTED = ",".join(naming.ENDINGS)
ROWS = 12  # of findings shown
LISTED = 500  # pictures of a folder
KEPT_UPLOADS = 8
BARS = 10  # classes drawn, the most probable
SIDE = 224  # of a picture on the screen, in pixels
say = frame.say
PREDICTED = say("try_model.predicted")


class UploadPictures(frame.Explorer):
    """Copy pictures from the learner's machine into a folder of classes; say which were taken and which refused.

    Controls: ``class_name``, ``upload`` (nothing is written yet) and ``add``. The folder is then ready for
    ``images.load(target)``.

    `target` is the folder of classes, made by the first upload. What is in it stays.
    """

    def __init__(self, target):
        self.target = Path(target)
        self.class_name = ipywidgets.Text(**say.get("upload.class_name"), continuous_update=False)
        self.class_name.style.description_width = frame.LABEL_WIDTH
        self.upload = ipywidgets.FileUpload(accept=ACCEPTED, multiple=True, description=say("upload.choose"))
        self.add = ipywidgets.Button(description=say("upload.add"))
        for button in (self.upload, self.add):
            button.layout.width = "15em"
        super().__init__("upload", {}, above=[self.class_name, self.upload, self.add], remember=False)
        self.add.on_click(lambda _: self.latest.ask({"class_name": self.class_name.value, "files": self.upload.value}))

    def answer(self, class_name="", files=None):
        """Add files to a class where some are given; examine the whole folder, and report what was taken."""
        news = ""
        if files is None and not self.target.is_dir():
            return "", frame.plain_html(say("upload.nothing"))
        if files is not None:
            before = _files_in(self.target)
            uploads.from_upload(files, self.target, class_name.strip() or None)
            self.upload.value = ()
            new = _files_in(self.target) - before
            news = say.counted("upload.sent", len(files)) + say("upload.new", count=len(new))
        report = folders.examine(self.target)
        return _findings(report), frame.plain_html(news + report.summary())


def _files_in(folder):
    return {path for path in folder.rglob("*") if path.is_file() and not path.name.startswith(".")}


def _findings(report):
    rows = [tuple(map(str, row)) for row in report.table.head(ROWS).itertuples(index=False)]
    if not rows:
        return ""
    more = len(report.table) - len(rows)
    caption = say("upload.first_found", shown=len(rows), more=more) if more else say("upload.found")
    return frame.table_html(list(report.table.columns), rows, caption)


class TryModel(frame.Explorer):
    """Let a saved model say what a picture shows, and where the evidence is.

    Controls: ``upload`` (the picture is then chosen), ``which`` (picture) and ``looked_for`` (class).

    `path` is a file that `helpers.saving.export.save` wrote, `folder` holds pictures to choose from, also in folders
    within it. Raises `helpers.saving.model_file.ModelFileError` when the file cannot be loaded in safe mode.
    """

    def __init__(self, path, folder=None):
        self.asked = predict.Asked(path)
        if not self.asked.cam:
            raise ValueError(self.asked.no_cam)
        self.note = export.card_problem(path)  # said in the words below the picture
        classes = [PREDICTED, *self.asked.class_names]
        self.files, self.uploads, self.upload_count = _pictures_of(folder), {}, 0
        self.upload = ipywidgets.FileUpload(accept=ACCEPTED, multiple=False, description=say("try_model.upload"))
        self.upload.layout.width = "15em"
        super().__init__(
            "try_model",
            {
                "which": ipywidgets.Dropdown(options=list(self.files)),
                "looked_for": ipywidgets.Dropdown(options=classes),
            },
            above=[self.upload],
        )
        self.upload.observe(self._received, "value")

    def answer(self, which, looked_for):
        """Return the probabilities and the places that spoke for a class, for one picture."""
        if which is None:
            return "", frame.plain_html(say("try_model.nothing"))
        pixels, table, said = self._asked(which)
        class_name = table["class"][0] if looked_for == PREDICTED else looked_for
        heat = self.asked.evidence(pixels, class_name)
        coloured, best, evidence = plots.overlay(pixels[0], heat), table.head(BARS), _evidence(heat, class_name)
        shown = [
            frame.thumbnail_html(pixels[0], say("try_model.seen_alt", which=which), say("try_model.seen"), SIDE),
            frame.thumbnail_html(
                coloured, say("try_model.grey", evidence=evidence), say("try_model.places", name=class_name), SIDE
            ),
            frame.figure_html(_bars(best, class_name), say("try_model.bars", listed=_listed(best))),
        ]
        text = say("try_model.unknown") if said == predict.UNKNOWN else ""
        height, width = self.asked.cam.grid
        listed = _listed(table.head(3))
        text += say("try_model.words", listed=listed, evidence=evidence, height=height, width=width)
        return frame.row_html(shown), frame.plain_html(f"{text} {self.note}" if self.note else text)

    def _asked(self, which):
        if which in self.files:
            return self.asked(self.files[which])
        with tempfile.TemporaryDirectory() as temporary:
            folder = uploads.from_upload([self.uploads[which]], Path(temporary, "upload"), "picture") / "picture"
            return self.asked(next(folder.iterdir()))

    def _received(self, change):
        for file in change["new"]:
            self.upload_count += 1  # two files may have one name
            label = say("try_model.label", number=self.upload_count, name=naming.shown(file["name"]))
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
        raise ValueError(f"{folder} is not a folder: expected one with pictures.")
    files = sorted(path for path in folder.rglob("*") if naming.ending_of(path) in naming.ENDINGS and path.is_file())
    names = [path.relative_to(folder) for path in files]
    visible = [name for name in names if not any(part.startswith(".") for part in name.parts)]
    return {naming.shown(name.as_posix()): folder / name for name in visible[:LISTED]}


def _listed(table):
    return ", ".join(f"{name} {share:.0%}" for name, share in table.itertuples(index=False))


def _evidence(heat, class_name):
    if heat.max() == 0:
        return say("try_model.nowhere", name=class_name)
    peak, area = maps.place_of_peak(heat), np.mean(heat >= 0.5)
    return say("try_model.evidence", name=class_name, place=peak, area=area)


def _bars(table, class_name):
    figure = Figure(figsize=(3.6, 0.7 + 0.3 * len(table)), layout="constrained")
    ax = figure.subplots()
    looked_for = table["class"] == class_name
    colours, hatches = np.where(looked_for, plots.ORANGE, plots.BLUE), np.where(looked_for, "//", "")
    ax.barh(range(len(table)), table["probability"], color=colours, edgecolor="white", hatch=hatches)
    for row, share in enumerate(table["probability"]):
        ax.text(share + 0.02, row, f"{share:.0%}", va="center", fontsize=9)
    ax.set_yticks(range(len(table)), [name[:24] for name in table["class"]], parse_math=False)
    ax.set(xlim=(0, 1.18), xlabel=say("try_model.axis"))
    ax.set_xticks([0, 0.5, 1])
    ax.invert_yaxis()
    ax.spines[["top", "right"]].set_visible(False)
    return figure
