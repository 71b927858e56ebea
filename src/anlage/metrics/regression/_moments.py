"""Weighted spread and correlation, with a floor under which a sample counts as constant."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float, Int

from anlage.metrics._arrays import Bools, Floats, Ints
from anlage.metrics._ratios import ratio

__all__ = ["centred", "correlation", "has_spread"]

_MIN_CASES = 3
_RELATIVE_FLOOR = 1e-24  # squared spread over squared magnitude: what rounding leaves behind


def centred(values: Float[Floats, "M r"], weights: Float[Floats, "M R"]) -> Float[Floats, "M R"]:
    """Return values minus their weighted mean, one column per set of weights."""
    total = np.maximum(weights.sum(axis=0), np.finfo(np.float64).tiny)
    mean: Float[Floats, " R"] = (values * weights).sum(axis=0) / total
    return values - mean


def has_spread(
    values: Float[Floats, "M r"],
    deviations: Float[Floats, "M R"],
    weights: Float[Floats, "M R"],
) -> Bool[Bools, " R"]:
    """Whether at least three cases have weight and their values are not all the same."""
    square: Float[Floats, " R"] = (weights * deviations**2).sum(axis=0)
    floor: Float[Floats, " R"] = _RELATIVE_FLOOR * (weights * values**2).sum(axis=0)
    num_cases: Int[Ints, " R"] = np.count_nonzero(weights, axis=0)
    is_spread: Bool[Bools, " R"] = (num_cases >= _MIN_CASES) & (square > floor)
    return is_spread


def correlation(
    first: Float[Floats, "M r"],
    second: Float[Floats, "M r"],
    weights: Float[Floats, "M R"],
) -> Float[Floats, " R"]:
    """Return the weighted product-moment correlation, NaN without spread in both."""
    a, b = centred(first, weights), centred(second, weights)
    shared = (weights * a * b).sum(axis=0)
    spread = np.sqrt((weights * a**2).sum(axis=0) * (weights * b**2).sum(axis=0))
    is_defined = has_spread(first, a, weights) & has_spread(second, b, weights) & (spread > 0)
    result = ratio(shared, spread, is_defined)
    clipped: Float[Floats, " R"] = np.clip(result, -1.0, 1.0)
    return clipped
