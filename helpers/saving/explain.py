"""Where did the network look? Grad-CAM, for models with or without a nested base."""

import keras
import numpy as np
import tensorflow as tf

from helpers.network import inspection
from helpers.pictures import opening

BATCH = 4  # pictures at once; at 224 pixels VGG16 keeps about 0.1 GB of maps for each


class GradCam:
    """Grad-CAM for one model, prepared once, for many calls; ``grid`` is the size of the maps: how fine it can be.

    A nested base has a graph of its own, so its layers' outputs are not part of the outer model's graph. Here a new
    model is built from the same layers, with one more after the maps that watches them. So later training of the model
    moves this one too; only a final layer with softmax is copied, without the softmax.
    """

    def __init__(self, model, layer=None):
        self.size = inspection.image_size(model)
        inspection.outputs_of(model)  # refuses what is neither logits nor probabilities
        chosen = _chosen(model, layer)
        self.layer, self.grid = chosen.name, _grid(chosen)
        self.classes = model.outputs[0].shape[-1]
        self._watch = _Watch()
        self._scores = _watched(model, chosen, inspection.last_operation(model), self._watch)

    def __call__(self, pictures, classes=None):
        """Return where the network looked, as `grad_cam` does; `classes` is one for all pictures, or one for each."""
        pictures = np.asarray(pictures)
        inspection.check_pixels(pictures)
        if len(pictures) == 0 or pictures.shape[1:3] != self.size:
            raise ValueError(f"Pictures of shape {pictures.shape}: expected at least one of {self.size}, (n, h, w, 3).")
        if not np.isfinite(pictures).all():
            raise ValueError("The pictures hold NaN or infinite values: their maps would be NaN, too.")
        opening.check_range(pictures)
        pictures = pictures.astype("float32")
        classes = self._checked(classes, len(pictures))
        batches = []
        for start in range(0, len(pictures), BATCH):
            batch = slice(start, start + BATCH)
            batches.append(self._batch(pictures[batch], None if classes is None else classes[batch]))
        return np.concatenate(batches)

    def _checked(self, classes, number):
        if classes is None:
            return None
        classes = np.asarray(classes)
        fits = classes.shape in ((), (number,)) and classes.dtype.kind in "iu"
        if not fits or classes.min() < 0 or classes.max() >= self.classes:
            raise ValueError(
                f"classes={classes.tolist()}: expected a whole number from 0 to {self.classes - 1} for each of the "
                f"{number} pictures, or one for all."
            )
        return np.broadcast_to(classes, number)

    def _batch(self, pictures, classes):
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            self._watch.tape = tape
            scores = self._scores(pictures, training=False)
            classes = tf.argmax(scores, axis=1) if classes is None else tf.constant(classes, "int64")
            score = tf.reduce_sum(scores * tf.one_hot(classes, scores.shape[1], dtype=scores.dtype))
        maps = self._watch.maps
        gradients = tape.gradient(score, maps)
        self._watch.tape = self._watch.maps = None
        if gradients is None:
            raise ValueError(f"The outputs do not depend on {self.layer!r} in a way that has a gradient.")
        weights = tf.reduce_mean(gradients, axis=(1, 2), keepdims=True)
        evidence = tf.nn.relu(tf.reduce_sum(weights * maps, axis=-1, keepdims=True))
        evidence = tf.maximum(tf.image.resize(evidence, self.size, method="bilinear")[..., 0], 0)
        peaks = tf.reduce_max(evidence, axis=(1, 2), keepdims=True)
        return np.asarray(tf.math.divide_no_nan(evidence, peaks), dtype="float32")


def grad_cam(model, pictures, classes=None, layer=None):
    """Return which places of a picture spoke for a class.

    The maps of a convolution are weighed by the mean gradient of the class's score (its logit, before any softmax),
    added up, and cut off below zero, so that places which speak against the class are 0.

    `model` is a keras.Model from pictures to one output for each class; the base may be nested or not, the head pooled
    or flattened. `pictures` is an array (n, height, width, 3), values in 0..255. `classes` tells for which class, an
    int for all pictures or one for each; by default the one that is predicted. `layer` names the layer whose maps are
    taken, also inside a nested base; by default those of the last convolution.

    Returns an ndarray, float32 (n, height, width), from 0 to 1, the largest of each picture being 1, stretched to the
    size of the pictures from the coarser maps; all 0 where nothing speaks for the class. Raises ValueError when the
    model has no convolution, takes features instead of pictures, ends in another activation, or has no such layer or
    class.

    References
    ----------
    Selvaraju et al. (2017), Grad-CAM: visual explanations from deep networks via gradient-based localization,
    equations 1 and 2.
    """
    return GradCam(model, layer)(pictures, classes)


def covered(pictures, heat, where="brightest"):
    """Return the pictures with a ninth of each painted in its mean colour, where its map is brightest or darkest.

    `pictures` is an array (n, height, width, 3), `heat` what `grad_cam` returns for them, `where` is "brightest" or
    "darkest". The square that is painted is a third of the picture high and wide. Raises ValueError when the shapes do
    not fit, or `where` is another word.
    """
    pictures, heat = np.array(pictures, dtype="float32"), np.asarray(heat, dtype="float32")
    if pictures.ndim != 4 or heat.shape != pictures.shape[:3]:
        raise ValueError(f"Pictures {pictures.shape} and maps {heat.shape}: expected (n, h, w, 3) and (n, h, w).")
    if where not in ("brightest", "darkest"):
        raise ValueError(f"where={where!r}: expected 'brightest' or 'darkest'.")
    size, step = [side // 3 for side in heat.shape[1:]], [max(1, side // 6) for side in heat.shape[1:]]
    means = keras.ops.average_pool(heat[..., None], size, strides=step).numpy()[..., 0]
    for picture, own in zip(pictures, means if where == "brightest" else -means, strict=True):
        top, left = np.multiply(step, np.unravel_index(own.argmax(), own.shape))
        picture[top : top + size[0], left : left + size[1]] = picture.mean(axis=(0, 1))
    return pictures


def _grid(operation):
    """Return the height and width of an operation's maps, or None where it gives none."""
    output = getattr(operation, "output", None)
    shape = getattr(output, "shape", ())
    return tuple(shape[1:3]) if len(shape) == 4 else None


def _chosen(model, name):
    """Return the layer called `name`, or else the last one with the maps of the last convolution."""
    layers = [
        operation
        for operation in inspection.all_operations(model)
        if isinstance(operation, keras.layers.Layer)
        and not isinstance(operation, keras.layers.InputLayer)
        and _grid(operation)
    ]
    if name is not None:
        named = [layer for layer in layers if layer.name == name]
        if not named:
            last = ", ".join(layer.name for layer in layers[-6:]) or "none"
            raise ValueError(f"{model.name!r} has no layer {name!r} that gives maps; its last ones are: {last}.")
        return named[-1]
    convolutions = [layer for layer in layers if isinstance(layer, inspection.CONVOLUTIONS) and _grid(layer) != (1, 1)]
    if not convolutions:
        raise ValueError(
            f"{model.name!r} has no convolution whose maps have more than one place: Grad-CAM has nothing to weigh. "
            "Give the whole model from pixels, base included."
        )
    later = layers[layers.index(convolutions[-1]) :]
    poolings = keras.layers.MaxPooling2D, keras.layers.AveragePooling2D
    same_grid = [layer for layer in later if _grid(layer) == _grid(convolutions[-1])]
    return [layer for layer in same_grid if not isinstance(layer, poolings)][-1]


class _Watch(keras.layers.Layer):
    """Passes maps on; while it has a tape, what follows is recorded for their gradients, and nothing before."""

    tape = maps = None

    def call(self, inputs):
        if self.tape is not None:
            self.tape.watch(inputs)
            self.maps = inputs
        return inputs


def _watched(model, chosen, last, watch):
    """Return a model of the same layers, with `watch` after the layer `chosen` and without a softmax of `last`."""

    def call(operation, *tensors, **settings):
        if isinstance(operation, keras.Model):
            if any(inner is chosen or inner is last for inner in inspection.all_operations(operation)):
                operation = _watched(operation, chosen, last, watch)
            return operation(*tensors, **settings)
        result = _linear(operation, *tensors) if operation is last else operation(*tensors, **settings)
        return watch(result) if operation is chosen else result

    bare = keras.Model(model.inputs[0], model.outputs[0])  # never compiled, so that its copy is not either
    return keras.models.clone_model(bare, clone_function=lambda operation: operation, call_function=call)


def _linear(operation, tensor):
    """Return what an operation gives without its softmax."""
    if inspection.activation(operation) != "softmax":
        return operation(tensor)
    if not getattr(operation, "weights", None):  # Softmax or Activation: its input are the scores
        return tensor
    copy = type(operation).from_config({**operation.get_config(), "activation": "linear"})
    result = copy(tensor)
    copy.set_weights(operation.get_weights())
    return result
