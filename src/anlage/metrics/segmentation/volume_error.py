"""Volume error: how far the predicted volume is off, as a share of the mean of both."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from anlage.metrics import case_metric
from anlage.metrics.segmentation._masks import mask_pair

__all__ = ["volume_error"]


@case_metric(
    label="volume error",
    direction="lower",
    bounds=(0.0, 2.0),
    failure="a failed case scores 2",
)
def volume_error(target: npt.ArrayLike, prediction: npt.ArrayLike | None) -> float:
    """Absolute difference of both volumes over their mean, in 2D of both areas.

    Both empty: 0. Exactly one empty: 2, the greatest value. Dividing by the mean keeps a false
    alarm on a healthy case finite; 0.1 is about 10 %. Position plays no part.

    Args:
        target: Reference mask, (*S): booleans, or 0 and 1.
        prediction: Predicted mask of the same shape; None or NaN is a failed case.

    Raises:
        ShapeError: If the masks are not 2D or 3D, or differ in shape.
        DataError: If a mask holds other values than 0 and 1.
    """
    masks = mask_pair(target, prediction)
    if masks is None:
        return 2.0
    truth, guess = (int(np.count_nonzero(mask)) for mask in masks)
    return 2 * abs(guess - truth) / (guess + truth) if guess + truth else 0.0
