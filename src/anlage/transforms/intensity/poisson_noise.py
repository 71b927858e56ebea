"""Count photons: bright parts are noisier than dark ones, and black stays black.

Source: Giles, "Algorithm 955: approximation of the inverse Poisson cumulative distribution
function", ACM TOMS 42(1), 2016: the series that gives counts from normal numbers, so that drawing
knows nothing of the image.
Departure: where less than 2 photons are expected, the distribution is summed term by term.
"""

from __future__ import annotations

import torch
from pydantic import Field
from torch import Tensor

from anlage.config import BaseConfig
from anlage.tensors import Images
from anlage.transforms import IntensityTransform, Params
from anlage.transforms._shape import per_image, widened
from anlage.transforms.draws import Draws

__all__ = ["PoissonNoise"]

_FEW = 2.0  # photons; below it the asymptotic series is off by one too often
_TERMS = 12  # of the sum; more photons than that come once in ten million where 2 are expected


class PoissonNoise(IntensityTransform):
    """Replace values by photon counts, so many that white has a deviation drawn below ``sigma``.

    White (1) is ``1 / sigma**2`` photons. CT noise is made before the logarithm and the
    reconstruction, so this is for images that count light or photons themselves.
    """

    class Config(BaseConfig):
        """Largest standard deviation where the image is white."""

        sigma: float = Field(default=0.05, ge=0, le=0.5)

    def __init__(self, config: Config | None = None) -> None:
        self.config = config or self.Config()

    def draw(self, draws: Draws, *, shape: torch.Size) -> Params:
        """Draw a deviation at white, (B,), and a standard normal field, (B, C, *S)."""
        return {
            "sigma": draws.uniform("sigma", 1, 0, self.config.sigma)[:, 0],
            "noise": draws.normal_field("noise", tuple(shape[1:])),
        }

    def apply(self, images: Images, params: Params) -> Images:
        """Return counts * sigma**2, where counts follow Poisson(images / sigma**2)."""
        wide = widened(images)
        sigma = per_image(params["sigma"], images).to(wide.dtype)
        per_photon = sigma.clamp_min(1e-4).square()  # beyond 1e8 photons there is no noise to see
        counts = _counts(wide.clamp_min(0) / per_photon, params["noise"].to(wide.dtype))
        return torch.where(sigma > 0, counts * per_photon, wide).to(images.dtype)


def _counts(expected: Tensor, normal: Tensor) -> Tensor:
    """Return the Poisson quantiles of normal numbers."""
    few, many = _few(expected.clamp_max(_FEW), normal), _many(expected, normal)
    return torch.where(expected < _FEW, few, many)


def _few(expected: Tensor, normal: Tensor) -> Tensor:
    """Count the values of the cumulative distribution that lie below the wanted one."""
    wanted = torch.special.ndtr(normal)
    term = torch.exp(-expected)
    reached = term.clone()
    counts: Tensor = (wanted > reached).to(expected.dtype)
    for number in range(1, _TERMS):
        term = term * expected / number
        reached = reached + term
        counts += wanted > reached
    return counts


def _many(expected: Tensor, normal: Tensor) -> Tensor:
    expected = expected.clamp_min(_FEW)
    root, square = expected.sqrt(), normal.square()
    series = expected + root * normal + (1 / 3 + square / 6)
    series = series - normal * (1 / 36 + square / 72) / root
    series = series + (-8 / 405 + square * (7 / 810 + square / 270)) / expected
    counts: Tensor = series.floor().clamp_min(0)
    return counts
