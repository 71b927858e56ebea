"""Spearman correlation: whether predictions and targets put the cases in one order."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from jaxtyping import Float

from anlage.metrics import Statistic, metric
from anlage.metrics._arrays import Floats
from anlage.metrics._numbers import numbers
from anlage.metrics.regression._moments import correlation

__all__ = ["spearman_score"]

Ranks = Callable[[Float[Floats, "M R"]], Float[Floats, "M R"]]


@metric(
    label="Spearman",
    tasks=("regression", "ordinal"),
    direction="higher",
    bounds=(-1.0, 1.0),
    failure="a failed case predicts the farther end of the range of targets",
)
def spearman_score(target: npt.ArrayLike, prediction: npt.ArrayLike) -> Statistic:
    """Product-moment correlation of the ranks, ties at their mean rank.

    Undefined for fewer than three cases and where targets or predictions are constant.

    Args:
        target: (M,).
        prediction: (M,), NaN for a failed case.

    Raises:
        ShapeError: If the two are not vectors of one length.
        DataError: If a target is not finite.
    """
    given = numbers(target, prediction)
    rank_target, rank_prediction = _ranks(given.target), _ranks(given.prediction)

    def evaluate(weights: Float[Floats, "M R"]) -> Float[Floats, "1 R"]:
        return correlation(rank_target(weights), rank_prediction(weights), weights)[None]

    return Statistic(
        evaluate=evaluate,
        num_cases=len(given.target),
        num_failed=given.num_failed,
        undefined="Correlation needs three cases or more, targets and predictions that vary.",
    )


def _ranks(values: Float[Floats, " M"]) -> Ranks:
    """Rank anew under each set of weights; a case of weight two takes two places."""
    order = np.argsort(values, kind="stable")
    ranked = values[order]
    first = np.searchsorted(ranked, values, side="left")
    after = np.searchsorted(ranked, values, side="right")

    def ranks(weights: Float[Floats, "M R"]) -> Float[Floats, "M R"]:
        places = np.zeros((len(values) + 1, weights.shape[1]))
        np.cumsum(weights[order], axis=0, out=places[1:])
        return (places[first] + places[after]) / 2

    return ranks
