"""Read the arrays of a PyTorch state dict (the layout before PyTorch 1.6) without PyTorch, and nothing else of it.

The file is a sequence of pickles followed by raw numbers. The pickles are opened by an unpickler that knows the
four names a state dict needs and refuses every other, so that no code of the file runs.
"""

import collections
import pickle
import struct

import numpy as np

MAGIC = 0x1950A86A20F9469CFC6C
TYPES = {"FloatStorage": np.dtype("<f4"), "LongStorage": np.dtype("<i8")}


class _Reader(pickle.Unpickler):
    def __init__(self, stream):
        super().__init__(stream)
        self.storages = {}

    def find_class(self, module, name):
        if (module, name) == ("collections", "OrderedDict"):
            return collections.OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _array
        if module == "torch" and name in TYPES:
            return TYPES[name]
        raise pickle.UnpicklingError(f"A state dict has no use for {module}.{name}; the file is not opened further.")

    def persistent_load(self, identity):
        kind, dtype, key, _, length, view = identity
        if kind != "storage" or view is not None:
            raise pickle.UnpicklingError(f"Unknown entry {kind!r}: expected a storage of its own.")
        return self.storages.setdefault(key, np.zeros(length, dtype))


def _array(storage, offset, shape, strides, *others):
    steps = [step * storage.itemsize for step in strides]
    return np.lib.stride_tricks.as_strided(storage[offset:], shape, steps)


def read(stream):
    """Return the arrays of a state dict by name; raise `pickle.UnpicklingError` for a file that holds anything else."""
    if _Reader(stream).load() != MAGIC:
        raise pickle.UnpicklingError("Not a PyTorch file of the layout before version 1.6.")
    for _ in ("protocol", "system"):
        _Reader(stream).load()
    reader = _Reader(stream)
    state = reader.load()
    for key in _Reader(stream).load():
        storage = reader.storages[key]
        (length,) = struct.unpack("<q", stream.read(8))
        if length != len(storage):
            raise pickle.UnpicklingError(f"A storage holds {length} numbers, {len(storage)} were announced.")
        storage[:] = np.frombuffer(stream.read(storage.nbytes), storage.dtype)
    return dict(state)
