"""Two warnings about a pooled mean: who reports it, and how often it points the other way.

Egger's regression asks whether small studies report larger effects; it needs standard errors
that the sources print. Few do here, so `own_against_other` asks the same in another way: do
methods score higher in the study that proposes them than where others run them?
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from anlage.evidence.effects import VarianceModel, study_effects
from anlage.evidence.meta import random_effects, student_limit
from anlage.evidence.records import Row

__all__ = ["Egger", "OwnGap", "Share", "egger", "negative_share", "own_against_other"]

MIN_STUDIES = 10
_LIMIT = 1.959963984540054


@dataclass(frozen=True, kw_only=True)
class Egger:
    """Intercept of the regression of effect/se on 1/se; far from zero: small-study effects."""

    intercept: float
    se: float
    p: float
    k: int


@dataclass(frozen=True, kw_only=True)
class OwnGap:
    """Mean effect of methods in their own study minus the mean where others run them."""

    difference: float
    low: float
    high: float
    k_own: int
    k_other: int


@dataclass(frozen=True, kw_only=True)
class Share:
    """A share of studies, each counted once, with its Wilson interval."""

    share: float
    low: float
    high: float
    k: int


def egger(effects: Sequence[float], errors: Sequence[float]) -> Egger | None:
    """Test for small-study effects; None for fewer than ten studies or equal standard errors.

    Source: Egger et al. 1997; the limit of ten is the Cochrane Handbook's.
    """
    import numpy as np
    from scipy.special import stdtr

    y, se = np.asarray(effects, dtype=float), np.asarray(errors, dtype=float)
    k = len(y)
    if k < MIN_STUDIES or np.ptp(se) < 1e-9 * se.max():
        return None
    design = np.column_stack([np.ones(k), 1 / se])
    target = y / se
    inverse = np.linalg.inv(design.T @ design)
    slope = inverse @ design.T @ target
    noise = float(((target - design @ slope) ** 2).sum() / (k - 2))
    spread = (noise * float(inverse[0, 0])) ** 0.5
    t = float(slope[0]) / spread if spread > 0 else 0.0
    return Egger(intercept=float(slope[0]), se=spread, p=float(2 * stdtr(k - 2, -abs(t))), k=k)


def own_against_other(rows: Iterable[Row], model: VarianceModel) -> OwnGap | None:
    """Compare methods in their own study with the same kind of rows run by others.

    None where either side has fewer than three studies.
    """
    sides: dict[str, list[Row]] = {"own": [], "other": []}
    for row in rows:
        sides[row.origin].append(row)
    pooled = {}
    for name, found in sides.items():
        studies = study_effects(found, model)
        if len(studies) < 3:
            return None
        pooled[name] = random_effects([s.mean for s in studies], [s.variance for s in studies])
    own, other = pooled["own"], pooled["other"]
    half = student_limit(min(own.k, other.k) - 1) * (own.se**2 + other.se**2) ** 0.5
    difference = own.mean - other.mean
    return OwnGap(
        difference=difference,
        low=difference - half,
        high=difference + half,
        k_own=own.k,
        k_other=other.k,
    )


def negative_share(rows: Iterable[Row]) -> Share | None:
    """Return the share of results below their baseline, every study counting once.

    A study with 2 of its 8 rows below zero counts as a quarter. The interval is Wilson's with
    the number of studies as sample size. None without rows.
    """
    by_study: dict[str, list[bool]] = defaultdict(list)
    for row in rows:
        if row.effect is not None:
            by_study[row.study].append(row.effect < 0)
    k = len(by_study)
    if not k:
        return None
    share = sum(sum(found) / len(found) for found in by_study.values()) / k
    z2 = _LIMIT**2
    middle = (share + z2 / (2 * k)) / (1 + z2 / k)
    half = _LIMIT / (1 + z2 / k) * (share * (1 - share) / k + z2 / (4 * k**2)) ** 0.5
    return Share(share=share, low=max(0.0, middle - half), high=min(1.0, middle + half), k=k)
