"""Vary how much of each dye a slide took up: colour changes as stains do, never elsewhere.

Source: Tellez et al., Medical Image Analysis 58, 101544, 2019 ("HED" augmentation: 0.05 is
their light, 0.2 their strong setting), in the stain space of Ruifrok and Johnston, Anal. Quant.
Cytol. Histol. 23(4), 2001, whose vectors scikit-image's rgb2hed uses too.
Departure: values below 1/255 count as that much when dyes are told apart, and black stays black:
a dye that lets nothing through in one channel would turn into wild colours in the others.
"""

from __future__ import annotations

from typing import ClassVar

import torch
from pydantic import Field
from torch import Tensor

from anlage.config import BaseConfig
from anlage.tensors import Images
from anlage.transforms import IntensityTransform, Params
from anlage.transforms._shape import widened
from anlage.transforms.draws import Draws

__all__ = ["StainJitter"]

# Rows: optical density per channel of haematoxylin, eosin and diaminobenzidine.
_STAINS = torch.tensor(
    [[0.65, 0.70, 0.29], [0.07, 0.99, 0.11], [0.27, 0.57, 0.78]], dtype=torch.float64
)
_DARKEST = 1 / 255


class StainJitter(IntensityTransform):
    """Multiply the amount of each dye by a factor and add a constant."""

    channels: ClassVar[int | None] = 3

    class Config(BaseConfig):
        """Largest change either way: share of each dye's amount, and added optical density.

        Densities are natural logarithms; an added one tints the empty background, too.
        """

        scale: float = Field(default=0.2, ge=0, lt=1)
        shift: float = Field(default=0.05, ge=0, le=0.5)

    def __init__(self, config: Config | None = None) -> None:
        self.config = config or self.Config()

    def draw(self, draws: Draws, *, shape: torch.Size) -> Params:
        """Draw a factor and an added amount per dye, (B, 3) each."""
        scale, shift = self.config.scale, self.config.shift
        return {
            "factor": draws.uniform("factor", 3, 1 - scale, 1 + scale),
            "shift": draws.uniform("shift", 3, -shift, shift),
        }

    def apply(self, images: Images, params: Params) -> Images:
        """Return exp(-stains @ (factor * amounts + shift)); other channel counts pass through."""
        if images.shape[1] != 3:
            return images
        dyes = _STAINS.T.to(images.device)  # (channel, dye)
        change = params["factor"].double() - 1
        change = (dyes * change[:, None]) @ torch.linalg.inv(dyes)  # (B, channel, channel)
        density = -widened(images).clamp_min(_DARKEST).log().flatten(2)
        added = (params["shift"].double() @ dyes.T)[:, :, None].to(density.dtype)
        more: Tensor = change.to(density.dtype) @ density + added
        return images * more.neg().exp().reshape(images.shape).to(images.dtype)
