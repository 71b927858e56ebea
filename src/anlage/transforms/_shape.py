"""Broadcast one number per image over that image's channels and space."""

from __future__ import annotations

from torch import Tensor

__all__ = ["per_image"]


def per_image(values: Tensor, images: Tensor) -> Tensor:
    """Reshape (B,) to (B, 1, 1, ...) with as many axes as ``images``."""
    return values.reshape(-1, *[1] * (images.ndim - 1))
