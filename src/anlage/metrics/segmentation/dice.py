"""Dice: twice the shared voxels over the sum of both masks."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from anlage.metrics import case_metric
from anlage.metrics.segmentation._masks import mask_pair

__all__ = ["dice_score"]


@case_metric(label="Dice", direction="higher", bounds=(0.0, 1.0), failure="a failed case scores 0")
def dice_score(target: npt.ArrayLike, prediction: npt.ArrayLike | None) -> float:
    """Overlap of two masks of one structure in one case, 2D or 3D.

    Both empty: 1, the structure is rightly not found. Exactly one empty: 0, so a false alarm
    on a healthy case costs as much as a miss.

    Args:
        target: Reference mask, (*S): booleans, or 0 and 1.
        prediction: Predicted mask of the same shape; None or NaN is a failed case.

    Raises:
        ShapeError: If the masks are not 2D or 3D, or differ in shape.
        DataError: If a mask holds other values than 0 and 1.
    """
    masks = mask_pair(target, prediction)
    if masks is None:
        return 0.0
    sizes = sum(int(np.count_nonzero(mask)) for mask in masks)
    shared = int(np.count_nonzero(masks[0] & masks[1]))
    return 2 * shared / sizes if sizes else 1.0
