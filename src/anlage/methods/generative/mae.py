"""Masked autoencoding: parts of an image are hidden, and put back from what is left.

A transformer encodes visible tokens only and a light decoder predicts the hidden ones. A CNN
sees the image with a learned value in place of hidden pixels, and a U-Net decoder, which is
kept for segmentation, paints them in.

Source: He et al., CVPR 2022, arXiv:2111.06377, facebookresearch/mae@efb2a80; for CNNs Wald et
al., "Revisiting MAE pre-training for 3D medical image segmentation", arXiv:2410.23132.
Departure: patch targets have a floor under their variance, so that flat air is not turned into
amplified noise; the CNN's hidden pixels hold a learned value, not zero.
Axes: B batch, N tokens, F values of one patch.
"""

from __future__ import annotations

from jaxtyping import Float
from pydantic import Field
from torch import Tensor

from anlage.config import BaseConfig
from anlage.encoders import Encoder
from anlage.methods import Method
from anlage.methods._reconstruction import Painter, build_painter, map_errors
from anlage.tensors import Images, Masks, MethodOutput, Views
from anlage.types import ViewSpec

__all__ = ["MAE"]


class MAE(Method):
    """Encoder and decoder trained on the error at hidden positions alone."""

    class Config(BaseConfig):
        """Mask ratio and unit (None: the modality's policy), target and decoder.

        ``standardise_target`` predicts patches with mean 0 and deviation 1 (None: for
        transformers only); ``variance_floor`` is what it adds to a patch's variance.
        """

        mask_ratio: float | None = Field(default=None, gt=0, lt=1)
        mask_unit: int | None = Field(default=None, ge=1)
        standardise_target: bool | None = None
        variance_floor: float = Field(default=0.01, ge=0)
        decoder_width: int = Field(default=96, ge=12)
        decoder_depth: int = Field(default=2, ge=1)

    def __init__(self, encoder: Encoder, config: Config | None = None) -> None:
        super().__init__()
        self.config = config or self.Config()
        self.encoder = encoder
        self.teachers = ()
        self.spec = ViewSpec(
            num_views=1,
            intensity=False,
            is_masked=True,
            mask_ratio=self.config.mask_ratio,
            mask_unit=self.config.mask_unit,
        )
        self.painter = build_painter(
            encoder,
            standardise=self.config.standardise_target,
            floor=self.config.variance_floor,
            width=self.config.decoder_width,
            depth=self.config.decoder_depth,
        )
        self.decoder = self.painter.decoder if isinstance(self.painter, Painter) else None

    def forward(self, views: Views) -> MethodOutput:
        """Return the reconstruction error of one batch, on hidden positions."""
        features, error = self.painter(self.encoder, views.images[0], views.masks[0])
        return MethodOutput.from_parts(reconstruction=error, embedding=features.embedding)

    def error_map(self, images: Images, masks: Masks) -> Float[Tensor, "B ..."]:
        """Return the reconstruction error at every position, (B, *G), and learn nothing."""
        return map_errors(self.painter, self.encoder, images, masks)
