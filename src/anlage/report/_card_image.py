"""An image to draw views on where there is no other: a body with organs, a lesion and a letter.

The letter shows mirrors and turns, the lesion shows what a crop or a mask takes away, thin lines
show blur. It looks like no patient; virtual ones of a modality are used where there are any.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont
from scipy import ndimage

__all__ = ["card_image"]

Array = npt.NDArray[np.float32]

_EDGE = 256
_TINTS: dict[str, tuple[tuple[float, float, float], ...]] = {
    "dermoscopy": ((0.93, 0.76, 0.68), (0.30, 0.16, 0.12)),
    "endoscopy": ((0.10, 0.02, 0.02), (0.98, 0.62, 0.52)),
    "fundus": ((0.12, 0.03, 0.01), (0.98, 0.62, 0.30)),
    "histology": ((0.95, 0.90, 0.94), (0.35, 0.15, 0.50)),
    "microscopy": ((0.96, 0.88, 0.86), (0.30, 0.20, 0.55)),
}


def card_image(modality: str) -> Array:
    """Return an image in [0, 1]: (1, rows, columns), or three channels for modalities in colour."""
    grey = _grey()
    if modality not in _TINTS:
        return grey[None]
    ends = np.array(_TINTS[modality], dtype=np.float32)
    tinted: Array = ends[0][:, None, None] + grey * (ends[1] - ends[0])[:, None, None]
    return tinted


def _grey() -> Array:
    rows, columns = np.mgrid[:_EDGE, :_EDGE] / _EDGE
    canvas = Pillow.new("L", (_EDGE, _EDGE))
    pen = ImageDraw.Draw(canvas)
    pen.ellipse((22, 36, 234, 222), fill=120)  # body
    pen.ellipse((28, 42, 228, 216), fill=105)
    pen.ellipse((44, 66, 112, 176), fill=38)  # two cavities, one smaller
    pen.ellipse((146, 72, 206, 168), fill=38)
    pen.ellipse((112, 176, 144, 208), fill=225)  # bone
    pen.ellipse((118, 84, 166, 140), fill=150)  # an organ on one side
    for number in range(6):  # thin lines, closer and closer
        across = 52 + number * (11 - number)
        pen.line((across, 96, across + 8, 156), fill=90, width=2)
    pen.ellipse((168, 104, 184, 120), fill=170)  # a lesion
    pen.ellipse((70, 84, 76, 90), fill=170)  # a small one
    font = ImageFont.load_default(size=30)
    pen.text((176, 176), "R", font=font, fill=235)
    picture = np.asarray(canvas, dtype=np.float32) / 255
    texture = np.random.default_rng(0).normal(size=(_EDGE, _EDGE))
    texture = ndimage.gaussian_filter(texture, 2.0)
    inside = picture > 0.1
    shaded = picture + inside * (0.05 * texture / texture.std() * 0.6 + 0.06 * (columns - rows))
    smooth: Array = np.clip(ndimage.gaussian_filter(shaded, 0.7), 0, 1).astype(np.float32)
    return smooth
