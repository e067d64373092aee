"""How long does `images.load` take, first and again? ``python -m tools.bench_images [--against OTHER_CHECKOUT]``.

Each load runs in a process of its own, from this checkout and from another one in turn, each with a cache of its own.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

ROOT = Path(__file__).parent.parent
PICTURES, CLASSES, SIZE = 2000, 4, (480, 640)
LOAD = """
import sys, time
from helpers import images
started = time.perf_counter()
images.load(sys.argv[1])
print("seconds", time.perf_counter() - started)
"""


def make(folder):
    """Write a folder of noisy colour gradients as JPEG files, each another one."""
    generator = np.random.default_rng(0)
    slope = np.linspace(0, 80, SIZE[1])[None, :, None]
    for number in range(PICTURES):
        inside = folder / f"class{number % CLASSES}"
        inside.mkdir(exist_ok=True, parents=True)
        small = generator.integers(0, 170, (SIZE[0] // 16, SIZE[1] // 16, 3))
        pixels = np.kron(small, np.ones((16, 16, 1))) + slope
        Image.fromarray(pixels.astype(np.uint8)).save(inside / f"{number:04d}.jpg")


def seconds(checkout, source, cache):
    """Return how long one load takes in a new process."""
    environment = {**os.environ, "PYTHONPATH": str(checkout), "SWAP_THE_HEAD_CACHE": str(cache)}
    command = [sys.executable, "-c", LOAD, str(source)]
    done = subprocess.run(command, env=environment, cwd=checkout, capture_output=True, text=True, check=True)
    return float(done.stdout.split()[-1])


def main():
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--against", type=Path, help="another checkout, loaded in turn with this one")
    against = parser.parse_args().against
    rows = []
    with tempfile.TemporaryDirectory() as holder:
        folder = Path(holder, "pictures")
        make(folder)
        for source, name in ((folder, f"{PICTURES} pictures"), ("animals", "animals")):
            for which in ("first load", "second load", "third load"):
                here = seconds(ROOT, source, Path(holder, "here"))
                row = {"what": name, "load": which, "here, s": round(here, 2)}
                if against:
                    there = seconds(against.resolve(), source, Path(holder, "there"))
                    row |= {"there, s": round(there, 2), "there ÷ here": round(there / here, 1)}
                rows.append(row)
    print(pd.DataFrame(rows).to_string(index=False))


if __name__ == "__main__":
    main()
