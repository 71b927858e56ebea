"""Add the small white glints of wet tissue under an endoscope's lamp.

Source: Saint-Pierre et al., Machine Vision and Applications 22(1), 2011: specular reflections
are small, saturated and without colour, and hide the tissue below.
Departure: glints are soft-edged ellipses at random places; no surface is modelled.
"""

from __future__ import annotations

from typing import Annotated

import torch
from pydantic import Field, field_validator
from torch.nn import functional as F

from anlage.config import BaseConfig
from anlage.tensors import Images
from anlage.transforms import IntensityTransform, Params
from anlage.transforms._places import from_middle
from anlage.transforms._shape import per_image
from anlage.transforms.draws import Draws

__all__ = ["SpecularHighlights"]

_Share = Annotated[float, Field(gt=0, le=0.5)]


class SpecularHighlights(IntensityTransform):
    """Blend ellipses into white, one to ``count`` per image, each with its own direction."""

    class Config(BaseConfig):
        """How many, how large and how long.

        ``count`` is the largest number of glints; ``size`` the least and largest radius across
        a glint as a share of the shorter edge; ``elongation`` how many times longer it may be.
        """

        count: int = Field(default=20, ge=1, le=64)
        size: tuple[_Share, _Share] = (0.004, 0.02)
        elongation: float = Field(default=2.5, ge=1, le=10)

        @field_validator("size")
        @classmethod
        def _in_order(cls, size: tuple[float, float]) -> tuple[float, float]:
            if size[0] > size[1]:
                raise ValueError("needs the smallest radius, then the largest")
            return size

    def __init__(self, config: Config | None = None) -> None:
        self.config = config or self.Config()

    def draw(self, draws: Draws, *, shape: torch.Size) -> Params:
        """Draw how many there are, (B,), and for each its form, (B, count), and place and axis."""
        count, dims = self.config.count, len(shape) - 2
        number = draws.whole("number", 1, 1, count)
        least, most = self.config.size
        places = draws.uniform("place", count * dims, -0.5, 0.5)
        return {
            "is_there": torch.arange(count, device=draws.device) < number,
            "size": least * (most / least) ** draws.uniform("size", count),
            "elongation": draws.uniform("elongation", count, 1, self.config.elongation),
            "place": places.reshape(-1, count, dims),
            "direction": draws.normal_field("direction", (count, dims)),
        }

    def apply(self, images: Images, params: Params) -> Images:
        """Return images + (1 - images) * glint."""
        grid, edges = from_middle(images), images.shape[2:]
        axis = F.normalize(params["direction"], dim=2)
        glint = images.new_zeros(len(images), 1, *edges, dtype=torch.float32)
        for number in range(self.config.count):
            off = [
                place - per_image(params["place"][:, number, way] * edges[way], images)
                for way, place in enumerate(grid)
            ]
            along = sum(
                part * per_image(axis[:, number, way], images) for way, part in enumerate(off)
            )
            longer = per_image(params["elongation"][:, number], images)
            squared = sum(part * part for part in off) - along * along * (1 - longer**-2)
            radius = per_image(params["size"][:, number] * min(edges), images)
            # From the rim in pixels: white inside, then a slope of half a radius or one pixel.
            rim = radius - squared.clamp_min(0).sqrt()
            blob = (0.5 + rim / (radius / 2).clamp_min(1)).clamp(0, 1)
            glint = torch.maximum(glint, blob * per_image(params["is_there"][:, number], images))
        return torch.lerp(images, torch.ones_like(images), glint.to(images.dtype))
