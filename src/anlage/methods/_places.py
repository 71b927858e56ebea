"""Find the same anatomy in two views: places, their match through the geometry, their vectors.

A place is a point in a view's own coordinates: -1 to 1 per axis, in array order, from the outer
edge of the first pixel to that of the last.
"""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional as F

from anlage.methods._precision import full_precision, widen
from anlage.tensors import Geometry

__all__ = ["grid_places", "match_places", "sample_maps", "source_places", "token_places"]

Places = Float[Tensor, "B L d"]


def grid_places(batch: int, per_axis: int, *, like: Geometry) -> Places:
    """Return the centres of a regular grid of cells, the same in every view."""
    dims = like.shape[1]
    cells = torch.arange(per_axis, device=like.device, dtype=like.dtype)
    axis = (cells + 0.5) * (2 / per_axis) - 1
    grid = torch.stack(torch.meshgrid(*[axis] * dims, indexing="ij"), dim=-1)
    return grid.reshape(1, -1, dims).expand(batch, -1, -1)


def token_places(index: Int[Tensor, "B L"], grid: tuple[int, ...], *, like: Geometry) -> Places:
    """Return the centres of tokens given by their index, the last axis counting fastest."""
    places = []
    rest = index
    for edge in reversed(grid):
        places.append((rest % edge + 0.5) * (2 / edge) - 1)
        rest = rest // edge
    return torch.stack(places[::-1], dim=-1).to(like.dtype)


@full_precision
def source_places(places: Places, geometry: Geometry) -> Float[Tensor, "B L d"]:
    """Return where places lie in the source crop, in mm from its centre."""
    return places @ geometry[:, :, :-1].transpose(1, 2) + geometry[:, None, :, -1]


@full_precision
def match_places(
    places: Places, here: Geometry, there: Geometry
) -> tuple[Places, Bool[Tensor, "B L"]]:
    """Find in another view the anatomy that lies at given places of this one.

    Returns:
        Its places in the other view, and whether they lie inside it.
    """
    spots = source_places(places, here)  # (B, L, d) in mm
    offset = (spots - there[:, None, :, -1]).transpose(1, 2)
    matched = torch.linalg.solve(there[:, :, :-1], offset).transpose(1, 2)
    return matched, (matched.abs() <= 1).all(dim=-1)


def sample_maps(
    maps: tuple[Float[Tensor, "B _ *_s"], ...], places: Places
) -> tuple[Float[Tensor, "B L _"], ...]:
    """Read every feature map at places, by linear interpolation."""
    batch, count, dims = places.shape
    grid = places.flip(-1).reshape(batch, count, *[1] * (dims - 1), dims)
    return tuple(
        F.grid_sample(
            widen(features), grid, mode="bilinear", padding_mode="border", align_corners=False
        )
        .flatten(2)
        .transpose(1, 2)
        for features in maps
    )
