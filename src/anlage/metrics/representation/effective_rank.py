"""Effective rank (RankMe): how many directions the embeddings really use."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from anlage.metrics import Value, diagnostic
from anlage.metrics.representation._embeddings import embeddings

__all__ = ["effective_rank_score"]


@diagnostic(label="effective rank", direction="higher", bounds=(1.0, np.inf))
def effective_rank_score(values: npt.ArrayLike) -> Value:
    """Exponential of the entropy of the singular values, not centred; at most min(N, E).

    Not centred on purpose: a collapsed encoder gives one vector plus noise, which centring
    would leave as noise of full rank. It grows with N, so take N well above E, always the same
    N, and print it (``num_cases``).

    Args:
        values: Embeddings, (N, E).

    Returns:
        1 for a collapsed encoder; undefined if all embeddings are zero.

    Raises:
        ShapeError: If they are not (N, E).
        DataError: If a value is not finite.

    Source:
        Garrido et al., ICML 2023, arXiv:2210.02885. Departure: a share of zero adds nothing
        to the entropy; the paper adds 1e-7 to every share.
    """
    rows = embeddings(values, least=1)
    singular = np.linalg.svd(rows, compute_uv=False)
    total = float(singular.sum())
    if total == 0:
        return Value(
            value=None,
            reason="All embeddings are zero.",
            parts=(None,),
            num_cases=len(rows),
        )
    shares = singular[singular > 0] / total
    rank = float(np.exp(-np.sum(shares * np.log(shares))))
    return Value(value=rank, parts=(rank,), num_cases=len(rows))
