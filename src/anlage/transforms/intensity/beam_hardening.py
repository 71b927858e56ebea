"""Darken the inside of a body, as beam hardening does in CT: cupping.

Source: Brooks and Di Chiro, Phys. Med. Biol. 21(3), 1976: to second order the measured line
integral is p - b p**2. Filtered backprojection of p**2 for a uniform disc is proportional to
sqrt(1 - r**2), r from 0 at its middle to 1 at its rim: that is what is taken away here.
Departure: the body is taken for one ellipse per slice; dark bands between bones are not made.
"""

from __future__ import annotations

import torch
from pydantic import Field
from torch import Tensor

from anlage.config import BaseConfig
from anlage.tensors import Images
from anlage.transforms import IntensityTransform, Params
from anlage.transforms._places import from_middle
from anlage.transforms._shape import per_image
from anlage.transforms.draws import Draws

__all__ = ["BeamHardening"]


class BeamHardening(IntensityTransform):
    """Subtract half an ellipsoid over the body; in 3D slice by slice along the last axis."""

    class Config(BaseConfig):
        """Largest darkening of the middle, and the value from which on a pixel is body.

        Both are shares of the window: ``depth`` 0.05 is 21 HU in a soft-tissue window of 425 HU.
        """

        depth: float = Field(default=0.08, ge=0, le=0.5)
        body_above: float = Field(default=0.1, ge=0, lt=1)

    def __init__(self, config: Config | None = None) -> None:
        self.config = config or self.Config()

    def draw(self, draws: Draws, *, shape: torch.Size) -> Params:
        """Draw a darkening of the middle per image, (B,)."""
        return {"depth": draws.uniform("depth", 1, 0, self.config.depth)[:, 0]}

    def apply(self, images: Images, params: Params) -> Images:
        """Return images - depth * sqrt(1 - r**2) inside the body's ellipse."""
        body = images.float().mean(dim=1, keepdim=True) > self.config.body_above
        cup = (1 - _squared_radius(body.float())).clamp_min(0).sqrt()
        return images - (per_image(params["depth"], images) * cup).to(images.dtype)


def _squared_radius(body: Tensor) -> Tensor:
    """Return r**2 in the ellipse that has the body's moments, (B, 1, *S); infinite if empty.

    A uniform ellipse has a quarter of its squared half axes as variances.
    """
    x, y = from_middle(body)[:2]
    count = body.sum(dim=(2, 3), keepdim=True)

    def mean(values: Tensor) -> Tensor:
        return (body * values).sum(dim=(2, 3), keepdim=True) / count.clamp_min(1)

    x, y = x - mean(x), y - mean(y)
    own = 1 / 12  # variance of a single pixel, so that a thin body has a width
    xx, yy, xy = mean(x * x) + own, mean(y * y) + own, mean(x * y)
    squared = (yy * x * x - 2 * xy * x * y + xx * y * y) / (xx * yy - xy * xy) / 4
    return squared.masked_fill(count == 0, torch.inf)
