"""Hide positions independently of each other, as in MAE.

Source: He et al., CVPR 2022, arXiv:2111.06377.
"""

from __future__ import annotations

import math

from torch import Tensor

from anlage.config import BaseConfig
from anlage.tensors import Masks
from anlage.transforms.draws import Draws
from anlage.transforms.masks import Mask, num_hidden
from anlage.transforms.masks._choice import random_order, smallest

__all__ = ["RandomMask"]


class RandomMask(Mask):
    """The positions with the smallest of N random numbers are hidden."""

    class Config(BaseConfig):
        """No settings."""

    def __init__(self, config: Config | None = None) -> None:
        self.config = config or self.Config()

    def draw(
        self, draws: Draws, *, grid: tuple[int, ...], ratio: float, guide: Tensor | None = None
    ) -> Masks:
        """Draw masks, (B, *grid), True = hidden."""
        hidden = smallest(random_order(draws, math.prod(grid)), num_hidden(grid, ratio))
        return hidden.reshape(-1, *grid)
