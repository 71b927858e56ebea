"""Hide structure rather than flat areas: the odds grow with how much the image changes there.

Source: Kakogeorgiou et al., "What to hide from your students", ECCV 2022, arXiv:2203.12719 (hide
what is salient, not all of it); Jiang et al., PMLR 301:679-694, 2025 (a random share keeps
attention diverse, rule R56).
Departure: salience is the gradient of the image, not the attention of a network, so it is known
from the first step, the same for every encoder, and costs next to nothing.
"""

from __future__ import annotations

import math
from typing import ClassVar

import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor

from anlage.config import BaseConfig
from anlage.tensors import Images, Masks
from anlage.transforms.draws import Draws
from anlage.transforms.masks import Guide, Mask, num_hidden
from anlage.transforms.masks._choice import hide, odds, per_position, random_order

__all__ = ["SaliencyMask"]


class SaliencyMask(Mask):
    """Positions are hidden by odds that are the mean gradient inside them."""

    guide: ClassVar[Guide | None] = "image"

    class Config(BaseConfig):
        """``random_share`` of hidden positions are drawn from everywhere.

        ``power`` is the exponent of the odds: 0 makes them equal, large ones hide the edges.
        """

        random_share: float = Field(default=0.5, ge=0, le=1)
        power: float = Field(default=1.0, ge=0, le=16)

    def __init__(self, config: Config | None = None) -> None:
        self.config = config or self.Config()

    def draw(
        self, draws: Draws, *, grid: tuple[int, ...], ratio: float, guide: Tensor | None = None
    ) -> Masks:
        """Draw masks, (B, *grid), True = hidden; ``guide`` is the view, (B, C, *S)."""
        if guide is None:
            keys = random_order(draws, math.prod(grid))
        else:
            weights = per_position(_steepness(guide), grid)
            keys = odds(draws, weights, power=self.config.power)
        share = self.config.random_share
        return hide(draws, keys, num_hidden(grid, ratio), random_share=share).reshape(-1, *grid)


def _steepness(images: Images) -> Float[Tensor, "B ..."]:
    """Return the length of the gradient in values per pixel, averaged over channels.

    Differences are central, and one-sided at the borders; an axis of one pixel has none.
    """
    axes = [axis for axis in range(2, images.ndim) if images.shape[axis] > 1]
    squares = torch.zeros_like(images)
    for slope in torch.gradient(images, dim=axes) if axes else ():
        squares += slope.square()
    return squares.sqrt().mean(dim=1)
