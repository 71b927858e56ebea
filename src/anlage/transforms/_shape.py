"""Broadcast one number per image over that image's channels and space; widen narrow types."""

from __future__ import annotations

import torch
from torch import Tensor

from anlage.tensors import Images

__all__ = ["per_image", "widened"]


def per_image(values: Tensor, images: Tensor) -> Tensor:
    """Reshape (B,) to (B, 1, 1, ...) with as many axes as ``images``."""
    return values.reshape(-1, *[1] * (images.ndim - 1))


def widened(images: Images) -> Images:
    """Return images in single precision at least: half types are too coarse for sums and FFTs."""
    return images if images.dtype == torch.float64 else images.float()
