"""Real training of heads on cached features, within two seconds; what the training playground runs."""

import math
import time
from dataclasses import dataclass

import keras
import numpy as np

SECONDS = 1.7  # a run ends with the epoch in which they are used up; what is left of two seconds is for drawing
STEPS_AN_EPOCH = 16  # at most; the batches grow with the number of pictures
SMALLEST_BATCH = 32
HIDDEN_UNITS = 64
LINEAR, HIDDEN = "linear", f"hidden layer of {HIDDEN_UNITS}"
OPTIMIZERS = {
    "Adam": lambda: keras.optimizers.Adam(name="adam"),
    "SGD": lambda: keras.optimizers.SGD(name="sgd"),
    "SGD, momentum 0.9": lambda: keras.optimizers.SGD(momentum=0.9, name="momentum"),
    "RMSprop": lambda: keras.optimizers.RMSprop(name="rmsprop"),
}


@dataclass(frozen=True)
class Run:
    """One training run.

    Attributes
    ----------
    optimizer, head : str
    learning_rate : float
    epochs : int
        As asked for.
    history : dict of str to list of float
        ``loss``, ``accuracy``, ``val_loss``, ``val_accuracy``; the first entry stands before training, and one follows
        each epoch. All are measured after the epoch, on all pictures.
    verdict : str
        From `judge`.
    logits : ndarray (n, classes)
        For the validation pictures, at the end.
    """

    optimizer: str
    learning_rate: float
    epochs: int
    head: str
    history: dict
    verdict: str
    logits: np.ndarray

    @property
    def done(self):
        """Epochs that were trained."""
        return len(self.history["loss"]) - 1


def scores(logits, labels):
    """Return the mean cross-entropy and the accuracy; a picture whose logits are no numbers counts as wrong."""
    logits = np.asarray(logits, dtype=np.float64)
    with np.errstate(all="ignore"):
        shifted = logits - logits.max(axis=1, keepdims=True)
        losses = np.log(np.exp(shifted).sum(axis=1)) - shifted[np.arange(len(labels)), labels]
    right = (logits.argmax(axis=1) == labels) & np.isfinite(logits).all(axis=1)
    return float(losses.mean()), float(right.mean())


def judge(losses, accuracies, classes):
    """Say what the training losses and accuracies of a run show.

    Parameters
    ----------
    losses, accuracies : sequence of float
        Before training, and after each epoch.
    classes : int
        Guessing among so many gives a loss of log(classes).

    Returns
    -------
    {"diverged", "collapsed", "jumping", "slow", "learned"}
        Diverged: not a number, or above its start in some epoch and worse than guessing at the end. Collapsed: back to
        guessing. Jumping: above its start in some epoch, or up in at least a third of them. Slow: still falling, but
        no better than guessing at the end.
    """
    losses, guess = np.asarray(losses, dtype=np.float64), math.log(classes)
    if not np.isfinite(losses).all():
        return "diverged"
    rose, last = losses.max() > losses[0], losses[-1]
    if rose and last > guess:
        return "diverged"
    if 0.9 * guess <= last <= 1.5 * guess and accuracies[-1] <= 1 / classes + 0.1 and last < 0.9 * losses[0]:
        return "collapsed"
    ups = int((np.diff(losses) > 0).sum())
    if rose or (ups >= 2 and ups * 3 >= len(losses) - 1):
        return "jumping"
    return "slow" if last >= 0.9 * guess else "learned"


def best_epoch(history):
    """Return the epoch with the lowest validation loss; the last one where the rise since then is below 2 %."""
    losses = history["val_loss"]
    best = int(np.nanargmin(losses)) if np.isfinite(losses).any() else 0
    return best if losses[-1] > 1.02 * losses[best] else len(losses) - 1


def batch_size(pictures):
    """Return the batch size that leaves an epoch at most `STEPS_AN_EPOCH` steps."""
    return max(SMALLEST_BATCH, math.ceil(pictures / STEPS_AN_EPOCH))


class Trainer:
    """Trains heads on features; every run of one head starts from the same weights and sees the same batches.

    Batches are whole: pictures left over sit out an epoch, others the next time, because a batch of another size
    would have TensorFlow trace the step anew. It draws from generators of its own alone, so that a run changes
    nothing in the learner's later cells.

    Parameters
    ----------
    training, validation : (array (n, d), array of int (n,))
        Features, one row a picture, and labels.
    clock : callable
        Returns seconds.

    Attributes
    ----------
    classes : int
    steps : int
        Steps of training in all runs together.
    """

    def __init__(self, training, validation, clock=time.monotonic):
        self.training, self.validation = _checked("training", training), _checked("validation", validation)
        if self.training[0].shape[1] != self.validation[0].shape[1]:
            raise ValueError(
                f"Training features have {self.training[0].shape[1]} numbers a picture, validation features "
                f"{self.validation[0].shape[1]}: expected the same. Take both from one trunk."
            )
        self.classes = int(max(self.training[1].max(), self.validation[1].max())) + 1
        if self.classes < 2:
            raise ValueError("Every label is 0: expected at least two classes.")
        self.clock, self.steps, self._models = clock, 0, {}

    def run(self, optimizer, learning_rate, epochs, head, report=lambda epoch: None):
        """Train once and return the `Run`; it ends early when `SECONDS` are used up or the loss is no number."""
        started = self.clock()
        model = self._fresh(optimizer, head)
        model.optimizer.learning_rate.assign(learning_rate)
        order = np.random.default_rng(0)
        features, labels = self.training
        size = min(batch_size(len(labels)), len(labels))
        history = {"loss": [], "accuracy": [], "val_loss": [], "val_accuracy": []}
        logits = self._measure(model, history)
        for epoch in range(1, epochs + 1):
            shuffled = order.permutation(len(labels))
            for first in range(0, len(labels) - size + 1, size):
                batch = shuffled[first : first + size]
                model.train_on_batch(features[batch], labels[batch])
                self.steps += 1
            logits = self._measure(model, history)
            report(epoch)
            if not np.isfinite(history["loss"][-1]) or self.clock() - started >= SECONDS:
                break
        return Run(
            optimizer,
            learning_rate,
            epochs,
            head,
            history,
            judge(history["loss"], history["accuracy"], self.classes),
            logits,
        )

    def _measure(self, model, history):
        for prefix, (features, labels) in (("", self.training), ("val_", self.validation)):
            logits = np.asarray(model(features, training=False))
            loss, accuracy = scores(logits, labels)
            history[f"{prefix}loss"].append(loss)
            history[f"{prefix}accuracy"].append(accuracy)
        return logits

    def _fresh(self, optimizer, head):
        """Return a compiled model as it was when it was new; it is built once, since compiling takes longest."""
        if (optimizer, head) not in self._models:
            model = self._build(head)
            model.compile(
                OPTIMIZERS[optimizer](),
                loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True, name="cross_entropy"),
                jit_compile=False,  # compiling would take longer than the run
            )
            model.optimizer.build(model.trainable_variables)
            self._models[optimizer, head] = model, model.get_weights()
        model, start = self._models[optimizer, head]
        model.set_weights(start)
        for variable in model.optimizer.variables:
            variable.assign(np.zeros(variable.shape, dtype=variable.dtype))
        return model

    def _build(self, head):
        start = keras.initializers.GlorotUniform(seed=0)
        row = given = keras.Input(self.training[0].shape[1:], name="features")
        if head == HIDDEN:
            row = keras.layers.Dense(HIDDEN_UNITS, "relu", kernel_initializer=start, name="hidden")(row)
        outputs = keras.layers.Dense(self.classes, kernel_initializer=start, name="predictions")(row)
        return keras.Model(given, outputs, name="playground")


def _checked(name, pair):
    features, labels = np.asarray(pair[0], dtype=np.float32), np.asarray(pair[1])
    if features.ndim == 4:
        raise ValueError(f"{name} features of shape {features.shape} are maps: pool them, features.mean(axis=(1, 2)).")
    if features.ndim != 2 or labels.shape != (len(features),) or not len(labels):
        raise ValueError(
            f"{name}: features of shape {features.shape} and labels of shape {labels.shape}: expected (n, d) and (n,)."
        )
    if not np.issubdtype(labels.dtype, np.integer) or labels.min() < 0:
        raise ValueError(
            f"{name}: labels of {labels.dtype}: expected whole numbers from 0. Use argmax on one-hot rows."
        )
    return features, labels
