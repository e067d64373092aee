"""Which numbers a text says, and which of them a notebook has: for texts about notebooks."""

import functools
import re

import nbformat

NUMBER = re.compile(r"\d+(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?")
COLOURS = re.compile(r"\x1b\[[0-9;]*m")


def numbers(text):
    """The numbers in a text, without the commas of thousands, as they are written otherwise."""
    return {number.replace(",", "") for number in NUMBER.findall(COLOURS.sub("", text))}


@functools.cache
def of_notebook(path):
    """The numbers in a notebook: its text, code and outputs, and the alternative texts of its figures."""
    notebook, texts = nbformat.read(path, as_version=4), []
    for cell in notebook.cells:
        texts.append(cell.source)
        for output in cell.get("outputs", []):
            texts += [output.get("text", ""), output.get("data", {}).get("text/plain", "")]
            texts.append(str(output.get("metadata", {}).get("image/png", {}).get("alt", "")))
    return set().union(*map(numbers, texts))
