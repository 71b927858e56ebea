"""Turn a picture as its EXIF or TIFF orientation says.

Source: TIFF 6.0, tag 274 (Orientation).
"""

from __future__ import annotations

from typing import Any

import numpy.typing as npt

from anlage.data.readers._turn import Turn

__all__ = ["UPRIGHT_NOTE", "is_sideways", "turn_upright", "upright"]

UPRIGHT_NOTE = "turned upright as its orientation tag says"

_SIDEWAYS = (5, 6, 7, 8)  # rows and columns change places
_ROWS_REVERSED = (3, 4, 7, 8)  # after that
_COLUMNS_REVERSED = (2, 3, 6, 7)


def is_sideways(orientation: int) -> bool:
    """Whether an orientation swaps rows and columns."""
    return orientation in _SIDEWAYS


def turn_upright(orientation: int) -> Turn | None:
    """Return what :func:`upright` does to the axes (rows, columns); None if it does nothing."""
    if not 2 <= orientation <= 8:
        return None
    return Turn(
        axes=(1, 0) if is_sideways(orientation) else (0, 1),
        is_flipped=(orientation in _ROWS_REVERSED, orientation in _COLUMNS_REVERSED),
    )


def upright(pixels: npt.NDArray[Any], orientation: int) -> npt.NDArray[Any]:
    """Turn a picture (C, rows, columns); an orientation other than 2 to 8 changes nothing."""
    if orientation in _SIDEWAYS:
        pixels = pixels.swapaxes(1, 2)
    if orientation in _ROWS_REVERSED:
        pixels = pixels[:, ::-1]
    if orientation in _COLUMNS_REVERSED:
        pixels = pixels[:, :, ::-1]
    return pixels
