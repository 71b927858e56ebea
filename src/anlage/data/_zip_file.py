"""Open a zip file only after a look at its end record.

The standard library parses the whole directory of a zip when it opens it, whatever its size.

Source: APPNOTE.TXT of PKWARE, sections 4.3.14 to 4.3.16.
"""

from __future__ import annotations

import io
import struct
import zipfile
from pathlib import Path

from anlage.errors import DataError

__all__ = ["open_zip", "too_many_entries"]

_END_BYTES = 22 + 65535  # end record of a zip, with the longest comment
_DIRECTORY_BYTES = 1024  # of the directory per entry, with a long name and extra fields
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_FAULTS = (
    OSError,
    LookupError,
    ValueError,
    NotImplementedError,
    zipfile.BadZipFile,
    struct.error,
)


def open_zip(path: Path, *, max_entries: int) -> zipfile.ZipFile:
    """Open a zip file after a look at its end record, so that a huge directory is not parsed.

    Raises:
        DataError: If it is no zip file, or has too many entries.
    """
    try:
        count, num_bytes = _directory(path)
        if count > max_entries or num_bytes > max_entries * _DIRECTORY_BYTES:
            raise too_many_entries(max_entries)
        archive = zipfile.ZipFile(path)
    except DataError:
        raise
    except _FAULTS:
        raise DataError(
            "a zip file must be readable, this one is not. It is damaged or cut off; copy it again."
        ) from None
    if any(info.compress_type not in _METHODS for info in archive.infolist()):
        archive.close()
        raise DataError(
            "a zip file must be stored or deflated, this one is compressed in another way. Pack "
            "it again with the default method."
        )
    return archive


def _directory(path: Path) -> tuple[int, int]:
    """Return the entries and bytes of a zip's directory, as its end record claims."""
    with path.open("rb") as stream:
        size = stream.seek(0, io.SEEK_END)
        stream.seek(max(0, size - _END_BYTES))
        tail = stream.read()
        at = tail.rfind(b"PK\x05\x06")
        if at < 0:
            raise zipfile.BadZipFile
        count, num_bytes = struct.unpack_from("<HL", tail, at + 10)
        locator = tail[at - 20 : at] if at >= 20 else b""
        if locator.startswith(b"PK\x06\x07"):
            stream.seek(struct.unpack_from("<Q", locator, 8)[0])
            count, num_bytes = struct.unpack_from("<QQ", stream.read(48), 32)
    return count, num_bytes


def too_many_entries(max_entries: int) -> DataError:
    """Return the error for an archive with too many files."""
    return DataError(
        f"an archive may have up to {max_entries:,} entries, this one has more. Split it, or "
        "raise max_entries."
    )
