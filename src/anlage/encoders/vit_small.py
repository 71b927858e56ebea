"""ViT-Small in 2D and 3D: 12 blocks of width 384 with 6 heads."""

from __future__ import annotations

from anlage.encoders._vit import ViTDesign, ViTEncoder

__all__ = ["ViTSmall"]


class ViTSmall(ViTEncoder):
    """Vision transformer of width 384; in 2D it takes public ImageNet weights."""

    imagenet = "vit_small_patch16_224"
    design = ViTDesign(width=384, depth=12, heads=6)
