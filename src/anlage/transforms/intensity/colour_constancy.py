"""Take the colour of the light out of a picture: shades of grey. Nothing is random.

Source: Finlayson and Trezzi, Color Imaging Conference 2004: the Minkowski mean of a scene is
taken for the colour of its light; power 6 does best. Barata et al., IEEE JBHI 19(3), 2015 use it
for dermoscopy.
A scene of one colour, such as bowel or retina, loses it: that is no use there.
Departure: factors are limited, since a red organ is no red lamp.
"""

from __future__ import annotations

import math
from typing import ClassVar

import torch
from pydantic import Field
from torch import Tensor

from anlage.config import BaseConfig
from anlage.tensors import Images
from anlage.transforms import IntensityTransform, Params
from anlage.transforms.draws import Draws

__all__ = ["ColourConstancy"]


class ColourConstancy(IntensityTransform):
    """Divide each channel by its share in the light's colour; black corners do not count."""

    channels: ClassVar[int | None] = 3

    class Config(BaseConfig):
        """Power of the mean, and the largest factor that a channel may change by.

        Power 1 assumes a scene that is grey on average, a large one a white brightest spot.
        """

        power: float = Field(default=6.0, ge=1, le=50)
        gain: float = Field(default=2.0, ge=1, le=10)

    def __init__(self, config: Config | None = None) -> None:
        self.config = config or self.Config()

    def draw(self, draws: Draws, *, shape: torch.Size) -> Params:
        """Nothing is drawn."""
        return {"unused": torch.zeros(shape[0], device=draws.device)}

    def apply(self, images: Images, params: Params) -> Images:
        """Return images / (sqrt(3) * unit vector of the light); others pass through."""
        if images.shape[1] != 3:
            return images
        power = self.config.power
        colours = images.flatten(2).double().clamp_min(0)
        light = colours.pow(power).mean(dim=2).pow(1 / power)  # (B, 3)
        light = light / torch.linalg.vector_norm(light, dim=1, keepdim=True).clamp_min(1e-12)
        most = self.config.gain
        gain: Tensor = (1 / (math.sqrt(3) * light)).clamp(1 / most, most)
        return images * gain.reshape(*gain.shape, *[1] * (images.ndim - 2)).to(images.dtype)
