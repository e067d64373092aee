"""Write what an upload widget holds into a folder of classes."""

import re
from pathlib import Path

from helpers import storage
from helpers.pictures import naming, opening

MOST_BYTES = 2**30  # of one upload


class UploadError(ValueError):
    """An upload cannot be used."""


def from_upload(files, target, class_name):
    """Write the value of an `ipywidgets.FileUpload` into the folder of a class in `target`, and return `target`.

    What is already there is kept: a picture of the same name and another content gets a number. Either all files are
    fit to be written, or UploadError says why not and nothing is written.
    """
    target = Path(target)
    files = [(_file_name(str(file["name"])), bytes(file["content"])) for file in files]
    if not files:
        raise UploadError("Nothing was uploaded: choose pictures of one class.")
    if sum(len(content) for _, content in files) > MOST_BYTES:
        raise UploadError(f"The upload is larger than {MOST_BYTES:,} bytes. Upload fewer or smaller pictures.")
    odd = [name for name, _ in files if naming.ending_of(name) not in naming.ENDINGS]
    odd += [name for name, content in files if len(content) > opening.MOST_BYTES]
    if odd:
        raise UploadError(
            f"Cannot take {', '.join(map(naming.shown, odd[:5]))}: expected pictures that end in "
            f"{', '.join(naming.ENDINGS)} and have at most {opening.MOST_BYTES // 2**20} MB. "
            "Unpack an archive on your own computer first, and upload its pictures. Nothing was written."
        )
    folder = target / _class_folder(class_name)
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise UploadError(f"{folder.name!r} in the folder of classes is a link or a file: give the class another name.")
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files:
        _add(folder, name, content)
    return target


def _class_folder(name):
    plain = " ".join(str(name or "").split())
    if not plain or re.search(r'[\\/:*?"<>|]', plain) or plain.startswith((".", "__")) or plain.endswith("."):
        raise UploadError(f"{name or ''!r} cannot be the name of a class: give a word or two, such as 'red mug'.")
    if naming.stored_name(plain, 80) != plain:
        raise UploadError("The name of the class is too long, or holds characters that cannot be shown.")
    return plain


def _file_name(name):
    last = re.split(r"[\\/]", name)[-1].strip().lstrip(".")
    stem, ending = Path(last).stem, Path(last).suffix
    return naming.stored_name(re.sub(r'[:*?"<>|\0]', "_", stem) or "picture", 100) + ending


def _add(folder, name, content):
    """Write a picture under the first free name, unless it is there already."""
    path, number = folder / name, 1
    while path.is_symlink() or path.exists():
        if not path.is_symlink() and path.is_file() and path.read_bytes() == content:
            return
        number += 1
        path = folder / f"{Path(name).stem}-{number}{Path(name).suffix}"
    with storage.written_whole(path) as temporary:
        temporary.write_bytes(content)
