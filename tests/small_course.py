"""A course of one notebook with one cell, for the tests of what is done with notebooks."""

import nbformat


def small_course(folder, text="1 + 1"):
    """Write it with an output, and return the notebook's path."""
    folder.mkdir(exist_ok=True)
    cell = nbformat.v4.new_code_cell(text, execution_count=1)
    cell.outputs = [nbformat.v4.new_output("execute_result", {"text/plain": "2"}, execution_count=1)]
    path = folder / "00_start_here.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), path)
    return path
