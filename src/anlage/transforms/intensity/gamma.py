"""Bend the grey scale: dark and bright stay, the middle moves."""

from __future__ import annotations

import torch
from pydantic import Field

from anlage.config import BaseConfig
from anlage.tensors import Images
from anlage.transforms import IntensityTransform, Params
from anlage.transforms._shape import per_image
from anlage.transforms.draws import Draws

__all__ = ["Gamma"]


class Gamma(IntensityTransform):
    """Raise unit-interval values to a power drawn evenly on the log scale."""

    class Config(BaseConfig):
        """Largest power; its reciprocal is the smallest."""

        power: float = Field(default=1.5, ge=1, le=5)

    def __init__(self, config: Config | None = None) -> None:
        self.config = config or self.Config()

    def draw(self, draws: Draws, *, shape: torch.Size) -> Params:
        """Draw a power per image, (B,)."""
        return {"power": self.config.power ** draws.uniform("log_power", 1, -1, 1)[:, 0]}

    def apply(self, images: Images, params: Params) -> Images:
        """Return images ** power."""
        return images ** per_image(params["power"], images)
