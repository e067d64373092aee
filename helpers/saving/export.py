"""Save a classifier as one ``.keras`` file with its class names and a card beside it; load it back in safe mode."""

import contextlib
import warnings
from pathlib import Path

import keras
import numpy as np

from helpers import storage
from helpers.network import inspection
from helpers.saving import model_card, model_file

PROBES = 2  # pictures of noise on which a saved model must give what the model gave


def save(model, path, class_names, card):
    """Save a classifier with its class names and its model card.

    The file is written beside its place, loaded again in safe mode, compared with `model` on pictures of noise, and
    renamed only then: what stands at `path` is always whole and can be loaded. The optimiser's state is left out; of a
    VGG16 that was trained whole with Adam it makes two thirds of the file.

    Parameters
    ----------
    model : keras.Model
        From pixels 0..255 (n, height, width, 3), preprocessing included, to one output for each class.
    path : path
        Ends in ``.keras``; its folder must exist. A model that stands there is replaced.
    class_names : sequence of str
        In the order of the labels.
    card : helpers.saving.model_card.Card
        As `helpers.saving.model_card.describe` returns it.

    Returns
    -------
    pathlib.Path
        `path`. The card stands beside it, as ``name.card.md``.

    Raises
    ------
    ValueError
        When the model takes no pixels or has no preprocessing inside, when names and outputs do not fit, or when it
        could not be loaded in safe mode without code of one's own.
    helpers.storage.StorageError
        When file or card cannot be written. The model that stood there stays.

    Notes
    -----
    Card and model are renamed one right after the other. Should the process be killed between the two, the card tells
    the checksum of the new model beside the old one, and `load` says so.
    """
    path = _free_place(path)
    size = inspection.image_size(model)
    outputs = inspection.outputs_of(model)
    names = _fitting_names(model, class_names)
    _check_preprocessing(model)
    if not isinstance(card, model_card.Card):
        raise ValueError(f"card={card!r}: expected what model_card.describe(…) returns.")
    if list(card.counts.index) != names:
        raise ValueError(
            f"The card tells of {list(card.counts.index)}, but class_names are {names}: expected the same."
        )
    bare = _bare(model)
    with _naming_the_place(path), storage.written_whole(path) as temporary:
        bare.save(temporary)
        model_file.add_facts(temporary, names, outputs)
        _check_same(model, temporary, size, outputs)
        model_card.write(card, path, storage.sha256(temporary), size, outputs, model.count_params())
    return path


def load(path):
    """Load a model that `save` wrote, in safe mode.

    The file is looked through before Keras opens it (`helpers.saving.model_file`). Where its card is missing or
    belongs to another file, a warning says so.

    Parameters
    ----------
    path : path

    Returns
    -------
    model : keras.Model
        Not compiled.
    class_names : tuple of str

    Raises
    ------
    helpers.saving.model_file.ModelFileError
        When the file is missing, damaged, of another kind, or holds what could run code. Its message is one line.
    """
    path = Path(path)
    facts = model_file.read_facts(path)
    model = _opened(path)
    try:
        inspection.image_size(model)
        fits = inspection.outputs_of(model) == facts["outputs"]
        _fitting_names(model, facts["class_names"])
    except ValueError as error:
        raise model_file.ModelFileError(f"{path.name}: {error}") from error
    if not fits:
        raise model_file.ModelFileError(f"{path.name} says that it gives {facts['outputs']}, which it does not.")
    if problem := card_problem(path):
        warnings.warn(problem, stacklevel=2)
    return model, tuple(facts["class_names"])


def card_problem(path):
    """Return in one sentence why the card of the model at `path` is not to be relied on, or None where it fits."""
    path = Path(path)
    recorded = model_card.recorded_digest(path)
    if recorded is None:
        return f"{path.name} has no model card beside it ({model_card.path_beside(path).name})."
    if recorded != storage.sha256(path):
        return (
            f"The model card beside {path.name} belongs to another file: the SHA-256 in it is not this file's. "
            "Do not rely on its numbers; export.save writes both anew."
        )
    return None


def _free_place(path):
    path = Path(path)
    if path.suffix != ".keras" or path.is_dir():
        raise ValueError(f"{str(path)!r}: expected the name of a file that ends in .keras, such as 'my_model.keras'.")
    if not path.parent.is_dir():
        raise ValueError(f"There is no folder {str(path.parent)!r}: make it first.")
    return path


def _fitting_names(model, class_names):
    names = model_file.check_names(class_names)
    shape = tuple(model.outputs[0].shape)
    if len(model.outputs) != 1 or len(shape) != 2 or shape[1] != len(names):
        raise ValueError(
            f"{model.name!r} gives shape {shape}, but there are {len(names)} class names: expected "
            f"(n, {len(names)}), one output for each. surgery.replace_final_dense makes an end that fits."
        )
    return names


def _check_preprocessing(model):
    if not inspection.prepares_pixels(model):
        raise ValueError(
            f"{model.name!r} does nothing to its pixels before the first weights, so its preprocessing was left "
            "outside: whoever loads it would forget it. Put it inside, as surgery.attach_head(base, classes, "
            "preprocess=…) does. Was it trained on pixels 0..255 as they are? Then say so: keras.layers.Rescaling(1.0) "
            "as the first layer."
        )


def _bare(model):
    """Return a model that shares every layer with `model` and was never compiled, nor were the models inside it."""
    shared = keras.Model(model.inputs[0], model.outputs[0], name=model.name)
    if not any(isinstance(operation, keras.Model) for operation in shared.operations):
        return shared
    return keras.models.clone_model(
        shared, clone_function=lambda operation: _bare(operation) if isinstance(operation, keras.Model) else operation
    )


def _check_same(model, temporary, size, outputs):
    model_file.read_facts(temporary)
    pictures = np.random.default_rng(0).uniform(0, 255, (PROBES, *size, 3)).astype("float32")
    before, after = (np.asarray(one(pictures, training=False)) for one in (model, _opened(temporary)))
    if not np.allclose(before, after, rtol=1e-4, atol=1e-5):
        apart = np.abs(before - after).max()
        raise ValueError(
            f"Loaded again, {model.name!r} gives other outputs, apart by up to {apart:.3g}: it was not saved. "
            "Does a layer keep numbers that are no weights?"
        )
    sums_to_1 = bool((before >= 0).all() and np.allclose(before.sum(axis=1), 1, atol=1e-3))
    if sums_to_1 != (outputs == "probabilities"):
        raise ValueError(
            f"{model.name!r} seems to end in {outputs}, but its rows sum to {before[0].sum():.3g}. End it in a "
            "Dense layer without activation, or with 'softmax'."
        )


def _opened(path):
    """Return the model of a file that was looked through; what Keras says against it becomes one line."""
    try:
        with warnings.catch_warnings():
            # Where the file lacks a layer's weights, Keras says so in a warning and leaves them at random.
            warnings.filterwarnings("error", message=".*(freshly-initialized|Skipping).*")
            return keras.models.load_model(path, compile=False, safe_mode=True)
    except Exception as error:  # a file that is not to be trusted can make Keras raise nearly anything
        reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
        raise model_file.ModelFileError(f"{path.name} cannot be loaded in safe mode: {reason[:200]}") from error


@contextlib.contextmanager
def _naming_the_place(path):
    try:
        yield
    except storage.StorageError as error:
        reason = getattr(error.__cause__, "strerror", None) or error.__cause__ or error
        raise storage.StorageError(
            f"{path} could not be written ({reason}). Free some space there or choose another folder; a model that "
            "stood there is unchanged."
        ) from error
