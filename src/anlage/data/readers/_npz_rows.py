"""Single rows of an array in an .npz file, without inflating the whole of it for each.

A compressed member can only be read from its start. So the member that was used last is kept
open: read whole into memory if it is small, else as a stream that is read forward to the next
row and started again for a row that lies behind. Rows in ascending order thus cost one pass.

What the zip directory claims is checked before a byte is inflated: a member that is larger than
the limit and would grow more than a hundredfold is a bomb. The zip reader gives at most the
bytes that the directory claims.
"""

from __future__ import annotations

import os
import threading
import zipfile
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from anlage.data._zip_file import open_zip
from anlage.data.readers import Limits
from anlage.data.readers._npy_header import NpyHeader, npy_header
from anlage.errors import DataError

__all__ = ["Member", "opened_member"]

_WHOLE_BYTES = 256 * 1024**2  # members up to this size are kept in memory
_MAX_RATIO = 100
_MAX_MEMBERS = 10_000
_CHUNK = 4 * 1024**2
_FAULTS = (OSError, EOFError, zlib.error, zipfile.BadZipFile, NotImplementedError, RuntimeError)


@dataclass(slots=True)
class Member:
    """One array of an .npz file, open for reading."""

    archive: zipfile.ZipFile
    name: str
    header: NpyHeader
    stream: IO[bytes]
    position: int = 0  # rows already read from the stream
    whole: npt.NDArray[Any] | None = None
    last: tuple[int, npt.NDArray[Any]] | None = field(default=None)

    def all(self) -> npt.NDArray[Any]:
        """Return the whole array; the caller has checked its size."""
        if self.whole is None:
            self._restart()
            self.whole = self._taken(self.header.num_bytes).reshape(
                self.header.shape, order="F" if self.header.is_fortran else "C"
            )
        return self.whole

    def row(self, index: int) -> npt.NDArray[Any]:
        """Return one index of the first axis.

        Raises:
            DataError: If there is no such row, the member is damaged, or it is stored column
                by column and too large to be kept in memory.
        """
        count = self.header.shape[0]
        if not 0 <= index < count:
            raise DataError(f"a row must be from 0 to {count - 1}, got {index}. Check the entry.")
        if self.header.num_bytes <= _WHOLE_BYTES:
            values: npt.NDArray[Any] = self.all()[index]
            return values
        if self.header.is_fortran:
            raise DataError(
                "a large array must be stored row by row, this one is in Fortran order. Save "
                "numpy.ascontiguousarray of it."
            )
        if self.last is None or self.last[0] != index:
            self.last = (index, self._streamed(index))
        return self.last[1]

    def _streamed(self, index: int) -> npt.NDArray[Any]:
        if index < self.position:
            self._restart()
        self._skip((index - self.position) * self.header.row_bytes)
        values = self._taken(self.header.row_bytes).reshape(self.header.shape[1:])
        self.position = index + 1
        return values

    def _restart(self) -> None:
        self.stream.close()
        self.stream = self.archive.open(self.name)
        npy_header(self.stream)
        self.position = 0

    def _skip(self, num_bytes: int) -> None:
        while num_bytes > 0:
            piece = self._read(min(_CHUNK, num_bytes))
            num_bytes -= len(piece)

    def _taken(self, num_bytes: int) -> npt.NDArray[Any]:
        buffer = np.empty(num_bytes, np.uint8)
        position = 0
        while position < num_bytes:
            piece = self._read(min(_CHUNK, num_bytes - position))
            buffer[position : position + len(piece)] = np.frombuffer(piece, np.uint8)
            position += len(piece)
        return buffer.view(self.header.dtype)

    def _read(self, num_bytes: int) -> bytes:
        try:
            piece = self.stream.read(num_bytes)
        except _FAULTS:
            raise _damaged() from None
        if not piece:
            raise _damaged()
        return piece


class _Cache(threading.local):
    """The member that a thread used last."""

    def __init__(self) -> None:
        self.key: tuple[object, ...] = ()
        self.member: Member | None = None


_last = _Cache()


def opened_member(path: Path, name: str | None, limits: Limits) -> Member:
    """Open an array of an .npz file, or the one that was used last.

    Args:
        path: The file.
        name: Name of the array; None if the file holds only one.
        limits: Bounds on its size.

    Raises:
        DataError: If there is no such array, or it is damaged or a bomb.
    """
    try:
        stat = path.stat()
    except OSError as error:
        raise DataError(f"an .npz file must be readable: {error.strerror}.") from None
    # a forked process shares the position in an open file, so it opens its own
    key = (os.getpid(), path.resolve(), stat.st_mtime_ns, stat.st_size, name, limits)
    if _last.member is None or _last.key != key:
        if _last.member is not None:
            _last.member.archive.close()
            _last.member = None
        _last.key, _last.member = key, _opened(path, name, limits)
    return _last.member


def _opened(path: Path, name: str | None, limits: Limits) -> Member:
    archive = open_zip(path, max_entries=_MAX_MEMBERS)
    arrays = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
    if name is None and len(arrays) != 1:
        raise DataError(
            f"an .npz file with {len(arrays)} arrays needs the name of one, as in "
            "train_images:0. Give it as the entry."
        )
    info = arrays.get(name) if name is not None else next(iter(arrays.values()))
    if info is None:
        raise DataError(
            f"the entry must name one of the {len(arrays)} arrays of the .npz file, there is "
            "no such array. Check the entry."
        )
    is_steep = info.file_size > _MAX_RATIO * max(info.compress_size, 1)
    if info.file_size > limits.max_bytes and is_steep:
        raise DataError(
            f"an array may inflate to {limits.max_bytes:,} bytes, or a hundredfold, this one "
            f"claims {info.file_size:,} from {info.compress_size:,}. It is a decompression bomb "
            "or nearly empty; save it without compression."
        )
    try:
        stream = archive.open(info.filename)
        header = npy_header(stream)
    except _FAULTS:
        raise _damaged() from None
    if header.num_bytes > info.file_size:
        raise DataError(
            f"an array of shape {header.shape} takes {header.num_bytes:,} bytes, this one holds "
            f"{info.file_size:,}. It was cut off or its header lies; save it again."
        )
    return Member(archive, info.filename, header, stream)


def _damaged() -> DataError:
    return DataError(
        "an .npz array must be readable to its end, this one is not. It is damaged or cut off; "
        "save it again."
    )
