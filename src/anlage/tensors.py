"""Tensors that travel between rooms: images, views with their geometry, features, losses.

Kept apart from ``types`` because importing it imports torch. Axis letters are in ``types``.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from anlage.errors import ShapeError

__all__ = [
    "Embeddings",
    "Features",
    "Geometry",
    "Images",
    "LabelMaps",
    "Masks",
    "MethodOutput",
    "Scalar",
    "Tokens",
    "Views",
]

Images = Float[Tensor, "B C *S"]
LabelMaps = Int[Tensor, "B *S"]
Masks = Bool[Tensor, "B *G"]  # True = hidden; G is the grid of mask units
Geometry = Float[Tensor, "B d d1"]  # view coordinates in [-1, 1] -> mm in the source crop
Embeddings = Float[Tensor, "B E"]
Tokens = Float[Tensor, "B N E"]
Scalar = Float[Tensor, ""]


@dataclass(frozen=True, kw_only=True)
class Views:
    """Augmented copies of one batch, and everything a method may know about them.

    Attributes:
        images: V views, each (B, C, *S), standardised for the encoder.
        geometry: V affine maps (B, d, d+1) from a view's own coordinates, [-1, 1] per axis in
            array order, to millimetres in the common source crop: what lets a dense method
            find the same anatomy in two views. Flips, rotation and zoom are included.
        masks: V masks (B, *G), True = hidden, or empty where the method asked for none.
        label_maps: V label maps (B, *S), followed through the views, or empty where the batch
            had none. No method looks at them; masks and the audit do.
        sample: Index of each image in its store, (B,).
        patient: Number of each image's patient, (B,); two images of one patient are never
            negatives of each other.
    """

    images: tuple[Images, ...]
    geometry: tuple[Geometry, ...]
    masks: tuple[Masks, ...] = ()
    label_maps: tuple[LabelMaps, ...] = ()
    sample: Int[Tensor, " B"]
    patient: Int[Tensor, " B"]


@dataclass(frozen=True, kw_only=True)
class Features:
    """What an encoder makes of a batch.

    Attributes:
        maps: Feature maps from fine to coarse, each (B, width, *S / stride). Empty where a
            transformer saw only some of its tokens.
        embedding: One vector per image, (B, E).
        tokens: Patch tokens without the class token, (B, N, E), for transformers.
    """

    maps: tuple[Float[Tensor, "B _ *_s"], ...]
    embedding: Embeddings
    tokens: Tokens | None = None


@dataclass(frozen=True, kw_only=True)
class MethodOutput:
    """A loss and the weighted parts it is the sum of, so that a log can never disagree.

    Attributes:
        loss: What is minimised.
        parts: Weighted terms by name; they add up to ``loss``.
        embedding: Encoder embeddings of one view, (B, E), detached, for the health monitor.
    """

    loss: Scalar
    parts: dict[str, Scalar] = field(default_factory=dict)
    embedding: Embeddings | None = None

    @classmethod
    def from_parts(cls, *, embedding: Tensor | None = None, **parts: Tensor) -> MethodOutput:
        """Sum weighted terms into a loss.

        Raises:
            ShapeError: If no part is given.
        """
        if not parts:
            raise ShapeError(
                "MethodOutput.from_parts needs at least one term, got none. Pass each "
                "weighted term by name."
            )
        loss = torch.stack([part.float() for part in parts.values()]).sum()
        kept = None if embedding is None else embedding.detach()
        return cls(loss=loss, parts=parts, embedding=kept)
