"""A simple probe: kernel ridge regression, tested on patients that it was not fitted on.

Kernel: the mean of one Gaussian kernel per block of features, each as wide as the median
distance, so that no block outweighs another by its number of values. Ridge regression on class
indicators ranks as logistic regression does and needs one solve. Its score is the area under the
ROC curve, the mean over classes of one against the rest (0.5 is chance), or Pearson's correlation
for a quantity (0 is chance).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Float
from torch import Tensor

__all__ = ["chance_of", "kernel_of", "out_of_fold", "scores", "weighted_auroc"]

Floats = npt.NDArray[np.float64]

_FOLDS = 5
_RIDGE = 0.3


def kernel_of(blocks: Sequence[Float[Tensor, "n _"]]) -> Float[Floats, "n n"]:
    """Return the mean of one Gaussian kernel per block; constant blocks are left out."""
    total: Floats = np.zeros((len(blocks[0]), len(blocks[0])))
    used = 0
    for block in blocks:
        squares = torch.cdist(block.float(), block.float()).square_().double().numpy()
        above = squares[np.triu_indices(len(squares), 1)]
        middle = float(np.median(above)) if len(above) else 0.0
        if middle > 0:
            total += np.exp(-squares / middle)
            used += 1
    return total / max(used, 1)


def out_of_fold(
    kernel: Float[Floats, "n n"],
    values: Floats,
    patients: npt.NDArray[np.int64],
    *,
    num_classes: int,
    seed: int,
) -> Float[Floats, "n K"]:
    """Predict every image by a probe that has not seen its patient.

    Args:
        kernel: Of all images.
        values: Class numbers or quantities, (n,).
        patients: Number of each image's patient, (n,).
        num_classes: K; 0 for a quantity, which has one output.
        seed: Seed of the folds.
    """
    targets = np.eye(num_classes)[values.astype(int)] if num_classes else values[:, None]
    fold = folds(values if num_classes else np.zeros(len(values)), patients, seed=seed)
    found: Floats = np.zeros_like(targets)
    for number in range(fold.max() + 1):
        fit, test = np.flatnonzero(fold != number), np.flatnonzero(fold == number)
        mean = targets[fit].mean(axis=0)
        inner = kernel[np.ix_(fit, fit)] + _RIDGE * np.eye(len(fit))
        weights = np.linalg.solve(inner, targets[fit] - mean)
        found[test] = kernel[np.ix_(test, fit)] @ weights + mean
    return found


def folds(values: Floats, patients: npt.NDArray[np.int64], *, seed: int) -> npt.NDArray[np.int64]:
    """Deal patients to folds in turn, class by class, so that every fold has every class."""
    numbers, first = np.unique(patients, return_index=True)
    order = np.random.default_rng(seed).permutation(len(numbers))
    order = order[np.argsort(values[first][order], kind="stable")]
    count = min(_FOLDS, len(numbers))
    of_patient = np.empty(len(numbers), dtype=np.int64)
    of_patient[order] = np.arange(len(numbers)) % count
    return of_patient[np.searchsorted(numbers, patients)]


def chance_of(num_classes: int) -> float:
    """Return the score of a probe that knows nothing."""
    return 0.5 if num_classes else 0.0


def scores(
    predicted: Float[Floats, "n K"],
    values: Floats,
    weights: Float[Floats, "R n"],
    *,
    num_classes: int,
) -> Float[Floats, " R"]:
    """Return the score under every draw of patients, over the classes that the draw holds.

    NaN where none can be told from the rest.
    """
    if not num_classes:
        return _weighted_correlation(predicted[:, 0], values, weights)
    present = [number for number in range(num_classes) if (values == number).any()]
    per_class = np.array(
        [weighted_auroc(predicted[:, number], values == number, weights) for number in present]
    )
    areas = per_class[1:] if len(present) == 2 else per_class
    is_held = np.isfinite(areas)
    with np.errstate(invalid="ignore", divide="ignore"):
        found: Floats = np.where(is_held, areas, 0).sum(axis=0) / is_held.sum(axis=0)
    return found


def weighted_auroc(
    predicted: Floats, is_positive: npt.NDArray[np.bool_], weights: Float[Floats, "R n"]
) -> Float[Floats, " R"]:
    """Return the weighted area under the ROC curve per row of weights; ties count half."""
    order = np.argsort(predicted, kind="stable")
    _, starts = np.unique(predicted[order], return_index=True)
    positive = np.add.reduceat(weights[:, order] * is_positive[order], starts, axis=1)
    negative = np.add.reduceat(weights[:, order] * ~is_positive[order], starts, axis=1)
    below = negative.cumsum(axis=1) - negative / 2
    pairs = positive.sum(axis=1) * negative.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        found: Floats = np.where(pairs > 0, (positive * below).sum(axis=1) / pairs, np.nan)
    return found


def _weighted_correlation(predicted: Floats, values: Floats, weights: Floats) -> Floats:
    share = weights / weights.sum(axis=1, keepdims=True)
    first = predicted - (share @ predicted)[:, None]
    second = values - (share @ values)[:, None]
    spread = np.sqrt((share * first**2).sum(axis=1) * (share * second**2).sum(axis=1))
    with np.errstate(invalid="ignore", divide="ignore"):
        found: Floats = np.where(spread > 0, (share * first * second).sum(axis=1) / spread, np.nan)
    return found
