"""Start a notebook or a command: quiet logs, a fixed seed, one plot style, one line of versions."""

import argparse
import contextlib
import html
import os
import re
import sys
import warnings
from pathlib import Path

STYLE = Path(__file__).parent / "assets" / "notebooks.mplstyle"


def start(seed=0):
    """Prepare this kernel for the course. Call it before TensorFlow or Keras is imported.

    TensorFlow writes its first log lines directly to file descriptor 2, whatever its log level, so this descriptor is
    redirected while TensorFlow loads. Errors are still raised. `seed`, an int, seeds Python, NumPy and TensorFlow
    through `keras.utils.set_random_seed`.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with descriptor_2_silenced():
        import tensorflow
    import keras
    import matplotlib.style

    tensorflow.get_logger().setLevel("ERROR")  # no advice about retracing when many small models are made
    keras.utils.set_random_seed(seed)
    matplotlib.style.use(STYLE)
    # Keras adds this advice about its own default argument to every fit on a tf.data pipeline.
    warnings.filterwarnings("ignore", message=".*`shuffle=True` was passed.*")
    _show_tables_with_headers()
    versions = f"Python {sys.version_info.major}.{sys.version_info.minor}"
    print(f"Ready: {versions}, TensorFlow {tensorflow.__version__}, Keras {keras.__version__}, seed {seed}.")


def table_html(table):
    """Return a `pandas.DataFrame` as Jupyter shows it, its header cells marked as such for screen readers.

    The name of the index is in the corner over it, not on a line of its own; ``table.attrs["caption"]`` is the caption.
    """
    one_line = table.index.nlevels == table.columns.nlevels == 1 and table.columns.name is None
    shown = (table.rename_axis(index=None, columns=table.index.name) if one_line else table)._repr_html_()
    if shown is None:  # switched off, by an option of pandas
        return None
    caption = f"<caption>{html.escape(table.attrs['caption'])}</caption>" if "caption" in table.attrs else ""
    head, body, rows = re.sub("<th></th>", "<td></td>", shown).partition("<tbody>")
    head = re.sub(r"<table[^>]*>", lambda found: found[0] + caption, re.sub(r"<th\b", '<th scope="col"', head))
    return head + body + re.sub(r"<th\b", '<th scope="row"', rows)


def _show_tables_with_headers():
    with contextlib.suppress(ImportError, AttributeError):  # no IPython here, or no shell
        from IPython import get_ipython

        formatter = get_ipython().display_formatter.formatters["text/html"]
        for module in ("pandas", "pandas.core.frame"):  # where pandas 3, and older ones, say that it is from
            formatter.for_type_by_name(module, "DataFrame", table_html)


def make_streams_safe(errors="replace"):
    """Let no letter that the terminal lacks, and no closed stream, end a command."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115, open as long as the process
        with contextlib.suppress(AttributeError):  # a stream of another kind
            getattr(sys, name).reconfigure(errors=errors, line_buffering=True)


def folder(text):
    """Return the name of a folder for argparse, which tells why an empty one is refused: it would mean the present."""
    if not text.strip():
        raise argparse.ArgumentTypeError("the name is empty: give a folder, such as my_course")
    return text


def port(text):
    """Return the number of a port that was given on the command line, as `argparse` takes it."""
    if not (text.isdecimal() and int(text) < 65536):
        raise argparse.ArgumentTypeError(f"{text!r} is no port: give a number from 1 to 65535, or 0 for any free one")
    return int(text)


@contextlib.contextmanager
def descriptor_2_silenced():
    """Let nothing that is written past Python, directly to file descriptor 2, reach the terminal or a notebook."""
    try:
        original = os.dup(2)
    except OSError:  # there is no such descriptor, so nothing can be printed
        yield
        return
    silence = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(silence, 2)
        yield
    finally:
        os.dup2(original, 2)
        os.close(original)
        os.close(silence)
