"""Start a notebook or a command: quiet logs, a fixed seed, one plot style, one line of versions."""

import argparse
import contextlib
import os
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
    versions = f"Python {sys.version_info.major}.{sys.version_info.minor}"
    print(f"Ready: {versions}, TensorFlow {tensorflow.__version__}, Keras {keras.__version__}, seed {seed}.")


def make_streams_safe(errors="replace"):
    """Let no letter that the terminal lacks, and no closed stream, end a command."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115, open as long as the process
        with contextlib.suppress(AttributeError):  # a stream of another kind
            getattr(sys, name).reconfigure(errors=errors, line_buffering=True)


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
