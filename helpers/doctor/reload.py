"""Whether a saved copy of the model loads in safe mode and gives the same outputs."""

import contextlib
import tempfile
import warnings
from pathlib import Path

import keras
import numpy as np

from helpers.doctor.findings import Finding, unjudged

LARGEST = 60_000_000  # parameters


def check(case):
    """Yield findings about saving the model and loading it again."""
    again = np.asarray(case.model(case.inputs, training=False))
    steady = np.array_equal(case.outputs, again)
    if not steady:
        yield Finding(
            "augmentation-in-evaluation",
            "error",
            f"With training=False, two calls give outputs apart by up to {np.abs(case.outputs - again).max():.3g}.",
            "A layer alters its input at random although nothing is trained: scores and predictions waver.",
            "call the random layer without training=True",
        )
    if case.model.count_params() > LARGEST:
        yield unjudged(
            "does-not-reload", f"The model has {case.model.count_params():,} parameters: too many to try it here."
        )
        return
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings(), contextlib.redirect_stdout(None):
        warnings.simplefilter("ignore")
        path = Path(folder) / "copy.keras"
        try:
            case.model.save(path)
            copy = keras.saving.load_model(path, compile=False, safe_mode=True)
        except Exception as error:
            yield _refused(error)
            return
        loaded = np.asarray(copy(case.inputs, training=False))
    if steady and (loaded.shape != again.shape or not np.allclose(loaded, again, rtol=1e-3, atol=1e-4, equal_nan=True)):
        apart = np.abs(loaded - again).max() if loaded.shape == again.shape else np.inf
        yield Finding(
            "reload-differs",
            "error",
            f"The loaded copy gives other outputs, apart by up to {apart:.3g}.",
            "What the outputs depend on is not saved: a number that is no weight, or a layer that Keras does not see.",
            "keep it in self.add_weight(...), or return it from get_config()",
        )
    strange = sorted(_strange(keras.saving.serialize_keras_object(case.model)))
    if strange:
        reason = f"It loads here, where {', '.join(strange)} is known; another program has to import that first."
        yield unjudged(
            "does-not-reload", reason, "import the module that defines it before keras.saving.load_model(path)"
        )


def _refused(error):
    text = " ".join(str(error).split())
    lambda_layer = "ambda" in text
    kind = "a Lambda holds code, which safe mode refuses" if lambda_layer else f"{type(error).__name__}: {text[:160]}"
    mend = (
        "preprocess_input(pixels) while you build the model, instead of layers.Lambda(preprocess_input)(pixels)"
        if lambda_layer
        else "@keras.saving.register_keras_serializable() on the class, with a get_config() that returns its arguments"
    )
    why = "The training is lost with the kernel: the file is there, and nobody can open it."
    return Finding("does-not-reload", "error", f"A saved copy cannot be loaded ({kind}).", why, mend)


def _strange(config):
    """Return the names of classes and functions in a configuration that do not come with Keras."""
    found, waiting = set(), [config]
    while waiting:
        node = waiting.pop()
        if isinstance(node, list | tuple):
            waiting.extend(node)
        elif isinstance(node, dict):
            module, name = node.get("module"), node.get("class_name")
            if name and (
                node.get("registered_name") not in (None, name) or (module or "keras").split(".")[0] not in KNOWN
            ):
                found.add(str(node.get("registered_name") or name))
            waiting.extend(node.values())
    return found


KNOWN = ("keras", "builtins", "tensorflow")
