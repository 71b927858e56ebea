"""Squared error of each case's forecast."""

from __future__ import annotations

from jaxtyping import Float

from anlage.metrics._arrays import Floats
from anlage.metrics._labels import Probabilities

__all__ = ["squared_errors"]


def squared_errors(given: Probabilities) -> Float[Floats, " M"]:
    """Return the squared error of class 1 for two classes, and the sum over more, (M,)."""
    squares: Float[Floats, "M K"] = (given.probability - given.classes) ** 2
    return squares[:, 1] if squares.shape[1] == 2 else squares.sum(axis=1)
