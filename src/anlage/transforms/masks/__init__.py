"""Mask generators: which positions of a view are hidden. True = hidden.

A generator hides exactly ``round(ratio * positions)`` positions in every image, so that a
transformer can drop the same number of tokens everywhere. Guided ones look at the view, at its
label map or at the method's own error, and so the shape of a mask tells the encoder a little of
what it hides: bright structure, a lesion, something hard. It never tells the values that are to
be predicted, and a random share blurs it. A mask guided by labels needs them, so pretraining is
then no longer free of labels: only those of the training part are read.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import ClassVar, Literal

from torch import Tensor

from anlage.config import BaseConfig
from anlage.tensors import Masks
from anlage.transforms.draws import Draws
from anlage.transforms.masks._choice import per_position, random_order, smallest

__all__ = ["Guide", "Mask", "num_hidden", "per_position", "random_order", "smallest"]

Guide = Literal["image", "labels", "errors"]


class Mask(ABC):
    """One way to choose hidden positions.

    Attributes:
        guide: What it looks at besides random numbers. ``image``: the view in the unit interval
            before its intensities are changed, (B, C, *S). ``labels``: its label map, (B, *S).
            ``errors``: the method's own error at every position, (B, *grid). None: nothing.
    """

    Config: ClassVar[type[BaseConfig]]
    guide: ClassVar[Guide | None] = None

    @abstractmethod
    def draw(
        self, draws: Draws, *, grid: tuple[int, ...], ratio: float, guide: Tensor | None = None
    ) -> Masks:
        """Draw masks on a grid of mask units, (B, *grid).

        Args:
            draws: Random numbers.
            grid: Positions per axis.
            ratio: Share of positions to hide.
            guide: What the class attribute of that name asks for; without it a guided mask
                hides at random.
        """


def num_hidden(grid: tuple[int, ...], ratio: float) -> int:
    """Return how many positions of a grid are hidden: at least one stays and one goes."""
    total = math.prod(grid)
    return min(max(round(total * ratio), 1), total - 1)
