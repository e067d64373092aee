"""What the base really gets: the range of the pixels, the order of the colours, and what was prepared twice."""

import keras
import numpy as np

from helpers.doctor.findings import error, unjudged, warning
from helpers.doctor.splits import CONTRAST
from helpers.doctor.structure import MODES

MEANS = np.array([103.939, 116.779, 123.68])  # of ImageNet in blue, green, red; "caffe" preprocessing subtracts them


def check(case):
    """Yield findings about the pixels that reach the first convolution."""
    if not case.train.pictures:
        shape = ", ".join(map(str, ("n", *case.train.batches[0][0].shape[1:])))
        reason = f"The model takes features of shape ({shape}), no pixels: how these were prepared was decided before."
        yield unjudged("pixels-range", reason, "doctor.diagnose(the model from pixels, ...) judges that")
        return
    twice = _rescaled_twice(case)
    if twice:
        yield twice
    pixels = first_pixels(case)
    family = case.base.family if case.base else None
    if pixels is None or (family is None and pixels.shape[-1] != 3):
        reason = "No convolution that takes pixels was found, so their preparation cannot be seen."
        yield unjudged("pixels-range", reason)
    elif np.ptp(pixels) < CONTRAST and np.ptp(case.inputs) < CONTRAST:
        yield unjudged("pixels-range", f"The pictures are blank: every value is {pixels.flat[0]:.4g}.")
    elif family is None and not twice and np.abs(pixels).max() < 0.02:
        seen = f"The first convolution gets values from {pixels.min():.4f} to {pixels.max():.4f}."
        yield warning("preprocessed-twice", seen, "dark")
    elif family is None:
        seen = f"The first convolution gets values from {pixels.min():.4g} to {pixels.max():.4g}"
        reason = f"{seen}; no pre-trained network that the doctor knows was found, so any range may do."
        yield unjudged("pixels-range", reason)
    elif not case.base.pretrained and case.base.all_train:
        reason = f"The weights of {case.base.name} look untrained, and all of them train: any range may do."
        yield unjudged("pixels-range", reason)
    elif not twice:
        fault = range_fault(family.mode, pixels)
        if fault is not None:
            yield _range_finding(case, pixels, *fault)
        else:
            yield from _order(case, pixels)


def first_pixels(case):
    """Return what the first convolution that takes pictures gets, before any padding; None where there is none."""
    family = case.base.family if case.base else None
    inside = {id(layer) for layer in (case.base.layers if family else case.layers)}
    padded = None
    for layer, inputs, _ in case.calls:
        if inputs.ndim != 4 or inputs.shape[-1] not in (1, 3) or id(layer) not in inside:
            continue
        if isinstance(layer, keras.layers.Rescaling) and family and family.mode == "raw":
            return inputs
        if isinstance(layer, keras.layers.ZeroPadding2D) and padded is None:
            padded = inputs
        if isinstance(layer, keras.layers.Conv2D):
            return inputs if padded is None else padded
    return None


def _rescaled_twice(case):
    """Return a finding about the first layer that divides pixels which are small already, or None."""
    for layer, inputs, _ in case.calls:
        if not isinstance(layer, keras.layers.Rescaling) or inputs.ndim != 4 or np.ptp(inputs) < CONTRAST:
            continue
        scale = float(np.max(np.abs(np.asarray(layer.scale, "float64"))))
        if scale <= 0.02 and np.abs(inputs).max() <= 1.5:
            seen = f"{layer.name!r} divides by {1 / scale:.4g}, but gets {inputs.min():.3g} to {inputs.max():.3g}."
            mend = f"feed pixels 0..255, or leave out the layer {layer.name!r}"
            return error("preprocessed-twice", seen, mend=mend)
    return None


def range_fault(mode, pixels):
    """Return what is wrong with the pixels that the first convolution gets as (name, words), or None."""
    low, high = float(pixels.min()), float(pixels.max())
    if mode == "raw":
        if high <= 1.5:
            return "preprocessed-twice", "as if they had been divided before"
        return ("pixels-range", "as if the means had been subtracted") if low < -10 else None
    if mode == "caffe":
        if np.mean(pixels < -130) > 0.01:
            return "preprocessed-twice", "as if the means had been subtracted twice"
        if low >= -126 and high <= -95:
            return "preprocessed-twice", "as if they had been divided, and prepared then"
        if low >= -0.001 and high > 152:
            return "pixels-range", "pixels as they are, not prepared"
        return ("pixels-range", _small_range(low)) if low >= -3.5 and high <= 3.5 else None
    if high > 10:
        return "pixels-range", "pixels as they are" if low > -1 else "as VGG16 and ResNet expect them"
    if high - low < 0.03:
        return "preprocessed-twice", "almost no contrast is left"
    if low >= -0.001 and low < 0.3 and high <= 1.001:
        return "pixels-range", _small_range(low)
    if mode == "torch":
        return ("pixels-range", _small_range(low)) if -1.01 <= low < -0.95 and high <= 1.01 else None
    return ("pixels-range", "standardised") if low < -1.2 or high > 1.2 else None


def _small_range(low):
    return "divided by 255" if low >= -0.001 else "from -1 to 1" if low >= -1.01 else "standardised"


def _range_finding(case, pixels, name, words):
    family = case.base.family
    seen = (
        f"The first convolution of {case.base.name} gets values from {pixels.min():.4g} to {pixels.max():.4g} "
        f"({words}); {family.name} expects {MODES[family.mode]}."
    )
    if name == "preprocessed-twice":
        return error("preprocessed-twice", seen, "data-and-model")
    if family.mode == "raw":
        mend = "pixels 0..255, unchanged"
    elif case.train.lowest >= -0.001 and case.train.highest > 1.5:
        mend = f"pixels = {family.prepare}(pixels)  # on 0..255, once"
    else:
        mend = f"take the pixels 0..255 and send them through {family.prepare}, once"
    return error("pixels-range", seen, mend=mend)


def _order(case, pixels):
    """Yield findings about the order of the colours in the pixels that the first convolution gets."""
    family = case.base.family
    if family.mode == "raw":
        return
    if not np.array_equal(case.inputs, pixels):
        if case.inputs.shape == pixels.shape:
            yield from _order_from_pictures(case, case.inputs.astype("float64"), pixels.astype("float64"))
        else:
            reason = "The model changes the size of the pictures: the order of colours cannot be told."
            yield unjudged("channel-order", reason)
    elif family.mode == "caffe":
        yield from _order_from_means(case)
    else:
        reason = "The data come prepared: whether red stands before blue cannot be told from numbers."
        yield unjudged("channel-order", reason)


def _order_from_pictures(case, pictures, pixels):
    family = case.base.family
    sources, shifts = _sources(pictures, pixels)
    if sources is None:
        reason = "The pictures are grey, or altered on their way: the order of colours cannot be told."
        yield unjudged("channel-order", reason)
        return
    expected = (2, 1, 0) if family.mode == "caffe" else (0, 1, 2)
    words = {(0, 1, 2): "red, green, blue", (2, 1, 0): "blue, green, red"}
    if sources != expected:
        order = words.get(sources, f"the channels {list(sources)}")
        seen = f"The first convolution of {case.base.name} gets {order}; {family.name} expects {words[expected]}."
        mend = f"pixels = {family.prepare}(pixels)  # it puts them in order"
        yield error("channel-order", seen, mend=mend)
    elif family.mode == "caffe" and np.abs(shifts + MEANS).max() > 3:
        seen = f"From blue, green, red {_listed(-shifts)} are subtracted; {family.name} expects {_listed(MEANS)}."
        mend = f"pixels = {family.prepare}(pixels)  # it knows the means"
        yield error("channel-order", seen, mend=mend)


def _sources(pictures, pixels):
    """Return, for each channel that the base gets, the channel of the picture that it comes from, and its shift.

    A channel comes from the one that it is a straight line of; (None, None) where no channel or several of them will
    do, as in grey pictures.
    """
    pictures, pixels = pictures.reshape(-1, 3), pixels.reshape(-1, 3)
    if min(pictures.std(axis=0).min(), pixels.std(axis=0).min()) < CONTRAST:
        return None, None
    correlations = np.corrcoef(pixels, pictures, rowvar=False)[:3, 3:]
    left_over = np.sqrt(np.maximum(1 - correlations**2, 0))  # standard deviation that no straight line explains
    best, second, _ = np.sort(left_over, axis=1).T
    if best.max() > 0.0125 or second.min() < 0.025:
        return None, None
    sources = left_over.argmin(axis=1)
    slopes = correlations[range(3), sources] * pixels.std(axis=0) / pictures.std(axis=0)[sources]
    return tuple(sources.tolist()), pixels.mean(axis=0) - slopes * pictures.mean(axis=0)[sources]


def _order_from_means(case):
    """Tell the order from the smallest value of each channel: black pixels show the mean that was subtracted."""
    pictures = np.concatenate([inputs for inputs, _ in case.train.batches]).astype("float64")
    lowest = [float(np.quantile(pictures[..., channel], 0.0005)) for channel in range(3)]
    if lowest[0] < -MEANS[0] - 3 and lowest[2] > -MEANS[2] + 8:
        seen = f"The darkest values of the three channels are {_listed(lowest)}: those of red, green, blue."
        mend = f"pixels = {case.base.family.prepare}(pixels)  # on 0..255, red first"
        yield error("channel-order", seen, mend=mend)
        return
    seen = f"the darkest values of the channels are {_listed(lowest)}, as they should be or above"
    reason = f"The data come prepared; {seen}. Whether red and blue were swapped before cannot be told from that."
    yield unjudged("channel-order", reason)


def _listed(numbers):
    return ", ".join(f"{number:.1f}" for number in numbers)
