"""The photographs outside the course are in none of its splits."""

import io
import json
import tarfile
from collections import Counter

import numpy as np
import pytest
from PIL import Image

from tools import build_assets

TEST, TRAIN = 410, 250  # of each class


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    """An archive like the published one, of random pictures, some of them twice."""
    generator = np.random.default_rng(0)
    path = tmp_path_factory.mktemp("package") / "package.tgz"
    labels = {"test": sorted([*build_assets.ANIMALS] * TEST), "train": sorted([*build_assets.ANIMALS] * TRAIN)}
    rows = {split: generator.integers(0, 256, (len(part), 1024, 3), np.uint8) for split, part in labels.items()}
    rows["test"][1] = rows["test"][0]
    for number in range(5):  # a few of each class in training as well
        rows["test"][number * TEST + 10 : number * TEST + 12] = rows["train"][number * TRAIN + 10 : number * TRAIN + 12]
    with tarfile.open(path, "w:gz") as archive:

        def add(name, data):
            member = tarfile.TarInfo(f"package/{name}")
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))

        for split, part in labels.items():
            add(f"{split}_lables.json", json.dumps(part).encode())
        for name in ("test_batch", *(f"data_batch_{number}" for number in range(1, 6))):
            data = io.BytesIO()
            Image.fromarray(rows["test" if name == "test_batch" else "train"]).save(data, "png")
            add(f"{name}.png", data.getvalue())
    return path


def test_what_is_outside_is_in_no_split_of_the_course(package):
    course = list(build_assets.animals(package))
    outside = list(build_assets.outside(package, 6))
    assert Counter(name.split("/")[0] for name, _ in outside) == {"test": len(outside)}
    assert {name.split("/")[1] for name, _ in outside} == {*build_assets.ANIMALS.values()}
    assert max(Counter(name.split("/")[1] for name, _ in outside).values()) == 6
    every = [pixels.tobytes() for _, pixels in [*course, *outside]]
    assert len(set(every)) == len(every) and len({name for name, _ in [*course, *outside]}) == len(every)


def test_the_bundled_sample_does_not_depend_on_what_is_outside(package):
    names = [name for name, _ in build_assets.animals(package)]
    counts = Counter(name.split("/")[0] for name in names)
    assert counts["train"] == 5 * build_assets.ANIMALS_PER_CLASS["train"] and counts["test"] <= 5 * 400
    list(build_assets.outside(package, 8))
    assert names == [name for name, _ in build_assets.animals(package)]
