"""Open zip files and unpack zip and tar archives without trusting them.

Everything that an archive claims is checked before a byte is written: names that leave the
folder, links, devices, control characters, the number of entries, and how much they grow. What
is then written goes to a temporary folder beside the target, which takes the target's name only
when all went well.
"""

from __future__ import annotations

import calendar
import errno
import gzip
import io
import os
import shutil
import stat
import struct
import tarfile
import tempfile
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO

from anlage.config import BaseConfig
from anlage.data._zip_file import open_zip, too_many_entries
from anlage.errors import DataError

__all__ = ["ArchiveLimits", "extract", "is_archive"]

_CHUNK = 1024**2
_LARGEST_READ = 16 * 1024**2
_NAME_BYTES = 255
_TAR_BLOCK, _TAR_MAGIC_AT = 512, 257
_LATEST_S = 2**32
_FULL = (errno.ENOSPC, errno.EDQUOT)
_GZIP = b"\x1f\x8b"
_FAULTS = (
    OSError,
    EOFError,
    zlib.error,
    zipfile.BadZipFile,
    tarfile.TarError,
    RuntimeError,  # an encrypted zip
    LookupError,
    ValueError,
    struct.error,
)


class ArchiveLimits(BaseConfig):
    """Bounds on what an archive may hold.

    Attributes:
        max_entries: Files and folders.
        max_bytes: Bytes of all files together, unpacked.
        max_ratio: How many times larger than the archive its files may be together ...
        free_bytes: ... unless they take fewer bytes than this.
    """

    max_entries: int = 500_000
    max_bytes: int = 500 * 1024**3
    max_ratio: float = 100
    free_bytes: int = 256 * 1024**2


@dataclass(frozen=True, slots=True)
class _Entry:
    """A file or folder in an archive; ``open`` is None for a folder, ``time_s`` is since 1970."""

    name: str
    num_bytes: int
    time_s: float
    open: Callable[[], IO[bytes]] | None


def is_archive(path: Path) -> bool:
    """Whether a file is one that :func:`extract` unpacks; an .npz file is data, and is not."""
    if not path.is_file() or path.suffix.lower() == ".npz":
        return False
    if zipfile.is_zipfile(path):
        return True
    try:
        with _tar_stream(path) as stream:
            head = stream.read(_TAR_BLOCK)
    except _FAULTS:
        return False
    return head[_TAR_MAGIC_AT:].startswith(b"ustar") or path.suffix.lower() == ".tar"


def extract(archive: Path, into: Path, limits: ArchiveLimits | None = None) -> Path:
    """Unpack a zip or tar archive (plain or gzip) into a new folder.

    Args:
        archive: The file.
        into: Folder to create; it must not exist.
        limits: Bounds; None for the default ones.

    Returns:
        ``into``.

    Raises:
        DataError: If the archive is damaged, encrypted, or holds anything that is not a plain
            file or folder inside it; or if ``into`` exists. Nothing is left behind.
    """
    limits = limits or ArchiveLimits()
    if into.exists():
        raise DataError(
            "the folder to unpack into must not exist, but it does. Remove it or choose another."
        )
    into.parent.mkdir(parents=True, exist_ok=True)
    holding = Path(tempfile.mkdtemp(prefix=".unpacking-", dir=into.parent))
    try:
        if zipfile.is_zipfile(archive):
            with open_zip(archive, max_entries=limits.max_entries) as opened:
                _unpack(_zip_entries(opened), holding, archive, limits)
        else:
            with _tar_stream(archive) as stream, tarfile.open(fileobj=stream, mode="r:") as tar:
                _unpack(_tar_entries(tar), holding, archive, limits)
        holding.chmod(0o755)
        holding.rename(into)
    except DataError:
        raise
    except _FAULTS as error:
        if isinstance(error, OSError) and error.errno in _FULL:
            raise DataError(
                "there must be room to unpack the archive beside the store, but the disk is full. "
                "Free space or choose another --out."
            ) from None
        raise DataError(
            "an archive must be a zip or tar file that can be unpacked to its end without a "
            "password, this one is not. It is damaged, cut off or of another kind; copy it again."
        ) from None
    finally:
        shutil.rmtree(holding, ignore_errors=True)
    return into


def _zip_entries(archive: zipfile.ZipFile) -> Iterator[_Entry]:
    for info in archive.infolist():
        kind = stat.S_IFMT(info.external_attr >> 16)
        if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise _no_file()
        opener = None if info.filename.endswith("/") else partial(archive.open, info)
        yield _Entry(info.filename, info.file_size, _zip_time(info), opener)


def _zip_time(info: zipfile.ZipInfo) -> float:
    """Return when an entry was changed, taken as UTC; 0 if its date is none."""
    try:
        return float(calendar.timegm(info.date_time))
    except ValueError:
        return 0.0


class _Cautious(io.RawIOBase):
    """A stream that refuses huge reads: tarfile reads an extended header in one piece."""

    def __init__(self, stream: io.BufferedIOBase) -> None:
        self._stream = stream

    def read(self, num_bytes: int = -1) -> bytes:
        if not 0 <= num_bytes <= _LARGEST_READ:
            raise DataError(
                "a header in a tar archive must be small, one claims more than "
                f"{_LARGEST_READ:,} bytes. The archive is hostile or damaged; leave it out."
            )
        return self._stream.read(num_bytes)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._stream.seek(offset, whence)

    def tell(self) -> int:
        return self._stream.tell()

    def close(self) -> None:
        self._stream.close()
        super().close()


def _tar_stream(path: Path) -> _Cautious:
    with path.open("rb") as stream:
        is_gzip = stream.read(2) == _GZIP
    return _Cautious(gzip.GzipFile(path) if is_gzip else path.open("rb"))


def _tar_entries(archive: tarfile.TarFile) -> Iterator[_Entry]:
    for member in archive:
        if not (member.isreg() or member.isdir()) or member.issparse():
            raise _no_file()
        opener = None if member.isdir() else partial(_tar_file, archive, member)
        yield _Entry(member.name, member.size, member.mtime, opener)
    # tarfile stops in silence at a damaged header and at the end of a cut file
    assert archive.fileobj is not None
    archive.fileobj.seek(archive.offset)
    if archive.fileobj.read(_TAR_BLOCK) != bytes(_TAR_BLOCK):
        raise EOFError


def _tar_file(archive: tarfile.TarFile, member: tarfile.TarInfo) -> IO[bytes]:
    opened = archive.extractfile(member)
    assert opened is not None, "checked to be a regular file"
    return opened


def _unpack(entries: Iterable[_Entry], folder: Path, archive: Path, limits: ArchiveLimits) -> None:
    """Check every entry, then write them all."""
    for path, entry in _checked(entries, archive, limits).items():
        target = folder / path
        if entry.open is None:
            target.mkdir(parents=True, exist_ok=True)
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        with entry.open() as source, target.open("xb") as sink:
            _copy(source, sink, entry.num_bytes)
        time_s = min(max(0.0, entry.time_s), _LATEST_S)
        os.utime(target, (time_s, time_s))  # unpacked again, a file is known as the same


def _checked(
    entries: Iterable[_Entry], archive: Path, limits: ArchiveLimits
) -> dict[PurePosixPath, _Entry]:
    size = archive.stat().st_size
    allowed = min(limits.max_bytes, max(limits.free_bytes, int(limits.max_ratio * size)))
    total = 0
    found: dict[PurePosixPath, _Entry] = {}
    for entry in entries:
        path = _safe(entry.name)
        if path in found and entry.open is not None:
            raise DataError(
                "each file in an archive must have its own name, two share one. Pack it again."
            )
        found.setdefault(path, entry)
        total += entry.num_bytes
        if len(found) > limits.max_entries:
            raise too_many_entries(limits.max_entries)
        if total > allowed:
            raise DataError(
                f"an archive of {size:,} bytes may unpack to {allowed:,}, this one gives more. "
                "It is a decompression bomb, or raise max_ratio and max_bytes."
            )
    return found


def _safe(name: str) -> PurePosixPath:
    """Return a name as a path inside the folder; backslashes separate folders too."""
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or name[1:2] == ":" or not name:
        raise DataError(
            "every file in an archive must lie inside it, one has a path that leads out, or "
            "none. The archive is hostile; leave it out."
        )
    if any(unicodedata.category(letter) in ("Cc", "Cs") for letter in name) or any(
        len(part.encode("utf-8")) > _NAME_BYTES for part in path.parts
    ):
        raise DataError(
            "file names in an archive must be plain text of up to 255 bytes, one is not. Rename "
            "it and pack the archive again."
        )
    return path


def _copy(source: IO[bytes], sink: IO[bytes], num_bytes: int) -> None:
    """Copy exactly the bytes that were checked."""
    left = num_bytes
    while piece := source.read(min(_CHUNK, left + 1)):
        left -= len(piece)
        if left < 0:
            break
        sink.write(piece)
    if left != 0:
        raise EOFError


def _no_file() -> DataError:
    return DataError(
        "an archive must hold plain files and folders, this one holds links or devices. Pack "
        "the files themselves."
    )
