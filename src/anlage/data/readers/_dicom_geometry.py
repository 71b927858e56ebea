"""Place DICOM slices in space, and stack them along the normal of their planes.

Slices are ordered by position only; file names and instance numbers mean nothing. Tolerances:

- Orientation: direction cosines of all slices agree within 0.001, pixel spacing within 0.1 %.
- Gaps: each gap between neighbours is within 10 % of the median gap. A gap of more than 1.5
  medians is reported as missing slices, two slices closer than 10 % of it as duplicates.
- Line: slice origins lie within half a gap of evenly spaced points on a straight line. The line
  may lean (a tilted CT gantry): the affine keeps the lean.

Source: DICOM PS3.3 C.7.6.2.1.1 (image position and orientation, patient-based LPS axes).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset

from anlage.data.readers._canonical import Affine, check_affine
from anlage.data.readers._dicom_groups import FrameGroups
from anlage.data.readers._dicom_values import numbers
from anlage.errors import DataError

__all__ = ["Plane", "frame_planes", "pixel_mm", "slice_plane", "stacked"]

_GAP_TOLERANCE = 0.1
_MISSING = 1.5
_DRIFT = 0.5
_COSINES = 1e-3
_UNIT_LENGTH = 1e-2
_SPACING = 1e-3
_LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])

Vector = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Plane:
    """Where one slice lies, in mm along the patient's left, back and head.

    Attributes:
        origin: Centre of the first pixel.
        along_row: Unit vector in which the column index grows.
        along_column: Unit vector in which the row index grows.
        spacing_mm: Distance between rows, and between columns.
    """

    origin: Vector
    along_row: Vector
    along_column: Vector
    spacing_mm: tuple[float, float]

    @property
    def normal(self) -> Vector:
        """Unit vector across the slice."""
        return np.cross(self.along_row, self.along_column)


def slice_plane(dataset: Dataset) -> Plane:
    """Return the plane of a single-frame file.

    Raises:
        DataError: If it does not say where it lies.
    """
    return _plane(dataset, dataset, dataset)


def frame_planes(groups: FrameGroups, frames: int) -> list[Plane]:
    """Return the planes of all frames of a multi-frame file.

    Raises:
        DataError: If a frame does not say where it lies: a film, or a whole slide.
    """
    planes = []
    for frame in range(frames):
        parts = [
            groups.macro(frame, f"{name}Sequence")
            for name in ("PlanePosition", "PlaneOrientation", "PixelMeasures")
        ]
        if any(part is None for part in parts):
            raise DataError(
                f"the {frames} frames of a multi-frame file must each say where they lie in the "
                "patient to form a volume, these do not: the file is a film, such as an "
                "ultrasound clip, or tiles of a slide. Export its frames as single images."
            )
        planes.append(_plane(*(part for part in parts if part is not None)))
    return planes


def pixel_mm(dataset: Dataset) -> tuple[float, float] | None:
    """Return the spacing of rows and of columns of a single image, in mm.

    In the patient where that is known, else at the detector; None where neither is a positive
    number.
    """
    for keyword in ("PixelSpacing", "ImagerPixelSpacing"):
        found = numbers(dataset, keyword, count=2)
        if found and min(found) > 0:
            return found[0], found[1]
    return None


def stacked(planes: Sequence[Plane]) -> tuple[list[int], Affine]:
    """Order slices along their normal.

    Returns:
        The order, as indices into ``planes``, and the (4, 4) affine from (column, row, slice)
        to mm in RAS+.

    Raises:
        DataError: If slices are missing, double, turned against each other, or of another size.
    """
    first = planes[0]
    _check_alike(planes)
    depth = np.array([plane.origin @ first.normal for plane in planes])
    order = [int(index) for index in np.argsort(depth, kind="stable")]
    origins = np.stack([planes[index].origin for index in order])
    _check_gaps(np.diff(depth[order]))
    step = (origins[-1] - origins[0]) / (len(order) - 1)
    _check_line(origins, step)
    rows_mm, columns_mm = first.spacing_mm
    affine = np.eye(4)
    affine[:3, 0] = first.along_row * columns_mm
    affine[:3, 1] = first.along_column * rows_mm
    affine[:3, 2] = step
    affine[:3, 3] = origins[0]
    return order, check_affine(_LPS_TO_RAS @ affine)


def _plane(position: Dataset, orientation: Dataset, measures: Dataset) -> Plane:
    origin = numbers(position, "ImagePositionPatient", count=3)
    cosines = numbers(orientation, "ImageOrientationPatient", count=6)
    spacing = numbers(measures, "PixelSpacing", count=2)
    if origin is None or cosines is None or spacing is None or min(spacing) <= 0:
        raise DataError(
            "each slice of a volume must state ImagePositionPatient, ImageOrientationPatient "
            "and a PixelSpacing above 0 mm, one does not. Prepare these images as 2D, or "
            "export the series again."
        )
    row, column = np.array(cosines[:3]), np.array(cosines[3:])
    lengths = np.linalg.norm(row), np.linalg.norm(column)
    if max(abs(length - 1) for length in lengths) > _UNIT_LENGTH or (
        abs(row @ column) > _UNIT_LENGTH
    ):
        raise DataError(
            "ImageOrientationPatient must be two perpendicular directions of length 1, one "
            "slice states others. Its header is damaged; export the series again."
        )
    return Plane(np.array(origin), row / lengths[0], column / lengths[1], (spacing[0], spacing[1]))


def _check_alike(planes: Sequence[Plane]) -> None:
    first = planes[0]
    for plane in planes[1:]:
        turned = max(
            np.abs(plane.along_row - first.along_row).max(),
            np.abs(plane.along_column - first.along_column).max(),
        )
        if turned > _COSINES:
            raise DataError(
                "all slices of a volume must have one orientation, these have several "
                f"(directions differ by up to {turned:.3g}). The series mixes planes, or holds "
                "a localiser; split it by orientation."
            )
        ratios = np.array(plane.spacing_mm) / np.array(first.spacing_mm)
        if np.abs(ratios - 1).max() > _SPACING:
            raise DataError(
                "all slices of a volume must have one pixel spacing, these have several: "
                f"{first.spacing_mm} and {plane.spacing_mm} mm. Split the series."
            )


def _check_gaps(gaps: npt.NDArray[np.float64]) -> None:
    median = float(np.median(gaps))
    low, high = float(gaps.min()), float(gaps.max())
    if median <= 0 or low < _GAP_TOLERANCE * median:
        count = int((gaps <= _GAP_TOLERANCE * median).sum())
        raise DataError(
            f"each slice of a volume must have its own position, {count} of {len(gaps) + 1} "
            "lie on another one. The series holds duplicates, time points or echoes; split it."
        )
    if high > _MISSING * median:
        missing = int(np.rint(gaps / median - 1).sum())
        raise DataError(
            f"the slices of a volume must be evenly spaced, about {missing} are missing: the "
            f"largest gap is {high:.3f} mm, the median {median:.3f} mm. Copy the series again."
        )
    if max(high - median, median - low) > _GAP_TOLERANCE * median:
        raise DataError(
            f"the slices of a volume must be evenly spaced within {_GAP_TOLERANCE:.0%}, these "
            f"lie {low:.3f} to {high:.3f} mm apart. Resample the series to even gaps first."
        )


def _check_line(origins: Vector, step: Vector) -> None:
    expected = origins[0] + np.arange(len(origins))[:, None] * step
    drift = float(np.linalg.norm(origins - expected, axis=1).max())
    if drift > _DRIFT * float(np.linalg.norm(step)):
        raise DataError(
            "the slices of a volume must lie evenly along a straight line, one is "
            f"{drift:.3f} mm off its place. The series mixes two scans; split it."
        )
