"""PET values of a DICOM series -> SUV by body weight, or why they stay what they are.

SUV is activity per ml over injected activity per g of the patient. Which moment both activities
belong to is what ``DecayCorrection`` says: START, the start of the scan, to which the injected
one is then decayed; or ADMIN, the injection itself. Where a needed element is missing, or says
what cannot be, nothing is guessed: the values stay as they are, and a note says which one it was.

Dates and times are used here and kept nowhere.

Source: the vendor-neutral pseudo-code for SUV of the RSNA Quantitative Imaging Biomarkers
Alliance (QIBA, FDG-PET/CT), with its rules for Philips counts, GE scan times and series whose
time was changed; DICOM PS3.3 C.8.9.1 (PET series) and C.8.9.2 (PET isotope).
Departures: ``RadiopharmaceuticalStartDateTime`` is preferred to the bare time; a scan more than
six half-lives after the injection, weights above 600 kg and doses below 0.1 MBq are disbelieved.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, TypeVar

from pydicom.dataset import Dataset

from anlage.data.readers._dicom_values import items, number, text
from anlage.data.readers._quiet import FAULTS

__all__ = ["Uptake", "uptake_of"]

Value = TypeVar("Value", str, float)

_DAY_S = 86400.0
_SAME_DAY_S = 3 * 3600.0  # half-life up to which a tracer is scanned on the day it is injected
_MOST_HALF_LIVES = 6.0
_DECAY = {"DECY", "DECAY"}  # the standard's word, and that of the pseudo-code
_LEAST_BQ, _MOST_KG = 1e5, 600.0  # else the dose came in MBq, or the weight in g
_PHILIPS = (0x7053, "Philips PET Private Group")
_GE = (0x0009, "GEMS_PETD_01")
_TO_SUV, _TO_BQML, _SCAN_TIME = 0x00, 0x09, 0x0D
_CLOCK = re.compile(r"([0-9]{2})(?:([0-9]{2})(?:([0-9]{2})(\.[0-9]{1,6})?)?)?")
_STAMP = re.compile(r"([0-9]{8})([0-9]{2,6}(?:\.[0-9]{1,6})?)")


@dataclass(frozen=True, slots=True)
class Uptake:
    """What the rescaled values of a PET series are.

    Attributes:
        unit: ``suv`` once multiplied by the factor, or ``uptake``: of PET, but no such SUV.
        factor: What to multiply by.
        note: What was decided, in words.
    """

    unit: Literal["suv", "uptake"]
    factor: float
    note: str


class _UnknownError(Exception):
    """An element is missing, or says what cannot be; the text says which."""


def uptake_of(slices: Sequence[Dataset]) -> Uptake | None:
    """Decide on SUV for all slices of a series at once; None if it is no PET."""
    if any(text(one, "Modality") != "PT" for one in slices):
        return None
    try:
        factor, origin = _factor(slices)
    except _UnknownError as reason:
        return Uptake("uptake", 1.0, f"not SUV: {reason}")
    return Uptake("suv", factor, f"SUV by body weight, {origin}")


def _factor(slices: Sequence[Dataset]) -> tuple[float, str]:
    units = _text(slices, "Units")
    if units == "GML":
        if (text(slices[0], "SUVType") or "BW") != "BW":
            raise _UnknownError("SUVType is not BW")
        return 1.0, "as the file states it"
    if units not in {"BQML", "CNTS"}:
        raise _UnknownError("Units are not BQML, CNTS or GML")
    corrected = set(_text(slices, "CorrectedImage").split())
    if "ATTN" not in corrected or not corrected & _DECAY:
        raise _UnknownError("CorrectedImage does not hold ATTN and DECY")
    if _text(slices, "DecayCorrection") not in {"START", "ADMIN"}:
        raise _UnknownError("DecayCorrection is not START or ADMIN")
    if units == "BQML":
        return _per_bqml(slices), "from Bq/ml"
    if (own := _philips(slices, _TO_SUV)) is not None:
        return own, "from counts"
    if (to_bqml := _philips(slices, _TO_BQML)) is not None:
        return to_bqml * _per_bqml(slices), "from counts"
    raise _UnknownError("Units are counts, and Philips' private factors are missing")


def _per_bqml(slices: Sequence[Dataset]) -> float:
    """Return SUV per Bq/ml: the weight in g over the injected activity at the image's moment."""
    weight_kg = _positive(slices, "PatientWeight")
    if weight_kg > _MOST_KG:
        raise _UnknownError("PatientWeight cannot be in kg")
    tracers = [_tracer(one) for one in slices]
    dose_bq = _positive(tracers, "RadionuclideTotalDose")
    if dose_bq < _LEAST_BQ:
        raise _UnknownError("RadionuclideTotalDose cannot be in Bq")
    if _text(slices, "DecayCorrection") == "START":
        half_life_s = _positive(tracers, "RadionuclideHalfLife")
        scan = _scan_start(slices, half_life_s)
        dose_bq *= 2 ** (-_waited_s(tracers[0], scan, half_life_s) / half_life_s)
    return weight_kg * 1000 / dose_bq


def _tracer(dataset: Dataset) -> Dataset:
    found = items(dataset, "RadiopharmaceuticalInformationSequence")
    if len(found) != 1:
        raise _UnknownError("RadiopharmaceuticalInformationSequence does not hold one tracer")
    return found[0]


def _scan_start(slices: Sequence[Dataset], half_life_s: float) -> datetime:
    """Return the moment to which a START series is decay-corrected.

    That is the series' own time, unless a later processing changed it: then it is GE's private
    scan time, or follows from when within its frame the first slice has its mean count rate.
    """
    acquired = [_moment(one, "Acquisition") for one in slices]
    known = [moment for moment in acquired if moment is not None]
    if len(known) < len(slices):
        raise _UnknownError("AcquisitionDate or AcquisitionTime is missing")
    first = min(known)
    private = _private(slices[0], _GE, _SCAN_TIME)
    for stated in (_moment(slices[0], "Series"), _stamp(str(private or ""))):
        if stated is not None and stated <= first:
            return stated
    earliest = slices[acquired.index(first)]
    reference_ms = number(earliest, "FrameReferenceTime")
    duration_ms = number(earliest, "ActualFrameDuration")
    if not (reference_ms and duration_ms) or min(reference_ms, duration_ms) <= 0:
        raise _UnknownError(
            "SeriesDate and SeriesTime are not before the first acquisition, and "
            "FrameReferenceTime or ActualFrameDuration is missing"
        )
    rate = math.log(2) / half_life_s
    decay = rate * duration_ms / 1000
    into_frame_s = math.log(decay / -math.expm1(-decay)) / rate
    try:
        return first + timedelta(seconds=into_frame_s - reference_ms / 1000)
    except OverflowError:
        raise _UnknownError("FrameReferenceTime cannot be right") from None


def _waited_s(tracer: Dataset, scan: datetime, half_life_s: float) -> float:
    """Return the seconds from injection to scan; a bare time of day may lie before midnight."""
    stamp = _stamp(text(tracer, "RadiopharmaceuticalStartDateTime") or "")
    clock = _clock(text(tracer, "RadiopharmaceuticalStartTime") or "")
    if stamp is not None:
        waited_s = (scan - stamp).total_seconds()
    elif clock is None:
        raise _UnknownError("RadiopharmaceuticalStartTime is missing")
    elif half_life_s > _SAME_DAY_S:
        raise _UnknownError(
            "RadiopharmaceuticalStartDateTime is missing or names a time zone, and the tracer "
            "lasts for days"
        )
    else:
        midnight = scan.replace(hour=0, minute=0, second=0, microsecond=0)
        waited_s = (scan - midnight - clock).total_seconds() % _DAY_S
    if not 0 <= waited_s <= _MOST_HALF_LIVES * half_life_s:
        raise _UnknownError(
            "by its times, the scan lies before the injection or too many half-lives after it"
        )
    return waited_s


def _text(slices: Sequence[Dataset], keyword: str) -> str:
    return _shared(slices, keyword, text)


def _positive(slices: Sequence[Dataset], keyword: str) -> float:
    value = _shared(slices, keyword, number)
    if value <= 0:
        raise _UnknownError(f"{keyword} is not above 0")
    return value


def _shared(
    slices: Sequence[Dataset], keyword: str, read: Callable[[Dataset, str], Value | None]
) -> Value:
    """Return what all slices state alike."""
    first, *others = {read(one, keyword) for one in slices}
    if others:
        raise _UnknownError(f"{keyword} differs between slices")
    if first is None:
        raise _UnknownError(f"{keyword} is missing")
    return first


def _philips(slices: Sequence[Dataset], element: int) -> float | None:
    """Return a private factor above 0 that all slices share, or None."""
    try:
        found = {float(str(_private(one, _PHILIPS, element))) for one in slices}
    except ValueError:
        return None
    factor = found.pop()
    return factor if not found and math.isfinite(factor) and factor > 0 else None


def _private(dataset: Dataset, block: tuple[int, str], element: int) -> object:
    """Return a private value from its vendor's first block; None if it is another vendor's."""
    group, creator = block
    try:
        if str(dataset[group, 0x0010].value).strip() != creator:
            return None
        value: object = dataset[group, 0x1000 | element].value
    except FAULTS:
        return None
    return value.decode("ascii", "replace").strip("\0 ") if isinstance(value, bytes) else value


def _moment(dataset: Dataset, of: str) -> datetime | None:
    """Return a date and its time, such as SeriesDate and SeriesTime."""
    return _stamp((text(dataset, f"{of}Date") or "") + (text(dataset, f"{of}Time") or ""))


def _stamp(value: str) -> datetime | None:
    """Return a DICOM date and time; None for none, and for one that names its time zone."""
    match = _STAMP.fullmatch(value)
    clock = _clock(match[2]) if match else None
    if match is None or clock is None:
        return None
    try:
        return datetime.strptime(match[1], "%Y%m%d") + clock
    except (ValueError, OverflowError):
        return None


def _clock(value: str) -> timedelta | None:
    match = _CLOCK.fullmatch(value)
    if match is None:
        return None
    hours, minutes, seconds, part = (float(number or 0) for number in match.groups())
    if hours >= 24 or minutes >= 60 or seconds > 60:
        return None
    return timedelta(hours=hours, minutes=minutes, seconds=seconds + part)
