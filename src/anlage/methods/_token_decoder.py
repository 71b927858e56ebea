"""The light transformer that puts hidden patches back: tokens -> pixels of every patch.

Source: He et al., MAE, CVPR 2022, arXiv:2111.06377, and facebookresearch/mae@efb2a80,
models_mae.py. Departure: positions are n-dimensional sine-cosine tables, so 3D works alike.
"""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from timm.models.vision_transformer import Block
from torch import Tensor, nn

from anlage.encoders import sincos_positions

__all__ = ["TokenDecoder"]


class TokenDecoder(nn.Module):
    """Fill mask tokens in, add positions to all tokens, and predict each patch's values."""

    positions: Tensor

    def __init__(
        self, *, width_in: int, grid: tuple[int, ...], out: int, width: int, depth: int
    ) -> None:
        super().__init__()
        self.embed = nn.Linear(width_in, width)
        self.mask_token = nn.Parameter(torch.zeros(1, 1, width))
        nn.init.normal_(self.mask_token, std=0.02)
        self.register_buffer("positions", sincos_positions(grid, width)[:, 1:], persistent=False)
        heads = max(1, width // 32)
        self.blocks = nn.Sequential(*[Block(width, heads, qkv_bias=True) for _ in range(depth)])
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, out)

    def forward(
        self, visible: Float[Tensor, "B M E"], place: Int[Tensor, "B N"]
    ) -> Float[Tensor, "B N F"]:
        """Predict every patch.

        Args:
            visible: Encoded visible tokens, in ascending token order.
            place: For every token its place in the list (visible, hidden).
        """
        tokens = self.embed(visible)
        missing = place.shape[1] - tokens.shape[1]
        filled = torch.cat((tokens, self.mask_token.expand(len(tokens), missing, -1)), dim=1)
        index = place.unsqueeze(-1).expand(-1, -1, filled.shape[-1])
        ordered = filled.gather(1, index) + self.positions.to(filled.dtype)
        decoded: Tensor = self.head(self.norm(self.blocks(ordered)))
        return decoded
