"""k-NN accuracy: do the nearest training embeddings have the right class?"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from anlage.metrics import Statistic, metric
from anlage.metrics._labels import labels
from anlage.metrics._neighbours import check_disjoint, votes
from anlage.metrics._ratios import weighted_mean

__all__ = ["knn_accuracy_score"]


@metric(
    label="k-NN accuracy",
    tasks=("representation",),
    direction="higher",
    bounds=(0.0, 1.0),
    failure="an image whose embedding is not finite is wrong",
)
def knn_accuracy_score(
    target: npt.ArrayLike,
    embeddings: npt.ArrayLike,
    *,
    reference_target: npt.ArrayLike,
    reference: npt.ArrayLike,
    num_neighbours: int = 20,
    temperature: float | None = 0.07,
    groups: npt.ArrayLike | None = None,
    reference_groups: npt.ArrayLike | None = None,
) -> Statistic:
    """Accuracy of the vote of the nearest training embeddings, by cosine.

    Args:
        target: Classes 0..K-1 of the images judged, (M,).
        embeddings: Of the images judged, (M, E).
        reference_target: Classes of the training images, (N,).
        reference: Embeddings of the training images, (N, E).
        num_neighbours: Neighbours that vote; all, where there are fewer.
        temperature: A neighbour's vote weighs exp(cosine / temperature); None: all the same.
        groups: Patient of each image judged, (M,).
        reference_groups: Patient of each training image, (N,).

    Raises:
        ShapeError: If the parts do not fit.
        DataError: If a patient is on both sides, or a value is not usable.
        ConfigError: If there is no neighbour, or the temperature is not above zero.

    Source:
        Wu et al., CVPR 2018, arXiv:1805.01978, for the weighted vote.
    """
    check_disjoint(groups, reference_groups)
    known = np.asarray(reference_target).astype(np.int64)
    truth = np.asarray(target).astype(np.int64)
    shares = votes(
        np.asarray(embeddings, dtype=np.float64),
        np.asarray(reference, dtype=np.float64),
        known,
        num_classes=max(2, int(max(truth.max(), known.max())) + 1),
        num_neighbours=num_neighbours,
        temperature=temperature,
    )
    found = labels(truth, shares)
    return Statistic(
        evaluate=weighted_mean((found.prediction == found.target).astype(np.float64)),
        num_cases=len(found.target),
        num_failed=found.num_failed,
        undefined="k-NN accuracy needs at least one image.",
        classes=found.classes,
    )
