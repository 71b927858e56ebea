"""Mask generators: which positions of a view are hidden. True = hidden.

A generator hides exactly ``round(ratio * positions)`` positions in every image, so that a
transformer can drop the same number of tokens everywhere.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import ClassVar

from anlage.config import BaseConfig
from anlage.tensors import Masks
from anlage.transforms.draws import Draws

__all__ = ["Mask", "num_hidden"]


class Mask(ABC):
    """One way to choose hidden positions."""

    Config: ClassVar[type[BaseConfig]]

    @abstractmethod
    def draw(self, draws: Draws, *, grid: tuple[int, ...], ratio: float) -> Masks:
        """Draw masks on a grid of mask units, (B, *grid)."""


def num_hidden(grid: tuple[int, ...], ratio: float) -> int:
    """Return how many positions of a grid are hidden: at least one stays and one goes."""
    total = math.prod(grid)
    return min(max(round(total * ratio), 1), total - 1)
