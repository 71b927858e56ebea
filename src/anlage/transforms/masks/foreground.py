"""Hide positions inside the body or tissue, and leave some of it to be seen.

Empty background is predicted without learning anything; hidden positions are therefore taken
from the foreground, up to a limit, and only then from the background. Without the limit a small
foreground would be hidden whole, and nothing would be left to predict it from.

Source: the design rules R53 (masks that know where the anatomy is) and R41 (what must stay).
Departure: no organ model or text says where the foreground is, only how far the values of a view
lie from its background; a view without background counts as foreground all over.
"""

from __future__ import annotations

import math
from typing import ClassVar, Literal

import torch
from jaxtyping import Bool
from pydantic import Field
from torch import Tensor

from anlage.config import BaseConfig
from anlage.tensors import Images, Masks
from anlage.transforms.draws import Draws
from anlage.transforms.masks import Guide, Mask, num_hidden
from anlage.transforms.masks._choice import hide, per_position, random_order

__all__ = ["ForegroundMask"]


class ForegroundMask(Mask):
    """Random foreground positions first, up to a limit; then the background; then the rest."""

    guide: ClassVar[Guide | None] = "image"

    class Config(BaseConfig):
        """What is foreground, and how much of it may be hidden.

        ``background`` says which end of a view's values is empty; ``margin`` is the share of
        their range, from that end, that still is. A position is foreground where at least
        ``least_share`` of its pixels are. At most ``most_hidden`` of the foreground's positions
        are hidden while there are others; ``random_share`` of all hidden positions are drawn
        from everywhere.
        """

        background: Literal["dark", "bright"] = "dark"
        margin: float = Field(default=0.1, gt=0, lt=1)
        least_share: float = Field(default=0.25, gt=0, le=1)
        most_hidden: float = Field(default=0.75, gt=0, le=1)
        random_share: float = Field(default=0.0, ge=0, le=1)

    def __init__(self, config: Config | None = None) -> None:
        self.config = config or self.Config()

    def draw(
        self, draws: Draws, *, grid: tuple[int, ...], ratio: float, guide: Tensor | None = None
    ) -> Masks:
        """Draw masks, (B, *grid), True = hidden; ``guide`` is the view, (B, C, *S)."""
        order = random_order(draws, math.prod(grid))
        keys = order if guide is None else self._keys(order, guide, grid)
        share = self.config.random_share
        return hide(draws, keys, num_hidden(grid, ratio), random_share=share).reshape(-1, *grid)

    def _keys(self, order: Tensor, images: Images, grid: tuple[int, ...]) -> Tensor:
        share = per_position(self._foreground(images).float(), grid)
        inside = share >= self.config.least_share  # (B, N)
        turn = torch.where(inside, order, 2.0).argsort(dim=1, stable=True).argsort(dim=1)
        limit = (self.config.most_hidden * inside.sum(dim=1, keepdim=True)).floor()
        stays = inside & (turn >= limit)
        return order + torch.where(inside, 0.0, 1.0) + torch.where(stays, 2.0, 0.0)

    def _foreground(self, images: Images) -> Bool[Tensor, "B ..."]:
        grey = images.mean(dim=1)
        flat = grey.flatten(1)
        low, high = (
            edge.reshape(-1, *[1] * (grey.ndim - 1))
            for edge in (flat.amin(dim=1), flat.amax(dim=1))
        )
        near = self.config.margin * (high - low)
        return grey > low + near if self.config.background == "dark" else grey < high - near
