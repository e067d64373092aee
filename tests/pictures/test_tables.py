"""A table of labels is read as people write it, finds the files that it means, and keeps groups together."""

import shutil

import pandas as pd
import pytest
from made_pictures import findings, noise

from helpers.pictures import folders, images, named_files, tables


@pytest.fixture
def beside(tmp_path):
    """Twelve pictures in one folder, named as cameras do."""
    folder = tmp_path / "animals"
    (folder / "pics").mkdir(parents=True)
    for number in range(12):
        noise().save(folder / "pics" / f"IMG_{number:02d}.PNG")
    return folder


def rows(name="pics/IMG_{:02d}.PNG"):
    return [(name.format(number), "cat" if number < 6 else "dog") for number in range(12)]


def write(folder, lines, head="file,label", name="labels.csv", encoding="utf-8"):
    text = "\n".join([head, *(",".join(map(str, line)) for line in lines)])
    (folder / name).write_text(text + "\n", encoding=encoding)
    return folder / name


class TestWays:
    @pytest.mark.parametrize(
        "name",
        [
            "pics/IMG_{:02d}.PNG",
            "IMG_{:02d}.PNG",
            "img_{:02d}.png",
            "IMG_{:02d}",
            "pics\\IMG_{:02d}.PNG",
            "C:\\Users\\me\\animals\\pics\\IMG_{:02d}.PNG",
            "/content/drive/pics/IMG_{:02d}.PNG",
            "./pics/IMG_{:02d}.PNG",
            " pics/IMG_{:02d}.PNG ",
        ],
    )
    def test_of_naming_a_file(self, beside, name):
        report = folders.examine(write(beside, rows(name)))
        assert report.counts == {"cat": 6, "dog": 6} and report.usable and not report.bad

    @pytest.mark.parametrize(
        "head",
        ["file,label", "Filename,Class", "image_id,category", '"Image Path",Target', "id,breed", "\ufefffile,label"],
    )
    def test_of_naming_a_column(self, beside, head):
        assert folders.examine(write(beside, rows(), head)).counts == {"cat": 6, "dog": 6}

    @pytest.mark.parametrize(
        ("head", "first"), [("filename,filepath,note,label", "1.jpg"), ("image_id,photo,note,species", "Rex")]
    )
    def test_of_several_columns_that_in_which_files_are_found_is_taken(self, beside, head, first):
        shutil.copytree(beside / "pics", beside / "more")
        lines = [(first, name, "x", label) for name, label in rows()]
        assert folders.examine(write(beside, lines, head)).counts == {"cat": 6, "dog": 6}

    def test_an_empty_column_is_not_taken(self, beside):
        lines = [(name, "", label) for name, label in rows()]
        assert folders.examine(write(beside, lines, "file,label,class")).counts == {"cat": 6, "dog": 6}

    def test_with_lines_above_that_of_the_names(self, beside):
        path = write(beside, rows(), "# made by hand, on a Monday\nfile,label")
        assert folders.examine(path).counts == {"cat": 6, "dog": 6}

    @pytest.mark.parametrize("delimiter", [";", "\t", "|"])
    def test_of_telling_columns_apart(self, beside, delimiter):
        path = write(beside, rows(), name="labels.tsv")
        path.write_text(path.read_text().replace(",", delimiter))
        assert folders.examine(path).counts == {"cat": 6, "dog": 6}

    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
    def test_of_writing_letters(self, beside, encoding):
        lines = [(name, label.replace("cat", "Löwe")) for name, label in rows()]
        assert folders.examine(write(beside, lines, encoding=encoding)).counts == {"Löwe": 6, "dog": 6}

    def test_without_a_line_of_names(self, beside):
        path = write(beside, rows()[1:], head=",".join(rows()[0]))
        assert folders.examine(path).counts == {"cat": 6, "dog": 6}

    def test_with_other_columns_between(self, beside):
        lines = [(number, name, "x", label, 3.5) for number, (name, label) in enumerate(rows())]
        assert folders.examine(write(beside, lines, ",file,note,label,weight")).counts == {"cat": 6, "dog": 6}

    @pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
    def test_of_writing_letters_that_nothing_tells(self, beside, encoding):
        assert folders.examine(write(beside, rows(), encoding=encoding)).counts == {"cat": 6, "dog": 6}

    def test_another_alphabet_is_said_to_be_guessed(self, beside):
        lines = [(name, label.replace("cat", "Ćma")) for name, label in rows()]
        (found,) = findings(write(beside, lines, encoding="cp1250"), "labels.csv")
        assert found[0] == "not in UTF-8" and "save it as CSV in UTF-8" in found[1]

    def test_a_line_for_a_spreadsheet_and_empty_cells_at_the_end(self, beside):
        path = write(beside, [(*line, "", "") for line in rows()], "file,label,,")
        path.write_text("sep=;\n" + path.read_text().replace(",", ";"))
        assert folders.examine(path).counts == {"cat": 6, "dog": 6}

    def test_which_columns_were_taken_is_said(self, beside):
        lines = [(name, f"shot {n}", label, n // 2, n % 5) for n, (name, label) in enumerate(rows())]
        (found,) = findings(write(beside, lines, "image,name,species,date,fold"), "labels.csv")
        assert found[0] == "file from 'image', label from 'species', group from 'date'; not used: 'name', 'fold'"
        assert not folders.examine(write(beside, rows())).rows[0].found.startswith("file from")

    def test_lines_that_do_not_fit_are_said_in_plain_words(self, beside):
        with pytest.raises(tables.TableError, match="line 3 has more cells than the first line, or a quotation"):
            folders.examine(write(beside, [("a.png", "cat"), ("b.png", "dog", "x", "y")], "file,label"))


class TestFinding:
    def test_a_file_of_another_folder_is_not_taken_for_one_that_is_missing(self, beside):
        (beside / "more").mkdir()
        noise().save(beside / "more" / "IMG_20.png")
        path = write(beside, [*rows(), ("pics/IMG_20.png", "cat"), ("C:\\me\\pics\\IMG_20.png", "dog")])
        report = folders.examine(path)
        assert list(report.bad.values()) == ["is in the table, but there is no such file"] * 2

    def test_a_file_belongs_to_the_line_whose_folder_fits(self, beside):
        lines = [*rows("old/IMG_{:02d}.PNG"), *rows()]
        report = folders.examine(write(beside, lines))
        assert report.counts == {"cat": 6, "dog": 6} and len(report.bad) == 12
        report = folders.examine(write(beside, [*rows("old/IMG_{:02d}.PNG"), *rows("new/IMG_{:02d}.PNG")]))
        assert not report.usable and len(report.bad) == 24
        assert "the only file of this name fits another line as well" in str(report)

    @pytest.mark.parametrize(
        ("written", "here"),
        [
            ("more/IMG_20.PNG", "pics/IMG_20.PNG"),
            ("/home/me/more/IMG_20.PNG", "pics/IMG_20.PNG"),
            ("PICS/IMG_20.PNG", "pics/IMG_20.PNG"),
        ],
    )
    def test_where_paths_are_exact_no_other_file_is_taken(self, beside, written, here):
        (beside / "PICS").mkdir(exist_ok=True)
        noise().save(beside / "PICS" / "another.png")
        (beside / here).parent.mkdir(exist_ok=True)
        noise().save(beside / here)
        report = folders.examine(write(beside, [*rows(), (written, "cat")]))
        assert report.counts == {"cat": 6, "dog": 6}
        assert list(report.bad.values()) == ["is in the table, but there is no such file"]

    @pytest.mark.parametrize("missing", ["0.jpg", "0"])
    def test_names_alone_are_not_found_elsewhere_where_most_are_beside_the_table(self, beside, missing):
        for path in list((beside / "pics").iterdir()):
            path.rename(beside / path.name)
        (beside / "thumbs").mkdir()
        noise().save(beside / "thumbs" / "0.jpg")
        report = folders.examine(write(beside, [*rows("IMG_{:02d}.PNG"), (missing, "cat")]))
        assert report.counts == {"cat": 6, "dog": 6}
        assert list(report.bad.values()) == ["is in the table, but there is no such file"]

    def test_one_picture_beside_the_table_does_not_hide_the_others(self, beside):
        (beside / "pics" / "IMG_00.PNG").rename(beside / "IMG_00.PNG")
        assert folders.examine(write(beside, rows("IMG_{:02d}.PNG"))).counts == {"cat": 6, "dog": 6}

    def test_folders_of_one_name_are_not_guessed_between(self, beside):
        for name in ("original", "augmented"):
            shutil.copytree(beside / "pics", beside / name / "pics")
        shutil.rmtree(beside / "pics")
        report = folders.examine(write(beside, rows("/home/me/pics/IMG_{:02d}.PNG")))
        assert not report.usable and "several files have this name" in str(report)
        shutil.copytree(beside / "original" / "pics", beside / "pics")
        assert folders.examine(write(beside, rows("/home/me/pics/IMG_{:02d}.PNG"))).counts == {"cat": 6, "dog": 6}

    def test_a_folder_that_is_missing_is_not_another_one(self, beside):
        (beside / "bird").mkdir()
        (beside / "pics").rename(beside / "cat")
        for number in range(6, 12):
            noise().save(beside / "bird" / f"IMG_{number:02d}.PNG")
        lines = [(f"/home/me/{label}/IMG_{n:02d}.PNG", label) for n, (_, label) in enumerate(rows())]
        report = folders.examine(write(beside, lines))
        assert report.counts == {"cat": 6} and len(report.bad) == 6

    @pytest.mark.parametrize(
        ("written", "here"), [("0.jpg", "0.jpg.png"), ("strasse.png", "straße.png"), ("a.jpg", "a.png")]
    )
    def test_a_name_that_is_nearly_the_same_is_another(self, beside, written, here):
        noise().save(beside / "pics" / here)
        report = folders.examine(write(beside, [*rows(), (f"pics/{written}", "cat")]))
        assert list(report.bad.values()) == ["is in the table, but there is no such file"]

    def test_one_file_is_not_that_of_two_lines_with_other_letters(self, beside):
        report = folders.examine(write(beside, [*rows(), ("pics/img_00.png", "cat")]))
        assert report.counts == {"cat": 6, "dog": 6} and len(report.bad) == 1

    def test_a_path_out_of_the_folder_is_refused_and_one_that_comes_back_is_not(self, beside):
        for path in list((beside / "pics").iterdir()):
            (beside / "labels" / "pics").mkdir(parents=True, exist_ok=True)
            shutil.copy(path, beside / "labels" / "pics")
        report = folders.examine(write(beside / "labels", rows("../pics/IMG_{:02d}.PNG")))
        assert not report.usable and "lies outside its folder" in str(report.table["found"].tolist())
        assert folders.examine(write(beside, rows("more/../pics/IMG_{:02d}.PNG"))).usable

    @pytest.mark.parametrize("name", ["file:///C:/my/pics/IMG_{:02d}.PNG", "https://host/a%20b/pics/IMG_{:02d}.PNG"])
    def test_addresses_are_paths(self, beside, name):
        assert folders.examine(write(beside, rows(name))).counts == {"cat": 6, "dog": 6}

    def test_many_folders_of_the_same_names_are_found_at_once(self, tmp_path):
        for number in range(400):
            (tmp_path / "t" / f"s{number:04d}").mkdir(parents=True)
            for shot in range(3):
                (tmp_path / "t" / f"s{number:04d}" / f"{shot}.jpg").touch()
        names = [f"/d/s{number:04d}/{shot}.jpg" for number in range(400) for shot in range(3)]
        found, places = named_files.Finder(tmp_path / "t").found(names)
        assert all(found[name] == tmp_path / "t" / name[3:] for name in names) and len(places) == 400

    def test_of_another_machine_a_folder_is_one_folder_here(self, beside):
        noise().save(beside / "pics" / "IMG_20.PNG")
        (beside / "more").mkdir()
        noise().save(beside / "more" / "IMG_21.PNG")
        lines = [*rows("C:\\me\\pics\\IMG_{:02d}.PNG"), ("C:\\me\\new\\IMG_20.PNG", "dog")]
        lines += [("C:\\me\\pics\\IMG_21.PNG", "cat")]
        path = write(beside, lines)
        assert folders.examine(path).counts == {"cat": 6, "dog": 6}
        assert findings(path, "labels.csv")[0][0].endswith("found by name in pics/ 12")

    def test_names_alone_are_found_anywhere_and_it_is_said_where(self, beside):
        (beside / "more").mkdir()
        (beside / "pics" / "IMG_00.PNG").rename(beside / "more" / "IMG_00.PNG")
        path = write(beside, rows("IMG_{:02d}.PNG"))
        assert folders.examine(path).counts == {"cat": 6, "dog": 6}
        assert findings(path, "labels.csv")[0][0].endswith("found by name in pics/ 11, more/ 1")

    def test_none_in_the_folder_of_the_table_is_one_obstacle(self, beside):
        obstacles = folders.examine(write(beside, rows("D:\\shots\\DSC_{:02d}.JPG"))).obstacles
        none = "labels.csv: none of the 12 files that the table names is in its folder, such as shots/DSC_00.JPG; "
        assert obstacles[0].startswith(none) and "no picture with a label" in obstacles[1] and len(obstacles) == 2

    def test_a_hidden_file_is_found_where_it_is_named(self, beside):
        noise().save(beside / ".hidden.png")
        assert folders.examine(write(beside, [*rows(), (".hidden.png", "cat")])).counts == {"cat": 7, "dog": 6}

    def test_a_file_at_the_very_path_comes_before_others_of_its_name(self, beside):
        shutil.copytree(beside / "pics", beside / "backup" / "pics")
        assert folders.examine(write(beside, rows())).counts == {"cat": 6, "dog": 6}

    def test_what_lies_beside_pictures_under_their_names_is_in_nobodys_way(self, beside):
        for path in list((beside / "pics").iterdir()):
            path.with_name(f"{path.name}.json").write_text("{}")
            path.with_suffix(".txt").write_text("?")
        for name in ("pics/IMG_{:02d}.PNG", "IMG_{:02d}"):
            assert folders.examine(write(beside, rows(name))).counts == {"cat": 6, "dog": 6}


class TestSplits:
    def test_are_taken_as_the_table_says(self, beside):
        given = (["train"] * 3 + ["val"] + ["Test"] * 2) * 2
        lines = [(*line, split) for line, split in zip(rows(), given, strict=True)]
        data = images.load(write(beside, lines, "file,label,split"), 32)
        assert data.counts().to_numpy().tolist() == [[3, 1, 2]] * 2 and data.name == "animals"

    def test_an_unknown_one_is_named(self, beside):
        lines = [(*line, "train" if number % 6 else "holdout") for number, line in enumerate(rows())]
        path = write(beside, lines, "file,label,split")
        report = folders.examine(path)
        assert list(report.bad.values()) == ["the table says 'holdout' for its split"] * 2

    def test_are_those_of_the_folders_where_no_column_tells(self, beside):
        for number in range(12):
            inside = beside / ("test" if number % 6 > 3 else "train")
            inside.mkdir(exist_ok=True)
            (beside / "pics" / f"IMG_{number:02d}.PNG").rename(inside / f"IMG_{number:02d}.PNG")
        lines = [(f"{'test' if n % 6 > 3 else 'train'}/IMG_{n:02d}.PNG", label) for n, (_, label) in enumerate(rows())]
        path = write(beside, lines)
        assert findings(path, "labels.csv")[0][0] == "no column for the split, but folders of that name: train, test"
        assert images.load(path, 32).counts()["test"].tolist() == [2, 2]

    def test_a_picture_of_two_is_left_out(self, beside):
        lines = [(*line, ("train", "test")[n % 2]) for n, line in enumerate(rows())] + [(*rows()[0], "test")]
        report = folders.examine(write(beside, lines, "file,label,split"))
        assert list(report.bad.values()) == ["has several splits in the table: test, train"]

    def test_a_column_without_any_is_an_obstacle(self, beside):
        path = write(beside, [(*line, n % 3) for n, line in enumerate(rows())], "file,label,split")
        assert any("the column for the split says '0', '1', '2'" in one for one in folders.examine(path).obstacles)

    def test_lines_are_asked_for_and_not_folders(self, beside):
        path = write(
            beside, [(*line, "train" if n < 6 else "test") for n, line in enumerate(rows())], "file,label,split"
        )
        obstacles = folders.examine(path).obstacles
        assert obstacles and not any("folder" in obstacle for obstacle in obstacles)
        path = write(beside, [(name, "cat") for name, _ in rows()])
        assert folders.examine(path).obstacles == (
            "(all): one class only, cat; give the table lines of at least 2 labels",
        )


class TestGroups:
    @pytest.mark.parametrize("nothing", ["NA", "nan", "None", "-", ""])
    def test_none_is_no_group(self, beside, nothing):
        assert not folders.examine(write(beside, [(*line, nothing) for line in rows()], "file,label,group")).series

    @pytest.mark.parametrize("two", [("P1", "p1"), ("003", "3"), ("3", "3.0"), ("P  1", "P 1")])
    def test_written_in_two_ways_is_one(self, beside, two):
        lines = [(*line, two[n] if n < 2 else f"x{n}") for n, line in enumerate(rows())]
        assert len(folders.examine(write(beside, lines, "file,label,PatientID")).series) == 2

    @pytest.mark.parametrize(
        "name", ["PatientID", "patientId", "subject_id", "GroupID", "lesion_id", "Session Id", "Clip"]
    )
    def test_are_known_by_many_names(self, beside, name):
        lines = [(*line, n // 2) for n, line in enumerate(rows())]
        assert len(folders.examine(write(beside, lines, f"file,label,{name}")).series) == 12

    def test_in_two_given_splits_is_said(self, beside):
        lines = [(*line, ("train", "test")[n % 2], n // 2) for n, line in enumerate(rows())]
        report = folders.examine(write(beside, lines, "file,label,split,group"))
        assert report.table["found"].tolist().count("its pictures are in test and train") == 6

    def test_of_two_of_a_picture_all_stay_together(self, beside):
        lines = [(*line, f"{n // 6} {n % 6 // 2}") for n, line in enumerate(rows())] + [(*rows()[0], "1 0")]
        report = folders.examine(write(beside, lines, "file,label,group"))
        together = {number for path, number in report.series.items() if path.name in ("IMG_00.PNG", "IMG_06.PNG")}
        assert len(together) == 1

    def test_that_no_deal_keeps_whole_are_an_obstacle_and_never_divided_unsaid(self, beside):
        """Classes a and b force s and r into one split, so that c, of r, s and t, cannot be in all three."""
        for number in range(12, 18):
            noise().save(beside / "pics" / f"IMG_{number:02d}.PNG")
        people = [
            *(("a", one) for one in "ppqqrr"),
            *(("b", one) for one in "ppqqss"),
            *(("c", one) for one in "rrsstt"),
        ]
        lines = [(f"pics/IMG_{number:02d}.PNG", *line) for number, line in enumerate(people)]
        path = write(beside, lines, "file,label,person")
        obstacles = folders.examine(path).obstacles
        assert obstacles and "no way was found to put each into one split" in obstacles[0]
        with pytest.raises(ValueError, match="give the table a column split"):
            images.load(path)

    @pytest.mark.parametrize("seed", range(4))
    def test_stay_in_one_split(self, beside, seed):
        lines = [(*line, f"day {number // 2}") for number, line in enumerate(rows())]
        data = images.load(write(beside, lines, "file,label,group"), 32, seed=seed)
        of_group = {}
        for split in images.SPLITS:
            for path in data.files(split):
                of_group.setdefault(int(path.name[4:6]) // 2, set()).add(split)
        assert len(of_group) == 6 and all(len(splits) == 1 for splits in of_group.values())
        assert data.counts().to_numpy().min() >= 1

    def test_are_told_for_cross_validation(self, beside):
        lines = [(*line, f"day {number // 2}") for number, line in enumerate(rows())]
        data = images.load(write(beside, lines, "file,label,group"), 32)
        for split in images.SPLITS:
            days = [int(path.name[4:6]) // 2 for path in data.files(split)]
            series = data.series(split).tolist()
            assert len(set(zip(days, series, strict=True))) == len(set(days)) == len(set(series))

    def test_moved_to_other_pictures_deal_anew(self, beside):
        before = images.load(write(beside, [(*line, n // 2) for n, line in enumerate(rows())], "file,label,group"))
        groups = [number // 2 for number in range(12)]
        groups[1], groups[2] = groups[2], groups[1]
        lines = [(*line, group) for line, group in zip(rows(), groups, strict=True)]
        assert images.load(write(beside, lines, "file,label,group")).folder != before.folder

    def test_too_few_for_the_splits_are_an_obstacle(self, beside):
        lines = [(*line, f"day {number // 3}") for number, line in enumerate(rows())]
        path = write(beside, lines, "file,label,patient_id")
        assert folders.examine(path).obstacles[0].startswith("cat: 2 groups in the table: each goes into one split")
        with pytest.raises(ValueError, match="add pictures of other groups"):
            images.load(path)

    def test_another_grouping_deals_anew(self, beside):
        before = images.load(
            write(beside, [(*line, 0 if n % 6 < 2 else n) for n, line in enumerate(rows())], "file,label,group")
        )
        after = images.load(write(beside, [(*line, n) for n, line in enumerate(rows())], "file,label,group"))
        assert before.folder != after.folder


class TestTrouble:
    def test_each_kind_of_line_says_what_is_wrong_with_it(self, beside):
        lines = [*rows(), ("IMG_00.PNG", "dog"), ("IMG_99.PNG", "cat"), ("IMG_01.PNG", "")]
        shutil.copytree(beside / "pics", beside / "more")
        noise().save(beside / "more" / "IMG_12.png")
        path = write(beside, lines)
        assert findings(path, "IMG_99.PNG")[0][0] == "is in the table, but there is no such file"
        found = folders.examine(path).table["found"].tolist()
        assert "is in the table, but several files have this name" in found
        assert found.count("is in the table, but there is no such file") == 1
        assert "13 pictures that the table does not name, such as more/IMG_00.PNG" in found

    def test_a_picture_of_two_labels_and_one_of_none_are_left_out(self, beside):
        lines = [*rows()[:-1], (rows()[-1][0], ""), (rows()[0][0], "dog")]
        report = folders.examine(write(beside, lines))
        assert report.counts == {"cat": 5, "dog": 5}
        assert list(report.bad.values()) == ["has no label in the table", "has several labels in the table: cat, dog"]
        assert images.load(beside / "labels.csv", 32, on_bad="skip").counts().to_numpy().sum() == 10

    def test_a_file_elsewhere_is_never_read(self, beside, tmp_path):
        noise().save(tmp_path / "private.png")
        for name in ("../private.png", str(tmp_path / "private.png")):
            report = folders.examine(write(beside, [*rows(), (name, "cat")]))
            assert report.counts == {"cat": 6, "dog": 6} and len(report.bad) == 1

    @pytest.mark.parametrize(("label", "stored"), [("n/a", "n_a"), (".hidden", "_hidden"), ("a:b*", "a_b_")])
    def test_a_label_that_no_folder_can_have_is_kept_under_another(self, beside, label, stored):
        lines = [(name, label if old == "cat" else old) for name, old in rows()]
        path = write(beside, lines)
        assert stored in folders.examine(path).counts
        data = images.load(path, 32)
        assert stored in data.class_names and all(file.is_relative_to(data.folder) for file in data.files("train"))

    def test_labels_that_differ_only_there_stay_two_classes(self, beside):
        lines = [(name, "a/b" if label == "cat" else "a_b") for name, label in rows()]
        assert folders.examine(write(beside, lines)).counts == {"a_b": 6, "a_b (2)": 6}

    def test_columns_that_it_lacks_are_named(self, beside):
        with pytest.raises(
            tables.TableError, match="has the columns 'a', 'b', 'c': expected one for 'file' and one for"
        ):
            folders.examine(write(beside, [], "a,b,c"))
        with pytest.raises(ValueError, match=r"expected one for 'label' .* table.idxmax\(axis=1\)"):
            images.load(write(beside, [("IMG_00.PNG", 1, 0)], "file,cat,dog"))

    def test_a_table_of_names_alone_and_one_of_no_files_are_told(self, beside):
        with pytest.raises(tables.TableError, match="has one line: expected names of columns, and a line for each"):
            folders.examine(write(beside, []))
        report = folders.examine(write(beside, [("", "cat"), ("", "dog")]))
        assert report.table["found"].tolist().count("a line of the table that names no file") == 2
        assert "(all): no picture with a label" in report.obstacles[0]

    def test_a_class_of_no_name_is_asked_for(self, beside):
        lines = [(name, "nan" if label == "cat" else label) for name, label in rows()]
        assert "which often stands for nothing" in str(folders.examine(write(beside, lines)).table["found"].tolist())

    @pytest.mark.parametrize("label", [".", "..", "...", "\u200b", "a\tb"])
    def test_a_label_of_signs_alone_is_a_class_as_any(self, beside, label):
        lines = [(name, label if old == "cat" else old) for name, old in rows()]
        report = folders.examine(write(beside, lines))
        assert sorted(report.counts.values()) == [6, 6] and report.usable and not report.bad

    @pytest.mark.parametrize("content", [b"", b"\n\n", b"\xff\xfe\x00", b'file,label\n"a', bytes(range(256))])
    def test_what_is_no_table_is_said(self, beside, content):
        (beside / "labels.csv").write_bytes(content)
        with pytest.raises(ValueError, match="labels.csv|no class folder"):
            images.load(beside / "labels.csv")

    def test_pictures_of_one_name_in_two_folders_are_both_kept(self, beside):
        (beside / "more").mkdir()
        for number in range(3):
            noise().save(beside / "more" / f"IMG_{number:02d}.PNG")
        lines = [*rows(), *((f"more/IMG_{number:02d}.PNG", "cat") for number in range(3))]
        data = images.load(write(beside, lines), 32, seed=3)
        assert data.counts().sum(axis=1).tolist() == [9, 6]


def test_reading_needs_no_file_column_twice(tmp_path):
    pd.DataFrame({"filename": ["a"], "id": ["1"], "label": ["x"]}).to_csv(tmp_path / "t.csv", index=False)
    assert tables.read(tmp_path / "t.csv", len)[0].to_dict("records") == [{"file": "a", "label": "x"}]
