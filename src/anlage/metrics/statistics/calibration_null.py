"""Null level of the calibration error: what a perfectly calibrated model would score here."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from anlage.metrics import CalibrationNull
from anlage.metrics._calibration import confidence_and_outcome, equal_mass_bins, sum_by_bin
from anlage.metrics._labels import probabilities

__all__ = ["calibration_null"]

_ROWS = 100  # simulations held at once


def calibration_null(
    target: npt.ArrayLike,
    probability: npt.ArrayLike,
    *,
    seed: int | np.random.Generator,
    num_bins: int = 15,
    num_simulations: int = 1000,
    level: float = 0.95,
) -> CalibrationNull:
    """Compare the calibration error with its distribution if the probabilities were true.

    On few cases even honest probabilities miss the observed shares by chance, so the error is
    never 0. Outcomes are drawn from the predicted probabilities themselves, on the same cases
    and in the same bins, and scored alike.

    Args:
        target: Classes 0..K-1, (M,).
        probability: Of class 1, (M,), or of every class, (M, K).
        seed: Of the simulation.
        num_bins: As in `expected_calibration_error`.
        num_simulations: Simulated sets of outcomes.
        level: Quantile of the null distribution above which a model is flagged.

    Raises:
        ShapeError: If the two do not fit.
        DataError: If a value is not a class or not a probability.
        ConfigError: If there is no bin.
    """
    rng = np.random.default_rng(seed)
    given = probabilities(target, probability)
    confidence, is_true = confidence_and_outcome(given)
    to_bins = sum_by_bin(equal_mass_bins(confidence, given.is_failed, num_bins))
    count = len(confidence)
    observed = float(np.abs(to_bins @ (confidence - is_true)).sum() / count)
    null = np.empty(num_simulations)
    for start in range(0, num_simulations, _ROWS):
        rows = min(_ROWS, num_simulations - start)
        simulated = rng.random((rows, count)) < confidence
        excess = (confidence - simulated).T
        null[start : start + rows] = np.abs(to_bins @ excess).sum(axis=0) / count
    return CalibrationNull(
        observed=observed,
        mean=float(null.mean()),
        high=float(np.quantile(null, level)),
        p_value=float((1 + np.sum(null >= observed - 1e-12)) / (1 + num_simulations)),
    )
