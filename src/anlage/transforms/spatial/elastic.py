"""Bend anatomy smoothly, as it differs between people: cubic B-splines between control points.

All views of an image are cut from the same bent image, so they still show one patient, and the
affine geometry that each view keeps stays exact in it.

Source: Rueckert et al., "Nonrigid registration using free-form deformations", IEEE TMI 18(8),
1999; the bound below which nothing folds: Choi and Lee, "Injectivity conditions of 2D and 3D
uniform cubic B-spline functions", Graphical Models 62, 2000 (0.40 of the spacing in 3D, 0.48 in
2D; 0.35 here, which leaves room for reading the spline from samples).
Departure from TorchIO's RandomElasticDeformation: points are spaced in millimetres, not by their
number, and the border moves too.
"""

from __future__ import annotations

from typing import Self

import torch
from jaxtyping import Float
from pydantic import Field, model_validator
from torch import Tensor

from anlage.config import BaseConfig
from anlage.transforms import Deformation, Params
from anlage.transforms.draws import Draws

__all__ = ["Elastic"]

_BOUND = 0.35  # of the spacing of control points
_INTERVALS = 12  # between control points, at most, across the longest edge of a crop
_SAMPLES = 4 * _INTERVALS  # of the displacement, across each edge
_REACH = _INTERVALS // 2 + 2  # control points either side of the middle: two lie outside


class Elastic(Deformation):
    """Displace control points evenly up to a limit along every axis."""

    class Config(BaseConfig):
        """Largest displacement of a control point per axis, and the points' distance, in mm.

        Points are wider apart where a crop's longest edge would hold more than 12 intervals.
        Between random neighbours the image moves about half as far as its control points.
        """

        displacement_mm: float = Field(default=5.0, ge=0)
        spacing_mm: float = Field(default=30.0, gt=0)

        @model_validator(mode="after")
        def _does_not_fold(self) -> Self:
            if self.displacement_mm > _BOUND * self.spacing_mm:
                raise ValueError(
                    f"displacement_mm must be at most {_BOUND:g} times spacing_mm "
                    f"({self.spacing_mm:g} mm), so that nothing folds, got "
                    f"{self.displacement_mm:g} mm. Lower it, or widen the spacing"
                )
            return self

    def __init__(self, config: Config | None = None) -> None:
        self.config = config or self.Config()

    def draw(self, draws: Draws, *, dims: int) -> Params:
        """Draw displacements of control points in mm, (B, d, *points), the middle one central."""
        points = 2 * _REACH + 1
        limit = self.config.displacement_mm
        moves = draws.uniform("displacement", dims * points**dims, -limit, limit)
        return {"displacement_mm": moves.reshape(-1, dims, *[points] * dims)}

    def displacement(self, params: Params, *, half_mm: Float[Tensor, "B d"]) -> Tensor:
        """Sum the splines, one axis after the other, (B, d, *samples)."""
        field = params["displacement_mm"]
        dims = half_mm.shape[1]
        spacing = (2 * half_mm.amax(dim=1) / _INTERVALS).clamp_min(self.config.spacing_mm)
        samples = torch.arange(1 - _SAMPLES, _SAMPLES, 2, device=field.device) / _SAMPLES
        points = torch.arange(-_REACH, _REACH + 1, device=field.device)
        for axis in range(dims):
            place = samples * (half_mm[:, axis] / spacing)[:, None]  # (B, samples) in intervals
            weights = _cubic(place[:, :, None] - points)  # (B, samples, points)
            # (B, d, *points) -> (B, d, ..., samples): each axis goes to the end in its turn
            field = torch.einsum("bcp...,bsp->bc...s", field, weights)
        return field


def _cubic(distance: Tensor) -> Tensor:
    """Return the uniform cubic B-spline at a distance in intervals; 0 beyond two."""
    size = distance.abs()
    near = 2 / 3 - size.square() * (1 - size / 2)
    far = (2 - size).clamp_min(0) ** 3 / 6
    return torch.where(size < 1, near, far)
