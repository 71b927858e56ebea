"""Faint copies of the image along the phase-encoding axis, as breathing and pulsing flow leave.

Source: TorchIO's RandomGhosting (Perez-Garcia et al. 2021): every n-th line of k-space is
weakened, except the one in the middle.
Departure: the magnitude is shown, not the real part.
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

__all__ = ["Ghosting"]

_FEWEST = 2


class Ghosting(IntensityTransform):
    """Weaken every n-th line by a share drawn up to ``intensity``, n from 2 to ``ghosts``."""

    class Config(BaseConfig):
        """Largest share that those lines lose, and the largest number of ghosts."""

        intensity: float = Field(default=0.5, ge=0, le=1)
        ghosts: int = Field(default=8, ge=_FEWEST, le=32)

    def __init__(self, config: Config | None = None) -> None:
        self.config = config or self.Config()

    def draw(self, draws: Draws, *, shape: torch.Size) -> Params:
        """Draw a share, the number of ghosts, and their axis, each (B,)."""
        return {
            "intensity": draws.uniform("intensity", 1, 0, self.config.intensity)[:, 0],
            "ghosts": draws.whole("ghosts", 1, _FEWEST, self.config.ghosts)[:, 0],
            "axis": draw_axis(draws, len(shape) - 2),
        }

    def apply(self, images: Images, params: Params) -> Images:
        """Weaken lines, counted from the most negative frequency on."""
        ghosts, intensity = params["ghosts"][:, None], params["intensity"][:, None]

        def weigh(rows: Int[Tensor, " b"], lines: Int[Tensor, " L"]) -> list[Tensor]:
            is_weak = ((lines + len(lines) // 2) % ghosts[rows] == 0) & (lines != 0)
            return [torch.where(is_weak, 1 - intensity[rows], 1.0)]

        return measured([images], weigh, params["axis"])
