"""NIfTI-1 and NIfTI-2: .nii and .nii.gz, as a volume (C, X, Y, Z) in RAS+.

- Axes are swapped and flipped to run right, front and top. An oblique affine stays oblique.
- A fourth axis of up to 16 is read as channels; more, or more axes, is refused. A 2D NIfTI file
  is a volume of one slice.
- Voxels: integers of up to 16 bits keep their type, wider ones become int32 if they fit and are
  refused if not; floats become float32. NaN and infinity become the smallest finite voxel, with
  a note; an image with nothing else is refused.
- Unit: ``display`` for unscaled uint8 and RGB; ``hu`` if the smallest voxel is -500 or lower, as
  in CT (air); else ``arbitrary``. A header cannot know the smallest voxel, so ``header`` says
  ``arbitrary`` where ``read`` may say ``hu``.

A header's claim is compared with the file before anything is allocated: with its size, or, for
.gz, with the 1032-fold that deflate can reach at most. Pairs of .hdr and .img are refused.
"""

from __future__ import annotations

import gzip
import io
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from anlage.data.readers import Header, Limits, RawImage, Reader, Source
from anlage.data.readers._canonical import (
    canonical,
    canonical_grid,
    canonical_turn,
    voxel_mm,
)
from anlage.data.readers._nifti_header import HEADER_BYTES, NiftiHeader, is_nifti, parsed
from anlage.data.readers._rescale import is_whole_rescale, rescaled
from anlage.data.readers._sizes import check_size, only_path
from anlage.data.readers._values import finite, guessed_unit, narrowed
from anlage.errors import DataError

__all__ = ["Nifti"]

_GZIP = b"\x1f\x8b"
_MAX_DEFLATE = 1032  # zlib.net: the theoretical limit of deflate is 1032:1
_CHUNK = 4 * 1024**2
_READ_FAULTS = (OSError, EOFError, zlib.error)


class Nifti(Reader):
    """NIfTI files."""

    suffixes = (".nii", ".nii.gz", ".hdr", ".img", ".img.gz")

    def recognises(self, path: Path, head: bytes) -> bool:
        """Whether a file starts with a NIfTI header, compressed or not, or is named like one."""
        if head[:2] == _GZIP:
            try:
                head = zlib.decompressobj(31).decompress(head, HEADER_BYTES)
            except zlib.error:
                head = b""
        return is_nifti(head) or path.name.lower().endswith(self.suffixes)

    def header(self, source: Source, limits: Limits) -> Header:
        """Read shape, bits and spacing; ``unit`` is a guess without the voxels."""
        found, _ = _checked(only_path(source), limits)
        shape, affine = canonical_grid(found.shape[:3], found.affine)
        is_colour = found.dtype.fields is not None
        return Header(
            shape=(3 if is_colour else found.shape[3], *shape),
            bits=_bits(found),
            unit="display" if _is_display(found) else "arbitrary",
            spacing_mm=voxel_mm(affine),
        )

    def read(self, source: Source, limits: Limits) -> RawImage:
        """Decode, scale and turn a volume."""
        path = only_path(source)
        found, num_bytes = _checked(path, limits)
        voxels, notes = _voxels(path, found, num_bytes)
        values = narrowed(rescaled(voxels, found.slope, found.intercept))
        repaired, more = finite(values)
        pixels, affine = canonical(repaired, found.affine)
        return RawImage(
            pixels=pixels,
            bits=_bits(found),
            unit="display" if _is_display(found) else guessed_unit(pixels),
            spacing_mm=voxel_mm(affine),
            affine=affine,
            notes=(*found.notes, *notes, *more),
            turn=canonical_turn(found.affine),
        )


def _checked(path: Path, limits: Limits) -> tuple[NiftiHeader, int]:
    """Read a header; compare what it claims with the size of the file."""
    try:
        size = path.stat().st_size
        with _opened(path) as stream:
            found = parsed(stream.read(HEADER_BYTES))
    except _READ_FAULTS as error:
        raise _unreadable(error) from None
    num_bytes = check_size(found.shape, itemsize=found.dtype.itemsize, limits=limits)
    held = size * _MAX_DEFLATE if _is_gzip(path) else size
    if found.offset + num_bytes > held:
        raise DataError(
            f"the voxels take {num_bytes:,} bytes by the header {found.shape}, a file of "
            f"{size:,} bytes cannot hold them. It was cut off or its header lies; copy it "
            "again from its source."
        )
    return found, num_bytes


def _voxels(path: Path, found: NiftiHeader, num_bytes: int) -> tuple[npt.NDArray[Any], list[str]]:
    """Read stored voxels as (C, *S) in native byte order; inflates no more than is needed."""
    buffer = np.empty(num_bytes, np.uint8)  # untouched memory costs nothing
    view = buffer.data
    position = 0
    try:
        with _opened(path) as stream:
            stream.seek(found.offset)
            while position < num_bytes:
                piece = stream.read(min(_CHUNK, num_bytes - position))
                if not piece:
                    raise EOFError
                view[position : position + len(piece)] = piece
                position += len(piece)
            has_more = bool(stream.read(1))  # at the end, gzip compares its checksum
    except _READ_FAULTS as error:
        raise _unreadable(error) from None
    notes = ["bytes after the voxels ignored"] if has_more else []
    stored = np.frombuffer(buffer, found.dtype).reshape(found.shape, order="F")
    if found.dtype.fields is not None:
        names = [name for name in found.dtype.fields if name != "A"]
        if len(names) < len(found.dtype.fields):
            notes.append("transparency dropped")
        return np.stack([stored[name][..., 0] for name in names]), notes
    native = stored.astype(found.dtype.newbyteorder("="), copy=False)
    return np.moveaxis(native, -1, 0), notes


def _is_display(found: NiftiHeader) -> bool:
    is_unscaled = (found.slope, found.intercept) == (1.0, 0.0)
    return found.dtype.fields is not None or (found.dtype == np.uint8 and is_unscaled)


def _bits(found: NiftiHeader) -> int:
    if found.dtype.fields is not None:
        return 8
    is_whole = is_whole_rescale(found.dtype, found.slope, found.intercept)
    return 8 * found.dtype.itemsize if is_whole else 0


def _is_gzip(path: Path) -> bool:
    with path.open("rb") as stream:
        return stream.read(2) == _GZIP


def _opened(path: Path) -> io.BufferedIOBase:
    return gzip.GzipFile(path) if _is_gzip(path) else path.open("rb")


def _unreadable(error: Exception) -> DataError:
    if isinstance(error, EOFError):
        return DataError(
            "a NIfTI file must hold all the voxels that its header claims, this one ends too "
            "early. It was cut off; copy it again from its source."
        )
    return DataError(
        "a NIfTI file must be readable to its end, this one is not: its compression is damaged "
        "or the disk failed. Copy it again from its source."
    )
