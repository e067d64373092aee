"""Which numbers a text says, and which of them a notebook has: for texts about notebooks."""

import functools
import re

import nbformat

NUMBER = re.compile(r"(?:\d+(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?)(?: ?%)?")
COLOURS = re.compile(r"\x1b\[[0-9;]*m")


def numbers(text):
    """The numbers in a text, without the commas of thousands; shares with their sign, as in 63%."""
    return {re.sub("[ ,]", "", number) for number in NUMBER.findall(COLOURS.sub("", text))}


@functools.cache
def of_notebook(path):
    """The numbers in a notebook: its text, code and outputs, and the alternative texts of its figures.

    A share such as 0.63 is 63%, too, and 63% is 63.
    """
    notebook, texts = nbformat.read(path, as_version=4), []
    for cell in notebook.cells:
        texts.append(cell.source)
        for output in cell.get("outputs", []):
            texts += [output.get("text", ""), output.get("data", {}).get("text/plain", "")]
            texts.append(str(output.get("metadata", {}).get("image/png", {}).get("alt", "")))
    found = set().union(*map(numbers, texts))
    found |= {number.rstrip("%") for number in found}
    shares = {number for number in found if re.fullmatch(r"0\.\d{1,4}", number)}
    return found | {f"{100 * float(share):.{digits}f}%" for share in shares for digits in (0, 1)}
