"""Turn and stretch colours about the grey axis; grey images stay as they are."""

from __future__ import annotations

import math
from typing import ClassVar

import torch
from pydantic import Field
from torch import Tensor

from anlage.config import BaseConfig
from anlage.tensors import Images
from anlage.transforms import IntensityTransform, Params
from anlage.transforms.draws import Draws

__all__ = ["HueSaturation"]

# Rows: luma (ITU-R BT.601) and the two chroma axes of the YIQ colour space.
_TO_YIQ = torch.tensor(
    [[0.299, 0.587, 0.114], [0.5959, -0.2746, -0.3213], [0.2115, -0.5227, 0.3112]]
)
_TO_RGB: Tensor = torch.linalg.inv(_TO_YIQ)


class HueSaturation(IntensityTransform):
    """Rotate and scale chroma in YIQ space: brightness is kept.

    Source: Haeberli, "Matrix operations for image processing", 1993 (the linear form of hue
    rotation that graphics libraries use).
    """

    channels: ClassVar[int | None] = 3

    class Config(BaseConfig):
        """Largest change either way: hue in degrees, saturation as a share."""

        hue_degrees: float = Field(default=10.0, ge=0, le=180)
        saturation: float = Field(default=0.2, ge=0, lt=1)

    def __init__(self, config: Config | None = None) -> None:
        self.config = config or self.Config()

    def draw(self, draws: Draws, *, shape: torch.Size) -> Params:
        """Draw an angle in degrees and a factor per image, (B,)."""
        hue, change = self.config.hue_degrees, self.config.saturation
        return {
            "degrees": draws.uniform("hue", 1, -hue, hue)[:, 0],
            "factor": draws.uniform("saturation", 1, 1 - change, 1 + change)[:, 0],
        }

    def apply(self, images: Images, params: Params) -> Images:
        """Multiply RGB pixels by one 3x3 matrix per image; other channel counts pass through."""
        if images.shape[1] != 3:
            return images
        matrix = _colour_matrix(params["degrees"], params["factor"]).to(images.dtype)
        return (matrix @ images.flatten(2)).reshape(images.shape)


def _colour_matrix(degrees: Tensor, factor: Tensor) -> Tensor:
    angle = degrees * (math.pi / 180)
    change = torch.zeros(len(degrees), 3, 3, device=degrees.device)
    change[:, 0, 0] = 1
    change[:, 1, 1] = change[:, 2, 2] = factor * angle.cos()
    change[:, 1, 2] = -factor * angle.sin()
    change[:, 2, 1] = factor * angle.sin()
    return _TO_RGB.to(degrees.device) @ change @ _TO_YIQ.to(degrees.device)
