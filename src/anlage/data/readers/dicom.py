"""DICOM: single images, series of slices, and multi-frame volumes, calibrated and in RAS+.

- One file with one frame, or a series of one slice, is a 2D image (C, rows, columns), as stored.
- Several slices, or the frames of one file, that each say where they lie in the patient are a
  volume (C, X, Y, Z). The same slices in one file or in many give the same array and affine.
- A file with several frames that do not say where they lie (an ultrasound clip, a whole slide)
  is refused, and so is anything that is no image (reports, structures, segmentations).

How numbers are calibrated is written in ``_dicom_meaning`` and, for PET, ``_dicom_suv``; how
slices are stacked and with which tolerances in ``_dicom_geometry``; and which facts are kept in
``_dicom_facts``. What is known to be hostile (bombs, deep nesting, sizes that lie) is refused in
``_dicom_file``, ``_dicom_elements`` and ``_dicom_pixels`` before it costs memory. Nothing from the
file is ever logged or quoted in an error, except sizes and counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from anlage.data.readers import Header, Limits, RawImage, Reader, Source
from anlage.data.readers._canonical import (
    Affine,
    canonical,
    canonical_grid,
    canonical_turn,
    voxel_mm,
)
from anlage.data.readers._dicom_facts import facts_of
from anlage.data.readers._dicom_file import DicomFile, is_dicom, open_dicom
from anlage.data.readers._dicom_format import PixelFormat, pixel_format
from anlage.data.readers._dicom_geometry import frame_planes, pixel_mm, slice_plane, stacked
from anlage.data.readers._dicom_groups import FrameGroups
from anlage.data.readers._dicom_meaning import Meaning, calibrated, meaning_of
from anlage.data.readers._dicom_pixels import check_frames, decode
from anlage.data.readers._dicom_suv import uptake_of
from anlage.data.readers._dicom_tags import FACTS, IMAGE, UPTAKE, tags
from anlage.data.readers._dicom_values import text
from anlage.data.readers._quiet import quiet
from anlage.data.readers._sizes import check_size
from anlage.errors import DataError

__all__ = ["Dicom"]

_WANTED = tags(IMAGE) | tags(FACTS) | tags(UPTAKE)


class Dicom(Reader):
    """DICOM part 10 files."""

    suffixes = (".dcm", ".dicom", ".ima")

    def recognises(self, path: Path, head: bytes) -> bool:
        """Whether a file has the DICOM preamble, or is named as if it had."""
        return is_dicom(head) or path.suffix.lower() in self.suffixes

    def header(self, source: Source, limits: Limits) -> Header:
        """Read shape, bits, unit and spacing; compares sizes, decodes nothing."""
        with quiet:
            parts = _parts(source, limits)
            for part in parts:
                check_frames(part.file, part.layout)
            grid = _arranged(parts, limits)
        shape, spacing = grid.shape, grid.spacing_mm
        if grid.affine is not None:
            edges, affine = canonical_grid(shape[1:], grid.affine)
            shape, spacing = (shape[0], *edges), voxel_mm(affine)
        return Header(
            shape=shape, bits=_bits(parts), unit=parts[0].meaning.unit, spacing_mm=spacing
        )

    def read(self, source: Source, limits: Limits) -> RawImage:
        """Decode, calibrate and stack the frames of a source."""
        with quiet:
            parts = _parts(source, limits)
            grid = _arranged(parts, limits)
            ordered = [parts[index] for index in grid.order] if len(parts) > 1 else parts
            pixels, notes = _stacked_frames(ordered, grid, limits)
            facts = facts_of(ordered[0].file.dataset)
        affine, spacing, turn = grid.affine, grid.spacing_mm, None
        if affine is not None:
            turn = canonical_turn(affine)
            pixels, affine = canonical(pixels, affine)
            spacing = voxel_mm(affine)
        return RawImage(
            pixels=pixels,
            bits=_bits(parts),
            unit=parts[0].meaning.unit,
            spacing_mm=spacing,
            affine=affine,
            facts=facts,
            notes=tuple(dict.fromkeys([*parts[0].meaning.notes, *notes])),
            turn=turn,
        )


@dataclass(frozen=True, slots=True)
class _Part:
    """One file of a source, with everything known before its pixels are decoded."""

    file: DicomFile
    layout: PixelFormat
    groups: FrameGroups
    meaning: Meaning


@dataclass(frozen=True, slots=True)
class _Grid:
    """How frames are laid out in space: (C, *S) before axes are turned to RAS+."""

    shape: tuple[int, ...]
    order: list[int]
    affine: Affine | None
    spacing_mm: tuple[float, ...] | None


def _parts(source: Source, limits: Limits) -> list[_Part]:
    files = []
    held = 0
    for path in source.paths:
        file = open_dicom(path, _WANTED, limits)
        held += len(file.inflated or b"")
        if held > limits.max_bytes:
            raise DataError(
                f"a series may inflate to {limits.max_bytes:,} bytes, this one gives more. If "
                "that is right, raise max_bytes."
            )
        files.append(file)
    uptake = uptake_of([file.dataset for file in files])
    parts = []
    for file in files:
        layout = pixel_format(file, limits)
        groups = FrameGroups.of(file.dataset, layout.frames)
        parts.append(_Part(file, layout, groups, meaning_of(file.dataset, layout, groups, uptake)))
    if len(parts) > 1:
        _check_series(parts)
    return parts


def _check_series(parts: Sequence[_Part]) -> None:
    """Refuse files that are not the slices of one series."""
    if any(part.layout.frames > 1 for part in parts):
        raise DataError(
            "the slices of a series must be files with one frame each, one file has several. "
            "Prepare multi-frame files one by one."
        )
    features: dict[str, list[object]] = {
        "SeriesInstanceUID": [text(part.file.dataset, "SeriesInstanceUID") for part in parts],
        "Modality": [text(part.file.dataset, "Modality") for part in parts],
        "size": [(part.layout.rows, part.layout.columns) for part in parts],
        "colour type": [part.layout.photometric for part in parts],
        "unit": [part.meaning.unit for part in parts],
    }
    for what, values in features.items():
        count = len(set(values))
        if count > 1:
            raise DataError(
                f"all slices of a volume must have one {what}, these have {count}. Split the "
                "files into one source per series."
            )


def _arranged(parts: Sequence[_Part], limits: Limits) -> _Grid:
    layout, groups = parts[0].layout, parts[0].groups
    channels = 3 if layout.is_colour else 1
    frames = len(parts) if len(parts) > 1 else layout.frames
    if frames == 1:
        measures = groups.macro(0, "PixelMeasuresSequence") or parts[0].file.dataset
        return _Grid((channels, layout.rows, layout.columns), [0], None, pixel_mm(measures))
    itemsize = 4 if layout.is_float or layout.bits_allocated > 16 else 2
    shape = (channels, layout.columns, layout.rows, frames)
    check_size(shape, itemsize=itemsize, limits=limits)
    if len(parts) > 1:
        planes = [slice_plane(part.file.dataset) for part in parts]
    else:
        planes = frame_planes(groups, frames)
    order, affine = stacked(planes)
    return _Grid(shape, order, affine, None)


def _stacked_frames(
    parts: Sequence[_Part], grid: _Grid, limits: Limits
) -> tuple[npt.NDArray[np.generic], list[str]]:
    """Decode and calibrate all frames: (C, rows, columns), or (C, columns, rows, slices)."""
    frames, notes = [], []
    for part in parts:
        stored, more = decode(part.file, part.layout, limits)
        notes += more
        for index, frame in enumerate(stored):
            values = calibrated(frame, index, part.layout, part.meaning)
            frames.append(np.moveaxis(values, -1, 0) if part.layout.is_colour else values[None])
    if grid.affine is None:
        return np.ascontiguousarray(frames[0]), notes
    if len(parts) == 1:
        frames = [frames[index] for index in grid.order]
    return np.stack(frames, axis=-1).swapaxes(1, 2), notes


def _bits(parts: Sequence[_Part]) -> int:
    bits = [part.meaning.bits for part in parts]
    return max(bits) if all(bits) else 0
