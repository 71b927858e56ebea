"""Add the noise of magnitude MR images: never negative, and a haze where there is no signal.

Source: Gudbjartsson and Patz, "The Rician distribution of noisy MRI data", MRM 34(6), 1995.
"""

from __future__ import annotations

import torch
from pydantic import Field

from anlage.config import BaseConfig
from anlage.tensors import Images
from anlage.transforms import IntensityTransform, Params
from anlage.transforms._shape import per_image, widened
from anlage.transforms.draws import Draws

__all__ = ["RicianNoise"]


class RicianNoise(IntensityTransform):
    """Magnitude of the image plus complex normal noise, its deviation drawn below ``sigma``."""

    class Config(BaseConfig):
        """Largest standard deviation of either part, in units of the unit interval."""

        sigma: float = Field(default=0.05, ge=0, le=1)

    def __init__(self, config: Config | None = None) -> None:
        self.config = config or self.Config()

    def draw(self, draws: Draws, *, shape: torch.Size) -> Params:
        """Draw a deviation, (B,), and standard normal fields of both parts, (B, 2, C, *S)."""
        return {
            "sigma": draws.uniform("sigma", 1, 0, self.config.sigma)[:, 0],
            "noise": draws.normal_field("noise", (2, *shape[1:])),
        }

    def apply(self, images: Images, params: Params) -> Images:
        """Return |images + sigma * (real noise + i * imaginary noise)|."""
        wide = widened(images)
        sigma = per_image(params["sigma"], images).to(wide.dtype)
        real, imaginary = params["noise"].unbind(dim=1)
        return torch.hypot(wide + sigma * real, sigma * imaginary).to(images.dtype)
