"""LiteRT and ONNX: a classifier for runtimes other than Keras's, compared with it before its file is in place.

Both files take pictures of the size of training: a Resizing in front of the model is left out. LiteRT has no bicubic
resizing of its own, and onnxruntime's does not make pictures smaller.
"""

import contextlib
import gc
import hashlib
import importlib
import io
import json
import os
import warnings
import zipfile

import keras
import numpy as np

from helpers import session, storage
from helpers.network import inspection
from helpers.saving import model_file

FACTS = ("class_names", "outputs", "unknown_below", "precision")
LABELS = "labels.txt"  # where programs for LiteRT look for class names, one on each line
PROBES = 4  # pictures of noise on which file and model must agree
EXACT, HALF = 1e-4, 0.03  # how far apart their probabilities may be
MISSING = 'ONNX needs {}: pip install "swap-the-head[onnx]" (in the folder of the course: pip install ".[onnx]").'


def litert(model, path, class_names, half=False, unknown_below=None):
    """Write a classifier as LiteRT (formerly TensorFlow Lite), for phones, small computers and browsers.

    It takes one picture at a time, (1, height, width, 3), as runtimes in browsers refuse an open batch, and consists of
    LiteRT's own operations alone. The class names are inside: ``labels.txt`` and ``class_names.json`` are a zip at the
    end of the file, as LiteRT's associated files are; ``unzip`` finds them.

    Parameters
    ----------
    model : keras.Model
        From pixels 0..255 to probabilities, preprocessing included, computing in float32.
    path : path
        Ends in ``.tflite``; its folder must exist. A file that is there already is replaced.
    class_names : sequence of str
        In the order of the labels.
    half : bool
        Store the weights as float16: half the size.
    unknown_below : float, optional
        Where the largest probability is below, the answer is *unknown*. It is kept in the file.

    Returns `path`, a pathlib.Path. Raises ValueError when the model cannot be converted, or when model and file differ
    by more than 0.0001 (0.03 with `half`) on pictures of noise; `helpers.storage.StorageError` when the file cannot be
    written. An earlier file at `path` then stays as it was.
    """
    import tensorflow as tf

    path, fixed, facts = _prepared(model, path, ".tflite", class_names, unknown_below)
    settings = {"target_spec": {"supported_ops": [tf.lite.OpsSet.TFLITE_BUILTINS]}}
    if half:
        facts["precision"] = "float16"
        settings["target_spec"]["supported_types"] = [tf.float16]
        settings["optimizations"] = [tf.lite.Optimize.DEFAULT]
    one = keras.InputSpec(shape=(1, *fixed.input_shape[1:]), dtype="float32")
    with storage.written_whole(path) as temporary:
        with _quiet(f"{model.name!r} cannot be written as LiteRT, perhaps for an operation that it lacks"):
            fixed.export(temporary, format="litert", input_signature=[one], verbose=False, **settings)
        digest = storage.sha256(temporary)
        model_file.add_facts(temporary, **facts)
        with zipfile.ZipFile(temporary, "a") as archive:
            archive.writestr(LABELS, "\n".join(facts["class_names"]))
            archive.comment = digest.encode()
        _check_same(model, fixed, temporary, HALF if half else EXACT)
    return path


def onnx(model, path, class_names, unknown_below=None):
    """Write a classifier as ONNX, for onnxruntime: on servers, in browsers, from C++, C# or Java.

    It takes any number of pictures at once, (n, height, width, 3); class names and the rest of `facts` are in its
    ``metadata_props``, as JSON. For a moment the converter takes 20 times the memory of the weights: 1.2 GB for VGG16.

    Parameters, result and errors are those of `litert`; `path` ends in ``.onnx``. Raises ImportError, too, without the
    optional packages onnx, onnxruntime and tf2onnx.
    """
    onnx, tf2onnx, _ = [_needed(package) for package in ("onnx", "tf2onnx", "onnxruntime")]
    path, fixed, facts = _prepared(model, path, ".onnx", class_names, unknown_below)
    with storage.written_whole(path) as temporary:
        with _quiet(f"{model.name!r} cannot be written as ONNX"):
            # The optimizers would copy all weights 24 times; onnxruntime does the same when it opens a file.
            converted, _ = tf2onnx.convert.from_keras(fixed, optimizers={})
        texts = {name: json.dumps(fact, ensure_ascii=False) for name, fact in facts.items()}
        onnx.helper.set_model_props(converted, texts)
        onnx.save(converted, temporary)
        _check_same(model, fixed, temporary, EXACT)
    del converted
    gc.collect()  # the converter's graphs refer to one another in circles
    return path


def load(path, threads=None):
    """Open a file of `litert` or `onnx` in its own runtime.

    Returns a function from pixels 0..255, float32 (n, height, width, 3), to probabilities, float32 (n, classes), and
    the class names, a tuple of str. `threads` is how many compute, by default as many as the processor has.

    Raises `helpers.saving.model_file.ModelFileError`, of one line, when the file is missing, damaged or of another kind
    (of ONNX, changed weights are not noticed); ImportError without onnxruntime. Neither kind of file holds Python code,
    but a LiteRT file that was made to do so can end the process: open only those of people whom you trust.
    """
    answer, found = _opened(path, threads or os.cpu_count() or 1)
    return answer, tuple(found["class_names"])


def facts(path):
    """Return what is in a file beside the model, as `model_file.read_facts` does; raises what `load` raises."""
    return _opened(path, 1)[1]


def _needed(package):
    try:
        return importlib.import_module(package)
    except ImportError as error:
        raise ImportError(MISSING.format(package)) from error


def _prepared(model, path, ending, class_names, unknown_below):
    """Return the path, the model for pictures of one size (its layers are those of `model`), and the facts to keep."""
    path, size = model_file.check_path(path, ending), inspection.image_size(model)
    names, outputs = model_file.check_names(class_names, model), inspection.outputs_of(model)
    if outputs != "probabilities":
        raise ValueError(f"{model.name!r} gives logits: end it in keras.layers.Softmax(), as other programs expect.")
    if others := {layer.compute_dtype for layer in inspection.flat_layers(model) if layer.weights} - {"float32"}:
        raise ValueError(f"{model.name!r} computes in {others.pop()}: build it in float32, with the same weights.")
    if layer := inspection.resizing(model):
        size = layer.height, layer.width
    below = model_file.check_threshold(unknown_below, names)
    found = dict(zip(FACTS, (names, outputs, below, "float32"), strict=True))
    return path, _without(layer, model, keras.Input((*size, 3), name="pixels")), found


def _without(layer, model, pixels):
    """Return a model of the same layers but for one, on another input."""

    def call(operation, *tensors, **settings):
        if operation is layer:
            return tensors[0]
        if isinstance(operation, keras.Model) and layer in inspection.all_operations(operation):
            operation = _without(layer, operation, keras.Input(tensors[0].shape[1:]))
        return operation(*tensors, **settings)

    bare = keras.Model(model.inputs[0], model.outputs[0], name=model.name)  # never compiled
    return keras.models.clone_model(bare, pixels, clone_function=lambda operation: operation, call_function=call)


@contextlib.contextmanager
def _quiet(failed, kind=ValueError):
    """Keep the lines of converters and runtimes from the reader; make an error of one line of what they raise."""
    try:
        silent = contextlib.redirect_stdout(io.StringIO())
        with session.descriptor_2_silenced(), silent, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except Exception as error:  # nearly anything
        if isinstance(error, OSError) and kind is ValueError:
            raise  # of a full disk, for instance: storage has the words for it
        lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
        raise kind(f"{failed}: {lines[0].rpartition(' failed:')[2][:200]}") from error


def _check_same(model, fixed, path, most):
    """Raise unless the file at `path` gives the probabilities of the model."""
    pictures = np.random.default_rng(0).uniform(0, 255, (PROBES, *fixed.input_shape[1:])).astype("float32")
    expected = np.asarray(keras.tree.flatten(model(pictures, training=False))[0])  # a dictionary of one, perhaps
    if not np.isfinite(expected).all():
        raise ValueError(f"{model.name!r} gives NaN or infinite numbers: it was not written. Train it anew.")
    difference = np.abs(load(path)[0](pictures) - expected).max()
    if not difference <= most:  # nor is NaN
        raise ValueError(
            f"Through its own runtime {path.name} gives other probabilities than {model.name!r}, apart by up to "
            f"{difference:.3g}; at most {most:g} was expected. It was not written."
        )


def _opened(path, threads):
    path = storage.checked_path(path).expanduser()
    if path.suffix not in (".tflite", ".onnx") or not path.is_file():
        raise model_file.ModelFileError(f"{path}: expected a file that is there and ends in .tflite or .onnx.")
    runtime = _litert_runtime if path.suffix == ".tflite" else _onnx_runtime
    package = _litert_package() if path.suffix == ".tflite" else _needed("onnxruntime")
    with _quiet(f"{path.name} cannot be opened", model_file.ModelFileError):
        run, shape, found = runtime(package, path, threads)
        found["class_names"] = model_file.check_names(found["class_names"])
        found["unknown_below"] = model_file.check_threshold(found["unknown_below"], found["class_names"])

    def answer(pixels):
        pixels = np.asarray(pixels, "float32")
        if pixels.ndim != 4 or len(pixels) == 0 or pixels.shape[1:] != shape:
            raise ValueError(f"Pictures of shape {pixels.shape}: expected (n, {', '.join(map(str, shape))}), 0 to 255.")
        return run(pixels)

    return answer, found


def _litert_package():
    try:
        return importlib.import_module("ai_edge_litert.interpreter")
    except ImportError:
        return importlib.import_module("tensorflow").lite


def _litert_runtime(package, path, threads):
    with open(path, "rb") as stream:
        if not zipfile.is_zipfile(stream):
            raise ValueError("it has no class names at its end: cut short, or not of formats.litert")
        with zipfile.ZipFile(stream) as archive:
            found = json.loads(archive.open(model_file.FACTS).read(model_file.LARGEST_TEXT))
            digest, end = archive.comment.decode(), min(member.header_offset for member in archive.infolist())
        stream.seek(0)
        content = stream.read(end)
    if hashlib.sha256(content).hexdigest() != digest:  # the interpreter would end the process at many a wrong byte
        raise ValueError("it is damaged, as its checksum does not fit, or not of formats.litert")
    interpreter = package.Interpreter(model_content=content, num_threads=threads)
    interpreter.allocate_tensors()
    (takes,), (gives,) = interpreter.get_input_details(), interpreter.get_output_details()

    def run(pixels):
        rows = []
        for picture in pixels:
            interpreter.set_tensor(takes["index"], picture[None])
            interpreter.invoke()
            rows.append(interpreter.get_tensor(gives["index"])[0])
        return np.stack(rows)

    return run, tuple(takes["shape"][1:].tolist()), found


def _onnx_runtime(package, path, threads):
    options = package.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = threads, 4  # what it would print, it raises, too
    running = package.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    (takes,), texts = running.get_inputs(), running.get_modelmeta().custom_metadata_map
    if not all(name in texts for name in FACTS):
        raise ValueError("it has no class names among its metadata_props: not of formats.onnx")
    found = {name: json.loads(texts[name]) for name in FACTS}
    return lambda pixels: running.run(None, {takes.name: pixels})[0], tuple(takes.shape[1:]), found
