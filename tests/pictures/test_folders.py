"""A folder is judged as a whole: its classes, their sizes, its splits, and what else people have in it."""

import shutil
from pathlib import Path

import pytest
from made_pictures import findings, noise, write

from helpers.pictures import folders, images, listing


class TestTheCollection:
    def test_nothing_is_said_of_a_sound_one(self, own):
        report = folders.examine(str(own))
        assert len(report.table) == 0 and report.usable and report.counts == {"bird": 20, "fish": 20}
        assert report.summary().splitlines() == [
            "Pictures that can be used: 40 (bird 20, fish 20).",
            "Files left out: none.",
            "Next: images.load(folder).",
        ]
        assert report.good["bird"] == sorted((own / "bird").iterdir())

    def test_one_class_is_an_obstacle(self, own):
        shutil.rmtree(own / "fish")
        report = folders.examine(own)
        assert not report.usable and report.obstacles[0].startswith("(all): one class only, bird; put the pictures")
        assert "Obstacle: (all): one class only" in report.summary() and "examine the folder again" in report.summary()

    def test_pictures_without_classes_are_an_obstacle(self, own):
        report = folders.examine(own / "bird")
        assert not report.usable and "no class folder" in report.obstacles[0]
        assert report.table["found"].tolist().count("a picture beside the class folders") == 20

    def test_an_empty_class_is_an_obstacle(self, own):
        (own / "cow").mkdir()
        assert folders.examine(own).obstacles == ("cow: no picture that can be used; add some, or delete the folder",)

    @pytest.mark.parametrize(("left", "found"), [(1, "1 picture"), (2, "2 pictures")])
    def test_fewer_than_three_cannot_be_split(self, own, left, found):
        for path in sorted((own / "bird").iterdir())[left:]:
            path.unlink()
        report = folders.examine(own)
        assert f"bird: {found}: cannot be split three ways; add some: 3 at least" in report.obstacles
        with pytest.raises(ValueError, match=f"bird: {found}: cannot be split three ways; add some: 3 at least"):
            images.load(own, 32)

    def test_three_pictures_a_class_can_be_split_but_conclude_nothing_and_it_is_said(self, own):
        for path in own.rglob("*1?.png"):
            path.unlink()
        for path in own.rglob("*0[3-9].png"):
            path.unlink()
        report = folders.examine(own)
        assert report.usable and report.counts == {"bird": 3, "fish": 3}
        done = "can be split, but 1 picture to test can conclude nothing; add some: 20 at least"
        assert report.table.to_numpy().tolist() == [["bird", "3 pictures", done], ["fish", "3 pictures", done]]
        assert images.load(own, 32).counts().to_numpy().tolist() == [[1, 1, 1], [1, 1, 1]]

    def test_the_share_that_is_said_to_be_tested_is_the_share_that_is(self, own):
        for number in range(15, 20):
            (own / "bird" / f"bird{number}.png").unlink()
        assert "but 4 pictures to test" in folders.examine(own).table["done"].item()
        assert images.load(own, 32).counts().loc["bird", "test"] == 4

    def test_very_unequal_classes_are_said(self, own):
        for path in sorted((own / "bird").iterdir())[5:]:
            path.unlink()
        assert "very unequal classes: fish 20, bird 5" in folders.examine(own).table["found"].tolist()

    @pytest.mark.parametrize("twin", ["Fish", "fish ", "f ish"])
    def test_class_names_that_differ_only_by_capitals_or_blanks_are_said(self, own, twin):
        (own / twin).mkdir()
        for number in range(20):
            noise().save(own / twin / f"{number}.png")
        if len(list(own.iterdir())) == 2:
            pytest.skip("this file system makes no difference between them")
        ((about, found, _),) = folders.examine(own).table.to_numpy()
        assert repr(twin) in about and found == "class names that differ only by capitals or blanks"

    def test_a_path_that_is_no_folder_is_said_at_once(self, own, tmp_path):
        with pytest.raises(ValueError, match="none' is no folder: expected one with a folder of pictures a class"):
            folders.examine(tmp_path / "none")
        with pytest.raises(ValueError, match="Unpack an archive first, with your own system, and give the folder"):
            folders.examine(own / "bird" / "bird00.png")

    def test_nothing_in_the_folder_is_changed(self, own):
        write(own / "fish" / "notes.jpg", b"no picture")
        before = {path: path.read_bytes() for path in own.rglob("*") if path.is_file()}
        folders.examine(own)
        assert {path: path.read_bytes() for path in own.rglob("*") if path.is_file()} == before

    def test_no_path_of_the_machine_is_shown(self, own, tmp_path):
        write(own / "fish" / "notes.jpg", b"no picture")
        report = folders.examine(own)
        assert str(tmp_path) not in str(report) + report._repr_html_()

    def test_a_class_of_railway_trains_is_no_split(self, own):
        (own / "fish").rename(own / "train")
        report = folders.examine(own)
        assert report.usable and report.counts == {"bird": 20, "train": 20}
        assert images.load(own, 32).class_names == ("bird", "train")


class TestGivenSplits:
    @pytest.fixture
    def split(self, own):
        for name in images.SPLITS:
            (own / name).mkdir()
        for name in ("bird", "fish"):
            for split in images.SPLITS[1:]:
                (own / split / name).mkdir()
                for number in range(2):
                    (own / name / f"{name}0{number}.png").rename(own / split / name / f"{number}.png")
                    noise().save(own / name / f"{name}0{number}.png")
            (own / name).rename(own / "train" / name)
        return own

    def test_are_understood(self, split):
        report = folders.examine(split)
        assert len(report.table) == 0 and report.counts == {"bird": 24, "fish": 24}

    def test_a_missing_one_and_classes_that_differ_are_obstacles(self, split):
        shutil.rmtree(split / "validation")
        (split / "test" / "fish").rename(split / "test" / "fishes")
        obstacles = folders.examine(split).obstacles
        assert [text.partition(";")[0] for text in obstacles] == [
            "train: lacks classes that another split has (fishes)",
            "test: lacks classes that another split has (fish)",
        ]

    def test_a_split_without_usable_pictures_of_a_class_is_an_obstacle(self, split):
        for path in (split / "test" / "fish").iterdir():
            path.write_text("no picture")
        assert folders.examine(split).obstacles == (
            "test/fish: no picture that can be used; add some, or delete the folder",
        )

    @pytest.mark.parametrize(
        "names", [("Train", "Validation", "Test"), ("training", "val", "testing"), ("train_set", "valid", "TEST")]
    )
    def test_go_by_the_names_that_people_give_them(self, split, names):
        for usual, other in zip(images.SPLITS, names, strict=True):
            (split / usual).rename(split / "x")
            (split / "x").rename(split / other)
        assert folders.examine(split).usable
        assert images.load(split, 32).counts().loc["fish"].to_dict() == {"train": 20, "validation": 2, "test": 2}

    @pytest.mark.parametrize(
        ("left", "counts"),
        [(("train", "test"), [16, 4, 2]), (("train", "validation"), [14, 2, 6]), (("train",), [12, 3, 5])],
    )
    def test_what_is_missing_is_drawn_from_train_and_said(self, split, left, counts):
        for name in set(images.SPLITS) - set(left):
            shutil.rmtree(split / name)
        report = folders.examine(split)
        said = [f"no folder for {name}" for name in images.SPLITS if name not in left]
        assert report.usable and report.table["found"].tolist() == said
        data = images.load(split, 32)
        assert data.counts().loc["fish"].tolist() == data.counts().loc["bird"].tolist() == counts
        assert {path.name for path in data.files("test")} == {
            path.name for path in images.load(split, 32, batch_size=1).files("test")
        }

    def test_a_train_too_small_to_draw_from_is_an_obstacle(self, split):
        shutil.rmtree(split / "validation")
        for path in sorted((split / "train" / "fish").iterdir())[1:]:
            path.unlink()
        (obstacle,) = folders.examine(split).obstacles
        assert obstacle == "train/fish: 1 picture: cannot be split two ways; add some: 2 at least"

    def test_a_missing_train_is_named(self, split):
        shutil.rmtree(split / "train")
        (obstacle,) = folders.examine(split).obstacles
        assert obstacle.startswith("train: this folder is missing beside the others; add it")

    @pytest.mark.parametrize("names", [("train", "test"), ("Training", "val")])
    def test_without_class_folders_they_are_no_classes(self, own, names):
        for old, new in zip(("bird", "fish"), names, strict=True):
            (own / old).rename(own / new)
        write(own / "labels.csv", b"?")
        (obstacle,) = folders.examine(own).obstacles
        assert "no class folders: " in obstacle and "put the pictures of a class into a folder named" in obstacle
        assert "or give the table of labels: images.load('.../labels.csv')" in obstacle
        ((_, done),) = findings(own, "labels.csv")
        assert "give the table in place of the folder: images.load('.../labels.csv')" in done
        with pytest.raises(ValueError, match="no class folders"):
            images.load(own)

    def test_two_folders_for_one_split_are_refused_by_name(self, split):
        shutil.copytree(split / "validation", split / "val")
        for look in (folders.examine, images.load):
            with pytest.raises(ValueError, match="several folders for 'validation': val, validation. Expected one"):
                look(split)

    def test_what_is_beside_them_is_said(self, split):
        (split / "labels.csv").write_text("?")
        (split / "notes").mkdir()
        shutil.copytree(split / "train", split / "more")
        report = folders.examine(split)
        assert report.usable and report.table["found"].tolist() == [
            "40 pictures beside the folders of the splits",
            *["beside the folders of the splits"] * 2,
        ]
        assert "Files left out: 40 pictures in no class." in report.summary()

    def test_a_letter_with_dots_is_one_letter_or_two(self, split):
        for index, name in enumerate(images.SPLITS):
            (split / name / "fish").rename(split / name / ("Bär" if index else "Ba\u0308r"))
        assert folders.examine(split).usable
        assert images.load(split, 32).class_names == ("Bär", "bird")

    def test_one_of_them_that_is_a_link_out_of_the_folder_is_not_looked_into(self, split, tmp_path):
        (split / "train").rename(tmp_path / "private")
        (split / "train").symlink_to(tmp_path / "private")
        report = folders.examine(split)
        assert not report.usable and report.bad[split / "train"] == "a link that leads out of the folder"
        assert "train/bird" not in str(report)
        with pytest.raises(ValueError, match="No model can .* train .a link that leads out of the folder"):
            images.load(split)

    def test_a_test_without_classes_is_an_obstacle(self, split):
        for path in (split / "test").glob("*/*"):
            path.rename(split / "test" / f"{path.parent.name}-{path.name}")
        for name in ("bird", "fish"):
            (split / "test" / name).rmdir()
        (obstacle,) = folders.examine(split).obstacles
        assert obstacle.startswith("test: lacks classes that another split has (bird, fish)")


class TestFoldersOfStrangers:
    @pytest.mark.parametrize("deeper", ["bird", "train", "bird and fish"])
    def test_folders_in_class_folders_say_what_to_give_or_move(self, own, tmp_path, deeper):
        if deeper == "bird and fish":
            (tmp_path / "all").mkdir()
            own.rename(tmp_path / "all" / "own")
            own, about = tmp_path / "all", "own"
        else:
            (own / "fish").rename(own / "x")
            (own / "fish").mkdir()
            (own / "x").rename(own / "fish" / deeper)
            about = "fish"
        said = f"{about}: folders, but no picture; give this folder itself if the folders in it are the classes"
        assert any(obstacle.startswith(said) for obstacle in folders.examine(own).obstacles)
        with pytest.raises(ValueError, match=said):
            images.load(own, on_bad="skip")

    def test_what_a_system_puts_in_is_passed_over(self, own):
        for name in ("Thumbs.db", "thumbs.db", "Desktop.ini", "Icon\r", ".DS_Store"):
            (own / name).touch()
            (own / "fish" / name).touch()
        assert len(folders.examine(own).table) == 0
        assert images.load(own, 32).counts().to_numpy().sum() == 40

    @pytest.mark.parametrize("inner", [("bird", "fish"), ("train", "validation", "test")])
    def test_a_folder_around_the_classes_is_told_to_be_given_itself(self, own, tmp_path, inner):
        for name in inner:
            shutil.copytree(own / "bird", tmp_path / "around" / "data" / name, dirs_exist_ok=True)
        write(tmp_path / "around" / "README.md", b"?")
        (obstacle,) = folders.examine(tmp_path / "around").obstacles
        assert obstacle.startswith("data: folders, but no picture; give this folder itself")

    def test_two_underscores_are_a_name_like_any_other(self, own):
        (own / "fish").rename(own / "__fish")
        assert folders.examine(own).counts == {"__fish": 20, "bird": 20}

    def test_a_class_that_is_a_link_to_the_folder_itself_is_left_out(self, own):
        (own / "loop").symlink_to(own)
        report = folders.examine(own)
        assert report.usable and list(report.bad) == [own / "loop"]

    @pytest.mark.parametrize("refused", ["own", "fish"])
    def test_a_folder_that_cannot_be_read_says_what_to_do(self, own, refused, monkeypatch):
        entries = Path.iterdir

        def iterdir(path):
            if path.name == refused:
                raise PermissionError(13, "Permission denied", str(path))
            return entries(path)

        monkeypatch.setattr(Path, "iterdir", iterdir)
        for look in (folders.examine, images.load):
            with pytest.raises(ValueError, match=f"{refused} cannot be read .Permission denied.. Give yourself"):
                look(own)

    @pytest.mark.parametrize("source", [None, 3, ["own"], b"own", "", "a" * 5000, "a\0b", "~nobody/own"])
    def test_what_is_no_path_of_a_folder_says_what_is_expected(self, source):
        with pytest.raises(ValueError, match="is no folder: expected one with"):
            folders.examine(source)
        with pytest.raises(ValueError, match="No data set and no folder is called .* or the path of a folder"):
            images.load(source)

    def test_an_archive_says_to_unpack_it(self, own, tmp_path):
        archive = shutil.make_archive(str(tmp_path / "bundle"), "zip", own)
        with pytest.raises(ValueError, match="Unpack an archive first, with your own system, and give the folder"):
            images.load(archive)

    def test_a_path_may_begin_at_home_and_end_with_a_slash(self, own, monkeypatch):
        monkeypatch.setenv("HOME", str(own.parent))
        monkeypatch.setenv("USERPROFILE", str(own.parent))
        assert folders.examine("~/own/").usable and images.load("~/own/", 32).name == "own"

    def test_a_folder_in_a_class_folder_is_said(self, own):
        shutil.copytree(own / "bird", own / "fish" / "more")
        ((found, done),) = findings(own, "fish/more")
        assert found.startswith("a folder") and done == "left out"

    def test_a_file_beside_the_class_folders_is_said(self, own):
        noise().save(own / "lost.png")
        (own / "notes.md").write_text("?")
        (found,) = findings(own, "lost.png")
        assert found == ("a picture beside the class folders", "left out; move it into the folder of its class")
        assert findings(own, "notes.md") == [("a file beside the class folders", "left out")]
        report = folders.examine(own)
        assert not report.bad and "Files left out: 1 picture in no class." in report.summary()

    def test_splits_within_the_classes_are_to_be_turned_round(self, own):
        for name in ("bird", "fish"):
            for place, path in enumerate(sorted((own / name).iterdir())):
                (own / name / ("train", "test")[place % 2]).mkdir(exist_ok=True)
                path.rename(own / name / ("train", "test")[place % 2] / path.name)
        obstacles = folders.examine(own).obstacles
        assert obstacles[0] == (
            "bird: folders of splits within a class; put the splits outside and the classes inside: test/bird"
        )

    def test_hidden_files_and_folders_are_passed_over(self, own):
        (own / "fish" / ".DS_Store").write_text("?")
        (own / ".ipynb_checkpoints").mkdir()
        (own / "__MACOSX").mkdir()
        assert len(folders.examine(own).table) == 0

    def test_a_link_within_the_folder_is_a_copy(self, own):
        (own / "fish" / "again.png").symlink_to(own / "fish" / "fish00.png")
        assert folders.examine(own).copies == {own / "fish" / "fish00.png": own / "fish" / "again.png"}

    def test_a_picture_that_changed_behind_a_link_within_the_folder_is_read_anew(self, own):
        (own / ".store").mkdir()
        (own / "fish" / "fish00.png").rename(own / ".store" / "fish00.png")
        (own / "fish" / "fish00.png").symlink_to(own / ".store" / "fish00.png")
        before = images.load(own, 32).folder
        noise().save(own / ".store" / "fish00.png")
        assert images.load(own, 32).folder != before

    def test_the_same_name_in_two_spellings_of_its_letters_makes_two_classes(self, own):
        for spelling in ("B\u00e4r", "Ba\u0308r"):
            (own / spelling).mkdir()
            for index in range(3):
                noise().save(own / spelling / f"{index}.png")
        if len(list(own.iterdir())) == 3:
            pytest.skip("this file system makes no difference between them")
        report = folders.examine(own)
        assert sorted(report.counts.values()) == [3, 3, 20, 20]
        assert "class names that differ only by capitals or blanks" in report.table["found"].tolist()
        assert images.load(own, 32).counts().to_numpy().sum() == 46

    def test_the_folder_itself_may_be_reached_by_a_link(self, own, tmp_path):
        (tmp_path / "link").symlink_to(own)
        assert folders.examine(tmp_path / "link").usable

    def test_a_whole_disk_given_by_mistake_is_refused(self, own, monkeypatch):
        monkeypatch.setattr(listing, "MOST_FILES", 39)
        with pytest.raises(ValueError, match="holds 40 files, expected at most 39"):
            folders.examine(own)


def test_the_intake_needs_no_tensorflow(python):
    process = python("from helpers import intake\nimport sys\nprint('tensorflow' in sys.modules)")
    assert process.communicate(timeout=180)[0].strip() == "False"
