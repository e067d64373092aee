"""Unpack archives of unknown origin: nothing climbs out, nothing swells, nothing stays half-written."""

import gzip
import os
import re
import stat
import struct
import tarfile
import tempfile
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from helpers import storage
from helpers.pictures import naming

MOST_MEMBERS = 20_000
MOST_BYTES = 2**30  # unpacked
CHUNK = 2**20  # bytes held in memory at a time
ORIGIN = ".unpacked-from"  # in every folder that `unpack` makes: the checksum of the archive
PASSED_OVER = ("__MACOSX", "Thumbs.db", "desktop.ini")
DAMAGE = (  # what the readers of the standard library raise about a damaged archive
    EOFError,
    NotImplementedError,
    OverflowError,
    ValueError,
    gzip.BadGzipFile,
    struct.error,
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
)


class ArchiveError(ValueError):
    """An archive cannot be used, or might do harm."""


def unpack(archive, target, most_members=MOST_MEMBERS, most_bytes=MOST_BYTES):
    """Unpack a zip or tar archive of class folders.

    Parameters
    ----------
    archive : path
        ``.zip``, ``.tar`` or ``.tar.gz``; the content decides, not the name.
    target : path
        The folder to make. If it was made from the same archive before, it is left as it is.
    most_members, most_bytes : int
        How many members, and how many bytes of content, may come out.

    Returns
    -------
    pathlib.Path
        `target`. A single folder around the class folders is taken off.

    Raises
    ------
    ArchiveError
        When the archive is damaged, protected by a password, too large, or has a member that leads out of `target`, or
        is a link or a device. Nothing is left behind then.
    ValueError
        When `target` exists with another content.
    helpers.storage.StorageError
        When `target` cannot be written.
    """
    archive, target = Path(archive), Path(target)
    if not archive.is_file():
        raise ArchiveError(f"{archive} is no file: expected a zip or tar archive.")
    if archive.stat().st_size > most_bytes:
        raise ArchiveError(f"{archive.name} is larger than the {most_bytes:,} bytes that are unpacked.")
    origin = storage.sha256(archive)
    if target.exists():
        if (target / ORIGIN).is_file() and (target / ORIGIN).read_text(encoding="utf-8") == origin:
            return target
        raise ValueError(f"{target} exists already: name a new folder, so that nothing in it is overwritten.")
    target.parent.mkdir(parents=True, exist_ok=True)
    with storage.written_whole(target) as temporary, tempfile.TemporaryDirectory(dir=temporary.parent) as place:
        inside = Path(place, "content")
        inside.mkdir()
        try:
            _write_out(_members(archive, most_members, most_bytes), inside, most_bytes)
        except ArchiveError:
            raise
        except DAMAGE as error:
            why = naming.shown(str(error)) or type(error).__name__
            raise ArchiveError(f"{archive.name} is no zip, tar or tar.gz, or damaged ({why}). Pack it anew.") from error
        _unwrapped(inside).rename(temporary)
        (temporary / ORIGIN).write_text(origin, encoding="utf-8")
    return target


def _unwrapped(folder):
    """Return the folder that holds the class folders: `folder`, or one alone in it that itself holds folders."""
    for _ in range(3):
        inside = list(folder.iterdir())
        if len(inside) != 1 or not inside[0].is_dir() or not any(path.is_dir() for path in inside[0].iterdir()):
            break
        folder = inside[0]
    return folder


def _write_out(members, folder, most_bytes):
    """Write (name, stream) after (name, stream); stop where more comes out than allowed, whatever headers say."""
    left, some = most_bytes, False
    for name, stream in members:
        parts = _safe_parts(name)
        if any(part in PASSED_OVER or part.startswith(".") for part in parts):
            continue
        path = folder.joinpath(*parts)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with open(path, "xb") as file:
                while chunk := stream.read(CHUNK):
                    left -= len(chunk)
                    if left < 0:
                        raise _too_large(most_bytes)
                    file.write(chunk)
        except (FileExistsError, NotADirectoryError) as error:
            raise ArchiveError(f"The archive holds {naming.shown(name)!r} twice: refused.") from error
        some = True
    if not some:
        raise ArchiveError("The archive holds no files. Put a folder of pictures for each class in it.")


def _too_large(most):
    return ArchiveError(f"The archive unpacks to more than {most:,} bytes (a zip bomb?): refused.")


def _safe_parts(name):
    """Return the parts of a member's name, or refuse it where it leads out of the folder."""
    parts = PurePosixPath(name).parts
    drive = re.match("[A-Za-z]:", name) or (os.name == "nt" and ":" in name)
    if name.startswith("/") or drive or "\\" in name or "\0" in name or ".." in parts:
        raise ArchiveError(
            f"The archive holds {naming.shown(name)[:80]!r}, a name that leads out of the folder: refused. "
            "Pack the folder of classes anew, from where it lies."
        )
    if len(name) > 1000 or any(len(os.fsencode(part)) > 255 for part in parts):
        raise ArchiveError(f"The archive holds a name that is too long, {naming.shown(name)[:40]!r}…: refused.")
    return parts


def _members(archive, most_members, most_bytes):
    with open(archive, "rb") as stream:
        beginning = stream.read(4)
    if beginning in (b"PK\x03\x04", b"PK\x05\x06"):
        return _of_zip(archive, most_members)
    return _of_tar(archive, beginning, most_members, most_bytes)


def _check_number(number, most):
    if number > most:
        raise ArchiveError(f"The archive holds more than {most:,} files: refused. Pack fewer pictures.")


def _check_kind(name, ordinary):
    _safe_parts(name)
    if not ordinary:
        raise ArchiveError(
            f"The archive holds {naming.shown(name)[:80]!r}, a link or a device: refused. Pack the pictures themselves."
        )


def _of_zip(archive, most_members):
    _check_directory(archive, most_members)
    with zipfile.ZipFile(archive) as bundle:
        members = bundle.infolist()
        _check_number(len(members), most_members)
        for member in members:
            kind = stat.S_IFMT(member.external_attr >> 16)
            # The name as it stands in the archive: on Windows the other one has lost its backslashes.
            _check_kind(member.orig_filename, kind in (0, stat.S_IFREG, stat.S_IFDIR))
            if member.flag_bits & 1:
                raise ArchiveError(f"{archive.name} is protected by a password. Pack it anew without one.")
            if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise ArchiveError(f"{archive.name} is packed in an unusual way. Pack it anew as an ordinary zip.")
        for member in members:
            if not member.is_dir():
                with bundle.open(member) as stream:
                    yield member.filename, stream


def _check_directory(archive, most_members):
    """Refuse a zip whose table of contents alone would fill the memory, before it is read.

    The table's size stands at byte 12 of the record that ends every zip (PKWARE APPNOTE 6.3.10, section 4.3.16);
    archives beyond 4 GB or 65,535 members have a second such record before it (4.3.15).
    """
    with open(archive, "rb") as stream:
        stream.seek(max(0, archive.stat().st_size - 2**16 - 42))
        tail = stream.read()
    place = tail.rfind(b"PK\x05\x06")
    if place < 0 or len(tail) < place + 22:
        raise ArchiveError(f"{archive.name} is damaged: its end is missing.")
    (size,) = struct.unpack_from("<I", tail, place + 12)
    if size > most_members * 1024 or tail[max(0, place - 20) : place].startswith(b"PK\x06\x07"):
        _check_number(most_members + 1, most_members)


def _of_tar(archive, beginning, most_members, most_bytes):
    opener = gzip.open if beginning.startswith(b"\x1f\x8b") else open
    most = most_bytes + 2048 * most_members  # headers and padding included
    with opener(archive, "rb") as stream, tarfile.open(fileobj=_Bounded(stream, most), mode="r:") as bundle:
        # Nothing is extracted by tarfile: modes, owners and links of the members never reach the disk.
        for number, member in enumerate(bundle, 1):
            _check_number(number, most_members)
            _check_kind(member.name, member.isfile() or member.isdir())
            if member.isfile():
                yield member.name, bundle.extractfile(member)
        if bundle.fileobj.last.strip(b"\0") or not bundle.fileobj.last:
            raise EOFError("its end is missing")  # which tarfile takes for the end


class _Bounded:
    """A stream of which only so much can be read, little at a time: a tar header may ask for gigabytes."""

    def __init__(self, stream, most):
        self._stream, self._most = stream, most
        self.last = b""  # what was read last: blocks of zeros at the end of a whole archive

    def tell(self):
        return self._stream.tell()

    def seek(self, place):
        self._check(place)
        return self._stream.seek(place)

    def read(self, size):
        self._check(self._stream.tell())
        if size > 2 * CHUNK:
            raise ArchiveError("The archive has a header of more than 2 MB: refused. Pack the folder anew.")
        self.last = self._stream.read(size)
        return self.last

    def _check(self, place):
        if place > self._most:
            raise _too_large(self._most)
