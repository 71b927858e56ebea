"""Readers: one file format per file, from bytes to a calibrated array, never trusting a header.

Every reader checks what a header claims against what the file can hold before it allocates,
turns the format's own faults into one DataError that names no path and no patient, and gives
arrays in Anlage's order: (C, rows, columns) in 2D, (C, X, Y, Z) in RAS+ orientation in 3D.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
import numpy.typing as npt

from anlage import plugins
from anlage.config import BaseConfig
from anlage.data.readers._apart import apart_mm, is_apart
from anlage.data.readers._turn import Turn
from anlage.errors import DataError

__all__ = [
    "Header",
    "Limits",
    "RawImage",
    "Reader",
    "Source",
    "Turn",
    "Unit",
    "open_reader",
    "read_header",
    "read_image",
]

_HEAD_BYTES = 512

Unit = Literal["hu", "suv", "uptake", "display", "arbitrary"]


@dataclass(frozen=True, kw_only=True)
class Source:
    """Where one image lies.

    Attributes:
        paths: One file, or the files of one series, or one file per channel.
        entry: Which part of the file: ``train_images:12`` in an npz; None for all of it.
        is_series: True if ``paths`` are the slices of one DICOM series.
    """

    paths: tuple[Path, ...]
    entry: str | None = None
    is_series: bool = False


class Limits(BaseConfig):
    """Bounds on what one file may cost; beyond them it is quarantined.

    Attributes:
        max_bytes: Decoded size of one image, and inflated size of one compressed file.
        max_pixels_2d: Pixels of one 2D image.
        max_depth: Nesting of DICOM sequences.
    """

    max_bytes: int = 2 * 1024**3
    max_pixels_2d: int = 200_000_000
    max_depth: int = 30


@dataclass(frozen=True, kw_only=True)
class Header:
    """What a file says about itself, read without decoding its pixels.

    Attributes:
        shape: (C, *S) in Anlage's axis order.
        bits: Significant bits of an integer image; 0 for floating point.
        unit: What the values mean: Hounsfield units; SUV by body weight; PET that is no such SUV,
            such as Bq/ml; a picture's full range; or nothing fixed.
        spacing_mm: Pixel or voxel edge per axis, in mm; None where the format has none.
    """

    shape: tuple[int, ...]
    bits: int
    unit: Unit
    spacing_mm: tuple[float, ...] | None


@dataclass(frozen=True, kw_only=True)
class RawImage:
    """One decoded image.

    Attributes:
        pixels: (C, *S), finite numbers, modality rescale applied, MONOCHROME1 already inverted.
        bits: Significant bits of an integer image; 0 for floating point.
        unit: As in Header.
        spacing_mm: As in Header.
        affine: (4, 4) voxel index -> mm in RAS+; None for 2D, and for a volume in a format
            that does not say how it lies in the patient (TIFF, NumPy).
        facts: Acquisition facts from an allow-list, by DICOM keyword (Manufacturer,
            BodyPartExamined, SliceThickness, ...): never a name, date, number or free text.
        notes: What was repaired, in words, such as "odd padding byte dropped".
        turn: How the axes were turned from how the file stores them, so that what refers to the
            file's pixels, such as boxes, can follow; None if they were not.
    """

    pixels: npt.NDArray[np.generic]
    bits: int
    unit: Unit
    spacing_mm: tuple[float, ...] | None = None
    affine: npt.NDArray[np.float64] | None = None
    facts: dict[str, str | float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    turn: Turn | None = None


class Reader(ABC):
    """One file format.

    Attributes:
        suffixes: How its files are named, in lower case; folder layouts take these for images.
    """

    suffixes: ClassVar[tuple[str, ...]]

    @abstractmethod
    def recognises(self, path: Path, head: bytes) -> bool:
        """Whether a file is of this format, judged by its first 512 bytes, then its name."""

    @abstractmethod
    def header(self, source: Source, limits: Limits) -> Header:
        """Read a file's header.

        Raises:
            DataError: If the file is damaged, lies about its size, or exceeds a limit.
        """

    @abstractmethod
    def read(self, source: Source, limits: Limits) -> RawImage:
        """Decode a file.

        Raises:
            DataError: If the file is damaged, lies about its size, or exceeds a limit.
        """


def open_reader(source: Source) -> Reader:
    """Find the reader of a source: by the content of its first file, and then by its name.

    Raises:
        DataError: If the file cannot be opened, or is of no known format.
    """
    if not source.paths:
        raise DataError("an image must have at least one file, this source has none.")
    path = source.paths[0]
    try:
        if not path.is_file():
            raise DataError("an image must be a file, this is a folder, a device or missing.")
        with path.open("rb") as stream:
            head = stream.read(_HEAD_BYTES)
    except OSError as error:
        raise DataError(
            f"an image must be readable, the system says: {error.strerror}. Check its "
            "permissions and the disk."
        ) from None
    if not head:
        raise DataError("an image must hold data, this file is empty. Copy it again.")
    names = plugins.available("data/readers")
    readers: list[Reader] = [plugins.load("data/readers", name)() for name in names]
    for named in (Path("-"), path):  # a path without a suffix is recognised by content alone
        for reader in readers:
            if reader.recognises(named, head):
                return reader
    raise DataError(
        f"an image must be of a known format ({', '.join(names)}), this file is not. Convert it "
        "to DICOM, NIfTI, PNG or TIFF."
    )


def read_header(source: Source, limits: Limits) -> Header:
    """Read the header of an image in any known format.

    Several files that are no series are channels of one image, in their order.

    Raises:
        DataError: If a file is damaged, lies about its size or exceeds a limit; or if channels
            do not have one grid.
    """
    if source.is_series or len(source.paths) == 1:
        return open_reader(source).header(source, limits)
    headers = [read_header(channel, limits) for channel in _channels(source)]
    first = headers[0]
    for header in headers:
        _check_grid(first.shape, first.spacing_mm, header.shape, header.spacing_mm)
    bits = [header.bits for header in headers]
    return Header(
        shape=(sum(header.shape[0] for header in headers), *first.shape[1:]),
        bits=max(bits) if all(bits) else 0,
        unit=_common_unit([header.unit for header in headers]),
        spacing_mm=first.spacing_mm,
    )


def read_image(source: Source, limits: Limits) -> RawImage:
    """Decode an image in any known format.

    Several files that are no series are channels of one image, in their order; facts and turn
    are those of the first.

    Raises:
        DataError: As in :func:`read_header`.
    """
    if source.is_series or len(source.paths) == 1:
        return open_reader(source).read(source, limits)
    read_header(source, limits)  # refuse what does not fit before anything is decoded
    images = [read_image(channel, limits) for channel in _channels(source)]
    first = images[0]
    for image in images:
        _check_grid(first.pixels.shape, first.spacing_mm, image.pixels.shape, image.spacing_mm)
        if first.affine is not None and image.affine is not None:
            _check_place(first.affine, image.affine, first.pixels.shape[1:])
    bits = [image.bits for image in images]
    return RawImage(
        pixels=np.concatenate([image.pixels for image in images]),
        bits=max(bits) if all(bits) else 0,
        unit=_common_unit([image.unit for image in images]),
        spacing_mm=first.spacing_mm,
        affine=first.affine,
        facts=first.facts,
        notes=tuple(dict.fromkeys(note for image in images for note in image.notes)),
        turn=first.turn,
    )


def _channels(source: Source) -> list[Source]:
    return [Source(paths=(path,), entry=source.entry) for path in source.paths]


def _check_grid(
    shape: tuple[int, ...],
    spacing: tuple[float, ...] | None,
    other_shape: tuple[int, ...],
    other_spacing: tuple[float, ...] | None,
) -> None:
    is_alike = shape[1:] == other_shape[1:] and (spacing is None) == (other_spacing is None)
    if not is_alike or (
        spacing is not None
        and other_spacing is not None
        and not np.allclose(spacing, other_spacing, rtol=1e-3)
    ):
        raise DataError(
            "the channels of an image must have one grid, these have "
            f"{shape[1:]} at {spacing} mm and {other_shape[1:]} at {other_spacing} mm. Resample "
            "them to one grid first."
        )


def _check_place(
    affine: npt.NDArray[np.float64], other: npt.NDArray[np.float64], space: tuple[int, ...]
) -> None:
    apart = apart_mm(affine, other, space)
    if is_apart(apart, affine):
        raise DataError(
            f"the channels of an image must lie at one place, these lie {apart:.3g} mm apart. "
            "Register and resample them first."
        )


def _common_unit(units: list[Unit]) -> Unit:
    return units[0] if len(set(units)) == 1 else "arbitrary"
