"""Whether the model gives the same outputs again, in another batch, and after saving and loading in safe mode."""

import contextlib
import tempfile
import types
import warnings
from pathlib import Path

import keras
import numpy as np

from helpers.doctor import undisturbed
from helpers.doctor.findings import error, unjudged, warning

LARGEST = 60_000_000  # parameters
FEW = 2  # rows that are called alone
KNOWN = ("<lambda>", *vars(keras.activations))  # functions that are not saved, or by a name that Keras knows
CALLS = 8  # of the same rows: a flip of all of them at once stays unseen in one of 128


def check(case):
    """Yield findings about saving the model and loading it again."""
    alone = list(_alone(case))
    yield from alone
    if case.model.count_params() > LARGEST:
        yield unjudged("does-not-reload", f"It has {case.model.count_params():,} parameters: too many to try it here.")
        return
    own = _own(case.model)
    registered = [one for one in own if keras.saving.get_registered_name(one) != one.__name__]
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings(), contextlib.redirect_stdout(None):
        warnings.simplefilter("ignore")
        path, needed = Path(folder) / "copy.keras", {}
        try:
            case.model.save(path)
            try:
                copy = keras.saving.load_model(path, compile=False, safe_mode=True)
            except Exception:
                needed = {one.__name__: one for one in own if one not in registered}
                copy = keras.saving.load_model(path, needed, compile=False, safe_mode=True)
        except Exception as problem:
            text = " ".join(str(problem).split())
            seen = f"A saved copy cannot be loaded ({type(problem).__name__}: {text[:160]})."
            yield error("does-not-reload", seen, "lambda") if "ambda" in text else error("does-not-reload", seen)
            return
        loaded = np.asarray(copy(case.inputs[:FEW], training=False))
    if not any(finding.alarm for finding in alone) and not _same(loaded, case.outputs[:FEW]):
        seen = f"The loaded copy gives other outputs, apart by up to {_apart(loaded, case.outputs[:FEW]):.3g}."
        yield error("reload-differs", seen)
    names = ", ".join(one.__name__ for one in needed.values() or registered)
    if needed:
        seen = f"A saved copy loads only with custom_objects; not registered: {names}."
        yield warning("does-not-reload", seen, "unregistered")
    elif registered:
        yield unjudged("does-not-reload", f"It loads here; another program has to import first: {names}.")


def _own(model):
    """Return the classes and functions of a model's layers that are not of Keras, by name."""
    parts = undisturbed.parts_of(model)
    held = parts + [value for part in parts if not isinstance(part, keras.Model) for value in vars(part).values()]
    things = [one if isinstance(one, types.FunctionType) else type(one) for one in held]
    own = {one for one in things if isinstance(one, types.FunctionType) or hasattr(one, "from_config")}
    own = {one for one in own if one.__module__.split(".")[0] != "keras" and one.__name__ not in KNOWN}
    return sorted(own, key=lambda one: one.__name__)


def _alone(case):
    calls = [np.asarray(case.model(case.inputs[:FEW], training=False)) for _ in range(CALLS)]
    few = calls[0]
    if not all(_same(one, few) for one in calls):
        apart = max(_apart(one, few) for one in calls)
        seen = f"With training=False, {CALLS} calls give outputs apart by up to {apart:.3g}."
        yield error("augmentation-in-evaluation", seen, "layer")
    elif len(case.inputs) <= FEW or few.shape[:1] != (FEW,):
        yield unjudged("output-depends-on-batch", f"A batch has {len(case.inputs)} rows: too few to try a part.")
    elif not _same(few, case.outputs[:FEW]):
        seen = f"With training=False, {FEW} rows get other outputs alone than among {len(case.inputs)}"
        yield error("output-depends-on-batch", f"{seen}, by {_apart(few, case.outputs[:FEW]):.3g}.")


def _same(one, other):
    """Return whether outputs are the same but for the noise of their precision."""
    if one.shape != other.shape:
        return False
    half = "float16" in (one.dtype.name, other.dtype.name) or "bfloat16" in (one.dtype.name, other.dtype.name)
    size = float(np.nanmax(np.abs(other.astype("float64")), initial=0.0))
    tolerance = (0.05 if half else 1e-4) * min(size, 1e30) + 1e-6
    return np.allclose(one.astype("float64"), other.astype("float64"), rtol=1e-3, atol=tolerance, equal_nan=True)


def _apart(one, other):
    return float(np.abs(one.astype("float64") - other).max()) if one.shape == other.shape else np.inf
