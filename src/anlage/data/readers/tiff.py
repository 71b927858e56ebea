"""TIFF: pictures, and stacks of pages as volumes.

- One page is a 2D image (C, rows, columns); so is the full size of a pyramid that fits the limits.
- Several pages of one shape are a volume (C, X, Y, Z): columns, rows, pages. If ImageJ or OME
  metadata says that the pages are channels, they are channels; time points are refused. Pages of
  different shapes are refused, unless the others are smaller copies or masks (NewSubfileType).
- Spacing is known only from ImageJ metadata with a unit of length, along all axes or not at all.
  Orientation is unknown: the affine of a volume is None, and axes are taken as stored.
- Unsigned integers are ``display`` values. Signed integers and floats are ``arbitrary``, or
  ``hu`` if the smallest is -500 or lower (``header`` says ``arbitrary`` for both).
- Colour, palettes, transparency, orientation, NaN and wide integers are treated as in pictures
  and NIfTI; white-is-zero is inverted.

Whole slides are too large to be one image: the error says to tile them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tifffile import TiffFile, TiffFileError, TiffPage

from anlage.data.readers import Header, Limits, RawImage, Reader, Source, Turn, Unit
from anlage.data.readers._colour import GREY_NOTE, single_channel
from anlage.data.readers._quiet import FAULTS, quiet
from anlage.data.readers._sizes import check_size, only_path
from anlage.data.readers._tiff_pages import check_page, decoded_page, page_channels
from anlage.data.readers._tiff_stack import Stack, stack_of, usable_pages
from anlage.data.readers._upright import UPRIGHT_NOTE, is_sideways, turn_upright, upright
from anlage.data.readers._values import finite, guessed_unit, narrowed
from anlage.errors import DataError

__all__ = ["Tiff"]

_MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_ORIENTATION = 274


class Tiff(Reader):
    """TIFF and BigTIFF files."""

    suffixes = (".tif", ".tiff", ".svs", ".ndpi", ".scn")

    def recognises(self, path: Path, head: bytes) -> bool:
        """Whether a file starts like a TIFF, or is named like one."""
        return head.startswith(_MAGIC) or path.suffix.lower() in self.suffixes

    def header(self, source: Source, limits: Limits) -> Header:
        """Read shape, bits and spacing; decodes nothing."""
        with _opened(only_path(source), limits) as found:
            return Header(
                shape=found.shape,
                bits=found.bits,
                unit=found.unit or "arbitrary",
                spacing_mm=found.stack.spacing_mm,
            )

    def read(self, source: Source, limits: Limits) -> RawImage:
        """Decode all pages and join them."""
        path = only_path(source)
        notes: list[str] = []
        with _opened(path, limits) as found:
            pages = []
            for page in found.pages:
                pixels, more = decoded_page(page, page.index, path, limits)
                pages.append(upright(pixels, found.orientation))
                notes += more
            pixels = found.stack.joined(pages)
        if len(pages) == 1:
            single = single_channel(pixels)
            notes += [GREY_NOTE] if len(single) < len(pixels) else []
            pixels = single
        values, more = finite(narrowed(pixels))
        notes += [UPRIGHT_NOTE, *more] if 2 <= found.orientation <= 8 else more
        return RawImage(
            pixels=np.ascontiguousarray(values),
            bits=found.bits,
            unit=found.unit or guessed_unit(values),
            spacing_mm=found.stack.spacing_mm,
            notes=tuple(dict.fromkeys(notes)),
            turn=found.turn,
        )


@dataclass(frozen=True, slots=True)
class _Found:
    """The pages of an open file, checked."""

    pages: list[TiffPage]
    stack: Stack

    @property
    def orientation(self) -> int:
        tag = self.pages[0].tags.get(_ORIENTATION)
        return 1 if tag is None else int(tag.value)

    @property
    def shape(self) -> tuple[int, ...]:
        first = self.pages[0]
        rows, columns = first.imagelength, first.imagewidth
        if is_sideways(self.orientation):
            rows, columns = columns, rows
        channels = page_channels(first) * self.stack.channels
        slices = self.stack.slices
        return (channels, rows, columns) if slices == 1 else (channels, columns, rows, slices)

    @property
    def turn(self) -> Turn | None:
        """How pages are turned: on (rows, columns), or on a volume's (columns, rows, slices)."""
        page = turn_upright(self.orientation)
        if page is None or self.stack.slices == 1:
            return page
        rows, columns = page.is_flipped
        is_swapped = page.axes == (1, 0)
        return Turn(axes=(1, 0, 2) if is_swapped else (0, 1, 2), is_flipped=(columns, rows, False))

    @property
    def bits(self) -> int:
        if page_channels(self.pages[0]) == 3 and self.pages[0].colormap is not None:
            return 8
        return 0 if self.pages[0].dtype.kind == "f" else int(self.pages[0].bitspersample)

    @property
    def unit(self) -> Unit | None:
        """Unit of the values; None if it takes the values to guess."""
        return "display" if self.pages[0].dtype.kind in "bu" else None


@contextmanager
def _opened(path: Path, limits: Limits) -> Iterator[_Found]:
    """Open a file within the limits; whatever tifffile raises inside becomes a DataError."""
    try:
        with quiet, TiffFile(path) as file:
            pages = usable_pages(file)
            for page in pages:
                check_page(page, limits)
            found = _Found(pages, stack_of(file, pages))
            check_size(found.shape, itemsize=max(pages[0].dtype.itemsize, 1), limits=limits)
            yield found
    except DataError:
        raise
    except (*FAULTS, TiffFileError):
        raise DataError(
            "a TIFF file must be decodable to its end, this one is not. It is damaged, cut off "
            "or of a kind that Anlage cannot read; save it again as plain TIFF or PNG."
        ) from None
