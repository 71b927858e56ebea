"""Which images are called the same and which different: positives and negatives of a batch.

A batch is drawn without replacement, so all shares are exact: no batch is simulated.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import lgamma

import numpy as np
import numpy.typing as npt

__all__ = ["Negatives", "negatives_of", "share_across", "share_with_any", "share_within"]


@dataclass(frozen=True, kw_only=True)
class Negatives:
    """What a contrastive batch calls different; images of one patient are left out of that.

    Attributes:
        batch: Images that are compared at a time: a micro-batch.
        left_out: Expected share of the other images of a batch that show an image's own patient
            (or are near-duplicates of it: both are one group of the store).
        with_left_out: Share of images with at least one such in their batch.
        same_label: Share of negatives with the same label, of images that have one; None without.
        exact_copies: Share of negatives with equal pixels.
    """

    batch: int
    left_out: float
    with_left_out: float
    same_label: float | None
    exact_copies: float


def negatives_of(
    patients: npt.NDArray[np.int64],
    labels: Sequence[str | float | None] | None,
    hashes: Sequence[str],
    *,
    batch: int,
) -> Negatives:
    """Count negatives of all kinds that a batch of these images holds.

    Args:
        patients: Group of each image, (n,).
        labels: Class of each image; None where unknown, or for all.
        hashes: Hash of each image's pixels.
        batch: Images that are compared at a time.
    """
    same_label = None
    known = {row: one for row, one in enumerate(labels or ()) if one is not None}
    if len({int(patients[row]) for row in known}) > 1:
        same_label = share_across(_numbered(list(known.values())), patients[list(known)])
    return Negatives(
        batch=min(batch, len(patients)),
        left_out=share_within(patients),
        with_left_out=share_with_any(patients, batch=min(batch, len(patients))),
        same_label=same_label,
        exact_copies=share_across(_numbered(list(hashes)), patients),
    )


def share_across(groups: npt.NDArray[np.int64], patients: npt.NDArray[np.int64]) -> float:
    """Return the chance that two images of different patients are of one group."""
    both = np.stack([groups, patients], axis=1)
    pairs = len(groups) ** 2 - _squares(patients)
    return float((_squares(groups) - _squares(both)) / pairs) if pairs else 0.0


def _squares(groups: npt.NDArray[np.int64]) -> int:
    """Return the sum of squared sizes: ordered pairs, with themselves, inside groups."""
    return int((np.unique(groups, axis=0, return_counts=True)[1] ** 2).sum())


def share_within(groups: npt.NDArray[np.int64]) -> float:
    """Return the chance that two different images, drawn at random, are of one group.

    By linearity this is also the expected share of same-group negatives in a batch of any size:
    sum n_g (n_g - 1) / (n (n - 1)).
    """
    n = len(groups)
    if n < 2:
        return 0.0
    sizes = np.unique(groups, return_counts=True)[1].astype(np.float64)
    return float((sizes * (sizes - 1)).sum() / (n * (n - 1)))


def share_with_any(groups: npt.NDArray[np.int64], *, batch: int) -> float:
    """Return the share of images with at least one other of their group in their batch.

    For an image of a group of g, the other b - 1 of its batch are drawn from n - 1 images, and
    miss the group with probability C(n - g, b - 1) / C(n - 1, b - 1) (hypergeometric).
    """
    n = len(groups)
    sizes = np.unique(groups, return_counts=True)[1].astype(int)
    total = sum(g * (1 - _missed(n, int(g), batch - 1)) for g in sizes)
    return float(total / n)


def _missed(n: int, group: int, drawn: int) -> float:
    if drawn > n - group:
        return 0.0
    return float(np.exp(_log_choose(n - group, drawn) - _log_choose(n - 1, drawn)))


def _log_choose(n: int, k: int) -> float:
    return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)


def _numbered(names: Sequence[str | float]) -> npt.NDArray[np.int64]:
    numbers: dict[str | float, int] = {}
    return np.array([numbers.setdefault(name, len(numbers)) for name in names], dtype=np.int64)
