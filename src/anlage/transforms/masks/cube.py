"""Hide whole squares or cubes of several positions, so that neighbours cannot give them away.

Source: Xie et al., SimMIM, CVPR 2022, arXiv:2111.09886, section 3.2 (masked patches larger than
those of the encoder); in 3D Zhou et al., Models Genesis, arXiv:1908.06912, hide random cuboids.
Departure: cubes lie on a grid of their own, and the last one may be hidden in part, so that
every image hides exactly the same number of positions.
"""

from __future__ import annotations

import math

import torch
from pydantic import Field
from torch import Tensor

from anlage.config import BaseConfig
from anlage.tensors import Masks
from anlage.transforms.draws import Draws
from anlage.transforms.masks import Mask, num_hidden
from anlage.transforms.masks._choice import random_order, smallest

__all__ = ["CubeMask"]


class CubeMask(Mask):
    """Aligned cubes are hidden one after the other, in random order."""

    class Config(BaseConfig):
        """Edge of a cube in positions; where it does not divide the grid, border ones are cut."""

        edge: int = Field(default=2, ge=1, le=16)

    def __init__(self, config: Config | None = None) -> None:
        self.config = config or self.Config()

    def draw(
        self, draws: Draws, *, grid: tuple[int, ...], ratio: float, guide: Tensor | None = None
    ) -> Masks:
        """Draw masks, (B, *grid), True = hidden."""
        edge = self.config.edge
        cube = _cubes(grid, edge).to(draws.device)  # (N,)
        turn = draws.uniform("cube", math.prod(-(-length // edge) for length in grid))
        rank = turn.argsort(dim=1, stable=True).argsort(dim=1)  # (B, cubes)
        keys = rank[:, cube] + random_order(draws, math.prod(grid))
        return smallest(keys, num_hidden(grid, ratio)).reshape(-1, *grid)


def _cubes(grid: tuple[int, ...], edge: int) -> Tensor:
    """Return the number of each position's cube, (N,), counted without gaps."""
    number = torch.zeros((), dtype=torch.long)
    for length in grid:
        number = number[..., None] * -(-length // edge) + torch.arange(length) // edge
    return number.flatten()
