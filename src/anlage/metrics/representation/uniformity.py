"""Uniformity: how evenly embeddings fill the sphere."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from anlage.metrics import Value, diagnostic
from anlage.metrics.representation._embeddings import embeddings, on_sphere

__all__ = ["uniformity_error"]

_ROWS = 1024  # rows compared at once: 8 MB per 1024 embeddings


@diagnostic(label="uniformity", direction="lower", bounds=(-8.0, 0.0))
def uniformity_error(values: npt.ArrayLike) -> Value:
    """Logarithm of the mean of exp(-2 d^2) over all pairs, d their distance on the sphere.

    0 for a collapsed encoder, close to -4 for embeddings spread evenly in many dimensions.

    Args:
        values: Embeddings, (N, E), N of 2 or more. Time grows with N^2.

    Raises:
        ShapeError: If they are not (N, E).
        DataError: If a value is not finite.

    Source:
        Wang and Isola, ICML 2020, arXiv:2005.10242, with t = 2.
    """
    rows = on_sphere(embeddings(values, least=2))
    count = len(rows)
    squares = (rows**2).sum(axis=1)
    total = -float(count)  # a row with itself adds exp(0) = 1
    for start in range(0, count, _ROWS):
        block = rows[start : start + _ROWS]
        distance = squares[start : start + _ROWS, None] + squares - 2 * (block @ rows.T)
        total += float(np.exp(-2 * np.maximum(distance, 0)).sum())
    mean = max(total / (count * (count - 1)), math.exp(-8))
    uniformity = math.log(mean)
    return Value(value=uniformity, parts=(uniformity,), num_cases=count)
