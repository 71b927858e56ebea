"""Hide positions independently of each other, as in MAE.

Source: He et al., CVPR 2022, arXiv:2111.06377.
"""

from __future__ import annotations

import math

import torch

from anlage.config import BaseConfig
from anlage.tensors import Masks
from anlage.transforms.draws import Draws
from anlage.transforms.masks import Mask, num_hidden

__all__ = ["RandomMask"]


class RandomMask(Mask):
    """The positions with the smallest of N random numbers are hidden."""

    class Config(BaseConfig):
        """No settings."""

    def __init__(self, config: Config | None = None) -> None:
        self.config = config or self.Config()

    def draw(self, draws: Draws, *, grid: tuple[int, ...], ratio: float) -> Masks:
        """Draw masks, (B, *grid), True = hidden."""
        noise = draws.uniform("order", math.prod(grid))  # (B, N)
        hidden = torch.zeros_like(noise, dtype=torch.bool)
        chosen = noise.argsort(dim=1, stable=True)[:, : num_hidden(grid, ratio)]
        hidden.scatter_(1, chosen, value=True)
        return hidden.reshape(len(noise), *grid)
