"""Gains at the label budgets of one study that never rise with labels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

__all__ = ["never_rising", "pooled"]

Array = npt.NDArray[np.float64]


def never_rising(
    places: Sequence[float], values: Array, weights: Array, *, at: float, value: float
) -> float:
    """Return a value that is at most what holds to its left and at least what holds to its right.

    Values at the known places are first made falling, see `pooled`. So a gain that was measured
    with many labels holds with fewer of them too, and a loss with few labels with more of them.

    Args:
        places: Known places, rising, (n,).
        values: Values there, (n,).
        weights: How sure each is, (n,).
        at: Where the value lies.
        value: What is expected there without this knowledge.

    Example:
        >>> never_rising([1.0, 2.0], np.array([5.0, 3.0]), np.ones(2), at=1.5, value=6.0)
        5.0
    """
    held = pooled(values, weights)
    above = [one for place, one in zip(places, held, strict=True) if place <= at]
    below = [one for place, one in zip(places, held, strict=True) if place >= at]
    if above:
        value = min(value, float(above[-1]))
    return max(value, float(below[0])) if below else value


def pooled(values: Array, weights: Array) -> Array:
    """Return the falling values that are nearest in weighted squares, (n,).

    Neighbours that rise are pooled (Ayer et al. 1955).

    Example:
        >>> pooled(np.array([1.0, 3.0, 0.0]), np.ones(3)).tolist()
        [2.0, 2.0, 0.0]
    """
    blocks: list[tuple[float, float, int]] = []
    for value, weight in zip(values.tolist(), weights.tolist(), strict=True):
        mean, total, number = value, weight, 1
        while blocks and blocks[-1][0] < mean:
            other, own, size = blocks.pop()
            mean = (other * own + mean * total) / (own + total)
            total, number = own + total, number + size
        blocks.append((mean, total, number))
    return np.concatenate([np.full(number, mean) for mean, _, number in blocks])
