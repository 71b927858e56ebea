"""Measure an image with thicker slices or fewer pixels, then show it on the old grid.

A coarse pixel holds the mean of what it covers (partial volume), and the way back is linear.
Source: Billot et al., "Partial volume segmentation of brain MRI scans of any resolution and
contrast", MICCAI 2020, who blur and resample one axis in turn.
Departure: TorchIO's RandomAnisotropy and batchgeneratorsv2's SimulateLowResolutionTransform take
single pixels instead of means, which adds aliasing that thick slices do not have.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor

from anlage.config import BaseConfig
from anlage.tensors import Images
from anlage.transforms import IntensityTransform, Params
from anlage.transforms._rows import along_axis
from anlage.transforms._shape import widened
from anlage.transforms.draws import Draws

__all__ = ["LowResolution"]


class LowResolution(IntensityTransform):
    """Average blocks along one axis or all, then interpolate linearly."""

    class Config(BaseConfig):
        """Largest factor by which pixels grow, and along how many axes.

        The factor is drawn evenly on the log scale from 1 on, and rounded so that a whole number
        of coarse pixels fills the edge. ``one`` draws the axis: thick slices in any direction.
        """

        factor: float = Field(default=4.0, ge=1, le=16)
        axes: Literal["one", "all"] = "one"

    def __init__(self, config: Config | None = None) -> None:
        self.config = config or self.Config()

    def draw(self, draws: Draws, *, shape: torch.Size) -> Params:
        """Draw the growth of pixels along each axis, (B, d); 1 leaves an axis as it is."""
        dims = len(shape) - 2
        draws = replace(draws, device=torch.device("cpu"))  # where images are sorted by axis
        factor = self.config.factor ** draws.uniform("log_factor")  # (B, 1)
        if self.config.axes == "all":
            return {"factor": factor.repeat(1, dims)}
        axis = draws.whole("axis", 1, 0, dims - 1)
        is_chosen = torch.arange(dims) == axis
        return {"factor": torch.where(is_chosen, factor, 1.0)}

    def apply(self, images: Images, params: Params) -> Images:
        """Lower the resolution of every axis by its factor."""
        wide = widened(images).clone()
        for number, edge in enumerate(images.shape[2:]):
            factor = params["factor"][:, number]
            rows = (factor > 1).nonzero()[:, 0]
            weights = _weights(factor[rows].to(wide), edge)
            chosen = rows.to(wide.device)
            wide[chosen] = along_axis(wide[chosen], weights, number + 2)
        return wide.to(images.dtype)


def _weights(factor: Float[Tensor, " B"], edge: int) -> Float[Tensor, "B L L"]:
    """Return interpolation times averaging: rows of pixels to rows of pixels.

    With n coarse pixels on an edge of L, coarse pixel j covers L j / n to L (j + 1) / n, and
    pixel i lies at (i + 1/2) n / L - 1/2 among the middles of coarse ones.
    """
    fine = torch.arange(edge, device=factor.device, dtype=factor.dtype)
    count = (edge / factor).round().clamp(1, edge)[:, None, None]  # n
    low, high = fine[:, None] * edge / count, (fine[:, None] + 1) * edge / count  # (B, n, 1)
    covered = torch.minimum(high, fine + 1) - torch.maximum(low, fine)  # (B, n, L)
    averaging = covered.clamp_min(0) * count / edge
    place = (fine[:, None] + 0.5) * count / edge - 0.5  # (B, L, 1)
    place = torch.minimum(place.clamp_min(0), count - 1)
    interpolation = (1 - (place - fine).abs()).clamp_min(0)  # (B, L, n)
    return interpolation @ averaging
