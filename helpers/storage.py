"""Where things are kept: the cache folder, and writing that never leaves half a file behind.

Everything that is unpacked or computed goes to one cache folder. It is written beside its final place and then renamed,
so that a reader never meets half a file and two kernels may work at once.
"""

import contextlib
import errno
import functools
import hashlib
import json
import os
import platform
import shutil
import sqlite3
import tempfile
from pathlib import Path

import platformdirs
import psutil

CACHE_VARIABLE = "SWAP_THE_HEAD_CACHE"
CHECKSUMS = ".checksums.json"  # in every folder that `kept` makes
WRITING = ".writing-"  # begins the names of folders of `written_whole`; the machine and the process follow


class StorageError(RuntimeError):
    """A file of the course is missing or altered, or a file or folder cannot be written."""


def sha256(path):
    """Return the hexadecimal SHA-256 of a file."""
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def checked_path(path):
    """Return a `Path`; raise `ValueError` where no file can be called so: None, bytes, a null byte, 300 letters."""
    named = isinstance(path, str | os.PathLike) and "\0" not in str(path)
    if not named or len(os.fsencode(Path(path).name)) > 255 or len(os.fsencode(path)) > 4000:
        raise ValueError(f"{str(path)[:80]!r} cannot be the path of a file: expected a str or Path, not too long.")
    return Path(path)


def digest(path):
    """Return the SHA-256 of a file, remembered as long as its state stays."""
    return _digest(os.fspath(path), *_state(path))


def digests(paths):
    """Return path → SHA-256 of many files, remembered from one kernel to the next in the cache's ``digests.json``.

    A file is read again only where its size, its place on the disk or a time of change differs: of two that change
    names neither the size nor the time of writing does. One that cannot be read is left out.
    """
    memory = cache_folder() / "digests.json"
    known = notes(memory) or {}
    entries = {}
    for path in paths:
        with contextlib.suppress(OSError):
            entries[path] = _entry(path, known.get(str(path.absolute())))
    now = known | {str(path.absolute()): entry for path, entry in entries.items()}
    if now != known:
        with written_whole(memory) as temporary:
            temporary.write_text(json.dumps(now), encoding="utf-8")
    return {path: sha for path, (*_, sha) in entries.items()}


def _entry(path, before=None):
    """Return what tells a file's state, and its SHA-256: the entry `before` where it still holds, or read again."""
    now = _state(path)
    if isinstance(before, list) and before[:-1] == now:
        return before
    return [*now, digest(path)]


def _state(path):
    status = os.stat(path)
    return [status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino]


@functools.lru_cache(maxsize=50_000)
def _digest(path, *state):
    return sha256(path)


def _root():
    folder = Path(os.environ.get(CACHE_VARIABLE) or platformdirs.user_cache_dir("swap-the-head"))
    try:
        return folder.expanduser().absolute()
    except (OSError, RuntimeError) as error:
        raise StorageError(f"The cache folder {folder} cannot be found ({error}). Give a whole path.") from error


def cache_folder(*parts):
    """Return a folder inside the course's cache, of nested `parts`, making it where needed.

    The cache is the folder named by the environment variable ``SWAP_THE_HEAD_CACHE``, or the operating system's usual
    place. It may be deleted at any time. Raises `StorageError` when the folder cannot be made or written to.
    """
    folder = _root().joinpath(*parts)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise StorageError(
            f"The cache folder {folder} cannot be written to ({error.strerror or error}). Set the environment "
            f"variable {CACHE_VARIABLE} to a folder that can, then restart the kernel."
        ) from error
    return folder


@contextlib.contextmanager
def written_whole(path):
    """Give a temporary path to write to, and rename it to `path` only if the block succeeds.

    A reader sees the old state or the new one, never half of it. A file at `path` is replaced. A folder there stays:
    of two kernels that make the same folder, the first to finish wins, and nothing vanishes under a reader's hands.
    Raises `StorageError` when the result cannot be written.
    """
    path = Path(path)
    with _holder_beside(path) as holder:
        temporary = holder / path.name
        yield temporary
        try:
            temporary.replace(path)
        except OSError:
            if not (temporary.is_dir() and path.is_dir()):
                raise


@contextlib.contextmanager
def _holder_beside(path):
    holder = None
    try:
        for left in filter(_is_abandoned, path.parent.glob(f"{WRITING}*")):
            shutil.rmtree(left, ignore_errors=True)
        holder = Path(tempfile.mkdtemp(dir=path.parent, prefix=f"{WRITING}{platform.node()}-{os.getpid()}-"))
        yield holder
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        advice = "Free some space there" if full else f"Allow writing to the folder {path.parent}, or use another one"
        own = f", or set {CACHE_VARIABLE} to another folder" if path.is_relative_to(_root()) else ""
        reason = error.strerror or error
        raise StorageError(f"{path} could not be written ({reason}); it is unchanged. {advice}{own}.") from error
    finally:
        if holder:
            shutil.rmtree(holder, ignore_errors=True)


def _is_abandoned(left):
    """Return whether a process of this machine wrote there that has ended."""
    process = left.name.removeprefix(f"{WRITING}{platform.node()}-").partition("-")[0]
    return process.isdecimal() and not psutil.pid_exists(int(process))


def notes(path):
    """Return the dictionary in a JSON file: ``{}`` where there is no such file, None where it holds anything else."""
    try:
        entries = json.loads(Path(path).read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, RecursionError):
        return None
    return entries if isinstance(entries, dict) else None


@contextlib.contextmanager
def noted(path):
    """Give the dictionary in a JSON file to a block that changes it, one process at a time, and write it afterwards.

    A file that holds no dictionary is kept beside the new one. Raises `StorageError` when it cannot be written.
    """
    path = Path(os.path.realpath(path))  # where a link leads to
    with alone(path):
        entries = notes(path)
        now = dict(entries or {})
        yield now
        if now == entries:
            return
        with written_whole(path) as temporary:
            temporary.write_text(json.dumps(now, indent=1), encoding="utf-8")
            if entries is None:
                path.rename(tempfile.mktemp(dir=path.parent, prefix=f"{path.name}.unreadable-"))


@contextlib.contextmanager
def alone(path, seconds=10):
    """Let one process at a time into the block; give False where another is in it after so many seconds.

    SQLite has a lock for every system, freed however its holder ends. True, too, where nothing can be locked.
    """
    with contextlib.closing(sqlite3.connect(":memory:", timeout=seconds)) as lock:
        first = True
        try:
            lock.execute("ATTACH ? AS file", (f"{path}.lock",))
            lock.execute("BEGIN EXCLUSIVE")
        except (sqlite3.Error, ValueError) as error:
            first = getattr(error, "sqlite_errorcode", None) != sqlite3.SQLITE_BUSY
        yield first


def kept(folder, make):
    """Return a folder of the cache, made where it is absent, and made again where it was damaged.

    The checksums of its files are in it as ``.checksums.json``, with the size and the time of change that they belong
    to. A missing, altered or unexpected file counts as damage; one line is printed. A file whose size and time are
    those of the list is not read again, so a change that keeps both is not seen.

    The name of `folder`, inside `cache_folder`, must depend on all that decides its content. `make` takes a free path
    and makes a folder with the files there. Raises `StorageError` when it cannot be written.
    """
    folder = Path(folder)
    if folder.exists():
        damage = _damage(folder)
        if damage is None:
            return folder
        print(f"The cache entry {folder.name} is damaged ({damage}); making it again.")
        with _holder_beside(folder) as holder, contextlib.suppress(FileNotFoundError):
            folder.rename(holder / "damaged")
    with written_whole(folder) as temporary:
        make(temporary)
        (temporary / CHECKSUMS).write_text(json.dumps(_entries(temporary)), encoding="utf-8")
    return folder


def _damage(folder):
    """Return what is wrong with a folder that `kept` made, in a few words, or None."""
    try:
        listed = json.loads((folder / CHECKSUMS).read_text(encoding="utf-8"))
        expected = {name: entry[-1] if isinstance(entry, list) else entry for name, entry in listed.items()}
        found = {name: sha for name, (*_, sha) in _entries(folder, listed).items()}
        differ = sorted(name for name in expected.keys() | found if expected.get(name) != found.get(name))
    except (OSError, ValueError, AttributeError, IndexError):
        return "its list of checksums cannot be read"
    if not differ:
        return None
    what = "is missing" if differ[0] not in found else "was altered" if differ[0] in expected else "is unexpected"
    return f"{differ[0]} {what}"


def _entries(folder, listed=None):
    """Return an entry for every file of a folder; of one that is as it is listed, the listed one."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))
    names = {path: path.relative_to(folder).as_posix() for path in paths}
    return {name: _entry(path, (listed or {}).get(name)) for path, name in names.items()}
