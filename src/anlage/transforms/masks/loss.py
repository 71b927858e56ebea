"""Hide what the method itself finds hard: the odds grow with its own error at each position.

Before every step each view is hidden at random once, reconstructed without learning, and the
error at its hidden positions becomes the odds of being hidden in earnest.

Source: Li et al., AnatoMask, ECCV 2024, arXiv:2407.06468, and Wang et al., "Hard patches mining",
CVPR 2023, arXiv:2304.05919; rule R56 for the random share.
Departures: the error is measured on the network itself, as it stands, where AnatoMask asks a
moving average and hard patches mining trains a predictor of the loss; positions that the
measuring mask shows count as average; hidden positions are drawn by odds, where the sources take
the largest. Nothing is remembered between steps, so a run is resumed exactly. The price is one
more pass without gradients.
"""

from __future__ import annotations

import math
from typing import ClassVar

from pydantic import Field
from torch import Tensor

from anlage.config import BaseConfig
from anlage.tensors import Masks
from anlage.transforms.draws import Draws
from anlage.transforms.masks import Guide, Mask, num_hidden
from anlage.transforms.masks._choice import hide, odds, per_position, random_order

__all__ = ["LossMask"]


class LossMask(Mask):
    """Positions are hidden by odds that are the method's error there."""

    guide: ClassVar[Guide | None] = "errors"

    class Config(BaseConfig):
        """``random_share`` of hidden positions are drawn from everywhere.

        ``power`` is the exponent of the odds: 0 makes them equal, large ones hide the hardest.
        """

        random_share: float = Field(default=0.5, ge=0, le=1)
        power: float = Field(default=1.0, ge=0, le=16)

    def __init__(self, config: Config | None = None) -> None:
        self.config = config or self.Config()

    def draw(
        self, draws: Draws, *, grid: tuple[int, ...], ratio: float, guide: Tensor | None = None
    ) -> Masks:
        """Draw masks, (B, *grid), True = hidden; ``guide`` is the error, (B, *grid)."""
        if guide is None:
            keys = random_order(draws, math.prod(grid))
        else:
            keys = odds(draws, per_position(guide, grid), power=self.config.power)
        share = self.config.random_share
        return hide(draws, keys, num_hidden(grid, ratio), random_share=share).reshape(-1, *grid)
