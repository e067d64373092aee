"""Where did the network look? Grad-CAM, for models with or without a nested base."""

import keras
import numpy as np
import tensorflow as tf

from helpers.network import inspection

BATCH = 4  # pictures at once; at 224 pixels VGG16 keeps about 0.1 GB of maps for each


class GradCam:
    """Grad-CAM for one model, prepared once: for many calls, such as those of a widget.

    Parameters
    ----------
    model : keras.Model
        From pictures to one output for each class; ends in logits or in softmax.
    layer : str, optional
        The layer whose maps are weighed, also one inside a nested base. By default the last maps of the last
        convolution, after its normalisation and activation, before they are pooled.

    Attributes
    ----------
    layer : str
        The layer in use.
    grid : (int, int)
        Height and width of its maps: how fine the answer can be.

    Raises
    ------
    ValueError
        When the model has no convolution that sees more than one place, takes features instead of pictures, or has
        no such layer.

    Notes
    -----
    A nested base has a graph of its own, so its layers' outputs are not part of the outer model's graph, and asking for
    both in one model ends in an error. Here both are put together anew from the same layers, with one more behind the
    maps that lets them be watched. So later training moves this one too; only a final layer with softmax is copied,
    without it, at the beginning.
    """

    def __init__(self, model, layer=None):
        self.size = inspection.image_size(model)
        inspection.outputs_of(model)  # refuses what is neither logits nor probabilities
        wanted = _chosen(model, layer)
        self.layer, self.classes = wanted.name, model.outputs[0].shape[-1]
        self.grid, self._watch = _grid(wanted), _Watch()
        self._scores = _watched(model, wanted, inspection.last_operation(model), self._watch)

    def __call__(self, pictures, classes=None):
        """Return where the network looked.

        Parameters
        ----------
        pictures : array (n, height, width, 3), values in 0..255
        classes : int or sequence of int, optional
            For which class: one for all, or one for each picture. By default the one that is predicted.

        Returns
        -------
        ndarray, float32 (n, height, width)
            From 0 to 1, the largest of each picture being 1; 0 everywhere where nothing speaks for the class.
        """
        pictures = np.asarray(pictures, dtype="float32")
        inspection.check_pixels(pictures)
        if len(pictures) == 0 or pictures.shape[1:3] != self.size:
            raise ValueError(f"Pictures of shape {pictures.shape}: expected at least one of {self.size}, (n, h, w, 3).")
        classes = self._checked(classes, len(pictures))
        parts = [slice(start, start + BATCH) for start in range(0, len(pictures), BATCH)]
        return np.concatenate(
            [self._maps(pictures[part], None if classes is None else classes[part]) for part in parts]
        )

    def _checked(self, classes, number):
        if classes is None:
            return None
        classes = np.asarray(classes)
        classes = np.full(number, classes) if classes.ndim == 0 else classes
        fits = classes.shape == (number,) and classes.dtype.kind in "iu"
        if not fits or classes.min() < 0 or classes.max() >= self.classes:
            raise ValueError(
                f"classes={classes.tolist()}: expected a whole number from 0 to {self.classes - 1} for each of the "
                f"{number} pictures, or one for all."
            )
        return classes

    def _maps(self, pictures, classes):
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            self._watch.tape = tape
            scores = self._scores(pictures, training=False)
            wanted = tf.argmax(scores, axis=1) if classes is None else tf.constant(classes, "int64")
            score = tf.reduce_sum(scores * tf.one_hot(wanted, scores.shape[1], dtype=scores.dtype))
        maps = self._watch.maps
        slopes = tape.gradient(score, maps)
        self._watch.tape = self._watch.maps = None
        if slopes is None:
            raise ValueError(f"The outputs do not depend on {self.layer!r} in a way that has a gradient.")
        weights = tf.reduce_mean(slopes, axis=(1, 2), keepdims=True)
        found = tf.nn.relu(tf.reduce_sum(weights * maps, axis=-1, keepdims=True))
        found = tf.maximum(tf.image.resize(found, self.size, method="bilinear")[..., 0], 0)
        peaks = tf.reduce_max(found, axis=(1, 2), keepdims=True)
        return np.asarray(tf.math.divide_no_nan(found, peaks), dtype="float32")


def grad_cam(model, pictures, classes=None, layer=None):
    """Return which places of a picture spoke for a class.

    The maps of a convolution are weighed by the mean slope of the class's score (its logit, before any softmax),
    added up, and cut off below zero, so that places which speak against the class are 0.

    Parameters
    ----------
    model : keras.Model
        From pictures to one output for each class; the base may be nested or not, the head pooled or flattened.
    pictures : array (n, height, width, 3), values in 0..255
    classes : int or sequence of int, optional
        For which class; by default the one that is predicted.
    layer : str, optional
        Whose maps; by default those of the last convolution.

    Returns
    -------
    ndarray, float32 (n, height, width)
        From 0 to 1, stretched to the size of the pictures from the coarser maps. All 0 where nothing speaks for the
        class.

    Raises
    ------
    ValueError
        When the model has no convolution, takes features instead of pictures, ends in another activation, or has no
        such layer or class.

    References
    ----------
    Selvaraju et al. (2017), Grad-CAM: visual explanations from deep networks via gradient-based localization,
    equations 1 and 2.
    """
    return GradCam(model, layer)(pictures, classes)


def _grid(operation):
    """Return the height and width of an operation's maps, or None where it gives none."""
    output = getattr(operation, "output", None)
    shape = getattr(output, "shape", ())
    return tuple(shape[1:3]) if len(shape) == 4 else None


def _chosen(model, name):
    giving = [one for one in inspection.all_operations(model) if _grid(one) and isinstance(one, keras.layers.Layer)]
    giving = [one for one in giving if not isinstance(one, keras.layers.InputLayer)]
    if name is not None:
        found = [one for one in giving if one.name == name]
        if not found:
            last = ", ".join(one.name for one in giving[-6:]) or "none"
            raise ValueError(f"{model.name!r} has no layer {name!r} that gives maps; its last ones are: {last}.")
        return found[-1]
    places = [k for k, one in enumerate(giving) if _convolves(one) and _grid(one) != (1, 1)]
    if not places:
        raise ValueError(
            f"{model.name!r} has no convolution whose maps have more than one place: Grad-CAM has nothing to weigh. "
            "Give the whole model from pixels, base included."
        )
    grid, behind = _grid(giving[places[-1]]), giving[places[-1] :]
    return [one for one in behind if _grid(one) == grid and _keeps_places(one)][-1]


def _convolves(operation):
    kinds = keras.layers.Conv2D, keras.layers.SeparableConv2D, keras.layers.DepthwiseConv2D
    return isinstance(operation, kinds)


def _keeps_places(operation):
    return _convolves(operation) or not isinstance(operation, keras.layers.MaxPooling2D | keras.layers.AveragePooling2D)


class _Watch(keras.layers.Layer):
    """Passes maps on; while it has a tape, what follows them is recorded for their slopes, and nothing before."""

    tape = maps = None

    def call(self, inputs):
        if self.tape is not None:
            self.tape.watch(inputs)
            self.maps = inputs
        return inputs


def _watched(model, wanted, last, watch):
    """Return a model of the same layers, with `watch` behind `wanted` and without a softmax of `last`."""

    def call(operation, *tensors, **settings):
        if isinstance(operation, keras.Model):
            if any(one is wanted or one is last for one in inspection.all_operations(operation)):
                operation = _watched(operation, wanted, last, watch)
            return operation(*tensors, **settings)
        result = _linear(operation, *tensors) if operation is last else operation(*tensors, **settings)
        return watch(result) if operation is wanted else result

    pixels = keras.Input(model.inputs[0].shape[1:], dtype=model.inputs[0].dtype)
    if isinstance(model, keras.Sequential):
        result = pixels
        for layer in model.layers:
            result = call(layer, result)
        return keras.Model(pixels, result)
    bare = keras.Model(model.inputs[0], model.outputs[0])  # never compiled, so that its copy is not either
    return keras.models.clone_model(bare, clone_function=lambda operation: operation, call_function=call)


def _linear(operation, tensor):
    """Return what an operation gives without its softmax."""
    if inspection.activation(operation) != "softmax":
        return operation(tensor)
    if not getattr(operation, "weights", None):  # Softmax or Activation: what it is fed are the scores
        return tensor
    twin = type(operation).from_config({**operation.get_config(), "activation": "linear"})
    result = twin(tensor)
    twin.set_weights(operation.get_weights())
    return result
