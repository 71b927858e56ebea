"""Ratios and means that are NaN, not an error, where they are undefined."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from jaxtyping import Bool, Float

from anlage.metrics._arrays import Bools, Floats

__all__ = ["ratio", "weighted_mean"]


def ratio(
    numerator: Float[Floats, "..."],
    denominator: Float[Floats, "..."],
    is_defined: Bool[Bools, "..."],
) -> Float[Floats, "..."]:
    """Divide where it is defined, NaN elsewhere."""
    result = np.full(np.broadcast_shapes(numerator.shape, denominator.shape), np.nan)
    np.divide(numerator, denominator, out=result, where=is_defined)
    return result


def weighted_mean(
    values: Float[Floats, " M"] | Float[Floats, "M K"],
) -> Callable[[Float[Floats, "M R"]], Float[Floats, "K R"]]:
    """Return a function from case weights to the mean of each column, NaN without weight."""
    columns = values.reshape(len(values), -1).T

    def evaluate(weights: Float[Floats, "M R"]) -> Float[Floats, "K R"]:
        total = weights.sum(axis=0)
        return ratio(columns @ weights, total, total > 0)

    return evaluate
