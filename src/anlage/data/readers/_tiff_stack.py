"""How the pages of a TIFF file belong together: slices, channels, and their spacing.

Source: the ImageJ hyperstack convention (channels fastest, then slices, then frames), and the
Pixels element of OME-TIFF, of which only sizes and order are read.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from tifffile import TiffFile, TiffPage

from anlage.errors import DataError

__all__ = ["Stack", "stack_of", "usable_pages"]

_MAX_PAGES = 10_000
_MAX_CHANNELS = 16
_X_RESOLUTION, _Y_RESOLUTION = 282, 283
_REDUCED_OR_MASK = 0b101
_MM: Final = {
    "nm": 1e-6,
    "um": 1e-3,
    "micron": 1e-3,
    "microns": 1e-3,
    "\\u00B5m": 1e-3,  # ImageJ writes the micro sign in this way
    "\u00b5m": 1e-3,
    "mm": 1.0,
    "cm": 10.0,
    "inch": 25.4,
}


@dataclass(frozen=True, slots=True)
class Stack:
    """What the pages of a file are.

    Attributes:
        channels: Pages that are channels of one slice.
        slices: Slices; 1 for a 2D image.
        is_channel_fastest: Whether the channels of a slice follow each other.
        edges_mm: Distance of columns, rows and slices; None where unknown.
    """

    channels: int
    slices: int
    is_channel_fastest: bool
    edges_mm: tuple[float | None, float | None, float | None]

    @property
    def spacing_mm(self) -> tuple[float, ...] | None:
        """Edges in the order of the image's axes; None unless all are known."""
        across, down, along = self.edges_mm
        edges = (down, across) if self.slices == 1 else (across, down, along)
        known = tuple(edge for edge in edges if edge is not None)
        return known if len(known) == len(edges) else None

    def joined(self, pages: Sequence[npt.NDArray[Any]]) -> npt.NDArray[Any]:
        """Join pages (C, rows, columns) to (C, rows, columns) or (C, X, Y, Z)."""
        if len(pages) == 1:
            return pages[0]
        joined = np.stack(pages, axis=1)  # (C, pages, rows, columns)
        if self.channels > 1:
            edges = joined.shape[2:]
            split = joined[0].reshape(
                (self.slices, self.channels, *edges)
                if self.is_channel_fastest
                else (self.channels, self.slices, *edges)
            )
            joined = split.swapaxes(0, 1) if self.is_channel_fastest else split
        return joined[:, 0] if self.slices == 1 else joined.transpose(0, 3, 2, 1)


def usable_pages(file: TiffFile) -> list[TiffPage]:
    """Return the pages of the image itself, without smaller copies and masks.

    Raises:
        DataError: If there are too many, they form a loop, or differ in shape or type.
    """
    pages: list[TiffPage] = []
    seen: set[int] = set()
    for page in file.pages:
        if page.offset in seen or len(seen) >= _MAX_PAGES:
            raise DataError(
                f"a TIFF file may have up to {_MAX_PAGES:,} pages, each only once; this one has "
                "more or repeats them without end. Split it, or save it again."
            )
        seen.add(page.offset)
        if not (pages and int(page.subfiletype) & _REDUCED_OR_MASK):
            pages.append(page)
    kinds = {
        (page.imagelength, page.imagewidth, page.samplesperpixel, str(page.dtype)) for page in pages
    }
    if len(kinds) != 1:
        raise DataError(
            f"all pages of a TIFF file must have one size and type to be an image, these have "
            f"{len(kinds)}. Split it into one file per image."
        )
    return pages


def stack_of(file: TiffFile, pages: Sequence[TiffPage]) -> Stack:
    """Say what the pages of a file are.

    Raises:
        DataError: If they are time points, or do not add up to what the metadata says.
    """
    channels, slices, frames, is_channel_fastest = _stated(file, pages)
    if frames > 1:
        raise DataError(
            f"the pages of a TIFF file must be slices or channels, these are {frames} time "
            "points. Split it into one file per time point."
        )
    if channels * slices != len(pages) or channels > _MAX_CHANNELS:
        raise DataError(
            f"a TIFF file must have one page per slice and channel, up to {_MAX_CHANNELS} "
            f"channels; its metadata states {channels} channels and {slices} slices, it has "
            f"{len(pages)} pages. Save it again."
        )
    if channels > 1 and pages[0].samplesperpixel > 1:
        raise DataError(
            "the pages of a TIFF file can be channels only if they are grey, these are colour. "
            "Split it."
        )
    return Stack(channels, slices, is_channel_fastest, _edges_mm(file, pages[0]))


def _stated(file: TiffFile, pages: Sequence[TiffPage]) -> tuple[int, int, int, bool]:
    """Return the number of channels, slices and time points, and which is fastest."""
    if file.is_imagej:
        metadata = file.imagej_metadata or {}
        counts = [int(metadata.get(name, 1)) for name in ("channels", "slices", "frames")]
        if math.prod(counts) == 1:  # a plain stack states only its number of images
            counts[1] = int(metadata.get("images", 1))
        return counts[0], counts[1], counts[2], True
    if file.is_ome:
        text = str(pages[0].description)
        counts = [int(_found(rf'Size{axis}="(\d{{1,6}})"', text) or 1) for axis in "CZT"]
        counts[0] //= pages[0].samplesperpixel  # OME counts samples as channels
        order = _found(r'DimensionOrder="(\w{5})"', text) or "XYCZT"
        return counts[0], counts[1], counts[2], order.find("C") < order.find("Z")
    return 1, len(pages), 1, True


def _edges_mm(file: TiffFile, page: TiffPage) -> tuple[float | None, float | None, float | None]:
    metadata = (file.imagej_metadata or {}) if file.is_imagej else {}
    factor = _MM.get(str(metadata.get("unit", "")))
    if factor is None:
        return None, None, None
    along = float(metadata.get("spacing", 0))
    return (
        _per_unit(page, _X_RESOLUTION, factor),
        _per_unit(page, _Y_RESOLUTION, factor),
        along * factor if math.isfinite(along) and along > 0 else None,
    )


def _per_unit(page: TiffPage, tag: int, factor: float) -> float | None:
    found = page.tags.get(tag)
    if found is None:
        return None
    pixels, units = found.value
    return factor * units / pixels if pixels > 0 and units > 0 else None


def _found(pattern: str, text: str) -> str | None:
    match = re.search(pattern, text)
    return match[1] if match else None
