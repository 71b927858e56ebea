"""Turn the depth sliders of an ultrasound machine: time-gain compensation.

Source: Szabo, "Diagnostic Ultrasound Imaging: Inside Out", 2nd ed., 2014: echoes from deeper
down are amplified more, by sliders in decibels, and shown on a logarithmic grey scale, so that a
gain is added to what is displayed.
Departure: below a tenth of the grey scale the gain fades out, so that black outside the beam
stays exactly black and echo-free fluid stays dark.
"""

from __future__ import annotations

import torch
from pydantic import Field
from torch.nn import functional as F

from anlage.config import BaseConfig
from anlage.errors import ConfigError
from anlage.tensors import Images
from anlage.transforms import IntensityTransform, Params
from anlage.transforms.draws import Draws

__all__ = ["DepthGain"]

_FULL_FROM = 0.1  # grey value from which on the whole gain counts


class DepthGain(IntensityTransform):
    """Add a gain that changes smoothly with depth and is the same along every other axis."""

    class Config(BaseConfig):
        """The sliders, the display, and where depth runs.

        ``gain_db`` is the largest gain of a slider either way; ``sliders`` their number, from
        the first to the last pixel of depth; ``range_db`` what the grey scale spans; ``axis``
        the spatial axis along which depth runs: 0 is down in a picture.
        """

        gain_db: float = Field(default=8.0, ge=0, le=60)
        sliders: int = Field(default=4, ge=2, le=16)
        range_db: float = Field(default=60.0, ge=20, le=120)
        axis: int = Field(default=0, ge=0, le=2)

    def __init__(self, config: Config | None = None) -> None:
        self.config = config or self.Config()

    def draw(self, draws: Draws, *, shape: torch.Size) -> Params:
        """Draw the gain of every slider in decibels, (B, sliders)."""
        if self.config.axis >= len(shape) - 2:
            raise ConfigError(
                f"depth_gain axis must be below the number of spatial axes, {len(shape) - 2}, got "
                f"{self.config.axis}. Use axis=0, which is down in a picture."
            )
        limit = self.config.gain_db
        return {"gain_db": draws.uniform("gain_db", self.config.sliders, -limit, limit)}

    def apply(self, images: Images, params: Params) -> Images:
        """Return images + gain / range, less where images are nearly black."""
        axis = 2 + self.config.axis
        edge = images.shape[axis]
        gain = F.interpolate(
            params["gain_db"][:, None], size=edge, mode="linear", align_corners=True
        )
        shape = [len(images)] + [1] * (images.ndim - 1)
        shape[axis] = edge
        shift = (gain / self.config.range_db).reshape(shape).to(images.dtype)
        return images + shift * (images / _FULL_FROM).clamp(0, 1)
