"""Change the light that a picture was taken under, from warm to cool.

Source: CIE 15:2004 for the colours of daylight between 4000 and 25000 kelvin; von Kries, 1902:
another light multiplies each channel of linear light by a factor; IEC 61966-2-1 for the sRGB
curve between linear light and stored values.
"""

from __future__ import annotations

from typing import ClassVar

import torch
from pydantic import Field
from torch import Tensor

from anlage.config import BaseConfig
from anlage.tensors import Images
from anlage.transforms import IntensityTransform, Params
from anlage.transforms._shape import widened
from anlage.transforms.draws import Draws

__all__ = ["ColourTemperature"]

_NEUTRAL = 1e6 / 6504  # mired of D65, the white of sRGB
_TO_RGB = torch.tensor(
    [
        [3.2406, -1.5372, -0.4986],
        [-0.9689, 1.8758, 0.0415],
        [0.0557, -0.2040, 1.0570],
    ],
    dtype=torch.float64,
)
_LUMINANCE = torch.tensor([0.2126, 0.7152, 0.0722], dtype=torch.float64)


class ColourTemperature(IntensityTransform):
    """Multiply linear light by the ratio of two daylights; greys keep their luminance."""

    channels: ClassVar[int | None] = 3

    class Config(BaseConfig):
        """Largest change either way: mired (a million by kelvin), and share of green.

        From daylight at 6504 K, 30 mired reach from 5440 to 8080 K. A warmer light has more.
        """

        mired: float = Field(default=30.0, ge=0, le=95)
        tint: float = Field(default=0.03, ge=0, le=0.5)

    def __init__(self, config: Config | None = None) -> None:
        self.config = config or self.Config()

    def draw(self, draws: Draws, *, shape: torch.Size) -> Params:
        """Draw a change in mired and one of green per image, (B,)."""
        mired, tint = self.config.mired, self.config.tint
        return {
            "mired": draws.uniform("mired", 1, -mired, mired)[:, 0],
            "tint": draws.uniform("tint", 1, -tint, tint)[:, 0],
        }

    def apply(self, images: Images, params: Params) -> Images:
        """Multiply linear light; other channel counts pass through."""
        if images.shape[1] != 3:
            return images
        gain = _white(_NEUTRAL + params["mired"]) / _white(_NEUTRAL + 0 * params["mired"])
        gain[:, 1] *= 1 + params["tint"]
        gain = gain / (gain @ _LUMINANCE.to(gain.device))[:, None]
        linear = _decoded(widened(images))
        gain = gain.reshape(*gain.shape, *[1] * (images.ndim - 2)).to(linear.dtype)
        return _encoded(linear * gain).to(images.dtype)


def _white(mired: Tensor) -> Tensor:
    """Return linear sRGB of a daylight of luminance 1, (B, 3)."""
    t = mired.double() / 1e3  # thousands by kelvin
    warm = -4.6070 * t**3 + 2.9678 * t**2 + 0.09911 * t + 0.244063
    cool = -2.0064 * t**3 + 1.9018 * t**2 + 0.24748 * t + 0.237040
    x = torch.where(t >= 1 / 7, warm, cool)
    y = -3 * x**2 + 2.870 * x - 0.275
    xyz = torch.stack((x / y, torch.ones_like(y), (1 - x - y) / y), dim=1)
    return xyz @ _TO_RGB.T.to(mired.device)


def _decoded(stored: Tensor) -> Tensor:
    curved = ((stored.clamp_min(0.04045) + 0.055) / 1.055) ** 2.4
    return torch.where(stored <= 0.04045, stored / 12.92, curved)


def _encoded(linear: Tensor) -> Tensor:
    curved = 1.055 * linear.clamp_min(0.0031308) ** (1 / 2.4) - 0.055
    return torch.where(linear <= 0.0031308, linear * 12.92, curved)
