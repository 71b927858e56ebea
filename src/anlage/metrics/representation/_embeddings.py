"""Embeddings as diagnostics want them: finite, one row per image, optionally on the sphere."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from jaxtyping import Float

from anlage.errors import DataError, ShapeError
from anlage.metrics._arrays import Floats

__all__ = ["embeddings", "on_sphere"]


def embeddings(values: npt.ArrayLike, *, least: int) -> Float[Floats, "N E"]:
    """Return embeddings as float64.

    Args:
        values: (N, E), one row per image.
        least: Fewest images that make sense.

    Raises:
        ShapeError: If they are not (N, E) with enough rows.
        DataError: If a value is not finite.
    """
    rows = np.asarray(values, dtype=np.float64)
    if rows.ndim != 2 or rows.shape[0] < least or rows.shape[1] < 1:
        raise ShapeError(
            f"embeddings must have shape (N, E) with N >= {least}, got {rows.shape}. Give one "
            "pooled vector per image."
        )
    if not np.isfinite(rows).all():
        raise DataError(
            f"embeddings must be finite, got {int((~np.isfinite(rows)).any(axis=1).sum())} rows "
            "that are not. The encoder diverged; go back to the last good checkpoint."
        )
    return rows


def on_sphere(rows: Float[Floats, "N E"]) -> Float[Floats, "N E"]:
    """Scale every row to length one; a zero row stays zero."""
    lengths: Float[Floats, "N 1"] = np.linalg.norm(rows, axis=1, keepdims=True)
    return rows / np.where(lengths > 0, lengths, 1.0)
