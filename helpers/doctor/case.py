"""What all checks share: the model, the data that was read, and what was overheard in one call."""

import functools
from dataclasses import dataclass

import keras
import numpy as np

from helpers.doctor import structure, undisturbed
from helpers.doctor.splits import TRIED


@dataclass(frozen=True)
class Case:
    """A model with its data.

    Attributes
    ----------
    model : keras.Model
    train : helpers.doctor.splits.Split
    validation, test : helpers.doctor.splits.Split or None
    class_names : tuple of str or None
    frozen : tuple of str or None
        Names of the layers that are meant to be frozen, where the learner said so.
    """

    model: object
    train: object
    validation: object = None
    test: object = None
    class_names: tuple | None = None
    frozen: tuple | None = None

    @property
    def splits(self):
        """The splits that there are."""
        return [split for split in (self.train, self.validation, self.test) if split is not None]

    @property
    def inputs(self):
        """A few rows to try the model on."""
        return self.train.batches[0][0][:TRIED]

    @property
    def labels(self):
        """Their labels, or None."""
        answers = self.train.batches[0][1]
        return None if answers is None else answers[:TRIED]

    @property
    def compiled(self):
        """Whether the model was compiled with an optimizer of Keras and a loss."""
        optimizer = getattr(self.model, "optimizer", None)
        return bool(self.model.compiled and isinstance(optimizer, keras.optimizers.Optimizer) and self.loss is not None)

    @property
    def loss(self):
        """The loss that the model was compiled with, out of a list or dictionary of one; None where there is none."""
        loss = getattr(self.model, "loss", None) if self.model.compiled else None
        if isinstance(loss, dict | list | tuple) and len(loss) == 1:
            loss = next(iter(loss.values())) if isinstance(loss, dict) else loss[0]
        return loss if isinstance(loss, str) or callable(loss) else None

    @functools.cached_property
    def layers(self):
        """All layers, those of nested models included."""
        return structure.flat_layers(self.model)

    @functools.cached_property
    def base(self):
        """The pre-trained part (`helpers.doctor.structure.Base`), or None."""
        return structure.find_base(self.model)

    @functools.cached_property
    def _call(self):
        watched = [layer for layer in self.layers if isinstance(layer, WATCHED)]
        return undisturbed.overheard(self.model, watched, self.inputs)

    @property
    def outputs(self):
        """What the model gives for the few rows."""
        return np.asarray(self._call[0])

    @property
    def heard(self):
        """What went through layers of interest, as (layer, input, output) in the order of the calls."""
        return self._call[1]


WATCHED = (
    keras.layers.Rescaling,
    keras.layers.Conv2D,
    keras.layers.ZeroPadding2D,
    keras.layers.Dense,
)
