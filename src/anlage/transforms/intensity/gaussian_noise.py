"""Add independent normal noise, as detectors do."""

from __future__ import annotations

import torch
from pydantic import Field

from anlage.config import BaseConfig
from anlage.tensors import Images
from anlage.transforms import IntensityTransform, Params
from anlage.transforms._shape import per_image
from anlage.transforms.draws import Draws

__all__ = ["GaussianNoise"]


class GaussianNoise(IntensityTransform):
    """Add noise whose deviation is drawn between zero and ``sigma``."""

    class Config(BaseConfig):
        """Largest standard deviation, in units of the unit interval."""

        sigma: float = Field(default=0.05, ge=0, le=1)

    def __init__(self, config: Config | None = None) -> None:
        self.config = config or self.Config()

    def draw(self, draws: Draws, *, shape: torch.Size) -> Params:
        """Draw a deviation, (B,), and a standard normal field, (B, C, *S)."""
        return {
            "sigma": draws.uniform("sigma", 1, 0, self.config.sigma)[:, 0],
            "noise": draws.normal_field("noise", tuple(shape[1:])),
        }

    def apply(self, images: Images, params: Params) -> Images:
        """Return images + sigma * noise."""
        return images + per_image(params["sigma"], images) * params["noise"]
