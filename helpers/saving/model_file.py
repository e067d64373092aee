"""What a ``.keras`` file may hold: checked before Keras opens it.

Such a file is a zip with ``config.json`` (the layers), ``model.weights.h5`` and ``metadata.json``. The course adds
``class_names.json``, which Keras ignores. A file from somewhere else cannot be trusted: it is never unpickled, and only
what is built into Keras and cannot run code of the file's own is accepted.
"""

import io
import json
import numbers
import re
import zipfile
from pathlib import Path, PurePosixPath

import h5py
import keras

from helpers import storage
from helpers.measuring import evaluation
from helpers.pictures import naming

FACTS = "class_names.json"
CONFIG = "config.json"
WEIGHTS = "model.weights.h5"
LARGEST = 2 * 1024**3  # bytes, unpacked; VGG16 with its full top has 0.55 GB
LARGEST_TEXT = 16 * 1024**2  # bytes of a JSON member
MOST_MEMBERS = 1000  # Keras writes a handful
LARGEST_RATIO = 100  # unpacked to packed; Keras itself does not compress
OUTPUTS = ("logits", "probabilities")
PRECISIONS = ("float32", "bfloat16", "float16")

MODULES = re.compile(
    r"keras(\.src)?\.(layers|models|ops|initializers|regularizers|constraints|activations|dtype_policies)(\..+)?"
)
PLAIN = ("Sequential", "Functional", "Model", "DTypePolicy")  # built into the module keras itself
FUNCTIONS = {name for module in (keras.activations, keras.initializers, keras.regularizers) for name in dir(module)}
SIZES = {"units", "filters", "input_dim", "output_dim"}
RANDOM = ("keras.random", "keras.src.random.seed_generator")  # modules of SeedGenerator
VALUES = ("__keras_tensor__", "__tensor__", "__numpy__", "__ellipsis__", "__slice__", "__tuple__")
RUN_OR_READ = (  # hold code or call another library; read files that they name
    *("Lambda", "TFSMLayer", "TorchModuleWrapper", "JaxLayer", "FlaxLayer"),
    *("StringLookup", "IntegerLookup", "TextVectorization"),
)


class ModelFileError(ValueError):
    """A file is not a complete model of the course, or holds what must not be loaded."""


def add_facts(path, class_names, outputs, unknown_below=None, precision="float32"):
    """Write class names and what else an answer needs into a ``.keras`` file, as one more member of the zip."""
    facts = {"class_names": list(class_names), "outputs": outputs}
    facts |= {"unknown_below": unknown_below, "precision": precision}
    text = json.dumps(facts, ensure_ascii=False, indent=1)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(FACTS, text)


def read_facts(path, class_names=None):
    """Check a ``.keras`` file; return what the course wrote into it.

    A dict: ``class_names``, the kind of ``outputs``, ``unknown_below`` (a probability, or None), and the ``precision``
    in which it was tested. Of a file without them `class_names` are taken, and the others are None. Nothing in the file
    is executed, unpickled or unpacked to disk. Raises `ModelFileError`, whose message is one line.
    """
    path = Path(path)
    _check_kind(path)
    try:
        with zipfile.ZipFile(path) as archive:
            _check_members(path, archive)
            damaged = archive.testzip()
            texts = {name: archive.read(name) for name in (CONFIG, FACTS) if name in archive.namelist()}
            stored = archive.getinfo(WEIGHTS).file_size
            if not damaged:
                _check_weights(path, archive, stored)
    except (zipfile.BadZipFile, EOFError, OSError, NotImplementedError, RuntimeError) as error:
        if isinstance(error, ModelFileError):
            raise
        raise ModelFileError(f"{path.name} is cut short or damaged ({error}). Copy or save it again.") from error
    if damaged:
        raise ModelFileError(f"{path.name} is damaged: the checksum of {damaged} does not fit. Copy it again.")
    check_config(path, _parsed(path, CONFIG, texts[CONFIG]), stored)
    if FACTS not in texts and class_names is not None:
        return {"class_names": check_names(class_names), "outputs": None, "unknown_below": None, "precision": None}
    if FACTS not in texts:
        raise ModelFileError(
            f"{path.name} has no class names ({FACTS}): it was saved by model.save, not by export.save. Save it with "
            "export.save, name them to predict (--classes cat,dog), or use keras.models.load_model(path)."
        )
    return _checked_facts(path, _parsed(path, FACTS, texts[FACTS]))


def _check_kind(path):
    if path.is_dir():
        raise ModelFileError(
            f"No file is called {path}: it is a folder. Of a SavedModel, load it where it was made and save it again "
            "with export.save(model, 'name.keras', …)."
        )
    if not path.is_file():
        raise ModelFileError(f"No file is called {path}. Check the folder and the spelling; it ends in .keras.")
    with open(path, "rb") as stream:
        start = stream.read(8)
    again = ". Save the model again with export.save(model, 'name.keras', …)"
    kind = None
    if start.startswith(b"\x89HDF"):
        kind = f"an HDF5 file (.h5), which is not opened here{again}"
    elif start[:1] == b"\x80":
        kind = f"a Python pickle, which could run any code and is never opened here{again}"
    elif not start:
        kind = f"empty{again}"
    elif path.suffix in (".tflite", ".onnx"):
        kind = "for another runtime, and opened by formats.load; here the .keras file is asked that it was made from"
    elif naming.ending_of(path) in naming.ENDINGS:
        kind = "a picture: the model comes first, then the pictures"
    elif not start.startswith(b"PK"):
        kind = f"no zip archive, as every .keras file is{again}"
    if kind:
        raise ModelFileError(f"{path.name} is {kind}.")
    if path.suffix != ".keras":
        raise ModelFileError(f"{path.name} does not end in .keras. Give it that ending, if it is one.")


def _check_members(path, archive):
    members = archive.infolist()
    names = [member.filename for member in members]
    missing = [name for name in (CONFIG, WEIGHTS) if name not in names]
    if missing:
        raise ModelFileError(f"{path.name} is a zip without {' and '.join(missing)}: it is no Keras model.")
    if len(names) > MOST_MEMBERS:
        raise ModelFileError(f"{path.name} holds {len(names):,} members, as Keras never writes them. Not loaded.")
    if len(set(names)) < len(names):
        raise ModelFileError(f"{path.name} holds a member more than once, as Keras never writes it. Not loaded.")
    for member in members:
        name = member.filename
        if "\\" in name or ":" in name or name.startswith("/") or ".." in PurePosixPath(name).parts:
            raise ModelFileError(f"{path.name} holds a member called {name!r}, which leads outside. Not loaded.")
        if member.flag_bits & 1:
            raise ModelFileError(f"{path.name} is encrypted. Save it without a password.")
        ceiling = LARGEST if not name.endswith(".json") else LARGEST_TEXT
        if member.file_size > min(ceiling, LARGEST_RATIO * max(member.compress_size, 1024)):
            raise ModelFileError(f"{path.name}: {name} would unpack to {member.file_size:,} bytes. Not loaded.")
    total = sum(member.file_size for member in members)
    if total > LARGEST:
        raise ModelFileError(f"{path.name} would unpack to {total:,} bytes, more than {LARGEST:,}. Not loaded.")


def _check_weights(path, archive, stored):
    """Raise where the weights declare more numbers than are stored: reading them would fill the memory."""
    declared = []
    with io.BytesIO(archive.read(WEIGHTS)) as stream:
        try:
            with h5py.File(stream, "r") as file:
                file.visititems(lambda _, item: declared.append(getattr(item, "nbytes", 0)))
        except Exception as error:  # h5py raises nearly anything of a file that is no HDF5
            raise ModelFileError(f"{path.name}: {WEIGHTS} cannot be read ({error}). Save the model again.") from error
    if sum(declared) > stored:
        raise ModelFileError(f"{path.name}: weights of {sum(declared):,} bytes in {stored:,}. Not loaded.")


def _parsed(path, name, text):
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ModelFileError(f"{path.name}: {name} cannot be read ({error}). Save the model again.") from error


def check_config(path, config, stored=LARGEST):
    """Raise unless everything that a model's configuration names is built into Keras and cannot run code.

    Keras's safe mode refuses Lambda layers too, but can be switched off for a whole process. A layer of more units
    than its weights have bytes, which are `stored`, would fill the memory.
    """
    waiting = [config]
    while waiting:
        node = waiting.pop()
        if isinstance(node, list):
            waiting.extend(node)
        elif isinstance(node, dict):
            if "class_name" in node:
                _check_named(Path(path), node)
            for key in SIZES & node.keys():
                if isinstance(node[key], int | float) and node[key] > stored:
                    raise ModelFileError(f"{Path(path).name}: {key} of {node[key]:,} without weights. Not loaded.")
            waiting.extend(node.values())


def _check_named(path, node):
    name, module, inner = str(node["class_name"]), node.get("module"), node.get("config")
    called = inner.get("name") if isinstance(inner, dict) else None
    layer = f"the layer {called!r} ({name})" if called else name
    if name in RUN_OR_READ or name == "__lambda__":
        raise ModelFileError(
            f"{path.name} holds {layer}, which could run code of its own, so safe mode refuses it. Call the function "
            "directly while you build the model, e.g. preprocess_input(pixels), or take a layer such as Rescaling."
        )
    if name == "function":
        allowed = module == "builtins" and isinstance(inner, str) and inner in FUNCTIONS
        layer = f"the function {inner!r}"
    elif module is None:
        allowed = name in VALUES
    else:
        allowed = bool(MODULES.fullmatch(str(module))) or (module == "keras" and name in PLAIN)
        allowed = allowed or (module in RANDOM and name == "SeedGenerator")
    if not allowed:
        raise ModelFileError(
            f"{path.name} holds {layer}, which is not built into Keras: nobody without its code could load the model. "
            "Build it from Keras's own layers and activations."
        )


def _checked_facts(path, facts):
    facts = facts if isinstance(facts, dict) else {}
    names, outputs = facts.get("class_names"), facts.get("outputs")
    if not isinstance(names, list) or outputs not in OUTPUTS:
        raise ModelFileError(f"{path.name}: {FACTS} does not tell class names and outputs. Save it with export.save.")
    try:
        below = check_threshold(facts.get("unknown_below"), names)
        precision = facts.get("precision") if facts.get("precision") in PRECISIONS else None
        return {"class_names": check_names(names), "outputs": outputs, "unknown_below": below, "precision": precision}
    except ValueError as error:
        raise ModelFileError(f"{path.name}: {error}") from error


def check_threshold(unknown_below, class_names):
    """Return the probability below which the answer is *unknown*, or None; ValueError where it is none."""
    number = isinstance(unknown_below, numbers.Real) and not isinstance(unknown_below, bool)
    if unknown_below and any(name.strip().casefold() == "unknown" for name in class_names):
        raise ValueError("A class is called 'unknown', as an answer below the threshold is: call it 'other', perhaps.")
    if unknown_below is None or (number and 0 <= unknown_below < 1):
        return None if unknown_below is None else float(unknown_below)
    raise ValueError(f"unknown_below={unknown_below!r}: expected a probability, from 0 to below 1, or None.")


def check_path(path, ending):
    """Return where a model is to be written; ValueError where the name does not end so, or its folder is missing."""
    path = storage.checked_path(path).expanduser()
    if path.suffix != ending or path.is_dir():
        raise ValueError(f"{str(path)!r}: expected a file name that ends in {ending}, such as 'my_model{ending}'.")
    if not path.parent.is_dir():
        raise ValueError(f"There is no folder {str(path.parent)!r}: make it first.")
    return path


def check_names(class_names, model=None):
    """Return class names as a list, or say what is wrong with them: a `model` that is given has an output for each."""
    names = evaluation.in_order(class_names)
    wrong = [name for name in names if not isinstance(name, str) or not name.strip() or not name.isprintable()]
    if wrong:
        raise ValueError(f"class_names has {wrong[0]!r}: expected words, in the order of the labels.")
    if len(set(names)) < len(names) or len(names) < 2:
        raise ValueError(f"class_names={names}: expected at least two, all different, in the order of the labels.")
    if model and len(model.outputs) != 1:
        raise ValueError(
            f"{model.name!r} has {len(model.outputs)} outputs: expected one, with a number for each class."
        )
    shape = tuple(model.outputs[0].shape) if model else (None, len(names))
    if len(shape) != 2 or shape[1] != len(names):
        raise ValueError(
            f"{model.name!r} gives shape {shape}, but there are {len(names)} class names: expected "
            f"(n, {len(names)}), one output for each. surgery.replace_final_dense makes an end that fits."
        )
    return names
