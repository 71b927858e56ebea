"""Take single values out of a DICOM data set that nobody has checked.

pydicom converts a value when it is first touched, and a hostile value may make it raise nearly
anything. It also warns with the value in the text, which may be a patient's name: callers keep
it quiet.
"""

from __future__ import annotations

import math

from pydicom.dataset import Dataset

from anlage.data.readers._quiet import FAULTS
from anlage.errors import DataError

__all__ = ["items", "number", "numbers", "text", "whole"]


def whole(
    dataset: Dataset, keyword: str, *, low: int, high: int, default: int | None = None
) -> int:
    """Return a whole number.

    Raises:
        DataError: If it is missing without a default, no whole number, or out of range.
    """
    found = numbers(dataset, keyword, count=1)
    if found is None and default is not None and not _is_stated(dataset, keyword):
        return default
    if found is None or found[0] != int(found[0]) or not low <= found[0] <= high:
        came = "none" if found is None else f"{found[0]:g}"
        raise DataError(
            f"DICOM {keyword} must be a whole number from {low} to {high}, got {came}. The "
            "header is damaged; export the image again."
        )
    return int(found[0])


def number(dataset: Dataset, keyword: str) -> float | None:
    """Return the first finite number of an element; None if it has none."""
    found = numbers(dataset, keyword)
    return found[0] if found else None


def numbers(
    dataset: Dataset, keyword: str, *, count: int | None = None
) -> tuple[float, ...] | None:
    """Return the numbers of an element, or None unless there are ``count`` finite ones."""
    try:
        value = dataset.get(keyword)
        many = [value] if isinstance(value, str | bytes | int | float) else list(value or ())
        found = tuple(float(one) for one in many)
    except FAULTS:
        return None
    if not all(math.isfinite(one) for one in found):
        return None
    return found if found and count in (None, len(found)) else None


def text(dataset: Dataset, keyword: str) -> str | None:
    """Return an element as text, several values joined by a space; None if it has none."""
    try:
        value = dataset.get(keyword)
        if value is None:
            return None
        many = [value] if isinstance(value, str) else list(value)
        joined = " ".join(str(one) for one in many).strip(" \0")
    except FAULTS:
        return None
    return joined or None


def items(dataset: Dataset, keyword: str) -> list[Dataset]:
    """Return the data sets in a sequence; an empty list if there is no such sequence.

    Raises:
        DataError: If the sequence is damaged or nested too deeply.
    """
    try:
        value = dataset.get(keyword)
        found = [] if value is None else list(value)
    except FAULTS:
        raise DataError(
            f"DICOM {keyword} must be a sequence of items, this one cannot be read. The header "
            "is damaged; export the image again."
        ) from None
    return [item for item in found if isinstance(item, Dataset)]


def _is_stated(dataset: Dataset, keyword: str) -> bool:
    try:
        return dataset.get(keyword) not in (None, "")
    except FAULTS:
        return True
