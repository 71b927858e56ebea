"""Turn a view by a small angle; in 3D about all three axes."""

from __future__ import annotations

from pydantic import Field
from torch import Tensor

from anlage.config import BaseConfig
from anlage.transforms import Params, SpatialTransform
from anlage.transforms._rotation import num_angles, rotation
from anlage.transforms.draws import Draws

__all__ = ["Rotate"]


class Rotate(SpatialTransform):
    """Rotate about the centre of the view, in millimetres, so that nothing is sheared."""

    class Config(BaseConfig):
        """Largest angle in degrees, either way."""

        degrees: float = Field(default=10.0, ge=0, le=180)

    def __init__(self, config: Config | None = None) -> None:
        self.config = config or self.Config()

    def draw(self, draws: Draws, *, dims: int) -> Params:
        """Draw one angle in 2D, three in 3D, in degrees, (B, 1) or (B, 3)."""
        limit = self.config.degrees
        return {"degrees": draws.uniform("degrees", num_angles(dims), -limit, limit)}

    def matrix(self, params: Params, *, dims: int) -> Tensor:
        """Return a rotation matrix, (B, d, d); in 3D the product over the three planes."""
        return rotation(params["degrees"], dims=dims)
