"""What the course ships: bundled files, verified before each first use.

Their SHA-256 digests are listed in ``checksums.txt`` beside this file. `README.md` names sources and licences.
"""

import zipfile
from pathlib import Path

from helpers import storage

FOLDER = Path(__file__).parent
COLLECTIONS = {"animals": "animals.zip", "emoji": "emoji.zip"}

# Their names in the first version of the course, for working copies that were laid out then.
cache_folder = storage.cache_folder
AssetError = storage.StorageError


def checksums():
    """Return the SHA-256 of every bundled file.

    Returns
    -------
    dict of str to str
        File name to hexadecimal digest, as listed in ``checksums.txt``.
    """
    try:
        lines = (FOLDER / "checksums.txt").read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise storage.StorageError(
            f"checksums.txt is missing from {FOLDER}. Restore it: {how_to_restore('checksums.txt')}."
        ) from error
    return {name: digest for digest, name in (line.split() for line in lines if line.strip())}


def bundled(name, folder=FOLDER):
    """Return the path of a bundled file, after verifying its checksum.

    Parameters
    ----------
    name : str
        File name as listed in ``checksums.txt``.
    folder : path, optional
        Where the bundled files lie.

    Raises
    ------
    helpers.storage.StorageError
        When the name is unknown, or the file is missing or altered.
    """
    known = checksums()
    if name not in known:
        raise storage.StorageError(f"No bundled file is called {name!r}; there are: {', '.join(sorted(known))}.")
    path = Path(folder) / name
    if not path.is_file():
        raise storage.StorageError(
            f"The bundled file {name} is missing from {path.parent}. Restore it: {how_to_restore(name)}."
        )
    found = storage.digest(path)
    if found != known[name]:
        raise storage.StorageError(
            f"The bundled file {name} was altered: its SHA-256 begins {found[:12]}, expected "
            f"{known[name][:12]}. Restore it: {how_to_restore(name)}."
        )
    return path


def how_to_restore(name):
    """Return the command that brings a bundled file back: git's in a checkout, pip's where the course is installed."""
    if (FOLDER.parents[1] / ".git").exists():
        return f"`git checkout -- helpers/assets/{name}`"
    return "install the course again with `pip install --force-reinstall --no-deps`, as you did the first time"


def unpacked(archive):
    """Return the folder with the contents of a bundled zip archive, unpacking it once into the cache.

    The folder's name carries the archive's checksum, so that a new version of the course never reads an
    old folder. A damaged folder is unpacked again.
    """
    source = bundled(archive)

    def unpack(folder):
        with zipfile.ZipFile(source) as bundle:
            bundle.extractall(folder)

    return storage.kept(storage.cache_folder("unpacked") / f"{source.stem}-{checksums()[archive][:12]}", unpack)


def pictures(collection, split):
    """Return the files of one split of a bundled collection, in the order in which `helpers.images` reads them.

    Returns
    -------
    files : list of pathlib.Path
    class_names : tuple of str
    """
    folder = unpacked(COLLECTIONS[collection]) / split
    names = tuple(sorted(path.name for path in folder.iterdir() if path.is_dir()))
    return [path for name in names for path in sorted((folder / name).iterdir())], names
