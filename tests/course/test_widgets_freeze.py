"""The freeze explorer counts parameters, memory and work as they are."""

import keras
import pytest
from test_widgets import png_of, small_base, vgg16_base

from helpers.course import widgets
from helpers.network import cost, surgery


class TestFreeze:
    def test_counts_the_parameters_of_the_model(self):
        base = vgg16_base()
        stages = cost.stages(base)
        assert [stage.name for stage in stages] == ["block1", "block2", "block3", "block4", "block5", "head"]
        head_size = 512 * 5 + 5
        assert cost.parameters(stages, 0) == (base.count_params() + head_size, 0)
        assert cost.parameters(stages, 5) == (head_size, base.count_params())
        assert cost.parameters(stages, 6) == (0, base.count_params() + head_size)
        block5 = sum(layer.count_params() for layer in base.layers if layer.name.startswith("block5"))
        assert cost.parameters(stages, 4)[0] == block5 + head_size

    def test_counts_the_work_that_is_published_for_vgg16(self):
        at_224 = keras.applications.VGG16(weights=None, include_top=False, input_shape=(224, 224, 3))
        blocks = cost.stages(at_224)[:-1]
        assert cost.step_cost(blocks, 5)["forward"] == 2 * 15_346_630_656

    def test_training_everything_costs_one_and_the_head_alone_a_third(self):
        base = vgg16_base()
        stages = cost.stages(base)
        assert sum(cost.relative_cost(stages, 0).values()) == pytest.approx(1)
        head_only = cost.relative_cost(stages, 5)
        assert sum(head_only.values()) == pytest.approx(1 / 3, abs=0.01)
        assert head_only["inputs"] == 0
        costs = [sum(cost.relative_cost(stages, frozen).values()) for frozen in range(7)]
        assert costs == sorted(costs, reverse=True)

    def test_counts_backward_work_only_where_it_must_be_done(self):
        one, two, three = (
            cost.Stage(name, 1, (cost.Layer(1, work),)) for name, work in zip("abc", (5, 7, 11), strict=True)
        )
        assert cost.step_cost([one, two, three], 0) == {"forward": 23, "inputs": 18, "weights": 23}
        assert cost.step_cost([one, two, three], 1) == {"forward": 23, "inputs": 11, "weights": 18}
        assert cost.step_cost([one, two, three], 3) == {"forward": 23, "inputs": 0, "weights": 0}
        assert cost.step_cost([one, two, three], 1, cached=True) == {"forward": 18, "inputs": 11, "weights": 18}

    def test_memory_for_adam_is_what_adam_really_keeps(self):
        assert cost.memory(1000) == {"gradients": 4000, "adam": 8000}
        layer = keras.layers.Dense(7)
        layer.build((None, 11))
        adam = keras.optimizers.Adam()
        adam.build(layer.trainable_variables)
        numbers = surgery.count(adam.variables) - 2  # the step number and the rate
        assert cost.memory(layer.count_params())["adam"] == 4 * numbers

    def test_uses_the_head_that_a_model_has(self):
        pixels = keras.Input((32, 32, 3))
        maps_ = keras.layers.Conv2D(4, 3, padding="same", name="block1_conv1")(pixels)
        inner = keras.Model(pixels, maps_)
        row = keras.layers.Dense(9)(keras.layers.Flatten()(inner(pixels)))
        whole = keras.Model(pixels, keras.layers.Dense(3)(row))
        stages = cost.stages(whole)
        assert [stage.name for stage in stages] == ["block1", "head"] and stages[-1].shape == 3
        assert cost.parameters(stages, 0)[0] == whole.count_params()

    def test_slider_changes_diagram_and_numbers(self):
        base = vgg16_base()
        explorer = widgets.freeze_explorer(base)
        assert explorer.frozen_up_to.options == ("none", "block1", "block2", "block3", "block4", "block5", "all")
        seen = set()
        for name in explorer.frozen_up_to.options:
            explorer.frozen_up_to.value = name
            assert explorer.wait()
            seen.add(png_of(explorer.picture)[0])
        assert len(seen) == 7
        assert "Nothing can learn" in explorer.words.value
        explorer.frozen_up_to.value = "block4"
        assert explorer.wait()
        trainable, frozen = cost.parameters(explorer.stages, 4)
        for expected in (f"{trainable:,}", f"{frozen:,}", f"{8 * trainable / 1e6:.1f} MB", "38.4%"):
            assert expected in explorer.words.value

    def test_leaves_the_model_alone(self):
        small = small_base()
        small.layers[1].trainable = False
        try:
            widgets.freeze_explorer(small).frozen_up_to.value = "none"
            assert [layer.trainable for layer in small.layers] == [True, False, True]
        finally:
            small.layers[1].trainable = True

    def test_says_which_models_it_cannot_count(self):
        pixels = keras.Input((32, 32, 3))
        with pytest.raises(ValueError, match="block1_"):
            widgets.freeze_explorer(keras.Model(pixels, keras.layers.Conv2D(2, 3, name="plain")(pixels)))
        depthwise = keras.layers.DepthwiseConv2D(3, name="block1_depthwise")(pixels)
        with pytest.raises(ValueError, match="DepthwiseConv2D"):
            widgets.freeze_explorer(keras.Model(pixels, depthwise))
        open_ended = keras.Input((None, None, 3))
        unsized = keras.layers.Conv2D(2, 3, name="block1_conv1")(open_ended)
        with pytest.raises(ValueError, match="input_shape"):
            widgets.freeze_explorer(keras.Model(open_ended, unsized))
