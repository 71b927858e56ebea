"""Multiply by a smooth field, as uneven receive coils do in MRI.

Source: Van Leemput et al., IEEE TMI 18(10), 1999: the field is the exponential of a low-order
polynomial of the coordinates.
"""

from __future__ import annotations

import itertools

import torch
from pydantic import Field
from torch import Tensor

from anlage.config import BaseConfig
from anlage.tensors import Images
from anlage.transforms import IntensityTransform, Params
from anlage.transforms.draws import Draws

__all__ = ["BiasField"]


class BiasField(IntensityTransform):
    """exp(polynomial) with coefficients drawn evenly, on coordinates from -1 to 1."""

    class Config(BaseConfig):
        """Largest absolute coefficient, and the polynomial's order."""

        coefficient: float = Field(default=0.3, ge=0, le=2)
        order: int = Field(default=3, ge=1, le=5)

    def __init__(self, config: Config | None = None) -> None:
        self.config = config or self.Config()

    def draw(self, draws: Draws, *, shape: torch.Size) -> Params:
        """Draw one coefficient per monomial, (B, monomials)."""
        count = len(self._monomials(len(shape) - 2))
        limit = self.config.coefficient
        return {"coefficients": draws.uniform("coefficients", count, -limit, limit)}

    def apply(self, images: Images, params: Params) -> Images:
        """Return images * exp(polynomial)."""
        field = self._polynomial(params["coefficients"], images.shape[2:]).exp_()
        return images * field.unsqueeze(1).to(images.dtype)

    def _polynomial(self, coefficients: Tensor, space: torch.Size) -> Tensor:
        """Evaluate sum c_ijk x^i y^j z^k by summing over one power after the other, (B, *S)."""
        dims, num_powers = len(space), self.config.order + 1
        table = coefficients.new_zeros(len(coefficients), num_powers**dims)
        table[:, self._monomials(dims)] = coefficients
        table = table.reshape(-1, *[num_powers] * dims)
        exponents = torch.arange(num_powers, device=table.device)
        for edge in space:  # (B, i, j, k) -> (B, j, k, X) -> (B, k, X, Y) -> (B, X, Y, Z)
            place = torch.linspace(-1, 1, edge, device=table.device)
            table = torch.tensordot(table, place[:, None] ** exponents, dims=([1], [1]))
        return table

    def _monomials(self, dims: int) -> list[int]:
        """Return which monomials, counted with the last axis fastest, have a coefficient."""
        grid = itertools.product(range(self.config.order + 1), repeat=dims)
        return [n for n, powers in enumerate(grid) if 0 < sum(powers) <= self.config.order]
