"""Start a notebook: quiet logs, a fixed seed, one plot style, one line of versions."""

import contextlib
import os
import sys
import warnings

STYLE = {
    "figure.dpi": 100,
    "figure.constrained_layout.use": True,
    "axes.prop_cycle": "cycler('color', ['#0072B2', '#D55E00', '#009E73', '#CC79A7', '#E69F00', '#56B4E9'])",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 11,
    "font.size": 10,
    "image.interpolation": "nearest",
    "legend.frameon": False,
}


def start(seed=0):
    """Prepare this kernel for the course. Call it before TensorFlow or Keras is imported.

    TensorFlow writes its first log lines directly to file descriptor 2, whatever its log level, so this descriptor is
    redirected while TensorFlow loads. Errors are still raised.

    Parameters
    ----------
    seed : int
        Seeds Python, NumPy and TensorFlow through `keras.utils.set_random_seed`.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with _descriptor_2_silenced():
        import tensorflow
    import keras
    import matplotlib

    tensorflow.get_logger().setLevel("ERROR")  # no advice about retracing when many small models are made
    keras.utils.set_random_seed(seed)
    matplotlib.rcParams.update(STYLE)
    # Keras adds this advice about its own default argument to every fit on a tf.data pipeline.
    warnings.filterwarnings("ignore", message=".*`shuffle=True` was passed.*")
    versions = f"Python {sys.version_info.major}.{sys.version_info.minor}"
    print(f"Ready: {versions}, TensorFlow {tensorflow.__version__}, Keras {keras.__version__}, seed {seed}.")


@contextlib.contextmanager
def _descriptor_2_silenced():
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
