"""Colour pictures: alpha laid on black, palettes looked up, greys that pose as colour."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["ALPHA_NOTE", "GREY_NOTE", "PALETTE_NOTE", "on_black", "single_channel"]

Pixels = npt.NDArray[Any]

ALPHA_NOTE = "transparency removed: the image was laid on black"
GREY_NOTE = "three identical colour channels kept as one"
PALETTE_NOTE = "palette expanded to colours"


def single_channel(pixels: Pixels) -> Pixels:
    """Return (1, rows, columns) of a (3, rows, columns) picture whose channels are all alike.

    Any other picture comes back as it is.
    """
    alike = len(pixels) == 3 and all((pixels[0] == other).all() for other in pixels[1:])
    return pixels[:1] if alike else pixels


def on_black(pixels: Pixels) -> Pixels:
    """Lay a picture on a black ground and drop its last channel, the opacity.

    Args:
        pixels: (C + 1, rows, columns), unsigned integers.

    Returns:
        (C, rows, columns) of the same type, rounded.
    """
    full = float(np.iinfo(pixels.dtype).max)
    opacity = pixels[-1].astype(np.float32) / full
    laid: Pixels = np.rint(pixels[:-1].astype(np.float32) * opacity).astype(pixels.dtype)
    return laid
