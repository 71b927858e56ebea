"""Mirror a view along one anatomical axis. Whether that is allowed is the policy's to say."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from anlage.config import BaseConfig
from anlage.errors import ConfigError
from anlage.transforms import Params, SpatialTransform
from anlage.transforms.draws import Draws

__all__ = ["Flip"]

_ARRAY_AXIS = {2: {"lr": 1, "ud": 0}, 3: {"lr": 0, "ap": 1, "ud": 2}}


class Flip(SpatialTransform):
    """Reverse left-right (lr), up-down (ud) or, in 3D, front-back (ap)."""

    class Config(BaseConfig):
        """The axis to reverse."""

        axis: Literal["lr", "ud", "ap"] = "lr"

    def __init__(self, config: Config | None = None) -> None:
        self.config = config or self.Config()

    def draw(self, draws: Draws, *, dims: int) -> Params:
        """Nothing is drawn: whether an image is flipped is the plan's probability."""
        if self.config.axis not in _ARRAY_AXIS[dims]:
            raise ConfigError(
                f"flip axis must be one of {', '.join(_ARRAY_AXIS[dims])} in {dims}D, got "
                f"{self.config.axis}. Choose another axis."
            )
        return {"sign": torch.full((len(draws.sample),), -1.0, device=draws.device)}

    def matrix(self, params: Params, *, dims: int) -> Tensor:
        """Return a diagonal matrix with -1 at the flipped axis, (B, d, d)."""
        sign = params["sign"]
        diagonal = torch.ones(len(sign), dims, device=sign.device)
        diagonal[:, _ARRAY_AXIS[dims][self.config.axis]] = sign
        return torch.diag_embed(diagonal)
