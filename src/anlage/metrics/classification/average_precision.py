"""Average precision: how clean the list of cases stays while the positives are found."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from jaxtyping import Bool, Float

from anlage.metrics import Statistic, metric
from anlage.metrics._arrays import Bools, Floats
from anlage.metrics._rankings import rankings
from anlage.metrics._ratios import ratio

__all__ = ["average_precision_score"]

OneClass = Callable[[Float[Floats, "M R"]], Float[Floats, " R"]]


@metric(
    label="AP",
    tasks=("binary", "multiclass", "multilabel"),
    direction="higher",
    bounds=(0.0, 1.0),
    failure="a failed positive ranks below, a failed negative above all other cases",
)
def average_precision_score(target: npt.ArrayLike, score: npt.ArrayLike) -> Statistic:
    """Area under the precision-recall steps; the plain mean over classes or labels.

    A random ranking scores about the share of positives, so report that share beside it. Cases
    of equal score enter the list together. A class without positives is undefined and left
    out of the mean; one without negatives is undefined too, because any ranking of it is 1.

    Args:
        target: Classes 0..K-1, (M,), or labels 0 and 1, (M, K), for a multilabel task.
        score: Higher means more likely; NaN for a failed case. Binary: (M,), or probabilities
            (M, 2). Multiclass and multilabel: (M, K).

    Returns:
        One part per class or label; a single part for a binary task.

    Raises:
        ShapeError: If the two do not fit.
        DataError: If a target is not a class or label.

    Source:
        The step-wise sum without interpolation, as in scikit-learn.
    """
    problems = rankings(target, score)
    lists = [
        _precision(is_positive, scores)
        for is_positive, scores in zip(problems.is_positive.T, problems.score.T, strict=True)
    ]
    return Statistic(
        evaluate=lambda weights: np.stack([one(weights) for one in lists]),
        num_cases=len(problems.score),
        num_failed=problems.num_failed,
        undefined="AP needs positive and negative cases, and these cases are all of one kind.",
        classes=problems.classes,
    )


def _precision(is_positive: Bool[Bools, " M"], score: Float[Floats, " M"]) -> OneClass:
    order = np.argsort(-score, kind="stable")
    ranked = score[order]
    positives = np.flatnonzero(is_positive[order])  # places in the list
    last_tied = np.searchsorted(-ranked, -ranked[positives], side="right") - 1

    def precision(weights: Float[Floats, "M R"]) -> Float[Floats, " R"]:
        listed = weights[order]
        found = listed[positives]
        all_found = found.sum(axis=0)
        seen = np.cumsum(listed, axis=0)
        hits = np.zeros_like(listed)
        hits[positives] = found
        np.cumsum(hits, axis=0, out=hits)
        at_ties, seen_at_ties = hits[last_tied], seen[last_tied]
        share = np.divide(at_ties, seen_at_ties, out=np.zeros_like(found), where=seen_at_ties > 0)
        total = np.einsum("pr,pr->r", found, share)
        has_both = (all_found > 0) & (weights.sum(axis=0) > all_found)
        return ratio(total, all_found, has_both)

    return precision
