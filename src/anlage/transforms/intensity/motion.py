"""The patient moves during an MR scan: parts of k-space see another pose.

Source: Shaw et al., "MRI k-space motion artefact augmentation", MIDL 2019; parameters as in
TorchIO's RandomMotion (Perez-Garcia et al. 2021).
Departure: the pose during which the middle of k-space is measured is always the image's own, so
labels still fit; the phase-encoding axis is drawn; and the magnitude is shown, not the real part.
"""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from pydantic import Field
from torch import Tensor

from anlage.config import BaseConfig
from anlage.tensors import Images
from anlage.transforms import IntensityTransform, Params
from anlage.transforms._kspace import draw_axis, measured
from anlage.transforms._resample import sampled, sampling_grid
from anlage.transforms._rotation import num_angles, rotation
from anlage.transforms._shape import widened
from anlage.transforms.draws import Draws

__all__ = ["Motion"]

_JITTER = 0.3  # of the time between two movements, either way


class Motion(IntensityTransform):
    """Rigid movements at drawn times while k-space is measured line by line."""

    class Config(BaseConfig):
        """Largest turn and shift of a pose, either way, and the number of movements."""

        degrees: float = Field(default=5.0, ge=0, le=90)
        translation_mm: float = Field(default=5.0, ge=0, le=100)
        movements: int = Field(default=2, ge=1, le=8)

    def __init__(self, config: Config | None = None) -> None:
        self.config = config or self.Config()

    def draw(self, draws: Draws, *, shape: torch.Size) -> Params:
        """Draw poses, the times between them, and the axis along which lines are measured.

        Returns:
            ``degrees`` (B, M, angles), ``translation_mm`` (B, M, d), ``times`` (B, M) from 0 to 1,
            ``axis`` (B,), and ``spacing_mm`` (B, d): 1 mm until a view maker knows better.
        """
        dims, count = len(shape) - 2, self.config.movements
        angles = num_angles(dims)
        turn, shift = self.config.degrees, self.config.translation_mm
        turns = draws.uniform("degrees", count * angles, -turn, turn)
        shifts = draws.uniform("translation", count * dims, -shift, shift)
        jitter = draws.uniform("times", count, -_JITTER, _JITTER)
        early = torch.arange(1, count + 1, device=draws.device)
        return {
            "degrees": turns.reshape(-1, count, angles),
            "translation_mm": shifts.reshape(-1, count, dims),
            "times": (early + jitter) / (count + 1),
            "axis": draw_axis(draws, dims),
            "spacing_mm": torch.ones(shape[0], dims, device=draws.device),
        }

    def apply(self, images: Images, params: Params) -> Images:
        """Fill the lines of k-space from one pose after the other."""
        wide, times = widened(images), params["times"]
        count = times.shape[1]

        def weigh(rows: Int[Tensor, " b"], lines: Int[Tensor, " L"]) -> list[Tensor]:
            poses = _poses(lines, times[rows])
            return [(poses == pose).to(wide.dtype) for pose in range(-1, count)]

        moved = [sampled(wide, _grid(params, number, wide)) for number in range(count)]
        return measured([wide, *moved], weigh, params["axis"]).to(images.dtype)


def _poses(lines: Int[Tensor, " L"], times: Float[Tensor, "B M"]) -> Int[Tensor, "B L"]:
    """Return which movement a line saw last, counted without the middle's pose, which is -1."""
    edge = len(lines)
    starts = (times * edge).floor()
    segment = ((lines + edge // 2)[:, None] >= starts[:, None, :]).sum(dim=2)
    middle = segment[:, :1]  # of frequency 0
    return torch.where(segment == middle, -1, segment - (segment > middle).int())


def _grid(params: Params, number: int, images: Images) -> Tensor:
    """Return where the pixels of one pose lie in the image, as `sampled` wants it."""
    space = images.shape[2:]
    edges = torch.tensor(space, device=images.device)
    half = params["spacing_mm"] * edges / 2  # (B, d) mm
    turn = rotation(params["degrees"][:, number], dims=len(space))
    shift = params["translation_mm"][:, number, :, None]
    to_source = torch.cat((turn * half[:, None, :], shift), dim=2) / half[:, :, None]
    return sampling_grid(to_source.to(images.dtype), tuple(space))
