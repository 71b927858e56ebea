"""Smooth a view with a Gaussian, as a softer kernel or a thicker slice would."""

from __future__ import annotations

import math

import torch
from pydantic import Field, field_validator

from anlage.config import BaseConfig
from anlage.tensors import Images
from anlage.transforms import IntensityTransform, Params
from anlage.transforms._rows import along_axis, gaussian_weights
from anlage.transforms.draws import Draws

__all__ = ["GaussianBlur"]


class GaussianBlur(IntensityTransform):
    """Separable smoothing, one width per image, the same on every axis."""

    class Config(BaseConfig):
        """Smallest and largest standard deviation in pixels of the view; reach of the kernel.

        The kernel is cut off at ``truncate`` deviations, so less than ``1 / truncate`` pixels
        smooth nothing.
        """

        sigma: tuple[float, float] = (0.3, 1.0)
        truncate: float = Field(default=3.0, gt=0, le=10)

        @field_validator("sigma")
        @classmethod
        def _in_order(cls, sigma: tuple[float, float]) -> tuple[float, float]:
            if not 0 <= sigma[0] <= sigma[1] < math.inf:
                raise ValueError("needs the smallest deviation, then the largest, from 0 pixels up")
            return sigma

    def __init__(self, config: Config | None = None) -> None:
        self.config = config or self.Config()

    def draw(self, draws: Draws, *, shape: torch.Size) -> Params:
        """Draw a standard deviation per image in pixels, (B,)."""
        return {"sigma": draws.uniform("sigma", 1, *self.config.sigma)[:, 0]}

    def apply(self, images: Images, params: Params) -> Images:
        """Smooth along every axis; at the border the kernel is cut off and renormalised."""
        sigma = params["sigma"].to(images.dtype)
        reach = self.config.truncate
        weights = {edge: gaussian_weights(sigma, edge, reach) for edge in set(images.shape[2:])}
        for axis in range(2, images.ndim):
            images = along_axis(images, weights[images.shape[axis]], axis)
        return images
