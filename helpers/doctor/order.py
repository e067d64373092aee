"""Whether red, green and blue stand in the order that the base expects."""

import numpy as np

from helpers.doctor.findings import Finding, unjudged

MEANS = np.array([103.939, 116.779, 123.68])  # of ImageNet in blue, green, red, as caffe's weights had them subtracted
WHY_ORDER = "The first filters look for red where blue stands; accuracy falls by some points without an error."
CONTRAST = 1e-6


def check(case, family, got):
    """Yield findings about the order of the colours in what the first convolution gets.

    Parameters
    ----------
    case : helpers.doctor.case.Case
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
