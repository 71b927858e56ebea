"""Weighted confusion tables, with failed cases counted as wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np
from jaxtyping import Float
from scipy import sparse

from anlage.metrics._arrays import Floats
from anlage.metrics._labels import Labels

__all__ = ["confusion_tables"]

Tables = Callable[[Float[Floats, "M R"]], Float[Floats, "K K R"]]


def confusion_tables(found: Labels, *, failed_as: Literal["any_wrong", "farthest"]) -> Tables:
    """Return a function from case weights to confusion tables, targets in rows.

    Args:
        found: Targets and predictions.
        failed_as: What a failed case predicts: every wrong class in equal shares, or, for
            ordered classes, the one farthest from its target (both ends in equal shares if
            they are equally far).
    """
    size = found.num_classes
    cost = np.abs(np.arange(size)[:, None] - np.arange(size)).astype(np.float64)
    wrong = cost > 0 if failed_as == "any_wrong" else cost == cost.max(axis=1, keepdims=True)
    shares = wrong / np.maximum(wrong.sum(axis=1, keepdims=True), 1)
    predicted = np.where(
        found.prediction[:, None] < 0,
        shares[found.target],
        found.prediction[:, None] == np.arange(size),
    )
    case, column = np.nonzero(predicted)
    cell = found.target[case] * size + column
    to_cells = sparse.csr_array(
        (predicted[case, column].astype(np.float64), (cell, case)),
        shape=(size * size, len(found.target)),
    )

    def tables(weights: Float[Floats, "M R"]) -> Float[Floats, "K K R"]:
        cells: Float[Floats, "cells R"] = to_cells @ weights
        return cells.reshape(size, size, weights.shape[1])

    return tables
