"""Sharpen edges and noise alike, as a harder reconstruction kernel does in CT.

Unsharp masking: what a Gaussian takes away is added once more. A smooth kernel is
``gaussian_blur``. Source: Ohkubo et al., "Image filtering as an alternative to the application of
a different reconstruction kernel in CT imaging", Med. Phys. 38(7), 2011.
"""

from __future__ import annotations

import math

import torch
from pydantic import Field, field_validator

from anlage.config import BaseConfig
from anlage.tensors import Images
from anlage.transforms import IntensityTransform, Params
from anlage.transforms._rows import along_axis, gaussian_weights
from anlage.transforms._shape import per_image, widened
from anlage.transforms.draws import Draws

__all__ = ["Sharpen"]

_TRUNCATE = 4.0  # standard deviations


class Sharpen(IntensityTransform):
    """Return images + amount * (images - smoothed images), the amount drawn from 0 on."""

    class Config(BaseConfig):
        """Largest amount; smallest and largest standard deviation in pixels of the view."""

        amount: float = Field(default=1.0, ge=0, le=10)
        sigma: tuple[float, float] = (0.5, 1.5)

        @field_validator("sigma")
        @classmethod
        def _in_order(cls, sigma: tuple[float, float]) -> tuple[float, float]:
            if not 0 <= sigma[0] <= sigma[1] < math.inf:
                raise ValueError("needs the smallest deviation, then the largest, from 0 pixels up")
            return sigma

    def __init__(self, config: Config | None = None) -> None:
        self.config = config or self.Config()

    def draw(self, draws: Draws, *, shape: torch.Size) -> Params:
        """Draw an amount and a standard deviation in pixels per image, (B,)."""
        return {
            "amount": draws.uniform("amount", 1, 0, self.config.amount)[:, 0],
            "sigma": draws.uniform("sigma", 1, *self.config.sigma)[:, 0],
        }

    def apply(self, images: Images, params: Params) -> Images:
        """Add what smoothing takes away; at the border the Gaussian is cut off."""
        wide = widened(images)
        smooth, sigma = wide, params["sigma"].to(wide.dtype)
        weights = {edge: gaussian_weights(sigma, edge, _TRUNCATE) for edge in set(wide.shape[2:])}
        for axis in range(2, wide.ndim):
            smooth = along_axis(smooth, weights[wide.shape[axis]], axis)
        amount = per_image(params["amount"], images).to(wide.dtype)
        return (wide + amount * (wide - smooth)).to(images.dtype)
