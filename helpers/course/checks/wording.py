"""Say in a few words what an answer is, however odd it is, and whether it is still blank."""

import inspect
import numbers

import keras
import numpy as np

LONGEST = 120  # characters
DEEPEST = 4  # nested containers


def one_line(value):
    """Return the first line of a text or an error, cut to a readable length."""
    try:
        lines = str(value).strip().splitlines()
    except (Exception, SystemExit):
        return "(a text that cannot be printed)"
    first = lines[0].strip() if lines else "(no message)"
    return first if len(first) <= LONGEST else first[: LONGEST - 1] + "…"


def has_blank(answer, depth=0):
    """Return whether an answer is ``...``, or a container that still holds one."""
    if answer is ...:
        return True
    if depth == DEEPEST:
        return False
    if type(answer) is dict:
        return any(has_blank(value, depth + 1) for value in answer.values())
    return type(answer) in (list, tuple) and any(has_blank(value, depth + 1) for value in answer)


def describe(value):
    """Return what `value` is, in a few words. Never raises."""
    try:
        return _described(value)
    except (Exception, SystemExit):
        return f"an object of type {type(value).__name__}"


def _described(value):
    if value is None:
        return "None"
    if isinstance(value, bool | np.bool_):
        return f"the truth value {value}"
    if isinstance(value, numbers.Number):
        return f"the number {value}"
    if isinstance(value, str | bytes):
        return f"the text {one_line(repr(value))}"
    if isinstance(value, type):
        return f"the class {value.__name__} itself"
    if isinstance(value, keras.Model):
        return f"the model {value.name!r}"
    if isinstance(value, keras.KerasTensor):
        return f"a symbolic output of shape {tuple(value.shape)}, not yet a model"
    if isinstance(value, keras.Layer):
        return f"the layer {value.name!r} ({type(value).__name__})"
    if inspect.isgenerator(value):
        return "a generator"
    if inspect.isroutine(value):
        return f"the function {value.__name__}"
    if hasattr(value, "element_spec"):
        return "a data set (tf.data)"
    if hasattr(value, "shape") and hasattr(value, "dtype"):
        return f"an array of shape {tuple(value.shape)}"
    if isinstance(value, list | tuple | dict | set):
        return f"the {type(value).__name__} {one_line(repr(value))}"
    return f"an object of type {type(value).__name__}"
