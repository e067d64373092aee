"""The doctor: looks at what a model and its data do, and names silent mistakes.

``diagnose(model, train, validation, test)`` tries the model on a batch or two and leaves it exactly as it was.
``python -m helpers.doctor`` checks the machine and the installation.

What can be found stands below and in `NAMES`. `EXAMPLES` holds a program for each name that makes this mistake, on
VGG16 and the course's animals, and shows what the doctor says of it: ``exec(doctor.EXAMPLES["stale-compile"])``.
"""

import tomllib
from pathlib import Path

from helpers.doctor.findings import NAMES, Diagnosis, Finding

__all__ = ["EXAMPLES", "NAMES", "Diagnosis", "Finding", "diagnose"]

_TEXTS = tomllib.loads(Path(__file__).with_name("examples.toml").read_text(encoding="utf-8"))
EXAMPLES = {name: f"{_TEXTS['before']}\n\n{code}print(found)\n" for name, code in _TEXTS["examples"].items()}
__doc__ += "".join(f"\n{name}\n    {what}" for name, what in NAMES.items())


def diagnose(model, train, validation=None, test=None, class_names=None, *, frozen=None):
    """Look for silent mistakes in an image classifier and its data, by what they do.

    The model is tried on a few rows and left exactly as it was: weights, optimizer, metrics, flags, and what a
    training step that was built by an earlier fit would do. A data set that shuffles moves on, as after any pass.

    Parameters
    ----------
    model : keras.Model
        Built; one input, one output. Compiled, or training is not judged.
    train, validation, test : tf.data.Dataset, keras.utils.PyDataset or iterable of batches, or (inputs, labels) arrays
        Inputs are pixels (n, height, width, 3) or features. At most 2000 rows of each are read, for at most
        two seconds. A generator is used up by that, which is said; make a new one afterwards.
    class_names : sequence of str, optional
        In the order of the labels.
    frozen : keras.Layer, str, or an iterable of both, optional
        What you mean to be frozen: layers, models or names of either. An error where training moves any of them; what
        it leaves out may train or not. Without it the flags count as what you mean.

    Returns
    -------
    Diagnosis
        A list of `Finding`: errors, warnings, and what cannot be judged.

    Raises
    ------
    TypeError
        When `model` is not a Keras model of one input and one output, or a split is neither arrays nor a data set.
    ValueError
        When a split is empty, `frozen` names a layer that the model does not have, or `class_names` do not fit.
    """
    from helpers.doctor import examine  # only now: the check of the machine runs without TensorFlow, too

    return examine.run(model, train, validation, test, class_names, frozen)
