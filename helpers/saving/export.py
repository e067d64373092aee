"""Save a classifier as one ``.keras`` file with its class names and a card beside it; load it back in safe mode."""

import warnings
from pathlib import Path

import keras
import numpy as np

from helpers import storage
from helpers.measuring import evaluation
from helpers.network import inspection
from helpers.saving import model_card, model_file

# These move pixels, or copy them.
MOVE_PIXELS = ("Cast", "Flatten", "Flip", "GetItem", "Permute", "Reshape", "Transpose", "UpSampling2D", "Pad", "ReLU")
PROBES = 2  # pictures of noise for which the saved copy must give the same outputs as the model


def save(model, path, class_names, card, unknown_below=None):
    """Save a classifier with its class names and its model card.

    The file is written under another name, loaded again in safe mode, compared with `model` on pictures of noise, and
    only then renamed: the file at `path` is always complete and can be loaded. The optimizer's state is left out; it
    would be two thirds of the file of a VGG16 that was trained as a whole with Adam.

    Parameters
    ----------
    model : keras.Model
        From pixels 0..255 (n, height, width, 3), preprocessing included, to one output for each class.
    path : path
        Ends in ``.keras``; its folder must exist. A model that is there already is replaced.
    class_names : sequence of str
        In the order of the labels.
    card : helpers.saving.model_card.Card
        As `helpers.saving.model_card.describe` returns it.
    unknown_below : float, optional
        Where the largest probability is below, `helpers.predict` answers *unknown*. It is kept in the file.

    Returns `path`, a pathlib.Path; the card is beside it, as ``name.card.md``. Card and model are renamed one right
    after the other: where the process is killed between the two, the card is that of the new model, and `load` warns.

    Raises ValueError when the model takes no pixels or has no preprocessing inside, when names and outputs do not fit,
    or when it could not be loaded in safe mode without the learner's own code; `helpers.storage.StorageError` when file
    or card cannot be written: an earlier model at `path` stays as it was.
    """
    path = model_file.check_path(path, ".keras")
    size = inspection.image_size(model)
    outputs = inspection.outputs_of(model)
    names = model_file.check_names(class_names, model)
    unknown_below = model_file.check_threshold(unknown_below, names)
    _check_preprocessing(model)
    if not isinstance(card, model_card.Card):
        raise ValueError(f"card={card!r}: expected what model_card.describe(…) returns.")
    if list(card.counts.index) != names:
        raise ValueError(
            f"The card is about {list(card.counts.index)}, but class_names are {names}: expected the same."
        )
    uncompiled = _uncompiled(model)
    with storage.written_whole(path) as temporary:
        uncompiled.save(temporary)
        model_file.add_facts(temporary, names, outputs, unknown_below, _precision(model))
        known = _check_same(model, temporary, size=size, outputs=outputs)
        model_card.write(card, path, model, known, storage.sha256(temporary))
    return path


def load(path, class_names=None):
    """Load a model that `save` wrote, in safe mode.

    The file is checked before Keras opens it (`helpers.saving.model_file`). A warning says when its card is missing or
    belongs to another file.

    Returns the model, not compiled, and its class names, a tuple of str. `class_names` are those of a ``.keras`` file
    that holds none, as others save it. Raises `helpers.saving.model_file.ModelFileError`, of one line, when the file is
    missing, damaged, of another kind, or holds what could run code; ValueError when no file can be called `path`.
    """
    model, known = opened(path, class_names)
    return model, tuple(known["class_names"])


def opened(path, class_names=None):
    """Load a model as `load` does; return it and what `model_file.read_facts` tells of its file."""
    path = storage.checked_path(path).expanduser()
    known = model_file.read_facts(path, class_names)
    model = _loaded(path)
    try:
        inspection.image_size(model)
        fits = inspection.outputs_of(model) == known["outputs"] or known["outputs"] is None
        model_file.check_names(known["class_names"], model)
    except ValueError as error:
        raise model_file.ModelFileError(f"{path.name}: {error}") from error
    if not fits:
        raise model_file.ModelFileError(f"{path.name} says that it gives {known['outputs']}, which it does not.")
    if problem := card_problem(path):
        warnings.warn(problem, stacklevel=3)
    return model, known


def card_problem(path):
    """Return in one sentence why the card of the model at `path` cannot be relied on, or None where it fits."""
    path = Path(path).expanduser()
    recorded = model_card.recorded_digest(path)
    if recorded is None:
        return f"{path.name} has no model card beside it ({model_card.path_beside(path).name})."
    if recorded != storage.sha256(path):
        return (
            f"The model card beside {path.name} belongs to another file: the SHA-256 in it is not this file's. "
            "Do not rely on its numbers; export.save writes both again."
        )
    return None


def _precision(model):
    """Return the type of numbers in which a model computes, "float32" unless a layer with weights says otherwise."""
    kinds = [layer.compute_dtype for layer in inspection.flat_layers(model) if layer.weights]
    return next((kind for kind in kinds if kind != "float32"), "float32")


def _check_preprocessing(model):
    """Raise unless a model changes the scale of its pixels before the first weights; ``Rescaling(1.0)`` says so."""
    for operation in inspection.all_operations(model):
        kind = type(operation).__name__
        if kind in inspection.PREPARING:
            return
        if getattr(operation, "weights", None):
            break
        idle = kind == "Activation" and inspection.activation(operation) in ("linear", "relu")
        if not idle and kind not in (*inspection.KEEP_PIXELS, *MOVE_PIXELS) and not kind.startswith(("Random", "Aug")):
            return
    raise ValueError(
        f"{model.name!r} does nothing to its pixels before the first weights, so its preprocessing was left outside: "
        "whoever loads it would forget it. Put it inside, as surgery.attach_head(base, classes, preprocess=…) does. "
        "Was it trained on pixels 0..255 as they are? Then say so: keras.layers.Rescaling(1.0) as the first layer."
    )


def _uncompiled(model):
    """Return a model that shares every layer with `model` and was never compiled, nor were the models inside it."""

    def inner(operation):
        return _uncompiled(operation) if isinstance(operation, keras.Model) else operation

    shared = keras.Model(model.inputs[0], model.outputs[0], name=model.name)
    return keras.models.clone_model(shared, clone_function=inner)


def _check_same(model, path, size, outputs):
    """Return the facts of a file; raise unless it loads and gives the outputs of `model`, of the kind `outputs`."""
    known = model_file.read_facts(path)
    pictures = np.random.default_rng(0).uniform(0, 255, (PROBES, *size, 3)).astype("float32")
    before = np.asarray(keras.tree.flatten(model(pictures, training=False))[0])  # a dictionary of one, perhaps
    after = np.asarray(_loaded(path)(pictures, training=False))
    if not np.isfinite(before).all():
        raise ValueError(
            f"{model.name!r} gives NaN or infinite numbers for pictures of noise: it was not saved. "
            "Weights went to NaN in training, it seems: train it anew at a smaller learning rate."
        )
    if not np.allclose(before, after, rtol=1e-4, atol=1e-5):
        difference = np.abs(before - after).max()
        raise ValueError(
            f"Loaded again, {model.name!r} gives other outputs, apart by up to {difference:.3g}: it was not saved. "
            "Does a layer keep numbers that are no weights?"
        )
    if bool(evaluation.are_probabilities(before)) != (outputs == "probabilities"):
        raise ValueError(
            f"{model.name!r} seems to end in {outputs}, but its rows sum to {before[0].sum():.3g}. End it in a "
            "Dense layer without activation, or with 'softmax'."
        )
    return known


def _loaded(path):
    """Return the model of a file that was checked; an error of Keras becomes one line."""
    try:
        with warnings.catch_warnings():
            # Where the file lacks a layer's weights, Keras warns and leaves them at random.
            warnings.filterwarnings("error", message=".*(freshly-initialized|Skipping).*")
            return keras.models.load_model(path, compile=False, safe_mode=True)
    except Exception as error:  # a file that is not to be trusted can make Keras raise nearly anything
        reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
        if isinstance(error, Warning):
            reason = "its weights are not those of its layers, by name or by shape; save it again where it was made"
        raise model_file.ModelFileError(f"{path.name} cannot be loaded in safe mode: {reason[:200]}") from error
