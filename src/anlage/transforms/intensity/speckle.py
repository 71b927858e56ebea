"""Multiply by coarse random grain, as interfering echoes do in ultrasound.

Source: Burckhardt, IEEE Trans. Sonics Ultrason. 25(1), 1978: speckle is multiplicative, and
its grain is as wide as the imaging system resolves.
Departure: the grain is a smoothed normal field, not a simulated interference pattern.
"""

from __future__ import annotations

import torch
from pydantic import Field
from torch.nn import functional as F

from anlage.config import BaseConfig
from anlage.tensors import Images
from anlage.transforms import IntensityTransform, Params
from anlage.transforms._shape import per_image
from anlage.transforms.draws import Draws

__all__ = ["Speckle"]


class Speckle(IntensityTransform):
    """Return images * (1 + sigma * grain); black stays black."""

    class Config(BaseConfig):
        """Largest deviation of the factor, and the width of the grain in pixels."""

        sigma: float = Field(default=0.2, ge=0, le=1)
        grain: int = Field(default=2, ge=1, le=16)

    def __init__(self, config: Config | None = None) -> None:
        self.config = config or self.Config()

    def draw(self, draws: Draws, *, shape: torch.Size) -> Params:
        """Draw a deviation, (B,), and a coarse standard normal field, (B, 1, *S / grain)."""
        coarse = tuple(-(-edge // self.config.grain) for edge in shape[2:])
        return {
            "sigma": draws.uniform("sigma", 1, 0, self.config.sigma)[:, 0],
            "grain": draws.normal_field("grain", (1, *coarse)),
        }

    def apply(self, images: Images, params: Params) -> Images:
        """Return images * (1 + sigma * grain)."""
        mode = "bilinear" if images.ndim == 4 else "trilinear"
        grain = F.interpolate(params["grain"], size=images.shape[2:], mode=mode)
        return images * (1 + per_image(params["sigma"], images) * grain)
