"""Read the header of a .npy stream, and name its axes.

Source: NumPy enhancement proposal 1 (numpy.lib.format).
"""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass
from tokenize import TokenError
from typing import IO, Any

import numpy as np
import numpy.typing as npt
from numpy.lib import format as npy

from anlage.data.readers._quiet import FAULTS
from anlage.errors import DataError

__all__ = ["NpyHeader", "anlage_shape", "as_image", "npy_header"]

_MAGIC_BYTES = 8
_MAX_CHANNELS = 16
_COLOUR_EDGES = (1, 3)
# NumPy parses headers with ast.literal_eval, which CPython 3.11 counts recursion of per process:
# in two threads at once it now and then raises SystemError (python/cpython issue 106905).
_PARSING = threading.Lock()


@dataclass(frozen=True, slots=True)
class NpyHeader:
    """What a .npy stream says of the array that follows."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    is_fortran: bool

    @property
    def num_bytes(self) -> int:
        """Bytes of the whole array."""
        return math.prod(self.shape) * self.dtype.itemsize

    @property
    def row_bytes(self) -> int:
        """Bytes of one index of the first axis."""
        return math.prod(self.shape[1:]) * self.dtype.itemsize


def npy_header(stream: IO[bytes]) -> NpyHeader:
    """Read a header; leaves the stream at the first number.

    Raises:
        DataError: If it is no .npy header, or holds anything but plain numbers.
    """
    try:
        version = npy.read_magic(stream)
        read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
        with _PARSING:
            shape, is_fortran, dtype = read(stream)
    except (*FAULTS, TokenError):
        raise DataError(
            "a .npy array must start with a NumPy header of version 1 or 2, this one does not. "
            "It is damaged; save it again with numpy.save."
        ) from None
    if dtype.kind not in "buif" or dtype.itemsize > 8 or dtype.hasobject:
        raise DataError(
            "a .npy array must hold booleans, integers or floats of up to 64 bits, this one "
            "holds something else (Python objects are never loaded). Save the numbers alone."
        )
    if not shape or any(edge < 1 for edge in shape):
        raise DataError(f"a .npy array must hold at least one number, got shape {shape}.")
    return NpyHeader(tuple(int(edge) for edge in shape), dtype, bool(is_fortran))


def as_image(values: npt.NDArray[Any], *, is_row: bool) -> npt.NDArray[Any]:
    """Bring an array into Anlage's axis order.

    Args:
        values: One image. Two axes are (H, W). Three are (H, W, C) if the last is 1 or 3, and
            else a volume. Four are a volume and up to 16 channels.
        is_row: Whether it is a row of a table of images, whose volumes are slices first,
            (D, H, W); a file of its own holds (X, Y, Z).

    Returns:
        (C, H, W), or (C, X, Y, Z).

    Raises:
        DataError: If it has other axes.
    """
    shape = values.shape
    if len(shape) == 2:
        return values[None]
    if len(shape) == 3 and shape[2] in _COLOUR_EDGES:
        return np.moveaxis(values, -1, 0)
    if len(shape) == 3:
        values = values[..., None]
    elif len(shape) != 4 or shape[3] > _MAX_CHANNELS:
        raise DataError(
            "an array must be (H, W), (H, W, 3), (X, Y, Z) or (X, Y, Z, C) with up to "
            f"{_MAX_CHANNELS} channels, got {shape}. To use one image of a table, name its row, "
            "as in train_images:0."
        )
    order = (3, 2, 1, 0) if is_row else (3, 0, 1, 2)
    return values.transpose(order)


def anlage_shape(shape: tuple[int, ...], *, is_row: bool) -> tuple[int, ...]:
    """Return the shape that :func:`as_image` gives, without an array."""
    return as_image(np.broadcast_to(np.uint8(0), shape), is_row=is_row).shape
