"""Pictures that belong together are in one split, each class is in every split, and nothing is lost."""

import numpy as np
import pytest
from made_pictures import GENERATOR, noise
from PIL import Image

from helpers.pictures import dealing, folders, images


def everything(splits):
    return sorted(path for classes in splits.values() for paths in classes.values() for path in paths)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(
    "sizes", [(1,) * 20, (5, 5, 5, 5), (10, 1, 1), (2, 2), (3,), (1, 1, 1, 30), (7, 6, 5, 4, 3, 2, 1)]
)
def test_series_stay_together_where_they_can(sizes, seed):
    paths = [(name, number, index) for name in "ab" for number, size in enumerate(sizes) for index in range(size)]
    series = {path: hash(path[:2]) for path in paths if sizes[path[1]] > 1}
    classes = {name: [path for path in paths if path[0] == name] for name in "ab"}
    splits = dealing.dealt({"": classes}, series, seed)
    assert everything(splits) == sorted(paths) and list(splits) == list(dealing.SPLITS)
    assert all(of_class for classes in splits.values() for of_class in classes.values())
    if len(sizes) >= 3:
        homes = {}
        for split, of_split in splits.items():
            for path in (path for of_class in of_split.values() for path in of_class):
                homes.setdefault(path[:2], set()).add(split)
        assert all(len(home) == 1 for home in homes.values())
    if max(sizes) == 1:
        assert [len(splits[split]["a"]) for split in dealing.SPLITS] == [12, 3, 5]


def test_a_series_of_two_classes_is_in_one_split():
    paths = {name: [(name, number) for number in range(12)] for name in "ab"}
    series = {(name, number): number // 2 for name in "ab" for number in range(12)}
    for seed in range(5):
        splits = dealing.dealt({"": paths}, series, seed)
        homes = [{split for split in splits for name in "ab" if (name, n) in splits[split][name]} for n in range(12)]
        assert all(len(home) == 1 for home in homes) and everything(splits) == sorted(paths["a"] + paths["b"])


@pytest.mark.parametrize("seed", range(8))
def test_of_two_classes_that_share_few_series_none_is_divided(seed):
    """One class has a series of its own for each picture, the other only three that it shares."""
    shared = {name: [(name, patient, index) for patient in "pqr" for index in range(4)] for name in "ab"}
    classes = {"a": [*shared["a"], *(("a", number, 0) for number in range(20))], "b": shared["b"]}
    series = {path: path[1] for name in "ab" for path in shared[name]}
    splits, homes = dealing.dealt({"": classes}, series, seed), {}
    for split, of_split in splits.items():
        for path in (path for of_class in of_split.values() for path in of_class if path in series):
            homes.setdefault(series[path], set()).add(split)
    assert all(len(home) == 1 for home in homes.values()) and all(splits[split]["b"] for split in dealing.SPLITS)


class TestBursts:
    def shots(self, folder, seconds, camera="X100"):
        for number, moment in enumerate(seconds):
            exif = Image.Exif()
            exif[0x0110] = camera
            exif.get_ifd(0x8769)[0x9003] = f"2024:05:06 07:{moment // 60:02d}:{moment % 60:02d}"
            noise(64, 48).save(folder / f"DSC_{number:04d}.jpg", exif=exif)

    @pytest.fixture
    def two(self, tmp_path):
        for name in ("crow", "rook"):
            (tmp_path / "birds" / name).mkdir(parents=True)
        self.shots(tmp_path / "birds" / "crow", [0, 1, 2, 4, 60, 61, 200, 300, 400, 500, 600, 700])
        self.shots(tmp_path / "birds" / "rook", range(0, 1200, 100))
        return tmp_path / "birds"

    def test_what_was_taken_within_seconds_is_in_one_split(self, two):
        report = folders.examine(two)
        assert sorted(path.name for path in report.series) == [f"DSC_{number:04d}.jpg" for number in range(6)]
        for seed in range(4):
            data = images.load(two, 32, seed=seed)
            homes = {
                path.name[:8]: split for split in images.SPLITS for path in data.files(split) if "crow" in str(path)
            }
            assert (
                len({homes[f"DSC_{number:04d}"] for number in range(4)}) == 1 and homes["DSC_0004"] == homes["DSC_0005"]
            )
        assert "taken within 3 seconds of crow/DSC_0000.jpg" in report.table["found"].tolist()

    def test_another_camera_or_class_is_another_burst(self, two):
        for number in range(4):
            exif = Image.Exif()
            exif[0x0110] = f"camera {number}"
            exif.get_ifd(0x8769)[0x9003] = "2024:05:06 07:00:00"
            noise(64, 48).save(two / "crow" / f"DSC_{number:04d}.jpg", exif=exif)
        assert sorted(path.name for path in folders.examine(two).series) == ["DSC_0004.jpg", "DSC_0005.jpg"]

    def test_a_class_that_is_one_burst_is_said_and_dealt_all_the_same(self, two):
        self.shots(two / "crow", range(12))
        report = folders.examine(two)
        assert not report.series and "12 of 12 pictures look much like another, or were taken within seconds" in str(
            report
        )
        assert images.load(two, 32).counts().loc["crow"].tolist() == [7, 2, 3]


class TestNearCopies:
    def scene(self, number):
        shades = np.random.default_rng(number).integers(0, 200, (6, 6, 3), dtype=np.uint8)
        return Image.fromarray(shades).resize((80, 64))

    def test_are_in_one_split_whatever_the_seed(self, own):
        for number in range(5):
            for shot in range(3):
                pixels = np.asarray(self.scene(number), int) + GENERATOR.integers(0, 9, (64, 80, 3))
                Image.fromarray(pixels.astype(np.uint8)).save(own / "fish" / f"scene{number}-{shot}.png")
        for seed in range(4):
            data = images.load(own, 32, seed=seed)
            homes = {}
            for split in images.SPLITS:
                for path in data.files(split):
                    if path.name.startswith("scene"):
                        homes.setdefault(path.name[:6], set()).add(split)
            assert len(homes) == 5 and all(len(home) == 1 for home in homes.values())

    def test_in_two_ready_splits_are_said_before_all_else(self, own, tmp_path):
        for split in images.SPLITS:
            for name in ("bird", "fish"):
                (tmp_path / "ready" / split / name).mkdir(parents=True)
                for number in range(3):
                    noise().save(tmp_path / "ready" / split / name / f"{number}.png")
        self.scene(1).save(tmp_path / "ready" / "train" / "fish" / "shot.png")
        self.scene(1).crop((1, 1, 79, 63)).save(tmp_path / "ready" / "test" / "fish" / "next.png")
        report = folders.examine(tmp_path / "ready")
        first = report.table.iloc[0].tolist()
        assert first[:2] == ["test/fish/next.png", "looks much like train/fish/shot.png, in another split"]
        assert "the test would repeat what was practised" in first[2]
