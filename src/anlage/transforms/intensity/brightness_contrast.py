"""Shift and stretch values about the image's own mean."""

from __future__ import annotations

import torch
from pydantic import Field

from anlage.config import BaseConfig
from anlage.tensors import Images
from anlage.transforms import IntensityTransform, Params
from anlage.transforms._shape import per_image
from anlage.transforms.draws import Draws

__all__ = ["BrightnessContrast"]


class BrightnessContrast(IntensityTransform):
    """Multiply the distance from the image mean, then add a constant."""

    class Config(BaseConfig):
        """Largest change either way: added value, and share of the contrast."""

        brightness: float = Field(default=0.1, ge=0, le=1)
        contrast: float = Field(default=0.2, ge=0, lt=1)

    def __init__(self, config: Config | None = None) -> None:
        self.config = config or self.Config()

    def draw(self, draws: Draws, *, shape: torch.Size) -> Params:
        """Draw a shift and a factor per image, (B,)."""
        shift, stretch = self.config.brightness, self.config.contrast
        return {
            "shift": draws.uniform("shift", 1, -shift, shift)[:, 0],
            "factor": draws.uniform("factor", 1, 1 - stretch, 1 + stretch)[:, 0],
        }

    def apply(self, images: Images, params: Params) -> Images:
        """Return (images - mean) * factor + mean + shift."""
        mean = images.flatten(1).mean(dim=1)
        factor = params["factor"]
        offset = mean * (1 - factor) + params["shift"]
        return images * per_image(factor, images) + per_image(offset, images)
