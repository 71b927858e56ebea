"""Quadratic weighted kappa: agreement of grades, with far misses costing most."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from jaxtyping import Float

from anlage.metrics import Statistic, metric
from anlage.metrics._arrays import Floats
from anlage.metrics._labels import labels
from anlage.metrics._ratios import ratio
from anlage.metrics.classification._confusion import confusion_tables

__all__ = ["quadratic_weighted_kappa_score"]


@metric(
    label="QWK",
    tasks=("ordinal",),
    direction="higher",
    bounds=(-1.0, 1.0),
    failure="a failed case predicts the grade farthest from its target",
)
def quadratic_weighted_kappa_score(
    target: npt.ArrayLike, prediction: npt.ArrayLike, *, num_classes: int | None = None
) -> Statistic:
    """Cohen's kappa with squared distance between grades as the cost of a miss.

    Predicting one grade for every case scores 0; targets of a single grade are undefined.

    Args:
        target: Grades 0..K-1, (M,).
        prediction: Grades, (M,), NaN for a failed case; or scores, (M, K).
        num_classes: K, where the predictions do not show it; it decides what is farthest.

    Raises:
        ShapeError: If the two do not fit.
        DataError: If a target or prediction is not a grade.

    Source:
        Cohen, Psychological Bulletin 70:213 (1968).
    """
    found = labels(target, prediction, num_classes)
    tables = confusion_tables(found, failed_as="farthest")
    grade = np.arange(found.num_classes)
    cost = (grade[:, None] - grade).astype(np.float64) ** 2

    def evaluate(weights: Float[Floats, "M R"]) -> Float[Floats, "1 R"]:
        table = tables(weights)
        held, predicted = table.sum(axis=1), table.sum(axis=0)
        observed = np.einsum("ij,ijr->r", cost, table) * held.sum(axis=0)
        by_chance = np.einsum("ij,ir,jr->r", cost, held, predicted, optimize=True)
        is_defined = (held > 0).sum(axis=0) > 1
        return 1 - ratio(observed, by_chance, is_defined)[None]

    return Statistic(
        evaluate=evaluate,
        num_cases=len(found.target),
        num_failed=found.num_failed,
        undefined="QWK needs two grades, and these cases are all of one.",
        classes=found.classes,
    )
