"""What do features in shards cost? ``python -m tools.bench_shards [--pictures 10000]``: 3 to 6 minutes on two cores.

Peak memory and time of `shards.write` here, of `features.run` on arrays, and of `shards.write` on a local cluster of
two workers; for a tenth of the pictures and for all, each in a process of its own, where TensorFlow computes with one
thread. Speed is that of the pictures beyond the tenth, so that starting is not counted; processor time differs less
than the clock's where other things run. Then what 10⁵ and 10⁷ pictures would take.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from helpers import session
from tools import bench_images

SIDE, BACKBONE, WORKERS = 96, "EfficientNet-Lite0", 2
WAYS = {"shards": "in shards", "memory": "in memory", "cluster": f"in shards, {WORKERS} workers"}
MEASURE = """
import contextlib, json, resource, sys, time
from pathlib import Path
import keras, numpy as np
from helpers.network import backbones
from helpers.pictures import features, fitting, shards

def cluster(stack, number):
    from distributed import Client, LocalCluster
    made = LocalCluster(n_workers=number, threads_per_worker=1, dashboard_address=None)
    return stack.enter_context(Client(stack.enter_context(made)))

def main(way, folder, number, backbone, target, workers):
    base = backbones.from_pixels(backbone, backbones.load(backbone))
    trunk = keras.Model(base.inputs[0], keras.layers.GlobalAveragePooling2D()(base.outputs[0]))
    files = sorted(Path(folder).glob("*.jpg"))[: int(number)]
    labels, decoding = np.zeros(len(files), int), 0
    with contextlib.ExitStack() as stack:
        client = cluster(stack, int(workers)) if way == "cluster" else None
        started = time.perf_counter()
        if way == "memory":
            pixels = np.concatenate([fitting.pixels(file, base.inputs[0].shape[1:3]) for file in files])
            decoding = time.perf_counter() - started
            starts = range(0, len(files), 16)
            batches = [(pixels[start : start + 16], labels[start : start + 16]) for start in starts]
            rows, _ = features.run(trunk, batches, precision="float32")
        else:
            done = shards.write(trunk, files, labels, target, client=client, precision="float32")
            assert done.pictures == len(files) and not done.bad
        seconds = time.perf_counter() - started
    own, workers = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    cpu = sum(part.ru_utime + part.ru_stime for part in (own, workers))
    peak = own.ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
    stored = sum(path.stat().st_size for path in Path(target).glob("part-*")) / len(files)
    found = {"seconds": seconds, "of it decoding": decoding, "CPU seconds": cpu, "peak MB": peak}
    print(json.dumps(found | {"bytes stored": stored, "numbers": trunk.output_shape[-1]}))

if __name__ == "__main__":
    main(*sys.argv[1:])
"""


def make(folder, number):
    """Write `number` small JPEG files, each another one."""
    generator = np.random.default_rng(0)
    for index in range(number):
        small = Image.fromarray(generator.integers(0, 256, (12, 12, 3), dtype=np.uint8))
        small.resize((SIDE, SIDE), Image.Resampling.BICUBIC).save(folder / f"{index:06d}.jpg")


def measured(way, folder, number):
    """Return what one way took for the first `number` pictures of a folder, in a new process."""
    with tempfile.TemporaryDirectory() as holder:
        script = Path(holder, "measure.py")
        script.write_text(MEASURE, encoding="utf-8")
        environment = {**os.environ, "PYTHONPATH": str(bench_images.ROOT), "TF_NUM_INTRAOP_THREADS": "1"}
        command = [sys.executable, script, way, folder, str(number), BACKBONE, Path(holder, "features"), str(WORKERS)]
        done = subprocess.run(command, env=environment, cwd=bench_images.ROOT, capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stderr)
    return json.loads(done.stdout.splitlines()[-1])


def main():
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pictures", type=int, default=10_000, help="how many, at least 1000 (%(default)s)")
    most = parser.parse_args().pictures
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        make(Path(folder), most)
        for way, name in WAYS.items():
            for number in (most // 10, most):
                rows.append({"way": name, "pictures": number} | measured(way, folder, number))
    table = pd.DataFrame(rows)
    numbers = int(table.pop("numbers").iloc[0])
    first, last = (table[::2].set_index("way"), table[1::2].set_index("way"))
    between = last - first
    speeds = pd.DataFrame({"pictures/s": between["pictures"] / between["seconds"]})
    speeds["of the trunk alone"] = between["pictures"] / (between["seconds"] - between["of it decoding"])
    speeds["CPU ms a picture"] = 1000 * between["CPU seconds"] / between["pictures"]
    speeds["peak, × for ten times as many"] = last["peak MB"] / first["peak MB"]
    speeds.loc[~speeds.index.isin([WAYS["memory"]]), "of the trunk alone"] = np.nan

    session.start()
    from helpers.pictures import shards

    print(f"{BACKBONE} at {SIDE} px, {os.cpu_count()} cores; load of the last minutes {os.getloadavg()}")
    print(table.round(1).to_string(index=False), speeds.round(2).to_string(), sep="\n\n", end="\n\n")
    rate = 1000 / float(speeds.loc[WAYS["cluster"], "CPU ms a picture"])
    print(f"A worker with a core of its own: {rate:.0f} pictures/s (small files: photographs take longer to decode).")
    print(shards.plan(rate, numbers=numbers).round(2).to_string(index=False))


if __name__ == "__main__":
    main()
