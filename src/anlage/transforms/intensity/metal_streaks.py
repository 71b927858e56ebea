"""Put one or two pieces of metal into a CT slice, with the streaks that they throw.

Source: De Man et al., IEEE Trans. Nucl. Sci. 46(3), 1999: bright and dark streaks run through
the metal on both sides, because a faulty ray is smeared along itself, and dark bands join two
pieces, where rays are hardened and starved of photons twice.
Departure: the fault of each direction is drawn, not simulated. Over all directions the faults
sum up to zero, so that distant tissue keeps its mean.
"""

from __future__ import annotations

import math
from typing import Annotated

import torch
from pydantic import Field, field_validator
from torch import Tensor

from anlage.config import BaseConfig
from anlage.tensors import Images
from anlage.transforms import IntensityTransform, Params
from anlage.transforms._places import along
from anlage.transforms._shape import per_image
from anlage.transforms.draws import Draws

__all__ = ["MetalStreaks"]

_Share = Annotated[float, Field(gt=0, le=0.5)]


class MetalStreaks(IntensityTransform):
    """Add saturated discs and streaks that fade with distance; in 3D to some slices only.

    Slices lie along the last axis. Metal is put where the view is bright, as implants lie in
    bone.
    """

    class Config(BaseConfig):
        """Strength, sizes and numbers.

        ``strength`` is the typical deviation of a streak at the rim of the metal, at most, as a
        share of the window; ``radius`` the least and largest radius of a piece and ``reach``
        the distance at which streaks have halved, as shares of the slice's shorter edge;
        ``pieces`` how many there may be; ``directions`` how many streaks a piece throws;
        ``slices`` the largest share of slices that hold metal.
        """

        strength: float = Field(default=0.25, ge=0, le=2)
        radius: tuple[_Share, _Share] = (0.015, 0.04)
        reach: float = Field(default=0.1, gt=0, le=1)
        pieces: int = Field(default=2, ge=1, le=2)
        directions: int = Field(default=32, ge=4, le=256)
        slices: float = Field(default=0.2, ge=0, le=1)

        @field_validator("radius")
        @classmethod
        def _in_order(cls, radius: tuple[float, float]) -> tuple[float, float]:
            if radius[0] > radius[1]:
                raise ValueError("needs the smallest radius, then the largest")
            return radius

    def __init__(self, config: Config | None = None) -> None:
        self.config = config or self.Config()

    def draw(self, draws: Draws, *, shape: torch.Size) -> Params:
        """Draw sizes and places for two pieces each, (B, 2), their rays, and what is one, (B,)."""
        options = self.config
        pair = draws.happens("second", 0.5) & (options.pieces > 1)
        return {
            "strength": draws.uniform("strength", 1, options.strength / 2, options.strength)[:, 0],
            "radius": draws.uniform("radius", 2, *options.radius),
            "place": draws.uniform("place", 2),
            "is_there": torch.stack((torch.ones_like(pair), pair), dim=1),
            "rays": draws.normal_field("rays", (2, options.directions)),
            "slice": draws.uniform("slice")[:, 0],
            "slices": draws.uniform("slices", 1, 0, options.slices)[:, 0],
        }

    def apply(self, images: Images, params: Params) -> Images:
        """Add streaks and bands, then saturate the metal itself."""
        picture = images.float().mean(dim=1, keepdim=True)  # (B, 1, X, Y)
        if images.ndim == 5:
            picture = picture.mean(dim=4)
        shorter = min(picture.shape[2:])
        x, y = _bright_places(picture, params["place"])
        streaks, metal = torch.zeros_like(picture), torch.zeros_like(picture)
        for piece in range(2):
            there = per_image(params["is_there"][:, piece], picture)
            radius = per_image(params["radius"][:, piece] * shorter, picture)
            right = along(picture, 0) - per_image(x[:, piece], picture)
            up = along(picture, 1) - per_image(y[:, piece], picture)
            distance = (right * right + up * up).sqrt()
            rays = params["rays"][:, piece]
            fading = 1 / (1 + (distance - radius).clamp_min(0) / (self.config.reach * shorter))
            streaks += there * fading * _of_direction(rays, torch.atan2(up, right))
            disc = (radius + 0.5 - distance).clamp(0, 1)  # a rim of one pixel
            metal = torch.maximum(metal, there * disc)
        width = per_image(params["radius"].amin(dim=1) * shorter, picture)
        is_pair = per_image(params["is_there"].all(dim=1), picture)
        streaks -= is_pair * torch.exp(-((_to_segment(picture, x, y) / width) ** 2))
        streaks = streaks * per_image(params["strength"], picture)
        if images.ndim == 5:
            hit = _slices_hit(images, params)
            streaks, metal = streaks.unsqueeze(4) * hit, metal.unsqueeze(4) * hit
        changed = images + streaks.to(images.dtype)
        return torch.lerp(changed, torch.ones_like(changed), metal.to(images.dtype))


def _bright_places(picture: Tensor, shares: Tensor) -> tuple[Tensor, Tensor]:
    """Return pixel centres, (B, 2) rows and columns, drawn in proportion to squared brightness.

    Where a share of all squared brightness is reached, pixel by pixel, lies the place.
    """
    weight = picture.flatten(1).double().square() + 1e-12  # black pictures are even
    total = weight.cumsum(dim=1)
    found = torch.searchsorted(total, shares.double() * total[:, -1:])
    found = found.clamp_max(total.shape[1] - 1)
    columns = picture.shape[3]
    return (found // columns) + 0.5, (found % columns) + 0.5


def _of_direction(rays: Tensor, angle: Tensor) -> Tensor:
    """Return each pixel's ray, between neighbours of which one lies every pi / directions.

    A direction and its opposite are one line, so the faults repeat after half a turn.
    """
    faults = rays - rays.mean(dim=1, keepdim=True)
    count = faults.shape[1]
    step = (angle % math.pi) * (count / math.pi)
    below = step.floor()
    first = below.long().flatten(1) % count
    here, after = faults.gather(1, first), faults.gather(1, (first + 1) % count)
    return torch.lerp(here.reshape(angle.shape), after.reshape(angle.shape), step - below)


def _to_segment(picture: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """Return the distance of each pixel to the line between both pieces, in pixels."""
    right, up = (per_image(ends[:, 1] - ends[:, 0], picture) for ends in (x, y))
    from_x = along(picture, 0) - per_image(x[:, 0], picture)
    from_y = along(picture, 1) - per_image(y[:, 0], picture)
    length = (right * right + up * up).clamp_min(1)
    share = ((from_x * right + from_y * up) / length).clamp(0, 1)
    return ((from_x - share * right) ** 2 + (from_y - share * up) ** 2).sqrt()


def _slices_hit(images: Images, params: Params) -> Tensor:
    """Return which slices hold metal, (B, 1, 1, 1, Z): at least one."""
    count = images.shape[4]
    middle = per_image(params["slice"] * count, images).floor() + 0.5
    half = per_image(params["slices"] * count / 2, images)
    return ((along(images, 2) - middle).abs() <= half).float()
