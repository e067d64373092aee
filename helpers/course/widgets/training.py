"""Training heads on cached features, within two seconds; what the training playground runs."""

import math
import time
from dataclasses import dataclass

import keras
import numpy as np
from scipy import special

from helpers.course.widgets import frame

SECONDS = 1.7  # a run ends with the epoch in which they are used up; the rest of two seconds is for drawing
STEPS_AN_EPOCH = 16  # at most: the batches grow with the number of pictures
SMALLEST_BATCH = 32
HIDDEN_UNITS = 64
LINEAR, HIDDEN = frame.say("playground.linear"), frame.say("playground.hidden", units=HIDDEN_UNITS)
OPTIMIZERS = {
    "Adam": lambda: keras.optimizers.Adam(name="adam"),
    "SGD": lambda: keras.optimizers.SGD(name="sgd"),
    "SGD, momentum 0.9": lambda: keras.optimizers.SGD(momentum=0.9, name="momentum"),
    "RMSprop": lambda: keras.optimizers.RMSprop(name="rmsprop"),
}


@dataclass(frozen=True)
class Run:
    """One training run. Its history is measured on all pictures, before training and after each epoch."""

    optimizer: str
    learning_rate: float
    epochs: int  # that were asked for
    head: str
    history: dict  # "loss", "accuracy", "val_loss", "val_accuracy" to a list of floats
    verdict: str  # from `judge`
    logits: np.ndarray  # (n, classes), for the validation pictures, at the end

    @property
    def done(self):
        """Epochs that were trained."""
        return len(self.history["loss"]) - 1


def scores(logits, labels):
    """Return the mean cross-entropy and the accuracy; a picture whose logits are not finite counts as wrong."""
    logits = np.asarray(logits, dtype=np.float64)
    with np.errstate(all="ignore"):
        losses = special.logsumexp(logits, axis=1) - logits[np.arange(len(labels)), labels]
    right = (logits.argmax(axis=1) == labels) & np.isfinite(logits).all(axis=1)
    return float(losses.mean()), float(right.mean())


def judge(losses, accuracies, classes):
    """Return what the training losses and accuracies, before training and after each epoch, show.

    Diverged: not a number, or above its start in some epoch and worse than guessing at the end. Collapsed: back to
    guessing. Jumping: above its start in some epoch, or up in at least a third of them. Slow: still falling, but
    no better than guessing at the end. Otherwise: learned.
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

    All batches have one size, because TensorFlow would trace the step again for another: each epoch leaves out the
    remainder. Only generators of its own are used, so that a run changes nothing in the learner's later cells.
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
        self.clock, self._models = clock, {}

    def run(self, optimizer, learning_rate, epochs, head, report=lambda epoch: None):
        """Train once and return the `Run`; it ends early when `SECONDS` are used up or the loss is not finite."""
        started = self.clock()
        model = self._fresh(optimizer, head)
        model.optimizer.learning_rate.assign(learning_rate)
        generator = np.random.default_rng(0)
        features, labels = self.training
        size = min(batch_size(len(labels)), len(labels))
        history = {"loss": [], "accuracy": [], "val_loss": [], "val_accuracy": []}
        logits = self._measure(model, history)
        for epoch in range(1, epochs + 1):
            shuffled = generator.permutation(len(labels))
            for first in range(0, len(labels) - size + 1, size):
                batch = shuffled[first : first + size]
                model.train_on_batch(features[batch], labels[batch])
            logits = self._measure(model, history)
            report(epoch)
            if not np.isfinite(history["loss"][-1]) or self.clock() - started >= SECONDS:
                break
        verdict = judge(history["loss"], history["accuracy"], self.classes)
        return Run(optimizer, learning_rate, epochs, head, history, verdict, logits)

    def _measure(self, model, history):
        for prefix, (features, labels) in (("", self.training), ("val_", self.validation)):
            logits = np.asarray(model(features, training=False))
            loss, accuracy = scores(logits, labels)
            history[f"{prefix}loss"].append(loss)
            history[f"{prefix}accuracy"].append(accuracy)
        return logits

    def _fresh(self, optimizer, head):
        """Return a compiled model in its first state; it is built once, because compiling takes longest."""
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
        row = features = keras.Input(self.training[0].shape[1:], name="features")
        if head == HIDDEN:
            row = keras.layers.Dense(HIDDEN_UNITS, "relu", kernel_initializer=start, name="hidden")(row)
        outputs = keras.layers.Dense(self.classes, kernel_initializer=start, name="predictions")(row)
        return keras.Model(features, outputs, name="playground")


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
