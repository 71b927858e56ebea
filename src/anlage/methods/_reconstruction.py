"""Hide, encode, paint back, and measure the error where it was hidden: for CNNs and transformers.

Sources are named in generative/mae.py; hybrid methods use the same two classes.
"""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from anlage.encoders import Encoder, UNetDecoder
from anlage.methods._masked import (
    as_deployed,
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
from anlage.transforms.masks import per_position

__all__ = ["Painter", "TokenPainter", "build_painter", "map_errors"]


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


@torch.no_grad()
def map_errors(
    painter: Painter | TokenPainter, encoder: Encoder, images: Images, masks: Masks
) -> Float[Tensor, "B ..."]:
    """Return the error at every position of the masks, (B, *G), and learn nothing from it.

    Only hidden positions mean something. Each image is judged as if it were alone.
    """
    with as_deployed(painter, encoder):
        _, error, _ = painter.compare(encoder, images, masks)
    grid = tuple(masks.shape[1:])
    in_space = painter.in_space(error, tuple(images.shape[2:]))
    return per_position(in_space, grid).reshape(-1, *grid)


class Painter(nn.Module):
    """Reconstruction with a CNN: hidden pixels get a learned value, a U-Net decoder paints."""

    def __init__(self, encoder: Encoder, *, standardise: bool, floor: float) -> None:
        super().__init__()
        self.standardise, self.floor = standardise, floor
        self.decoder = UNetDecoder(encoder, out_channels=encoder.channels)
        self.mask_value = nn.Parameter(torch.zeros(encoder.channels))

    def forward(self, encoder: Encoder, images: Images, masks: Masks) -> tuple[Features, Scalar]:
        """Return features of the damaged images, and the error on hidden pixels."""
        features, error, hidden = self.compare(encoder, images, masks)
        return features, hidden_mean(error, hidden)

    def compare(
        self, encoder: Encoder, images: Images, masks: Masks
    ) -> tuple[Features, Float[Tensor, "B C ..."], Bool[Tensor, "B 1 ..."]]:
        """Return features of the damaged images, the error of all pixels, and which are hidden."""
        hidden = hidden_pixels(masks, tuple(images.shape[2:]))  # (B, 1, *S)
        value = self.mask_value.to(images.dtype).reshape(1, -1, *[1] * (images.ndim - 2))
        damaged = torch.where(hidden, value, images)
        features = encoder(damaged)
        painted = widen(self.decoder(damaged, features))
        target = self._target(images, masks)
        return features, (painted - target).square(), hidden

    def in_space(self, error: Tensor, size: tuple[int, ...]) -> Float[Tensor, "B ..."]:
        """Average an error of pixels over channels, (B, *S)."""
        return error.mean(dim=1)

    def _target(self, images: Images, masks: Masks) -> Tensor:
        if not self.standardise:
            return widen(images)
        grid = tuple(masks.shape[1:])
        unit = [edge // count for edge, count in zip(images.shape[2:], grid, strict=True)]
        patches = standardise_patches(patchify(widen(images), unit), floor=self.floor)
        return unpatchify(patches, grid, unit)


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
        features, error, hidden = self.compare(encoder, images, masks)
        return features, hidden_mean(error, hidden)

    def compare(
        self, encoder: Encoder, images: Images, masks: Masks
    ) -> tuple[Features, Float[Tensor, "B N"], Bool[Tensor, "B N"]]:
        """Return features of the visible tokens, the error of all, and which are hidden."""
        hidden = hidden_tokens(masks, tuple(images.shape[2:]), self.patch)  # (B, N)
        visible, place = token_order(hidden)
        features = encoder(images, visible)
        assert features.tokens is not None, "a transformer returns tokens"
        predicted = widen(self.decoder(features.tokens, place))  # (B, N, F)
        target = patchify(widen(images), self.patch)
        if self.standardise:
            target = standardise_patches(target, floor=self.floor)
        return features, (predicted - target).square().mean(dim=-1), hidden

    def in_space(self, error: Tensor, size: tuple[int, ...]) -> Float[Tensor, "B ..."]:
        """Arrange an error of tokens on their grid; ``size`` is the image's, in pixels."""
        return error.reshape(-1, *(edge // self.patch for edge in size))
