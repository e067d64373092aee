"""Pictures that belong together are in one split, each class is in every split, and nothing is lost."""

import shutil

import numpy as np
import pytest
from made_pictures import GENERATOR, noise
from PIL import Image, ImageOps

from helpers.pictures import dealing, folders, images, look_alikes


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
    splits = dealing.dealt({"": classes}, [series], seed)
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
        splits = dealing.dealt({"": paths}, [series], seed)
        homes = [{split for split in splits for name in "ab" if (name, n) in splits[split][name]} for n in range(12)]
        assert all(len(home) == 1 for home in homes) and everything(splits) == sorted(paths["a"] + paths["b"])


@pytest.mark.parametrize("seed", range(8))
def test_of_two_classes_that_share_few_series_none_is_divided(seed):
    """One class has a series of its own for each picture, the other only three that it shares."""
    shared = {name: [(name, patient, index) for patient in "pqr" for index in range(4)] for name in "ab"}
    classes = {"a": [*shared["a"], *(("a", number, 0) for number in range(20))], "b": shared["b"]}
    series = {path: path[1] for name in "ab" for path in shared[name]}
    splits, homes = dealing.dealt({"": classes}, [series], seed), {}
    for split, of_split in splits.items():
        for path in (path for of_class in of_split.values() for path in of_class if path in series):
            homes.setdefault(series[path], set()).add(split)
    assert all(len(home) == 1 for home in homes.values()) and all(splits[split]["b"] for split in dealing.SPLITS)


class TestBursts:
    def shots(self, folder, seconds, camera="X100"):
        for number, moment in enumerate(seconds):
            noise(64, 48).save(folder / f"DSC_{number:04d}.jpg", exif=self.exif(moment, camera))

    def exif(self, moment, camera="X100"):
        exif = Image.Exif()
        exif[0x0110] = camera
        exif.get_ifd(0x8769)[0x9003] = f"2024:05:06 07:{moment // 60:02d}:{moment % 60:02d}"
        return exif

    @pytest.fixture
    def two(self, tmp_path):
        for name in ("crow", "rook"):
            (tmp_path / "birds" / name).mkdir(parents=True)
        self.shots(tmp_path / "birds" / "crow", [0, 1, 2, 4, 60, 61, 200, 300, 400, 500, 600, 700])
        self.shots(tmp_path / "birds" / "rook", range(1230, 2430, 100))
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

    def test_another_camera_is_another_burst(self, two):
        for number in range(4):
            noise(64, 48).save(two / "crow" / f"DSC_{number:04d}.jpg", exif=self.exif(0, f"camera {number}"))
        assert sorted(path.name for path in folders.examine(two).series) == ["DSC_0004.jpg", "DSC_0005.jpg"]

    def test_a_class_that_is_one_burst_is_said_and_dealt_all_the_same(self, two):
        self.shots(two / "crow", range(12))
        report = folders.examine(two)
        done = report.table.loc[report.table["found"].str.contains("taken within"), "done"]
        assert len(done) == 11 and done.str.startswith("kept, in another split than it, as the class has too few").any()
        assert images.load(two, 32).counts().loc["crow"].tolist() == [7, 2, 3]

    def test_most_of_a_class_is_in_one_split_where_the_others_suffice(self, two):
        self.shots(two / "crow", [*range(8), 100, 200, 300, 400])
        for seed in range(4):
            data = images.load(two, 32, seed=seed)
            homes = {path.name[:8] for path in data.files("train") if "crow" in str(path)}
            assert {f"DSC_{number:04d}" for number in range(8)} <= homes

    def test_of_two_classes_it_is_in_one_split_and_across_ready_ones_it_is_said(self, two):
        noise(64, 48).save(two / "rook" / "DSC_0000.jpg", exif=self.exif(3))
        for seed in range(4):
            data, home = images.load(two, 32, seed=seed), {}
            for split in images.SPLITS:
                home |= {path.parent.name + path.name[4:8]: split for path in data.files(split)}
            assert home["crow0002"] == home["rook0000"]
        for split, name in (("train", "crow"), ("train", "rook"), ("test", "crow"), ("test", "rook")):
            (two / "ready" / split / name).mkdir(parents=True)
            for path in sorted((two / name).iterdir())[: 6 if split == "train" else None]:
                path.rename(two / "ready" / split / name / path.name)
        noise(64, 48).save(two / "ready" / "test" / "rook" / "DSC_0099.jpg", exif=self.exif(1332))
        found = folders.examine(two / "ready").table["found"].iloc[0]
        assert found == "taken within 3 seconds of train/rook/DSC_0001.jpg, in another split"

    def test_a_copy_that_is_left_out_still_joins_its_burst_and_its_group(self, two):
        shot = noise(64, 48)
        shot.save(two / "crow" / "DSC_0006.png", exif=self.exif(200))
        shot.save(two / "crow" / "DSC_0006 again.png", exif=self.exif(301))
        (two / "crow" / "DSC_0006.jpg").unlink()
        report = folders.examine(two)
        assert len(report.copies) == 1
        assert report.series[two / "crow" / "DSC_0006.png"] == report.series[two / "crow" / "DSC_0007.jpg"]


class TestNearCopies:
    def scene(self, number):
        shades = np.random.default_rng(number).integers(0, 200, (6, 6, 3), dtype=np.uint8)
        return Image.fromarray(shades).resize((80, 64))

    def shot(self, number):
        """The scene once more, with other noise in it."""
        pixels = np.asarray(self.scene(number), int) + GENERATOR.integers(0, 9, (64, 80, 3))
        return Image.fromarray(pixels.astype(np.uint8))

    def test_are_in_one_split_whatever_the_seed(self, own):
        for number in range(5):
            for shot in range(3):
                self.shot(number).save(own / "fish" / f"scene{number}-{shot}.png")
        for seed in range(4):
            data = images.load(own, 32, seed=seed)
            homes = {}
            for split in images.SPLITS:
                for path in data.files(split):
                    if path.name.startswith("scene"):
                        homes.setdefault(path.name[:6], set()).add(split)
            assert len(homes) == 5 and all(len(home) == 1 for home in homes.values())

    def test_a_mirrored_one_is_a_copy_too(self, own):
        ImageOps.mirror(self.scene(1)).save(own / "fish" / "turned.png")
        self.scene(1).save(own / "fish" / "scene.png")
        assert len(folders.examine(own).series) == 2

    @pytest.mark.parametrize("order", [(0, 1, 2), (1, 0, 2), (2, 0, 1)])
    def test_that_one_picture_joins_are_one_series_whatever_their_names(self, order):
        """The first and the last do not resemble each other enough; the one between resembles both."""
        first, step = np.random.default_rng(0).normal(size=(2, 256))
        step -= step @ first / (first @ first) * first
        rows = [first + turn * step for turn in (-0.17, 0, 0.17)]
        sketches = {name: rows[name] / np.linalg.norm(rows[name]) for name in order}
        pairs = look_alikes.look_alikes(sketches)
        assert len(pairs) == 2 and len(set(look_alikes.joined(sketches, pairs).values())) == 1

    def test_that_cannot_be_kept_together_are_said_to_be_divided(self, own):
        for place, path in enumerate(sorted((own / "fish").iterdir())):
            self.shot(place // 10).save(path)
        report = folders.examine(own)
        done = report.table.loc[report.table["found"].str.startswith("looks much like"), "done"]
        assert report.usable and done.str.startswith("kept, in another split than it").sum() >= 1
        assert len(done) == 18

    @pytest.mark.parametrize("alike", [5, 6, 12, 16, 18])
    def test_most_of_a_class_is_in_one_split_where_that_can_be(self, own, alike):
        for path in sorted((own / "fish").iterdir())[:alike]:
            self.shot(0).save(path)
        report = folders.examine(own)
        assert ("all in one split" in str(report)) == (alike > 10)
        for seed in range(3):
            data = images.load(own, 32, seed=seed)
            of_scene = {f"fish{number:02d}" for number in range(alike)}
            homes = [split for split in images.SPLITS for path in data.files(split) if path.name[:6] in of_scene]
            assert len(set(homes)) == 1 and len(homes) == alike
            assert len(set(data.series(homes[0]).tolist())) < len(data.files(homes[0]))

    def test_what_fills_a_class_in_two_ready_splits_is_named_with_the_other(self, own, tmp_path):
        for split, number in (("train", 12), ("test", 6)):
            shutil.copytree(own / "bird", tmp_path / "ready" / split / "bird")
            (tmp_path / "ready" / split / "fish").mkdir()
            for shot in range(number):
                self.shot(0).save(tmp_path / "ready" / split / "fish" / f"{shot}.png")
        for path in (tmp_path / "ready" / "test" / "bird").iterdir():
            noise().save(path)
        found = dict(folders.examine(tmp_path / "ready").table[["file", "found"]].to_numpy().tolist())
        assert found["train/fish"].endswith("also some in test/fish")

    def test_a_series_larger_than_half_a_class_is_told_of_another_split(self, own, tmp_path):
        for split in ("train", "test"):
            shutil.copytree(own, tmp_path / "ready" / split)
        for path in (tmp_path / "ready" / "test").rglob("*.png"):
            noise().save(path)
        for number in range(30):
            self.shot(1).save(tmp_path / "ready" / ("train" if number else "test") / "fish" / f"shot{number}.png")
        found = folders.examine(tmp_path / "ready").table["found"].tolist()
        assert any("in another split" in text for text in found)

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
