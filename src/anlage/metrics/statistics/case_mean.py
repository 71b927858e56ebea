"""Case mean: the mean over cases of numbers that were computed one case at a time."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from anlage.errors import DataError, ShapeError
from anlage.metrics import Declaration, Statistic
from anlage.metrics._ratios import weighted_mean

__all__ = ["case_mean"]


def case_mean(
    values: npt.ArrayLike, *, metric: Declaration, is_failed: npt.ArrayLike | None = None
) -> Statistic:
    """Join values of a `CaseMetric` into a statistic that can be resampled.

    Args:
        values: One per case, (M,), or one per case and structure, (M, K), all finite. The value
            is then the plain mean over structures of their means over cases.
        metric: What they are values of; it gives direction and bounds.
        is_failed: Which cases had no prediction, (M,). Their values must already be the worst
            ones: give the metric None as prediction.

    Raises:
        ShapeError: If the shapes do not fit.
        DataError: If a value is not finite.
    """
    table = np.asarray(values, dtype=np.float64)
    failed = np.zeros(len(table), bool) if is_failed is None else np.asarray(is_failed, bool)
    if table.ndim not in (1, 2) or not table.size or failed.shape != table.shape[:1]:
        raise ShapeError(
            f"values must be (M,) or (M, K) with one is_failed per case, got {table.shape} and "
            f"{failed.shape}. Compute one value per case."
        )
    if not np.isfinite(table).all():
        raise DataError(
            f"per-case values must be finite, got {int((~np.isfinite(table)).sum())} that are "
            "not. A failed case counts as the worst value: give the metric None as prediction."
        )
    return Statistic(
        evaluate=weighted_mean(table),
        num_cases=len(table),
        num_failed=int(failed.sum()),
        undefined="A mean needs at least one case.",
        direction=metric.direction,
        bounds=metric.bounds,
    )
