"""What the base really gets: numbers, pictures, features rather than old answers, and pixels as its weights expect."""

import keras
import numpy as np

from helpers.doctor import structure, undisturbed
from helpers.doctor.findings import error, unjudged, warning
from helpers.doctor.splits import CONTRAST
from helpers.doctor.structure import MODES
from helpers.network import inspection

FAINT = 0.05  # black and white differ by less where the first convolution gets them: prepared twice
FITS, SAME = 0.2, 0.1  # how far they may lie from those of a mode, as a share of their distance: to fit it, to be it
START = {"bias": 0, "beta": 0, "moving_mean": 0, "moving_variance": 1}  # before any training
BLANK = 0.1  # share of pictures of one colour that is worth a warning


def check(case):
    """Yield findings about the base and the pixels that reach it."""
    broken = list(_not_finite(case))
    yield from broken or [*_not_pretrained(case), *_old_top(case), *_blank(case)]
    base = case.base
    if not (base and base.first):
        base = structure.base_of("the model", undisturbed.leaves_of(case.model))
    if not (case.train.pictures and base.first):
        reason = f"No convolution takes pixels; inputs of shape {case.inputs.shape[1:]} were prepared before."
        yield unjudged("pixels-range", reason, "doctor.diagnose(the model from pixels, ...) judges that")
    elif broken or np.ptp(case.inputs) < CONTRAST:
        yield unjudged("pixels-range", "The first pictures are blank, or there are weights or pixels without a number.")
    else:
        yield from _preparation(case, base)


def _not_finite(case):
    names = [weight.path for weight in case.model.weights if not np.all(keras.ops.isfinite(weight))]
    splits = [split for split in case.splits if not np.isfinite([split.lowest, split.highest]).all()]
    if names or splits:
        names += [f"the inputs of {split.name}" for split in splits]
        yield error("not-finite", f"NaN or infinity is in {structure.named(names, 'places')}.")


def _not_pretrained(case):
    layers, kernels = (case.base.layers, case.base.kernels) if case.base else ([], [])
    frozen = [layer for layer, kernel in kernels if id(kernel) not in case.trainable]
    weights = [weight for layer in layers for weight in layer.weights if weight.name in START]
    as_they_start = all(np.all(weight.numpy() == START[weight.name]) for weight in weights)
    if len(frozen) > 1 and weights and as_they_start:
        seen = f"{len(frozen)} of {len(kernels)} convolutions of {case.base.name!r} are frozen"
        yield error("base-not-pretrained", f"{seen}; all its biases and statistics are as they start.")


def _old_top(case):
    dense = [call for call in case.calls if isinstance(call[0], keras.layers.Dense) and call[1].ndim == 2]
    softmax = any(inspection.activation(layer) == "softmax" for layer in undisturbed.leaves_of(case.model)[:-1])
    for head, inputs, _ in dense:
        # A softmax in a head of one's own is no mistake; an old top is wide, frozen, or was trained before.
        old = [top for top, _, outputs in dense if np.array_equal(outputs, inputs)]
        old = [top for top in old if not top.trainable or (np.any(top.bias) and not np.any(head.bias))]
        adds_up = np.all(inputs >= 0) and np.allclose(inputs.sum(axis=1), 1, atol=5e-3)
        answers = softmax and adds_up and not np.array_equal(inputs, case.inputs) and (old or inputs.shape[1] >= 100)
        logits = [top for top in old if top.units == 1000 and inspection.activation(top) == "linear"]
        if answers or logits:
            kind = f"{inputs.shape[1]} {'logits' if logits else 'probabilities'}"
            yield error("old-top-below-head", f"{head.name!r} takes {kind}, not features.")


def _blank(case):
    for split in [split for split in case.splits if split.thumbnails is not None and len(split.digests) > 3]:
        total = len(split.digests)
        spread = np.ptp(split.thumbnails.reshape(total, 256, -1), axis=1).max(axis=-1)
        flat = int(np.sum(spread <= 1e-4 * max(abs(split.lowest), abs(split.highest))))
        most = max(map(split.digests.count, set(split.digests)))
        if flat >= max(2, BLANK * total):
            seen = f"{split.name}: {flat} of {total} pictures are of one colour only."
            yield (error if flat == total else warning)("blank-pictures", seen)
        elif most > 0.5 * total:
            yield error("blank-pictures", f"{split.name}: {most} of {total} pictures are one and the same.")


def _preparation(case, base):
    size = max(abs(case.train.lowest), abs(case.train.highest))
    white = size if size < 0.02 else 1 if size <= 3.5 else 255 if size <= 300 else 65535  # in such data
    line = _line(case, base.first)
    contrast = np.abs(line[0]).sum(axis=1).max() * white if line else FAINT
    if contrast < FAINT:
        yield error("preprocessed-twice", f"At {base.first.name!r} black and white differ by {contrast:.2g} only.")
    elif base.family is None:
        yield unjudged("pixels-range", "The doctor knows no pre-trained network like this one: any range may do.")
    else:
        layer, modes = base.entrance
        line, prepared = _line(case, layer), _prepared(case)
        others = [part for part in undisturbed.leaves_of(case.model) if part not in base.layers and part.weights]
        shapes = [tuple(part.weights[0].shape) for part in others if not isinstance(part, keras.layers.Normalization)]
        learned = any(shape in ((1,), (3,)) or (len(shape) == 4 and shape[2] in (1, 3)) for shape in shapes)
        if line and prepared and not learned:  # weights outside the base that take pixels may prepare them in any way
            yield from _for_family(case, base, modes, line, prepared)
        else:
            yield unjudged("pixels-range", "The pixels are prepared by no straight line, or by layers that learn.")


def _line(case, layer):
    """Return the straight line (matrix, shift) from colours of the data to what a layer gets, or None."""
    # Pictures of one colour each: cropping, resizing and flipping leave them as they are.
    low, high, channels = case.train.lowest, case.train.highest, case.inputs.shape[-1]
    shares = np.vstack([np.zeros(channels), np.eye(channels), np.ones(channels), np.full(channels, 0.5)])
    colours = (low + (high - low) * shares).astype(case.inputs.dtype)
    pictures = np.broadcast_to(colours[:, None, None], (len(colours), *case.inputs.shape[1:]))
    calls = undisturbed.recorded_call(case.model, [layer], pictures)[1]
    if not calls or calls[0][1].ndim != 4:
        return None
    entered = calls[0][1].astype("float64")
    got = entered[:, entered.shape[1] // 2, entered.shape[2] // 2]
    matrix = ((got[1 : channels + 1] - got[0]) / (colours[channels + 1] - colours[0])[:, None]).T
    shift = got[0] - matrix @ colours[0]
    straight = np.ptp(got) > 0 and np.abs(colours @ matrix.T + shift - got).max() <= 0.02 * np.ptp(got)
    return (matrix, shift) if straight else None


def _prepared(case):
    """Return the modes in which the data may have been prepared; one where black pixels show it."""
    colours = np.concatenate([inputs.reshape(-1, inputs.shape[-1]) for inputs, _ in case.train.batches])
    ends, possible = np.array([colours.min(axis=0), colours.max(axis=0)]), {}
    for slack in (0.5, 26):  # resizing may go beyond 0..255 by a tenth
        for name, mode in MODES.items() if not possible else ():
            black, white = np.array([mode.black, mode.white])[:, : ends.shape[1]]
            dark, bright = 255 * (ends - black) / (white - black)
            if dark.min() >= -slack and bright.max() <= 255 + slack and (bright - dark).max() >= 16:
                possible[name] = np.abs(dark).min() < 0.1
    return [mode for mode, black in possible.items() if black] or list(possible)


def _for_family(case, base, modes, line, prepared):
    faults = [_fault(modes, line, mode) for mode in prepared]
    got = case.inputs @ line[0].T + line[1]
    seen = f"{base.name!r} gets values from {got.min():.4g} to {got.max():.4g}; "
    seen += f"the ImageNet weights of {base.family.name} expect {MODES[modes[0]].says}."
    if not any(faults):
        yield from _order(base, modes[0], line, prepared)
    elif not all(faults):
        yield unjudged("pixels-range", f"{seen} How the data were prepared cannot be told, so that may be right.")
    elif not base.supposed:
        yield unjudged("pixels-range", f"{seen} The weights here are others, or may be: they suit any range.")
    elif faults[0] == "preprocessed-twice":
        yield (error if base.imagenet else warning)("preprocessed-twice", seen)
    else:
        mend = "pixels" if modes[0] == "raw" else f"pixels = {base.family.prepare}"
        yield (error if base.imagenet else warning)("pixels-range", seen, mend=f"{mend}  # on 0..255, once")


def _fault(modes, line, prepared):
    """Return the name of what is wrong where data that were prepared in a mode reach the base so, or None."""
    matrix, shift = line
    black, white = (matrix @ end[: len(matrix.T)] + shift for end in (MODES[prepared].black, MODES[prepared].white))
    if min(_distance(expected, black, white) for expected in modes) < FITS:
        return None
    ways, slope = [name for name in MODES if name != "raw"], matrix.sum(axis=1)
    ends = [np.array([[0], [255]])]  # of what the second preparation gets: the data, or what the model itself prepared
    if prepared == "raw":
        firsts = [(np.array(MODES[way].black), np.array(MODES[way].white)) for way in ways]
        ends = [255 * (ends[0] - dark) / (bright - dark) for dark, bright in firsts]
    again = any(_distance(way, *(slope * pair + shift)) < SAME for way in ways for pair in ends)
    return "preprocessed-twice" if again else "pixels-range"


def _distance(mode, black, white):
    """Return how far black and white are from those of a mode, as a share of their distance there."""
    ends = np.array([MODES[mode].black, MODES[mode].white])
    return float((np.abs([black, white] - ends) / (ends[1] - ends[0])).max())


def _order(base, mode, line, prepared):
    matrix = np.abs(line[0])
    clear = len(prepared) == 1 and matrix.shape == (3, 3) and np.all(matrix.max(axis=1) > 0.9 * matrix.sum(axis=1))
    order, wanted = [MODES[prepared[0]].order[source] for source in matrix.argmax(axis=1)], MODES[mode].order
    if clear and order != wanted and base.supposed:
        got, right = (", ".join(["red", "green", "blue"][source] for source in sources) for sources in (order, wanted))
        seen = f"{base.name!r} gets {got}; the ImageNet weights of {base.family.name} expect {right}."
        yield (error if base.imagenet else warning)("channel-order", seen, mend=f"pixels = {base.family.prepare}")
    elif base.supposed and prepared != ["raw"]:
        yield unjudged("channel-order", "The data come prepared: the order of their colours cannot be told.")
    elif base.supposed:
        open_ = "The model's order is right; the data's cannot be told (cv2 reads blue first)."
        yield unjudged("channel-order", open_ if clear else "The model mixes the colours: no order to judge.")
