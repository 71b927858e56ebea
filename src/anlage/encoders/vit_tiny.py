"""ViT-Tiny in 2D and 3D: 12 blocks of width 192 with 3 heads."""

from __future__ import annotations

from anlage.encoders._vit import ViTDesign, ViTEncoder

__all__ = ["ViTTiny"]


class ViTTiny(ViTEncoder):
    """Vision transformer of width 192; in 2D it takes public ImageNet weights."""

    imagenet = "vit_tiny_patch16_224"
    design = ViTDesign(width=192, depth=12, heads=3)
