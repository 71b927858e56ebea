"""Stripes across an MR image, from electric sparks while k-space is measured.

Source: TorchIO's RandomSpike (Perez-Garcia et al. 2021): a spike is a share of the largest
magnitude in k-space. In images without negative values that is their sum, at frequency 0, so a
spike is a wave that can be added without a Fourier transform.
Departure: a spike's phase is drawn, and the magnitude is shown, not the real part.
"""

from __future__ import annotations

import math

import torch
from jaxtyping import Complex
from pydantic import Field
from torch import Tensor

from anlage.config import BaseConfig
from anlage.tensors import Images
from anlage.transforms import IntensityTransform, Params
from anlage.transforms._shape import per_image, widened
from anlage.transforms.draws import Draws

__all__ = ["Spike"]


class Spike(IntensityTransform):
    """Add waves of drawn frequency and phase, as high as a share of each channel's mean."""

    class Config(BaseConfig):
        """Largest share of k-space's peak that a spike has, and the largest number of spikes."""

        intensity: float = Field(default=0.5, ge=0, le=3)
        spikes: int = Field(default=1, ge=1, le=8)

    def __init__(self, config: Config | None = None) -> None:
        self.config = config or self.Config()

    def draw(self, draws: Draws, *, shape: torch.Size) -> Params:
        """Draw the share, (B,), and for each spike its place, its phase and whether it is there.

        Returns:
            ``intensity`` (B,), ``place`` (B, spikes, d) from 0 to 1 across k-space, its middle at
            a half, ``phase`` (B, spikes) in radians, ``is_there`` (B, spikes).
        """
        dims, count = len(shape) - 2, self.config.spikes
        number = draws.whole("spikes", 1, 1, count)
        return {
            "intensity": draws.uniform("intensity", 1, 0, self.config.intensity)[:, 0],
            "place": draws.uniform("place", count * dims).reshape(-1, count, dims),
            "phase": draws.uniform("phase", count, -math.pi, math.pi),
            "is_there": torch.arange(count, device=draws.device) < number,
        }

    def apply(self, images: Images, params: Params) -> Images:
        """Return |images + intensity * mean * waves|."""
        wide = widened(images)
        mean = wide.flatten(2).mean(dim=2).reshape(*wide.shape[:2], *[1] * (wide.ndim - 2))
        height = mean * per_image(params["intensity"], images).to(wide.dtype)
        waves = _waves(params, wide).unsqueeze(1)
        return (wide + height * waves).abs().to(images.dtype)


def _waves(params: Params, like: Images) -> Complex[Tensor, "B ..."]:
    """Return the sum of all spikes' waves, each of height 1."""
    phase, space = params["phase"].to(like.dtype), like.shape[2:]
    factors = [torch.polar(params["is_there"].to(like.dtype), phase)]  # (B, spikes)
    for axis, edge in enumerate(space):
        frequency = (params["place"][:, :, axis] * edge).floor() - edge // 2
        turns = frequency.to(like.dtype)[..., None] * torch.arange(edge, device=like.device)
        angle = turns % edge * (2 * math.pi / edge)  # whole turns taken off first: exact
        factors.append(torch.polar(torch.ones_like(angle), angle))  # (B, spikes, edge)
    letters = "xyz"[: len(space)]
    along = ",".join(f"bk{letter}" for letter in letters)
    return torch.einsum(f"bk,{along}->b{letters}", *factors)
