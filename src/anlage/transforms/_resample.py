"""Look at a source crop through one map: one interpolation for all changes of geometry.

Coordinates run from -1 to 1 over the extent of an image, from edge to edge, so the middle of
pixel i of n lies at (2 i + 1) / n - 1 whatever the resolution.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from anlage.tensors import Geometry, Images, LabelMaps

__all__ = ["displaced", "lighten", "sampled", "sampled_labels", "sampling_grid"]


def lighten(images: Images, size: tuple[int, ...], kept: float) -> Images:
    """Average-pool the axes that every view shrinks to half or less: no aliasing, less work.

    A view that keeps more than the least share is shrunk further, by interpolation alone.

    Args:
        images: Source crops, (B, C, *S).
        size: Edges of a view.
        kept: Least share of an edge that a view keeps.

    Returns:
        Images of the same extent in millimetres, each edge divided by a whole number.
    """
    smaller = tuple(
        edge // max(1, int(edge * kept / wanted))
        for edge, wanted in zip(images.shape[2:], size, strict=True)
    )
    if smaller == tuple(images.shape[2:]):
        return images
    return F.interpolate(images, size=smaller, mode="area")


def sampling_grid(to_source: Geometry, size: tuple[int, ...]) -> Float[Tensor, "B *S d"]:
    """Return where each pixel of a view lies in its source, in torch's order: last axis first.

    Args:
        to_source: Maps from view to source coordinates, both from -1 to 1 in array order.
        size: Edges of the view.
    """
    dims = len(size)
    columns = to_source.flip(1).unbind(dim=2)  # one per axis of the view, then the shift
    parts = []
    for axis, edge in enumerate(size):
        place = torch.arange(1 - edge, edge, 2, device=to_source.device, dtype=to_source.dtype)
        part = (place / edge)[:, None] * columns[axis][:, None, :]  # (B, edge, d)
        parts.append(part.reshape(-1, *[edge if n == axis else 1 for n in range(dims)], dims))
    inner = sum(parts[1:], columns[dims].reshape(-1, *[1] * dims, dims))
    # Written out along the last axis, so that the sum over all pixels runs through memory.
    outer = parts[0].expand(*[-1] * dims, size[-1], -1).contiguous()
    return inner + outer


def displaced(
    grid: Float[Tensor, "B *S d"], displacement: Float[Tensor, "B d *R"]
) -> Float[Tensor, "B *S d"]:
    """Move the places of a grid by a displacement, which is interpolated linearly.

    Args:
        grid: Places in a source crop, last axis first, as `sampling_grid` gives them.
        displacement: Displacements in half edges of that crop, axes in array order, at the
            middles of R equal parts of each edge; beyond the outermost middles they stay.
    """
    moves = F.grid_sample(
        displacement, grid, mode="bilinear", padding_mode="border", align_corners=False
    )
    return grid + moves.flip(1).movedim(1, -1)


def sampled(images: Images, grid: Tensor) -> Images:
    """Interpolate linearly; outside the source its border is repeated."""
    return F.grid_sample(images, grid, mode="bilinear", padding_mode="border", align_corners=False)


def sampled_labels(label_maps: LabelMaps, grid: Tensor) -> LabelMaps:
    """Take the nearest label; outside the source it is 0."""
    nearest = F.grid_sample(
        label_maps.unsqueeze(1).float(),
        grid,
        mode="nearest",
        padding_mode="zeros",
        align_corners=False,
    )
    return nearest.squeeze(1).to(label_maps.dtype)
