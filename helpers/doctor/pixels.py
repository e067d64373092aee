"""What the base really gets: the range of the pixels, the order of the colours, and what was prepared twice."""

import keras
import numpy as np

from helpers.doctor.findings import Finding, unjudged

WHY_RANGE = (
    "The weights were trained on another range: every filter answers wrongly, and accuracy stays low without an error."
)
WHY_TWICE = "What was prepared twice has almost no contrast left, or far too dark pixels, for every filter of the base."
EXPECTED = {
    "caffe": "blue, green, red from about -124 to 151",
    "tf": "-1 to 1",
    "lite": "about -1 to 1",
    "torch": "about -2.1 to 2.6",
    "raw": "0 to 255, since it rescales them itself",
}
CONTRAST = 1e-6


def check(case):
    """Yield findings about the pixels that reach the first convolution."""
    if not case.train.pictures:
        shape = ", ".join(map(str, ("n", *case.train.batches[0][0].shape[1:])))
        yield unjudged(
            "pixels-range",
            f"The model takes features of shape ({shape}), no pixels: how these were prepared was decided before.",
            "doctor.diagnose(the model from pixels, ...) judges that",
        )
        return
    twice = list(_rescaled_twice(case))
    yield from twice
    got = first_pixels(case)
    family = case.base.family if case.base else None
    if got is None or (family is None and got.shape[-1] != 3):
        yield unjudged(
            "pixels-range", "No convolution that takes pixels was found, so their preparation cannot be seen."
        )
        return
    if np.ptp(got) < CONTRAST and np.ptp(case.inputs) < CONTRAST:
        yield unjudged("pixels-range", f"The pictures are blank: every value is {got.flat[0]:.4g}.")
        return
    if family is None:
        if not twice and max(abs(got.min()), abs(got.max())) < 0.02:
            seen = f"The first convolution gets values from {got.min():.4f} to {got.max():.4f}."
            yield Finding("preprocessed-twice", "warning", seen, WHY_TWICE, "divide by 255 in one place only")
        else:
            seen = f"The first convolution gets values from {got.min():.4g} to {got.max():.4g}"
            yield unjudged(
                "pixels-range", f"{seen}; no pre-trained network that the doctor knows was found, so any range may do."
            )
        return
    if not case.base.pretrained and _all_train(case.base):
        reason = f"The weights of {case.base.name} look untrained, and all of them train: any range may do."
        yield unjudged("pixels-range", reason)
        return
    if twice:
        return
    fault = range_fault(family.mode, got)
    if fault is not None:
        yield _range_finding(case, family, got, *fault)
    else:
        yield from _order(case, family, got)


def first_pixels(case):
    """Return what the first convolution that takes pictures gets, before any padding; None where there is none."""
    inside = {id(layer) for layer in case.base.layers} if case.base and case.base.family else None
    padded = None
    for layer, given, _ in case.heard:
        if given.ndim != 4 or given.shape[-1] not in (1, 3) or (inside is not None and id(layer) not in inside):
            continue
        if (
            isinstance(layer, keras.layers.Rescaling)
            and case.base
            and case.base.family
            and case.base.family.mode == "raw"
        ):
            return given
        if isinstance(layer, keras.layers.ZeroPadding2D):
            padded = given if padded is None else padded
        if isinstance(layer, keras.layers.Conv2D):
            return given if padded is None else padded
    return None


def _all_train(base):
    return all(layer.trainable for layer in base.layers if layer.weights)


def _rescaled_twice(case):
    for layer, given, _ in case.heard:
        if not isinstance(layer, keras.layers.Rescaling) or given.ndim != 4 or np.ptp(given) < CONTRAST:
            continue
        scale = float(np.max(np.abs(np.asarray(layer.scale, "float64"))))
        if scale <= 0.02 and np.abs(given).max() <= 1.5:
            seen = f"{layer.name!r} divides by {1 / scale:.4g}, but gets {given.min():.3g} to {given.max():.3g}."
            yield Finding(
                "preprocessed-twice",
                "error",
                seen,
                WHY_TWICE,
                f"feed pixels 0..255, or leave out the layer {layer.name!r}",
            )
            return


def range_fault(mode, got):
    """Return what is wrong with a range as (name, words), or None.

    Parameters
    ----------
    mode : {"caffe", "tf", "torch", "lite", "raw"}
    got : ndarray (n, h, w, 3)
        What the first convolution gets.
    """
    low, high = float(got.min()), float(got.max())
    if mode == "raw":
        if high <= 1.5:
            return "preprocessed-twice", "as if they had been divided before"
        return ("pixels-range", "as if the means had been subtracted") if low < -10 else None
    if mode == "caffe":
        if np.mean(got < -130) > 0.01:
            return "preprocessed-twice", "as if the means had been subtracted twice"
        if low >= -126 and high <= -95:
            return "preprocessed-twice", "as if they had been divided, and prepared then"
        if low >= -0.001 and high > 152:
            return "pixels-range", "pixels as they are, not prepared"
        if low >= -3.5 and high <= 3.5:
            return "pixels-range", _small_range(low)
        return None
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


def _range_finding(case, family, got, name, words):
    seen = (
        f"The first convolution of {case.base.name} gets values from {got.min():.4g} to {got.max():.4g} ({words}); "
        f"{family.name} expects {EXPECTED[family.mode]}."
    )
    raw = case.train.moments[0] >= -0.001 and case.train.moments[1] > 1.5
    if name == "preprocessed-twice":
        mend = "prepare the pixels in one place: in the data or in the model, not in both"
        return Finding(name, "error", seen, WHY_TWICE, mend)
    if family.mode == "raw":
        mend = "pixels 0..255, unchanged"
    elif raw:
        mend = f"pixels = {family.prepare}(pixels)  # on 0..255, once"
    else:
        mend = f"take the pixels 0..255 and send them through {family.prepare}, once"
    return Finding(name, "error", seen, WHY_RANGE, mend)


MEANS = np.array([103.939, 116.779, 123.68])  # of ImageNet in blue, green, red, as caffe's weights had them subtracted
WHY_ORDER = "The first filters look for red where blue stands; accuracy falls by some points without an error."


def _order(case, family, got):
    """Yield findings about the order of the colours in what the first convolution gets.

    Parameters
    ----------
    case : helpers.doctor.splits.Case
    family : helpers.doctor.structure.Family
    got : ndarray (n, h, w, 3)
    """
    if family.mode == "raw":
        return
    pixels = case.inputs
    prepared = np.array_equal(pixels, got)
    if not prepared and pixels.shape != got.shape:
        yield unjudged(
            "channel-order", "The model changes the size of the pictures: the order of colours cannot be told."
        )
    elif not prepared:
        yield from _order_from_pixels(case, family, pixels.astype("float64"), got.astype("float64"))
    elif family.mode == "caffe":
        yield from _order_from_means(case, family)
    else:
        yield unjudged(
            "channel-order", "The data come prepared: whether red stands before blue cannot be told from numbers."
        )


def _order_from_pixels(case, family, pixels, got):
    places, shifts = _affine(pixels, got)
    if places is None:
        yield unjudged(
            "channel-order", "The pictures are grey, or altered on their way: the order of colours cannot be told."
        )
        return
    wanted = [2, 1, 0] if family.mode == "caffe" else [0, 1, 2]
    words = {(0, 1, 2): "red, green, blue", (2, 1, 0): "blue, green, red"}
    if places != wanted:
        order = words.get(tuple(places), f"the channels {places}")
        seen = f"The first convolution of {case.base.name} gets {order}; {family.name} expects {words[tuple(wanted)]}."
        yield Finding(
            "channel-order", "error", seen, WHY_ORDER, f"pixels = {family.prepare}(pixels)  # it puts them in order"
        )
    elif family.mode == "caffe" and np.abs(shifts + MEANS).max() > 3:
        seen = f"From blue, green, red {_listed(-shifts)} are subtracted; {family.name} expects {_listed(MEANS)}."
        yield Finding(
            "channel-order", "error", seen, WHY_ORDER, f"pixels = {family.prepare}(pixels)  # it knows the means"
        )


def _affine(pixels, got):
    """Return for each channel that the base gets the channel of the picture that it comes from, and its shift."""
    places, shifts = [], []
    for channel in range(3):
        target, errors = got[..., channel].ravel(), []
        for source in range(3):
            values = pixels[..., source].ravel()
            if values.std() < CONTRAST or target.std() < CONTRAST:
                return None, None
            slope = np.cov(values, target)[0, 1] / values.var()
            shift = target.mean() - slope * values.mean()
            errors.append((np.abs(slope * values + shift - target).mean() / target.std(), source, shift))
        errors.sort()
        if errors[0][0] > 0.01 or errors[1][0] < 0.02:
            return None, None
        places.append(errors[0][1])
        shifts.append(errors[0][2])
    return places, np.array(shifts)


def _order_from_means(case, family):
    """Tell the order from the smallest value of each channel: black pixels show the mean that was subtracted."""
    pictures = np.concatenate([inputs for inputs, _ in case.train.batches]).astype("float64")
    lowest = [float(np.quantile(pictures[..., channel], 0.0005)) for channel in range(3)]
    if lowest[0] < -MEANS[0] - 3 and lowest[2] > -MEANS[2] + 8:
        seen = f"The darkest values of the three channels are {_listed(lowest)}: those of red, green, blue."
        yield Finding(
            "channel-order", "error", seen, WHY_ORDER, f"pixels = {family.prepare}(pixels)  # on 0..255, red first"
        )
        return
    seen = (
        f"The data come prepared; the darkest values of the channels are {_listed(lowest)}, as they should be or above"
    )
    yield unjudged("channel-order", f"{seen}. Whether red and blue were swapped before cannot be told from that.")


def _listed(numbers):
    return ", ".join(f"{number:.1f}" for number in numbers)
