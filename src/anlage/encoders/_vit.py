"""Vision transformers in 2D and 3D over timm's VisionTransformer, with visible tokens only.

Source: Dosovitskiy et al., ICLR 2021, arXiv:2010.11929, as timm.models.vision_transformer;
dropping hidden tokens as in He et al., CVPR 2022, arXiv:2111.06377.
Departures: in 3D the patch embedding is a 3D convolution and the position embedding is fixed
sines and cosines. The embedding is by default the mean of the patch tokens after the last
norm, because the class token of masked pretraining is not trained by any loss of its own.

Token order is array order, the last axis fastest, in the patch embedding, the position
embedding and the maps alike.
"""

from __future__ import annotations

import math
from typing import ClassVar, Literal, NamedTuple

import torch
from jaxtyping import Int
from timm.models.vision_transformer import VisionTransformer
from torch import Tensor, nn

from anlage.config import BaseConfig
from anlage.encoders._encoder import Encoder
from anlage.encoders._positions import resize_positions, sincos_positions
from anlage.errors import ConfigError, ShapeError
from anlage.tensors import Features, Images

__all__ = ["ViTConfig", "ViTDesign", "ViTEncoder"]

_MAPS = 4


class ViTConfig(BaseConfig):
    """Settings of a vision transformer.

    Attributes:
        patch: Edge of a patch in pixels. None: 8 if the shortest image edge is at most 96,
            else 16.
        pool: What the embedding is: the ``mean`` of the (visible) patch tokens, or the
            ``class`` token.
    """

    patch: Literal[2, 4, 8, 16, 32] | None = None
    pool: Literal["mean", "class"] = "mean"


class ViTDesign(NamedTuple):
    """Size of a vision transformer: width E, number of blocks, attention heads."""

    width: int
    depth: int
    heads: int


class ViTEncoder(Encoder):
    """A vision transformer; plug-ins give its ``design``.

    Image edges must be multiples of the patch. Without ``visible`` it gives four maps, taken
    after 1/4, 2/4, 3/4 and 4/4 of the blocks, all of one stride; only the last is normed.
    """

    Config = ViTConfig
    design: ClassVar[ViTDesign]
    body: VisionTransformer

    def __init__(
        self, *, dims: int, channels: int, image_size: tuple[int, ...], config: ViTConfig
    ) -> None:
        patch = config.patch or (8 if min(image_size) <= 96 else 16)
        if any(edge % patch for edge in image_size):
            raise ConfigError(
                f"image_size must be a multiple of the patch {patch} on every axis, got "
                f"{image_size}. Change image_size, or set the encoder's option patch."
            )
        width, depth, heads = self.design
        super().__init__(
            dims=dims,
            channels=channels,
            image_size=image_size,
            config=config.model_copy(update={"patch": patch}),
            widths=(width,) * _MAPS,
            strides=(patch,) * _MAPS,
            patch=patch,
        )
        self.pool = config.pool
        self.grid = tuple(edge // patch for edge in image_size)
        self.body = VisionTransformer(
            img_size=image_size,
            patch_size=patch,
            in_chans=channels,
            num_classes=0,
            embed_dim=width,
            depth=depth,
            num_heads=heads,
            embed_layer=_PatchEmbed,
        )
        if dims == 3:
            del self.body.pos_embed
            self.body.register_buffer("pos_embed", sincos_positions(self.grid, width))
        self.register_buffer("pos_grid", torch.tensor(self.grid))  # says what pos_embed is for

    def forward(self, images: Images, visible: Int[Tensor, "B N"] | None = None) -> Features:
        """Encode a batch, or only its visible tokens.

        Args:
            images: (B, C, *S), every edge a multiple of the patch.
            visible: Indices of the only tokens to encode, (B, N), in array order. The tokens
                come back in the order of ``visible``, and maps are empty.

        Raises:
            ShapeError: If dims, channels or edges do not match, or ``visible`` is not (B, N).
        """
        grid = self._grid_of(images)
        positions = resize_positions(self.body.pos_embed, self.grid, grid)  # (1, 1 + N, E)
        tokens = self.body.patch_embed(images) + positions[:, 1:]
        if visible is not None:
            tokens = _keep(tokens, visible)
        first = (self.body.cls_token + positions[:, :1]).expand(len(tokens), -1, -1)
        depths = self._blocks(torch.cat((first, tokens), dim=1))
        last = self.body.norm(depths[-1])
        tokens = last[:, 1:]
        embedding = last[:, 0] if self.pool == "class" else tokens.mean(dim=1)
        if visible is not None:
            return Features(maps=(), embedding=embedding, tokens=tokens)
        maps = [part[:, 1:] for part in (*depths[:-1], last)]
        return Features(
            maps=tuple(part.transpose(1, 2).unflatten(2, grid) for part in maps),
            embedding=embedding,
            tokens=tokens,
        )

    def _blocks(self, tokens: Tensor) -> list[Tensor]:
        """Return the tokens after each quarter of the blocks."""
        quarter = self.design.depth // _MAPS
        depths = []
        for number, block in enumerate(self.body.blocks, start=1):
            tokens = block(tokens)
            if number % quarter == 0:
                depths.append(tokens)
        return depths

    def _grid_of(self, images: Tensor) -> tuple[int, ...]:
        self.check_images(images)
        assert self.patch is not None
        edges = tuple(images.shape[2:])
        if any(edge % self.patch for edge in edges):
            raise ShapeError(
                f"{self.architecture} takes images whose edges are multiples of its patch "
                f"{self.patch}, got edges {edges}. Crop or resize them."
            )
        return tuple(edge // self.patch for edge in edges)


class _PatchEmbed(nn.Module):
    """One convolution from pixels to tokens, (B, C, *S) -> (B, N, E), in any dimension."""

    def __init__(
        self,
        *,
        img_size: tuple[int, ...],
        patch_size: int,
        in_chans: int,
        embed_dim: int,
        **_unused: object,
    ) -> None:
        super().__init__()
        convolution = nn.Conv2d if len(img_size) == 2 else nn.Conv3d
        self.num_patches = math.prod(edge // patch_size for edge in img_size)
        self.proj = convolution(in_chans, embed_dim, kernel_size=patch_size, stride=patch_size)

    def forward(self, images: Tensor) -> Tensor:
        tokens: Tensor = self.proj(images).flatten(2).transpose(1, 2)
        return tokens


def _keep(tokens: Tensor, visible: Tensor) -> Tensor:
    """Return the tokens at the given indices, (B, N, E) and (B, n) -> (B, n, E)."""
    if visible.ndim != 2 or len(visible) != len(tokens) or visible.shape[1] == 0:
        raise ShapeError(
            f"visible must hold token indices of shape ({len(tokens)}, n) with n >= 1, got "
            f"{tuple(visible.shape)}. Draw the same number of visible tokens for every image."
        )
    return tokens.gather(1, visible[:, :, None].expand(-1, -1, tokens.shape[2]))
