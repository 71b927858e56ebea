"""Cast an acoustic shadow: behind bone, gas or a stone the ultrasound beam is gone.

Source: Smistad et al., J. Med. Imaging 5(4), 2018 (random Gaussian shadows in training nerves
and vessels).
Departure: theirs is a blob; here the shadow starts somewhere and reaches down to the end of the
beam, along scan lines that fan out from above the view.
"""

from __future__ import annotations

import torch
from pydantic import Field, field_validator
from torch import Tensor

from anlage.config import BaseConfig
from anlage.errors import ConfigError
from anlage.tensors import Images
from anlage.transforms import IntensityTransform, Params
from anlage.transforms._places import along, from_middle
from anlage.transforms._shape import per_image
from anlage.transforms.draws import Draws

__all__ = ["Shadow"]


class Shadow(IntensityTransform):
    """Multiply a wedge or column below a place by a factor; black stays black."""

    class Config(BaseConfig):
        """Where the shadow lies, and how dark and wide it is.

        ``darkening`` is the largest share of brightness that is lost; ``width`` the least and
        largest width where it starts, ``start`` the least and largest depth of that place, and
        ``apex`` the least and largest distance of the point above the view from which scan
        lines run, all as shares of the view's edge: a near apex makes wedges, a far one
        columns. ``axis`` is the spatial axis along which depth runs: 0 is down in a picture.
        """

        darkening: float = Field(default=0.8, ge=0, le=1)
        width: tuple[float, float] = (0.05, 0.25)
        start: tuple[float, float] = (0.1, 0.6)
        apex: tuple[float, float] = (0.2, 5.0)
        axis: int = Field(default=0, ge=0, le=2)

        @field_validator("width", "start", "apex")
        @classmethod
        def _in_order(cls, ends: tuple[float, float]) -> tuple[float, float]:
            if not 0 < ends[0] <= ends[1] <= 100:
                raise ValueError("needs the smallest share, then the largest, above 0, up to 100")
            return ends

    def __init__(self, config: Config | None = None) -> None:
        self.config = config or self.Config()

    def draw(self, draws: Draws, *, shape: torch.Size) -> Params:
        """Draw one number per image, (B,), and the place across depth, (B, d - 1)."""
        options, dims = self.config, len(shape) - 2
        if options.axis >= dims:
            raise ConfigError(
                f"shadow axis must be below the number of spatial axes, {dims}, got "
                f"{options.axis}. Use axis=0, which is down in a picture."
            )
        nearness = draws.uniform("apex", 1, 1 / options.apex[1], 1 / options.apex[0])
        return {
            "darkening": draws.uniform("darkening", 1, options.darkening / 2, options.darkening)[
                :, 0
            ],
            "width": draws.uniform("width", 1, *options.width)[:, 0],
            "start": draws.uniform("start", 1, *options.start)[:, 0],
            "apex": 1 / nearness[:, 0],
            "across": draws.uniform("across", dims - 1, -0.4, 0.4),
        }

    def apply(self, images: Images, params: Params) -> Images:
        """Return images * (1 - darkening * shade)."""
        axis = self.config.axis
        start, apex, width, darkening = (
            per_image(params[key], images) for key in ("start", "apex", "width", "darkening")
        )
        depth = along(images, axis) / images.shape[2 + axis]
        behind = ((depth - start) / _ONSET).clamp(0, 1)
        # A scan line is where (place across) / (depth + apex) is constant.
        across = [place for number, place in enumerate(from_middle(images)) if number != axis]
        squared = torch.zeros_like(behind)
        for number, place in enumerate(across):
            share = place / images.shape[2:][number + (number >= axis)]
            off = share / (depth + apex) - per_image(params["across"][:, number], images) / (
                start + apex
            )
            squared = squared + off * off
        half = width / 2 / (start + apex)
        shade = behind * _flat_top(squared / (half * half))
        return images * (1 - darkening * shade).to(images.dtype)


_ONSET = 0.04  # depth over which a shadow sets in, as a share of the view's edge


def _flat_top(squared: Tensor) -> Tensor:
    """Return 1 in the middle and one half at a distance of 1, with soft edges."""
    return torch.exp2(-squared * squared)
