"""Compress a picture as JPEG does: blocks of 8 x 8 pixels lose their fine detail.

Source: ITU-T T.81 (1992), Annexes A and K: cosine transform and quantisation tables; the
Independent JPEG Group's scaling of the tables by a quality from 1 to 100; JFIF 1.02 for colour.
Departure: decoded values are not rounded to 8 bits, neither before nor after colour is put back.
"""

from __future__ import annotations

import math

import torch
from pydantic import field_validator
from torch import Tensor
from torch.nn import functional as F

from anlage.config import BaseConfig
from anlage.tensors import Images
from anlage.transforms import IntensityTransform, Params
from anlage.transforms.draws import Draws

__all__ = ["Jpeg"]

_LUMA = torch.tensor(
    [
        [16, 11, 10, 16, 24, 40, 51, 61],
        [12, 12, 14, 19, 26, 58, 60, 55],
        [14, 13, 16, 24, 40, 57, 69, 56],
        [14, 17, 22, 29, 51, 87, 80, 62],
        [18, 22, 37, 56, 68, 109, 103, 77],
        [24, 35, 55, 64, 81, 104, 113, 92],
        [49, 64, 78, 87, 103, 121, 120, 101],
        [72, 92, 95, 98, 112, 100, 103, 99],
    ],
    dtype=torch.float64,
)
_CHROMA = torch.full((8, 8), 99.0, dtype=torch.float64)
_CHROMA[:4, :4] = torch.tensor(
    [[17, 18, 24, 47], [18, 21, 26, 66], [24, 26, 56, 99], [47, 66, 99, 99]]
)
_TO_YCC = torch.tensor(
    [[0.299, 0.587, 0.114], [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]],
    dtype=torch.float64,
)
_FREQUENCY = torch.arange(8, dtype=torch.float64)
_COSINES = (math.pi / 16 * _FREQUENCY[:, None] * (2 * _FREQUENCY + 1)).cos() / 2
_COSINES[0] /= math.sqrt(2)  # rows: frequencies of an orthonormal transform


class Jpeg(IntensityTransform):
    """Quantise the cosine transform of each block; in 3D slice by slice along the last axis.

    Three channels are taken for red, green and blue; any other number is compressed one by one.
    """

    class Config(BaseConfig):
        """Least and largest loss of quality (100 less JPEG's quality), and halved colour."""

        loss: tuple[int, int] = (10, 70)
        halve_colour: bool = True

        @field_validator("loss")
        @classmethod
        def _in_order(cls, loss: tuple[int, int]) -> tuple[int, int]:
            if not 0 <= loss[0] <= loss[1] <= 99:
                raise ValueError("needs the smallest loss, then the largest, from 0 to 99")
            return loss

    def __init__(self, config: Config | None = None) -> None:
        self.config = config or self.Config()

    def draw(self, draws: Draws, *, shape: torch.Size) -> Params:
        """Draw a whole quality from 1 to 100 per image, (B,)."""
        least, most = self.config.loss
        return {"quality": 100 - draws.whole("loss", 1, least, most)[:, 0]}

    def apply(self, images: Images, params: Params) -> Images:
        """Return what is decoded from the compressed images."""
        bytes_ = (images.double().clamp(0, 1) * 255).round()
        slices = bytes_ if images.ndim == 5 else bytes_.unsqueeze(4)
        slices = slices.permute(0, 4, 1, 2, 3)  # (B, Z, C, X, Y)
        luma, chroma = (
            _scaled(table.to(images.device), params["quality"]) for table in (_LUMA, _CHROMA)
        )
        if images.shape[1] == 3:
            decoded = self._colour(slices, luma, chroma)
        else:
            decoded = _coded(slices - 128, luma) + 128
        decoded = decoded.permute(0, 2, 3, 4, 1).reshape(images.shape)
        return (decoded.clamp(0, 255) / 255).to(images.dtype)

    def _colour(self, slices: Tensor, luma: Tensor, chroma: Tensor) -> Tensor:
        matrix = _TO_YCC.to(slices.device)
        ycc = torch.einsum("kc,bzcxy->bzkxy", matrix, slices).round()
        grey, colour = ycc[:, :, :1] - 128, ycc[:, :, 1:]
        space = colour.shape[3:]
        if self.config.halve_colour:
            small = F.avg_pool3d(_padded(colour, 2), (1, 2, 2))
            # Means are rounded down and up in turns, as the Independent JPEG Group's library does.
            bias = 0.25 * (1 + torch.arange(small.shape[4], device=small.device) % 2)
            small = (small + bias).floor()
            whole = (colour.shape[2], 2 * small.shape[3], 2 * small.shape[4])
            large = F.interpolate(_coded(small, chroma), size=whole, mode="trilinear")
            colour = large[..., : space[0], : space[1]]
        else:
            colour = _coded(colour, chroma)
        ycc = torch.cat((_coded(grey, luma) + 128, colour), dim=2)
        return torch.einsum("ck,bzkxy->bzcxy", torch.linalg.inv(matrix), ycc)


def _scaled(table: Tensor, quality: Tensor) -> Tensor:
    """Return the table of each image's quality, (B, 1, 1, 1, 1, 8, 8)."""
    quality = quality.double()
    percent = torch.where(quality < 50, (5000 / quality).floor(), 200 - 2 * quality)
    steps = ((percent[:, None, None] * table + 50) / 100).floor().clamp(1, 255)
    return steps.reshape(-1, 1, 1, 1, 1, 8, 8)


def _padded(planes: Tensor, to: int) -> Tensor:
    """Repeat the last row and column until both edges are whole multiples, (B, Z, C, X, Y)."""
    rows, columns = ((-edge) % to for edge in planes.shape[3:])
    return F.pad(planes, (0, columns, 0, rows, 0, 0), mode="replicate")


def _coded(planes: Tensor, steps: Tensor) -> Tensor:
    """Quantise the cosine transform of every block, (B, Z, C, X, Y)."""
    rows, columns = planes.shape[3:]
    cosines = _COSINES.to(planes.device)
    whole = _padded(planes, 8)
    grid = (*whole.shape[:3], whole.shape[3] // 8, 8, whole.shape[4] // 8, 8)
    blocks = whole.reshape(grid).transpose(4, 5)
    coefficients = cosines @ blocks @ cosines.T / steps
    # Ties go away from zero, in every batch alike.
    kept = (coefficients.abs() + (0.5 + 1e-9)).floor() * coefficients.sign() * steps
    decoded: Tensor = cosines.T @ kept @ cosines
    return decoded.transpose(4, 5).reshape(whole.shape)[..., :rows, :columns]
