"""Votes of the nearest embeddings."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from jaxtyping import Float, Int

from anlage.errors import ConfigError, DataError, ShapeError
from anlage.metrics._arrays import Floats, Ints

__all__ = ["check_disjoint", "votes"]

_ROWS = 512  # queries compared at once


def votes(
    queries: Float[Floats, "..."],
    reference: Float[Floats, "..."],
    reference_target: Int[Ints, "..."],
    *,
    num_classes: int,
    num_neighbours: int,
    temperature: float | None,
) -> Float[Floats, "M K"]:
    """Return the share of the vote of each class, (M, K), rows adding up to one.

    Takes queries (M, E), reference embeddings (N, E) and their classes (N,). A query that is
    not finite gets NaN, and so becomes a failed case.

    Raises:
        ShapeError: If the parts do not fit.
        DataError: If a reference embedding is not finite.
        ConfigError: If there is no neighbour, or the temperature is not above zero.
    """
    _check(queries, reference, reference_target, num_classes)
    if num_neighbours < 1 or (temperature is not None and temperature <= 0):
        raise ConfigError(
            f"num_neighbours must be 1 or more and temperature above 0 (or None), got "
            f"{num_neighbours} and {temperature}. The usual values are 20 and 0.07."
        )
    count = min(num_neighbours, len(reference))
    one_hot = (reference_target[:, None] == np.arange(num_classes)).astype(np.float64)
    known = _unit(reference)
    shares = np.full((len(queries), num_classes), np.nan)
    usable = np.flatnonzero(np.isfinite(queries).all(axis=1))
    for start in range(0, len(usable), _ROWS):
        rows = usable[start : start + _ROWS]
        cosine = _unit(queries[rows]) @ known.T
        nearest = np.argpartition(-cosine, count - 1, axis=1)[:, :count]
        closeness = np.take_along_axis(cosine, nearest, axis=1)
        weight = np.ones_like(closeness)
        if temperature is not None:
            weight = np.exp((closeness - closeness.max(axis=1, keepdims=True)) / temperature)
        ballots = np.einsum("mn,mnk->mk", weight, one_hot[nearest])
        shares[rows] = ballots / weight.sum(axis=1, keepdims=True)
    return shares


def check_disjoint(groups: npt.ArrayLike | None, reference_groups: npt.ArrayLike | None) -> None:
    """Refuse patients that are on both sides.

    Raises:
        DataError: If there are any.
    """
    if groups is None or reference_groups is None:
        return
    shared = np.intersect1d(np.asarray(groups), np.asarray(reference_groups))
    if len(shared):
        raise DataError(
            f"no patient may be both among the queries and among the neighbours, got "
            f"{len(shared)} that are. Split by patient."
        )


def _check(
    queries: Float[Floats, "..."],
    reference: Float[Floats, "..."],
    reference_target: Int[Ints, "..."],
    num_classes: int,
) -> None:
    shapes_fit = queries.ndim == reference.ndim == 2 and queries.shape[1:] == reference.shape[1:]
    if not shapes_fit or reference_target.shape != reference.shape[:1] or not len(reference):
        raise ShapeError(
            f"queries (M, E), reference (N, E) and its classes (N,) must fit, got "
            f"{queries.shape}, {reference.shape} and {reference_target.shape}. Embed both with "
            "one encoder."
        )
    if not np.isfinite(reference).all():
        raise DataError(
            "reference embeddings must be finite, got some that are not. Leave those images out, "
            "or go back to a checkpoint that had not diverged."
        )
    if reference_target.min() < 0 or reference_target.max() >= num_classes:
        raise DataError(
            f"reference classes must lie in 0..{num_classes - 1}, got "
            f"{reference_target.min()}..{reference_target.max()}. Check num_classes."
        )


def _unit(rows: Float[Floats, "N E"]) -> Float[Floats, "N E"]:
    lengths: Float[Floats, "N 1"] = np.linalg.norm(rows, axis=1, keepdims=True)
    return rows / np.where(lengths > 0, lengths, 1.0)
