"""What every explorer shares: work for the latest setting only, pictures with a description, errors in sight."""

import base64
import functools
import html
import io
import pathlib
import threading

import ipywidgets
import numpy as np
from PIL import Image

from helpers import plots
from helpers.course import toml_texts

say = toml_texts.Texts(pathlib.Path(__file__).with_name("texts.toml"))
LABEL_WIDTH = "9.5em"
DOTS_PER_INCH = 100
REMEMBERED = 64  # answers that an explorer keeps
TEXT = "line-height:1.45; max-width:52em"
WIDE = "line-height:1.45; max-width:76em"
REACHABLE = pathlib.Path(__file__).with_name("reachable.js").read_text(encoding="utf-8")
_NOTHING = object()


class LatestOnly:
    """Do slow work in a thread of its own, for the latest request only; requests overtaken meanwhile are dropped.

    So a dragged slider leaves no queue, and its last setting is always answered. It relies on no event loop: JupyterLab
    delivers widget messages in a thread beside the kernel's main one. `failed` takes the exception that `work` raised.
    """

    def __init__(self, work, failed):
        self._work, self._failed = work, failed
        self._lock, self._idle = threading.Lock(), threading.Event()
        self._idle.set()
        self._waiting = _NOTHING

    def ask(self, request):
        """Request work; returns at once."""
        with self._lock:
            self._waiting = request
            if not self._idle.is_set():
                return
            self._idle.clear()
        threading.Thread(target=self._work_off, name="explorer").start()

    def wait(self, timeout=60.0):
        """Wait until nothing is left to do; return False when `timeout` (seconds) passed first."""
        return self._idle.wait(timeout)

    def _work_off(self):
        while True:
            with self._lock:
                request, self._waiting = self._waiting, _NOTHING
                if request is _NOTHING:
                    self._idle.set()
                    return
            try:
                self._work(request)
            except Exception as error:  # shown to the learner, whatever it is
                self._failed(error)


class Explorer(ipywidgets.VBox):
    """Controls with a line that says what to try, a picture, and what the picture shows in words.

    A subclass gives `answer`, a function of the controls' values without other effects, called for the first setting
    at once, and after that through `LatestOnly`. Its result goes to `picture` (HTML, since an `ipywidgets.Image` has no
    place for a description) and to `words`; what it raises goes to `problem`, and the picture, out of date, is removed.

    `name` is that of its table in ``texts.toml``: its title, what to try, the labels of its `controls`. `inputs` holds
    these by the name under which `answer` takes their value; each is also an attribute. Other widgets are `above`
    and `below` them. With `remember`, a setting seen before costs nothing.
    """

    def __init__(self, name, inputs, above=(), below=(), remember=True):
        self.inputs, texts = inputs, say.get(name)
        self.picture, self.words, self.problem = ipywidgets.HTML(), ipywidgets.HTML(), ipywidgets.HTML()
        self.latest = LatestOnly(self._respond, self.show_problem)
        self._answer = functools.lru_cache(REMEMBERED)(self.answer) if remember else self.answer
        heading = ipywidgets.HTML(
            f'<div style="{TEXT}"><strong>{html.escape(texts["title"])}</strong><br>'
            f"<em>{say('frame.try_this')}</em> {html.escape(texts['to_try'])}</div>"
        )
        script = {"output_type": "display_data", "data": {"application/javascript": REACHABLE}, "metadata": {}}
        reachable = ipywidgets.Output(outputs=[script], layout={"display": "none"})
        shown = [self.problem, self.picture, self.words, reachable]
        super().__init__([heading, *above, *inputs.values(), *below, *shown])
        self.add_class("course-explorer")
        for said in (self.problem, self.words):
            said.add_class("course-explorer-says")
        for name, control in inputs.items():
            setattr(self, name, control)
            control.description = texts["controls"].get(name, control.description)
            control.style.description_width = LABEL_WIDTH
            if not isinstance(control, ipywidgets.ToggleButtons):  # their label stands above them when it is narrow
                control.layout.width = "min(36em, 98%)"
        self.start()

    def settings(self):
        """Return the present values of the controls."""
        return {name: control.value for name, control in self.inputs.items()}

    def start(self):
        """Answer the first setting now, and every later one as it comes; a subclass may begin in another way."""
        try:
            self._respond(self.settings())
        except Exception as error:  # shown to the learner, whatever it is
            self.show_problem(error)
        for control in self.inputs.values():
            control.observe(lambda change: self.ask(), "value")

    def ask(self):
        """Ask for an answer to the present setting; returns at once."""
        self.latest.ask(self.settings())

    def wait(self, timeout=60.0):
        """Wait until the latest setting is answered; return False when `timeout` (seconds) passed first."""
        return self.latest.wait(timeout)

    def show_problem(self, error):
        """Show an exception in the widget."""
        text = html.escape(f"{type(error).__name__}: {str(error) or say('frame.no_message')}")
        self.picture.value = self.words.value = ""
        self.problem.value = (
            f'<div role="alert" style="{TEXT}; border-left:4px solid {plots.ORANGE}; padding-left:0.7em">'
            f"<strong>{say('frame.did_not_work')}</strong> {text}<br>{say('frame.what_next')}</div>"
        )

    def _respond(self, settings):
        answer = self._answer(**settings)
        self.problem.value = ""
        self.picture.value, self.words.value = answer


def figure_html(figure, alt):
    """Return a matplotlib figure as an HTML image with its description.

    The figure is made directly, not through pyplot, so that nothing keeps it alive and threads do not meet in it.
    """
    data = io.BytesIO()
    figure.savefig(data, format="png", dpi=DOTS_PER_INCH, metadata={"Software": None})
    width = round(figure.get_figwidth() * DOTS_PER_INCH)
    return _image(data, alt, f"width:{width}px; max-width:100%")


def thumbnail_html(pixels, alt, caption, side=96):
    """Return a small picture (h, w, 3), or (h, w) in grey over its own range, with its caption as HTML."""
    pixels = np.asarray(pixels, dtype=np.float32)
    if pixels.ndim == 2:
        low, high = pixels.min(), pixels.max()
        pixels = (pixels - low) * (255 / (high - low) if high > low else 0)
    data = io.BytesIO()
    Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).save(data, format="png")
    style = f"width:{side}px; height:{side}px; image-rendering:pixelated"
    lines = html.escape(caption).replace("\n", "<br>")
    return (
        f'<figure style="margin:0; width:{max(side, 96)}px">{_image(data, alt, style)}'
        f'<figcaption style="font-size:85%; line-height:1.3">{lines}</figcaption></figure>'
    )


def row_html(items):
    """Return pieces of HTML beside one another, wrapped where the page is narrow."""
    return f'<div style="display:flex; flex-wrap:wrap; gap:10px; align-items:flex-start">{"".join(items)}</div>'


def words_html(markup, style=TEXT):
    """Return HTML as a region that screen readers announce when it changes."""
    return f'<div role="status" style="{style}">{markup}</div>'


def plain_html(text):
    """Return running text, with nothing in it taken for HTML, as `words_html` does."""
    return words_html(html.escape(text).replace("\n", "<br>"))


def table_html(head, rows, caption=""):
    """Return a table as HTML: the first cell of each row names it. The head may be empty."""
    pad = 'style="padding:1px 14px 1px 0; text-align:left; font-weight:inherit; vertical-align:top"'
    lines = [f"<caption {pad}>{html.escape(caption)}</caption>"] if caption else []
    if head:
        lines.append("<tr>" + "".join(f'<th scope="col" {pad}>{html.escape(cell)}</th>' for cell in head) + "</tr>")
    for first, *others in rows:
        cells = "".join(f"<td {pad}>{html.escape(cell)}</td>" for cell in others)
        lines.append(f'<tr><th scope="row" {pad}>{html.escape(first)}</th>{cells}</tr>')
    return f'<table style="border-collapse:collapse; line-height:1.5">{"".join(lines)}</table>'


def _image(data, alt, style):
    encoded = base64.b64encode(data.getvalue()).decode()
    return f'<img alt="{html.escape(alt, quote=True)}" style="{style}" src="data:image/png;base64,{encoded}">'
