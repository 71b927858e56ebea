"""Give a tile of a stained slide the colours of a reference slide; nothing is random.

Source: Macenko et al., ISBI 2009 (reference and constants of the authors' code: stain vectors
and largest amounts for transmitted light 240, density threshold 0.15, 1st and 99th percentile);
Reinhard et al., IEEE Comput. Graph. Appl. 21(5), 2001, in their l-alpha-beta space.
Departure: a tile with too little tissue stays as it is, and so, for Macenko, one with one dye.
"""

from __future__ import annotations

from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor

from anlage.config import BaseConfig
from anlage.tensors import Images
from anlage.transforms import IntensityTransform, Params
from anlage.transforms.draws import Draws

__all__ = ["StainNormalize"]

_LIGHT = 240.0  # of 255 that pass where nothing is
# Columns: haematoxylin, eosin.
_REFERENCE = torch.tensor(
    [[0.5626, 0.2159], [0.7201, 0.8012], [0.4062, 0.5581]], dtype=torch.float64
)
_REFERENCE_AMOUNTS = torch.tensor([1.9705, 1.0308], dtype=torch.float64)

_TO_LMS = torch.tensor(
    [[0.3811, 0.5783, 0.0402], [0.1967, 0.7244, 0.0782], [0.0241, 0.1288, 0.8444]],
    dtype=torch.float64,
)
_TO_OPPONENT = torch.diag(torch.tensor([3.0, 6.0, 2.0], dtype=torch.float64).rsqrt()) @ (
    torch.tensor([[1.0, 1.0, 1.0], [1.0, 1.0, -2.0], [1.0, -1.0, 0.0]], dtype=torch.float64)
)
_Triple = tuple[float, float, float]


class StainNormalize(IntensityTransform):
    """Match stain vectors and amounts (macenko), or mean and deviation of colour (reinhard)."""

    channels: ClassVar[int | None] = 3

    class Config(BaseConfig):
        """Which of the two; what is tissue; what Macenko leaves out; what Reinhard aims at.

        ``density`` is the least optical density of tissue in every channel, ``percentile`` how
        many percent are left out at either end, ``tissue`` the least share of tissue. The
        targets are mean and deviation of l, alpha and beta (natural logarithms of 8-bit values)
        of the breast cancer slide TCGA-A2-A3XS, published with Amgad et al., Bioinformatics
        35(18), 2019.
        """

        kind: Literal["macenko", "reinhard"] = "macenko"
        density: float = Field(default=0.15, ge=0, le=1)
        percentile: float = Field(default=1.0, ge=0, lt=50)
        tissue: float = Field(default=0.05, ge=0, le=1)
        target_mean: _Triple = (8.74108109, -0.12440419, 0.0444982)
        target_deviation: _Triple = (0.6135447, 0.10989545, 0.0286032)

    def __init__(self, config: Config | None = None) -> None:
        self.config = config or self.Config()

    def draw(self, draws: Draws, *, shape: torch.Size) -> Params:
        """Nothing is drawn."""
        return {"unused": torch.zeros(shape[0], device=draws.device)}

    def apply(self, images: Images, params: Params) -> Images:
        """Return the images in the reference's colours; other channel counts pass through."""
        if images.shape[1] != 3:
            return images
        colours = images.double().flatten(2)  # (B, 3, N)
        density = -((colours * 255 + 1) / _LIGHT).log()
        is_tissue = (density >= self.config.density).all(dim=1)  # (B, N)
        if self.config.kind == "macenko":
            changed = self._macenko(colours, density, is_tissue)
        else:
            changed = self._reinhard(colours)
        is_enough = is_tissue.double().mean(dim=1) >= self.config.tissue
        changed = torch.where(is_enough[:, None, None], changed, colours)
        return changed.reshape(images.shape).to(images.dtype)

    def _macenko(self, colours: Tensor, density: Tensor, is_tissue: Tensor) -> Tensor:
        reference = _REFERENCE.to(colours.device)
        stains = _stain_vectors(density, is_tissue, self.config.percentile / 100)
        overlap = (stains[:, :, 0] * stains[:, :, 1]).sum(dim=1)
        is_usable = (overlap < 1 - 1e-6)[:, None, None]  # False where it is not a number
        stains = torch.where(is_usable, stains, reference)
        amounts = torch.linalg.solve(stains.mT @ stains, stains.mT @ density)  # (B, 2, N)
        everywhere = torch.ones_like(is_tissue)
        largest = _quantiles(amounts, everywhere, (0.99,))[:, :, 0]
        is_usable &= (largest > 0).all(dim=1)[:, None, None]
        ratio = _REFERENCE_AMOUNTS.to(colours.device) / largest
        changed: Tensor = (reference @ (amounts * ratio[:, :, None])).neg().exp() * (_LIGHT / 255)
        return torch.where(is_usable, changed, colours)

    def _reinhard(self, colours: Tensor) -> Tensor:
        to_lms, to_opponent = (part.to(colours.device) for part in (_TO_LMS, _TO_OPPONENT))
        cones = to_lms @ (colours * 255).clamp_min(1)
        opponent = to_opponent @ cones.log()
        deviation, mean = torch.std_mean(opponent, dim=2, correction=0, keepdim=True)
        target_mean, target_deviation = (
            torch.tensor(target, dtype=colours.dtype, device=colours.device)[:, None]
            for target in (self.config.target_mean, self.config.target_deviation)
        )
        scaled = (opponent - mean) / deviation.clamp_min(1e-6) * target_deviation + target_mean
        cones = torch.linalg.solve(to_opponent, scaled).exp()
        changed: Tensor = torch.linalg.solve(to_lms, cones) / 255
        return changed


def _stain_vectors(density: Tensor, is_tissue: Tensor, share: float) -> Tensor:
    """Return unit vectors of haematoxylin and eosin per image, (B, 3, 2).

    They are the extreme directions of tissue in the plane of most variance.
    """
    count = is_tissue.sum(dim=1)
    weight = is_tissue[:, None].double()
    mean = (density * weight).sum(dim=2, keepdim=True) / count.clamp_min(1)[:, None, None]
    centred = (density - mean) * weight
    covariance = centred @ centred.mT / (count - 1).clamp_min(1)[:, None, None]
    plane = torch.linalg.eigh(covariance).eigenvectors[:, :, 1:]  # second, then first
    second, first = (plane.mT @ density).unbind(dim=1)  # (B, N)
    angle = torch.atan2(first, second)  # about a right angle either way, so it never wraps
    found = _quantiles(angle[:, None], is_tissue, (share, 1 - share))[:, 0]  # (B, 2)
    vectors: Tensor = plane @ torch.stack((found.cos(), found.sin()), dim=1)
    order = vectors[:, 0].argsort(dim=1, descending=True)  # haematoxylin absorbs more red
    return vectors.gather(2, order[:, None].expand(-1, 3, -1))


def _quantiles(values: Tensor, counts: Tensor, shares: tuple[float, ...]) -> Tensor:
    """Return quantiles over what counts, as numpy does, (B, K, N) -> (B, K, shares)."""
    ordered = values.masked_fill(~counts[:, None], torch.inf).sort(dim=2).values
    last = (counts.sum(dim=1) - 1).clamp_min(0)  # (B,)
    place = last[:, None, None] * torch.tensor(shares, dtype=values.dtype, device=values.device)
    place = place.expand(-1, values.shape[1], -1)
    below = place.floor()
    low, high = ordered.gather(2, below.long()), ordered.gather(2, place.ceil().long())
    return low + (high - low) * (place - below)
