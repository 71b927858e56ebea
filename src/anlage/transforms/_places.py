"""Where the pixels of a view lie, as coordinates that broadcast with its images."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

__all__ = ["along", "from_middle"]


def from_middle(images: Tensor) -> list[Float[Tensor, "..."]]:
    """Return how many pixels each pixel's centre lies from the middle of the view.

    One tensor per spatial axis, each of as many axes as ``images`` (B, C, *S), with length 1 on
    all but its own.
    """
    edges = images.shape[2:]
    return [along(images, axis) - edge / 2 for axis, edge in enumerate(edges)]


def along(images: Tensor, axis: int) -> Float[Tensor, "..."]:
    """Return the distance of pixel centres from the start of one spatial axis, in pixels."""
    edge = images.shape[2 + axis]
    place = torch.arange(edge, device=images.device, dtype=torch.float32) + 0.5
    shape = [1] * images.ndim
    shape[2 + axis] = edge
    return place.reshape(shape)
