"""Turn a view by a small angle; in 3D about all three axes."""

from __future__ import annotations

import torch
from pydantic import Field
from torch import Tensor

from anlage.config import BaseConfig
from anlage.transforms import Params, SpatialTransform
from anlage.transforms.draws import Draws

__all__ = ["Rotate"]


class Rotate(SpatialTransform):
    """Rotate about the centre of the view, in millimetres, so that nothing is sheared."""

    class Config(BaseConfig):
        """Largest angle in degrees, either way."""

        degrees: float = Field(default=10.0, ge=0, le=180)

    def __init__(self, config: Config | None = None) -> None:
        self.config = config or self.Config()

    def draw(self, draws: Draws, *, dims: int) -> Params:
        """Draw one angle in 2D, three in 3D, in degrees, (B, 1) or (B, 3)."""
        limit = self.config.degrees
        return {"degrees": draws.uniform("degrees", 1 if dims == 2 else 3, -limit, limit)}

    def matrix(self, params: Params, *, dims: int) -> Tensor:
        """Return a rotation matrix, (B, d, d); in 3D the product over the three planes."""
        angles = torch.deg2rad(params["degrees"])
        planes = [(0, 1)] if dims == 2 else [(0, 1), (0, 2), (1, 2)]
        turn = torch.eye(dims, device=angles.device).expand(len(angles), dims, dims)
        for number, (first, second) in enumerate(planes):
            turn = turn @ _plane_turn(angles[:, number], first, second, dims)
        return turn


def _plane_turn(angle: Tensor, first: int, second: int, dims: int) -> Tensor:
    turn = torch.eye(dims, device=angle.device).repeat(len(angle), 1, 1)
    turn[:, first, first] = turn[:, second, second] = angle.cos()
    turn[:, first, second] = -angle.sin()
    turn[:, second, first] = angle.sin()
    return turn
