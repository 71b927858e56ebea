"""Open a DICOM file without trusting it: preamble, transfer syntax, size and structure first.

Only the elements that were asked for reach pydicom, so neither a patient's name nor a private
element of a gigabyte is ever in memory. A deflated file is inflated against a cap before
anything else looks at it.

Source: DICOM PS3.10 section 7.1 (file meta information), PS3.5 section A.5 (deflate).
"""

from __future__ import annotations

import io
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from pydicom.dataset import Dataset
from pydicom.filereader import read_dataset
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from anlage.data.readers import Limits
from anlage.data.readers._dicom_elements import Coding, Pixels, damaged, truncated, walk
from anlage.data.readers._quiet import FAULTS
from anlage.errors import DataError

__all__ = ["DicomFile", "is_dicom", "open_dicom"]

_MAGIC_AT = 128
_META_AT = 132
_MAX_HEADER = 128 * 1024**2  # bytes of the elements we read; a long film has about 10 MB
_MAX_INFLATION = 100  # a deflated file may grow by this factor ...
_FREE_INFLATION = 64 * 1024**2  # ... or to this many bytes: a black picture shrinks well
_CHUNK = 1024**2
_DIRECTORY = "1.2.840.10008.1.3.10"
_META_GROUP = b"\x02\x00"
_OBJECT_CLASS = b"\x02\x00"  # element numbers inside that group
_SYNTAX = b"\x10\x00"
_LONG_META_TYPES = (b"OB", b"UN")


@dataclass(frozen=True, slots=True)
class DicomFile:
    """A file that may be parsed.

    Attributes:
        path: Where it lies.
        dataset: The elements that were asked for, unconverted.
        syntax: Transfer syntax of the pixels.
        is_little: Whether its numbers are little-endian.
        pixels: Where the pixels lie; None if there are none.
        inflated: The whole file, inflated, if it was deflated.
    """

    path: Path
    dataset: Dataset
    syntax: str
    is_little: bool
    pixels: Pixels | None
    inflated: bytes | None

    def open(self) -> BinaryIO:
        """Open the file in which ``pixels`` are positions."""
        return self.path.open("rb") if self.inflated is None else io.BytesIO(self.inflated)


def is_dicom(head: bytes) -> bool:
    """Whether the first bytes of a file are a DICOM preamble."""
    return head[_MAGIC_AT:_META_AT] == b"DICM"


def open_dicom(path: Path, wanted: frozenset[int], limits: Limits) -> DicomFile:
    """Check a file and read the wanted top-level elements.

    Raises:
        DataError: If it is no DICOM file, a directory of files, damaged, nested too deeply, or
            would inflate beyond the cap.
    """
    try:
        with path.open("rb") as stream:
            return _open(path, stream, wanted, limits)
    except OSError as error:
        raise DataError(
            f"a DICOM file must be readable, the system says: {error.strerror}. Check its "
            "permissions and the disk."
        ) from None


def _open(path: Path, stream: BinaryIO, wanted: frozenset[int], limits: Limits) -> DicomFile:
    size = stream.seek(0, io.SEEK_END)
    stream.seek(0)
    if not is_dicom(stream.read(_META_AT)):
        raise DataError(
            "a DICOM file must have the letters DICM after 128 bytes, this file has not. It is "
            "of another kind, or its header was cut off; convert it with a DICOM tool."
        )
    syntax, start = _meta(stream)
    inflated = None
    if syntax == DeflatedExplicitVRLittleEndian:
        inflated = _inflated(stream, start, size, limits)
        start, size, syntax = 0, len(inflated), str(ExplicitVRLittleEndian)
        stream = io.BytesIO(inflated)
    is_little = syntax != ExplicitVRBigEndian
    coding = Coding(is_little=is_little, is_implicit=syntax == ImplicitVRLittleEndian)
    contents = walk(stream, start=start, size=size, coding=coding, max_depth=limits.max_depth)
    spans = [span for tag, span in sorted(contents.spans.items()) if tag in wanted]
    if sum(end - begin for begin, end in spans) > _MAX_HEADER:
        raise DataError(
            f"a DICOM header may take {_MAX_HEADER:,} bytes, this one takes more. The file is "
            "hostile or damaged; leave it out."
        )
    dataset = _parsed(stream, spans, is_little=is_little, is_implicit=contents.is_implicit)
    return DicomFile(path, dataset, syntax, is_little, contents.pixels, inflated)


def _meta(stream: BinaryIO) -> tuple[str, int]:
    """Return the transfer syntax, and where the data set starts."""
    found: dict[bytes, str] = {}
    while True:
        position = stream.tell()
        head = stream.read(8)
        if len(head) < 8 or head[:2] != _META_GROUP:
            break
        length = int.from_bytes(head[6:8], "little")
        if head[4:6] in _LONG_META_TYPES:
            length = int.from_bytes(stream.read(4), "little")
            stream.seek(length, io.SEEK_CUR)
        else:
            found[head[2:4]] = stream.read(length).rstrip(b"\0 ").decode("ascii", "replace")
    if found.get(_OBJECT_CLASS) == _DIRECTORY:
        raise DataError(
            "an image was expected, got a DICOMDIR, which only lists files. Leave it out."
        )
    if not found.get(_SYNTAX):
        raise DataError(
            "a DICOM file must state its transfer syntax, this one does not. It is damaged; "
            "export it again."
        )
    return found[_SYNTAX], position


def _inflated(stream: BinaryIO, start: int, size: int, limits: Limits) -> bytes:
    """Inflate twice: once to count, keeping nothing, then once to keep."""
    cap = min(limits.max_bytes, max(_FREE_INFLATION, _MAX_INFLATION * (size - start)))
    total = 0
    for piece in _pieces(stream, start):
        total += len(piece)
        if total > cap:
            raise DataError(
                f"a deflated DICOM file of {size:,} bytes may inflate to {cap:,} bytes, this one "
                "gives more. It is a decompression bomb or damaged; leave it out."
            )
    return b"".join(_pieces(stream, start))


def _pieces(stream: BinaryIO, start: int) -> Iterator[bytes]:
    """Yield what a raw deflate stream holds, at most 1 MB at a time."""
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    stream.seek(start)
    pending = stream.read(_CHUNK)
    try:
        while not inflater.eof:
            piece = inflater.decompress(pending, _CHUNK)
            pending = inflater.unconsumed_tail or stream.read(_CHUNK)
            if not (piece or pending or inflater.eof):
                raise truncated()
            yield piece
    except zlib.error:
        raise damaged() from None


def _parsed(
    stream: BinaryIO, spans: list[tuple[int, int]], *, is_little: bool, is_implicit: bool
) -> Dataset:
    chosen = io.BytesIO()
    for begin, end in spans:
        stream.seek(begin)
        chosen.write(stream.read(end - begin))
    chosen.seek(0)
    try:
        return read_dataset(chosen, is_implicit, is_little)
    except FAULTS:
        raise damaged() from None
