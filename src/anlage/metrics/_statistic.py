"""A metric on one set of cases, ready for case weights: sorted once, evaluated many times."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float

from anlage.errors import DataError, ShapeError
from anlage.metrics._arrays import Bools, Floats

__all__ = ["Direction", "Statistic", "Value"]

Direction = Literal["higher", "lower"]

_CHUNK = 2**18  # weights held at once: 2 MB, so that a chunk stays in the cache


@dataclass(frozen=True, kw_only=True)
class Value:
    """One number and what it stands on.

    Attributes:
        value: The number; None where it is undefined.
        reason: Why it is undefined; empty where it is not.
        parts: The per-class or per-label numbers whose plain mean is ``value``; None for a
            class that is undefined on these cases. One part where there is nothing to average.
        num_cases: Cases it was computed on, M (or N embeddings).
        num_failed: Cases without a usable output; each counted as the worst value.
    """

    value: float | None
    reason: str = ""
    parts: tuple[float | None, ...] = ()
    num_cases: int
    num_failed: int = 0

    @property
    def num_parts(self) -> int:
        """Classes or labels that there are."""
        return len(self.parts)

    @property
    def num_defined(self) -> int:
        """Classes or labels that entered the mean: print it as "3/4"."""
        return sum(part is not None for part in self.parts)


@dataclass(frozen=True, kw_only=True)
class Statistic:
    """One metric on one set of cases, waiting for case weights.

    Attributes:
        evaluate: Case weights (M, R) to parts (K, R), NaN where a part is undefined.
        num_cases: Cases, M.
        num_failed: Cases without a usable output.
        undefined: What to say where no part is defined.
        classes: Which classes a case holds, (M, C); None where there are none. Tells how many
            patients of the rarest class there are.
        direction: Set by the `Metric` that prepared it.
        bounds: Set by the `Metric` that prepared it; no interval reaches beyond.
    """

    evaluate: Callable[[Float[Floats, "M R"]], Float[Floats, "K R"]]
    num_cases: int
    num_failed: int
    undefined: str
    classes: Bool[Bools, "M C"] | None = None
    direction: Direction = "higher"
    bounds: tuple[float, float] = (-np.inf, np.inf)

    def parts(self, weights: Float[Floats, "R M"]) -> Float[Floats, "R K"]:
        """Return the parts under each row of case weights.

        Args:
            weights: Non-negative case weights, (R, M). A weight of two is the same as the case
                twice; zero leaves it out.

        Returns:
            (R, K), NaN where a part is undefined under those weights.

        Raises:
            ShapeError: If there is not one weight per case.
            DataError: If a weight is negative or not a number.
        """
        if weights.ndim != 2 or weights.shape[1] != self.num_cases:
            raise ShapeError(
                f"weights must have shape (R, {self.num_cases}), one weight per case, got "
                f"{weights.shape}. Give one row per replicate."
            )
        if not np.all(weights >= 0):
            raise DataError(
                "case weights must be zero or above, got a negative or missing one. Use 0 to "
                "leave a case out."
            )
        rows = max(1, _CHUNK // max(1, self.num_cases))
        chunks = [
            self.evaluate(np.ascontiguousarray(weights[start : start + rows].T, dtype=np.float64)).T
            for start in range(0, len(weights), rows)
        ]
        return np.concatenate(chunks)

    def replicates(self, weights: Float[Floats, "R M"]) -> Float[Floats, " R"]:
        """Return the value under each row of case weights, NaN where it is undefined.

        The value is the mean over the parts that are defined under that row.

        Raises:
            ShapeError: If there is not one weight per case.
            DataError: If a weight is negative or not a number.
        """
        return mean_of_defined(self.parts(weights))

    def value(self, weights: Float[Floats, " M"] | None = None) -> Value:
        """Return the value on these cases, each with weight one if no weights are given.

        Raises:
            ShapeError: If there is not one weight per case.
            DataError: If a weight is negative or not a number.
        """
        row = np.ones(self.num_cases) if weights is None else np.asarray(weights, dtype=np.float64)
        parts = self.parts(row[None])
        value = _number(mean_of_defined(parts)[0])
        return Value(
            value=value,
            reason=self.undefined if value is None else "",
            parts=tuple(_number(part) for part in parts[0]),
            num_cases=self.num_cases,
            num_failed=self.num_failed,
        )


def mean_of_defined(parts: Float[Floats, "R K"]) -> Float[Floats, " R"]:
    """Average each row over its numbers; NaN for a row that has none."""
    is_defined = ~np.isnan(parts)
    count = is_defined.sum(axis=1)
    total = np.where(is_defined, parts, 0.0).sum(axis=1)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _number(part: float) -> float | None:
    return None if np.isnan(part) else float(part)
