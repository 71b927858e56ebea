"""Invert values above a threshold: natural-image SSL uses it, medical policies forbid it."""

from __future__ import annotations

import torch
from pydantic import Field

from anlage.config import BaseConfig
from anlage.tensors import Images
from anlage.transforms import IntensityTransform, Params
from anlage.transforms.draws import Draws

__all__ = ["Solarize"]


class Solarize(IntensityTransform):
    """Return 1 - x where x is at least ``threshold``."""

    class Config(BaseConfig):
        """Value from which on the scale is inverted."""

        threshold: float = Field(default=0.5, ge=0, le=1)

    def __init__(self, config: Config | None = None) -> None:
        self.config = config or self.Config()

    def draw(self, draws: Draws, *, shape: torch.Size) -> Params:
        """Nothing is drawn."""
        return {"unused": torch.zeros(shape[0], device=draws.device)}

    def apply(self, images: Images, params: Params) -> Images:
        """Invert what is bright."""
        return torch.where(images >= self.config.threshold, 1 - images, images)
