"""Lesion-wise F1: how many lesions are found, and how many found ones are real."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from jaxtyping import Bool, Float
from scipy.ndimage import label
from scipy.optimize import linear_sum_assignment

from anlage.errors import ConfigError
from anlage.metrics import case_metric
from anlage.metrics._arrays import Bools, Floats
from anlage.metrics.segmentation._masks import crop_to_union, mask_pair

__all__ = ["lesion_f1_score"]


@case_metric(
    label="lesion F1", direction="higher", bounds=(0.0, 1.0), failure="a failed case scores 0"
)
def lesion_f1_score(
    target: npt.ArrayLike, prediction: npt.ArrayLike | None, *, min_iou: float = 0.1
) -> float:
    """Matched lesions over the mean number of lesions in both masks.

    A lesion is a connected part of a mask, corners included (8 neighbours in 2D, 26 in 3D).
    Each matches at most one of the other mask, with an overlap (IoU) of ``min_iou`` or more,
    and as many are matched as can be. So one blot over everything finds at most one lesion,
    and fragments of a lesion are false alarms but one. Both masks without lesions: 1; one: 0.

    Args:
        target: Reference mask, (*S): booleans, or 0 and 1.
        prediction: Predicted mask of the same shape; None or NaN is a failed case.
        min_iou: Least intersection over union of a match; above 0.

    Raises:
        ShapeError: If the masks are not 2D or 3D, or differ in shape.
        DataError: If a mask holds other values than 0 and 1.
        ConfigError: If ``min_iou`` is not in (0, 1].
    """
    if not 0 < min_iou <= 1:
        raise ConfigError(
            f"min_iou must be above 0 and at most 1, got {min_iou}. The usual value is 0.1."
        )
    masks = mask_pair(target, prediction)
    if masks is None:
        return 0.0
    overlap = _overlaps(*crop_to_union(*masks))
    num_lesions = sum(overlap.shape)
    if num_lesions == 0:
        return 1.0
    is_match = overlap >= min_iou
    matched = int(is_match[linear_sum_assignment(is_match, maximize=True)].sum())
    return 2 * matched / num_lesions


def _overlaps(
    target: Bool[Bools, "*S"], prediction: Bool[Bools, "*S"]
) -> Float[Floats, "lesions found"]:
    """Return the IoU of every reference lesion with every predicted one."""
    neighbours = np.ones((3,) * target.ndim)
    truth, num_truth = label(target, neighbours)
    guess, num_guess = label(prediction, neighbours)
    pair = truth.astype(np.int64).ravel() * (num_guess + 1) + guess.ravel()
    counts = np.bincount(pair, minlength=(num_truth + 1) * (num_guess + 1))
    table = counts.reshape(num_truth + 1, num_guess + 1).astype(np.float64)
    sizes = table.sum(axis=1, keepdims=True) + table.sum(axis=0, keepdims=True)
    iou: Float[Floats, "lesions found"] = (table / np.maximum(sizes - table, 1))[1:, 1:]
    return iou
