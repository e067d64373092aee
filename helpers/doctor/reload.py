"""Whether a saved copy of the model loads in safe mode and gives the same outputs."""

import contextlib
import tempfile
import warnings
from pathlib import Path

import keras
import numpy as np

from helpers.doctor.findings import error, unjudged

LARGEST = 60_000_000  # parameters
KNOWN = ("keras", "builtins", "tensorflow")  # packages whose classes every reader of the file has


def check(case):
    """Yield findings about saving the model and loading it again."""
    outputs = np.asarray(case.model(case.inputs, training=False))
    steady = np.array_equal(case.outputs, outputs)
    if not steady:
        difference = np.abs(case.outputs - outputs).max()
        seen = f"With training=False, two calls give outputs apart by up to {difference:.3g}."
        yield error("augmentation-in-evaluation", seen, "layer")
    if case.model.count_params() > LARGEST:
        reason = f"The model has {case.model.count_params():,} parameters: too many to try it here."
        yield unjudged("does-not-reload", reason)
        return
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings(), contextlib.redirect_stdout(None):
        warnings.simplefilter("ignore")
        path = Path(folder) / "copy.keras"
        try:
            case.model.save(path)
            copy = keras.saving.load_model(path, compile=False, safe_mode=True)
        except Exception as problem:
            yield _refused(problem)
            return
        loaded = np.asarray(copy(case.inputs, training=False))
    same_shape = loaded.shape == outputs.shape
    same = same_shape and np.allclose(loaded, outputs, rtol=1e-3, atol=1e-4, equal_nan=True)
    if steady and not same:
        difference = np.abs(loaded - outputs).max() if same_shape else np.inf
        yield error("reload-differs", f"The loaded copy gives other outputs, apart by up to {difference:.3g}.")
    foreign = sorted(_foreign(keras.saving.serialize_keras_object(case.model)))
    if foreign:
        reason = f"It loads here, where {', '.join(foreign)} is known; another program has to import that first."
        mend = "import the module that defines it before keras.saving.load_model(path)"
        yield unjudged("does-not-reload", reason, mend)


def _refused(problem):
    text = " ".join(str(problem).split())
    if "ambda" in text:
        seen = "A saved copy cannot be loaded (a Lambda holds code, which safe mode refuses)."
        return error("does-not-reload", seen, "lambda")
    return error("does-not-reload", f"A saved copy cannot be loaded ({type(problem).__name__}: {text[:160]}).")


def _foreign(config):
    """Return the names of classes and functions in a configuration that do not come with Keras."""
    names, waiting = set(), [config]
    while waiting:
        node = waiting.pop()
        if isinstance(node, list | tuple):
            waiting.extend(node)
        elif isinstance(node, dict):
            name, registered = node.get("class_name"), node.get("registered_name")
            package = (node.get("module") or "keras").split(".")[0]
            if name and (registered not in (None, name) or package not in KNOWN):
                names.add(str(registered or name))
            waiting.extend(node.values())
    return names
