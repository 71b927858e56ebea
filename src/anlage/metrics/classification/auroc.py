"""AUROC: the chance that a positive case scores above a negative one, ties counted half."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from jaxtyping import Bool, Float

from anlage.metrics import Statistic, metric
from anlage.metrics._arrays import Bools, Floats
from anlage.metrics._rankings import rankings
from anlage.metrics._ratios import ratio

__all__ = ["auroc_score"]

OneClass = Callable[[Float[Floats, "M R"]], Float[Floats, " R"]]


@metric(
    label="AUROC",
    tasks=("binary", "multiclass", "ordinal", "multilabel"),
    direction="higher",
    bounds=(0.0, 1.0),
    failure="a failed positive ranks below, a failed negative above all other cases",
)
def auroc_score(target: npt.ArrayLike, score: npt.ArrayLike) -> Statistic:
    """Area under the ROC curve; the plain mean over classes (one-vs-rest) or labels.

    A class without positives or without negatives is undefined: it is left out of the mean
    and ``num_defined`` of ``num_parts`` says so. Only the order of scores counts, so logits
    and probabilities of a binary task give the same number, whatever the batch size was.

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
        The Mann-Whitney form of the area: Hanley and McNeil, Radiology 143:29 (1982).
    """
    problems = rankings(target, score)
    curves = [
        _area(is_positive, scores)
        for is_positive, scores in zip(problems.is_positive.T, problems.score.T, strict=True)
    ]
    return Statistic(
        evaluate=lambda weights: np.stack([curve(weights) for curve in curves]),
        num_cases=len(problems.score),
        num_failed=problems.num_failed,
        undefined="AUROC needs positive and negative cases, and these cases are all of one kind.",
        classes=problems.classes,
    )


def _area(is_positive: Bool[Bools, " M"], score: Float[Floats, " M"]) -> OneClass:
    positives, negatives = np.flatnonzero(is_positive), np.flatnonzero(~is_positive)
    negatives = negatives[np.argsort(score[negatives], kind="stable")]
    below = np.searchsorted(score[negatives], score[positives], side="left")
    up_to = np.searchsorted(score[negatives], score[positives], side="right")

    def area(weights: Float[Floats, "M R"]) -> Float[Floats, " R"]:
        beaten = np.zeros((len(negatives) + 1, weights.shape[1]))
        np.cumsum(weights[negatives], axis=0, out=beaten[1:])
        positive = weights[positives]
        won = np.einsum("pr,pr->r", positive, beaten[below] + beaten[up_to]) / 2
        pairs = positive.sum(axis=0) * beaten[-1]
        return ratio(won, pairs, pairs > 0)

    return area
