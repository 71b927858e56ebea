"""Check and decode single pages of a TIFF file.

tifffile decodes what needs no codec beyond zlib; LZW and JPEG pages go to Pillow, whose
libtiff decodes into a buffer of the page's own size. Before either does, every strip or tile
must lie inside the file, and must not inflate beyond the size it has by the header.

Source: TIFF 6.0.
"""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
from PIL import Image
from PIL.TiffImagePlugin import TiffImageFile
from tifffile import TiffPage

from anlage.data.readers import Limits
from anlage.data.readers._colour import ALPHA_NOTE, PALETTE_NOTE, on_black
from anlage.data.readers._sizes import check_pixels, check_size
from anlage.errors import DataError

__all__ = ["check_page", "decoded_page", "page_channels"]

_PLAIN, _PACKBITS, _DEFLATE = 1, 32773, (8, 32946)
_BY_PILLOW = (5, 7)  # LZW, JPEG; not fax, whose damage libtiff passes over in silence
_WHITE_IS_ZERO, _GREY, _RGB, _PALETTE, _YCBCR = 0, 1, 2, 3, 6
_MAX_CHANNELS = 16
_ALPHA = (1, 2)


def check_page(page: TiffPage, limits: Limits) -> None:
    """Refuse a page that is too large, or of a kind that cannot be read.

    Raises:
        DataError: With the reason.
    """
    if page.imagelength * page.imagewidth > limits.max_pixels_2d:
        kind = "tiled (a whole slide?)" if page.is_tiled else "whole"
        raise DataError(
            f"a 2D image may have up to {limits.max_pixels_2d:,} pixels, this TIFF is {kind} "
            f"with {page.imagelength} x {page.imagewidth}. Cut it into tiles first, or raise "
            "max_pixels_2d."
        )
    check_pixels(page.imagelength, page.imagewidth, limits)
    if page.imagedepth != 1 or page.dtype is None or page.dtype.kind not in "buif":
        raise _unknown_kind()
    samples = int(page.samplesperpixel)
    check_size(
        (samples, page.imagelength, page.imagewidth),
        itemsize=page.dtype.itemsize,
        limits=limits,
    )
    if page_channels(page) > _MAX_CHANNELS:
        raise _unknown_kind()


def page_channels(page: TiffPage) -> int:
    """Return the number of channels that a page has once decoded.

    Raises:
        DataError: If its colours are of a kind that cannot be read.
    """
    photometric, samples = int(page.photometric), int(page.samplesperpixel)
    if photometric == _PALETTE and samples == 1:
        return 3
    if photometric in (_RGB, _YCBCR) and samples in (3, 4):
        return 3
    if photometric in (_GREY, _WHITE_IS_ZERO):
        return samples - int(_has_alpha(page))
    raise _unknown_kind()


def decoded_page(
    page: TiffPage, index: int, path: Path, limits: Limits
) -> tuple[npt.NDArray[Any], list[str]]:
    """Decode a page that was checked.

    Args:
        page: The page.
        index: Its number in the file.
        path: The file.
        limits: Bounds on what it may cost.

    Returns:
        (C, rows, columns) in the page's own type, and notes.

    Raises:
        DataError: If it is compressed in an unknown way, or a part lies outside the file.
    """
    compression = int(page.compression)
    with path.open("rb") as stream:
        _check_segments(page, stream, path.stat().st_size)
    if compression in (_PLAIN, _PACKBITS, *_DEFLATE):
        stored = page.asarray()
        is_white_zero = int(page.photometric) == _WHITE_IS_ZERO
    elif compression in _BY_PILLOW:
        stored = _by_pillow(path, index, limits)
        is_white_zero = int(page.photometric) == _WHITE_IS_ZERO and stored.dtype == np.uint16
    else:
        raise DataError(
            "a TIFF page must be plain, or compressed by Deflate, PackBits, LZW or JPEG; "
            "this one is compressed in another way. Save it again without compression."
        )
    return _channels_first(page, stored, is_white_zero=is_white_zero)


def _channels_first(
    page: TiffPage, stored: npt.NDArray[Any], *, is_white_zero: bool
) -> tuple[npt.NDArray[Any], list[str]]:
    edges = (page.imagelength, page.imagewidth)
    if stored.shape[:2] == edges:
        pixels = stored.reshape(*edges, -1)
        pixels = np.moveaxis(pixels, -1, 0)
    else:
        pixels = stored.reshape(-1, *edges)
    if pixels.dtype == bool:
        pixels = pixels.astype(np.uint8)
    notes = []
    if int(page.photometric) == _PALETTE:
        table = np.asarray(page.colormap)  # (3, entries), 16 bits
        pixels = (table >> 8 if table.max() > 255 else table).astype(np.uint8)[:, pixels[0]]
        notes.append(PALETTE_NOTE)
    if is_white_zero:
        pixels = _inverted(pixels, int(page.bitspersample))
        notes.append("white-is-zero inverted")
    if len(pixels) > page_channels(page):
        if pixels.dtype.kind != "u":
            raise _unknown_kind()
        pixels = on_black(pixels)
        notes.append(ALPHA_NOTE)
    return pixels, notes


def _inverted(pixels: npt.NDArray[Any], bits: int) -> npt.NDArray[Any]:
    if pixels.dtype.kind != "u":
        raise _unknown_kind()
    inverted: npt.NDArray[Any] = pixels.dtype.type(2**bits - 1) - pixels
    return inverted


def _check_segments(page: TiffPage, stream: BinaryIO, size: int) -> None:
    """Every strip or tile lies in the file and holds what the header says, no more."""
    segments = list(zip(page.dataoffsets, page.databytecounts, strict=True))
    if not segments or any(
        offset < 1 or count < 1 or offset + count > size for offset, count in segments
    ):
        raise _outside()
    compression = int(page.compression)
    bits = int(page.samplesperpixel) * int(page.bitspersample)
    row_bytes = -(-page.imagewidth * bits // 8)
    if compression == _PLAIN and sum(c for _, c in segments) < row_bytes * page.imagelength:
        raise _outside()
    if compression in _DEFLATE:
        rows, columns = (
            (page.tilelength, page.tilewidth)
            if page.is_tiled
            else (min(page.rowsperstrip, page.imagelength), page.imagewidth)
        )
        expected = int(rows) * (-(-int(columns) * bits // 8))
        for offset, count in segments:
            stream.seek(offset)
            _check_inflated(stream.read(count), expected)


def _check_inflated(packed: bytes, expected: int) -> None:
    if len(zlib.decompressobj().decompress(packed, expected + 1)) > expected:
        raise DataError(
            f"a part of a TIFF page must inflate to {expected:,} bytes at most, one gives more. "
            "It is a decompression bomb or damaged; leave it out."
        )


def _outside() -> DataError:
    return DataError(
        "every part of a TIFF page must lie inside the file and be of full length, one is not. "
        "The file was cut off; copy it again from its source."
    )


def _by_pillow(path: Path, index: int, limits: Limits) -> npt.NDArray[Any]:
    with Image.open(path, formats=[str(TiffImageFile.format)]) as picture:
        picture.seek(index)
        check_pixels(picture.height, picture.width, limits)
        return np.asarray(picture)


def _has_alpha(page: TiffPage) -> bool:
    return any(int(extra) in _ALPHA for extra in page.extrasamples)


def _unknown_kind() -> DataError:
    return DataError(
        "a TIFF page must be grey, RGB or palette, of integers or floats, with up to "
        f"{_MAX_CHANNELS} channels; this one is of another kind. Convert it to RGB or grey first."
    )
