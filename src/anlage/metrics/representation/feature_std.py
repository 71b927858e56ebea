"""Feature spread: does every dimension of the embedding still vary between images?"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from anlage.metrics import Value, diagnostic
from anlage.metrics.representation._embeddings import embeddings, on_sphere

__all__ = ["feature_std_score"]


@diagnostic(label="feature std", direction="higher", bounds=(0.0, 1.0))
def feature_std_score(values: npt.ArrayLike) -> Value:
    """Mean standard deviation per dimension of embeddings of length one, times sqrt(E).

    1 for embeddings spread evenly over the sphere, 0 for a collapsed encoder. It misses a
    collapse onto a few dimensions: read it beside `effective_rank`.

    Args:
        values: Embeddings, (N, E), N of 2 or more.

    Raises:
        ShapeError: If they are not (N, E).
        DataError: If a value is not finite.

    Source:
        Chen and He, CVPR 2021, arXiv:2011.10566, section 4.1; here over the whole set.
    """
    rows = on_sphere(embeddings(values, least=2))
    spread = float(rows.std(axis=0).mean() * np.sqrt(rows.shape[1]))
    return Value(value=spread, parts=(spread,), num_cases=len(rows))
