"""Scores that rank cases, one ranking problem per class or label.

An output that is not finite is a failed case. It is never dropped: it becomes the worst output
that its target allows, once, before any weight is applied.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from jaxtyping import Bool, Float, Int

from anlage.errors import DataError, ShapeError
from anlage.metrics._arrays import Bools, Floats, Ints
from anlage.metrics._cases import check_cases, check_range, classes_of, failed, floats, membership

__all__ = ["Rankings", "rankings"]

_SUM_TOLERANCE = 1e-3


@dataclass(frozen=True)
class Rankings:
    """One ranking problem per class or label: K = 1 for a binary task.

    Attributes:
        is_positive: (M, K).
        score: (M, K), failed positives at -inf and failed negatives at +inf.
        num_failed: Cases whose scores were not all finite.
        classes: As in Statistic.
    """

    is_positive: Bool[Bools, "M K"]
    score: Float[Floats, "M K"]
    num_failed: int
    classes: Bool[Bools, "M C"]


def rankings(target: npt.ArrayLike, score: npt.ArrayLike) -> Rankings:
    """Read the scores of a binary, multiclass or multilabel task.

    Args:
        target: Classes 0..K-1, (M,), or labels 0 and 1, (M, K), for a multilabel task.
        score: Higher means more likely. Binary: (M,), or (M, 2) of which the second column is
            read. Multiclass and multilabel: (M, K).

    Raises:
        ShapeError: If the two do not fit.
        DataError: If a target is not a class or label.
    """
    scores = floats(score)
    truth = np.asarray(target)
    if truth.ndim == 2:
        is_positive = _multilabel(truth, scores)
    else:
        classes = classes_of(truth)
        check_cases(len(classes), scores)
        scores = _binary_column(scores) if scores.ndim == 2 and scores.shape[1] == 2 else scores
        is_positive = _one_vs_rest(classes, scores)
    scores = scores.reshape(is_positive.shape)
    is_failed = failed(scores)
    worst = np.where(is_positive, -np.inf, np.inf)
    return Rankings(
        is_positive=is_positive,
        score=np.where(is_failed[:, None], worst, scores),
        num_failed=int(is_failed.sum()),
        classes=_presence(is_positive),
    )


def _multilabel(truth: npt.NDArray[np.generic], scores: Float[Floats, "..."]) -> Bool[Bools, "M K"]:
    if truth.shape != scores.shape or not truth.size:
        raise ShapeError(
            f"a multilabel task needs one score per label, got targets {truth.shape} and scores "
            f"{scores.shape}. Give both the shape (M, K)."
        )
    values = floats(truth, "targets")
    if not np.all((values == 0) | (values == 1)):
        raise DataError(
            "multilabel targets must be 0 or 1, got another value. Leave cases with unknown "
            "labels out of the evaluation, or decide what they count as."
        )
    is_positive: Bool[Bools, "M K"] = values == 1
    return is_positive


def _one_vs_rest(classes: Int[Ints, " M"], scores: Float[Floats, "..."]) -> Bool[Bools, "M K"]:
    if scores.ndim == 1:
        check_range(classes, 2)
        return membership(classes, 2)[:, 1:]
    check_range(classes, scores.shape[1])
    return membership(classes, scores.shape[1])


def _binary_column(scores: Float[Floats, "M 2"]) -> Float[Floats, " M"]:
    sums = scores.sum(axis=1)
    sums = sums[np.isfinite(sums)]
    if len(sums) and np.ptp(sums) > _SUM_TOLERANCE * max(1.0, float(np.abs(sums).max())):
        raise DataError(
            "two score columns must be probabilities, which add up to 1 for every case, got sums "
            f"from {sums.min():.3g} to {sums.max():.3g}. Apply a softmax first, or give the one "
            "score of class 1."
        )
    return np.where(failed(scores), np.nan, scores[:, 1])


def _presence(is_positive: Bool[Bools, "M K"]) -> Bool[Bools, "M C"]:
    return np.concatenate([is_positive, ~is_positive], axis=1)
