"""What ships is whole or refused, and the cache is never half-written; each defence meets its attack."""

import errno
import hashlib
import io
import os
import platform
import re
import shutil
import zipfile
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from helpers import assets, storage

ANIMALS = ("cat", "deer", "dog", "frog", "horse")
ANIMALS_PER_CLASS = {"train": 200, "validation": 40, "test": 160}
ARTISTS = {"fluent", "noto", "twemoji"}
EMOJI = {  # class: pictures in train, validation, test
    "animal": (213, 45, 129),
    "clothing": (78, 18, 45),
    "food": (201, 45, 117),
    "object": (189, 42, 111),
    "transport": (120, 27, 69),
}


def leftovers(folder):
    return sorted(folder.rglob(".writing-*"))


class TestBundledFiles:
    @pytest.fixture
    def copy(self, tmp_path):
        """A copy of a bundled archive, free to be spoiled."""
        return Path(shutil.copy(assets.FOLDER / "animals.zip", tmp_path))

    def test_all_are_listed_with_their_checksums_and_intact(self):
        ours = {".py", ".md"}
        files = {path.name for path in assets.FOLDER.iterdir() if path.is_file() and path.suffix not in ours}
        there = files - {"checksums.txt"}
        assert set(assets.checksums()) == there
        assert [assets.bundled(name).name for name in sorted(there)] == sorted(there)

    def test_one_that_is_missing_is_named_with_its_remedy(self, tmp_path):
        with pytest.raises(
            storage.StorageError, match=r"animals\.zip is missing .*git checkout -- helpers/assets/animals"
        ):
            assets.bundled("animals.zip", folder=tmp_path)

    def test_one_that_was_cut_short_is_refused(self, copy):
        copy.write_bytes(copy.read_bytes()[:-1])
        with pytest.raises(storage.StorageError, match=r"animals\.zip was altered: .*git checkout"):
            assets.bundled(copy.name, folder=copy.parent)

    def test_one_with_a_changed_byte_is_refused_even_after_it_was_found_intact(self, copy):
        assert assets.bundled(copy.name, folder=copy.parent) == copy
        data = bytearray(copy.read_bytes())
        data[len(data) // 2] ^= 1
        copy.write_bytes(data)
        with pytest.raises(storage.StorageError, match=assets.checksums()[copy.name][:12]):
            assets.bundled(copy.name, folder=copy.parent)

    def test_an_unknown_name_lists_the_known_ones(self):
        with pytest.raises(storage.StorageError, match=r"'cats\.zip'.*animals\.zip, .*emoji\.zip, .*vgg16_notop"):
            assets.bundled("cats.zip")


class TestCacheFolder:
    def test_lies_where_the_variable_says(self, fresh_cache):
        folder = storage.cache_folder("a", "b")
        assert folder == fresh_cache / "a" / "b" and folder.is_dir()
        assert not list(folder.iterdir())

    @pytest.mark.parametrize("place", ["file", "file/below"])
    def test_a_place_that_cannot_be_a_folder_is_named_with_a_remedy(self, place, tmp_path, monkeypatch):
        (tmp_path / "file").touch()
        monkeypatch.setenv(storage.CACHE_VARIABLE, str(tmp_path / place))
        with pytest.raises(
            storage.StorageError, match=f"{tmp_path / place}.*cannot be written to.*{storage.CACHE_VARIABLE}"
        ):
            storage.cache_folder()

    @pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="needs Linux's /proc, where not even root may write")
    def test_an_existing_folder_that_takes_no_file_is_refused(self, monkeypatch):
        monkeypatch.setenv(storage.CACHE_VARIABLE, "/proc/self")
        with pytest.raises(storage.StorageError, match="/proc/self cannot be written to"):
            storage.cache_folder()


class TestWrittenWhole:
    def test_a_file_is_replaced_when_the_block_succeeds(self, tmp_path):
        path = tmp_path / "a.txt"
        for text in ("old", "new"):
            with storage.written_whole(path) as temporary:
                temporary.write_text(text)
                assert not path.exists() or path.read_text() == "old"
        assert path.read_text() == "new"
        assert list(tmp_path.iterdir()) == [path]

    def test_nothing_changes_when_the_block_fails(self, tmp_path):
        path = tmp_path / "a.txt"
        path.write_text("old")
        with pytest.raises(ZeroDivisionError), storage.written_whole(path) as temporary:
            temporary.write_text("half")
            _ = 1 / 0
        assert path.read_text() == "old"
        assert list(tmp_path.iterdir()) == [path]

    def test_a_full_disk_is_said_and_leaves_the_old_state(self, tmp_path):
        path = tmp_path / "a.txt"
        path.write_text("old")
        full = pytest.raises(storage.StorageError, match="No space left on device.*Free some space")
        with full, storage.written_whole(path):
            raise OSError(errno.ENOSPC, "No space left on device")
        assert path.read_text() == "old"

    def test_a_folder_that_cannot_be_written_to_is_said(self, tmp_path):
        with (
            pytest.raises(storage.StorageError, match="could not be written"),
            storage.written_whole(tmp_path / "no" / "a.txt"),
        ):
            pass

    def test_of_two_makers_of_one_folder_the_first_to_finish_wins(self, tmp_path):
        path = tmp_path / "entry"
        with storage.written_whole(path) as mine:
            mine.mkdir()
            (mine / "a").write_text("second")
            with storage.written_whole(path) as other:
                other.mkdir()
                (other / "a").write_text("first")
        assert (path / "a").read_text() == "first"
        assert list(tmp_path.iterdir()) == [path]

    def test_what_a_killed_process_left_goes_and_what_another_may_write_stays(self, tmp_path):
        gone, here = 2**22, platform.node()  # no process can have this number
        mine, elsewhere, odd = f".writing-{here}-{os.getpid()}-x", f".writing-another-machine-{gone}-x", ".writing-old"
        for name in (f".writing-{here}-{gone}-x", mine, elsewhere, odd):
            (tmp_path / name).mkdir()
            (tmp_path / name / "half").write_text("half")
        with storage.written_whole(tmp_path / "a.txt") as temporary:
            temporary.write_text("new")
        assert {path.name for path in leftovers(tmp_path)} == {mine, elsewhere, odd}


class TestNoted:
    """A dictionary in a file, which one process at a time changes."""

    def test_nothing_is_written_where_nothing_changes(self, tmp_path):
        for _ in range(2):
            with storage.noted(tmp_path / "a.json") as notes:
                notes["one"] = 1
            before = (tmp_path / "a.json").stat()
        assert (tmp_path / "a.json").stat().st_ino == before.st_ino
        assert storage.notes(tmp_path / "a.json") == {"one": 1}

    def test_a_block_that_fails_changes_nothing(self, tmp_path):
        with pytest.raises(ZeroDivisionError), storage.noted(tmp_path / "a.json") as notes:
            notes["one"] = 1 / 0
        assert storage.notes(tmp_path / "a.json") == {}

    def test_who_is_killed_inside_keeps_nobody_out(self, tmp_path, python):
        holder = python(
            """
            import sys, time
            from helpers import storage
            with storage.noted(sys.argv[1]):
                print("in", flush=True)
                time.sleep(60)
            """,
            tmp_path / "a.json",
        )
        assert holder.stdout.readline() == "in\n"
        holder.kill()
        holder.wait()
        with storage.noted(tmp_path / "a.json") as notes:
            notes["one"] = 1
        assert storage.notes(tmp_path / "a.json") == {"one": 1}

    @pytest.mark.parametrize("lock", ["folder", "junk"])
    def test_a_lock_that_is_none_stops_nobody(self, tmp_path, lock):
        place = tmp_path / "a.json.lock"
        place.mkdir() if lock == "folder" else place.write_text("not SQLite's" * 100)
        with storage.noted(tmp_path / "a.json") as notes:
            notes["one"] = 1
        assert storage.notes(tmp_path / "a.json") == {"one": 1}


class TestKept:
    """A folder of the cache: made once, and again after every kind of damage."""

    CONTENT = {"one.txt": "1" * 1000, "below/two.txt": "2"}

    @pytest.fixture
    def entry(self, tmp_path):
        storage.kept(tmp_path / "entry", self.make)
        return tmp_path / "entry"

    def make(self, folder):
        for name, text in self.CONTENT.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text)

    def refuse(self, folder):
        raise AssertionError("nothing is damaged, yet it is made again")

    def test_is_made_once_and_in_silence(self, entry, capsys):
        assert storage.kept(entry, self.refuse) == entry
        assert {name: (entry / name).read_text() for name in self.CONTENT} == self.CONTENT
        assert capsys.readouterr().out == ""

    DAMAGE = {
        "cut in half": lambda entry: (entry / "one.txt").write_text("1" * 500),
        "one byte changed": lambda entry: (entry / "one.txt").write_text("1" * 999 + "2"),
        "a file deleted": lambda entry: (entry / "below" / "two.txt").unlink(),
        "a file too many": lambda entry: (entry / "below" / "three.txt").touch(),
        "garbage for a list": lambda entry: (entry / storage.CHECKSUMS).write_text("{garbage"),
        "another list": lambda entry: (entry / storage.CHECKSUMS).write_text("[1]"),
        "an empty list": lambda entry: (entry / storage.CHECKSUMS).write_text("{}"),
        "no list": lambda entry: (entry / storage.CHECKSUMS).unlink(),
        "a file in its place": lambda entry: (shutil.rmtree(entry), entry.write_text("?")),
    }

    @pytest.mark.parametrize("damage", DAMAGE)
    def test_is_made_again_after_damage_said_in_one_line(self, damage, entry, capsys):
        self.DAMAGE[damage](entry)
        storage.kept(entry, self.make)
        said = capsys.readouterr().out
        assert said.count("\n") == 1 and "The cache entry entry is damaged" in said
        assert storage.kept(entry, self.refuse) == entry
        assert capsys.readouterr().out == ""
        assert leftovers(entry.parent) == []

    def test_the_line_names_the_damaged_file(self, entry, capsys):
        (entry / "below" / "two.txt").unlink()
        storage.kept(entry, self.make)
        assert "below/two.txt is missing" in capsys.readouterr().out

    def test_a_repair_that_fails_never_passes_for_a_good_entry(self, entry):
        (entry / "one.txt").write_text("damaged")

        def fail(folder):
            folder.mkdir()
            raise OSError(errno.ENOSPC, "No space left on device")

        with pytest.raises(storage.StorageError, match="No space left"):
            storage.kept(entry, fail)
        storage.kept(entry, self.make)
        assert (entry / "one.txt").read_text() == self.CONTENT["one.txt"]

    def test_files_do_not_vanish_when_another_kernel_finishes_later(self, tmp_path):
        reader = []

        def make_while_another_kernel_does_the_same(folder):
            storage.kept(tmp_path / "entry", self.make)
            reader.append((tmp_path / "entry").stat())
            self.make(folder)

        storage.kept(tmp_path / "entry", make_while_another_kernel_does_the_same)
        assert (tmp_path / "entry").stat().st_ino == reader[0].st_ino


class TestUnpacking:
    @staticmethod
    def digest(folder):
        digest = hashlib.sha256()
        for path in sorted(folder.rglob("*.png")):
            digest.update(path.relative_to(folder).as_posix().encode() + path.read_bytes())
        return digest.hexdigest()

    @staticmethod
    def digest_of_archive(name):
        digest = hashlib.sha256()
        with zipfile.ZipFile(assets.FOLDER / name) as bundle:
            for file in sorted(bundle.namelist(), key=lambda file: Path(file)):
                digest.update(file.encode() + bundle.read(file))
        return digest.hexdigest()

    def test_gives_every_file_of_the_archive(self, fresh_cache):
        assert self.digest(assets.unpacked("animals.zip")) == self.digest_of_archive("animals.zip")
        assert leftovers(fresh_cache) == []

    def test_a_picture_that_was_altered_in_the_cache_comes_back(self, fresh_cache, capsys):
        folder = assets.unpacked("animals.zip")
        picture = next(folder.rglob("*.png"))
        data = bytearray(picture.read_bytes())
        data[-20] ^= 1
        picture.write_bytes(data)
        assert self.digest(assets.unpacked("animals.zip")) == self.digest_of_archive("animals.zip")
        assert capsys.readouterr().out.count("\n") == 1

    def test_four_processes_at_once_read_the_same(self, fresh_cache, at_once):
        outputs = at_once(
            """
            import hashlib
            from helpers import assets
            wait_for_the_others()
            folder = assets.unpacked("animals.zip")
            for _ in range(4):  # read on while the others finish
                data = b"".join(path.read_bytes() for path in sorted(folder.rglob("*.png")))
            print(len(data), hashlib.sha256(data).hexdigest())
            """,
            processes=4,
        )
        assert len(set(outputs)) == 1 and outputs[0].count("\n") == 1
        assert self.digest(assets.unpacked("animals.zip")) == self.digest_of_archive("animals.zip")
        assert leftovers(fresh_cache) == []

    def test_a_process_killed_halfway_leaves_nothing_that_counts(self, fresh_cache, python, capsys):
        killed = python("""
            import itertools, time, zipfile
            from helpers import assets

            def unpack_half(bundle, folder):
                for name in itertools.islice(bundle.namelist(), 1000):
                    bundle.extract(name, folder)
                print("half", flush=True)
                time.sleep(60)

            zipfile.ZipFile.extractall = unpack_half
            assets.unpacked("animals.zip")
            """)
        assert killed.stdout.readline() == "half\n"
        killed.kill()
        killed.wait()
        assert len(list(fresh_cache.rglob("*.png"))) == 1000  # the half is there, but where nobody looks
        folder = assets.unpacked("animals.zip")
        assert self.digest(folder) == self.digest_of_archive("animals.zip")
        assert capsys.readouterr().out == ""


def pictures(archive):
    """Return the pictures of a bundled archive: (split, class, file name) to pixels."""
    found = {}
    with zipfile.ZipFile(assets.FOLDER / archive) as bundle:
        for name in bundle.namelist():
            with Image.open(io.BytesIO(bundle.read(name))) as picture:
                assert picture.mode == "RGB", name
                found[tuple(name.split("/"))] = np.asarray(picture)
    return found


def in_two_splits(pairs):
    """Return what stands in more than one split, given pairs of a thing and its split."""
    splits = {}
    for thing, split in pairs:
        splits.setdefault(thing, set()).add(split)
    return [thing for thing, found in splits.items() if len(found) > 1]


@pytest.fixture(scope="module")
def animals():
    return pictures("animals.zip")


@pytest.fixture(scope="module")
def emoji():
    return pictures("emoji.zip")


class TestAnimals:
    def test_each_class_has_as_many_pictures_as_stated(self, animals):
        counts = Counter((split, name) for split, name, _ in animals)
        assert counts == {(split, name): n for split, n in ANIMALS_PER_CLASS.items() for name in ANIMALS}

    def test_are_32_by_32_and_no_two_are_the_same(self, animals):
        assert {pixels.shape for pixels in animals.values()} == {(32, 32, 3)}
        assert len({pixels.tobytes() for pixels in animals.values()}) == len(animals)

    def test_file_names_tell_sheet_and_row_and_no_row_was_taken_twice(self, animals):
        for split, _, file in animals:
            sheet = "test" if split == "test" else "train[1-5]"
            assert re.fullmatch(rf"{sheet}_0\d{{4}}\.png", file), (split, file)
        assert len({file for _, _, file in animals}) == len(animals)

    def test_are_photographs(self, animals):
        """Many colours each, and as bright as CIFAR-10 on the whole; no blank and no noise."""
        assert min(len(np.unique(pixels)) for pixels in animals.values()) > 20
        everything = np.stack(list(animals.values())).astype(float)
        assert everything.mean() == pytest.approx(120, abs=10)
        neighbours = np.corrcoef(everything[:, :, 1:].ravel(), everything[:, :, :-1].ravel())[0, 1]
        assert neighbours > 0.85


class TestEmoji:
    def test_each_class_has_as_many_pictures_as_stated(self, emoji):
        counts = Counter((name, split) for split, name, _ in emoji)
        assert {name: tuple(counts[name, split] for split in ANIMALS_PER_CLASS) for name in EMOJI} == EMOJI
        assert counts.total() == sum(map(sum, EMOJI.values()))

    def test_are_64_by_64_and_no_picture_stands_in_two_splits(self, emoji):
        assert {pixels.shape for pixels in emoji.values()} == {(64, 64, 3)}
        assert in_two_splits((pixels.tobytes(), split) for (split, _, _), pixels in emoji.items()) == []

    def test_all_three_artists_drew_every_emoji_and_their_drawings_lie_together(self, emoji):
        artists = {}
        for split, name, file in emoji:
            code, _, artist = Path(file).stem.rpartition("_")
            artists.setdefault(code, []).append((artist, split, name))
        for code, drawings in artists.items():
            assert sorted(artist for artist, _, _ in drawings) == sorted(ARTISTS), code
            assert len({(split, name) for _, split, name in drawings}) == 1, code

    def test_are_drawings_on_white(self, emoji):
        white = np.mean([(pixels[[0, 0, -1, -1], [0, -1, 0, -1]] == 255).all() for pixels in emoji.values()])
        assert white > 0.9
