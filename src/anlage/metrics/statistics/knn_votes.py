"""k-NN votes: class shares of the nearest training embeddings, ready for any metric."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from jaxtyping import Float

from anlage.metrics._arrays import Floats
from anlage.metrics._neighbours import check_disjoint, votes

__all__ = ["knn_votes"]


def knn_votes(
    embeddings: npt.ArrayLike,
    *,
    reference_target: npt.ArrayLike,
    reference: npt.ArrayLike,
    num_classes: int,
    num_neighbours: int = 20,
    temperature: float | None = 0.07,
    groups: npt.ArrayLike | None = None,
    reference_groups: npt.ArrayLike | None = None,
) -> Float[Floats, "M K"]:
    """Share of the vote of each class among the nearest training embeddings, by cosine.

    The shares are scores: give them to `auroc`, `balanced_accuracy` or a bootstrap.

    Args:
        embeddings: Of the images judged, (M, E).
        reference_target: Classes of the training images, (N,).
        reference: Embeddings of the training images, (N, E).
        num_classes: K.
        num_neighbours: Neighbours that vote; all, where there are fewer.
        temperature: A neighbour's vote weighs exp(cosine / temperature); None: all the same.
        groups: Patient of each image judged, (M,).
        reference_groups: Patient of each training image, (N,).

    Returns:
        (M, K), rows adding up to one; NaN for an image whose embedding is not finite.

    Raises:
        ShapeError: If the parts do not fit.
        DataError: If a patient is on both sides, or a value is not usable.
        ConfigError: If there is no neighbour, or the temperature is not above zero.
    """
    check_disjoint(groups, reference_groups)
    return votes(
        np.asarray(embeddings, dtype=np.float64),
        np.asarray(reference, dtype=np.float64),
        np.asarray(reference_target).astype(np.int64),
        num_classes=num_classes,
        num_neighbours=num_neighbours,
        temperature=temperature,
    )
