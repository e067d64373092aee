"""The explorers of the notebooks on a page without a kernel.

Those that look something up are computed here for every setting and work in the page; the others show their picture.
"""

import base64
import functools
import hashlib
import html
import itertools
import json
import re
import tomllib
from pathlib import Path

from helpers.course import widgets
from helpers.course.widgets import frame
from tools.book import reading

BOOK = Path(__file__).parents[2] / "book"
PICTURES = BOOK / "explorers"
SMALL = 12  # choices; more are a list to unfold
IMAGE = re.compile(r'<img alt="(?P<alt>[^"]*)"[^>]*?src="data:image/png;base64,(?P<data>[^"]*)">')
RUN = '<p class="run">%s, <a href="run_it.html">run it yourself</a>.</p>'
NEEDS_A_KERNEL = RUN % "This is a picture of the explorer. To use it"
WORKS = RUN % "The explorer works on this page, with fewer settings than in the notebook. For all of them"
WORKS_WITH_ALL = '<p class="run">The explorer works on this page.</p>'
NO_SCRIPT = (
    "<noscript><p>The choices need JavaScript. What you see is the answer to those that are ticked.</p></noscript>"
)


@functools.cache
def in_page(function, folder):
    """Return the HTML of the explorer that ``widgets.<function>`` shows in a notebook.

    Parameters
    ----------
    function : str
        For instance ``"rate_explorer"``.
    folder : pathlib.Path
        Gets its pictures, named by what is in them.

    Raises
    ------
    ValueError
        When the function is in neither list of this file.
    """
    if function in LOOKED_UP:
        return _looked_up(function, folder)
    if function in (texts := _pictures()):
        return _pictured(function, texts[function], folder)
    raise ValueError(
        f"widgets.{function} has no place in the web edition: add it to LOOKED_UP in {Path(__file__).name}, or its "
        f"picture to {PICTURES / 'pictures.toml'}."
    )


def _vgg16():
    import keras

    return keras.applications.VGG16(weights=None, include_top=False, input_shape=(96, 96, 3))


def _rates():
    runs = widgets.stored_rates()
    return widgets.rate_explorer(runs["histories"], runs["before"], runs["validation_pictures"])


def _decision():
    from helpers.measuring import results

    return widgets.decision_helper(results.read())


# How each is made, and the choices of its controls, where the page has fewer than the notebook.
LOOKED_UP = {
    "freeze_explorer": (lambda: widgets.freeze_explorer(_vgg16()), {}),
    "head_designer": (
        lambda: widgets.head_designer(_vgg16(), classes=5, pictures=1000),
        {"hidden": (0, 16, 64, 256, 1024), "dropout": (0.0, 0.5), "pictures": (25, 100, 1000, 10_000)},
    ),
    "rate_explorer": (_rates, {}),
    "decision_helper": (
        _decision,
        {
            "count": (10, 40, 160),
            "budget": ("40 s", "1 min", "5 min", "any"),
            "matters": ("1 point", "2 points", "5 points"),
        },
    ),
}


@functools.cache
def _pictures():
    return tomllib.loads((PICTURES / "pictures.toml").read_text(encoding="utf-8"))


def _pictured(function, texts, folder):
    data = (PICTURES / f"{function}.png").read_bytes()
    title, to_try = (frame.say(f"{texts['name']}.{text}") for text in ("title", "to_try"))
    return (
        f'<div class="explorer">{NEEDS_A_KERNEL}<p><strong>{html.escape(title)}</strong></p>'
        f"{_image(_stored(data, folder), texts['alt'])}"
        f"<p><em>{frame.say('frame.try_this')}</em> {html.escape(to_try)}</p></div>"
    )


def _looked_up(function, folder):
    make, fewer = LOOKED_UP[function]
    explorer = make()
    choices = {name: _choices(control, fewer.get(name)) for name, control in explorer.inputs.items()}
    start = [_place(explorer.inputs[name].value, each) for name, each in choices.items()]
    answers = {}
    for places in itertools.product(*(range(len(each)) for each in choices.values())):
        setting = {name: each[place][1] for place, (name, each) in zip(places, choices.items(), strict=True)}
        answers[_key(places)] = _answer(*explorer.answer(**setting), folder)
    controls = [
        _control(f"{function}-{name}", explorer.inputs[name].description, [label for label, _ in each], place)
        for (name, each), place in zip(choices.items(), start, strict=True)
        if len(each) > 1
    ]
    heading, first = explorer.children[0].value, answers[_key(start)]
    works = WORKS if fewer else WORKS_WITH_ALL
    data = json.dumps({"names": [f"{function}-{name}" for name in choices], "answers": answers})
    data = data.replace("<", "\\u003c")  # nothing in it ends the script
    return (
        f'<div class="explorer" data-start="{_key(start)}">{works}{heading}<form>{"".join(controls)}</form>'
        f'{_image(first["picture"], first["alt"])}<div class="words">{first["words"]}</div>'
        f'<script type="application/json">{data}</script>{NO_SCRIPT}</div>'
    )


def _key(places):
    return ",".join(map(str, places))


def _place(value, choices):
    """Return the place of a value among the choices; of one that the page does not offer, the first."""
    return next((place for place, (_, offered) in enumerate(choices) if offered == value), 0)


def _answer(picture, words, folder):
    found = IMAGE.search(picture)
    if not found:
        raise ValueError(f"Expected an image with a description from an explorer, not {picture[:100]!r}.")
    return {
        "picture": _stored(base64.b64decode(found["data"]), folder),
        "alt": html.unescape(found["alt"]),
        "words": reading.plain(words),
    }


def _choices(control, fewer):
    """Return the label and the value of each choice of a control, or of those that the page offers."""
    known = getattr(control, "options", None)
    if known is None:
        return [(f"{value:g}", value) for value in fewer]
    pairs = [each if isinstance(each, tuple) else (str(each), each) for each in known]
    offered = [(label, value) for label, value in pairs if fewer is None or value in fewer]
    if fewer is not None and len(offered) != len(fewer):
        raise ValueError(f"{control.description}: not all of {fewer} are among its choices.")
    return offered


def _control(name, title, labels, start):
    """Return radio buttons for a few choices, a list for many; both have a name and work by keyboard."""
    if len(labels) > SMALL:
        options = "".join(
            f'<option value="{place}"{" selected" if place == start else ""}>{html.escape(label)}</option>'
            for place, label in enumerate(labels)
        )
        return (
            f'<p><label for="{name}">{html.escape(title)}</label> '
            f'<select id="{name}" name="{name}">{options}</select></p>'
        )
    buttons = "".join(
        f'<label><input type="radio" name="{name}" value="{place}"{" checked" if place == start else ""}> '
        f"{html.escape(label)}</label> "
        for place, label in enumerate(labels)
    )
    return f"<fieldset><legend>{html.escape(title)}</legend>{buttons}</fieldset>"


def _image(path, alt):
    return f'<img src="{path}" alt="{html.escape(alt, quote=True)}">'


def _stored(data, folder):
    """Write a picture under the digest of its bytes and return its address in the pages."""
    name = f"{hashlib.sha256(data).hexdigest()[:16]}.png"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data)
    return f"{folder.name}/{name}"
