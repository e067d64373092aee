"""A small folder of pictures to practise on: real ones, and every kind of trouble that a folder can hold."""

import shutil
from pathlib import Path

import numpy as np
from PIL import Image

from helpers import assets, storage

MARK = ".practice-pictures"
CLASSES = ("cat", "dog", "horse")
PER_CLASS = 40
SPARE = 6  # further pictures of each class, to make the odd files from


def practice(target, seed=0):
    """Lay out a folder of 3 classes (cat, dog, horse) of 40 real pictures and some odd files, and return its path.

    The pictures are from CIFAR-10, 32×32 pixels: training and validation pictures of the bundled animals;
    none is one of its test pictures. Their names do not tell their class. The odd files are made from further ones.

    `target` is the folder to make; a practice folder is left as it is, whatever was done in it since. Raises ValueError
    when `target` exists and is none, `helpers.storage.StorageError` when it cannot be written.
    """
    target = Path(target)
    if (target / MARK).is_file():
        return target
    if target.exists():
        raise ValueError(f"{target} exists already and is no practice folder: name another, so that nothing is lost.")
    target.parent.mkdir(parents=True, exist_ok=True)
    with storage.written_whole(target) as folder:
        spare = {name: _lay_out(folder / name, name, seed) for name in CLASSES}
        _add_odd_files(folder, spare)
        (folder / MARK).write_text("Made by pictures.practice; free to be changed or deleted.\n", encoding="utf-8")
    return target


def _lay_out(folder, name, seed):
    """Copy a draw of a class, and return further pictures of it."""
    bundled = assets.unpacked("animals.zip")
    paths = sorted(path for split in ("train", "validation") for path in (bundled / split / name).glob("*.png"))
    order = np.random.default_rng([seed, CLASSES.index(name)]).permutation(len(paths))
    drawn = [paths[index] for index in order[: PER_CLASS + SPARE]]
    folder.mkdir(parents=True)
    for number, path in enumerate(drawn[:PER_CLASS], 1):
        shutil.copyfile(path, folder / f"IMG_{number:04d}.png")
    spare = []
    for path in drawn[PER_CLASS:]:
        with Image.open(path) as picture:
            spare.append(picture.convert("RGB"))
    return spare


def _add_odd_files(folder, spare):
    cat, dog, horse = (folder / name for name in CLASSES)
    cats, dogs, horses = spare.values()
    # Pictures that can be used, after a conversion.
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was held upright: turn the stored picture a quarter clockwise
    _enlarged(horses[0], 128).transpose(Image.Transpose.ROTATE_90).save(horse / "phone.jpg", exif=exif)
    _enlarged(cats[0], 128).convert("CMYK").save(cat / "printed.jpg")
    dogs[0].convert("L").save(dog / "scan.png")
    _on_transparent_ground(cats[1]).save(cat / "sticker.png")
    dogs[1].save(dog / "running.gif", save_all=True, append_images=dogs[2:4])
    horses[1].save(horse / "renamed.jpg", format="PNG")
    horses[2].resize((5000, 4000), Image.Resampling.NEAREST).save(horse / "poster.jpg", quality=30)
    dogs[4].resize((24, 24)).save(dog / "thumbnail.png")
    # Files that cannot be used.
    _enlarged(cats[2], 128).save(cat / "download.jpg")
    whole = (cat / "download.jpg").read_bytes()
    (cat / "download.jpg").write_bytes(whole[: len(whole) // 2])
    (dog / "notes.jpg").write_text("Rex, in the garden, May.\n", encoding="utf-8")
    cats[3].resize((8, 8)).save(cat / "icon.png")
    shutil.copyfile(cat / "IMG_0007.png", cat / "IMG_0007 copy.png")
    cats[4].save(cat / "friends.png")
    cats[4].save(dog / "friends.png")


def _enlarged(picture, side):
    return picture.resize((side, side), Image.Resampling.BICUBIC)


def _on_transparent_ground(picture):
    """Return a picture whose corners show through."""
    side = picture.width
    away = np.hypot(*(np.mgrid[:side, :side] - (side - 1) / 2))
    sticker = picture.convert("RGBA")
    sticker.putalpha(Image.fromarray(np.where(away < side / 2, 255, 0).astype(np.uint8)))
    return sticker
