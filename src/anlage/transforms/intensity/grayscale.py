"""Drop colour: replace it by luma in all channels."""

from __future__ import annotations

from typing import ClassVar

import torch

from anlage.config import BaseConfig
from anlage.tensors import Images
from anlage.transforms import IntensityTransform, Params
from anlage.transforms.draws import Draws

__all__ = ["Grayscale"]


class Grayscale(IntensityTransform):
    """ITU-R BT.601 luma; images without three channels pass through."""

    channels: ClassVar[int | None] = 3

    class Config(BaseConfig):
        """No settings."""

    def __init__(self, config: Config | None = None) -> None:
        self.config = config or self.Config()

    def draw(self, draws: Draws, *, shape: torch.Size) -> Params:
        """Nothing is drawn."""
        return {"unused": torch.zeros(shape[0], device=draws.device)}

    def apply(self, images: Images, params: Params) -> Images:
        """Return luma in all three channels."""
        if images.shape[1] != 3:
            return images
        weights = torch.tensor([0.299, 0.587, 0.114], device=images.device, dtype=images.dtype)
        luma = torch.einsum("bc...,c->b...", images, weights)
        return luma.unsqueeze(1).expand_as(images)
