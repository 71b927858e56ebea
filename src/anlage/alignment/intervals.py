"""Intervals over patients: the same draws of patients for everything that is compared.

Source: Efron and Tibshirani, "An introduction to the bootstrap", 1993, chapter 13 (percentiles);
patients, not images, are drawn, since images of one patient are not independent.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from jaxtyping import Float

__all__ = ["ProbeScore", "Share", "interval", "mean_share", "patient_weights"]

Floats = npt.NDArray[np.float64]

_ENDS = (2.5, 97.5)


@dataclass(frozen=True, kw_only=True)
class Share:
    """A number with its 95 % interval; the ends are None where no interval can be given."""

    value: float | None
    low: float | None = None
    high: float | None = None

    def as_json(self) -> dict[str, float | str | None]:
        """Return it rounded to four places."""
        return {k: round(v, 4) if isinstance(v, float) else v for k, v in asdict(self).items()}


@dataclass(frozen=True, kw_only=True)
class ProbeScore(Share):
    """How well a probe reads something, and what a probe that knows nothing would score.

    Attributes:
        kind: ``AUROC`` of classes, ``correlation`` of a quantity.
        chance: Score of a probe that knows nothing.
    """

    kind: Literal["AUROC", "correlation"]
    chance: float


def patient_weights(
    patients: npt.NDArray[np.int64], *, replicates: int, seed: int
) -> Float[Floats, "R n"]:
    """Draw patients with replacement; return how often each image is drawn, per replicate."""
    numbers, place = np.unique(patients, return_inverse=True)
    rng = np.random.default_rng(seed)
    drawn = rng.multinomial(len(numbers), np.full(len(numbers), 1 / len(numbers)), replicates)
    weights: Floats = drawn[:, place].astype(np.float64)
    return weights


def interval(replicates: Floats) -> tuple[float, float] | None:
    """Return the ends of a percentile interval; None if most replicates are undefined."""
    defined = replicates[np.isfinite(replicates)]
    if len(defined) < max(2, len(replicates) // 2):
        return None
    low, high = np.percentile(defined, _ENDS)
    return float(low), float(high)


def mean_share(values: Floats, weights: Float[Floats, "R n"]) -> tuple[Share, Float[Floats, " R"]]:
    """Return the mean of what is defined, with its interval, and its replicates.

    Args:
        values: One number per image, (n,); NaN where it says nothing.
        weights: See ``patient_weights``.
    """
    known = np.isfinite(values)
    if not known.any():
        return Share(value=None), np.full(len(weights), np.nan)
    totals = weights[:, known].sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        replicates = (weights[:, known] @ values[known]) / totals
    ends = interval(replicates)
    value = float(values[known].mean())
    low, high = ends or (None, None)
    return Share(value=value, low=low, high=high), replicates
