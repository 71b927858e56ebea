"""Leave lines of k-space out, as accelerated MR scans do; what is missing is filled with zeros.

Source: Zbontar et al., "fastMRI", arXiv:1811.08839: a share of lines around the middle is always
measured, and every other one with the probability that gives the wanted acceleration.
Departure: the line in the middle is always kept, and the phase-encoding axis is drawn.
"""

from __future__ import annotations

import torch
from jaxtyping import Int
from pydantic import Field
from torch import Tensor

from anlage.config import BaseConfig
from anlage.tensors import Images
from anlage.transforms import IntensityTransform, Params
from anlage.transforms._kspace import draw_axis, measured
from anlage.transforms.draws import Draws

__all__ = ["KSpaceMask"]


class KSpaceMask(IntensityTransform):
    """Keep random lines along one axis, and all lines around the middle."""

    class Config(BaseConfig):
        """Largest acceleration (all lines over those kept), and the share always kept.

        The acceleration is drawn evenly on the log scale from 1 on.
        """

        acceleration: float = Field(default=4.0, ge=1, le=16)
        centre: float = Field(default=0.08, ge=0, le=1)

    def __init__(self, config: Config | None = None) -> None:
        self.config = config or self.Config()

    def draw(self, draws: Draws, *, shape: torch.Size) -> Params:
        """Draw an acceleration and an axis, (B,), and a number from 0 to 1 per line."""
        return {
            "acceleration": self.config.acceleration ** draws.uniform("log_acceleration")[:, 0],
            "axis": draw_axis(draws, len(shape) - 2),
            "lines": draws.uniform("lines", max(shape[2:])),
        }

    def apply(self, images: Images, params: Params) -> Images:
        """Keep the lines in the middle, and those whose number lies below the probability."""

        def weigh(rows: Int[Tensor, " b"], lines: Int[Tensor, " L"]) -> list[Tensor]:
            edge = len(lines)
            place = lines + edge // 2  # from the most negative frequency on
            always = max(1, round(edge * self.config.centre))
            first = (edge - always + 1) // 2
            is_middle = (place >= first) & (place < first + always)
            share = (edge / params["acceleration"][rows] - always) / max(1, edge - always)
            is_drawn = params["lines"][rows][:, place] < share[:, None]
            return [(is_middle | is_drawn).float()]

        return measured([images], weigh, params["axis"])
