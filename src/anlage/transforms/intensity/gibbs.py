"""Ringing beside sharp edges: the highest frequencies of k-space were not measured.

Source: Czervionke et al., "Characteristic features of MR truncation artifacts", AJNR 9(5), 1988.
Departure from MONAI's GibbsNoise: k-space is cut as scanners do, each axis at the same share of
its own highest frequency, not at one radius in pixels; and the magnitude is shown.
"""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor

from anlage.config import BaseConfig
from anlage.tensors import Images
from anlage.transforms import IntensityTransform, Params
from anlage.transforms._kspace import frequencies
from anlage.transforms._rows import along_axis
from anlage.transforms._shape import widened
from anlage.transforms.draws import Draws

__all__ = ["Gibbs"]


class Gibbs(IntensityTransform):
    """Drop the highest frequencies of every axis, a share drawn up to ``cut``."""

    class Config(BaseConfig):
        """Largest share of each axis's frequencies that is dropped."""

        cut: float = Field(default=0.5, ge=0, lt=1)

    def __init__(self, config: Config | None = None) -> None:
        self.config = config or self.Config()

    def draw(self, draws: Draws, *, shape: torch.Size) -> Params:
        """Draw a share per image, (B,)."""
        return {"cut": draws.uniform("cut", 1, 0, self.config.cut)[:, 0]}

    def apply(self, images: Images, params: Params) -> Images:
        """Keep frequencies up to (1 - cut) times half the edge, along every axis."""
        wide = widened(images)
        cut = params["cut"].to(wide.dtype)
        weights = {edge: _weights(cut, edge) for edge in set(wide.shape[2:])}
        for axis in range(2, wide.ndim):
            wide = along_axis(wide, weights[wide.shape[axis]], axis)
        return wide.abs().to(images.dtype)


def _weights(cut: Float[Tensor, " B"], edge: int) -> Float[Tensor, "B L L"]:
    """Return a Fourier transform, a cut and the way back as one matrix per image.

    The cut is alike on both sides of frequency 0, so the matrix is real: sums of cosines.
    """
    place = torch.arange(edge, device=cut.device)
    lines = frequencies(edge, cut.device)
    is_kept = lines.abs() <= (1 - cut)[:, None] * (edge / 2)  # (B, L)
    angle = (lines[:, None] * place % edge).to(cut.dtype) * (2 * math.pi / edge)
    kernel = is_kept.to(cut.dtype) @ angle.cos() / edge  # (B, L) by distance
    return kernel[:, (place[:, None] - place) % edge]
