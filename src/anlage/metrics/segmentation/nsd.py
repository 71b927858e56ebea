"""Normalised surface Dice: the share of both surfaces that agrees within a tolerance."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from anlage.errors import ConfigError
from anlage.metrics import case_metric
from anlage.metrics.segmentation._masks import diagonal_mm, mask_pair
from anlage.metrics.segmentation._surfaces import surface_distances

__all__ = ["nsd_score"]


@case_metric(label="NSD", direction="higher", bounds=(0.0, 1.0), failure="a failed case scores 0")
def nsd_score(
    target: npt.ArrayLike,
    prediction: npt.ArrayLike | None,
    *,
    spacing_mm: Sequence[float],
    tolerance_mm: float,
) -> float:
    """Area of each surface within the tolerance of the other, over the area of both.

    Both empty: 1. Exactly one empty: 0. Surfaces and areas are defined in ``_surfaces.py``.

    Args:
        target: Reference mask, (*S): booleans, or 0 and 1.
        prediction: Predicted mask of the same shape; None or NaN is a failed case.
        spacing_mm: Edge of a voxel per axis, in mm.
        tolerance_mm: Distance at which two readers would still agree, in mm; zero or above.

    Raises:
        ShapeError: If the masks are not 2D or 3D, or differ in shape.
        DataError: If a mask holds other values than 0 and 1.
        ConfigError: If the tolerance is negative, or there is not one spacing above zero per
            axis.

    Source:
        Nikolov et al., J Med Internet Res 23:e26151 (2021).
    """
    if not 0 <= tolerance_mm < np.inf:
        raise ConfigError(
            f"tolerance_mm must be 0 mm or more, got {tolerance_mm}. Take the distance by which "
            "two readers differ, often 1 to 3 mm."
        )
    masks = mask_pair(target, prediction)
    diagonal_mm(np.shape(target), spacing_mm)
    if masks is None:
        return 0.0
    num_empty = sum(not mask.any() for mask in masks)
    if num_empty:
        return 1.0 if num_empty == 2 else 0.0
    both = surface_distances(*masks, spacing_mm)
    within = sum(one.area_within(tolerance_mm) for one in both)
    return within / sum(float(one.area.sum()) for one in both)
