"""HD95: the distance within which 95 % of each surface lies from the other, in mm."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from anlage.metrics import case_metric
from anlage.metrics.segmentation._masks import diagonal_mm, mask_pair
from anlage.metrics.segmentation._surfaces import surface_distances

__all__ = ["hd95_mm_error"]


@case_metric(
    label="HD95",
    direction="lower",
    bounds=(0.0, np.inf),
    failure="a failed case scores the image diagonal",
    unit="mm",
)
def hd95_mm_error(
    target: npt.ArrayLike, prediction: npt.ArrayLike | None, *, spacing_mm: Sequence[float]
) -> float:
    """Greater of the two directed 95th percentiles of surface distance, weighted by area.

    Both empty: 0. Exactly one empty: the diagonal of the image, the greatest distance there
    can be, so that a missed structure is never better than a badly drawn one. Surfaces and
    areas are defined in ``_surfaces.py``.

    Args:
        target: Reference mask, (*S): booleans, or 0 and 1.
        prediction: Predicted mask of the same shape; None or NaN is a failed case.
        spacing_mm: Edge of a voxel per axis, in mm.

    Returns:
        Distance in mm; always finite.

    Raises:
        ShapeError: If the masks are not 2D or 3D, or differ in shape.
        DataError: If a mask holds other values than 0 and 1.
        ConfigError: If there is not one spacing above zero per axis.

    Source:
        Nikolov et al., J Med Internet Res 23:e26151 (2021), for areas as weights.
    """
    masks = mask_pair(target, prediction)
    longest = diagonal_mm(np.shape(target), spacing_mm)
    if masks is None:
        return longest
    num_empty = sum(not mask.any() for mask in masks)
    if num_empty:
        return 0.0 if num_empty == 2 else longest
    there, back = surface_distances(*masks, spacing_mm)
    return max(there.percentile_mm(95), back.percentile_mm(95))
