"""Choose which part of the source crop each view shows, with a least overlap between views.

Boxes live in millimetres about the centre of the source crop, so anisotropic voxels are cut to
the shape they really have.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from anlage.transforms.draws import Draws

__all__ = ["Boxes", "draw_boxes", "overlap_share"]

_CANDIDATES = 16


@dataclass(frozen=True, kw_only=True)
class Boxes:
    """Boxes: centre and half edges in mm, each (B, d), or (B, candidates, d)."""

    centre: Float[Tensor, "... d"]
    half: Float[Tensor, "... d"]


def draw_boxes(
    draws: Draws,
    source_half: Float[Tensor, "B d"],
    *,
    scale: tuple[float, float],
    aspect: tuple[float, float],
    near: Boxes | None = None,
    min_overlap: float = 0.0,
) -> Boxes:
    """Draw one box per image inside its source crop.

    Args:
        draws: Random numbers of this view.
        source_half: Half edges of the source crop in mm, (B, d).
        scale: Least and largest share of the source's area or volume.
        aspect: Least and largest factor by which the ratio of two edges may change, one the
            reciprocal of the other; less where an edge would outgrow the source.
        near: The first view's boxes, which this view must overlap.
        min_overlap: Least share of the smaller of the two boxes that both cover, before either
            is rotated. If none of 16 random places reaches it, the box is centred on the first
            one as far as the source allows.

    Returns:
        Boxes that lie inside the source crop.
    """
    dims = source_half.shape[1]
    shrink = draws.uniform("share", 1, *scale).log() / dims  # (B, 1), of an edge, logarithmic
    stretch = draws.uniform("aspect", dims, math.log(aspect[0]) / 2, math.log(aspect[1]) / 2)
    stretch = stretch - stretch.mean(dim=1, keepdim=True)  # the share is kept
    longest = stretch.amax(dim=1, keepdim=True).clamp_min(1e-6)
    stretch = stretch * (-shrink / longest).clamp(0, 1)  # no edge outgrows the source
    half = source_half * (shrink + stretch).exp().clamp(max=1.0)
    room = source_half - half  # how far a centre may go, either way
    places = draws.uniform("place", _CANDIDATES * dims, -1, 1).reshape(-1, _CANDIDATES, dims)
    centres = places * room[:, None]
    if near is None or min_overlap <= 0:
        return Boxes(centre=centres[:, 0], half=half)
    reach = overlap_share(
        Boxes(centre=centres, half=half[:, None]),
        Boxes(centre=near.centre[:, None], half=near.half[:, None]),
    )  # (B, candidates)
    good = reach >= min_overlap
    first = good.int().argmax(dim=1)
    chosen = centres[torch.arange(len(centres), device=centres.device), first]
    fallback = torch.minimum(torch.maximum(near.centre, -room), room)
    return Boxes(centre=torch.where(good.any(dim=1, keepdim=True), chosen, fallback), half=half)


def overlap_share(first: Boxes, second: Boxes) -> Float[Tensor, ...]:
    """Return the share of the smaller box that both boxes cover, 0 to 1."""
    low = torch.maximum(first.centre - first.half, second.centre - second.half)
    high = torch.minimum(first.centre + first.half, second.centre + second.half)
    shared = (high - low).clamp_min(0).prod(dim=-1)
    smaller = torch.minimum((2 * first.half).prod(dim=-1), (2 * second.half).prod(dim=-1))
    return shared / smaller.clamp_min(1e-12)
