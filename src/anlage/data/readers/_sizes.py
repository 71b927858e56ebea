"""What one image may cost, checked on what a header claims, before anything is allocated."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from anlage.data.readers import Limits, Source
from anlage.errors import DataError

__all__ = ["check_pixels", "check_size", "only_path"]


def only_path(source: Source) -> Path:
    """Return the path of a source that is one file.

    Raises:
        DataError: If it has several.
    """
    if len(source.paths) != 1:
        raise DataError(
            f"only DICOM files can be the slices of one series, got {len(source.paths)} files of "
            "another format. Give one file per image."
        )
    return source.paths[0]


def check_size(shape: Sequence[int], *, itemsize: int, limits: Limits) -> int:
    """Return the decoded bytes of an array that a header claims.

    Raises:
        DataError: If an edge is not positive, or the array is larger than ``max_bytes``.
    """
    if any(edge < 1 for edge in shape):
        raise DataError(
            f"every edge of an image must be at least 1, got {_sized(shape)}. The file is "
            "damaged; export it again."
        )
    num_bytes = math.prod(shape) * itemsize
    if num_bytes > limits.max_bytes:
        raise DataError(
            f"an image may take up to {limits.max_bytes:,} bytes decoded, this one claims "
            f"{_sized(shape)} of {itemsize} bytes = {num_bytes:,}. If that is right, raise "
            "max_bytes or crop it."
        )
    return num_bytes


def check_pixels(rows: int, columns: int, limits: Limits) -> None:
    """Refuse a 2D image with more than ``max_pixels_2d`` pixels.

    Raises:
        DataError: If it is larger.
    """
    if rows * columns > limits.max_pixels_2d:
        raise DataError(
            f"a 2D image may have up to {limits.max_pixels_2d:,} pixels, this one claims "
            f"{rows} x {columns} = {rows * columns:,}. Cut whole slides into tiles first, or "
            "raise max_pixels_2d."
        )


def _sized(shape: Sequence[int]) -> str:
    return " x ".join(str(edge) for edge in shape)
