"""A model card: what a saved model was made from, how good it is, what it is for.

After Mitchell et al. (2019), Model cards for model reporting.
"""

import datetime
import re
import sys
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import tensorflow as tf

from helpers import storage
from helpers.measuring import evaluation
from helpers.network import inspection

TEMPLATE = Path(__file__).with_name("model_card.md")


@dataclass(frozen=True)
class Card:
    """The contents of a model card, apart from what only the model's file can tell."""

    name: str
    data: str
    counts: pd.DataFrame  # of pictures: a row for each class, a column for each split
    accuracy: tuple  # of the test, with its Wilson interval
    tested: int  # test pictures
    by_class: dict  # of each class: test pictures predicted correctly, and all its test pictures
    worst: str  # the most common mistake, as a sentence
    training: str
    intended_use: str
    limits: str
    date: str
    answers: tuple = ()  # (largest probability, right or not) of each test picture, where probabilities were given


QUESTIONS = {  # what only a person can answer
    "training": "How was it trained?",
    "intended_use": "What is it for, and who looks at its answers?",
    "limits": "Which pictures has it never seen, and where is it not to be trusted?",
}
OPEN = "**Not answered yet.** "  # begins the line of a question that is open


def describe(data, labels, predictions, *, name, training=None, intended_use=None, limits=None):
    """Collect the contents of a model card, a `Card`.

    `data` are the `helpers.pictures.images.ImageSets` that the model was trained and tested on; `labels`, an array of
    int (n,), are those of ``data.files("test")``, in their order; `predictions` is an array of int (n,), or of float
    (n, classes). `name` is that of the model, for people; `training`, `intended_use` and `limits` say how it was
    trained, what it is for, and where it cannot be trusted. Only a person knows these: where one is None, the card asks
    for it (`open_questions`).

    Raises ValueError when a text is blank, or the labels are not as many as the test pictures.
    """
    texts = {"name": name, "training": training, "intended_use": intended_use, "limits": limits}
    asked = {key: OPEN + question for key, question in QUESTIONS.items() if texts[key] is None}
    texts |= asked
    blank = [key for key, text in texts.items() if not isinstance(text, str) or len(text.strip()) < 2]
    if blank:
        raise ValueError(
            f"{' and '.join(blank)} of the model card is blank: write a sentence. Whoever finds the file in a year "
            "knows only what the card says."
        )
    counts, names, predictions = data.counts(), list(data.class_names), np.asarray(predictions)
    matrix = evaluation.confusion(labels, predictions, names).to_numpy()
    if len(labels) != counts["test"].sum():
        raise ValueError(
            f"{len(labels)} labels, but {data.name!r} has {counts['test'].sum()} test pictures: give the labels and "
            "predictions of all of them, data.test."
        )
    return Card(
        data=data.name,
        counts=counts,
        accuracy=evaluation.accuracy(labels, predictions),
        tested=len(labels),
        by_class={name: (int(matrix[index, index]), int(matrix[index].sum())) for index, name in enumerate(names)},
        worst=_worst(matrix, names),
        answers=_answers(labels, predictions),
        date=datetime.date.today().isoformat(),
        **{key: text.strip() for key, text in texts.items()},
    )


def _answers(labels, predictions):
    """Return (largest probability, right or not) of each picture, where the predictions are probabilities."""
    if predictions.ndim != 2 or not evaluation.are_probabilities(predictions):
        return ()
    right = predictions.argmax(axis=1) == np.asarray(labels)
    return tuple(zip(predictions.max(axis=1).tolist(), right.tolist(), strict=True))


def _unknown(below, answers):
    """Return what the threshold means, in words, and what it did on the test."""
    if below is None:
        return ""
    said = f"; below a probability of {below:.3f} the answer is *unknown*"
    kept = [right for probability, right in answers if probability >= below]
    if kept:
        said += (
            f": {len(answers) - len(kept)} of {len(answers)} test pictures; of the others {np.mean(kept):.0%} are right"
        )
    return said


def _worst(matrix, names):
    wrong = matrix * (1 - np.eye(len(names), dtype=int))
    if not wrong.any():
        return "No test picture was called wrongly."
    true, called = np.unravel_index(int(wrong.argmax()), wrong.shape)
    return (
        f"The commonest mistake: {names[true]} called {names[called]}, {wrong[true, called]} of the "
        f"{matrix[true].sum()} test pictures of {names[true]}."
    )


def path_beside(path):
    """Return the path of a model's card: ``model.card.md`` beside ``model.keras``."""
    return path.with_name(f"{path.stem}.card.md")


def write(card, path, model, facts, digest):
    """Write the card of the `model` at `path`, whose file has the SHA-256 `digest`, completely or not at all.

    `facts` are those of the file: see `helpers.saving.model_file.read_facts`.
    """
    outputs, below, size = facts["outputs"], facts["unknown_below"], inspection.image_size(model)
    resize = 'pixels = keras.ops.image.resize(pixels, ({}, {}), interpolation="bicubic")\n'.format(*size)
    resize += "pixels = keras.ops.clip(pixels, 0, 255)\n"
    inside = inspection.resizing(model) is not None
    takes = "of any size up to 512 (larger ones made smaller first), brought to {}×{}" if inside else "{}×{}"
    ends = "logits (softmax makes probabilities of them)" if outputs == "logits" else "probabilities (softmax inside)"
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    texts = {
        "overview": f"{card.data}: {len(card.counts)} classes, {card.counts.to_numpy().sum()} pictures.",
        "table": _table(card),
        "takes": takes.format(*size),
        "resizing": "" if inside else resize,
        "unknown": _unknown(below, card.answers),
        "precision": facts["precision"],
        "versions": f"Python {python}, TensorFlow {tf.__version__}, Keras {keras.__version__}",
    }
    given = {"card": card, "path": path, "digest": digest, "ends": ends, "parameters": model.count_params()}
    text = TEMPLATE.read_text(encoding="utf-8").format(**given, **texts)
    with storage.written_whole(path_beside(path)) as temporary:
        temporary.write_text(text, encoding="utf-8")


def open_questions(path):
    """Return the questions that nobody has answered yet in the card of the model at `path`: list of str.

    Raises OSError where there is no card.
    """
    lines = path_beside(Path(path)).read_text(encoding="utf-8").splitlines()
    return [line.removeprefix(OPEN) for line in lines if line.startswith(OPEN)]


def recorded_digest(path):
    """Return the SHA-256 of the model's file that its card holds, or None without a card that holds one.

    Other texts of a card may quote one, too: that in the list on the file counts, or else the last.
    """
    try:
        text = path_beside(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None
    listed = re.findall(r"^\* `[^`\n]+`, SHA-256 `([0-9a-f]{64})`$", text, re.MULTILINE)
    return (listed or re.findall(r"SHA-256 `([0-9a-f]{64})`", text) or [None])[-1]


def _table(card):
    head = ["class", *card.counts.columns, "right on test"]
    rows = [[name, *card.counts.loc[name], "{} of {}".format(*card.by_class[name])] for name in card.counts.index]
    correct = sum(right for right, _ in card.by_class.values())
    rows.append(["all", *card.counts.sum(), f"{correct} of {card.tested}"])
    return "\n".join(_row(row) for row in [head, ["---"] * len(head), *rows])


def _row(cells):
    return "| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |"
