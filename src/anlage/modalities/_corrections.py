"""Corrections of a picture before it is stored: what is no image, and what light coloured it.

Each takes and gives values in the unit interval, (C, rows, columns), and changes nothing it is
not sure of.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image as Pillow
from PIL import ImageDraw

__all__ = ["colour_constant", "main_region"]

Array = npt.NDArray[np.float32]

_DARK = 0.04  # of the unit interval: black that a lossy codec has touched stays below
_EDGE = 256  # pixels of the small copy in which regions are found
_BRIDGE = 2  # pixels of the small copy: gaps of speckle that do not part a region
_SURE = 0.15  # share of the picture that the region must have to be taken for the image
_MINKOWSKI = 6
_GAIN = (0.5, 2.0)  # no lamp is further from white


def main_region(unit: Array) -> Array:
    """Make black all that lies outside the hull of the largest bright region.

    Text, markers and colour bars beside an ultrasound beam or a breast are islands of their
    own; what is drawn inside the region stays. A picture that its largest region does not
    fill to 15 % is left as it is, and so is a volume.
    """
    from scipy import ndimage

    if unit.ndim != 3:
        return unit
    rows, columns = unit.shape[1:]
    step = max(1, -(-max(rows, columns) // _EDGE))
    bright = _thick(unit.max(axis=0)[::step, ::step] > _DARK)
    regions, count = ndimage.label(bright)
    if count == 0:
        return unit
    sizes = np.bincount(regions.ravel())[1:]
    if sizes.max() < _SURE * bright.size:
        return unit
    inside = _hull(regions == sizes.argmax() + 1)
    grown = ndimage.binary_dilation(inside, iterations=1)
    full = np.repeat(np.repeat(grown, step, axis=0), step, axis=1)[:rows, :columns]
    kept: Array = unit * full
    return kept


def colour_constant(unit: Array) -> Array:
    """Bring the picture to neutral light by Shades of Gray; grey images stay as they are.

    The light is estimated by the Minkowski mean of order 6 of each channel. The picture keeps
    its mean light, and no channel is changed by more than a factor of two.

    Source: Finlayson and Trezzi, Color Imaging Conference 2004; Barata et al., IEEE JBHI 19(3),
    2015, 10.1109/JBHI.2014.2336473, for dermoscopy.
    """
    if unit.shape[0] != 3:
        return unit
    power = np.power(unit, _MINKOWSKI, dtype=np.float64).reshape(3, -1).mean(axis=1)
    light = np.power(power, 1 / _MINKOWSKI)
    if light.min() <= 0:
        return unit
    gain = np.clip(light.mean() / light, *_GAIN).astype(np.float32)
    corrected: Array = np.clip(unit * gain.reshape(3, *[1] * (unit.ndim - 1)), 0, 1)
    return corrected


def _thick(mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Close small gaps, so that speckle is one region, and drop thin bridges to letters."""
    from scipy import ndimage

    padded = np.pad(mask, _BRIDGE, mode="edge")
    closed = ndimage.binary_closing(padded, iterations=_BRIDGE)
    opened: npt.NDArray[np.bool_] = ndimage.binary_opening(closed)
    return opened[_BRIDGE:-_BRIDGE, _BRIDGE:-_BRIDGE]


def _hull(region: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Return the convex hull of a region: dark parts at its rim belong to it."""
    from scipy.spatial import ConvexHull, QhullError

    places = np.argwhere(region)
    try:
        corners = places[ConvexHull(places).vertices]
    except QhullError:  # a line has no hull
        return region
    canvas = Pillow.new("1", (region.shape[1], region.shape[0]))
    ImageDraw.Draw(canvas).polygon([(int(x), int(y)) for y, x in corners], fill=1, outline=1)
    return np.array(canvas, dtype=bool) | region
