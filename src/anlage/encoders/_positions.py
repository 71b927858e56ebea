"""Position embeddings: fixed sines and cosines in any dimension, and resizing to another grid.

Token order is array order, the last axis fastest, here as everywhere: position (i, j, k) of a
grid (X, Y, Z) is token (i * Y + j) * Z + k. A class token comes first.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

__all__ = ["resize_positions", "sincos_positions"]


def sincos_positions(grid: tuple[int, ...], width: int) -> Tensor:
    """Return fixed position embeddings, with zeros for a class token in front.

    Each axis gets an equal share of the width, in axis order: sines, then cosines, of the index
    times frequencies that fall geometrically from 1 to 1 / 10000. What does not divide stays 0.

    Args:
        grid: Positions along each axis.
        width: Width E; at least twice the number of axes.

    Returns:
        (1, 1 + N, E) with N the number of positions.

    Source:
        Vaswani et al., NeurIPS 2017, arXiv:1706.03762; in two dimensions He et al., CVPR 2022,
        arXiv:2111.06377. The third axis is ours.
    """
    bands = width // (2 * len(grid))
    assert bands, f"width {width} is too small for {len(grid)} axes"
    frequencies = 10000.0 ** (-torch.arange(bands, dtype=torch.float64) / bands)
    index = torch.cartesian_prod(*(torch.arange(edge, dtype=torch.float64) for edge in grid))
    angles = index[:, :, None] * frequencies  # (N, d, bands)
    positions = torch.cat((angles.sin(), angles.cos()), dim=2).flatten(1)  # (N, E)
    spare = width - positions.shape[1]
    return F.pad(positions, (0, spare, 1, 0))[None].float()


def resize_positions(positions: Tensor, old: tuple[int, ...], new: tuple[int, ...]) -> Tensor:
    """Return position embeddings of one grid resampled to another; the class token's stay.

    Bicubic with anti-aliasing in 2D, as timm does it, and trilinear in 3D.

    Args:
        positions: (1, 1 + N, E) for the old grid.
        old: Old grid.
        new: New grid.
    """
    assert positions.shape[1] == 1 + math.prod(old), "positions and their grid disagree"
    if old == new:
        return positions
    mode, antialias = ("bicubic", True) if len(old) == 2 else ("trilinear", False)
    first, rest = positions[:, :1], positions[:, 1:]
    maps = rest.float().transpose(1, 2).reshape(1, -1, *old)
    maps = F.interpolate(maps, size=new, mode=mode, antialias=antialias)
    return torch.cat((first, maps.flatten(2).transpose(1, 2).to(positions.dtype)), dim=1)
