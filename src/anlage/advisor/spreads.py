"""Find the spreads of the gain model: posterior mode under half-normal priors.

A pattern search over the logarithms: each spread in turn is made larger or smaller while that
raises the posterior, and steps are halved. It needs no library that takes longer to import than
the advisor may take to answer.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

__all__ = ["search_spreads"]

Array = npt.NDArray[np.float64]

_SCALE = 5.0  # points: of the half-normal prior of every standard deviation
_START = 3.0
_BOUNDS = (0.05, 30.0)
_STEPS = (0.7, 0.35, 0.175, 0.0875)
_ROUNDS = 4


def search_spreads(
    fixed: Array,
    parts: Mapping[str, Array],
    noise: tuple[Array, Array],
    residual: Array,
) -> dict[str, float]:
    """Return the standard deviation of every part, and of the noise.

    Args:
        fixed: Covariance that the prior of the level and the covariates gives, (n, n).
        parts: Where results share a part, (n, n) each; its spread squared is the factor.
        noise: Factor of the noise's variance, (n, n), and the variance that comes on top, (n,).
        residual: Results less their prior mean, (n,).
    """
    names: Sequence[str] = (*parts, "noise")
    now = dict.fromkeys(names, math.log(_START))
    best = _badness(now, fixed, parts, noise, residual)
    for step in _STEPS:
        for _ in range(_ROUNDS):
            before = best
            for name in names:
                for way in (step, -step):
                    tried = {**now, name: now[name] + way}
                    if not math.log(_BOUNDS[0]) <= tried[name] <= math.log(_BOUNDS[1]):
                        continue
                    value = _badness(tried, fixed, parts, noise, residual)
                    if value < best:
                        now, best = tried, value
                        break
            if before - best < 1e-3:
                break
    return {name: math.exp(value) for name, value in now.items()}


def _badness(
    logs: Mapping[str, float],
    fixed: Array,
    parts: Mapping[str, Array],
    noise: tuple[Array, Array],
    residual: Array,
) -> float:
    """Return minus the logarithm of the posterior, up to a constant."""
    spreads = {name: math.exp(value) for name, value in logs.items()}
    covariance = fixed.copy()
    for name, same in parts.items():
        covariance += spreads[name] ** 2 * same
    covariance += spreads["noise"] ** 2 * noise[0]
    covariance[np.diag_indices_from(covariance)] += noise[1]
    factor = np.linalg.cholesky(covariance)
    white = np.linalg.solve(factor, residual)
    likelihood = float(white @ white) / 2 + float(np.log(np.diag(factor)).sum())
    return likelihood + sum(value**2 for value in spreads.values()) / (2 * _SCALE**2)
