"""Stretch and shear a view: bodies are larger or smaller, and cut at a slant.

Shears are made one after the other, as in MONAI's RandAffine, so that they keep area and volume.
Rotation is its own transform, and the crop shifts and zooms.
"""

from __future__ import annotations

import itertools

import torch
from pydantic import Field
from torch import Tensor

from anlage.config import BaseConfig
from anlage.transforms import Params, SpatialTransform
from anlage.transforms.draws import Draws

__all__ = ["Affine"]


class Affine(SpatialTransform):
    """Scale each axis by its own factor, then shear each axis along every other one."""

    class Config(BaseConfig):
        """Largest factor of an axis, its reciprocal the smallest; largest shear either way."""

        scale: float = Field(default=1.1, ge=1, le=2)
        shear_degrees: float = Field(default=5.0, ge=0, le=45)

    def __init__(self, config: Config | None = None) -> None:
        self.config = config or self.Config()

    def draw(self, draws: Draws, *, dims: int) -> Params:
        """Draw a factor per axis, evenly on the log scale, (B, d), and shears, (B, d * (d - 1))."""
        limit = self.config.shear_degrees
        return {
            "scale": self.config.scale ** draws.uniform("log_scale", dims, -1, 1),
            "shear_degrees": draws.uniform("shear", dims * (dims - 1), -limit, limit),
        }

    def matrix(self, params: Params, *, dims: int) -> Tensor:
        """Return shear times scale, (B, d, d): a factor above 1 shows more, so smaller things."""
        scale = params["scale"]
        tangents = torch.deg2rad(params["shear_degrees"]).tan()
        linear = torch.diag_embed(scale)
        for number, (moved, along) in enumerate(itertools.permutations(range(dims), 2)):
            shear = torch.eye(dims, device=scale.device).repeat(len(scale), 1, 1)
            shear[:, moved, along] = tangents[:, number]
            linear = shear @ linear
        return linear
