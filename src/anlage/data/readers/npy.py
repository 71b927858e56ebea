"""NumPy arrays: .npy files, and arrays or rows of .npz files (as MedMNIST has them).

Axes, where an array could mean several things:

- 2 axes: a grey picture (H, W).
- 3 axes: a picture (H, W, C) if the last is 1 or 3; else a volume. A volume of one or three
  slices is therefore read as a picture: save it with four axes, (X, Y, Z, 1).
- 4 axes: a volume and up to 16 channels last.
- A volume is (X, Y, Z) in a file of its own, or as a whole member of an .npz. As a row of a
  table, ``name:index``, it is (D, H, W) as in MedMNIST: X is W, Y is H, Z is D.

Orientation and spacing are unknown: a volume's affine is None, and axes are taken as stored.
Unsigned integers and booleans are ``display`` values. Signed integers and floats are
``arbitrary``, or ``hu`` if the smallest is -500 or lower (``header`` says ``arbitrary``). NaN
and wide integers are treated as in NIfTI. Python objects are never loaded.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from anlage.data.readers import Header, Limits, RawImage, Reader, Source
from anlage.data.readers._npy_header import NpyHeader, anlage_shape, as_image, npy_header
from anlage.data.readers._npz_rows import opened_member
from anlage.data.readers._sizes import check_pixels, check_size, only_path
from anlage.data.readers._values import finite, guessed_unit, narrowed
from anlage.errors import DataError

__all__ = ["Npy"]

_MAGIC = b"\x93NUMPY"
_ZIP = b"PK\x03\x04"
_ENTRY = re.compile(r"(?P<name>[^:]+)(:(?P<row>[0-9]{1,12}))?")


class Npy(Reader):
    """NumPy's own files."""

    suffixes = (".npy", ".npz")

    def recognises(self, path: Path, head: bytes) -> bool:
        """Whether a file is a .npy by its first bytes, or named .npy or .npz."""
        return head.startswith(_MAGIC) or path.suffix.lower() in self.suffixes

    def header(self, source: Source, limits: Limits) -> Header:
        """Read shape and bits; reads no numbers."""
        found, shape, is_row = _found(source, limits)
        return Header(
            shape=anlage_shape(shape, is_row=is_row),
            bits=_bits(found),
            unit="display" if found.dtype.kind in "bu" else "arbitrary",
            spacing_mm=None,
        )

    def read(self, source: Source, limits: Limits) -> RawImage:
        """Read one array, or one row of an array."""
        found, _, is_row = _found(source, limits)
        stored = _array(source, found, limits)
        pixels, notes = finite(narrowed(as_image(stored, is_row=is_row)))
        return RawImage(
            pixels=np.array(pixels, order="C"),
            bits=_bits(found),
            unit="display" if found.dtype.kind in "bu" else guessed_unit(pixels),
            notes=tuple(notes),
        )


def _found(source: Source, limits: Limits) -> tuple[NpyHeader, tuple[int, ...], bool]:
    """Return the header of an array, the shape of the image in it, and whether it is a row."""
    path = only_path(source)
    if _is_zip(path):
        name, row = _entry(source)
        found, is_row = opened_member(path, name, limits).header, row is not None
    elif source.entry is not None:
        raise DataError(
            "an entry can be named only in an .npz file, this is another one. Leave it out."
        )
    else:
        found, is_row = _single(path), False
    shape = found.shape[1:] if is_row else found.shape
    check_size(shape, itemsize=found.dtype.itemsize, limits=limits)
    image = anlage_shape(shape, is_row=is_row)
    if len(image) == 3:
        check_pixels(image[1], image[2], limits)
    return found, shape, is_row


def _single(path: Path) -> NpyHeader:
    try:
        with path.open("rb") as stream:
            found = npy_header(stream)
            held = path.stat().st_size - stream.tell()
    except OSError as error:
        raise DataError(f"a .npy file must be readable: {error.strerror}.") from None
    if held < found.num_bytes:
        raise DataError(
            f"an array of shape {found.shape} takes {found.num_bytes:,} bytes, this file holds "
            f"{held:,}. It was cut off or its header lies; save it again."
        )
    return found


def _array(source: Source, found: NpyHeader, limits: Limits) -> npt.NDArray[Any]:
    path = only_path(source)
    if _is_zip(path):
        name, row = _entry(source)
        member = opened_member(path, name, limits)
        return member.all() if row is None else member.row(row)
    with path.open("rb") as stream:
        npy_header(stream)
        flat = np.fromfile(stream, found.dtype, count=found.num_bytes // found.dtype.itemsize)
    return flat.reshape(found.shape, order="F" if found.is_fortran else "C")


def _entry(source: Source) -> tuple[str | None, int | None]:
    """Split ``name`` or ``name:row``; nothing means the only array of the file."""
    if source.entry is None:
        return None, None
    match = _ENTRY.fullmatch(source.entry)
    if match is None:
        raise DataError(
            "an entry must be the name of an array, or name:row, as in train_images:12. Correct it."
        )
    return match["name"], None if match["row"] is None else int(match["row"])


def _is_zip(path: Path) -> bool:
    try:
        with path.open("rb") as stream:
            return stream.read(len(_ZIP)) == _ZIP
    except OSError as error:
        raise DataError(f"a NumPy file must be readable: {error.strerror}.") from None


def _bits(found: NpyHeader) -> int:
    if found.dtype.kind == "f":
        return 0
    return 1 if found.dtype.kind == "b" else 8 * found.dtype.itemsize
