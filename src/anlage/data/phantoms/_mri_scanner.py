"""What an MRI scanner adds: bias field, blur along one axis, Rician noise and contrast curve.

Each site has its own signature; around it, every scan varies a little.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from anlage.data.phantoms._fields import UNIT_VARIANCE, evaluate, lattice
from anlage.data.phantoms._mri_head import FOV_MM, Grid
from anlage.data.phantoms._plan import generator

__all__ = ["Scanner", "draw_scanner"]

Array = npt.NDArray[np.float32]

_BIAS_MM = 96.0  # knot spacing
_FWHM_TO_SIGMA = 1 / 2.3548

# Of every scanner; then what a site of strength 1 can add.
_NOISE, _SITE_NOISE = 0.012, 0.05  # of the intensity range
_BIAS, _SITE_BIAS = 0.04, 0.2  # standard deviation of the log field
_SITE_FWHM_MM = 6.0
_LOG_GAMMA, _SITE_LOG_GAMMA = 0.04, 0.35


@dataclass(frozen=True, kw_only=True)
class Scanner:
    """How one scan is acquired.

    Attributes:
        bias: (K, K, K) coefficients of the log bias field.
        fwhm_mm: Width of the blur.
        blur_axis: Axis of the blur.
        noise: Standard deviation of the noise in each of the two channels.
        gamma: Exponent of the contrast curve.
    """

    bias: Array
    fwhm_mm: float
    blur_axis: int
    noise: float
    gamma: float

    def acquire(self, t1: Array, grid: Grid, rng: np.random.Generator) -> Array:
        """Scan a head.

        Args:
            t1: True intensities, (X, Y, Z).
            grid: Where they are.
            rng: Draws the noise.

        Returns:
            Intensities within [0, 1], (X, Y, Z).
        """
        signal = t1 * np.exp(evaluate(self.bias, grid.axes_mm, _BIAS_MM))
        if self.fwhm_mm > 0:
            sigma = self.fwhm_mm * _FWHM_TO_SIGMA / grid.pixel_mm
            signal = ndimage.gaussian_filter1d(signal, sigma, axis=self.blur_axis)
        real, imaginary = rng.standard_normal((2, *t1.shape), np.float32) * np.float32(self.noise)
        magnitude = np.hypot(signal + real, imaginary)
        acquired: Array = np.clip(magnitude, 0, 1) ** np.float32(self.gamma)
        return acquired


def draw_scanner(
    rng: np.random.Generator, *, seed: int, site: int, site_strength: float, dims: int
) -> Scanner:
    """Draw one scan's acquisition: the site's signature, and a little of its own.

    Args:
        rng: Draws what is this scan's own.
        seed: The cohort's seed.
        site: Number of the site.
        site_strength: How much of the site's signature shows, 0 to 1.
        dims: The blur runs along one of this many axes.
    """
    site_rng = generator(seed, "mri site", site)
    noise, fwhm_mm = site_rng.uniform(0, 1, 2)
    log_gamma = site_rng.uniform(-1, 1)
    shape = lattice(FOV_MM, _BIAS_MM)
    site_bias = site_rng.standard_normal(shape, np.float32)
    own_bias = rng.standard_normal(shape, np.float32)
    bias = _BIAS * own_bias + _SITE_BIAS * site_strength * site_bias
    return Scanner(
        bias=(UNIT_VARIANCE * bias).astype(np.float32),
        fwhm_mm=_SITE_FWHM_MM * site_strength * fwhm_mm,
        blur_axis=int(site_rng.integers(dims)),
        noise=_NOISE * rng.uniform(0.8, 1.25) + _SITE_NOISE * site_strength * noise,
        gamma=np.exp(_LOG_GAMMA * rng.normal() + _SITE_LOG_GAMMA * site_strength * log_gamma),
    )
