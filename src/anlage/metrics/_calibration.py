"""Confidence, outcome and bins: what a calibration error and its null level share."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy import sparse

from anlage.errors import ConfigError
from anlage.metrics._arrays import Bools, Floats, Ints
from anlage.metrics._labels import Probabilities

__all__ = ["confidence_and_outcome", "equal_mass_bins", "sum_by_bin"]


def confidence_and_outcome(
    given: Probabilities,
) -> tuple[Float[Floats, " M"], Bool[Bools, " M"]]:
    """Return the probability that is checked, and whether its event happened.

    Two classes: the probability of class 1, and whether the case is of class 1. More classes:
    the highest probability, and whether that class is the true one.
    A failed case is certain of what did not happen.
    """
    if given.probability.shape[1] == 2:
        confidence, is_true = given.probability[:, 1], given.target == 1
    else:
        confidence = given.probability.max(axis=1)
        is_true = given.probability.argmax(axis=1) == given.target
    return np.where(given.is_failed, 1.0, confidence), is_true & ~given.is_failed


def equal_mass_bins(
    confidence: Float[Floats, " M"], is_failed: Bool[Bools, " M"], num_bins: int
) -> Int[Ints, " M"]:
    """Return the bin of each case: equal counts, except that equal confidences stay together.

    Failed cases have a bin of their own, so that their certain error is never made up for by
    cases whose confidence is too low.

    Raises:
        ConfigError: If there is no bin.
    """
    if num_bins < 1:
        raise ConfigError(f"num_bins must be 1 or more, got {num_bins}. The usual number is 15.")
    usable = np.sort(confidence[~is_failed])
    starts = np.arange(1, num_bins) * len(usable) // num_bins
    edges = np.unique(usable[starts]) if len(usable) else usable
    bins: Int[Ints, " M"] = np.searchsorted(edges, confidence, side="right")
    return np.where(is_failed, len(edges) + 1, bins)


def sum_by_bin(bins: Int[Ints, " M"]) -> sparse.csr_array:
    """Return the matrix (bins, M) that adds up cases by bin."""
    shape = (int(bins.max()) + 1, len(bins))
    return sparse.csr_array((np.ones(len(bins)), (bins, np.arange(len(bins)))), shape=shape)
