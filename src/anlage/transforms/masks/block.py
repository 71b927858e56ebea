"""Hide one or a few boxes, as large inpainting tasks do: what is hidden is contiguous.

Source: Bao et al., BEiT, ICLR 2022, arXiv:2106.08254, section 2.3 (blockwise masking).
Departure: boxes grow around random centres by rank of distance, so that every image hides
exactly the same number of positions; BEiT adds boxes until a share is passed.
"""

from __future__ import annotations

import torch
from pydantic import Field
from torch import Tensor

from anlage.config import BaseConfig
from anlage.tensors import Masks
from anlage.transforms.draws import Draws
from anlage.transforms.masks import Mask, num_hidden
from anlage.transforms.masks._choice import smallest

__all__ = ["BlockMask"]


class BlockMask(Mask):
    """The positions nearest (in the largest-axis norm) to a few random centres are hidden."""

    class Config(BaseConfig):
        """Number of boxes."""

        num_blocks: int = Field(default=2, ge=1, le=64)

    def __init__(self, config: Config | None = None) -> None:
        self.config = config or self.Config()

    def draw(
        self, draws: Draws, *, grid: tuple[int, ...], ratio: float, guide: Tensor | None = None
    ) -> Masks:
        """Draw masks, (B, *grid), True = hidden."""
        blocks, dims = self.config.num_blocks, len(grid)
        edges = torch.tensor(grid, device=draws.device, dtype=torch.float32)
        centres = draws.uniform("centre", blocks * dims).reshape(-1, blocks, 1, dims) * edges
        axes = [torch.arange(edge, device=draws.device) + 0.5 for edge in grid]
        places = torch.stack(torch.meshgrid(*axes, indexing="ij"), dim=-1).reshape(1, 1, -1, dims)
        distance = ((places - centres).abs() / edges).amax(dim=-1).amin(dim=1)  # (B, N)
        tie_break = 1e-4 * draws.uniform("tie", distance.shape[1])
        return smallest(distance + tie_break, num_hidden(grid, ratio)).reshape(-1, *grid)
