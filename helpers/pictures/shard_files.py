"""The files of `helpers.pictures.shards`: a list of pictures (Arrow), and a shard of features (Parquet).

A shard is written whole, with a checksum for each page of it, and carries the mark of what it belongs to.
"""

import contextlib
import hashlib
import importlib
import itertools
import json
import math
import operator
import os

import numpy as np

from helpers import storage

ABOUT, TRUNK, FILES, SHARD = "about.json", "trunk.keras", "files.arrow", "part-{:05d}.parquet"
COLUMNS = ("file", "label", "features")
GROUP = 64  # rows that can be read at once: a shuffled pass takes such groups from many shards

AGAIN = "Call shards.write again, with the same arguments: it computes what is missing."
SHARED = "Workers must find this folder and the pictures under the same names: on one machine, or a shared disk."


def needed(package):
    """Return an optional package; raise `ImportError` that says how to install it."""
    try:
        return importlib.import_module(package)
    except ImportError as error:
        raise ImportError(
            f'Features in shards need {package.partition(".")[0]}: pip install "swap-the-head[many]" (in the folder of '
            'the course: pip install ".[many]"), then restart the kernel.'
        ) from error


def write_list(path, files, labels, shard):
    """Write names, labels, sizes and times of change of files, a batch for each shard; return a digest of them."""
    arrow, digest = needed("pyarrow"), hashlib.sha256()
    kinds = {"file": arrow.binary(), "label": arrow.int32(), "bytes": arrow.int64(), "changed": arrow.int64()}
    with arrow.ipc.new_file(path, schema := arrow.schema(kinds)) as stream:
        for start in range(0, len(files), shard):
            rows = [(os.fsencode(file), *_status(file)) for file in files[start : start + shard]]
            names, sizes, times = zip(*rows, strict=True)
            numbers = [None] * len(rows) if labels is None else labels[start : start + shard]
            columns = zip((names, numbers, sizes, times), kinds.values(), strict=True)
            stream.write_batch(arrow.record_batch([arrow.array(*column) for column in columns], schema=schema))
            digest.update(repr((rows, numbers)).encode())
    return digest.hexdigest()


def _status(file):
    try:
        status = os.stat(file)
    except OSError:  # not there: named when it is to be opened
        return -1, -1
    return status.st_size, status.st_mtime_ns


def listed(target, number):
    """Return the files of one shard: names, labels (None without), and whether each was there when it was listed."""
    arrow = needed("pyarrow")
    with arrow.memory_map(str(target / FILES)) as stream:
        batch = arrow.ipc.open_file(stream).get_batch(number).to_pydict()
    return [os.fsdecode(name) for name in batch["file"]], batch["label"], [size >= 0 for size in batch["bytes"]]


def save(path, files, labels, rows, bad, mark):
    """Write a shard, with a seal: features (n, ...), float32, of files with labels; file → reason of the bad ones.

    `mark` is a text that tells what the shard belongs to.
    """
    arrow, parquet = needed("pyarrow"), needed("pyarrow.parquet")
    names = [file.encode("utf-8", "backslashreplace").decode() for file in files]  # broken text is no Parquet string
    flat = arrow.FixedSizeListArray.from_arrays(arrow.array(rows.ravel()), math.prod(rows.shape[1:]))
    shaped = arrow.ExtensionArray.from_storage(arrow.fixed_shape_tensor(arrow.float32(), rows.shape[1:]), flat)
    columns = arrow.array(names, arrow.string()), arrow.array(labels, arrow.int32()), shaped
    notes = {"bad": json.dumps(bad), "seal": _seal(names, labels, rows, bad, mark)}
    table = arrow.table(dict(zip(COLUMNS, columns, strict=True))).replace_schema_metadata(notes)
    with storage.written_whole(path) as temporary:
        parquet.write_table(table, temporary, GROUP, use_dictionary=False, write_page_checksum=True)


def _seal(names, labels, rows, bad, mark):
    return hashlib.sha256(repr((names, labels, rows.shape, bad, mark)).encode() + rows.tobytes()).hexdigest()


def checked(path, mark):
    """Return the number of rows of a shard and its bad files.

    Raises `helpers.storage.StorageError` where it is missing, damaged, or belongs to something else than `mark` tells.
    """
    with _opened(path) as file:
        names, labels, rows = (file.read([name])[name].combine_chunks() for name in COLUMNS)
        bad = json.loads(file.schema_arrow.metadata[b"bad"])
        seal = _seal(names.to_pylist(), labels.to_pylist(), rows.to_numpy_ndarray(), bad, mark)
        if seal.encode() != file.schema_arrow.metadata[b"seal"]:
            raise ValueError("another seal")
    return len(names), bad


def read(chosen, columns):
    """Return columns, an array each, of groups of rows: pairs (path, group), those of one shard together.

    Each page is compared with its checksum. Raises `helpers.storage.StorageError` for a shard missing or damaged.
    """
    parts = []
    for path, pairs in itertools.groupby(chosen, operator.itemgetter(0)):
        with _opened(path) as file:
            table = file.read_row_groups([group for _, group in pairs], columns)
            arrays = {name: table[name].combine_chunks() for name in columns}
            parts.append([part.to_numpy_ndarray() if name == "features" else part for name, part in arrays.items()])
    return [np.concatenate(arrays) for arrays in zip(*parts, strict=True)]


def paths(target, number):
    """Return the paths of all shards; raise `helpers.storage.StorageError` where some are missing."""
    found = [target / SHARD.format(index) for index in range(number)]
    if missing := [path.name for path in found if not path.exists()]:
        raise storage.StorageError(
            f"{target} has {number - len(missing)} of {number} shards; {missing[0]} is missing. {AGAIN} {SHARED}"
        )
    return found


def group_sizes(path):
    """Return the number of rows in each group of a shard, from its end alone; raises as `read` does."""
    with _opened(path) as file:
        return [file.metadata.row_group(group).num_rows for group in range(file.num_row_groups)]


@contextlib.contextmanager
def _opened(path):
    try:
        with needed("pyarrow.parquet").ParquetFile(path, page_checksum_verification=True) as file:
            yield file
    except Exception as error:  # damage makes pyarrow raise many kinds
        what = f"damaged ({str(error)[:80]})" if path.exists() else "missing"
        raise storage.StorageError(f"{path.name} is {what}. {AGAIN}") from error
