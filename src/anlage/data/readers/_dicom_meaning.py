"""What the stored numbers of a DICOM file mean, and how they become calibrated ones.

The rules:

- Rescale. Slope and intercept are applied where both are stated. Where neither is, there is no
  rescale. One without the other, a slope of zero, NaN or infinity cannot be interpreted and is
  refused. A modality table (ModalityLUTSequence) is refused too.
- Unit. ``hu`` if the rescale says HU, or says nothing and the modality is CT. ``display`` for
  colour, and for modalities whose stored values are meant to be seen (radiographs, ultrasound,
  photographs) unless a rescale changed them. ``arbitrary`` for all else, such as MR.
- PET becomes SUV by body weight where the file says all that takes, unit ``suv``. Else it keeps
  its values, unit ``uptake``; see ``_dicom_suv``.
- MONOCHROME1 is inverted, once, on the stored numbers; but Hounsfield units and PET are not,
  because their numbers say what they are, and MONOCHROME1 only how to show them.
- Signed values of unit ``display`` are moved up to start at zero.
- A display window is never applied.

Source: DICOM PS3.3 C.7.6.3.1.2 (photometric interpretation), C.11.1 (modality rescale),
C.7.6.16.2.9 (rescale per frame).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset

from anlage.data.readers import Unit
from anlage.data.readers._dicom_format import PixelFormat
from anlage.data.readers._dicom_groups import FrameGroups
from anlage.data.readers._dicom_suv import Uptake
from anlage.data.readers._dicom_tags import DISPLAY_MODALITIES
from anlage.data.readers._dicom_values import number, text
from anlage.data.readers._rescale import rescaled
from anlage.errors import DataError

__all__ = ["Meaning", "calibrated", "meaning_of"]

_NONE = (1.0, 0.0)
_MEASURED = frozenset(("hu", "suv", "uptake"))


@dataclass(frozen=True, slots=True)
class Meaning:
    """How to calibrate the frames of a file.

    Attributes:
        unit: Unit of the calibrated numbers.
        bits: Significant bits if they are whole numbers, else 0.
        rescales: Slope and intercept of each frame.
        is_inverted: Whether black and white change places.
        notes: What was decided, in words.
    """

    unit: Unit
    bits: int
    rescales: tuple[tuple[float, float], ...]
    is_inverted: bool
    notes: tuple[str, ...]


def meaning_of(
    dataset: Dataset, layout: PixelFormat, groups: FrameGroups, uptake: Uptake | None = None
) -> Meaning:
    """Decide what the stored numbers mean.

    Args:
        dataset: The file's elements.
        layout: How its pixels are stored.
        groups: What it says of single frames.
        uptake: What the series is, if it is PET.

    Raises:
        DataError: If the rescale cannot be interpreted.
    """
    if "ModalityLUTSequence" in dataset:
        raise DataError(
            "values must be rescaled by a slope and an intercept, this file asks for a table "
            "(ModalityLUTSequence). Convert it with a DICOM tool."
        )
    sources = [
        groups.macro(frame, "PixelValueTransformationSequence") or dataset
        for frame in range(layout.frames)
    ]
    stated = [_rescale(source) for source in sources]
    rescales = tuple(rescale or _NONE for rescale in stated)
    is_changed = any(rescale != _NONE for rescale in rescales)
    unit = _unit(
        text(dataset, "Modality") or "",
        text(sources[0], "RescaleType") if stated[0] else None,
        layout,
        is_stated=stated[0] is not None,
        is_changed=is_changed,
    )
    if uptake is not None and unit == "arbitrary":
        unit = uptake.unit
        rescales = tuple(
            (slope * uptake.factor, shift * uptake.factor) for slope, shift in rescales
        )
    is_whole = not layout.is_float and all(
        slope == int(slope) and intercept == int(intercept) for slope, intercept in rescales
    )
    bits = 8 if layout.is_palette else layout.bits_stored
    is_inverted = layout.is_inverted and unit not in _MEASURED
    if is_inverted and layout.is_float:
        raise DataError(
            "MONOCHROME1 pixels must be whole numbers to be inverted, got floating point ones. "
            "Convert the file with a DICOM tool."
        )
    notes = []
    if layout.is_inverted:
        ignored = f"MONOCHROME1 ignored for {unit.upper()}"
        notes.append("MONOCHROME1 inverted" if is_inverted else ignored)
    if unit == "display" and layout.is_signed:
        notes.append("signed values moved up to start at zero")
    if uptake is not None and unit == uptake.unit:
        notes.append(uptake.note)
    return Meaning(unit, bits if is_whole else 0, rescales, is_inverted, tuple(notes))


def calibrated(
    stored: npt.NDArray[Any], frame: int, layout: PixelFormat, meaning: Meaning
) -> npt.NDArray[Any]:
    """Calibrate the stored numbers of one frame.

    Raises:
        DataError: If a value is not finite, or leaves the range of its type.
    """
    if layout.is_float:
        with np.errstate(over="ignore"):
            stored = stored.astype(np.float32)
        if not np.isfinite(stored).all():
            raise DataError(
                "pixels must be finite numbers in the range of float32, got NaN, infinity or "
                "larger ones. Export the image again."
            )
    if meaning.is_inverted:
        top = -1 if layout.is_signed else 2**layout.bits_stored - 1
        stored = stored.dtype.type(top) - stored
    if meaning.unit == "display" and layout.is_signed:
        wide = stored.astype(np.int64) + 2 ** (layout.bits_stored - 1)
        stored = wide.astype(np.dtype(f"u{stored.dtype.itemsize}"))
    return rescaled(stored, *meaning.rescales[frame])


def _rescale(source: Dataset) -> tuple[float, float] | None:
    """Return slope and intercept; None if neither is stated."""
    keywords = ("RescaleSlope", "RescaleIntercept")
    stated = [keyword in source and source[keyword].VM > 0 for keyword in keywords]
    if not any(stated):
        return None
    slope, intercept = (number(source, keyword) for keyword in keywords)
    if slope is None or intercept is None or slope == 0:
        raise DataError(
            "RescaleSlope and RescaleIntercept must both be finite numbers, and the slope not "
            "zero, or both be absent; this file states them otherwise. Its values cannot be "
            "calibrated; export it again."
        )
    return slope, intercept


def _unit(
    modality: str,
    rescale_type: str | None,
    layout: PixelFormat,
    *,
    is_stated: bool,
    is_changed: bool,
) -> Unit:
    if layout.is_colour:
        return "display"
    if is_stated and (rescale_type or ("HU" if modality == "CT" else "")) == "HU":
        return "hu"
    if modality in DISPLAY_MODALITIES and not is_changed and not layout.is_float:
        return "display"
    return "arbitrary"
