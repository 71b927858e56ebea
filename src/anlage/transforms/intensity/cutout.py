"""Hide one box of an image; a limit keeps it from covering what counts.

Source: DeVries and Taylor, arXiv:1708.04552 (cutout), with the drawn area and side ratio of
Zhong et al., AAAI 2020 (random erasing).
Departure: a box that would cover too much of the foreground is shrunk about its centre until it
does not.
"""

from __future__ import annotations

import math
from typing import Literal

import torch
from pydantic import Field, field_validator
from torch import Tensor

from anlage.config import BaseConfig
from anlage.tensors import Images
from anlage.transforms import IntensityTransform, Params
from anlage.transforms._places import along
from anlage.transforms._shape import per_image
from anlage.transforms.draws import Draws

__all__ = ["Cutout"]


class Cutout(IntensityTransform):
    """Fill a box with each channel's mean, or with zero."""

    class Config(BaseConfig):
        """The box, its filling, and what it may cover.

        ``area`` is the least and largest share of the view (of the volume in 3D) that a box
        takes, ``aspect`` how many times longer one edge may become against the others, as a
        share of the view's own edges. ``foreground`` is the range of brightness, averaged over
        channels, that counts as foreground; a box covers at most ``foreground_share`` of it.
        A caller that knows better gives the foreground as a parameter: see ``apply``.
        """

        area: tuple[float, float] = (0.02, 0.15)
        aspect: float = Field(default=2.0, ge=1, le=10)
        fill: Literal["mean", "zero"] = "mean"
        foreground: tuple[float, float] = (0.1, 1.0)
        foreground_share: float = Field(default=1.0, ge=0, le=1)

        @field_validator("area", "foreground")
        @classmethod
        def _in_order(cls, ends: tuple[float, float]) -> tuple[float, float]:
            if not 0 <= ends[0] <= ends[1] <= 1:
                raise ValueError("needs the smallest value, then the largest, from 0 to 1")
            return ends

    def __init__(self, config: Config | None = None) -> None:
        self.config = config or self.Config()

    def draw(self, draws: Draws, *, shape: torch.Size) -> Params:
        """Draw centre and half edges of a box as shares of the view's edges, (B, d) each."""
        dims = len(shape) - 2
        area = draws.uniform("area", 1, *self.config.area)
        limit = math.log(self.config.aspect) / 2
        stretch = draws.uniform("stretch", dims, -limit, limit)
        stretch = stretch - stretch.mean(dim=1, keepdim=True)  # keeps the area
        return {
            "centre": draws.uniform("centre", dims),
            "half": area ** (1 / dims) * stretch.exp() / 2,
        }

    def apply(self, images: Images, params: Params) -> Images:
        """Fill the box; ``params`` may hold ``foreground``, (B, *S), True where it lies."""
        if "foreground" in params:
            foreground = params["foreground"]
        else:
            low, high = self.config.foreground
            grey = images.mean(dim=1)
            foreground = (grey >= low) & (grey <= high)
        reach = _reach(images, params)
        limit = _largest_reach(reach, foreground, self.config.foreground_share)
        is_hidden = (reach <= 1) & (reach < per_image(limit, reach))
        if self.config.fill == "mean":
            filling = images.flatten(2).mean(dim=2).reshape(*images.shape[:2], *_ones(images))
        else:
            filling = images.new_zeros(1)
        return torch.where(is_hidden.unsqueeze(1), filling, images)


def _ones(images: Images) -> list[int]:
    return [1] * (images.ndim - 2)


def _reach(images: Images, params: Params) -> Tensor:
    """Return how far each pixel lies from the box's centre: 1 at its faces, (B, *S).

    A box always holds at least the pixel that its centre lies in.
    """
    reach = torch.zeros(len(images), 1, *_ones(images), device=images.device)
    for axis, edge in enumerate(images.shape[2:]):
        off = along(images, axis) - per_image(params["centre"][:, axis] * edge, images)
        half = (params["half"][:, axis] * edge).clamp_min(0.5)
        reach = torch.maximum(reach, off.abs() / per_image(half, images))
    return reach.squeeze(1)


def _largest_reach(reach: Tensor, foreground: Tensor, share: float) -> Tensor:
    """Return the reach below which at most ``share`` of the foreground lies, (B,)."""
    inside = reach.masked_fill(~foreground, torch.inf).flatten(1).sort(dim=1).values
    inside = torch.cat((inside, torch.full_like(inside[:, :1], torch.inf)), dim=1)
    allowed = (foreground.flatten(1).sum(dim=1).double() * share + 1e-9).long()
    return inside.gather(1, allowed[:, None])[:, 0]
