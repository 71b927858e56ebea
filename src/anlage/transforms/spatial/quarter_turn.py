"""Turn a view by 0, 90, 180 or 270 degrees in a plane: for images without a canonical pose."""

from __future__ import annotations

import torch
from torch import Tensor

from anlage.config import BaseConfig
from anlage.transforms import Params, SpatialTransform
from anlage.transforms.draws import Draws

__all__ = ["QuarterTurn"]


class QuarterTurn(SpatialTransform):
    """Rotate in the plane of the first two axes by a multiple of 90 degrees."""

    class Config(BaseConfig):
        """No settings."""

    def __init__(self, config: Config | None = None) -> None:
        self.config = config or self.Config()

    def draw(self, draws: Draws, *, dims: int) -> Params:
        """Draw the number of quarter turns, 0 to 3, (B,)."""
        return {"turns": draws.uniform("turns", 1, 0, 4)[:, 0].floor()}

    def matrix(self, params: Params, *, dims: int) -> Tensor:
        """Return an exact rotation matrix of zeros and ones, (B, d, d)."""
        turns = params["turns"]
        cosine = torch.tensor([1.0, 0.0, -1.0, 0.0], device=turns.device)[turns.long()]
        sine = torch.tensor([0.0, 1.0, 0.0, -1.0], device=turns.device)[turns.long()]
        matrix = torch.eye(dims, device=turns.device).repeat(len(turns), 1, 1)
        matrix[:, 0, 0] = matrix[:, 1, 1] = cosine
        matrix[:, 0, 1] = -sine
        matrix[:, 1, 0] = sine
        return matrix
