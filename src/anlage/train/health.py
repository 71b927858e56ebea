"""Is the run alive? Effective rank and spread of embeddings, and losses that are no numbers.

A collapsed encoder gives every image the same embedding, and its loss can look splendid. Two
numbers together tell: the uncentred effective rank (RankMe) and the spread of the normalised
embeddings. Neither chooses a checkpoint.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from anlage.metrics.representation.effective_rank import effective_rank_score
from anlage.metrics.representation.feature_std import feature_std_score

__all__ = ["Health", "HealthReport"]

_ROWS = 512
_LEAST_ROWS = 32
_CONSTANT_STD = 0.01
_CONSTANT_RANK = 1.02
_PATIENCE = 3


@dataclass(frozen=True, kw_only=True)
class HealthReport:
    """One look at the embeddings.

    Attributes:
        rank: Effective rank of ``rows`` embeddings of width ``width``.
        std: Spread, 1 if evenly over the sphere, 0 if constant.
        rows: Embeddings looked at.
        width: Their width E.
        is_constant: Whether all embeddings are practically the same.
    """

    rank: float
    std: float
    rows: int
    width: int
    is_constant: bool


@dataclass
class Health:
    """Keeps recent embeddings and counts bad signs.

    Attributes:
        bad_steps: Steps in a row, up to now, without a finite loss and gradient.
        skipped: All such steps of the run.
        constant_looks: Looks in a row, up to now, at constant embeddings.
    """

    bad_steps: int = 0
    skipped: int = 0
    constant_looks: int = 0
    _recent: deque[npt.NDArray[np.float32]] = field(default_factory=deque)

    def see(self, embedding: Tensor | None) -> None:
        """Remember the embeddings of one batch; rows that are no numbers are left out."""
        if embedding is None:
            return
        rows = embedding.detach().float().cpu().numpy()
        self._recent.append(rows[np.isfinite(rows).all(axis=1)])
        while sum(len(part) for part in self._recent) - len(self._recent[0]) >= _ROWS:
            self._recent.popleft()

    def look(self) -> HealthReport | None:
        """Measure the recent embeddings; None while there are too few."""
        if sum(len(part) for part in self._recent) < _LEAST_ROWS:
            return None
        rows = np.concatenate(self._recent)[-_ROWS:]
        rank, std = effective_rank_score(rows).value or 1.0, feature_std_score(rows).value or 0.0
        is_constant = std < _CONSTANT_STD or rank < _CONSTANT_RANK
        self.constant_looks = self.constant_looks + 1 if is_constant else 0
        return HealthReport(
            rank=rank, std=std, rows=len(rows), width=rows.shape[1], is_constant=is_constant
        )

    @property
    def is_collapsed(self) -> bool:
        """Whether the embeddings have been constant for several looks in a row."""
        return self.constant_looks >= _PATIENCE

    def step(self, *, is_finite: bool) -> None:
        """Count a step whose loss or gradient was no number."""
        self.bad_steps = 0 if is_finite else self.bad_steps + 1
        self.skipped += not is_finite

    def counts(self) -> dict[str, int]:
        """Return the counters, for a checkpoint."""
        return {
            "bad_steps": self.bad_steps,
            "skipped": self.skipped,
            "constant_looks": self.constant_looks,
        }

    def tensors(self) -> dict[str, Tensor]:
        """Return the recent embeddings, for a checkpoint."""
        if not self._recent:
            return {}
        return {"recent": torch.from_numpy(np.concatenate(self._recent)[-_ROWS:].copy())}

    def load(self, tensors: Mapping[str, Tensor], counts: Mapping[str, int]) -> None:
        """Go on from a checkpoint."""
        self.bad_steps, self.skipped = counts["bad_steps"], counts["skipped"]
        self.constant_looks = counts["constant_looks"]
        self._recent.clear()
        self._recent.extend(rows.numpy() for rows in tensors.values())
