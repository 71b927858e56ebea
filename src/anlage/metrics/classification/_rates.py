"""Sensitivity that a ranking reaches while specificity stays above a floor."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from jaxtyping import Bool, Float

from anlage.errors import ConfigError
from anlage.metrics._arrays import Bools, Floats
from anlage.metrics._ratios import ratio

__all__ = ["best_rate", "check_rate"]


def best_rate(
    is_positive: Bool[Bools, " M"], score: Float[Floats, " M"], least_specificity: float
) -> Callable[[Float[Floats, "M R"]], Float[Floats, " R"]]:
    """Return a function from case weights to the best sensitivity at that specificity or more.

    Thresholds lie between cases of different score: equal scores are called alike.
    """
    order = np.argsort(-score, kind="stable")
    ranked, positive = score[order], is_positive[order][:, None]
    last_tied = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True))

    def rate(weights: Float[Floats, "M R"]) -> Float[Floats, " R"]:
        listed = weights[order]
        hits = np.cumsum(np.where(positive, listed, 0.0), axis=0)
        alarms = np.cumsum(np.where(positive, 0.0, listed), axis=0)
        all_hits, all_alarms = hits[-1], alarms[-1]
        allowance = (1 - least_specificity) * all_alarms
        is_allowed = alarms[last_tied] <= allowance + 1e-9 * all_alarms
        best = np.where(is_allowed, hits[last_tied], 0.0).max(axis=0)
        has_both = (all_hits > 0) & (all_alarms > 0)
        return ratio(best, all_hits, has_both)

    return rate


def check_rate(name: str, value: float) -> None:
    """Refuse a rate outside [0, 1].

    Raises:
        ConfigError: If it is.
    """
    if not 0.0 <= value <= 1.0:
        raise ConfigError(f"{name} must lie in [0, 1], got {value}. Write 90 % as 0.9.")
