"""Acquisition facts of a DICOM file from an allow-list: codes and numbers, nothing personal.

A hostile or careless file may hold a name where a code belongs, so codes must look like codes,
and what a vendor may write freely is cut, cleaned, and dropped where it looks like a name or an
identifier. This is no de-identification tool: it is a reason to need none.
"""

from __future__ import annotations

import re
from typing import Final

from pydicom.dataset import Dataset

from anlage.data.readers._dicom_tags import FACTS
from anlage.data.readers._dicom_values import number, text

__all__ = ["facts_of"]

_MAX_LETTERS = 64
_MAX_AGE = 89.0
_NUMBERS = frozenset(
    (
        "SliceThickness",
        "MagneticFieldStrength",
        "RepetitionTime",
        "EchoTime",
        "InversionTime",
        "FlipAngle",
        "KVP",
        "WindowCenter",
        "WindowWidth",
    )
)
_FREE = frozenset(("Manufacturer", "ManufacturerModelName", "SequenceName", "ConvolutionKernel"))
_CHOICES: Final = {
    "PatientSex": ("F", "M", "O"),
    "Laterality": ("L", "R", "B", "U"),
    "ImageLaterality": ("L", "R", "B", "U"),
    "BurnedInAnnotation": ("YES", "NO"),
    "RecognizableVisualFeatures": ("YES", "NO"),
    "MRAcquisitionType": ("2D", "3D"),
}
_CODE = re.compile(r"[A-Z0-9_ ]{1,64}")
_UNSAFE = re.compile(r"[^A-Za-z0-9 ._+\-/()*,\[\]]")
_PERSONAL = re.compile(r"\^|[0-9]{6}")  # a DICOM name, or a date or record number
_AGE = re.compile(r"([0-9]{1,3})([DWMY])")
_AGE_UNITS: Final = {"D": 365.25, "W": 52.18, "M": 12.0, "Y": 1.0}  # of them in a year


def facts_of(dataset: Dataset) -> dict[str, str | float]:
    """Return the facts of a file by DICOM keyword; what is missing or unsafe is left out.

    ``PatientAge`` is in years, and 89 for everyone of 89 and above.
    """
    found = {keyword: _fact(dataset, keyword) for keyword in FACTS}
    return {keyword: value for keyword, value in found.items() if value is not None}


def _fact(dataset: Dataset, keyword: str) -> str | float | None:
    if keyword in _NUMBERS:
        return number(dataset, keyword)
    value = text(dataset, keyword)
    if value is None:
        return None
    if keyword == "PatientAge":
        return _years(value)
    if keyword in _FREE:
        return _cleaned(value)
    if keyword in _CHOICES:
        return value if value in _CHOICES[keyword] else None
    is_code = _CODE.fullmatch(value) and not _PERSONAL.search(value)
    return value if is_code else None


def _cleaned(value: str) -> str | None:
    if _PERSONAL.search(value):
        return None
    return _UNSAFE.sub("", value)[:_MAX_LETTERS].strip() or None


def _years(value: str) -> float | None:
    match = _AGE.fullmatch(value)
    if match is None:
        return None
    return min(round(int(match[1]) / _AGE_UNITS[match[2]], 2), _MAX_AGE)
