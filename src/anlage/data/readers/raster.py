"""PNG, JPEG, BMP, GIF and WebP pictures, as (C, rows, columns).

- Grey stays one channel, 8 or 16 bits; 1-bit pictures become 0 and 1 with ``bits`` 1. Colour is
  RGB of 8 bits; 16-bit colour PNG is rounded to 8, with a note. Three identical channels become
  one (``header``, which decodes nothing, still says three).
- A palette is expanded. Transparency is removed: the picture is laid on black. CMYK and YCbCr
  become RGB. Colour profiles are ignored.
- The EXIF orientation is applied. Of an animation, only the first frame is read.

The number of pixels is compared with the limits before any of them is decoded.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image
from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.WebPImagePlugin import WebPImageFile

from anlage.data.readers import Header, Limits, RawImage, Reader, Source
from anlage.data.readers._colour import (
    ALPHA_NOTE,
    GREY_NOTE,
    PALETTE_NOTE,
    on_black,
    single_channel,
)
from anlage.data.readers._quiet import FAULTS, quiet
from anlage.data.readers._sizes import check_pixels, check_size, only_path
from anlage.data.readers._upright import UPRIGHT_NOTE, is_sideways, turn_upright, upright
from anlage.errors import DataError

__all__ = ["Raster"]

# Pillow knows a format only once its module is imported
_FORMATS = [
    str(kind.format)
    for kind in (PngImageFile, JpegImageFile, BmpImageFile, GifImageFile, WebPImageFile)
]
_MAGIC = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"BM", b"GIF87a", b"GIF89a")
_GREY_BITS = {"1": 1, "L": 8, "I;16": 16, "I;16L": 16, "I;16B": 16}
_COLOUR = ("P", "PA", "RGB", "RGBA", "RGBa", "LA", "La", "CMYK", "YCbCr", "LAB", "HSV")
_ORIENTATION = 274
_PNG_KIND = slice(24, 26)  # bit depth and colour type, in the header of a PNG
_PNG_WIDE_COLOUR = (b"\x10\x02", b"\x10\x06")


class Raster(Reader):
    """Everyday pictures."""

    suffixes = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp")

    def recognises(self, path: Path, head: bytes) -> bool:
        """Whether a file starts like one of these formats, or is named like one."""
        is_webp = head[:4] == b"RIFF" and head[8:12] == b"WEBP"
        return head.startswith(_MAGIC) or is_webp or path.suffix.lower() in self.suffixes

    def header(self, source: Source, limits: Limits) -> Header:
        """Read shape and bits; decodes nothing."""
        with _opened(only_path(source), limits) as picture:
            channels, bits = _kind(picture)
            edges = (picture.height, picture.width)
            edges = edges[::-1] if is_sideways(_orientation(picture)) else edges
        return Header(shape=(channels, *edges), bits=bits, unit="display", spacing_mm=None)

    def read(self, source: Source, limits: Limits) -> RawImage:
        """Decode the first frame."""
        path = only_path(source)
        with _opened(path, limits) as picture:
            _, bits = _kind(picture)
            pixels, notes = _pixels(picture)
            orientation = _orientation(picture)
            if getattr(picture, "is_animated", False):
                notes.append("only the first frame of several was read")
        if _is_wide_png(path):
            notes.append("16-bit colour rounded to 8 bits")
        if 2 <= orientation <= 8:
            pixels = upright(pixels, orientation)
            notes.append(UPRIGHT_NOTE)
        return RawImage(
            pixels=np.ascontiguousarray(pixels),
            bits=bits,
            unit="display",
            notes=tuple(notes),
            turn=turn_upright(orientation),
        )


@contextmanager
def _opened(path: Path, limits: Limits) -> Iterator[Image.Image]:
    """Open a picture within the limits; whatever Pillow raises inside becomes a DataError."""
    try:
        with quiet, Image.open(path, formats=_FORMATS) as picture:
            channels, bits = _kind(picture)
            check_pixels(picture.height, picture.width, limits)
            shape = (channels, picture.height, picture.width)
            check_size(shape, itemsize=max(bits // 8, 1), limits=limits)
            yield picture
    except DataError:
        raise
    except FAULTS:
        raise DataError(
            "a picture must be decodable to its end, this one is not. It is damaged, cut off or "
            "of another kind; copy it again from its source."
        ) from None


def _kind(picture: Image.Image) -> tuple[int, int]:
    """Return the number of channels and the bits of a decoded picture."""
    if picture.mode in _GREY_BITS and "transparency" not in picture.info:
        return 1, _GREY_BITS[picture.mode]
    if picture.mode in (*_GREY_BITS, *_COLOUR):
        return 3, 8
    raise DataError(
        "a picture must be 1-bit, grey of 8 or 16 bits, palette, RGB or CMYK; this one is of "
        "another kind. Convert it to PNG first."
    )


def _pixels(picture: Image.Image) -> tuple[npt.NDArray[Any], list[str]]:
    """Decode; grey is (1, rows, columns), colour (3, rows, columns)."""
    channels, _ = _kind(picture)
    if channels == 1:
        grey = np.asarray(picture)[None]
        native = np.uint8 if grey.dtype == bool else grey.dtype.newbyteorder("=")
        return grey.astype(native), []
    notes = [PALETTE_NOTE] if picture.mode in ("P", "PA") else []
    is_clear = "transparency" in picture.info or picture.mode in ("LA", "La", "PA", "RGBA", "RGBa")
    if is_clear:
        colours = on_black(np.moveaxis(np.asarray(picture.convert("RGBA")), -1, 0))
        notes.append(ALPHA_NOTE)
    else:
        colours = np.moveaxis(np.asarray(picture.convert("RGB")), -1, 0)
    single = single_channel(colours)
    return single, [*notes, GREY_NOTE] if len(single) == 1 else notes


def _orientation(picture: Image.Image) -> int:
    found = picture.getexif().get(_ORIENTATION, 1)
    return found if isinstance(found, int) else 1


def _is_wide_png(path: Path) -> bool:
    """Whether a file is a PNG of 16 bits per colour, which Pillow rounds to 8."""
    with path.open("rb") as stream:
        head = stream.read(_PNG_KIND.stop)
    return head.startswith(_MAGIC[0]) and head[_PNG_KIND] in _PNG_WIDE_COLOUR
