"""Look up stored numbers in the colour palette of a DICOM file.

Source: DICOM PS3.3 C.7.6.3.1.5 and C.7.6.3.1.6.
Departure: the result always has 8 bits per colour; 16-bit palettes are rounded down.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset

from anlage.data.readers._quiet import FAULTS
from anlage.errors import DataError

__all__ = ["looked_up"]

_COLOURS = ("Red", "Green", "Blue")


def looked_up(
    stored: npt.NDArray[np.generic], dataset: Dataset, *, is_little: bool
) -> tuple[npt.NDArray[np.uint8], list[str]]:
    """Return colours (..., 3) for stored numbers (...), and notes.

    Raises:
        DataError: If the file has no palette, or a damaged one.
    """
    try:
        tables = [_table(dataset, colour, is_little=is_little) for colour in _COLOURS]
    except FAULTS:
        raise DataError(
            "a palette image must hold a red, a green and a blue table that agree with their "
            "descriptors, this one does not. Convert it to RGB with a DICOM tool."
        ) from None
    is_wide = any(values.max() > 255 for values, _ in tables)
    planes = []
    for values, first in tables:
        index = np.clip(stored.astype(np.int64) - first, 0, len(values) - 1)
        planes.append((values >> 8 if is_wide else values).astype(np.uint8)[index])
    notes = ["16-bit palette rounded to 8 bits"] if is_wide else []
    return np.stack(planes, axis=-1), notes


def _table(dataset: Dataset, colour: str, *, is_little: bool) -> tuple[npt.NDArray[np.uint16], int]:
    """Return the entries of one colour, and the stored number that the first one is for."""
    order = "<" if is_little else ">"
    described = dataset[f"{colour}PaletteColorLookupTableDescriptor"].value
    if isinstance(described, bytes):
        described = np.frombuffer(described, f"{order}u2")
    entries, first = (int(described[0]) or 65536, int(described[1]))
    data = dataset[f"{colour}PaletteColorLookupTableData"].value
    if not isinstance(data, bytes):
        values = np.asarray(data, np.uint16)
    elif len(data) - entries in (0, 1):
        values = np.frombuffer(data, np.uint8, count=entries).astype(np.uint16)
    else:
        values = np.frombuffer(data, f"{order}u2", count=entries).astype(np.uint16)
    if len(values) != entries:
        raise ValueError("table and descriptor disagree")
    return values, first
