"""Pictures come out as promised, whatever they lay in before; a folder that cannot be used says why."""

import io
import os
import shutil
from pathlib import Path

import keras
import made_pictures
import numpy as np
import pytest
from PIL import Image

from helpers import storage
from helpers.pictures import fitting, folders, images, listing, opening

COUNTS = {"train": 6, "validation": 2, "test": 3}
PICTURES_A_CLASS = 12


@pytest.fixture(scope="module")
def animals():
    return images.load("animals", 32, batch_size=7, per_class=COUNTS)


@pytest.fixture
def own(tmp_path):
    """A folder of one's own: two classes of noise, free to be spoiled."""
    return noise_folder(tmp_path / "own", classes=("bird", "fish"))


def noise_folder(folder, classes, number=PICTURES_A_CLASS):
    generator = np.random.default_rng(number)  # so that folders of different sizes share no picture
    for name in classes:
        (folder / name).mkdir(parents=True)
        for index in range(number):
            pixels = generator.integers(0, 256, (32, 40, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{name}{index:02d}.png")
    return folder


def everything(dataset):
    """Return all pictures and labels of a data set, in the order of one pass."""
    batches = [(pictures.numpy(), labels.numpy()) for pictures, labels in dataset]
    return tuple(np.concatenate(parts) for parts in zip(*batches, strict=True))


def by_file(data, split):
    """Return file name → pixels as `in_order` gives them."""
    names = [path.name for path in data.files(split)]
    return dict(zip(names, everything(data.in_order(split))[0], strict=True))


def pairs(pictures, labels):
    return {picture.tobytes(): int(label) for picture, label in zip(pictures, labels, strict=True)}


class TestBundledSets:
    @pytest.mark.parametrize("split", images.SPLITS)
    def test_give_batches_of_float_pictures_and_labels(self, animals, split):
        pictures, labels = next(iter(getattr(animals, split)))
        assert pictures.shape == (7, 32, 32, 3) and pictures.dtype == "float32"
        assert labels.shape == (7,) and labels.dtype == "int32"
        pictures, labels = everything(getattr(animals, split))
        assert len(pictures) == 5 * COUNTS[split]
        assert 0 <= pictures.min() < 50 and 200 < pictures.max() <= 255
        assert np.bincount(labels).tolist() == [COUNTS[split]] * 5

    @pytest.mark.parametrize("split", images.SPLITS)
    def test_pixels_and_labels_are_those_of_the_files_in_order(self, animals, split):
        pictures, labels = everything(animals.in_order(split))
        files = animals.files(split)
        assert [animals.class_names[label] for label in labels] == [path.parent.name for path in files]
        for picture, path in zip(pictures, files, strict=True):
            assert np.array_equal(picture, np.asarray(Image.open(path)))

    @pytest.mark.parametrize("split", images.SPLITS)
    def test_a_whole_split_comes_as_arrays(self, animals, split):
        pixels, labels = animals.arrays(split)
        assert pixels.shape == (5 * COUNTS[split], 32, 32, 3) and pixels.dtype == "float32" and labels.dtype == "int32"
        for mine, theirs in zip((pixels, labels), everything(animals.in_order(split)), strict=True):
            assert np.array_equal(mine, theirs)

    def test_have_the_classes_and_counts_stated(self):
        data = images.load("emoji")
        assert data.class_names == ("animal", "clothing", "food", "object", "transport")
        assert data.name == "emoji" and data.image_size == (96, 96)
        assert data.counts().sum(axis=1).to_dict() == {
            "animal": 387,
            "clothing": 141,
            "food": 363,
            "object": 342,
            "transport": 216,
        }
        assert list(data.counts().columns) == list(images.SPLITS)

    def test_are_resized_to_the_size_asked_for_as_the_picture_they_are(self, animals):
        large = images.load("animals", (96, 64), per_class=COUNTS)
        first, enlarged = everything(animals.test)[0][0], everything(large.test)[0][0]
        assert enlarged.shape == (96, 64, 3)
        again = np.asarray(Image.fromarray(enlarged.clip(0, 255).astype(np.uint8)).resize((32, 32)), float)
        assert np.abs(again - first).mean() < 8

    def test_bicubic_overshoot_stays_within_the_range_of_pixels(self):
        pictures, _ = everything(images.load("emoji", 96, per_class={"train": 1, "validation": 2, "test": 9}).test)
        assert pictures.min() >= 0 and pictures.max() <= 255


class TestOrder:
    def test_train_reshuffles_on_every_pass_and_keeps_each_picture_with_its_label(self, animals):
        first, second = everything(animals.train), everything(animals.train)
        assert not np.array_equal(first[0], second[0])
        assert pairs(*first) == pairs(*second) == pairs(*everything(animals.in_order("train")))

    @pytest.mark.parametrize("split", ["validation", "test"])
    def test_validation_and_test_do_not(self, animals, split):
        first, second = (everything(getattr(animals, split)) for _ in range(2))
        assert np.array_equal(first[0], second[0]) and np.array_equal(first[1], second[1])
        assert np.array_equal(first[0], everything(animals.in_order(split))[0])

    def test_the_seed_decides_the_order_of_training(self):
        def labels(seed):
            data = images.load("animals", 32, seed=seed)
            return [batch.numpy().tolist() for _, batch in data.train.take(3)]

        assert labels(1) == labels(1) != labels(2)


class TestPerClass:
    @staticmethod
    def names(data, split):
        return {path.name for path in data.files(split)}

    def test_smaller_draws_lie_within_larger_ones_of_the_same_seed(self):
        draws = [self.names(images.load("animals", per_class=number, seed=3), "train") for number in (2, 5, 200)]
        assert [len(draw) for draw in draws] == [10, 25, 1000]
        assert draws[0] < draws[1] < draws[2]
        assert self.names(images.load("animals", per_class=5, seed=4), "train") != draws[1]

    def test_a_number_draws_from_training_alone(self):
        counts = images.load("animals", per_class=2).counts()
        assert counts["train"].tolist() == [2] * 5
        assert counts["validation"].tolist() == [40] * 5 and counts["test"].tolist() == [400] * 5

    def test_drawn_pictures_have_the_pixels_of_the_whole_set(self, animals):
        whole = by_file(images.load("animals", 32), "test")
        for name, pixels in by_file(animals, "test").items():
            assert np.array_equal(pixels, whole[name])

    def test_numbers_of_numpy_are_numbers(self, animals):
        again = images.load("animals", 32, per_class={split: np.int64(number) for split, number in COUNTS.items()})
        assert again.counts().equals(animals.counts())

    @pytest.mark.parametrize("per_class", [0, -1, True, 2.5, "all", {"dev": 3}, {"train": 0}])
    def test_what_is_no_number_of_pictures_is_refused(self, per_class):
        with pytest.raises(
            ValueError, match="expected whole numbers of at least 1 for some of train, validation, test"
        ):
            images.load("animals", per_class=per_class)

    def test_asking_for_too_many_says_how_many_there_are(self):
        with pytest.raises(ValueError, match="201 train pictures of 'cat', but there are 200"):
            images.load("animals", per_class=201)


class TestLoadFive:
    @staticmethod
    def folder(path, counts):
        for name, number in counts.items():
            (path / name).mkdir(parents=True)
            for index in range(number):
                made_pictures.noise().save(path / name / f"{index}.png")
        return path

    def test_draws_what_load_draws_where_there_is_enough(self, capsys):
        five = images.load_five("animals", {"train": 2, "test": 3}, 32)
        same = images.load("animals", 32, per_class={"train": 2, "test": 3})
        assert five.counts().equals(same.counts()) and five.files("train") == same.files("train")
        assert capsys.readouterr().out == ""

    def test_takes_as_many_of_each_class_as_the_smallest_has_and_says_so(self, tmp_path, capsys):
        own = self.folder(tmp_path / "own", {"a b": 8, "ä": 20, "c": 16, "d": 12, "e": 10})
        smallest = images.load(own, 32).counts().min()
        counts = images.load_five(own, {"train": 100, "test": 1}, 32).counts()
        assert counts["train"].tolist() == [smallest["train"]] * 5 and counts["test"].tolist() == [1] * 5
        assert f"{smallest['train']} train pictures, not 100." in capsys.readouterr().out

    def test_leaves_out_files_that_are_no_pictures(self, tmp_path, capsys):
        own = self.folder(tmp_path / "own", dict.fromkeys("abcde", 8))
        (own / "a" / "notes.jpg").write_text("no picture")
        assert len(images.load_five(own, {"train": 2}, 32).class_names) == 5
        assert "a/notes.jpg" in capsys.readouterr().out

    def test_refuses_another_number_of_classes_and_names_those_that_are_there(self, tmp_path):
        own = self.folder(tmp_path / "own", dict.fromkeys("abcd", 8))
        with pytest.raises(ValueError, match="five classes, and 'own' has 4: 'a', 'b', 'c', 'd'. Take a folder"):
            images.load_five(own, {"train": 2}, 32)

    def test_refuses_what_is_no_number_of_pictures(self):
        with pytest.raises(ValueError, match="expected whole numbers of at least 1 for some of train"):
            images.load_five("animals", {"train": "many"}, 32)


class TestOwnFolder:
    def test_is_split_by_class_without_loss_or_overlap(self, own):
        data = images.load(own, 32)
        assert data.class_names == ("bird", "fish") and data.name == "own"
        assert data.counts().loc["bird"].to_dict() == {"train": 7, "validation": 2, "test": 3}
        names = [path.stem for split in images.SPLITS for path in data.files(split)]
        assert sorted(names) == sorted(path.name for path in own.rglob("*.png"))

    def test_is_split_alike_every_time_and_otherwise_with_another_seed(self, own, fresh_cache):
        def test_names(seed):
            return [path.name for path in images.load(own, 32, seed=seed).files("test")]

        first = test_names(0)
        shutil.rmtree(fresh_cache)
        assert test_names(0) == first != test_names(1)

    def test_gives_the_pixels_of_its_files(self, own):
        data = images.load(str(own), (32, 40))
        originals = {path.name: np.asarray(Image.open(path)) for path in own.rglob("*.png")}
        for name, pixels in by_file(data, "train").items():
            assert np.array_equal(pixels, originals[name.removesuffix(".png")])

    def test_gives_the_same_values_as_the_bundled_set_it_was_copied_from(self, animals, tmp_path):
        copy = shutil.copytree(animals.folder, tmp_path / "copy")
        again = images.load(copy, 32)
        for split in images.SPLITS:
            for mine, theirs in zip(
                everything(again.in_order(split)), everything(animals.in_order(split)), strict=True
            ):
                assert np.array_equal(mine, theirs)

    def test_hidden_files_and_folders_are_no_pictures_and_no_classes(self, own):
        (own / ".ipynb_checkpoints").mkdir()
        (own / "__MACOSX").mkdir()
        (own / "bird" / ".DS_Store").write_text("?")
        (own / "notes.txt").write_text("beside the classes")
        assert images.load(own, 32).counts().to_numpy().sum() == 2 * PICTURES_A_CLASS

    def test_a_changed_picture_is_read_anew(self, own):
        data = images.load(own, 32)
        before = {split: data.fingerprint(split) for split in images.SPLITS}
        path = own / "bird" / "bird00.png"
        Image.new("RGB", (40, 32), "red").save(path)
        after = images.load(own, 32)
        reds = [
            np.allclose(pixels, [255, 0, 0], atol=0.01)
            for split in images.SPLITS
            for pixels in by_file(after, split).values()
        ]
        assert sum(reds) == 1
        assert [before[split] == after.fingerprint(split) for split in images.SPLITS].count(False) == 1
        with pytest.raises(ValueError, match="'own' in the cache was cleared: load it again"):
            data.in_order("test")

    def test_large_pictures_are_stored_no_larger_than_needed(self, own):
        Image.new("RGB", (2000, 1000), "red").save(own / "bird" / "bird00.png")
        sizes = {Image.open(path).size for split in images.SPLITS for path in images.load(own, 32).files(split)}
        assert sizes == {(40, 32), (512, 256)}

    @pytest.mark.parametrize("damage", [lambda path: path.write_bytes(path.read_bytes()[:50]), Path.unlink])
    @pytest.mark.parametrize("options", [{}, {"per_class": 2}])
    def test_a_damaged_copy_in_the_cache_is_made_again_and_said_in_one_line(self, own, options, damage, capsys):
        data = images.load(own, 32, **options)
        before = everything(data.in_order("train"))[0]
        damage(data.files("train")[0])
        after = everything(images.load(own, 32, **options).in_order("train"))[0]
        assert np.array_equal(before, after)
        said = capsys.readouterr().out
        assert said.count("\n") == 2 and "damaged" in said


class TestKindsOfPictures:
    """Whatever a file holds, out come three channels, upright."""

    RED, BLUE = (254, 0, 0), (0, 0, 254)

    @pytest.fixture
    def read(self, own):
        """Save a picture among the others, load the folder, and return it as it comes out."""

        def read(picture, name="odd.png", **options):
            picture.save(own / "bird" / name, **options)
            data = images.load(own, (32, 32))
            return {k: v for split in images.SPLITS for k, v in by_file(data, split).items()}[f"{name}.png"]

        return read

    def quarters(self, mode="RGB"):
        """A picture of 32×32 that is blue, but for its red upper left quarter."""
        picture = Image.new("RGB", (32, 32), self.BLUE)
        picture.paste(self.RED, (0, 0, 16, 16))
        return picture.convert(mode)

    def is_upright(self, pixels, tolerance=0):
        expected = np.asarray(self.quarters(), float)
        return np.abs(pixels - expected)[4:-4, 4:-4].max() <= tolerance or np.abs(pixels - expected).mean() <= tolerance

    def test_grey_is_repeated_in_three_channels(self, read):
        ramp = np.arange(1024, dtype=np.uint16).reshape(32, 32) // 4
        assert np.array_equal(read(Image.fromarray(ramp.astype(np.uint8))), np.repeat(ramp[..., None], 3, axis=2))

    def test_grey_of_16_bits_keeps_its_shades(self, read):
        ramp = np.arange(1024, dtype=np.uint16).reshape(32, 32) // 4
        assert np.array_equal(read(Image.fromarray(ramp * 257)), np.repeat(ramp[..., None], 3, axis=2))

    def test_black_and_white_of_one_bit(self, read):
        assert set(np.unique(read(Image.new("1", (32, 32), 1)))) == {255}

    def test_transparency_becomes_white(self, read):
        picture = self.quarters("RGBA")
        picture.putalpha(Image.fromarray(np.repeat([[255, 0]], [16, 16], axis=1).repeat(32, 0).astype(np.uint8)))
        pixels = read(picture)
        assert np.all(pixels[:16, :16] == self.RED) and np.all(pixels[16:, :16] == self.BLUE)
        assert np.all(pixels[:, 16:] == 255)

    def test_a_palette(self, read):
        assert np.array_equal(read(self.quarters("P")), np.asarray(self.quarters("P").convert("RGB")))

    def test_a_palette_with_a_transparent_colour(self, read):
        picture = self.quarters("P")
        pixels = read(picture, transparency=picture.getpixel((0, 0)))
        assert np.all(pixels[:16, :16] == 255) and not np.any(np.all(pixels[16:, 16:] == 255, axis=-1))

    @pytest.mark.parametrize("ending", ["gif", "webp", "bmp", "JPG"])
    def test_other_formats(self, read, ending):
        assert np.abs(read(self.quarters(), f"odd.{ending}") - np.asarray(self.quarters())).mean() < 8

    def test_cmyk(self, read):
        assert np.abs(read(self.quarters("CMYK"), "odd.jpg") - np.asarray(self.quarters())).mean() < 16

    @pytest.mark.parametrize(
        ("orientation", "stored_as"),
        [(3, Image.Transpose.ROTATE_180), (6, Image.Transpose.ROTATE_90), (8, Image.Transpose.ROTATE_270)],
    )
    def test_a_photo_that_says_how_it_was_held_is_turned_upright(self, read, orientation, stored_as):
        exif = Image.Exif()
        exif[0x0112] = orientation
        sideways = self.quarters().transpose(stored_as)
        assert np.array_equal(read(sideways, exif=exif), np.asarray(self.quarters()))
        assert np.abs(read(sideways, "odd.jpg", exif=exif) - np.asarray(self.quarters())).mean() < 8


class TestGivenSplits:
    @pytest.fixture
    def split(self, tmp_path):
        for number, name in enumerate(images.SPLITS, start=2):
            noise_folder(tmp_path / "split" / name, ("bird", "fish"), number)
        return tmp_path / "split"

    def test_are_kept(self, split):
        data = images.load(split, 32)
        assert data.counts().loc["fish"].to_dict() == {"train": 2, "validation": 3, "test": 4}
        for name in images.SPLITS:
            assert {f"{path.name}.png" for path in (split / name).rglob("*.png")} == set(by_file(data, name))

    def test_a_missing_split_is_named(self, split):
        shutil.rmtree(split / "train")
        with pytest.raises(ValueError, match="train: this folder is missing beside the others; add it"):
            images.load(split)

    def test_classes_that_differ_are_named(self, split):
        (split / "test" / "fish").rename(split / "test" / "fishes")
        with pytest.raises(ValueError, match=r"test: lacks classes that another split has \(fish\)"):
            images.load(split)

    def test_a_class_that_skipping_empties_is_named(self, split):
        for path in (split / "test" / "fish").iterdir():
            path.write_text("no picture")
        with pytest.raises(ValueError, match="test/fish: no picture that can be used"):
            images.load(split, on_bad="skip")


class TestUnreadableFiles:
    BAD = {
        "a text named .jpg": ("notes.jpg", lambda path: path.write_text("no picture")),
        "a text": ("notes.txt", lambda path: path.write_text("no picture")),
        "no ending": ("notes", lambda path: path.write_text("no picture")),
        "an empty file": ("empty.png", Path.touch),
        "half a picture": ("half.jpg", lambda path: half_a_picture(path)),
    }

    @pytest.mark.parametrize("kind", BAD)
    def test_are_named_with_their_folder_and_with_what_to_do(self, own, kind):
        name, spoil = self.BAD[kind]
        spoil(own / "fish" / name)
        with pytest.raises(ValueError, match=rf"1 file .*: fish.{name} \(.+\)\. .*on_bad='skip'"):
            images.load(own)

    def test_all_of_them_are_named_at_once(self, own):
        for name, spoil in self.BAD.values():
            spoil(own / "fish" / name)
        with pytest.raises(ValueError) as error:
            images.load(own)
        assert all(name in str(error.value) for name, _ in self.BAD.values())

    def test_are_left_out_on_request_and_the_rest_loads(self, own, capsys):
        for name, spoil in self.BAD.values():
            spoil(own / "fish" / name)
        data = images.load(own, 32, on_bad="skip")
        assert data.counts().sum(axis=1).to_dict() == {"bird": PICTURES_A_CLASS, "fish": PICTURES_A_CLASS}
        assert everything(data.train)[0].shape == (14, 32, 32, 3)
        said = capsys.readouterr().out
        assert said.startswith("Left out 5 files") and said.count("\n") == 2
        assert all(name in said for name, _ in self.BAD.values())

    @pytest.mark.filterwarnings("error:Corrupt EXIF:UserWarning")  # Pillow's own would be red noise
    def test_a_damaged_photo_never_ends_in_a_foreign_error(self, own, capsys):
        """Pillow meets damage with many kinds of errors, `struct.error` among them."""
        exif = Image.Exif()
        exif[0x0112], exif[0x010E] = 6, "a description"
        photo = own / "fish" / "photo.jpg"
        Image.open(own / "fish" / "fish00.png").save(photo, exif=exif)
        generator = np.random.default_rng(0)
        for number in range(200):
            data = np.frombuffer(photo.read_bytes(), np.uint8).copy()
            data[generator.integers(2, 150, 4)] = generator.integers(0, 256, 4)
            (own / "fish" / f"damaged{number}.jpg").write_bytes(data.tobytes())
        loaded = images.load(own, 32, on_bad="skip").counts().to_numpy().sum()
        said = capsys.readouterr().out
        numbers = [int(line.split()[2]) for line in said.splitlines() if line.startswith("Left out")]
        assert said.splitlines()[0].count("/damaged") == 10
        assert f"and {numbers[0] - 10} more (pictures.examine lists all)" in said
        left_out = sum(numbers)
        assert 20 < left_out < 200 and loaded + left_out == 2 * PICTURES_A_CLASS + 201


def half_a_picture(path):
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)).save(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


class TestMisuse:
    def test_an_unknown_name_lists_the_known_ones(self):
        with pytest.raises(ValueError, match="'annimals'.*'animals', 'emoji', 'flowers', or the path of a folder"):
            images.load("annimals")

    def test_an_empty_class_is_named(self, own):
        (own / "cow").mkdir()
        with pytest.raises(ValueError, match="cow: no picture that can be used; add some, or delete the folder"):
            images.load(own)

    def test_one_class_is_too_few(self, own):
        shutil.rmtree(own / "fish")
        with pytest.raises(ValueError, match="one class only, bird; .* at least 2 classes"):
            images.load(own)

    def test_pictures_without_class_folders_are_not_enough(self, own):
        with pytest.raises(ValueError, match="no class folder; .* at least 2 classes"):
            images.load(own / "bird")

    def test_a_class_that_skipping_empties_is_named(self, own):
        for path in (own / "bird").iterdir():
            path.write_text("no picture")
        with pytest.raises(ValueError, match="bird: no picture that can be used.*12 files? in .*: bird/bird00.*text"):
            images.load(own, on_bad="skip")

    def test_a_class_too_small_to_split_is_named_with_its_size(self, own):
        for path in sorted((own / "bird").iterdir())[2:]:
            path.unlink()
        with pytest.raises(ValueError, match="bird: 2 pictures: cannot be split three ways; add some: 3 at least"):
            images.load(own)

    @pytest.mark.parametrize("name", ["batch_size", "seed"])
    @pytest.mark.parametrize("value", [-1, "a", 1.5, None, True])
    def test_sizes_of_batches_and_seeds_are_whole_numbers(self, name, value):
        with pytest.raises(ValueError, match=f"{name}={value!r}: expected a whole number from"):
            images.load("animals", 32, **{name: value})

    @pytest.mark.parametrize(
        "image_size", [31, 0, -96, "big", "96", (96,), (96, 31), (96, 96, 3), 96.5, None, float("inf")]
    )
    def test_a_size_that_vgg16_cannot_take_is_refused(self, image_size):
        with pytest.raises(ValueError, match="at least 32 pixels"):
            images.load("animals", image_size)

    def test_an_unknown_way_with_bad_files_lists_the_known_ones(self):
        with pytest.raises(ValueError, match="on_bad='ignore': expected 'raise' or 'skip'"):
            images.load("animals", on_bad="ignore")

    def test_a_cache_that_cannot_be_written_to_is_said(self, tmp_path, monkeypatch):
        (tmp_path / "file").touch()
        monkeypatch.setenv(storage.CACHE_VARIABLE, str(tmp_path / "file"))
        with pytest.raises(storage.StorageError, match=f"cannot be written to.*{storage.CACHE_VARIABLE}"):
            images.load("animals")


class TestFlowers:
    def test_asked_for_offline_they_name_the_way_out_in_one_line(self, monkeypatch):
        def no_connection(*_, **__):
            raise Exception("URL fetch failure: None -- [Errno -3] Temporary failure in name resolution")

        monkeypatch.setattr(keras.utils, "get_file", no_connection)
        with pytest.raises(
            ConnectionError, match=r"could not be fetched.*images\.load\('animals'\).*name resolution"
        ) as error:
            images.load("flowers")
        assert "\n" not in str(error.value)

    def test_are_fetched_under_a_checksum_and_split(self, monkeypatch, tmp_path):
        asked = {}

        def fetched(**options):
            asked.update(options)
            noise_folder(tmp_path / "x" / "flower_photos", ("daisy", "roses"))
            (tmp_path / "x" / "flower_photos" / "LICENSE.txt").write_text("CC BY 2.0")
            return str(tmp_path / "x")

        monkeypatch.setattr(keras.utils, "get_file", fetched)
        data = images.load("flowers", 32)
        assert data.class_names == ("daisy", "roses") and data.name == "flowers"
        assert data.counts()["train"].tolist() == [7, 7]
        assert asked["file_hash"] == images.FLOWERS_SHA256 and asked["hash_algorithm"] == "sha256"


def encoded_red():
    stream = io.BytesIO()
    Image.new("RGB", (40, 40), "red").save(stream, "PNG")
    return stream.getvalue()


class TestDecodesOnce:
    @pytest.fixture
    def decoded(self, monkeypatch):
        """The paths that are decoded, one entry each time."""
        seen = []
        opened = opening.opened
        monkeypatch.setattr(opening, "opened", lambda path, *rest: seen.append(path) or opened(path, *rest))
        return seen

    @pytest.fixture
    def mine(self, tmp_path, fresh_cache):
        for name, level in (("dark", 40), ("light", 200)):
            (tmp_path / "mine" / name).mkdir(parents=True)
            for number in range(4):
                pixels = np.random.default_rng(number + level).integers(level - 40, level + 40, (40, 40, 3))
                Image.fromarray(pixels.astype(np.uint8)).save(tmp_path / "mine" / name / f"{number}.png")
        return tmp_path / "mine"

    def test_each_picture_at_the_first_load_and_none_at_the_second(self, mine, decoded):
        first = images.load(mine)
        assert sorted(decoded) == sorted(mine.rglob("*.png"))
        again = images.load(mine)
        assert len(decoded) == 8 and again.folder == first.folder

    def test_says_once_what_is_left_out_and_that_it_keeps_copies(self, mine, decoded, capsys):
        (mine / "dark" / "letter.png").write_text("no picture")
        images.load(mine, on_bad="skip")
        said, count = capsys.readouterr().out, len(decoded)
        images.load(mine, on_bad="skip")
        assert capsys.readouterr().out == "" and said == (
            "Left out 1 file that cannot be used: dark/letter.png.\n"
            "Small copies of the pictures, without place or date, are in the cache: swap-the-head where.\n"
        )
        with pytest.raises(ValueError, match=r"1 file.*letter\.png"):
            images.load(mine)
        assert len(decoded) == count

    def test_those_alone_that_changed_and_what_was_there_before_is_cleared(self, mine, decoded, fresh_cache):
        first = images.load(mine, per_class=1)
        other_seed = images.load(mine, seed=1)
        assert len(decoded) == 8  # another split needs no other picture
        Image.new("RGB", (40, 40), "red").save(mine / "dark" / "0.png")
        (mine / "light" / "0.png").unlink()
        shutil.copy(mine / "light" / "1.png", mine / "light" / "1 copy.png")
        decoded.clear()
        again = images.load(mine, per_class=1)
        assert sorted(path.name for path in decoded) == ["0.png", "1 copy.png"]
        assert not first.folder.exists() and other_seed.folder.exists()
        assert len(list((fresh_cache / "own").iterdir())) == 2 and len(list((fresh_cache / "draws").iterdir())) == 1
        after = [again.fingerprint(split) for split in images.SPLITS]
        shutil.rmtree(fresh_cache)
        fresh = images.load(mine, per_class=1)
        assert [fresh.fingerprint(split) for split in images.SPLITS] == after

    def test_a_damaged_picture_of_the_entry_before_is_not_carried_on(self, mine, decoded):
        (broken, *_) = images.load(mine).files("train")
        broken.write_bytes(b"half")
        (mine / "light" / "more.png").write_bytes((mine / "dark" / "0.png").read_bytes()[:-1] + b"x")
        decoded.clear()
        images.load(mine, on_bad="skip")
        assert sorted(path.name for path in decoded) == sorted([broken.stem, "more.png"])

    def test_a_file_that_changes_between_looking_and_keeping_is_kept_as_what_it_is(self, mine, monkeypatch):
        path, examine = mine / "dark" / "0.png", folders.examine
        old, new = path.read_bytes(), encoded_red()
        contents = [new]

        def examined(*arguments, **options):
            if contents:
                path.write_bytes(contents.pop())
            return examine(*arguments, **options)

        monkeypatch.setattr(folders, "examine", examined)

        def reds():
            data = images.load(mine, 40)
            return sum(
                np.allclose(pixels, [255, 0, 0], atol=0.01)
                for split in images.SPLITS
                for pixels in everything(data.in_order(split))[0]
            )

        assert reds() == 1
        path.write_bytes(old)
        assert reds() == 0
        contents.extend(new + bytes([number]) for number in range(3))
        path.write_bytes(new + b"more")
        with pytest.raises(ValueError, match="changed while it was read"):
            images.load(mine, 40)

    @pytest.mark.parametrize("damage", ["", "{ half", "[1, 2]", '{"a": 1}'])
    def test_a_damaged_memory_of_digests_costs_time_only(self, mine, decoded, fresh_cache, damage):
        first = images.load(mine)
        (fresh_cache / "digests.json").write_text(damage)
        assert images.load(mine).folder == first.folder and len(decoded) == 8

    def test_a_damaged_entry_is_made_again(self, mine, decoded, capsys):
        (broken, *_) = sorted(images.load(mine).folder.rglob("*.png"))
        whole = broken.read_bytes()
        broken.write_bytes(b"half")
        images.load(mine)
        assert broken.read_bytes() == whole and "was altered" in capsys.readouterr().out

    def test_what_cannot_be_a_picture_is_not_read_to_name_the_entry(self, mine, monkeypatch):
        with open(mine / "dark" / "film.png", "wb") as stream:
            stream.truncate(opening.MOST_BYTES + 1)
        monkeypatch.setattr(storage, "sha256", lambda path: pytest.fail("read") if path.endswith("film.png") else "0")
        assert len(listing.listed(mine).digest()) == 64

    def test_a_file_that_cannot_be_read_is_left_to_the_examination(self, mine, monkeypatch):
        def refused(path):
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(storage, "sha256", refused)
        assert len(listing.listed(mine).digest()) == 64

    def test_too_many_files_are_refused_before_one_is_read(self, mine, monkeypatch):
        monkeypatch.setattr(listing, "MOST_FILES", 5)
        monkeypatch.setattr(storage, "sha256", lambda path: pytest.fail("read"))
        with pytest.raises(ValueError, match="holds .* files, expected at most 5"):
            images.load(mine)


class TestFit:
    @pytest.mark.parametrize("fit", fitting.FITS)
    def test_pictures_come_as_a_resizing_layer_makes_them_with_their_labels(self, tmp_path, fit):
        generator = np.random.default_rng(0)
        for name in ("bird", "fish"):
            (tmp_path / "wide" / name).mkdir(parents=True)
            for index in range(6):
                pixels = generator.integers(0, 256, (30 + 9 * index, 70, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(tmp_path / "wide" / name / f"{name}{index}.png")
        data = images.load(tmp_path / "wide", (40, 48), batch_size=3, fit=fit)
        resize = keras.layers.Resizing(40, 48, interpolation="bicubic", **fitting.how(fit))
        for split in images.SPLITS:
            pictures, labels = data.arrays(split)
            for path, picture, label in zip(data.files(split), pictures, labels, strict=True):
                original = np.asarray(Image.open(path), "float32")[None]
                expected = np.clip(np.asarray(resize(original)), 0, 255)[0]
                np.testing.assert_allclose(picture, expected, atol=1e-3)
                assert path.parent.name == data.class_names[label]
        shuffled = dict(pairs(*everything(data.train)))
        assert shuffled == pairs(*data.arrays("train")) and pictures.shape[1:] == (40, 48, 3)

    def test_another_fit_gives_other_features_in_the_cache(self, own):
        marks = {images.load(own, 32, fit=fit).fingerprint("train") for fit in fitting.FITS}
        assert len(marks) == 3

    def test_an_unknown_one_is_refused(self, own):
        with pytest.raises(ValueError, match="fit='cover': expected 'stretch'"):
            images.load(own, 32, fit="cover")


def test_pictures_that_change_places_change_labels(tmp_path):
    generator = np.random.default_rng(3)
    for name in "ab":
        (tmp_path / "two" / name).mkdir(parents=True)
        for number in range(4):
            path = tmp_path / "two" / name / f"{number}.bmp"
            Image.fromarray(generator.integers(0, 256, (40, 40, 3), dtype=np.uint8)).save(path)
            os.utime(path, (1e9, 1e9))
    first, second = tmp_path / "two" / "a" / "0.bmp", tmp_path / "two" / "b" / "3.bmp"
    before = images.load(tmp_path / "two", 32)
    pixels = Image.open(first).tobytes()
    first.rename(tmp_path / "aside")
    second.rename(first)
    (tmp_path / "aside").rename(second)
    after = images.load(tmp_path / "two", 32)
    assert after.folder != before.folder
    held = {path.parent.name for path in after.folder.rglob("*.png") if Image.open(path).tobytes() == pixels}
    assert held == {"b"}


@pytest.mark.parametrize("ask", ["files", "series", "arrays", "in_order", "fingerprint"])
def test_a_split_that_there_is_not_is_named(ask):
    with pytest.raises(ValueError, match="There is no split 'val': expected one of 'train', 'validation', 'test'"):
        getattr(images.load("animals", 32), ask)("val")
