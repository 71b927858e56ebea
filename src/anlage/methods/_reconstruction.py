"""Hide, encode, paint back, and measure the error where it was hidden: for CNNs and transformers.

Sources are named in generative/mae.py; hybrid methods use the same two classes.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from anlage.encoders import Encoder, UNetDecoder
from anlage.methods._masked import (
    hidden_mean,
    hidden_pixels,
    hidden_tokens,
    patchify,
    standardise_patches,
    token_order,
    unpatchify,
)
from anlage.methods._precision import widen
from anlage.methods._token_decoder import TokenDecoder
from anlage.tensors import Features, Images, Masks, Scalar

__all__ = ["Painter", "TokenPainter", "build_painter"]


def build_painter(
    encoder: Encoder, *, standardise: bool | None, floor: float, width: int, depth: int
) -> Painter | TokenPainter:
    """Return what paints hidden parts behind this encoder.

    Args:
        encoder: A CNN or a transformer.
        standardise: Whether every patch is predicted with mean 0 and deviation 1; None: for
            transformers only.
        floor: Added to a patch's variance before that.
        width: Width of a transformer's decoder.
        depth: Its number of blocks.
    """
    if encoder.patch is None:
        return Painter(encoder, standardise=bool(standardise), floor=floor)
    return TokenPainter(
        encoder, standardise=standardise is not False, floor=floor, width=width, depth=depth
    )


class Painter(nn.Module):
    """Reconstruction with a CNN: hidden pixels get a learned value, a U-Net decoder paints."""

    def __init__(self, encoder: Encoder, *, standardise: bool, floor: float) -> None:
        super().__init__()
        self.standardise, self.floor = standardise, floor
        self.decoder = UNetDecoder(encoder, out_channels=encoder.channels)
        self.mask_value = nn.Parameter(torch.zeros(encoder.channels))

    def forward(self, encoder: Encoder, images: Images, masks: Masks) -> tuple[Features, Scalar]:
        """Return features of the damaged images, and the error on hidden pixels."""
        hidden = hidden_pixels(masks, tuple(images.shape[2:]))  # (B, 1, *S)
        value = self.mask_value.to(images.dtype).reshape(1, -1, *[1] * (images.ndim - 2))
        damaged = torch.where(hidden, value, images)
        features = encoder(damaged)
        painted = widen(self.decoder(damaged, features))
        target = self._target(images, masks)
        return features, hidden_mean((painted - target).square(), hidden)

    def _target(self, images: Images, masks: Masks) -> Tensor:
        if not self.standardise:
            return widen(images)
        unit = images.shape[2] // masks.shape[1]
        patches = standardise_patches(patchify(widen(images), unit), floor=self.floor)
        return unpatchify(patches, tuple(masks.shape[1:]), unit)


class TokenPainter(nn.Module):
    """Reconstruction with a transformer that sees visible tokens only."""

    def __init__(
        self, encoder: Encoder, *, standardise: bool, floor: float, width: int, depth: int
    ) -> None:
        super().__init__()
        assert encoder.patch is not None, "a token painter needs a transformer"
        self.patch = encoder.patch
        self.standardise, self.floor = standardise, floor
        self.decoder = TokenDecoder(
            width_in=encoder.width,
            grid=tuple(edge // self.patch for edge in encoder.image_size),
            out=encoder.channels * self.patch**encoder.dims,
            width=width,
            depth=depth,
        )

    def forward(self, encoder: Encoder, images: Images, masks: Masks) -> tuple[Features, Scalar]:
        """Return features of the visible tokens, and the error on hidden tokens."""
        hidden = hidden_tokens(masks, tuple(images.shape[2:]), self.patch)  # (B, N)
        visible, place = token_order(hidden)
        features = encoder(images, visible)
        assert features.tokens is not None, "a transformer returns tokens"
        predicted = widen(self.decoder(features.tokens, place))  # (B, N, F)
        target = patchify(widen(images), self.patch)
        if self.standardise:
            target = standardise_patches(target, floor=self.floor)
        return features, hidden_mean((predicted - target).square().mean(dim=-1), hidden)
