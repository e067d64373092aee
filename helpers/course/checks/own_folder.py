"""A check of notebook 09: clean a folder that others have filled. And the pictures that its checks make."""

import shutil
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

from helpers.course.checks.exercise import Refusal, exercise
from helpers.course.checks.wording import describe, one_line
from helpers.pictures import folders

NOTEBOOK = "09_your_own_images"


def photo():
    """Return a picture of coarse spots with fine grain, higher than wide."""
    generator = np.random.default_rng(43)
    spots = Image.fromarray(generator.integers(0, 256, (6, 5, 3), dtype=np.uint8)).resize((50, 64))
    grain = generator.integers(-40, 41, (64, 50, 3))
    return Image.fromarray(np.clip(np.asarray(spots) + grain, 0, 255).astype(np.uint8))


def upright(path):
    """Save `photo` as PNG, and return its path."""
    photo().save(path.with_suffix(".png"))
    return path.with_suffix(".png")


def turned(path):
    """Save `photo` as a JPEG that lies on its side and says so in its EXIF data, and return its path."""
    exif = Image.Exif()
    exif[0x0112] = 6  # orientation: the camera was held on its side
    photo().save(path.with_suffix(".jpg"), exif=exif, quality=95)
    return path.with_suffix(".jpg")


FRIENDS = "a list of files to delete, as in the column `file`, after which every file left can be used, each scene once"
CLASSES_OF_FRIENDS = ("bee", "wasp")
PER_CLASS_OF_FRIENDS = 24


def friends_report():
    """Return what `folders.examine` finds in a folder of bees and wasps that a friend sends.

    The folder is made here and now, of coarse spots in place of insects, and examined.

    Returns
    -------
    helpers.pictures.folders.Report
    """
    with tempfile.TemporaryDirectory() as folder:
        return folders.examine(_friends_folder(folder))


def _friends_folder(folder):
    folder = Path(folder)
    bee, wasp = (folder / name for name in CLASSES_OF_FRIENDS)
    for number, place in enumerate((bee, wasp)):
        place.mkdir()
        for index in range(PER_CLASS_OF_FRIENDS):
            _spots(100 * number + index).save(place / f"IMG_{index + 1:04d}.png")
    brighter = np.clip(np.asarray(_spots(11), "float32") * 0.9 + 20, 0, 255).astype(np.uint8)
    Image.fromarray(brighter).save(bee / "IMG_0013.png")  # in place of another: the next shot of number 12
    turned(bee / "phone")
    photo().convert("L").save(wasp / "scan.png")
    _spots(300).save(bee / "garden.jpg")
    (bee / "garden.jpg").write_bytes((bee / "garden.jpg").read_bytes()[:-300])
    (bee / "invoice.jpg").write_bytes(b"%PDF-1.4\n" + bytes(range(200)))
    _spots(301).resize((8, 8)).save(wasp / "stamp.png")
    shutil.copyfile(wasp / "IMG_0003.png", wasp / "IMG_0003 copy.png")
    _spots(302).save(bee / "nest.png")
    _spots(302).save(wasp / "nest.png")
    return folder


def _spots(seed):
    generator = np.random.default_rng([59, seed])
    return Image.fromarray(generator.integers(0, 256, (6, 6, 3), dtype=np.uint8)).resize((48, 48))


@exercise(
    NOTEBOOK,
    goal="examine a folder of strangers' pictures and say what becomes of each file",
    expects=FRIENDS,
    praise="what is left can all be used, is there once, and no sound picture was lost.",
)
def clean_folder(answer):
    """Judge which files of the folder behind `friends_report` shall be deleted: delete them, and examine it again."""
    more = "read the column `done` row by row: who has to act, images.load or you?"
    with tempfile.TemporaryDirectory() as folder:
        folder = _friends_folder(folder)
        before = folders.examine(folder)
        for name in _file_names(answer, folder, more):
            (folder / name).unlink()
        after = folders.examine(folder)
        kept = {path.relative_to(folder).as_posix() for paths in after.good.values() for path in paths}
    if after.bad or after.copies:
        saw = f"with these files gone, {len(after.bad) + len(after.copies)} of those left cannot be used or are copies"
        look = "the rows that say `left out` or `refused`: do all of them stand in your list?"
        raise Refusal(saw, FRIENDS, look, more)
    if _twins(after.table):
        saw = "with these files gone, two shots of one scene are left"
        raise Refusal(saw, FRIENDS, "the rows that say `kept`: one of them asks you to do something", more)
    sound = {_name(path, folder) for paths in before.good.values() for path in paths}
    kept = {_name(path, folder) for paths in after.good.values() for path in paths}
    pairs = [{_name(path, folder) for path in pair} for pair in before.copies.items()] + _twins(before.table)
    lost = sorted(sound - kept - set().union(*pairs))
    if lost:
        look = "the row of that file, if it has one: was it mended on loading?"
        raise Refusal(f"{lost[0]!r} would be deleted", FRIENDS, look, more)
    for pair in pairs:
        if not pair & kept:
            saw = f"{' and '.join(map(repr, sorted(pair)))} would both be deleted"
            raise Refusal(saw, FRIENDS, "pairs of the same picture or scene: one of the two stays", more)


def _name(path, folder):
    return path.relative_to(folder).as_posix()


def _twins(table):
    """Return the pairs of files of which a report says that they look much alike."""
    rows = table[table["found"].str.startswith("looks much like ")]
    others = rows["found"].str.removeprefix("looks much like ")
    return [set(pair) for pair in zip(rows["file"], others, strict=True)]


def _file_names(answer, folder, more):
    """Return the learner's files as a set of names within the folder."""
    if isinstance(answer, str | Path):
        answer = [answer]
    if hasattr(answer, "tolist"):
        answer = answer.tolist()
    if not isinstance(answer, list | tuple | set | frozenset):
        look = "write the names as a list of texts: ['class/name', 'class/name']"
        raise Refusal(describe(answer), FRIENDS, look, more)
    names = set()
    known = {_name(path, folder) for path in folder.glob("*/*")}
    for each in answer:
        name = "/".join(each.parts[-2:]) if isinstance(each, Path) else each
        if not isinstance(name, str):
            raise Refusal(f"{describe(each)} in the list", FRIENDS, "every entry must be a text: class/name", more)
        if name not in known:
            saw = f"the name {one_line(name)!r}"
            raise Refusal(saw, FRIENDS, "the spelling: no file is called that; the class stands before it", more)
        names.add(name)
    return names
