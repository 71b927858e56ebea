"""Multiply the rows of every image by a matrix of its own: smoothing and resampling by axis."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from anlage.tensors import Images

__all__ = ["along_axis", "gaussian_weights"]


def along_axis(images: Images, weights: Float[Tensor, "B L L"], axis: int) -> Images:
    """Replace each row of L pixels along one axis by its image's matrix times the row.

    Args:
        images: Images whose edge at ``axis`` is L.
        weights: One matrix per image, of the images' type.
        axis: Which axis, batch and channels counted.
    """
    left, right = images.shape[1:axis].numel(), images.shape[axis + 1 :].numel()
    rows = images.reshape(len(images), left, images.shape[axis], right)
    changed = weights[:, None] @ rows if right > 1 else rows[..., 0] @ weights.mT
    return changed.reshape(images.shape)


def gaussian_weights(
    sigma: Float[Tensor, " B"], length: int, truncate: float
) -> Float[Tensor, "B L L"]:
    """Return a matrix per image that smooths rows with a Gaussian; its rows add up to one.

    Args:
        sigma: Standard deviations in pixels; next to nothing smooths nothing.
        length: L, the pixels of a row.
        truncate: Standard deviations after which the Gaussian is cut off.
    """
    place = torch.arange(length, device=sigma.device)
    steps = place / sigma.clamp_min(1e-3)[:, None]  # (B, L) deviations from the middle
    kernel = torch.exp(-0.5 * steps.square()) * (steps <= truncate)
    weights = kernel[:, (place[:, None] - place[None, :]).abs()]
    return weights / weights.sum(dim=2, keepdim=True)
