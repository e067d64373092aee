"""The report shows first what matters, and sums up what is alike."""

import shutil

import pytest
from made_pictures import noise, write
from PIL import Image

from helpers.pictures import folders


@pytest.fixture
def phones(own):
    """Twenty pictures of a phone that was held upright, a broken file, and five copies of two pictures."""
    exif = Image.Exif()
    exif[0x0112] = 6
    for number in range(20):
        noise(64, 48).save(own / "fish" / f"IMG_{number:04d}.jpg", exif=exif)
    for number in range(5):
        shutil.copy(own / "fish" / f"IMG_000{number % 2}.jpg", own / "fish" / f"copy{number} (1).jpg")
    write(own / "bird" / "broken.jpg", b"\xff\xd8\xff\xe0")
    (own / "empty").mkdir()
    return own


def test_what_is_in_the_way_comes_first_and_what_was_fixed_last(phones):
    table = folders.examine(phones).table
    assert table["file"].iloc[0] == "empty" and table["found"].iloc[1].startswith("damaged")
    assert table["done"].iloc[-1] == "turned upright" and len(table) == 1 + 1 + 5 + 25


def test_findings_of_one_kind_are_one_row(phones):
    report = folders.examine(phones)
    short = report.short_table()
    assert len(short) == 4
    assert short.iloc[-1].tolist() == [
        "25 files in fish, such as fish/IMG_0000.jpg",
        "rotated by EXIF orientation 6",
        "turned upright",
    ]
    for text in (str(report), report._repr_html_()):
        assert "the same picture as another" in text and "Every file by its name: report.table, 32 rows." in text
        assert "IMG_0010" not in text


def test_copies_are_summed_up(phones):
    assert "5 copies of 2 pictures, all in fish/" in folders.examine(phones).summary()


def test_the_summary_comes_before_the_table(phones):
    report = folders.examine(phones)
    assert str(report).startswith("Pictures that can be used: 40 (bird 20, fish 20, empty 0).") or "empty 0" in str(
        report
    )
    assert report._repr_html_().index("Pictures that can be used") < report._repr_html_().index("<table")


def test_what_differs_by_more_than_numbers_is_not_thrown_together(own):
    for number in range(4):
        write(own / "fish" / f"a{number}.jpg", b"no picture")
        noise(8, 8 + number).save(own / "fish" / f"b{number}.png")
    short = folders.examine(own).short_table()
    assert short["found"].tolist() == [
        "holds text though its name ends in .jpg: a file that lies about its type",
        "8 × 8 pixels: too small to show anything, and alike",
    ]
