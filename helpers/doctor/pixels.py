"""What the base really gets: numbers, pictures, features rather than old answers, and pixels as its weights expect."""

import keras
import numpy as np
import tensorflow as tf

from helpers.doctor import structure, undisturbed
from helpers.doctor.findings import error, unjudged, warning
from helpers.doctor.splits import CONTRAST
from helpers.doctor.structure import MODES
from helpers.network import inspection

FAINT = 0.05  # black and white differ by less where the first convolution gets them: prepared twice
FITS, SAME = 0.2, 0.1  # how far they may lie from those of a mode, as a share of their distance: to fit it, to be it
BLANK = 0.1  # share of pictures of one colour that is worth a warning
COLOURS = ("red", "green", "blue")


def check(case):
    """Yield findings about the base and the pixels that reach it."""
    broken = list(_not_finite(case))
    yield from broken
    if broken:
        return
    yield from _not_pretrained(case)
    yield from _old_top(case)
    if not case.train.pictures:
        shape = ", ".join(map(str, ("n", *case.train.batches[0][0].shape[1:])))
        reason = f"The model takes features of shape ({shape}), no pixels: how these were prepared was decided before."
        yield unjudged("pixels-range", reason, "doctor.diagnose(the model from pixels, ...) judges that")
        return
    yield from _blank(case)
    base = _taking_pixels(case)
    if np.ptp(case.inputs) < CONTRAST:
        yield unjudged("pixels-range", f"The pictures are blank: every value is {case.inputs.flat[0]:.4g}.")
    elif base is None:
        yield unjudged("pixels-range", "No convolution takes pixels, so how they were prepared cannot be seen.")
    else:
        yield from _preparation(case, base)


def _not_finite(case):
    floats = [weight for weight in case.model.weights if "float" in weight.dtype]
    wrong = [weight.path for weight in floats if not np.all(keras.ops.isfinite(weight))]
    if wrong:
        seen = f"NaN or infinite numbers are in {len(wrong)} of {len(case.model.weights)} weights: "
        yield error("not-finite", f"{seen}{structure.named(wrong)}.", "weights")
    wrong = [split.name for split in case.splits if not np.isfinite([split.lowest, split.highest]).all()]
    if wrong:
        yield error("not-finite", f"NaN or infinite numbers are in the inputs of {structure.named(wrong)}.", "inputs")


def _not_pretrained(case):
    """Yield a finding where frozen layers of the base look as they do before any training."""
    kernels = case.base.kernels if case.base else []
    frozen = [layer for layer, kernel in kernels if id(kernel) not in case.trainable]
    if not frozen:
        return
    still = [layer for layer in case.base.layers if not case.trainable & set(map(id, layer.weights))]
    untouched = structure.untouched(still)
    if untouched is None:  # convolutions without biases are frozen, the normalization after them is not
        untouched = structure.untouched(case.base.layers)
    if untouched is None:
        reason = f"{case.base.name!r} has no biases and no statistics: whether it was trained cannot be told."
        yield unjudged("base-not-pretrained", reason)
    elif untouched:
        seen = f"{len(frozen)} of {len(kernels)} convolutions of {case.base.name!r} are frozen"
        yield error("base-not-pretrained", f"{seen}; all biases and statistics are as they start.")


def _old_top(case):
    """Yield a finding where a Dense layer takes the outputs of another classifier."""
    dense = [call for call in case.calls if isinstance(call[0], keras.layers.Dense) and call[1].ndim == 2]
    softmax = any(inspection.activation(layer) == "softmax" for layer in structure.walk(case.model)[1][:-1])
    for head, inputs, _ in dense:
        tops = [top for top, _, outputs in dense if np.array_equal(outputs, inputs)]
        # A softmax in a head of one's own is no mistake; an old top is wide, frozen, or was trained before.
        old = [
            top for top in tops if not top.trainable or (top.use_bias and np.any(top.bias) and not np.any(head.bias))
        ]
        adds_up = softmax and np.all(inputs >= 0) and np.allclose(inputs.sum(axis=1), 1, atol=5e-3)
        logits = [top for top in tops if top.units == 1000 and inspection.activation(top) == "linear"]
        given = np.array_equal(inputs, case.inputs)
        if logits or (adds_up and not given and (old or inputs.shape[1] >= 100)):
            what = "logits" if logits else "probabilities"
            yield error("old-top-below-head", f"{head.name!r} takes {inputs.shape[1]} {what}, not features.")


def _blank(case):
    """Yield findings about splits with many pictures of one colour, or with one picture many times."""
    for split in case.splits:
        total = len(split.digests)
        if split.thumbnails is None or total < 4:
            continue
        spread = np.ptp(split.thumbnails.reshape(total, 256, -1), axis=1).max(axis=-1)
        flat = int(np.sum(spread <= 1e-4 * max(abs(split.lowest), abs(split.highest))))
        most = max(map(split.digests.count, set(split.digests)))
        if flat >= max(2, BLANK * total):
            seen = f"{split.name}: {flat} of {total} pictures are of one colour only."
            yield (error if flat == total else warning)("blank-pictures", seen)
        elif most > 0.5 * total:
            yield error("blank-pictures", f"{split.name}: {most} of {total} pictures are one and the same.")


def _taking_pixels(case):
    """Return the base, or all layers of the model, as the part that takes pixels; None where nothing does."""
    if case.base and case.base.first:
        return case.base
    layers = structure.walk(case.model)[1]
    whole = structure.Base("the model", tuple(layers), structure.family_of(layers), structure.looks_trained(layers))
    return whole if whole.first else None


def _preparation(case, base):
    """Yield findings about how the pixels were prepared on their way to the first convolution."""
    size = max(abs(case.train.lowest), abs(case.train.highest))
    white = 1 if size <= 3.5 else 255 if size <= 300 else 65535  # in such data
    line = _line(case, base.first)
    contrast = np.abs(line[0]).sum(axis=1).max() * white if line else None
    if line and contrast < FAINT:
        seen = f"Where {base.first.name!r} gets them, black and white differ by {contrast:.2g} only."
        yield error("preprocessed-twice", seen, "data-and-model")
    elif base.family is None and size < 0.02:
        seen = f"The data hold values from {case.train.lowest:.4f} to {case.train.highest:.4f}."
        yield warning("preprocessed-twice", seen, "dark")
    elif base.family is None:
        yield unjudged("pixels-range", "The doctor knows no pre-trained network like this one: any range may do.")
    else:
        layer, modes = base.entrance
        line, prepared = _line(case, layer), _prepared(case)
        if line and prepared and not _learned_before(case, base):
            yield from _for_family(case, base, modes, line, prepared)
        else:
            reason = "How the pixels were prepared cannot be told: they follow no straight line, or layers that learn."
            yield unjudged("pixels-range", reason)


def _line(case, layer):
    """Return the straight line (matrix, shift) from colours of the data to what a layer gets, or None without one.

    Found with pictures of one colour each, which cropping, resizing and flipping leave as they are.
    """

    class Seen(BaseException):  # stops the model at the layer; not an Exception, so that nothing on the way catches it
        pass

    def stop(*inputs, **named):
        raise Seen(*inputs, *named.values())

    low, high, channels = case.train.lowest, case.train.highest, case.inputs.shape[-1]
    shares = np.vstack([np.zeros(channels), np.eye(channels), np.ones(channels), np.full(channels, 0.5)])
    colours = (low + (high - low) * shares).astype(case.inputs.dtype)
    pictures = np.broadcast_to(colours[:, None, None], (len(colours), *case.inputs.shape[1:]))
    with undisturbed.replaced(layer, "call", stop):
        try:
            case.model(tf.constant(pictures), training=False)
            return None
        except Seen as seen:
            entered = seen.args[0]
    if not hasattr(entered, "numpy") or entered.shape.rank != 4:
        return None
    got = np.asarray(entered, "float64")[:, entered.shape[1] // 2, entered.shape[2] // 2]
    colours = colours.astype("float64")
    matrix = ((got[1 : channels + 1] - got[0]) / (colours[channels + 1] - colours[0])[:, None]).T
    shift = got[0] - matrix @ colours[0]
    straight = np.ptp(got) > 0 and np.abs(colours @ matrix.T + shift - got).max() <= 0.02 * np.ptp(got)
    return (matrix, shift) if straight else None


def _learned_before(case, base):
    """Return whether weights outside the base take pixels: they may prepare them in any way."""
    others = [layer for layer in structure.walk(case.model)[1] if layer not in base.layers and layer.weights]
    shapes = [tuple(layer.weights[0].shape) for layer in others if not isinstance(layer, keras.layers.Normalization)]
    return any(shape in ((1,), (3,)) or (len(shape) == 4 and shape[2] in (1, 3)) for shape in shapes)


def _prepared(case):
    """Return the modes in which the data may have been prepared; one where black pixels show it."""
    if case.inputs.dtype.kind in "iu":
        return ["raw"]
    colours = np.concatenate([inputs.reshape(-1, inputs.shape[-1]) for inputs, _ in case.train.batches])
    low, high, possible = colours.min(axis=0), colours.max(axis=0), {}
    for slack in (0.5, 26):  # resizing may go beyond 0..255 by a tenth
        for mode in MODES if not possible else ():
            subtract, divide = _numbers(mode, len(low))
            dark, bright = low * divide + subtract, high * divide + subtract
            if dark.min() >= -slack and bright.max() <= 255 + slack and (bright - dark).max() >= 16:
                possible[mode] = np.abs(dark).min() < 0.1
    return [mode for mode, black in possible.items() if black] or list(possible)


def _numbers(mode, channels=3):
    return np.array(MODES[mode]["subtract"])[:channels], np.array(MODES[mode]["divide"])[:channels]


def _for_family(case, base, modes, line, prepared):
    """Yield findings about pixels that a family of pre-trained networks gets."""
    faults = [_fault(modes, line, mode) for mode in prepared]
    got = case.inputs @ line[0].T + line[1]
    seen = f"{base.name!r} gets values from {got.min():.4g} to {got.max():.4g}{next(filter(None, faults), ('', ''))[1]}"
    seen += f"; the ImageNet weights of {base.family.name} expect {MODES[modes[0]]['says']}."
    if not any(faults):
        yield from _order(base, modes[0], line, prepared)
    elif not all(faults):
        yield unjudged("pixels-range", f"{seen} How the data were prepared cannot be told, so that may be right.")
    elif base.imagenet is False or not base.pretrained or (base.imagenet is None and base.all_train):
        yield unjudged("pixels-range", f"{seen} The weights here are others, or may be: they suit any range.")
    elif faults[0][0] == "preprocessed-twice":
        yield (error if base.imagenet else warning)("preprocessed-twice", seen, "data-and-model")
    else:
        mend = "pixels" if modes[0] == "raw" else f"pixels = {base.family.prepare}"
        yield (error if base.imagenet else warning)("pixels-range", seen, mend=f"{mend}  # on 0..255, once")


def _fault(modes, line, mode):
    """Return what is wrong as (name, words) where data that were prepared in a mode reach the base so, or None."""
    matrix, shift = line
    subtract, divide = _numbers(mode, matrix.shape[1])
    black, white = (matrix @ ((value - subtract) / divide) + shift for value in (0, 255))
    if min(_distance(expected, black, white) for expected in modes) < FITS:
        return None
    nearest = min(MODES, key=lambda other: _distance(other, black, white))
    words = f" ({MODES[nearest]['seen']})" if _distance(nearest, black, white) < SAME else ""
    on_pixels = shift, matrix.sum(axis=1) * 255 + shift
    again = mode != "raw" and any(_distance(other, *on_pixels) < SAME for other in MODES if other != "raw")
    divided_before = modes[0] == "raw" and np.abs(white - black).max() < 8
    return ("preprocessed-twice" if again or divided_before else "pixels-range"), words


def _distance(mode, black, white):
    """Return how far black and white are from those of a mode, as a share of their distance there."""
    subtract, divide = _numbers(mode)
    off = np.maximum(np.abs(black + subtract / divide), np.abs(white - (255 - subtract) / divide))
    return float((off * divide / 255).max())


def _order(base, mode, line, prepared):
    """Yield findings about the order of the colours that the base gets."""
    matrix, expected = np.abs(line[0]), MODES[mode]["order"]
    if len(prepared) != 1 or matrix.shape != (3, 3) or np.any(matrix.max(axis=1) < 0.9 * matrix.sum(axis=1)):
        yield unjudged("channel-order", "The colours are mixed on their way, or how the data were prepared is open.")
        return
    order = [MODES[prepared[0]]["order"][source] for source in matrix.argmax(axis=1)]
    if order == expected and prepared != ["raw"]:
        yield unjudged("channel-order", "The data come prepared: whether red and blue were swapped is open.")
    elif order != expected and base.pretrained and base.imagenet is not False:
        given, wanted = (", ".join(COLOURS[source] for source in sources) for sources in (order, expected))
        seen = f"{base.name!r} gets {given}; the ImageNet weights of {base.family.name} expect {wanted}."
        mend = f"pixels = {base.family.prepare}  # it puts them in order"
        yield (error if base.imagenet else warning)("channel-order", seen, mend=mend)
