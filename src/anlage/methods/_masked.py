"""What masked methods share: masks as pixels and tokens, patches, and an error on hidden parts.

One order everywhere: tokens, patches and pixels run in array order with the last axis fastest,
the order in which the encoders flatten their maps. A transposed loss mask is the best-known
fault of public masked autoencoders, so the tests use position-coded, non-cubic images.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from einops import rearrange
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from anlage.errors import ShapeError
from anlage.tensors import Images, Masks, Scalar

__all__ = [
    "as_deployed",
    "hidden_mean",
    "hidden_pixels",
    "hidden_tokens",
    "patchify",
    "standardise_patches",
    "token_order",
    "unpatchify",
]

_PATCH = {
    2: "b c (h p) (w q) -> b (h w) (c p q)",
    3: "b c (x p) (y q) (z r) -> b (x y z) (c p q r)",
}
_IMAGE = {
    2: "b (h w) (c p q) -> b c (h p) (w q)",
    3: "b (x y z) (c p q r) -> b c (x p) (y q) (z r)",
}


def hidden_pixels(masks: Masks, size: tuple[int, ...]) -> Bool[Tensor, "B 1 *S"]:
    """Enlarge masks of units to masks of pixels.

    Args:
        masks: (B, *G), True = hidden.
        size: Edge lengths in pixels; each a multiple of its edge of G.

    Raises:
        ShapeError: If a unit would not be a whole number of pixels.
    """
    pixels = masks
    for axis, edge in enumerate(size, start=1):
        if edge % masks.shape[axis]:
            raise ShapeError(
                f"a mask of {tuple(masks.shape[1:])} units must divide a view of {size} pixels. "
                "Choose a mask unit that divides every edge."
            )
        pixels = pixels.repeat_interleave(edge // masks.shape[axis], dim=axis)
    return pixels.unsqueeze(1)


def hidden_tokens(masks: Masks, size: tuple[int, ...], patch: int) -> Bool[Tensor, "B N"]:
    """Turn masks of units into masks of tokens; a unit holds whole tokens."""
    tokens = hidden_pixels(masks, tuple(edge // patch for edge in size))
    return tokens.flatten(1)


def token_order(hidden: Bool[Tensor, "B N"]) -> tuple[Int[Tensor, "B M"], Int[Tensor, "B N"]]:
    """Return the visible tokens' indices, and where each token lies once visible ones go first.

    Returns:
        Indices of visible tokens in ascending order, (B, M); and for every token its place in
        the list (visible, hidden), (B, N).

    Raises:
        ShapeError: If images hide different numbers of tokens.
    """
    counts = (~hidden).sum(dim=1)
    if int(counts.min()) != int(counts.max()):
        raise ShapeError(
            "every image of a batch must hide the same number of tokens, got between "
            f"{hidden.shape[1] - int(counts.max())} and {hidden.shape[1] - int(counts.min())}. "
            "Use a mask generator that hides an exact number."
        )
    order = hidden.int().argsort(dim=1, stable=True)
    return order[:, : int(counts[0])], order.argsort(dim=1)


def patchify(images: Images, patch: int | Sequence[int]) -> Float[Tensor, "B N F"]:
    """Cut images into patches, one row of C * patch values each, in token order.

    Args:
        images: (B, C, *S).
        patch: Edge of a patch: one for all axes, or one per axis.
    """
    dims = images.ndim - 2
    return rearrange(images, _PATCH[dims], **_edges(patch, dims))


def unpatchify(
    patches: Float[Tensor, "B N F"], grid: tuple[int, ...], patch: int | Sequence[int]
) -> Images:
    """Undo :func:`patchify`; ``grid`` is the number of patches per axis."""
    dims = len(grid)
    names = dict(zip("hw" if dims == 2 else "xyz", grid, strict=True))
    return rearrange(patches, _IMAGE[dims], **_edges(patch, dims), **names)


def _edges(patch: int | Sequence[int], dims: int) -> dict[str, int]:
    edges = [patch] * dims if isinstance(patch, int) else patch
    return dict(zip("pqr"[:dims], edges, strict=True))


def standardise_patches(patches: Float[Tensor, "B N F"], *, floor: float) -> Float[Tensor, "B N F"]:
    """Give each patch mean 0 and deviation 1, but never blow noise in flat air up to signal.

    Args:
        patches: Pixel values per patch.
        floor: Added to the variance, in squared units of the standardised image. Flat patches
            then have targets near zero instead of amplified noise.
    """
    mean = patches.mean(dim=-1, keepdim=True)
    variance = patches.var(dim=-1, keepdim=True, unbiased=False)
    return (patches - mean) / (variance + floor).sqrt()


def hidden_mean(error: Float[Tensor, "B ..."], hidden: Bool[Tensor, "B ..."]) -> Scalar:
    """Average an error over hidden positions only: its scale does not depend on the ratio."""
    weight = hidden.expand_as(error).to(error.dtype)
    return (error * weight).sum() / weight.sum().clamp_min(1)


@contextmanager
def as_deployed(*modules: nn.Module) -> Iterator[None]:
    """Let networks work for a while as after training: one image does not depend on others.

    Norms use what they have averaged so far and average nothing in, and nothing is dropped.
    """
    parts = [part for module in modules for part in module.modules()]
    was = [part.training for part in parts]
    try:
        for part in parts:
            part.training = False
        yield
    finally:
        for part, training in zip(parts, was, strict=True):
            part.training = training
