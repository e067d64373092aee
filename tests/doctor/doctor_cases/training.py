"""Models that train in unusual ways: recipes of fine-tuning, optimizers with a state, heads; faulty and healthy."""

import contextlib

import keras
import numpy as np
from keras import layers, ops

from doctor_cases.common import SIDE, base, caffe, compiled, features, frozen, head, on_top, three
from doctor_cases.faulty import FAULTY, fault
from doctor_cases.healthy import HEALTHY, healthy

optimizers = keras.optimizers


@contextlib.contextmanager
def half_precision():
    keras.config.set_dtype_policy("mixed_float16")
    try:
        yield
    finally:
        keras.config.set_dtype_policy("float32")


def normalised(before):
    """Return a flat network of four convolutions with BatchNormalization before or after each, as if trained."""
    pixels = keras.Input((SIDE, SIDE, 3))
    maps = layers.Rescaling(1 / 127.5, -1)(pixels)
    for number in range(4):
        maps = layers.BatchNormalization(name=f"norm{number}")(maps) if before else maps
        maps = layers.Conv2D(8, 3, name=f"conv{number}")(maps)
        maps = layers.ReLU()(maps if before else layers.BatchNormalization(name=f"norm{number}")(maps))
    return keras.Model(pixels, layers.Dense(3)(layers.GlobalAveragePooling2D()(maps)))


@keras.saving.register_keras_serializable("doctor_cases")
class Holder(layers.Layer):
    """Holds a base, and may keep the gradient from it."""

    def __init__(self, stops=False, **settings):
        super().__init__(**settings)
        self.stops, self.trunk = stops, base(name="vgg_inside")

    def call(self, inputs):
        maps = self.trunk(caffe(inputs))
        return ops.stop_gradient(maps) if self.stops else maps

    def get_config(self):
        return {**super().get_config(), "stops": self.stops}


def held(**settings):
    model = on_top(Holder(name="holder", **settings), None)
    model.layers[-1].bias.assign([0.1, 0.0, -0.1])
    return compiled(model, optimizers.Adam(1e-5))


# Faulty


@fault("batchnorm-moves")
def flat_convolutions_frozen_but_the_normalization():
    model = normalised(before=False)
    for layer in model.layers[:-1]:
        layer.trainable = isinstance(layer, layers.BatchNormalization)
    return compiled(model), *three()


@fault("frozen-base-moves", "rate-undoes-pretraining")
def loss_scaling_hides_a_rate_that_explodes():
    with half_precision():
        return compiled(on_top(base(end="block3_pool")), optimizers.SGD(1e-1)), *three()


@fault("unfrozen-base-still")
def schedule_at_its_end():
    splits, schedule = three(features), optimizers.schedules.CosineDecay(1e-2, 6)
    model = compiled(head(), optimizers.Adam(schedule))
    model.fit(*splits[0], batch_size=16, epochs=3, verbose=0)
    return model, *splits


@fault("stale-compile")
def frozen_after_a_fit_that_accumulates():
    trunk, splits = base(), three()
    model = compiled(on_top(trunk), optimizers.Adam(1e-5, gradient_accumulation_steps=3), steps_per_execution=2)
    model.fit(*splits[0], batch_size=16, verbose=0)
    trunk.trainable = False
    return model, *splits


def _moves_although_meant_frozen(name, what):
    @fault("frozen-base-moves")
    def build():
        trunk = base(name="vgg16")
        return compiled(on_top(trunk), optimizers.Adam(1e-5)), *three(), {"frozen": what(trunk)}

    FAULTY[name] = FAULTY.pop("build")


_moves_although_meant_frozen("meant_frozen_by_the_name_of_the_base", lambda trunk: ["vgg16"])
_moves_although_meant_frozen("meant_frozen_as_a_list_of_layers", lambda trunk: trunk.layers)
_moves_although_meant_frozen("meant_frozen_as_a_generator", lambda trunk: (layer for layer in trunk.layers))
_moves_although_meant_frozen("meant_frozen_by_names_and_layers", lambda trunk: ("block1_conv1", *trunk.layers[2:]))


@fault("frozen-base-moves")
def base_in_a_custom_layer_trains():
    model = held()
    return model, *three(), {"frozen": model.get_layer("holder")}


@fault("rate-undoes-pretraining")
def vgg_without_its_last_layer_at_the_rate_of_a_head():
    trunk = frozen(base())
    row = layers.GlobalAveragePooling2D()(trunk.output)
    for name in ("fc1", "fc2"):
        row = layers.Dense(4096, "relu", bias_initializer=keras.initializers.RandomNormal(0, 0.2), name=name)(row)
    model = keras.Model(trunk.input, layers.Dense(3, name="predictions")(row))
    return compiled(model, optimizers.Adam(1e-2)), *((caffe(inputs.copy()), labels) for inputs, labels in three())


@fault("head-frozen")
def the_wrong_end_is_frozen():
    model = on_top(base())
    for layer in model.layers[-2:]:
        layer.trainable = False
    return compiled(model, optimizers.Adam(1e-5)), *three()


@fault("head-frozen")
def classifier_frozen_below_which_a_layer_trains():
    model = keras.Sequential([keras.Input((16,)), layers.Dense(8, "relu"), layers.Dense(3, trainable=False)])
    return compiled(model), *three(features)


@fault("head-rate-explodes")
def head_on_logits_explodes():
    return compiled(on_top(frozen(base())), optimizers.SGD(10.0)), *three()


@fault("head-rate-explodes")
def deep_head_explodes():
    model = keras.Sequential([keras.Input((16,)), layers.Dense(64, "relu"), layers.Dense(3)])
    return compiled(model, optimizers.SGD(10.0)), *three(features)


@fault("output-depends-on-batch")
def softmax_over_the_batch():
    model = keras.Sequential([keras.Input((16,)), layers.Dense(3), layers.Softmax(axis=0)])
    return compiled(model, loss="sparse_categorical_crossentropy"), *three(features)


@keras.saving.register_keras_serializable("doctor_cases")
class AlwaysNormalises(layers.BatchNormalization):
    """Takes mean and variance from the batch, whether it trains or not."""

    def call(self, inputs, **_):
        return super().call(inputs, training=True)


@fault("output-depends-on-batch")
def normalization_always_as_in_training():
    model = keras.Sequential([keras.Input((16,)), AlwaysNormalises(), layers.Dense(3)])
    return compiled(model), *three(features)


@fault("output-depends-on-batch")
def mean_over_the_batch_is_taken_off():
    inputs = keras.Input((16,))
    row = inputs - ops.mean(inputs, axis=0, keepdims=True)
    return compiled(keras.Model(inputs, layers.Dense(3)(row))), *three(features)


# Healthy


@healthy
def last_block_free_that_normalises_first():
    model = normalised(before=True)
    for layer in model.layers:
        layer.trainable = layer.name not in ("norm0", "conv0", "norm1", "conv1")
    return compiled(model, optimizers.Adam(1e-5)), *three()


@healthy
def last_layers_freed_one_by_one():
    trunk = frozen(base(end="block3_pool"))
    for layer in trunk.layers[2:]:
        layer.trainable = True
    return compiled(on_top(trunk), optimizers.Adam(1e-5)), *three()


@healthy
def frozen_as_it_was_meant():
    trunk = frozen(base())
    return compiled(on_top(trunk)), *three(), {"frozen": trunk.layers}


@healthy
def base_in_a_custom_layer_is_frozen():
    model = held()
    model.get_layer("holder").trainable = False
    return compiled(model), *three(), {"frozen": "vgg_inside"}


def _with(name, make, model=head, data=features, fitted=False, half=False):
    """Register a healthy model for an optimizer."""

    @healthy
    def build():
        splits = three(data) if data else three()
        with half_precision() if half else contextlib.nullcontext():
            healthy_one = compiled(model(), make())
        if fitted:
            healthy_one.fit(*splits[0], batch_size=16, epochs=2, verbose=0)
        return healthy_one, *splits

    HEALTHY[name] = HEALTHY.pop("build")


def _converged():
    model = compiled(head(), optimizers.Adam(1e-1))
    model.fit(*features(seed=1), batch_size=48, epochs=25, verbose=0)
    return model


_ramp = optimizers.schedules.CosineDecay(0.0, 1000, warmup_target=1e-3, warmup_steps=500)
_with("gradients_accumulate", lambda: optimizers.Adam(1e-3, gradient_accumulation_steps=4))
_with("gradients_accumulated", lambda: optimizers.Adam(1e-3, gradient_accumulation_steps=2), fitted=True)
_with("half_precision_before_a_fit", lambda: optimizers.Adam(1e-3), lambda: on_top(frozen(base())), None, half=True)
_with("half_precision_after_a_fit", lambda: optimizers.Adam(1e-3), lambda: on_top(frozen(base())), None, True, True)
_with("warm_up_from_zero", lambda: optimizers.SGD(_ramp))
_with("averages_of_weights", lambda: optimizers.AdamW(1e-3, weight_decay=0.1, use_ema=True, clipnorm=1), fitted=True)
_with("the_usual_high_rate_of_a_head", lambda: optimizers.Adam(1e-2), lambda: on_top(frozen(base())), None)
_with("trained_to_the_end", lambda: optimizers.SGD(1e-1), _converged)


@keras.saving.register_keras_serializable("doctor_cases")
class OwnStep(keras.Sequential):
    """Trains in a way of its own."""

    def train_step(self, data):
        return {"loss": ops.mean(self(data[0]))}


class OwnOptimizer(optimizers.SGD):
    """Takes an argument that it does not save."""

    def __init__(self, factor):
        super().__init__(1e-3 * factor)


@healthy
def own_training_step():
    model = OwnStep([keras.Input((16,)), layers.Dense(3)])
    return compiled(model), *three(features)


@healthy
def own_optimizer():
    return compiled(head(), OwnOptimizer(2.0)), *three(features)


@healthy
def outputs_of_large_features():
    splits = [(np.float32(1e4) * rows, labels) for rows, labels in three(features)]
    return compiled(head(), optimizers.Adam(1e-4)), *splits
