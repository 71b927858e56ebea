"""Darken the corners, as lenses and narrow light guides do.

Source: Goldman, IEEE TPAMI 32(12), 2010: light falls off smoothly with distance from an optical
centre that need not be the image's; the law here is the fourth power of the cosine of the angle
at which light comes in.
"""

from __future__ import annotations

import torch
from pydantic import Field

from anlage.config import BaseConfig
from anlage.tensors import Images
from anlage.transforms import IntensityTransform, Params
from anlage.transforms._places import from_middle
from anlage.transforms._shape import per_image
from anlage.transforms.draws import Draws

__all__ = ["Vignette"]


class Vignette(IntensityTransform):
    """Multiply by cos**4 of the angle off the optical axis; black stays black."""

    class Config(BaseConfig):
        """Largest share of light that is lost at half a diagonal, and shift of the centre.

        ``offset`` is the largest shift along each axis, as a share of its edge.
        """

        darkening: float = Field(default=0.5, ge=0, lt=1)
        offset: float = Field(default=0.1, ge=0, le=0.5)

    def __init__(self, config: Config | None = None) -> None:
        self.config = config or self.Config()

    def draw(self, draws: Draws, *, shape: torch.Size) -> Params:
        """Draw a darkening, (B,), and the optical centre from the middle, (B, d)."""
        limit = self.config.offset
        return {
            "darkening": draws.uniform("darkening", 1, 0, self.config.darkening)[:, 0],
            "centre": draws.uniform("centre", len(shape) - 2, -limit, limit),
        }

    def apply(self, images: Images, params: Params) -> Images:
        """Return images / (1 + tan**2)**2, with tan growing evenly from the optical centre."""
        edges = images.shape[2:]
        squared = torch.zeros(1, device=images.device)
        for axis, place in enumerate(from_middle(images)):
            centre = per_image(params["centre"][:, axis] * edges[axis], images)
            squared = squared + (place - centre) ** 2
        half_diagonal = sum(edge**2 for edge in edges) / 4
        steepness = (1 - params["darkening"]).rsqrt() - 1  # tan**2 at half a diagonal
        squared = squared / half_diagonal * per_image(steepness, images)
        return images / (1 + squared).square().to(images.dtype)
