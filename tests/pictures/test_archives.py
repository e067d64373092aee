"""Archives and uploads of unknown origin come out whole and inside their folder, or leave nothing behind."""

import datetime
import gzip
import io
import os
import stat
import struct
import tarfile
import time
import zipfile

import ipywidgets
import numpy as np
import pytest
from PIL import Image

from helpers.pictures import folders, opening

KINDS = ("zip", "tar", "tar.gz")


def picture(seed=0, kind="PNG"):
    stream = io.BytesIO()
    pixels = np.random.default_rng(seed).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(stream, kind)
    return stream.getvalue()


CONTENT = {
    f"{name}/{number}.png": picture(number + 10 * seed)
    for seed, name in enumerate(("bird", "fish"))
    for number in range(3)
}


def packed(path, content, kind=None):
    """Pack name → bytes, whatever the names are."""
    kind = kind or path.name.partition(".")[2]
    if kind == "zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as bundle:
            for name, data in content.items():
                member = zipfile.ZipInfo("placeholder")
                member.filename, member.compress_type = name, zipfile.ZIP_DEFLATED
                bundle.writestr(member, data)
    else:
        with tarfile.open(path, "w:gz" if kind == "tar.gz" else "w") as bundle:
            for name, data in content.items():
                member = tarfile.TarInfo(name)
                member.size = len(data)
                bundle.addfile(member, io.BytesIO(data))
    return path


def files_in(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and not path.name.startswith(".")
    }


@pytest.fixture
def place(tmp_path):
    """Where archives lie, side by side with what is unpacked from them."""
    (tmp_path / "place").mkdir()
    return tmp_path / "place"


@pytest.fixture
def refused(place, tmp_path):
    """Unpack an archive that shall be refused, and see that nothing is left, here or further up."""

    def refused(archive, match, **limits):
        before = sorted(tmp_path.rglob("*"))
        with pytest.raises(folders.ArchiveError, match=match) as error:
            folders.unpack(archive, place / "out", **limits)
        assert "\n" not in str(error.value) and isinstance(error.value, ValueError)
        assert sorted(tmp_path.rglob("*")) == before

    return refused


class TestUnpack:
    @pytest.mark.parametrize("kind", KINDS)
    def test_gives_the_folder_of_classes(self, place, kind):
        target = folders.unpack(packed(place / f"mine.{kind}", CONTENT), place / "new" / "out")
        assert target == place / "new" / "out" and files_in(target) == CONTENT
        assert folders.examine(target).counts == {"bird": 3, "fish": 3}
        assert list(target.parent.iterdir()) == [target]

    @pytest.mark.parametrize("kind", KINDS)
    def test_the_content_decides_not_the_name(self, place, kind):
        archive = packed(place / "mine.rar", CONTENT, kind)
        assert files_in(folders.unpack(archive, place / "out")) == CONTENT

    @pytest.mark.parametrize("top", ["my pictures/", "my/pictures/"])
    def test_a_folder_around_the_classes_is_taken_off(self, place, top):
        archive = packed(place / "mine.zip", {top + name: data for name, data in CONTENT.items()})
        assert files_in(folders.unpack(archive, place / "out")) == CONTENT

    def test_a_single_class_is_not_taken_off(self, place):
        archive = packed(place / "mine.zip", {"top/bird/0.png": CONTENT["bird/0.png"]})
        assert list(files_in(folders.unpack(archive, place / "out"))) == ["bird/0.png"]

    def test_what_systems_add_is_passed_over(self, place):
        added = ("__MACOSX/bird/._0.png", "bird/.DS_Store", "bird/Thumbs.db", ".git/config")
        archive = packed(place / "mine.zip", {**CONTENT, **dict.fromkeys(added, b"?")})
        assert files_in(folders.unpack(archive, place / "out")) == CONTENT

    @pytest.mark.parametrize("kind", KINDS)
    def test_members_for_folders_and_the_dot_are_no_trouble(self, place, kind):
        if kind == "zip":
            archive = packed(place / "mine.zip", {"bird/": b"", "fish/": b"", **CONTENT})
        else:
            archive = place / f"mine.{kind}"
            packed(place / "folders.zip", CONTENT)
            folder = folders.unpack(place / "folders.zip", place / "folders")
            with tarfile.open(archive, "w:gz" if kind == "tar.gz" else "w") as bundle:
                bundle.add(folder, ".")
        assert files_in(folders.unpack(archive, place / "out")) == CONTENT

    def test_the_same_archive_again_leaves_the_folder_as_it_is(self, place):
        archive = packed(place / "mine.zip", CONTENT)
        target = folders.unpack(archive, place / "out")
        (target / "bird" / "0.png").unlink()
        assert folders.unpack(archive, place / "out") == target and "bird/0.png" not in files_in(target)

    def test_an_existing_folder_is_never_written_to(self, place):
        (place / "out").mkdir()
        (place / "out" / "precious.txt").write_text("work")
        with pytest.raises(ValueError, match="exists already: name a new folder"):
            folders.unpack(packed(place / "mine.zip", CONTENT), place / "out")
        folders.unpack(packed(place / "mine.zip", CONTENT), place / "other")
        with pytest.raises(ValueError, match="exists already"):
            folders.unpack(packed(place / "another.zip", {"a/b.png": b"1"}), place / "other")
        assert files_in(place / "out") == {"precious.txt": b"work"} and files_in(place / "other") == CONTENT

    def test_no_member_is_made_executable(self, place):
        with tarfile.open(place / "mine.tar", "w") as bundle:
            member = tarfile.TarInfo("bird/0.png")
            member.mode, member.size, member.uid = 0o6777, 4, 0
            bundle.addfile(member, io.BytesIO(b"#!/x"))
        target = folders.unpack(place / "mine.tar", place / "out")
        assert not (target / "bird" / "0.png").stat().st_mode & (0o111 | stat.S_ISUID | stat.S_ISGID)


class TestAttacks:
    CLIMBING = (
        "../evil.png",
        "bird/../../evil.png",
        "/tmp/evil.png",
        "//server/evil.png",
        "C:/evil.png",
        "C:evil.png",
        "..\\evil.png",
        "bird\\..\\..\\evil.png",
        "\\evil.png",
    )

    @pytest.mark.parametrize("kind", KINDS)
    @pytest.mark.parametrize("name", CLIMBING)
    def test_a_path_that_climbs_out_is_refused(self, place, refused, kind, name):
        refused(
            packed(place / f"mine.{kind}", {**CONTENT, name: b"evil"}), "a name that leads out of the folder: refused"
        )

    def test_a_name_with_a_hidden_end_is_refused(self, place, refused):
        archive = packed(place / "mine.zip", {**CONTENT, "bird/evilX.png": b"1"})
        archive.write_bytes(archive.read_bytes().replace(b"evilX.png", b"evil\0.png"))
        refused(archive, "a name that leads out of the folder")

    @pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE])
    @pytest.mark.parametrize("target", ["/etc/passwd", "../../outside", "bird/0.png"])
    def test_a_link_or_device_in_a_tar_is_refused(self, place, refused, kind, target):
        archive = packed(place / "mine.tar", CONTENT)
        with tarfile.open(archive, "a") as bundle:
            member = tarfile.TarInfo("bird/odd.png")
            member.type, member.linkname = kind, target
            bundle.addfile(member)
        refused(archive, "'bird/odd.png', a link or a device: refused")

    def test_writing_through_a_link_is_refused(self, place, refused, tmp_path):
        (tmp_path / "outside").mkdir()
        with tarfile.open(place / "mine.tar", "w") as bundle:
            link = tarfile.TarInfo("bird")
            link.type, link.linkname = tarfile.SYMTYPE, str(tmp_path / "outside")
            bundle.addfile(link)
            member = tarfile.TarInfo("bird/0.png")
            member.size = 4
            bundle.addfile(member, io.BytesIO(b"evil"))
        refused(place / "mine.tar", "a link or a device")

    @pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR])
    def test_a_link_or_device_in_a_zip_is_refused(self, place, refused, kind):
        with zipfile.ZipFile(place / "mine.zip", "w") as bundle:
            member = zipfile.ZipInfo("bird/odd.png")
            member.external_attr = (kind | 0o777) << 16
            bundle.writestr(member, "/etc/passwd")
        refused(place / "mine.zip", "a link or a device: refused")

    @pytest.mark.parametrize("kind", KINDS)
    def test_more_than_allowed_does_not_come_out(self, place, refused, kind):
        zeros = {f"bird/{number}.png": bytes(2**20) for number in range(8)}
        archive = packed(place / f"mine.{kind}", zeros)
        if kind == "tar":  # not packed at all: as large as what comes out
            refused(archive, "is larger than the 7,340,032 bytes", most_bytes=7 * 2**20)
        else:
            assert archive.stat().st_size < 2**17
            refused(archive, "unpacks to more than 7,340,032 bytes .a zip bomb.*: refused", most_bytes=7 * 2**20)

    def test_a_zip_that_lies_about_its_size_is_counted_as_it_swells(self, place, refused):
        """Both headers say 100 bytes; what comes out is 8 MB."""
        archive = packed(place / "mine.zip", {"bird/0.png": bytes(2**23)})
        data = archive.read_bytes().replace(struct.pack("<I", 2**23), struct.pack("<I", 100))
        archive.write_bytes(data)
        with zipfile.ZipFile(archive) as bundle:
            assert bundle.infolist()[0].file_size == 100
        refused(archive, "zip bomb|damaged", most_bytes=2**20)

    @pytest.mark.parametrize("kind", KINDS)
    def test_too_many_members_are_refused(self, place, refused, kind):
        refused(packed(place / f"mine.{kind}", CONTENT), "more than 5 files", most_members=5)

    def test_a_table_of_contents_that_would_fill_the_memory_is_not_read(self, place, refused, monkeypatch):
        archive = packed(place / "mine.zip", {f"bird/{'x' * 200}{number}.png": b"" for number in range(200)})
        monkeypatch.setattr(zipfile, "ZipFile", lambda *_: pytest.fail("the table was read"))
        refused(archive, "more than 20 files", most_members=20)

    def test_a_tar_header_that_asks_for_gigabytes_is_not_granted(self, place, refused):
        """An extended header (pax, type x) of 1 GB of zeros, in 1 MB of gzip."""
        member = tarfile.TarInfo("PaxHeaders/0")
        member.type, member.size = tarfile.XHDTYPE, 2**30 - 2**20
        with gzip.open(place / "mine.tar.gz", "wb", compresslevel=1) as stream:
            stream.write(member.tobuf())
            for _ in range(64):
                stream.write(bytes(2**20))
        begin = time.process_time()
        refused(place / "mine.tar.gz", "a header of more than 2 MB")
        assert time.process_time() - begin < 5

    def test_a_sparse_tar_that_claims_a_terabyte_is_refused(self, place, refused):
        member = tarfile.TarInfo("bird/0.png")
        member.type = tarfile.GNUTYPE_SPARSE
        header = bytearray(member.tobuf(tarfile.GNU_FORMAT))
        header[386:410] = b"%011o\0%011o\0" % (0, 0)
        header[483:495] = b"%011o\0" % (2**33 - 1)  # the size when it is unpacked
        header[148:156] = b" " * 8
        header[148:156] = b"%06o\0 " % sum(header)
        (place / "mine.tar").write_bytes(bytes(header) + bytes(10240))
        refused(place / "mine.tar", "zip bomb|damaged", most_bytes=2**20)

    @pytest.mark.parametrize("kind", KINDS)
    def test_the_same_name_twice_is_refused(self, place, refused, kind):
        archive = place / f"mine.{kind}"
        content = list(CONTENT.items()) + [("bird/0.png", b"another")]
        if kind == "zip":
            with zipfile.ZipFile(archive, "w") as bundle, pytest.warns(UserWarning, match="Duplicate"):
                for name, data in content:
                    bundle.writestr(name, data)
        else:
            with tarfile.open(archive, "w:gz" if kind == "tar.gz" else "w") as bundle:
                for name, data in content:
                    member = tarfile.TarInfo(name)
                    member.size = len(data)
                    bundle.addfile(member, io.BytesIO(data))
        refused(archive, "holds 'bird/0.png' twice: refused")

    def test_a_file_where_a_folder_has_to_be_is_refused(self, place, refused):
        refused(packed(place / "mine.tar", {"bird": b"1", "bird/0.png": b"2"}), "twice")

    def test_a_name_that_no_disk_takes_is_refused(self, place, refused):
        refused(packed(place / "mine.zip", {"bird/" + "x" * 300: b"1"}), "a name that is too long")
        refused(packed(place / "deep.zip", {"x/" * 900 + "0.png": b"1"}), "a name that is too long")

    def test_a_password_is_said(self, place, refused):
        archive = packed(place / "mine.zip", CONTENT)
        data = bytearray(archive.read_bytes())
        with zipfile.ZipFile(archive) as bundle:
            offset = bundle.infolist()[0].header_offset
        data[offset + 6] |= 1
        data[data.index(b"PK\x01\x02") + 8] |= 1
        archive.write_bytes(data)
        refused(archive, "protected by a password")

    @pytest.mark.parametrize("method", [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
    def test_an_unusual_packing_is_said(self, place, refused, method):
        with zipfile.ZipFile(place / "mine.zip", "w", method) as bundle:
            bundle.writestr("bird/0.png", b"1" * 1000)
        refused(place / "mine.zip", "in an unusual way")


class TestDamage:
    @pytest.mark.parametrize("kind", KINDS)
    @pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
    def test_an_archive_cut_short_leaves_nothing(self, place, refused, kind, share):
        archive = packed(place / f"mine.{kind}", CONTENT)
        data = archive.read_bytes().rstrip(b"\0")
        archive.write_bytes(data[: int(share * len(data))])
        refused(archive, "damaged")

    def test_a_tar_cut_between_two_members_leaves_nothing(self, place, refused):
        archive = packed(place / "mine.tar", CONTENT)
        with tarfile.open(archive) as bundle:
            offset = bundle.getmembers()[3].offset
        archive.write_bytes(archive.read_bytes()[:offset])
        refused(archive, "its end is missing")

    def test_a_byte_that_fell_over_leaves_nothing(self, place, refused):
        archive = packed(place / "mine.zip", CONTENT)
        data = bytearray(archive.read_bytes())
        data[len(data) // 3] ^= 255
        archive.write_bytes(data)
        refused(archive, "damaged")

    def test_random_damage_never_ends_in_a_foreign_error(self, place):
        generator = np.random.default_rng(0)
        refusals = 0
        for kind in KINDS:
            whole = np.frombuffer(packed(place / f"mine.{kind}", CONTENT).read_bytes(), np.uint8)
            for number in range(60):
                data = whole.copy()
                data[generator.integers(0, len(data), 20)] = generator.integers(0, 256, 20)
                (place / f"damaged.{kind}").write_bytes(data.tobytes())
                try:
                    folders.unpack(place / f"damaged.{kind}", place / f"out-{kind}-{number}")
                except folders.ArchiveError:
                    refusals += 1
        assert refusals > 100 and not list(place.rglob(".writing-*"))

    @pytest.mark.parametrize("content", [b"", b"no archive", bytes(10240), picture(), b"Rar!\x1a\x07\x00" + bytes(600)])
    def test_what_is_no_archive_is_said(self, place, refused, content):
        (place / "mine.zip").write_bytes(content)
        refused(place / "mine.zip", "no zip, tar or tar.gz|holds no files")

    def test_an_archive_without_files_is_said(self, place, refused):
        refused(packed(place / "mine.zip", {}), "holds no files")
        refused(packed(place / "folders.zip", {"bird/": b""}), "holds no files")
        refused(packed(place / "hidden.tar", {"bird/.DS_Store": b"1"}), "holds no files")

    def test_a_path_that_is_no_file_is_said(self, place, refused):
        refused(place / "none.zip", "is no file: expected a zip or tar archive")
        refused(place, "is no file")

    def test_killed_in_the_middle_nothing_stands_half_unpacked(self, place, python):
        archive = packed(place / "mine.zip", {f"bird/{number}.png": os.urandom(2**20) for number in range(8)})
        process = python(
            """
            import sys, time
            from helpers import intake
            from helpers.pictures import archives

            of_zip = archives._of_zip

            def stopping(archive, most):
                for number, member in enumerate(of_zip(archive, most)):
                    if number == 4:
                        print("half", flush=True)
                        time.sleep(60)
                    yield member

            archives._of_zip = stopping
            folders.unpack(sys.argv[1], sys.argv[2])
            """,
            archive,
            place / "out",
        )
        assert process.stdout.readline() == "half\n"
        process.kill()
        process.wait()
        assert len(list(place.rglob("*.png"))) >= 4 and not (place / "out").exists()
        assert len(files_in(folders.unpack(archive, place / "out"))) == 8


def upload(*files):
    return tuple({"name": name, "type": "", "size": len(data), "content": memoryview(data)} for name, data in files)


class TestUpload:
    def test_pictures_go_into_the_folder_of_their_class(self, place):
        target = folders.from_upload(
            upload(("a.png", picture(1)), ("b.jpg", picture(2, "JPEG"))), place / "mine", "bird"
        )
        assert target == place / "mine"
        assert files_in(target) == {"bird/a.png": picture(1), "bird/b.jpg": picture(2, "JPEG")}
        folders.from_upload(upload(("a.png", picture(3))), target, " red   mug ")
        assert sorted(files_in(target)) == ["bird/a.png", "bird/b.jpg", "red mug/a.png"]
        assert folders.examine(target).counts == {"bird": 2, "red mug": 1}

    def test_what_a_widget_holds_can_be_given_as_it_is(self, place):
        widget = ipywidgets.FileUpload(multiple=True)
        widget.value = [
            {**file, "last_modified": datetime.datetime.now(datetime.UTC)} for file in upload(("a.png", picture()))
        ]
        assert files_in(folders.from_upload(widget.value, place / "mine", "bird")) == {"bird/a.png": picture()}

    def test_the_same_upload_again_adds_nothing_and_another_picture_of_that_name_is_kept_beside(self, place):
        for seed in (1, 1, 2, 2):
            folders.from_upload(upload(("image.jpg", picture(seed))), place / "mine", "bird")
        assert files_in(place / "mine") == {"bird/image.jpg": picture(1), "bird/image-2.jpg": picture(2)}

    @pytest.mark.parametrize("kind", KINDS)
    def test_one_archive_of_class_folders_is_unpacked(self, place, kind):
        archive = packed(place / f"my pictures.{kind}", CONTENT)
        target = folders.from_upload(upload((archive.name, archive.read_bytes())), place / "mine")
        assert files_in(target) == CONTENT and sorted(place.iterdir()) == [place / "mine", archive]

    def test_an_archive_is_held_to_the_same_rules(self, place, tmp_path):
        archive = packed(tmp_path / "mine.zip", {"../evil.png": b"evil"})
        with pytest.raises(folders.ArchiveError, match="leads out of the folder"):
            folders.from_upload(upload(("mine.zip", archive.read_bytes())), place / "mine")
        bomb = packed(tmp_path / "bomb.zip", {"bird/0.png": bytes(2**22)})
        with pytest.raises(folders.ArchiveError, match="zip bomb"):
            folders.from_upload(upload(("bomb.zip", bomb.read_bytes())), place / "mine", most_bytes=2**20)
        assert list(place.iterdir()) == []

    @pytest.mark.parametrize(
        ("name", "written"),
        [
            ("../../evil.png", "evil.png"),
            ("/etc/evil.png", "evil.png"),
            ("C:\\Users\\me\\evil.png", "evil.png"),
            ("..\\evil.png", "evil.png"),
            (".hidden.png", "hidden.png"),
            ("a:b*c?.png", "a_b_c_.png"),
            ("nul\0.png", "nul_.png"),
            ("Übung 日本.PNG", "Übung 日本.PNG"),
        ],
    )
    def test_a_name_never_leads_out_of_the_class(self, place, tmp_path, name, written):
        folders.from_upload(upload((name, picture())), place / "mine", "bird")
        assert [path for path in tmp_path.rglob("*") if path.is_file()] == [place / "mine" / "bird" / written]

    @pytest.mark.parametrize("name", ["x" * 500 + ".png", "line\nbreak.png", "gpj.\u202egnp.png", "\udcff.png"])
    def test_a_name_that_is_too_long_or_no_text_is_mended(self, place, name):
        folders.from_upload(upload((name, picture())), place / "mine", "bird")
        (path,) = (place / "mine" / "bird").iterdir()
        assert path.name.isprintable() and len(path.name) < 120 and path.suffix == ".png"

    @pytest.mark.parametrize(
        "class_name",
        ["", "  ", None, "..", ".", "a/b", "a\\b", "/etc", "C:", ".hidden", "__MACOSX", "x" * 100, "a\u202eb", "mug."],
    )
    def test_a_class_name_that_is_no_folders_is_refused(self, place, class_name):
        with pytest.raises(folders.UploadError, match="name of (a|the) class"):
            folders.from_upload(upload(("a.png", picture())), place / "mine", class_name)
        assert list(place.iterdir()) == []

    @pytest.mark.parametrize("name", ["evil.html", "evil.ipynb", "evil.svg", "evil", "evil.png.exe", "photo.heic"])
    def test_what_is_not_named_like_a_picture_is_refused_and_nothing_written(self, place, name):
        with pytest.raises(folders.UploadError, match=f"Cannot take {name}: expected pictures .*Nothing was written"):
            folders.from_upload(upload(("a.png", picture()), (name, b"x")), place / "mine", "bird")
        assert list(place.iterdir()) == []

    def test_what_only_says_that_it_is_a_picture_is_found_by_examining(self, place):
        target = folders.from_upload(upload(("evil.png", b"<html><script>")), place / "mine", "bird")
        assert "a web page" in folders.examine(target).table["found"].iloc[0]

    def test_too_much_is_refused_whatever_its_size_is_said_to_be(self, place, monkeypatch):
        files = ({"name": "a.png", "size": 1, "content": bytes(2000)},)
        with pytest.raises(folders.UploadError, match="larger than 1,000 bytes"):
            folders.from_upload(files, place / "mine", "bird", most_bytes=1000)
        monkeypatch.setattr(opening, "MOST_BYTES", 1000)
        with pytest.raises(folders.UploadError, match="Cannot take a.png"):
            folders.from_upload(files, place / "mine", "bird")
        assert list(place.iterdir()) == []

    def test_nothing_uploaded_is_said(self, place):
        with pytest.raises(folders.UploadError, match="Nothing was uploaded: choose pictures"):
            folders.from_upload((), place / "mine", "bird")

    def test_a_class_folder_that_is_a_link_is_not_written_through(self, place, tmp_path):
        (tmp_path / "outside").mkdir()
        (place / "mine").mkdir()
        (place / "mine" / "bird").symlink_to(tmp_path / "outside")
        with pytest.raises(folders.UploadError, match="a link or a file"):
            folders.from_upload(upload(("a.png", picture())), place / "mine", "bird")
        (place / "mine" / "fish").write_text("a file")
        with pytest.raises(folders.UploadError, match="a link or a file"):
            folders.from_upload(upload(("a.png", picture())), place / "mine", "fish")
        assert list((tmp_path / "outside").iterdir()) == []

    def test_a_link_in_the_class_folder_is_not_written_through(self, place, tmp_path):
        (place / "mine" / "bird").mkdir(parents=True)
        (place / "mine" / "bird" / "a.png").symlink_to(tmp_path / "victim")
        folders.from_upload(upload(("a.png", picture())), place / "mine", "bird")
        assert not (tmp_path / "victim").exists() and (place / "mine" / "bird" / "a-2.png").read_bytes() == picture()
