"""Stored numbers -> calibrated numbers, value = slope * stored + intercept, without overflow."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from anlage.errors import DataError

__all__ = ["is_whole_rescale", "rescaled"]


def rescaled(stored: npt.NDArray[Any], slope: float, intercept: float) -> npt.NDArray[Any]:
    """Apply a linear rescale.

    Args:
        stored: Numbers as they lie in the file, any shape.
        slope: Finite, not zero.
        intercept: Finite.

    Returns:
        The stored array itself if nothing changes; int16, or int32 where that is too narrow, if
        all of it is whole numbers; float32 otherwise, computed in float64.

    Raises:
        DataError: If a value leaves the range of the result's type.
    """
    if slope == 1 and intercept == 0:
        return stored
    if not is_whole_rescale(stored.dtype, slope, intercept):
        with np.errstate(over="ignore", invalid="ignore"):
            exact = stored.astype(np.float64) * slope + intercept
            single = exact.astype(np.float32)
        if (np.isinf(single) & np.isfinite(stored)).any():
            raise _overflow("float32")
        return single
    gain, offset = int(slope), int(intercept)
    products = [int(end) * gain for end in (stored.min(), stored.max())]
    ends = [product + offset for product in products]
    if not _fits(ends, 32):
        raise _overflow("int32")
    # work in 64 bits only where a step on the way needs them
    wide: Any = np.int32 if _fits([*products, gain, offset], 32) else np.int64
    values: npt.NDArray[Any] = stored.astype(wide) * wide(gain) + wide(offset)
    return values.astype(np.int16 if _fits(ends, 16) else np.int32, copy=False)


def _fits(values: list[int], bits: int) -> bool:
    return all(-(2 ** (bits - 1)) <= value < 2 ** (bits - 1) for value in values)


def is_whole_rescale(dtype: np.dtype[np.generic], slope: float, intercept: float) -> bool:
    """Whether a rescale of this type gives whole numbers."""
    return dtype.kind in "bui" and slope == int(slope) and intercept == int(intercept)


def _overflow(dtype: str) -> DataError:
    return DataError(
        f"rescaled values must fit {dtype}, got larger ones. The rescale slope or intercept is "
        "wrong; export the image again."
    )
