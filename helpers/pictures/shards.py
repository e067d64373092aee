"""When the folder outgrows the machine: features of any number of pictures, in shards on disk.

A shard is one Parquet file of a few hundred pictures: there and whole, or not there. So a run can be stopped and
continued, and the workers of Dask can share it: they decode pictures and write features themselves, only counts travel.
Beside the shards are the trunk, the list of the files, and ``about.json`` with all that decides the features.
"""

import functools
import itertools
import json
import math
import os
from dataclasses import dataclass

import numpy as np
import pandas as pd
import tensorflow as tf
import tqdm.auto

from helpers import storage
from helpers.measuring import evaluation
from helpers.pictures import naming, shard_files, shard_worker
from helpers.pictures.shard_files import ABOUT, FILES, GROUP, TRUNK

TOGETHER = 2  # shards' worth of rows that a shuffled pass mixes
NAMED = 10  # bad files that are printed
RETRIES = 2  # where a worker could not read or write


@dataclass(frozen=True)
class Written:
    """What `write` left: how many pictures and shards, how many shards this call computed, bad files with reasons."""

    pictures: int
    shards: int
    computed: int
    bad: dict


def write(trunk, files, labels, target, size=None, fit="stretch", client=None, shard=500, batch=16, precision=None):
    """Run `trunk` over picture files and keep its outputs as Parquet in the folder `target`; continue what is there.

    Shards that are whole stay; missing and damaged ones are computed. Files that cannot be opened are left out and
    named; delete their shard to have them tried again. Memory does not grow with the number of pictures, but for the
    list of their names.

    Parameters
    ----------
    trunk : keras.Model
        From pixels 0..255 (n, height, width, 3), preprocessing included, to features; of Keras's own layers.
    files : sequence of path
    labels : sequence of int, or None
        One for each file, from 0.
    target : path
        A folder, made where needed.
    size : (int, int), optional
        Height and width in pixels; those of the trunk's input by default.
    fit : {"stretch", "crop", "pad"}
        As in `helpers.pictures.fitting.pixels`.
    client : distributed.Client, optional
        Of a Dask cluster whose workers compute the shards; without it, this process does. Workers must find `target`
        and the files under the same names (the same machine, or a shared disk), and have the same versions of Keras
        and this course. When one dies, another takes over what it was at.
    shard, batch : int
        Pictures in a shard, and pictures that the trunk is given at once.
    precision : {"float32", "bfloat16"}, optional
        As in `helpers.pictures.features.run`; the same for all shards, whoever computes them.

    Returns
    -------
    Written
        The shards, ``part-00000.parquet`` and so on, have a row for each picture, in the order of `files`: ``file``
        (str, as given), ``label`` (int32), ``features`` (float32, of the trunk's shape).

    Raises
    ------
    ValueError
        When an argument does not fit, or `target` holds features of another trunk, list of files, or setting. A file
        that changed makes another list.
    RuntimeError
        When workers died again and again; `helpers.storage.StorageError`, a kind of it, when a file cannot be written,
        or workers do not find it.
    ImportError
        Without pyarrow, or with a client without distributed.
    """
    shard_files.needed("pyarrow.parquet")
    target = storage.checked_path(target).absolute()
    files, labels = _checked(files, labels)
    shard, batch = evaluation.check_whole(shard, "shard", 1), evaluation.check_whole(batch, "batch", 1)
    before = storage.notes(target / ABOUT)
    if before is None or (not before and any(target.glob("part-*.parquet"))):
        raise ValueError(f"{target} has shards, but no {ABOUT} that can be read. Take another folder, or delete it.")
    network, about = shard_worker.prepared(trunk, size, fit, precision or before.get("precision"))
    about |= {"shard": shard, "pictures": len(files), "labels": labels is not None}

    target.mkdir(parents=True, exist_ok=True)
    with storage.written_whole(target / FILES) as temporary:
        about["files"] = shard_files.write_list(temporary, files, labels, shard)
        if differ := [key for key in about if before and before.get(key) != about[key]]:
            told = ", ".join(f"{key}: {str(before.get(key))[:12]}, now {str(about[key])[:12]}" for key in differ)
            raise ValueError(
                f"{target} holds other features ({told}). To continue, give the same trunk (and version of Keras), "
                "files (none changed), labels and settings; to start anew, another folder, or delete this one."
            )
    with storage.written_whole(target / TRUNK) as temporary:
        trunk.save(temporary)
    with storage.written_whole(target / ABOUT) as temporary:
        temporary.write_text(json.dumps(about, indent=1), encoding="utf-8")

    number, total, computed, bad = math.ceil(len(files) / shard), 0, 0, {}
    task = functools.partial(shard_worker.shard, target=str(target), root=os.getcwd(), batch=batch)
    here = functools.partial(task, network=network)
    results = map(here, range(number)) if client is None else _on_workers(client, task, number)
    with tqdm.auto.tqdm(total=len(files), desc="features", unit="picture", leave=False) as progress:
        for rows, failed, new in results:
            total, computed = total + rows, computed + new
            bad.update(failed)
            progress.update(rows + len(failed))
    if bad:
        some = [f"{naming.shown(file)} ({bad[file]})" for file in sorted(bad)[:NAMED]]
        more = f" and {len(bad) - NAMED:,} more" if len(bad) > NAMED else ""
        print(f"Left out {naming.counted(len(bad), 'file')} that cannot be used: {', '.join(some)}{more}.")
    shard_files.paths(target, number)
    return Written(total, number, computed, bad)


def _checked(files, labels):
    if isinstance(files, str | os.PathLike):
        raise ValueError(
            f"files={str(files)!r}: expected a list of paths, such as sorted(Path(folder).rglob('*.jpg'))."
        )
    files = [os.fspath(file) for file in files if storage.checked_path(file)]
    if not files:
        raise ValueError("files is empty: expected the path of one picture or more.")
    if labels is None:
        return files, None
    array = np.asarray(labels)
    whole = array.shape == (len(files),) and array.dtype.kind in "iu"
    if not whole or array.min() < 0 or array.max() >= 2**31:
        raise ValueError(
            f"labels of shape {array.shape}, {array.dtype}, for {len(files)} files: expected a whole number for each, "
            "from 0, or None."
        )
    return files, array.tolist()


def _on_workers(client, task, number):
    distributed = shard_files.needed("distributed")
    if not isinstance(client, distributed.Client):
        raise ValueError(
            f"client={client!r}: expected a distributed.Client, such as Client(LocalCluster(...)), or None."
        )
    futures = client.map(task, range(number), pure=False, retries=RETRIES)
    try:
        for _, result in distributed.as_completed(futures, with_results=True):
            yield result
    except distributed.KilledWorker as error:
        raise RuntimeError(
            f"Workers died again and again, perhaps for want of memory. Finished shards are kept: call again. {error}"
        ) from error
    finally:
        client.cancel(futures)


def dataset(target, batch_size=32, shuffle=False, seed=0, labels=True):
    """Return the features that `write` left in a folder as tf.data for the ``fit`` of a head; a shard or two in memory.

    Without `shuffle`, rows come in the order of the files. With it, each pass has another order, which `seed` decides:
    groups of 64 neighbours are drawn from all shards, and their rows mixed, two shards' worth at a time. Of many
    classes a batch then holds few if files are sorted by class: shuffle the files before `write`.

    Returns a `tf.data.Dataset` that knows its length: features, float32 (b, ...), and, unless `labels` is false,
    labels, int32 (b,). Raises `ValueError` when `write` has left nothing there, or no labels, or no picture could be
    opened; `helpers.storage.StorageError` when shards are missing. A shard that is damaged ends the pass.
    """
    shard_files.needed("pyarrow.parquet")
    target = storage.checked_path(target).absolute()
    batch_size, seed = evaluation.check_whole(batch_size, "batch_size", 1), evaluation.check_whole(seed, "seed", 0)
    if not (about := storage.notes(target / ABOUT)):
        raise ValueError(f"{target} has no {ABOUT} that can be read: it holds no features. Call shards.write first.")
    if labels and not about["labels"]:
        raise ValueError(f"{target} was written without labels. Give labels=False, or write it again, with labels.")
    paths = shard_files.paths(target, math.ceil(about["pictures"] / about["shard"]))
    sizes = {path: shard_files.group_sizes(path) for path in paths}
    if not (rows := sum(map(sum, sizes.values()))):
        raise ValueError(f"{target} has no row: not one of its {about['pictures']} files could be opened.")
    groups = [(path, group) for path, found in sizes.items() for group in range(len(found))]
    at_once, passes = math.ceil(about["shard"] / GROUP) * (TOGETHER if shuffle else 1), itertools.count()

    def chunks():
        generator = np.random.default_rng([seed, next(passes)])
        order = generator.permutation(len(groups)) if shuffle else range(len(groups))
        for start in range(0, len(order), at_once):
            chosen = [groups[index] for index in sorted(order[start : start + at_once])]
            values = shard_files.read(chosen, ["features", "label"][: 1 + labels])
            mixed = generator.permutation(len(values[0])) if shuffle else slice(None)
            yield tuple(value[mixed] for value in values) if labels else values[0][mixed]

    spec = tf.TensorSpec((None, *about["shape"]), "float32"), tf.TensorSpec((None,), "int32")
    read = tf.data.Dataset.from_generator(chunks, output_signature=spec if labels else spec[0])
    return read.rebatch(batch_size).apply(tf.data.experimental.assert_cardinality(math.ceil(rows / batch_size)))


def plan(
    pictures_per_second, pictures=(100_000, 10_000_000), workers=(1, 8, 64), numbers=512, bytes_per_picture=150_000
):
    """Return what `write` would take, as a pandas.DataFrame: hours, GB of Parquet, MB/s of pictures to be read.

    `pictures_per_second` is what one worker was measured to do. Assumed: workers are the same, each with a processor
    core of its own; the disk gives them their pictures, of `bytes_per_picture` on average, as fast as they take them
    (the last column); features are `numbers` float32 a picture, which compress by nothing.
    """
    table = pd.DataFrame(itertools.product(pictures, workers), columns=["pictures", "workers"])
    rate = table["workers"] * pictures_per_second
    table["hours"] = table["pictures"] / rate / 3600
    table["GB of Parquet"] = table["pictures"] * numbers * 4 / 1e9
    table["MB/s to read"] = rate * bytes_per_picture / 1e6
    return table
