"""Read and check a NIfTI header: shape, numbers, scaling, and the map to the patient.

What is repaired, always with a note:

- A slope of zero means no scaling (the standard says so; no note). A slope that is NaN beside
  an intercept of zero or NaN is taken the same way. Any other NaN or infinity is refused.
- The sform gives the map to mm where it is stated and usable, else the qform. A file with
  neither is taken as stored: axes right, front, top, voxels as ``pixdim`` says.
- Where ``pixdim`` disagrees with the sform by more than 1 %, the sform counts. Where ``pixdim``
  itself is needed, a negative edge loses its sign, and zero or NaN is refused.
- Metres and micrometres become millimetres.

Source: NIfTI-1 and NIfTI-2 headers (nifti1.h, nifti2.h of the NIfTI data format working group).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import nibabel as nib
import numpy as np
import numpy.typing as npt
from nibabel.spatialimages import HeaderDataError

from anlage.data.readers._canonical import Affine, check_affine, voxel_mm
from anlage.errors import DataError

__all__ = ["HEADER_BYTES", "NiftiHeader", "is_nifti", "parsed"]

HEADER_BYTES = 540  # of NIfTI-2; NIfTI-1 has 348
_SIZES = {348: nib.Nifti1Header, 540: nib.Nifti2Header}
_SINGLE = (b"n+1\0", b"n+2\0")
_PAIR = (b"ni1\0", b"ni2\0")
_MAX_CHANNELS = 16
_DISAGREE = 0.01
_METRE, _MICROMETRE = 1, 3


@dataclass(frozen=True, slots=True)
class NiftiHeader:
    """What a header says, checked.

    Attributes:
        shape: Edges as stored: three, then the number of channels.
        dtype: Type of the stored numbers; has fields for colours.
        offset: First byte of the voxels.
        slope: Scaling; 1 where there is none.
        intercept: Scaling; 0 where there is none.
        affine: (4, 4) from stored voxel index to mm in RAS+.
        notes: What was repaired.
    """

    shape: tuple[int, int, int, int]
    dtype: np.dtype[Any]
    offset: int
    slope: float
    intercept: float
    affine: Affine
    notes: tuple[str, ...]


def is_nifti(head: bytes) -> bool:
    """Whether the first bytes, not compressed, are a NIfTI header."""
    return _magic(head) in (*_SINGLE, *_PAIR)


def parsed(head: bytes) -> NiftiHeader:
    """Parse the first 540 bytes of a file.

    Raises:
        DataError: If they are no NIfTI header, or one that cannot be used.
    """
    magic = _magic(head)
    if magic in _PAIR:
        raise DataError(
            "NIfTI images must be single files, this is a pair of .hdr and .img. Convert it to "
            ".nii.gz first."
        )
    if magic not in _SINGLE:
        raise DataError(
            "a NIfTI file must start with a NIfTI header, this one does not. It is of another "
            "kind or damaged; copy it again from its source."
        )
    size = 348 if magic == _SINGLE[0] else 540
    try:
        order = "<" if head[0] else ">"  # of the header's own size, which comes first
        raw = _SIZES[size](head[:size], endianness=order, check=False)
        dtype = raw.get_data_dtype()
        dims = [int(edge) for edge in raw["dim"]]
    except (HeaderDataError, ValueError, KeyError, TypeError):
        raise _damaged() from None
    _check_dtype(dtype)
    shape = _shape(dims)
    if dtype.fields is not None and shape[3] > 1:
        raise DataError(f"a colour NIfTI image must be one volume, got {shape[3]}. Split it first.")
    slope, intercept, notes = _scaling(float(raw["scl_slope"]), float(raw["scl_inter"]))
    affine, more = _affine(raw)
    return NiftiHeader(shape, dtype, _offset(raw, size), slope, intercept, affine, (*notes, *more))


def _magic(head: bytes) -> bytes:
    if head[:4] in (b"\x5c\x01\0\0", b"\0\0\x01\x5c"):
        return head[344:348]
    return head[4:8] if head[:4] in (b"\x1c\x02\0\0", b"\0\0\x02\x1c") else b""


def _shape(dims: list[int]) -> tuple[int, int, int, int]:
    """Return three edges and the number of channels; edges of 1 at the end are dropped."""
    count, edges = dims[0], dims[1:]
    if not 2 <= count <= 7 or any(edge < 1 for edge in edges[:count]):
        raise DataError(
            f"a NIfTI image must have 2 to 7 axes of at least 1 voxel, got {count} axes "
            f"{tuple(edges[: max(0, min(count, 7))])}. Its header is damaged; convert it again."
        )
    edges = [*edges[:count], *[1] * (7 - count)]
    rest = [edge for edge in edges[3:] if edge > 1] or [1]
    if len(rest) > 1 or rest[0] > _MAX_CHANNELS:
        raise DataError(
            "a NIfTI image must be one volume, or up to "
            f"{_MAX_CHANNELS} channels on its fourth axis, got {tuple(edges[:count])}. Split "
            "time series and diffusion directions into volumes first."
        )
    return edges[0], edges[1], edges[2], rest[0]


def _check_dtype(dtype: np.dtype[Any]) -> None:
    is_colour = dtype.fields is not None and all(
        kind[0] == np.uint8 for kind in dtype.fields.values()
    )
    if not (is_colour or (dtype.kind in "uif" and dtype.itemsize <= 8)):
        raise DataError(
            "NIfTI voxels must be integers, floats of up to 64 bits, or RGB, these are complex "
            "or wider. Convert the image first."
        )


def _scaling(slope: float, intercept: float) -> tuple[float, float, list[str]]:
    if slope == 0 or (slope == 1 and intercept == 0):
        return 1.0, 0.0, []
    if math.isnan(slope) and (math.isnan(intercept) or intercept == 0):
        return 1.0, 0.0, ["scl_slope is not a number: voxels taken unscaled"]
    if not (math.isfinite(slope) and math.isfinite(intercept)):
        raise DataError(
            "scl_slope and scl_inter must be finite numbers, this header holds NaN or infinity. "
            "The voxels cannot be calibrated; convert the image again."
        )
    return slope, intercept, []


def _offset(raw: Any, size: int) -> int:
    offset = float(raw["vox_offset"])
    if not math.isfinite(offset) or offset < size or offset > 2**40:
        raise _damaged()
    return int(offset)


def _affine(raw: Any) -> tuple[Affine, list[str]]:
    pixdim = np.array(raw["pixdim"][1:4], np.float64)
    notes: list[str] = []
    affine = _stated(raw, pixdim, notes)
    unit = int(raw["xyzt_units"]) & 7
    if unit in (_METRE, _MICROMETRE):
        factor, name = (1000.0, "metres") if unit == _METRE else (0.001, "micrometres")
        affine = np.diag([factor, factor, factor, 1.0]) @ affine
        notes.append(f"{name} turned into mm")
    return affine, notes


def _stated(raw: Any, pixdim: npt.NDArray[np.float64], notes: list[str]) -> Affine:
    """Return the map that a header states, in its own unit; add notes on repairs."""
    has_qform = int(raw["qform_code"]) > 0
    if int(raw["sform_code"]) > 0:
        try:
            affine = check_affine(np.array(raw.get_sform(), np.float64))
        except DataError:
            if not has_qform:
                raise
            notes.append("unusable sform: the qform gives position and orientation")
        else:
            with np.errstate(invalid="ignore"):
                agrees = np.abs(pixdim / voxel_mm(affine) - 1) <= _DISAGREE
            if not agrees.all():
                notes.append("pixdim disagrees with the sform: the sform counts")
            return affine
    if not (np.isfinite(pixdim) & (pixdim != 0)).all():
        raise DataError(
            "pixdim must hold the voxel size where there is no sform, this header has zero or "
            "no number there. Its true size is unknown; convert the image again."
        )
    if (pixdim < 0).any():
        notes.append("negative pixdim: sign dropped")
    edges = np.abs(pixdim)
    if not has_qform:
        notes.append("no orientation stated: axes taken as right, front, top")
        return np.diag([*edges, 1.0])
    raw = raw.copy()
    raw["pixdim"][1:4] = edges
    try:
        return check_affine(np.array(raw.get_qform(), np.float64))
    except (HeaderDataError, ValueError):
        raise _damaged() from None


def _damaged() -> DataError:
    return DataError(
        "a NIfTI header must state type, offset and orientation that exist, this one does not. "
        "It is damaged; convert the image again."
    )
