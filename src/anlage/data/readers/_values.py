"""Make plain numbers usable: finite, at most 32 bits wide, and with a unit as far as one shows.

For formats that do not say what their numbers mean (NIfTI, TIFF, NumPy).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from anlage.data.readers import Unit
from anlage.errors import DataError

__all__ = ["NOT_FINITE", "finite", "guessed_unit", "narrowed"]

NOT_FINITE = "numbers were NaN or infinity"

_HU_AIR = -500


def narrowed(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return floats as float32, integers wider than 16 bits as int32, booleans as uint8.

    Raises:
        DataError: If a value does not fit. Floats are rounded to float32 in silence.
    """
    if values.dtype == bool:
        return values.astype(np.uint8)
    native = values.astype(values.dtype.newbyteorder("="), copy=False)
    if values.dtype.kind == "f":
        with np.errstate(over="ignore"):
            narrow = native.astype(np.float32, copy=False)
        is_lost = bool((np.isinf(narrow) & np.isfinite(native)).any())
    elif values.dtype.itemsize > 2:
        bounds = np.iinfo(np.int32)
        is_lost = bool(native.max() > bounds.max or native.min() < bounds.min)
        narrow = native if is_lost else native.astype(np.int32, copy=False)
    else:
        return native
    if is_lost:
        raise DataError(
            "numbers must fit int32 or float32, got larger ones. Rescale the image before "
            "preparing it."
        )
    return narrow


def finite(values: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], list[str]]:
    """Set NaN and infinity to the smallest finite number; returns it and a note.

    Raises:
        DataError: If no number is finite.
    """
    if values.dtype.kind != "f":
        return values, []
    is_finite = np.isfinite(values)
    if is_finite.all():
        return values, []
    if not is_finite.any():
        raise DataError(
            "an image must hold finite numbers, all of these are NaN or infinity. Convert it "
            "again from its source."
        )
    count = int(is_finite.size - is_finite.sum())
    note = f"{count} of {is_finite.size} {NOT_FINITE}: set to the smallest one"
    return np.where(is_finite, values, values[is_finite].min()), [note]


def guessed_unit(values: npt.NDArray[Any]) -> Unit:
    """Return ``hu`` if a number is -500 or lower, as air is in CT; else ``arbitrary``."""
    return "hu" if values.min() <= _HU_AIR else "arbitrary"
