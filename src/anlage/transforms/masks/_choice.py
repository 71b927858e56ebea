"""From numbers per position to hidden positions: means over positions, odds, and ranks."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional as F

from anlage.transforms.draws import Draws

__all__ = ["hide", "odds", "per_position", "random_order", "smallest"]

_NEVER = 1e6  # beyond every key of a position with odds


def per_position(values: Float[Tensor, "B ..."], grid: tuple[int, ...]) -> Float[Tensor, "B N"]:
    """Average pixel values over the mask unit of every position, the last axis fastest.

    Args:
        values: One number per pixel; each edge a multiple of the grid's.
        grid: Positions per axis.
    """
    unit = [edge // count for edge, count in zip(values.shape[1:], grid, strict=True)]
    pool = F.avg_pool2d if len(grid) == 2 else F.avg_pool3d
    return pool(values.unsqueeze(1), unit).flatten(1)


def random_order(draws: Draws, positions: int) -> Float[Tensor, "B N"]:
    """Draw the numbers whose ranks are a random order; between 0 and 1, never either."""
    return draws.uniform("order", positions).double()


def odds(draws: Draws, weights: Float[Tensor, "B N"], *, power: float) -> Float[Tensor, "B N"]:
    """Draw keys whose smallest are a sample without replacement, by the odds of the weights.

    Positions without a weight come last, in random order; so equal weights of 0 are no guide.

    Source: Efraimidis and Spirakis, "Weighted random sampling with a reservoir", Information
    Processing Letters 97(5), 2006, in logarithms.

    Args:
        draws: Random numbers.
        weights: What the odds are proportional to, 0 or more; what is not finite counts as 0.
        power: Exponent of the weights: 0 makes all odds equal, large ones hide the largest.
    """
    known = weights.double()
    is_known = (known > 0) & known.isfinite()
    safe = torch.where(is_known, known, 1.0)
    race = draws.uniform("odds", weights.shape[1]).double().log().neg().log()
    order = random_order(draws, weights.shape[1])
    return torch.where(is_known, race - power * safe.log(), _NEVER + order)


def hide(
    draws: Draws, keys: Float[Tensor, "B N"], count: int, *, random_share: float = 0.0
) -> Bool[Tensor, "B N"]:
    """Hide the positions with the smallest keys, and others at random.

    Args:
        draws: Random numbers.
        keys: One number per position.
        count: Positions to hide in every image.
        random_share: Share of them that is drawn from all others, whatever their keys.
    """
    guided = smallest(keys, count - round(random_share * count))
    return smallest(torch.where(guided, -1.0, random_order(draws, keys.shape[1])), count)


def smallest(keys: Float[Tensor, "B N"], count: int) -> Bool[Tensor, "B N"]:
    """Mark the positions with the smallest keys of each image; of equal ones, the first."""
    marked = torch.zeros_like(keys, dtype=torch.bool)
    return marked.scatter_(1, keys.argsort(dim=1, stable=True)[:, :count], value=True)
