"""A linear stand-in for a pretraining: what its loss would find among linear maps.

- A method that draws views together finds the directions that two views of an image share, each
  weighted by how far they share it: canonical correlation across views, which is what contrastive
  and predictive losses find among linear maps (HaoChen et al., "Provable guarantees for
  self-supervised deep learning with spectral contrastive loss", NeurIPS 2021; Balestriero and
  LeCun, "Contrastive and non-contrastive self-supervised learning recover global and local
  spectral embedding methods", NeurIPS 2022).
- A method that fills in what a mask hides finds the directions of what is visible that predict
  the view, weighted by how much of it they predict: reduced-rank regression (Izenman, "Reduced-rank
  regression for the multivariate linear model", J. Multivariate Analysis 1975), which follows
  variance as reconstruction does (Balestriero and LeCun, "Learning by reconstruction produces
  uninformative features for perception", 2024).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from jaxtyping import Float

__all__ = ["predicting", "shared"]

Floats = npt.NDArray[np.float64]

_RANK = 64
_RIDGE = 0.1  # share of the mean variance


def shared(
    views: Float[Floats, "V n F"], *, rank: int = _RANK, ridge: float = _RIDGE
) -> Float[Floats, "F k"]:
    """Return the directions that views of an image share, longest first.

    Each has unit variance over all views (with ridge), times the root of the share of it that two
    views of an image have in common; directions that share nothing have length 0.

    Args:
        views: Features of V views of n images.
        rank: How many directions at most.
        ridge: Added to all variances, as a share of their mean.
    """
    centred = views - views.mean(axis=(0, 1))
    count, images, width = views.shape
    every = np.einsum("vni,vnj->ij", centred, centred) / (count * images)
    mean = centred.mean(axis=0)
    # the mean over pairs of different views
    across = (count * (mean.T @ mean) / images - every) / (count - 1)
    ridged = every + ridge * np.trace(every) / width * np.eye(width)
    whitening = _inverse_root(ridged)
    shares, directions = np.linalg.eigh(whitening @ across @ whitening)
    order = np.argsort(shares)[::-1][:rank]
    found: Floats = whitening @ directions[:, order] * np.sqrt(np.clip(shares[order], 0, None))
    return found


def predicting(
    visible: Float[Floats, "V n F"],
    whole: Float[Floats, "V n F"],
    *,
    rank: int = _RANK,
    ridge: float = _RIDGE,
) -> Float[Floats, "F k"]:
    """Return the directions of what is visible that predict the whole view, longest first.

    Each has unit variance (with ridge), times the deviation of the whole that it predicts.

    Args:
        visible: Features of V views of n images with hidden places blanked.
        whole: Features of the same views with nothing hidden.
        rank: How many directions at most.
        ridge: Added to all variances, as a share of their mean.
    """
    width = visible.shape[2]
    seen = (visible - visible.mean(axis=(0, 1))).reshape(-1, width)
    wanted = (whole - whole.mean(axis=(0, 1))).reshape(-1, width)
    every = seen.T @ seen / len(seen)
    whitening = _inverse_root(every + ridge * np.trace(every) / width * np.eye(width))
    directions, lengths, _ = np.linalg.svd(whitening @ (seen.T @ wanted / len(seen)))
    found: Floats = whitening @ directions[:, :rank] * lengths[:rank]
    return found


def _inverse_root(matrix: Floats) -> Floats:
    values, vectors = np.linalg.eigh(matrix)
    found: Floats = vectors / np.sqrt(np.maximum(values, 1e-12)) @ vectors.T
    return found
